"""Hearing people on Telegram over the sandbox: at once, after being down, and over a broken connection."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from support import add_group, add_member, announce, rows
from telethon.tl import types

from vipcast.config import Secret
from vipcast.delivery import inbound
from vipcast.messengers._telegram import listening
from vipcast.messengers._telegram.listening import session_path
from vipcast.messengers.base import EventKind, LoginLost, Message
from vipcast.messengers.telegram import Telegram

pytestmark = pytest.mark.anyio

ANNA = "@anna_kovacs"
PHONE = "+36301234567"
BOT_TOKEN = "700001:sandbox-token"
ACCOUNT = "+99966100001"


@pytest.fixture
def account(shop, sandbox):
    return shop.config.account("news")


@pytest.fixture
def bot(account, tmp_path):
    return msgspec.structs.replace(account, token=Secret(BOT_TOKEN), session=tmp_path / "s" / "bot.session")


class Hearing:
    """Events as they come; `next` takes one, which says that the one before is stored."""

    def __init__(self, account):
        self.messenger = Telegram(account)
        self.caught_up = asyncio.Event()
        self._events = self.messenger.listen(self.caught_up.set)
        self._asked = None

    async def ready(self):
        self._ask()
        async with asyncio.timeout(60):
            await self.caught_up.wait()

    def _ask(self):
        if self._asked is None:
            self._asked = asyncio.ensure_future(anext(self._events))

    async def next(self):
        self._ask()
        async with asyncio.timeout(60):
            event = await self._asked
        self._asked = None
        return event

    async def aclose(self):
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)
        await self._events.aclose()
        await self.messenger.close()


@asynccontextmanager
async def hearing(account, *, again=False):
    """With `again` missed events are due, so it is not waited until there are none."""
    async with aclosing(Hearing(account)) as one:
        if not again:
            await one.ready()
        yield one


@pytest.fixture
def say(sandbox):
    def work(text, who=ANNA, to=ACCOUNT):
        telegram = sandbox.telegram
        sender, receiver = sandbox.do(telegram.find, who), sandbox.do(telegram.find, to)
        return sandbox.call(telegram.say(sender, receiver, text))

    return work


async def in_thread(work, *arguments):
    return await asyncio.to_thread(work, *arguments)


async def test_a_message_is_heard_with_all_names_of_its_writer(account, sandbox, say):
    def known():
        sandbox.telegram.add_user(username="anna_kovacs", phone=PHONE, first_name="Anna")

    await in_thread(sandbox.do, known)
    async with hearing(account) as ear:
        sent = await in_thread(say, "Jó napot! 🎉")
        event = await ear.next()
    assert (event.kind, event.address, event.text) == (EventKind.MESSAGE, ANNA, "Jó napot! 🎉")
    assert event.remote_id == str(sent.remote_id) or event.remote_id.isdecimal()
    assert event.raw["spellings"][0] == ANNA
    assert event.raw["spellings"][-1] == event.raw["id"]
    assert event.at.tzinfo is not None


async def test_a_message_in_the_short_form_is_heard_with_its_writers_name(account, sandbox):
    """Telegram's real servers name the writer of a plain text by number alone."""

    def write():
        world = sandbox.telegram._world
        me = sandbox.telegram.find(ACCOUNT)
        anna = sandbox.telegram.find(ANNA)
        change = world.write(anna, me, "short")[me.id]
        update = types.UpdateShortMessage(
            change.ids[0], anna.id, "short", change.pts, change.count, datetime.now(UTC)
        )
        for key in world.keys_of(me.id):
            for line in key.lines:
                if line.wants_updates:
                    line.push(update)
        return anna.id

    async with hearing(account) as ear:
        number = await in_thread(sandbox.do, write)
        event = await ear.next()
    assert (event.text, event.address, event.raw["id"]) == ("short", ANNA, str(number))


async def test_what_was_read_is_heard_through_the_last_message(account, sandbox):
    sender = Telegram(account)
    await sender.open()
    sent = await sender.send(ANNA, "", Message("News"), 1)
    async with hearing(account) as ear:
        again = await sender.send(ANNA, sent.peer, Message("More"), 2)

        def read():
            telegram = sandbox.telegram
            return telegram.read(telegram.find(ANNA), telegram.find(ACCOUNT))

        await in_thread(lambda: sandbox.call(read()))
        event = await ear.next()
    await sender.close()
    assert (event.kind, event.address, event.through) == (EventKind.SEEN, ANNA, True)
    assert event.remote_id == again.remote_id


async def test_own_messages_and_telegrams_service_are_not_heard(account, sandbox, say):
    def service():
        user = sandbox.telegram.add_user(phone="+42777000", first_name="Telegram")
        sandbox.telegram._world.users.pop(user.id)
        user.id = 777000
        sandbox.telegram._world.users[777000] = user

    await in_thread(sandbox.do, service)
    async with hearing(account) as ear:
        sender = Telegram(account)
        await sender.open()
        await sender.send("me", "", Message("a rehearsal"), 1)
        await sender.send(ANNA, "", Message("news"), 2)
        await sender.close()
        await in_thread(say, "Login code: 12345", "+42777000")
        await in_thread(say, "hello")
        event = await ear.next()
    assert event.text == "hello"


async def test_what_came_while_down_is_caught_up_in_order(account, say):
    async with hearing(account):
        pass
    for number in range(3):
        await in_thread(say, f"missed {number}")
    async with hearing(account, again=True) as ear:
        heard = [(await ear.next()).text for _ in range(3)]
    assert heard == ["missed 0", "missed 1", "missed 2"]


async def test_what_was_heard_and_stored_does_not_come_again_and_what_was_not_does(account, say):
    async with hearing(account) as ear:
        for number in range(3):
            await in_thread(say, f"n{number}")
        first, second = await ear.next(), await ear.next()  # the second is never said to be stored
        assert (first.text, second.text) == ("n0", "n1")
    async with hearing(account, again=True) as ear:
        again = [(await ear.next()).text for _ in range(2)]
        assert again == ["n1", "n2"]
        await in_thread(say, "n3")
        assert (await ear.next()).text == "n3"
        await in_thread(say, "n4")
        assert (await ear.next()).text == "n4"
    async with hearing(account, again=True) as ear:
        assert (await ear.next()).text == "n4"


async def test_a_broken_connection_is_made_again_and_nothing_is_missed(account, sandbox, say, monkeypatch):
    monkeypatch.setattr(listening, "FIRST_WAIT_SECONDS", 0.01)
    async with hearing(account) as ear:
        await in_thread(say, "before")
        assert (await ear.next()).text == "before"
        pending = asyncio.ensure_future(ear.next())

        def cut():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line._writer.close()

        await in_thread(sandbox.do, cut)
        await in_thread(say, "while it was broken")
        assert (await pending).text == "while it was broken"


async def test_a_connection_that_is_pushed_nothing_fetches_by_itself(account, sandbox, say, monkeypatch):
    monkeypatch.setattr(listening, "HEARTBEAT_SECONDS", 0.2)
    async with hearing(account) as ear:

        def deafen():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line.push = lambda _updates: None

        await in_thread(sandbox.do, deafen)
        await in_thread(say, "can you hear me?")
        assert (await ear.next()).text == "can you hear me?"


async def test_sending_and_listening_go_on_at_the_same_time(account, sandbox, say):
    async with hearing(account) as ear:
        sender = Telegram(account)
        await sender.open()
        for number in range(10):
            await sender.send(f"@member{number}", "", Message("news"), number + 1)
            await in_thread(say, f"answer {number}", f"@member{number}")
        heard = [(await ear.next()).text for _ in range(10)]
        await sender.close()
    assert heard == [f"answer {number}" for number in range(10)]


async def test_a_bot_hears_who_starts_and_who_stops_it(bot, sandbox):
    telegram = sandbox.telegram
    async with hearing(bot) as ear:

        def people():
            return telegram.find(ANNA), telegram._world.find_token(BOT_TOKEN)

        anna, robot = await in_thread(sandbox.do, people)
        await in_thread(lambda: sandbox.call(telegram.start_bot(anna, robot, "abc_DEF-123")))
        started = await ear.next()
        await in_thread(sandbox.do, telegram.block, anna, robot)
        stopped = await ear.next()
        await in_thread(sandbox.do, telegram.unblock, anna, robot)
        back = await ear.next()
    assert (started.kind, started.context, started.address) == (EventKind.MESSAGE, "abc_DEF-123", ANNA)
    assert (stopped.kind, stopped.raw["id"]) == (EventKind.UNSUBSCRIBED, str(anna.id))
    assert back.kind is EventKind.SUBSCRIBED
    assert stopped.remote_id != back.remote_id


async def test_who_is_not_logged_in_is_told(account, sandbox):
    nobody = msgspec.structs.replace(account, session=account.session.with_name("nobody.session"))
    async with aclosing(Hearing(nobody)) as ear:
        with pytest.raises(LoginLost) as caught:
            await ear.next()
    assert "account add" in caught.value.hint


async def test_a_lost_login_ends_the_listening(account, sandbox, monkeypatch):
    monkeypatch.setattr(listening, "HEARTBEAT_SECONDS", 0.2)
    async with hearing(account) as ear:
        await in_thread(lambda: sandbox.do(lambda: sandbox.telegram.revoke(sandbox.telegram.find(ACCOUNT))))
        with pytest.raises(LoginLost):
            await ear.next()


async def test_the_copy_is_the_owners_alone_and_holds_no_names(account, say):
    async with hearing(account) as ear:
        await in_thread(say, "hello")
        await ear.next()
    path = session_path(account)
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as copy:
        names = copy.execute("select username, phone, name from entities").fetchall()
    assert set(names) <= {(None, None, None)}


async def test_another_persons_login_begins_anew(account, sandbox, say):
    async with hearing(account) as ear:
        await in_thread(say, "for the first")
        await ear.next()

    def other():
        user = sandbox.telegram.add_user(phone="+99966100077", first_name="Other")
        sandbox.telegram.provision_session(account.session, user)

    await in_thread(sandbox.do, other)
    async with hearing(account) as ear:
        await in_thread(say, "for the second", ANNA, "+99966100077")
        assert (await ear.next()).text == "for the second"


async def test_a_delivery_is_seen_by_its_members_reading(shop, account, sandbox):
    add_group(shop, "gold", [add_member(shop, "Anna", ("phone", PHONE))])
    announcement = announce(shop, ["gold"])
    await shop.dispatcher().drain(announcement.id)
    assert [row.state for row in rows(shop)] == ["sent"]
    async with hearing(account) as ear:
        telegram = sandbox.telegram

        def read():
            return sandbox.call(telegram.read(telegram.find(PHONE), telegram.find(ACCOUNT)))

        await in_thread(read)
        event = await ear.next()
    with shop.database.write() as connection:
        assert inbound.take(connection, account, event, shop.now())
    assert [row.state for row in rows(shop)] == ["seen"]
