"""What an announcement that was sent is to say by its template as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from vipcast.announcements.planning import ChatTarget, Planner, Route
from vipcast.announcements.preparing import targets
from vipcast.announcements.records import Announcement
from vipcast.announcements.templates import TemplateFault
from vipcast.delivery.recalling import Item, Mark
from vipcast.errors import InputError, Problem
from vipcast.groups import seats
from vipcast.groups.seats import Group, Place
from vipcast.members import roster
from vipcast.messengers.base import Capabilities, Message


def revise(
    connection: Connection,
    announcement: Announcement,
    items: Sequence[Item],
    planner: Planner,
    routes: Mapping[str, Route],
) -> dict[int, Message]:
    """Return what each delivery is to say by the template as it is now, its media left as they were sent.

    `routes` has each item's account. Who reads so already is left out.

    Raises:
        InputError: with every member's fault in `problems`.

    """
    people = {one.id: one for one in roster.load(connection, [one.member_id or 0 for one in items])}
    known = seats.everything(connection)
    by_name = {one.name: one for one in known}
    found, faults = {}, []
    for item in items:
        route, sent = routes[item.account], item.message
        try:
            if item.group_id is not None:
                text = planner.render_chat(_target(connection, item, known, planner))
            else:
                member = people[item.member_id or 0]
                text = planner.render(member, _group_of(connection, announcement, member.id, by_name), route)
            message = replace(sent, text=text.text, spans=text.spans)
            _check_fit(message, route.capabilities, item.messenger)
        except TemplateFault as fault:
            faults += [
                Problem(p.code, f"{item.member}: {p.message}", p.hint, p.where) for p in fault.problems
            ]
            continue
        # What was begun may have arrived already, whatever the ledger holds.
        if message != sent or item.mark in (Mark.WANTED, Mark.FAILED):
            found[item.id] = message
    if faults:
        number = len(faults)
        raise InputError(
            f"{number} fault{'s' * (number != 1)} found; nothing was edited.",
            hint="Mend the template, then run it again.",
            problems=faults,
        )
    return found


def _target(connection: Connection, item: Item, known: Sequence[Group], planner: Planner) -> ChatTarget:
    found = targets(connection, [one for one in known if one.id == item.group_id], planner)
    if not found:
        raise InputError(
            f"{item.member.capitalize()} is kept no more, so its message cannot be rendered anew.",
            hint="Take it back instead, or edit it in the app.",
        )
    return found[0]


def _group_of(
    connection: Connection, announcement: Announcement, member_id: int, groups: Mapping[str, Group]
) -> Group | None:
    """Return the group through which a member got it, as planning chose it; the first one for who left."""
    sits = {name for name, place, _ in seats.groups_of(connection, member_id) if place is Place.SEATED}
    known = [name for name in announcement.groups if name in groups]
    name = next((name for name in known if name in sits), known[0] if known else "")
    return groups.get(name)


def _check_fit(message: Message, can: Capabilities, messenger: str) -> None:
    """Refuse a text that is too long beside what was sent, which may be other media than the template's."""
    limit = can.caption_limit if message.media else can.text_limit
    length = can.unit.length(message.text)
    if length > limit:
        place = "a text with a picture or file" if message.media else "a text"
        raise TemplateFault(
            f"{length} is {length - limit} too long for {place} on {messenger} ({limit}).",
            kind="too-long",
            hint=f"Shorten it by {length - limit}; what was sent beside it stays.",
        )
