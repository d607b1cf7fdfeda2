"""What the commands of `vipcast schedule` do and show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from vipcast.announcements import preparing
from vipcast.cli.moments import moment_of
from vipcast.cli.result import Result, Table
from vipcast.cli.template_views import parse_variables
from vipcast.cli.terminal import Terminal
from vipcast.errors import InputError, NothingToDo, Problem, SetupMissing
from vipcast.groups import seats
from vipcast.schedules import expressions, records
from vipcast.schedules.expressions import Expression
from vipcast.schedules.expressions_reading import Kind
from vipcast.schedules.records import IfLate, Schedule
from vipcast.shop import Shop

if TYPE_CHECKING:
    from sqlalchemy import Connection

_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DURATION = re.compile(r"(\d{1,5})\s*(min|m|h|d)")


@dataclass(frozen=True, slots=True)
class AddOptions:
    template: str
    groups: Sequence[str]
    times: Mapping[str, str]  # at, cron, every, on: one of them
    zone: str
    until: str
    if_late: str
    grace: str
    lasts: str
    variables: Sequence[str]
    is_urgent: bool


def add_view(shop: Shop, options: AddOptions) -> Result:
    """Check everything that can be checked now, and write the schedule down."""
    if not options.groups:
        raise InputError("To whom?", hint="Name a group with --group.")
    said = {kind: text for kind, text in options.times.items() if text}
    if len(said) != 1:
        many = " and ".join(f"--{kind}" for kind in said)
        message = f"Say one of {many}, not both." if said else "When? Say --at, --cron, --every or --on."
        raise InputError(message, hint='Such as --every monday@9:00, or --at "2026-12-06 09:00".')
    ((kind, text),) = said.items()
    zone = _zone(shop, options.zone)
    expression = expressions.parse(text, zone, kind=cast("Kind", kind))
    if options.if_late not in ("send", "skip", "ask"):
        raise InputError(f"--if-late: there is no {options.if_late!r}.", hint="Say send, skip or ask.")
    variables = parse_variables(options.variables)
    shop.template(options.template)
    lasts = _duration(options.lasts, "--lasts") if options.lasts else None
    if lasts == timedelta(0):
        raise InputError("--lasts: nothing could be sent in no time.", hint="Write 30m, 2h or 1d.")
    now = shop.now()
    with shop.database.write() as connection:
        groups = [seats.get(connection, name) for name in dict.fromkeys(options.groups)]
        one = records.create(
            connection,
            Schedule(
                id=0,
                template=options.template,
                groups=[group.name for group in groups],
                variables=variables,
                expression=str(expression),
                zone=str(zone),
                until=_day(options.until),
                if_late=cast("IfLate", options.if_late),
                grace_seconds=int(_duration(options.grace, "--grace").total_seconds()),
                lasts_seconds=int(lasts.total_seconds()) if lasts else None,
                is_urgent=options.is_urgent,
                state="active",
                reason="",
                next_at=None,
                next_local="",
                created_at=now,
            ),
            now,
        )
        _rehearse(shop, connection, one)
    installs = "vipcast schedule crontab --install"
    view = [
        f"Schedule {one.id}: {one.template} to {', '.join(one.groups)}, {expression.describe()}.",
        f"Next: {_shown(one.next_at, zone)}. `vipcast tick` sends it, and cron calls that: {installs}",
    ]
    return Result(_data(one), view)


def _rehearse(shop: Shop, connection: Connection, one: Schedule) -> None:
    """Plan the next occurrence and write none of it, so that what is wrong today is said today."""
    with suppress(NothingToDo, SetupMissing):  # people and accounts may come before it is due
        request, planner = shop.scheduled(one, one.next_at or shop.now())
        preparing.prepare(connection, request, planner).plan.check()


def list_view(shop: Shop) -> Result:
    with shop.database.read() as connection:
        found = records.everything(connection)
    if not found:
        example = "vipcast schedule add new-collection --group gold --every monday@9:00"
        return Result([], [f"Nothing is scheduled. Begin: {example}"])
    rows = [
        (one.id, one.template, ", ".join(one.groups), _told(one), one.state, _next(one), one.reason)
        for one in found
    ]  # fmt: skip
    headers = ("no", "template", "groups", "when", "state", "next", "last trouble")
    return Result([_data(one) for one in found], [Table(headers, rows)])


def show_view(shop: Shop, number: int, count: int) -> Result:
    now = shop.now()
    with shop.database.read() as connection:
        one = records.get(connection, number)
        past = records.history(connection, one, count)
    runs = _runs(one.parsed, now, one.zone_info, one.until, count) if one.state == "active" else []
    facts = [
        ("template", one.template),
        ("groups", ", ".join(one.groups)),
        ("when", _told(one)),
        ("time zone", one.zone),
        ("until", one.until or ""),
        ("if late", f"{one.if_late}, after {timedelta(seconds=one.grace_seconds)}"),
        ("urgent", "yes" if one.is_urgent else ""),
        ("variables", ", ".join(f"{key}={value}" for key, value in one.variables.items())),
        ("state", one.state),
        ("last trouble", one.reason),
        ("next", "\n".join(run.strftime("%Y-%m-%d %H:%M") for run in runs)),
    ]
    view: list[str | Table] = [f"Schedule {one.id}", Table(("", ""), [fact for fact in facts if fact[1]])]
    if past:
        rows = [(run.local, run.state, run.announcement_id or "", run.reason) for run in past]
        view.append(Table(("was due", "became", "announcement", "why"), rows))
    return Result(_data(one) | {"runs": runs, "past": [asdict(run) for run in past]}, view)


def preview_view(shop: Shop, text: str, tz: str, after: str, count: int) -> Result:
    zone = _zone(shop, tz)
    expression = expressions.parse(text, zone)
    begins = moment_of(f"{after} 00:00" if _DATE.fullmatch(after) else after, zone, shop.now())
    runs = _runs(expression, begins, zone, None, count)
    data = {"expression": str(expression), "kind": expression.kind, "timezone": str(zone), "runs": runs}
    if not runs:
        problem = Problem("never", f"{expression} does not come after {_shown(begins, zone)}.")
        return Result(data, [problem.message], [problem], exit_code=3, is_told=True)
    lines = [f"{run:%A} {run:%Y-%m-%d %H:%M} ({run:%z})" for run in runs]
    return Result(data, [f"{expression.describe()}, on the clock of {zone}:", *lines])


def pause_view(shop: Shop, number: int) -> Result:
    with shop.database.write() as connection:
        records.pause(connection, records.get(connection, number))
        one = records.get(connection, number)
    return Result(_data(one), [f"Schedule {number} is paused. Go on: vipcast schedule resume {number}"])


def resume_view(shop: Shop, number: int) -> Result:
    with shop.database.write() as connection:
        one = records.get(connection, number)
        if one.state == "active":
            return Result(_data(one), [f"Schedule {number} is not paused."], exit_code=3)
        one = records.resume(connection, one, shop.now())
    return Result(_data(one), [f"Schedule {number} goes on. Next: {_shown(one.next_at, one.zone_info)}."])


def remove_view(terminal: Terminal, shop: Shop, number: int, *, yes: bool) -> Result:
    with shop.database.read() as connection:
        one = records.get(connection, number)
    if not yes and not terminal.confirm(f"Remove schedule {number} ({one.template})?"):
        return Result(view=["Nothing was changed."], exit_code=3)
    with shop.database.write() as connection:
        records.remove(connection, records.get(connection, number))
    return Result({"removed": number}, [f"Schedule {number} is removed; what it announced stays."])


def _runs(
    expression: Expression, after: datetime, zone: ZoneInfo, until: date | None, count: int
) -> list[datetime]:
    return [run.at.astimezone(zone) for run in islice(expression.runs(after, zone, until=until), count)]


def _data(one: Schedule) -> dict[str, Any]:
    return asdict(one) | {"next_at": one.next_at.astimezone(_clock_of(one)) if one.next_at else None}


def _clock_of(one: Schedule) -> tzinfo:
    """Return a schedule's zone, or UTC where this system has it no more: a list must show the others."""
    try:
        return one.zone_info
    except InputError:
        return UTC


def _told(one: Schedule) -> str:
    try:
        return one.parsed.describe()
    except InputError:
        return one.expression


def _next(one: Schedule) -> str:
    return _shown(one.next_at, _clock_of(one))


def _zone(shop: Shop, name: str) -> ZoneInfo:
    return expressions.zone_of(name) if name else shop.zone


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--until: {text!r} is no date.", hint="Write 2026-12-24.") from error


def _duration(text: str, option: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip().lower())
    if not found:
        raise InputError(f"{option}: {text!r} is no length of time.", hint="Write 30m, 2h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _shown(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%A %Y-%m-%d %H:%M}" if moment else ""
