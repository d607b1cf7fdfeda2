"""Who somebody in a chat is to the shop, who they may be, and what is kept of them; and links of their own."""

from __future__ import annotations

import pytest
from chat_records import (
    ANNA,
    BELA,
    DAY,
    add_chat,
    give_link,
    known,
    links_of,
    on_telegram,
    person,
)
from sqlalchemy import select
from support import START, add_member

from vipcast.chats import links, people
from vipcast.chats.people import ASKS, LEFT, THERE
from vipcast.config import Account
from vipcast.delivery import peers
from vipcast.errors import InputError
from vipcast.groups import chats, seats
from vipcast.members import roster
from vipcast.members.roster import PHONE
from vipcast.messengers.base_chats import ChatRole
from vipcast.storage.tables import addresses

NEWS = Account(name="news", messenger="telegram", role="announce")
SUPPORT = Account(name="support", messenger="telegram", role="support")
NUMBER, OTHER_NUMBER = "+36301234567", "+36307654321"


@pytest.fixture
def anna(shop):
    return on_telegram(shop, ANNA)[0]


@pytest.fixture
def gold(shop, anna):
    return add_chat(shop, [anna])


def whose(shop, group, one, account=NEWS):
    with shop.database.read() as connection:
        return people.whose(connection, account, group, one)


def may_be(shop, member_id, one):
    with shop.database.read() as connection:
        return people.may_be(connection, NEWS, member_id, one)


def tie(shop, member_id, one):
    with shop.database.write() as connection:
        people.tie(connection, NEWS, member_id, one, shop.now())


def note(shop, group, one, **values):
    with shop.database.write() as connection:
        people.note(connection, group, one, **values)


def resolve(shop, address, peer, account="news"):
    with shop.database.write() as connection:
        peers.keep(connection, account, address, peer, shop.now())


def addresses_of(shop, member_id):
    query = select(addresses.c.messenger, addresses.c.address).where(addresses.c.member_id == member_id)
    with shop.database.read() as connection:
        return {(row.messenger, row.address) for row in connection.execute(query)}


class TestWhose:
    def test_nobody_whom_the_shop_knows_is_nobodys(self, shop, gold):
        assert whose(shop, gold, person(1, "@somebody_else", NUMBER)) is None
        assert whose(shop, gold, person(1)) is None

    @pytest.mark.parametrize("spellings", [(ANNA,), ("@new_name", ANNA), ("12345", ANNA, NUMBER)])
    def test_any_spelling_of_their_address_tells_a_member(self, shop, gold, anna, spellings):
        assert whose(shop, gold, person(1, *spellings)) == anna

    def test_a_phone_number_tells_a_member_whichever_messenger_it_was_given_for(self, shop, gold):
        mari = add_member(shop, "Mari", (PHONE, NUMBER))
        assert whose(shop, gold, person(1, "@marika", NUMBER)) == mari

    def test_an_address_on_another_messenger_tells_nothing(self, shop, gold):
        add_member(shop, "Viola", ("viber", "12345678"))
        assert whose(shop, gold, person(12345678, "12345678")) is None

    def test_the_likeliest_spelling_comes_first(self, shop, gold, anna):
        bela = on_telegram(shop, BELA)[0]
        assert whose(shop, gold, person(1, BELA, ANNA)) == bela
        assert whose(shop, gold, person(1, ANNA, BELA)) == anna

    def test_whom_the_account_once_resolved_is_known_though_nothing_shows(self, shop, gold):
        mari = add_member(shop, "Mari", (PHONE, NUMBER))
        resolve(shop, NUMBER, "77:123456")
        assert whose(shop, gold, person(77)) == mari
        assert whose(shop, gold, person(7)) is None, "77 begins with 7 and is another person"
        assert whose(shop, gold, person(77), SUPPORT) is None, "another account resolved nobody"

    def test_who_was_tied_to_a_member_there_stays_tied_whatever_they_are_called(self, shop, gold, anna):
        bela = on_telegram(shop, BELA)[0]
        note(shop, gold, person(1, ANNA), member_id=anna)
        assert whose(shop, gold, person(1, BELA)) == anna
        assert whose(shop, gold, person(2, BELA)) == bela

    def test_a_tie_in_another_chat_is_none_here(self, shop, gold, anna):
        silver = add_chat(shop, name="silver", address="-1000000000501")
        note(shop, silver, person(1), member_id=anna)
        assert whose(shop, silver, person(1)) == anna
        assert whose(shop, gold, person(1)) is None

    def test_who_is_there_without_a_member_may_turn_out_to_be_one(self, shop, gold, anna):
        note(shop, gold, person(1), member_id=None)
        assert whose(shop, gold, person(1, ANNA)) == anna


class TestMayBe:
    def test_a_member_without_an_address_here_may_be_anybody(self, shop):
        viola = add_member(shop, "Viola", ("viber", "viola-on-viber=="))
        nobody = add_member(shop, "Nobody")
        assert may_be(shop, viola, person(1, "@viola"))
        assert may_be(shop, nobody, person(1))

    def test_who_has_an_address_here_is_nobody_else(self, shop, anna):
        assert may_be(shop, anna, person(1, "@new_name", ANNA))
        assert not may_be(shop, anna, person(1, "@somebody_else"))
        assert not may_be(shop, anna, person(1))

    def test_a_phone_number_proves_nothing(self, shop):
        mari = add_member(shop, "Mari", (PHONE, NUMBER), ("telegram", OTHER_NUMBER))
        assert may_be(shop, mari, person(1, "@marika"))
        assert may_be(shop, mari, person(1, "@marika", OTHER_NUMBER))

    def test_a_phone_number_that_was_resolved_names_one_person(self, shop):
        mari = add_member(shop, "Mari", (PHONE, NUMBER))
        resolve(shop, NUMBER, "77:123456")
        assert may_be(shop, mari, person(77))
        assert not may_be(shop, mari, person(7, "@seven"))

    def test_a_name_that_changed_is_known_by_what_was_resolved(self, shop, anna):
        resolve(shop, ANNA, "77:123456")
        assert may_be(shop, anna, person(77, "@anna_new_name"))
        assert not may_be(shop, anna, person(78, "@anna_new_name"))

    def test_what_another_account_resolved_says_nothing(self, shop):
        mari = add_member(shop, "Mari", (PHONE, NUMBER))
        resolve(shop, NUMBER, "77:123456", account="support")
        assert may_be(shop, mari, person(7))


class TestTie:
    def test_a_member_is_reached_from_now_on_as_who_came(self, shop, gold):
        viola = add_member(shop, "Viola", ("viber", "viola-on-viber=="))
        tie(shop, viola, person(5, "@viola_here", "5", peer="5:777"))
        assert ("telegram", "@viola_here") in addresses_of(shop, viola)
        assert whose(shop, gold, person(5, "@viola_here")) == viola
        with shop.database.read() as connection:
            assert peers.of(connection, "news", "@viola_here") == "5:777"
            assert peers.of(connection, "support", "@viola_here") == ""

    def test_an_address_that_is_known_gets_no_second_one(self, shop, anna):
        before = addresses_of(shop, anna)
        for _ in range(2):
            tie(shop, anna, person(5, "5", ANNA, peer="5:777"))
        assert addresses_of(shop, anna) == before
        with shop.database.read() as connection:
            assert peers.of(connection, "news", ANNA) == "5:777"

    def test_who_shows_no_address_changes_nothing(self, shop, anna):
        before = addresses_of(shop, anna)
        tie(shop, anna, person(5, peer="5:777"))
        assert addresses_of(shop, anna) == before

    @pytest.mark.usefixtures("anna")
    def test_an_address_of_another_member_is_refused(self, shop):
        bela = on_telegram(shop, BELA)[0]
        with pytest.raises(InputError):
            tie(shop, bela, person(5, ANNA))
        assert addresses_of(shop, bela) == {("telegram", BELA)}

    @pytest.mark.usefixtures("anna")
    def test_an_empty_peer_leaves_the_known_one(self, shop):
        resolve(shop, ANNA, "5:777")
        resolve(shop, ANNA, "")
        with shop.database.read() as connection:
            assert peers.of(connection, "news", ANNA) == "5:777"
        resolve(shop, ANNA, "5:888")
        with shop.database.read() as connection:
            assert peers.of(connection, "news", ANNA) == "5:888"


class TestRecords:
    def test_who_is_noted_is_there_unless_it_is_said(self, shop, gold, anna):
        note(shop, gold, person(1, ANNA, name="Anna", role=ChatRole.ADMIN, joined_at=START), member_id=anna)
        note(shop, gold, person(2), state=ASKS)
        found = known(shop, gold)
        assert list(found) == ["1", "2"]
        one = found["1"]
        assert (one.member_id, one.name, one.role, one.state) == (anna, "Anna", "admin", THERE)
        assert (one.joined_at, one.gone_at, one.greeted_at) == (START, None, None)
        assert found["2"].state == ASKS

    def test_who_is_noted_again_keeps_what_is_not_said(self, shop, gold, anna):
        note(shop, gold, person(1, ANNA, name="Anna", joined_at=START), member_id=anna, greeted_at=START)
        note(shop, gold, person(1, ANNA, name="Annamari"), member_id=anna)
        (one,) = known(shop, gold).values()
        assert (one.name, one.member_id, one.joined_at, one.greeted_at) == ("Annamari", anna, START, START)

    def test_the_same_person_stands_in_each_chat_by_itself(self, shop, gold):
        silver = add_chat(shop, name="silver", address="-1000000000501")
        for group in (gold, silver):
            note(shop, group, person(1))
        with shop.database.write() as connection:
            people.change(connection, silver, "1", state=LEFT)
        assert [known(shop, one)["1"].state for one in (gold, silver)] == [THERE, LEFT]

    def test_members_have_names(self, shop, anna):
        with shop.database.read() as connection:
            (member,) = roster.load(connection, [anna])
            assert people.names_of(connection, {anna}) == {anna: member.name}


class TestLinks:
    def test_a_link_stands_there_before_it_is_made(self, shop, gold, anna):
        with shop.database.write() as connection:
            one, other = (links.begin(connection, gold, anna, START + DAY, START) for _ in range(2))
        assert (one.link, one.state, one.announcement_id, one.ended_at) == ("", links.OPEN, None, None)
        assert (one.member_id, one.group_id, one.made_at, one.expires_at) == (
            anna,
            gold.id,
            START,
            START + DAY,
        )
        assert one.mark.startswith(links.MARK)
        assert len(one.mark) <= 32
        assert one.mark != other.mark
        assert [found.id for found in links_of(shop, gold)] == [one.id, other.id]

    def test_a_link_ends_once(self, shop, gold, anna):
        first, second = (give_link(shop, gold, anna, f"https://t.me/+{n}") for n in (1, 2))
        with shop.database.write() as connection:
            links.end(connection, [first.id], links.USED, START)
            links.end(connection, [first.id], links.REVOKED, START + DAY)
        one, other = links_of(shop, gold)
        assert (one.state, one.ended_at, one.link) == (links.USED, START, "https://t.me/+1")
        assert (other.state, other.ended_at) == (links.OPEN, None)
        assert links_of(shop, gold, only_open=True) == [second]

    def test_the_links_of_a_group_are_its_own(self, shop, gold, anna):
        silver = add_chat(shop, [anna], name="silver", address="-1000000000501")
        give_link(shop, silver, anna, "https://t.me/+silver")
        assert links_of(shop, gold) == []


class TestChats:
    def test_a_group_without_a_chat_has_none(self, shop):
        with shop.database.write() as connection:
            group = seats.create(connection, "plain", now=START)
            assert chats.of(connection, group) is None
            assert chats.kept(connection) == []

    def test_what_is_put_again_keeps_the_rest(self, shop, gold):
        with shop.database.write() as connection:
            before = chats.of(connection, gold)
            after = chats.put(connection, gold, {"title": "Gold circle"})
            assert (after.title, after.mark, after.state) == ("Gold circle", before.mark, "ready")
            assert chats.of(connection, gold) == after

    @pytest.mark.parametrize(
        ("state", "is_kept"), [(chats.READY, True), (chats.MAKING, True), (chats.CLOSED, False)]
    )
    def test_chats_that_are_ready_or_being_made_are_kept(self, shop, gold, state, is_kept):
        with shop.database.write() as connection:
            chats.put(connection, gold, {"state": state})
            assert [group.name for group, _ in chats.kept(connection)] == ["gold"] * is_kept

    @pytest.mark.parametrize("mode", [chats.DIRECT, "by-hand"])
    def test_no_chat_is_kept_that_nobody_writes_to_or_can_look_into(self, shop, gold, mode):
        with shop.database.write() as connection:
            chats.set_mode(connection, gold, mode)
            assert chats.kept(connection) == []

    def test_a_closed_groups_chat_is_neither_kept_nor_looked_through(self, shop, gold):
        with shop.database.write() as connection:
            assert chats.note_changed(connection, "news", gold.chat, START)
            seats.close(connection, gold, now=START)
            assert chats.kept(connection) == []
            assert not chats.note_changed(connection, "news", gold.chat, START)

    def test_a_change_asks_for_a_look_until_there_was_one(self, shop, gold):
        with shop.database.write() as connection:
            assert not chats.of(connection, gold).wants_a_look
            assert chats.note_changed(connection, "news", gold.chat, START)
            assert chats.of(connection, gold).wants_a_look
            assert not chats.put(connection, gold, {"looked_at": START}).wants_a_look
            assert chats.put(connection, gold, {"looked_at": START - DAY}).wants_a_look
            for account, address in (("support", gold.chat), ("news", "-1")):
                assert not chats.note_changed(connection, account, address, START + DAY)
            assert chats.of(connection, gold).changed_at == START

    def test_a_message_reaches_members_who_are_there_now(self, shop, gold, anna):
        bela, cili = on_telegram(shop, BELA, "@cili_in_gold")
        note(shop, gold, person(1), member_id=anna)
        note(shop, gold, person(2), member_id=bela, state=LEFT)
        note(shop, gold, person(3), member_id=cili, state=ASKS)
        note(shop, gold, person(4), member_id=None)
        with shop.database.read() as connection:
            assert chats.members_in(connection, gold) == {anna: "1"}

    def test_all_with_a_seat_are_reached_in_a_chat_kept_by_hand(self, shop, anna):
        bela, cili = on_telegram(shop, BELA, "@cili_in_gold")
        group = add_chat(shop, [anna, bela, cili], name="small", cap=2, address="-1000000000501")
        note(shop, group, person(3), member_id=cili)
        with shop.database.write() as connection:
            chats.set_mode(connection, group, "by-hand")
            assert chats.members_in(connection, seats.get(connection, "small")) == {anna: "", bela: ""}
