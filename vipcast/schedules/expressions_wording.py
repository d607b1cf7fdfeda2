"""Expressions in words for the shop owner, in English."""

from __future__ import annotations

import re
from datetime import datetime

from vipcast.schedules.expressions_cron import MONTHS as _SHORT_MONTHS
from vipcast.schedules.expressions_cron import WEEKDAYS as _SHORT_DAYS
from vipcast.schedules.expressions_days import ENGLISH, EVERY_DAY, ORDER, WORKING_DAYS, ordinal

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NOT_IN_EVERY_MONTH = range(29, 32)
_HOUR = 60  # minutes


def in_english(kind: str, text: str, cron: str) -> str:
    """Return an expression in words; nothing where cron says more than a short sentence can."""
    if kind == "at":
        return _date_and_time(datetime.fromisoformat(text))
    if kind == "on":
        occasion, _, clock = text.partition("@")
        of = "birthday" if occasion == "birthday" else "anniversary of joining"
        return f"on each member's {of} at {clock}"
    minute, hour, day, month, weekday = cron.split()
    if (day, month, weekday) == ("*", "*", "*") and (often := _often(minute, hour)):
        return often
    if not (minute.isdigit() and hour.isdigit()):
        return ""
    when = _days(day, month, weekday)
    return f"{when} at {int(hour)}:{int(minute):02}" if when else ""


def _date_and_time(local: datetime) -> str:
    weekday = ENGLISH[local.isoweekday() % 7]
    offset = f" ({local:%z})" if local.tzinfo else ""
    date = f"{local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"on {weekday}, {date} at {local.hour}:{local:%M}{offset}"


def _often(minute: str, hour: str) -> str:
    """Return the words for what comes at least once in each hour."""
    if hour != "*":
        return ""
    if minute in {"*", "*/1"}:
        return "every minute"
    if minute.isdigit():
        return f"every hour at {int(minute)} minutes past" if int(minute) else "every hour on the hour"
    step = re.fullmatch(r"\*/(\d+)", minute)
    return f"every {step[1]} minutes" if step and _HOUR % int(step[1]) == 0 else ""


def _days(day: str, month: str, weekday: str) -> str:
    if weekday == "*" and day.isdigit() and (number := _number(month, _SHORT_MONTHS, 1)) is not None:
        year = "leap year" if (int(day), number) == (29, 2) else "year"
        return f"every {year} on {int(day)} {_MONTHS[number - 1]}"
    if month != "*":
        return ""
    if weekday == "*":
        return "every day" if day == "*" else _days_of_month(day)
    return _days_of_week(weekday) if day == "*" else ""


def _days_of_month(day: str) -> str:
    if day == "L":
        return "on the last day of every month"
    if not re.fullmatch(r"\d+(,\d+)*", day):
        return ""
    numbers = sorted({int(one) for one in day.split(",")})
    only = " that has one" if len(numbers) == 1 and numbers[0] in _NOT_IN_EVERY_MONTH else ""
    return f"on the {_join([ordinal(one) for one in numbers])} of every month{only}"


def _days_of_week(weekday: str) -> str:
    wanted: set[int] = set()
    for term in weekday.split(","):
        first, _, last = term.partition("-")
        start, end = _number(first, _SHORT_DAYS, 0), _number(last or first, _SHORT_DAYS, 0)
        if start is None or end is None:
            return ""
        wanted |= {day % 7 for day in range(start, end + 1)}
    if wanted == EVERY_DAY:
        return "every day"
    if wanted == WORKING_DAYS:
        return "every day from Monday to Friday"
    return f"every {_join([ENGLISH[day] for day in ORDER if day in wanted])}"


def _number(text: str, names: tuple[str, ...], low: int) -> int | None:
    return names.index(text) + low if text in names else int(text) if text.isdigit() else None


def _join(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
