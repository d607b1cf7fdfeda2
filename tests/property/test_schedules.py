"""Runs of schedules against an independent stepper that walks the clock minute by minute, as crontab(5) says.

An expression is generated together with what it means, so that nothing of the program's reading, nor of
the library it reads with, has a part in the expectation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vipcast.errors import InputError
from vipcast.schedules.expressions import Run, falls_on, parse

# Hours by whole and by half hours, north and south of the equator; in Havana the skipped hour begins a day.
ZONES = (
    "Europe/Budapest", "Europe/Prague", "Europe/Helsinki", "Australia/Adelaide", "Australia/Lord_Howe",
    "America/St_Johns", "America/Havana", "UTC",
)  # fmt: skip
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WINDOW = timedelta(hours=36)
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
Field = tuple[str, frozenset[int]]
STAR_DAYS: tuple[Field, Field, Field] = (
    ("*", frozenset(range(1, 32))),
    ("*", frozenset(range(1, 13))),
    ("*", frozenset(range(7))),
)


@dataclass(frozen=True)
class Cron:
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def __str__(self) -> str:
        return " ".join(text for text, _ in (self.minute, self.hour, self.day, self.month, self.weekday))

    @property
    def is_wild(self) -> bool:
        return self.minute[0].startswith("*") or self.hour[0].startswith("*")

    def matches(self, wall: datetime) -> bool:
        if wall.minute not in self.minute[1] or wall.hour not in self.hour[1]:
            return False
        return self.matches_day(wall.date())

    def matches_day(self, day: date) -> bool:
        if day.month not in self.month[1]:
            return False
        found = day.day in self.day[1], day.isoweekday() % 7 in self.weekday[1]
        must_both = self.day[0].startswith("*") or self.weekday[0].startswith("*")
        return all(found) if must_both else any(found)


@st.composite
def terms(draw: st.DrawFn, low: int, high: int, names: tuple[str, ...]) -> Field:
    """One number, name, range or step, and the numbers that it means."""

    def written(number: int) -> str:
        return (
            names[number - low]
            if names and number - low < len(names) and draw(st.booleans())
            else str(number)
        )

    first, last = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    step = draw(st.integers(1, 12))
    shape = draw(st.sampled_from(("one", "range", "step")))
    if shape == "one":
        return written(first), frozenset({first})
    text = f"{written(first)}-{written(last)}"
    if shape == "range":
        return text, frozenset(range(first, last + 1))
    return f"{text}/{step}", frozenset(range(first, last + 1, step))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *, star: int = 1, names: tuple[str, ...] = ()) -> Field:
    """A whole field; `star` in four of them begin with a star."""
    if draw(st.integers(1, 4)) <= star:
        step = draw(st.sampled_from((1, 1, 2, 3, 5, 7, 10, 15, 20, 30)))
        return ("*" if step == 1 else f"*/{step}"), frozenset(range(low, high + 1, step))
    parts = draw(st.lists(terms(low, high, names), min_size=1, max_size=3))
    return ",".join(text for text, _ in parts), frozenset().union(*(numbers for _, numbers in parts))


def weekdays(star: int) -> st.SearchStrategy[Field]:
    """Days of the week, 7 being Sunday as well."""
    return fields(0, 7, star=star, names=WEEKDAYS).map(lambda one: (one[0], frozenset(d % 7 for d in one[1])))


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    """Mostly in the hours in which clocks change, and on all days."""
    hour = draw(st.one_of(fields(0, 4, star=0), fields(0, 23, star=2)))
    day, month, weekday = STAR_DAYS
    if draw(st.booleans()):
        day, weekday = draw(fields(1, 31, star=2)), draw(weekdays(2))
    return Cron(draw(fields(0, 59)), hour, day, month, weekday)


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The moments, to the minute, from which on the clock has another offset."""
    where, found, day = ZoneInfo(zone), [], FIRST
    while day < LAST:
        offset = day.astimezone(where).utcoffset()
        if (day + DAY).astimezone(where).utcoffset() != offset:
            moment = day
            while moment.astimezone(where).utcoffset() == offset:
                moment += MINUTE
            found.append(moment)
        day += DAY
    return tuple(found)


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """A moment near a change of the clock, or anywhere; to the second."""
    near = changes(zone)
    if near and draw(st.integers(0, 4)):
        return draw(st.sampled_from(near)) + timedelta(seconds=draw(st.integers(-5 * 3600, 3 * 3600)))
    return FIRST + timedelta(seconds=draw(st.integers(0, int((LAST - FIRST).total_seconds()))))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Cron, str, datetime]:
    zone = draw(st.sampled_from(ZONES))
    return draw(crons()), zone, draw(moments(zone))


def stepped(cron: Cron, zone: str, after: datetime, end: datetime) -> list[Run]:
    """What a clock on the wall, watched each minute, makes run; begun earlier, to know what it showed."""
    where, shown, runs = ZoneInfo(zone), set(), []
    moment = after.replace(second=0, microsecond=0) - timedelta(hours=4)
    before = moment.astimezone(where).replace(tzinfo=None, fold=0) - MINUTE
    while moment <= end:
        local = moment.astimezone(where)
        wall = local.replace(tzinfo=None, fold=0)
        key = ""
        if cron.is_wild:
            if cron.matches(wall):
                key = (local if wall in shown else wall).isoformat(timespec="minutes")
        else:
            due = [before + i * MINUTE for i in range(1, (wall - before) // MINUTE + 1)]
            key = next((one.isoformat(timespec="minutes") for one in due if cron.matches(one)), "")
            before = max(before, wall)  # where the clock was put back, what it shows again is done
        shown.add(wall)
        if key and moment > after:
            runs.append(Run(moment, key))
        moment += MINUTE
    return runs


def found(cron: Cron, zone: str, after: datetime, end: datetime) -> list[Run]:
    where = ZoneInfo(zone)
    try:
        expression = parse(str(cron), where)
    except InputError as error:
        assert "never fires" in error.message  # noqa: PT017 - all else is well formed
        return []
    until = end.astimezone(where).date() + DAY
    return list(takewhile(lambda run: run.at <= end, expression.runs(after, where, until=until)))


def fixed(minute: str, hour: str, *numbers: set[int]) -> Cron:
    return Cron((minute, frozenset(numbers[0])), (hour, frozenset(numbers[1])), *STAR_DAYS)


IN_SPRING, IN_AUTUMN = datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
SECOND_PASS = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
HALF_PAST = fixed("30", "2", {30}, {2})
TWICE = fixed("0,30", "2,3", {0, 30}, {2, 3})
QUARTERS = fixed("*/15", "*", {0, 15, 30, 45}, set(range(24)))
IN_TWO = fixed("*/20", "2", {0, 20, 40}, {2})
EVEN_HOURS = fixed("30", "*/2", {30}, set(range(0, 24, 2)))


@given(cases())
@example((HALF_PAST, "Europe/Budapest", IN_SPRING))
@example((HALF_PAST, "Europe/Budapest", IN_AUTUMN))
@example((HALF_PAST, "Europe/Budapest", SECOND_PASS))
@example((TWICE, "Europe/Prague", IN_SPRING))
@example((EVEN_HOURS, "Europe/Prague", IN_SPRING))
@example((EVEN_HOURS, "Europe/Prague", IN_AUTUMN))
@example((QUARTERS, "Europe/Budapest", SECOND_PASS))
@example((QUARTERS, "Australia/Lord_Howe", datetime(2026, 4, 4, 13, 0, tzinfo=UTC)))
@example((QUARTERS, "Australia/Lord_Howe", datetime(2026, 10, 3, 13, 0, tzinfo=UTC)))
@example((IN_TWO, "Australia/Lord_Howe", datetime(2026, 10, 3, 13, 0, tzinfo=UTC)))
@example((QUARTERS, "America/Havana", datetime(2026, 3, 8, 3, 0, tzinfo=UTC)))
@settings(max_examples=250, deadline=None)
def test_runs_agree_with_a_walk_over_the_minutes(case: tuple[Cron, str, datetime]):
    cron, zone, after = case
    assert found(cron, zone, after, after + WINDOW) == stepped(cron, zone, after, after + WINDOW)


@given(cases())
@example((QUARTERS, "Europe/Budapest", IN_AUTUMN))
@example((TWICE, "Europe/Budapest", IN_SPRING))
@settings(max_examples=100, deadline=None)
def test_runs_are_the_same_from_wherever_they_are_begun(case: tuple[Cron, str, datetime]):
    cron, zone, after = case
    runs = found(cron, zone, after, after + WINDOW)
    assert len({run.local for run in runs}) == len(runs)
    assert all(one.at < following.at for one, following in pairwise(runs))
    where = ZoneInfo(zone)
    for i, run in enumerate(runs[:-1][:200]):
        expression = parse(str(cron), where)
        assert list(islice(expression.runs(run.at, where), 1)) == [runs[i + 1]]
        assert list(islice(expression.runs(run.at - MINUTE / 60, where), 1)) == [run]


@given(
    fields(1, 31, star=2), fields(1, 12, star=2, names=MONTHS), weekdays(2), st.sampled_from(ZONES),
    st.integers(0, 6 * 365),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_days_agree_with_a_walk_over_the_calendar(
    day: Field, month: Field, weekday: Field, zone: str, since: int
):
    cron = Cron(("0", frozenset({0})), ("12", frozenset({12})), day, month, weekday)
    where = ZoneInfo(zone)
    start = (FIRST + since * DAY).astimezone(where)
    noons = (datetime(start.year, start.month, start.day, 12, tzinfo=where) + i * DAY for i in range(401))
    noons = [noon for noon in noons if noon > start and cron.matches_day(noon.date())]
    end = start + 400 * DAY
    runs = found(cron, zone, start, end)
    assert [run.at for run in runs] == [noon.astimezone(UTC) for noon in noons if noon <= end]
    assert [run.local for run in runs] == [f"{noon:%Y-%m-%dT12:00}" for noon in noons if noon <= end]


@given(cases())
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_back_the_same(case: tuple[Cron, str, datetime]):
    cron, zone, moment = case
    where = ZoneInfo(zone)
    at = moment.replace(second=0)
    entered = parse(at.isoformat(), where)
    assert parse(str(entered), where) == entered
    assert [run.at for run in entered.runs(at - MINUTE, where)] == [at]
    assert list(entered.runs(at, where)) == []
    if found(cron, zone, moment, moment + WINDOW):
        expression = parse(f"  {str(cron).replace(' ', '   ')} ", where)
        assert expression == parse(str(expression), where) == parse(str(expression), where, kind="cron")


@given(
    st.text(alphabet="0123456789*/,-#@:LW? monfeb\0²é", max_size=30),
    st.sampled_from(("at", "cron", "every", "on", None)),
)
@settings(max_examples=300, deadline=None)
def test_anything_typed_is_either_read_or_refused_in_words(text: str, kind):
    where = ZoneInfo("Europe/Budapest")
    try:
        expression = parse(text, where, kind=kind)
    except InputError as error:
        refused = error
    else:
        assert parse(str(expression), where, kind=kind) == expression
        assert expression.describe()
        return
    assert refused.hint
    assert refused.message.endswith(".")


@given(st.dates(date(1920, 1, 1), date(2030, 12, 31)), st.integers(2024, 2130))
@settings(max_examples=200, deadline=None)
def test_birthday_is_kept_once_in_every_year(born: date, year: int):
    days = (date(year, 1, 1) + i * DAY for i in range(366))
    kept = [day for day in days if day.year == year and falls_on((born.month, born.day), day)]
    assert len(kept) == 1
    assert kept[0].month == born.month
