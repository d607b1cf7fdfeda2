"""What is said in a chat and to newcomers, each of it once; and who has seen an announcement there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from chat_records import (
    ANNA,
    BELA,
    CHAT,
    CILI,
    DAY,
    add_chat,
    became,
    keeping_chat,
    on_telegram,
    put_in,
    readers,
    real_clock,
)
from sqlalchemy import select, update
from support import add_group, add_member, announce, opt_out, rows, write_template

from vipcast.announcements.templates import TemplateFault
from vipcast.chats import people, saying, seen
from vipcast.delivery import peers
from vipcast.delivery.talk import body_of
from vipcast.groups import chats, seats
from vipcast.members.consent import ConsentState
from vipcast.shop_chats import context_of
from vipcast.storage.tables import addresses, deliveries

ROOM = '+++\ntitle = "Sale"\n+++\nDear all.\n'
BROKEN = "Hello {{ nothing_of_the_kind }}.\n"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def anna(shop):
    return on_telegram(shop, ANNA)[0]


@pytest.fixture
def gold(shop, anna):
    return add_chat(shop, [anna])


def own_text(shop, name, words, language="en"):
    path = shop.templates_folder / "replies" / f"{name}.{language}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(words, encoding="utf-8")


def record_of(shop, group):
    with shop.database.read() as connection:
        return chats.of(connection, group)


def say(shop, what, group, **how):
    """Queue the welcome or the goodbye; return the delivery."""
    with shop.database.write() as connection:
        return what(connection, context_of(shop), group, chats.of(connection, group), **how)


def greet(shop, group):
    with shop.database.write() as connection:
        return saying.greet(connection, context_of(shop), group, shop.now())


def said(shop, group):
    return [body_of(row.body).text for row in rows(shop) if row.group_id == group.id]


class TestInTheChat:
    @pytest.mark.parametrize("what", [saying.welcome, saying.goodbye])
    def test_it_is_queued_for_the_chat_once(self, shop, gold, what):
        number = say(shop, what, gold)
        assert number is not None
        assert say(shop, what, gold) is None
        (row,) = rows(shop)
        assert (row.id, row.group_id, row.account, row.messenger, row.address) == (
            number, gold.id, "news", "telegram", CHAT,
        )  # fmt: skip
        assert (row.member_id, row.announcement_id, row.kind, row.state) == (
            None,
            None,
            "automatic",
            "queued",
        )

    @pytest.mark.parametrize("what", [saying.welcome, saying.goodbye])
    def test_each_chat_has_its_own(self, shop, gold, what):
        silver = add_chat(shop, name="silver", address="-1000000000501")
        assert None not in (say(shop, what, gold), say(shop, what, silver))
        with shop.database.write() as connection:
            chats.put(connection, gold, {"mark": "another"})  # the group got another chat
        assert say(shop, what, gold) is not None

    def test_the_welcome_is_said_once_more_for_another_reason_or_in_other_words(self, shop, gold):
        say(shop, saying.welcome, gold)
        assert say(shop, saying.welcome, gold, again="2026-12") is not None
        assert say(shop, saying.welcome, gold, again="2026-12") is None
        with shop.database.write() as connection:
            seats.edit(connection, gold, cap=None, purpose="Regulars first", now=shop.now())
            gold = seats.get(connection, "gold")
        assert say(shop, saying.welcome, gold) is not None
        assert "Regulars first" in said(shop, gold)[-1]

    def test_it_is_in_the_chats_language_else_the_shops(self, shop, gold):
        own_text(shop, "goodbye", "Viszlát.\n", "hu")
        own_text(shop, "goodbye", "Farewell.\n", "en")
        silver = add_chat(shop, name="silver", address="-1000000000501", language="en")
        for group in (gold, silver):
            say(shop, saying.goodbye, group)
        assert [body_of(row.body).text for row in rows(shop)] == ["Viszlát.", "Farewell."]

    def test_a_welcome_says_whether_members_may_write(self, shop, gold):
        words = "{% if members_write %}Write!{% else %}We write.{% endif %}\n"
        own_text(shop, "chat_welcome", words, "hu")
        say(shop, saying.welcome, gold)
        with shop.database.write() as connection:
            chats.put(connection, gold, {"members_write": True})
        say(shop, saying.welcome, gold)
        assert said(shop, gold) == ["We write.", "Write!"]

    def test_the_welcomes_that_arrived_are_known_again_the_latest_last(self, shop, gold):
        first, second, third = (say(shop, saying.welcome, gold, again=one) for one in ("", "b", "c"))
        say(shop, saying.goodbye, gold)
        other = add_chat(shop, name="silver", address="-1000000000501")
        foreign = say(shop, saying.welcome, other)
        for number, state, remote in ((first, "sent", "11"), (second, "seen", "12"), (third, "failed", "")):
            became(shop, deliveries.c.id == number, state, remote_id=remote)
        became(shop, deliveries.c.id == foreign, "sent", remote_id="99")
        with shop.database.read() as connection:
            assert saying.welcomed(connection, gold, record_of(shop, gold)) == ["11", "12"]

    def test_wrong_own_texts_are_told_before_anything_is_made(self, shop, gold):
        account, chat = shop.config.account("news"), record_of(shop, gold)
        saying.check(context_of(shop).setting, account, gold, chat)
        for name in ("chat_welcome", "about"):
            own_text(shop, name, BROKEN, "hu")
            with pytest.raises(TemplateFault):
                saying.check(context_of(shop).setting, account, gold, chat)
            own_text(shop, name, "Jó.\n", "hu")
        saying.check(context_of(shop).setting, account, gold, chat)

    def test_a_purpose_too_long_for_a_description_is_told(self, shop, gold):
        setting = context_of(shop).setting
        assert len(saying.about(setting, gold, record_of(shop, gold))) <= 255
        with pytest.raises(TemplateFault):
            saying.about(setting, replace(gold, purpose="x" * 260), record_of(shop, gold))


class TestGreeting:
    def test_a_newcomer_is_greeted_privately_once_ever(self, shop, gold, anna):
        put_in(shop, gold, anna, 101)
        assert greet(shop, gold) == [anna]
        assert greet(shop, gold) == []
        (row,) = rows(shop)
        assert (row.member_id, row.group_id, row.address, row.account) == (anna, None, ANNA, "news")
        assert (row.kind, row.announcement_id, row.language) == ("automatic", None, "en")
        with shop.database.write() as connection:
            people.change(connection, gold, "101", state="left")
            people.change(connection, gold, "101", state="there")
        put_in(shop, gold, anna, 111)  # with another account
        assert greet(shop, gold) == []
        assert len(rows(shop)) == 1

    def test_each_group_greets_for_itself(self, shop, gold, anna):
        silver = add_chat(shop, [anna], name="silver", address="-1000000000501")
        for group in (gold, silver):
            put_in(shop, group, anna, 101)
        assert [greet(shop, group) for group in (gold, silver)] == [[anna], [anna]]

    @pytest.mark.parametrize("state", ["asks", "left", "removed"])
    def test_who_is_not_there_is_not_greeted_yet(self, shop, gold, anna, state):
        put_in(shop, gold, anna, 101, state=state)
        assert greet(shop, gold) == []
        with shop.database.write() as connection:
            people.change(connection, gold, "101", state="there")
        assert greet(shop, gold) == [anna]

    def test_strangers_and_who_did_not_agree_are_not_written_to(self, shop, gold, anna):
        (never,) = on_telegram(shop, BELA, state=ConsentState.NONE)
        put_in(shop, gold, None, 100)
        put_in(shop, gold, anna, 101)
        put_in(shop, gold, never, 102)
        opt_out(shop, anna)
        assert (greet(shop, gold), rows(shop)) == ([], [])

    def test_nothing_goes_where_the_chats_account_does_not_reach_them(self, shop, gold, anna):
        viola = add_member(shop, "Viola", ("viber", "viola-on-viber=="))
        put_in(shop, gold, viola, 103)
        put_in(shop, gold, anna, 101)
        with shop.database.write() as connection:
            mine = addresses.c.member_id == anna
            connection.execute(update(addresses).where(mine).values(state="unreachable"))
        assert (greet(shop, gold), rows(shop)) == ([], [])

    def test_a_wrong_text_of_the_shops_own_gives_way_to_the_built_in_one(self, shop, gold, anna, caplog):
        own_text(shop, "greeting", BROKEN)
        put_in(shop, gold, anna, 101)
        assert greet(shop, gold) == [anna]
        (row,) = rows(shop)
        assert "Welcome to our group" in body_of(row.body).text
        assert "greeting.en.md" in caplog.text
        assert "Anna" not in caplog.text

    def test_the_shops_own_words_are_used(self, shop, gold, anna):
        own_text(shop, "greeting", "Nice to see you in {{ group.name }}, {{ member.name }}.\n")
        put_in(shop, gold, anna, 101)
        greet(shop, gold)
        assert [body_of(row.body).text for row in rows(shop)] == ["Nice to see you in gold, Anna_In_Gold."]


# Who has seen an announcement in the chat


@pytest.fixture
def clock():
    return real_clock()


@pytest.fixture
async def kept(shop, sandbox):
    """A real chat with Anna and Béla in it, who are known to be there; Cili is on the waiting list."""
    anna, bela, cili = on_telegram(shop, ANNA, BELA, CILI)
    write_template(shop.config.folder, "room", ROOM)
    write_template(shop.config.folder, "room", ROOM, "hu")
    async with keeping_chat(shop, sandbox, [anna, bela, cili], cap=2) as kept:
        for member, address in ((anna, ANNA), (bela, BELA)):
            put_in(shop, kept.group, member, int(kept.comes(address)))
        yield kept


async def tell(kept):
    """Announce to the chat; return the ledger's row."""
    announce(kept.shop, ["gold"], template="room", is_new=True)
    row = rows(kept.shop)[-1]
    with kept.shop.database.read() as connection:
        peer = peers.of(connection, "news", row.address)
    sent = await kept.messenger.send(row.address, peer, body_of(row.body), row.message_key)
    became(kept.shop, deliveries.c.id == row.id, "sent", remote_id=sent.remote_id)
    return row.id


def read(kept, address):
    kept.sandbox.call(kept.sandbox.telegram.read_in(kept.chat, kept.phone(address)))


async def look(kept):
    return await seen.look(kept.context, kept.keeper, kept.group)


def who_read(kept, delivery):
    return {member for member, at in readers(kept.shop, delivery).values() if at is not None}


def row_of(kept, number):
    with kept.shop.database.read() as connection:
        return connection.execute(select(deliveries).where(deliveries.c.id == number)).one()


@pytest.mark.anyio
async def test_each_reader_is_kept_once(kept):
    number = await tell(kept)
    anna, bela = sorted(member for member, _ in readers(kept.shop).values())
    assert await look(kept) == 0
    assert (row_of(kept, number).state, who_read(kept, number)) == ("sent", set())
    read(kept, ANNA)
    assert await look(kept) == 1
    assert who_read(kept, number) == {anna}
    first = row_of(kept, number)
    assert (first.state, first.seen_at is not None) == ("seen", True)
    read(kept, BELA)
    assert await look(kept) == 1
    assert who_read(kept, number) == {anna, bela}
    assert row_of(kept, number).seen_at == first.seen_at, "the chat has seen it since the first one did"
    assert await look(kept) == 0


@pytest.mark.anyio
async def test_a_member_who_came_later_counts_and_a_stranger_does_not(kept):
    number = await tell(kept)
    (dora,) = on_telegram(kept.shop, "@dora_in_gold")
    put_in(kept.shop, kept.group, dora, int(kept.comes("@dora_in_gold")))
    kept.comes("@stranger_in_gold")
    for one in ("@dora_in_gold", "@stranger_in_gold"):
        read(kept, one)
    assert await look(kept) == 1
    assert who_read(kept, number) == {dora}


@pytest.mark.anyio
@pytest.mark.parametrize("values", [{"state": "failed"}, {"remote_id": ""}, {"age": timedelta(days=7)}])
async def test_nothing_is_asked_of_what_never_arrived_or_is_too_old(kept, values):
    number = await tell(kept)
    read(kept, ANNA)
    age = values.pop("age", timedelta(0))
    sent_at = kept.shop.now() - age
    values = {"remote_id": row_of(kept, number).remote_id} | values
    became(kept.shop, deliveries.c.id == number, values.pop("state", "sent"), sent_at, **values)
    asked = "GetMessageReadParticipantsRequest"
    kept.sandbox.faults.add(asked, "error", code=420, text="FLOOD_WAIT_35")  # fails whoever asks
    assert await look(kept) == 0
    assert who_read(kept, number) == set()


@pytest.mark.anyio
async def test_what_the_messenger_no_longer_tells_leaves_what_is_known_and_the_others_are_asked(kept):
    first, second = await tell(kept), await tell(kept)
    read(kept, ANNA)
    kept.sandbox.faults.add("GetMessageReadParticipantsRequest", "error", code=400, text="MSG_TOO_OLD")
    assert await look(kept) == 1
    assert (who_read(kept, first), len(who_read(kept, second))) == (set(), 1)
    assert await look(kept) == 1, "it is asked for again"
    assert who_read(kept, first) == who_read(kept, second)


@pytest.mark.anyio
async def test_who_read_in_the_chat_is_told_of_that_chat_alone(kept):
    add_group(kept.shop, "plain", on_telegram(kept.shop, "@dora_in_plain"))
    number = await tell(kept)
    announce(kept.shop, ["plain"], template="room")
    became(kept.shop, deliveries.c.id == rows(kept.shop)[-1].id, "sent", remote_id="1")
    read(kept, ANNA)
    assert await look(kept) == 1
    assert [row.state for row in rows(kept.shop)] == ["seen", "sent"]
    assert len(who_read(kept, number)) == 1
    assert kept.shop.now() - DAY < row_of(kept, number).seen_at
