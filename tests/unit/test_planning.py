"""Who gets what and on which messenger, decided for everybody before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from support import add_group, add_member, announce, opt_out, prepare, rows, states, write_template

from vipcast.announcements import preparing, records
from vipcast.announcements.planning import Route, choose_route
from vipcast.config import Account
from vipcast.errors import InputError, NothingToDo
from vipcast.groups import seats
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import EMAIL, PHONE
from vipcast.shop import find_messengers, new_message_key
from vipcast.storage.tables import addresses, deliveries

KINDS = find_messengers()
TELEGRAM = Route(Account(name="news", messenger="telegram", role="announce"), KINDS["telegram"].capabilities)
VIBER = Route(Account(name="viber", messenger="viber", role="announce"), KINDS["viber"].capabilities)
TG, VB, NUMBER = ("telegram", "@anna"), ("viber", "viber-anna-0001=="), (PHONE, "+36301234567")


def route_of(shop, *known, routes=(TELEGRAM, VIBER), bad=(), **values):
    member_id = add_member(shop, "Anna", *known, **values)
    with shop.database.write() as connection:
        for messenger, address, state in bad:
            roster.mark_address(
                connection, member_id, messenger, address, state=state, reason="", now=shop.now()
            )
        (member,) = roster.load(connection, [member_id])
    route, address, reason = choose_route(routes, member)
    return (route.account.name if route else None, address or reason)


class TestRoutes:
    def test_an_address_of_its_own_comes_before_a_phone(self, shop):
        assert route_of(shop, NUMBER, VB) == ("viber", VB[1])

    def test_a_phone_reaches_messengers_that_take_one(self, shop):
        assert route_of(shop, NUMBER) == ("news", NUMBER[1])
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, "Anna"), now=shop.now())
        assert route_of(shop, NUMBER, routes=[VIBER]) == (None, "no_address")

    def test_among_equals_the_order_of_the_settings_decides(self, shop):
        assert route_of(shop, VB, TG) == ("news", TG[1])
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, "Anna"), now=shop.now())
        assert route_of(shop, VB, TG, routes=(VIBER, TELEGRAM)) == ("viber", VB[1])

    def test_the_members_wish_comes_first(self, shop):
        assert route_of(shop, TG, VB, preferred="viber") == ("viber", VB[1])

    def test_a_wish_that_cannot_be_met_is_passed_over(self, shop):
        assert route_of(shop, TG, preferred="viber") == ("news", TG[1])

    def test_a_bad_address_gives_way_to_another(self, shop):
        assert route_of(shop, TG, VB, bad=[(*TG, "unreachable")]) == ("viber", VB[1])

    def test_a_name_that_is_gone_gives_way_to_the_phone(self, shop):
        assert route_of(shop, TG, NUMBER, bad=[(*TG, "unreachable")]) == ("news", NUMBER[1])

    def test_a_phone_that_failed_there_is_not_tried_there_again(self, shop):
        bad = [("telegram", NUMBER[1], "unreachable")]
        assert route_of(shop, NUMBER, VB, bad=bad) == ("viber", VB[1])

    def test_who_blocked_the_only_messenger_has_opted_out_of_it(self, shop):
        assert route_of(shop, TG, bad=[(*TG, "opted_out")]) == (None, "opted_out")

    def test_nowhere_reachable_is_not_the_same_as_no_address(self, shop):
        assert route_of(shop, TG, bad=[(*TG, "unreachable")]) == (None, "unreachable")
        assert route_of(shop, (EMAIL, "anna@example.com")) == (None, "no_address")


@pytest.fixture
def anna(shop):
    return add_member(shop, "Anna", TG, origin="list.csv:2")


@pytest.fixture
def bela(shop):
    return add_member(shop, "Béla", ("telegram", "@bela_nagy"), origin="list.csv:3")


@pytest.fixture
def gold(shop, anna, bela):
    return add_group(shop, "gold", [anna, bela])


def write(shop, prepared):
    with shop.database.write() as connection:
        return preparing.write(
            connection, prepared, shop.media_folder, new_key=new_message_key, now=shop.now()
        )


def test_the_whole_text_stands_in_the_ledger(shop, gold):
    announcement = announce(shop, ["gold"])
    assert [(row.address, row.account, row.messenger, row.language) for row in rows(shop)] == [
        ("@anna", "news", "telegram", "en"),
        ("@bela_nagy", "news", "telegram", "en"),
    ]
    assert [json.loads(row.body)["text"] for row in rows(shop)] == ["News for Anna.", "News for Béla."]
    assert (announcement.title, announcement.groups, announcement.state) == ("A note", ["gold"], "running")


def test_a_member_of_two_groups_gets_one(shop, gold, anna):
    add_group(shop, "silver", [anna])
    announce(shop, ["silver", "gold"])
    assert sorted(row.member_id for row in rows(shop)) == sorted({row.member_id for row in rows(shop)})
    assert len(rows(shop)) == 2


def test_a_member_named_twice_is_planned_once(shop, gold, anna):
    planner = shop.planner(shop.template("note"), {})
    with shop.database.read() as connection:
        (member,) = roster.load(connection, [anna])
    assert len(planner.plan([(member, gold), (member, gold)]).deliveries) == 1


def test_who_waits_for_a_seat_gets_nothing(shop, anna, bela):
    add_group(shop, "small", [anna, bela], cap=1)
    announce(shop, ["small"])
    assert [row.member_id for row in rows(shop)] == [anna]


def test_everybody_who_gets_nothing_has_a_reason(shop, anna):
    people = [
        anna,
        add_member(shop, "Never", ("telegram", "@never"), state=ConsentState.NONE),
        add_member(shop, "Out", ("telegram", "@was_in"), state=ConsentState.OPTED_OUT),
        add_member(shop, "Mail", (EMAIL, "mail@example.com")),
        add_member(shop, "Gone", ("telegram", "@gone")),
    ]
    add_group(shop, "gold", people)
    with shop.database.write() as connection:
        gone = addresses.c.address == "@gone"
        connection.execute(update(addresses).where(gone).values(state="unreachable"))
    announce(shop, ["gold"])
    assert [(row.state, row.reason) for row in rows(shop)] == [
        ("queued", ""),
        ("skipped", "no_consent"),
        ("skipped", "opted_out"),
        ("skipped", "no_address"),
        ("skipped", "unreachable"),
    ]
    assert all(row.body == "" for row in rows(shop)[1:])


def test_one_fault_and_nothing_is_planned_and_every_fault_is_told(shop, gold):
    write_template(shop.config.folder, "broken", '+++\ntitle = "x"\n+++\nHi {{ member.frist_name }}.\n')
    prepared = prepare(shop, ["gold"], template="broken")
    assert len(prepared.plan.faults) == 2
    with pytest.raises(InputError) as caught:
        write(shop, prepared)
    told = [problem.message for problem in caught.value.problems]
    assert ["Anna (list.csv:2)" in told[0], "Béla (list.csv:3)" in told[1]] == [True, True]
    assert rows(shop) == []
    with shop.database.read() as connection:
        assert records.listed(connection) == []


def test_a_fault_for_one_member_stops_the_others_too(shop, gold):
    text = '+++\ntitle = "x"\n+++\n{% if member.name == "Béla" %}{{ nothing }}{% endif %}Hi.\n'
    write_template(shop.config.folder, "broken", text)
    with pytest.raises(InputError):
        announce(shop, ["gold"], template="broken")
    assert rows(shop) == []


def test_the_same_send_again_is_the_same_announcement(shop, gold):
    first = announce(shop, ["gold"])
    before = [tuple(row) for row in rows(shop)]
    assert announce(shop, ["gold"]).id == first.id
    assert [tuple(row) for row in rows(shop)] == before


def test_who_joins_later_is_added_and_nobody_else(shop, gold, anna):
    first = announce(shop, ["gold"])
    add_group(shop, "gold", [add_member(shop, "Cecília", ("telegram", "@cili"))])
    assert announce(shop, ["gold"]).id == first.id
    assert [row.address for row in rows(shop)] == ["@anna", "@bela_nagy", "@cili"]


def test_who_was_skipped_is_planned_anew_once_they_may_be_written_to(shop):
    eva = add_member(shop, "Éva", ("telegram", "@eva_kiss"), state=ConsentState.NONE)
    add_group(shop, "gold", [eva])
    announce(shop, ["gold"])
    assert states(shop) == {"skipped": 1}
    with shop.database.write() as connection:
        consent.record(connection, eva, ConsentState.OPTED_IN, at=shop.now(), source="paper", now=shop.now())
    announce(shop, ["gold"])
    assert states(shop) == {"queued": 1}


def test_other_variables_and_other_groups_are_other_announcements(shop, gold, anna):
    add_group(shop, "silver", [anna])
    write_template(
        shop.config.folder, "sale", '+++\ntitle = "x"\n+++\n{{ percent }} % for {{ member.name }}.\n'
    )
    first = announce(shop, ["gold"], template="sale", variables={"percent": "20"})
    second = announce(shop, ["gold"], template="sale", variables={"percent": "30"})
    assert second.id != first.id
    assert [json.loads(row.body)["text"] for row in rows(shop, second)] == [
        "30 % for Anna.",
        "30 % for Béla.",
    ]
    third = announce(shop, ["silver"], template="sale", variables={"percent": "30"})
    assert [(row.state, row.reason) for row in rows(shop, third)] == [("skipped", "already_sent")]


def test_again_sends_the_same_text_once_more(shop, gold):
    first = announce(shop, ["gold"])
    second = announce(shop, ["gold"], is_new=True)
    assert second.id != first.id
    assert states(shop, second) == {"queued": 2}
    assert announce(shop, ["gold"]).id == second.id, "without --again the latest is meant"


def test_a_changed_text_is_not_mixed_into_an_unfinished_announcement(shop, gold):
    first = announce(shop, ["gold"])
    write_template(shop.config.folder, "note", '+++\ntitle = "x"\n+++\nOther news for {{ member.name }}.\n')
    add_group(shop, "gold", [add_member(shop, "Cecília", ("telegram", "@cili"))])
    prepared = prepare(shop, ["gold"])
    assert prepared.is_text_changed
    assert prepared.existing.id == first.id
    assert prepared.plan.deliveries == []


def test_a_changed_text_after_the_end_needs_a_word(shop, gold):
    first = announce(shop, ["gold"])
    with shop.database.write() as connection:
        records.set_state(connection, first.id, "finished")
    write_template(shop.config.folder, "note", '+++\ntitle = "x"\n+++\nOther news for {{ member.name }}.\n')
    with pytest.raises(NothingToDo) as caught:
        prepare(shop, ["gold"])
    assert "--again" in caught.value.hint
    assert states(shop, announce(shop, ["gold"], is_new=True)) == {"queued": 2}


def test_only_those_named_are_planned(shop, gold, bela):
    announce(shop, ["gold"], only=["béla"])
    assert [row.member_id for row in rows(shop)] == [bela]


def test_who_is_named_must_sit_there(shop, gold):
    add_member(shop, "Elsewhere", ("telegram", "@elsewhere"))
    with pytest.raises(InputError, match="no seat in gold"):
        prepare(shop, ["gold"], only=["Elsewhere"])


def test_a_group_that_cannot_be_sent_to_is_refused(shop, gold):
    with pytest.raises(InputError, match="glod"):
        prepare(shop, ["glod"])
    add_group(shop, "empty")
    with pytest.raises(NothingToDo, match="Nobody sits"):
        prepare(shop, ["empty"])
    with shop.database.write() as connection:
        seats.close(connection, gold, now=shop.now())
    with pytest.raises(InputError, match="closed"):
        prepare(shop, ["gold"])


def test_what_was_planned_is_what_is_sent_even_if_the_picture_is_replaced(shop, gold):
    announce(shop, ["gold"], template="new-collection")
    (path,) = {media["path"] for row in rows(shop) for media in json.loads(row.body)["media"]}
    planned = Path(path).read_bytes()
    original = shop.templates_folder / "new-collection" / "picture.jpg"
    assert planned == original.read_bytes()
    original.write_bytes(b"another picture")
    assert Path(path).read_bytes() == planned
    assert shop.media_folder in Path(path).parents


def test_the_failed_are_planned_anew_where_they_are_reached_now(shop, gold, anna, bela):
    announcement = announce(shop, ["gold"])
    with shop.database.write() as connection:
        connection.execute(update(deliveries).values(state="failed", attempts=1, words="blocked"))
        connection.execute(delete(addresses).where(addresses.c.member_id == anna))
        roster.add_address(connection, anna, *VB)
    opt_out(shop, bela)
    keys = {row.message_key for row in rows(shop)}
    template = shop.template("note")
    request = preparing.SendRequest(template, ["gold"])
    with shop.database.write() as connection:
        plan = preparing.plan_failed(connection, announcement, request, shop.planner(template, {}))
        moved = preparing.requeue(connection, announcement, plan, shop.media_folder, new_key=new_message_key)
    assert moved == 1
    first, second = rows(shop)
    assert (first.state, first.messenger, first.address) == ("queued", "viber", VB[1])
    assert first.message_key not in keys
    assert second.state == "failed"


def test_a_cancelled_announcement_keeps_what_it_sent(shop, gold):
    announcement = announce(shop, ["gold"])
    with shop.database.write() as connection:
        assert records.cancel(connection, announcement, shop.now()) == 2
        assert records.get(connection, announcement.id).state == "cancelled"
    assert [(row.state, row.reason) for row in rows(shop)] == [("skipped", "cancelled")] * 2
