"""Draining one account: claim, send, write down; many in flight where repeating is safe, few where not.

The event loop carries the requests; the ledger's transactions run in one thread beside it, so that a
commit's wait for the disk is time in which answers come in. What has come in by then is written
together: one commit for many, and still every row is `sending` on disk before its request leaves.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from vipcast.clock import Clock
from vipcast.delivery.lease import LeaseLost
from vipcast.delivery.ledger import Claimed, Ledger, Step
from vipcast.delivery.outcomes import Outcome, State, backoff_seconds, failed, succeeded
from vipcast.delivery.pacing import Bucket
from vipcast.errors import Locked, StorageError
from vipcast.messengers.base import Message, Messenger, OutcomeUnknown, Rate, SendError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0  # a longer wait ends the drain; `announcement resume` or cron goes on
# Rounds of network faults, with nothing accepted between, before giving up for now. Between them the wait
# doubles from a second on, and one request goes out alone to see whether the network is back.
FAULTY_ROUNDS = 5
FAULTY_ROUNDS_UNREPEATABLE = 2  # each may leave a delivery unknown for good
STOPPED_HINTS = {
    "login": "Log in again: vipcast account add {name}",
    # Telegram's PEER_FLOOD most of all. @SpamBot is Telegram's own, and tells until when a limit lasts.
    "limited": (
        "Messengers limit accounts that write to or add people who do not know them. Nothing more is sent "
        "from {name}, and nothing is lost: its queue stays, other accounts go on. Ask @SpamBot from that "
        "account on Telegram, elsewhere the messenger, and wait; when it is free: "
        "vipcast account check {name} --clear. Ask members to write first, or lower first_contacts_per_day."
    ),
}
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
    hint: str = ""  # what to do about it


class Allowance:
    """How many may still go out (`--limit`), shared by all accounts of a drain; None for no limit."""

    def __init__(self, limit: int | None) -> None:
        self._left = limit
        self._reserved = 0

    def take(self, wanted: int) -> int:
        """Reserve up to `wanted`; return how many were granted, to be settled."""
        granted = wanted if self._left is None else min(wanted, self._left)
        self._reserved += granted
        if self._left is not None:
            self._left -= granted
        return granted

    def settle(self, granted: int, used: int) -> None:
        """Give back what was reserved and not used."""
        self._reserved -= granted
        if self._left is not None:
            self._left += granted - used

    @property
    def is_used_up(self) -> bool:
        """Nothing is left, and nobody will give anything back."""
        return self._left == 0 and not self._reserved


class Patience:
    """Counts rounds in which the network failed and nothing was accepted, and waits longer after each."""

    def __init__(self, rounds: int) -> None:
        self._most = rounds
        self._rounds = 0
        self._until: datetime | None = None

    def hear(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        if any(one.state is State.SENT for one in outcomes):
            self._rounds, self._until = 0, None
        elif any(one.is_network_fault for one in outcomes):
            self._rounds += 1
            self._until = now + timedelta(seconds=backoff_seconds(self._rounds))

    @property
    def is_over(self) -> bool:
        return self._rounds >= self._most

    def room(self, now: datetime) -> int | None:
        """Return how many requests may try the network: none while waiting, one after that, None for any."""
        if self._until is None:
            return None
        return 0 if self.is_over or now < self._until else 1

    def wait_seconds(self, now: datetime) -> float:
        return (self._until - now).total_seconds() if self._until else 0.0


class Sender:
    """Drains one account's deliveries through its open messenger."""

    def __init__(
        self,
        messenger: Messenger,
        ledger: Ledger,
        clock: Clock,
        *,
        rate: Rate,
        allowance: Allowance,
        stop: asyncio.Event | None = None,
        on_step: Callable[[int], None] = lambda _: None,
        thread: Executor | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Make ready to drain; the ledger's steps run in `thread`, where one is given to be shared.

        A wait of more than `patience_seconds` ends the drain.
        """
        able = messenger.capabilities
        self._messenger = messenger
        self._ledger = ledger
        self._clock = clock
        self._allowance = allowance
        self._stop = stop or asyncio.Event()
        self._on_step = on_step
        self._thread = thread
        self._patience_seconds = patience_seconds
        self._window = able.in_flight
        self._wave = max(self._window // 2, min(self._window, SMALL_WINDOW))
        self._bucket = Bucket(rate, clock.now())
        self._patience = Patience(FAULTY_ROUNDS if able.idempotent else FAULTY_ROUNDS_UNREPEATABLE)
        self._in_flight = 0
        self._finished: list[Outcome] = []
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent = 0
        self._words = ""

    async def drain(self) -> DrainResult:
        """Send until nothing is due; what is in flight is always waited for and written down.

        Raises:
            LeaseLost: another process has the account now.
            StorageError: the database cannot be written for long.

        """
        with nullcontext(self._thread) if self._thread else ThreadPoolExecutor(1, "ledger") as thread:
            try:
                while True:
                    if result := await self._round(thread):
                        return result
            except (StorageError, Locked):
                await self._record_late()
                raise

    async def _round(self, thread: Executor) -> DrainResult | None:
        """Write down what has come in, send what may go, and wait for more; return the end's result."""
        self._wake.clear()
        step = await self._step(thread)
        for claimed in step.claimed:
            self._launch(claimed)
        if step.claimed and self._room(self._clock.now()) > 0:
            return None  # half a window went out; the other half follows while the first is on its way
        if self._in_flight:
            await self._gather()
        elif not self._finished and (ended := await self._idle(step)):
            at = step.paused_until or step.next_at if ended is Ended.WAITING else None
            name = self._messenger.account.name
            hint = STOPPED_HINTS[step.stopped_code].format(name=name) if step.stopped else ""
            return DrainResult(name, ended, self._sent, at, step.stopped or self._words, hint)
        return None

    async def _step(self, thread: Executor) -> Step:
        """Do one step of the ledger, keeping the results through a time when it cannot be written."""
        loop = asyncio.get_running_loop()
        outcomes, self._finished = self._finished, []
        for attempt in range(1, RECORD_TRIES + 1):
            now = self._clock.now()
            granted = self._allowance.take(self._room(now))
            try:
                step = await loop.run_in_executor(thread, self._ledger.step, outcomes, granted, now)
            except (StorageError, Locked) as error:
                self._allowance.settle(granted, 0)
                if attempt == RECORD_TRIES or isinstance(error, LeaseLost):
                    self._finished += outcomes
                    raise
                await asyncio.sleep(min(attempt, 5))
            else:
                self._allowance.settle(granted, len(step.claimed))
                self._bucket.take(len(step.claimed))
                self._patience.hear(outcomes, now)
                self._on_step(sum(one.state is not State.QUEUED for one in outcomes))
                return step
        raise AssertionError("unreachable")  # pragma: no cover

    async def _record_late(self) -> None:
        """Wait for what is in flight and try once more to write down what became of it."""
        await asyncio.gather(*self._tasks)
        try:
            self._ledger.record_late(self._finished, self._clock.now())
        except (StorageError, Locked):
            log.exception("%s results could not be written down", len(self._finished))

    def _room(self, now: datetime) -> int:
        if self._stop.is_set():
            return 0
        room = min(self._window - self._in_flight, self._wave, self._bucket.available(now))
        probing = self._patience.room(now)
        return room if probing is None else min(room, max(0, probing - self._in_flight))

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
            self._sent += 1
        except SendError as error:
            outcome = self._failed(claimed, error)
        except Exception as error:
            # A fault of the program or a library: whether the message went out is not known.
            log.exception("sending delivery %s", claimed.id)
            unknown = OutcomeUnknown(f"unexpected {type(error).__name__}", remote_code="program-error")
            outcome = self._failed(claimed, unknown)
        self._in_flight -= 1
        self._finished.append(outcome)
        self._wake.set()

    def _failed(self, claimed: Claimed, error: SendError) -> Outcome:
        self._words = error.words
        outcome = failed(claimed.id, claimed.attempt_token, error, claimed.attempts, self._clock.now())
        if outcome.state is State.UNKNOWN and not self._messenger.capabilities.idempotent:
            return replace(outcome, not_before=None)  # it is not repeated by itself
        return outcome

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
        wait = max((due - now).total_seconds(), self._bucket.wait_seconds(), self._patience.wait_seconds(now))
        if wait > self._patience_seconds:
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
        if self._patience.is_over:
            return Ended.NETWORK
        return Ended.LIMIT if self._allowance.is_used_up else None
