"""Ctrl-C: what had left is written down, and `resume` sends the rest, once."""

from __future__ import annotations

import signal
import sys

import pytest
from commandline import ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child there")


@pytest.fixture
def slow(online):
    """The shop, sending so slowly that a signal surely comes in the middle."""
    online.change_settings('role = "announce"', 'role = "announce"\nrate = "12/min"', times=2)
    return online


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "again", [("announcement", "resume"), ("send", "note", "--group", "gold", "--yes")], ids=" ".join
)
def test_interrupted_send_is_finished_later_without_doubles(slow, phones, name, again):
    process = slow.start("send", "note", "--group", "gold", "--yes")
    phones.wait_for(2, process)
    process.send_signal(getattr(signal, name))
    ran = ended(process)
    assert ran.code == 130
    assert "everything that had left is written down" in ran.said()
    assert "vipcast announcement resume 1" in ran.out
    sent = phones.arrivals().total()
    assert 2 <= sent < 5
    assert slow.data("announcement", "show", 1)["counts"] == {"sent": sent, "queued": 5 - sent, "skipped": 1}
    slow.change_settings('rate = "12/min"', 'rate = "unlimited"', times=2)
    assert slow(*again).code == 0
    assert set(phones.arrivals().values()) == {1}
    assert phones.arrivals().total() == 5


def test_interrupted_send_as_data_says_why_it_is_not_ok(slow, phones):
    process = slow.start("send", "note", "--group", "gold", "--yes", "--json")
    phones.wait_for(2, process)
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert (ran.code, ran.data["counts"]["sent"]) == (130, phones.arrivals().total())
    assert "interrupted" in [problem["code"] for problem in ran.envelope["errors"]]


def test_killed_send_is_finished_later(slow, phones):
    process = slow.start("send", "note", "--group", "gold", "--yes")
    phones.wait_for(2, process)
    process.kill()
    process.communicate()
    slow.change_settings('rate = "12/min"', 'rate = "unlimited"', times=2)
    slow("announcement", "resume")
    assert set(phones.arrivals().values()) == {1}
    counts = slow.data("announcement", "show", 1)["counts"]
    assert counts.get("sent", 0) + counts.get("unknown", 0) == 5


def test_held_account_is_exit_6_and_says_who_has_it(slow, phones):
    process = slow.start("send", "note", "--group", "gold", "--yes")
    phones.wait_for(2, process)
    try:
        ran = slow("announcement", "resume")
    finally:
        process.send_signal(signal.SIGINT)
        ended(process)
    assert f"process {process.pid}" in ran.err
    assert ran.code == 6


def test_database_is_not_replaced_while_an_account_sends(slow, phones):
    file = slow.data("db", "backup")["file"]
    process = slow.start("send", "note", "--group", "gold", "--yes")
    phones.wait_for(2, process)
    try:
        problem = slow.problem("db", "restore", file, "--yes", code=6)
    finally:
        process.send_signal(signal.SIGINT)
        ended(process)
    assert "sending" in problem["message"]


def test_sandbox_ends_in_order(empty):
    for number in ("8443", "8444", "8445"):
        empty.change_settings(number, "0")
    process = empty.start("sandbox")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert "has stopped; 0 messages" in ran.out
    assert ran.code in (0, 130)
