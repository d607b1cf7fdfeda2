"""The database file: one schema however it came to be, nobody else's eyes, and care that loses nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import insert, inspect, select, text
from support import START, FixedClock, announce, rows, seat_members

from vipcast.delivery.lease import acquire
from vipcast.errors import InputError, Locked, StorageError
from vipcast.shop import Shop
from vipcast.storage import care, sqlite
from vipcast.storage.database import Database, open_database
from vipcast.storage.tables import HEAD, conversations, groups, inbound, meta
from vipcast.storage.upgrade import _config, head, upgrade


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def database(state):
    opened = open_database(state)
    yield opened
    opened.close()


def empty_database(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return Database(sqlite.make_engine(path), str(path))


def options_of(index):
    """Return an index's options with their SQL as text."""
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


def schema_of(database):
    """Return everything that a schema consists of, in comparable words."""
    found = {}
    with database.read() as connection:
        looking = inspect(connection)
        for table in sorted(looking.get_table_names()):
            found[table] = {
                "columns": sorted(  # a migration adds its columns at the end; their order means nothing
                    (c["name"], str(c["type"]), c["nullable"], str(c["default"]), c["primary_key"])
                    for c in looking.get_columns(table)
                ),
                "key": looking.get_pk_constraint(table),
                "foreign": sorted(map(str, looking.get_foreign_keys(table))),
                "unique": sorted(map(str, looking.get_unique_constraints(table))),
                "indexes": sorted(
                    (one["name"], one["column_names"], one["unique"], options_of(one))
                    for one in looking.get_indexes(table)
                ),
            }
    return found


def test_a_fresh_schema_is_the_migrated_schema(database, tmp_path):
    migrated = empty_database(tmp_path / "migrated.db")
    upgrade(migrated)
    fresh, other = schema_of(database), schema_of(migrated)
    migrated.close()
    assert set(fresh) == set(other)
    for table, parts in fresh.items():
        assert parts == other[table], table


def test_messages_from_before_conversations_get_theirs(tmp_path):
    old = empty_database(tmp_path / "old.db")
    with old.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO members (id, name, name_key, created_at, updated_at)"
                " VALUES (1, 'Anna', 'anna', '2026-11-01 10:00:00', '2026-11-01 10:00:00')"
            )
        )
        for number, member, address in ((1, 1, "@anna"), (2, 1, "+36301234567"), (3, None, "@stranger")):
            connection.execute(
                text(
                    "INSERT INTO inbound (account, messenger, kind, address, remote_id, at, recorded_at, member_id)"
                    " VALUES ('news', 'telegram', 'message', :a, :n, '2026-11-02 10:00:00', '2026-11-02', :m)"
                ),
                {"a": address, "n": str(number), "m": member},
            )
    upgrade(old)
    with old.read() as connection:
        talks = connection.execute(
            select(
                inbound.c.remote_id, conversations.c.id, conversations.c.member_id, conversations.c.address
            )
            .join(conversations, conversations.c.id == inbound.c.conversation_id)
            .order_by(inbound.c.id)
        ).all()
    old.close()
    assert [row.remote_id for row in talks] == ["1", "2", "3"]
    assert talks[0].id == talks[1].id != talks[2].id
    assert (talks[0].member_id, talks[0].address) == (1, "+36301234567")
    assert (talks[2].member_id, talks[2].address) == (None, "@stranger")


def test_the_programs_schema_is_the_newest_migration():
    assert head() == HEAD


def test_nobody_else_may_read_the_state(database, state):
    with database.write() as connection:
        connection.execute(insert(meta).values(key="a", value="b"))
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for path in state.glob("vipcast.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_a_loose_umask_opens_nothing(tmp_path):
    before = os.umask(0)
    try:
        open_database(tmp_path / "state").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "vipcast.db").stat().st_mode) == 0o600


def set_version(state, version):
    with closing(sqlite3.connect(state / "vipcast.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


@pytest.mark.parametrize(
    ("version", "words", "command"),
    [("0000", "older", "vipcast db upgrade"), ("9999", "newer", "pip install --upgrade vipcast")],
)
def test_another_schema_is_refused_with_the_command(database, state, version, words, command):
    database.close()
    set_version(state, version)
    with pytest.raises(StorageError, match=words) as caught:
        open_database(state)
    assert command in caught.value.hint
    assert str(state / "vipcast.db") in caught.value.where


def test_a_file_of_another_program_is_refused(state):
    state.mkdir()
    with closing(sqlite3.connect(state / "vipcast.db")) as connection, connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StorageError, match="no vipcast database"):
        open_database(state)
    with closing(sqlite3.connect(state / "vipcast.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_a_file_that_is_no_database_is_refused(state):
    state.mkdir()
    (state / "vipcast.db").write_bytes(b"This is a text file, not a database. " * 100)
    with pytest.raises(StorageError, match=r"damaged|no vipcast database") as caught:
        open_database(state)
    assert "vipcast db restore" in caught.value.hint


def test_what_a_dying_process_left_half_made_is_made_anew(state):
    """The database is made beside its place: who dies over it, or looks meanwhile, must not be stuck."""
    state.mkdir()
    (state / "vipcast.db.new").write_bytes(b"half")
    open_database(state).close()
    assert care.check_file(state) == []
    assert not list(state.glob("vipcast.db.new*"))


def test_an_empty_file_is_a_damaged_one_and_no_new_shop(state):
    state.mkdir()
    (state / "vipcast.db").touch(mode=0o600)
    with pytest.raises(StorageError, match="no vipcast database"):
        open_database(state)


def test_a_transaction_that_fails_writes_nothing(database):
    def fail_halfway(connection):
        connection.execute(insert(meta).values(key="a", value="b"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.write() as connection:
        fail_halfway(connection)
    with database.read() as connection:
        assert connection.execute(meta.select()).all() == []


def test_a_database_held_by_another_program_says_so(state, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    database = open_database(state)
    with closing(sqlite3.connect(state / "vipcast.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Locked, match="busy"), database.write():
            pytest.fail("two write at once")
        other.execute("ROLLBACK")
    with database.write():
        pass
    database.close()


def test_a_commit_waits_for_the_disk(database):
    with database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


@pytest.mark.parametrize("moment", [datetime(2026, 11, 23, 9, 30)])  # noqa: DTZ001 - the point
def test_a_moment_without_a_zone_is_never_stored(database, moment):
    with pytest.raises(Exception, match="without a time zone"), database.write() as connection:
        connection.execute(insert(groups).values(name="gold", cap=15, created_at=moment))


def count_announcements(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM announcements").fetchone()[0]


class TestCare:
    def test_a_backup_holds_what_is_there_and_is_private(self, shop):
        announce(shop, seat_members(shop, 3, "telegram"))
        target = care.backup_file(shop.config.state, START)
        assert target.parent == shop.config.state / "backups"
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        with closing(sqlite3.connect(target)) as connection:
            assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (3,)
        assert care.check_backup(target) == HEAD

    def test_a_backup_never_overwrites(self, shop, tmp_path):
        seat_members(shop, 1, "telegram")
        (tmp_path / "there.db").write_text("precious")
        with pytest.raises(InputError, match="exists already"):
            care.backup_file(shop.config.state, START, tmp_path / "there.db")
        assert (tmp_path / "there.db").read_text() == "precious"

    def test_two_backups_in_one_second_are_two(self, shop):
        groups = seat_members(shop, 1, "telegram")
        first = care.backup_file(shop.config.state, START)
        announce(shop, groups)
        second = care.backup_file(shop.config.state, START)
        assert [count_announcements(path) for path in (first, second)] == [0, 1]

    def test_a_restored_backup_is_as_it_was_but_sends_nothing_by_itself(self, shop):
        groups = seat_members(shop, 3, "telegram")
        announcement = announce(shop, groups)
        backup = care.backup_file(shop.config.state, START)
        announce(shop, groups, is_new=True)
        shop.database.close()
        kept = care.restore_file(shop.config.state, backup, START + timedelta(minutes=1))
        assert care.check_backup(kept) == HEAD
        assert [count_announcements(path) for path in (backup, kept)] == [1, 2]
        with Shop.open(shop.config.folder, {}, FixedClock()) as again:
            assert [(row.announcement_id, row.state) for row in rows(again)] == [
                (announcement.id, "queued")
            ] * 3
            with again.database.read() as connection:
                state = connection.exec_driver_sql("SELECT state, state_reason FROM announcements").all()
        assert state == [("paused", "restored from a backup")]
        assert stat.S_IMODE((shop.config.state / "vipcast.db").stat().st_mode) == 0o600

    def test_nothing_is_restored_while_an_account_sends(self, shop):
        announce(shop, seat_members(shop, 1, "telegram"))
        backup = care.backup_file(shop.config.state, START)
        with acquire(shop.database, shop.locks, "news", shop.clock), pytest.raises(Locked):
            care.restore_file(shop.config.state, backup, START)

    def test_what_is_no_backup_is_told_before_anything_is_touched(self, tmp_path):
        (tmp_path / "text.db").write_bytes(b"no database " * 200)
        with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
            connection.execute("CREATE TABLE songs (name TEXT)")
        for name in ("text.db", "other.db", "missing.db"):
            with pytest.raises(InputError):
                care.check_backup(tmp_path / name)
        (tmp_path / "empty.db").touch()
        with pytest.raises(InputError):
            care.check_backup(tmp_path / "empty.db")

    def test_a_backup_of_a_newer_vipcast_is_refused(self, shop):
        seat_members(shop, 1, "telegram")
        backup = care.backup_file(shop.config.state, START)
        with closing(sqlite3.connect(backup)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(InputError, match="newer"):
            care.check_backup(backup)

    def test_damage_is_found(self, shop):
        announce(shop, seat_members(shop, 20, "telegram"))
        assert care.check_file(shop.config.state) == []
        shop.database.erase_traces()
        shop.database.close()
        path = shop.config.state / "vipcast.db"
        content = bytearray(path.read_bytes())
        content[4096 * 3 : 4096 * 5] = os.urandom(4096 * 2)
        path.write_bytes(content)
        assert care.check_file(shop.config.state) != []

    def test_rows_that_point_nowhere_are_found(self, database, state):
        database.close()
        with closing(sqlite3.connect(state / "vipcast.db")) as connection, connection:
            connection.execute(
                "INSERT INTO addresses (member_id, messenger, address) VALUES (99, 'telegram', '@x')"
            )
        assert "addresses" in care.check_file(state)[0]

    def test_an_up_to_date_database_is_left_alone(self, database, state):
        database.close()
        assert care.upgrade_file(state, START) == (HEAD, HEAD, None)

    def test_without_a_database_each_says_so(self, state):
        state.mkdir()
        for work in (
            care.check_file,
            lambda s: care.backup_file(s, START),
            lambda s: care.upgrade_file(s, START),
        ):
            with pytest.raises(InputError, match="no database yet"):
                work(state)
