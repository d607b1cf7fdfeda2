"""The admin log of a megagroup: who did what; Telegram keeps it for 48 hours."""

from __future__ import annotations

import time
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_model import AdminEvent, SandboxGroup
from vipcast.sandbox.telegram.group_views import groups_view
from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rpc import Call, Handlers, Hub, RpcError
from vipcast.sandbox.telegram.tl import read_object
from vipcast.sandbox.telegram.views import users_view

_KEPT_SECONDS: Final = 48 * 3600
_PAGE: Final = 100
_PREFIX: Final = "ChannelAdminLogEventAction"
# The filters of the log, and the actions that each lets through.
_FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "join": ("ParticipantJoin", "ParticipantJoinByInvite", "ParticipantJoinByRequest"),
    "leave": ("ParticipantLeave",),
    "invite": ("ParticipantInvite",),
    "ban": ("ParticipantToggleBan",),
    "unban": ("ParticipantToggleBan",),
    "kick": ("ParticipantToggleBan",),
    "unkick": ("ParticipantToggleBan",),
    "promote": ("ParticipantToggleAdmin",),
    "demote": ("ParticipantToggleAdmin",),
    "info": ("ChangeTitle", "ChangeAbout", "ChangePhoto"),
    "settings": ("DefaultBannedRights", "TogglePreHistoryHidden", "ToggleNoForwards"),
    "pinned": ("UpdatePinned",),
    "edit": ("EditMessage",),
    "delete": ("DeleteMessage",),
    "invites": ("ExportedInviteEdit", "ExportedInviteRevoke"),
}


def log_deed(hub: Hub, group: SandboxGroup, actor: SandboxUser, action: Any, *people: int) -> None:
    """Write a line of the admin log, with those whom it names; basic groups have none."""
    if group.is_megagroup:
        number = len(group.events) + 1
        now = int(time.time())
        group.events.append(AdminEvent(id=number, at=now, user=actor.id, action=bytes(action), people=people))
        hub.world.keep_group(group)


def get_admin_log(call: Call, request: Any) -> Any:
    group = call.megagroup(request.channel)
    if not call.my_part(group).is_admin:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    admins = {call.person(admin).id for admin in request.admins or ()}
    kinds = _wanted(request.events_filter)
    since = time.time() - _KEPT_SECONDS
    events = [
        event
        for event in reversed(group.events)
        if event.at >= since
        and (not request.max_id or event.id < request.max_id)
        and event.id > request.min_id
        and (not admins or event.user in admins)
        and (kinds is None or type(read_object(event.action)).__name__.removeprefix(_PREFIX) in kinds)
    ]
    page = events[: min(request.limit, _PAGE) or _PAGE]
    people = [number for event in page for number in (event.user, *event.people)]
    return types.channels.AdminLogResults(
        events=[
            types.ChannelAdminLogEvent(event.id, event.at, event.user, read_object(event.action))
            for event in page
        ],
        chats=groups_view(call.world, call.me, [group.key]),
        users=users_view(call.world, call.me, people),
    )


def _wanted(events_filter: Any) -> set[str] | None:
    """Return the names of the actions that a filter lets through; None: all."""
    if events_filter is None:
        return None
    return {kind for name, kinds in _FILTERS.items() if getattr(events_filter, name, None) for kind in kinds}


HANDLERS: Handlers = {functions.channels.GetAdminLogRequest: get_admin_log}
