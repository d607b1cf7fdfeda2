"""An announcement to a group with a chat: one message there, and a private one to whom it does not reach."""

from __future__ import annotations

import json

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
    readers,
)
from hand_steps import by_hand, chat_group
from sqlalchemy import delete
from support import add_group, add_member, announce, opt_out, prepare, rows, write_template

from vipcast.announcements import preparing, records
from vipcast.errors import InputError, NothingToDo
from vipcast.groups import chats, seats
from vipcast.members import roster
from vipcast.shop import Shop, new_message_key
from vipcast.storage.tables import deliveries
from vipcast.storage.tables_chats import chat_people

ROOM = """+++
title = "Sale"
+++
{% if group.is_chat %}Dear all{% else %}Dear {{ member.name }}{% endif %}, {{ discount }} off.
"""
VIOLA = "viola-on-viber=="
TEN = {"discount": "10 %"}


@pytest.fixture
def room(shop):
    write_template(shop.config.folder, "room", ROOM)
    write_template(shop.config.folder, "room", ROOM.replace("Dear all", "Kedves mind"), "hu")


@pytest.fixture
def people(shop):
    anna, bela, cili = on_telegram(shop, ANNA, BELA, CILI)
    return anna, bela, cili, add_member(shop, "Viola", ("viber", VIOLA))


@pytest.fixture
def gold(shop, room, people):
    """Anna and Béla are in the chat; Cili and Viola have a seat and are not."""
    anna, bela, _, _ = people
    group = add_chat(shop, people)
    put_in(shop, group, anna, 101)
    put_in(shop, group, bela, 102)
    return group


def send(shop, *groups, variables=TEN, **request):
    return announce(shop, groups or ("gold",), template="room", variables=variables, **request)


def leaves(shop, group, member_id):
    with shop.database.write() as connection:
        mine = (chat_people.c.group_id == group.id) & (chat_people.c.member_id == member_id)
        connection.execute(delete(chat_people).where(mine))


def whom(shop, announcement=None):
    """Return (group or member, why not) of each row, in the order of planning."""
    return [
        (f"chat {row.group_id}" if row.group_id else row.member_id, row.reason)
        for row in rows(shop, announcement)
    ]


def retry(shop, announcement):
    """Queue anew what failed of an announcement; return how many that are."""
    template = shop.template("room")
    request = preparing.SendRequest(template, announcement.groups, TEN)
    with shop.database.write() as connection:
        plan = preparing.plan_failed(connection, announcement, request, shop.planner(template, TEN))
        return preparing.requeue(connection, announcement, plan, shop.media_folder, new_key=new_message_key)


def text(row):
    return json.loads(row.body)["text"]


def in_chat(group):
    return (f"chat {group.id}", "")


class TestWhoGetsIt:
    def test_one_row_for_the_chat_and_one_for_whoever_is_elsewhere(self, shop, gold, people):
        anna, bela, cili, viola = people
        send(shop)
        assert whom(shop) == [in_chat(gold), (cili, ""), (viola, "")]
        first, *private = rows(shop)
        assert (first.member_id, first.account, first.messenger, first.address) == (
            None, "news", "telegram", CHAT,
        )  # fmt: skip
        assert [row.address for row in private] == [CILI, VIOLA]
        assert readers(shop) == {"101": (anna, None), "102": (bela, None)}

    def test_the_chat_reads_what_is_for_all_in_its_language(self, shop, gold):
        send(shop)
        first, second, _ = rows(shop)
        assert (first.language, text(first)) == ("hu", "Kedves mind, 10 % off.")  # the shop's
        assert (second.language, text(second)) == ("en", "Dear Cili_In_Gold, 10 % off.")
        with shop.database.write() as connection:
            chats.put(connection, gold, {"language": "en"})
        again = send(shop, is_new=True)
        assert text(rows(shop, again)[0]) == "Dear all, 10 % off."

    @pytest.mark.usefixtures("room")
    def test_a_chat_that_nobody_is_in_yet_gets_it_too(self, shop):
        group = add_chat(shop)
        send(shop)
        assert (whom(shop), readers(shop)) == ([in_chat(group)], {})

    def test_who_is_in_the_chat_without_being_a_member_has_no_name_there(self, shop, gold):
        put_in(shop, gold, None, 999)
        assert prepare(shop, ["gold"], template="room", variables=TEN).plan.deliveries[0].label == (
            "all 2 in the chat"
        )
        send(shop)
        assert "999" not in readers(shop)

    def test_a_member_of_two_groups_is_reached_once(self, shop, gold, people):
        anna, _, cili, viola = people
        add_group(shop, "plain", [anna, cili])
        send(shop, "plain", "gold")
        assert whom(shop) == [in_chat(gold), (cili, ""), (viola, "")]

    def test_the_chat_of_another_group_reaches_them_as_well(self, shop, gold, people):
        _, _, cili, viola = people
        silver = add_chat(shop, [cili], name="silver", address="-1000000000501")
        put_in(shop, silver, cili, 103)
        send(shop, "gold", "silver")
        assert whom(shop) == [in_chat(gold), in_chat(silver), (viola, "")]
        assert readers(shop, rows(shop)[1].id) == {"103": (cili, None)}

    def test_who_is_elsewhere_and_opted_out_gets_nothing(self, shop, gold, people):
        _, _, cili, viola = people
        opt_out(shop, cili)
        send(shop)
        assert whom(shop) == [in_chat(gold), (cili, "opted_out"), (viola, "")]

    @pytest.mark.usefixtures("gold")
    def test_those_named_get_it_privately_wherever_they_are(self, shop, people):
        anna = people[0]
        send(shop, only=[ANNA.strip("@")])
        assert whom(shop) == [(anna, "")]
        assert readers(shop) == {}

    @pytest.mark.usefixtures("room")
    def test_all_with_a_seat_are_reached_by_a_chat_kept_by_hand(self, shop, shop_folder, people):
        by_hand(shop_folder)
        with Shop.open(shop_folder, {}, shop.clock) as other:
            anna, bela, *_ = people
            group = chat_group(other, "vip", [anna, bela])
            chat_group(other, "nobody there")
            send(other, "vip", "nobody there")
            (row,) = rows(other)
            assert (row.group_id, row.account, row.messenger) == (group.id, "by-hand", "viber")
            assert readers(other) == {f"#{anna}": (anna, None), f"#{bela}": (bela, None)}


class TestRefusals:
    @pytest.mark.usefixtures("gold")
    def test_what_is_personal_is_a_fault_of_the_whole_plan(self, shop):
        write_template(shop.config.folder, "dear", '+++\ntitle = "x"\n+++\nDear {{ member.name }}.\n')
        prepared = prepare(shop, ["gold"], template="dear")
        assert [problem.message.startswith("the chat of gold: ") for problem in prepared.plan.faults] == [
            True
        ]
        with pytest.raises(InputError), shop.database.write() as connection:
            preparing.write(connection, prepared, shop.media_folder, new_key=new_message_key, now=shop.now())
        assert rows(shop) == []

    @pytest.mark.parametrize("state", [chats.MAKING, chats.CLOSED])
    def test_a_chat_that_is_not_finished_names_the_next_step(self, shop, gold, state):
        with shop.database.write() as connection:
            chats.put(connection, gold, {"state": state})
        with pytest.raises(InputError, match="gold") as caught:
            send(shop)
        assert "group sync gold" in caught.value.hint

    def test_a_chat_whose_account_is_gone_names_it(self, shop, gold):
        with shop.database.write() as connection:
            seats.set_chat(connection, gold, "old-account", CHAT)
        with pytest.raises(InputError, match="old-account") as caught:
            send(shop)
        assert caught.value.hint

    def test_a_group_back_in_direct_mode_is_written_to_privately(self, shop, gold, people):
        with shop.database.write() as connection:
            chats.set_mode(connection, gold, chats.DIRECT)
        send(shop)
        assert whom(shop) == [(one, "") for one in people]


class TestOnceOnly:
    @pytest.mark.usefixtures("gold")
    def test_the_same_send_again_adds_nothing(self, shop):
        first = send(shop)
        before, read = [tuple(row) for row in rows(shop)], readers(shop)
        assert send(shop).id == first.id
        assert ([tuple(row) for row in rows(shop)], readers(shop)) == (before, read)

    def test_who_comes_into_the_chat_later_gets_no_second_message(self, shop, gold, people):
        send(shop)
        before = whom(shop)
        put_in(shop, gold, people[2], 103)
        send(shop)
        assert whom(shop) == before

    def test_who_read_it_in_the_chat_and_left_gets_no_second_message(self, shop, gold, people):
        send(shop)
        became(shop, deliveries.c.group_id == gold.id, "sent")
        before = whom(shop)
        leaves(shop, gold, people[0])
        send(shop)
        assert whom(shop) == [*before, (people[0], "already_sent")] or whom(shop) == before

    @pytest.mark.usefixtures("gold", "people")
    def test_again_goes_to_the_chat_once_more(self, shop):
        first = send(shop)
        second = send(shop, is_new=True)
        assert second.id != first.id
        assert whom(shop, second) == whom(shop, first)
        assert len(readers(shop, rows(shop, second)[0].id)) == 2

    @pytest.mark.usefixtures("gold")
    def test_who_got_it_in_a_chat_does_not_get_it_privately_from_another(self, shop, people):
        anna, bela, *_ = people
        send(shop)
        dora = on_telegram(shop, "@dora_elsewhere")[0]
        add_group(shop, "plain", [anna, bela, dora])
        second = send(shop, "plain")
        assert whom(shop, second) == [(anna, "already_sent"), (bela, "already_sent"), (dora, "")]

    @pytest.mark.parametrize(
        ("state", "may_have_arrived"),
        [("sent", True), ("seen", True), ("unknown", True), ("failed", False), ("skipped", False)],
    )
    def test_what_surely_never_came_into_the_chat_counts_for_nothing(
        self, shop, gold, people, state, may_have_arrived
    ):
        anna = people[0]
        send(shop)
        became(shop, deliveries.c.group_id == gold.id, state)
        add_group(shop, "plain", [anna])
        second = send(shop, "plain")
        assert whom(shop, second) == [(anna, "already_sent" if may_have_arrived else "")]

    @pytest.mark.usefixtures("gold")
    def test_another_text_is_another_matter(self, shop, people):
        send(shop)
        add_group(shop, "plain", [people[0]])
        second = send(shop, "plain", variables={"discount": "20 %"})
        assert whom(shop, second) == [(people[0], "")]

    @pytest.mark.usefixtures("gold")
    def test_a_chat_that_got_it_gets_it_no_second_time_with_another_group(self, shop, people):
        anna, bela, cili, viola = people
        first = send(shop)
        became(shop, deliveries.c.announcement_id == first.id, "sent")
        (dora,) = on_telegram(shop, "@dora_elsewhere")
        add_group(shop, "plain", [dora])
        second = send(shop, "gold", "plain")
        assert second.id != first.id
        told = dict.fromkeys((anna, bela, cili, viola), "already_sent")
        assert dict(whom(shop, second)) == told | {dora: ""}

    def test_a_message_to_a_chat_that_was_skipped_is_planned_anew_for_who_is_there_now(
        self, shop, gold, people
    ):
        anna, bela, *_ = people
        send(shop)
        became(shop, deliveries.c.group_id == gold.id, "skipped", sent_at=None)
        leaves(shop, gold, bela)
        (dora,) = on_telegram(shop, "@dora_later")
        put_in(shop, gold, dora, 105)
        send(shop)
        (row,) = [row for row in rows(shop) if row.group_id == gold.id]
        assert row.state == "queued"
        assert readers(shop, row.id) == {"101": (anna, None), "105": (dora, None)}

    def test_what_failed_is_tried_again_in_the_chat_and_privately_each_in_its_place(self, shop, gold, people):
        _, _, cili, viola = people
        one = send(shop)
        became(shop, deliveries.c.announcement_id == one.id, "failed", sent_at=None)
        keys = {row.message_key for row in rows(shop)}
        assert retry(shop, one) == 3
        assert whom(shop) == [(name, "retry") for name in (in_chat(gold)[0], cili, viola)]
        assert {row.state for row in rows(shop)} == {"queued"}
        assert keys.isdisjoint(row.message_key for row in rows(shop))

    def test_a_message_to_a_chat_that_failed_is_tried_again_for_who_is_there_now(self, shop, gold, people):
        anna, bela, cili, _ = people
        one = send(shop)
        became(shop, deliveries.c.group_id == gold.id, "failed", sent_at=None)
        leaves(shop, gold, bela)
        put_in(shop, gold, cili, 103)
        assert retry(shop, one) == 1
        assert {member for member, _ in readers(shop).values()} == {anna, cili}

    def test_what_is_under_way_can_be_looked_up(self, shop, gold, people):
        one = send(shop)
        became(shop, deliveries.c.member_id == people[3], "skipped", sent_at=None)
        with shop.database.read() as connection:
            assert records.with_delivery(connection, one.id) == {(None, gold.id), (people[2], None)}
            assert records.texts(connection, one.id) == {
                "hu": "Kedves mind, 10 % off.",
                "en": "Dear Cili_In_Gold, 10 % off.",
            }

    def test_a_rehearsal_keeps_nobody_from_the_real_one(self, shop, gold, people):
        template = shop.template("room")
        with shop.database.read() as connection:
            (anna,) = roster.load(connection, [people[0]])
        plan = shop.planner(template, TEN).plan([(anna, gold)])
        with shop.database.write() as connection:
            preparing.write_rehearsal(
                connection, template, TEN, plan, shop.media_folder, new_key=new_message_key, now=shop.now()
            )
        assert whom(shop, send(shop))[0] == in_chat(gold)

    @pytest.mark.usefixtures("room")
    def test_only_groups_without_anybody_are_nothing_to_do(self, shop):
        add_group(shop, "empty")
        with pytest.raises(NothingToDo):
            send(shop, "empty")


def test_an_announcement_that_is_cancelled_does_not_reach_the_chat(shop, gold, clock):
    one = send(shop)
    clock.advance(DAY.total_seconds())
    with shop.database.write() as connection:
        assert records.cancel(connection, one, shop.now()) == 3
    assert {row.state for row in rows(shop)} == {"skipped"}
