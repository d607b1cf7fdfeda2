"""Whether a tick has anything to do, asked without SQLAlchemy: what is due is never missed, waiting is idle."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from schedule_steps import add_schedule, change
from sqlalchemy import insert, update
from support import START, add_group, add_member, announce, child_environment, seat_members

from vipcast.chats import watching
from vipcast.delivery.lease import ensure_account
from vipcast.schedules import pulse
from vipcast.schedules.pulse import Pulse
from vipcast.storage.tables import (
    accounts,
    announcements,
    conversations,
    deliveries,
    groups,
    memberships,
    promises,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(shop):
    """The file of a shop with a full group, somebody waiting for it, and one finished announcement."""
    names = seat_members(shop, 3, "telegram")
    announce(shop, names)
    with shop.database.write() as connection:
        connection.execute(update(groups).values(cap=3))
        connection.execute(update(deliveries).values(state="sent"))
        connection.execute(update(announcements).values(state="finished"))
        ensure_account(connection, "news")
    add_group(shop, names[0], [add_member(shop, "Who waits", ("telegram", "@who_waits"))])
    return shop.config.state / "vipcast.db"


def write(shop, statement):
    with shop.database.write() as connection:
        return connection.execute(statement)


def is_idle(database, now=START, **more):
    return pulse.is_idle(database, now, **more)


def test_shop_without_a_database_has_nothing_to_do(tmp_path):
    assert is_idle(tmp_path / "vipcast.db")


def test_finished_work_full_groups_and_waiting_people_are_idle(database):
    assert is_idle(database)


def test_schedule_is_due_from_its_very_moment_on(shop, database):
    one = add_schedule(shop, "2026-11-23 11:00", "telegram1")
    for ahead, idle in ((timedelta(microseconds=-1), True), (timedelta(0), False), (MINUTE, False)):
        assert is_idle(database, one.next_at + ahead) is idle
    for state in ("paused", "ended"):
        change(shop, one, state=state)
        assert is_idle(database, one.next_at + MINUTE)


@pytest.mark.parametrize(
    ("delivery", "account", "announcement", "idle"),
    [
        ({}, {}, "running", False),
        ({}, {}, "paused", True),
        ({}, {}, "planned", True),
        ({}, {}, "cancelled", True),
        ({"not_before": START}, {}, "running", False),
        ({"not_before": START + MINUTE}, {}, "running", True),
        # The clock was set back since the attempt: its waiting time says nothing any more.
        ({"not_before": START + MINUTE, "sending_at": START + MINUTE}, {}, "running", False),
        ({"state": "sending", "sending_at": START - MINUTE}, {}, "running", False),
        ({"state": "unknown", "reason": "interrupted"}, {}, "running", False),
        ({"state": "unknown", "reason": "no-answer", "not_before": START}, {}, "running", False),
        ({"state": "unknown", "reason": "no-answer", "not_before": START + MINUTE}, {}, "running", True),
        ({"state": "unknown", "reason": "no-answer"}, {}, "running", True),  # Viber: never by itself
        ({"state": "unknown", "reason": "unsettled-opted_out"}, {}, "running", True),
        ({"state": "failed"}, {}, "running", True),
        ({}, {"paused_until": START}, "running", False),
        ({}, {"paused_until": START + MINUTE}, "running", True),
        ({}, {"stopped_at": START}, "running", True),
        ({"account": "never-opened"}, {}, "running", False),
    ],
    ids=str,
)
def test_delivery_of_an_announcement(shop, database, delivery, account, announcement, idle):
    write(shop, update(announcements).values(state=announcement))
    write(shop, update(deliveries).where(deliveries.c.id == 2).values({"state": "queued"} | delivery))
    if account:
        write(shop, update(accounts).where(accounts.c.name == "news").values(account))
    assert is_idle(database) is idle


@pytest.mark.parametrize(
    ("delivery", "idle"),
    [
        ({"state": "queued"}, False),
        ({"state": "queued", "not_before": START + MINUTE}, True),
        ({"state": "sending", "sending_at": START - MINUTE}, False),
        ({"state": "unknown", "reason": "no-answer", "not_before": START - MINUTE}, False),
        ({"state": "unknown", "reason": "interrupted", "sending_at": START - MINUTE}, False),
        # On Viber it stays so for good: it must not cost a whole tick each minute for ever.
        ({"state": "unknown", "reason": "interrupted", "sending_at": START - timedelta(days=2)}, True),
        ({"state": "sent"}, True),
    ],
    ids=str,
)
def test_answer_that_another_process_left(shop, database, delivery, idle):
    values = {"kind": "answer", "account": "news", "message_key": 5, "planned_at": START} | delivery
    write(shop, insert(deliveries).values(values))
    assert is_idle(database) is idle


@pytest.mark.parametrize(("changed", "idle"), [({"cap": 4}, False), ({"cap": 4, "closed_at": START}, True)])
def test_free_seat_that_somebody_waits_for(shop, database, changed, idle):
    write(shop, update(groups).values(changed))
    assert is_idle(database) is idle


def test_seat_that_was_left(shop, database):
    write(shop, update(memberships).where(memberships.c.id == 1).values(state="left"))
    assert not is_idle(database)


@pytest.mark.parametrize(
    ("promise", "idle"),
    [
        ({"due_at": START + timedelta(minutes=31)}, True),
        ({"due_at": START + timedelta(minutes=30)}, False),
        ({"due_at": START + timedelta(minutes=30), "nudged_at": START}, True),
        ({"due_at": START - MINUTE, "nudged_at": START}, False),
        ({"due_at": START - MINUTE, "nudged_at": START, "overdue_told_at": START}, True),
        ({"due_at": START - MINUTE, "state": "kept"}, True),
    ],
    ids=str,
)
def test_promise(shop, database, promise, idle):
    talk = {
        "account": "news",
        "messenger": "telegram",
        "address": "@a",
        "opened_at": START,
        "heard_at": START,
    }
    (number,) = write(shop, insert(conversations).values(talk)).inserted_primary_key
    values = {"conversation_id": number, "made_at": START, "state": "open"} | promise
    write(shop, insert(promises).values(values))
    assert is_idle(database, notice=timedelta(minutes=30)) is idle


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0 and no more"])
def test_database_that_cannot_be_asked_is_not_idle(tmp_path, content):
    file = tmp_path / "vipcast.db"
    file.write_bytes(content)
    assert not is_idle(file)


def test_schema_of_an_older_vipcast_is_not_idle(shop, database):
    shop.close()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE runs")
        connection.execute("DROP TABLE schedules")
    assert not is_idle(database)


def test_looking_changes_no_byte(shop, database):
    shop.close()
    before = hashlib.sha256(database.read_bytes()).hexdigest(), database.stat().st_mtime_ns
    journal = database.with_name("vipcast.db-wal")
    for _ in range(3):
        assert is_idle(database)
    assert before == (hashlib.sha256(database.read_bytes()).hexdigest(), database.stat().st_mtime_ns)
    assert not journal.exists() or journal.stat().st_size == 0


def test_looking_waits_for_no_writer(shop, database):
    with shop.database.write() as connection:
        connection.execute(update(groups).values(cap=4))
        assert is_idle(database), "what is not committed is not seen, and keeps nobody waiting"


@pytest.mark.parametrize(
    "known",
    [
        Pulse(),
        Pulse(START, None),
        Pulse(START + timedelta(microseconds=5), START - MINUTE, timedelta(hours=6)),
    ],
    ids=["nothing", "no run", "all"],
)
def test_word_is_kept(tmp_path, known):
    pulse.write(tmp_path, known)
    assert pulse.read(tmp_path) == known
    assert [path.name for path in tmp_path.iterdir()] == [pulse.FILE]


@pytest.mark.parametrize(
    ("text", "ticked_at"),
    [
        (b"", None),
        (b"\n\n\n", None),
        (b"yesterday\nnever\nsoon\n", None),
        (b"\xff\xfe", None),
        (b"2026-11-23T09:30:00+00:00", START),
        (b"2026-11-23T09:30:00\n", START),
        (b"2026-11-23T10:30:00+01:00\r\n\r\n99999999999999999999\r\nmore", START),
    ],
)
def test_spoilt_word_is_no_word(tmp_path, text, ticked_at):
    (tmp_path / pulse.FILE).write_bytes(text)
    found = pulse.read(tmp_path)
    assert found == Pulse(ticked_at)
    assert not found.was_set_back(START)


def test_disk_that_takes_nothing_stops_nothing(tmp_path):
    pulse.write(tmp_path / "not there", Pulse(START))
    (tmp_path / pulse.FILE).mkdir()
    pulse.write(tmp_path, Pulse(START))
    assert pulse.read(tmp_path) == Pulse()


def test_small_corrections_of_the_clock_are_none():
    last = Pulse(START)
    assert not last.was_set_back(START - pulse.BACKWARDS)
    assert last.was_set_back(START - pulse.BACKWARDS - timedelta(seconds=1))
    assert not Pulse().was_set_back(datetime.min.replace(tzinfo=UTC))


def test_a_tick_that_is_over_leaves_word_and_keeps_what_is_known(shop, database, shop_folder):
    pulse.write(shop.config.state, Pulse(START - MINUTE, START - timedelta(days=1), timedelta(hours=6)))
    assert pulse.is_over(shop_folder, START)
    assert pulse.read(shop.config.state) == Pulse(START, START - timedelta(days=1), timedelta(hours=6))


@pytest.mark.parametrize("why", ["no shop", "set back", "due"])
def test_a_tick_that_is_not_over_leaves_no_word(shop, database, shop_folder, why):
    last = Pulse(START + timedelta(days=1) if why == "set back" else START - MINUTE)
    pulse.write(shop.config.state, last)
    if why == "no shop":
        (shop_folder / "vipcast.toml").unlink()
    elif why == "due":
        write(shop, update(groups).values(cap=4))
    assert not pulse.is_over(shop_folder, START)
    assert pulse.read(shop.config.state) == last


def test_looking_loads_nothing_heavy():
    heavy = ["sqlalchemy", "typer", "telethon", "jinja2", "pydantic", "babel", "msgspec", "zoneinfo"]
    code = f"import sys, vipcast.schedules.pulse; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_a_chat_is_looked_at_as_often_as_its_watch_says():
    assert pulse._CHATS == watching.AT_LEAST_EVERY
