"""Who asks to come into a group's chat: let in with a seat, sent away without, left to the owner if unknown."""

from __future__ import annotations

import pytest
from chat_records import ANNA, BELA, DAY, add_chat, give_link, known, links_of, on_telegram, person, put_in
from sqlalchemy import select
from support import add_group, add_member, opt_out

from vipcast.chats import gate, links, people
from vipcast.chats.gate import Answer, Why
from vipcast.chats.people import ASKS, LEFT, THERE
from vipcast.config import Account
from vipcast.delivery import peers
from vipcast.groups import seats
from vipcast.members.consent import ConsentState
from vipcast.members.roster import PHONE
from vipcast.messengers.base_chats import JoinRequest
from vipcast.storage.columns import metadata

NEWS = Account(name="news", messenger="telegram", role="announce")
LINK, OTHER = "https://t.me/+annas", "https://t.me/+other"
NUMBER = "+36301234567"
IN, AWAY, OWNER_DECIDES = Answer.LET_IN, Answer.SEND_AWAY, Answer.LEAVE


@pytest.fixture
def anna(shop):
    return on_telegram(shop, ANNA)[0]


@pytest.fixture
def viola(shop):
    return add_member(shop, "Viola", ("viber", "viola-on-viber=="))


@pytest.fixture
def gold(shop, anna, viola):
    return add_chat(shop, [anna, viola], cap=2)


def judge(shop, group, one, link=""):
    with shop.database.read() as connection:
        found = gate.judge(connection, NEWS, group, JoinRequest(one, link), shop.now())
    assert found.request == JoinRequest(one, link)
    return found


def standing(shop, group, one, link=""):
    found = judge(shop, group, one, link)
    return found.answer, found.why, found.member_id


def let_in(shop, group, verdict):
    with shop.database.write() as connection:
        gate.expect(connection, NEWS, group, verdict, shop.now())
    with shop.database.write() as connection:
        # As the next look does, which finds them there.
        who = verdict.request.person
        people.note(connection, group, who, member_id=verdict.member_id, state=THERE, gone_at=None)


class TestByThemselves:
    def test_a_member_with_a_seat_comes_in_with_any_link_or_none(self, shop, gold, anna, viola):
        give_link(shop, gold, viola, OTHER)
        for link in ("", OTHER, "https://t.me/+unknown"):
            found = judge(shop, gold, person(1, ANNA), link)
            assert (found.answer, found.why, found.member_id) == (IN, Why.SEATED, anna)
            assert found.link is None, "only their own link is used up"

    def test_their_own_link_is_told(self, shop, gold, anna):
        link = give_link(shop, gold, anna, LINK)
        assert judge(shop, gold, person(1, ANNA), LINK).link == link

    def test_who_waits_for_a_seat_is_sent_away(self, shop, gold, anna):
        (bela,) = on_telegram(shop, BELA)
        add_group(shop, "gold", [bela])
        assert standing(shop, gold, person(2, BELA)) == (AWAY, Why.WAITING, bela)
        with shop.database.write() as connection:
            seats.leave(connection, gold, anna, now=shop.now())
        assert standing(shop, gold, person(2, BELA)) == (IN, Why.SEATED, bela)
        assert standing(shop, gold, person(1, ANNA)) == (AWAY, Why.NO_SEAT, anna)

    def test_a_seat_in_another_group_is_none_here(self, shop, gold):
        (bela,) = on_telegram(shop, BELA)
        add_group(shop, "silver", [bela])
        assert standing(shop, gold, person(2, BELA)) == (AWAY, Why.NO_SEAT, bela)

    def test_who_opted_out_is_sent_away_whatever_their_seat(self, shop, gold, anna):
        opt_out(shop, anna)
        assert standing(shop, gold, person(1, ANNA)) == (AWAY, Why.OPTED_OUT, anna)
        (dora,) = on_telegram(shop, "@dora_nowhere", state=ConsentState.OPTED_OUT)
        assert standing(shop, gold, person(4, "@dora_nowhere")) == (AWAY, Why.OPTED_OUT, dora)

    def test_a_member_is_in_the_chat_with_one_account(self, shop, gold, anna):
        put_in(shop, gold, anna, 1)
        assert standing(shop, gold, person(2, ANNA)) == (AWAY, Why.TWICE, anna)
        assert standing(shop, gold, person(1, ANNA)) == (IN, Why.SEATED, anna), "the same person is no second"

    @pytest.mark.parametrize("state", [LEFT, ASKS, "removed"])
    def test_an_account_that_is_not_there_keeps_nobody_out(self, shop, gold, anna, state):
        put_in(shop, gold, anna, 1, state=state)
        assert standing(shop, gold, person(2, ANNA)) == (IN, Why.SEATED, anna)

    def test_another_members_account_keeps_nobody_out(self, shop, gold, anna, viola):
        put_in(shop, gold, viola, 9)
        assert standing(shop, gold, person(2, ANNA)) == (IN, Why.SEATED, anna)


class TestByALink:
    def test_the_first_who_comes_by_a_link_is_its_member(self, shop, gold, viola):
        link = give_link(shop, gold, viola, LINK)
        found = judge(shop, gold, person(9, "@viola_here"), LINK)
        assert (found.answer, found.why, found.member_id, found.link) == (IN, Why.SEATED, viola, link)

    def test_a_stranger_without_a_link_of_ours_is_left_to_the_owner(self, shop, gold, viola):
        give_link(shop, gold, viola, LINK)
        for link in ("", OTHER):
            assert standing(shop, gold, person(9, "@stranger"), link) == (OWNER_DECIDES, Why.STRANGER, None)

    def test_a_link_whose_making_was_never_answered_is_no_link(self, shop, gold, viola):
        give_link(shop, gold, viola, "")
        assert standing(shop, gold, person(9, "@stranger"), "") == (OWNER_DECIDES, Why.STRANGER, None)

    def test_a_link_works_to_its_end_and_no_longer(self, shop, gold, clock, viola):
        give_link(shop, gold, viola, LINK, lasts=DAY)
        clock.advance(DAY.total_seconds() - 1)
        assert standing(shop, gold, person(9), LINK) == (IN, Why.SEATED, viola)
        clock.advance(1)
        assert standing(shop, gold, person(9), LINK) == (OWNER_DECIDES, Why.STRANGER, None)

    @pytest.mark.parametrize("state", [links.USED, links.REVOKED, links.EXPIRED])
    def test_a_link_that_has_ended_works_no_more(self, shop, gold, viola, state):
        link = give_link(shop, gold, viola, LINK)
        with shop.database.write() as connection:
            links.end(connection, [link.id], state, shop.now())
        assert standing(shop, gold, person(9), LINK) == (OWNER_DECIDES, Why.STRANGER, None)

    def test_a_link_into_another_chat_opens_nothing_here(self, shop, gold, viola):
        silver = add_chat(shop, [viola], name="silver", address="-1000000000501")
        give_link(shop, silver, viola, LINK)
        assert standing(shop, gold, person(9), LINK) == (OWNER_DECIDES, Why.STRANGER, None)

    def test_a_link_that_was_passed_on_opens_nothing(self, shop, gold, anna):
        link = give_link(shop, gold, anna, LINK)
        found = judge(shop, gold, person(9, "@friend_of_anna"), LINK)
        assert (found.answer, found.why) == (OWNER_DECIDES, Why.PASSED_ON)
        assert (found.member_id, found.link) == (anna, link), "the owner reads whose link it was"

    @pytest.mark.usefixtures("gold")
    def test_a_phone_number_alone_speaks_against_nobody(self, shop):
        mari = add_member(shop, "Mari", (PHONE, NUMBER))
        add_group(shop, "silver", [mari])
        silver = add_chat(shop, [mari], name="silver", address="-1000000000501")
        give_link(shop, silver, mari, LINK)
        assert standing(shop, silver, person(9, "@mari_hides_it"), LINK) == (IN, Why.SEATED, mari)

    def test_a_seat_that_went_meanwhile_takes_the_link_with_it(self, shop, gold, viola):
        give_link(shop, gold, viola, LINK)
        with shop.database.write() as connection:
            seats.leave(connection, gold, viola, now=shop.now())
        assert standing(shop, gold, person(9), LINK) == (AWAY, Why.NO_SEAT, viola)

    @pytest.mark.parametrize("spellings", [("@viola_here",), ("9",), ()])
    def test_the_second_who_comes_by_a_link_does_not_come_in(self, shop, gold, viola, spellings):
        give_link(shop, gold, viola, LINK)
        let_in(shop, gold, judge(shop, gold, person(9, *spellings, peer="9:123"), LINK))
        assert judge(shop, gold, person(8, "@friend_of_viola", peer="8:123"), LINK).answer is not IN

    def test_two_who_ask_at_once_by_one_link_are_not_both_let_in(self, shop, gold, viola):
        """Who was let in is known at once, even where we were stopped before the messenger answered."""
        give_link(shop, gold, viola, LINK)
        first = judge(shop, gold, person(9, "@viola_here"), LINK)
        with shop.database.write() as connection:
            gate.expect(connection, NEWS, gold, first, shop.now())
        assert judge(shop, gold, person(8, "@friend_of_viola"), LINK).answer is not IN
        assert standing(shop, gold, person(9, "@viola_here"), LINK) == (IN, Why.SEATED, viola)


class TestComingIn:
    def test_who_is_about_to_come_in_is_known_and_can_be_reached(self, shop, gold, viola):
        give_link(shop, gold, viola, LINK)
        verdict = judge(shop, gold, person(9, "@viola_here", name="Viola", peer="9:123"), LINK)
        with shop.database.write() as connection:
            gate.expect(connection, NEWS, gold, verdict, shop.now())
            assert peers.of(connection, "news", "@viola_here") == "9:123"
        one = known(shop, gold)["9"]
        assert (one.state, one.member_id, one.name, one.joined_at) == (ASKS, viola, "Viola", None)

    def test_who_came_in_is_there_and_the_link_is_left_to_whoever_ends_links(self, shop, gold, viola):
        give_link(shop, gold, viola, LINK)
        let_in(shop, gold, judge(shop, gold, person(9, "@viola_here"), LINK))
        one = known(shop, gold)["9"]
        assert (one.state, one.member_id, one.gone_at) == (THERE, viola, None)
        assert [link.state for link in links_of(shop, gold)] == [links.OPEN]

    def test_who_comes_back_is_there_again(self, shop, gold, anna):
        put_in(shop, gold, anna, 1, state=LEFT, gone_at=shop.now() - DAY)
        let_in(shop, gold, judge(shop, gold, person(1, ANNA)))
        one = known(shop, gold)["1"]
        assert (one.state, one.gone_at) == (THERE, None)

    @pytest.mark.usefixtures("anna")
    def test_who_has_another_members_name_by_now_is_still_expected(self, shop, gold, viola):
        """Tied to Viola since they came by her link, they took the user name that Anna's card has."""
        put_in(shop, gold, viola, 9, state=ASKS)
        verdict = judge(shop, gold, person(9, ANNA))
        assert (verdict.answer, verdict.member_id) == (IN, viola)
        with shop.database.write() as connection:
            gate.expect(connection, NEWS, gold, verdict, shop.now())
        assert known(shop, gold)["9"].state == ASKS

    @pytest.mark.usefixtures("anna")
    def test_judging_writes_nothing(self, shop, gold, viola):
        give_link(shop, gold, viola, LINK)
        before = everything(shop)
        for one in (person(1, ANNA), person(9, "@viola_here", peer="9:1"), person(8)):
            judge(shop, gold, one, LINK)
        assert everything(shop) == before


def everything(shop):
    with shop.database.read() as connection:
        return {name: connection.execute(select(table)).fetchall() for name, table in metadata.tables.items()}
