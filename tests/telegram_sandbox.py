"""The Telegram sandbox with an unmodified Telethon connected to it, for tests."""

from __future__ import annotations

import asyncio
import struct
import zlib
from contextlib import asynccontextmanager

from telethon import TelegramClient, functions, types
from telethon.crypto import rsa
from telethon.sessions import StringSession

from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.server import TelegramSandbox

SHOP = "+36301112222"
ANNA = "+36301234567"
BELA = "+36307654321"
BOT_TOKEN = "700001:sandbox-token"
SEND = functions.messages.SendMessageRequest


@asynccontextmanager
async def serving(**options):
    sandbox = TelegramSandbox(
        log=options.pop("log", EventLog()), faults=options.pop("faults", Faults()), **options
    )
    await sandbox.start()
    rsa.add_key(sandbox.public_key_pem, old=False)
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@asynccontextmanager
async def connected(sandbox, session, **options):
    """Open a client the way vipcast does; `session` may be a person, logged in beforehand."""
    if hasattr(session, "label"):
        session = StringSession(sandbox.provision_string(session))
    options = {"flood_sleep_threshold": 0, "raise_last_call_error": True, "retry_delay": 0, **options}
    client = TelegramClient(session, 1, "hash", **options)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


def blank_session(sandbox):
    session = StringSession()
    session.set_dc(2, sandbox.host, sandbox.port)
    return session


async def peer_of(client, phone):
    resolved = await client(functions.contacts.ResolvePhoneRequest(phone))
    return types.InputPeerUser(resolved.users[0].id, resolved.users[0].access_hash)


async def group_peer(client, group):
    """Return a group as this client finds it in its list of chats."""
    dialogs = await client.get_dialogs()
    return next(dialog.input_entity for dialog in dialogs if dialog.id == group.key)


def hear(client, builder):
    """Return the list that the client's events of this kind are put into."""
    heard = []
    client.add_event_handler(lambda event: heard.append(event) or asyncio.sleep(0), builder)
    return heard


def recorded(log, event):
    return [entry for entry in log.events if entry["event"] == event]


async def until(condition):
    """Wait for something that another connection brings about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.01)


def png(width=3, height=2, filling=b"vipcast"):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", filling)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )
