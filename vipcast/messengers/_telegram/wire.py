"""One Telegram account on the wire: connecting, proving the login, asking in the named errors of `base`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from telethon import TelegramClient, functions, types

from vipcast.config import Account
from vipcast.errors import SetupMissing
from vipcast.messengers._telegram.client import CONNECT_SECONDS, make_deaf
from vipcast.messengers._telegram.errors import LOG_IN_AGAIN, translate
from vipcast.messengers.base import AccountInfo, LoginLost, OutcomeUnknown, Unreachable

REQUEST_SECONDS = 60.0  # Telethon itself waits for ever
CLOSE_SECONDS = 5.0


class Wire:
    """Use from one event loop; `close` it."""

    def __init__(self, account: Account, make: Callable[[Account], TelegramClient] = make_deaf) -> None:
        if not account.api_id or account.api_hash is None:
            raise SetupMissing(
                f"The account {account.name!r} needs Telegram's API id and hash.",
                hint="Get them at my.telegram.org and put VIPCAST_TELEGRAM_API_ID=… and "
                "VIPCAST_TELEGRAM_API_HASH=… into .env.",
                where=".env",
            )
        self.account = account
        self._make = make
        self.client = make(account)
        self._connecting = asyncio.Lock()

    @property
    def is_bot(self) -> bool:
        return self.account.token is not None

    async def connect(self) -> None:
        """Connect where not connected.

        Raises:
            Unreachable: the server does not answer; nothing was sent.
            LoginLost: the server does not know this login.

        """
        if self.client.is_connected():
            return
        async with self._connecting:
            if self.client.is_connected():
                return
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self.client.connect()
            except asyncio.CancelledError as error:
                if _is_cancelled_by_us():
                    raise
                raise self.out_of_reach("it drops every connection") from error
            except Exception as error:
                answer = translate(error, self.account.name)
                if isinstance(answer, LoginLost):
                    raise answer from error
                raise self.out_of_reach(str(error) or type(error).__name__) from error

    def out_of_reach(self, why: str) -> Unreachable:
        place = self.account.server or "Telegram"
        return Unreachable(
            f"{place} cannot be reached.",
            words=f"{place} cannot be reached ({why})",
            hint="Check the internet connection, then go on with `vipcast announcement resume`.",
        )

    async def open(self) -> AccountInfo:
        """Connect and prove the login; a bot's token logs in by itself."""
        token = self.account.token
        if token is None and not self.has_login():
            raise self.not_logged_in()
        await self.connect()
        try:
            me = await self.call(functions.users.GetUsersRequest([types.InputUserSelf()]))
        except LoginLost as error:
            if token is None or error.remote_code != "AUTH_KEY_UNREGISTERED":
                raise
            me = [await self.ask(self.client.sign_in(bot_token=token.reveal()))]
        if not me:
            raise self.not_logged_in()
        return describe(me[0])

    async def reset(self) -> None:
        """Throw away a login that the server does not know."""
        await self.close()
        self.account.session.unlink(missing_ok=True)
        self.client = self._make(self.account)

    def has_login(self) -> bool:
        """Return whether there is a key at all that a server may know."""
        return bool(self.client.session.auth_key and self.client.session.auth_key.key)

    def not_logged_in(self) -> LoginLost:
        return LoginLost(
            f"The account {self.account.name!r} is not logged in.",
            hint=LOG_IN_AGAIN.format(name=self.account.name),
        )

    async def call(self, request: Any) -> Any:
        """Make one request; raise the named errors of `base` for what Telegram says."""
        if not self.client.is_connected():
            raise self.out_of_reach("the connection is gone")
        return await self.ask(self.client(request))

    async def ask(self, question: Awaitable[Any], seconds: float = REQUEST_SECONDS) -> Any:
        """Wait for Telethon with a time-out, in the named errors of `base`."""
        try:
            async with asyncio.timeout(seconds):
                return await question
        except asyncio.CancelledError as error:
            if _is_cancelled_by_us():
                raise
            raise OutcomeUnknown("the connection was closed", remote_code="disconnected") from error
        except Exception as error:
            answer = translate(error, self.account.name)
            if answer is None:
                raise
            raise answer from error

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.client.disconnect()
        except (TimeoutError, OSError) as error:
            logging.getLogger(__name__).info("telegram did not close in time: %s", type(error).__name__)


def _is_cancelled_by_us() -> bool:
    """Return whether a cancellation is our own; Telethon cancels what is pending when it disconnects."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())


def describe(user: Any) -> AccountInfo:
    name = " ".join(filter(None, (user.first_name, user.last_name))) or user.username or str(user.id)
    identity = f"@{user.username}" if user.username else f"+{user.phone}" if user.phone else str(user.id)
    return AccountInfo(identity, name, {"id": str(user.id), "kind": "bot" if user.bot else "person"})
