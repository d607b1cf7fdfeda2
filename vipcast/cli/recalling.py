"""`vipcast announcement recall`: what can be taken back or edited, the question, and what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from vipcast.announcements import records
from vipcast.announcements.records import Announcement
from vipcast.cli.progress import progress_bar
from vipcast.cli.result import Result, Table, note, render
from vipcast.cli.terminal import Terminal
from vipcast.delivery.interrupts import stop_on_signals
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.delivery.recalling import Deed, Halt, Item, Mark, Recaller, Work, mark, survey
from vipcast.delivery.revising import revise
from vipcast.delivery.sender import Ended
from vipcast.errors import INTERRUPTED, InputError, NothingToDo, Problem
from vipcast.members import roster
from vipcast.messengers.base import Message
from vipcast.shop import Shop

_WITHOUT_NUMBER = "it may have arrived, and there is no number to name it by"
_WAYS = {
    Ended.NETWORK: "Check the connection, then run it again.",
    Ended.LOCKED: "Let it finish, then run it again.",
}


@dataclass(slots=True)
class _Sorted:
    """The deliveries of an announcement, by what can be done about them."""

    to_do: list[Item] = field(default_factory=list)
    done: list[Item] = field(default_factory=list)  # taken back before, or they read so already
    cannot: dict[int, str] = field(default_factory=dict)  # delivery: why
    queued: int = 0
    messages: Mapping[int, Message] = field(default_factory=dict)  # the new ones of an edit
    only: str = ""  # the flags that name the members, for the command that goes on


def recall_announcement(
    terminal: Terminal, shop: Shop, number: int, only: Sequence[str], *, is_edit: bool, yes: bool
) -> Result:
    """Show what can be done, ask, write it down and do it."""
    deed = Deed.EDIT if is_edit else Deed.DELETE
    recaller = Recaller(shop.database, shop.clock, shop.locks, shop.messenger)
    with shop.database.read() as connection:
        announcement = records.get(connection, number)
        if announcement.is_test:
            raise NothingToDo(
                f"Announcement {number} was a rehearsal to yourself.",
                hint="Delete it in the messenger's app.",
            )
        chosen = [roster.find(connection, text) for text in only]
        items = survey(connection, number, [one.id for one in chosen])
        for member in chosen:
            if all(one.member_id != member.id for one in items):
                raise InputError(
                    f"{member.name} did not get announcement {number}.",
                    hint=f"See: vipcast why '#{member.id}' {number}",
                )
        found = _sorted(connection, shop, recaller, announcement, items, deed)
        found.only = "".join(f" --only '#{one.id}'" for one in chosen)
    _refuse_empty(announcement, found, items, deed)
    if not found.to_do:
        return _summary(shop, announcement, found, items, deed, [])
    if not yes:
        if not terminal.as_json:
            preview = Result(view=[_preview(found, items, deed)])
            render(preview, as_json=False, table_format=terminal.table_format)
        if not terminal.confirm(_question(announcement, found, deed)):
            return Result({"announcement": number}, ["Nothing was changed."], exit_code=3)
    with shop.database.write() as connection:
        mark(connection, found.to_do, deed)
    halts = asyncio.run(_run(terminal, recaller, deed, found))
    with shop.database.read() as connection:
        items = survey(connection, number, [one.id for one in chosen])
    return _summary(shop, announcement, found, items, deed, halts)


def _sorted(
    connection: Connection,
    shop: Shop,
    recaller: Recaller,
    announcement: Announcement,
    items: Sequence[Item],
    deed: Deed,
) -> _Sorted:
    """Tell apart what can be done, what is done, and what cannot be."""
    found = _Sorted()
    for item in items:
        if item.state is State.QUEUED:
            found.queued += 1
        elif item.is_gone:
            found.done.append(item)
        elif item.state not in ARRIVED:
            found.cannot[item.id] = _WITHOUT_NUMBER
        elif why := recaller.obstacle(item, deed):
            found.cannot[item.id] = why
        else:
            found.to_do.append(item)
    if deed is Deed.EDIT and found.to_do:
        planner = shop.planner(shop.template(announcement.template), announcement.variables)
        routes = {name: recaller.route(name) for name in {one.account for one in found.to_do}}
        found.messages = revise(connection, announcement, found.to_do, planner, routes)
        found.done += [one for one in found.to_do if one.id not in found.messages]
        found.to_do = [one for one in found.to_do if one.id in found.messages]
    return found


def _refuse_empty(announcement: Announcement, found: _Sorted, items: Sequence[Item], deed: Deed) -> None:
    """Say why there is nothing to do, unless something is in the way: that is a failure."""
    if found.to_do or (found.cannot and not found.done):
        return
    number = announcement.id
    if found.queued == len(items):
        waits = f"; {found.queued} wait to be sent" if found.queued else ""
        hint = f"Keep the rest from leaving: vipcast announcement cancel {number}" if found.queued else ""
        raise NothingToDo(f"Nothing of announcement {number} was sent{waits}.", hint=hint)
    left = f"; {_deliveries(len(found.cannot))} cannot be" if found.cannot else ""
    if deed is Deed.EDIT and not all(one.is_gone for one in found.done):
        raise NothingToDo(
            f"Nothing is to be edited: all whom it can reach have the text of {announcement.template!r} "
            f"as it is now{left}.",
            hint=f"Change templates/{announcement.template} first.",
        )
    raise NothingToDo(f"All of announcement {number} that can be taken back is taken back already{left}.")


def _question(announcement: Announcement, found: _Sorted, deed: Deed) -> str:
    people = f"{len(found.to_do)} member{'s' * (len(found.to_do) != 1)}"
    if deed is Deed.EDIT:
        return f"Change announcement {announcement.id} ({announcement.template}) for {people}?"
    return f"Take announcement {announcement.id} ({announcement.template}) back from {people}?"


def _preview(found: _Sorted, items: Sequence[Item], deed: Deed) -> Table:
    will = {one.id for one in found.to_do}
    rows = []
    for one in items:
        if one.id in will:
            said = "is taken back"
            if deed is Deed.EDIT:
                said = f"will read: {_first_line(found.messages[one.id].text)}"
            rows.append((_name(one), one.messenger, said))
        elif one.id in found.cannot:
            rows.append((_name(one), one.messenger, f"cannot: {found.cannot[one.id]}"))
    return Table(("member", "messenger", "what will happen"), rows)


async def _run(terminal: Terminal, recaller: Recaller, deed: Deed, found: _Sorted) -> list[Halt]:
    stop = asyncio.Event()

    def say() -> None:
        note("\nFinishing the one that is under way; press Ctrl-C again to end at once.")

    with stop_on_signals(stop, say), progress_bar(terminal, "Recalling", len(found.to_do)) as on_step:
        return await recaller.run(Work(deed, found.to_do, found.messages, stop, lambda: on_step(1)))


def _summary(
    shop: Shop,
    announcement: Announcement,
    found: _Sorted,
    items: Sequence[Item],
    deed: Deed,
    halts: Sequence[Halt],
) -> Result:
    """Say what came of each, what is left, and what to do next."""
    waits = {halt.account: halt for halt in halts}
    rows, data, counts = [], [], Counter[str]()
    for one in items:
        if one.state is State.QUEUED:
            continue
        outcome, words = _outcome(shop, one, found, deed, waits)
        counts[outcome] += 1
        rows.append((_name(one), one.messenger, words))
        data.append(_item_data(one, outcome, words))
    head = f"Announcement {announcement.id} ({announcement.template}): {_count_words(counts, deed)}."
    view: list[str | Table] = [Table(("member", "messenger", "what happened"), rows), head]
    if found.queued:
        view.append(_queued_words(announcement, found.queued, deed))
    when = min((halt.resumes_at for halt in halts if halt.resumes_at), default=None)
    again = f"vipcast announcement recall {announcement.id}{found.only}" + " --edit" * (deed is Deed.EDIT)
    if counts["wanted"]:
        view.append(f"Go on{f' from {shop.local(when)}' if when else ''}: {again}")
    was_stopped = any(halt.ended is Ended.STOPPED for halt in halts)
    code = INTERRUPTED if was_stopped else _exit_code(counts, halts)
    facts = {
        "announcement": announcement.id,
        "deed": deed,
        "counts": dict(counts) | {"queued": found.queued},
        "resumes_at": when,
        "deliveries": data,
        "accounts": [{"account": h.account, "ended": h.ended, "words": h.words} for h in halts],
    }
    return Result(facts, view, _problems(counts, halts, again) if code else [], exit_code=code)


def _outcome(
    shop: Shop, item: Item, found: _Sorted, deed: Deed, waits: Mapping[str, Halt]
) -> tuple[str, str]:
    """Return (what became of one, for programs; the same in words)."""
    if item.id in found.cannot:
        return "cannot", f"cannot: {found.cannot[item.id]}"
    if any(one.id == item.id for one in found.done):
        if not item.is_gone:
            return "unchanged", "reads so already"
        return ("done" if deed is Deed.DELETE else "gone"), f"taken back before, {shop.local(item.at)}"
    if all(one.id != item.id for one in found.to_do):
        return "wanted", "was sent meanwhile"
    if item.mark in (Mark.DONE, Mark.FAILED):
        return str(item.mark), item.words if item.mark is Mark.DONE else f"failed: {item.words}"
    halt = waits.get(item.account)
    return "wanted", f"waits: {halt.words or halt.ended}" if halt else "waits"


def _item_data(item: Item, outcome: str, words: str) -> dict[str, Any]:
    return {
        "member_id": item.member_id,
        "member": item.member,
        "account": item.account,
        "messenger": item.messenger,
        "address": item.address,
        "outcome": outcome,
        "words": words,
        "recall": item.mark,
        "recalled_at": item.at,
    }


def _count_words(counts: Mapping[str, int], deed: Deed) -> str:
    names = {
        "done": deed.past,
        "unchanged": "read so already",
        "gone": "taken back before",
        "failed": "failed",
        "wanted": "wait",
        "cannot": "cannot be" if counts.get("done") else f"cannot be {deed.past}",
    }
    return ", ".join(f"{counts[one]} {words}" for one, words in names.items() if counts.get(one))


def _queued_words(announcement: Announcement, queued: int, deed: Deed) -> str:
    text = " with the text as it was planned" if deed is Deed.EDIT else ""
    return (
        f"{_deliveries(queued)} of it still wait to be sent{text}. "
        f"Keep them from leaving: vipcast announcement cancel {announcement.id}"
    )


def _problems(counts: Mapping[str, int], halts: Sequence[Halt], again: str) -> list[Problem]:
    problems = [
        Problem(f"account-{h.ended}", f"{h.account}: {h.words or h.ended}", h.hint or _WAYS.get(h.ended, ""))
        for h in halts
        if h.ended is not Ended.STOPPED
    ]
    if failed := counts.get("failed", 0):
        said = f"{_deliveries(failed)} failed."
        problems.append(Problem("recall-failed", said, f"The table says why; once it is mended: {again}"))
    if cannot := counts.get("cannot", 0):
        said = f"{_deliveries(cannot)} cannot be taken back."
        problems.append(Problem("cannot-recall", said, "The table says why. Tell these members yourself."))
    if any(halt.ended is Ended.STOPPED for halt in halts):
        said = "Stopped on request; what was done is written down."
        problems.append(Problem("interrupted", said, f"Go on: {again}"))
    return problems


def _exit_code(counts: Mapping[str, int], halts: Sequence[Halt]) -> int:
    """Return the contract's code: 0 all done, 4 partly; none done: 6 locked, 5 no login, else 1."""
    if not any(counts.get(one) for one in ("failed", "wanted", "cannot")):
        return 0
    if counts.get("done"):
        return 4
    endings = {halt.ended for halt in halts}
    if endings == {Ended.LOCKED}:
        return 6
    return 5 if Ended.ACCOUNT in endings else 1


def _name(item: Item) -> str:
    return item.member or "(forgotten)"


def _deliveries(number: int) -> str:
    return f"{number} deliver{'y' if number == 1 else 'ies'}"


def _first_line(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "(no text)")
    return first if len(first) <= 60 else first[:59] + "…"  # noqa: PLR2004 - a table's cell
