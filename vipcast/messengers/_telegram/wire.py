"""One Telegram account on the wire: connecting, resolving people, sending with our own random_id."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import sqlite3
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Any

from rsa import PublicKey
from telethon import TelegramClient, functions, types
from telethon.crypto import rsa
from telethon.sessions import SQLiteSession

from vipcast import __version__
from vipcast.config import Account
from vipcast.errors import ConfigError, SetupMissing
from vipcast.messengers._telegram.errors import LOG_IN_AGAIN, translate
from vipcast.messengers._telegram.media import Uploads
from vipcast.messengers.base import (
    AccountInfo,
    AddressInvalid,
    LoginLost,
    Message,
    OutcomeUnknown,
    SendError,
    Sent,
    Span,
    Unreachable,
)

REQUEST_SECONDS = 60.0  # Telethon itself waits for ever
CONNECT_SECONDS = 20.0
CLOSE_SECONDS = 5.0
RECONNECT_SECONDS, MOST_RECONNECTS = 10.0, 5  # Telethon itself would reconnect without a pause, for ever
MAIN_DC = 2

# Telethon logs whole requests, texts and phone numbers included, when one cannot be packed.
logging.getLogger("telethon").setLevel(logging.CRITICAL)

_ENTITIES = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strike": types.MessageEntityStrike,
    "code": types.MessageEntityCode,
    "quote": types.MessageEntityBlockquote,
}


class Wire:
    """Use from one event loop; `close` it."""

    def __init__(self, account: Account, *, receive_updates: bool = False) -> None:
        if not account.api_id or account.api_hash is None:
            raise SetupMissing(
                f"The account {account.name!r} needs Telegram's API id and hash.",
                hint="Get them at my.telegram.org and put VIPCAST_TELEGRAM_API_ID=… and "
                "VIPCAST_TELEGRAM_API_HASH=… into .env.",
                where=".env",
            )
        self.account = account
        self._receive_updates = receive_updates
        self.client = _make_client(account, receive_updates=receive_updates)
        self._uploads = Uploads(self.client, self.ask)
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        """Connect where not connected.

        Raises:
            Unreachable: the server does not answer; nothing was sent.
            LoginLost: the server does not know this login.

        """
        async with self._connecting:
            if self.client.is_connected():
                return
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self.client.connect()
            except asyncio.CancelledError as error:
                if _is_cancelled_by_us():
                    raise
                raise self._out_of_reach("it drops every connection") from error
            except Exception as error:
                answer = translate(error, self.account.name)
                if isinstance(answer, LoginLost):
                    raise answer from error
                raise self._out_of_reach(str(error) or type(error).__name__) from error

    def _out_of_reach(self, why: str) -> Unreachable:
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
        self.client = _make_client(self.account, receive_updates=self._receive_updates)
        self._uploads = Uploads(self.client, self.ask)

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
        return await self.ask(self.client(request))

    async def ask(self, question: Awaitable[Any]) -> Any:
        """Wait for Telethon with a time-out, in the named errors of `base`."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
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

    async def send(self, address: str, peer: str, message: Message, key: int) -> Sent:
        """Send with `key` as random_id: repeated, the server answers with the first message."""
        if not self.client.is_connected():
            await self.connect()
        known = _peer(peer) if peer else await self.resolve(address)
        try:
            result = await self._request(known, message, key)
        except AddressInvalid as error:
            if not peer or error.remote_code != "PEER_ID_INVALID":
                raise
            # What was resolved long ago is worth nothing any more; surely not accepted, so ask anew.
            known = await self.resolve(address)
            result = await self._request(known, message, key)
        resolved = _text(known)
        return Sent(_remote_id(result), _date(result), "" if resolved == peer else resolved)

    async def _request(self, peer: Any, message: Message, key: int) -> Any:
        spans = [_entity(span) for span in message.spans] or None
        try:
            if not message.media:
                return await self.call(
                    functions.messages.SendMessageRequest(
                        peer=peer, message=message.text, random_id=key, entities=spans
                    )
                )
            return await self._send_media(peer, message, key, spans)
        except SendError as error:
            if error.remote_code == "RANDOM_ID_DUPLICATE":  # only we know this id: the first one is there
                return None
            raise

    async def _send_media(self, peer: Any, message: Message, key: int, spans: Any) -> Any:
        for attempt in (1, 2):
            media = [await self._uploads.get(one, peer) for one in message.media]
            if len(media) == 1:
                request: Any = functions.messages.SendMediaRequest(
                    peer=peer, media=media[0], message=message.text, random_id=key, entities=spans
                )
            else:
                request = functions.messages.SendMultiMediaRequest(
                    peer=peer,
                    multi_media=[
                        types.InputSingleMedia(
                            media=one,
                            random_id=album_key(key, number),
                            message="" if number else message.text,
                            entities=None if number else spans,
                        )
                        for number, one in enumerate(media)
                    ],
                )
            try:
                return await self.call(request)
            except SendError as error:
                if attempt == 2 or not error.remote_code.startswith("FILE_REFERENCE_"):  # noqa: PLR2004
                    raise
                self._uploads.forget(message.media)  # surely not accepted: an upload that went stale
        raise AssertionError("unreachable")  # pragma: no cover

    async def resolve(self, address: str) -> Any:
        """Return the input peer of an address.

        Raises:
            AddressInvalid: nobody is found under it by this account.

        """
        if address == "me":
            return types.InputPeerSelf()
        if address.startswith("@"):
            found = await self.call(functions.contacts.ResolveUsernameRequest(username=address[1:]))
            return _found_user(found, address)
        if address.startswith("+"):
            return await self._resolve_phone(address)
        if self.account.token is not None:
            return types.InputPeerUser(int(address), 0)  # a bot needs no access hash for who wrote to it
        raise AddressInvalid(
            f"A numeric id alone ({address}) does not let a person's account write to somebody.",
            remote_code="PEER_ID_INVALID",
            hint="Give the member's user name or phone number.",
        )

    async def _resolve_phone(self, phone: str) -> Any:
        try:
            return _found_user(await self.call(functions.contacts.ResolvePhoneRequest(phone=phone)), phone)
        except AddressInvalid:
            # Some hide their number from strangers but not from contacts.
            contact = types.InputPhoneContact(client_id=0, phone=phone, first_name=phone, last_name="")
            found = await self.call(functions.contacts.ImportContactsRequest([contact]))
            if not found.users:
                raise
            return _found_user(found, phone)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.client.disconnect()
        except (TimeoutError, OSError) as error:
            logging.getLogger(__name__).info("telegram did not close in time: %s", type(error).__name__)


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


def _make_client(account: Account, *, receive_updates: bool) -> TelegramClient:
    """Return a client on the account's session file, 0600 in a 0700 folder.

    Without `receive_updates` the server pushes nothing here, so that a `send` does not take away what
    `listen` is to hear. Names and phones of others are not kept in the file (`save_entities`): the ledger
    keeps what is needed, and can forget it.
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
    return (TelegramClient if receive_updates else _DeafClient)(
        session,
        account.api_id,
        account.api_hash.reveal() if account.api_hash else "",
        receive_updates=receive_updates,
        catch_up=receive_updates,
        flood_sleep_threshold=0,  # the ledger owns the waiting
        raise_last_call_error=True,
        request_retries=1,
        connection_retries=3,
        retry_delay=1,
        timeout=int(CONNECT_SECONDS // 2),
        device_model="vipcast",
        app_version=__version__,
    )


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


def _is_cancelled_by_us() -> bool:
    """Return whether a cancellation is our own; Telethon cancels what is pending when it disconnects."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())


def describe(user: Any) -> AccountInfo:
    name = " ".join(filter(None, (user.first_name, user.last_name))) or user.username or str(user.id)
    identity = f"@{user.username}" if user.username else f"+{user.phone}" if user.phone else str(user.id)
    return AccountInfo(identity, name, {"id": str(user.id), "kind": "bot" if user.bot else "person"})


def album_key(key: int, number: int) -> int:
    """Return the random_id of an album's item: the delivery's own for the first, derived for the others."""
    if number == 0:
        return key
    digest = hashlib.blake2b(f"{key}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def _peer(text: str) -> Any:
    """Return the input peer that `_text` wrote."""
    if text == "self":
        return types.InputPeerSelf()
    user_id, access_hash = text.split(":")
    return types.InputPeerUser(int(user_id), int(access_hash))


def _text(peer: Any) -> str:
    if isinstance(peer, types.InputPeerSelf):
        return "self"
    return f"{peer.user_id}:{peer.access_hash}"


def _found_user(found: Any, address: str) -> Any:
    users = [user for user in found.users if isinstance(user, types.User)]
    if not users:
        raise AddressInvalid(f"{address} is a group or channel, not a person", remote_code="NOT_A_PERSON")
    if users[0].deleted:
        raise AddressInvalid(
            "the person deleted their Telegram account", remote_code="INPUT_USER_DEACTIVATED"
        )
    return types.InputPeerUser(users[0].id, users[0].access_hash or 0)


def _entity(span: Span) -> Any:
    if span.kind == "link":
        return types.MessageEntityTextUrl(span.offset, span.length, span.url)
    if span.kind == "pre":
        return types.MessageEntityPre(span.offset, span.length, language="")
    return _ENTITIES[span.kind](span.offset, span.length)


def _remote_id(result: Any) -> str:
    """Return the message's id; empty where the server gave none, which is no failure."""
    if isinstance(result, types.UpdateShortSentMessage):
        return str(result.id)
    for update in getattr(result, "updates", ()):
        if isinstance(update, types.UpdateMessageID):
            return str(update.id)
    return ""


def _date(result: Any) -> datetime | None:
    date = getattr(result, "date", None)
    return date if isinstance(date, datetime) else None
