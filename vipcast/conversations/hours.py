"""Opening hours: what `[hours]` of vipcast.toml says, and when that is.

The shop is open exactly while the clock on its wall shows a time inside a span. So an hour that the clock
skips in spring is not there to be open in, and one that it repeats in autumn is open (or closed) both times.

A span belongs to the day on which it begins: one over midnight runs on into a day that is closed. A date
in `[hours.dates]` stands above a holiday or a moved working day, and those stand above the week. A weekend
day that was made a working day has the hours of the weekday it stands for; where that one has none, its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from vipcast import tomlfile
from vipcast.conversations import holidays_of
from vipcast.errors import ConfigError, Problem, did_you_mean

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
REPLY_WITHIN = timedelta(hours=2)  # where the shop does not say

_SHORT = tuple(name[:3].lower() for name in WEEKDAYS)
_NUMBER = {name: i for names in (_SHORT, map(str.lower, WEEKDAYS)) for i, name in enumerate(names)}
_KEYS = (*_SHORT, "mon-fri", "sat-sun", "daily", "holidays", "reply_within", "dates")
_DAY = 24 * 60
_LONGEST_NIGHT = 12 * 60  # a longer span over midnight is a reversed one
_LONGEST_RANGE = timedelta(days=731)
_ONE_DAY = timedelta(days=1)
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*[-–]\s*(\d{1,2})(?:[:.](\d\d))?")
_DATES = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?")
_DURATION = re.compile(r"(?:(\d{1,4})\s*h)?\s*(?:(\d{1,4})\s*m(?:in)?)?")
_CLOSED = "closed"


@dataclass(frozen=True, slots=True, order=True)
class WallSpan:
    """From one time of the wall clock to another, in minutes; `closes` passes 1440 after midnight."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


@dataclass(frozen=True, slots=True)
class Day:
    """One day's spans; `why` says what stands above the week there, in English, empty where nothing does."""

    date: date
    spans: tuple[WallSpan, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """The shop is open from `opens_at` up to, and not at, `closes_at`. Both in UTC."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A shop's hours. Those of a week begin with Monday; with none of anything it never opens."""

    zone: ZoneInfo
    week: tuple[tuple[WallSpan, ...], ...] = ((),) * 7
    dates: Mapping[date, tuple[WallSpan, ...]] = field(default_factory=dict)
    holidays: str = ""  # a country's two letters, or a part of it: DE-BY
    reply_within: timedelta = REPLY_WITHIN

    @property
    def are_set(self) -> bool:
        """Whether the shop has said when it is open at all."""
        return any(self.week) or any(self.dates.values())

    def day(self, day: date) -> Day:
        """Return the hours of one day."""
        if day in self.dates:
            return Day(day, self.dates[day], "set for this date")
        usual = self.week[day.weekday()]
        if not self.holidays:
            return Day(day, usual)
        year = holidays_of.year_of(self.holidays, day.year)
        if day in year.working:
            weekday = year.working[day]
            return Day(day, self.week[weekday] or usual, f"working day, as on a {WEEKDAYS[weekday]}")
        if day in year.holidays:
            return Day(day, (), year.holidays[day])
        return Day(day, usual)

    def openings(self, start: datetime, end: datetime) -> Iterator[Opening]:
        """Yield when the shop is open between two moments, in order, cut to them, with gaps in between."""
        whole: Opening | None = None
        for stretch in self.stretches(start, end):
            if whole is None:
                whole = stretch
            elif stretch.opens_at == whole.closes_at:
                whole = Opening(whole.opens_at, stretch.closes_at)
            else:
                yield whole
                whole = stretch
        if whole is not None:
            yield whole

    def stretches(self, start: datetime, end: datetime) -> Iterator[Opening]:
        """Yield the same as `openings`, as it is found: one may begin where the last one ended."""
        done = start.astimezone(UTC)
        for since, until, offset in _steady_times(done, end.astimezone(UTC), self.zone):
            for wall_opens, wall_closes in self._on_the_wall(since, until, offset):
                opens_at = max(wall_opens - offset, since, done)
                closes_at = min(wall_closes - offset, until)
                if opens_at < closes_at:
                    yield Opening(opens_at, closes_at)
                    done = closes_at

    def _on_the_wall(
        self, since: datetime, until: datetime, offset: timedelta
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans that can touch a time, as the wall clock shows them, by their beginning."""
        day, last = (since + offset).date() - _ONE_DAY, (until + offset).date()
        while day <= last:
            midnight = datetime.combine(day, time(), tzinfo=UTC)  # the wall's midnight, written as if in UTC
            for span in self.day(day).spans:
                yield midnight + timedelta(minutes=span.opens), midnight + timedelta(minutes=span.closes)
            day += _ONE_DAY


def _steady_times(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut a time into pieces of a day at most, in each of which the wall clock keeps its offset."""

    def offset_at(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or timedelta()

    while start < end:
        offset, until = offset_at(start), min(start + _ONE_DAY, end)
        if offset_at(until) != offset:
            # The offset is the old one at `low` and the new one at `high`, in microseconds from `start`.
            low, high = 0, (until - start) // timedelta(microseconds=1)
            while high - low > 1:
                middle = (low + high) // 2
                is_old = offset_at(start + timedelta(microseconds=middle)) == offset
                low, high = (middle, high) if is_old else (low, middle)
            until = start + timedelta(microseconds=high)
        yield start, until, offset
        start = until


class _WrongError(ValueError):
    """A value cannot be; the text says what was expected, `hint` the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def parse(raw: Mapping[str, Any], zone: ZoneInfo, file: Path) -> OpeningHours:
    """Return what `[hours]` says; `file` is the vipcast.toml it stands in.

    Raises:
        ConfigError: it is wrong somewhere; `problems` lists every fault with its key and line.

    """
    faults: list[Problem] = []
    week: dict[int, tuple[str, tuple[WallSpan, ...]]] = {}
    dates: dict[date, tuple[str, tuple[WallSpan, ...]]] = {}
    others: dict[str, Any] = {}
    for key, value in raw.items():
        try:
            if key == "dates":
                _need_table(value)
            elif key in {"holidays", "reply_within"}:
                others[key] = _READERS[key](_text(value))
            else:
                _add(week, _weekdays(key), key, _spans(value), lambda day: WEEKDAYS[day])
        except _WrongError as wrong:
            faults.append(_problem(file, "hours", key, wrong))
    table = raw.get("dates")
    for key, value in table.items() if isinstance(table, dict) else ():
        try:
            _add(dates, _dates(key), key, _spans(value), date.isoformat)
        except _WrongError as wrong:
            faults.append(_problem(file, "hours.dates", key, wrong))
    if not faults:
        faults += [_problem(file, "hours", key, wrong) for key, wrong in _overlapping_nights(week)]
    if faults:
        first = faults[0]
        raise ConfigError(first.message, hint=first.hint, where=first.where, problems=faults)
    return OpeningHours(
        zone=zone,
        week=tuple(week[day][1] if day in week else () for day in range(7)),
        dates={day: spans for day, (_, spans) in dates.items()},
        **others,
    )


def _problem(file: Path, table: str, key: str, wrong: _WrongError) -> Problem:
    where = str(file)
    # The file was read a moment ago; should it be gone by now, the fault to tell is the one found in it.
    with suppress(ConfigError):
        line = tomlfile.line_of(tomlfile.read_text(file), key, table=table)
        where = f"{file}:{line}" if line else where
    return Problem(ConfigError.code, f"{file.name}: `{table}.{key}`: {wrong}.", wrong.hint, where)


def _add(
    into: dict[Any, tuple[str, tuple[WallSpan, ...]]],
    days: Iterable[Any],
    key: str,
    spans: tuple[WallSpan, ...],
    name: Callable[[Any], str],
) -> None:
    for day in days:
        if day in into:
            raise _WrongError(
                f"{name(day)} is given twice, here and in `{into[day][0]}`", "Take it out of one of them."
            )
        into[day] = (key, spans)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongError(
            f"it must be a text in quotes, not {value!r}", 'Write it as mon = "9:00-12:30, 13:00-18:00".'
        )
    return value.strip()


def _need_table(value: object) -> None:
    if not isinstance(value, dict):
        raise _WrongError(
            "it must be a table of dates", 'Write [hours.dates], and under it "2026-12-24" = "9:00-12:00".'
        )


def _weekdays(key: str) -> list[int]:
    """Return the days (Monday = 0) that a key such as mon, mon-fri, fri-mon or "mon,wed" means."""
    text = key.strip().lower()
    if text == "daily":
        return list(range(7))
    found: list[int] = []
    for part in text.split(","):
        first, is_range, last = (piece.strip() for piece in part.partition("-"))
        if first not in _NUMBER or (is_range and last not in _NUMBER):
            _refuse_key(key)
        start, end = _NUMBER[first], _NUMBER[last or first]
        found += [(start + i) % 7 for i in range((end - start) % 7 + 1)]
    return found


def _refuse_key(key: str) -> NoReturn:
    known = "Keys are days (mon, mon-fri, daily), holidays, reply_within and the table [hours.dates]."
    raise _WrongError(
        "it is neither days of the week nor a known key", did_you_mean(key, _KEYS, quotes="`") or known
    )


def _dates(key: str) -> list[date]:
    """Return the dates that a key such as 2026-12-24 or 2026-08-01..2026-08-15 means."""
    found = _DATES.fullmatch(key.strip())
    if not found:
        raise _WrongError(
            "it must be a date, or a first and a last one", "Write 2026-12-24 or 2026-08-01..2026-08-15."
        )
    first, last = _date(found[1]), _date(found[2] or found[1])
    if last < first:
        raise _WrongError(f"{last} comes before {first}", f"Write {last}..{first}.")
    if last - first > _LONGEST_RANGE:
        raise _WrongError("it is longer than two years", "Check the years.")
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _WrongError(f"there is no {text} in the calendar") from error


def _spans(value: object) -> tuple[WallSpan, ...]:
    """Return the spans of "9:00-12:30, 13:00-18:00" in order; none for "closed"."""
    text = _text(value)
    if text.lower() == _CLOSED:
        return ()
    spans = sorted(_span(part.strip()) for part in text.split(","))
    for one, following in pairwise(spans):
        if following.opens < one.closes:
            raise _WrongError(f"{one} and {following} overlap", "Join them, or leave a gap between them.")
    return tuple(spans)


def _span(text: str) -> WallSpan:
    found = _SPAN.fullmatch(text)
    if not found:
        raise _WrongError(
            f"{text!r} is no span of time", 'Write it as "9:00-12:30, 13:00-18:00", or "closed".'
        )
    opens, closes = _minutes(found[1], found[2]), _minutes(found[3], found[4]) or _DAY
    if opens in {_DAY, closes}:
        raise _WrongError(f"{text} holds no time", 'The whole day is "0:00-24:00".')
    if closes > opens:
        return WallSpan(opens, closes)
    if closes + _DAY - opens > _LONGEST_NIGHT:
        raise _WrongError(
            f"{text} ends before it begins, and is too long for a night",
            f"Did you mean {_clock(closes)}-{_clock(opens)}? A long night is written in two parts: "
            "up to 24:00, and from 0:00 on the next day.",
        )
    return WallSpan(opens, closes + _DAY)


def _minutes(hour: str, minute: str | None) -> int:
    total = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or total > _DAY:  # noqa: PLR2004 - a clock's minutes
        raise _WrongError(f"{hour}:{minute or '00'} is no time of day", "Times go from 0:00 to 24:00.")
    return total


def _clock(minutes: int) -> str:
    """Return minutes as a time of day; 24:00 only as an end."""
    if minutes > _DAY:
        minutes -= _DAY
    return f"{minutes // 60}:{minutes % 60:02}"


def _overlapping_nights(
    week: Mapping[int, tuple[str, tuple[WallSpan, ...]]],
) -> Iterator[tuple[str, _WrongError]]:
    """Yield each day whose last span runs over midnight into the next day's first."""
    for day, (key, spans) in sorted(week.items()):
        following = week.get((day + 1) % 7, ("", ()))[1]
        if spans and following and spans[-1].closes - _DAY > following[0].opens:
            words = f"{spans[-1]} on {WEEKDAYS[day]} runs into {following[0]} on {WEEKDAYS[(day + 1) % 7]}"
            yield key, _WrongError(words, "Let the first one end where the second begins.")


def _country(text: str) -> str:
    code = text.upper()
    if code:
        try:
            holidays_of.check(code)
        except ValueError as error:
            raise _WrongError(
                f"there are no holidays of {text!r}: {error}",
                'Name a country, such as holidays = "HU"; without the key no holiday is kept.',
            ) from error
    return code


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text.lower())
    wanted = timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0)) if found else timedelta()
    if not wanted:
        raise _WrongError(
            f"{text!r} is no length of opening time", 'Write it as "2h", "90min" or "1h 30min".'
        )
    return wanted


_READERS = {"holidays": _country, "reply_within": _duration}
