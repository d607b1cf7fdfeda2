"""From "send this to gold" to a plan that can be shown, and from the plan to the ledger."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from vipcast.announcements import earlier, records
from vipcast.announcements.planning import ChatTarget, Plan, PlannedDelivery, Planner
from vipcast.announcements.records import Announcement
from vipcast.announcements.rendering import variables_used
from vipcast.announcements.templates import Template
from vipcast.by_hand import BY_HAND
from vipcast.errors import InputError, NothingToDo
from vipcast.groups import chats, seats
from vipcast.groups.seats import Group, Place
from vipcast.members import roster
from vipcast.members.roster import Member
from vipcast.messengers.base import Media


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What the owner asked for."""

    template: Template
    groups: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    only: Sequence[str] = ()
    is_new: bool = False  # `--again`: another announcement of the same text to the same groups


@dataclass(slots=True)
class Prepared:
    """A plan, and the announcement that it belongs to where there is one already."""

    request: SendRequest
    key: str
    groups: list[Group]
    plan: Plan
    existing: Announcement | None = None
    is_text_changed: bool = False


def prepare(connection: Connection, request: SendRequest, planner: Planner) -> Prepared:
    """Plan a send; write nothing.

    Raises:
        InputError: a group or member that does not exist.
        NothingToDo: nobody sits in the groups, or the text was sent and has changed since.

    """
    if unused := sorted(set(request.variables) - variables_used(request.template)):
        raise InputError(
            f"The text of {request.template.name!r} uses no variable called {unused[0]!r}.",
            hint="Leave that --var out, or use it in the text as {{ " + unused[0] + " }}.",
        )
    chosen = [seats.get(connection, name) for name in dict.fromkeys(request.groups)]
    for group in chosen:
        if group.closed_at:
            raise InputError(f"The group {group.name!r} is closed.", hint="See `vipcast group list`.")
    key = records.key_of(request.template.name, [g.name for g in chosen], request.variables)
    existing = None if request.is_new else records.newest(connection, key)
    changed = existing is not None and existing.digest != request.template.digest
    if existing and changed and not existing.is_unfinished:
        raise NothingToDo(
            f"{existing.template!r} was sent to {', '.join(existing.groups)} as announcement {existing.id} "
            f"on {existing.created_at:%Y-%m-%d}, and its text has changed since.",
            hint="Nothing was sent now. To send the new text to everybody there, add --again.",
        )
    if existing and existing.state == "cancelled":
        raise NothingToDo(
            f"Announcement {existing.id} was this one, and it was cancelled.",
            hint="To send it after all, to everybody who did not get it and to who did, add --again.",
        )
    people = _people(connection, chosen, request.only)
    reached = [] if request.only else targets(connection, chosen, planner)
    if not people and not reached:
        names = ", ".join(group.name for group in chosen)
        raise NothingToDo(
            f"Nobody sits in {names}.",
            hint="Seat members with `vipcast group add GROUP MEMBER` or an import.",
        )
    if existing is not None:  # the group's mode may have changed since: nobody gets it in both ways
        people, reached = _not_yet(connection, existing, people, reached)
    already: Mapping[int, str] = {}
    if not request.is_new:
        text, besides = (request.template.name, request.variables), existing.id if existing else None
        already = earlier.who_got(connection, *text, besides=besides)
        told = earlier.chats_that_got(connection, *text, besides=besides)
        reached = [one for one in reached if one.group.id not in told]
    # The text that was planned is the text that goes out: nobody joins it with another one.
    plan = Plan() if changed else planner.plan(people, already, reached)
    return Prepared(request, key, chosen, plan, existing, is_text_changed=changed)


def _not_yet(
    connection: Connection,
    existing: Announcement,
    people: Sequence[tuple[Member, Group]],
    reached: Sequence[ChatTarget],
) -> tuple[list[tuple[Member, Group]], list[ChatTarget]]:
    """Return who has not got an announcement in a chat, and the chats in which nobody got it privately."""
    has = records.with_delivery(connection, existing.id)
    there = earlier.reached_in_chats(connection, existing.id)
    left = [
        one
        for one in reached
        if (None, one.group.id) in has or not any((member_id, None) in has for member_id in one.people)
    ]
    inside = {member_id for one in left for member_id in one.people}
    return [(m, group) for m, group in people if m.id not in there or m.id in inside], left


def targets(connection: Connection, chosen: Sequence[Group], planner: Planner) -> list[ChatTarget]:
    """Return the chats of those groups that have one.

    Raises:
        InputError: a chat is not finished, or no account of the shop is in it.

    """
    found = []
    for group in chosen:
        if group.mode == chats.DIRECT:
            continue
        chat = chats.of(connection, group)
        if chat is None or chat.state != chats.READY:
            raise InputError(
                f"The chat of {group.name!r} is not finished yet.",
                hint=f"Go on with it: vipcast group sync {group.as_typed} --yes",
            )
        by_hand = group.mode == BY_HAND
        account = BY_HAND if by_hand else group.chat_account
        route = planner.route_to(account, chat.messenger)
        if route is None:
            raise InputError(
                f"Nothing can be sent to the chat of {group.name!r}: the shop has no account {account!r}.",
                hint="Put it back, or write to each member: "
                f"vipcast group edit {group.as_typed} --mode direct",
            )
        people = chats.members_in(connection, group)
        if not by_hand or people:
            language = chat.language or planner.shop_language
            found.append(ChatTarget(group, route, chat.link if by_hand else group.chat, language, people))
    return found


def write(
    connection: Connection,
    prepared: Prepared,
    media_folder: Path,
    *,
    new_key: Callable[[], int],
    now: datetime,
) -> tuple[Announcement, int]:
    """Write a plan without a fault in one transaction; return its announcement and how many are new.

    Raises:
        InputError: the plan has faults; nothing is written.

    """
    prepared.plan.check()
    announcement = prepared.existing or records.newest(connection, prepared.key)
    if prepared.request.is_new or announcement is None:
        announcement = _create(connection, prepared, now)
    planned = [_with_kept_media(one, media_folder) for one in prepared.plan.deliveries]
    new = records.add_deliveries(connection, announcement, planned, new_key, now)
    if not new and announcement.state in ("paused", "planned") and announcement.approval != "waiting":
        records.set_state(connection, announcement.id, "running")
    return records.get(connection, announcement.id), new


def plan_failed(
    connection: Connection, announcement: Announcement, request: SendRequest, planner: Planner
) -> Plan:
    """Plan the failed deliveries of an announcement anew, for who is reached elsewhere by now."""
    ids, chat_ids = records.failed(connection, announcement.id)
    chosen = [seats.get(connection, name) for name in request.groups]
    reached = targets(connection, [group for group in chosen if group.id in chat_ids], planner)
    return planner.plan([(member, chosen[0]) for member in roster.load(connection, ids)], chats=reached)


def requeue(
    connection: Connection,
    announcement: Announcement,
    plan: Plan,
    media_folder: Path,
    *,
    new_key: Callable[[], int],
) -> int:
    """Queue newly planned deliveries in the place of the failed ones; return how many."""
    for one in plan.to_send:
        records.requeue(connection, announcement, _with_kept_media(one, media_folder), new_key())
    if plan.to_send:
        records.set_state(connection, announcement.id, "running")
    return len(plan.to_send)


def write_rehearsal(
    connection: Connection,
    template: Template,
    variables: Mapping[str, str],
    plan: Plan,
    media_folder: Path,
    *,
    new_key: Callable[[], int],
    now: datetime,
) -> Announcement:
    """Write an announcement to the owner alone (`send --to-me`)."""
    plan.check()
    announcement = records.create(
        connection,
        key=f"rehearsal {new_key()}",
        template=template.name,
        digest=template.digest,
        title=_title(template),
        groups=[],
        variables=variables,
        now=now,
        is_test=True,
    )
    planned = [_with_kept_media(one, media_folder) for one in plan.deliveries]
    records.add_deliveries(connection, announcement, planned, new_key, now)
    return announcement


def _create(connection: Connection, prepared: Prepared, now: datetime) -> Announcement:
    request = prepared.request
    earlier = records.newest(connection, prepared.key)
    return records.create(
        connection,
        key=prepared.key if earlier is None else f"{prepared.key}#{earlier.id + 1}",
        template=request.template.name,
        digest=request.template.digest,
        title=_title(request.template),
        groups=[group.name for group in prepared.groups],
        variables=request.variables,
        now=now,
    )


def _title(template: Template) -> str:
    return next((text.title for text in template.texts.values() if text.title), "")


def _people(
    connection: Connection, chosen: Sequence[Group], only: Sequence[str]
) -> list[tuple[Member, Group]]:
    group_of: dict[int, Group] = {}
    for group in chosen:
        for seat in seats.seats(connection, group):
            if seat.place is Place.SEATED:
                group_of.setdefault(seat.member_id, group)
    wanted = list(group_of)
    if only:
        named = [roster.find(connection, text) for text in only]
        for member in named:
            if member.id not in group_of:
                raise InputError(
                    f"{member.name} has no seat in {', '.join(g.name for g in chosen)}.",
                    hint=f"Seat them first: vipcast group add {chosen[0].name} '#{member.id}'",
                )
        wanted = [member.id for member in named]
    return [(member, group_of[member.id]) for member in roster.load(connection, wanted)]


def _with_kept_media(planned: PlannedDelivery, folder: Path) -> PlannedDelivery:
    """Point a delivery at copies of its files, so that what was planned is what is sent."""
    if planned.message is None or not planned.message.media:
        return planned
    media = tuple(_kept(one, folder) for one in planned.message.media)
    return replace(planned, message=replace(planned.message, media=media))


def _kept(media: Media, folder: Path) -> Media:
    if not media.path or not media.digest:
        return media
    target = folder / f"{media.digest}{Path(media.name).suffix.lower()}"
    if not target.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}.part")
        shutil.copyfile(media.path, partial)
        partial.replace(target)
    return replace(media, path=str(target))
