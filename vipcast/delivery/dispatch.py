"""Draining every account that has something to do, side by side; one that cannot never stops the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from vipcast.clock import Clock
from vipcast.delivery.contacts import Budget
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope, clear_stop, current_pause, finish, open_accounts
from vipcast.delivery.manners import Manners
from vipcast.delivery.outcomes import Outcome, State
from vipcast.delivery.pacing import rate_for
from vipcast.delivery.recording import record
from vipcast.delivery.sender import PATIENCE_SECONDS, STOPPED_HINTS, Allowance, DrainResult, Ended, Sender
from vipcast.errors import InputError, Locked, SetupMissing, VipcastError
from vipcast.messengers.base import AccountProblem, AccountStopped, LoginLost, Messenger, SendError
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, announcements, deliveries

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Dispatcher:
    """Opens accounts through `opener`, which knows the concrete messengers."""

    database: Database
    clock: Clock
    locks: Path
    opener: Callable[[str], Messenger]
    manners: Manners | None = None
    budget: Budget | None = None  # of first contacts, where a messenger minds them

    async def drain(
        self,
        announcement_id: int | None = None,
        *,
        limit: int | None = None,
        stop: asyncio.Event | None = None,
        on_step: Callable[[int], None] = lambda _: None,
    ) -> list[DrainResult]:
        """Send what is due, of one announcement or of all running ones; then mark what is finished."""
        with self.database.read() as connection:
            names = open_accounts(connection, announcement_id)
        allowance = Allowance(limit)
        work = [self._drain_one(name, announcement_id, allowance, stop, on_step) for name in names]
        results = await asyncio.gather(*work)
        self._finish(announcement_id)
        return results

    async def drain_talk(self, account: str) -> DrainResult:
        """Send what waits in conversations over one account; `LOCKED` where a running `listen` does that."""
        return await self._drain_one(account, None, Allowance(None), None, lambda _: None, Lane.TALK)

    async def _drain_one(
        self,
        name: str,
        announcement_id: int | None,
        allowance: Allowance,
        stop: asyncio.Event | None,
        on_step: Callable[[int], None],
        lane: Lane = Lane.NEWS,
    ) -> DrainResult:
        try:
            with acquire(self.database, self.locks, name, self.clock, lane) as lease:
                if waits := self._must_wait(name):
                    return waits
                scope = Scope(name, self._repeats(name), announcement_id, lane)
                ledger = Ledger(self.database, lease, scope, self.manners, self._budget_of(name))
                return await self._send(ledger, name, allowance, stop, on_step)
        except Locked as error:
            return DrainResult(name, Ended.LOCKED, 0, words=error.message)

    async def _send(
        self,
        ledger: Ledger,
        name: str,
        allowance: Allowance,
        stop: asyncio.Event | None,
        on_step: Callable[[int], None],
    ) -> DrainResult:
        try:
            messenger = self.opener(name)
        except InputError as error:
            return _not_opened(name, error)
        try:
            await messenger.open()
            self._forget_lost_login(name)
            rate = rate_for(messenger.account, messenger.capabilities_of(messenger.account).rate)
            sender = Sender(
                messenger, ledger, self.clock, rate=rate, allowance=allowance, stop=stop, on_step=on_step
            )
            return await sender.drain()
        except (SendError, SetupMissing, InputError) as error:
            self.note_problem(name, error)
            return _not_opened(name, error)
        finally:
            await messenger.close()

    def _repeats(self, name: str) -> bool:
        """Return whether an account's unknown deliveries are repeated by themselves."""
        try:
            return self.opener(name).capabilities.idempotent
        except (SendError, SetupMissing, InputError):  # no longer in vipcast.toml, or without its secrets
            return False

    def _budget_of(self, name: str) -> Budget | None:
        """Return what limits an account's first contacts; None where nothing does."""
        if self.budget is None:
            return None
        try:
            messenger = self.opener(name)
        except (SendError, SetupMissing, InputError):  # it sends nothing either
            return None
        return self.budget if messenger.capabilities_of(messenger.account).minds_strangers else None

    def _must_wait(self, name: str) -> DrainResult | None:
        """Return why an account need not even be opened: limited by the messenger, or in a long pause."""
        now = self.clock.now()
        with self.database.write() as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).one()
            until = current_pause(connection, row, now)
        if row.stopped_code == "limited":
            hint = STOPPED_HINTS["limited"].format(name=name)
            return DrainResult(name, Ended.ACCOUNT, 0, words=row.stopped_reason, hint=hint)
        if until and (until - now).total_seconds() > PATIENCE_SECONDS:
            return DrainResult(name, Ended.WAITING, 0, until, "the messenger asked for a pause")
        return None

    def refuse_if_stopped(self, name: str) -> None:
        """Let nothing be done over an account that its messenger has limited.

        Raises:
            AccountStopped: it has, and nobody has cleared that.

        """
        with self.database.read() as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
        if row is not None and row.stopped_code == "limited":
            raise AccountStopped(row.stopped_reason, hint=STOPPED_HINTS["limited"].format(name=name))

    def note_problem(self, name: str, error: VipcastError) -> None:
        """Keep what stopped an account, for `account list` and `doctor`."""
        if not isinstance(error, AccountProblem):
            return
        outcome = Outcome(
            0, "", State.QUEUED, self.clock.now(), account_problem=error.message,
            is_login_lost=isinstance(error, LoginLost),
        )  # fmt: skip
        with self.database.write() as connection:
            record(connection, name, [outcome], self.clock.now())

    def _forget_lost_login(self, name: str) -> None:
        with self.database.write() as connection:
            clear_stop(connection, name, code="login")

    def _finish(self, announcement_id: int | None) -> None:
        """Mark finished what has nothing left; unknown ones that are repeated by themselves count as left."""
        now = self.clock.now()
        with self.database.write() as connection:
            query = select(announcements.c.id).where(announcements.c.state == "running")
            if announcement_id is not None:
                query = query.where(announcements.c.id == announcement_id)
            for number in connection.execute(query).scalars().all():
                if not self._has_repeatable(number):
                    finish(connection, number, now)
            connection.execute(  # a rehearsal's text tells of a real member: it is not kept
                update(deliveries)
                .where(
                    deliveries.c.announcement_id.in_(
                        select(announcements.c.id).where(
                            announcements.c.is_test.is_(True), announcements.c.state == "finished"
                        )
                    ),
                    deliveries.c.body != "",
                )
                .values(body="")
            )

    def _has_repeatable(self, number: int) -> bool:
        with self.database.read() as connection:
            query = (
                select(deliveries.c.account)
                .where(deliveries.c.announcement_id == number, deliveries.c.state == State.UNKNOWN)
                .where(deliveries.c.reason.not_like("unsettled-%"))
                .distinct()
            )
            names = connection.execute(query).scalars().all()
        return any(self._repeats(name) for name in names)


def _not_opened(name: str, error: VipcastError) -> DrainResult:
    ended = Ended.ACCOUNT if isinstance(error, (AccountProblem, SetupMissing, InputError)) else Ended.NETWORK
    return DrainResult(name, ended, 0, words=error.message, hint=error.hint)


def resumes_at(results: Iterable[DrainResult]) -> datetime | None:
    """Return when the first waiting account goes on."""
    return min((r.resumes_at for r in results if r.resumes_at), default=None)
