"""One process at a time sends for an account: a lock that dies with its holder, and a row that says who.

The operating system drops the lock file's lock when its holder dies, however it dies; so whoever gets
the lock knows that the holder named in the row is gone, and takes over at once.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from vipcast.clock import Clock
from vipcast.delivery.outcomes import State
from vipcast.errors import Locked
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, deliveries

LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Lease:
    account: str
    owner: str  # a new one each time: the fence
    recovered: int  # deliveries that a dead holder left in `sending`; they are `unknown` now


class LeaseLost(Locked):
    """Another process took the account over while this one was suspended."""


@contextmanager
def hold_lock(locks: Path, account: str, holder_says: str = "") -> Iterator[None]:
    """Hold an account's lock file.

    Raises:
        Locked: another process has it.

    """
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lock = FileLock(locks / f"account-{account}.lock", timeout=0)
        with lock:
            yield
    except Timeout as error:
        raise Locked(
            f"The account {account!r} is in use{holder_says or ' by another vipcast'}.",
            hint="Let it finish; what it sends shows in `vipcast announcement list`.",
            where=account,
        ) from error


@contextmanager
def acquire(database: Database, locks: Path, account: str, clock: Clock) -> Iterator[Lease]:
    """Hold the lease of an account; mark what a dead holder left behind as `unknown`.

    Raises:
        Locked: another process holds it; the message says which.

    """
    with hold_lock(locks, account, _holder(database, account)):
        owner = uuid.uuid4().hex
        with database.write() as connection:
            recovered = _take(connection, account, owner, clock.now())
        try:
            yield Lease(account, owner, recovered)
        finally:
            with database.write() as connection:
                connection.execute(
                    update(accounts)
                    .where(accounts.c.name == account, accounts.c.lease_owner == owner)
                    .values(lease_owner=None, lease_holder="", lease_until=None)
                )


def _holder(database: Database, account: str) -> str:
    with database.read() as connection:
        row = connection.execute(select(accounts.c.lease_holder).where(accounts.c.name == account)).first()
    return f" by {row.lease_holder}" if row and row.lease_holder else ""


def _take(connection: Connection, account: str, owner: str, now: datetime) -> int:
    ensure_account(connection, account)
    connection.execute(
        update(accounts)
        .where(accounts.c.name == account)
        .values(
            lease_owner=owner,
            lease_holder=f"process {os.getpid()} on {platform.node()}, since {now:%Y-%m-%d %H:%M} UTC",
            lease_until=now + timedelta(seconds=LEASE_SECONDS),
        )
    )
    return connection.execute(
        update(deliveries)
        .where(deliveries.c.account == account, deliveries.c.state == State.SENDING)
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


_RENEW = (
    update(accounts)
    .where(accounts.c.name == bindparam("b_name"), accounts.c.lease_owner == bindparam("b_owner"))
    .values(lease_until=bindparam("b_until"))
    .returning(
        accounts.c.name,
        accounts.c.paused_from,
        accounts.c.paused_until,
        accounts.c.stopped_at,
        accounts.c.stopped_code,
        accounts.c.stopped_reason,
    )
)


def renew(connection: Connection, lease: Lease, now: datetime) -> Row[Any]:
    """Prove and prolong the lease inside the transaction that relies on it; return the account's row.

    This is the fence: a process that was suspended and replaced stops here.

    Raises:
        LeaseLost: somebody else has it now.

    """
    until = now + timedelta(seconds=LEASE_SECONDS)
    values = {"b_name": lease.account, "b_owner": lease.owner, "b_until": until}
    row = connection.execute(_RENEW, values).first()
    if row is None:
        raise LeaseLost(
            f"Another process took over the account {lease.account!r}; this one stops.",
            hint="Nothing is lost: see `vipcast announcement list`.",
        )
    return row
