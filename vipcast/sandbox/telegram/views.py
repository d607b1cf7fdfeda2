"""The world as one account's client sees it: the same person or letter looks different to each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from vipcast.sandbox.telegram.group_model import GroupMessage
from vipcast.sandbox.telegram.group_views import DC_ID, file_reference, groups_view, peer_view, photo_view
from vipcast.sandbox.telegram.model import (
    MEGAGROUPS,
    Change,
    Letter,
    SandboxEntity,
    SandboxMedia,
    SandboxMessage,
    SandboxUser,
    StoredFile,
)
from vipcast.sandbox.telegram.tl import read_object, read_vector
from vipcast.sandbox.telegram.world import World


def user_view(world: World, viewer: SandboxUser, user: SandboxUser) -> Any:
    if user.deleted:  # nothing is left of them but the number
        return types.User(id=user.id, deleted=True, access_hash=world.access_hash(viewer.id, user.id))
    is_self = viewer is user
    names = viewer.contacts.get(user.id)
    first_name, last_name = names or (user.first_name, user.last_name)
    return types.User(
        id=user.id,
        is_self=is_self or None,
        contact=True if names else None,
        mutual_contact=True if names and viewer.id in user.contacts else None,
        bot=user.is_bot or None,
        bot_info_version=1 if user.is_bot else None,
        contact_require_premium=user.premium_only or None,
        access_hash=world.access_hash(viewer.id, user.id),
        first_name=first_name or None,
        last_name=last_name or None,
        username=user.username or None,
        phone=user.phone.lstrip("+") or None if is_self or names else None,
    )


def users_view(world: World, viewer: SandboxUser, ids: Iterable[int]) -> list[Any]:
    return [user_view(world, viewer, world.users[number]) for number in dict.fromkeys(ids)]


def message_view(world: World, viewer: int, letter: Letter) -> Any:
    common: dict[str, Any] = {
        "id": letter.number_for(viewer),
        "peer_id": peer_view(letter.peer(viewer)),
        "date": letter.at,
        "out": letter.sender == viewer or None,
        "silent": letter.silent or None,
        "from_id": types.PeerUser(letter.sender) if letter.to < 0 else None,
        "reply_to": _reply_view(world, viewer, letter),
    }
    if letter.action:
        return types.MessageService(action=_action_view(world, viewer, letter), **common)
    is_protected = letter.to < 0 and world.groups[letter.to].is_protected
    return types.Message(
        message=letter.text,
        entities=read_vector(letter.entities) or None,
        media=_carried(world, viewer, letter),
        reply_markup=read_object(letter.markup) if letter.markup else None,
        edit_date=letter.edited_at or None,
        grouped_id=letter.grouped_id or None,
        offline=letter.automatic or None,
        pinned=is_pinned(world, letter) or None,
        noforwards=is_protected or None,
        mentioned=_is_answer_to(world, viewer, letter) or None,
        **common,
    )


def _action_view(world: World, viewer: int, letter: Letter) -> Any:
    """Return what happened; a picture in it with the hash by which this viewer may name it."""
    action = read_object(letter.action)
    if isinstance(action, types.MessageActionChatEditPhoto):
        action.photo = photo_view(world, viewer, world.files[action.photo.id])
    return action


def _reply_view(world: World, viewer: int, letter: Letter) -> Any:
    reply = world.letters.get(letter.reply_to)
    number = reply.number_for(viewer) if reply else 0
    return types.MessageReplyHeader(reply_to_msg_id=number) if number else None


def _is_answer_to(world: World, viewer: int, letter: Letter) -> bool:
    """Return whether this answers a message of the viewer's in a group: Telegram counts it as a mention."""
    reply = world.letters.get(letter.reply_to)
    return letter.to < 0 and reply is not None and reply.sender == viewer != letter.sender


def is_pinned(world: World, letter: Letter) -> bool:
    return letter.to < 0 and letter.number in world.groups[letter.to].pinned


def _carried(world: World, viewer: int, letter: Letter) -> Any:
    if letter.card:
        return read_object(letter.card)
    return media_view(world, viewer, world.files[letter.media]) if letter.media else None


def media_view(world: World, viewer: int, file: StoredFile) -> Any:
    if file.kind == "picture":
        return types.MessageMediaPhoto(photo=photo_view(world, viewer, file))
    document = types.Document(
        id=file.id,
        access_hash=world.access_hash(viewer, file.id),
        file_reference=file_reference(file),
        date=file.at,
        mime_type=file.mime,
        size=file.size,
        dc_id=DC_ID,
        attributes=read_vector(file.attributes),
    )
    return types.MessageMediaDocument(
        document=document, video=file.kind == "video" or None, voice=file.kind == "voice" or None
    )


def update_view(world: World, viewer: SandboxUser, change: Change) -> Any:
    """Return the update that tells a client of this change in its account's box, or in a megagroup's."""
    if change.kind in ("new", "edit"):
        return _message_update(world, viewer, change)
    return _megagroup_update(world, viewer, change) if change.box else _box_update(world, viewer, change)


def _message_update(world: World, viewer: SandboxUser, change: Change) -> Any:
    message = message_view(world, viewer.id, world.letters[change.letter])
    if change.kind == "new":
        kind = types.UpdateNewChannelMessage if change.box else types.UpdateNewMessage
    else:
        kind = types.UpdateEditChannelMessage if change.box else types.UpdateEditMessage
    return kind(message, change.pts, change.count)


def _box_update(world: World, viewer: SandboxUser, change: Change) -> Any:
    match change.kind:
        case "delete":
            return types.UpdateDeleteMessages(list(change.ids), change.pts, change.count)
        case "stopped" | "started":
            has_stopped = change.kind == "stopped"
            return types.UpdateBotStopped(change.peer, change.at, has_stopped, qts=change.pts)
        case "member":
            return read_object(change.note)
        case "read_out":
            peer = peer_view(change.peer)
            return types.UpdateReadHistoryOutbox(peer, change.ids[0], change.pts, change.count)
        case "read_in":
            peer = peer_view(change.peer)
            _, left = world.reading(viewer.id, change.peer)
            return types.UpdateReadHistoryInbox(peer, change.ids[0], left, change.pts, change.count)
    is_on = change.kind == "pinned" or None
    peer = peer_view(change.peer)
    return types.UpdatePinnedMessages(peer, list(change.ids), change.pts, change.count, pinned=is_on)


def _megagroup_update(world: World, viewer: SandboxUser, change: Change) -> Any:
    channel_id, ids = MEGAGROUPS - change.box, list(change.ids)
    match change.kind:
        case "delete":
            return types.UpdateDeleteChannelMessages(channel_id, ids, change.pts, change.count)
        case "pinned" | "unpinned":
            is_on = change.kind == "pinned" or None
            return types.UpdatePinnedChannelMessages(channel_id, ids, change.pts, change.count, pinned=is_on)
    _, left = world.reading(viewer.id, change.box)
    return types.UpdateReadChannelInbox(channel_id, change.ids[0], left, change.pts)


def updates_view(world: World, viewer: SandboxUser, changes: Iterable[Change], *first: Any) -> Any:
    """Return several changes, with everybody whom they mention; `first` goes before them."""
    changes = tuple(changes)
    return types.Updates(
        updates=[*first, *(update_view(world, viewer, change) for change in changes)],
        users=users_view(world, viewer, people_in(world, viewer, changes)),
        chats=groups_view(world, viewer, groups_in(world, viewer, changes)),
        date=datetime.now(UTC),
        seq=0,  # "no order": otherwise the numbers would have to follow each other
    )


def people_in(world: World, viewer: SandboxUser, changes: Iterable[Change]) -> list[int]:
    """Return whom changes mention, the viewer first."""
    found = [viewer.id]
    for change in changes:
        letters = [world.letters[change.letter]] if change.letter else []
        found += people_of_letters(viewer.id, letters) if letters else [change.peer]
        found += change.ids if change.kind == "member" else ()
    return [key for key in dict.fromkeys(found) if key > 0]


def people_of_letters(viewer: int, letters: Iterable[Letter]) -> list[int]:
    """Return who wrote these, to whom, and whom they concern."""
    found = []
    for letter in letters:
        found += [letter.sender, *letter.people] if letter.to < 0 else [letter.peer(viewer)]
    return found


def groups_in(world: World, viewer: SandboxUser, changes: Iterable[Change]) -> list[int]:
    """Return the groups that changes mention, each once."""
    keys = (
        change.box
        or change.group
        or (world.letters[change.letter].peer(viewer.id) if change.letter else change.peer)
        for change in changes
    )
    return [key for key in dict.fromkeys(keys) if key < 0]


def push(world: World, user_id: int, updates: Any, *, beside: Any = None) -> None:
    """Send updates to every open connection of an account but `beside`, which learns it from its answer."""
    for key in world.keys_of(user_id):
        for line in tuple(key.lines):
            if line is not beside and line.wants_updates:
                line.push(updates)


def push_changes(world: World, owner: int, changes: Iterable[Change], *, beside: Any = None) -> None:
    """Tell of changes in a box: the account's open connections, or those of all in the megagroup."""
    if owner > 0:
        _push_to(world, owner, changes, beside)
        return
    changes = tuple(changes)
    for member in world.groups[owner].present():
        heard = [change for change in changes if is_heard(world, member.user, change)]
        if heard:
            _push_to(world, member.user, heard, beside)


def is_heard(world: World, user_id: int, change: Change) -> bool:
    """Return whether a change in a megagroup reaches this member."""
    if change.kind == "read_in":
        return change.peer == user_id
    return not change.letter or world.hears(user_id, world.letters[change.letter])


def _push_to(world: World, user_id: int, changes: Iterable[Change], beside: Any) -> None:
    if any(key.lines for key in world.keys_of(user_id)):
        push(world, user_id, updates_view(world, world.users[user_id], changes), beside=beside)


def phone_view(world: World, viewer: int, letter: Letter) -> SandboxMessage:
    """Return a letter as one of the two finds it on their phone."""
    return SandboxMessage(
        id=letter.ids[viewer],
        remote_id=letter.ids[letter.sender],
        sender=world.users[letter.sender],
        to=world.users[letter.to],
        is_mine=letter.sender == viewer,
        is_automatic=letter.automatic,
        buttons=_buttons(letter),
        **_shown(world, viewer, letter),
    )


def talk_view(world: World, viewer: int, letter: Letter) -> GroupMessage:
    """Return a letter in a group as a member finds it."""
    action = type(read_object(letter.action)).__name__ if letter.action else ""
    return GroupMessage(
        id=letter.number_for(viewer),
        group=world.groups[letter.to],
        sender=world.users[letter.sender],
        is_pinned=is_pinned(world, letter),
        action=action.removeprefix("MessageAction"),
        people=tuple(world.users[number] for number in letter.people),
        **_shown(world, viewer, letter),
    )


def _shown(world: World, viewer: int, letter: Letter) -> dict[str, Any]:
    reply = world.letters.get(letter.reply_to)
    return {
        "number": letter.number,
        "text": letter.text,
        "at": datetime.fromtimestamp(letter.at, UTC),
        "random_id": letter.random_id,
        "entities": tuple(_plain_entity(entity) for entity in read_vector(letter.entities)),
        "media": _plain_media(world, letter),
        "grouped_id": letter.grouped_id,
        "reply_to": reply.number_for(viewer) if reply else 0,
        "edited_at": datetime.fromtimestamp(letter.edited_at, UTC) if letter.edited_at else None,
    }


def _buttons(letter: Letter) -> tuple[str, ...]:
    markup = read_object(letter.markup) if letter.markup else None
    if not isinstance(markup, types.ReplyKeyboardMarkup):
        return ()
    return tuple(button.text for row in markup.rows for button in row.buttons)


def _plain_entity(entity: Any) -> SandboxEntity:
    kind = type(entity).__name__.removeprefix("MessageEntity")
    return SandboxEntity(kind, entity.offset, entity.length, getattr(entity, "url", "") or "")


def _plain_media(world: World, letter: Letter) -> SandboxMedia | None:
    if letter.media:
        file = world.files[letter.media]
        return SandboxMedia(file.kind, file.name, file.mime, file.size, file.digest)
    match read_object(letter.card) if letter.card else None:
        case types.MessageMediaGeo() as place:
            return SandboxMedia("location", f"{place.geo.lat:g},{place.geo.long:g}")
        case types.MessageMediaContact() as card:
            return SandboxMedia("contact", f"{card.phone_number} {card.first_name} {card.last_name}".rstrip())
    return None
