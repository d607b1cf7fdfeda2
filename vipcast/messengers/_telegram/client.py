"""Telethon's client as vipcast uses it: on a session file that is the owner's alone, with our patience."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rsa import PublicKey
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import SQLiteSession

from vipcast import __version__
from vipcast.config import Account
from vipcast.errors import ConfigError
from vipcast.messengers._telegram.errors import translate

CONNECT_SECONDS = 20.0
RECONNECT_SECONDS, MOST_RECONNECTS = 10.0, 5  # Telethon itself would reconnect without a pause, for ever
MAIN_DC = 2

# Telethon logs whole requests, texts and phone numbers included, when one cannot be packed.
logging.getLogger("telethon").setLevel(logging.CRITICAL)

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "flood_sleep_threshold": 0,  # the ledger owns the waiting
        "raise_last_call_error": True,
        "request_retries": 1,
        "retry_delay": 1,
        "timeout": int(CONNECT_SECONDS // 2),
        "device_model": "vipcast",
        "app_version": __version__,
    }
)


class _DeafClient(TelegramClient):  # type: ignore[misc]
    """A client that only sends.

    Telethon keeps count of updates even where none are asked for; it takes half of the time of a send,
    and would move the place in the stream from which `listen` is to go on.
    """

    async def _update_loop(self) -> None:
        while True:
            await self._updates_queue.get()

    async def _handle_auto_reconnect(self) -> None:
        """Give up on a server that drops one connection after the other: the ledger knows how to wait."""
        now = asyncio.get_running_loop().time()
        recent = [at for at in getattr(self, "_reconnected_at", ()) if now - at < RECONNECT_SECONDS]
        self._reconnected_at = [*recent, now]
        if len(self._reconnected_at) > MOST_RECONNECTS:
            await self.disconnect()


def make_deaf(account: Account) -> TelegramClient:
    """Return a client to which the server pushes nothing: a `send` must not take what `listen` is to hear."""
    return _DeafClient(
        open_session(account), *application(account), receive_updates=False, connection_retries=3, **OPTIONS
    )


def make_plain(account: Account) -> TelegramClient:
    """Return Telethon's own client, which is pushed to; a login by QR code needs it."""
    return TelegramClient(
        open_session(account),
        *application(account),
        receive_updates=True,
        catch_up=True,
        connection_retries=3,
        **OPTIONS,
    )


def application(account: Account) -> tuple[int, str]:
    """Return the API id and hash as Telethon takes them."""
    return account.api_id, account.api_hash.reveal() if account.api_hash else ""


def open_session(account: Account) -> SQLiteSession:
    """Open the account's session file, 0600 in a 0700 folder.

    Names and phones of others are not kept in the file (`save_entities`): the ledger keeps what is needed,
    and can forget it.

    Raises:
        LoginLost: the file is damaged.
        ConfigError: another server was named, wrongly.

    """
    path = account.session
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        session = SQLiteSession(str(path))
    except sqlite3.DatabaseError as error:
        raise translate(error, account.name) or error from error
    session.save_entities = False
    if account.server:
        host, _, port = account.server.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(
                f"The Telegram server {account.server!r} must be host:port.",
                hint="Such as 127.0.0.1:8443.",
            )
        session.set_dc(session.dc_id or MAIN_DC, host, int(port))
        if account.server_key:
            _trust(account.server_key)
    return session


def _trust(path: Path) -> None:
    """Let Telethon know another server's public key, PKCS #1 or SubjectPublicKeyInfo."""
    try:
        pem = path.read_bytes()
        if b"BEGIN PUBLIC KEY" in pem:
            pem = PublicKey.load_pkcs1_openssl_pem(pem).save_pkcs1()
        rsa.add_key(pem.decode(), old=False)
    except (OSError, ValueError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be used: {error}"
        raise ConfigError(
            f"The Telegram server's key {path} {why}.",
            hint="It must be a PEM file with an RSA public key; `vipcast sandbox` makes the sandbox's.",
            where=str(path),
        ) from error
