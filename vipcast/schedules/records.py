"""Schedules as rows, and what became of each of their occurrences."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select, update

from vipcast.errors import InputError
from vipcast.schedules import expressions
from vipcast.schedules.expressions import Expression
from vipcast.schedules.expressions import Run as Occurrence
from vipcast.storage.tables import meta, runs, schedules

IfLate = Literal["send", "skip", "ask"]
GRACE = timedelta(hours=2)
_RAN_AT = "ran_at"  # in `meta`


class Ran(enum.StrEnum):
    """What became of an occurrence."""

    SENT = "sent"  # its announcement was planned, and goes out
    ASKED = "asked"  # too late: the owner is asked
    SKIPPED = "skipped"
    EMPTY = "empty"  # nobody concerned
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One plan to announce a template to groups at times."""

    id: int
    template: str
    groups: list[str]
    variables: dict[str, str]
    expression: str
    zone: str
    until: date | None
    if_late: IfLate
    grace_seconds: int
    lasts_seconds: int | None
    is_urgent: bool
    state: str  # active | paused | ended
    reason: str
    next_at: datetime | None
    next_local: str
    created_at: datetime

    @property
    def zone_info(self) -> ZoneInfo:
        return expressions.zone_of(self.zone)

    @property
    def parsed(self) -> Expression:
        return expressions.parse(self.expression, self.zone_info)

    def next_after(self, moment: datetime) -> Occurrence | None:
        """Return the first occurrence after a moment; None where it is over."""
        return next(self.parsed.runs(moment, self.zone_info, until=self.until), None)


@dataclass(frozen=True, slots=True)
class Run:
    """One occurrence that is past."""

    local: str
    due_at: datetime
    ran_at: datetime
    state: Ran
    reason: str
    announcement_id: int | None


def create(connection: Connection, wanted: Schedule, now: datetime) -> Schedule:
    """Write a schedule down, from its next occurrence on.

    Raises:
        InputError: it never comes again.

    """
    first = wanted.next_after(now)
    if first is None:
        raise InputError(
            f"{wanted.expression!r} does not come any more"
            + (f" up to {wanted.until}." if wanted.until else ": it is past."),
            hint="See when it would: vipcast schedule preview",
        )
    values = {name: getattr(wanted, name) for name in Schedule.__dataclass_fields__ if name != "id"}
    values |= {"next_at": first.at, "next_local": first.local, "created_at": now, "state": "active"}
    number = connection.execute(insert(schedules).values(**values).returning(schedules.c.id)).scalar_one()
    return get(connection, number)


def get(connection: Connection, number: int) -> Schedule:
    """Return a schedule by number.

    Raises:
        InputError: there is none of that number.

    """
    row = connection.execute(select(schedules).where(schedules.c.id == number)).first()
    if row is None:
        raise InputError(f"There is no schedule {number}.", hint="See `vipcast schedule list`.")
    return _made(row)


def everything(connection: Connection) -> list[Schedule]:
    """Return all schedules: those to come by their time, then the others."""
    query = select(schedules).order_by(
        schedules.c.state != "active", schedules.c.next_at.is_(None), schedules.c.next_at, schedules.c.id
    )
    return [_made(row) for row in connection.execute(query)]


def due(connection: Connection, now: datetime) -> list[int]:
    """Return the schedules whose time has come, the longest due first."""
    query = select(schedules.c.id).where(schedules.c.state == "active", schedules.c.next_at <= now)
    return list(connection.execute(query.order_by(schedules.c.next_at, schedules.c.id)).scalars())


def pause(connection: Connection, one: Schedule) -> None:
    """Let nothing come of it until it is resumed."""
    if one.state == "ended":
        raise InputError(f"Schedule {one.id} is over.", hint="Add a new one: vipcast schedule add")
    _change(connection, one.id, state="paused", next_at=None, next_local="")


def stop(connection: Connection, number: int, why: str) -> Schedule:
    """Pause a schedule that cannot be understood any more."""
    one = get(connection, number)
    _change(connection, number, state="paused", reason=why, next_at=None)
    return one


def resume(connection: Connection, one: Schedule, now: datetime) -> Schedule:
    """Go on with the next occurrence from now; what was missed meanwhile is past.

    Raises:
        InputError: there is none.

    """
    following = one.next_after(now)
    if following is None:
        raise InputError(
            f"Schedule {one.id} does not come any more.", hint="Add a new one: vipcast schedule add"
        )
    _change(connection, one.id, state="active", next_at=following.at, next_local=following.local, reason="")
    return get(connection, one.id)


def remove(connection: Connection, one: Schedule) -> None:
    """Delete a schedule and its past; its announcements stay."""
    connection.execute(delete(schedules).where(schedules.c.id == one.id))


def advance(connection: Connection, one: Schedule, after: datetime, reason: str = "") -> Schedule:
    """Go on to the first occurrence after a moment, or end."""
    following = one.next_after(after)
    values: dict[str, Any] = {"reason": reason}
    if following is None:
        values |= {"state": "ended", "next_at": None, "next_local": ""}
    else:
        values |= {"next_at": following.at, "next_local": following.local}
    _change(connection, one.id, **values)
    return get(connection, one.id)


def note_run(
    connection: Connection,
    one: Schedule,
    occurrence: Occurrence,
    state: Ran,
    now: datetime,
    *,
    reason: str = "",
    announcement_id: int | None = None,
) -> None:
    """Write down what became of an occurrence; once only, as its time on the wall is its name."""
    note_activity(connection, now)
    connection.execute(
        insert(runs).values(
            schedule_id=one.id,
            local=occurrence.local,
            due_at=occurrence.at,
            ran_at=now,
            state=state,
            reason=reason,
            announcement_id=announcement_id,
        )
    )


def note_activity(connection: Connection, now: datetime) -> None:
    """Write down when something was last done; never an earlier moment, where the clock was set back."""
    latest = max(filter(None, (latest_run(connection), now)))
    connection.execute(delete(meta).where(meta.c.key == _RAN_AT))
    connection.execute(insert(meta).values(key=_RAN_AT, value=latest.isoformat()))


def has_run(connection: Connection, one: Schedule, local: str) -> bool:
    query = select(runs.c.id).where(runs.c.schedule_id == one.id, runs.c.local == local)
    return connection.execute(query).first() is not None


def history(connection: Connection, one: Schedule, limit: int) -> list[Run]:
    """Return what became of its occurrences, the latest first."""
    query = select(runs).where(runs.c.schedule_id == one.id).order_by(runs.c.due_at.desc()).limit(limit)
    return [
        Run(row.local, row.due_at, row.ran_at, Ran(row.state), row.reason, row.announcement_id)
        for row in connection.execute(query)
    ]


def latest_run(connection: Connection) -> datetime | None:
    """Return when an occurrence was last dealt with, or a tick last sent; removed schedules' included."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == _RAN_AT)).scalar()
    return datetime.fromisoformat(found) if found else None


def set_back(connection: Connection, now: datetime) -> None:
    """Look again at what is to come, after the clock was set back: nothing is left out, or comes twice."""
    planned = (Ran.SENT, Ran.ASKED)
    connection.execute(delete(runs).where(runs.c.due_at > now, runs.c.state.not_in(planned)))
    for one in everything(connection):
        if one.state == "paused":
            continue
        with suppress(InputError):  # its zone is none any more; that is told when it is due
            following = _not_run(connection, one, now)
            if following is not None:
                _change(connection, one.id, state="active", next_at=following.at, next_local=following.local)


def _not_run(connection: Connection, one: Schedule, now: datetime) -> Occurrence | None:
    for occurrence in one.parsed.runs(now, one.zone_info, until=one.until):
        if not has_run(connection, one, occurrence.local):
            return occurrence
    return None


def _change(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(schedules).where(schedules.c.id == number).values(**values))


def _made(row: Any) -> Schedule:
    values: Mapping[str, Any] = row._mapping  # noqa: SLF001 - a Row's public mapping
    return Schedule(**{name: values[name] for name in Schedule.__dataclass_fields__})
