"""Requests that change how a group looks and what it shows: title, picture, pinned messages, secrecy."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram import group_life
from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.group_views import photo_view
from vipcast.sandbox.telegram.media import resolve_media
from vipcast.sandbox.telegram.model import Change, Letter
from vipcast.sandbox.telegram.rights import demand
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.views import message_view, push_changes

_ABOUT_LIMIT: Final = 255


def edit_title(call: Call, request: Any) -> Any:
    return _entitle(call, call.megagroup(request.channel), request.title)


def edit_chat_title(call: Call, request: Any) -> Any:
    return _entitle(call, call.basic_group(request.chat_id), request.title)


def _entitle(call: Call, group: SandboxGroup, title: str) -> Any:
    demand(call, group, "change_info")
    group_life.check_title(title)
    if title == group.title:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    before, group.title = group.title, title
    log_deed(call.hub, group, call.me, types.ChannelAdminLogEventActionChangeTitle(before, title))
    call.hub.record("title", group=title, sender=call.me.label, before=before)
    return _shown(call, group, types.MessageActionChatEditTitle(title))


def _shown(call: Call, group: SandboxGroup, action: Any = None) -> Any:
    """Tell everybody how the group is now, write what happened into it, and return the answer."""
    group_life.tell_members(call.hub, group, call.line)
    changes = group_life.announce(call.hub, group, call.me, action, beside=call.line) if action else []
    return group_life.group_updates(call.hub, call.me, group, changes)


def edit_about(call: Call, request: Any) -> Any:
    group = call.group(request.peer)
    demand(call, group, "change_info")
    if len(request.about) > _ABOUT_LIMIT:
        raise RpcError(400, "CHAT_ABOUT_TOO_LONG")
    if request.about == group.about:
        raise RpcError(400, "CHAT_ABOUT_NOT_MODIFIED")
    log_deed(
        call.hub, group, call.me, types.ChannelAdminLogEventActionChangeAbout(group.about, request.about)
    )
    group.about = request.about
    _shown(call, group)
    return True


def edit_photo(call: Call, request: Any) -> Any:
    return _picture(call, call.megagroup(request.channel), request.photo)


def edit_chat_photo(call: Call, request: Any) -> Any:
    return _picture(call, call.basic_group(request.chat_id), request.photo)


def _picture(call: Call, group: SandboxGroup, photo: Any) -> Any:
    demand(call, group, "change_info")
    before = photo_view(call.world, call.me.id, call.world.files.get(group.photo))
    match photo:
        case types.InputChatUploadedPhoto() if photo.file is not None:
            group.photo = resolve_media(call, types.InputMediaUploadedPhoto(photo.file)).id
        case types.InputChatPhoto(id=types.InputPhoto()):
            group.photo = resolve_media(call, types.InputMediaPhoto(photo.id)).id
        case types.InputChatPhotoEmpty():
            group.photo = 0
        case _:
            raise RpcError(400, "PHOTO_INVALID")
    after = photo_view(call.world, call.me.id, call.world.files.get(group.photo))
    log_deed(call.hub, group, call.me, types.ChannelAdminLogEventActionChangePhoto(before, after))
    call.hub.record("photo", group=group.title, sender=call.me.label)
    gone = types.MessageActionChatDeletePhoto()
    return _shown(call, group, types.MessageActionChatEditPhoto(after) if group.photo else gone)


def toggle_members_hidden(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    demand(call, group, "ban_users")
    if request.enabled and len(group.present()) < call.world.hidden_members_min:
        raise RpcError(400, "PARTICIPANTS_TOO_FEW")
    if group.hides_members == request.enabled:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    group.hides_members = request.enabled
    return _shown(call, group)


def toggle_history_hidden(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    demand(call, group, "ban_users")
    if group.hides_history == request.enabled:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    group.hides_history = request.enabled
    deed = types.ChannelAdminLogEventActionTogglePreHistoryHidden(request.enabled)
    log_deed(call.hub, group, call.me, deed)
    return _shown(call, group)


def toggle_no_forwards(call: Call, request: Any) -> Any:
    group = call.group(request.peer)
    if group.creator != call.me.id:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if group.is_protected == request.enabled:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    group.is_protected = request.enabled
    log_deed(call.hub, group, call.me, types.ChannelAdminLogEventActionToggleNoForwards(request.enabled))
    return _shown(call, group)


def pin(call: Call, request: Any) -> Any:
    """Pin a message in a group, or take it off."""
    group = call.group(request.peer)
    demand(call, group, "pin_messages")
    box, numbers = call.world.shelf(call.me.id, group)
    if request.id not in numbers:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    letter = box.letters[request.id]
    if (letter.number in group.pinned) == (not request.unpin):
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    changes = _set_pinned(call, group, letter, is_on=not request.unpin)
    if not request.unpin:
        changes += group_life.announce(
            call.hub,
            group,
            call.me,
            types.MessageActionPinMessage(),
            reply_to=letter.number,
            beside=call.line,
        )
    return group_life.group_updates(call.hub, call.me, group, changes)


def unpin_all(call: Call, request: Any) -> Any:
    group = call.group(request.peer)
    demand(call, group, "pin_messages")
    changes = [
        change
        for number in tuple(group.pinned)
        for change in _set_pinned(call, group, call.world.letters[number], is_on=False)
    ]
    pts = call.world.box(group.key if group.is_megagroup else call.me.id).pts
    return types.messages.AffectedHistory(pts, len(changes), offset=0)


def _set_pinned(call: Call, group: SandboxGroup, letter: Letter, *, is_on: bool) -> list[Change]:
    """Pin or unpin, tell all clients concerned, and return what changed in the actor's box."""
    if is_on:
        group.pinned.append(letter.number)
    else:
        group.pinned.remove(letter.number)
    call.world.keep_group(group)
    shown = message_view(call.world, call.me.id, letter)
    log_deed(call.hub, group, call.me, types.ChannelAdminLogEventActionUpdatePinned(shown), letter.sender)
    event = "pinned" if is_on else "unpinned"
    call.hub.record(event, group=group.title, sender=call.me.label, id=letter.number_for(call.me.id))
    mine = []
    for owner, number in letter.ids.items():
        peer = 0 if group.is_megagroup else group.key
        change = call.world.change(owner, "pinned" if is_on else "unpinned", (number,), peer=peer)
        push_changes(call.world, owner, [change], beside=call.line)
        mine += [change] if owner == letter.box(call.me.id) else []
    return mine


HANDLERS: Handlers = {
    functions.channels.EditTitleRequest: edit_title,
    functions.messages.EditChatTitleRequest: edit_chat_title,
    functions.messages.EditChatAboutRequest: edit_about,
    functions.channels.EditPhotoRequest: edit_photo,
    functions.messages.EditChatPhotoRequest: edit_chat_photo,
    functions.channels.ToggleParticipantsHiddenRequest: toggle_members_hidden,
    functions.channels.TogglePreHistoryHiddenRequest: toggle_history_hidden,
    functions.messages.ToggleNoForwardsRequest: toggle_no_forwards,
    functions.messages.UpdatePinnedMessageRequest: pin,
    functions.messages.UnpinAllMessagesRequest: unpin_all,
}
