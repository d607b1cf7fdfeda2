"""Ordered faults of the Telegram sandbox."""

from __future__ import annotations

import asyncio

import pytest
from telegram_sandbox import ANNA, BELA, SEND, SHOP, connected, peer_of, recorded, until
from telethon import errors

pytestmark = pytest.mark.anyio


async def test_an_error_strikes_the_named_receiver_only(sandbox, shop, faults):
    faults.add("SendMessageRequest", "error", text="PEER_FLOOD", code=400, to=ANNA)
    await shop(SEND(await peer_of(shop, BELA), "hello", random_id=1))
    with pytest.raises(errors.PeerFloodError):
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=2))
    assert sandbox.inbox(sandbox.find(ANNA)) == []
    await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=2))
    assert len(sandbox.inbox(sandbox.find(ANNA))) == 1


async def test_flood_wait_names_its_seconds(shop, faults):
    faults.add("SendMessageRequest", "error")
    with pytest.raises(errors.FloodWaitError) as caught:
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=1))
    assert caught.value.seconds == 35


@pytest.mark.parametrize(("kind", "repeats"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_one_message(shop, faults, log, kind, repeats):
    peer = await peer_of(shop, ANNA)
    faults.add("SendMessageRequest", kind)
    await shop(SEND(peer, "hello", random_id=3))
    assert len(recorded(log, "message")) == 1
    assert len(recorded(log, "repeat")) == repeats


async def test_a_delayed_request_is_executed_though_the_client_has_gone(sandbox, faults):
    async with connected(sandbox, sandbox.add_user(phone=SHOP)) as client:
        peer = await peer_of(client, ANNA)
        faults.add("SendMessageRequest", "delay", seconds=0.2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client(SEND(peer, "late", random_id=4)), 0.05)
    anna = sandbox.find(ANNA)
    await until(lambda: sandbox.inbox(anna))
    assert [message.text for message in sandbox.inbox(anna)] == ["late"]
