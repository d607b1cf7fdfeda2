"""What is SQLite's own: the engine's settings and where the file lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from vipcast.places import DATABASE

BUSY_SECONDS = 30
FILE = DATABASE


def make_engine(path: Path) -> Engine:
    """Return an engine on the file: WAL, full synchronous commits, foreign keys, explicit BEGIN.

    Without synchronous=FULL a power cut may forget the `sending` mark of a message that went out.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 must not begin by itself; `begin` below does
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what `member forget` deletes is overwritten
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(str(connection.get_execution_options().get("vipcast_begin", "BEGIN")))

    return engine


def make_private_file(path: Path) -> None:
    """Create the file 0600 in a 0700 folder; its journal files inherit that."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def checkpoint(connection: Connection) -> None:
    """Write the journal into the file and empty it, where no other process is in the way."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
