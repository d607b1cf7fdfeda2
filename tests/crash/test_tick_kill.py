"""Two hundred ticks at once, and ticks that are killed anywhere: each occurrence reaches each member once.

What arrived is counted on the phones of the sandbox and not in the shop's own database. On Telegram each
member has each occurrence exactly once. Viber has no key for repeats: there it is at most once, and what
nobody can know is `unknown`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from schedule_steps import due_now, planned, runs_of
from support import (
    add_group,
    add_member,
    child_environment,
    end_of,
    rows,
    start_vipcast,
    states,
    vipcast,
    write_template,
)

from vipcast.clock import SystemClock
from vipcast.shop import Shop, find_messengers
from vipcast.shop_desk import ticker_of

SEED = "kills of tick"
AT_ONCE = 200
PROCESSES = 8
KILLS = 12
SCHEDULES = 5
MEMBERS = {"telegram": 20, "viber": 12}
DEAD = 86
LIMIT_SECONDS = 120  # only ends a test that hangs
NOTHING = {"fired": [], "sent": 0, "seated": {}, "nudged": 0, "overdue": 0}


@pytest.fixture
def clock():
    """The command line has the real clock; so has this process."""
    return SystemClock()


@pytest.fixture
def both(shop, seated):
    """Groups on both messengers."""
    return [name for messenger, number in MEMBERS.items() for name in seated(number, messenger)]


def got(sandbox):
    """Return how often each phone got each text."""
    events = [event for event in list(sandbox.log.events) if event["event"] == "message"]
    return Counter((event["to"], event["text"].splitlines()[0]) for event in events)


def test_two_hundred_ticks_at_once_send_once(shop, shop_folder, sandbox, both):
    one = due_now(shop, *both)
    starting, failed, fired = threading.Barrier(AT_ONCE), [], []

    def tick():
        try:
            with Shop.open(shop_folder, {}) as mine:
                ticker = ticker_of(mine)
                starting.wait(LIMIT_SECONDS)
                fired.extend(ticker.tick().fired)
        except Exception as error:  # noqa: BLE001 - the test shows it
            failed.append(error)

    threads = [threading.Thread(target=tick, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert failed == []
    assert not any(thread.is_alive() for thread in threads)
    assert [(found.schedule.id, found.state) for found in fired] == [(one.id, "sent")]
    assert len(planned(shop)) == len(runs_of(shop, one)) == 1
    assert states(shop) == {"sent": sum(MEMBERS.values())}
    assert Counter(got(sandbox).values()) == {1: sum(MEMBERS.values())}


def test_processes_at_once_send_once_and_end_well(shop, shop_folder, sandbox, both):
    schedules = [due_now(shop, *both, ago=timedelta(minutes=n)) for n in (1, 2)]
    done = [end_of(one) for one in [start_vipcast(shop_folder, "tick") for _ in range(PROCESSES)]]
    assert [(one.code, one.errors, one.stderr) for one in done] == [(0, [], "")] * PROCESSES
    # One may plan at the very moment at which another has found its account done with, and still holds it.
    done.append(vipcast(shop_folder, "tick"))
    assert Counter(f["schedule"] for one in done for f in one.data["fired"]) == {s.id: 1 for s in schedules}
    assert sum(one.data["sent"] for one in done) == 2 * sum(MEMBERS.values())
    assert Counter(got(sandbox).values()) == {2: sum(MEMBERS.values())}
    assert vipcast(shop_folder, "tick").data == NOTHING


# Dies at the n-th end of a function, or before it: child FOLDER MODULE NAME WHEN.
CHILD = """
import functools, importlib, os, sys
from pathlib import Path
from vipcast.shop import Shop
from vipcast.shop_desk import ticker_of

folder, module, name, when = sys.argv[1:]
owner = importlib.import_module(module)
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, last)

@functools.wraps(original)
def dying(*args, **named):
    if when == "after":
        original(*args, **named)
    os._exit(86)

setattr(owner, last, dying)
with Shop.open(Path(folder), {}) as shop:
    ticker_of(shop).tick()
"""
POINTS = [
    ("vipcast.announcements.preparing", "write", "before"),
    ("vipcast.announcements.preparing", "write", "after"),
    ("vipcast.schedules.records", "note_run", "after"),
    ("vipcast.schedules.records", "advance", "after"),
    ("vipcast.schedules.firing", "Firing.fire", "after"),
    ("vipcast.schedules.ticking", "Ticker._promote", "after"),
    ("vipcast.schedules.ticking", "Ticker._keep_up", "after"),
    ("vipcast.schedules.pulse", "write", "before"),
    ("vipcast.schedules.pulse", "write", "after"),
]


@pytest.mark.parametrize("point", POINTS, ids=" ".join)
def test_tick_that_dies_between_its_steps_is_finished_by_the_next(shop, shop_folder, sandbox, both, point):
    one = due_now(shop, *both)
    waiting = [add_member(shop, f"Waits {n}", ("telegram", f"@waits_{n}")) for n in range(2)]
    add_group(shop, "small", waiting, cap=1)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(shop_folder), *point],
        env=child_environment(), capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == DEAD, done.stderr
    assert vipcast(shop_folder, "tick").code == 0
    assert [state for _, state in runs_of(shop, one)] == ["sent"]
    assert len(planned(shop)) == 1
    assert Counter(got(sandbox).values()) == {1: sum(MEMBERS.values())}
    assert vipcast(shop_folder, "tick").data == NOTHING


def test_kills_at_random_moments_lose_and_double_nothing(shop, shop_folder, sandbox, both):
    schedules = []
    for number in range(1, SCHEDULES + 1):
        template = f"news{number}"
        write_template(shop_folder, template, f"+++\ntitle = 'N'\n+++\nOccurrence {number}\n")
        schedules.append(due_now(shop, *both, template=template, ago=timedelta(minutes=number)))
    sandbox.faults.add("*", "delay", seconds=0.05, times=None)  # so that kills meet it in the middle
    chance = random.Random(SEED)
    killed = died_sending = 0
    for kill in range(KILLS):
        before = sum(got(sandbox).values())
        child = start_vipcast(shop_folder, "tick")
        if kill % 3 == 0:  # somewhere in starting and planning
            time.sleep(chance.random())
        else:
            goal = before + chance.randint(1, 20)
            wait_until(lambda goal=goal, child=child: arrived(sandbox) >= goal or child.poll() is not None)
            time.sleep(chance.random() * 0.05)
        if child.poll() is None:
            killed += 1
            died_sending += arrived(sandbox) > before
        child.kill()
        _, words = child.communicate(timeout=60)
        assert "Traceback" not in words
    assert killed >= KILLS // 2, "the kills came too late to mean anything"
    assert died_sending >= 2, "no kill met it while it was sending"
    sandbox.faults.clear()

    assert vipcast(shop_folder, "tick").code == 0
    assert vipcast(shop_folder, "tick").data == NOTHING

    assert [runs_of(shop, one)[0][1] for one in schedules] == ["sent"] * SCHEDULES
    assert len(planned(shop)) == SCHEDULES
    check_phones(shop, sandbox, killed)


def arrived(sandbox):
    return sum(got(sandbox).values())


def check_phones(shop, sandbox, killed):
    """Hold the phones against the ledger: nobody twice, nobody forgotten, doubt only where there is no key."""
    phones, unknown = got(sandbox), 0
    text_of = {one.id: f"Occurrence {one.template.removeprefix('news')}" for one in planned(shop)}
    found = rows(shop)
    assert len(found) == SCHEDULES * sum(MEMBERS.values())
    for row in found:
        times = phones.pop((row.address, text_of[row.announcement_id]), 0)
        if row.state == "unknown":
            assert (row.messenger, row.reason) == ("viber", "interrupted")
            assert times <= 1
            unknown += 1
        else:
            assert (row.state, times) == ("sent", 1), row.address
    assert phones == {}, "somebody got what was not planned"
    assert unknown <= killed * find_messengers()["viber"].capabilities.in_flight


def wait_until(condition):
    """Wait for another process; the limit only ends a test that hangs."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)
