"""Later news: delivered, seen, failed; early, late, twice, out of order, and for what nobody knows of."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select, update
from support import START, announce, rows, seat_members

from vipcast.delivery import receipts
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import deliveries
from vipcast.storage.tables import receipts as receipts_table

ADDRESS = "viber-member-001=="
SENT_AT = START + timedelta(minutes=1)
DELIVERED_AT = START + timedelta(minutes=2)
SEEN_AT = START + timedelta(minutes=3)
DELIVERED = Event(EventKind.DELIVERED, ADDRESS, "77", DELIVERED_AT)
SEEN = Event(EventKind.SEEN, ADDRESS, "77", SEEN_AT)
FAILED = Event(EventKind.FAILED, ADDRESS, "77", SEEN_AT, text="keyboard is not valid")


@pytest.fixture
def planned(shop):
    return announce(shop, seat_members(shop, 3, "viber"))


@pytest.fixture
def sent(shop, planned):
    """The first delivery is sent as message 77."""
    mark(shop, 0, state="sent", remote_id="77", sent_at=SENT_AT, sending_at=SENT_AT)


def mark(shop, place, **values):
    number = rows(shop)[place].id
    with shop.database.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.id == number).values(**values))


def keep(shop, *events, account="viber"):
    with shop.database.write() as connection:
        return [receipts.keep(connection, account, event, START) for event in events]


def test_a_receipt_moves_the_delivery_on(shop, sent):
    assert keep(shop, DELIVERED) == [True]
    row = rows(shop)[0]
    assert (row.state, row.delivered_at, row.seen_at) == ("delivered", DELIVERED_AT, None)
    assert keep(shop, SEEN) == [True]
    row = rows(shop)[0]
    assert (row.state, row.delivered_at, row.seen_at) == ("seen", DELIVERED_AT, SEEN_AT)
    assert [row.state for row in rows(shop)[1:]] == ["queued", "queued"]


@pytest.mark.parametrize("order", list(permutations([DELIVERED, SEEN, DELIVERED, SEEN]))[::5])
def test_order_and_repetition_make_no_difference(shop, sent, order):
    assert sum(keep(shop, *order)) == 2
    row = rows(shop)[0]
    assert (row.state, row.delivered_at, row.seen_at) == ("seen", DELIVERED_AT, SEEN_AT)
    with shop.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(receipts_table)).scalar() == 2


def test_a_message_that_failed_on_the_phone_says_so(shop, sent):
    keep(shop, FAILED)
    row = rows(shop)[0]
    assert (row.state, row.reason, row.words) == ("failed", "receipt", "keyboard is not valid")
    assert row.ended_at == SEEN_AT


def test_a_receipt_of_another_account_or_message_changes_nothing(shop, sent):
    keep(shop, DELIVERED, account="other")
    keep(shop, Event(EventKind.DELIVERED, ADDRESS, "78", DELIVERED_AT))
    assert rows(shop)[0].state == "sent"


def test_a_receipt_that_came_before_our_own_record_is_applied_after_it(shop, planned):
    mark(shop, 0, state="sending", sending_at=SENT_AT)
    keep(shop, SEEN, DELIVERED)
    assert rows(shop)[0].state == "sending"
    mark(shop, 0, state="sent", remote_id="77", sent_at=SENT_AT)
    with shop.database.write() as connection:
        receipts.apply_early(connection, "viber", ["77"])
    row = rows(shop)[0]
    assert (row.state, row.delivered_at, row.seen_at) == ("seen", DELIVERED_AT, SEEN_AT)


def test_a_receipt_through_a_message_covers_all_earlier_ones(shop, planned):
    mark(shop, 0, state="sent", remote_id="70", sent_at=SENT_AT)
    mark(shop, 1, state="sent", remote_id="71", sent_at=SENT_AT, address=ADDRESS)
    mark(shop, 2, state="sent", remote_id="72", sent_at=SEEN_AT + timedelta(hours=1), address=ADDRESS)
    keep(shop, Event(EventKind.SEEN, ADDRESS, "71", SEEN_AT, through=True))
    assert [row.state for row in rows(shop)] == ["seen", "seen", "sent"]


@pytest.mark.parametrize("event", [DELIVERED, SEEN])
def test_a_receipt_settles_the_one_unknown_it_can_belong_to(shop, planned, event):
    mark(shop, 0, state="unknown", reason="no-answer", sending_at=SENT_AT)
    keep(shop, event)
    row = rows(shop)[0]
    assert (row.state, row.remote_id, row.reason) == (event.kind, "77", "settled-by-receipt")
    assert row.sent_at is not None
    keep(shop, SEEN)
    assert rows(shop)[0].state == "seen"


def test_two_that_it_may_belong_to_are_not_guessed(shop, planned):
    for place in (0, 1):
        mark(shop, place, state="unknown", reason="no-answer", sending_at=SENT_AT, address=ADDRESS)
    keep(shop, DELIVERED)
    assert [row.state for row in rows(shop)][:2] == ["unknown", "unknown"]


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_receipt_far_from_the_attempt_settles_nothing(shop, planned, minutes):
    mark(shop, 0, state="unknown", sending_at=DELIVERED_AT + timedelta(minutes=minutes))
    keep(shop, DELIVERED)
    assert rows(shop)[0].state == "unknown"


def test_a_receipt_of_a_message_that_is_known_settles_no_other(shop, sent):
    mark(shop, 1, state="unknown", sending_at=SENT_AT, address=ADDRESS)
    keep(shop, DELIVERED)
    assert [row.state for row in rows(shop)][:2] == ["delivered", "unknown"]


def test_a_receipt_for_another_person_settles_nothing(shop, planned):
    mark(shop, 1, state="unknown", sending_at=SENT_AT)
    keep(shop, DELIVERED)
    assert rows(shop)[1].state == "unknown"


def test_what_was_never_sent_is_moved_by_no_receipt(shop, planned):
    for state in ("queued", "sending", "skipped", "failed"):
        mark(shop, 0, state=state, remote_id="77", sending_at=SENT_AT)
        keep(shop, DELIVERED, SEEN, FAILED)
        assert rows(shop)[0].state == state
        with shop.database.write() as connection:
            connection.execute(receipts_table.delete())
