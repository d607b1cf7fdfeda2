"""From `send` and `resume` to what came of it: preview, question, progress, summary."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vipcast.announcements import preparing, records
from vipcast.announcements.planning import Plan, PlannedDelivery
from vipcast.by_hand import BY_HAND
from vipcast.cli.moments import moment_of
from vipcast.cli.progress import progress_bar
from vipcast.cli.result import Result, Table, note
from vipcast.cli.template_views import first_person, parse_variables
from vipcast.cli.terminal import Terminal, show
from vipcast.cli.views import count_words, next_steps, planned_data, preview_rows
from vipcast.delivery import contacts, hand
from vipcast.delivery.dispatch import resumes_at
from vipcast.delivery.interrupts import stop_on_signals
from vipcast.delivery.ledger import counts
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.delivery.sender import DrainResult, Ended
from vipcast.errors import (
    INTERRUPTED,
    InputError,
    Interrupted,
    NothingToDo,
    Problem,
    SetupMissing,
)
from vipcast.shop import Shop, new_message_key
from vipcast.shop_desk import approval_of, own_address

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.announcements.planning import Planner
    from vipcast.announcements.preparing import Prepared
    from vipcast.announcements.records import Announcement
    from vipcast.conversations.approvals import Approval


@dataclass(frozen=True, slots=True)
class SendOptions:
    template: str
    groups: Sequence[str]
    variables: Sequence[str]
    only: Sequence[str]
    limit: int | None = None
    is_dry_run: bool = False
    yes: bool = False
    again: bool = False
    is_urgent: bool = False
    ends: str = ""
    undo: str = ""


def announce(terminal: Terminal, shop: Shop, options: SendOptions) -> Result:
    """Plan, show, ask, write and send."""
    if not options.groups:
        raise InputError("To whom?", hint="Name a group with --group, or try it on yourself with --to-me.")
    variables = parse_variables(options.variables)
    undo_seconds, ends_at = _times(shop, options)
    shop.manners()  # a wrong limit is told before anything is planned
    template = shop.template(options.template)
    request = preparing.SendRequest(template, options.groups, variables, options.only, is_new=options.again)
    planner = shop.planner(template, variables)
    with shop.database.read() as connection:
        prepared = preparing.prepare(connection, request, planner)
    prepared.plan.check()
    fresh = _not_yet_planned(shop, prepared)
    preview: list[str | Table] = [preview_rows(prepared.plan.deliveries), _reach(prepared, fresh)]
    preview += _advice(shop, fresh)
    data = {"planned": [planned_data(one) for one in prepared.plan.deliveries]}
    if options.is_dry_run:
        ending = "Dry run: nothing was planned and nothing has left."
        return Result({**data, "dry_run": True}, [*preview, ending])
    _refuse_empty(shop, prepared, fresh)
    if not options.yes:
        show(terminal, preview)
        if not terminal.confirm(f"Send this to {_people(_reached(fresh))}?" if fresh else "Go on with it?"):
            return Result(data, ["Nothing was planned or sent."], exit_code=3)
        preview = []
    with shop.database.write() as connection:
        announcement, _ = preparing.write(
            connection, prepared, shop.media_folder, new_key=new_message_key, now=shop.now()
        )
        if options.is_urgent or ends_at:
            records.set_terms(connection, announcement.id, is_urgent=options.is_urgent, ends_at=ends_at)
        approval = _ask(shop, connection, prepared, planner, announcement)
        if undo_seconds and approval is None:
            records.set_state(connection, announcement.id, "planned", "may still be undone")
    if approval is not None:
        return _waiting(shop, approval, announcement, data)
    if undo_seconds:
        _wait_for_undo(shop, announcement, undo_seconds)
    result = drain(terminal, shop, announcement, limit=options.limit)
    result.data |= data
    result.view = [*preview, *result.view]
    return result


def _advice(shop: Shop, fresh: Sequence[PlannedDelivery]) -> list[str]:
    """Return what the owner should know before an account writes first to many people."""
    able = {route.account.name: route.capabilities for route in shop.routes()}
    with shop.database.read() as connection:
        said = contacts.advice(connection, fresh, able, shop.budget)
    return [said] if said else []


def _ask(
    shop: Shop, connection: Connection, prepared: Prepared, planner: Planner, announcement: Announcement
) -> Approval | None:
    """Put a new announcement before the approver, where the shop has one; return who is waited for."""
    approval = approval_of(shop) if shop.config.approval.by else None
    if approval is None or announcement.approval == "approved":
        return None
    if announcement.approval != "waiting":
        approval.ask(connection, announcement, prepared.plan, planner, prepared.groups, shop.now())
    return approval


def _waiting(shop: Shop, approval: Approval, announcement: Announcement, data: dict[str, Any]) -> Result:
    """Send the approver what there is to approve, and say what is waited for."""
    asyncio.run(shop.dispatcher().drain_talk(approval.place.account.name))
    number, who = announcement.id, approval.place.account.name
    view = [
        f"Announcement {number} waits: {who} reads it first, and answers yes or no.",
        f"Here: vipcast announcement approve {number}, or reject {number}.",
    ]
    return Result({**data, "announcement": number, "approval": "waiting"}, view)


def _times(shop: Shop, options: SendOptions) -> tuple[float, datetime | None]:
    """Return (seconds to undo it, when it ends), as --undo and --ends say."""
    seconds = 0.0
    if options.undo:
        found = re.fullmatch(r"(\d{1,4})\s*(s|sec|m|min)?", options.undo.strip())
        if not found:
            raise InputError(f"--undo: {options.undo!r} is no length of time.", hint="Write 10s or 2m.")
        seconds = int(found[1]) * (60.0 if (found[2] or "s").startswith("m") else 1.0)
    if not options.ends:
        return seconds, None
    ends_at = moment_of(options.ends, shop.zone, shop.now(), option="--ends")
    if ends_at <= shop.now():
        raise InputError(f"--ends: {shop.local(ends_at)} is past.", hint="Name a time to come.")
    return seconds, ends_at


def _wait_for_undo(shop: Shop, announcement: Announcement, seconds: float) -> None:
    """Hold the first request back; whoever interrupts meanwhile has sent nothing, and nothing is left.

    Raises:
        Interrupted: it was undone.

    """
    note(f"Sending in {seconds:g} seconds. Ctrl-C undoes it.")
    try:
        time.sleep(seconds)
    except KeyboardInterrupt as error:
        with shop.database.write() as connection:
            records.cancel(connection, announcement, shop.now())
        raise Interrupted("Undone: nothing was sent.", hint="To send it after all, add --again.") from error
    with shop.database.write() as connection:
        if records.get(connection, announcement.id).state == "planned":
            records.set_state(connection, announcement.id, "running")


def rehearse(terminal: Terminal, shop: Shop, options: SendOptions) -> Result:
    """Send what a member would get to the owner, through every account that reaches them."""
    variables = parse_variables(options.variables)
    template = shop.template(options.template)
    planner = shop.planner(template, variables)
    who = options.only[0] if options.only else ""
    member, group = first_person(shop, who, options.groups[0] if options.groups else "")
    deliveries = []
    for route in shop.routes():
        if route.account.name == BY_HAND:
            continue  # what goes to members by hand there, the owner sees when it is their turn
        if address := own_address(shop, route.account):
            message = planner.render(member, group, route)
            deliveries.append(
                PlannedDelivery(
                    member, "", member.language, route.account.name, route.account.messenger, address, message
                )
            )
    if not deliveries:
        raise SetupMissing(
            "vipcast does not know where to reach you.",
            hint='Say it in vipcast.toml: [shop] me = { telegram = "@you", viber = "your-viber-id" }',
            where="vipcast.toml",
        )
    plan = Plan(deliveries)
    if options.is_dry_run:
        return Result(
            {"planned": [planned_data(one) for one in deliveries], "dry_run": True},
            [preview_rows(deliveries), "Dry run: nothing has left."],
        )
    with shop.database.write() as connection:
        announcement = preparing.write_rehearsal(
            connection, template, variables, plan, shop.media_folder, new_key=new_message_key, now=shop.now()
        )
    result = drain(terminal, shop, announcement)
    result.view = [f"As {member.name} would get it:", *result.view]
    return result


def drain(terminal: Terminal, shop: Shop, announcement: Announcement, *, limit: int | None = None) -> Result:
    """Send what is left of an announcement and sum up."""
    results, was_stopped = asyncio.run(_drain(terminal, shop, announcement.id, limit))
    with shop.database.write() as connection:
        if limit is not None and any(r.ended is Ended.LIMIT for r in results):
            records.set_state(connection, announcement.id, "paused", f"after --limit {limit}")
        announcement = records.get(connection, announcement.id)
        found = counts(connection, announcement.id)
        by_hand = hand.open_count(connection, announcement.id)
    return summary(shop, announcement, found, results, was_stopped=was_stopped, by_hand=by_hand)


async def _drain(
    terminal: Terminal, shop: Shop, number: int, limit: int | None
) -> tuple[list[DrainResult], bool]:
    stop = asyncio.Event()

    def say() -> None:
        note("\nFinishing what is under way; press Ctrl-C again to end at once.")

    with shop.database.read() as connection:
        total = sum(
            n for state, n in counts(connection, number).items() if state in (State.QUEUED, State.UNKNOWN)
        )
    with stop_on_signals(stop, say), progress_bar(terminal, "Sending", total) as on_step:
        results = await shop.dispatcher().drain(number, limit=limit, stop=stop, on_step=on_step)
    return results, stop.is_set()


_WAYS = {
    Ended.ACCOUNT: "See: vipcast account list",
    Ended.NETWORK: "The queue stays. Check the connection, then: vipcast announcement resume",
    Ended.LOCKED: "Let it finish; what it sends shows in `vipcast announcement show`.",
}


def summary(
    shop: Shop,
    announcement: Announcement,
    found: Mapping[State, int],
    results: Sequence[DrainResult],
    *,
    was_stopped: bool = False,
    by_hand: int = 0,
) -> Result:
    """Say what came of it, what is left, and what to do next; `by_hand` of the queued wait for a person."""
    by_name = {str(state): number for state, number in found.items()}
    view: list[str | Table] = [
        f"Announcement {announcement.id} ({announcement.template}): {count_words(by_name)}."
    ]
    when = resumes_at(results)
    if when:
        view.append(f"The rest is due from {shop.local(when)} on.")
    view += next_steps(announcement, by_name, by_hand)
    if not found.get(State.QUEUED) and not announcement.is_test:
        view.append(f"Who got it: vipcast announcement show {announcement.id}")
    problems = [
        Problem(
            f"account-{r.ended}", f"{r.account}: {r.words or r.ended}", r.hint or _WAYS[r.ended], r.account
        )
        for r in results
        if r.ended in (Ended.ACCOUNT, Ended.NETWORK, Ended.LOCKED)
    ]
    if was_stopped:
        said = "Stopped on request; everything that had left is written down."
        problems.append(Problem("interrupted", said, f"Go on: vipcast announcement resume {announcement.id}"))
    data = {
        "announcement": announcement.id,
        "state": announcement.state,
        "counts": by_name,
        "by_hand": by_hand,
        "resumes_at": when,
        "accounts": [
            {"account": r.account, "ended": r.ended, "sent": r.sent, "words": r.words} for r in results
        ],
    }
    left = {**found, State.QUEUED: found.get(State.QUEUED, 0) - by_hand}
    return Result(data, view, problems, exit_code=INTERRUPTED if was_stopped else exit_code(left, results))


def exit_code(found: Mapping[State, int], results: Sequence[DrainResult]) -> int:
    """Return the contract's code: 0 all done, 1 failed, 4 partly, 5 a login is missing, 6 locked.

    What waits for a person's hand is not among `found`: the program has done its part.
    """
    bad = found.get(State.FAILED, 0) + found.get(State.UNKNOWN, 0)
    left = found.get(State.QUEUED, 0) + found.get(State.SENDING, 0)
    endings = {result.ended for result in results}
    if not bad and (not left or endings in ({Ended.LIMIT}, {Ended.LIMIT, Ended.EMPTY})):
        return 0
    if left and Ended.LOCKED in endings and not any(result.sent for result in results):
        return 6
    if any(found.get(state) for state in (*ARRIVED, State.UNKNOWN)):
        return 4
    for ended, code in ((Ended.ACCOUNT, 5), (Ended.WAITING, 4)):
        if left and ended in endings:
            return code
    return 1


def _not_yet_planned(shop: Shop, prepared: preparing.Prepared) -> list[PlannedDelivery]:
    """Return whom this send adds: all for a new announcement, else those without a delivery of it."""
    if prepared.existing is None:
        return prepared.plan.to_send
    with shop.database.read() as connection:
        has = records.with_delivery(connection, prepared.existing.id)
    return [one for one in prepared.plan.to_send if (one.member_id, one.group_id) not in has]


def _refuse_empty(shop: Shop, prepared: preparing.Prepared, fresh: list[PlannedDelivery]) -> None:
    if fresh:
        return
    existing = prepared.existing
    if existing is None:
        raise NothingToDo(
            "Nobody of them can be sent to, so nothing was planned.",
            hint="See the reasons with --dry-run; record consent with `vipcast member opt-in`.",
        )
    with shop.database.read() as connection:
        left = counts(connection, existing.id)
    if existing.is_unfinished and (
        left.get(State.QUEUED) or left.get(State.SENDING) or left.get(State.UNKNOWN)
    ):
        return
    said = count_words({str(state): number for state, number in left.items()})
    raise NothingToDo(
        f"Nothing is left to send: this is announcement {existing.id}, {existing.state}, "
        f"begun {shop.local(existing.created_at)}: {said}.",
        hint=f"See `vipcast announcement show {existing.id}`; to send it once more, add --again.",
    )


def _reached(planned: Sequence[PlannedDelivery]) -> int:
    """Return how many people the planned deliveries reach, those in chats among them."""
    return sum(len(one.chat.people) if one.chat else 1 for one in planned)


def _reach(prepared: preparing.Prepared, fresh: list[PlannedDelivery]) -> str:
    by_messenger: dict[str, int] = {}
    for one in fresh:
        place = one.messenger if one.chat is None else f"{one.messenger}, in the chat of {one.group}"
        by_messenger[place] = by_messenger.get(place, 0) + (len(one.chat.people) if one.chat else 1)
    said = ", ".join(f"{number} on {name}" for name, number in by_messenger.items()) or "nobody new"
    skipped = len(prepared.plan.skipped)
    words = f"{said}; {_people(skipped)} get{'s' * (skipped == 1)} nothing." if skipped else f"{said}."
    if prepared.existing is None:
        return f"To be sent: {words}"
    existing = prepared.existing
    opening = f"Announcement {existing.id} is this one already ({existing.state}): "
    if prepared.is_text_changed:
        return opening + "it is finished with the text that was planned; the changed text is not used."
    return opening + f"who has it does not get it again. New: {words}"


def _people(number: int) -> str:
    return f"{number} member{'s' * (number != 1)}"
