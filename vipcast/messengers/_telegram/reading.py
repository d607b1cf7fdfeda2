"""What Telegram's updates say about people, as events.

Passed over, because they are no person's word to the shop: service messages, Telegram's own account, bots,
news channels, and in groups what was posted in the name of another channel. An anonymous admin of a group
is named by the group: its address, its title.

That people come into a group, leave it, ask to come in or read there is told as `CHAT`, without who: whoever
keeps the group looks for themselves.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from telethon import functions, utils
from telethon.tl import types

from vipcast.messengers._telegram import peers
from vipcast.messengers._telegram.attachments import attachments_of, content_of, kind_of
from vipcast.messengers.base import Event, EventKind

log = logging.getLogger(__name__)

# Telegram itself, which sends login codes from here: they are nobody's message and must not be stored.
SERVICE_IDS = frozenset({777000, 42777})
REMEMBERED = 5000  # messages whose content is known, to tell an edit from a reaction

# Service messages of a megagroup by which its people are others than before.
_COMING_AND_GOING = (
    types.MessageActionChatAddUser,
    types.MessageActionChatDeleteUser,
    types.MessageActionChatJoinedByLink,
    types.MessageActionChatJoinedByRequest,
    types.MessageActionChatJoinedViaCommunity,
)
_START = re.compile(r"/start(?:@\w+)?\s+([\w-]{1,64})\s*", re.ASCII)
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?")


class Reader:
    """Reads updates for the account `me`; `ask` makes a request, `is_ours` knows what went out here.

    `is_ours` takes a megagroup's id, 0 for any other chat, and a message's id.
    """

    def __init__(
        self,
        me: int,
        ask: Callable[[Any], Awaitable[Any]],
        is_ours: Callable[[int, int], bool] = lambda channel_id, message_id: False,  # noqa: ARG005
        *,
        is_bot: bool = False,
    ) -> None:
        self._me = me
        self._ask = ask
        self._is_ours = is_ours
        self._is_bot = is_bot
        self._contents: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    async def read(self, update: Any) -> Event | None:
        """Return what an update says about a person or a group; None for what concerns nobody."""
        match update:
            case (
                types.UpdateNewMessage(message=types.Message())
                | types.UpdateNewChannelMessage(message=types.Message())
            ):
                return await self._message(update, update.message, EventKind.MESSAGE)
            case types.UpdateShortMessage() | types.UpdateShortChatMessage():
                return await self._message(update, self._whole(update), EventKind.MESSAGE)
            case (
                types.UpdateEditMessage(message=types.Message())
                | types.UpdateEditChannelMessage(message=types.Message())
            ):
                if self._is_changed(update.message):
                    return await self._message(update, update.message, EventKind.EDITED)
            case types.UpdateReadHistoryOutbox(peer=types.PeerUser() as who):
                known = await self._entities(update, update.max_id, who.user_id)
                names = names_of(who.user_id, known.get(who.user_id))
                number = str(update.max_id)
                return _event(EventKind.SEEN, names, number, datetime.now(UTC), through=True)
            case types.UpdateBotStopped():
                person = getattr(update, "_entities", {}).get(update.user_id)
                kind = EventKind.UNSUBSCRIBED if update.stopped else EventKind.SUBSCRIBED
                names = names_of(update.user_id, person)
                return _event(kind, names, f"stop-{update.qts}", moment(update.date))
        return _change_of_chat(update)

    def _whole(self, update: Any) -> Any:
        """Return the message that the short form of an update stands for."""
        is_group = isinstance(update, types.UpdateShortChatMessage)
        writer = update.from_id if is_group else self._me if update.out else update.user_id
        return types.Message(
            id=update.id,
            peer_id=types.PeerChat(update.chat_id) if is_group else types.PeerUser(update.user_id),
            from_id=types.PeerUser(writer),
            date=update.date,
            message=update.message,
            out=update.out,
            fwd_from=update.fwd_from,
            via_bot_id=update.via_bot_id,
            reply_to=update.reply_to,
            entities=update.entities,
        )

    async def _message(self, update: Any, message: Any, kind: EventKind) -> Event | None:
        where = message.peer_id
        if not isinstance(where, types.PeerUser):
            event = await self._of_group(update, message, kind)
        elif where.user_id == self._me:
            if self._is_ours(0, message.id):
                return None
            event = _said(message, kind, [str(self._me)], None, chat="me")
        else:
            event = await self._of_private(update, message, kind, where.user_id)
        if event is not None:
            self._remember(message)
        return event

    async def _of_private(self, update: Any, message: Any, kind: EventKind, user_id: int) -> Event | None:
        if message.out:
            if kind is EventKind.EDITED or self._is_bot or self._is_ours(0, message.id):
                return None
            kind = EventKind.WRITTEN
        if user_id in SERVICE_IDS:
            return None
        person = (await self._entities(update, message.id, user_id)).get(user_id)
        if person is not None and person.bot:
            return None
        return _said(message, kind, names_of(user_id, person), person)

    async def _of_group(self, update: Any, message: Any, kind: EventKind) -> Event | None:
        where = message.peer_id
        marked = utils.get_peer_id(where)
        channel_id = where.channel_id if isinstance(where, types.PeerChannel) else 0
        if message.out and self._is_ours(channel_id, message.id):
            return None
        writer = types.PeerUser(self._me) if message.out and message.from_id is None else message.from_id
        is_person = isinstance(writer, types.PeerUser)
        ids = (marked, writer.user_id) if is_person else (marked,)
        known = await self._entities(update, message.id, *ids)
        group = known.get(marked)
        if message.post or (isinstance(group, types.Channel) and not group.megagroup):
            return None  # a channel's news
        if is_person:
            person = known.get(writer.user_id)
            if person is not None and person.bot:
                return None
            names = names_of(writer.user_id, person)
        elif writer is None or utils.get_peer_id(writer) == marked:  # an anonymous admin
            person, names = None, [str(marked)]
        else:
            return None  # in another channel's name
        return _said(message, kind, names, person, chat=str(marked), group=group)

    async def _entities(self, update: Any, message_id: int, *wanted: int) -> Mapping[int, Any]:
        """Return the people and groups that an update speaks of, by marked id.

        Where it does not say who they are, ask by the message; who is missing then is known by number alone.
        """
        known: dict[int, Any] = dict(getattr(update, "_entities", None) or {})
        # Messages of megagroups always come with their people; asking by number would mean others.
        if all(one in known for one in wanted) or any(_is_channel(one) for one in wanted):
            return _usable(known)
        try:
            found = await self._ask(functions.messages.GetMessagesRequest([types.InputMessageID(message_id)]))
        except Exception as error:  # noqa: BLE001 - the number alone tells enough
            log.info("nothing more is known about a person: %s", type(error).__name__)
            return _usable(known)
        return _usable(known | {utils.get_peer_id(one): one for one in (*found.users, *found.chats)})

    def _is_changed(self, message: Any) -> bool:
        """Return whether an edit changed what was said; reactions and previews of links come as edits too."""
        if message.edit_hide or not message.edit_date:
            return False
        return self._contents.get(_place_of(message)) != _fingerprint(message)

    def _remember(self, message: Any) -> None:
        self._contents[_place_of(message)] = _fingerprint(message)
        self._contents.move_to_end(_place_of(message))
        if len(self._contents) > REMEMBERED:
            self._contents.popitem(last=False)


def names_of(user_id: int, person: Any) -> list[str]:
    """Return how the ledger may know a person, the likeliest first: @name, +phone, number."""
    names = []
    if person is not None:
        more = [one.username for one in person.usernames or () if one.active]
        names += [f"@{name.lower()}" for name in (person.username, *more) if name]
        names += [f"+{person.phone.lstrip('+')}"] if person.phone else []
    return [*dict.fromkeys(names), str(user_id)]


def moment(date: Any) -> datetime:
    """Return a moment: Telethon gives most dates as moments, and some as seconds."""
    return date if isinstance(date, datetime) else datetime.fromtimestamp(date, UTC)


def _said(
    message: Any, kind: EventKind, names: list[str], person: Any, *, chat: str = "", group: Any = None
) -> Event:
    """Return the event of a message; `names` are its writer's, or who got it where it is `WRITTEN`."""
    text = message.message or ""
    is_edit = kind is EventKind.EDITED
    at = moment(message.edit_date if is_edit else message.date)
    start = _START.fullmatch(text) if kind is EventKind.MESSAGE and not chat else None
    in_megagroup = isinstance(message.peer_id, types.PeerChannel)
    title = str(getattr(group, "title", None) or "")
    name = " ".join(filter(None, (person.first_name, person.last_name))) if person else ""
    if chat and names == [chat]:
        name = title
    return _event(
        kind,
        names,
        f"{message.id}@{int(at.timestamp())}" if is_edit else str(message.id),
        at,
        text=text,
        context=start[1] if start else "",
        reply_to=str(message.id) if is_edit else _reply_of(message),
        chat=chat,
        name=name,
        peer=peers.text_of(person),
        language=_language(person),
        is_automatic=bool(message.offline or message.via_business_bot_id),
        attachments=attachments_of(message, peers.text_of(group) if in_megagroup else ""),
        raw={
            "media": kind_of(message.media),
            "name": name,
            "title": title,
            "is_own": bool(message.out) and chat not in ("", "me"),
        },
    )


def _event(
    kind: EventKind,
    names: list[str],
    remote_id: str,
    at: datetime,
    *,
    raw: Mapping[str, Any] | None = None,
    **more: Any,
) -> Event:
    about = {"id": names[-1], "spellings": names}
    about |= {key: value for key, value in (raw or {}).items() if value}
    return Event(kind, names[0], remote_id, at, raw=about, **more)


def _change_of_chat(update: Any) -> Event | None:
    """Return that a group changed; None for a channel of news, and for all other updates."""
    now = datetime.now(UTC)
    match update:
        case types.UpdateNewChannelMessage(message=types.MessageService() as message):
            if not isinstance(message.action, _COMING_AND_GOING):
                return None
            where, what, at = message.peer_id, f"service-{message.id}", moment(message.date)
        case types.UpdateChannelParticipant():
            where, what = types.PeerChannel(update.channel_id), f"participant-{update.qts}"
            at = moment(update.date)
        case types.UpdatePendingJoinRequests():
            where, what, at = update.peer, f"asking-{now.timestamp()}", now
        case types.UpdateReadChannelOutbox():  # one number for each who reads: the moment tells them apart
            where, at = types.PeerChannel(update.channel_id), now
            what = f"read-{update.max_id}-{now.timestamp()}"
        case types.UpdateChannel():
            where, what, at = types.PeerChannel(update.channel_id), f"group-{now.timestamp()}", now
        case _:
            return None
    marked = utils.get_peer_id(where)
    group = (getattr(update, "_entities", None) or {}).get(marked)
    if isinstance(group, (types.Channel, types.ChannelForbidden)) and not group.megagroup:
        return None
    return Event(EventKind.CHAT, str(marked), what, at, chat=str(marked))


def _reply_of(message: Any) -> str:
    """Return which message of the same chat is answered; empty for none, or one of another chat."""
    header = message.reply_to
    number = getattr(header, "reply_to_msg_id", None)
    if not number or header.reply_to_peer_id is not None:
        return ""
    is_only_topic = header.forum_topic and not header.reply_to_top_id
    return "" if is_only_topic else str(number)


def _language(person: Any) -> str:
    found = _LANGUAGE.fullmatch(getattr(person, "lang_code", None) or "")
    return found[1].lower() if found else ""


def _usable(known: dict[int, Any]) -> dict[int, Any]:
    kinds = (types.User, types.Chat, types.Channel, types.ChatForbidden, types.ChannelForbidden)
    return {number: one for number, one in known.items() if isinstance(one, kinds)}


def _is_channel(marked: int) -> bool:
    return utils.resolve_id(marked)[1] is types.PeerChannel


def _place_of(message: Any) -> tuple[int, int]:
    return utils.get_peer_id(message.peer_id), message.id


def _fingerprint(message: Any) -> bytes:
    """Return a digest of what a message says. A shared location moves, which is no new word."""
    file = content_of(message.media)
    media = f"{kind_of(message.media)}:{getattr(file, 'id', '')}"
    text = message.message or ""
    return hashlib.blake2b(f"{media}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()
