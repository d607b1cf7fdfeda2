"""Hearing people on Telegram over the sandbox: at once, after being down, and over a broken connection."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from support import add_group, add_member, announce, rows
from telegram_sandbox import peer_of, until
from telethon import TelegramClient
from telethon.sessions import StringSession
from telethon.tl import types

from vipcast.config import Secret
from vipcast.delivery import inbound
from vipcast.messengers._telegram import listening
from vipcast.messengers._telegram.listening import session_path
from vipcast.messengers.base import EventKind, LoginLost, Message, Unreachable
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

    async def next_of(self, kind):
        """Take events up to the next of a kind; what other programs send is heard too."""
        while (event := await self.next()).kind is not kind:
            pass
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


@asynccontextmanager
async def sending(account):
    """Another program that uses the same account."""
    messenger = Telegram(account)
    await messenger.open()
    try:
        yield messenger
    finally:
        await messenger.close()


@asynccontextmanager
async def phone(sandbox, who):
    """Somebody's own Telegram app: an unmodified Telethon that is logged in as them."""
    session = StringSession(await in_thread(sandbox.do, provided, sandbox, who))
    client = TelegramClient(session, 1, "hash", flood_sleep_threshold=0, receive_updates=False)
    await client.connect()
    try:
        yield client, await peer_of(client, ACCOUNT)
    finally:
        await client.disconnect()


def provided(sandbox, who):
    return sandbox.telegram.provision_string(sandbox.telegram.find(who))


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
        event = await ear.next_of(EventKind.SEEN)
    await sender.close()
    assert (event.address, event.through) == (ANNA, True)
    assert event.remote_id == again.remote_id


async def test_telegrams_service_is_not_heard(account, sandbox, say):
    def service():
        user = sandbox.telegram.add_user(phone="+42777000", first_name="Telegram")
        sandbox.telegram._world.users.pop(user.id)
        user.id = 777000
        sandbox.telegram._world.users[777000] = user

    await in_thread(sandbox.do, service)
    async with hearing(account) as ear:
        await in_thread(say, "Login code: 12345", "+42777000")
        await in_thread(say, "hello")
        assert (await ear.next()).text == "hello"


async def test_what_another_program_sends_from_the_account_is_heard_as_written(account, sandbox):
    async with hearing(account) as ear, sending(account) as sender:
        sent = await sender.send(ANNA, "", Message("by hand"), 1)
        event = await ear.next()
    number = str((await in_thread(sandbox.do, sandbox.telegram.find, ANNA)).id)
    assert (event.kind, event.address, event.text) == (EventKind.WRITTEN, ANNA, "by hand")
    assert (event.remote_id, event.raw["id"], event.peer) == (sent.remote_id, number, sent.peer)
    assert not event.is_automatic


async def test_what_the_owner_writes_to_the_saved_messages_is_heard(account, sandbox):
    async with hearing(account) as ear, sending(account) as sender:
        first = await sender.send("me", "", Message("the question"), 1)
        await sender.send("me", "", Message("the answer", reply_to=first.remote_id), 2)
        await ear.next()
        event = await ear.next()
    me = await in_thread(sandbox.do, sandbox.telegram.find, ACCOUNT)
    assert (event.kind, event.chat, event.address) == (EventKind.MESSAGE, "me", str(me.id))
    assert (event.text, event.reply_to) == ("the answer", first.remote_id)


async def test_a_bot_hears_nothing_of_itself_and_a_person_nothing_of_bots(account, bot, sandbox):
    def people():
        return sandbox.telegram.find(ACCOUNT), sandbox.telegram._world.find_token(BOT_TOKEN)

    async with hearing(account) as ear, sending(bot) as robot:
        me, _ = await in_thread(sandbox.do, people)
        await robot.send(str(me.id), "", Message("I am a bot"), 1)
        async with sending(account) as sender:
            await sender.send(ANNA, "", Message("and I am not"), 2)
        assert (await ear.next()).text == "and I am not"


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
        heard = [(await ear.next_of(EventKind.MESSAGE)).text for _ in range(10)]
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


async def test_a_reply_names_what_it_answers_and_how_to_write_back(account, sandbox):
    async with hearing(account) as ear, sending(account) as sender:
        sent = await sender.send(ANNA, "", Message("Do you like it?"), 1)
        async with phone(sandbox, ANNA) as (client, shop):
            (question,) = await client.get_messages(shop, limit=1)
            await client.send_message(shop, "Yes!", reply_to=question.id)
        event = await ear.next_of(EventKind.MESSAGE)
        await sender.send(event.address, event.peer, Message("Thank you"), 2)
    assert (event.text, event.reply_to, event.peer) == ("Yes!", sent.remote_id, sent.peer)
    assert (event.name, event.chat, event.is_automatic) == (event.raw["name"], "", False)


async def test_an_edit_is_heard_with_the_whole_new_text(account, sandbox):
    async with hearing(account) as ear, phone(sandbox, ANNA) as (client, shop):
        said = await client.send_message(shop, "Size 38")
        first = await ear.next()
        await client.edit_message(shop, said.id, "Size 40, sorry")
        edit = await ear.next()
        await client.edit_message(shop, said.id, "Size 42, sorry")
        again = await ear.next()
    assert (edit.kind, edit.text, edit.address) == (EventKind.EDITED, "Size 40, sorry", ANNA)
    assert edit.reply_to == again.reply_to == first.remote_id
    assert edit.remote_id.startswith(f"{first.remote_id}@")
    assert again.text == "Size 42, sorry"


async def test_what_was_written_and_edited_while_down_comes_once_and_in_order(account, sandbox, say):
    async with hearing(account):
        pass
    async with phone(sandbox, ANNA) as (client, shop):
        said = await client.send_message(shop, "Size 38")
        await client.edit_message(shop, said.id, "Size 40")
    await in_thread(say, "the end")
    async with hearing(account, again=True) as ear:
        heard = [await ear.next(), await ear.next()]
    assert [(one.kind, one.text) for one in heard] == [
        (EventKind.MESSAGE, "Size 40"),
        (EventKind.MESSAGE, "the end"),
    ]


async def test_what_was_edited_while_down_is_caught_up(account, sandbox):
    async with phone(sandbox, ANNA) as (client, shop):
        async with hearing(account) as ear:
            said = await client.send_message(shop, "Size 38")
            await client.send_message(shop, "please")
            first = await ear.next()
            await ear.next()
        await client.edit_message(shop, said.id, "Size 40")
        await client.send_message(shop, "and blue")
        async with hearing(account, again=True) as ear:
            heard = [await ear.next() for _ in range(3)]
    assert {(one.kind, one.text, one.reply_to) for one in heard} == {
        (EventKind.MESSAGE, "please", ""),  # it was never said to be stored
        (EventKind.MESSAGE, "and blue", ""),
        (EventKind.EDITED, "Size 40", first.remote_id),
    }


async def test_what_was_read_while_down_is_caught_up(account, sandbox, say):
    async with hearing(account) as ear:
        sent = await ear.messenger.send(ANNA, "", Message("News"), 1)
        await in_thread(say, "hello")
        await ear.next()

    def read():
        telegram = sandbox.telegram
        return telegram.read(telegram.find(ANNA), telegram.find(ACCOUNT))

    await in_thread(lambda: sandbox.call(read()))
    async with hearing(account, again=True) as ear:
        seen = await ear.next_of(EventKind.SEEN)
    assert (seen.address, seen.remote_id) == (ANNA, sent.remote_id)


async def test_a_stop_of_a_bot_while_down_is_caught_up(bot, sandbox):
    telegram = sandbox.telegram
    async with hearing(bot) as ear:

        def people():
            return telegram.find(ANNA), telegram._world.find_token(BOT_TOKEN)

        anna, robot = await in_thread(sandbox.do, people)
        await in_thread(lambda: sandbox.call(telegram.start_bot(anna, robot)))
        await ear.next()
    await in_thread(sandbox.do, telegram.block, anna, robot)
    async with hearing(bot, again=True) as ear:
        stopped = await ear.next_of(EventKind.UNSUBSCRIBED)
    assert stopped.raw["id"] == str(anna.id)


async def test_while_it_listens_it_sends_over_that_connection_alone(account, sandbox, say):
    async with hearing(account) as ear:
        messenger = ear.messenger
        with sqlite3.connect(account.session) as taken:
            taken.execute("begin exclusive")  # as another process that is sending an announcement
            assert await messenger.chats() == []
            sent = await messenger.send(ANNA, "", Message("answered while listening"), 1)
            await messenger.open()
            taken.rollback()
        await in_thread(say, "thank you")
        event = await ear.next()  # not what was just sent
        # The event waits to be stored: that must not stop a send.
        async with asyncio.timeout(20):
            again = await messenger.send(ANNA, sent.peer, Message("you are welcome"), 2)
        await in_thread(say, "bye")
        assert (await ear.next()).text == "bye"
    assert event.text == "thank you"
    assert int(again.remote_id) > int(event.remote_id) > int(sent.remote_id)


async def test_own_sends_do_not_come_back_after_a_restart(account, say):
    async with hearing(account) as ear:
        await in_thread(say, "question")
        await ear.next()
        await ear.messenger.send(ANNA, "", Message("answer"), 1)
        await in_thread(say, "thanks")
        assert (await ear.next()).text == "thanks"
    async with hearing(account, again=True) as ear:
        assert (await ear.next()).text == "thanks"  # it was never said to be stored
        await in_thread(say, "new")
        assert (await ear.next()).text == "new"


async def test_own_sends_do_not_come_back_over_the_next_connection(account, sandbox, say, monkeypatch):
    monkeypatch.setattr(listening, "FIRST_WAIT_SECONDS", 0.01)
    async with hearing(account) as ear:
        await in_thread(say, "question")
        await ear.next()  # it is not stored yet, so the place in the stream stands still
        await ear.messenger.send(ANNA, "", Message("answer"), 1)

        def cut():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line._writer.close()

        await in_thread(sandbox.do, cut)
        await in_thread(say, "thanks")
        heard = [(await ear.next()).text]
        while heard[-1] != "thanks":  # the question may come again
            heard.append((await ear.next()).text)
    assert "answer" not in heard


async def test_a_send_while_the_connection_is_made_again_surely_did_not_go_out(
    account, sandbox, say, monkeypatch
):
    monkeypatch.setattr(listening, "FIRST_WAIT_SECONDS", 3600.0)
    async with hearing(account) as ear:
        await in_thread(say, "before")
        await ear.next()
        ear._ask()

        def cut():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line._writer.close()

        await in_thread(sandbox.do, cut)
        await until(lambda: ear.messenger._listening._ear is None)
        with pytest.raises(Unreachable):
            await ear.messenger.send(ANNA, "", Message("lost?"), 1)
        with pytest.raises(Unreachable):
            await ear.messenger.chats()
    anna = await in_thread(sandbox.do, lambda: sandbox.telegram.inbox(sandbox.telegram.find(ANNA)))
    assert anna == []


async def test_after_listening_it_sends_as_before(account, sandbox):
    async with hearing(account) as ear:
        messenger = ear.messenger
    try:
        await messenger.send(ANNA, "", Message("later"), 1)
    finally:
        await messenger.close()
    anna = await in_thread(sandbox.do, lambda: sandbox.telegram.inbox(sandbox.telegram.find(ANNA)))
    assert [one.text for one in anna] == ["later"]
