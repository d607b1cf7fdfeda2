"""What the commands of `vipcast hand` do and show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vipcast.announcements import records
from vipcast.cli.clipboard import NO_CLIPBOARD, copy
from vipcast.cli.inbox_deeds import user_name
from vipcast.cli.moments import moment_of
from vipcast.cli.result import Result, Table
from vipcast.cli.terminal import Terminal, show
from vipcast.cli.views import HAND_NEXT, reason_words, waiting_words
from vipcast.delivery import hand
from vipcast.delivery.hand import Noted, Task
from vipcast.delivery.outcomes import ARRIVED
from vipcast.errors import NothingToDo, Problem
from vipcast.shop import Shop

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CUT = "✂" + "─" * 30
_STATES = {"planned": "its announcement waits for approval", "overtaken": "somebody noted it a moment ago"}


def list_view(shop: Shop) -> Result:
    now = shop.now()
    with shop.database.write() as connection:
        found = _open(shop, connection, now)
    if not found:
        return Result([], ["Nothing is to be sent by hand."])
    rows = [
        (one.id, f"{one.announcement_id} {one.template}", one.whom, _title(shop, one),
         shop.local(one.due_at), "late" if one.is_late(now) else "")
        for one in found
    ]  # fmt: skip
    table = Table(("number", "announcement", "to", "network", "due", "late?"), rows)
    return Result([_data(shop, one, now) for one in found], [table, f"Next: {HAND_NEXT}"])


def next_view(terminal: Terminal, shop: Shop, by: str) -> Result:
    """Show the first open task; where there is somebody to ask, ask whether it is sent."""
    now = shop.now()
    with shop.database.write() as connection:
        found = _open(shop, connection, now)
    if not found:
        raise NothingToDo("Nothing is to be sent by hand.", hint="What was sent: vipcast announcement list")
    task, network = found[0], shop.network(found[0].messenger)
    is_call = network is not None and network.is_call
    is_copied = bool(task.message.text) and not is_call and copy(task.message.text)
    data = _data(shop, task, now) | {"left": len(found), "is_on_clipboard": is_copied}
    view = _shown(shop, task, now, len(found), is_call=is_call)
    if not is_call and task.message.text:
        view.append("The text is on the clipboard." if is_copied else NO_CLIPBOARD)
    if terminal.as_json or not terminal.can_ask:
        verb = "called" if is_call else "posted"
        view.append(f"Once it is {verb}: vipcast hand done {task.id}   (or: vipcast hand skip {task.id})")
        return Result(data, view)
    show(terminal, view)
    answer = terminal.ask("Sent? (y = done, s = skip, anything else: leave it)").casefold()
    if answer in {"y", "yes"}:
        return done_view(shop, [task.id], by=by, at="", note="")
    if answer in {"s", "skip"}:
        return skip_view(shop, [task.id], by=by, why="")
    return Result(data, [f"Left as it is: {task.id} is still open."])


def done_view(shop: Shop, numbers: Sequence[int], *, by: str, at: str, note: str) -> Result:
    now, who = shop.now(), by.strip() or user_name()
    moment = moment_of(at, shop.zone, now)
    with shop.database.write() as connection:
        noted = hand.done(connection, numbers, by=who, at=moment, now=now, note=note.strip())
        return _outcome(shop, connection, noted, f"done by {who}, {shop.local(moment)}")


def skip_view(shop: Shop, numbers: Sequence[int], *, by: str, why: str) -> Result:
    now, who = shop.now(), by.strip() or user_name()
    with shop.database.write() as connection:
        noted = hand.skip(connection, numbers, by=who, now=now, why=why.strip())
        return _outcome(shop, connection, noted, f"skipped by {who}")


def announcement_done(shop: Shop, number: int, *, by: str, at: str) -> Result:
    """Note all open tasks of an announcement as posted.

    Raises:
        InputError: there is no such announcement.
        NothingToDo: nothing of it is open.

    """
    now, who = shop.now(), by.strip() or user_name()
    moment = moment_of(at, shop.zone, now)
    with shop.database.write() as connection:
        found = records.get(connection, number)
        waiting = [task.id for task in hand.tasks(connection, now, number)]
        if waiting:
            noted = hand.done(connection, waiting, by=who, at=moment, now=now)
            return _outcome(shop, connection, noted, f"done by {who}, {shop.local(moment)}")
    hint = f"Go on with it first: vipcast announcement resume {number}" if found.state == "paused" else ""
    raise NothingToDo(
        f"Nothing of announcement {number} ({found.state}) is open to be done by hand.",
        hint=hint or f"See: vipcast announcement show {number}",
    )


def _open(shop: Shop, connection: Connection, now: datetime) -> list[Task]:
    hand.plan_due(connection, shop.hand_due_at)
    return hand.tasks(connection, now)


def _shown(shop: Shop, task: Task, now: datetime, left: int, *, is_call: bool) -> list[str | Table]:
    """Return what a person needs to post a task: to whom, what, which pictures, where."""
    due = f", due {shop.local(task.due_at)}" if task.due_at else ""
    late = " (late)" if task.is_late(now) else ""
    what = f"{task.title or task.template}, announcement {task.announcement_id}"
    at = "" if "://" in task.address else f" {task.address}"  # a link stands below
    view: list[str | Table] = [
        f"{task.id}: {what}{due}{late}; {left} to be sent by hand.",
        f"To {task.whom}, {_title(shop, task)}{at}",
    ]
    if task.message.text:
        view += ["What to say:" if is_call else "The text:", f"{_CUT}\n{task.message.text}\n{_CUT}"]
    for one in () if is_call else task.message.media:
        view.append(f"{one.kind.capitalize()} {one.name}: {one.path or one.url}")
    link = _link(shop, task)
    return [*view, f"Open: {link}" if link else f"No link opens this chat: look for {task.whom} there."]


def _outcome(shop: Shop, connection: Connection, noted: Iterable[Noted], verb: str) -> Result:
    """Say what was noted, what was not and why, and what is next."""
    good, bad, view, problems = [], [], [], []
    for one in noted:
        task = one.task
        if not one.why_not:
            good.append(task)
            view.append(f"{task.id}, to {task.whom}: {verb}.")
            continue
        bad.append(one)
        words = f"{task.id}, to {task.whom}: not noted: {_why_not(shop, one)}."
        view.append(words)
        problems.append(Problem("not-noted", words, "See: vipcast hand list", str(task.id)))
    ended = {}
    for task in (*good, *(one.task for one in bad)):
        announcement = records.get(connection, task.announcement_id)
        ended[task.announcement_id] = announcement.state
    if good:
        view += [
            f"Announcement {number} is finished." for number, state in ended.items() if state == "finished"
        ]
    view += filter(None, [waiting_words(hand.open_count(connection))])
    data = {
        "noted": [_plain(task) for task in good],
        "not_noted": [_plain(one.task) | {"why_not": _why_not(shop, one)} for one in bad],
        "announcements": [{"announcement": number, "state": state} for number, state in ended.items()],
    }
    if not good:
        return Result(data, view, problems, exit_code=3, is_told=True)
    # One that was noted before is as it should be; one that may not be posted any more is not.
    is_whole = all(one.task.state in ARRIVED for one in bad)
    return Result(data, view, problems, exit_code=0 if is_whole else 4, is_told=True)


def _why_not(shop: Shop, one: Noted) -> str:
    task = one.task
    if one.why_not in ARRIVED:
        return f"it is done already, by {task.author or 'somebody'}, {shop.local(task.sent_at)}"
    if one.why_not == hand.SKIPPED_BY_HAND:
        return f"it was skipped by {task.author or 'somebody'}" + (f" ({task.words})" if task.words else "")
    return _STATES.get(one.why_not) or reason_words(one.why_not)


def _title(shop: Shop, task: Task) -> str:
    network = shop.network(task.messenger)
    return network.title if network else task.messenger


def _link(shop: Shop, task: Task) -> str:
    network = shop.network(task.messenger)
    return network.open_link(task.address) if network else ""


def _plain(task: Task) -> dict[str, Any]:
    return {
        "number": task.id,
        "announcement": task.announcement_id,
        "messenger": task.messenger,
        "member_id": task.member_id,
        "member": task.member,
        "group": task.group,
        "state": task.state,
        "by": task.author,
        "sent_at": task.sent_at,
        "words": task.words,
    }


def _data(shop: Shop, task: Task, now: datetime) -> dict[str, Any]:
    return _plain(task) | {
        "template": task.template,
        "title": task.title,
        "address": task.address,
        "link": _link(shop, task),
        "text": task.message.text,
        "media": [
            {"kind": one.kind, "name": one.name, "path": one.path, "url": one.url}
            for one in task.message.media
        ],
        "due_at": task.due_at,
        "is_late": task.is_late(now),
    }
