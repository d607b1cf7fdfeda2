"""Keeping conversations going while `listen` runs: speakers, fetching of attachments, upkeep.

One task for each piece of work and account; what fails in one is told and tried again, and never stops
another. Everything that writes does so in the one thread in which events are stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from vipcast.announcements import records as announced
from vipcast.clock import Clock
from vipcast.conversations import attachments
from vipcast.conversations.attachments import MOST_BYTES, Kept
from vipcast.conversations.setting import Setting
from vipcast.conversations.upkeep import Upkeep, numbers_in
from vipcast.conversations.voice import WAITS_FOR
from vipcast.delivery import talk
from vipcast.delivery.receiving import Intake
from vipcast.delivery.sender import DrainResult, Ended
from vipcast.delivery.speaking import Speaker
from vipcast.errors import VipcastError
from vipcast.faults import log_unexpected
from vipcast.messengers.base import AccountProblem, Messenger, Rejected, SendError
from vipcast.storage.database import Database

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 15.0
# Before a look for which something that happened asks: what came in goes out first, and much that comes
# at once is looked at once. The thread that looks is the one that stores and sends.
LOOK_AFTER_SECONDS = 0.25
AGAIN_SECONDS = 10.0
END_SECONDS = 30.0  # for what is in flight when `listen` stops
FETCH_TRIES = 5  # network faults, for one attachment in one run


class Conversing:
    """Runs beside receiving; `tell` hears, account by account, why nothing can be said."""

    def __init__(
        self,
        setting: Setting,
        database: Database,
        clock: Clock,
        intake: Intake,
        messengers: Mapping[str, Messenger],
        *,
        locks: Path,
        tell: Callable[[str, str], None],
        send_news: Callable[[int], Awaitable[object]],
    ) -> None:
        """Make ready; `send_news` sends an announcement, by number, that was approved in a chat."""
        self._setting = setting
        self._database = database
        self._clock = clock
        self._intake = intake
        self._messengers = messengers
        self._locks = locks
        self._tell = tell
        self._send_news = send_news
        self._news: asyncio.Task[None] | None = None
        self._slow_look_at = clock.now()  # for what need not be looked at with each event
        self._stop = asyncio.Event()
        self._upkeep = Upkeep(setting)
        self._is_adopted = False
        self._look = asyncio.Event()  # something came in or went out
        self._fetch = {name: asyncio.Event() for name in messengers}
        self._fetching = 0
        self._is_kept_up = False
        self._tasks: list[asyncio.Task[None]] = []
        self._speakers = {
            name: Speaker(
                one, database, clock, thread=intake.thread, stop=self._stop, on_drained=self._drained
            )
            for name, one in messengers.items()
        }

    def start(self) -> None:
        """Begin; the intake tells from now on when something was stored."""
        self._intake.on_kept = self.wake
        work = [self._keep_up()]
        for name in self._messengers:
            work += [self._speak(name), self._fetch_for(name)]
        self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        """Let what is in flight end and be written down, and end."""
        self._stop.set()
        self.wake()
        if tasks := [*self._tasks, *([self._news] if self._news else [])]:
            _, left = await asyncio.wait(tasks, timeout=END_SECONDS)
            for one in left:
                one.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def use(self, setting: Setting) -> None:
        """Go on with another setting: the desk was found."""
        self._setting, self._upkeep, self._is_adopted = setting, Upkeep(setting), False
        self.wake()

    def wake(self) -> None:
        for speaker in self._speakers.values():
            speaker.wake()
        for event in self._fetch.values():
            event.set()
        self._is_kept_up = False
        self._look.set()

    def forgive(self, account: str) -> None:
        """Let an account speak whose login was proved just now."""
        self._speakers[account].forgive()

    @property
    def is_at_rest(self) -> bool:
        """Nothing is being said, fetched or looked after, nor could be now."""
        speaks = any(not one.is_at_rest.is_set() for one in self._speakers.values())
        fetches = self._fetching or any(one.is_set() for one in self._fetch.values())
        return not speaks and not fetches and self._is_kept_up

    def is_about_to_speak(self) -> bool:
        """Return whether something was put off for some seconds only."""
        with self._database.read() as connection:
            return talk.is_due_by(connection, self._clock.now() + 2 * WAITS_FOR)

    async def _keep_up(self) -> None:
        while not self._stop.is_set():
            self._look.clear()
            await self._safely("upkeep", self._keep_up_once())
            self._is_kept_up = not self._look.is_set()
            with suppress(TimeoutError):
                async with asyncio.timeout(UPKEEP_SECONDS):
                    await self._look.wait()
            await self._pause(LOOK_AFTER_SECONDS)

    async def _keep_up_once(self) -> None:
        def work() -> tuple[str, str]:
            with self._database.write() as connection:
                now = self._clock.now()
                if not self._is_adopted:
                    self._upkeep.adopt(connection, now)
                    self._is_adopted = True
                self._upkeep.outcomes(connection, now)
                soon, late = self._upkeep.nudges(connection, now)
                return numbers_in(soon), numbers_in(late)

        soon, late = await self._intake.run(work)
        await self._look_slowly()
        if self._setting.desk is None:
            if soon:
                self._tell("nudge", f"Promised answers are due soon: {soon}. See `vipcast inbox promises`.")
            if late:
                self._tell("overdue", f"Promised answers are overdue: {late}. See `vipcast inbox promises`.")
        for speaker in self._speakers.values():
            speaker.wake()

    async def _look_slowly(self) -> None:
        """Say what did not reach the desk, and send what was approved there; not with each event."""
        now = self._clock.now()
        if now < self._slow_look_at:
            return
        self._slow_look_at = now + timedelta(seconds=UPKEEP_SECONDS)
        with self._database.read() as connection:
            lost, words = self._upkeep.lost_at_desk(connection, now)
            approved = announced.approved(connection, now)
        if lost:
            self._tell("desk", f"{lost} messages did not reach the desk: {words}. See vipcast doctor.")
        if approved and (self._news is None or self._news.done()):
            self._news = asyncio.create_task(self._safely("approved", self._send(approved)))

    async def _send(self, numbers: list[int]) -> None:
        for number in numbers:
            await self._send_news(number)

    async def _drained(self, result: DrainResult) -> None:
        if result.ended in (Ended.ACCOUNT, Ended.NETWORK):
            hint = f" {result.hint}" if result.hint else ""
            self._tell(result.account, f"{result.account}: what is to be said waits: {result.words}{hint}")
        if result.sent or result.ended is Ended.EMPTY:
            self._look.set()

    async def _speak(self, name: str) -> None:
        while not self._stop.is_set():
            await self._safely(name, self._speakers[name].speak(self._locks))
            if not self._stop.is_set():
                self._speakers[name].is_at_rest.set()
                await self._pause(AGAIN_SECONDS)

    async def _fetch_for(self, name: str) -> None:
        tries: dict[int, int] = {}
        while not self._stop.is_set():
            self._fetch[name].clear()
            self._fetching += 1
            try:
                await self._safely(name, self._fetch_all(name, tries))
            finally:
                self._fetching -= 1
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._fetch[name].wait()

    async def _fetch_all(self, name: str, tries: dict[int, int]) -> None:
        with self._database.read() as connection:
            found = attachments.wanted(connection, name)
        for one in found:
            if self._stop.is_set():
                return
            await self._fetch_one(self._messengers[name], one, tries)

    async def _fetch_one(self, messenger: Messenger, one: Kept, tries: dict[int, int]) -> None:
        path = self._setting.kept / one.file
        reason = ""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():  # it may have come in just before the program died
                await messenger.fetch(one.ref, path)
            if path.stat().st_size > MOST_BYTES:
                path.unlink()
                reason = "too large"
        except Rejected as error:
            reason = error.message
        except AccountProblem:
            return
        except (SendError, OSError) as error:
            tries[one.id] = tries.get(one.id, 0) + 1
            if tries[one.id] < FETCH_TRIES:
                return
            reason = error.message if isinstance(error, SendError) else "the disk does not take it"

        def work() -> None:
            with self._database.write() as connection:
                size = path.stat().st_size if not reason else 0
                self._upkeep.fetched(connection, one, self._clock.now(), size=size, reason=reason)

        await self._intake.run(work)
        self.wake()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _safely(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do a piece of work; tell what went wrong, without the words of an unknown fault."""
        try:
            await work
        except VipcastError as error:
            self._tell(name, f"{name}: {error.message}" + (f" {error.hint}" if error.hint else ""))
        except Exception as error:  # noqa: BLE001 - the other pieces go on
            log_unexpected(log, name, error)
            self._tell(name, f"{name}: unexpected {type(error).__name__} in vipcast; see the log.")
