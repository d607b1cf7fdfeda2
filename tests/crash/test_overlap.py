"""Several processes at once, and waits that outlive the process that was told of them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from support import (
    add_group,
    add_member,
    announce,
    arrivals,
    child_environment,
    end_of,
    rows,
    start_vipcast,
    states,
    vipcast,
)

from vipcast.clock import SystemClock
from vipcast.delivery.lease import acquire
from vipcast.groups import seats
from vipcast.groups.seats import Place
from vipcast.storage.tables import accounts

CHILD = Path(__file__).with_name("child.py")


@pytest.fixture
def clock():
    return SystemClock()


@pytest.mark.parametrize("messenger", ["telegram", "viber"])
def test_two_sends_of_the_same_at_once_are_one_announcement(shop, shop_folder, sandbox, seated, messenger):
    groups = seated(20, messenger)
    command = ("send", "note", "--group", groups[0], "--yes")
    both = [start_vipcast(shop_folder, *command) for _ in range(2)]
    done = [end_of(one) for one in both]
    codes = sorted(one.code for one in done)
    assert codes[0] == 0, done
    assert codes[1] in (0, 3, 6), done
    vipcast(shop_folder, "announcement", "resume")  # 3 where nothing was left
    assert set(arrivals(sandbox).values()) == {1}
    assert len(arrivals(sandbox)) == 20
    assert states(shop) == {"sent": 20}


def test_a_held_account_says_who_has_it_and_sends_nothing(shop, shop_folder, sandbox, seated):
    (group,) = seated(3, "telegram")
    with acquire(shop.database, shop.locks, "news", shop.clock):
        done = vipcast(shop_folder, "send", "note", "--group", group, "--yes")
    assert done.code == 6
    assert f"process {os.getpid()} on " in done.errors[0]["message"]
    assert done.errors[0]["code"] == "account-locked"
    assert arrivals(sandbox) == {}
    assert vipcast(shop_folder, "announcement", "resume").code == 0
    assert states(shop) == {"sent": 3}


def test_a_dead_holder_is_taken_over_at_once(shop, shop_folder, sandbox, seated):
    (group,) = seated(3, "telegram")
    announcement = announce(shop, [group])
    subprocess.run(
        [sys.executable, str(CHILD), str(shop_folder), str(announcement.id), "after-claim", "1"],
        env=child_environment(),
        cwd=shop_folder,
        check=False,
    )
    with shop.database.read() as connection:
        row = connection.execute(select(accounts).where(accounts.c.name == "news")).one()
    assert row.lease_owner, "the dead one still stands in the row"
    assert vipcast(shop_folder, "announcement", "resume").code == 0
    assert states(shop) == {"sent": 3}


def test_a_named_wait_is_obeyed_after_a_restart(shop, shop_folder, sandbox, seated):
    (group,) = seated(3, "telegram")
    announcement = announce(shop, [group])
    keys = {row.address: row.message_key for row in rows(shop)}
    sandbox.faults.add("SendMessageRequest", "error", code=420, text="FLOOD_WAIT_2", times=3)
    died = subprocess.run(
        [sys.executable, str(CHILD), str(shop_folder), str(announcement.id), "after-record", "1"],
        env=child_environment(),
        cwd=shop_folder,
        check=False,
    )
    assert died.returncode == 86
    until = pause_of(shop, "news")

    sandbox.faults.clear()
    done = vipcast(shop_folder, "announcement", "resume", str(announcement.id))

    assert done.code == 0
    sent = [e for e in sandbox.log.events if e["event"] == "message"]
    assert min(datetime.fromisoformat(e["at"]) for e in sent) >= until, "it did not wait"
    assert {e["to"]: e["random_id"] for e in sent} == keys, "that same message goes out"


def pause_of(shop, account):
    with shop.database.read() as connection:
        query = select(accounts.c.paused_until).where(accounts.c.name == account)
        until = connection.execute(query).scalar_one()
    assert until is not None
    return until


JOIN = """
import sys
from pathlib import Path
from vipcast.groups import seats
from vipcast.shop import Shop

with Shop.open(Path(sys.argv[1]), {}) as shop:
    for member_id in map(int, sys.argv[2:]):
        with shop.database.write() as connection:
            seats.take_seat(connection, seats.get(connection, "gold"), member_id, now=shop.now())
"""


def test_the_cap_holds_while_two_processes_give_seats(shop, shop_folder):
    people = [add_member(shop, f"Member {n}", ("telegram", f"@member{n}")) for n in range(60)]
    group = add_group(shop, "gold", cap=15)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", JOIN, str(shop_folder), *map(str, people[half::2])],
            env=child_environment(),
        )
        for half in (0, 1)
    ]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    with shop.database.read() as connection:
        found = seats.seats(connection, group)
        group = seats.get(connection, "gold")
    assert (group.seated, group.waiting) == (15, 45)
    assert {seat.member_id for seat in found} == set(people)
    waiting = [seat for seat in found if seat.place is Place.WAITING]
    assert [seat.position for seat in waiting] == list(range(1, 46))


OPEN = """
import sys
from pathlib import Path
from vipcast.storage.database import open_database

open_database(Path(sys.argv[1])).close()
"""


def test_several_processes_may_make_the_database_at_once(tmp_path):
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(tmp_path / "state")],
            env=child_environment(),
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(4)
    ]
    words = [one.communicate(timeout=120)[1] for one in starting]
    assert [one.returncode for one in starting] == [0] * 4, words
