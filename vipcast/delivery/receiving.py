"""Receiving for all accounts at once: each event is committed first and acknowledged then.

The event loop carries the connections; one thread beside it writes, one event a transaction, so that
events of several accounts never meet in the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from vipcast.clock import Clock
from vipcast.config import Account
from vipcast.delivery import inbound
from vipcast.errors import Locked, StorageError
from vipcast.messengers.base import Event, Messenger
from vipcast.storage.database import Database

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_WAIT_SECONDS = 30.0  # between tries while the database cannot be written
DUPLICATES = "duplicates"


# Stores an event and does what it means; returns nothing, or what is false, where there was nothing to do.
Taker = Callable[[Connection, Account, Event, datetime], object]


class Intake:
    """Takes events; `counts` says how many of each kind, and how many had come before or mean nothing."""

    def __init__(self, database: Database, clock: Clock, take: Taker = inbound.take) -> None:
        self._database = database
        self._clock = clock
        self._take = take
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="inbound")
        self.counts: Counter[str] = Counter()
        self.is_busy = 0  # events that are being written
        self.taken = 0
        self.on_kept: Callable[[], None] = lambda: None  # called after each event that was new

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thread.shutdown()

    async def keep(self, account: Account, event: Event) -> None:
        """Store an event and apply it; once this returns, it is on disk.

        Raises:
            StorageError, Locked: it is not stored, and may be given again.

        """
        self.is_busy += 1
        try:
            loop = asyncio.get_running_loop()
            is_new = await loop.run_in_executor(self.thread, self._write, account, event)
        finally:
            self.is_busy -= 1
            self.taken += 1
        self.counts[str(event.kind) if is_new else DUPLICATES] += 1
        if is_new:
            self.on_kept()

    def _write(self, account: Account, event: Event) -> bool:
        with self._database.write() as connection:
            return bool(self._take(connection, account, event, self._clock.now()))

    def use(self, take: Taker) -> None:
        """Take events in another way from the next one on."""
        self._take = take

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with the database in the thread that writes, between two events."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def hear(self, messenger: Messenger, caught_up: Callable[[], None] = lambda: None) -> None:
        """Take all that a messenger pushes, until cancelled.

        Raises:
            LoginLost, AccountStopped: the account cannot receive.

        """
        async with aclosing(messenger.listen(caught_up)) as events:
            async for event in events:
                await self._keep_at_last(messenger.account, event)

    async def _keep_at_last(self, account: Account, event: Event) -> None:
        """Store an event, however long the database is shut; another fault stops only this one."""
        wait = 1.0
        while True:
            try:
                return await self.keep(account, event)
            except (StorageError, Locked) as error:
                log.warning("%s: an event waits to be stored: %s", account.name, error.message)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            except Exception as error:  # noqa: BLE001 - the next ones must not wait for it
                log.error(  # noqa: TRY400 - its words may name people
                    "%s: a %s could not be stored: %s", account.name, event.kind, type(error).__name__
                )
                return None
