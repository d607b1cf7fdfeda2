"""What an account does over one connection: send with our own random_id, edit, take back, fetch, list."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from telethon import functions, types, utils

from vipcast.messengers._telegram import fetching, peers
from vipcast.messengers._telegram.media import Uploads
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AddressInvalid, Message, Rejected, SendError, Sent, Span
from vipcast.messengers.base_chats import Chat

OWN_IDS = 1000  # how many own messages are remembered

_ENTITIES = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strike": types.MessageEntityStrike,
    "code": types.MessageEntityCode,
    "quote": types.MessageEntityBlockquote,
}
# What was resolved long ago, or by another login, is worth nothing any more.
_STALE = frozenset({"PEER_ID_INVALID", "CHANNEL_INVALID"})
# The message that this one answers is gone. Both spellings stand in Telegram's list of errors.
_REPLY_GONE = frozenset({"REPLY_MESSAGE_ID_INVALID", "MSG_ID_INVALID", "MESSAGE_ID_INVALID"})
# Not the content is at fault, but the right to write in this group.
_SHUT = frozenset(
    {"CHAT_WRITE_FORBIDDEN", "CHAT_RESTRICTED", "CHAT_ADMIN_REQUIRED", "CHAT_GUEST_SEND_FORBIDDEN"}
)
# Telegram's own rule: people edit for 48 hours. A deletion for both sides it allows at any age.
_NOT_EDITED = {
    "MESSAGE_EDIT_TIME_EXPIRED": "Telegram lets a message be edited for 48 hours only",
    "MESSAGE_ID_INVALID": "the message is not there any more",
    "MESSAGE_AUTHOR_REQUIRED": "the message is not this login's",
}


class Actions:
    """Use from one event loop; the connection is `wire`'s."""

    def __init__(self, wire: Wire, sent: deque[tuple[int, int]] | None = None) -> None:
        """`sent` is what went out before over other connections of the same account."""
        self.wire = wire
        self._resolver = peers.Resolver(wire)
        self._uploads = Uploads(wire)
        self._sent = deque(maxlen=OWN_IDS) if sent is None else sent

    def has_sent(self, channel_id: int, message_id: int) -> bool:
        """Return whether a message is one of the last that went out here; `channel_id` 0 for no megagroup."""
        return (channel_id, message_id) in self._sent

    async def chats(self) -> list[Chat]:
        await self.wire.connect()
        return [peers.as_chat(one) for one in await peers.groups(self.wire)]

    async def fetch(self, ref: str, path: Path) -> None:
        await self.wire.connect()
        await fetching.fetch(self.wire, ref, path)

    async def send(self, address: str, peer: str, message: Message, key: int) -> Sent:
        """Send with `key` as random_id: repeated, the server answers with the first message."""
        await self.wire.connect()
        known = peers.from_text(peer) if peer else await self._resolver.resolve(address)
        try:
            result = await self._request(known, message, key)
        except AddressInvalid as error:
            if not peer or error.remote_code not in _STALE:
                raise
            known = await self._resolver.resolve(address)  # surely not accepted, so ask anew
            result = await self._request(known, message, key)
        numbers = list(_numbers(result))
        channel_id = getattr(known, "channel_id", 0)
        self._sent.extend((channel_id, number) for number in numbers)
        resolved = peers.as_text(known)
        return Sent(str(numbers[0]) if numbers else "", _date(result), "" if resolved == peer else resolved)

    async def take_back(self, address: str, peer: str, remote_id: str, parts: int) -> None:
        """Delete `parts` messages from this one on, for both sides; what is gone is no error.

        Outside megagroups a deletion names numbers and no chat: with another login in the account's place it
        would hit anybody's messages. So it is looked first what stands under the numbers.
        """
        await self.wire.connect()
        numbers = _range(remote_id, parts)
        known = peers.from_text(peer) if peer else await self._resolver.resolve(address)
        if isinstance(known, types.InputPeerChannel):
            request: Any = functions.channels.DeleteMessagesRequest(known, numbers)
        elif theirs := await self._own(known, numbers):
            request = functions.messages.DeleteMessagesRequest(theirs, revoke=True)
        else:
            return
        try:
            await self.wire.call(request)
        except Rejected as error:
            if error.remote_code != "MESSAGE_ID_INVALID":  # gone since we looked
                raise

    async def edit(self, address: str, peer: str, remote_id: str, message: Message) -> None:
        """Give a message another text, or caption: an album's stands below its first picture."""
        await self.wire.connect()
        (number,) = _range(remote_id, 1)
        known = peers.from_text(peer) if peer else await self._resolver.resolve(address)
        try:
            await self._rewrite(known, number, message)
        except AddressInvalid as error:
            if not peer or error.remote_code not in _STALE:
                raise
            await self._rewrite(await self._resolver.resolve(address), number, message)

    async def _rewrite(self, peer: Any, number: int, message: Message) -> None:
        spans = [_entity(span) for span in message.spans]  # an empty list takes the old formatting away
        try:
            await self.wire.call(
                functions.messages.EditMessageRequest(peer, number, message=message.text, entities=spans)
            )
        except Rejected as error:
            if error.remote_code == "MESSAGE_NOT_MODIFIED":
                return
            words = _NOT_EDITED.get(error.remote_code, error.words)
            raise Rejected(words, remote_code=error.remote_code, words=words) from error

    async def _own(self, peer: Any, numbers: list[int]) -> list[int]:
        """Return which of the numbers are messages of ours in this chat.

        Raises:
            Rejected: they are messages, and none of them is.

        """
        result = await self.wire.call(functions.messages.GetMessagesRequest(numbers))
        there = [one for one in result.messages if isinstance(one, types.Message)]
        ours = [one for one in there if one.out and _is_in(one, peer)]
        if there and not ours:
            raise Rejected("another login sent it", remote_code="MESSAGE_AUTHOR_REQUIRED")
        if len(numbers) > 1:  # an album, and nothing that stands beside it
            album = ours[0].grouped_id if ours else None
            ours = [one for one in ours if one.id == numbers[0] or (album and one.grouped_id == album)]
        return [one.id for one in ours]

    async def _request(self, peer: Any, message: Message, key: int) -> Any:
        reply = _reply(message)
        try:
            try:
                return await self._attempt(peer, message, key, reply)
            except SendError as error:
                if reply is None or error.remote_code not in _REPLY_GONE:
                    raise
            # Surely not accepted: the key is still free.
            return await self._attempt(peer, message, key, None)
        except (AddressInvalid, Rejected) as error:
            is_group = isinstance(peer, (types.InputPeerChat, types.InputPeerChannel))
            if not is_group or (isinstance(error, Rejected) and error.remote_code not in _SHUT):
                raise
            raise AddressInvalid(
                f"The group takes no messages from {self.wire.account.name!r} ({error.remote_code}).",
                remote_code=error.remote_code,
                words=error.words,
                hint=await self._resolver.what_about(peer),
            ) from error

    async def _attempt(self, peer: Any, message: Message, key: int, reply: Any) -> Any:
        spans = [_entity(span) for span in message.spans] or None
        common = {"peer": peer, "reply_to": reply}
        try:
            if message.media:
                return await self._send_media(message, key, spans, common)
            return await self.wire.call(
                functions.messages.SendMessageRequest(
                    message=message.text,
                    random_id=key,
                    entities=spans,
                    reply_markup=self._keyboard(message),
                    **common,
                )
            )
        except SendError as error:
            if error.remote_code == "RANDOM_ID_DUPLICATE":  # only we know this id: the first one is there
                return None
            raise

    async def _send_media(self, message: Message, key: int, spans: Any, common: dict[str, Any]) -> Any:
        for attempt in (1, 2):
            media = [await self._uploads.get(one, common["peer"]) for one in message.media]
            if len(media) == 1:
                request: Any = functions.messages.SendMediaRequest(
                    media=media[0],
                    message=message.text,
                    random_id=key,
                    entities=spans,
                    reply_markup=self._keyboard(message),
                    **common,
                )
            else:  # an album carries no keyboard
                request = functions.messages.SendMultiMediaRequest(
                    multi_media=list(_album(message, media, key, spans)), **common
                )
            try:
                return await self.wire.call(request)
            except SendError as error:
                if attempt == 2 or not error.remote_code.startswith("FILE_REFERENCE_"):  # noqa: PLR2004
                    raise
                self._uploads.forget(message.media)  # surely not accepted: an upload that went stale
        raise AssertionError("unreachable")  # pragma: no cover

    def _keyboard(self, message: Message) -> Any:
        """Return the choices as buttons below the chat, one a row; only bots may send them."""
        if not message.choices or not self.wire.is_bot:
            return None
        rows = [
            types.KeyboardButtonRow([types.KeyboardButton(text, types.ButtonTypeDefault())])
            for text in message.choices
        ]
        return types.ReplyKeyboardMarkup(rows, resize=True, single_use=True)


def album_key(key: int, number: int) -> int:
    """Return the random_id of an album's item: the delivery's own for the first, derived for the others."""
    if number == 0:
        return key
    digest = hashlib.blake2b(f"{key}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def _album(message: Message, media: list[Any], key: int, spans: Any) -> Iterator[Any]:
    for number, one in enumerate(media):
        yield types.InputSingleMedia(
            media=one,
            random_id=album_key(key, number),
            message="" if number else message.text,
            entities=None if number else spans,
        )


def _reply(message: Message) -> Any:
    """Return what the message answers; an edit's id, NUMBER@DATE, means the message that was edited."""
    number = message.reply_to.partition("@")[0]
    return types.InputReplyToMessage(int(number)) if number.isdecimal() and int(number) else None


def _range(remote_id: str, parts: int) -> list[int]:
    """Return the numbers of a message and of those sent in one request with it.

    Raises:
        Rejected: this is no number of a message.

    """
    if not (remote_id.isascii() and remote_id.isdecimal()):
        raise Rejected("Telegram gave no number for this message", remote_code="MESSAGE_ID_INVALID")
    first = int(remote_id)
    return list(range(first, first + max(1, parts)))


def _is_in(message: Any, peer: Any) -> bool:
    """Return whether a message stands in a chat; one's own saved messages have no number to compare."""
    if isinstance(peer, types.InputPeerSelf):
        return True
    return bool(utils.get_peer_id(message.peer_id) == utils.get_peer_id(peer))


def _entity(span: Span) -> Any:
    if span.kind == "link":
        return types.MessageEntityTextUrl(span.offset, span.length, span.url)
    if span.kind == "pre":
        return types.MessageEntityPre(span.offset, span.length, language="")
    return _ENTITIES[span.kind](span.offset, span.length)


def _numbers(result: Any) -> Iterator[int]:
    """Return the ids of what was sent; nothing where the server gave none, which is no failure."""
    if isinstance(result, types.UpdateShortSentMessage):
        yield result.id
    for update in getattr(result, "updates", ()):
        if isinstance(update, types.UpdateMessageID):
            yield update.id


def _date(result: Any) -> datetime | None:
    date = getattr(result, "date", None)
    return date if isinstance(date, datetime) else None
