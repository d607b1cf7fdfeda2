"""What people do by hand in private chats, as a connected client hears it."""

from __future__ import annotations

import asyncio

import pytest
from telegram_sandbox import ANNA, BELA, BOT_TOKEN, SEND, SHOP, connected, peer_of, png, until
from telethon import Button, errors, events, types

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment

pytestmark = pytest.mark.anyio


def hear(client, builder=None):
    heard = []
    client.add_event_handler(
        lambda event: heard.append(event.message) or asyncio.sleep(0), builder or events.NewMessage()
    )
    return heard


@pytest.mark.parametrize(
    ("kind", "content", "sign"),
    [
        ("picture", png(30, 20), "photo"),
        ("file", b"%PDF-1.7 list", "file"),
        ("voice", b"OggS" + bytes(range(200)), "voice"),
        ("video", b"\0\0\0\x18ftypmp42" + bytes(100), "video"),
        ("sticker", b"RIFF\0\0\0\0WEBPVP8X", "sticker"),
    ],
)
async def test_what_a_customer_sends_can_be_downloaded(sandbox, shop, kind, content, sign):
    heard = hear(shop)
    media = Attachment(kind, content, seconds=7)
    said = await sandbox.say(sandbox.find(ANNA), sandbox.find(SHOP), "look", media=media)
    await until(lambda: heard)
    (message,) = heard
    assert (message.message, message.out) == ("look", False)
    assert getattr(message, sign) is not None
    assert await shop.download_media(message, bytes) == content
    assert (said.media.kind, said.media.size, sandbox.content(said)) == (kind, len(content), content)
    if kind in ("voice", "video"):
        assert message.file.duration == 7


async def test_a_large_video_comes_in_parts(sandbox, shop):
    content = bytes(range(256)) * 5000  # more than one part of a download
    await sandbox.say(
        sandbox.find(ANNA), sandbox.find(SHOP), "", media=Attachment("video", content, "film.mp4")
    )
    (message,) = await shop.get_messages(await peer_of(shop, ANNA))
    assert message.file.name == "film.mp4"
    assert await shop.download_media(message, bytes) == content


async def test_a_place_and_a_contact_arrive(sandbox, shop):
    heard = hear(shop)
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    place = Attachment("location", latitude=47.5, longitude=19.05)
    card = Attachment("contact", phone=BELA, contact_name="Béla Nagy")
    told = [await sandbox.say(anna, me, "", media=media) for media in (place, card)]
    await until(lambda: len(heard) == 2)
    assert (heard[0].geo.lat, heard[0].geo.long) == (47.5, 19.05)
    assert (heard[1].contact.phone_number, heard[1].contact.first_name) == (BELA, "Béla")
    assert heard[1].contact.user_id == sandbox.find(BELA).id
    assert [message.media.name for message in told] == ["47.5,19.05", f"{BELA} Béla Nagy"]


async def test_a_client_can_send_a_place_and_a_contact(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    await shop.send_file(peer, types.InputMediaGeoPoint(types.InputGeoPoint(47.5, 19.05)))
    await shop.send_file(peer, types.InputMediaContact(BELA, "Béla", "Nagy", ""))
    assert [message.media.kind for message in sandbox.inbox(sandbox.find(ANNA))] == ["location", "contact"]


async def test_an_attachment_against_the_rules_is_refused(sandbox, shop):
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    for media in (Attachment("picture", b"no picture"), Attachment("file"), Attachment("url", url="x")):
        with pytest.raises(InputError):
            await sandbox.say(anna, me, "", media=media)
    with pytest.raises(InputError, match="phone number"):
        Attachment("contact")
    assert sandbox.inbox(me) == []


async def test_a_reply_and_an_edit_reach_the_client(sandbox, shop):
    heard, edited = hear(shop), hear(shop, events.MessageEdited())
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    first = await sandbox.say(anna, me, "one")
    second = await sandbox.say(anna, me, "twwo", reply_to=first)
    changed = await sandbox.edit(anna, second, "two")
    await until(lambda: edited)
    assert [message.reply_to_msg_id for message in heard] == [None, heard[0].id]
    assert (edited[0].id, edited[0].message, changed.text) == (heard[1].id, "two", "two")
    assert edited[0].edit_date is not None
    with pytest.raises(InputError, match="did not write"):
        await sandbox.edit(me, second, "not mine")
    with pytest.raises(InputError, match="no such message"):
        await sandbox.edit(anna, 77, "nothing")


async def test_an_away_message_is_marked(sandbox, shop):
    heard = hear(shop)
    said = await sandbox.say(sandbox.find(ANNA), sandbox.find(SHOP), "I am away", automatic=True)
    await sandbox.say(sandbox.find(ANNA), sandbox.find(SHOP), "I am back")
    await until(lambda: len(heard) == 2)
    assert said.is_automatic
    assert [bool(message.offline) for message in heard] == [True, False]


async def test_what_a_person_types_by_hand_is_outgoing_for_the_accounts_clients(sandbox, shop):
    mine, theirs = hear(shop, events.NewMessage(outgoing=True)), hear(shop, events.NewMessage(incoming=True))
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    question = await sandbox.say(anna, me, "how much?")
    await sandbox.say(me, anna, "1000 Ft", reply_to=question)
    async with connected(sandbox, anna) as phone:
        assert [
            message.message for message in await phone.get_messages(await peer_of(phone, SHOP), limit=5)
        ] == [
            "1000 Ft",
            "how much?",
        ]
    await until(lambda: mine)
    assert [(message.out, message.message, message.chat_id) for message in mine] == [
        (True, "1000 Ft", anna.id)
    ]
    assert mine[0].reply_to_msg_id == theirs[0].id


async def test_saved_messages_hold_a_reply(sandbox, shop):
    heard = hear(shop)
    me = sandbox.find(SHOP)
    note = await sandbox.say(me, me, "note")
    answer = await sandbox.say(me, me, "done", reply_to=note)
    await until(lambda: len(heard) == 2)
    assert [(message.chat_id, message.message, message.reply_to_msg_id) for message in heard] == [
        (me.id, "note", None),
        (me.id, "done", note.id),
    ]
    assert [message.id for message in await shop.get_messages("me", limit=5)] == [answer.id, note.id]


async def test_a_bots_keyboard_is_kept_and_pressed(sandbox):
    bot, anna = sandbox.add_user(bot_token=BOT_TOKEN), sandbox.find(ANNA)
    async with connected(sandbox, bot) as client:
        heard = hear(client, events.NewMessage(incoming=True))
        await sandbox.start_bot(anna, bot)
        await until(lambda: heard)
        buttons = [[Button.text("Opening hours"), Button.text("Stop")]]
        sent = await client.send_message(heard[0].peer_id, "Choose", buttons=buttons)
        (message,) = sandbox.inbox(anna)
        assert message.buttons == ("Opening hours", "Stop")
        assert [button.text for button in sent.reply_markup.rows[0].buttons] == ["Opening hours", "Stop"]
        await sandbox.press_button(anna, bot, "Stop")
        await until(lambda: len(heard) == 2)
        assert heard[1].message == "Stop"
        with pytest.raises(InputError, match="no button"):
            await sandbox.press_button(anna, bot, "Buy")
        empty = types.ReplyKeyboardMarkup([])
        with pytest.raises(errors.ReplyMarkupInvalidError):
            await client(SEND(heard[0].peer_id, "x", random_id=1, reply_markup=empty))


async def test_people_send_no_keyboards(sandbox, shop):
    await shop.send_message(await peer_of(shop, ANNA), "x", buttons=[[Button.text("no")]])
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert message.buttons == ()
