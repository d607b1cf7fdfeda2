"""Who got what last, in private or in a chat, and what the history of members and announcements says of it."""

from __future__ import annotations

import pytest
from chat_records import (
    ANNA,
    BELA,
    CHAT,
    CILI,
    DAY,
    add_chat,
    became,
    on_telegram,
    put_in,
    read_by,
)
from sqlalchemy import update
from support import START, add_group, announce, rows, write_template

from vipcast.announcements import records
from vipcast.announcements.planning import PlannedDelivery
from vipcast.delivery import history, reached
from vipcast.members import roster
from vipcast.messengers.base import Message
from vipcast.shop import new_message_key
from vipcast.storage.tables import announcements, deliveries

ROOM = '+++\ntitle = "Sale"\n+++\nDear all, {{ word }}.\n'
MONDAY, TUESDAY, WEDNESDAY = START, START + DAY, START + 2 * DAY


@pytest.fixture
def people(shop):
    return on_telegram(shop, ANNA, BELA, CILI)


@pytest.fixture
def gold(shop, people):
    """Anna and Béla are in the chat, Cili has a seat and is not."""
    write_template(shop.config.folder, "room", ROOM)
    write_template(shop.config.folder, "room", ROOM, "hu")
    group = add_chat(shop, people)
    put_in(shop, group, people[0], 101)
    put_in(shop, group, people[1], 102)
    return group


@pytest.fixture
def plain(shop, people):
    """A group without a chat, in which only Anna sits."""
    return add_group(shop, "plain", people[:1])


def news(shop, *groups, word="one", state="sent", at=MONDAY, **values):
    """Announce, and let all of it have become something; return the announcement and the chat's delivery."""
    one = announce(shop, groups or ("gold",), template="room", variables={"word": word})
    if state != "queued":
        became(shop, deliveries.c.announcement_id == one.id, state, at, **values)
    chat = [row.id for row in rows(shop, one) if row.group_id is not None]
    return one, chat[0] if chat else 0


def seen(shop, delivery, member_id, at):
    """Let a member have read what went to the chat, as the messenger tells it."""
    read_by(shop, delivery, member_id, at)
    with shop.database.write() as connection:
        mine = deliveries.c.id == delivery
        connection.execute(update(deliveries).where(mine).values(state="seen", seen_at=at))


def of_members(shop, *ids):
    with shop.database.read() as connection:
        return reached.of_members(connection, ids)


def last(shop, group):
    with shop.database.read() as connection:
        return reached.last_of_group(connection, group)


def entries(shop, member_id, announcement_id=None):
    with shop.database.read() as connection:
        return history.of_member(connection, member_id, announcement_id)


class TestOfMembers:
    @pytest.mark.usefixtures("gold")
    def test_who_was_part_of_none_has_none(self, shop, people):
        assert of_members(shop, *people) == {}
        news(shop)
        assert of_members(shop) == {}
        assert set(of_members(shop, people[0], 999)) == {people[0]}

    @pytest.mark.usefixtures("gold")
    def test_in_a_chat_each_has_a_state_of_their_own(self, shop, people):
        anna, bela, cili = people
        one, chat = news(shop)
        seen(shop, chat, anna, TUESDAY)
        found = of_members(shop, *people)
        assert {number: (r.announcement_id, r.state, r.at, r.reached_at) for number, r in found.items()} == {
            anna: (one.id, "seen", TUESDAY, TUESDAY),
            bela: (one.id, "sent", MONDAY, MONDAY),
            cili: (one.id, "sent", MONDAY, MONDAY),
        }
        assert not any(r.is_lost for r in found.values())

    @pytest.mark.usefixtures("gold", "plain")
    def test_the_last_one_counts_wherever_it_came(self, shop, people):
        anna = people[0]
        news(shop, at=MONDAY)
        second, _ = news(shop, "plain", word="two", at=TUESDAY)
        assert of_members(shop, anna)[anna].announcement_id == second.id
        third, _ = news(shop, word="three", at=WEDNESDAY)
        assert of_members(shop, anna)[anna].announcement_id == third.id
        assert of_members(shop, anna)[anna].reached_at == WEDNESDAY

    @pytest.mark.parametrize("state", ["failed", "unknown"])
    @pytest.mark.usefixtures("gold", "plain")
    def test_what_did_not_arrive_is_lost_and_the_one_before_tells_since_when(self, shop, people, state):
        anna = people[0]
        news(shop, at=MONDAY)
        second, _ = news(shop, "plain", word="two", state=state, at=None, sent_at=None, ended_at=TUESDAY)
        one = of_members(shop, anna)[anna]
        assert (one.announcement_id, one.state, one.is_lost) == (second.id, state, True)
        assert (one.at, one.reached_at) == (TUESDAY, MONDAY)

    @pytest.mark.usefixtures("gold")
    def test_a_message_to_a_chat_that_failed_is_lost_for_all_in_it(self, shop, people):
        news(shop, state="failed", at=None, sent_at=None, ended_at=TUESDAY)
        found = of_members(shop, *people)
        assert {(r.state, r.is_lost, r.reached_at) for r in found.values()} == {("failed", True, None)}

    @pytest.mark.usefixtures("gold", "plain")
    def test_who_is_left_out_is_lost_only_if_nothing_ever_came(self, shop, people):
        anna = people[0]
        news(shop, "plain", state="skipped", at=None, sent_at=None, ended_at=MONDAY)
        assert of_members(shop, anna)[anna].is_lost
        news(shop, word="two", at=TUESDAY)
        assert not of_members(shop, anna)[anna].is_lost
        news(shop, "plain", word="three", state="skipped", at=None, sent_at=None, ended_at=WEDNESDAY)
        one = of_members(shop, anna)[anna]
        assert (one.state, one.is_lost, one.reached_at) == ("skipped", False, TUESDAY)

    @pytest.mark.usefixtures("gold")
    def test_what_is_still_to_go_has_the_time_it_was_planned(self, shop, people):
        news(shop, state="queued")
        one = of_members(shop, people[0])[people[0]]
        assert (one.state, one.at, one.reached_at, one.is_lost) == ("queued", shop.now(), None, False)

    def test_rehearsals_and_invitations_are_no_news(self, shop, people, gold):
        cili = people[2]
        first, _ = news(shop)
        rehearsed, _ = news(shop, word="two")
        with shop.database.write() as connection:
            mine = announcements.c.id == rehearsed.id
            connection.execute(update(announcements).where(mine).values(is_test=True))
        invite(shop, cili)
        assert of_members(shop, cili)[cili].announcement_id == first.id
        assert last(shop, gold).number == first.id


def invite(shop, member_id):
    """Write an invitation into the ledger, which has arrived."""
    with shop.database.write() as connection:
        (member,) = roster.load(connection, [member_id])
        one = records.create(
            connection,
            key="invitation 1",
            template=f"{records.INVITATION}gold",
            digest="",
            title="",
            groups=["gold"],
            variables={},
            now=shop.now(),
        )
        planned = PlannedDelivery(member, "gold", "en", "news", "telegram", CILI, Message("Come in."))
        records.add_deliveries(connection, one, [planned], new_message_key, shop.now())
    became(shop, deliveries.c.announcement_id == one.id, "sent", WEDNESDAY)


class TestOfGroups:
    @pytest.mark.usefixtures("plain")
    def test_a_group_that_got_nothing_has_no_last_one(self, shop, gold):
        assert last(shop, gold) is None
        news(shop, "plain")
        assert last(shop, gold) is None

    def test_the_people_of_the_chat_are_counted_and_those_who_have_seen_it(self, shop, people, gold):
        one, chat = news(shop)
        assert (last(shop, gold).number, last(shop, gold).title) == (one.id, "Sale")
        assert (last(shop, gold).people, last(shop, gold).seen) == (2, 0)
        seen(shop, chat, people[0], TUESDAY)
        assert (last(shop, gold).people, last(shop, gold).seen) == (2, 1)

    def test_each_group_counts_its_own_chat(self, shop, people, gold, plain):
        silver = add_chat(shop, people[2:], name="silver", address="-1000000000501")
        put_in(shop, silver, people[2], 103)
        one, _ = news(shop, "gold", "silver", "plain")
        found = {group.name: last(shop, group) for group in (gold, silver, plain)}
        assert {name: (f.number, f.people, f.seen) for name, f in found.items()} == {
            "gold": (one.id, 2, 0),
            "silver": (one.id, 1, 0),
            "plain": (one.id, 0, 0),
        }

    def test_the_latest_counts_unless_it_was_cancelled(self, shop, gold):
        first, _ = news(shop)
        second, _ = news(shop, word="two", state="queued")
        assert last(shop, gold).number == second.id
        with shop.database.write() as connection:
            records.cancel(connection, second, shop.now())
        assert last(shop, gold).number == first.id


class TestHistory:
    @pytest.mark.usefixtures("gold")
    def test_an_announcement_has_one_line_for_the_chat_with_its_readers(self, shop, people):
        one, chat = news(shop)
        seen(shop, chat, people[0], TUESDAY)
        with shop.database.read() as connection:
            first, second = history.of_announcement(connection, one.id)
        assert (first.whom, first.group, first.member, first.address) == (
            "the chat of gold",
            "gold",
            "",
            CHAT,
        )
        assert (first.people, first.readers, first.state, first.at) == (2, 1, "seen", TUESDAY)
        assert (second.whom, second.group, second.people, second.readers) == ("Cili_In_Gold", "", 0, 0)
        assert (second.state, second.at) == ("sent", MONDAY)

    @pytest.mark.usefixtures("gold")
    def test_a_members_line_has_what_it_is_for_them(self, shop, people):
        anna = people[0]
        _, chat = news(shop)
        seen(shop, chat, anna, TUESDAY)
        (annas,), (belas,), (cilis,) = (entries(shop, one) for one in people)
        assert (annas.state, annas.seen_at, annas.at) == ("seen", TUESDAY, TUESDAY)
        assert (belas.state, belas.seen_at, belas.at) == ("sent", None, MONDAY)
        assert (annas.group, cilis.group) == ("gold", "")

    @pytest.mark.usefixtures("people")
    def test_who_was_not_in_the_chat_then_has_no_line(self, shop, gold):
        news(shop)
        (dora,) = on_telegram(shop, "@dora_later")
        put_in(shop, gold, dora, 105)
        assert entries(shop, dora) == []

    @pytest.mark.usefixtures("gold")
    def test_what_did_not_arrive_is_not_told_as_sent(self, shop, people):
        news(shop, state="failed", at=None, sent_at=None, ended_at=TUESDAY)
        (one,) = entries(shop, people[0])
        assert (one.state, one.at) == ("failed", TUESDAY)

    @pytest.mark.usefixtures("gold", "plain")
    def test_the_latest_comes_first_private_or_not(self, shop, people):
        anna = people[0]
        first, _ = news(shop)
        second, _ = news(shop, "plain", word="two")
        third, _ = news(shop, word="three")
        assert [one.announcement_id for one in entries(shop, anna)] == [third.id, second.id, first.id]
        assert [one.group for one in entries(shop, anna)] == ["gold", "", "gold"]
        assert [one.announcement_id for one in entries(shop, anna, first.id)] == [first.id]
        assert entries(shop, people[2], second.id) == []

    @pytest.mark.usefixtures("gold")
    def test_a_forgotten_member_leaves_a_line_without_a_name(self, shop, people):
        one, _ = news(shop)
        with shop.database.write() as connection:
            for number in (people[0], people[2]):
                (member,) = roster.load(connection, [number])
                roster.forget(connection, member, now=shop.now())
        with shop.database.read() as connection:
            chat, private = history.of_announcement(connection, one.id)
        assert private.whom == "(forgotten)"
        assert (chat.whom, chat.people) == ("the chat of gold", 1)
        assert entries(shop, people[0]) == []
