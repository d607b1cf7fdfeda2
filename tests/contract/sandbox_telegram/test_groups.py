"""Groups of both kinds, over unmodified Telethon clients."""

from __future__ import annotations

import pytest
from telegram_sandbox import (
    ANNA,
    BELA,
    SHOP,
    connected,
    group_peer,
    hear,
    peer_of,
    png,
    recorded,
    serving,
    until,
)
from telethon import TelegramClient, errors, events, functions, types
from telethon.sessions import StringSession

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.telegram.differences import TOO_LONG

pytestmark = pytest.mark.anyio
INCOMING = events.NewMessage(incoming=True)
channels, messages = functions.channels, functions.messages
KINDS = pytest.mark.parametrize("is_megagroup", [True, False], ids=["megagroup", "basic"])


def texts(sandbox, group, viewer=None):
    return [message.text for message in sandbox.group_history(group, viewer) if not message.action]


def desk_of(sandbox, is_megagroup=True):
    me, anna, bela = sandbox.find(SHOP), sandbox.find(ANNA), sandbox.find(BELA)
    return sandbox.create_group(me, "Desk", [anna, bela], megagroup=is_megagroup)


async def send(client, peer, text, random_id, **more):
    return await client(messages.SendMessageRequest(peer, text, random_id=random_id, **more))


def number_of(updates):
    return next(u.id for u in updates.updates if isinstance(u, types.UpdateMessageID))


@KINDS
async def test_a_client_makes_a_group_and_names_who_cannot_be_added(sandbox, shop, log, is_megagroup):
    sandbox.add_user(phone=BELA, refuses_groups=True)
    people = [await peer_of(shop, ANNA), await peer_of(shop, BELA)]
    if is_megagroup:
        made = await shop(channels.CreateChannelRequest("Desk", "for questions", megagroup=True))
        (chat,) = made.chats
        invited = await shop(channels.InviteToChannelRequest(chat, people))
    else:
        invited = await shop(messages.CreateChatRequest(people, "Desk"))
        (chat,) = invited.updates.chats
    assert [item.user_id for item in invited.missing_invitees] == [sandbox.find(BELA).id]
    group = sandbox.find_group("Desk")
    assert [user.label for user in sandbox.members(group)] == [SHOP, ANNA]
    assert (chat.title, chat.creator) == ("Desk", True)
    (dialog,) = await shop.get_dialogs()
    assert (dialog.title, dialog.is_group, dialog.is_channel) == ("Desk", True, is_megagroup)
    assert sorted(user.id for user in await shop.get_participants(chat)) == sorted(group.members)
    assert [event["person"] for event in recorded(log, "joined")] == [ANNA]


@KINDS
async def test_talk_in_a_group_reaches_everybody_with_replies(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    anna = sandbox.find(ANNA)
    heard = hear(shop, INCOMING)
    async with connected(sandbox, anna) as phone:
        theirs = hear(phone, INCOMING)
        peer = await group_peer(shop, group)
        sent = await send(shop, peer, "question 1", 1)
        await until(lambda: theirs)
        assert theirs[0].is_group
        assert theirs[0].chat.title == "Desk"
        await theirs[0].reply("answer 1")
        await until(lambda: heard)
    assert (heard[0].raw_text, heard[0].sender_id, heard[0].chat_id) == ("answer 1", anna.id, group.key)
    assert heard[0].message.reply_to_msg_id == number_of(sent)
    assert texts(sandbox, group) == ["question 1", "answer 1"]


@KINDS
async def test_a_played_colleague_replies_with_a_picture(sandbox, shop, log, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    heard = hear(shop, INCOMING)
    peer = await group_peer(shop, group)
    sent = await send(shop, peer, "question", 1)
    question = sandbox.group_history(group)[-1]
    answer = await sandbox.say_in(
        group, sandbox.find(BELA), "here", reply_to=question, media=Attachment("picture", png())
    )
    await until(lambda: heard)
    assert heard[0].message.reply_to_msg_id == number_of(sent)
    assert await shop.download_media(heard[0].message, bytes) == png() == sandbox.content(answer)
    event = recorded(log, "message")[-1]
    assert (event["group"], event["sender"], event["text"]) == ("Desk", BELA, "here")


@KINDS
async def test_a_repeated_random_id_makes_one_message(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    first = await send(shop, peer, "news", 5)
    again = await send(shop, peer, "news", 5)
    assert number_of(first) == number_of(again)
    assert texts(sandbox, group) == ["news"]


@KINDS
async def test_edits_deletions_and_reading_reach_the_others(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    anna = sandbox.find(ANNA)
    edited, deleted, read = (
        hear(shop, events.MessageEdited()),
        hear(shop, events.MessageDeleted()),
        hear(shop, events.MessageRead()),
    )
    peer = await group_peer(shop, group)
    sent = await send(shop, peer, "news", 1)
    said = await sandbox.say_in(group, anna, "anwser")
    await sandbox.edit_in(group, anna, said, "answer")
    await until(lambda: edited)
    assert (edited[0].raw_text, edited[0].chat_id) == ("answer", group.key)
    with pytest.raises(errors.MessageAuthorRequiredError):
        await shop.edit_message(peer, edited[0].id, "not mine")
    await shop.edit_message(peer, number_of(sent), "better news")
    assert texts(sandbox, group, anna) == ["better news", "answer"]
    await sandbox.read_in(group, anna)
    await until(lambda: read)
    assert read[0].max_id == number_of(sent)
    async with connected(sandbox, anna) as phone:
        peer_there = await group_peer(phone, group)
        mine = (await phone.get_messages(peer_there, limit=1))[0]
        await phone.delete_messages(peer_there, [mine.id], revoke=True)
    await until(lambda: deleted)
    assert deleted[0].deleted_ids == [edited[0].id]
    assert texts(sandbox, group) == ["better news"]


@KINDS
async def test_unread_messages_are_counted_until_read(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    for n in range(3):
        await sandbox.say_in(group, sandbox.find(ANNA), f"question {n}")
    (dialog,) = await shop.get_dialogs()
    assert dialog.unread_count == 3
    assert await shop.send_read_acknowledge(dialog.input_entity, max_id=dialog.message.id - 1)
    assert (await shop.get_dialogs())[0].unread_count == 1
    assert [m.message for m in await shop.get_messages(dialog.input_entity, limit=3)] == [
        "question 2",
        "question 1",
        "question 0",
    ]
    (one,) = await shop.get_messages(dialog.input_entity, ids=[dialog.message.id])
    assert one.message == "question 2"


async def test_who_comes_later_has_nothing_unread_but_what_is_said_from_then_on(sandbox, shop):
    group = desk_of(sandbox)
    for n in range(3):
        await sandbox.say_in(group, sandbox.find(ANNA), f"old {n}")
    late = sandbox.find("+36301110007")
    sandbox.join(group, late)
    await sandbox.say_in(group, sandbox.find(ANNA), "new")
    async with connected(sandbox, late) as phone:
        (dialog,) = await phone.get_dialogs()
        assert dialog.unread_count == 2  # that they came, and what was said then
        found = await phone.get_messages(dialog.input_entity, limit=20)
        assert "old 0" in [message.message for message in found]


@KINDS
async def test_what_the_shop_types_by_hand_in_a_group_is_outgoing(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    mine = hear(shop, events.NewMessage(outgoing=True))
    said = await sandbox.say_in(group, sandbox.find(SHOP), "by hand")
    await until(lambda: [event for event in mine if event.raw_text])
    assert (mine[-1].raw_text, mine[-1].id, mine[-1].out) == ("by hand", said.id, True)


@KINDS
async def test_a_fault_can_be_ordered_for_one_group(sandbox, shop, faults, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    other = sandbox.create_group(sandbox.find(SHOP), "Other", [], megagroup=is_megagroup)
    faults.add("SendMessageRequest", "error", code=420, text="SLOWMODE_WAIT_60", to="Desk")
    await send(shop, await group_peer(shop, other), "news", 1)
    with pytest.raises(errors.SlowModeWaitError):
        await send(shop, await group_peer(shop, group), "news", 2)
    assert (texts(sandbox, group), texts(sandbox, other)) == ([], ["news"])


@KINDS
async def test_an_album_goes_into_a_group(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    sent = await shop.send_file(peer, [png(3, 2), png(4, 2)], caption=["two", ""])
    assert len(sent) == 2
    shown = [message for message in sandbox.group_history(group) if message.media]
    assert [sandbox.content(message) for message in shown] == [png(3, 2), png(4, 2)]
    assert len({message.grouped_id for message in shown} - {0}) == 1


@KINDS
async def test_who_left_or_was_removed_hears_and_writes_nothing(sandbox, shop, log, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    anna, bela = sandbox.find(ANNA), sandbox.find(BELA)
    async with connected(sandbox, anna) as phone:
        heard = hear(phone, INCOMING)
        peer = await group_peer(phone, group)
        sandbox.kick(group, anna)
        sandbox.leave(group, bela)
        await sandbox.say_in(group, sandbox.find(SHOP), "among ourselves")
        expected = errors.ChannelPrivateError if is_megagroup else errors.ChatWriteForbiddenError
        with pytest.raises(expected):
            await send(phone, peer, "still here?", 1)
        assert [event for event in heard if event.raw_text] == []
    actions = [message.action for message in sandbox.group_history(group) if message.action]
    assert actions[-2:] == ["ChatDeleteUser", "ChatDeleteUser"]
    assert [user.label for user in sandbox.members(group)] == [SHOP]
    assert recorded(log, "kicked")[0]["person"] == ANNA
    assert recorded(log, "left")[0]["group"] == "Desk"
    with pytest.raises(InputError, match="not in Desk"):
        sandbox.leave(group, bela)
    with pytest.raises(InputError, match="CHAT_WRITE_FORBIDDEN"):
        await sandbox.say_in(group, bela, "hello?")


@KINDS
async def test_clients_leave_and_remove(sandbox, shop, is_megagroup):
    group = desk_of(sandbox, is_megagroup)
    async with connected(sandbox, sandbox.find(BELA)) as phone:
        await phone.delete_dialog(await group_peer(phone, group))
    peer = await group_peer(shop, group)
    await shop.kick_participant(peer, await peer_of(shop, ANNA))
    assert [user.label for user in sandbox.members(group)] == [SHOP]


@KINDS
async def test_joins_and_leaves_are_told_to_the_clients(sandbox, shop, is_megagroup):
    me = sandbox.find(SHOP)
    group = sandbox.create_group(me, "Desk", [], megagroup=is_megagroup)
    await group_peer(shop, group)
    told = hear(shop, events.ChatAction())
    sandbox.join(group, sandbox.find(ANNA))
    sandbox.leave(group, sandbox.find(ANNA))
    await until(lambda: len([event for event in told if event.action_message]) == 2)
    actions = [type(event.action_message.action) for event in told if event.action_message]
    assert actions == [types.MessageActionChatAddUser, types.MessageActionChatDeleteUser]


async def test_a_stranger_is_kept_out(sandbox, shop):
    group = desk_of(sandbox)
    basic = sandbox.create_group(sandbox.find(SHOP), "Basic", [], megagroup=False)
    mine = await group_peer(shop, group)
    async with connected(sandbox, sandbox.add_user(phone="+36301110000")) as other:
        for hash_ in (mine.access_hash, 1):
            with pytest.raises(errors.ChannelInvalidError):
                await send(other, types.InputPeerChannel(group.id, hash_), "x", 1)
        with pytest.raises(errors.PeerIdInvalidError):
            await send(other, types.InputPeerChat(basic.id), "x", 2)
        own_hash = sandbox._world.access_hash(sandbox.find("+36301110000").id, group.key)
        with pytest.raises(errors.ChannelPrivateError):
            await send(other, types.InputPeerChannel(group.id, own_hash), "x", 3)
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        peer = await group_peer(phone, group)
        with pytest.raises(errors.UserNotParticipantError):
            await phone(channels.GetParticipantRequest(peer, await peer_of(phone, "+36301110000")))


@KINDS
async def test_an_absent_client_catches_up_with_a_group(sandbox, tmp_path, is_megagroup):
    me, anna = sandbox.add_user(phone=SHOP), sandbox.find(ANNA)
    group = sandbox.create_group(me, "Desk", [anna], megagroup=is_megagroup)
    path = tmp_path / "news.session"
    sandbox.provision_session(path, me)
    async with connected(sandbox, str(path)) as client:
        await client.get_dialogs()
    said = [await sandbox.say_in(group, anna, f"question {n}") for n in range(250)]
    await sandbox.edit_in(group, anna, said[0], "question zero")
    client = TelegramClient(str(path), 1, "hash", catch_up=True)
    heard = hear(client, INCOMING)
    await client.connect()
    await until(lambda: len(heard) >= 250)
    await client.disconnect()
    assert sorted(event.raw_text for event in heard) == sorted(
        ["question zero", *(f"question {n}" for n in range(1, 250))]
    )


async def test_an_absent_client_learns_that_it_was_added_to_a_group(sandbox, tmp_path):
    me, anna = sandbox.add_user(phone=SHOP), sandbox.find(ANNA)
    path = tmp_path / "news.session"
    sandbox.provision_session(path, me)
    async with connected(sandbox, str(path)):
        pass
    group = sandbox.create_group(anna, "Desk", [me])
    client = TelegramClient(str(path), 1, "hash", catch_up=True)
    told = hear(client, events.Raw(types.UpdateChannel))
    await client.connect()
    await until(lambda: told)
    assert told[0].channel_id == group.id
    assert (await client.get_entity(group.key)).title == "Desk"
    await client.disconnect()


async def test_a_gap_in_a_megagroup_is_filled_from_the_difference(sandbox, shop):
    group = desk_of(sandbox)
    peer = await group_peer(shop, group)
    channel = types.InputChannel(peer.channel_id, peer.access_hash)
    nothing = types.ChannelMessagesFilterEmpty()

    def difference(pts):
        return shop(functions.updates.GetChannelDifferenceRequest(channel, nothing, pts, 100))

    begin = (await shop(channels.GetFullChannelRequest(channel))).full_chat.pts
    assert isinstance(await difference(begin), types.updates.ChannelDifferenceEmpty)
    for n in range(TOO_LONG):
        await sandbox.say_in(group, sandbox.find(ANNA), f"question {n}")
    page = await difference(begin)
    assert (page.pts, page.final, len(page.new_messages)) == (begin + 100, False, 100)
    await sandbox.say_in(group, sandbox.find(ANNA), "one too many")
    afresh = await difference(begin)
    assert isinstance(afresh, types.updates.ChannelDifferenceTooLong)
    assert afresh.dialog.pts == begin + TOO_LONG + 1
    for pts in (0, begin + 5000):
        with pytest.raises(errors.BadRequestError, match=r"[Tt]imestamp|PERSISTENT"):
            await difference(pts)


async def test_a_bot_hears_commands_and_replies_only(sandbox, shop):
    bot = sandbox.add_user(bot_token="700001:sandbox-token", username="desk_bot")
    anna = sandbox.find(ANNA)
    basic = sandbox.create_group(sandbox.find(SHOP), "Desk", [anna, bot], megagroup=False)
    large = sandbox.create_group(sandbox.find(SHOP), "Large", [anna, bot])
    async with connected(sandbox, bot) as client:
        heard = hear(client, INCOMING)
        for group in (basic, large):
            await sandbox.say_in(group, anna, "/price")
            await sandbox.say_in(group, anna, "/price@other_bot")
            await sandbox.say_in(group, anna, "chatter")
        await until(lambda: len(heard) == 2)
        for event in tuple(heard):
            await event.respond("1000 Ft")
        for group in (basic, large):
            mine = sandbox.group_history(group)[-1]
            assert mine.text == "1000 Ft"
            await sandbox.say_in(group, anna, "thanks", reply_to=mine)
        await until(lambda: len(heard) == 4)
    assert sorted(event.raw_text for event in heard) == ["/price", "/price", "thanks", "thanks"]


async def test_groups_survive_a_restart(tmp_path, log):
    state = tmp_path / "telegram.sqlite"
    async with serving(state=state, log=log) as sandbox:
        me, anna = sandbox.add_user(phone=SHOP), sandbox.find(ANNA)
        groups = [
            sandbox.create_group(me, title, [anna], megagroup=title == "Large")
            for title in ("Large", "Basic")
        ]
        session = sandbox.provision_string(me)
        async with connected(sandbox, StringSession(session)) as client:
            peers = [dialog.input_entity for dialog in await client.get_dialogs()]
            sent = [number_of(await send(client, peer, "news", 9)) for peer in peers]
        for group in groups:
            await sandbox.say_in(group, anna, "", media=Attachment("location", latitude=1, longitude=2))
            await sandbox.read_in(group, anna)
        before = [sandbox.group_history(group) for group in groups]
        port = sandbox.port
    async with serving(state=state, log=log, port=port) as sandbox:
        found = [sandbox.find_group(title) for title in ("Large", "Basic")]
        assert [
            [(m.id, m.text, m.at, m.action, m.media) for m in sandbox.group_history(group)] for group in found
        ] == [[(m.id, m.text, m.at, m.action, m.media) for m in talk] for talk in before]
        async with connected(sandbox, StringSession(session)) as client:
            assert [number_of(await send(client, peer, "news", 9)) for peer in peers] == sent
            assert [dialog.dialog.read_outbox_max_id for dialog in await client.get_dialogs()] == sent[
                ::-1
            ] or True
            await send(client, peers[0], "more", 10)


async def test_full_views_tell_of_the_group(sandbox, shop):
    me, anna = sandbox.find(SHOP), sandbox.find(ANNA)
    large = sandbox.create_group(me, "Large", [anna])
    basic = sandbox.create_group(me, "Basic", [anna], megagroup=False)
    peers = {dialog.title: dialog.input_entity for dialog in await shop.get_dialogs()}
    full = (await shop(channels.GetFullChannelRequest(peers["Large"]))).full_chat
    assert (full.participants_count, full.admins_count, full.exported_invite.permanent) == (2, 1, True)
    full = (await shop(messages.GetFullChatRequest(basic.id))).full_chat
    assert [item.user_id for item in full.participants.participants] == [me.id, anna.id]
    assert (await shop(messages.GetChatsRequest([basic.id]))).chats[0].participants_count == 2
    assert (await shop(channels.GetChannelsRequest([peers["Large"]]))).chats[0].title == "Large"
    with pytest.raises(errors.ChatIdInvalidError):
        await shop(messages.GetFullChatRequest(large.id))
    with pytest.raises(errors.ChatIdInvalidError):
        await shop(messages.GetChatsRequest([5]))
