"""Whom to invite into a group's chat, in which order and how many a day; each by a link of their own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from chat_records import (
    ANNA,
    BELA,
    CILI,
    DAY,
    add_chat,
    became,
    give_link,
    hears,
    keeping_chat,
    known,
    links_of,
    on_telegram,
    put_in,
    real_clock,
)
from support import add_group, add_member, opt_out, rows

from vipcast.announcements import records
from vipcast.announcements.templates import TemplateFault
from vipcast.chats import inviting, links
from vipcast.groups import chats, seats
from vipcast.members.consent import ConsentState
from vipcast.members.roster import EMAIL
from vipcast.messengers.base import SendError
from vipcast.shop_chats import context_of
from vipcast.storage.tables import deliveries

VIOLA = "viola-on-viber=="
URL = "https://t.me/+link"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def clock():
    return real_clock()


def candidates(shop, group, **how):
    """Return [(name, why not)] in the order in which they are to be invited."""
    with shop.database.read() as connection:
        found = inviting.candidates(connection, context_of(shop), group, **how)
    return [(one.member.id, one.skip) for one in found]


def owed(shop, group):
    with shop.database.read() as connection:
        return inviting.owed(connection, group)


def carry(shop, link, member_id, state="sent"):
    """Let an announcement have brought a link to its member."""
    with shop.database.write() as connection:
        one = records.create(
            connection, key=f"{link.mark}", template=f"{records.INVITATION}gold", digest="", title="",
            groups=["gold"], variables={}, now=shop.now(),
        )  # fmt: skip
        links.made(connection, link, link.link, one.id)
        values = {"announcement_id": one.id, "member_id": member_id, "state": state}
        values |= {"message_key": one.id, "planned_at": shop.now()}
        connection.execute(deliveries.insert().values(**values))


class TestCandidates:
    def test_everybody_with_a_seat_who_is_not_there_is_one_or_says_why_not(self, shop):
        anna, bela, cili = on_telegram(shop, ANNA, BELA, CILI)
        out = add_member(shop, "Out", ("telegram", "@out_of_it"))
        never = add_member(shop, "Never", ("telegram", "@never_asked"), state=ConsentState.NONE)
        mail = add_member(shop, "Mail", (EMAIL, "mail@example.com"))
        group = add_chat(shop, [anna, bela, out, never, mail, cili], cap=5)
        opt_out(shop, out)
        put_in(shop, group, bela, 102)
        assert dict(candidates(shop, group)) == {
            anna: "", out: "opted_out", never: "no_consent", mail: "no_address",
        }  # fmt: skip

    def test_who_left_or_only_asks_is_one_again(self, shop):
        anna, bela = on_telegram(shop, ANNA, BELA)
        group = add_chat(shop, [anna, bela])
        put_in(shop, group, anna, 101, state="left")
        put_in(shop, group, bela, 102, state="asks")
        assert candidates(shop, group) == [(anna, ""), (bela, "")]

    def test_only_those_named_are_looked_at(self, shop):
        anna, bela, cili = on_telegram(shop, ANNA, BELA, CILI)
        group = add_chat(shop, [anna, bela])
        assert candidates(shop, group, only=[bela, cili]) == [(bela, "")]
        assert candidates(shop, group, only=[]) == []

    def test_who_has_a_link_that_works_is_asked_once_more_on_request_only(self, shop, clock):
        (anna,) = on_telegram(shop, ANNA)
        group = add_chat(shop, [anna])
        carry(shop, give_link(shop, group, anna, URL), anna)
        assert candidates(shop, group) == [(anna, "invited")]
        assert candidates(shop, group, again=True) == [(anna, "")]
        clock.moment += DAY
        assert candidates(shop, group) == [(anna, "")], "it has expired"

    @pytest.mark.parametrize(
        ("state", "is_out"),
        [("queued", True), ("unknown", True), ("seen", True), ("failed", False), ("skipped", False)],
    )
    def test_a_link_that_never_went_out_is_no_invitation(self, shop, state, is_out):
        (anna,) = on_telegram(shop, ANNA)
        group = add_chat(shop, [anna])
        link = give_link(shop, group, anna, URL)
        assert candidates(shop, group) == [(anna, "")], "nothing carried it yet"
        carry(shop, link, anna, state)
        assert candidates(shop, group) == [(anna, "invited" if is_out else "")]

    def test_a_link_that_was_shut_is_no_invitation(self, shop):
        (anna,) = on_telegram(shop, ANNA)
        group = add_chat(shop, [anna])
        link = give_link(shop, group, anna, URL)
        carry(shop, link, anna)
        with shop.database.write() as connection:
            links.end(connection, [link.id], links.REVOKED, shop.now())
        assert candidates(shop, group) == [(anna, "")]

    def test_who_wrote_to_the_account_comes_first(self, shop):
        anna, bela, cili = on_telegram(shop, ANNA, BELA, CILI)
        viola = add_member(shop, "Viola", ("viber", VIOLA))
        group = add_chat(shop, [anna, bela, cili, viola])
        hears(shop, CILI)
        found = [number for number, _ in candidates(shop, group)]
        assert found == [cili, viola, anna, bela], "Viber does not mind; the others stay in their order"


class TestOwed:
    @pytest.fixture
    def gold(self, shop, clock):
        """Anna sat, Béla and Cili waited; Anna went, and Béla has her seat since a day later."""
        people = on_telegram(shop, ANNA, BELA, CILI)
        group = add_chat(shop, people, cap=1)
        clock.moment += DAY
        with shop.database.write() as connection:
            assert seats.leave(connection, group, people[0], now=shop.now()) == [people[1]]
        return group, people[1]

    def test_whom_the_waiting_list_moved_up_is_owed_an_invitation(self, shop, gold):
        group, bela = gold
        assert owed(shop, group) == [bela]

    def test_who_sat_from_the_beginning_is_not(self, shop):
        group = add_chat(shop, on_telegram(shop, "@sits_at_once"), name="silver", address="-1000000000501")
        assert owed(shop, group) == []

    def test_who_is_in_the_chat_is_owed_none(self, shop, gold):
        group, bela = gold
        put_in(shop, group, bela, 102)
        assert owed(shop, group) == []

    def test_an_invitation_pays_it_even_once_its_link_has_ended(self, shop, gold):
        group, bela = gold
        link = give_link(shop, group, bela, URL)
        assert owed(shop, group) == [bela], "nothing carried it yet"
        carry(shop, link, bela)
        assert owed(shop, group) == []
        with shop.database.write() as connection:
            links.end(connection, [link.id], links.EXPIRED, shop.now())
        assert owed(shop, group) == []

    def test_an_invitation_from_before_the_seat_pays_nothing(self, shop, clock, gold):
        group, bela = gold
        clock.moment -= DAY / 2
        carry(shop, give_link(shop, group, bela, URL), bela)
        clock.moment += DAY / 2
        assert owed(shop, group) == [bela]


@pytest.fixture
async def kept(shop, sandbox):
    """A real chat; Anna and Béla are on Telegram, Viola on Viber, and all have a seat."""
    people = on_telegram(shop, ANNA, BELA)
    viola = add_member(shop, "Viola", ("viber", VIOLA), language="hu")
    async with keeping_chat(shop, sandbox, [*people, viola]) as kept:
        for one in (ANNA, BELA):
            kept.phone(one)
        yield kept


async def invite(kept, context=None, *, adds=False, **how):
    context = context or kept.context
    with kept.shop.database.read() as connection:
        chosen = inviting.candidates(connection, context, kept.group, **how)
    return await inviting.invite(context, kept.keeper, kept.group, chosen, adds=adds)


async def ours(kept):
    """Return {mark: link} of what the messenger lets in by, without the chat's own link."""
    found = await kept.keeper.links(kept.group.chat)
    return {one.mark: one.link for one in found if not one.is_default}


def texts(shop, announcement):
    return {row.address: json.loads(row.body)["text"] for row in rows(shop, announcement)}


pytestmark = pytest.mark.anyio


async def test_each_gets_a_link_of_their_own_where_they_are(shop, kept):
    done = await invite(kept)
    assert sorted(done.asked) == ["Anna_In_Gold", "Bela_In_Gold", "Viola"]
    assert (done.added, done.skipped, done.later) == ([], [], [])
    there = await ours(kept)
    records_of = links_of(shop, kept.group)
    assert there == {one.mark: one.link for one in records_of}
    assert len(set(there.values())) == 3
    assert {one.announcement_id for one in records_of} == {done.announcement.id}
    assert {one.expires_at - shop.now() for one in records_of} == {7 * DAY}
    mine = {one.member_id: one.link for one in records_of}
    found = rows(shop, done.announcement)
    assert {(row.account, row.address) for row in found} == {
        ("news", ANNA), ("news", BELA), ("viber", VIOLA),
    }  # fmt: skip
    for row in found:
        words = texts(shop, done.announcement)[row.address]
        assert [link in words for link in mine.values()].count(True) == 1
        assert mine[row.member_id] in words
    assert {row.address: row.language for row in found}[VIOLA] == "hu"


async def test_everybody_must_ask_to_be_let_in(shop, kept):
    await invite(kept)
    found = [one for one in await kept.keeper.links(kept.group.chat) if not one.is_default]
    assert all(one.needs_approval and one.expires_at for one in found)


async def test_nobody_is_asked_twice(shop, kept):
    await invite(kept)
    before = await ours(kept)
    done = await invite(kept)
    assert (done.announcement, done.asked) == (None, [])
    assert sorted(done.skipped) == [
        ("Anna_In_Gold", "invited"), ("Bela_In_Gold", "invited"), ("Viola", "invited"),
    ]  # fmt: skip
    assert await ours(kept) == before


async def test_another_link_shuts_the_one_before(shop, kept):
    await invite(kept)
    old = await ours(kept)
    done = await invite(kept, again=True)
    assert len(done.asked) == 3
    new = await ours(kept)
    assert len(new) == 3
    assert set(new.values()).isdisjoint(old.values())
    states = {one.link: one.state for one in links_of(shop, kept.group)}
    assert {states[one] for one in old.values()} == {links.REVOKED}
    assert {states[one] for one in new.values()} == {links.OPEN}


async def test_a_link_that_was_begun_is_finished_and_none_is_made_beside_it(shop, kept):
    """The messenger made one and its answer was lost; another was never asked for."""
    people = [one for one, _ in candidates(shop, kept.group)]
    with shop.database.write() as connection:
        begun = [links.begin(connection, kept.group, one, shop.now() + DAY, shop.now()) for one in people[:2]]
    url = await kept.keeper.new_link(kept.group.chat, begun[0].mark, begun[0].expires_at)
    await invite(kept)
    found = [one for one in await kept.keeper.links(kept.group.chat) if not one.is_default]
    there = {one.mark: one.link for one in found}
    assert len(found) == len(there) == 3
    assert there[begun[0].mark] == url
    assert begun[1].mark in there
    assert {one.id for one in begun} < {one.id for one in links_of(shop, kept.group, only_open=True)}


async def test_what_was_done_before_a_fault_is_kept_and_gone_on_with(shop, sandbox, kept):
    sandbox.faults.add("ExportChatInviteRequest", "error", after=1, code=400, text="CHAT_ADMIN_REQUIRED")
    with pytest.raises(SendError):
        await invite(kept)
    assert rows(shop) == []
    (first,) = (await ours(kept)).values()
    done = await invite(kept)
    assert len(done.asked) == 3
    there = await ours(kept)
    assert first in there.values()
    assert len(there) == 3


async def test_a_wrong_text_of_the_shops_own_stops_everything_before_it_begins(shop, kept):
    path = shop.templates_folder / "replies" / "invitation.en.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("Come in: {{ link }} {{ nothing_of_the_kind }}\n", encoding="utf-8")
    with pytest.raises(TemplateFault):
        await invite(kept, context_of(shop, borrow=kept.context.borrow))
    assert (await ours(kept), links_of(shop, kept.group), rows(shop)) == ({}, [], [])


async def test_strangers_are_spread_over_days_and_who_wrote_is_not(shop, clock, kept):
    dora, emma = on_telegram(shop, "@dora_in_gold", "@emma_in_gold")
    add_group(shop, "gold", [dora, emma])
    hears(shop, "@emma_in_gold")
    context = replace(kept.context, first_contacts=1)
    first = await invite(kept, context)
    assert first.asked == ["Viola", "Emma_In_Gold", "Anna_In_Gold"]
    assert first.later == ["Bela_In_Gold", "Dora_In_Gold"]
    assert len(await ours(kept)) == 3, "who is put off has no link yet"
    second = await invite(kept, context)
    assert (second.asked, second.later) == ([], ["Bela_In_Gold", "Dora_In_Gold"])
    became(shop, deliveries.c.announcement_id == first.announcement.id, "sent")
    assert (await invite(kept, context)).asked == []
    clock.moment += DAY
    assert (await invite(kept, context)).asked == ["Bela_In_Gold"]


async def test_who_knows_the_account_is_put_in_and_the_others_get_a_link(shop, sandbox, kept):
    sandbox.do(sandbox.telegram.add_user, username="refuser_gold", refuses_groups=True)
    (dora,) = on_telegram(shop, "@refuser_gold")
    add_group(shop, "gold", [dora])
    for one in (ANNA, "@refuser_gold"):
        hears(shop, one)
    done = await invite(kept, adds=True)
    assert done.added == ["Anna_In_Gold"]
    assert sorted(done.asked) == ["Bela_In_Gold", "Refuser_Gold", "Viola"]
    assert ANNA in kept.inside()
    assert BELA not in kept.inside()
    (anna,) = [one for one in known(shop, kept.group).values() if one.state == "there" and one.member_id]
    assert (anna.name.casefold(), anna.added_at) == (ANNA.strip("@"), shop.now())
    with shop.database.read() as connection:
        assert anna.member_id in chats.members_in(connection, kept.group)


async def test_putting_in_keeps_to_the_days_budget(shop, kept):
    for one in (ANNA, BELA):
        hears(shop, one)
    done = await invite(kept, replace(kept.context, first_contacts=1), adds=True)
    assert len(done.added) == 1
    assert len(kept.inside() & {ANNA, BELA}) == 1
    done = await invite(kept, replace(kept.context, first_contacts=1), adds=True, again=True)
    assert done.added == []
