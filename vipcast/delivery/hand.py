"""Tasks: the deliveries that a person posts, on networks that no program can write to.

A task is a row of the ledger like any other, with `by-hand` in the place of an account: `queued` until
somebody says that it is posted, or not to be. Who may not be written to any more is found out when a task
is shown or noted, as it is when a message is sent. Tasks of an announcement that is paused, or that waits
for a yes, are not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, update

from vipcast.by_hand import BY_HAND
from vipcast.delivery import ledger
from vipcast.delivery.outcomes import State
from vipcast.delivery.statements import ADDRESS_STATE, CONSENT, GROUP_CLOSED, IS_OPEN, UNSETTLED
from vipcast.delivery.talk import body_of
from vipcast.errors import InputError
from vipcast.messengers.base import Message
from vipcast.storage.tables import announcements, deliveries, groups, members

SKIPPED_BY_HAND = "by-hand-skipped"  # a reason: somebody decided not to post it
_RUNNING = announcements.c.state == "running"
# The first condition is the index's own, which SQLite would not see through the second.
_OPEN = and_(IS_OPEN, deliveries.c.account == BY_HAND, deliveries.c.state == State.QUEUED)


@dataclass(frozen=True, slots=True)
class Task:
    """One message to be posted by a person: to a member, or into a group's chat."""

    id: int
    announcement_id: int
    template: str
    title: str
    messenger: str  # the network
    address: str  # the member's there, or a link to the chat
    member_id: int | None
    member: str  # empty for a chat, and once the member is forgotten
    group: str  # whose chat it is for; empty for a member
    message: Message
    state: str
    reason: str
    author: str  # who posted or skipped it
    words: str  # what they noted
    sent_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    nudged_at: datetime | None

    @property
    def whom(self) -> str:
        """Who gets it, for people."""
        return f"the group {self.group}" if self.group else self.member or "(forgotten)"

    def is_late(self, now: datetime) -> bool:
        return self.state == State.QUEUED and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of noting a task as posted or skipped. `why_not` is a reason of the ledger, or a state."""

    task: Task
    why_not: str = ""


def tasks(connection: Connection, now: datetime, announcement_id: int | None = None) -> list[Task]:
    """Return the open tasks, the first planned first; who may not be written to any more is skipped.

    It needs a transaction that writes.
    """
    found = []
    for row in connection.execute(_shown(announcement_id)).all():
        if why := ledger.barred(row, now):
            _skip(connection, row.id, why, now)
            _finish(connection, row.announcement_id, now)
        else:
            found.append(_task(row))
    return found


def open_count(connection: Connection, announcement_id: int | None = None) -> int:
    """Return how many tasks are open, of one announcement or of all."""
    query = select(func.count()).select_from(_shown(announcement_id).subquery())
    return int(connection.execute(query).scalar_one())


def late_count(connection: Connection, now: datetime) -> int:
    """Return how many open tasks should have been done by now."""
    query = select(func.count()).select_from(_shown(None).where(deliveries.c.due_at < now).subquery())
    return int(connection.execute(query).scalar_one())


def done(
    connection: Connection, numbers: Iterable[int], *, by: str, at: datetime, now: datetime, note: str = ""
) -> list[Noted]:
    """Note tasks as posted by somebody at a moment; return what came of each.

    One that was skipped by hand may have been posted after all. `note` is kept with the delivery.

    Raises:
        InputError: a number is no task's, or the moment is to come or lies before the task; nothing is noted.

    """
    if at > now:
        raise InputError("The time lies in the future.", hint="Note it once it is posted.")
    values = {"state": State.SENT, "reason": "", "author": by, "sent_at": at, "words": note, "ended_at": None}
    return [_note(connection, number, values, now) for number in dict.fromkeys(numbers)]


def skip(
    connection: Connection, numbers: Iterable[int], *, by: str, now: datetime, why: str = ""
) -> list[Noted]:
    """Note tasks as not to be posted; return what came of each.

    Raises:
        InputError: a number is no task's; nothing is noted.

    """
    values = {
        "state": State.SKIPPED, "reason": SKIPPED_BY_HAND, "author": by, "words": why, "ended_at": now,
    }  # fmt: skip
    return [_note(connection, number, values, now) for number in dict.fromkeys(numbers)]


def plan_due(connection: Connection, due_of: Callable[[datetime], datetime]) -> None:
    """Say by when each open task is to be done that has no such time yet.

    `due_of` counts from the planning, or from the yes that an announcement waited for.
    """
    query = _shown(None).where(deliveries.c.due_at.is_(None))
    for row in connection.execute(query).all():
        since = max(filter(None, (row.planned_at, row.started_at)))
        connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(due_at=due_of(since)))


def overdue(connection: Connection, now: datetime) -> list[Task]:
    """Return the tasks that are late and of which nobody was told yet; it needs a transaction that writes."""
    query = _shown(None).where(deliveries.c.due_at < now, deliveries.c.nudged_at.is_(None))
    if connection.execute(query.limit(1)).first() is None:
        return []
    return [task for task in tasks(connection, now) if task.is_late(now) and task.nudged_at is None]


def nudged(connection: Connection, told: Sequence[Task], now: datetime) -> None:
    """Note that somebody was told of late tasks."""
    mine = deliveries.c.id.in_([task.id for task in told])
    connection.execute(update(deliveries).where(mine).values(nudged_at=now))


def _query() -> Select[Any]:
    return (
        select(
            deliveries,
            announcements.c.template,
            announcements.c.title,
            announcements.c.is_test,
            announcements.c.ends_at,
            announcements.c.started_at,
            announcements.c.state.label("announcement_state"),
            members.c.name.label("member"),
            groups.c.name.label("group"),
            CONSENT,
            ADDRESS_STATE,
            GROUP_CLOSED,
        )
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .outerjoin(members, members.c.id == deliveries.c.member_id)
        .outerjoin(groups, groups.c.id == deliveries.c.group_id)
        .where(deliveries.c.account == BY_HAND)
    )


def _shown(announcement_id: int | None) -> Select[Any]:
    query = _query().where(_OPEN, _RUNNING).order_by(deliveries.c.id)
    return query if announcement_id is None else query.where(deliveries.c.announcement_id == announcement_id)


def _task(row: Any) -> Task:
    values = row._mapping  # noqa: SLF001 - a Row's public mapping
    plain = {name: values[name] for name in Task.__dataclass_fields__ if name in values}
    return Task(
        **plain | {"member": row.member or "", "group": row.group or "", "message": body_of(row.body)}
    )


def _skip(connection: Connection, number: int, reason: str, now: datetime) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == number, deliveries.c.state == State.QUEUED)
        .values(state=State.SKIPPED, reason=reason, ended_at=now)
    )


def _note(connection: Connection, number: int, values: dict[str, Any], now: datetime) -> Noted:
    this = _query().where(deliveries.c.id == number)
    row = connection.execute(this).first()
    if row is None:
        raise InputError(
            f"There is no task {number} to be done by hand.",
            hint="See `vipcast hand list`.",
            where=str(number),
        )
    at = values.get("sent_at")
    if at is not None and at < row.planned_at.replace(second=0, microsecond=0):
        raise InputError(f"Task {number} was not there yet at that time.", hint="Say when it was posted.")
    if row.announcement_state in ("cancelled", "planned"):
        return Noted(_task(row), row.announcement_state)
    is_open = row.state == State.QUEUED
    # What was skipped by hand may have been posted after all.
    if not is_open and not (row.reason == SKIPPED_BY_HAND and values["state"] == State.SENT):
        return Noted(_task(row), row.reason or row.state)
    why = ledger.barred(row, now)
    if why and is_open:
        _skip(connection, number, why, now)
    elif not why:
        mine = and_(deliveries.c.id == number, deliveries.c.state == row.state)
        if not connection.execute(update(deliveries).where(mine).values(**values)).rowcount:
            why = "overtaken"  # another process noted it a moment ago
    _finish(connection, row.announcement_id, now)
    return Noted(_task(connection.execute(this).one()), why)


def _finish(connection: Connection, announcement_id: int, now: datetime) -> None:
    """Mark an announcement finished if this was its last open delivery.

    One in doubt may be repeated by itself, on a messenger that can; then whoever sends marks it.
    """
    in_doubt = select(deliveries.c.id).where(
        IS_OPEN,
        deliveries.c.announcement_id == announcement_id,
        deliveries.c.state == State.UNKNOWN,
        deliveries.c.reason.not_like(UNSETTLED + "%"),
    )
    if connection.execute(in_doubt.limit(1)).first() is None:
        ledger.finish(connection, announcement_id, now)
