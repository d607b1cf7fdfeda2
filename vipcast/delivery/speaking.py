"""Saying what conversations queue, through a messenger that stays open: one speaker an account.

`send` opens an account, drains it and leaves. A speaker stays, under the account's lease for the lane
`TALK`, looks into the ledger when it is woken and every second, and sends what is due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path

from vipcast.clock import Clock
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope, clear_stop
from vipcast.delivery.pacing import rate_for
from vipcast.delivery.sender import Allowance, DrainResult, Ended, Sender
from vipcast.errors import Locked, StorageError
from vipcast.messengers.base import Messenger, Rate
from vipcast.storage.database import Database

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # how soon something that another process has queued is seen
AGAIN_SECONDS = {Ended.NETWORK: 5.0, Ended.WAITING: 5.0, Ended.ACCOUNT: 30.0}
# An answer goes to somebody who has written: what limits first contacts does not limit it.
RATE = Rate(per_second=20.0, burst=30)


class Speaker:
    """One account's voice in conversations; `on_drained` hears what each drain came to."""

    def __init__(
        self,
        messenger: Messenger,
        database: Database,
        clock: Clock,
        *,
        thread: Executor,
        stop: asyncio.Event,
        on_drained: Callable[[DrainResult], Awaitable[None]],
    ) -> None:
        self._messenger = messenger
        self._database = database
        self._clock = clock
        self._thread = thread
        self._stop = stop
        self._on_drained = on_drained
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self.is_at_rest = asyncio.Event()  # nothing is due, or nothing can be sent now

    def wake(self) -> None:
        self.is_at_rest.clear()
        self._woken.set()

    async def speak(self, locks: Path) -> None:
        """Send what is due until `stop` is set; what is in flight then is waited for and written down.

        Raises:
            Locked: another process speaks for the account.
            StorageError: the database cannot be written for long.

        """
        name = self._messenger.account.name
        with acquire(self._database, locks, name, self._clock, Lane.TALK) as lease:
            scope = Scope(name, self._messenger.capabilities.idempotent, lane=Lane.TALK)
            ledger = Ledger(self._database, lease, scope)
            while not self._stop.is_set():
                self._woken.clear()
                wait = LOOK_SECONDS
                if await self._is_due(ledger):
                    result = await self._drain(ledger)
                    await self._on_drained(result)
                    if result.ended is Ended.EMPTY:
                        continue  # something may have come in while the last one went out
                    wait = AGAIN_SECONDS.get(result.ended, LOOK_SECONDS)
                await self._rest(wait)

    def forgive(self) -> None:
        """Let the account send again after its login was proved anew."""
        self._thread.submit(self._forgive)

    def _forgive(self) -> None:
        try:
            with self._database.write() as connection:
                clear_stop(connection, self._messenger.account.name, code="login")
        except (StorageError, Locked) as error:
            log.warning("%s: the end of a stop waits: %s", self._messenger.account.name, error.message)
        self._loop.call_soon_threadsafe(self.wake)

    async def _is_due(self, ledger: Ledger) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, ledger.is_due, self._clock.now())

    async def _drain(self, ledger: Ledger) -> DrainResult:
        sender = Sender(
            self._messenger,
            ledger,
            self._clock,
            rate=rate_for(self._messenger.account, RATE),
            allowance=Allowance(None),
            stop=self._stop,
            thread=self._thread,
            patience_seconds=LOOK_SECONDS,
        )
        return await sender.drain()

    async def _rest(self, seconds: float) -> None:
        self.is_at_rest.set()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
