"""One process at a time sends for an account: a lock that dies with its holder, and a row that says who.

An account has two lanes, announcements and conversations, each with a lease of its own: an answer does not
wait for the end of an announcement, nor the other way round. A delivery is in one lane only.

The operating system drops the lock file's lock when its holder dies, however it dies; so whoever gets
the lock knows that the holder named in the row is gone, and takes over at once.
"""

from __future__ import annotations

import enum
import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Column, ColumnElement, Connection, Row, bindparam, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from vipcast.clock import Clock
from vipcast.delivery.outcomes import State
from vipcast.delivery.statements import IS_OPEN
from vipcast.errors import Locked
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, deliveries

LEASE_SECONDS = 60


class Lane(enum.StrEnum):
    NEWS = "news"  # announcements
    TALK = "talk"  # what is said in conversations and at the support desk

    @property
    def deliveries(self) -> ColumnElement[bool]:
        """The condition that tells the lane's deliveries."""
        number = deliveries.c.announcement_id
        return number.is_not(None) if self is Lane.NEWS else number.is_(None)

    @property
    def columns(self) -> tuple[Column[Any], Column[Any], Column[Any]]:
        """Where the lease stands: owner, holder, until."""
        if self is Lane.NEWS:
            return accounts.c.lease_owner, accounts.c.lease_holder, accounts.c.lease_until
        return accounts.c.talk_owner, accounts.c.talk_holder, accounts.c.talk_until

    def lock_file(self, locks: Path, account: str) -> Path:
        return locks / (f"account-{account}.lock" if self is Lane.NEWS else f"account-{account}.talk.lock")


@dataclass(frozen=True, slots=True)
class Lease:
    account: str
    owner: str  # a new one each time: the fence
    recovered: int  # deliveries that a dead holder left in `sending`; they are `unknown` now
    lane: Lane = Lane.NEWS


class LeaseLost(Locked):
    """Another process took the account over while this one was suspended."""


@contextmanager
def hold_lock(locks: Path, account: str, holder_says: str = "", lane: Lane = Lane.NEWS) -> Iterator[None]:
    """Hold the lock file of an account's lane.

    Raises:
        Locked: another process has it.

    """
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lock = FileLock(lane.lock_file(locks, account), timeout=0)
        with lock:
            yield
    except Timeout as error:
        raise Locked(
            f"The account {account!r} is in use{holder_says or ' by another vipcast'}.",
            hint="Let it finish; what it sends shows in `vipcast announcement list`.",
            where=account,
        ) from error


@contextmanager
def acquire(
    database: Database, locks: Path, account: str, clock: Clock, lane: Lane = Lane.NEWS
) -> Iterator[Lease]:
    """Hold the lease of an account; mark what a dead holder left behind as `unknown`.

    Raises:
        Locked: another process holds it; the message says which.

    """
    with hold_lock(locks, account, _holder(database, account, lane), lane):
        lease = Lease(account, uuid.uuid4().hex, 0, lane)
        with database.write() as connection:
            recovered = _take(connection, lease, clock.now())
        try:
            yield replace(lease, recovered=recovered)
        finally:
            owner, holder, until = lane.columns
            with database.write() as connection:
                connection.execute(
                    update(accounts)
                    .where(accounts.c.name == account, owner == lease.owner)
                    .values({owner: None, holder: "", until: None})
                )


def _holder(database: Database, account: str, lane: Lane) -> str:
    with database.read() as connection:
        found = connection.execute(select(lane.columns[1]).where(accounts.c.name == account)).scalar()
    return f" by {found}" if found else ""


def _take(connection: Connection, lease: Lease, now: datetime) -> int:
    ensure_account(connection, lease.account)
    owner, holder, until = lease.lane.columns
    connection.execute(
        update(accounts)
        .where(accounts.c.name == lease.account)
        .values(
            {
                owner: lease.owner,
                holder: f"process {os.getpid()} on {platform.node()}, since {now:%Y-%m-%d %H:%M} UTC",
                until: now + timedelta(seconds=LEASE_SECONDS),
            }
        )
    )
    return connection.execute(
        update(deliveries)
        .where(
            IS_OPEN,
            deliveries.c.account == lease.account,
            deliveries.c.state == State.SENDING,
            lease.lane.deliveries,
        )
        .values(
            state=State.UNKNOWN,
            reason="interrupted",
            words="The sending process ended before the answer was written down.",
            not_before=None,
        )
    ).rowcount


def ensure_account(connection: Connection, account: str) -> None:
    """Give an account its row in the ledger."""
    if connection.execute(select(accounts.c.name).where(accounts.c.name == account)).first() is None:
        connection.execute(insert(accounts).values(name=account))


def _renewal(lane: Lane) -> ReturningUpdate[Any]:
    owner, _, until = lane.columns
    return (
        update(accounts)
        .where(accounts.c.name == bindparam("b_name"), owner == bindparam("b_owner"))
        .values({until: bindparam("b_until")})
        .returning(
            accounts.c.name,
            accounts.c.paused_from,
            accounts.c.paused_until,
            accounts.c.stopped_at,
            accounts.c.stopped_code,
            accounts.c.stopped_reason,
        )
    )


_RENEW = {lane: _renewal(lane) for lane in Lane}  # built once: every step of the ledger runs one


def renew(connection: Connection, lease: Lease, now: datetime) -> Row[Any]:
    """Prove and prolong the lease inside the transaction that relies on it; return the account's row.

    This is the fence: a process that was suspended and replaced stops here.

    Raises:
        LeaseLost: somebody else has it now.

    """
    until = now + timedelta(seconds=LEASE_SECONDS)
    values = {"b_name": lease.account, "b_owner": lease.owner, "b_until": until}
    row = connection.execute(_RENEW[lease.lane], values).first()
    if row is None:
        raise LeaseLost(
            f"Another process took over the account {lease.account!r}; this one stops.",
            hint="Nothing is lost: see `vipcast announcement list`.",
        )
    return row
