"""By which events one learns that a group's people changed, or that they read there."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from chat_keeping import ANNA, BELA, TOMORROW, keeping
from telethon.tl import types

from vipcast.config import Secret
from vipcast.messengers._telegram.reading import Reader
from vipcast.messengers.base import EventKind, Message
from vipcast.messengers.telegram import Telegram

pytestmark = pytest.mark.anyio
BOT_TOKEN = "700001:sandbox-token"
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MEGA, NEWS = -1000000000007, -1000000000008
GROUPS = {
    MEGA: types.Channel(7, "VIP", types.ChatPhotoEmpty(), AT, megagroup=True, access_hash=70),
    NEWS: types.Channel(8, "News", types.ChatPhotoEmpty(), AT, broadcast=True, access_hash=80),
}
INVITED = types.ChannelParticipantSelf(11, 10, AT)


async def nothing_known(request):
    raise ConnectionError("nobody answers")


@pytest.fixture
def reader():
    return Reader(10, nothing_known)


def told(update):
    update._entities = GROUPS
    return update


def service(action, number=7):
    message = types.MessageService(
        5, types.PeerChannel(number), AT, action=action, from_id=types.PeerUser(11)
    )
    return told(types.UpdateNewChannelMessage(message, 1, 1))


# What an update means


@pytest.mark.parametrize(
    ("update", "moment"),
    [
        (service(types.MessageActionChatAddUser([11])), AT),
        (service(types.MessageActionChatDeleteUser(11)), AT),
        (service(types.MessageActionChatJoinedByLink(10)), AT),
        (service(types.MessageActionChatJoinedByRequest()), AT),
        (told(types.UpdateChannelParticipant(7, AT, 10, 11, 3, new_participant=INVITED)), AT),
        (told(types.UpdatePendingJoinRequests(types.PeerChannel(7), 1, [11])), None),
        (told(types.UpdateReadChannelOutbox(7, 5)), None),
        (told(types.UpdateChannel(7)), None),
    ],
)
async def test_a_change_of_a_group_names_the_group_and_nobody(reader, update, moment):
    event = await reader.read(update)
    assert (event.kind, event.address, event.chat) == (EventKind.CHAT, str(MEGA), str(MEGA))
    assert (event.text, event.name, event.peer) == ("", "", "")
    assert event.at == (moment or event.at)
    assert event.at.tzinfo is not None
    again = await reader.read(update)
    assert (again.remote_id == event.remote_id) is (moment is not None)  # a push is never told again


async def test_each_change_has_a_number_of_its_own(reader):
    updates = [
        service(types.MessageActionChatAddUser([11])),
        told(types.UpdateChannelParticipant(7, AT, 10, 11, 5, new_participant=INVITED)),
        told(types.UpdatePendingJoinRequests(types.PeerChannel(7), 1, [11])),
        told(types.UpdateReadChannelOutbox(7, 5)),
        told(types.UpdateChannel(7)),
    ]
    assert len({(await reader.read(update)).remote_id for update in updates}) == len(updates)


@pytest.mark.parametrize(
    "update",
    [
        service(types.MessageActionPinMessage()),
        service(types.MessageActionChatEditTitle("VIP")),
        service(types.MessageActionChatAddUser([11]), 8),
        told(types.UpdateReadChannelOutbox(8, 5)),
        told(types.UpdateChannel(8)),
        told(types.UpdateUserTyping(11, types.SendMessageTypingAction())),
    ],
)
async def test_what_changes_nobody_and_channels_of_news_are_passed_over(reader, update):
    assert await reader.read(update) is None


async def test_a_group_that_threw_us_out_has_changed(reader):
    update = types.UpdateChannel(7)
    update._entities = {MEGA: types.ChannelForbidden(7, 70, "VIP", megagroup=True)}
    assert (await reader.read(update)).chat == str(MEGA)


# Over the sandbox


class Ear:
    """Events as they come; to take one says that the one before is stored."""

    def __init__(self, events):
        self._events = events
        self._asked = None

    def ask(self):
        self._asked = self._asked or asyncio.ensure_future(anext(self._events))

    async def take(self):
        self.ask()
        async with asyncio.timeout(30):
            event = await self._asked
        self._asked = None
        return event

    async def take_until(self, prefix):
        """Take what comes up to the first event whose number begins so; return all of it."""
        taken = [await self.take()]
        while not taken[-1].remote_id.startswith(prefix):
            taken.append(await self.take())
        return taken

    async def stop(self):
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)


@asynccontextmanager
async def hearing(messenger, *, again=False):
    ready = asyncio.Event()
    async with aclosing(messenger.listen(ready.set)) as events:
        ear = Ear(events)
        try:
            if not again:
                ear.ask()
                async with asyncio.timeout(30):
                    await ready.wait()
            yield ear
        finally:
            await ear.stop()


@pytest.fixture
async def shop(tmp_path, monkeypatch):
    async with keeping(tmp_path, monkeypatch) as shop:
        yield shop


async def test_who_comes_and_goes_is_heard(shop):
    chat, group = await shop.made()
    anna, bela = shop.find(ANNA), shop.find(BELA)
    link = shop.sandbox.invite_link(group)
    deeds = [
        lambda: shop.sandbox.join(group, anna),
        lambda: shop.sandbox.leave(group, anna),
        lambda: shop.sandbox.join_by_link(bela, link),
        lambda: shop.sandbox.kick(group, bela),
    ]
    async with hearing(shop.messenger) as ear:
        for deed in deeds:
            deed()
            heard = await ear.take_until("service-")
            assert {(one.kind, one.chat, one.address) for one in heard} == {(EventKind.CHAT, chat, chat)}


async def test_who_asks_to_come_in_is_heard_and_let_in(shop):
    chat, group = await shop.made()
    link = await shop.keeper.new_link(chat, "Anna", TOMORROW)
    async with hearing(shop.messenger) as ear:
        assert shop.sandbox.join_by_link(shop.find(ANNA), link) is None
        heard = (await ear.take_until("asking-"))[-1]
        assert (heard.kind, heard.chat) == (EventKind.CHAT, chat)
        (waiting,) = await shop.keeper.requests(chat)  # over the connection that listens
        await shop.keeper.admit(chat, waiting.person, is_yes=True)
        assert all(one.chat == chat for one in await ear.take_until("service-"))
    assert ANNA in shop.inside(group)


async def test_that_somebody_has_read_is_heard_of_each(shop):
    chat, group = await shop.made()
    people = [shop.find(ANNA), shop.find(BELA)]
    for person in people:
        shop.sandbox.join(group, person)
    async with hearing(shop.messenger) as ear:
        sent = await shop.messenger.send(chat, "", Message("news"), 1)
        numbers = set()
        for person in people:
            await shop.sandbox.read_in(group, person)
            heard = (await ear.take_until("read-"))[-1]
            assert (heard.kind, heard.chat) == (EventKind.CHAT, chat)
            numbers.add(heard.remote_id)
        assert len(numbers) == len(people)
        assert set(await shop.keeper.readers(chat, sent.remote_id)) == {str(one.id) for one in people}


async def test_looking_and_repeating_change_nothing(shop):
    """Else whoever looks at each change would never come to an end."""
    chat, group = await shop.made()
    anna = shop.find(ANNA)
    shop.sandbox.join(group, anna)
    keeper, person = shop.keeper, await shop.one(chat, ANNA)
    rules = {"members_write": True, "hides_members": False, "shows_history": True}
    sent = await shop.messenger.send(chat, "", Message("news"), 1)
    deeds = [
        lambda: keeper.set_rules(chat, **rules),
        lambda: keeper.describe(chat, "VIP", "for guests"),
        lambda: keeper.pin(chat, sent.remote_id),
        lambda: keeper.add(chat, ANNA, ""),
        lambda: keeper.admit(chat, person, is_yes=True),
        lambda: keeper.look(chat),
        lambda: keeper.people(chat),
        lambda: keeper.gone(chat, AT),
        lambda: keeper.links(chat),
        lambda: keeper.requests(chat),
        lambda: keeper.readers(chat, sent.remote_id),
    ]
    for deed in deeds:
        await deed()
    async with hearing(shop.messenger) as ear:
        for deed in deeds:
            await deed()
        await shop.sandbox.say_in(group, anna, "hello")
        event = await ear.take()
    assert (event.kind, event.text) == (EventKind.MESSAGE, "hello")


async def test_that_the_account_was_thrown_out_is_heard(shop):
    group = shop.sandbox.create_group(shop.find(ANNA), "VIP", [shop.me])
    async with hearing(shop.messenger) as ear:
        shop.sandbox.kick(group, shop.me)
        assert (await ear.take_until("group-"))[-1].chat == str(group.key)


async def test_who_came_while_nobody_listened_is_heard_in_order(shop):
    chat, group = await shop.made()
    async with hearing(shop.messenger):
        pass
    shop.sandbox.join(group, shop.find(ANNA))
    await shop.sandbox.say_in(group, shop.find(ANNA), "hello")
    shop.sandbox.join(group, shop.find(BELA))
    async with hearing(shop.messenger, again=True) as ear:
        heard = [await ear.take() for _ in range(3)]
    assert [one.kind for one in heard] == [EventKind.CHAT, EventKind.MESSAGE, EventKind.CHAT]
    assert {one.chat for one in heard} == {chat}
    async with hearing(shop.messenger, again=True) as ear:  # the last was not said to be stored
        assert [(await ear.take()).remote_id for _ in range(3)] == [one.remote_id for one in heard]


async def test_a_bot_that_leads_a_group_hears_of_its_members(shop, tmp_path):
    chat, group = await shop.made()
    robot = shop.sandbox.add_user(bot_token=BOT_TOKEN)
    shop.sandbox.join(group, robot)
    person = await shop.one(chat, robot.label)
    await shop.keeper.promote(chat, person)
    session = tmp_path / "sessions" / "bot.session"
    bot = Telegram(msgspec.structs.replace(shop.account, token=Secret(BOT_TOKEN), session=session))
    await bot.open()
    async with hearing(bot) as ear:
        shop.sandbox.join(group, shop.find(ANNA))
        assert (await ear.take_until("participant-"))[-1].chat == chat
    shop.sandbox.leave(group, shop.find(ANNA))
    async with hearing(bot, again=True) as ear:
        assert (await ear.take_until("participant-"))[-1].chat == chat
    await bot.close()
