"""When members are not to be disturbed: quiet hours on their own clock, so many a week, so long apart.

An announcement waits, it is not thrown away: its delivery stays `queued` with the time from which it may go
and the reason, and is skipped only where its announcement ends before that. Answers are never held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, func, select, update

from vipcast.delivery.lease import Lane
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.delivery.statements import IS_OPEN
from vipcast.storage.tables import announcements, deliveries
from vipcast.storage.tables_chats import chat_readers

QUIET, WEEK, APART = "quiet-hours", "per-week", "too-soon"
HELD = (QUIET, WEEK, APART)
_WEEK = timedelta(days=7)
_SPAN = re.compile(r"(\d{1,2})[:.](\d\d)\s*[-–]\s*(\d{1,2})[:.](\d\d)")
_Whom = tuple[str, int]  # ("member", its number) or ("group", its number)
_COUNTED = (*ARRIVED, State.SENDING, State.UNKNOWN)  # what may have been read


@dataclass(frozen=True, slots=True)
class Manners:
    """What `[limits]` says. `zone` is the shop's; a member's own stands above it for quiet hours."""

    zone: ZoneInfo
    quiet: tuple[time, time] | None = None
    per_week: int | None = None
    apart: timedelta | None = None

    @property
    def are_set(self) -> bool:
        return bool(self.quiet or self.per_week or self.apart)

    def hold(
        self, connection: Connection, rows: Sequence[Any], now: datetime
    ) -> dict[int, tuple[datetime, str]]:
        """Return {delivery: (from when it may go, why)} of those among `rows` that must wait.

        A row has `id`, `member_id`, `group_id`, `timezone` and `is_urgent`, which is None for an answer:
        that is never held, not even where `tick` sends it. What goes to a member in this very batch counts
        for the rest of it. A group's chat is held as one person with the shop's clock would be.
        """
        free = [row for row in rows if row.is_urgent is False and _whom(row) is not None]
        sent = self._sent(connection, {row.member_id for row in free} - {None}, now)
        sent |= self._sent_to_chats(connection, {row.group_id for row in free} - {None}, now)
        for row in rows:
            if row.is_urgent:
                sent.setdefault(_whom(row), []).append(now)
        held = {}
        for row in free:
            times = sent.setdefault(_whom(row), [])
            until, why = self._until(times, row.timezone, now)
            if until > now:
                held[row.id] = (until, why)
            else:
                times.append(now)
        return held

    def _until(self, sent: Sequence[datetime], zone: str, now: datetime) -> tuple[datetime, str]:
        """Return the first moment at which no rule holds, and the last rule that did."""
        until, why = now, ""
        if self.per_week is not None and len(sent) >= self.per_week:
            until, why = sorted(sent)[-self.per_week] + _WEEK, WEEK
        if self.apart is not None and sent and max(sent) + self.apart > until:
            until, why = max(sent) + self.apart, APART
        awake = self._awake(max(until, now), zone)
        return (awake, QUIET) if awake > until else (until, why)

    def _awake(self, moment: datetime, zone: str) -> datetime:
        """Return the end of the quiet hours that a moment lies in; itself where it lies in none."""
        if self.quiet is None:
            return moment
        local = moment.astimezone(_zone(zone) or self.zone)
        begins, ends = self.quiet
        clock = local.time()
        is_over_midnight = begins > ends
        is_quiet = (clock >= begins or clock < ends) if is_over_midnight else begins <= clock < ends
        if not is_quiet:
            return moment
        day = local.date() + timedelta(days=is_over_midnight and clock >= begins)
        end = datetime.combine(day, ends, tzinfo=local.tzinfo).astimezone(UTC)
        # Where the clock is put forward over that time, or back into it, it is shown later.
        return max(end, moment + timedelta(minutes=1))

    def _sent(
        self, connection: Connection, member_ids: set[int], now: datetime
    ) -> dict[_Whom | None, list[datetime]]:
        """Return when each member was sent an announcement lately, over all accounts and in chats."""
        if not member_ids or not (self.per_week or self.apart):
            return {}
        privately = self._announced(deliveries.c.member_id, now).where(deliveries.c.member_id.in_(member_ids))
        in_chats = (
            self._announced(chat_readers.c.member_id, now)
            .join(chat_readers, chat_readers.c.delivery_id == deliveries.c.id)
            .where(chat_readers.c.member_id.in_(member_ids))
        )
        return _by_whom("member", connection.execute(privately), connection.execute(in_chats))

    def _sent_to_chats(
        self, connection: Connection, group_ids: set[int], now: datetime
    ) -> dict[_Whom | None, list[datetime]]:
        if not group_ids or not (self.per_week or self.apart):
            return {}
        query = self._announced(deliveries.c.group_id, now).where(deliveries.c.group_id.in_(group_ids))
        return _by_whom("group", connection.execute(query))

    def _announced(self, whom: Any, now: datetime) -> Any:
        """Return a query of (whom, when) of what went out lately."""
        at = func.coalesce(deliveries.c.sent_at, deliveries.c.sending_at)
        return (
            select(whom, at)
            .select_from(deliveries)
            .join(announcements, announcements.c.id == deliveries.c.announcement_id)
            .where(
                Lane.NEWS.deliveries,
                deliveries.c.state.in_(_COUNTED),
                announcements.c.is_test.is_(False),
                at > now - max(_WEEK, self.apart or _WEEK),
                at <= now + timedelta(minutes=5),  # a clock that was set back must not hold for ever
            )
        )


def _whom(row: Any) -> _Whom | None:
    """Return who or what a delivery disturbs; None where nobody is."""
    if row.member_id is not None:
        return "member", row.member_id
    return None if row.group_id is None else ("group", row.group_id)


def _by_whom(kind: str, *results: Iterable[Any]) -> dict[_Whom | None, list[datetime]]:
    found: dict[_Whom | None, list[datetime]] = {}
    for number, moment in chain(*results):
        when = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        found.setdefault((kind, number), []).append(when)
    return found


def look_again(connection: Connection) -> None:
    """Let the next claim judge anew what is held, where the clock by which it is held was set back."""
    connection.execute(
        update(deliveries)
        .where(IS_OPEN, deliveries.c.state == State.QUEUED, deliveries.c.reason.in_(HELD))
        .values(not_before=None, reason="")
    )


def quiet_span(text: str) -> tuple[time, time]:
    """Return the two times of quiet hours such as "20:00-8:00".

    Raises:
        ValueError: it is no such span; the message says what one looks like.

    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError('it must be such as "20:00-8:00"')
    try:
        begins, ends = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError as error:
        raise ValueError(f'it must be such as "20:00-8:00": {error}') from error
    if begins == ends:
        raise ValueError("it begins and ends at the same time, so that nothing would ever be sent")
    return begins, ends


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # checked when it was entered; a system without that zone takes the shop's
