"""The sandbox's memory on disk: one SQLite file.

Rows are collected and committed before anything that depends on them leaves the server, without ever
waiting for the disk. So a killed server remembers all that it ever answered; only a machine that loses
its power may forget the last moments, which a sandbox can bear.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import msgspec

from vipcast.errors import InputError
from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.model import Change, Key, Letter, SandboxUser, StoredFile

_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE keys (id BLOB PRIMARY KEY, data BLOB NOT NULL, salt INTEGER NOT NULL, user INTEGER NOT NULL);
CREATE TABLE letters (number INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE changes (n INTEGER PRIMARY KEY, user INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE files (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE contents (digest TEXT PRIMARY KEY, data BLOB NOT NULL);
"""
_GROUPS: Final = "CREATE TABLE groups (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
_PUT_META: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
_PUT_USER: Final = "INSERT OR REPLACE INTO users VALUES (?, ?)"
_PUT_GROUP: Final = "INSERT OR REPLACE INTO groups VALUES (?, ?)"
_PUT_KEY: Final = "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)"
_DROP_KEY: Final = "DELETE FROM keys WHERE id = ?"
_PUT_LETTER: Final = "INSERT OR REPLACE INTO letters VALUES (?, ?)"
_PUT_CHANGE: Final = "INSERT INTO changes (user, data) VALUES (?, ?)"
_PUT_FILE: Final = "INSERT OR REPLACE INTO files VALUES (?, ?)"
_PUT_CONTENT: Final = "INSERT OR IGNORE INTO contents VALUES (?, ?)"


class Store:
    """With no path, a store that keeps nothing and costs nothing."""

    def __init__(self, path: Path | None) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._database = _open(path) if path else None

    def put_meta(self, name: str, value: bytes) -> None:
        self._put(_PUT_META, name, value)

    def put_user(self, user: SandboxUser) -> None:
        if self._database:
            self._put(_PUT_USER, user.id, self._encode(user))

    def put_group(self, group: SandboxGroup) -> None:
        if self._database:
            self._put(_PUT_GROUP, group.key, self._encode(group))

    def put_key(self, key: Key) -> None:
        self._put(_PUT_KEY, _key_name(key), key.data, key.salt, key.user.id if key.user else 0)

    def drop_key(self, key: Key) -> None:
        self._put(_DROP_KEY, _key_name(key))

    def put_letter(self, letter: Letter) -> None:
        if self._database:
            self._put(_PUT_LETTER, letter.number, self._encode(letter))

    def put_change(self, user_id: int, change: Change) -> None:
        if self._database:
            self._put(_PUT_CHANGE, user_id, self._encode(change))

    def put_file(self, file: StoredFile, content: bytes) -> None:
        if self._database:
            self._put(_PUT_CONTENT, file.digest, content)
            self._put(_PUT_FILE, file.id, self._encode(file))

    def commit(self) -> None:
        """Hand what was put since the last time to the operating system, in one transaction."""
        if self._database is None or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        with self._database:
            self._database.execute("BEGIN")
            for statement, values in waiting:
                self._database.execute(statement, values)

    def close(self) -> None:
        """Commit and close; safe to call twice."""
        if self._database is not None:
            self.commit()
            self._database.close()
            self._database = None

    def meta(self, name: str) -> bytes | None:
        rows = list(self._rows("SELECT value FROM meta WHERE name = ?", name))
        return rows[0][0] if rows else None

    def users(self) -> Iterator[SandboxUser]:
        for (data,) in self._rows("SELECT data FROM users"):
            yield msgspec.msgpack.decode(data, type=SandboxUser)

    def groups(self) -> Iterator[SandboxGroup]:
        for (data,) in self._rows("SELECT data FROM groups ORDER BY abs(id)"):
            yield msgspec.msgpack.decode(data, type=SandboxGroup)

    def logins(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield key, salt and user id (0 for none)."""
        yield from self._rows("SELECT data, salt, user FROM keys")

    def letters(self) -> Iterator[Letter]:
        for (data,) in self._rows("SELECT data FROM letters ORDER BY number"):
            yield msgspec.msgpack.decode(data, type=Letter)

    def changes(self) -> Iterator[tuple[int, Change]]:
        for user_id, data in self._rows("SELECT user, data FROM changes ORDER BY n"):
            yield user_id, msgspec.msgpack.decode(data, type=Change)

    def files(self) -> Iterator[StoredFile]:
        for (data,) in self._rows("SELECT data FROM files"):
            yield msgspec.msgpack.decode(data, type=StoredFile)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        yield from self._rows("SELECT digest, data FROM contents")

    def _put(self, statement: str, *values: Any) -> None:
        if self._database is not None:
            self._waiting.append((statement, values))

    def _rows(self, query: str, *values: Any) -> Iterator[Any]:
        if self._database is not None:
            yield from self._database.execute(query, values)


def _key_name(key: Key) -> bytes:
    return key.id.to_bytes(8, "little")  # unsigned 64 bits: more than SQLite's own integers hold


def _open(path: Path) -> sqlite3.Connection:
    """Open or create the file, readable by its owner alone: it holds logins, if only of a sandbox."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with ExitStack() as stack:
            database = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            _prepare(database, path)
            stack.pop_all()  # all went well: it stays open
            return database
    except (OSError, sqlite3.Error) as error:
        raise InputError(
            f"The sandbox cannot keep its state in {path}: {error}.",
            hint="Name another file, or remove this one to begin afresh.",
            where=str(path),
        ) from error


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none yet."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version in (0, 1):  # 1: from before there were groups
        schema = _GROUPS if version else _SCHEMA + _GROUPS
        database.executescript(f"BEGIN; {schema} PRAGMA user_version = {_VERSION}; COMMIT;")
    elif version != _VERSION:
        raise InputError(
            f"The sandbox state in {path} was written by another version of vipcast.",
            hint="Remove the file to begin afresh.",
            where=str(path),
        )
