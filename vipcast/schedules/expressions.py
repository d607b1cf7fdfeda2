"""When a schedule is due: expressions as people write them, and the runs that follow from them.

Four kinds: a date and time (`at`), a cron expression (`cron`), days in words (`every`), and the members'
own days (`on`). The days of a cron expression are found by cronsim, with the rules of Debian's cron: where
the day of the month or the day of the week begins with a star both must match, else one is enough.

cronsim is given wall times without a zone only, and the zone is put around it here, for three things that
it does otherwise on a day when the clock changes (2.8): begun in the second pass of a repeated hour it goes
back to the first; of a time that was skipped it does not tell which one was meant; and a wildcard job whose
day or hour begins in a gap is given a time that the clock never shows. Here, as in Debian's cron(8):

- A job whose minute and hour do not begin with a star runs at fixed times. Those that the clock skips make
  one run, at the first minute after the gap, together with the one that is due at that minute anyway. Its
  key is the first wall time that was meant. Where the clock repeats an hour, the job runs in the first pass.
- Any other job follows real time: in a gap there is nothing to run, and a repeated hour is run through twice.
  In the second pass the key ends in the offset from UTC, "2026-10-25T02:30+01:00".

Debian's cron leaves changes of three hours and more alone; here they are treated like the others, so that an
announcement neither falls out nor comes twice where a country changes its zone.
"""

from __future__ import annotations

import calendar
import functools
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim

from vipcast.errors import InputError, nearest
from vipcast.schedules import expressions_reading as reading
from vipcast.schedules import expressions_walls as walls
from vipcast.schedules import expressions_wording as wording
from vipcast.schedules.expressions_cron import never_fires
from vipcast.schedules.expressions_reading import Kind

# A year is one of fourteen: it begins on one of seven days, and has a 29 February or not. The longest wait
# for one of them is the forty years around 2100, which has none. What does not come within 41 never comes.
_AHEAD = timedelta(days=41 * 366)
_LAST_AFTER = datetime.max.replace(tzinfo=UTC) - 2 * _AHEAD  # beyond this the calendar ends
_PROBE = datetime(2024, 1, 1, tzinfo=UTC)  # any moment would do: what never fires from here on is refused
_SECOND = timedelta(seconds=1)
_LEAP_DAY = (2, 29)
_LONGEST_NAME = 60  # characters of a zone; twice what any has
_NO_PLACES = ("posix/", "right/", "posixrules", "localtime", "Factory")


@dataclass(frozen=True, slots=True)
class Run:
    """One occurrence: the moment in UTC, and the wall time that was meant, which no other occurrence has."""

    at: datetime
    local: str


@dataclass(frozen=True, slots=True)
class Expression:
    """When something is due. `text` is the expression in its one spelling; `cron` is empty for `at`.

    Make it by `parse`, which has checked it; `parse(str(expression), zone)` gives the same again.
    """

    kind: Kind
    text: str
    cron: str = ""

    def __str__(self) -> str:
        return self.text

    def runs(self, after: datetime, zone: ZoneInfo, *, until: date | None = None) -> Iterator[Run]:
        """Return the runs strictly after a moment, in order, as they are found.

        They end after 41 years, within which every date and weekday has come, or with the last wall time
        on `until`, that day included. Of kind `on` they are the days' times; `falls_on` says whose day it is.

        Raises:
            ValueError: `after` has no offset.

        """
        if after.utcoffset() is None:
            raise ValueError(f"{after} has no offset")
        if after > _LAST_AFTER:
            return iter(())
        if self.kind == "at":
            return self._once(after, zone, until)
        minute, hour = self.cron.split()[:2]
        if minute.startswith("*") or hour.startswith("*"):
            return self._by_real_time(after, zone, until)
        return self._at_fixed_times(after, zone, until)

    def describe(self, language: str = "en") -> str:
        """Return the expression in words, "every Monday at 9:00".

        What has no words here, in English or because the language is another, is returned as it is written.
        """
        return (wording.in_english(self.kind, self.text, self.cron) if language == "en" else "") or self.text

    def _once(self, after: datetime, zone: ZoneInfo, until: date | None) -> Iterator[Run]:
        written = datetime.fromisoformat(self.text)
        if written.tzinfo:
            at = written.astimezone(UTC)
            key, day = walls.key_of(at, zone), walls.wall_of(at, zone).date()
        else:  # its zone may have changed since it was entered, so that the time may be skipped by now
            at = walls.instant(walls.first_shown(written, zone), zone)
            key, day = written.isoformat(timespec="minutes"), written.date()
        if at > after and (until is None or day <= until):
            yield Run(at, key)

    def _at_fixed_times(self, after: datetime, zone: ZoneInfo, until: date | None) -> Iterator[Run]:
        last = after
        # Nothing earlier on the wall can be due later: the first showings come in the order of the walls.
        for wall in self._walls(walls.wall_of(after, zone), until):
            at = walls.instant(walls.first_shown(wall, zone), zone)
            if at > last:
                yield Run(at, wall.isoformat(timespec="minutes"))
                last = at

    def _by_real_time(self, after: datetime, zone: ZoneInfo, until: date | None) -> Iterator[Run]:
        start = walls.wall_of(after, zone)
        if back := walls.repeated(start, zone):  # times before this one may be still to come, a second time
            start -= back + _SECOND
        second_pass: deque[datetime] = deque()
        for wall in self._walls(start, until):
            first = walls.instant(wall, zone)
            while second_pass and second_pass[0] < first:
                yield _run(second_pass.popleft(), zone)
            if not walls.is_shown(wall, zone):
                continue
            if first > after:
                yield _run(first, zone)
            again = first + walls.repeated(wall, zone)
            if again > first and again > after:
                second_pass.append(again)
        for at in second_pass:
            yield _run(at, zone)

    def _walls(self, start: datetime, until: date | None) -> Iterator[datetime]:
        """Yield the wall times that match, whether a clock shows them or not."""
        for wall in CronSim(self.cron, start):
            if wall - start > _AHEAD or (until is not None and wall.date() > until):
                return
            yield wall


def _run(at: datetime, zone: ZoneInfo) -> Run:
    return Run(at, walls.key_of(at, zone))


def parse(text: str, zone: ZoneInfo, *, kind: Kind | None = None) -> Expression:
    """Return what an expression says; without a kind it is told from the text.

    at: "2026-12-06 09:00", with a T or an offset if need be. cron: "0 9 * * 1", "@daily". every:
    "monday@9:00", "mon,thu@9:00", "weekday@9:00", "day@18:30", "month@9:00" (the first), "15th@9:00".
    on: "birthday@10:00", "anniversary@10:00".

    Raises:
        InputError: it cannot be read, a date is impossible, the zone's clock never shows a time `at` or shows
            it twice, or it never fires; `where` is the option, `--at` and so on, if the kind was given.

    """
    try:
        expression = Expression(*reading.read(text, zone, kind))
        if expression.kind == "cron" and next(expression.runs(_PROBE, zone), None) is None:
            raise never_fires(expression.text, zone)
    except InputError as wrong:
        if kind is None:
            raise
        option = f"--{kind}"
        raise InputError(f"{option}: {wrong.message}", hint=wrong.hint, where=option) from wrong
    return expression


def falls_on(month_and_day: tuple[int, int], day: date) -> bool:
    """Return whether a birthday or anniversary, as (month, day), is kept on a day.

    One on 29 February is kept on 28 February in a year without.
    """
    if month_and_day == _LEAP_DAY and not calendar.isleap(day.year):
        month_and_day = (2, 28)
    return (day.month, day.day) == month_and_day


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database, such as Europe/Budapest.

    Raises:
        InputError: there is none of that name; the hint has the nearest.

    """
    name = name.strip()
    if not name.startswith(_NO_PLACES):  # files of the system's own: "right/" counts leap seconds
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    raise InputError(
        f"There is no time zone {name[:_LONGEST_NAME]!r}.",
        hint=_nearest_zone(name[:_LONGEST_NAME]) or "Write it as Europe/Budapest, Europe/Prague or UTC.",
    )


def _nearest_zone(name: str) -> str:
    """Return a hint: by the whole name or, where only a city was written, by that."""
    known = _zones()
    cities = {zone.rpartition("/")[2].replace("_", " ").casefold(): zone for zone in known}
    city = name.replace("_", " ").casefold()
    close = cities.get(city) or nearest(name, known) or cities.get(nearest(city, cities))
    return f'Did you mean "{close}"?' if close else ""


@functools.cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))
