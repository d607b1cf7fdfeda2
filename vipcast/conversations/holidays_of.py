"""Public holidays of a country, and the weekend days that its government made working days.

Both come from the `holidays` package. What it has of moved working days is what governments have decreed
and its maintainers have entered, a year or two ahead at most: Hungary and Russia (and Bulgaria, China and
others) have them, Czechia and Finland never move any. `knows_moves` tells a year without entries.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_FRIDAY, _MONDAY, _SUNDAY = 4, 0, 6


@dataclass(frozen=True, slots=True)
class Year:
    """What is out of the ordinary in one country in one year."""

    holidays: Mapping[date, str]  # the holiday's name, in English where the package has it
    working: Mapping[date, int]  # weekend days that are worked: which weekday (Monday = 0) each stands for
    knows_moves: bool  # False: the country moves working days, and none are entered for this year


def check(code: str) -> None:
    """Make sure that the holidays of a country such as HU, or of a part of it such as DE-BY, are known.

    Raises:
        ValueError: they are not; the message says why.

    """
    if not _CODE.fullmatch(code):
        raise ValueError("it must be a country's two letters, such as HU, or a part of one, such as DE-BY")
    try:
        _load(code, ())
    except NotImplementedError as error:
        raise ValueError(f"the holidays package does not know it ({error})") from error


@functools.lru_cache(maxsize=64)
def year_of(code: str, year: int) -> Year:
    """Return the holidays and moved working days of one year; a code that `check` has passed."""
    # A working day can be moved over New Year, and stands in the list of either year.
    book = _load(code, (year - 1, year, year + 1))
    label = _moved_label(book)
    here = {day: name for day, name in book.items() if day.year == year}
    working = {day: _stands_for(book, day) for day in book.weekend_workdays if day.year == year}
    is_moved = any(label and name.startswith(label) for name in here.values())
    return Year(here, working, knows_moves=bool(working) or is_moved or not label)


def _load(code: str, years: tuple[int, ...]) -> HolidayBase:
    import holidays  # noqa: PLC0415 - 100 ms that a shop without holidays need not pay

    country, _, part = code.partition("-")
    return holidays.country_holidays(
        country, subdiv=part or None, years=years, expand=False, language="en_US"
    )


def _moved_label(book: HolidayBase) -> str:
    """Return how the name of a day off begins that was gained by working on another day."""
    if not book.has_substituted_holidays:
        return ""
    label: str = book.tr(book.substituted_label)
    return label.split("%s", maxsplit=1)[0]


def _stands_for(book: HolidayBase, worked: date) -> int:
    """Return the weekday whose work is done on `worked`: that of the day off that it pays for.

    Where the package does not say, a Sunday stands for the Monday after it, any other day for a Friday.
    """
    if book.has_substituted_holidays:
        written = worked.strftime(book.tr(book.substituted_date_format))
        for day_off in book.get_named(book.tr(book.substituted_label) % written, lookup="exact"):
            return day_off.weekday()
    return _MONDAY if worked.weekday() == _SUNDAY else _FRIDAY
