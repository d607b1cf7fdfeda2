"""What a client missed in the megagroups, each of which counts its own updates."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.group_views import groups_view
from vipcast.sandbox.telegram.history import dialog_view
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.views import is_heard, message_view, people_in, update_view, users_view

_SLICE: Final = 100
TOO_LONG: Final = 1000  # so many changes behind, a client begins afresh


def news_of_groups(call: Call, since: datetime | None) -> list[SandboxGroup]:
    """Return the megagroups of an account in which something happened since then, to the second."""
    moment = int(since.timestamp()) if since else 0
    return [
        group
        for group in call.world.groups.values()
        if group.is_megagroup
        and group.member(call.me.id)
        and (changes := call.world.box(group.key).changes)
        and changes[-1].at >= moment
    ]


def get_difference(call: Call, request: Any) -> Any:
    """Return what happened in a megagroup after the point that the client knows."""
    group = call.megagroup(request.channel)
    me, world = call.me, call.world
    box = world.box(group.key)
    if not 0 < request.pts <= box.pts:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID" if request.pts else "PERSISTENT_TIMESTAMP_EMPTY")
    begin = bisect_right(box.changes, request.pts, key=lambda change: change.pts)
    missed = box.changes[begin:]
    if not missed:
        return types.updates.ChannelDifferenceEmpty(pts=box.pts, final=True)
    if len(missed) > TOO_LONG:
        return _too_long(call, group)
    page = missed[: min(max(request.limit, 1), _SLICE)]
    _, visible = world.shelf(me.id, group)
    seen = set(visible)
    told = [change for change in page if is_heard(world, me.id, change) and seen.issuperset(_shown(change))]
    new = [world.letters[change.letter] for change in told if change.kind == "new"]
    return types.updates.ChannelDifference(
        pts=page[-1].pts,
        new_messages=[message_view(world, me.id, letter) for letter in new],
        other_updates=[update_view(world, me, change) for change in told if change.kind != "new"],
        chats=groups_view(world, me, [group.key]),
        users=users_view(world, me, people_in(world, me, told)),
        final=len(page) == len(missed) or None,
    )


def _shown(change: Any) -> tuple[int, ...]:
    """Return the messages that a change shows; what it takes away may be gone."""
    return change.ids if change.kind in ("new", "edit") else ()


def _too_long(call: Call, group: SandboxGroup) -> Any:
    me, world = call.me, call.world
    box, numbers = world.shelf(me.id, group)
    letters = [box.letters[number] for number in numbers[-_SLICE:]]
    people = [me.id, *(letter.sender for letter in letters)]
    return types.updates.ChannelDifferenceTooLong(
        dialog=dialog_view(call, group.key, letters[-1] if letters else None),
        messages=[message_view(world, me.id, letter) for letter in letters],
        chats=groups_view(world, me, [group.key]),
        users=users_view(world, me, people),
        final=True,
    )


HANDLERS: Handlers = {functions.updates.GetChannelDifferenceRequest: get_difference}
