"""Editing and deleting messages."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.model import Change, Letter, Line
from vipcast.sandbox.telegram.rights import check_may_post, may
from vipcast.sandbox.telegram.rpc import Call, Handlers, Hub, RpcError
from vipcast.sandbox.telegram.texts import CAPTION_LIMIT, TEXT_LIMIT, checked_entities, checked_text
from vipcast.sandbox.telegram.tl import write_vector
from vipcast.sandbox.telegram.views import message_view, push_changes, updates_view

_EDIT_SECONDS: Final = 48 * 3600


def edit_message(call: Call, request: Any) -> Any:
    me, place = call.me, call.place(request.peer)
    box, _ = call.world.shelf(me.id, place)
    letter = box.letters.get(request.id)
    if letter is None or letter.peer(me.id) != place.key or letter.action:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if letter.sender != me.id:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    if time.time() - letter.at > _EDIT_SECONDS and not me.is_bot:
        raise RpcError(400, "MESSAGE_EDIT_TIME_EXPIRED")
    if isinstance(place, SandboxGroup):
        check_may_post(call.world, place, me, letter.media)
    text, entities = _new_text(call, letter, request)
    changes = rewrite(call.hub, letter, text, entities, beside=call.line)
    return updates_view(call.world, me, [changes[letter.box(me.id)]])


def rewrite(
    hub: Hub, letter: Letter, text: str, entities: bytes, *, beside: Line | None = None
) -> dict[int, Change]:
    """Change the text of a message, tell all clients concerned, and return what changed in which box."""
    world = hub.world
    letter.text, letter.entities, letter.edited_at = text, entities, int(time.time())
    world.store.put_letter(letter)
    where = {"group": world.label(letter.to)} if letter.to < 0 else {"to": world.label(letter.to)}
    number = letter.number_for(letter.sender)
    hub.record("edit", sender=world.users[letter.sender].label, **where, text=text, id=number)
    changes = {
        owner: world.change(owner, "edit", (number,), letter=letter.number)
        for owner, number in letter.ids.items()
        if number in world.box(owner).letters
    }
    for owner, change in changes.items():
        push_changes(world, owner, [change], beside=beside)
    return changes


def _new_text(call: Call, letter: Letter, request: Any) -> tuple[str, bytes]:
    limit = CAPTION_LIMIT if letter.media else TEXT_LIMIT
    text = checked_text(
        request.message, limit, "MEDIA_CAPTION_TOO_LONG" if letter.media else "MESSAGE_TOO_LONG"
    )
    if not text and not letter.media:
        raise RpcError(400, "MESSAGE_EMPTY")
    entities = write_vector(checked_entities(call, text, request.entities)) if request.entities else b""
    if (text, entities) == (letter.text, letter.entities):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    return text, entities


def delete_messages(call: Call, request: Any) -> Any:
    """Delete from one's own box and, with `revoke`, from the others'."""
    me, world = call.me, call.world
    box = world.box(me.id)
    letters = [box.letters[number] for number in dict.fromkeys(request.id) if number in box.letters]
    if request.revoke:
        for letter in letters:
            _check_may_revoke(call, letter)
    change = _delete(call.hub, me.id, letters, call.line)
    if request.revoke:
        for owner in {owner for letter in letters for owner in letter.ids} - {me.id}:
            _delete(call.hub, owner, [letter for letter in letters if owner in letter.ids], call.line)
    return types.messages.AffectedMessages(box.pts, change.count if change else 0)


def delete_channel_messages(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    box, numbers = call.world.shelf(call.me.id, group)
    seen = set(numbers)
    letters = [box.letters[number] for number in dict.fromkeys(request.id) if number in seen]
    for letter in letters:
        _check_may_revoke(call, letter)
        if letter.sender != call.me.id:
            gone = types.ChannelAdminLogEventActionDeleteMessage(message_view(call.world, call.me.id, letter))
            log_deed(call.hub, group, call.me, gone, letter.sender)
    change = _delete(call.hub, group.key, letters, call.line)
    return types.messages.AffectedMessages(box.pts, change.count if change else 0)


def delete_history(call: Call, request: Any) -> Any:
    """Empty a chat in one's own box, also that of a basic group that one has left."""
    is_group = isinstance(request.peer, types.InputPeerChat)
    key = -request.peer.chat_id if is_group else call.person(request.peer).key
    box = call.world.box(call.me.id)
    change = _delete(
        call.hub, call.me.id, [box.letters[number] for number in box.chats.get(key, ())], call.line
    )
    return types.messages.AffectedHistory(box.pts, change.count if change else 0, offset=0)


def _check_may_revoke(call: Call, letter: Letter) -> None:
    """Refuse to take other people's messages out of a group, unless an admin does it."""
    if letter.to < 0 and letter.sender != call.me.id:
        group = call.world.groups[letter.to]
        member = group.member(call.me.id)
        if member is None or not (member.is_admin and may(group, call.me.id, "delete_messages")):
            raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")


def _delete(hub: Hub, owner: int, letters: Iterable[Letter], beside: Line | None) -> Change | None:
    box = hub.world.box(owner)
    numbers = tuple(letter.ids[owner] for letter in letters if letter.ids[owner] in box.letters)
    if not numbers:
        return None
    change = hub.world.change(owner, "delete", numbers)
    push_changes(hub.world, owner, [change], beside=beside)
    where = "user" if owner > 0 else "group"
    hub.record("delete", **{where: hub.world.label(owner)}, ids=list(numbers))
    return change


HANDLERS: Handlers = {
    functions.messages.EditMessageRequest: edit_message,
    functions.messages.DeleteMessagesRequest: delete_messages,
    functions.messages.DeleteHistoryRequest: delete_history,
    functions.channels.DeleteMessagesRequest: delete_channel_messages,
}
