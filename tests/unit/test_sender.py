"""Draining accounts against the sandbox: what goes out, what stays, and why a drain ends.

The clock steps on by itself, so no wait is ever waited for.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select
from support import SteppingClock, add_group, add_member, announce, arrivals, rows, states

from vipcast.announcements import preparing, records
from vipcast.announcements.planning import Plan, PlannedDelivery
from vipcast.cli.sandbox_run import log_in_accounts
from vipcast.delivery import ledger as ledgers
from vipcast.delivery.dispatch import Dispatcher, resumes_at
from vipcast.delivery.lease import LeaseLost, acquire
from vipcast.delivery.sender import Ended
from vipcast.errors import StorageError
from vipcast.members import roster
from vipcast.messengers.base import Message
from vipcast.shop import new_message_key
from vipcast.storage.tables import accounts, addresses

FOREVER = None


@pytest.fixture
def clock():
    return SteppingClock(step=1.0)


def drain(shop, announcement=None, **options):
    """Drain as the command line does; return the results by account."""
    number = announcement.id if announcement else None
    results = asyncio.run(shop.dispatcher().drain(number, **options))
    return {result.account: result for result in results}


def state_of(shop, announcement):
    with shop.database.read() as connection:
        return records.get(connection, announcement.id).state


@pytest.mark.parametrize("messenger", ["telegram", "viber"])
def test_everybody_gets_it_once(shop, sandbox, seated, messenger):
    announcement = announce(shop, seated(30, messenger))
    (result,) = drain(shop, announcement).values()
    assert (result.ended, result.sent) == (Ended.EMPTY, 30)
    assert states(shop) == {"sent": 30}
    assert arrivals(sandbox) == Counter({row.address: 1 for row in rows(shop)})
    assert all(row.remote_id for row in rows(shop))
    assert state_of(shop, announcement) == "finished"


def test_a_second_drain_sends_nothing(shop, sandbox, seated):
    announcement = announce(shop, seated(5, "telegram"))
    drain(shop, announcement)
    assert drain(shop, announcement) == {}
    assert sum(arrivals(sandbox).values()) == 5


def test_two_accounts_are_drained_side_by_side(shop, sandbox, seated):
    announcement = announce(shop, [*seated(5, "telegram"), *seated(5, "viber")])
    results = drain(shop, announcement)
    assert {name: result.sent for name, result in results.items()} == {"news": 5, "viber": 5}


def test_a_long_wait_ends_the_drain_and_names_the_moment(shop, sandbox, seated):
    announcement = announce(shop, seated(5, "telegram"))
    sandbox.faults.add("SendMessageRequest", "error", code=420, text="FLOOD_WAIT_500", times=FOREVER)
    result = drain(shop, announcement)["news"]
    assert (result.ended, result.sent) == (Ended.WAITING, 0)
    assert 400 < (result.resumes_at - shop.clock.moment).total_seconds() <= 500
    assert resumes_at([result]) == result.resumes_at
    assert states(shop) == {"queued": 5}
    assert state_of(shop, announcement) == "running"

    sandbox.faults.clear()
    early = drain(shop, announcement)["news"]  # as cron would, a moment later
    assert (early.ended, early.resumes_at) == (Ended.WAITING, result.resumes_at)
    assert arrivals(sandbox) == {}

    shop.clock.advance(500)
    assert drain(shop, announcement)["news"].sent == 5
    assert set(arrivals(sandbox).values()) == {1}


def test_a_short_wait_is_waited_for(shop, sandbox, seated):
    shop.clock.step = 20.0
    announcement = announce(shop, seated(5, "telegram"))
    sandbox.faults.add("SendMessageRequest", "error", code=420, text="FLOOD_WAIT_35", times=3)
    result = drain(shop, announcement)["news"]
    assert (result.ended, result.sent) == (Ended.EMPTY, 5)
    assert set(arrivals(sandbox).values()) == {1}


def test_a_limited_account_stops_and_the_others_go_on(shop, sandbox, seated):
    announcement = announce(shop, [*seated(5, "telegram"), *seated(5, "viber")])
    sandbox.faults.add("SendMessageRequest", "error", code=400, text="PEER_FLOOD", times=FOREVER)
    results = drain(shop, announcement)
    assert results["news"].ended is Ended.ACCOUNT
    assert "PEER_FLOOD" in results["news"].words
    assert results["viber"].sent == 5
    assert states(shop) == {"sent": 5, "queued": 5}

    sandbox.faults.clear()
    again = drain(shop, announcement)
    assert again["news"].ended is Ended.ACCOUNT, "only the owner's word lets it send again"
    with shop.database.write() as connection:
        ledgers.clear_stop(connection, "news")
    assert drain(shop, announcement)["news"].sent == 5
    assert set(arrivals(sandbox).values()) == {1}


def test_a_lost_login_keeps_the_queue_and_a_new_login_goes_on(shop, sandbox, seated):
    announcement = announce(shop, seated(5, "telegram"))
    owner = sandbox.do(sandbox.telegram.find, "+99966100001")
    sandbox.do(sandbox.telegram.revoke, owner)
    result = drain(shop, announcement)["news"]
    assert result.ended is Ended.ACCOUNT
    assert "vipcast account add news" in result.hint
    assert states(shop) == {"queued": 5}
    with shop.database.read() as connection:
        assert connection.execute(select(accounts.c.stopped_code)).scalars().all() == ["login"]

    shop.config.account("news").session.unlink()
    sandbox.do(log_in_accounts, sandbox, shop.config)
    assert drain(shop, announcement)["news"].sent == 5
    with shop.database.read() as connection:
        assert connection.execute(select(accounts.c.stopped_code)).scalars().all() == [""]


def test_a_login_lost_in_the_middle_leaves_no_doubt(shop, sandbox, seated):
    announcement = announce(shop, seated(20, "telegram"))
    sandbox.faults.add(
        "SendMessageRequest", "error", code=401, text="SESSION_REVOKED", after=7, times=FOREVER
    )
    result = drain(shop, announcement)["news"]
    assert (result.ended, result.sent) == (Ended.ACCOUNT, 7)
    assert states(shop) == {"sent": 7, "queued": 13}


def test_a_server_that_is_gone_ends_the_drain_and_loses_nothing(shop, sandbox, seated):
    announcement = announce(shop, seated(5, "viber"))
    sandbox.faults.add("send_message", "delay", seconds=0.0, times=1)
    sandbox.call(sandbox.viber.stop())
    result = drain(shop, announcement)["viber"]
    assert (result.ended, result.sent) == (Ended.NETWORK, 0)
    assert states(shop) == {"queued": 5}
    sandbox.call(sandbox.viber.start())
    shop.clock.advance(3600)
    assert drain(shop, announcement)["viber"].sent == 5
    assert set(arrivals(sandbox).values()) == {1}


def test_what_viber_may_have_taken_is_never_sent_again(shop, sandbox, seated):
    announcement = announce(shop, seated(5, "viber"))
    sandbox.faults.add("send_message", "drop_after", times=2)
    sandbox.faults.add("send_message", "drop_before", times=1)
    drain(shop, announcement)
    assert states(shop) == {"sent": 2, "unknown": 3}
    assert state_of(shop, announcement) == "finished"
    shop.clock.advance(7200)
    with shop.database.write() as connection:
        records.set_state(connection, announcement.id, "running")
    drain(shop, announcement)
    assert states(shop) == {"sent": 2, "unknown": 3}
    assert sum(arrivals(sandbox).values()) == 4

    with shop.database.write() as connection:  # the owner's word
        assert ledgers.retry(connection, announcement.id, ledgers.State.UNKNOWN) == 3
    drain(shop, announcement)
    assert states(shop) == {"sent": 5}


def test_what_telegram_may_have_taken_is_repeated_and_comes_once(shop, sandbox, seated):
    announcement = announce(shop, seated(8, "telegram"))
    sandbox.faults.add("SendMessageRequest", "drop_after", after=3)
    sandbox.faults.add("SendMessageRequest", "drop_before", after=1)
    drain(shop, announcement)
    assert states(shop) == {"sent": 8}
    assert set(arrivals(sandbox).values()) == {1}


def test_one_bad_address_stops_nobody_else(shop, sandbox, seated):
    people = [add_member(shop, "Nobody", ("telegram", "@nobody_here"))]
    people.append(add_member(shop, "Blocker", ("telegram", "@blocker")))
    add_group(shop, "odd", people)
    announcement = announce(shop, ["odd", *seated(3, "telegram")])

    def block():
        telegram = sandbox.telegram
        telegram.block(telegram.find("@blocker"), telegram.find("+99966100001"))

    sandbox.do(block)
    drain(shop, announcement)
    assert [(row.state, row.reason) for row in rows(shop)] == [
        ("failed", "address"),
        ("failed", "stopped"),
        *[("sent", "")] * 3,
    ]
    with shop.database.read() as connection:
        found = dict(connection.execute(select(addresses.c.address, addresses.c.state)).all())
    assert (found["@nobody_here"], found["@blocker"]) == ("unreachable", "opted_out")


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_a_limit_is_kept_over_all_accounts(shop, sandbox, seated, limit):
    announcement = announce(shop, [*seated(5, "telegram"), *seated(5, "viber")])
    results = drain(shop, announcement, limit=limit)
    assert sum(result.sent for result in results.values()) == limit
    assert {result.ended for result in results.values()} == {Ended.LIMIT}
    assert states(shop) == {"sent": limit, "queued": 10 - limit}


def test_what_one_account_cannot_use_of_a_limit_the_other_may(shop, sandbox, seated):
    announcement = announce(shop, [*seated(1, "telegram"), *seated(5, "viber")])
    results = drain(shop, announcement, limit=4)
    assert sum(result.sent for result in results.values()) == 4


def test_being_asked_to_stop_writes_down_what_had_left(shop, sandbox, seated):
    announcement = announce(shop, seated(40, "viber"))

    async def work():
        stop = asyncio.Event()
        return await shop.dispatcher().drain(announcement.id, stop=stop, on_step=lambda n: n and stop.set())

    (result,) = asyncio.run(work())
    assert result.ended is Ended.STOPPED
    found = states(shop)
    assert 0 < found["sent"] < 40
    assert found == {"sent": result.sent, "queued": 40 - result.sent}
    assert sum(arrivals(sandbox).values()) == result.sent


def test_progress_counts_everyone_once(shop, sandbox, seated):
    announcement = announce(shop, seated(12, "telegram"))
    seen = []
    drain(shop, announcement, on_step=seen.append)
    assert sum(seen) == 12


def test_an_account_that_another_process_holds_is_left_alone(shop, sandbox, seated):
    announcement = announce(shop, [*seated(3, "telegram"), *seated(3, "viber")])
    with acquire(shop.database, shop.locks, "news", shop.clock):
        results = drain(shop, announcement)
    assert results["news"].ended is Ended.LOCKED
    assert "process" in results["news"].words
    assert states(shop) == {"queued": 3, "sent": 3}


def test_an_account_that_is_no_longer_in_the_settings_is_named(shop, sandbox, seated):
    announcement = announce(shop, [*seated(3, "telegram"), *seated(3, "viber")])
    del shop.config.accounts["news"]
    results = drain(shop, announcement)
    assert results["news"].ended is Ended.ACCOUNT
    assert "news" in results["news"].words
    assert states(shop) == {"queued": 3, "sent": 3}


class FaultyLedger:
    """A ledger that raises what it is told to, so many times, before it does anything."""

    def __init__(self, ledger, error, times, after):
        self.ledger, self.error, self.times, self.after = ledger, error, times, after

    def __getattr__(self, name):
        return getattr(self.ledger, name)

    def step(self, *arguments):
        self.after -= 1
        if self.after < 0 < self.times:
            self.times -= 1
            raise self.error
        return self.ledger.step(*arguments)


class FaultyMessenger:
    """A messenger with a fault of the program in it."""

    def __init__(self, messenger, times):
        self.messenger, self.times = messenger, times

    def __getattr__(self, name):
        return getattr(self.messenger, name)

    async def send(self, *arguments):
        sent = await self.messenger.send(*arguments)
        if self.times:
            self.times -= 1
            raise KeyError("a fault of the program, after the message had left")
        return sent


class WithLedger(Dispatcher):
    """A dispatcher that puts something around each ledger."""

    async def _send(self, ledger, *rest):
        self.ledger = self.wrap(ledger)
        return await super()._send(self.ledger, *rest)


def drain_with(shop, wrap):
    """Drain with a ledger that `wrap` puts around the real one; return (ledger, result)."""
    dispatcher = WithLedger(shop.database, shop.clock, shop.locks, shop.messenger)
    dispatcher.wrap = wrap
    (result,) = asyncio.run(dispatcher.drain())
    return dispatcher.ledger, result


@pytest.mark.parametrize("after", [0, 1])
def test_results_outlive_a_moment_when_the_database_cannot_be_written(shop, sandbox, seated, after):
    announce(shop, seated(5, "telegram"))
    error = StorageError("The disk is full.")
    ledger, result = drain_with(shop, lambda ledger: FaultyLedger(ledger, error, times=1, after=after))
    assert ledger.times == 0
    assert (result.ended, result.sent) == (Ended.EMPTY, 5)
    assert states(shop) == {"sent": 5}
    assert set(arrivals(sandbox).values()) == {1}


def test_a_lost_lease_is_not_tried_again_and_its_results_are_kept(shop, sandbox, seated):
    announce(shop, seated(3, "telegram"))
    error = LeaseLost("taken over")
    ledger, result = drain_with(shop, lambda ledger: FaultyLedger(ledger, error, times=2, after=1))
    assert result.ended is Ended.LOCKED
    assert ledger.times == 1, "a lease that another process took does not come back"
    assert states(shop) == {"sent": 3}


def test_a_fault_of_the_program_leaves_the_honest_state(shop, sandbox, seated, caplog):
    announcement = announce(shop, seated(3, "viber"))

    def opener(name):
        return FaultyMessenger(shop.messenger(name), times=1)

    dispatcher = Dispatcher(shop.database, shop.clock, shop.locks, opener)
    asyncio.run(dispatcher.drain(announcement.id))
    assert states(shop) == {"sent": 2, "unknown": 1}
    (row,) = [row for row in rows(shop) if row.state == "unknown"]
    assert (row.reason, row.code) == ("no-answer", "program-error")
    assert "KeyError" in caplog.text


def test_a_rehearsals_text_is_not_kept(shop, sandbox, seated):
    seated(1, "telegram")
    with shop.database.write() as connection:
        member = roster.load(connection)[0]
        plan = Plan([PlannedDelivery(member, "", "en", "news", "telegram", "me", Message("Dear Anna"))])
        rehearsal = preparing.write_rehearsal(
            connection, shop.template("note"), {}, plan, shop.media_folder,
            new_key=new_message_key, now=shop.now(),
        )  # fmt: skip
    drain(shop, rehearsal)
    (row,) = rows(shop)
    assert (row.state, row.body, row.member_id) == ("sent", "", None)
    assert arrivals(sandbox) == {"+99966100001": 1}
