"""Reading expressions as people type them. Every fault names what is wrong and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

from vipcast.errors import InputError, nearest
from vipcast.members.names import fold
from vipcast.schedules import expressions_cron as cron
from vipcast.schedules import expressions_days as days
from vipcast.schedules import expressions_walls as walls

Kind = Literal["at", "cron", "every", "on"]

LONGEST = 200  # characters; the longest sensible list of minutes has 170
_FORMS = (
    'Write "2026-12-06 09:00", a cron expression such as "0 9 * * 1", monday@9:00, weekday@9:00, day@18:30, '
    "month@9:00 or birthday@10:00."
)
_AT_EXAMPLE = 'Write "2026-12-06 09:00", or with an offset "2026-12-06T09:00+01:00".'
_EVERY_EXAMPLE = (
    "Write monday@9:00, mon,thu@9:00, weekday@9:00, weekend@10:00, day@18:30, month@9:00 for the first of "
    "each month, or 15th@9:00."
)
_ON_EXAMPLE = "Write birthday@10:00 or anniversary@10:00."

_AT = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ] *(\d\d?):(\d\d)(?::(\d\d(?:\.\d+)?))?)? ?(?:(Z)|([+-])(\d\d):?(\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_TIMED = re.compile(r"(?P<day>.*?)(?: ?@ ?| at | )(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?", re.ASCII)
_EVERY = re.compile(r"(?<!\S)(?:on|every|each) ")
_AND = re.compile(r" ?(?:,|&| and ) ?")
_DAY_OF_MONTH = re.compile(r"(?:the )?(?:(\d{1,2})(?:st|nd|rd|th)|month-(\d{1,2}))", re.ASCII)
_LAST_HOUR, _LAST_MINUTE, _LAST_DAY = 23, 59, 31
_YEARS = range(2000, 2200)  # what the time zones hold, with room for both

_OCCASIONS = {"birthday": "birthday", "birthdays": "birthday", "anniversary": "anniversary"} | {
    "anniversaries": "anniversary"
}


def _kind_of(text: str) -> Kind:
    """Return which kind of expression a text looks like, right or wrong."""
    plain = fold(text)
    if re.match(r"\d{4}-\d|\d{1,4}[./] ?\d{1,2}[./]", plain):
        return "at"
    if plain.startswith(("@", "*")) or re.fullmatch(r"[\d,/-]+ \S+( \S+)*", plain):
        return "cron"
    found = _TIMED.fullmatch(plain)
    day = found["day"] if found else plain.partition("@")[0]
    if nearest(day, _OCCASIONS, cutoff=0.75):
        return "on"
    if found or "@" in plain or plain in days.KNOWN:
        return "every"
    raise InputError(f"{text!r} is no expression of a time.", hint=_FORMS)


def read(text: str, zone: ZoneInfo, kind: Kind | None) -> tuple[Kind, str, str]:
    """Return an expression's kind, its one spelling, and its five fields for cron (none of `at`).

    Where the kind is not given it is the one that the text looks like, right or wrong.

    Raises:
        InputError: it cannot be read, or is impossible.

    """
    if len(text) > LONGEST:
        raise InputError(f"{text[:20]!r}… is longer than {LONGEST} characters.", hint=_FORMS)
    if not text.strip():
        raise InputError("It says nothing.", hint=_FORMS)
    readers: Mapping[Kind, Callable[[str, ZoneInfo], tuple[str, str]]] = {
        "at": _at,
        "cron": cron.read,
        "every": _every,
        "on": _on,
    }
    text = text.strip()
    kind = kind or _kind_of(text)
    return kind, *readers[kind](text, zone)


def _at(text: str, zone: ZoneInfo) -> tuple[str, str]:
    found = _AT.fullmatch(text)
    if not found:
        raise InputError(f"{text!r} is no date and time.", hint=_AT_EXAMPLE)
    year, month, day, hour, minute, second, zulu, sign, offset_hours, offset_minutes = found.groups()
    if hour is None:
        raise InputError(f"{text!r} has no time of day.", hint=_AT_EXAMPLE)
    if float(second or 0):
        raise InputError(
            f"{text!r} has seconds, and announcements go out by the minute.", hint="Leave the seconds out."
        )
    try:
        wall = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001 - as on the wall
        offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
        moment = wall.replace(tzinfo=timezone(-offset if sign == "-" else offset)) if sign or zulu else None
    except ValueError as error:
        raise InputError(f"{text!r} is no time: {error}.", hint=_AT_EXAMPLE) from error
    if wall.year not in _YEARS:
        raise InputError(f"{text!r} is out of reach.", hint=_AT_EXAMPLE)
    if moment:
        return _written(moment.astimezone(zone), zone), ""
    _must_be_shown_once(wall, zone)
    return f"{wall:%Y-%m-%d %H:%M}", ""


def _written(local: datetime, zone: ZoneInfo) -> str:
    """Return a moment as a wall time; with its offset where the clock shows that twice."""
    wall = local.replace(tzinfo=None, fold=0)
    return (local if walls.repeated(wall, zone) else wall).isoformat(" ", "minutes")


def _must_be_shown_once(wall: datetime, zone: ZoneInfo) -> None:
    first, second = (walls.instant(wall, zone, fold).astimezone(zone) for fold in (0, 1))
    said = wall.isoformat(" ", "minutes")
    if not walls.is_shown(wall, zone):
        raise InputError(
            f"The clock never shows {said} in {zone}, because it is put forward then.",
            hint=f'Write "{_written(first, zone)}": the same moment as if it had not been.',
        )
    if walls.repeated(wall, zone):
        raise InputError(
            f"The clock shows {said} twice in {zone}, because it is put back then.",
            hint=f'Say which: "{_written(first, zone)}" or "{_written(second, zone)}".',
        )


def _timed(text: str, example: str) -> tuple[str, int, int]:
    """Return the folded words before a time of day, and its hour and minute."""
    plain = fold(text)
    found = _TIMED.fullmatch(plain)
    if not found:
        _, at, time = plain.partition("@")
        said = (
            f"{time.strip()!r} is no time of day" if at and time.strip() else f"{text!r} has no time of day"
        )
        raise InputError(f"{said}.", hint=f"Times go from 0:00 to 23:59. {example}")
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        raise InputError(f"{hour}:{minute:02} is no time of day.", hint="Times go from 0:00 to 23:59.")
    return found["day"].strip(), hour, minute


def _on(text: str, _zone: ZoneInfo) -> tuple[str, str]:
    day, hour, minute = _timed(text, _ON_EXAMPLE)
    occasion = _OCCASIONS.get(day)
    if not occasion:
        close = _OCCASIONS.get(nearest(day, _OCCASIONS))
        hint = f'Did you mean "{close}@{hour}:{minute:02}"?' if close else _ON_EXAMPLE
        raise InputError(f"Members have no day called {day!r}.", hint=hint)
    return f"{occasion}@{hour}:{minute:02}", f"{minute} {hour} * * *"


def _every(text: str, _zone: ZoneInfo) -> tuple[str, str]:
    day, hour, minute = _timed(text, _EVERY_EXAMPLE)
    weekdays: set[int] = set()
    dates: set[int] = set()
    for word in _AND.split(_EVERY.sub("", f"{day} ").strip()):
        if (date := _date(word)) is not None:
            dates.add(date)
        else:
            weekdays |= _weekdays(word)
    if weekdays and dates:
        raise InputError(
            f"{day!r} mixes days of the week and of the month.", hint="Make two schedules, one for each."
        )
    time = f"{hour}:{minute:02}"
    if dates == {1}:
        return f"{days.FIRST_OF_MONTH}@{time}", f"{minute} {hour} 1 * *"
    if dates:
        names = ",".join(days.ordinal(date) for date in sorted(dates))
        return f"{names}@{time}", f"{minute} {hour} {','.join(map(str, sorted(dates)))} * *"
    numbers = "*" if weekdays == days.EVERY_DAY else ",".join(map(str, sorted(weekdays)))
    return f"{days.spelled(weekdays)}@{time}", f"{minute} {hour} * * {numbers}"


def _date(word: str) -> int | None:
    """Return the day of the month that a word means; nothing where it is none."""
    if word in {"month", "months", "monthly"}:
        return 1
    found = _DAY_OF_MONTH.fullmatch(word)
    if not found:
        return None
    number = int(found[1] or found[2])
    if not 1 <= number <= _LAST_DAY:
        raise InputError(f"No month has a day {number}.", hint="Days of the month go from 1st to 31st.")
    return number


def _weekdays(word: str) -> frozenset[int]:
    """Return the days of the week that a name, or a range of two names, means."""
    if word in days.KNOWN:
        return days.KNOWN[word][1]
    first, is_range, last = (part.strip() for part in word.partition("-"))
    if is_range and first in days.KNOWN and last in days.KNOWN:
        (start, *more), (end, *others) = days.KNOWN[first][1], days.KNOWN[last][1]
        if not more and not others:
            return frozenset((start + i) % 7 for i in range((end - start) % 7 + 1))
    wrong = next((part for part in (first, last) if part and part not in days.KNOWN), word)
    close = nearest(wrong, days.KNOWN)
    raise InputError(
        f"{wrong!r} is no day." if wrong else "It names no day.",
        hint=f'Did you mean "{days.KNOWN[close][0]}"?' if close else _EVERY_EXAMPLE,
    )
