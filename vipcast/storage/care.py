"""The database as a file: backup, restore, check, upgrade."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from vipcast.errors import InputError, Locked, StorageError
from vipcast.storage import sqlite
from vipcast.storage.database import VERSION_TABLE, Database, version
from vipcast.storage.tables import HEAD


def backup_file(state: Path, now: datetime, target: Path | None = None) -> Path:
    """Copy the database as one consistent whole, also while it is written to; return where."""
    source = _existing(state)
    if target is None:
        stem = state / "backups" / f"{now:%Y-%m-%d-%H%M%S}"
        names = (stem.with_name(f"{stem.name}{f'-{n}' if n else ''}.db") for n in count())
        target = next(path for path in names if not path.exists())
    elif target.exists():
        raise InputError(f"{target} exists already.", hint="Choose another name.", where=str(target))
    try:
        sqlite.make_private_file(target)
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise StorageError(
            f"The backup {target} could not be written: {error}.", where=str(target)
        ) from error
    return target


def check_file(state: Path) -> list[str]:
    """Return what is wrong with the database; empty where nothing is."""
    with closing(sqlite3.connect(_existing(state))) as connection:
        try:
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            tables = "SELECT 1 FROM sqlite_master WHERE name = ?"
            if not connection.execute(tables, (VERSION_TABLE,)).fetchone():
                faults.append("it is no vipcast database: its tables are missing")
            faults += [
                f"row {row[1]} of {row[0]} points to a missing row of {row[2]}"
                for row in connection.execute("PRAGMA foreign_key_check")
            ]
        except sqlite3.DatabaseError as error:
            return [f"the file is damaged: {error}"]
    return faults


def check_backup(file: Path) -> str:
    """Return the schema version of a backup.

    Raises:
        InputError: it is no vipcast database, or of a newer vipcast.

    """
    if not file.is_file():
        raise InputError(
            f"There is no file {file}.", hint="Backups lie in .vipcast/backups.", where=str(file)
        )
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
            whole = connection.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise InputError(f"{file.name} is no vipcast database.", where=str(file)) from error
    if not found or whole != ("ok",):
        raise InputError(f"{file.name} is damaged.", where=str(file))
    if found[0] > HEAD:
        raise InputError(
            f"{file.name} is of a newer vipcast (schema {found[0]}).",
            hint="Install the newer vipcast first.",
            where=str(file),
        )
    return str(found[0])


def restore_file(state: Path, file: Path, now: datetime) -> Path | None:
    """Put a backup in the place of the database; return where the present one is kept.

    What was unfinished in it is paused: nothing from the past may be sent by itself.

    Raises:
        Locked: an account is sending.

    """
    locks = state / "locks"
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = []
    try:
        for path in sorted(locks.glob("account-*.lock")):
            lock = FileLock(path, timeout=0)
            lock.acquire()
            held.append(lock)
        current = state / sqlite.FILE
        kept = _set_aside(state, current, now) if current.exists() else None
        partial = state / f"{sqlite.FILE}.restoring"
        sqlite.make_private_file(partial)
        shutil.copyfile(file, partial)
        for suffix in ("-wal", "-shm"):
            Path(f"{current}{suffix}").unlink(missing_ok=True)
        partial.replace(current)
        with closing(sqlite3.connect(current)) as connection, connection:
            connection.execute(
                "UPDATE announcements SET state = 'paused', state_reason = 'restored from a backup' "
                "WHERE state IN ('planned', 'running')"
            )
            # Nothing of a schedule that lies before now fires by itself: see schedules.firing.
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schedules'").fetchone():
                connection.execute(
                    "INSERT OR REPLACE INTO meta VALUES ('restored_at', ?)", (now.isoformat(),)
                )
                connection.execute(  # what was to be said then may have been said since
                    "UPDATE deliveries SET state = 'unknown', reason = 'unsettled-restored' "
                    "WHERE announcement_id IS NULL AND state IN ('queued', 'sending')"
                )
    except Timeout as error:
        raise Locked(
            "An account is sending just now.", hint="Wait until it is done, or stop it.", where=str(state)
        ) from error
    finally:
        for lock in held:
            lock.release()
    return kept


def _set_aside(state: Path, current: Path, now: datetime) -> Path:
    """Back up the present database; one that is damaged is kept as it is."""
    try:
        return backup_file(state, now)
    except StorageError:
        target = state / "backups" / f"{now:%Y-%m-%d-%H%M%S}-damaged.db"
        sqlite.make_private_file(target)
        shutil.copyfile(current, target)
        return target


def upgrade_file(state: Path, now: datetime) -> tuple[str, str, Path | None]:
    """Bring the database to HEAD in one transaction; return (was, is, the backup made first)."""
    path = _existing(state)
    database = Database(sqlite.make_engine(path), str(path))
    try:
        before = version(database)
        if before is None:
            raise StorageError(f"{path.name} is no vipcast database.", where=str(path))
        if before > HEAD:
            raise StorageError(
                f"The database is of a newer vipcast (schema {before}).",
                hint="Install the newer vipcast: pip install --upgrade vipcast",
                where=str(path),
            )
        if before == HEAD:
            return before, HEAD, None
        from vipcast.storage.upgrade import upgrade  # noqa: PLC0415 - Alembic takes half a second

        backup = backup_file(state, now)
        upgrade(database)
    finally:
        database.close()
    return before, HEAD, backup


def _existing(state: Path) -> Path:
    path = state / sqlite.FILE
    if not path.is_file():
        raise InputError(
            "This shop has no database yet.", hint="It is made with the first import.", where=str(path)
        )
    return path
