"""The open database: read and write transactions, and one translation of the driver's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from vipcast.errors import Locked, StorageError
from vipcast.storage import sqlite, tables_chats  # noqa: F401 - the tables belong to the schema
from vipcast.storage.columns import metadata
from vipcast.storage.tables import HEAD

VERSION_TABLE = "alembic_version"


class Database:
    """One transaction is one business step: `write()` commits it whole or not at all."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.engine = engine
        self.where = where

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one consistent state."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection that holds the write lock from its first moment; commit at the end."""
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(vipcast_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def erase_traces(self) -> None:
        """Move everything out of the journal, where deleted texts would linger."""
        with self._translated(), self.engine.connect() as connection:
            sqlite.checkpoint(connection)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, DatabaseError) as error:
            raise _explain(error, self.where) from error


def open_database(state: Path, *, create: bool = True) -> Database:
    """Open the shop's database in its state folder, making a new one at HEAD where there is none.

    Raises:
        StorageError: it is older or newer than this program, damaged, or cannot be written.

    """
    path = state / sqlite.FILE
    try:
        if create and not path.exists():
            _create(state, path)
        database = Database(sqlite.make_engine(path), str(path))
        found = version(database)
    except PermissionError as error:
        raise StorageError(
            f"The state folder cannot be written: {error.filename}.",
            hint="Check who owns the shop's folder and its rights.",
            where=str(state),
        ) from error
    if found != HEAD:
        database.close()
        raise _wrong_version(found, path)
    return database


def version(database: Database) -> str | None:
    """Return the schema's version, None where there is no schema."""
    with database.read() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.execute(select(text("version_num")).select_from(text(VERSION_TABLE))).scalar()


def create_schema(connection: Connection) -> None:
    """Make all tables of HEAD, as all migrations together would."""
    metadata.create_all(connection)
    connection.exec_driver_sql(
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
        f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')")  # noqa: S608 - constants


def _create(state: Path, path: Path) -> None:
    """Make the database beside its place and move it there whole: no one ever meets half of one."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.new")
    try:
        with FileLock(state / "schema.lock", timeout=sqlite.BUSY_SECONDS):
            if path.exists():
                return
            for leftover in state.glob(f"{partial.name}*"):
                leftover.unlink()
            sqlite.make_private_file(partial)
            database = Database(sqlite.make_engine(partial), str(path))
            with database.write() as connection:
                create_schema(connection)
            database.close()
            partial.replace(path)
    except Timeout as error:
        raise Locked(
            "Another vipcast is making this shop's database.", hint="Try again in a minute.", where=str(path)
        ) from error


def _wrong_version(found: str | None, path: Path) -> StorageError:
    if found is None:
        return StorageError(
            f"{path.name} is no vipcast database.",
            hint="Put back a backup with `vipcast db restore FILE`.",
            where=str(path),
        )
    if found < HEAD:
        return StorageError(
            f"The database is of an older vipcast (schema {found}, this one needs {HEAD}).",
            hint="Run `vipcast db upgrade`; it makes a backup first.",
            where=str(path),
        )
    return StorageError(
        f"The database is of a newer vipcast (schema {found}, this one knows {HEAD}).",
        hint="Install the newer vipcast: pip install --upgrade vipcast",
        where=str(path),
    )


def _explain(error: DatabaseError, where: str) -> StorageError | Locked:
    words = str(error.orig)
    if "locked" in words or "busy" in words:
        return Locked(
            "The database is busy: another program holds it.",
            hint="Close it (a backup, a database browser, a sync program) and try again.",
            where=where,
        )
    hints = {
        "full": ("The disk is full: nothing of this step was written.", "Free some space and run it again."),
        "readonly": ("The database cannot be written.", "Check the rights of the shop's folder."),
        "unable to open": ("The database cannot be opened.", "Check the rights of the shop's folder."),
        "not a database": ("The database file is damaged.", "Put back a backup: `vipcast db restore FILE`."),
        "malformed": ("The database file is damaged.", "Put back a backup: `vipcast db restore FILE`."),
        "disk i/o": (
            "The disk does not take or give data: it may be full.",
            "Check it, then run `vipcast db check`.",
        ),
    }
    for part, (message, hint) in hints.items():
        if part in words.lower():
            return StorageError(message, hint=hint, where=where)
    return StorageError(f"The database refused: {words}.", hint="Run `vipcast db check`.", where=where)
