"""Reading cron expressions: each field is tried by itself, so that a fault names the field and the value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from vipcast.errors import InputError, did_you_mean

EXAMPLE = '"0 9 * * 1" is Mondays at 9:00: minute, hour, day of the month, month, day of the week.'
MACROS = {  # crontab(5)
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    hint: str
    names: tuple[str, ...] = ()  # the first one stands for `low`

    def number(self, text: str) -> int | None:
        """Return what a number or a name of this field means; nothing where it is neither."""
        if text in self.names:
            return self.names.index(text) + self.low
        return int(text) if text.isdecimal() and self.low <= int(text) <= self.high else None


_FIELDS = (
    _Field("minute", 0, 59, "Minutes go from 0 to 59: 0, 0,30 or */15."),
    _Field("hour", 0, 23, "Hours go from 0 to 23: 9, 9-17 or 9,18."),
    _Field(
        "day of the month",
        1,
        31,
        "Days of the month go from 1 to 31: 1, 1-7 or 1,15; L is the last day, LW the last working day.",
    ),
    _Field("month", 1, 12, "Months go from 1 to 12 or jan to dec: 12, 6-8 or mar,sep.", MONTHS),
    _Field(
        "day of the week",
        0,
        7,
        "Days of the week go from 0 to 7 or sun to sat, and 0 and 7 are Sunday: 1, mon-fri or sat,sun; "
        "5#2 is the second Friday of a month, 5L the last one.",
        WEEKDAYS,
    ),
)
_HOW_MANY = len(_FIELDS)
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4
_PROBE = datetime(2024, 1, 1)  # noqa: DTZ001 - expressions are tried on a calendar without a zone
_TO_SUNDAY = re.compile(r"(?<!SUN)(?<!0)-SUN(?=[/,]|$)")  # not SUN-SUN or 0-SUN, which is one day
_STEPPED = re.compile(r"(\w+)-(\w+)/0*[1-9]\d*", re.ASCII)


def read(text: str, zone: ZoneInfo) -> tuple[str, str]:
    """Return a cron expression in one spelling, and its five fields as cronsim takes them.

    Raises:
        InputError: it is none; the field and the value are named.

    """
    if text.startswith("@"):
        return _macro(text)
    fields = text.split()
    if len(fields) != _HOW_MANY:
        raise _wrong_number(text, len(fields))
    upper = [field.upper() if field.isascii() else field for field in fields]
    # Sunday is 0, so that cronsim takes FRI-SUN for a range backwards; people mean the Sunday after it.
    upper[_DAY_OF_WEEK] = _TO_SUNDAY.sub("-7", upper[_DAY_OF_WEEK])
    for place, (field, value) in enumerate(zip(_FIELDS, upper, strict=True)):
        for term in value.split(","):
            if not _is_good(place, term):
                raise _fault(field, term)
        upper[place] = ",".join(_one(field, term) for term in value.split(","))
    written, cron = " ".join(fields), " ".join(upper)
    try:
        CronSim(cron, _PROBE)
    except CronSimError as error:  # each field is good: no month has so many days
        raise never_fires(written, zone) from error
    return written, cron


def never_fires(text: str, zone: ZoneInfo) -> InputError:
    """Return the error for an expression that no time ever matches."""
    return InputError(
        f"{text!r} never fires in {zone}: no day and time of the next 41 years is like that.",
        hint="Look whether the month has such a day, and whether the clock shows such an hour on it.",
    )


def _macro(text: str) -> tuple[str, str]:
    name = text.lower()
    if name == "@reboot":
        raise InputError(
            "@reboot is not for announcements: a schedule knows dates and times, and no start of a machine.",
            hint=f"Say when: {EXAMPLE}",
        )
    if name not in MACROS:
        raise InputError(
            f"There is no {text!r}.", hint=did_you_mean(name, MACROS) or f"There are {', '.join(MACROS)}."
        )
    return name, MACROS[name]


def _wrong_number(text: str, number: int) -> InputError:
    are = "is 1 field" if number == 1 else f"are {number} fields"
    more = " Seconds, years and commands have no place in it." if number > _HOW_MANY else ""
    return InputError(
        f"{text!r} is no cron expression: it has five fields, and there {are}.{more}", hint=EXAMPLE
    )


def _is_good(place: int, term: str) -> bool:
    if not term.isascii() or (place == _DAY_OF_MONTH and term.startswith("L") and "/" in term):
        return False  # cronsim takes L/2 for L
    fields = ["*"] * _HOW_MANY
    fields[place] = term
    try:
        CronSim(" ".join(fields), _PROBE)
    except CronSimError:
        return False
    return True


def _one(field: _Field, term: str) -> str:
    """Return 5 for 5-5/2, which cronsim (2.8) takes for 5/2, all from 5 on; any other term as it is."""
    found = _STEPPED.fullmatch(term)
    return found[1] if found and field.number(found[1]) == field.number(found[2]) else term


def _fault(field: _Field, term: str) -> InputError:
    return InputError(
        f"The {field.name} cannot be {term.lower()!r}.", hint=_better(field, term) or field.hint
    )


def _better(field: _Field, term: str) -> str:
    """Return a hint that names what was probably meant, or nothing."""
    if term == "?":
        return "Write * instead of ?."
    first, _, last = term.partition("-")
    low, high = field.number(first), field.number(last)
    if low is not None and high is not None and low > high:
        end = f"{field.high}" if low == field.high else f"{low}-{field.high}"
        begin = 1 if field.low == 0 and field.high == len(WEEKDAYS) else field.low  # 7 was Sunday already
        if high < begin:
            return f"It goes backwards. Write {end}."
        return f"It goes backwards. Write {end},{begin}{f'-{high}' if high > begin else ''}."
    for word in re.findall(r"[A-Z]+", term):
        if field.names and word not in field.names and (hint := did_you_mean(word, field.names)):
            return f"{hint} {field.hint}"
    return ""
