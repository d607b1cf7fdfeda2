"""The day's budget of first contacts: who is a stranger, what is spent, who is held, and who goes first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from first_contact_steps import announce_to, change, hears, held, name_of, strangers, was
from schedule_steps import BUDAPEST, at
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, update
from support import START, add_group, add_member, rows

from vipcast.delivery import contacts
from vipcast.delivery.contacts import Budget
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.delivery.manners import QUIET, Manners, quiet_span
from vipcast.messengers.base import EventKind
from vipcast.storage.tables import announcements, deliveries, groups, peers
from vipcast.storage.tables_chats import chat_people

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = at("2026-11-24 08:00")  # after START, on the shop's clock


def put_in_chat(shop, member, *, account="news", **values):
    """Let a member be in the chat of a group."""
    add_group(shop, f"chat of {account}")
    with shop.database.write() as connection:
        mine = groups.c.name == f"chat of {account}"
        connection.execute(update(groups).where(mine).values(mode="chat", chat_account=account, chat="-5"))
        number = connection.execute(groups.select().where(mine)).one().id
        found = {"group_id": number, "person": str(member), "member_id": member, "state": "there"} | values
        connection.execute(insert(chat_people).values(**found))


def claim(shop, per_day, room=20, *, lane=Lane.NEWS, manners=None):
    """Let the ledger claim what may go now; return the addresses."""
    budget = None if per_day is None else Budget(BUDAPEST, per_day)
    with acquire(shop.database, shop.locks, "news", shop.clock, lane) as lease:
        ledger = Ledger(shop.database, lease, Scope("news", repeats_unknown=True, lane=lane), manners, budget)
        return [one.address for one in ledger.step([], room, shop.now()).claimed]


def left(shop, limit=10, account="news"):
    with shop.database.read() as connection:
        return contacts.left_today(connection, account, limit, shop.now(), BUDAPEST)


def unknown_to(shop, *asked, account="news"):
    with shop.database.read() as connection:
        return contacts.are_strangers(connection, account, asked)


def test_strangers_beyond_the_budget_wait_for_the_next_morning(shop, clock):
    announce_to(shop, *strangers(shop, 5))
    assert claim(shop, 2) == [name_of(1), name_of(2)]
    assert held(shop) == [name_of(3), name_of(4), name_of(5)]
    assert {row.not_before for row in rows(shop)} == {None, MORNING}
    change(shop, deliveries, deliveries.c.state == "sending", state="sent")
    clock.moment = MORNING - timedelta(minutes=1)
    assert claim(shop, 2) == []
    clock.moment = MORNING
    assert claim(shop, 2) == [name_of(3), name_of(4)]


@pytest.mark.parametrize("kind", [EventKind.MESSAGE, EventKind.STARTED, EventKind.SUBSCRIBED])
def test_who_wrote_first_goes_first_and_costs_nothing(shop, kind):
    announce_to(shop, *strangers(shop, 7))
    for number in (6, 7):
        hears(shop, name_of(number), kind)
    assert claim(shop, 2) == [name_of(6), name_of(7), name_of(1), name_of(2)]
    assert held(shop) == [name_of(3), name_of(4), name_of(5)]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": EventKind.UNSUBSCRIBED},
        {"kind": EventKind.WRITTEN},
        {"chat": "-1000000000123"},
        {"account": "support"},
    ],
    ids=["left", "the shop wrote", "among others", "to another account"],
)
def test_what_does_not_make_one_known(shop, values):
    (one,) = strangers(shop, 1)
    announce_to(shop, one)
    hears(shop, name_of(1), **values)
    assert unknown_to(shop, name_of(1)) == {name_of(1)}


@pytest.mark.parametrize(
    ("state", "is_known"),
    [("sent", True), ("delivered", True), ("seen", True), ("failed", False), ("unknown", False)],
)
def test_whom_something_reached_is_no_stranger(shop, state, is_known):
    (one,) = strangers(shop, 1)
    was(shop, announce_to(shop, one), state, START - 2 * DAY, reason="unsettled-x")
    announce_to(shop, one)
    assert unknown_to(shop, name_of(1)) == (set() if is_known else {name_of(1)})
    assert claim(shop, 0) == ([name_of(1)] if is_known else [])


def test_answer_in_a_conversation_makes_one_known_and_is_no_first_contact(shop):
    (one,) = strangers(shop, 1)
    was(shop, announce_to(shop, one), "queued", None, announcement_id=None, kind="answer")
    assert claim(shop, 0, lane=Lane.TALK) == [name_of(1)]
    assert left(shop) == 10
    change(shop, deliveries, deliveries.c.id == 1, state="sent")
    assert unknown_to(shop, name_of(1)) == set()


@pytest.mark.parametrize(
    ("values", "is_known"),
    [({}, True), ({"state": "left"}, False), ({"state": "removed"}, False), ({"account": "support"}, False)],
)
def test_who_is_in_a_chat_of_the_account_is_no_stranger(shop, values, is_known):
    (one,) = strangers(shop, 1)
    announce_to(shop, one)
    put_in_chat(shop, one, **values)
    assert unknown_to(shop, name_of(1)) == (set() if is_known else {name_of(1)})
    assert claim(shop, 0) == ([name_of(1)] if is_known else [])


def test_spellings_of_one_person_are_one(shop):
    (one,) = strangers(shop, 1)
    announce_to(shop, one)
    hears(shop, "+36301234567")
    assert claim(shop, 0) == []
    with shop.database.write() as connection:
        for address in ("+36301234567", name_of(1)):
            values = {"account": "news", "address": address, "peer": "77:1234", "resolved_at": START}
            connection.execute(insert(peers).values(**values))
    assert unknown_to(shop, name_of(1)) == set()
    shop.clock.moment = MORNING
    assert claim(shop, 0) == [name_of(1)]
    assert left(shop) == 10, "neither at the claim nor after it"


def test_chats_rehearsals_and_the_shop_itself_are_no_first_contacts(shop):
    people = strangers(shop, 3)
    numbers = [announce_to(shop, one) for one in people]
    chat = add_group(shop, "with a chat")
    was(shop, numbers[0], "queued", None, member_id=None, group_id=chat.id, address="-100500")
    was(shop, numbers[1], "queued", None, address="me")
    change(shop, announcements, announcements.c.id == numbers[2], is_test=True)
    assert claim(shop, 0) == ["-100500", "me", name_of(3)]
    assert left(shop) == 10


def test_urgent_announcement_does_not_lift_the_budget(shop):
    announce_to(shop, *strangers(shop, 3), is_urgent=True)
    assert claim(shop, 1) == [name_of(1)]
    assert held(shop) == [name_of(2), name_of(3)]


@pytest.mark.parametrize(("ends", "state"), [(MORNING, "skipped"), (MORNING + HOUR, "queued")])
def test_what_ends_before_the_morning_is_skipped_at_once(shop, ends, state):
    announce_to(shop, *strangers(shop, 1), ends_at=ends)
    assert claim(shop, 0) == []
    assert [row.state for row in rows(shop)] == [state]


def test_who_is_held_for_another_reason_spends_nothing(shop):
    day = Manners(BUDAPEST, quiet_span("10:00-12:00"))
    change_to = {"timezone": "America/New_York"}
    night = add_member(shop, "Night", ("telegram", name_of(1)))
    awake = add_member(shop, "Awake", ("telegram", name_of(2)), **change_to)
    announce_to(shop, night, awake)
    assert claim(shop, 1, manners=day) == [name_of(2)]
    assert rows(shop)[0].reason == QUIET


def test_two_messages_to_one_person_are_one_contact(shop):
    first, second = strangers(shop, 2)
    announce_to(shop, first)
    announce_to(shop, first, second)
    assert claim(shop, 1) == [name_of(1), name_of(1)]
    assert held(shop) == [name_of(2)]
    assert left(shop) == 9


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("sent", 1),
        ("delivered", 1),
        ("seen", 1),
        ("sending", 1),
        ("unknown", 1),
        ("failed", 0),
        ("queued", 0),
        ("skipped", 0),
    ],
)
def test_what_may_have_gone_counts(shop, state, counts):
    was(shop, announce_to(shop, *strangers(shop, 1)), state, START - HOUR)
    assert left(shop) == 10 - counts
    assert left(shop, account="support") == 10
    assert left(shop, limit=0) == 0


@pytest.mark.parametrize(
    ("shown", "counts"),
    [("2026-11-22 23:59", 0), ("2026-11-23 00:00", 1), ("2026-11-23 23:59", 1), ("2026-11-24 00:00", 0)],
)
def test_day_is_the_shops(shop, shown, counts):
    was(shop, announce_to(shop, *strangers(shop, 1)), "sent", at(shown))
    assert left(shop) == 10 - counts


def test_answer_that_comes_after_gives_nothing_back(shop, clock):
    was(shop, announce_to(shop, *strangers(shop, 1)), "seen", START)
    clock.advance(1)
    hears(shop, name_of(1))
    assert left(shop) == 9


def test_who_was_known_then_was_no_first_contact(shop):
    wrote, reached, there = strangers(shop, 3)
    hears(shop, name_of(1))
    was(shop, announce_to(shop, reached), "seen", START - 3 * DAY)
    put_in_chat(shop, there, joined_at=START - DAY)
    shop.clock.advance(60)
    number = announce_to(shop, wrote, reached, there)
    assert left(shop) == 10
    was(shop, number, "sent", shop.now())
    assert left(shop) == 10


def test_who_came_into_the_chat_later_was_one(shop):
    (one,) = strangers(shop, 1)
    was(shop, announce_to(shop, one), "sent", START)
    put_in_chat(shop, one, joined_at=START + HOUR)
    assert left(shop) == 9


def test_people_added_to_chats_today_count(shop):
    people = strangers(shop, 3)
    for member, moment in zip(people, (START, START - HOUR, START - DAY), strict=True):
        put_in_chat(shop, member, added_at=moment, joined_at=moment)
    assert left(shop) == 8
    announce_to(shop, *strangers(shop, 2, first=4))
    assert claim(shop, 3) == [name_of(4)]


def test_finished_announcements_of_today_count(shop):
    number = announce_to(shop, *strangers(shop, 1))
    was(shop, number, "sent", START - HOUR)
    change(shop, announcements, announcements.c.id == number, state="finished", finished_at=START)
    assert left(shop) == 9


def test_repetition_of_what_may_have_arrived_goes_on_and_is_counted_first(shop):
    people = strangers(shop, 3)
    announce_to(shop, *people)
    yesterday = START - DAY
    change(
        shop, deliveries, deliveries.c.member_id == people[2],
        state="unknown", reason="no-answer", sending_at=yesterday,
    )  # fmt: skip
    assert claim(shop, 1) == [name_of(3)]
    assert held(shop) == [name_of(1), name_of(2)]


def test_what_was_surely_not_accepted_may_be_tried_again_today(shop):
    announce_to(shop, *strangers(shop, 2))
    was(shop, 1, "queued", START - HOUR, reason="throttled")
    assert claim(shop, 1) == [name_of(1)]


def test_clock_that_was_set_back_holds_nobody_beyond_its_own_morning(shop, clock):
    announce_to(shop, *strangers(shop, 2))
    clock.moment = at("2026-12-23 10:00")  # a month ahead
    assert claim(shop, 0) == []
    clock.moment = START
    assert claim(shop, 1) == [name_of(1)]
    assert [row.not_before for row in rows(shop)] == [None, MORNING]


def test_strangers_who_wait_do_not_keep_back_those_behind_them(shop):
    announce_to(shop, *strangers(shop, 12))
    announce_to(shop, *strangers(shop, 12, first=13))
    hears(shop, name_of(24))
    assert claim(shop, 2, room=2) == [name_of(24), name_of(1)]
    assert len(held(shop)) == 21
    change(shop, deliveries, deliveries.c.state == "sending", state="sent")
    assert claim(shop, 2, room=2) == [name_of(2)]


def test_nobody_is_lost_where_more_wait_than_are_looked_through(shop, monkeypatch):
    monkeypatch.setattr("vipcast.delivery.ledger.LOOK_AHEAD", 3)
    announce_to(shop, *strangers(shop, 8))
    hears(shop, name_of(8))
    got = []
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        ledger = Ledger(shop.database, lease, Scope("news", repeats_unknown=True), None, Budget(BUDAPEST, 1))
        while (step := ledger.step([], 1, shop.now())).next_at in (None, shop.now()):
            got += [one.address for one in step.claimed]
    assert got == [name_of(1), name_of(8)]
    assert step.next_at == MORNING, "the drain ends with the moment at which it goes on"
    assert len(held(shop)) == 6


def test_without_a_budget_a_step_asks_the_database_nothing_more(shop):
    announce_to(shop, *strangers(shop, 3))
    said = []
    sqlalchemy_event.listen(
        shop.database.engine, "before_cursor_execute", lambda _c, _k, words, *_: said.append(words.split()[0])
    )
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        ledger = Ledger(shop.database, lease, Scope("news", repeats_unknown=True))
        said.clear()
        assert len(ledger.step([], 2, shop.now()).claimed) == 2
        assert said == ["BEGIN", "UPDATE", "SELECT", "UPDATE"], "the lease, the claim, `sending`"
        said.clear()
        ledger.step([], 0, shop.now())
        assert said == ["BEGIN", "UPDATE", "SELECT"], "the lease, and whether more is due"


def test_counting_does_not_read_the_ledgers_old_part(shop):
    said = []
    sqlalchemy_event.listen(
        shop.database.engine,
        "before_cursor_execute",
        lambda _c, _k, words, given, *_: said.append((words, given)),
    )
    left(shop)
    words, given = next(one for one in said if "FROM deliveries" in one[0])
    with shop.database.read() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given)]
    reading = [one for one in plan if "deliveries" in one or "earlier" in one or "inbound" in one]
    assert len(reading) == 3
    assert all(" USING INDEX " in one for one in reading), plan
    assert "announcement_id=?" in reading[0]
