"""Sending: text, media, albums, each message with its random_id."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_model import Place, SandboxGroup
from vipcast.sandbox.telegram.group_views import groups_view
from vipcast.sandbox.telegram.keyboards import checked_markup
from vipcast.sandbox.telegram.media import resolve_card, resolve_media
from vipcast.sandbox.telegram.model import Change, Letter, SandboxUser
from vipcast.sandbox.telegram.posting import Draft, post, record_letter
from vipcast.sandbox.telegram.rights import check_may_post
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.texts import CAPTION_LIMIT, TEXT_LIMIT, checked_entities, checked_text
from vipcast.sandbox.telegram.tl import write_vector
from vipcast.sandbox.telegram.views import (
    message_view,
    people_of_letters,
    updates_view,
    users_view,
)

_ALBUM_LIMIT: Final = 10


def send_message(call: Call, request: Any) -> Any:
    to = call.place(request.peer)
    first = _first_with(call, to, request.random_id)
    if first is not None:
        return _again(call, [first])
    text = checked_text(request.message, TEXT_LIMIT, "MESSAGE_TOO_LONG")
    if not text:
        raise RpcError(400, "MESSAGE_EMPTY")
    draft = Draft(text, request.random_id, _entities(call, text, request.entities))
    changes = _send(call, to, [draft], request)
    if isinstance(to, SandboxGroup):
        return _sent(call, changes)
    (change,) = changes
    letter = call.world.letters[change.letter]
    return types.UpdateShortSentMessage(
        id=change.ids[0],
        pts=change.pts,
        pts_count=change.count,
        date=letter.at,
        out=True,
        entities=message_view(call.world, call.me.id, letter).entities,
    )


def send_media(call: Call, request: Any) -> Any:
    to = call.place(request.peer)
    first = _first_with(call, to, request.random_id)
    if first is not None:
        return _again(call, [first])
    draft = _captioned(call, request.media, request)
    return _sent(call, _send(call, to, [draft], request))


def send_album(call: Call, request: Any) -> Any:
    to = call.place(request.peer)
    items = request.multi_media
    if not 0 < len(items) <= _ALBUM_LIMIT:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG" if items else "MEDIA_EMPTY")
    if len({item.random_id for item in items}) < len(items):
        raise RpcError(400, "RANDOM_ID_INVALID")
    repeated = [first for item in items if (first := _first_with(call, to, item.random_id))]
    done = {letter.random_id for letter in repeated}
    for item in items:
        if not isinstance(item.media, types.InputMediaPhoto | types.InputMediaDocument):
            raise RpcError(400, "MEDIA_INVALID")  # an album is made of what uploadMedia returned
    drafts = [_captioned(call, item.media, item) for item in items if item.random_id not in done]
    _check_mixture(call, drafts)
    grouped_id = repeated[0].grouped_id if repeated else _new_group(items)
    changes = _send(call, to, drafts, request, grouped_id=grouped_id) if drafts else []
    return _sent(call, changes, repeated)


def _new_group(items: Sequence[Any]) -> int:
    return secrets.randbits(62) + 1 if len(items) > 1 else 0


def _check_mixture(call: Call, drafts: Iterable[Draft]) -> None:
    kinds = {call.world.files[draft.media].kind for draft in drafts if draft.media}
    if "file" in kinds and len(kinds) > 1:
        raise RpcError(400, "MEDIA_GROUPED_INVALID")


def _captioned(call: Call, media: Any, request: Any) -> Draft:
    card = resolve_card(call, media)
    file = 0 if card else resolve_media(call, media).id
    text = checked_text(request.message, CAPTION_LIMIT, "MEDIA_CAPTION_TOO_LONG")
    return Draft(text, request.random_id, _entities(call, text, request.entities), file, card)


def _entities(call: Call, text: str, entities: list[Any] | None) -> bytes:
    return write_vector(checked_entities(call, text, entities)) if entities else b""


def _first_with(call: Call, to: Place, random_id: int) -> Letter | None:
    """Return the message that this random_id made before, or None if it is new.

    Which of two answers the live service gives to a repetition has been reported both ways; the sandbox
    can play either.
    """
    if random_id == 0:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    letter = call.world.sent.get((call.me.id, to.key, random_id))
    if letter is not None:
        record_letter(call.hub, "repeat", letter)
        if call.hub.random_ids == "error":
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
    return letter


def _again(call: Call, letters: list[Letter]) -> Any:
    return _sent(call, [], letters)


def _sent(call: Call, changes: Sequence[Change], repeated: Sequence[Letter] = ()) -> Any:
    """Answer a send: the number of each message by its random_id, and the messages."""
    world, me = call.world, call.me
    numbers = []
    for letter in (*repeated, *(world.letters[change.letter] for change in changes)):
        number, owner = letter.number_for(me.id), letter.box(me.id)
        numbers.append(types.UpdateMessageID(number, letter.random_id))
        if letter in repeated and number in world.box(owner).letters:
            # Nothing new happened in the box, so it counts for nothing there.
            kind = types.UpdateNewMessage if owner == me.id else types.UpdateNewChannelMessage
            numbers.append(kind(message_view(world, me.id, letter), world.box(owner).pts, 0))
    answer = updates_view(world, me, changes, *numbers)
    if repeated:
        answer.users = users_view(world, me, [me.id, *people_of_letters(me.id, repeated)])
        answer.chats = groups_view(world, me, [letter.to for letter in repeated if letter.to < 0])
    return answer


def _send(
    call: Call, to: Place, drafts: Sequence[Draft], request: Any, *, grouped_id: int = 0
) -> list[Change]:
    if isinstance(to, SandboxGroup):
        for draft in drafts:
            check_may_post(call.world, to, call.me, draft.media)
    else:
        _check_may_write(call, to)
    if request.schedule_date is not None:
        raise RpcError(400, "SANDBOX_HAS_NO_SCHEDULE")
    changes = post(
        call.hub,
        call.me,
        to,
        drafts,
        beside=call.line,
        grouped_id=grouped_id,
        reply_to=_replied(call, to, request.reply_to),
        silent=bool(request.silent),
        markup=checked_markup(call.me, getattr(request, "reply_markup", None)),
    )
    for change in changes:
        call.hub.postman.arrived(call.world.letters[change.letter])
    return changes


def _replied(call: Call, to: Place, reply: Any) -> int:
    if reply is None:
        return 0
    box, _ = call.world.shelf(call.me.id, to)
    letter = box.letters.get(getattr(reply, "reply_to_msg_id", 0))
    if letter is None or letter.peer(call.me.id) != to.key:
        raise RpcError(400, "REPLY_MESSAGE_ID_INVALID")
    return letter.number


def _check_may_write(call: Call, to: SandboxUser) -> None:
    me = call.me
    if to.deleted:
        raise RpcError(400, "INPUT_USER_DEACTIVATED")
    if me.id in to.blocked:
        raise RpcError(403 if me.is_bot else 400, "USER_IS_BLOCKED")
    if to.id in me.blocked:
        raise RpcError(400, "YOU_BLOCKED_USER")
    if me.is_bot:
        _check_bot_may_write(call, to)
    elif to.premium_only and me.id not in to.contacts and not _has_written(call, to):
        raise RpcError(403, "PRIVACY_PREMIUM_REQUIRED")


def _check_bot_may_write(call: Call, to: SandboxUser) -> None:
    """A bot may not write first; people start it."""
    if to.is_bot:
        raise RpcError(400, "USER_IS_BOT")
    if to.id not in call.me.started and not call.world.bot_started_by_all:
        raise RpcError(400, "PEER_ID_INVALID")


def _has_written(call: Call, to: SandboxUser) -> bool:
    box = call.world.box(call.me.id)
    return any(box.letters[number].sender == to.id for number in box.chats.get(to.id, ()))


def start_bot(call: Call, request: Any) -> Any:
    """Open a bot by a link: the person says /start, with the link's code."""
    call.only_people()
    bot = call.person(request.bot)
    if not bot.is_bot:
        raise RpcError(400, "BOT_INVALID")
    first = _first_with(call, bot, request.random_id)
    if first is not None:
        return _again(call, [first])
    draft = Draft(f"/start {request.start_param}".strip(), request.random_id)
    return _sent(call, post(call.hub, call.me, bot, [draft], beside=call.line))


HANDLERS: Handlers = {
    functions.messages.SendMessageRequest: send_message,
    functions.messages.SendMediaRequest: send_media,
    functions.messages.SendMultiMediaRequest: send_album,
    functions.messages.StartBotRequest: start_bot,
}
