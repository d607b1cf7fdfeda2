"""Looking after the chats while the shop listens: at the start, on a change, now and then, and after a fault."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from chat_records import (
    ANNA,
    BELA,
    CILI,
    DAY,
    add_chat,
    give_link,
    keeping_chat,
    known,
    links_of,
    on_telegram,
    real_clock,
)
from sqlalchemy import select
from support import add_group, opt_out, rows

from vipcast.chats import links
from vipcast.chats.watching import Watch
from vipcast.conversations.setting import DeskPlace
from vipcast.delivery.talk import body_of
from vipcast.groups import chats, seats
from vipcast.shop_desk import setting_of
from vipcast.storage.tables import accounts

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
PEOPLE = "GetParticipantsRequest"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def clock():
    return real_clock()


@pytest.fixture
async def kept(shop, sandbox):
    """A real chat, in which Anna has a seat."""
    async with keeping_chat(shop, sandbox, on_telegram(shop, ANNA)) as kept:
        yield kept


class Watching:
    """A running watch; `told` and `sent` are what it said and which invitations it let go out."""

    def __init__(self, kept, *, fixes=False) -> None:
        self.kept = kept
        self.told: list[tuple[str, str]] = []
        self.sent: list[int] = []
        shop = kept.shop
        dispatcher = shop.dispatcher()
        desk = DeskPlace(shop.config.account("support"), "me")
        self.watch = Watch(
            replace(kept.context, setting=setting_of(shop, desk)),
            fixes=fixes,
            tell=lambda about, words: self.told.append((about, words)),
            send_news=self._send,
            note_problem=dispatcher.note_problem,
            refuse_if_stopped=dispatcher.refuse_if_stopped,
        )

    async def _send(self, number: int) -> None:
        self.sent.append(number)

    async def looks(self) -> int:
        """Let it run until there is nothing to look after; return how often it opened the account."""
        self.watch.is_at_rest = False
        before = self.kept.opened.count("news")
        stop = asyncio.Event()
        running = asyncio.create_task(self.watch.run(stop))
        async with asyncio.timeout(60):
            while not self.watch.is_at_rest:  # noqa: ASYNC110 - the watch tells nobody that it rests
                await asyncio.sleep(0.01)
            stop.set()
            await running
        return self.kept.opened.count("news") - before

    async def after(self, time: timedelta) -> int:
        self.kept.shop.clock.moment += time
        return await self.looks()


def changed(kept):
    """Let the messenger have told of somebody who came, left or asks."""
    with kept.shop.database.write() as connection:
        assert chats.note_changed(connection, "news", kept.group.chat, kept.shop.now())


def record(kept):
    with kept.shop.database.read() as connection:
        return chats.of(connection, kept.group)


def account_row(kept):
    with kept.shop.database.read() as connection:
        return connection.execute(select(accounts).where(accounts.c.name == "news")).first()


def notices(kept):
    return [body_of(row.body).text for row in rows(kept.shop) if row.kind == "notice"]


class TestWhen:
    async def test_a_chat_is_looked_through_when_it_begins_and_not_again_at_once(self, kept):
        now = Watching(kept)
        with kept.shop.database.write() as connection:
            chats.put(connection, kept.group, {"looked_at": kept.shop.now()})
        assert await now.looks() == 1
        assert record(kept).looked_at == kept.shop.now()
        assert await now.looks() == 0
        assert await now.after(MINUTE) == 0
        assert await Watching(kept).looks() == 1, "each `listen` begins anew"

    async def test_a_change_is_looked_at(self, kept):
        now = Watching(kept)
        await now.looks()
        kept.shop.clock.moment += MINUTE
        changed(kept)
        assert await now.looks() == 1
        assert await now.looks() == 0

    async def test_every_ten_minutes_without_any_word(self, kept):
        now = Watching(kept)
        await now.looks()
        assert await now.after(10 * MINUTE - timedelta(seconds=1)) == 0
        assert await now.after(timedelta(seconds=1)) == 1
        assert await now.looks() == 0

    async def test_more_often_while_somebody_has_a_link(self, kept):
        now = Watching(kept)
        await now.looks()
        (anna,) = [one.member_id for one in seated(kept)]
        give_link(kept.shop, kept.group, anna, "https://t.me/+annas")
        assert await now.after(2 * MINUTE - timedelta(seconds=1)) == 0
        assert await now.after(timedelta(seconds=1)) == 1

    async def test_a_clock_that_was_set_back_puts_nothing_off(self, kept):
        kept.shop.clock.moment += DAY
        now = Watching(kept)
        await now.looks()
        assert await now.after(-DAY) == 1

    async def test_what_tick_looks_after_is_what_changed_or_has_links_out(self, kept):
        now = Watching(kept)
        await now.watch.once()
        assert kept.opened == [], "no link is out, and nobody told of anything"
        changed(kept)
        await now.watch.once()
        assert kept.opened.count("news") == 1
        (anna,) = [one.member_id for one in seated(kept)]
        give_link(kept.shop, kept.group, anna, "https://t.me/+annas")
        await now.watch.once()
        assert kept.opened.count("news") == 1
        kept.shop.clock.moment += 10 * MINUTE
        await now.watch.once()
        assert kept.opened.count("news") == 2

    async def test_closed_chats_and_those_of_an_unknown_account_are_left_alone(self, kept):
        add_chat(kept.shop, name="silver", address="-1000000000501", account="old-account")
        with kept.shop.database.write() as connection:
            chats.put(connection, kept.group, {"state": chats.CLOSED})
        now = Watching(kept)
        assert await now.looks() == 0
        assert (now.told, kept.opened) == ([], [])

    async def test_it_ends_when_it_is_told_to(self, kept):
        stop = asyncio.Event()
        stop.set()
        await Watching(kept).watch.run(stop)
        assert kept.opened == []


def seated(kept):
    with kept.shop.database.read() as connection:
        return seats.seats(connection, kept.group)


class TestFaults:
    async def test_a_fault_is_told_and_tried_again_later(self, kept, sandbox):
        sandbox.faults.add(PEOPLE, "error", code=400, text="CHAT_ADMIN_REQUIRED")
        now = Watching(kept)
        assert await now.looks() == 1
        ((about, words),) = now.told
        assert about == "chat gold"
        assert "The chat of gold:" in words
        assert await now.after(timedelta(seconds=29)) == 0
        assert await now.after(timedelta(seconds=1)) == 1
        assert len(now.told) == 1
        assert record(kept).looked_at == kept.shop.now()

    async def test_what_the_messenger_asks_for_is_waited(self, kept, sandbox):
        sandbox.faults.add(PEOPLE, "error", code=420, text="FLOOD_WAIT_90")
        now = Watching(kept)
        assert await now.looks() == 1
        changed(kept)
        assert await now.after(timedelta(seconds=89)) == 0
        assert await now.after(timedelta(seconds=1)) == 1
        assert now.told == [], "a pause is no news"

    async def test_one_chat_that_waits_keeps_back_no_other(self, kept, sandbox):
        made = await kept.keeper.create("Silver", "mark-silver")
        add_chat(kept.shop, name="silver", address=made.address)
        sandbox.faults.add(PEOPLE, "error", code=400, text="CHAT_ADMIN_REQUIRED")
        now = Watching(kept)
        assert await now.looks() == 2
        assert [about for about, _ in now.told] == ["chat gold"]

    @pytest.mark.parametrize(
        ("code", "text", "kind"), [(400, "PEER_FLOOD", "limited"), (401, "SESSION_REVOKED", "login")]
    )
    async def test_an_account_that_was_stopped_is_noted(self, kept, sandbox, code, text, kind):
        sandbox.faults.add(PEOPLE, "error", code=code, text=text)
        now = Watching(kept)
        assert await now.looks() == 1
        assert account_row(kept).stopped_code == kind
        assert account_row(kept).stopped_at is not None
        assert [about for about, _ in now.told] == ["chat gold"]

    async def test_nothing_is_done_over_an_account_that_is_limited(self, kept, sandbox):
        sandbox.faults.add(PEOPLE, "error", code=400, text="PEER_FLOOD")
        now = Watching(kept)
        await now.looks()
        assert await now.after(10 * MINUTE) == 0
        assert [about for about, _ in now.told] == ["chat gold"] * 2

    async def test_a_network_that_is_gone_is_told_for_the_account_and_not_for_each_chat(self, kept, sandbox):
        sandbox.call(sandbox.telegram.stop())
        await kept.messenger.close()
        now = Watching(kept)
        assert await now.looks() == 1
        assert now.told == []
        assert account_row(kept) is None or account_row(kept).stopped_code == ""
        assert await now.after(timedelta(seconds=29)) == 0

    async def test_another_who_looks_after_the_same_account_is_let_finish(self, kept):
        now = Watching(kept)
        async with kept.context.alone("news"):
            assert await now.looks() == 0
            assert now.told == []
        assert await now.after(timedelta(seconds=1)) == 1


class TestWhatIsFound:
    async def test_who_has_a_seat_is_let_in_and_greeted(self, kept):
        (anna,) = [one.member_id for one in seated(kept)]
        with kept.shop.database.write() as connection:
            one = links.begin(connection, kept.group, anna, kept.shop.now() + DAY, kept.shop.now())
        url = await kept.keeper.new_link(kept.group.chat, one.mark, one.expires_at)
        with kept.shop.database.write() as connection:
            links.made(connection, one, url)
        telegram = kept.sandbox.telegram
        assert kept.sandbox.do(telegram.join_by_link, kept.phone(ANNA), url) is None
        now = Watching(kept)
        await now.looks()
        assert ANNA in kept.inside()
        assert [one.member_id for one in known(kept.shop, kept.group).values() if one.greeted_at] == [anna]
        assert [row.member_id for row in rows(kept.shop) if row.purpose.startswith("greeting")] == [anna]
        assert [one.state for one in links_of(kept.shop, kept.group)] == [links.USED]
        assert now.told == []

    async def test_nobody_is_taken_out_unless_the_settings_say_so_and_the_desk_is_told_once_a_day(self, kept):
        kept.comes("@stranger_in_gold")
        now = Watching(kept)
        await now.looks()
        kept.shop.clock.moment += MINUTE
        changed(kept)
        await now.looks()
        assert "@stranger_in_gold" in kept.inside()
        assert len(now.told) == 2
        assert "1 there without a seat" in now.told[0][1]
        assert "stranger" not in now.told[0][1], "names are the desk's alone"
        (notice,) = notices(kept)
        assert "Stranger_in_gold" in notice
        await now.after(DAY)
        assert len(notices(kept)) == 2

    async def test_with_fix_whoever_has_no_seat_is_taken_out(self, kept):
        (bela, cili) = on_telegram(kept.shop, BELA, CILI)
        add_group(kept.shop, "gold", [bela])
        opt_out(kept.shop, bela)
        for one in (ANNA, BELA, CILI, "@stranger_in_gold"):
            kept.comes(one)
        with kept.shop.database.write() as connection:
            seats.edit(connection, kept.group, cap=2, purpose=None, now=kept.shop.now())
        now = Watching(kept, fixes=True)
        await now.looks()
        # Béla's seat came free; Cili was never given one, and none is taken by staying.
        assert {ANNA} <= kept.inside()
        assert {BELA, "@stranger_in_gold"}.isdisjoint(kept.inside())
        assert now.told == []
        kept.shop.clock.moment += MINUTE
        changed(kept)
        await now.looks()
        inside = {one.member_id for one in known(kept.shop, kept.group).values() if one.state == "there"}
        seats_now = {one.member_id for one in seated(kept) if one.place is seats.Place.SEATED}
        assert inside - {None} <= seats_now
        assert cili not in seats_now or CILI in kept.inside()

    async def test_who_asks_and_is_not_known_is_left_to_a_person(self, kept):
        url = await kept.keeper.new_link(kept.group.chat, "another", kept.shop.now() + DAY)
        kept.sandbox.do(kept.sandbox.telegram.join_by_link, kept.phone("@stranger_in_gold"), url)
        now = Watching(kept)
        await now.looks()
        assert "1 ask to come in" in now.told[0][1]
        assert len(notices(kept)) == 1
        assert len(await kept.keeper.requests(kept.group.chat)) == 1

    async def test_whom_the_waiting_list_moved_up_is_invited_and_the_invitation_goes_out(self, kept):
        shop = kept.shop
        (bela,) = on_telegram(shop, BELA)
        kept.phone(BELA)
        with shop.database.write() as connection:
            seats.edit(connection, kept.group, cap=1, purpose=None, now=shop.now())
            seats.take_seat(connection, kept.group, bela, now=shop.now())
        shop.clock.moment += MINUTE
        with shop.database.write() as connection:
            (anna,) = [one.member_id for one in seated(kept) if one.place is seats.Place.SEATED]
            assert seats.leave(connection, kept.group, anna, now=shop.now()) == [bela]
        now = Watching(kept)
        await now.looks()
        (row,) = [row for row in rows(shop) if row.announcement_id is not None]
        assert (row.member_id, now.sent) == (bela, [row.announcement_id])
        kept.shop.clock.moment += MINUTE
        changed(kept)
        await now.looks()
        assert set(now.sent) == {row.announcement_id}  # once more, for here nothing has really sent it


async def test_a_chat_half_made_is_finished(kept):
    with kept.shop.database.write() as connection:
        chats.put(connection, kept.group, {"state": chats.MAKING})
    now = Watching(kept)
    await now.looks()
    assert record(kept).state == chats.READY
    assert [row.purpose for row in rows(kept.shop) if row.group_id == kept.group.id] != []
    assert now.told == []
