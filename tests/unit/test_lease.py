"""The lease: one process sends for an account, a dead one is replaced, a suspended one writes nothing."""

from __future__ import annotations

import pytest
from ledger_steps import account_row, claim, refused, sent, write
from sqlalchemy import update
from support import announce, rows, seat_members

from vipcast.delivery.lease import LeaseLost, acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.errors import Locked
from vipcast.messengers.base import AccountStopped, Rejected
from vipcast.storage.tables import accounts


@pytest.fixture
def planned(shop):
    """Three deliveries through `news`, planned and not sent."""
    return announce(shop, seat_members(shop, 3, "telegram"))


@pytest.fixture
def ledger(shop, planned):
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        yield Ledger(shop.database, lease, Scope("news", repeats_unknown=True))


def test_a_stolen_lease_stops_the_old_holder_before_it_writes_anything(shop, ledger):
    claimed = claim(shop, ledger, 2)
    before = [tuple(row) for row in rows(shop)]
    write(shop, update(accounts).values(lease_owner="somebody else", lease_holder="process 1 on elsewhere"))
    with pytest.raises(LeaseLost):
        ledger.step([sent(shop, one) for one in claimed], 5, shop.now())
    with pytest.raises(LeaseLost):
        ledger.step([refused(shop, claimed[0], AccountStopped("limited"))], 5, shop.now())
    assert [tuple(row) for row in rows(shop)] == before
    row = account_row(shop)
    assert (row.lease_owner, row.stopped_at) == ("somebody else", None)


def test_the_old_holder_gives_back_no_lease_that_is_not_its_own(shop):
    with acquire(shop.database, shop.locks, "news", shop.clock):
        write(shop, update(accounts).values(lease_owner="somebody else"))
    assert account_row(shop).lease_owner == "somebody else"


def test_a_lease_is_given_back(shop):
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        assert account_row(shop).lease_owner == lease.owner
    row = account_row(shop)
    assert (row.lease_owner, row.lease_holder) == (None, "")


def test_a_held_account_names_its_holder(shop):
    with acquire(shop.database, shop.locks, "news", shop.clock):
        with (
            pytest.raises(Locked, match="process") as caught,
            acquire(shop.database, shop.locks, "news", shop.clock),
        ):
            pytest.fail("two have it")
        assert caught.value.where == "news"
        with acquire(shop.database, shop.locks, "viber", shop.clock):
            pass


def test_what_a_dead_holder_left_in_hand_is_unknown(shop, planned):
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        assert lease.recovered == 0
        claim(shop, Ledger(shop.database, lease, Scope("news", repeats_unknown=True)), 2)
    with acquire(shop.database, shop.locks, "viber", shop.clock) as other:
        assert other.recovered == 0
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        assert lease.recovered == 2
    assert [(row.state, row.reason) for row in rows(shop)][:2] == [("unknown", "interrupted")] * 2
    assert rows(shop)[2].state == "queued"


def test_a_late_result_counts_as_long_as_nobody_tried_again(shop, planned):
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        old = Ledger(shop.database, lease, Scope("news", repeats_unknown=True))
        first, second = claim(shop, old, 2)
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:  # both are unknown now
        new = Ledger(shop.database, lease, Scope("news", repeats_unknown=True))
        (again,) = claim(shop, new, 1)
        assert again.id == first.id
        old.record_late([refused(shop, first, Rejected("late")), sent(shop, second)], shop.now())
        assert [row.state for row in rows(shop)] == ["sending", "sent", "queued"]
        new.step([sent(shop, again)], 0, shop.now())
    assert [row.state for row in rows(shop)] == ["sent", "sent", "queued"]
