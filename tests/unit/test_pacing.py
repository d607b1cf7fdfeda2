"""The pace: never more than was agreed, whatever the clock does."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import START, FixedClock

from vipcast.config import Account
from vipcast.delivery.pacing import Bucket, rate_for
from vipcast.errors import ConfigError
from vipcast.messengers.base import Rate

ACCOUNT = Account(name="news", messenger="telegram", role="announce")
SUGGESTED = Rate(per_second=1.0, burst=5)


def test_a_burst_goes_at_once_and_then_one_by_one():
    clock = FixedClock()
    bucket = Bucket(Rate(2.0, 3), clock.now())
    assert bucket.available(clock.now()) == 3
    bucket.take(3)
    assert bucket.available(clock.now()) == 0
    assert bucket.wait_seconds() == 0.5
    clock.advance(0.5)
    assert bucket.available(clock.now()) == 1


def test_a_pause_saves_up_no_more_than_a_burst():
    clock = FixedClock()
    bucket = Bucket(Rate(2.0, 3), clock.now())
    clock.advance(3600)
    assert bucket.available(clock.now()) == 3


def test_a_clock_that_was_set_back_stops_nothing():
    clock = FixedClock()
    bucket = Bucket(Rate(1.0, 1), clock.now())
    bucket.take(1)
    clock.advance(-86400)
    assert bucket.available(clock.now()) == 0
    clock.advance(1)
    assert bucket.available(clock.now()) == 1


def test_without_a_rate_nothing_waits():
    bucket = Bucket(Rate(0.0), START)
    bucket.take(10_000)
    assert bucket.available(START) > 10_000
    assert bucket.wait_seconds() == 0.0


@given(
    st.floats(0.01, 100),
    st.integers(1, 30),
    st.lists(st.tuples(st.floats(-50, 50), st.integers(0, 50)), max_size=30),
)
def test_never_more_than_burst_and_rate_allow(per_second, burst, moves):
    clock = FixedClock()
    bucket = Bucket(Rate(per_second, burst), clock.now())
    taken, forward = 0, 0.0
    for seconds, wanted in moves:
        clock.advance(seconds)
        forward += max(0.0, seconds)
        count = min(wanted, bucket.available(clock.now()))
        bucket.take(count)
        taken += count
        assert taken <= burst + forward * per_second + 1e-6
        assert bucket.wait_seconds() >= 0


def test_the_messengers_own_pace_holds_where_nothing_is_said():
    assert rate_for(ACCOUNT, SUGGESTED) == SUGGESTED


def test_a_server_on_this_machine_is_not_paced():
    loopback = msgspec.structs.replace(ACCOUNT, is_loopback=True)
    assert rate_for(loopback, SUGGESTED).per_second == 0
    slow = msgspec.structs.replace(loopback, rate="30/min")
    assert rate_for(slow, SUGGESTED).per_second == 0.5


@pytest.mark.parametrize(
    ("text", "per_second", "burst"),
    [("1/s", 1.0, 1), ("3/s", 3.0, 3), ("50/s", 50.0, 5), ("30/min", 0.5, 1), ("90/h", 0.025, 1)],
)
def test_a_pace_in_the_settings_is_used(text, per_second, burst):
    rate = rate_for(msgspec.structs.replace(ACCOUNT, rate=text), SUGGESTED)
    assert (rate.per_second, rate.burst) == (pytest.approx(per_second), burst)


def test_unlimited_means_no_limit():
    rate = rate_for(msgspec.structs.replace(ACCOUNT, rate="unlimited"), SUGGESTED)
    assert Bucket(rate, START).available(START) > 10_000


@pytest.mark.parametrize("text", ["fast", "0/s", "-1/s", "1", "1/day", "/s"])
def test_a_pace_that_cannot_be_read_is_a_fault_of_the_settings(text):
    with pytest.raises(ConfigError, match="rate"):
        rate_for(msgspec.structs.replace(ACCOUNT, rate=text), SUGGESTED)
