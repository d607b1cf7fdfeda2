"""Invite links and requests to join: who made them, who came by them, who waits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram import group_life
from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import Invite, JoinRequest, SandboxGroup, invite_hash
from vipcast.sandbox.telegram.group_views import group_view, groups_view, invite_view, peer_view, photo_view
from vipcast.sandbox.telegram.model import Change, Line, SandboxUser
from vipcast.sandbox.telegram.rights import demand, may
from vipcast.sandbox.telegram.rpc import Call, Handlers, Hub, RpcError
from vipcast.sandbox.telegram.views import push, updates_view, users_view

_MOST_USES: Final = 99_999
_TITLE_LIMIT: Final = 32
_PAGE: Final = 100


def _led_group(call: Call, peer: Any) -> SandboxGroup:
    """Return the group whose links one may manage: links are the admins' business."""
    group = call.group(peer)
    demand(call, group, "invite_users")
    if not call.my_part(group).is_admin:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return group


def _checked(request: Any, invite: Invite | None = None) -> dict[str, Any]:
    """Return the terms of a link, those not said as they were.

    Raises:
        RpcError: a term is none, or two exclude each other: whoever must be let in by hand is not counted.

    """
    terms: dict[str, Any] = {
        "usage_limit": invite.usage_limit if invite else 0,
        "expires_at": invite.expires_at if invite else 0,
        "request_needed": invite.request_needed if invite else False,
        "title": invite.title if invite else "",
    }
    if request.usage_limit is not None:
        terms["usage_limit"] = request.usage_limit
    if request.expire_date is not None:
        terms["expires_at"] = max(int(request.expire_date.timestamp()), 0)
    if request.request_needed is not None:
        terms["request_needed"] = bool(request.request_needed)
    if request.title is not None:
        terms["title"] = request.title
    if not 0 <= terms["usage_limit"] <= _MOST_USES or (terms["usage_limit"] and terms["request_needed"]):
        raise RpcError(400, "USAGE_LIMIT_INVALID")
    if request.expire_date is not None and 0 < terms["expires_at"] <= time.time():
        raise RpcError(400, "EXPIRE_DATE_INVALID")
    if len(terms["title"]) > _TITLE_LIMIT:
        raise RpcError(400, "TITLE_INVALID")
    return terms


def export(call: Call, request: Any) -> Any:
    """Make a link, or a new permanent one in the place of the old."""
    group = _led_group(call, request.peer)
    terms = _checked(request)
    if request.legacy_revoke_permanent:
        for invite in group.invites:
            invite.is_revoked |= invite.is_permanent and invite.admin == call.me.id
        terms["is_permanent"] = True
    invite = group_life.add_invite(group, call.me, **terms)
    call.world.keep_group(group)
    call.hub.record("link", group=group.title, sender=call.me.label, link=invite.link)
    return invite_view(group, invite)


def edit(call: Call, request: Any) -> Any:
    group = _led_group(call, request.peer)
    invite = _known(group, request.link)
    if call.me.id not in (invite.admin, group.creator):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if request.revoked:
        return _revoke(call, group, invite)
    if invite.is_revoked:
        raise RpcError(400, "INVITE_HASH_EXPIRED")
    if invite.is_permanent:
        raise RpcError(400, "CHAT_INVITE_PERMANENT")
    before = invite_view(group, invite)
    for name, value in _checked(request, invite).items():
        setattr(invite, name, value)
    deed = types.ChannelAdminLogEventActionExportedInviteEdit(before, invite_view(group, invite))
    log_deed(call.hub, group, call.me, deed)
    call.world.keep_group(group)
    return _one(call, group, invite)


def _known(group: SandboxGroup, link: str) -> Invite:
    invite = group.invite(link)
    if invite is None:
        raise RpcError(400, "INVITE_HASH_INVALID" if link else "INVITE_HASH_EMPTY")
    return invite


def _one(call: Call, group: SandboxGroup, invite: Invite) -> Any:
    users = users_view(call.world, call.me, [invite.admin])
    return types.messages.ExportedChatInvite(invite_view(group, invite), users)


def _revoke(call: Call, group: SandboxGroup, invite: Invite) -> Any:
    """Make a link lead nowhere; in the place of a permanent one comes a new one."""
    if invite.is_revoked:
        raise RpcError(400, "INVITE_HASH_EXPIRED")
    invite.is_revoked = True
    deed = types.ChannelAdminLogEventActionExportedInviteRevoke(invite_view(group, invite))
    log_deed(call.hub, group, call.me, deed)
    call.hub.record("link_revoked", group=group.title, sender=call.me.label, link=invite.link)
    if not invite.is_permanent:
        call.world.keep_group(group)
        return _one(call, group, invite)
    fresh = group_life.add_invite(group, call.world.users[invite.admin], is_permanent=True)
    call.world.keep_group(group)
    users = users_view(call.world, call.me, [invite.admin])
    views = invite_view(group, invite), invite_view(group, fresh)
    return types.messages.ExportedChatInviteReplaced(*views, users)


def get_links(call: Call, request: Any) -> Any:
    group = _led_group(call, request.peer)
    admin = call.person(request.admin_id)
    found = [
        invite
        for invite in reversed(group.invites)
        if invite.admin == admin.id and invite.is_revoked == bool(request.revoked)
    ]
    total = len(found)
    if request.offset_link:
        last = _known(group, request.offset_link)
        found = found[next((n for n, one in enumerate(found, 1) if one is last), 0) :]
    page = found[: min(request.limit, _PAGE) or _PAGE]
    users = users_view(call.world, call.me, [admin.id])
    return types.messages.ExportedChatInvites(total, [invite_view(group, invite) for invite in page], users)


def get_link(call: Call, request: Any) -> Any:
    group = _led_group(call, request.peer)
    return _one(call, group, _known(group, request.link))


def get_importers(call: Call, request: Any) -> Any:
    """Return who came by a link and is still there, or who waits to be let in."""
    group = _led_group(call, request.peer)
    wanted = _known(group, request.link).hash if request.link else ""
    if request.requested:
        found = [
            types.ChatInviteImporter(one.user, one.at, requested=True)
            for one in group.requests.values()
            if wanted in ("", one.link)
        ]
    else:
        found = [
            types.ChatInviteImporter(one.user, one.joined_at, approved_by=one.approved_by or None)
            for one in group.present()
            if one.link and wanted in ("", one.link)
        ]
    if not isinstance(request.offset_user, types.InputUserEmpty):
        last = call.person(request.offset_user).id
        found = found[next((n for n, one in enumerate(found, 1) if one.user_id == last), 0) :]
    page = found[: min(request.limit, _PAGE) or _PAGE]
    users = users_view(call.world, call.me, (one.user_id for one in page))
    return types.messages.ChatInviteImporters(len(found), page, users)


def _led_to(hub: Hub, link: str) -> tuple[SandboxGroup, Invite]:
    """Return the group that a link leads to.

    Raises:
        RpcError: there is no such link.

    """
    wanted = invite_hash(link)
    if not wanted:
        raise RpcError(400, "INVITE_HASH_EMPTY")
    for group in hub.world.groups.values():
        if (invite := group.invite(wanted)) is not None:
            return group, invite
    raise RpcError(400, "INVITE_HASH_INVALID")


def _check_open(group: SandboxGroup, invite: Invite, user: SandboxUser) -> None:
    """Refuse a link that is no longer good, or that is followed by somebody who was banned."""
    before = group.members.get(user.id)
    is_full = invite.usage_limit and group.used(invite) >= invite.usage_limit
    is_over = invite.is_revoked or (invite.expires_at and invite.expires_at <= time.time())
    if is_full or is_over or (before is not None and before.standing == "banned"):
        raise RpcError(400, "INVITE_HASH_EXPIRED")


def follow(
    hub: Hub, user: SandboxUser, link: str, *, beside: Line | None = None
) -> tuple[SandboxGroup, list[Change]]:
    """Let a person join by a link.

    Raises:
        RpcError: the link is none or no longer good, they are in the group already, or must wait until an
            admin lets them in (INVITE_REQUEST_SENT).

    """
    group, invite = _led_to(hub, link)
    if group.member(user.id) is not None:
        raise RpcError(400, "USER_ALREADY_PARTICIPANT")
    _check_open(group, invite, user)
    if invite.request_needed:
        group.requests[user.id] = JoinRequest(user=user.id, link=invite.hash, at=int(time.time()))
        hub.world.keep_group(group)
        hub.record("join_request", group=group.title, person=user.label)
        _tell_admins(hub, group)
        raise RpcError(400, "INVITE_REQUEST_SENT")
    action = types.MessageActionChatJoinedByLink(invite.admin)
    changes = group_life.let_in(hub, group, [user], link=invite.hash, action=action, beside=beside)
    deed = types.ChannelAdminLogEventActionParticipantJoinByInvite(invite_view(group, invite))
    log_deed(hub, group, user, deed, user.id)
    return group, changes


def _tell_admins(hub: Hub, group: SandboxGroup, beside: Line | None = None) -> None:
    """Tell those who may let people in how many wait."""
    for member in group.present():
        if member.is_admin and may(group, member.user, "invite_users"):
            push(hub.world, member.user, pending_view(hub, member.user, group), beside=beside)


def pending_view(hub: Hub, viewer_id: int, group: SandboxGroup) -> Any:
    viewer = hub.world.users[viewer_id]
    waiting = list(group.requests)
    update = types.UpdatePendingJoinRequests(peer_view(group.key), len(waiting), waiting)
    answer = updates_view(hub.world, viewer, (), update)
    answer.chats = groups_view(hub.world, viewer, [group.key])
    answer.users = users_view(hub.world, viewer, [viewer.id, *waiting])
    return answer


def admit(
    hub: Hub,
    group: SandboxGroup,
    admin: SandboxUser,
    people: Sequence[SandboxUser],
    *,
    is_approved: bool,
    beside: Line | None = None,
) -> None:
    """Let people in who asked for it, or turn them away.

    Raises:
        RpcError: one did not ask, or is in already.

    """
    for user in people:
        if group.member(user.id) is not None:
            raise RpcError(400, "USER_ALREADY_PARTICIPANT")
        if user.id not in group.requests:
            raise RpcError(400, "HIDE_REQUESTER_MISSING")
        request = group.requests.pop(user.id)
        if is_approved:
            group_life.let_in(
                hub,
                group,
                [user],
                link=request.link,
                approved_by=admin.id,
                action=types.MessageActionChatJoinedByRequest(),
            )
            invite = invite_view(group, _known(group, request.link))
            deed = types.ChannelAdminLogEventActionParticipantJoinByRequest(invite, admin.id)
            log_deed(hub, group, user, deed, user.id, admin.id)
        else:
            hub.record("turned_away", group=group.title, person=user.label, by=admin.label)
    hub.world.keep_group(group)
    _tell_admins(hub, group, beside)


def hide_request(call: Call, request: Any) -> Any:
    group = _led_group(call, request.peer)
    user = call.person(request.user_id)
    admit(call.hub, group, call.me, [user], is_approved=bool(request.approved), beside=call.line)
    return pending_view(call.hub, call.me.id, group)


def hide_all_requests(call: Call, request: Any) -> Any:
    group = _led_group(call, request.peer)
    wanted = _known(group, request.link).hash if request.link else ""
    people = [call.world.users[one.user] for one in group.requests.values() if wanted in ("", one.link)]
    admit(call.hub, group, call.me, people, is_approved=bool(request.approved), beside=call.line)
    return pending_view(call.hub, call.me.id, group)


def import_invite(call: Call, request: Any) -> Any:
    call.only_people()
    group, changes = follow(call.hub, call.me, request.hash, beside=call.line)
    updates = group_life.group_updates(call.hub, call.me, group, changes)
    return types.messages.ChatInviteJoinResultOk(updates)


def check_invite(call: Call, request: Any) -> Any:
    call.only_people()
    group, invite = _led_to(call.hub, request.hash)
    if group.member(call.me.id) is not None:
        return types.ChatInviteAlready(group_view(call.world, call.me, group))
    _check_open(group, invite, call.me)
    return types.ChatInvite(
        title=group.title,
        photo=photo_view(call.world, call.me.id, call.world.files.get(group.photo)),
        participants_count=len(group.present()),
        color=0,
        channel=group.is_megagroup or None,
        megagroup=group.is_megagroup or None,
        request_needed=invite.request_needed or None,
        about=group.about or None,
    )


HANDLERS: Handlers = {
    functions.messages.ExportChatInviteRequest: export,
    functions.messages.EditExportedChatInviteRequest: edit,
    functions.messages.GetExportedChatInvitesRequest: get_links,
    functions.messages.GetExportedChatInviteRequest: get_link,
    functions.messages.GetChatInviteImportersRequest: get_importers,
    functions.messages.HideChatJoinRequestRequest: hide_request,
    functions.messages.HideAllChatJoinRequestsRequest: hide_all_requests,
    functions.messages.ImportChatInviteRequest: import_invite,
    functions.messages.CheckChatInviteRequest: check_invite,
}
