"""What is due: each occurrence planned once, or skipped, or put before the owner.

The run's row, its announcement with all deliveries, and the schedule's next time are one transaction; a run
is named by its time on the wall. So any number of ticks at once, at any time, plan an occurrence once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from vipcast.announcements import preparing
from vipcast.announcements import records as announced
from vipcast.announcements.planning import Planner
from vipcast.announcements.preparing import SendRequest
from vipcast.clock import Clock
from vipcast.conversations.approvals import Approval
from vipcast.errors import InputError, NothingToDo, SetupMissing
from vipcast.groups import seats
from vipcast.schedules import records
from vipcast.schedules.expressions import Run as Occurrence
from vipcast.schedules.expressions import falls_on
from vipcast.schedules.records import Ran, Schedule
from vipcast.storage.database import Database
from vipcast.storage.tables import members, memberships

RESTORED = "restored_at"  # in `meta`: what was due before it may have been sent before
MOST_MISSED = 50  # occurrences noted one by one; a longer sleep's earlier ones are only passed over


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of one occurrence."""

    schedule: Schedule
    local: str
    state: Ran
    reason: str = ""
    announcement_id: int | None = None
    planned: int = 0


@dataclass(frozen=True, slots=True)
class Firing:
    """Plans what is due. `asks` makes a schedule's request and planner for one occurrence."""

    database: Database
    clock: Clock
    asks: Callable[[Schedule, datetime, Sequence[str]], tuple[SendRequest, Planner]]
    media_folder: Path
    new_key: Callable[[], int]
    approval: Approval | None = None  # who is asked; None where that is the terminal
    needs_approval: bool = False  # always, not only where it is too late

    def fire(self, restored_at: datetime | None = None) -> list[Fired]:
        """Plan everything that is due now; what was due before `restored_at` is passed over."""
        with self.database.read() as connection:
            numbers = records.due(connection, self.clock.now())
        found: list[Fired] = []
        for number in numbers:
            with self.database.write() as connection:
                try:
                    found += self._fire(connection, number, restored_at)
                except InputError as error:  # its zone or its time is none any more; the others go on
                    one = records.stop(connection, number, error.message)
                    found.append(Fired(one, one.next_local, Ran.FAILED, error.message))
        return found

    def _fire(self, connection: Connection, number: int, restored_at: datetime | None) -> list[Fired]:
        """Deal with one schedule inside a transaction, in which it is looked up anew."""
        now = self.clock.now()
        if number not in records.due(connection, now):
            return []  # another tick was quicker
        one = records.get(connection, number)
        missed = _missed(one, now)
        # The latest stands for those before it; but each day's birthdays are other people's.
        stands_for_itself = missed if one.parsed.kind == "on" else missed[-1:]
        found = [
            self._skip(connection, one, occurrence, "a later one was due as well", now)
            for occurrence in missed[: len(missed) - len(stands_for_itself)]
        ]
        found += [
            self._run(connection, one, occurrence, now, restored_at)
            for occurrence in stands_for_itself
            if not records.has_run(connection, one, occurrence.local)
        ]
        reason = found[-1].reason if found and found[-1].state is Ran.FAILED else ""
        records.advance(connection, one, now, reason)
        return found

    def _run(
        self,
        connection: Connection,
        one: Schedule,
        occurrence: Occurrence,
        now: datetime,
        restored_at: datetime | None,
    ) -> Fired:
        if restored_at is not None and occurrence.at <= restored_at:
            return self._skip(connection, one, occurrence, "the database was restored since", now)
        is_late = now - occurrence.at > timedelta(seconds=one.grace_seconds)
        if is_late and one.if_late == "skip":
            return self._skip(connection, one, occurrence, "too late", now)
        try:
            with connection.begin_nested():
                return self._plan(connection, one, occurrence, now, asks=is_late and one.if_late == "ask")
        except NothingToDo as error:
            return self._note(connection, one, occurrence, Ran.EMPTY, error.message, now)
        except (InputError, SetupMissing) as error:
            reason = "; ".join(problem.message for problem in error.problems)
            return self._note(connection, one, occurrence, Ran.FAILED, reason, now)

    def _plan(
        self, connection: Connection, one: Schedule, occurrence: Occurrence, now: datetime, *, asks: bool
    ) -> Fired:
        only = self._concerned(connection, one, occurrence)
        request, planner = self.asks(one, occurrence.at, only)
        prepared = preparing.prepare(connection, request, planner)
        if not prepared.plan.to_send and not prepared.plan.faults:
            raise NothingToDo("nobody in its groups can be reached")
        announcement, planned = preparing.write(
            connection, prepared, self.media_folder, new_key=self.new_key, now=now
        )
        lasts = None if one.lasts_seconds is None else occurrence.at + timedelta(seconds=one.lasts_seconds)
        announced.set_terms(connection, announcement.id, is_urgent=one.is_urgent, ends_at=lasts)
        why = "too late" if asks else "waits for approval"
        asks = asks or self.needs_approval
        if asks and self.approval is not None:
            groups = prepared.groups
            self.approval.ask(connection, announcement, prepared.plan, planner, groups, now)
        elif asks:
            announced.ask(connection, announcement.id, f"due {occurrence.local}, and too late by now")
        state = Ran.ASKED if asks else Ran.SENT
        records.note_run(connection, one, occurrence, state, now, announcement_id=announcement.id)
        return Fired(one, occurrence.local, state, why if asks else "", announcement.id, planned)

    def _concerned(self, connection: Connection, one: Schedule, occurrence: Occurrence) -> tuple[str, ...]:
        """Return whose day it is, for a schedule of kind `on`; nobody in particular for the others.

        Raises:
            NothingToDo: it is nobody's.

        """
        expression = one.parsed
        if expression.kind != "on":
            return ()
        day = date.fromisoformat(occurrence.local[:10])
        chosen = [seats.get(connection, name).id for name in one.groups]
        query = (
            select(members.c.id, members.c.birthday, memberships.c.seated_at)
            .join(memberships, memberships.c.member_id == members.c.id)
            .where(memberships.c.group_id.in_(chosen), memberships.c.state == "seated")
            .order_by(members.c.id)
        )
        is_birthday = expression.text.startswith("birthday")
        found = {}
        for row in connection.execute(query):
            since = row.birthday if is_birthday else _day_of(row.seated_at, one)
            if since and since.year < day.year and falls_on((since.month, since.day), day):
                found[row.id] = f"#{row.id}"
        if not found:
            raise NothingToDo("it is nobody's day")
        return tuple(found.values())

    def _skip(
        self, connection: Connection, one: Schedule, occurrence: Occurrence, reason: str, now: datetime
    ) -> Fired:
        return self._note(connection, one, occurrence, Ran.SKIPPED, reason, now)

    @staticmethod
    def _note(
        connection: Connection, one: Schedule, occurrence: Occurrence, state: Ran, reason: str, now: datetime
    ) -> Fired:
        if not records.has_run(connection, one, occurrence.local):
            records.note_run(connection, one, occurrence, state, now, reason=reason)
        return Fired(one, occurrence.local, state, reason)


def _missed(one: Schedule, now: datetime) -> list[Occurrence]:
    """Return the occurrences from the next one on that are due by now, the latest `MOST_MISSED` of them."""
    if one.next_at is None:
        return []
    begins = one.next_at - timedelta(microseconds=1)
    found: list[Occurrence] = []
    for occurrence in one.parsed.runs(begins, one.zone_info, until=one.until):
        if occurrence.at > now:
            break
        found.append(occurrence)
        del found[:-MOST_MISSED]
    return found


def _day_of(moment: datetime | None, one: Schedule) -> date | None:
    return moment.astimezone(one.zone_info).date() if moment else None
