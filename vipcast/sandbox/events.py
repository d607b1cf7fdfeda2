"""What happened in the sandbox, one JSON line an event, so that tests and people can count."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from vipcast.clock import Clock, SystemClock
from vipcast.errors import InputError

OWNER_ONLY = 0o600
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class EventLog:
    """An append-only log in memory and, with a path, in a file that a killed process leaves whole.

    Each line is handed to the operating system at once and never synced to disk: the log outlives the
    process, not the machine. Use it from any thread.
    """

    def __init__(self, path: Path | None = None, *, clock: Clock | None = None) -> None:
        self.path: Path | None = None
        self.events: list[dict[str, Any]] = []
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._encode = msgspec.json.Encoder().encode
        self._file: BinaryIO | None = None
        if path is not None:
            self.write_to(path)

    def write_to(self, path: Path) -> None:
        """Append later events to this file.

        Raises:
            InputError: it cannot be written.

        """
        try:
            descriptor = os.open(path, _APPEND, OWNER_ONLY)
        except OSError as error:
            raise InputError(
                f"The sandbox cannot write its log {path}: {error.strerror}.",
                hint="Name a folder that exists and that you may write to.",
                where=str(path),
            ) from error
        self.close()
        self.path, self._file = path, os.fdopen(descriptor, "ab", buffering=0)

    def record(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Append one event and return it: `at` (ISO, UTC), `event`, then `fields` as given."""
        event: dict[str, Any] = {"at": self._clock.now().isoformat(), "event": kind, **fields}
        line = self._encode(event) + b"\n"
        with self._lock:
            self.events.append(event)
            if self._file is not None:
                self._file.write(line)
        return event

    def after(self, count: int) -> list[dict[str, Any]]:
        """Return the events of this run after its first `count` ones."""
        with self._lock:
            return self.events[max(count, 0) :]

    def close(self) -> None:
        """Close the file; later events stay in memory. Safe to call twice."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
