"""A database that is busy, damaged or foreign, a full disk, a clock that went back: said, and nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commandline import write_csv


def test_database_in_use_by_another_program_is_exit_6(vipcast, monkeypatch):
    monkeypatch.setattr("vipcast.storage.sqlite.BUSY_SECONDS", 0)
    file = vipcast.folder / ".vipcast" / "vipcast.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        problem = vipcast.problem("group", "create", "silver", code=6)
    assert problem["code"] == "locked"
    assert "busy" in problem["message"]
    assert [group["name"] for group in vipcast.data("group", "list")] == ["gold"]


DAMAGE = {
    "garbage": lambda _: b"garbage" * 999,
    "cut short": lambda content: content[: len(content) // 3],
}


@pytest.fixture(params=DAMAGE)
def damaged(request, vipcast):
    """A shop whose database is damaged, and a backup of it."""
    vipcast.data("db", "backup", vipcast.folder / "backup.db")
    file = vipcast.folder / ".vipcast" / "vipcast.db"
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    file.write_bytes(DAMAGE[request.param](file.read_bytes()))
    return vipcast


def test_damaged_database_says_how_to_put_a_backup_back(damaged):
    problem = damaged.problem("group", "list", code=1)
    assert problem["code"] == "storage"
    assert "vipcast db restore" in problem["hint"]


def test_damaged_database_is_replaced_by_a_backup(damaged):
    assert damaged("db", "restore", damaged.folder / "backup.db", "--yes").code == 0
    assert len(damaged.data("member", "list")) == 6


def test_doctor_examines_a_shop_with_a_damaged_database(damaged):
    ran = damaged("doctor")
    assert ran.code == 5
    assert "db restore" in ran.out
    assert "free on the disk" in ran.out


def test_damaged_database_is_not_called_whole(damaged):
    ran = damaged("db", "check")
    assert ran.code == 1
    assert "restore" in ran.said()


def test_welcome_of_a_damaged_database_names_the_doctor(damaged):
    assert "vipcast doctor" in damaged().out


@pytest.mark.parametrize(("version", "words"), [("9999", "newer"), ("0000", "older")])
def test_database_of_another_version(vipcast, version, words):
    with closing(sqlite3.connect(vipcast.folder / ".vipcast" / "vipcast.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    problem = vipcast.problem("group", "list", code=1)
    assert words in problem["message"]
    assert problem["hint"]
    ran = vipcast("doctor")
    assert (ran.code, words in ran.out) == (5, True)


def test_backup_that_is_none_changes_nothing(vipcast):
    problem = vipcast.problem("db", "restore", vipcast.folder / "vipcast.toml", "--yes")
    assert "no vipcast database" in problem["message"]
    assert len(vipcast.data("member", "list")) == 6


def test_clock_that_went_back_is_found(vipcast):
    later = datetime(2099, 1, 1, tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    vipcast.data("announcement", "list")
    vipcast("send", "note", "--group", "gold", "--yes")  # nobody answers: it is planned all the same
    with closing(sqlite3.connect(vipcast.folder / ".vipcast" / "vipcast.db")) as connection, connection:
        assert connection.execute("UPDATE announcements SET created_at = ?", (later,)).rowcount == 1
    ran = vipcast("doctor")
    assert ran.code == 5
    assert "clock" in ran.out


# The disk.


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_full_disk_loses_nothing_and_says_so(vipcast):
    import resource  # noqa: PLC0415 - not on Windows

    def no_more_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    file = write_csv(vipcast.folder / "list.csv", "name;phone", *(f"M{i};+3630555{i:04}" for i in range(300)))
    for arguments in (
        ("group", "create", "silver"),
        ("member", "import", file),
        ("member", "export", "x.csv"),
    ):
        ran = vipcast.child(*arguments, preexec_fn=no_more_room, cwd=vipcast.folder)
        assert ran.code in (1, 2), arguments
        assert "→" in ran.err, arguments
    assert not (vipcast.folder / "x.csv").exists()
    assert list(vipcast.folder.glob("*.part")) == []
    assert len(vipcast.data("member", "list")) == 6
    assert vipcast("db", "check").code == 0


def test_state_folder_that_cannot_be_used_has_no_trace(vipcast):
    shutil.rmtree(vipcast.folder / ".vipcast")
    (vipcast.folder / ".vipcast").write_text("a file", encoding="utf-8")
    for arguments in (("group", "list"), (), ("doctor",)):
        ran = vipcast.child(*arguments)
        assert ran.code in (0, 1, 5)
        assert ran.said().strip()


def test_fault_of_ours_is_one_line_with_the_trace_in_the_log(vipcast, monkeypatch):
    monkeypatch.setattr("vipcast.members.roster.count", _fail)
    ran = vipcast("member", "list")
    assert ran.code == 1
    assert "Unexpected RuntimeError" in ran.err
    assert "--debug" in ran.err
    assert "Traceback" in (vipcast.folder / ".vipcast" / "vipcast.log").read_text(encoding="utf-8")


def test_fault_of_ours_where_no_log_can_be_written_is_one_line_too(vipcast, monkeypatch):
    monkeypatch.setattr("vipcast.members.roster.count", _fail)
    (vipcast.folder / ".vipcast" / "vipcast.log").mkdir()
    ran = vipcast("member", "list")
    assert ran.code == 1
    assert "Logging error" not in ran.err


def _fail(*_: object) -> None:
    raise RuntimeError("a fault of ours")
