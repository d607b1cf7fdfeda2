"""What customers do reaches the shop's clients."""

from __future__ import annotations

import asyncio

import pytest
from telegram_sandbox import ANNA, SEND, SHOP, connected, peer_of, until
from telethon import TelegramClient, errors, events, functions

pytestmark = pytest.mark.anyio


async def test_a_customers_words_reach_a_connected_client_and_a_reply_points_back(sandbox, shop):
    heard = []
    shop.add_event_handler(
        lambda event: heard.append(event) or asyncio.sleep(0), events.NewMessage(incoming=True)
    )
    sent = await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    (news,) = sandbox.inbox(anna)
    await sandbox.say(anna, me, "how much?", reply_to=news.id)
    await until(lambda: heard)
    assert (heard[0].raw_text, heard[0].sender_id, heard[0].message.reply_to_msg_id) == (
        "how much?",
        anna.id,
        sent.id,
    )
    await heard[0].respond("1000 Ft")
    assert [message.text for message in sandbox.inbox(anna)] == ["news", "1000 Ft"]


async def test_an_absent_client_catches_up(sandbox, tmp_path):
    me, anna = sandbox.add_user(phone=SHOP), sandbox.find(ANNA)
    path = tmp_path / "news.session"
    sandbox.provision_session(path, me)
    async with connected(sandbox, str(path)):
        pass
    for n in range(700):  # more than one difference holds
        await sandbox.say(anna, me, f"question {n}")
    heard = []
    client = TelegramClient(str(path), 1, "hash", catch_up=True)
    client.add_event_handler(
        lambda event: heard.append(event.raw_text) or asyncio.sleep(0), events.NewMessage
    )
    await client.connect()
    await until(lambda: len(heard) >= 700)
    await client.disconnect()
    assert sorted(heard) == sorted(f"question {n}" for n in range(700))


async def test_every_client_of_an_account_sees_what_another_one_sent(sandbox, shop):
    async with connected(sandbox, sandbox.find(SHOP)) as second:
        seen = []
        second.add_event_handler(
            lambda event: seen.append(event.raw_text) or asyncio.sleep(0), events.NewMessage(outgoing=True)
        )
        await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
        await until(lambda: seen)
        assert seen == ["news"]


async def test_a_scripted_customer_can_answer(sandbox, shop):
    async def answer(message):
        await sandbox.say(message.to, message.sender, message.text.upper())

    sandbox.on_message = answer
    await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    await until(lambda: sandbox.inbox(sandbox.find(SHOP)))
    assert [message.text for message in sandbox.inbox(sandbox.find(SHOP))] == ["NEWS"]


async def test_a_read_receipt_reaches_the_sender(sandbox, shop):
    receipts = []
    shop.add_event_handler(lambda event: receipts.append(event) or asyncio.sleep(0), events.MessageRead)
    peer = await peer_of(shop, ANNA)
    for random_id in (1, 2):
        sent = await shop(SEND(peer, "news", random_id=random_id))
    await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
    await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
    await until(lambda: receipts)
    assert [(event.chat_id, event.max_id) for event in receipts] == [(peer.user_id, sent.id)]
    (dialog,) = await shop.get_dialogs()
    assert dialog.dialog.read_outbox_max_id == sent.id
    assert (await shop(functions.messages.GetOutboxReadDateRequest(peer, 1))).date >= sent.date
    unread = await shop(SEND(peer, "more", random_id=3))
    with pytest.raises(errors.BadRequestError, match="MESSAGE_NOT_READ_YET"):
        await shop(functions.messages.GetOutboxReadDateRequest(peer, unread.id))


async def test_reading_by_a_client_tells_the_other_client(sandbox, shop):
    receipts = []
    shop.add_event_handler(
        lambda event: receipts.append(event.max_id) or asyncio.sleep(0), events.MessageRead
    )
    sent = await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (dialog,) = await anna.get_dialogs()
        assert dialog.unread_count == 1
        assert await anna.send_read_acknowledge(dialog.entity)
        assert (await anna.get_dialogs())[0].unread_count == 0
    await until(lambda: receipts)
    assert receipts == [sent.id]


async def test_edit_and_delete_change_both_sides(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    sent = await shop(SEND(peer, "nwes", random_id=1))
    with pytest.raises(errors.MessageNotModifiedError):
        await shop.edit_message(peer, sent.id, "nwes")
    await shop.edit_message(peer, sent.id, "news")
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert message.text == "news"
    assert message.edited_at is not None
    await sandbox.say(sandbox.find(ANNA), sandbox.find(SHOP), "mine")
    with pytest.raises(errors.MessageAuthorRequiredError):
        await shop.edit_message(peer, sent.id + 1, "not yours")
    (affected,) = await shop.delete_messages(peer, [sent.id])
    assert affected.pts_count == 1
    assert sandbox.inbox(sandbox.find(ANNA)) == []
    assert [message.message for message in await shop.get_messages(peer)] == ["mine"]


async def test_history_is_paged_and_searched(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    for n in range(1, 251):
        await shop(SEND(peer, f"news {n}", random_id=n))
    assert [message.id async for message in shop.iter_messages(peer)] == list(range(250, 0, -1))
    assert [message.id async for message in shop.iter_messages(peer, min_id=10, max_id=13)] == [12, 11]
    assert [message.id async for message in shop.iter_messages(peer, limit=2, reverse=True)] == [1, 2]
    assert (await shop.get_messages(peer, limit=0)).total == 250
    assert [message.text async for message in shop.iter_messages(peer, search="NEWS 99")] == ["news 99"]
    assert [message and message.id for message in await shop.get_messages(peer, ids=[7, 999])] == [7, None]
