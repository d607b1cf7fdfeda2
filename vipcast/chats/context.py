"""What keeping chats needs of the shop; the composition root puts it together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from filelock import FileLock, Timeout

from vipcast.announcements.planning import Route
from vipcast.clock import Clock
from vipcast.config import Account
from vipcast.conversations.setting import Setting
from vipcast.errors import Locked, SetupMissing
from vipcast.groups.seats import Group
from vipcast.messengers.base import Messenger
from vipcast.storage.database import Database

PATIENCE_SECONDS = 20.0  # for another vipcast that looks after the same account's chats
_AGAIN_SECONDS = 0.2

# Opens an account for as long as the context lasts, or lends one that is open already.
Borrow = Callable[[str], AbstractAsyncContextManager[Messenger]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One shop's way to keep its groups' chats."""

    database: Database
    clock: Clock
    setting: Setting
    routes: Sequence[Route]
    borrow: Borrow
    locks: Path
    invitation_days: int
    first_contacts: int  # a day, over an account that is limited for them

    @property
    def zone(self) -> ZoneInfo:
        return self.setting.zone

    def now(self) -> datetime:
        return self.clock.now()

    def account(self, group: Group) -> Account:
        """Return the account that a group's chat belongs to.

        Raises:
            SetupMissing: it is no longer in vipcast.toml.

        """
        return owner_of(self.setting, group)

    @asynccontextmanager
    async def alone(self, account: str, patience: float = PATIENCE_SECONDS) -> AsyncIterator[None]:
        """Be the only one who looks after an account's chats.

        Raises:
            Locked: another vipcast does, for longer than `patience` seconds.

        """
        ends = asyncio.get_running_loop().time() + patience
        lock = FileLock(self.locks / f"chats-{account}.lock", timeout=0)
        self.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            try:
                lock.acquire()
                break
            except Timeout as error:
                if asyncio.get_running_loop().time() >= ends:
                    raise Locked(
                        f"Another vipcast is just looking after the chats of {account!r}.",
                        hint="Let it finish, and try it again.",
                        where=account,
                    ) from error
                await asyncio.sleep(_AGAIN_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def expires_at(self) -> datetime:
        """Return until when a link works that is made now."""
        return self.now() + timedelta(days=self.invitation_days)


def owner_of(setting: Setting, group: Group) -> Account:
    """Return the account that a group's chat belongs to; see `Context.account`."""
    account = setting.accounts.get(group.chat_account)
    if account is None:
        raise SetupMissing(
            f"The chat of {group.name!r} belongs to the account {group.chat_account!r}, which is gone.",
            hint="Put the account back into vipcast.toml, or have another chat made: "
            f'vipcast group edit {group.as_typed} --mode chat --chat "" --account NAME',
        )
    return account
