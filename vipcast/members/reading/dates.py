"""Dates as people and spreadsheets write them. One that could be two different days is refused."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal

from vipcast.members.reading.headers import squeeze

Order = Literal["dmy", "mdy"]

_CLOCK = r"(?:[T ,]+(?:klo|kl|в|v|o|ob|um|at)?\.? ?(?P<time>\d{1,2}[:.]\d\d.*))?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-./ ]) ?(\d{{1,2}})\2 ?(\d{{1,2}})\.?{_CLOCK}", re.IGNORECASE)
_YEAR_LAST = re.compile(
    rf"(\d{{1,2}})([-./]) ?(\d{{1,2}})\2 ?(\d{{4}}|\d\d)\.?(?: ?г\.?)?{_CLOCK}", re.IGNORECASE
)
_PLAIN = re.compile(  # year first, or with dots day first; and a time
    r"(?:([12]\d{3})(?:-|/|\. ?)(\d\d?)(?:-|/|\. ?)(\d\d?)\.?|(\d\d?)\. ?(\d\d?)\. ?([12]\d{3}))"
    r"(?:[T ](\d\d?):(\d\d)(?::(\d\d))?)?"
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_COMPACT = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d)")
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d+))?")
_WORDY = re.compile(
    rf"(\d{{1,4}})\.? +([^\W\d]+)\.?,? +(\d{{1,4}})\.?(?: ?г\.?| ?года)?{_CLOCK}", re.IGNORECASE
)
_WORD_FIRST = re.compile(rf"([^\W\d]+)\.? +(\d{{1,2}})(?:st|nd|rd|th)?,? +(\d{{4}}){_CLOCK}", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d+)?)? ?(am|pm|de\.?|du\.?|dop\.?|odp\.?)?"
    r" ?(z|utc|gmt|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_AFTERNOON = ("pm", "du", "odp")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's day 0, with its leap year that never was
_LAST_MONTH = 12

# The first letters of month names, without accents; longer ones first where one begins another.
_MONTHS: tuple[tuple[int, str], ...] = (
    (11, "nov listopad marras ноя"), (1, "jan leden ledna tammi янв"), (2, "feb unor helmi фев"),
    (3, "mar brez maalis мар"), (4, "apr dub huhti апр"), (5, "maj may kvet touko мая маи"),
    (7, "cervenec cervence"), (6, "cerven cervn"), (6, "jun kesa июн"),
    (7, "jul hein июл"), (8, "aug srp elo авг"), (9, "sep szept zari syys сен"),
    (10, "okt oct rij loka окт"), (12, "dec prosin joulu дек"),
)  # fmt: skip


class AmbiguousDateError(ValueError):
    """The text is two different days: day first, or month first."""


@functools.lru_cache(maxsize=65536)
def read_moment(text: str, order: Order | None, zone: tzinfo, this_year: int) -> datetime:
    """Return the moment in UTC; a day alone is its midnight in `zone`.

    Raises:
        AmbiguousDateError: it needs `order` to be told.
        ValueError: it is no date; the message says so.

    """
    if (match := _PLAIN.fullmatch(text)) is not None:
        moment = _plainly(match, zone)
        return moment if zone is UTC else moment.astimezone(UTC)
    bare = " ".join(text.split())
    if _ISO.match(bare):
        try:
            exact = datetime.fromisoformat(bare)
        except ValueError:
            pass  # not all that begins like it
        else:
            return (exact if exact.tzinfo else exact.replace(tzinfo=zone)).astimezone(UTC)
    day, clock = _day_of(bare, order, this_year)
    moment = day.replace(tzinfo=zone) if isinstance(day, datetime) else _at(day, clock, zone)
    return moment.astimezone(UTC)


@functools.lru_cache(maxsize=65536)
def read_day(text: str, order: Order | None, this_year: int) -> date:
    """Return the day of birth which a cell names; two-digit years are the latest that have been.

    Raises:
        AmbiguousDateError, ValueError: as `read_moment`.

    """
    day, _ = _day_of(" ".join(text.split()), order, this_year)
    return day.date() if isinstance(day, datetime) else day


def settle_order(values: Iterable[str]) -> Order | None:
    """Return the order which the first telling value of a column shows: a 25 is no month."""
    for value in values:
        match = _YEAR_LAST.fullmatch(" ".join(value.split()))
        if match and match[2] != ".":
            first, second = int(match[1]), int(match[3])
            if first > _LAST_MONTH >= second:
                return "dmy"
            if second > _LAST_MONTH >= first:
                return "mdy"
    return None


def _plainly(match: re.Match[str], zone: tzinfo) -> datetime:
    """Return what the commonest spellings say, without the detours of the others."""
    year, month, day, last_day, last_month, last_year, hour, minute, second = match.groups("0")
    parts = (year, month, day) if year != "0" else (last_year, last_month, last_day)
    try:
        whole_day = date(int(parts[0]), int(parts[1]), int(parts[2]))
        return datetime.combine(whole_day, time(int(hour), int(minute), int(second)), zone)
    except ValueError as error:
        raise ValueError(f"'{match[0]}' is no moment: {error}") from None


def _day_of(text: str, order: Order | None, this_year: int) -> tuple[date | datetime, str]:
    """Return the day and the text of its time."""
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(match[1], match[3], match[4]), match["time"] or ""
    if match := _YEAR_LAST.fullmatch(text):
        year = _full_year(match[4], this_year)
        return _short_date(int(match[1]), match[2], int(match[3]), year, order), match["time"] or ""
    if match := _COMPACT.fullmatch(text):
        return _date(*match.groups()), ""
    if match := _SERIAL.fullmatch(text):
        days = float(f"{match[1]}.{match[2] or 0}")
        return _EPOCH + timedelta(seconds=round(days * 86400)), ""
    return _in_words(text)


def _in_words(text: str) -> tuple[date, str]:
    if match := _WORD_FIRST.fullmatch(text):
        return _date(match[3], str(_month(match[1])), match[2]), match["time"] or ""
    if match := _WORDY.fullmatch(text):
        first, last = match[1], match[3]
        year, day = (first, last) if len(first) == 4 else (last, first)  # noqa: PLR2004 - digits of a year
        if len(year) != 4:  # noqa: PLR2004
            raise ValueError(f"'{text}' has no full year")
        return _date(year, str(_month(match[2])), day), match["time"] or ""
    raise ValueError(f"'{text[:40]}' is not a date")


def _short_date(first: int, sign: str, second: int, year: int, order: Order | None) -> date:
    if order is None and (first > _LAST_MONTH or second > _LAST_MONTH or first == second or sign == "."):
        # hu, cs, fi and ru write dots with the day before the month; nobody writes the other with dots
        order = "mdy" if second > _LAST_MONTH and sign != "." else "dmy"
    if order is None:
        raise AmbiguousDateError(f"'{first:02}{sign}{second:02}{sign}{year}' may be two different days")
    day, month = (first, second) if order == "dmy" else (second, first)
    return _date(str(year), str(month), str(day))


def _date(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"there is no day {year}-{month:0>2}-{day:0>2}") from None


def _full_year(text: str, this_year: int) -> int:
    year = int(text)
    if len(text) == 4:  # noqa: PLR2004
        return year
    century = this_year - this_year % 100
    return century + year if century + year <= this_year else century - 100 + year


def _month(name: str) -> int:
    key = squeeze(name)
    for number, stems in _MONTHS:
        if any(key.startswith(stem) for stem in stems.split()):
            return number
    raise ValueError(f"'{name}' is no month")


def _at(day: date, clock: str, zone: tzinfo) -> datetime:
    if not clock:
        return datetime.combine(day, time(), zone)
    match = _TIME.fullmatch(clock.strip())
    if not match:
        raise ValueError(f"'{clock}' is not a time")
    hour, half = int(match[1]), (match[4] or "").lower().rstrip(".")
    if half:
        hour = hour % 12 + (12 if half in _AFTERNOON else 0)
    try:
        moment = time(hour, int(match[2]), int(match[3] or 0))
    except ValueError:
        raise ValueError(f"'{clock}' is not a time") from None
    return datetime.combine(day, moment, _offset(match[5] or "", zone))


def _offset(text: str, zone: tzinfo) -> tzinfo:
    if not text:
        return zone
    if text[0] not in "+-":
        return UTC
    away = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-away if text[0] == "-" else away)
