"""Groups on Telegram: who said what in which, and writing into them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from telethon.tl import types

from vipcast.config import Secret
from vipcast.messengers._telegram import listening, peers
from vipcast.messengers._telegram.reading import Reader
from vipcast.messengers.base import AddressInvalid, EventKind, Message
from vipcast.messengers.base_chats import Chat
from vipcast.messengers.telegram import Telegram
from vipcast.sandbox.attachments import Attachment as Carried

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
BOT_TOKEN = "700001:sandbox-token"
ME, ANNA, ROBOT = 10, 11, 12
BASIC, MEGA, NEWS = -5, -1000000000007, -1000000000008

PEOPLE = {
    ME: types.User(ME, is_self=True, first_name="Shop", access_hash=100),
    ANNA: types.User(
        ANNA, first_name="Anna", last_name="K", username="Anna_K", access_hash=111, lang_code="hu"
    ),
    ROBOT: types.User(ROBOT, first_name="Robot", bot=True, access_hash=112),
    BASIC: types.Chat(5, "Desk", types.ChatPhotoEmpty(), 3, AT, 1),
    MEGA: types.Channel(7, "VIP desk", types.ChatPhotoEmpty(), AT, megagroup=True, access_hash=70),
    NEWS: types.Channel(8, "News", types.ChatPhotoEmpty(), AT, broadcast=True, access_hash=80),
}


def person(number):
    return types.PeerUser(number)


def where(marked):
    return peers.utils.get_peer(marked)


def message(peer, writer=None, text="hello", number=5, **more):
    return types.Message(
        number, where(peer), AT, text, from_id=person(writer) if isinstance(writer, int) else writer, **more
    )


def told(one, *, edit=False, known=PEOPLE):
    """Return an update as Telethon hands it over."""
    in_channel = isinstance(one.peer_id, types.PeerChannel)
    if edit:
        kind = types.UpdateEditChannelMessage if in_channel else types.UpdateEditMessage
    else:
        kind = types.UpdateNewChannelMessage if in_channel else types.UpdateNewMessage
    update = kind(one, 1, 1)
    update._entities = known
    return update


async def nothing_known(request):
    raise ConnectionError("nobody answers")


@pytest.fixture
def reader():
    return Reader(ME, nothing_known)


@pytest.mark.parametrize(("group", "title"), [(BASIC, "Desk"), (MEGA, "VIP desk")])
async def test_a_message_in_a_group_has_its_writer_and_the_group(reader, group, title):
    reply = types.MessageReplyHeader(reply_to_msg_id=3)
    event = await reader.read(told(message(group, ANNA, "Here is the answer", reply_to=reply)))
    assert (event.kind, event.chat, event.address, event.remote_id) == (
        EventKind.MESSAGE, str(group), "@anna_k", "5"
    )  # fmt: skip
    assert (event.text, event.reply_to, event.name) == ("Here is the answer", "3", "Anna K")
    assert (event.peer, event.language, event.context) == ("11:111", "hu", "")
    assert event.raw["title"] == title
    assert event.raw["spellings"] == ["@anna_k", "11"]
    assert "is_own" not in event.raw


async def test_the_short_form_is_the_same_message(reader):
    update = types.UpdateShortChatMessage(5, ANNA, 5, "hello", 1, 1, AT)
    update._entities = PEOPLE
    event = await reader.read(update)
    assert (event.chat, event.address, event.text) == (str(BASIC), "@anna_k", "hello")


async def test_the_short_form_of_what_was_written_by_hand(reader):
    update = types.UpdateShortMessage(5, ANNA, "hello", 1, 1, AT, out=True)
    update._entities = PEOPLE
    event = await reader.read(update)
    assert (event.kind, event.address, event.peer) == (EventKind.WRITTEN, "@anna_k", "11:111")


async def test_people_whom_an_update_does_not_bring_are_asked_for(reader):
    asked = []

    async def ask(request):
        asked.append(request)
        return types.messages.Messages([], [], [PEOPLE[BASIC]], [PEOPLE[ANNA]])

    update = types.UpdateShortChatMessage(5, ANNA, 5, "hello", 1, 1, AT)
    event = await Reader(ME, ask).read(update)
    assert (event.address, event.raw["title"], len(asked)) == ("@anna_k", "Desk", 1)
    event = await reader.read(update)
    assert (event.address, event.peer, event.text) == (str(ANNA), "", "hello")


@pytest.mark.parametrize("group", [BASIC, MEGA])
async def test_what_the_account_itself_says_in_a_group_is_marked(reader, group):
    for writer in (ME, None):
        event = await reader.read(told(message(group, writer, out=True)))
        assert event.kind is EventKind.MESSAGE
        assert event.raw["is_own"] is True
        assert event.raw["id"] == str(ME)


async def test_what_went_out_here_is_not_told_again():
    own = Reader(ME, nothing_known, lambda channel, number: (channel, number) in {(0, 5), (7, 6)})
    for one in (message(ANNA, out=True), message(ME, out=True), message(BASIC, ME, out=True)):
        assert await own.read(told(one)) is None
    assert await own.read(told(message(MEGA, ME, number=6, out=True))) is None
    assert (await own.read(told(message(MEGA, ME, number=5, out=True)))).raw["is_own"]
    assert (await own.read(told(message(ANNA, number=6, out=True)))).kind is EventKind.WRITTEN
    assert (await own.read(told(message(ANNA, number=5)))).kind is EventKind.MESSAGE


async def test_an_anonymous_admin_is_named_by_the_group(reader):
    for writer in (None, types.PeerChannel(7)):
        event = await reader.read(told(message(MEGA, writer)))
        assert (event.address, event.name, event.peer, event.chat) == (str(MEGA), "VIP desk", "", str(MEGA))


@pytest.mark.parametrize(
    "one",
    [
        message(BASIC, ROBOT),
        message(MEGA, ROBOT),
        message(ROBOT),
        message(ROBOT, out=True),
        message(777000),
        message(777000, out=True),
        message(NEWS, types.PeerChannel(8), post=True),
        message(NEWS, ANNA),
        message(MEGA, types.PeerChannel(8)),
        types.MessageService(
            5, where(MEGA), AT, action=types.MessageActionPinMessage(), from_id=person(ANNA)
        ),
        types.MessageService(5, where(BASIC), AT, action=types.MessageActionChatMigrateTo(7)),
    ],
)
async def test_nobodys_words_are_passed_over(reader, one):
    assert await reader.read(told(one)) is None


@pytest.mark.parametrize("place", [ANNA, BASIC, MEGA, ME])
async def test_an_edit_that_changed_the_words_is_told_once(reader, place):
    writer = ANNA if place != ME else ME
    is_own = place == ME
    first = await reader.read(told(message(place, writer, "38", out=is_own)))
    edited = message(place, writer, "40", out=is_own, edit_date=LATER)
    event = await reader.read(told(edited, edit=True))
    assert (event.kind, event.text, event.chat) == (EventKind.EDITED, "40", first.chat)
    assert event.address == first.address
    assert (event.remote_id, event.reply_to) == (f"5@{int(LATER.timestamp())}", first.remote_id)
    assert event.at == LATER
    assert await reader.read(told(edited, edit=True)) is None


@pytest.mark.parametrize(
    "more",
    [
        {"edit_date": LATER, "edit_hide": True},  # a reaction
        {"edit_date": None, "media": types.MessageMediaWebPage(types.WebPageEmpty(1))},  # a preview
        {"edit_date": LATER, "media": types.MessageMediaWebPage(types.WebPageEmpty(1))},  # the same words
    ],
)
async def test_an_edit_that_changed_nothing_is_not_told(reader, more):
    await reader.read(told(message(ANNA, ANNA, "38")))
    assert await reader.read(told(message(ANNA, ANNA, "38", **more), edit=True)) is None


async def test_an_edit_of_what_was_never_heard_is_told_and_of_ones_own_is_not(reader):
    event = await reader.read(told(message(ANNA, ANNA, "38", number=4, edit_date=LATER), edit=True))
    assert event.kind is EventKind.EDITED
    assert await reader.read(told(message(ANNA, ME, out=True, edit_date=LATER), edit=True)) is None


@pytest.mark.parametrize("more", [{"offline": True}, {"via_business_bot_id": ROBOT}])
async def test_an_away_message_is_known_as_automatic(reader, more):
    for is_out in (False, True):
        event = await reader.read(told(message(ANNA, out=is_out, **more)))
        assert event.is_automatic


@pytest.mark.parametrize(
    ("user", "peer", "language"),
    [
        (types.User(ANNA, min=True, access_hash=111, lang_code="pt-br"), "", "pt"),
        (types.User(ANNA, lang_code="fil"), "", ""),
        (types.User(ANNA, access_hash=-3), f"{ANNA}:-3", ""),
    ],
)
async def test_what_is_not_known_of_a_person_stays_empty(reader, user, peer, language):
    event = await reader.read(told(message(ANNA, ANNA), known={ANNA: user}))
    assert (event.peer, event.language, event.address) == (peer, language, str(ANNA))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (types.MessageReplyHeader(reply_to_msg_id=3), "3"),
        (types.MessageReplyHeader(reply_to_msg_id=3, reply_to_peer_id=person(ANNA)), ""),  # of another chat
        (types.MessageReplyHeader(reply_to_msg_id=3, forum_topic=True), ""),  # a topic, no answer
        (types.MessageReplyHeader(reply_to_msg_id=4, reply_to_top_id=3, forum_topic=True), "4"),
        (types.MessageReplyStoryHeader(person(ANNA), 3), ""),
        (None, ""),
    ],
)
async def test_a_reply_is_one_to_a_message_of_the_same_chat(reader, header, expected):
    assert (await reader.read(told(message(MEGA, ANNA, reply_to=header)))).reply_to == expected


@pytest.mark.parametrize(
    ("peer", "text"),
    [
        (types.InputPeerSelf(), "self"),
        (types.InputPeerUser(11, -5), "11:-5"),
        (types.InputPeerChat(5), "chat:5"),
        (types.InputPeerChannel(7, -70), "channel:7:-70"),
    ],
)
def test_a_peer_is_kept_as_text(peer, text):
    assert peers.as_text(peer) == text
    assert peers.from_text(text).to_dict() == peer.to_dict()


@pytest.mark.parametrize(
    ("entity", "is_one"),
    [
        (PEOPLE[BASIC], True),
        (PEOPLE[MEGA], True),
        (PEOPLE[NEWS], False),
        (PEOPLE[ANNA], False),
        (types.Chat(5, "old", types.ChatPhotoEmpty(), 0, AT, 1, deactivated=True), False),
        (types.Chat(5, "left", types.ChatPhotoEmpty(), 0, AT, 1, left=True), False),
        (types.Channel(7, "left", types.ChatPhotoEmpty(), AT, megagroup=True, left=True), False),
        (types.ChatForbidden(5, "thrown out"), False),
    ],
)
def test_a_group_is_what_people_can_write_in(entity, is_one):
    assert peers.is_group(entity) is is_one


# Over the sandbox, with the account and two colleagues in a group.

SHOP, COLLEAGUE, OTHER = "+99966100001", "@colleague", "@other_one"
KINDS = pytest.mark.parametrize("is_megagroup", [True, False], ids=["megagroup", "basic"])


class Desk:
    """A group on the sandbox, and what people do in it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.address = ""

    async def make(self, title, *, is_megagroup):
        def work():
            telegram = self.sandbox.telegram
            owner, *others = (telegram.find(one) for one in (SHOP, COLLEAGUE, OTHER))
            return telegram.create_group(owner, title, others, megagroup=is_megagroup)

        self.group = await asyncio.to_thread(self.sandbox.do, work)
        self.address = str(self.group.key)
        return self

    async def person(self, who):
        return await asyncio.to_thread(self.sandbox.do, self.sandbox.telegram.find, who)

    async def call(self, name, who, *arguments, **options):
        """Do something in the group as a person: `say_in`, `edit_in`."""
        person = await self.person(who)
        work = getattr(self.sandbox.telegram, name)
        return await asyncio.to_thread(
            lambda: self.sandbox.call(work(self.group, person, *arguments, **options))
        )

    async def say(self, text, who=COLLEAGUE, **options):
        return await self.call("say_in", who, text, **options)

    async def texts(self):
        found = await asyncio.to_thread(
            self.sandbox.do, lambda: self.sandbox.telegram.group_history(self.group)
        )
        return [one.text for one in found if not one.action]

    async def last(self):
        """Return the last message, to be replied to: a number would be another one in each person's box."""
        found = await asyncio.to_thread(
            self.sandbox.do, lambda: self.sandbox.telegram.group_history(self.group)
        )
        return found[-1]

    async def kick(self, who):
        person = await self.person(who)
        await asyncio.to_thread(self.sandbox.do, self.sandbox.telegram.kick, self.group, person)


@pytest.fixture
def account(shop, sandbox):
    return shop.config.account("news")


@pytest.fixture
def bot(account, tmp_path):
    return msgspec.structs.replace(account, token=Secret(BOT_TOKEN), session=tmp_path / "s" / "bot.session")


@pytest.fixture
def desk(sandbox):
    return Desk(sandbox)


@asynccontextmanager
async def opened(account):
    messenger = Telegram(account)
    await messenger.open()
    try:
        yield messenger
    finally:
        await messenger.close()


@asynccontextmanager
async def hearing(account, *, again=False):
    """A messenger that listens and a way to take its next event, which says that the last one is stored."""
    messenger = Telegram(account)
    ready = asyncio.Event()
    async with aclosing(messenger.listen(ready.set)) as events:
        asked = None

        def ask():
            nonlocal asked
            asked = asked or asyncio.ensure_future(anext(events))

        async def take():
            nonlocal asked
            while True:
                ask()
                async with asyncio.timeout(30):
                    event = await asked
                asked = None
                if event.kind is not EventKind.CHAT:  # that somebody came in, which is not meant here
                    return event

        try:
            if not again:
                ask()
                async with asyncio.timeout(60):
                    await ready.wait()
            yield messenger, take
        finally:
            if asked is not None:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
    await messenger.close()


async def test_the_groups_of_an_account_are_listed(account, desk, sandbox):
    mega = (await desk.make("VIP desk", is_megagroup=True)).address
    basic = (await Desk(sandbox).make("Desk", is_megagroup=False)).address
    gone = await Desk(sandbox).make("Old", is_megagroup=True)
    await gone.kick(SHOP)
    expected = {Chat(mega, "VIP desk"), Chat(basic, "Desk")}
    async with opened(account) as messenger:
        assert set(await messenger.chats()) == expected
    async with hearing(account) as (messenger, _):
        assert set(await messenger.chats()) == expected


@KINDS
async def test_a_message_into_a_group_arrives_by_its_address_alone(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with opened(account) as messenger:
        sent = await messenger.send(desk.address, "", Message("question"), 1)
        again = await messenger.send(desk.address, "", Message("question"), 1)
        other = await messenger.send(desk.address, sent.peer, Message("more", reply_to=sent.remote_id), 2)
    kind, number, *secret = sent.peer.split(":")
    assert (kind, len(secret)) == (("channel", 1) if is_megagroup else ("chat", 0))
    assert desk.address.endswith(number)
    assert (again.remote_id, other.peer) == (sent.remote_id, "")
    assert await desk.texts() == ["question", "more"]


@KINDS
async def test_a_reply_in_a_group_to_what_is_gone_arrives_all_the_same(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with opened(account) as messenger:
        await messenger.send(desk.address, "", Message("answer", reply_to="4711"), 1)
    assert await desk.texts() == ["answer"]


async def test_a_groups_peer_of_another_login_is_found_anew(account, desk):
    await desk.make("Desk", is_megagroup=True)
    async with opened(account) as messenger:
        sent = await messenger.send(desk.address, "", Message("first"), 1)
        kind, number, _ = sent.peer.split(":")
        again = await messenger.send(desk.address, f"{kind}:{number}:12345", Message("second"), 2)
    assert again.peer == sent.peer
    assert await desk.texts() == ["first", "second"]


@KINDS
async def test_who_was_thrown_out_is_told_so(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with opened(account) as messenger:
        sent = await messenger.send(desk.address, "", Message("first"), 1)
        await desk.kick(SHOP)
        for peer in ("", sent.peer):
            with pytest.raises(AddressInvalid) as caught:
                await messenger.send(desk.address, peer, Message("second"), 2)
            assert caught.value.hint
    assert await desk.texts() == ["first"]


@KINDS
async def test_a_colleagues_answer_is_heard_and_can_be_answered_privately(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account) as (messenger, take):
        sent = await messenger.send(desk.address, "", Message("question"), 1)
        said = await desk.say("anwser", reply_to=await desk.last())
        event = await take()
        await desk.call("edit_in", COLLEAGUE, said, "answer")
        edit = await take()
        await messenger.send(event.address, event.peer, Message("thanks"), 2)
    assert (event.kind, event.chat, event.address) == (EventKind.MESSAGE, desk.address, COLLEAGUE)
    assert (event.text, event.reply_to, event.raw["title"]) == ("anwser", sent.remote_id, "Desk")
    assert (edit.kind, edit.text, edit.reply_to) == (EventKind.EDITED, "answer", event.remote_id)
    telegram = desk.sandbox.telegram
    person = await desk.person(COLLEAGUE)
    private = await asyncio.to_thread(desk.sandbox.do, telegram.inbox, person)
    assert [one.text for one in private] == ["thanks"]


@KINDS
async def test_what_another_program_says_in_a_group_is_marked_as_own(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account) as (messenger, take), opened(account) as other:
        await messenger.send(desk.address, "", Message("over this connection"), 1)
        await other.send(desk.address, "", Message("over another"), 2)
        event = await take()
    assert (event.text, event.raw["is_own"], event.chat) == ("over another", True, desk.address)


@KINDS
async def test_what_was_said_in_a_silent_group_while_down_is_caught_up_once(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account):
        pass
    for number in range(3):
        await desk.say(f"missed {number}")
    async with hearing(account, again=True) as (_, take):
        heard = [(await take()).text for _ in range(3)]
        await desk.say("now")
        heard.append((await take()).text)
    assert heard == ["missed 0", "missed 1", "missed 2", "now"]
    await desk.say("last")
    async with hearing(account, again=True) as (_, take):
        assert [(await take()).text for _ in range(2)] == ["now", "last"]  # `now` was not said to be stored


@KINDS
async def test_what_was_edited_in_a_group_while_down_is_caught_up(account, desk, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account) as (_, take):
        said = await desk.say("anwser")
        await desk.say("more")
        first = await take()
        await take()
    await desk.call("edit_in", COLLEAGUE, said, "answer")
    async with hearing(account, again=True) as (_, take):
        heard = {(one.kind, one.text, one.reply_to) for one in [await take(), await take()]}
    assert heard == {
        (EventKind.MESSAGE, "more", ""),  # it was never said to be stored
        (EventKind.EDITED, "answer", first.remote_id),
    }


async def test_a_broken_connection_misses_nothing_in_a_group(account, desk, sandbox, monkeypatch):
    monkeypatch.setattr(listening, "FIRST_WAIT_SECONDS", 0.01)
    await desk.make("Desk", is_megagroup=True)
    async with hearing(account) as (_, take):
        await desk.say("before")
        assert (await take()).text == "before"
        pending = asyncio.ensure_future(take())

        def cut():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line._writer.close()

        await asyncio.to_thread(sandbox.do, cut)
        await desk.say("while it was broken")
        assert (await pending).text == "while it was broken"


@KINDS
async def test_what_is_not_pushed_of_a_group_is_fetched(account, desk, sandbox, monkeypatch, is_megagroup):
    monkeypatch.setattr(listening, "HEARTBEAT_SECONDS", 0.2)
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account) as (_, take):

        def deafen():
            for key in sandbox.telegram._world.keys.values():
                for line in list(key.lines):
                    line.push = lambda _updates: None

        await asyncio.to_thread(sandbox.do, deafen)
        await desk.say("can you hear me?")
        assert (await take()).text == "can you hear me?"


@pytest.mark.parametrize("knows_peer", [False, True])
async def test_a_group_that_moved_says_where_to_look(account, desk, sandbox, knows_peer):
    await desk.make("Desk", is_megagroup=False)
    async with opened(account) as messenger:
        peer = f"chat:{-int(desk.address)}" if knows_peer else ""
        sandbox.faults.add("SendMessageRequest", "error", code=400, text="PEER_ID_INVALID", times=2)
        with pytest.raises(AddressInvalid) as caught:
            await messenger.send(desk.address, peer, Message("hello"), 1)
    assert "supergroup" in caught.value.hint
    assert await desk.texts() == []


@KINDS
async def test_what_a_colleague_sends_in_a_group_is_fetched(account, desk, tmp_path, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)
    async with hearing(account) as (messenger, take):
        await desk.say("", media=Carried("voice", b"OggS answer", seconds=7))
        (one,) = (await take()).attachments
        await messenger.fetch(one.ref, tmp_path / "now.ogg")
    old = json.dumps(json.loads(one.ref) | {"reference": "b2xkIGFuZCBnb25l"})
    async with opened(account) as messenger:  # after a restart, with an expired reference
        await messenger.fetch(old, tmp_path / "later.ogg")
    assert one.kind == "voice"
    for name in ("now.ogg", "later.ogg"):
        assert (tmp_path / name).read_bytes() == b"OggS answer"


@KINDS
async def test_a_bot_in_a_group_hears_and_answers(account, bot, desk, sandbox, is_megagroup):
    await desk.make("Desk", is_megagroup=is_megagroup)

    def join():
        sandbox.telegram.join(desk.group, sandbox.telegram._world.find_token(BOT_TOKEN))

    async with hearing(bot) as (robot, take), hearing(account) as (_, take_too):
        await asyncio.to_thread(sandbox.do, join)
        await desk.say("/help")  # a bot hears only commands and answers to itself
        event = await take()
        sent = await robot.send(desk.address, "", Message("How?", reply_to=event.remote_id), 1)
        await desk.say("like this", reply_to=await desk.last())
        answer = await take()
        assert [(await take_too()).text for _ in range(2)] == ["/help", "like this"]  # not the bot's
    assert (event.chat, event.address, event.text) == (desk.address, COLLEAGUE, "/help")
    assert (answer.text, answer.reply_to) == ("like this", sent.remote_id)
    assert await desk.texts() == ["/help", "How?", "like this"]


async def test_another_persons_login_forgets_the_groups_of_the_first(account, desk, sandbox):
    await desk.make("Desk", is_megagroup=True)
    async with hearing(account) as (_, take):
        await desk.say("for the first")
        await take()

    def other():
        user = sandbox.telegram.add_user(phone="+99966100077", first_name="Other")
        sandbox.telegram.provision_session(account.session, user)
        return user

    user = await asyncio.to_thread(sandbox.do, other)
    async with hearing(account) as (messenger, take):
        assert await messenger.chats() == []
        await desk.say("not for the other one")
        colleague = await desk.person(COLLEAGUE)
        await asyncio.to_thread(
            lambda: sandbox.call(sandbox.telegram.say(colleague, user, "for the other one"))
        )
        assert (await take()).text == "for the other one"
    with sqlite3.connect(listening.session_path(account)) as copy:
        assert copy.execute("select count(*) from update_state where id <> 0").fetchone() == (0,)


@pytest.mark.parametrize("address", ["-1009999999999", "-4242"])
async def test_a_group_that_the_account_is_not_in_is_an_invalid_address(account, address):
    messenger = Telegram(account)
    with pytest.raises(AddressInvalid) as caught:
        await messenger.send(address, "", Message("hello"), 1)
    await messenger.close()
    assert "group" in caught.value.message
    assert caught.value.hint


async def test_a_bot_is_told_of_no_groups(account, sandbox, tmp_path):
    bot = Telegram(
        msgspec.structs.replace(account, token=Secret(BOT_TOKEN), session=tmp_path / "s" / "bot.session")
    )
    await bot.open()
    assert await bot.chats() == []
    with pytest.raises(AddressInvalid):
        await bot.send("-1009999999999", "", Message("hello"), 1)
    await bot.close()
