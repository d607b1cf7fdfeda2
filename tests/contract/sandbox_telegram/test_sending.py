"""Sending through the Telegram sandbox: the ledger's rules, and people's."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from telegram_sandbox import ANNA, BELA, BOT_TOKEN, SEND, SHOP, connected, peer_of, recorded, serving, until
from telethon import errors, events, functions, types

pytestmark = pytest.mark.anyio


# Sending.


async def test_a_sent_message_is_on_the_phone_and_in_the_log(sandbox, shop, log):
    text = "Új ruhák 👗 holnap!"
    bold = types.MessageEntityBold(9, 2)
    link = types.MessageEntityTextUrl(0, 2, "https://shop.example/új")
    sent = await shop(SEND(await peer_of(shop, ANNA), text, random_id=2**63 - 1, entities=[bold, link]))
    assert isinstance(sent, types.UpdateShortSentMessage)
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.text, message.random_id, message.remote_id) == (text, 2**63 - 1, sent.id)
    assert message.sender is sandbox.find(SHOP)
    assert [(entity.kind, entity.offset, entity.length) for entity in message.entities] == [
        ("Bold", 9, 2),
        ("TextUrl", 0, 2),
    ]
    assert message.entities[1].url == link.url
    (event,) = recorded(log, "message")
    expected = {
        "network": "telegram",
        "sender": SHOP,
        "to": ANNA,
        "text": text,
        "random_id": 2**63 - 1,
        "id": sent.id,
        "repeated": False,
    }
    assert expected.items() <= event.items()


async def test_a_repeated_random_id_returns_the_first_message(sandbox, shop, log):
    peer = await peer_of(shop, ANNA)
    first = await shop(SEND(peer, "once", random_id=-5))
    again = await shop(SEND(peer, "once", random_id=-5))
    assert [type(update) for update in again.updates] == [types.UpdateMessageID, types.UpdateNewMessage]
    assert (again.updates[0].id, again.updates[0].random_id) == (first.id, -5)
    assert (again.updates[1].message.date, again.updates[1].pts_count) == (first.date, 0)
    assert len(sandbox.inbox(sandbox.find(ANNA))) == 1
    assert Counter(event["event"] for event in log.events if event.get("random_id") == -5) == {
        "message": 1,
        "repeat": 1,
    }


async def test_the_same_random_id_is_another_message_for_another_person(sandbox, shop):
    for phone in (ANNA, BELA):
        await shop(SEND(await peer_of(shop, phone), "hello", random_id=9))
        assert len(sandbox.inbox(sandbox.find(phone))) == 1


async def test_a_repeated_random_id_can_be_an_error_instead(log):
    async with serving(random_ids="error", log=log) as sandbox:
        async with connected(sandbox, sandbox.add_user(phone=SHOP), request_retries=0) as client:
            peer = await peer_of(client, ANNA)
            await client(SEND(peer, "once", random_id=5))
            with pytest.raises(errors.RandomIdDuplicateError):
                await client(SEND(peer, "once", random_id=5))
        assert len(sandbox.inbox(sandbox.find(ANNA))) == 1
    assert len(recorded(log, "message")) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"message": "x" * 4097}, errors.MessageTooLongError),
        ({"message": "👗" * 2048 + "!"}, errors.MessageTooLongError),
        ({"message": " \n"}, errors.MessageEmptyError),
        ({"random_id": 0}, errors.RandomIdEmptyError),
        ({"entities": [types.MessageEntityBold(2, 3)]}, errors.EntityBoundsInvalidError),
        ({"message": "👗", "entities": [types.MessageEntityBold(0, 1)]}, errors.EntityBoundsInvalidError),
    ],
)
async def test_a_message_against_the_rules_is_refused(sandbox, shop, wrong, error):
    with pytest.raises(error):
        await shop(SEND(await peer_of(shop, ANNA), **{"message": "text", "random_id": 1, **wrong}))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


@pytest.mark.parametrize("text", ["x" * 4096, "👗" * 2048])
async def test_a_message_of_just_the_limit_passes(sandbox, shop, text):
    await shop(SEND(await peer_of(shop, ANNA), text, random_id=1))
    assert [message.text for message in sandbox.inbox(sandbox.find(ANNA))] == [text]


async def test_saved_messages_are_in_ones_own_inbox_once(sandbox, shop):
    await shop(SEND(types.InputPeerSelf(), "note", random_id=1))
    assert [message.text for message in sandbox.inbox(sandbox.find(SHOP))] == ["note"]
    assert [message.text for message in await shop.get_messages("me")] == ["note"]


async def test_thousands_of_sends_arrive_once_each_though_connections_drop(sandbox, shop, faults, log):
    faults.add("SendMessageRequest", "drop_after", after=400)
    faults.add("SendMessageRequest", "drop_before", after=900)
    peers = [await peer_of(shop, phone) for phone in (ANNA, BELA)]
    await asyncio.gather(*(shop(SEND(peers[n % 2], f"news {n}", random_id=n + 1)) for n in range(2000)))
    counted = Counter((event["to"], event["random_id"]) for event in recorded(log, "message"))
    assert len(counted) == 2000
    assert set(counted.values()) == {1}
    assert recorded(log, "repeat")


# People's rules.


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"deleted": True}, errors.InputUserDeactivatedError, ""),
        ({"premium_only": True}, errors.ForbiddenError, "PRIVACY_PREMIUM_REQUIRED"),
    ],
)
async def test_who_cannot_be_written_to_is_refused(sandbox, shop, fields, error, text):
    sandbox.add_user(phone=ANNA, **fields)
    with pytest.raises(error, match=text or None):
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=1))


async def test_a_bot_may_write_only_to_who_started_it_and_did_not_block_it(log):
    async with serving(bot_started_by_all=False, log=log) as sandbox:
        bot, anna = sandbox.add_user(bot_token=BOT_TOKEN), sandbox.add_user(username="anna_vip")
        async with connected(sandbox, bot) as client:
            peer = await client.get_input_entity("@anna_vip")
            with pytest.raises(errors.PeerIdInvalidError):
                await client(SEND(peer, "hello", random_id=1))
            await sandbox.start_bot(anna, bot, "vip7")
            assert [message.text for message in sandbox.inbox(bot)] == ["/start vip7"]
            await client(SEND(types.InputPeerUser(anna.id, 0), "hello", random_id=1))
            sandbox.block(anna, bot)
            with pytest.raises(errors.UserIsBlockedError):
                await client(SEND(peer, "news", random_id=2))
    assert [message.text for message in sandbox.inbox(anna)] == ["hello"]


async def test_a_bot_learns_who_stopped_it_at_once_or_later(sandbox):
    bot, anna, bela = sandbox.add_user(bot_token=BOT_TOKEN), sandbox.find(ANNA), sandbox.find(BELA)
    heard = []
    async with connected(sandbox, bot) as client:
        client.add_event_handler(
            lambda update: heard.append((update.user_id, update.stopped)) or asyncio.sleep(0),
            events.Raw(types.UpdateBotStopped),
        )
        sandbox.block(anna, bot)
        sandbox.block(anna, bot)
        sandbox.unblock(anna, bot)
        sandbox.block(bela, bot)
        await until(lambda: len(heard) == 3)
        assert heard == [(anna.id, True), (anna.id, False), (bela.id, True)]
        state = await client(functions.updates.GetStateRequest())
        missed = await client(functions.updates.GetDifferenceRequest(state.pts, state.date, qts=2))
    assert [(update.user_id, update.stopped) for update in missed.other_updates] == [(bela.id, True)]
    assert missed.state.qts == 3
