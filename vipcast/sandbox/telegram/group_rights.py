"""Requests that give and take rights in groups."""

from __future__ import annotations

import time
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram import group_life
from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import FOREVER, Member, SandboxGroup
from vipcast.sandbox.telegram.group_views import banned_rights, member_view, peer_view
from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rights import demand, flags
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError

_RANK_LIMIT: Final = 16


def edit_default_rights(call: Call, request: Any) -> Any:
    """Say what all but the admins may not do."""
    group = call.group(request.peer)
    demand(call, group, "ban_users")
    wanted = flags(request.banned_rights)
    if "view_messages" in wanted:
        raise RpcError(400, "BANNED_RIGHTS_INVALID")
    if wanted == group.forbidden:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    before, after = banned_rights(group.forbidden), banned_rights(wanted)
    group.forbidden = wanted
    deed = types.ChannelAdminLogEventActionDefaultBannedRights(before, after)
    log_deed(call.hub, group, call.me, deed)
    call.hub.record("rights", group=group.title, sender=call.me.label, forbidden=sorted(wanted))
    group_life.tell_members(call.hub, group, call.line)
    update = types.UpdateChatDefaultBannedRights(peer_view(group.key), after, group.version)
    return group_life.group_updates(call.hub, call.me, group, (), update)


def edit_admin(call: Call, request: Any) -> Any:
    """Make somebody an admin of a megagroup, change what they may do, or, with no right, make them none."""
    group, user = call.megagroup(request.channel), call.person(request.user_id)
    demand(call, group, "add_admins")
    member = _target(group, user)
    wanted = flags(request.admin_rights)
    mine = call.my_part(group)
    if mine.standing != "creator" and not wanted <= mine.rights:
        raise RpcError(403, "RIGHT_FORBIDDEN")
    if len(request.rank or "") > _RANK_LIMIT:
        raise RpcError(400, "ADMIN_RANK_INVALID")
    before = member_view(call.me, member)
    _promote(member, wanted, call.me.id)
    member.rank = (request.rank or "") if wanted else ""
    deed = types.ChannelAdminLogEventActionParticipantToggleAdmin(before, member_view(call.me, member))
    log_deed(call.hub, group, call.me, deed, user.id)
    group_life.tell_bots(call.hub, group, call.me, user, before)
    return _changed(call, group, user, "admin", wanted)


def edit_chat_admin(call: Call, request: Any) -> Any:
    group, user = call.basic_group(request.chat_id), call.person(request.user_id)
    demand(call, group, "add_admins")
    member = _target(group, user)
    member.standing = "admin" if request.is_admin else "member"
    group_life.tell_members(call.hub, group)
    call.hub.record("admin", group=group.title, person=user.label, rights=[], by=call.me.label)
    return True


def _target(group: SandboxGroup, user: SandboxUser) -> Member:
    member = group.member(user.id)
    if member is None:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    if member.standing == "creator":
        raise RpcError(400, "USER_CREATOR")
    return member


def _promote(member: Member, wanted: frozenset[str], by: int) -> None:
    member.rights = wanted
    member.standing = "admin" if wanted else "member"
    member.promoted_by = by if wanted else 0
    if wanted:
        member.forbidden = frozenset()


def _changed(call: Call, group: SandboxGroup, user: SandboxUser, event: str, rights: frozenset[str]) -> Any:
    """Remember, log and tell of what somebody may or may not do, and return the answer."""
    call.world.keep_group(group)
    call.hub.record(event, group=group.title, person=user.label, rights=sorted(rights), by=call.me.label)
    group_life.tell_of_group(call.hub, user.id, group)
    return group_life.group_updates(call.hub, call.me, group)


def edit_banned(call: Call, request: Any) -> Any:
    """Ban somebody from a megagroup, restrict them, or lift it: no right forbidden is no ban."""
    group, user = call.megagroup(request.channel), call.person(request.participant)
    demand(call, group, "ban_users")
    if user is call.me:
        raise RpcError(400, "USER_ID_INVALID")
    member = group.members.get(user.id)
    if member is None:
        member = group.members[user.id] = Member(user=user.id, standing="left")
    is_mine = call.me.id in (group.creator, member.promoted_by)
    if member.standing == "creator" or (member.standing == "admin" and not is_mine):
        raise RpcError(400, "USER_ADMIN_INVALID")
    wanted = flags(request.banned_rights)
    if "view_messages" in wanted:
        return _ban(call, group, user, member)
    before = member_view(call.me, member)
    if member.standing == "banned":
        member.standing = "left"
    member.forbidden, member.until = wanted, _until(request.banned_rights.until_date)
    member.banned_by, member.banned_at = call.me.id, int(time.time())
    if wanted and member.standing == "admin":
        _promote(member, frozenset(), call.me.id)
    deed = types.ChannelAdminLogEventActionParticipantToggleBan(before, member_view(call.me, member))
    log_deed(call.hub, group, call.me, deed, user.id)
    group_life.tell_bots(call.hub, group, call.me, user, before)
    return _changed(call, group, user, "restricted" if wanted else "unbanned", wanted)


def _ban(call: Call, group: SandboxGroup, user: SandboxUser, member: Member) -> Any:
    if member.is_in:
        changes = group_life.take_out(call.hub, group, call.me, user, is_banned=True, beside=call.line)
        return group_life.group_updates(call.hub, call.me, group, changes)
    before = member_view(call.me, member)
    member.standing, member.forbidden = "banned", frozenset({"view_messages"})
    member.banned_by, member.banned_at = call.me.id, int(time.time())
    deed = types.ChannelAdminLogEventActionParticipantToggleBan(before, member_view(call.me, member))
    log_deed(call.hub, group, call.me, deed, user.id)
    return _changed(call, group, user, "banned", member.forbidden)


def _until(moment: Any) -> int:
    """Return when a restriction ends; Telegram takes no date, or one in the past, for never."""
    end = int(moment.timestamp()) if moment else 0
    return end if end > time.time() else FOREVER


HANDLERS: Handlers = {
    functions.messages.EditChatDefaultBannedRightsRequest: edit_default_rights,
    functions.messages.EditChatAdminRequest: edit_chat_admin,
    functions.channels.EditAdminRequest: edit_admin,
    functions.channels.EditBannedRequest: edit_banned,
}
