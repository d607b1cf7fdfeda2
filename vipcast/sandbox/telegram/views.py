"""The world as one account's client sees it: the same person or letter looks different to each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from telethon.tl import types

from vipcast.sandbox.telegram.model import (
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

# The data centre that the sandbox pretends to be. Files must name the same one, or Telethon opens a
# second connection for them.
DC_ID: Final = 2
_PHOTO_SIZE: Final = "x"


def user_view(world: World, viewer: SandboxUser, user: SandboxUser) -> Any:
    is_self = viewer is user
    names = viewer.contacts.get(user.id)
    first_name, last_name = names or (user.first_name, user.last_name)
    return types.User(
        id=user.id,
        is_self=is_self or None,
        contact=True if names else None,
        mutual_contact=True if names and viewer.id in user.contacts else None,
        deleted=user.deleted or None,
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
    reply = world.letters.get(letter.reply_to)
    return types.Message(
        id=letter.ids[viewer],
        peer_id=types.PeerUser(letter.peer(viewer)),
        date=letter.at,
        message=letter.text,
        out=letter.sender == viewer or None,
        silent=letter.silent or None,
        entities=read_vector(letter.entities) or None,
        media=media_view(world, viewer, world.files[letter.media]) if letter.media else None,
        reply_markup=read_object(letter.markup) if letter.markup else None,
        reply_to=types.MessageReplyHeader(reply_to_msg_id=reply.ids[viewer]) if reply else None,
        edit_date=letter.edited_at or None,
        grouped_id=letter.grouped_id or None,
    )


def media_view(world: World, viewer: int, file: StoredFile) -> Any:
    access_hash = world.access_hash(viewer, file.id)
    reference = file_reference(file)
    if file.kind == "picture":
        size = types.PhotoSize(_PHOTO_SIZE, file.width, file.height, file.size)
        photo = types.Photo(file.id, access_hash, reference, file.at, [size], DC_ID)
        return types.MessageMediaPhoto(photo=photo)
    document = types.Document(
        id=file.id,
        access_hash=access_hash,
        file_reference=reference,
        date=file.at,
        mime_type=file.mime,
        size=file.size,
        dc_id=DC_ID,
        attributes=read_vector(file.attributes),
    )
    return types.MessageMediaDocument(document=document, video=file.kind == "video" or None)


def file_reference(file: StoredFile) -> bytes:
    return bytes.fromhex(file.digest[:32])


def update_view(world: World, viewer: SandboxUser, change: Change) -> Any:
    """Return the update that tells a client of this change in its account's box."""
    match change.kind:
        case "new":
            message = message_view(world, viewer.id, world.letters[change.letter])
            return types.UpdateNewMessage(message, change.pts, change.count)
        case "edit":
            message = message_view(world, viewer.id, world.letters[change.letter])
            return types.UpdateEditMessage(message, change.pts, change.count)
        case "delete":
            return types.UpdateDeleteMessages(list(change.ids), change.pts, change.count)
        case "stopped" | "started":
            has_stopped = change.kind == "stopped"
            return types.UpdateBotStopped(change.peer, change.at, has_stopped, qts=change.pts)
        case "read_out":
            peer = types.PeerUser(change.peer)
            return types.UpdateReadHistoryOutbox(peer, change.ids[0], change.pts, change.count)
        case "read_in":
            peer = types.PeerUser(change.peer)
            left = world.box(viewer.id).unread(change.peer)
            return types.UpdateReadHistoryInbox(peer, change.ids[0], left, change.pts, change.count)


def updates_view(world: World, viewer: SandboxUser, changes: Iterable[Change], *first: Any) -> Any:
    """Return several changes, with everybody whom they mention; `first` goes before them."""
    changes = tuple(changes)
    return types.Updates(
        updates=[*first, *(update_view(world, viewer, change) for change in changes)],
        users=users_view(world, viewer, people_in(world, viewer, changes)),
        chats=[],
        date=datetime.now(UTC),
        seq=0,  # "no order": otherwise the numbers would have to follow each other
    )


def people_in(world: World, viewer: SandboxUser, changes: Iterable[Change]) -> list[int]:
    """Return whom changes mention, the viewer first."""
    peers = (
        world.letters[change.letter].peer(viewer.id) if change.letter else change.peer for change in changes
    )
    return [viewer.id, *dict.fromkeys(peer for peer in peers if peer and peer != viewer.id)]


def push(world: World, user_id: int, updates: Any, *, beside: Any = None) -> None:
    """Send updates to every open connection of an account but `beside`, which learns it from its answer."""
    for key in world.keys_of(user_id):
        for line in tuple(key.lines):
            if line is not beside and line.wants_updates:
                line.push(updates)


def push_changes(world: World, user_id: int, changes: Iterable[Change], *, beside: Any = None) -> None:
    """Tell an account's open connections of changes in its box."""
    if any(key.lines for key in world.keys_of(user_id)):
        push(world, user_id, updates_view(world, world.users[user_id], changes), beside=beside)


def phone_view(world: World, viewer: int, letter: Letter) -> SandboxMessage:
    """Return a letter as one of the two finds it on their phone."""
    reply = world.letters.get(letter.reply_to)
    return SandboxMessage(
        id=letter.ids[viewer],
        remote_id=letter.ids[letter.sender],
        sender=world.users[letter.sender],
        to=world.users[letter.to],
        is_mine=letter.sender == viewer,
        text=letter.text,
        at=datetime.fromtimestamp(letter.at, UTC),
        random_id=letter.random_id,
        entities=tuple(_plain_entity(entity) for entity in read_vector(letter.entities)),
        media=_plain_media(world.files[letter.media]) if letter.media else None,
        grouped_id=letter.grouped_id,
        reply_to=reply.ids[viewer] if reply else 0,
        edited_at=datetime.fromtimestamp(letter.edited_at, UTC) if letter.edited_at else None,
    )


def _plain_entity(entity: Any) -> SandboxEntity:
    kind = type(entity).__name__.removeprefix("MessageEntity")
    return SandboxEntity(kind, entity.offset, entity.length, getattr(entity, "url", "") or "")


def _plain_media(file: StoredFile) -> SandboxMedia:
    return SandboxMedia(file.kind, file.name, file.mime, file.size, file.digest)
