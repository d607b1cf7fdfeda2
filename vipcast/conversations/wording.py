"""The words in which a member is told a time: weekday, date and hour, in their own language's grammar.

The date always stands there, because a message is often read on another day than it came; "today" and
"tomorrow" are put before it only if they are true on the shop's clock. The year is said if it is another.
Names of months (in the case that a date takes) and of weekdays come from babel; what it lacks, "on Monday"
where that is not the plain name, and the Hungarian suffixes, stands here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from vipcast.conversations.promise import Promise

_FALLBACK = "en"
_LOCALES = {"en": "en_GB"}  # a day comes before its month
_ONE_DAY = timedelta(days=1)

# On Monday, on Tuesday … Sunday is the one Hungarian day without a suffix.
_ON_DAY: Mapping[str, tuple[str, ...]] = {
    "hu": ("hétfőn", "kedden", "szerdán", "csütörtökön", "pénteken", "szombaton", "vasárnap"),
    "cs": ("v pondělí", "v úterý", "ve středu", "ve čtvrtek", "v pátek", "v sobotu", "v neděli"),
    "ru": ("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"),
}
_NEAR: Mapping[str, tuple[str, str]] = {
    "hu": ("ma", "holnap"),
    "cs": ("dnes", "zítra"),
    "fi": ("tänään", "huomenna"),
    "ru": ("сегодня", "завтра"),
    "en": ("today", "tomorrow"),
}
_WHEN_PROMISED: Mapping[str, str] = {
    "hu": "Munkatársunk {} válaszol.",
    "cs": "Odpovíme {}.",
    "fi": "Vastaamme {}.",
    "ru": "Наш сотрудник ответит {}.",
    "en": "A person will answer {}.",
}
_WHEN_NOT: Mapping[str, str] = {
    "hu": "Munkatársunk válaszol, amint újra elérhetők vagyunk.",
    "cs": "Odpovíme, jakmile budeme opět k dispozici.",
    "fi": "Vastaamme heti, kun olemme taas tavoitettavissa.",
    "ru": "Наш сотрудник ответит, как только мы снова будем на связи.",
    "en": "A person will answer as soon as we are available again.",
}
# The ordinal decides as it is read: másodikán, harmadikán, huszadikán; but tizenkettedikén, huszonkettedikén.
_HUNGARIAN_BACK = frozenset({2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30})


@dataclass(frozen=True, slots=True)
class _Time:
    """A deadline as the shop's clock and calendar show it, in parts."""

    day: date
    clock: str  # 9:00; the end of a day is its 24:00, not the next day's 0:00
    near: str  # "today" or "tomorrow" in the language, or empty
    with_year: bool


def deadline(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Return "by 11:00 on Monday, 23 November" in a language (hu, cs, fi, ru, en; any other gets en).

    It fits into a sentence after its verb; `now` decides on today, tomorrow and whether the year is said.
    """
    language = language if language in _NEAR else _FALLBACK
    return _PHRASES[language](_take_apart(at, now, zone, language))


def answer(promised: Promise, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Return the sentence that tells a member when a person answers; with no time where none is promised."""
    language = language if language in _NEAR else _FALLBACK
    if promised.at is None:
        return _WHEN_NOT[language]
    return _WHEN_PROMISED[language].format(deadline(promised.at, now, zone, language))


def _take_apart(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> _Time:
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    day, hour = local.date(), local.hour
    if (local.hour, local.minute) == (0, 0):
        day, hour = day - _ONE_DAY, 24
    near = ""
    if day == today:
        near = _NEAR[language][0]
    elif day == today + _ONE_DAY:
        near = _NEAR[language][1]
    return _Time(day, f"{hour}:{local.minute:02}", near, with_year=day.year != today.year)


def _hungarian(time: _Time) -> str:
    suffix = "jén" if time.day.day == 1 else "án" if time.day.day in _HUNGARIAN_BACK else "én"
    year = f"{time.day.year}. " if time.with_year else ""
    near = f"{time.near}, " if time.near else ""
    weekday = _ON_DAY["hu"][time.day.weekday()]
    return f"{near}{weekday}, {year}{_month('hu', time.day)} {time.day.day}-{suffix} {time.clock}-ig"


def _czech(time: _Time) -> str:
    year = f" {time.day.year}" if time.with_year else ""
    near = f"{time.near}, " if time.near else ""
    weekday = _ON_DAY["cs"][time.day.weekday()]
    return f"{near}{weekday} {time.day.day}. {_month('cs', time.day)}{year} do {time.clock}"


def _finnish(time: _Time) -> str:
    year = f" {time.day.year}" if time.with_year else ""
    near = f"{time.near} " if time.near else ""
    clock = time.clock.replace(":", ".")
    weekday = f"{_names('fi')[1][time.day.weekday()]}na"  # one ending for all; babel has no sunnuntaina
    return f"{near}{weekday} {time.day.day}. {_month('fi', time.day)}{year} klo {clock} mennessä"


def _russian(time: _Time) -> str:
    year = f" {time.day.year} года" if time.with_year else ""
    near = f"{time.near}, " if time.near else ""
    weekday = _ON_DAY["ru"][time.day.weekday()]
    return f"{near}{weekday}, {time.day.day} {_month('ru', time.day)}{year}, до {time.clock}"


def _english(time: _Time) -> str:
    year = f" {time.day.year}" if time.with_year else ""
    day = f"{_names('en')[1][time.day.weekday()]}, {time.day.day} {_month('en', time.day)}{year}"
    return f"by {time.clock} {time.near}, {day}" if time.near else f"by {time.clock} on {day}"


_PHRASES: Mapping[str, Callable[[_Time], str]] = {
    "hu": _hungarian,
    "cs": _czech,
    "fi": _finnish,
    "ru": _russian,
    "en": _english,
}


def _month(language: str, day: date) -> str:
    """Return a month as it is written after its day: listopadu, marraskuuta, ноября."""
    return _names(language)[0][day.month - 1]


@functools.cache
def _names(language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the months as they stand within a date, and the weekdays alone, Monday first."""
    from babel import Locale  # noqa: PLC0415 - heavy, and only a message needs it

    locale = Locale.parse(_LOCALES.get(language, language))
    months, days = locale.months["format"]["wide"], locale.days["stand-alone"]["wide"]
    return tuple(months[i] for i in range(1, 13)), tuple(days[i] for i in range(7))
