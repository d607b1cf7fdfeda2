"""The time by which a person will have answered: the receipt plus `reply_within`, counted in opening time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vipcast.conversations.hours import OpeningHours

HORIZON = timedelta(days=14)  # nothing opens within it: no time is promised
_LONGEST = timedelta(days=366)  # where counting ends, so that it ends with any hours
_MINUTE = timedelta(minutes=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be promised for one message. Moments are in UTC."""

    at: datetime | None  # None: no time is promised
    is_open_now: bool
    opens_at: datetime | None  # the next opening; None while open, and where none is within the horizon


def promise(received_at: datetime, hours: OpeningHours, reply_within: timedelta) -> Promise:
    """Return the time by which a message will have been answered.

    It is a whole minute, rounded up, so that it is the very time that the member is told; it may be the
    minute of closing, never one at which the shop is closed already. All messages of one closed period have
    the same `opens_at`.
    """
    received_at = received_at.astimezone(UTC)
    first = next(hours.stretches(received_at, received_at + HORIZON + _MOMENT), None)
    if first is None:
        return Promise(None, is_open_now=False, opens_at=None)
    at = _count(received_at, hours, reply_within)
    if first.opens_at == received_at:
        return Promise(at, is_open_now=True, opens_at=None)
    return Promise(at, is_open_now=False, opens_at=first.opens_at)


def _count(start: datetime, hours: OpeningHours, left: timedelta) -> datetime | None:
    for stretch in hours.stretches(start, start + _LONGEST):
        length = stretch.closes_at - stretch.opens_at
        if left <= length:
            return _whole_minute(stretch.opens_at + left)
        left -= length
    return None


def _whole_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + _MINUTE
