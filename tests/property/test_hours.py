"""Promises against an independent count, minute by minute, by what the shop's clock shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vipcast.conversations.hours import OpeningHours, parse
from vipcast.conversations.promise import promise

ZONES = (
    "Europe/Budapest", "Europe/Prague", "Europe/Helsinki", "Europe/Moscow", "Australia/Lord_Howe", "Asia/Kolkata",
)  # fmt: skip
CHANGES = (date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2026, 10, 4), date(2026, 12, 31))
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
MINUTE = timedelta(minutes=1)
HORIZON = timedelta(days=14)
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Case:
    zone: str
    received_at: datetime
    week: list[Spans]
    dates: dict[date, Spans]
    reply_minutes: int

    def hours(self) -> OpeningHours:
        raw: dict[str, object] = {name: write(spans) for name, spans in zip(NAMES, self.week, strict=True)}
        raw["dates"] = {day.isoformat(): write(spans) for day, spans in self.dates.items()}
        return parse(raw, ZoneInfo(self.zone), Path("vipcast.toml"))

    def is_open(self, moment: datetime) -> bool:
        shown = moment.astimezone(ZoneInfo(self.zone))
        minute = shown.hour * 60 + shown.minute
        day = shown.date()
        today, yesterday = (
            self.dates.get(d, self.week[d.weekday()]) for d in (day, date.fromordinal(day.toordinal() - 1))
        )
        return any(a <= minute < b for a, b in today) or any(a <= minute + DAY < b for a, b in yesterday)


def write(spans: Spans) -> str:
    def clock(minute: int) -> str:
        minute = minute if minute <= DAY else minute - DAY
        return f"{minute // 60}:{minute % 60:02}"

    return ", ".join(f"{clock(a)}-{clock(b)}" for a, b in spans) or "closed"


@st.composite
def day_spans(draw: st.DrawFn) -> Spans:
    """Up to three spans of one day, the last one perhaps into the night."""
    points = draw(st.lists(st.integers(0, DAY), unique=True, max_size=6).map(sorted))
    spans = list(zip(points[::2], points[1::2], strict=False))
    if draw(st.booleans()) and (not spans or spans[-1][1] < DAY - 60):
        opens = draw(st.integers(max(DAY // 2 + 1, spans[-1][1] if spans else 0), DAY - 1))
        spans.append((opens, DAY + draw(st.integers(1, opens - DAY // 2))))
    return spans


def without_overlaps(week: list[Spans]) -> list[Spans]:
    """Cut each night where the next day's hours begin; a week that overlaps is refused."""
    cut = []
    for i, spans in enumerate(week):
        following = week[(i + 1) % 7]
        limit = DAY + (following[0][0] if following else DAY)
        cut.append([(a, min(b, limit)) for a, b in spans])
    return cut


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(ZONES))
    start = datetime.combine(draw(st.sampled_from(CHANGES)), datetime.min.time(), UTC) - timedelta(days=2)
    received_at = start + timedelta(minutes=draw(st.integers(0, 3 * DAY)))
    is_rarely_open = draw(st.booleans())
    one_day = st.just([]) if is_rarely_open else day_spans()
    week = draw(st.lists(one_day, min_size=7, max_size=7).map(without_overlaps))
    offsets = st.integers(-2, 20 if is_rarely_open else 6)
    dates = draw(
        st.dictionaries(
            offsets.map(lambda i: received_at.date() + timedelta(days=i)), day_spans(), max_size=4
        )
    )
    return Case(zone, received_at, week, dates, draw(st.integers(1, 8 * 60)))


def counted(case: Case) -> tuple[datetime | None, datetime | None]:
    """When the shop is open first, and when the minutes of the reply are over; by walking the minutes."""
    first: datetime | None = None
    left, moment = case.reply_minutes, case.received_at
    while left:
        if first is None and moment - case.received_at > HORIZON:
            return None, None
        if moment - case.received_at > timedelta(days=60):
            return first, None
        if case.is_open(moment):
            first = first or moment
            left -= 1
        moment += MINUTE
    return first, moment


NIGHT = [[(20 * 60, DAY + 150)]] * 7  # to 2:30, within the hour that changes


@given(cases())
@example(Case("Europe/Budapest", datetime(2026, 10, 24, 21, 7, tzinfo=UTC), NIGHT, {}, 300))
@example(Case("Europe/Budapest", datetime(2026, 3, 28, 21, 7, tzinfo=UTC), NIGHT, {}, 300))
@example(Case("Australia/Lord_Howe", datetime(2026, 4, 4, 12, 0, tzinfo=UTC), NIGHT, {}, 300))
@example(Case("Australia/Lord_Howe", datetime(2026, 10, 3, 12, 0, tzinfo=UTC), NIGHT, {}, 300))
@settings(max_examples=80, deadline=None)
def test_promise_agrees_with_a_count_of_minutes(case: Case):
    found = promise(case.received_at, case.hours(), timedelta(minutes=case.reply_minutes))
    first, at = counted(case)
    is_open = case.is_open(case.received_at)
    assert found.is_open_now == is_open
    assert found.opens_at == (None if is_open else first)
    if at is not None or first is None:
        assert found.at == at
    else:  # the count gave up after 60 days
        assert found.at is None or found.at - case.received_at > timedelta(days=60)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_openings_are_exactly_the_minutes_at_which_the_clock_shows_opening_time(case: Case):
    end = case.received_at + timedelta(days=3)
    openings = list(case.hours().openings(case.received_at, end))
    assert all(one.closes_at < following.opens_at for one, following in pairwise(openings))
    open_minutes = set()
    for opening in openings:
        moment = opening.opens_at
        while moment < opening.closes_at:
            open_minutes.add(moment)
            moment += MINUTE
    every = (case.received_at + i * MINUTE for i in range(3 * DAY))
    assert open_minutes == {moment for moment in every if case.is_open(moment)}


@given(cases(), st.integers(0, 3 * DAY))
@settings(max_examples=60, deadline=None)
def test_later_message_is_never_promised_an_earlier_time(case: Case, later: int):
    hours, within = case.hours(), timedelta(minutes=case.reply_minutes)
    earlier_promise = promise(case.received_at, hours, within).at
    later_promise = promise(case.received_at + later * MINUTE, hours, within).at
    if earlier_promise is not None and later_promise is not None:
        assert earlier_promise <= later_promise
