"""Draining one account: claim, send, write down; many in flight where repeating is safe, few where not.

The event loop carries the requests; the ledger's transactions run in one thread beside it, so that a
commit's wait for the disk is time in which answers come in. What has come in by then is written
together: one commit for many, and still every row is `sending` on disk before its request leaves.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import msgspec

from vipcast.clock import Clock
from vipcast.delivery.ledger import Claimed, Ledger, Step
from vipcast.delivery.outcomes import Outcome, State, failed, succeeded
from vipcast.delivery.pacing import Bucket
from vipcast.errors import Locked, StorageError
from vipcast.messengers.base import Message, Messenger, OutcomeUnknown, Rate, SendError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0  # a longer wait ends the drain; `announcement resume` or cron goes on
NETWORK_PATIENCE = 5  # network faults in a row, with nothing accepted between, before giving up for now
SMALL_WINDOW = 10  # as few as this go out together, and are waited for together
GATHERINGS = 20
GATHERING_SECONDS = 0.001
RECORD_TRIES = 10  # while the database cannot be written, results are kept and tried again


class Ended(enum.StrEnum):
    """Why a drain came to its end."""

    EMPTY = "empty"  # nothing left to do
    LIMIT = "limit"  # --limit was reached
    STOPPED = "stopped"  # asked to stop
    WAITING = "waiting"  # the rest is due later
    NETWORK = "network"  # the server is out of reach
    ACCOUNT = "account"  # the account may not send
    LOCKED = "locked"  # another process sends for it


@dataclass(frozen=True, slots=True)
class DrainResult:
    account: str
    ended: Ended
    sent: int
    resumes_at: datetime | None = None
    words: str = ""  # what the messenger or the network said last


class Sender:
    """Drains one account's deliveries through its open messenger."""

    def __init__(
        self,
        messenger: Messenger,
        ledger: Ledger,
        clock: Clock,
        *,
        rate: Rate,
        limit: int | None = None,
        stop: asyncio.Event | None = None,
        on_step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._messenger = messenger
        self._ledger = ledger
        self._clock = clock
        self._left = limit
        self._stop = stop or asyncio.Event()
        self._on_step = on_step
        self._window = messenger.capabilities.in_flight
        self._wave = max(self._window // 2, min(self._window, SMALL_WINDOW))
        self._bucket = Bucket(rate, clock.now())
        self._in_flight = 0
        self._finished: list[Outcome] = []
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._network_faults = 0
        self._sent = 0
        self._words = ""

    async def drain(self) -> DrainResult:
        """Send until nothing is due; what is in flight is always waited for and written down."""
        with ThreadPoolExecutor(1, thread_name_prefix="ledger") as thread:
            while True:
                outcomes, self._finished = self._finished, []
                self._wake.clear()
                step = await self._step(thread, outcomes)
                for claimed in step.claimed:
                    self._launch(claimed)
                self._on_step(sum(one.state is not State.QUEUED for one in outcomes))
                if step.claimed and self._room(self._clock.now()) > 0:
                    continue  # half a window went out; the other half follows while the first is on its way
                if self._in_flight:
                    await self._gather()
                elif not self._finished:
                    ended = await self._idle(step)
                    if ended:
                        at = step.paused_until or step.next_at if ended is Ended.WAITING else None
                        return DrainResult(
                            self._messenger.account.name, ended, self._sent, at, step.stopped or self._words
                        )

    async def _step(self, thread: ThreadPoolExecutor, outcomes: list[Outcome]) -> Step:
        """Do one step of the ledger, keeping the results through a time when it cannot be written."""
        loop = asyncio.get_running_loop()
        for attempt in range(1, RECORD_TRIES + 1):
            now = self._clock.now()
            try:
                step = await loop.run_in_executor(thread, self._ledger.step, outcomes, self._room(now), now)
                self._bucket.take(len(step.claimed))
                if self._left is not None:
                    self._left -= len(step.claimed)
            except (StorageError, Locked):
                if attempt == RECORD_TRIES or not outcomes:
                    raise
                await asyncio.sleep(min(attempt, 5))
            else:
                return step
        raise AssertionError("unreachable")  # pragma: no cover

    def _room(self, now: datetime) -> int:
        if self._stop.is_set() or self._network_faults >= NETWORK_PATIENCE:
            return 0
        room = min(self._window - self._in_flight, self._wave, self._bucket.available(now))
        return room if self._left is None else min(room, self._left)

    def _launch(self, claimed: Claimed) -> None:
        self._in_flight += 1
        task = asyncio.create_task(self._attempt(claimed))
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, claimed: Claimed) -> None:
        try:
            message = msgspec.json.decode(claimed.body, type=Message)
            sent = await self._messenger.send(claimed.address, claimed.peer, message, claimed.message_key)
            outcome = succeeded(claimed.id, claimed.attempt_token, sent, self._clock.now())
            self._network_faults = 0
            self._sent += 1
        except SendError as error:
            outcome = failed(claimed.id, claimed.attempt_token, error, claimed.attempts, self._clock.now())
            self._network_faults = self._network_faults + 1 if outcome.is_network_fault else 0
            self._words = error.words
        except Exception as error:
            # A fault of the program or a library: whether the message went out is not known.
            log.exception("sending delivery %s", claimed.id)
            unknown = OutcomeUnknown(f"unexpected {type(error).__name__}", remote_code="program-error")
            outcome = failed(claimed.id, claimed.attempt_token, unknown, claimed.attempts, self._clock.now())
            self._network_faults += 1
            self._words = unknown.words
        self._in_flight -= 1
        self._finished.append(outcome)
        self._wake.set()

    async def _gather(self) -> None:
        """Wait for answers: for the first, and then a moment for those close behind it."""
        await self._wake.wait()
        wanted = min(self._wave, self._in_flight + len(self._finished))
        for _ in range(GATHERINGS):
            before = len(self._finished)
            if before >= wanted:
                return
            await asyncio.sleep(GATHERING_SECONDS)
            if len(self._finished) == before:
                return

    async def _idle(self, step: Step) -> Ended | None:
        """Nothing is in flight: say why it is over, or wait for what is due soon and go on."""
        if ended := self._why_over(step):
            return ended
        now = self._clock.now()
        due = max(filter(None, (step.paused_until, step.next_at)), default=now)
        wait = max((due - now).total_seconds(), self._bucket.wait_seconds())
        if wait > PATIENCE_SECONDS:
            return Ended.WAITING
        try:
            async with asyncio.timeout(max(wait, 0.001)):
                await self._stop.wait()
        except TimeoutError:
            return None
        return Ended.STOPPED

    def _why_over(self, step: Step) -> Ended | None:
        if step.stopped:
            return Ended.ACCOUNT
        if self._stop.is_set():
            return Ended.STOPPED
        if step.next_at is None:
            return Ended.EMPTY
        if self._network_faults >= NETWORK_PATIENCE:
            return Ended.NETWORK
        if self._left is not None and self._left <= 0:
            return Ended.LIMIT
        return None
