from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from vipcast.conversations.hours import OpeningHours, parse
from vipcast.conversations.promise import Promise, promise

ZONE = ZoneInfo("Europe/Budapest")
SAMPLE = {"mon-fri": "9:00-12:30, 13:00-18:00", "sat": "9:00-13:00", "holidays": "HU"}
TWO_HOURS = timedelta(hours=2)


def hours(raw: dict[str, object], zone: ZoneInfo = ZONE) -> OpeningHours:
    return parse(raw, zone, Path("vipcast.toml"))


def at(text: str, zone: ZoneInfo = ZONE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def promised(
    text: str, raw: dict[str, object] = SAMPLE, within: timedelta = TWO_HOURS, zone: ZoneInfo = ZONE
) -> str | None:
    moment = promise(at(text, zone), hours(raw, zone), within).at
    return moment and moment.astimezone(zone).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2026-11-20 09:00", "2026-11-20 11:00+01:00"),  # at the minute of opening
        ("2026-11-20 10:30", "2026-11-20 12:30+01:00"),  # the minute of closing is in time
        ("2026-11-20 10:31", "2026-11-20 13:01+01:00"),  # over the lunch break
        ("2026-11-20 12:45", "2026-11-20 15:00+01:00"),  # in the lunch break
        ("2026-11-20 17:59", "2026-11-21 10:59+01:00"),  # over the night
        ("2026-11-20 18:00", "2026-11-21 11:00+01:00"),  # at the minute of closing
        ("2026-11-21 12:00", "2026-11-23 10:00+01:00"),  # over the Sunday
        ("2026-11-22 12:00", "2026-11-23 11:00+01:00"),
        ("2026-08-07 17:00", "2026-08-08 10:00+02:00"),  # a working Saturday
        ("2026-08-08 14:00", "2026-08-08 16:00+02:00"),  # and its afternoon
        ("2026-12-23 18:00", "2026-12-28 11:00+01:00"),  # over Christmas
    ],
)
def test_reply_is_counted_in_opening_time(received: str, expected: str):
    assert promised(received) == expected


def test_seconds_are_rounded_up_to_the_minute_that_is_told():
    received = at("2026-11-20 09:00").replace(second=1)
    assert promise(received, hours(SAMPLE), TWO_HOURS).at == at("2026-11-20 11:01")
    received = at("2026-11-20 12:29").replace(second=30)
    assert promise(received, hours(SAMPLE), timedelta(seconds=30)).at == at("2026-11-20 12:30")


def test_open_and_closed_are_told_apart():
    assert promise(at("2026-11-20 09:00"), hours(SAMPLE), TWO_HOURS) == Promise(
        at("2026-11-20 11:00"), is_open_now=True, opens_at=None
    )
    assert promise(at("2026-11-20 12:30"), hours(SAMPLE), TWO_HOURS) == Promise(
        at("2026-11-20 14:30") + timedelta(minutes=30), is_open_now=False, opens_at=at("2026-11-20 13:00")
    )


def test_messages_of_one_closed_period_share_its_end():
    received = [at("2026-11-20 18:00"), at("2026-11-20 23:59"), at("2026-11-21 08:59")]
    assert {promise(moment, hours(SAMPLE), TWO_HOURS).opens_at for moment in received} == {
        at("2026-11-21 09:00")
    }


def test_promise_is_in_utc():
    found = promise(at("2026-11-20 08:00"), hours(SAMPLE), TWO_HOURS)
    assert found.at is not None
    assert found.opens_at is not None
    assert (found.at.tzinfo, found.opens_at.tzinfo) == (UTC, UTC)


def test_nothing_is_promised_where_nothing_opens_within_14_days():
    raw = {"daily": "9-17", "dates": {"2026-08-01..2026-08-16": "closed"}}
    assert promise(at("2026-08-02 12:00"), hours(raw), TWO_HOURS) == Promise(
        None, is_open_now=False, opens_at=None
    )
    assert promised("2026-08-03 08:59", raw) is None
    assert promised("2026-08-03 09:00", raw) == "2026-08-17 11:00+02:00"  # opens on the very last minute
    assert promised("2026-08-03 12:00", raw) == "2026-08-17 11:00+02:00"


def test_nothing_is_promised_without_hours():
    assert promised("2026-08-02 12:00", {}) is None
    assert promised("2026-08-02 12:00", {"daily": "closed"}) is None


def test_counting_goes_on_after_a_long_closure():
    raw = {"daily": "9-17", "dates": {"2026-08-01..2026-08-31": "closed"}}
    assert promised("2026-07-31 16:00", raw) == "2026-09-01 10:00+02:00"


def test_counting_ends_after_a_year():
    raw = {"dates": {"2026-08-03": "9-10"}}
    assert promise(at("2026-08-03 09:30"), hours(raw), TWO_HOURS) == Promise(
        None, is_open_now=True, opens_at=None
    )


def test_long_reply_time_takes_many_days():
    assert promised("2026-11-20 09:00", within=timedelta(hours=24)) == "2026-11-24 12:00+01:00"


def test_night_counts_for_the_day_it_began_on():
    raw = {"fri": "18:00-02:00", "mon": "9-17"}
    assert promised("2026-11-27 23:30", raw) == "2026-11-28 01:30+01:00"
    assert promised("2026-11-28 01:00", raw) == "2026-11-30 10:00+01:00"


def test_deadline_at_midnight():
    assert promised("2026-11-27 22:00", {"daily": "18:00-24:00"}) == "2026-11-28 00:00+01:00"


def test_spring_night_has_an_hour_less():
    raw = {"daily": "0:00-24:00"}
    assert promised("2026-03-29 01:30", raw) == "2026-03-29 04:30+02:00"


def test_autumn_night_has_an_hour_more():
    raw = {"daily": "0:00-24:00"}
    assert promised("2026-10-25 01:30", raw) == "2026-10-25 02:30+01:00"


def test_days_after_the_change_keep_their_hours_on_the_wall():
    assert promised("2026-03-27 18:00", {"mon-fri": "9-17"}) == "2026-03-30 11:00+02:00"
    assert promised("2026-10-23 17:00", {"mon-fri": "9-17"}) == "2026-10-26 11:00+01:00"


@pytest.mark.parametrize("zone", ["Europe/Moscow", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"])
def test_hours_are_those_of_the_shop_s_zone(zone: str):
    there = ZoneInfo(zone)
    assert promised("2026-11-23 08:00", {"daily": "9-17"}, zone=there) == at(
        "2026-11-23 11:00", there
    ).isoformat(" ", "minutes")
