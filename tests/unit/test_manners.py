"""When members are not to be disturbed: held, told why, sent in the end, and never held without need."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_steps import BUDAPEST, at
from sqlalchemy import update
from support import START, add_group, add_member, announce, rows

from vipcast.announcements import records
from vipcast.delivery import manners as manners_module
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.delivery.manners import APART, QUIET, WEEK, Manners, quiet_span
from vipcast.errors import ConfigError
from vipcast.storage.tables import announcements, deliveries

NIGHT = (time(20), time(8))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def row(number=1, member=1, zone="", *, is_urgent=False, group=None):
    return SimpleNamespace(id=number, member_id=member, group_id=group, timezone=zone, is_urgent=is_urgent)


def held(now, *found, **limits):
    """Judge rows by quiet hours alone, for which no database is asked."""
    return Manners(BUDAPEST, **{"quiet": NIGHT} | limits).hold(None, found or [row()], now)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("20:00-8:00", NIGHT),
        (" 20.00 – 08:00 ", NIGHT),
        ("0:00-7:30", (time(0), time(7, 30))),
        ("13:00-14:00", (time(13), time(14))),
    ],
)
def test_quiet_hours_are_read(text, span):
    assert quiet_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "20-8", "20:00", "20:00-24:00", "25:00-8:00", "20:60-8:00", "8:00-8:00", "night", "-"]
)
def test_what_is_no_quiet_hours_says_what_is(text):
    with pytest.raises(ValueError, match=r"20:00-8:00|same time"):
        quiet_span(text)


@pytest.mark.parametrize(
    ("shown", "until"),
    [
        ("2026-11-23 19:59", None),
        ("2026-11-23 20:00", "2026-11-24 08:00"),
        ("2026-11-23 23:59", "2026-11-24 08:00"),
        ("2026-11-24 00:00", "2026-11-24 08:00"),
        ("2026-11-24 07:58", "2026-11-24 08:00"),
        ("2026-11-24 08:00", None),
    ],
)
def test_quiet_hours_begin_and_end_to_the_minute(shown, until):
    assert held(at(shown)) == ({1: (at(until), QUIET)} if until else {})


@pytest.mark.parametrize(
    ("shown", "until"),
    [("2026-11-23 12:59", None), ("2026-11-23 13:00", "2026-11-23 14:00"), ("2026-11-23 14:00", None)],
)
def test_quiet_hours_within_a_day(shown, until):
    expected = {1: (at(until), QUIET)} if until else {}
    assert held(at(shown), quiet=(time(13), time(14))) == expected


def test_quiet_hours_are_those_of_the_members_clock():
    found = [row(1, 1), row(2, 2, "America/New_York"), row(3, 3, "Asia/Vladivostok"), row(4, 4, "No/Where")]
    now = at("2026-11-23 21:00")  # 15:00 in New York, 6:00 in Vladivostok
    assert held(now, *found) == {
        1: (at("2026-11-24 08:00"), QUIET),
        3: (at("2026-11-24 08:00", ZoneInfo("Asia/Vladivostok")), QUIET),
        4: (at("2026-11-24 08:00"), QUIET),  # the shop's, where this system does not know the zone
    }


def test_urgent_ones_and_group_chats_are_not_held():
    assert held(at("2026-11-23 23:00"), row(is_urgent=True), row(2, member=None)) == {}


def test_quiet_hours_that_end_in_a_repeated_hour_hold_in_its_second_pass_too():
    late = (time(22), time(2, 30))
    first, second = (datetime(2026, 10, 25, hour, 10, tzinfo=UTC) for hour in (0, 1))  # both shown as 2:10
    assert held(first, quiet=late) == {1: (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), QUIET)}
    assert held(second, quiet=late) == {1: (second + timedelta(minutes=1), QUIET)}
    assert held(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), quiet=late) == {}


moments = st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
zones = st.sampled_from(["Europe/Budapest", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])


@given(moment=moments, begins=times, ends=times, zone=zones)
@settings(max_examples=300, deadline=None)
def test_quiet_hours_hold_to_their_end_whatever_the_clock_does(moment, begins, ends, zone):
    """After so many hours awake again at the latest; from one hold to the next it goes on by a minute at least."""
    if begins == ends:
        return
    now = moment
    for _ in range(130):  # a repeated hour makes two minutes a hold
        found = held(now, row(zone=zone), quiet=(begins, ends))
        if not found:
            break
        until, _ = found[1]
        assert until >= now + timedelta(minutes=1)
        now = until
    else:
        pytest.fail("it is held for ever")
    shown = now.astimezone(ZoneInfo(zone)).time()
    assert not (begins <= shown < ends if begins < ends else shown >= begins or shown < ends)
    assert now - moment <= timedelta(hours=26)


@pytest.fixture
def anna(shop):
    return add_member(shop, "Anna", ("telegram", "@anna_here"))


def announce_to(shop, *members, name="gold", messenger="telegram", **terms):
    """Plan an announcement to members, after those before; return its number."""
    add_group(shop, name, members)
    one = announce(shop, [name], is_new=True)
    with shop.database.write() as connection:
        records.set_terms(
            connection, one.id, is_urgent=terms.get("is_urgent", False), ends_at=terms.get("ends_at")
        )
    return one.id


def was(shop, announcement, state, moment, **values):
    """Let an announcement's deliveries have become something at a moment."""
    with shop.database.write() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.announcement_id == announcement)
            .values({"state": state, "sending_at": moment, "sent_at": moment} | values)
        )


def claim(shop, limits, account="news", lane=Lane.NEWS):
    """Let the ledger claim what may go out now; return the announcements that it is of."""
    limits = limits if limits is None else Manners(BUDAPEST, **limits)
    with acquire(shop.database, shop.locks, account, shop.clock, lane) as lease:
        ledger = Ledger(shop.database, lease, Scope(account, repeats_unknown=True, lane=lane), limits)
        step = ledger.step([], 10, shop.now())
    ids = [one.id for one in step.claimed]
    return [one.announcement_id for one in rows(shop) if one.id in ids]


def last(shop):
    found = rows(shop)[-1]
    return found.state, found.reason, found.not_before


def test_held_delivery_is_queued_with_its_time_and_reason_and_goes_then(shop, clock, anna):
    clock.moment = at("2026-11-23 21:00")
    number = announce_to(shop, anna)
    assert claim(shop, {"quiet": NIGHT}) == []
    assert last(shop) == ("queued", QUIET, at("2026-11-24 08:00"))
    clock.moment = at("2026-11-24 07:59")
    assert claim(shop, {"quiet": NIGHT}) == []
    clock.moment = at("2026-11-24 08:00")
    assert claim(shop, {"quiet": NIGHT}) == [number]


@pytest.mark.parametrize(
    ("ends", "became"),
    [
        ("2026-11-24 07:59", ("skipped", "ended", None)),
        ("2026-11-24 08:00", ("skipped", "ended", None)),
        ("2026-11-24 08:01", ("queued", QUIET, at("2026-11-24 08:00"))),
    ],
)
def test_what_ends_before_it_may_go_is_skipped_at_once(shop, clock, anna, ends, became):
    clock.moment = at("2026-11-23 21:00")
    announce_to(shop, anna, ends_at=at(ends))
    assert claim(shop, {"quiet": NIGHT}) == []
    assert last(shop) == became


def test_urgent_announcement_overrides_all(shop, clock, anna):
    clock.moment = at("2026-11-23 21:00")
    was(shop, announce_to(shop, anna), "sent", clock.moment - HOUR)
    number = announce_to(shop, anna, is_urgent=True)
    assert claim(shop, {"quiet": NIGHT, "per_week": 1, "apart": DAY}) == [number]


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("sent", True),
        ("delivered", True),
        ("seen", True),
        ("unknown", True),
        ("failed", False),
        ("skipped", False),
    ],
)
def test_what_may_have_been_read_counts(shop, anna, state, counts):
    was(
        shop, announce_to(shop, anna), state, START - HOUR, reason="unsettled-x" if state == "unknown" else ""
    )
    number = announce_to(shop, anna)
    assert claim(shop, {"per_week": 1}) == ([] if counts else [number])


def test_limit_a_week_holds_until_the_oldest_is_a_week_old(shop, clock, anna):
    for days in (6, 4, 2):
        was(shop, announce_to(shop, anna), "seen", START - days * DAY)
    number = announce_to(shop, anna)
    limits = {"per_week": 3}
    assert claim(shop, limits) == []
    assert last(shop) == ("queued", WEEK, START + DAY)
    clock.moment = START + DAY
    assert claim(shop, limits) == [number]


def test_limit_that_was_lowered_waits_for_as_many_as_it_takes(shop, anna):
    for days in (6, 4, 2):
        was(shop, announce_to(shop, anna), "seen", START - days * DAY)
    announce_to(shop, anna)
    claim(shop, {"per_week": 1})
    assert last(shop) == ("queued", WEEK, START + 5 * DAY)


def test_no_two_within_the_hours_between(shop, clock, anna):
    was(shop, announce_to(shop, anna), "sent", START - HOUR)
    number = announce_to(shop, anna)
    limits = {"apart": 5 * HOUR}
    assert claim(shop, limits) == []
    assert last(shop) == ("queued", APART, START + 4 * HOUR)
    clock.moment = START + 4 * HOUR
    assert claim(shop, limits) == [number]


def test_wait_that_ends_in_the_night_lasts_until_the_morning(shop, clock, anna):
    was(shop, announce_to(shop, anna), "sent", at("2026-11-23 19:00"))
    clock.moment = at("2026-11-23 19:30")
    announce_to(shop, anna)
    claim(shop, {"quiet": NIGHT, "apart": 5 * HOUR})
    assert last(shop) == ("queued", QUIET, at("2026-11-24 08:00"))


def test_limits_count_over_all_accounts_and_groups(shop):
    both = add_member(shop, "Bea", ("telegram", "@bea_here"), ("viber", "bea-viber=="), preferred="viber")
    first = announce_to(shop, both, name="one")
    assert rows(shop)[0].account == "viber"
    was(shop, first, "sent", START - HOUR)
    number = announce_to(shop, both, name="two")
    with shop.database.write() as connection:  # by now the member prefers the other messenger
        changed = {"account": "news", "messenger": "telegram", "address": "@bea_here"}
        mine = deliveries.c.announcement_id == number
        connection.execute(update(deliveries).where(mine).values(changed))
    assert claim(shop, {"per_week": 1}) == []
    assert last(shop)[:2] == ("queued", WEEK)


def test_two_announcements_at_once_are_two(shop, anna):
    bela = add_member(shop, "Béla", ("telegram", "@bela_here"))
    first = announce_to(shop, anna)
    announce_to(shop, anna, bela, name="all")
    assert claim(shop, {"apart": 5 * HOUR}) == [first, first + 1], "Béla gets his, Anna waits for hers"
    assert [(one.state, one.reason) for one in rows(shop)] == [
        ("sending", ""),
        ("queued", APART),
        ("sending", ""),
    ]


def test_urgent_one_that_goes_at_the_same_moment_counts(shop, anna):
    first = announce_to(shop, anna)
    urgent = announce_to(shop, anna, is_urgent=True)
    assert claim(shop, {"apart": 5 * HOUR}) == [urgent]
    assert rows(shop)[0].reason == APART
    assert first < urgent


@pytest.mark.parametrize(
    "values", [{"is_test": True}, {"state": "finished", "is_test": True}], ids=["now", "before"]
)
def test_rehearsals_count_for_nothing(shop, anna, values):
    rehearsed = announce_to(shop, anna, name="rehearsal")
    was(shop, rehearsed, "sent", START - HOUR)
    with shop.database.write() as connection:
        connection.execute(update(announcements).where(announcements.c.id == rehearsed).values(values))
    number = announce_to(shop, anna)
    assert claim(shop, {"per_week": 1}) == [number]


def test_rehearsal_itself_is_not_held(shop, clock, anna):
    clock.moment = at("2026-11-23 23:00")
    number = announce_to(shop, anna)
    with shop.database.write() as connection:
        connection.execute(update(announcements).values(is_test=True))
    assert claim(shop, {"quiet": NIGHT}) == [number]


def test_answers_are_never_held(shop, clock, anna):
    clock.moment = at("2026-11-23 23:00")
    was(shop, announce_to(shop, anna), "sent", clock.moment - HOUR)
    announce_to(shop, anna)
    with shop.database.write() as connection:
        answer = {"announcement_id": None, "kind": "answer"}
        connection.execute(update(deliveries).where(deliveries.c.id == 2).values(answer))
    claim(shop, {"quiet": NIGHT, "per_week": 1, "apart": DAY}, lane=Lane.TALK)
    assert last(shop)[0] == "sending"


def test_repetition_of_what_may_have_arrived_is_not_held(shop, clock, anna):
    clock.moment = at("2026-11-23 23:00")
    number = announce_to(shop, anna)
    was(shop, number, "unknown", clock.moment - HOUR, reason="no-answer", sent_at=None)
    assert claim(shop, {"quiet": NIGHT}) == [number]


def test_without_limits_nothing_is_held(shop, clock, anna):
    clock.moment = at("2026-11-23 23:00")
    number = announce_to(shop, anna)
    assert claim(shop, {}) == [number]


def test_clock_that_was_set_back_holds_nothing_for_a_day_more(shop, clock, anna):
    clock.moment = at("2026-11-24 21:00")  # a day ahead
    number = announce_to(shop, anna)
    assert claim(shop, {"quiet": NIGHT}) == []
    clock.moment = at("2026-11-24 10:00")
    assert claim(shop, {"quiet": NIGHT}) == []
    with shop.database.write() as connection:
        manners_module.look_again(connection)
    assert claim(shop, {"quiet": NIGHT}) == [number]


def test_looking_again_leaves_the_messengers_own_waits_alone(shop, anna):
    announce_to(shop, anna)
    was(shop, 1, "queued", None, reason="throttled", not_before=START + HOUR)
    with shop.database.write() as connection:
        manners_module.look_again(connection)
    assert last(shop) == ("queued", "throttled", START + HOUR)


def with_limits(shop, **limits):
    shop.config = msgspec.structs.replace(shop.config, limits=type(shop.config.limits)(**limits))
    return shop.manners()


def test_limits_of_the_settings(shop):
    found = with_limits(shop, quiet="20:00-8:00", per_member_per_week=3, hours_between=1.5)
    assert found == Manners(BUDAPEST, NIGHT, 3, timedelta(minutes=90))
    assert found.are_set
    assert not with_limits(shop).are_set


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        ({"quiet": "at night"}, "limits.quiet"),
        ({"quiet": "8:00-8:00"}, "limits.quiet"),
        ({"per_member_per_week": 0}, "limits.per_member_per_week"),
        ({"hours_between": -1.0}, "limits.hours_between"),
    ],
)
def test_wrong_limits_name_the_key_and_the_file(shop, limits, key):
    with pytest.raises(ConfigError) as wrong:
        with_limits(shop, **limits)
    assert key in wrong.value.message
    assert wrong.value.where.endswith("vipcast.toml")
