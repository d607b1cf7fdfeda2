"""A sender that dies anywhere: after the restart nobody got it twice, and nobody was left out.

The sandbox's log says what arrived; the ledger says what is known. They are held against each other.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import (
    add_group,
    add_member,
    announce,
    arrivals,
    child_environment,
    opt_out,
    rows,
    states,
    vipcast,
)

from vipcast.clock import SystemClock
from vipcast.messengers.base import Messenger
from vipcast.shop import find_messengers

CHILD = Path(__file__).with_name("child.py")
DEAD, WINDOW = 86, 3  # as child.py has them
MESSENGERS = ["telegram", "viber"]
POINTS = ["before-claim", "after-claim", "before-send", "after-send", "before-record", "after-record"]
KILLS = 8


@pytest.fixture
def clock():
    """The child and the command line have the real clock; so has this process."""
    return SystemClock()


def start_child(folder, announcement, point="never", nth=1, pause=0.0):
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(announcement.id), point, str(nth), str(pause)],
        env=child_environment(),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def run_child(folder, announcement, point, nth=1):
    child = start_child(folder, announcement, point, nth)
    words, _ = child.communicate(timeout=120)
    return child.returncode, words


def plan_with_a_leaver(shop, seated, count, messenger):
    """Plan for so many members and one who opts out after the planning; return (announcement, leaver)."""
    groups = seated(count, messenger)
    address = {"telegram": "@leaver", "viber": "viber-leaver=="}[messenger]
    leaver = add_member(shop, "Leaver", (messenger, address))
    add_group(shop, "leavers", [leaver])
    announcement = announce(shop, ["leavers", *groups])
    opt_out(shop, leaver)
    return announcement, address


def check_nobody_twice_nobody_lost(shop, sandbox, announcement, messenger, leaver):
    """Hold the phones against the ledger after the restart."""
    kind: type[Messenger] = find_messengers()[messenger]
    arrived = arrivals(sandbox)
    assert max(arrived.values(), default=0) <= 1, "somebody got it twice"
    assert leaver not in arrived
    for row in rows(shop, announcement):
        if row.address == leaver:
            assert (row.state, row.reason) in {("skipped", "opted_out"), ("unknown", "unsettled-opted_out")}
        elif row.state == "sent":
            assert arrived[row.address] == 1, "the ledger says sent, the phone is empty"
        else:
            assert row.state == "unknown", f"{row.address} was lost: {row.state}"
            assert not kind.capabilities.idempotent, "Telegram repeats what is unknown"
            assert row.reason == "interrupted"
    known = {row.address for row in rows(shop, announcement) if row.state in ("sent", "unknown")}
    assert set(arrived) <= known


@pytest.mark.parametrize("messenger", MESSENGERS)
@pytest.mark.parametrize("point", POINTS)
def test_a_sender_that_dies_at_any_point_is_taken_over_without_a_double(
    shop, shop_folder, sandbox, seated, messenger, point
):
    announcement, leaver = plan_with_a_leaver(shop, seated, 9, messenger)
    code, words = run_child(shop_folder, announcement, point, nth=2)
    assert code == DEAD, words
    left = states(shop, announcement)
    in_hand = left["sending"]

    done = vipcast(shop_folder, "announcement", "resume", str(announcement.id))

    check_nobody_twice_nobody_lost(shop, sandbox, announcement, messenger, leaver)
    found = states(shop, announcement)
    if messenger == "telegram":
        assert (found["unknown"], found["sent"]) == (0, 9)
        assert done.code == 0
    else:
        assert found["unknown"] == in_hand
        assert found["sent"] == 9 - in_hand
        assert done.code == (4 if in_hand else 0)
    assert done.data["state"] == "finished"
    assert done.data["counts"] == dict(found)


@pytest.mark.parametrize("messenger", MESSENGERS)
def test_what_died_before_the_first_claim_left_no_doubt(shop, shop_folder, sandbox, seated, messenger):
    announcement, leaver = plan_with_a_leaver(shop, seated, 5, messenger)
    code, words = run_child(shop_folder, announcement, "before-claim")
    assert code == DEAD, words
    assert vipcast(shop_folder, "announcement", "resume", str(announcement.id)).code == 0
    check_nobody_twice_nobody_lost(shop, sandbox, announcement, messenger, leaver)
    assert states(shop, announcement) == {"sent": 5, "skipped": 1}


@pytest.mark.parametrize("messenger", MESSENGERS)
def test_every_row_is_sending_on_disk_before_its_request_leaves(
    shop, shop_folder, sandbox, seated, messenger
):
    announcement, _ = plan_with_a_leaver(shop, seated, 5, messenger)
    code, words = run_child(shop_folder, announcement, "after-send")
    assert code == DEAD, words
    on_disk = {row.address: row.state for row in rows(shop, announcement)}
    arrived = arrivals(sandbox)
    assert arrived
    assert {on_disk[address] for address in arrived} == {"sending"}


@pytest.mark.parametrize("messenger", MESSENGERS)
def test_many_kills_in_a_row_lose_and_double_nothing(shop, shop_folder, sandbox, seated, messenger):
    announcement, leaver = plan_with_a_leaver(shop, seated, 60, messenger)
    chance = random.Random(f"kills on {messenger}")
    killed = 0
    for _ in range(KILLS):
        child = start_child(shop_folder, announcement, pause=0.02)
        goal = len(arrivals(sandbox)) + chance.randint(1, 4)
        wait_until(lambda goal=goal, child=child: len(arrivals(sandbox)) >= goal or child.poll() is not None)
        killed += child.poll() is None
        child.kill()
        words, _ = child.communicate(timeout=60)
        assert "Traceback" not in words
    assert killed >= KILLS // 2, "the kills came too late to mean anything"

    vipcast(shop_folder, "announcement", "resume", str(announcement.id))

    check_nobody_twice_nobody_lost(shop, sandbox, announcement, messenger, leaver)
    found = states(shop, announcement)
    assert found["sent"] + found["unknown"] == 60
    assert found["unknown"] <= (0 if messenger == "telegram" else killed * WINDOW)


def wait_until(condition):
    """Wait for another process; the limit only ends a test that hangs."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)
