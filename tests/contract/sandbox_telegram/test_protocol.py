"""The Telegram sandbox on the wire, and the people it knows."""

from __future__ import annotations

import asyncio
import os
import struct

import pytest
from telegram_sandbox import ANNA, BELA, SEND, SHOP, blank_session, connected, peer_of, recorded
from telethon import TelegramClient, errors, functions, types
from telethon.crypto import rsa
from telethon.network import ConnectionTcpAbridged, ConnectionTcpFull, ConnectionTcpIntermediate
from telethon.sessions import StringSession

from vipcast.errors import InputError, Locked
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.server import TelegramSandbox

pytestmark = pytest.mark.anyio


# Transport and protocol.


@pytest.mark.parametrize("transport", [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate])
async def test_every_transport_carries_small_and_large_requests(sandbox, transport):
    async with connected(sandbox, sandbox.add_user(phone=SHOP), connection=transport) as client:
        peer = await peer_of(client, ANNA)
        for random_id, text in enumerate(("x", os.urandom(1500).hex()), start=1):
            await client(SEND(peer, text, random_id=random_id))
        assert (await client.get_messages(peer))[0].message == text


@pytest.mark.parametrize("offset", [-1000, 1000])
async def test_a_wrong_client_clock_heals(sandbox, offset):
    user = sandbox.add_user(phone=SHOP)
    client = TelegramClient(StringSession(sandbox.provision_string(user)), 1, "hash")
    client._sender._state.time_offset = offset
    await client.connect()
    assert (await client.get_me()).id == user.id
    await client.disconnect()


async def test_ping_and_salts_are_answered(shop):
    pong = await shop(functions.PingRequest(77))
    assert pong.ping_id == 77
    salts = await shop(functions.GetFutureSaltsRequest(1))
    assert salts.salts[0].salt == shop._sender._state.salt


async def test_garbage_ends_the_connection_and_nothing_else(sandbox, shop, log):
    reader, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
    writer.write(struct.pack("<II", 40, 0) + bytes(32))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert recorded(log, "bad_packet")
    assert await shop.is_user_authorized()


async def test_what_the_sandbox_does_not_play_is_refused_and_logged(shop, log):
    with pytest.raises(errors.InputMethodInvalidError):
        await shop(functions.stories.GetAllStoriesRequest())
    assert [event["request"] for event in recorded(log, "unsupported")] == ["GetAllStoriesRequest"]


async def test_a_handshake_from_another_key_fails_without_the_public_key(sandbox, monkeypatch):
    monkeypatch.setattr(rsa, "_server_keys", {})
    client = TelegramClient(blank_session(sandbox), 1, "hash", connection_retries=0, retry_delay=0)
    with pytest.raises(ConnectionError):
        await client.connect()


async def test_a_taken_port_and_a_foreign_host_are_refused(sandbox):
    other = TelegramSandbox(log=EventLog(), faults=Faults(), port=sandbox.port)
    with pytest.raises(Locked, match=str(sandbox.port)):
        await other.start()
    await other.stop()
    with pytest.raises(InputError, match="this machine only"):
        TelegramSandbox(log=EventLog(), faults=Faults(), host="0.0.0.0")  # noqa: S104 - refused


async def test_configuration_names_the_limits_and_this_server(sandbox, shop):
    config = await shop(functions.help.GetConfigRequest())
    assert (config.message_length_max, config.caption_length_max) == (4096, 1024)
    assert [(option.ip_address, option.port) for option in config.dc_options] == [("127.0.0.1", sandbox.port)]
    app = await shop(functions.help.GetAppConfigRequest(0))
    assert "caption_length_limit_default" in {pair.key for pair in app.config.value}


# Finding people.


async def test_automatic_customers_exist_with_named_exceptions(sandbox, shop):
    assert await peer_of(shop, ANNA)
    with pytest.raises(errors.PhoneNotOccupiedError):
        await peer_of(shop, "+36301110000")
    sandbox.add_user(phone=BELA, hides_phone=True)
    with pytest.raises(errors.PhoneNotOccupiedError):
        await peer_of(shop, BELA)
    eszter = sandbox.add_user(username="Eszter_Vip")
    assert (await shop.get_entity("@eszter_vip")).username == "Eszter_Vip"
    assert sandbox.find("@ESZTER_VIP") is eszter
    with pytest.raises(errors.UsernameNotOccupiedError):
        await shop(functions.contacts.ResolveUsernameRequest("nobody_here"))
    with pytest.raises(errors.UsernameInvalidError):
        await shop(functions.contacts.ResolveUsernameRequest("1x"))


async def test_contacts_are_imported_named_and_deleted(shop):
    contacts = [
        types.InputPhoneContact(11, ANNA, "Anna", "Kiss"),
        types.InputPhoneContact(12, "+36301110000", "Nobody", ""),
    ]
    imported = await shop(functions.contacts.ImportContactsRequest(contacts))
    assert [item.client_id for item in imported.imported] == [11]
    assert (imported.users[0].first_name, imported.users[0].phone) == ("Anna", ANNA.lstrip("+"))
    assert [user.id for user in (await shop(functions.contacts.GetContactsRequest(0))).users] == [
        imported.users[0].id
    ]
    await shop(functions.contacts.DeleteContactsRequest([imported.users[0]]))
    assert (await shop(functions.contacts.GetContactsRequest(0))).users == []
    assert (await shop.get_entity(imported.users[0].id)).phone is None


async def test_an_access_hash_of_another_account_is_refused(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    async with connected(sandbox, sandbox.add_user(phone=BELA)) as support:
        with pytest.raises(errors.PeerIdInvalidError):
            await support(SEND(peer, "mix-up", random_id=1))
        assert isinstance(
            (
                await support(
                    functions.users.GetUsersRequest([types.InputUser(peer.user_id, peer.access_hash)])
                )
            )[0],
            types.UserEmpty,
        )
    assert sandbox.inbox(sandbox.find(ANNA)) == []
