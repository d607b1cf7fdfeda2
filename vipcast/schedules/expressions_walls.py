"""The wall clock of a zone: which of its times are shown, when, and how often.

A wall time is a naive datetime, as the clock of a zone shows it. Where the clock is put forward, some are
never shown; where it is put back, some are shown twice, and `fold` says which pass is meant (PEP 495).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)


def instant(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """Return the moment, in UTC, at which the clock shows `wall`; where it never does, as if it went on."""
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock shows at a moment."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def is_shown(wall: datetime, zone: ZoneInfo) -> bool:
    """Return whether the clock ever shows this."""
    return wall_of(instant(wall, zone), zone) == wall


def repeated(wall: datetime, zone: ZoneInfo) -> timedelta:
    """Return how long after the first time the clock shows this once more; zero where it does not."""
    between = instant(wall, zone, fold=1) - instant(wall, zone)
    return max(between, timedelta())  # negative in a gap: there fold 0 is the later one


def first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return `wall`, or the first whole minute after the gap that it lies in."""
    while not is_shown(wall, zone):
        wall += _MINUTE
    return wall


def key_of(moment: datetime, zone: ZoneInfo) -> str:
    """Return the wall time of a moment as a key, "2026-10-25T02:30".

    In the second pass of a repeated hour its offset is added, "2026-10-25T02:30+01:00", so that no two
    moments have the same.
    """
    shown = moment.astimezone(zone)
    return (shown if shown.fold else shown.replace(tzinfo=None)).isoformat(timespec="minutes")
