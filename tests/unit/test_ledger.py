"""The ledger alone: what is claimed when, what an outcome makes of a delivery, who may write."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from ledger_steps import account_row, claim, refused, sent, write
from sqlalchemy import select, update
from support import add_group, add_member, announce, opt_out, rows, seat_members, states

from vipcast.announcements import records
from vipcast.delivery import ledger as ledgers
from vipcast.delivery.lease import acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.delivery.outcomes import State, backoff_seconds
from vipcast.members import roster
from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    LoginLost,
    OutcomeUnknown,
    RecipientStopped,
    Rejected,
    Throttled,
    Unreachable,
    WindowClosed,
)
from vipcast.storage.tables import addresses, deliveries, peers


@pytest.fixture
def planned(shop):
    """Three deliveries through `news`, planned and not sent."""
    return announce(shop, seat_members(shop, 3, "telegram"))


@pytest.fixture
def open_ledger(shop, planned):
    """`open_ledger(repeats=...)` takes the lease and returns the ledger under it."""
    with ExitStack() as stack:

        def take(*, repeats=True, announcement=None):
            lease = stack.enter_context(acquire(shop.database, shop.locks, "news", shop.clock))
            return Ledger(shop.database, lease, Scope("news", repeats, announcement))

        yield take


@pytest.fixture
def ledger(open_ledger):
    return open_ledger()


def test_what_is_claimed_is_sending_on_disk_and_claimed_once(shop, ledger):
    first = claim(shop, ledger, 2)
    assert [one.address for one in first] == ["@member001", "@member002"]
    assert [row.state for row in rows(shop)] == ["sending", "sending", "queued"]
    assert [row.attempts for row in rows(shop)] == [1, 1, 0]
    assert [one.address for one in claim(shop, ledger, 5)] == ["@member003"]
    assert claim(shop, ledger, 5) == []


def test_a_key_stays_the_same_over_all_attempts(shop, ledger):
    keys = [row.message_key for row in rows(shop)]
    assert 0 not in keys
    assert len(set(keys)) == 3
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, OutcomeUnknown("gone"))], 0, shop.now())
    shop.clock.advance(10)
    again = claim(shop, ledger, 3)[0]
    assert (again.id, again.message_key, again.attempts) == (one.id, keys[0], 2)
    assert again.attempt_token != one.attempt_token


def test_results_and_the_next_claim_are_one_step(shop, ledger):
    (one,) = claim(shop, ledger)
    step = ledger.step([sent(shop, one)], 1, shop.now())
    assert [claimed.address for claimed in step.claimed] == ["@member002"]
    assert [row.state for row in rows(shop)] == ["sent", "sending", "queued"]
    assert rows(shop)[0].remote_id == "77"
    assert rows(shop)[0].sent_at == shop.now()


@pytest.mark.parametrize(
    ("error", "state", "reason", "waits"),
    [
        (Throttled("wait", retry_after=35), "queued", "throttled", 35),
        (Throttled("wait", retry_after=9, whole_account=False), "queued", "throttled", 9),
        (Unreachable("no way"), "queued", "network", 1),
        (OutcomeUnknown("no answer"), "unknown", "no-answer", 1),
        (AccountStopped("limited"), "queued", "account", None),
        (LoginLost("gone"), "queued", "account", None),
        (RecipientStopped("blocked"), "failed", "stopped", None),
        (AddressInvalid("nobody"), "failed", "address", None),
        (WindowClosed("too late"), "failed", "window-closed", None),
        (Rejected("too long"), "failed", "rejected", None),
    ],
)
def test_each_answer_has_its_state(shop, ledger, error, state, reason, waits):
    error.remote_code = "CODE_5"
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, error)], 0, shop.now())
    row = rows(shop)[0]
    assert (row.state, row.reason, row.code, row.words) == (state, reason, "CODE_5", error.words)
    wait = (row.not_before - shop.now()).total_seconds() if row.not_before else None
    assert wait == waits
    assert (row.ended_at is not None) == (state == "failed")


def test_waits_grow_to_a_minute_in_all_and_then_to_an_hour_each():
    assert [backoff_seconds(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 3600, 3600]


def test_what_waits_is_not_claimed_before_its_time(shop, ledger):
    claimed = claim(shop, ledger, 3)
    slow = Throttled("wait", retry_after=40, whole_account=False)
    step = ledger.step([refused(shop, one, slow) for one in claimed], 3, shop.now())
    assert step.claimed == []
    assert (step.next_at - shop.now()).total_seconds() == 40
    shop.clock.advance(39)
    assert claim(shop, ledger, 3) == []
    shop.clock.advance(1)
    assert len(claim(shop, ledger, 3)) == 3


def test_a_pause_of_the_account_holds_everything_and_that_same_message_goes_first(shop, ledger):
    (one,) = claim(shop, ledger)
    step = ledger.step([refused(shop, one, Throttled("wait", retry_after=35))], 3, shop.now())
    assert step.claimed == []
    assert (step.paused_until - shop.now()).total_seconds() == 35
    shop.clock.advance(34)
    assert claim(shop, ledger, 3) == []
    shop.clock.advance(1)
    assert claim(shop, ledger, 1)[0].id == one.id


@pytest.mark.parametrize("at_once", [True, False])
def test_a_short_pause_never_cuts_a_long_one_short(shop, ledger, at_once):
    long, short = claim(shop, ledger, 2)
    told = [
        refused(shop, long, Throttled("wait", retry_after=500)),
        refused(shop, short, Throttled("wait", retry_after=5)),
    ]
    for outcomes in [told] if at_once else [[one] for one in told]:
        step = ledger.step(outcomes, 0, shop.now())
    assert (step.paused_until - shop.now()).total_seconds() == 500


def test_a_clock_that_was_set_back_makes_no_pause_longer_than_it_was(shop, ledger):
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, Throttled("wait", retry_after=35))], 0, shop.now())
    shop.clock.advance(-86400)
    step = ledger.step([], 3, shop.now())
    assert (step.paused_until - shop.now()).total_seconds() == 35
    shop.clock.advance(35)
    assert len(claim(shop, ledger, 3)) == 3


def test_a_stopped_account_claims_nothing_until_it_is_cleared(shop, ledger):
    (one,) = claim(shop, ledger)
    step = ledger.step([refused(shop, one, AccountStopped("PEER_FLOOD"))], 3, shop.now())
    assert (step.claimed, step.stopped) == ([], "PEER_FLOOD")
    assert account_row(shop).stopped_code == "limited"
    with shop.database.write() as connection:
        ledgers.clear_stop(connection, "news", code="login")
    assert claim(shop, ledger, 3) == []
    with shop.database.write() as connection:
        ledgers.clear_stop(connection, "news")
    assert len(claim(shop, ledger, 3)) == 3


def test_what_an_answer_says_of_an_address_is_kept(shop, ledger):
    first, second, third = claim(shop, ledger, 3)
    ledger.step(
        [
            refused(shop, first, RecipientStopped("blocked")),
            refused(shop, second, AddressInvalid("nobody")),
            sent(shop, third, peer="5:77"),
        ],
        0,
        shop.now(),
    )
    with shop.database.read() as connection:
        found = {r.address: (r.state, r.reason) for r in connection.execute(select(addresses))}
        kept = connection.execute(select(peers)).one()
    assert found == {
        "@member001": ("opted_out", "blocked"),
        "@member002": ("unreachable", "nobody"),
        "@member003": ("ok", ""),
    }
    assert (kept.account, kept.address, kept.peer) == ("news", "@member003", "5:77")


def test_a_kept_peer_is_handed_out_with_the_next_announcement(shop, ledger):
    (one,) = claim(shop, ledger)
    ledger.step([sent(shop, one, peer="5:77")], 0, shop.now())
    announce(shop, ["telegram1"], is_new=True)
    assert [c.peer for c in claim(shop, ledger, 9) if c.address == "@member001"] == ["5:77"]


def test_a_phone_that_fails_on_one_messenger_is_not_lost_for_others(shop, open_ledger):
    anna = add_member(shop, "Anna", (roster.PHONE, "+36301234567"))
    announcement = announce(shop, [add_group(shop, "gold", [anna]).name])
    ledger = open_ledger(announcement=announcement.id)
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, AddressInvalid("not on Telegram"))], 0, shop.now())
    with shop.database.read() as connection:
        member = roster.find(connection, "Anna")
    assert {(a.messenger, a.state) for a in member.addresses} == {
        ("phone", "ok"),
        ("telegram", "unreachable"),
    }


@pytest.mark.parametrize("repeats", [True, False])
def test_unknown_is_repeated_only_where_that_is_safe(shop, open_ledger, repeats):
    ledger = open_ledger(repeats=repeats)
    claimed = claim(shop, ledger, 3)
    ledger.step([refused(shop, one, OutcomeUnknown("no answer")) for one in claimed], 0, shop.now())
    shop.clock.advance(5)
    step = ledger.step([], 3, shop.now())
    assert len(step.claimed) == (3 if repeats else 0)
    if not repeats:
        assert step.next_at is None
        assert states(shop) == {"unknown": 3}


def test_who_opts_out_after_the_planning_is_skipped(shop, ledger):
    with shop.database.read() as connection:
        member = roster.find(connection, "@member002")
    opt_out(shop, member.id)
    assert [one.address for one in claim(shop, ledger, 3)] == ["@member001", "@member003"]
    row = rows(shop)[1]
    assert (row.state, row.reason, row.ended_at) == ("skipped", "opted_out", shop.now())


def test_who_opts_out_while_it_is_unknown_is_not_sent_again_and_stays_unknown(shop, ledger, planned):
    claimed = claim(shop, ledger, 3)
    outcomes = [
        sent(shop, claimed[0]),
        sent(shop, claimed[1]),
        refused(shop, claimed[2], OutcomeUnknown("?")),
    ]
    ledger.step(outcomes, 0, shop.now())
    with shop.database.read() as connection:
        member = roster.find(connection, "@member003")
    opt_out(shop, member.id)
    shop.clock.advance(5)
    step = ledger.step([], 3, shop.now())
    assert (step.claimed, step.next_at) == ([], None)
    row = rows(shop)[2]
    assert (row.state, row.reason) == ("unknown", "unsettled-opted_out")


def test_an_address_that_went_bad_after_the_planning_is_skipped(shop, ledger):
    write(shop, update(addresses).where(addresses.c.address == "@member001").values(state="unreachable"))
    assert len(claim(shop, ledger, 3)) == 2
    assert (rows(shop)[0].state, rows(shop)[0].reason) == ("skipped", "unreachable")


def test_a_refusal_after_an_unknown_attempt_does_not_say_that_it_never_arrived(shop, ledger):
    """The first attempt may have arrived; `failed` would let `retry` send it once more elsewhere."""
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, OutcomeUnknown("no answer"))], 0, shop.now())
    shop.clock.advance(5)
    again = next(c for c in claim(shop, ledger, 3) if c.id == one.id)
    ledger.step([refused(shop, again, AddressInvalid("nobody has this name"))], 0, shop.now())
    assert rows(shop)[0].state == "unknown"


@pytest.mark.parametrize("state", ["paused", "cancelled", "finished", "planned"])
def test_only_a_running_announcement_is_sent(shop, ledger, planned, state):
    with shop.database.write() as connection:
        records.set_state(connection, planned.id, state)
    step = ledger.step([], 3, shop.now())
    assert (step.claimed, step.next_at) == ([], None)


def test_a_drain_of_one_announcement_leaves_the_others(shop, open_ledger):
    other = announce(shop, ["telegram1"], is_new=True)
    ledger = open_ledger(announcement=other.id)
    assert len(claim(shop, ledger, 9)) == 3
    assert states(shop, other) == {"sending": 3}


def test_a_result_is_written_only_for_the_attempt_it_belongs_to(shop, ledger):
    (one,) = claim(shop, ledger)
    ledger.step([refused(shop, one, Unreachable("no way"))], 0, shop.now())
    shop.clock.advance(2)
    again = claim(shop, ledger)[0]
    assert again.id == one.id
    ledger.step([refused(shop, one, Rejected("late news of the first attempt"))], 0, shop.now())
    assert rows(shop)[0].state == "sending"
    ledger.step([sent(shop, again)], 0, shop.now())
    ledger.step([refused(shop, again, Rejected("news after the end"))], 0, shop.now())
    assert rows(shop)[0].state == "sent"


def test_an_announcement_is_finished_when_nothing_is_open(shop, ledger, planned):
    with shop.database.write() as connection:
        assert not ledgers.finish(connection, planned.id, shop.now())
        assert ledgers.open_accounts(connection, planned.id) == ["news"]
    claimed = claim(shop, ledger, 3)
    with shop.database.write() as connection:
        assert not ledgers.finish(connection, planned.id, shop.now())
    ledger.step([sent(shop, one) for one in claimed], 0, shop.now())
    with shop.database.write() as connection:
        assert ledgers.finish(connection, planned.id, shop.now())
        assert records.get(connection, planned.id).state == "finished"
        assert ledgers.counts(connection, planned.id) == {State.SENT: 3}
        assert ledgers.open_accounts(connection, None) == []


def test_a_cancelled_announcement_sends_nothing_more(shop, ledger, planned):
    (one,) = claim(shop, ledger)
    with shop.database.write() as connection:
        assert records.cancel(connection, planned, shop.now()) == 2
    assert claim(shop, ledger, 3) == []
    ledger.step([sent(shop, one)], 0, shop.now())
    assert states(shop) == {"sent": 1, "skipped": 2}


def test_retry_queues_only_what_has_the_state(shop, ledger, planned):
    claimed = claim(shop, ledger, 3)
    ledger.step(
        [
            sent(shop, claimed[0]),
            refused(shop, claimed[1], OutcomeUnknown("?")),
            refused(shop, claimed[2], Rejected("no")),
        ],
        0,
        shop.now(),
    )
    with shop.database.write() as connection:
        ledgers.finish(connection, planned.id, shop.now())
        assert ledgers.retry(connection, planned.id, State.UNKNOWN) == 1
        assert records.get(connection, planned.id).state == "running"
    assert [row.state for row in rows(shop)] == ["sent", "queued", "failed"]


def test_who_was_forgotten_meanwhile_leaves_no_words_behind(shop, ledger):
    claimed = claim(shop, ledger, 3)
    with shop.database.write() as connection:
        roster.forget(connection, roster.find(connection, "@member001"), now=shop.now())
    told = AddressInvalid("@member001 is a group or channel, not a person")
    ledger.step([refused(shop, claimed[0], told), sent(shop, claimed[1])], 0, shop.now())
    with shop.database.read() as connection:
        row = connection.execute(select(deliveries).where(deliveries.c.id == claimed[0].id)).one()
    assert "@member001" not in str(tuple(row))
