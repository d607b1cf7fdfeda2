"""`vipcast hours`: when the shop is open, and what a member who writes is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.moments import moment_of
from vipcast.cli.result import Result, Table
from vipcast.config import LANGUAGES
from vipcast.conversations.holidays_of import year_of
from vipcast.conversations.hours import WEEKDAYS, Day, OpeningHours
from vipcast.conversations.promise import Promise, promise
from vipcast.conversations.wording import answer

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show opening hours and what a member is promised.",
)

_DAYS = 14


@app.callback()
def hours() -> None:
    """Show opening hours and what a member is promised."""


@app.command(cls=Command, epilog='Example: vipcast hours show --at "2026-11-21 17:30"')
def show(
    ctx: typer.Context,
    at: Annotated[
        str, typer.Option("--at", help="When the message comes: 2026-11-21 17:30, or 17:30 for today.")
    ] = "",
) -> Result:
    """Show the next 14 days, and what a member who writes at TIME is told."""
    with ctx.obj.shop() as shop:
        opening = shop.hours
        moment = moment_of(at, shop.zone, shop.now())
        promised = promise(moment, opening, opening.reply_within)
        told = {language: answer(promised, moment, shop.zone, language) for language in LANGUAGES}
        first = moment.astimezone(shop.zone).date()
        days = [opening.day(first + timedelta(days=i)) for i in range(_DAYS)]
        notes = _notes(opening, days, says_reply_within="reply_within" in shop.config.hours)
    return Result(
        _data(opening, moment, promised, days) | {"told": told, "notes": notes},
        [
            _headline(opening, moment, promised),
            Table(("date", "day", "open", "why"), [_row(day, opening.zone) for day in days]),
            "\nWhat the member is told:",
            Table(("language", "words"), list(told.items())),
            *(f"\n{note}" for note in notes),
        ],
    )


def _data(
    opening: OpeningHours, moment: datetime, promised: Promise, days: Sequence[Day]
) -> dict[str, object]:
    def local(time: datetime | None) -> datetime | None:
        return time and time.astimezone(opening.zone)

    return {
        "at": local(moment),
        "timezone": str(opening.zone),
        "is_open": promised.is_open_now,
        "opens_at": local(promised.opens_at),
        "promised_at": local(promised.at),
        "reply_within_minutes": opening.reply_within // timedelta(minutes=1),
        "days": [
            {
                "date": day.date,
                "weekday": WEEKDAYS[day.date.weekday()],
                "hours": [str(span) for span in day.spans],
                "why": _why(day, opening.zone),
            }
            for day in days
        ],
    }


def _headline(opening: OpeningHours, moment: datetime, promised: Promise) -> str:
    def words(time: datetime) -> str:
        local = time.astimezone(opening.zone)
        return f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"

    if promised.is_open_now:
        state = "The shop is open then"
    elif promised.opens_at:
        state = f"The shop is closed then and opens on {words(promised.opens_at)}"
    else:
        state = "The shop is closed then, and opens on none of the 14 days after it"
    until = f"an answer is promised by {words(promised.at)}" if promised.at else "no time is promised"
    return f"A message comes on {words(moment)} ({opening.zone}). {state}; {until}.\n"


def _row(day: Day, zone: ZoneInfo) -> tuple[str, str, str, str]:
    spans = ", ".join(str(span) for span in day.spans) or "closed"
    return day.date.isoformat(), WEEKDAYS[day.date.weekday()], spans, _why(day, zone)


def _why(day: Day, zone: ZoneInfo) -> str:
    """Return what is out of the ordinary on a day, the change of the clocks too."""
    midnights = (datetime.combine(day.date + timedelta(days=i), time(), tzinfo=zone) for i in (0, 1))
    before, after = (midnight.utcoffset() for midnight in midnights)
    changes = "" if before == after else "the clocks change"
    return ", ".join(filter(None, (day.why, changes)))


def _notes(opening: OpeningHours, days: Sequence[Day], *, says_reply_within: bool) -> list[str]:
    """Return what the owner should know about the settings themselves."""
    notes = []
    if not opening.are_set:
        notes.append('No opening hours are set. Write them under [hours], such as mon-fri = "9:00-18:00".')
    elif not says_reply_within:
        notes.append('How soon you answer is not set; 2 hours are taken. Write it as reply_within = "2h".')
    if opening.holidays:
        years = sorted({day.date.year for day in days})
        unknown = [str(year) for year in years if not year_of(opening.holidays, year).knows_moves]
        if unknown:
            notes.append(
                f"No moved working days of {opening.holidays} are known for {', '.join(unknown)}. "
                "Where there are some, write them under [hours.dates]."
            )
    return notes
