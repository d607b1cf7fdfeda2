"""Requests about groups and who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram import group_life
from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import Member, SandboxGroup, people_of
from vipcast.sandbox.telegram.group_views import (
    basic_members_view,
    groups_view,
    invite_view,
    member_view,
    photo_view,
)
from vipcast.sandbox.telegram.history import read_by_others
from vipcast.sandbox.telegram.model import MEGAGROUPS, SandboxUser
from vipcast.sandbox.telegram.rights import demand, may
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.views import users_view

_PAGE: Final = 200
_ABOUT_LIMIT: Final = 255


def create_chat(call: Call, request: Any) -> Any:
    """Make a basic group; who lets nobody add them is named and left out."""
    call.only_people()
    people = [call.person(item) for item in request.users]
    wanted = [user for user in dict.fromkeys(people) if user is not call.me]
    refusing = [user for user in wanted if user.refuses_groups]
    if len(wanted) >= group_life.BASIC_LIMIT:
        raise RpcError(400, "USERS_TOO_MUCH")
    group, changes = group_life.create(
        call.hub,
        call.me,
        request.title,
        is_megagroup=False,
        people=[user for user in wanted if user not in refusing],
        beside=call.line,
    )
    updates = group_life.group_updates(call.hub, call.me, group, changes)
    return types.messages.InvitedUsers(updates, [types.MissingInvitee(user.id) for user in refusing])


def create_channel(call: Call, request: Any) -> Any:
    call.only_people()
    if not request.megagroup:
        raise RpcError(400, "SANDBOX_HAS_NO_BROADCASTS")
    if len(request.about) > _ABOUT_LIMIT:
        raise RpcError(400, "CHAT_ABOUT_TOO_LONG")
    group, changes = group_life.create(
        call.hub, call.me, request.title, is_megagroup=True, about=request.about, beside=call.line
    )
    return group_life.group_updates(call.hub, call.me, group, changes)


def add_chat_user(call: Call, request: Any) -> Any:
    return _add(call, call.basic_group(request.chat_id), [call.person(request.user_id)])


def invite_to_channel(call: Call, request: Any) -> Any:
    return _add(call, call.megagroup(request.channel), [call.person(item) for item in request.users])


def _add(call: Call, group: SandboxGroup, people: Sequence[SandboxUser]) -> Any:
    """Add people to a group; those whose privacy forbids it are named, and the others get in."""
    call.only_people()
    demand(call, group, "invite_users")
    if len(people) > 1:  # one who is there already spoils nothing
        people = [user for user in people if group.member(user.id) is None]
    missing = {
        user.id: reason for user in people if (reason := group_life.why_not_added(group, call.me, user))
    }
    added = [user for user in people if user.id not in missing]
    changes = []
    if added:
        changes = group_life.let_in(call.hub, group, added, inviter=call.me.id, beside=call.line)
        for user in added:
            view = member_view(call.me, group.members[user.id])
            deed = types.ChannelAdminLogEventActionParticipantInvite(view)
            log_deed(call.hub, group, call.me, deed, user.id)
    updates = group_life.group_updates(call.hub, call.me, group, changes)
    return types.messages.InvitedUsers(updates, list(missing.values()))


def delete_chat_user(call: Call, request: Any) -> Any:
    """Leave a basic group, or remove somebody; members remove those whom they added themselves."""
    group, user = call.basic_group(request.chat_id), call.person(request.user_id)
    member = group.member(user.id)
    if member is None:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    is_own = call.me.id in (user.id, member.inviter)
    if not is_own and not (call.my_part(group).is_admin and may(group, call.me.id, "ban_users")):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    is_banned = user is not call.me
    changes = group_life.take_out(call.hub, group, call.me, user, is_banned=is_banned, beside=call.line)
    return group_life.group_updates(call.hub, call.me, group, changes)


def leave_channel(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    if call.me.id == group.creator:
        raise RpcError(400, "USER_CREATOR")
    group_life.take_out(call.hub, group, call.me, call.me, beside=call.line)
    return group_life.group_updates(call.hub, call.me, group)


def get_chats(call: Call, request: Any) -> Any:
    groups = [call.world.groups.get(-number) for number in request.id]
    if not all(group is not None and call.me.id in group.members for group in groups):
        raise RpcError(400, "CHAT_ID_INVALID")
    return types.messages.Chats(groups_view(call.world, call.me, (-number for number in request.id)))


def get_channels(call: Call, request: Any) -> Any:
    """Return megagroups, as ones that are left or forbidden where one is no longer in them."""
    keys = []
    for item in request.id:
        key = MEGAGROUPS - getattr(item, "channel_id", 0)
        known = call.world.groups.get(key)
        if known is None or item.access_hash != call.world.access_hash(call.me.id, key):
            raise RpcError(400, "CHANNEL_INVALID")
        if call.me.id not in known.members:
            raise RpcError(400, "CHANNEL_PRIVATE")
        keys.append(key)
    return types.messages.Chats(groups_view(call.world, call.me, keys))


def get_full_chat(call: Call, request: Any) -> Any:
    group = call.basic_group(request.chat_id)
    full = types.ChatFull(
        id=group.id,
        about=group.about,
        participants=basic_members_view(group),
        notify_settings=types.PeerNotifySettings(),
        **_common(call, group),
    )
    return _full(call, group, full, people_of(group.present()))


def get_full_channel(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    world, me = call.world, call.me
    box = world.box(group.key)
    read, unread = world.reading(me.id, group.key)
    is_admin = call.my_part(group).is_admin
    common = _common(call, group)
    common.setdefault("chat_photo", types.PhotoEmpty(0))
    full = types.ChannelFull(
        id=group.id,
        about=group.about,
        read_inbox_max_id=read,
        read_outbox_max_id=read_by_others(world, me.id, group.key),
        unread_count=unread,
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=box.pts,
        can_view_participants=is_admin or not group.hides_members or None,
        participants_hidden=group.hides_members or None,
        hidden_prehistory=group.hides_history or None,
        can_delete_channel=me.id == group.creator or None,
        participants_count=len(group.present()),
        admins_count=_count(group, "admins") if is_admin else None,
        kicked_count=_count(group, "kicked") if is_admin else None,
        banned_count=_count(group, "banned") if is_admin else None,
        folder_id=1 if group.key in me.archived else None,
        **common,
    )
    return _full(call, group, full, [group.creator])


def _count(group: SandboxGroup, wanted: str) -> int:
    tests = {
        "admins": lambda member: member.is_admin,
        "kicked": lambda member: member.standing == "banned",
        "banned": lambda member: member.is_in and bool(member.forbidden),
    }
    return sum(map(tests[wanted], group.members.values()))


def _common(call: Call, group: SandboxGroup) -> dict[str, Any]:
    """Return what the full view of either kind of group has."""
    common: dict[str, Any] = {}
    if group.photo:
        common["chat_photo"] = photo_view(call.world, call.me.id, call.world.files[group.photo])
    pinned = [call.world.letters[number].number_for(call.me.id) for number in group.pinned]
    if any(pinned):
        common["pinned_msg_id"] = pinned[-1]
    if may(group, call.me.id, "invite_users") and call.my_part(group).is_admin:
        link = next((one for one in group.invites if one.is_permanent and not one.is_revoked), None)
        common["exported_invite"] = invite_view(group, link) if link else None
        if group.requests:
            common["requests_pending"] = len(group.requests)
            common["recent_requesters"] = list(group.requests)
    return common


def _full(call: Call, group: SandboxGroup, full: Any, people: Iterable[int]) -> Any:
    chats = groups_view(call.world, call.me, [group.key])
    users = users_view(call.world, call.me, [call.me.id, *people])
    return types.messages.ChatFull(full, chats, users)


def get_participants(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    found = _filtered(call, group, request.filter)
    page = found[max(request.offset, 0) :][: min(max(request.limit, 0), _PAGE)]
    return types.channels.ChannelParticipants(
        count=len(found),
        participants=[member_view(call.me, member) for member in page],
        chats=groups_view(call.world, call.me, [group.key]),
        users=users_view(call.world, call.me, people_of(page)),
    )


def _filtered(call: Call, group: SandboxGroup, wanted: Any) -> list[Member]:
    """Return the members that a filter asks for.

    Who was removed or restricted is told to admins only; of hidden members, others get admins and bots.
    """
    is_admin = call.my_part(group).is_admin
    present, users = group.present(), call.world.users
    if isinstance(wanted, types.ChannelParticipantsAdmins):
        return [member for member in present if member.is_admin]
    is_secret = isinstance(wanted, types.ChannelParticipantsKicked | types.ChannelParticipantsBanned)
    if is_secret and not is_admin:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if group.hides_members and not is_admin:
        present = [member for member in present if member.is_admin or users[member.user].is_bot]
    words = (getattr(wanted, "q", "") or "").casefold()
    match wanted:
        case types.ChannelParticipantsKicked():
            present = [member for member in group.members.values() if member.standing == "banned"]
        case types.ChannelParticipantsBanned():
            present = [member for member in present if member.forbidden]
        case types.ChannelParticipantsBots():
            present = [member for member in present if users[member.user].is_bot]
        case types.ChannelParticipantsContacts():
            present = [member for member in present if member.user in call.me.contacts]
    return [member for member in present if words in _names(users[member.user])]


def _names(user: SandboxUser) -> str:
    return f"{user.first_name} {user.last_name} {user.username}".casefold()


def get_participant(call: Call, request: Any) -> Any:
    group, user = call.megagroup(request.channel), call.person(request.participant)
    member = group.members.get(user.id)
    if member is None or member.standing == "left":
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    is_admin = call.my_part(group).is_admin
    if not is_admin and not member.is_in:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    if not is_admin and group.hides_members and user is not call.me and not member.is_admin:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return types.channels.ChannelParticipant(
        participant=member_view(call.me, member),
        chats=groups_view(call.world, call.me, [group.key]),
        users=users_view(call.world, call.me, [user.id, call.me.id]),
    )


HANDLERS: Handlers = {
    functions.messages.CreateChatRequest: create_chat,
    functions.messages.AddChatUserRequest: add_chat_user,
    functions.messages.DeleteChatUserRequest: delete_chat_user,
    functions.messages.GetChatsRequest: get_chats,
    functions.messages.GetFullChatRequest: get_full_chat,
    functions.channels.CreateChannelRequest: create_channel,
    functions.channels.InviteToChannelRequest: invite_to_channel,
    functions.channels.LeaveChannelRequest: leave_channel,
    functions.channels.GetChannelsRequest: get_channels,
    functions.channels.GetFullChannelRequest: get_full_channel,
    functions.channels.GetParticipantsRequest: get_participants,
    functions.channels.GetParticipantRequest: get_participant,
}
