"""`vipcast tick`, as cron calls it: silent when nothing is due, once when something is, whatever happened."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from commandline import ended, start
from schedule_steps import add_schedule, again, due_now, planned, runs_of
from sqlalchemy import insert, select, update
from support import FixedClock, SteppingClock, add_group, add_member, announce, rows, states

from vipcast.cli.tick_run import run as run_tick
from vipcast.schedules import pulse
from vipcast.shop import Shop
from vipcast.shop_desk import ticker_of
from vipcast.storage.tables import accounts, deliveries, groups, memberships, schedules

NOTHING = {"fired": [], "sent": 0, "seated": {}, "nudged": 0, "overdue": 0}
DAY = timedelta(days=1)
REACHED = 5  # in `gold`: three on Telegram, two on Viber, and one who never agreed
OFFLINE = "telegram_port = 9\nviber_port = 9\n"  # the port "discard": nothing listens there
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def opened(vipcast, clock=None):
    return Shop.open(vipcast.folder, {}, clock)


def due(vipcast, *wanted, **more):
    """Write down a schedule that was due a minute ago."""
    with opened(vipcast) as shop:
        return due_now(shop, *(wanted or ("gold",)), **more)


def ledger(vipcast):
    with opened(vipcast) as shop:
        return dict(states(shop))


def fired(data):
    return [one["state"] for one in data["fired"]]


def database(vipcast):
    return vipcast.folder / ".vipcast" / "vipcast.db"


def content(vipcast):
    """Return what must not change: the database's bytes, its time, and how much its journal holds."""
    file = database(vipcast)
    journal = file.with_name(f"{file.name}-wal")
    held = journal.read_bytes() if journal.exists() else b""
    return hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns, held


@pytest.mark.parametrize("flags", [(), ("--no-input",)], ids=["plain", "as cron"])
def test_nothing_due_is_silent_and_writes_nothing(vipcast, flags):
    with opened(vipcast) as shop:
        add_schedule(shop, "2099-01-01 09:00", "gold")
    before = content(vipcast)
    for _ in range(2):
        ran = vipcast.child("tick", *flags)
        assert (ran.code, ran.said()) == (0, "")
    assert content(vipcast) == before
    assert pulse.read(vipcast.folder / ".vipcast").ticked_at is not None


def test_nothing_due_is_one_object_for_programs(vipcast):
    before = content(vipcast)
    ran = vipcast.child("tick", "--json")
    assert json.loads(ran.out) == {"ok": True, "data": NOTHING, "errors": []}
    assert ran.err == ""
    assert content(vipcast) == before


def test_new_shop_without_a_database_stays_without(empty):
    file = database(empty)
    file.unlink(missing_ok=True)
    assert (empty.child("tick").code, file.exists()) == (0, False)


def test_folder_that_is_no_shop(tmp_path):
    ran = ended(start("--shop", tmp_path, "tick", "--json"))
    assert ran.code == 2
    assert "shop" in ran.problem["message"]
    assert list(tmp_path.iterdir()) == []


def test_schema_of_an_older_vipcast(vipcast):
    with closing(sqlite3.connect(database(vipcast))) as connection, connection:
        connection.execute("DROP TABLE runs")
        connection.execute("DROP TABLE schedules")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    problem = vipcast.problem("tick", code=1)
    assert "db upgrade" in problem["hint"]


def test_damaged_database(vipcast):
    for suffix in ("-wal", "-shm"):
        database(vipcast).with_name(f"vipcast.db{suffix}").unlink(missing_ok=True)
    database(vipcast).write_bytes(b"nothing that was ever a database" * 300)
    assert "restore" in vipcast.problem("tick", code=1)["hint"]


def test_due_announcement_goes_out_once(online, phones):
    one = due(online)
    done = online.data("tick")
    assert (fired(done), done["sent"], done["fired"][0]["schedule"]) == (["sent"], REACHED, one.id)
    assert online.data("tick") == NOTHING
    ran = online.child("tick")
    assert (ran.code, ran.said()) == (0, "")
    assert sorted(phones.arrivals().values()) == [1] * REACHED
    assert ledger(online) == {"sent": REACHED, "skipped": 1}
    said = pulse.read(online.folder / ".vipcast")
    assert said.notice == timedelta(minutes=30), "a quarter of the two hours in which the shop answers"
    assert said.ran_at is not None


def test_people_read_what_was_done(online):
    due(online)
    ran = online("tick")
    assert ran.code == 0
    assert re.search(r"Schedule 1 \(note, .*\): announcement 1 for 5\.", ran.out)
    assert "5 sent." in ran.out


def test_late_one_asks_and_goes_out_after_the_yes(online, phones):
    due(online, ago=timedelta(hours=30))
    ran = online("tick")
    assert (ran.code, phones.arrivals()) == (0, {})
    assert "vipcast announcement approve 1" in ran.out
    assert online.data("tick") == NOTHING, "nobody is asked twice"
    assert online("announcement", "approve", 1, "--yes").code == 0
    online("tick")
    assert sorted(phones.arrivals().values()) == [1] * REACHED


def test_what_an_earlier_process_left_is_sent(online, phones):
    with opened(online) as shop:
        announce(shop, ["gold"])
    assert online.data("tick")["sent"] == REACHED
    assert online.data("announcement", "list")[0]["state"] == "finished"
    assert len(phones.arrivals()) == REACHED


def test_free_seat_goes_to_who_waits(vipcast):
    with opened(vipcast) as shop:
        people = [add_member(shop, f"Waits {n}", ("telegram", f"@waits_{n}")) for n in range(3)]
        add_group(shop, "small", people, cap=1)
        with shop.database.write() as connection:
            connection.execute(update(groups).where(groups.c.name == "small").values(cap=2))
    ran = vipcast("tick")
    assert (ran.code, ran.out) == (0, "1 moved up from the waiting list of small.\n")
    with opened(vipcast) as shop, shop.database.read() as connection:
        mine = select(memberships.c.state).where(memberships.c.member_id.in_(people))
        places = connection.execute(mine.order_by(memberships.c.member_id)).scalars().all()
    assert places == ["seated", "seated", "waiting"]
    assert vipcast.data("tick") == NOTHING


def test_trouble_is_told_and_the_rest_goes_on(online, phones):
    shutil.copytree(online.folder / "templates" / "note", online.folder / "templates" / "gone")
    bad, good = due(online, template="gone"), due(online)
    shutil.rmtree(online.folder / "templates" / "gone")
    ran = online("tick", "--json")
    assert ran.code == 4
    assert (ran.problem["code"], ran.problem["where"]) == ("schedule-failed", f"schedule {bad.id}")
    assert {one["schedule"]: one["state"] for one in ran.data["fired"]} == {bad.id: "failed", good.id: "sent"}
    assert len(phones.arrivals()) == REACHED
    assert "gone" in online.data("schedule", "show", bad.id)["reason"]


def test_without_network_the_queue_stays_and_the_next_tick_resumes(online, phones):
    settings = online.folder / "vipcast.toml"
    there = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(telegram|viber)_port = \d+\n", "", there) + OFFLINE, encoding="utf-8")
    due(online)
    ran = online("tick", "--json")
    assert ran.code == 4, "planned, and not sent"
    assert {one["code"] for one in ran.envelope["errors"]} == {"account-network"}
    assert ledger(online) == {"queued": REACHED, "skipped": 1}
    assert online("tick", "--json").code in (0, 1)

    settings.write_text(there, encoding="utf-8")
    with opened(online, FixedClock(datetime.now(UTC) + timedelta(hours=2))) as shop:
        assert fired_again(shop) == []
    assert sorted(phones.arrivals().values()) == [1] * REACHED
    assert ledger(online) == {"sent": REACHED, "skipped": 1}


def fired_again(shop):
    """Tick at the shop's moment; return what fired."""
    return [one.state.value for one in ticker_of(shop).tick().fired]


def test_lost_login_is_told_once_and_exits_with_its_code(online, phones, faults):
    due(online)
    faults.add("SendMessageRequest", "error", code=401, text="AUTH_KEY_UNREGISTERED", times=None)
    first = online("tick", "--json")
    assert first.code == 4, "Viber's members got it"
    assert first.problem["where"] == "news"
    faults.clear()
    assert online.data("tick") == NOTHING, "cron must not say it each minute"
    assert ledger(online) == {"sent": 2, "queued": 3, "skipped": 1}


def test_login_that_is_missing_exits_with_its_code(vipcast):
    text = (vipcast.folder / "vipcast.toml").read_text(encoding="utf-8")
    text = text.replace("enabled = true", "enabled = false")
    (vipcast.folder / "vipcast.toml").write_text(text, encoding="utf-8")
    with opened(vipcast) as shop:
        announce(shop, ["gold"])
    ran = vipcast("tick", "--json")
    assert ran.code == 5
    assert {one["code"] for one in ran.envelope["errors"]} == {"account-account"}


def test_wait_that_the_server_names_is_obeyed_over_ticks(online, phones, faults):
    clock = SteppingClock(0.01, datetime.now(UTC))
    due(online)
    faults.add("SendMessageRequest", "error", code=420, text="FLOOD_WAIT_300", times=3)
    with opened(online, clock) as shop:
        done = run_tick(shop)
        assert (done.exit_code, done.problems) == (0, []), "a wait is no fault"
        keys = {row.address: row.message_key for row in rows(shop) if row.account == "news"}
        assert dict(states(shop)) == {"queued": 3, "sent": 2, "skipped": 1}
        with shop.database.read() as connection:
            query = select(accounts.c.paused_until).where(accounts.c.name == "news")
            until = connection.execute(query).scalar_one()
        assert until > clock.now() + timedelta(seconds=280)
        assert pulse.is_idle(database(online), clock.now())
        clock.advance(200)
        assert ticker_of(shop).tick().drained[0].sent == 0
        assert len(phones.messages()) == 2
        clock.moment = until
        assert not pulse.is_idle(database(online), until)
        run_tick(shop)
    assert {one["to"]: one["random_id"] for one in phones.messages() if one["to"] in keys} == keys
    assert sorted(phones.arrivals().values()) == [1] * REACHED


def test_quiet_hours_hold_a_delivery_over_ticks(online, phones):
    now = datetime.now(UTC)
    quiet = f"{(now - timedelta(hours=1)):%H:%M}-{(now + timedelta(hours=1)):%H:%M}"
    text = (online.folder / "vipcast.toml").read_text(encoding="utf-8")
    text = text.replace('timezone = "Europe/Budapest"', 'timezone = "UTC"')
    (online.folder / "vipcast.toml").write_text(f'{text}\n[limits]\nquiet = "{quiet}"\n', encoding="utf-8")
    due(online)
    assert (fired(online.data("tick")), phones.arrivals()) == (["sent"], {})
    held = [row for row in ledger_rows(online) if row.state == "queued"]
    assert {row.reason for row in held} == {"quiet-hours"}
    assert len(held) == REACHED
    assert online.data("tick") == NOTHING
    with opened(online, SteppingClock(0.01, max(row.not_before for row in held))) as shop:
        run_tick(shop)
    assert sorted(phones.arrivals().values()) == [1] * REACHED


def ledger_rows(vipcast):
    with opened(vipcast) as shop:
        return rows(shop)


def test_tick_beside_a_running_send_doubles_nothing(online, phones, faults):
    faults.add("*", "delay", seconds=0.4, times=4)
    sending = online.start("send", "note", "--group", "gold", "--yes", "--json")
    phones.wait_for(1, sending)
    beside = [online.child("tick", "--json") for _ in range(2)]
    assert [one.code for one in beside] == [0, 0]
    assert ended(sending).code == 0
    online("tick")
    assert sorted(phones.arrivals().values()) == [1] * REACHED
    assert ledger(online) == {"sent": REACHED, "skipped": 1}


@posix
def test_signal_lets_what_is_under_way_end(online, phones, faults):
    faults.add("SendMessageRequest", "delay", seconds=1.0, times=None)
    faults.add("send_message", "delay", seconds=1.0, times=None)
    due(online)
    ticking = online.start("tick", "--json")
    phones.wait_for(1, ticking)
    ticking.send_signal(signal.SIGTERM)
    ran = ended(ticking)
    assert ran.code == 130
    assert ran.envelope["errors"][0]["code"] == "interrupted"
    assert set(ledger(online)) <= {"sent", "queued", "skipped"}, "nothing is in doubt"
    faults.clear()
    online("tick")
    assert ledger(online) == {"sent": REACHED, "skipped": 1}
    assert sorted(phones.arrivals().values()) == [1] * REACHED


def test_clock_that_was_set_back_is_told_once(online, phones):
    with opened(online, SteppingClock(0.01, datetime.now(UTC) + DAY)) as shop:
        one = add_schedule(shop, "* * * * *", "gold", if_late="send")
        shop.clock.advance(60)
        assert fired_again(shop)[-1] == "sent"
        ahead = runs_of(shop, one)
    sent = len(phones.messages())
    ran = online("tick")
    assert (ran.code, ran.out.count("The clock was set back")) == (0, 1)
    assert len(phones.messages()) == sent
    with opened(online) as shop:
        found = again(shop, one)
        assert (found.state, runs_of(shop, one)) == ("active", ahead)
        assert found.next_at < datetime.now(UTC) + timedelta(minutes=2), "it goes on now, not in a day"
        with shop.database.write() as connection:  # not to be waited for
            connection.execute(update(schedules).values(state="paused"))
    assert online("tick").said() == ""


def put_back_by_command(vipcast, copy):
    assert vipcast("db", "restore", copy, "--yes").code == 0


def put_back_by_hand(vipcast, copy):
    for suffix in ("", "-wal", "-shm"):
        database(vipcast).with_name(f"vipcast.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(copy, database(vipcast))


@pytest.mark.parametrize("put_back", [put_back_by_command, put_back_by_hand])
@pytest.mark.parametrize("copied", ["before it fired", "while it was sent"])
def test_database_of_last_week_sends_nothing_from_the_past(online, phones, tmp_path, put_back, copied):
    one = due(online, if_late="send")
    if copied == "while it was sent":
        with opened(online) as shop:
            ticker_of(shop).firing.fire()
    copy = online.data("db", "backup", tmp_path / "last-week.db")["file"]
    online("tick")
    assert sorted(phones.arrivals().values()) == [1] * REACHED
    put_back(online, copy)

    first = online("tick")
    assert first.code == 0
    assert sorted(phones.arrivals().values()) == [1] * REACHED, "nobody got it again"
    with opened(online) as shop:
        assert again(shop, one).state == "ended"
        assert [row.state for row in planned(shop)] == (["paused"] if copied == "while it was sent" else [])
    if put_back is put_back_by_hand:
        assert "older copy" in first.out
    assert online("tick").said() == ""

    with opened(online, SteppingClock(0.01, datetime.now(UTC) + timedelta(hours=2))) as shop:
        add_schedule(shop, "* * * * *", "gold")
        shop.clock.advance(60)
        assert fired_again(shop)[-1] == "sent", "what comes after it goes out as ever"
    assert sorted(phones.arrivals().values()) == [2] * REACHED


@pytest.mark.parametrize("put_back", [put_back_by_command, put_back_by_hand])
def test_answer_of_last_week_is_not_sent_again(online, phones, tmp_path, put_back):
    with opened(online) as shop, shop.database.write() as connection:
        body = '{"text":"Yes, we have it."}'
        answer = {"kind": "automatic", "account": "viber", "messenger": "viber", "body": body}
        answer |= {"address": "asked-viber==", "message_key": 5, "planned_at": shop.now(), "state": "queued"}
        connection.execute(insert(deliveries).values(answer))
    copy = online.data("db", "backup", tmp_path / "last-week.db")["file"]
    due(online)
    assert online("tick").code == 0
    assert phones.arrivals()["asked-viber=="] == 1
    put_back(online, copy)
    due(online, ago=timedelta(minutes=2), if_late="skip")  # so that there is something to do
    online("tick")
    assert phones.arrivals()["asked-viber=="] == 1
    assert [(row.state, row.reason) for row in ledger_rows(online)] == [("unknown", "unsettled-restored")]
    assert online("tick").said() == ""


def test_restored_shop_goes_on_with_what_the_owner_resumes(online, phones, tmp_path):
    """`db restore` says when; the next tick must not take it for a copy put back by hand, and pause again."""
    copy = online.data("db", "backup", tmp_path / "early.db")["file"]
    due(online)
    online("tick")
    put_back_by_command(online, copy)
    with opened(online) as shop:
        announce(shop, ["gold"])
    ran = online("tick")
    assert "older copy" not in ran.out
    assert ledger(online) == {"sent": REACHED, "skipped": 1}


def test_ledger_without_word_of_the_last_tick_is_taken_as_it_is(online, phones):
    due(online)
    online("tick")
    (online.folder / ".vipcast" / pulse.FILE).unlink()
    due(online)
    assert online.data("tick")["sent"] == REACHED


def test_deliveries_of_a_removed_account_are_told(vipcast):
    with opened(vipcast) as shop:
        announce(shop, ["gold"])
        with shop.database.write() as connection:
            connection.execute(update(deliveries).values(account="closed-down"))
    assert vipcast.problem("tick", code=5)["where"] == "closed-down"
