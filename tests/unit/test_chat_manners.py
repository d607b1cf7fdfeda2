"""Quiet hours and limits where a group has a chat; and a message there that is edited after it was sent."""

from __future__ import annotations

import contextlib
from datetime import time, timedelta

import pytest
from chat_records import ANNA, BELA, CHAT, CILI, DAY, add_chat, became, on_telegram, put_in
from schedule_steps import BUDAPEST, at
from sqlalchemy import select
from support import add_group, add_member, announce, rows, write_template

from vipcast.delivery import recalling, revising
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.delivery.manners import APART, QUIET, WEEK, Manners
from vipcast.delivery.recalling import Recaller
from vipcast.errors import InputError
from vipcast.groups import chats
from vipcast.messengers.base import Message
from vipcast.storage.tables import deliveries

ROOM = '+++\ntitle = "Sale"\n+++\nDear all, {{ word }}.\n'
NIGHT = (time(20), time(8))
HOUR = timedelta(hours=1)


@pytest.fixture
def anna(shop):
    return on_telegram(shop, ANNA, timezone="America/New_York")[0]


@pytest.fixture
def gold(shop, anna):
    """Anna is in the chat."""
    write_template(shop.config.folder, "room", ROOM)
    write_template(shop.config.folder, "room", ROOM, "hu")
    group = add_chat(shop, [anna])
    put_in(shop, group, anna, 101)
    return group


def news(shop, *groups, word="one"):
    return announce(shop, groups or ("gold",), template="room", variables={"word": word})


def claim(shop, **limits):
    """Let the ledger claim what may go out now; return the addresses."""
    with acquire(shop.database, shop.locks, "news", shop.clock, Lane.NEWS) as lease:
        ledger = Ledger(
            shop.database, lease, Scope("news", repeats_unknown=True), Manners(BUDAPEST, **limits)
        )
        return [one.address for one in ledger.step([], 10, shop.now()).claimed]


def held(shop):
    """Return (address, why, until when) of what waits."""
    return [(row.address, row.reason, row.not_before) for row in rows(shop) if row.reason]


def test_quiet_hours_in_a_chat_are_by_the_shops_clock_whatever_its_members_have(shop, clock, anna, gold):
    """It is 15:00 in New York, where Anna is, and 21:00 in the shop."""
    clock.moment = at("2026-11-23 21:00")
    news(shop)
    assert claim(shop, quiet=NIGHT) == []
    assert held(shop) == [(CHAT, QUIET, at("2026-11-24 08:00"))]
    add_group(shop, "plain", [anna])
    news(shop, "plain", word="two")
    assert claim(shop, quiet=NIGHT) == [ANNA]
    became(shop, deliveries.c.member_id == anna, "sent")
    clock.moment = at("2026-11-24 08:00")
    assert claim(shop, quiet=NIGHT) == [CHAT]


def test_the_chat_goes_while_a_member_sleeps(shop, clock, gold):
    """Anna's night holds nothing back from the others in the chat."""
    clock.moment = at("2026-11-23 10:00")  # 4:00 in New York
    news(shop)
    assert claim(shop, quiet=NIGHT) == [CHAT]


@pytest.mark.parametrize(
    ("state", "counts"), [("sent", True), ("seen", True), ("unknown", True), ("failed", False)]
)
def test_what_a_member_got_in_a_chat_counts_for_their_week(shop, clock, anna, gold, state, counts):
    bela = on_telegram(shop, BELA)[0]
    one = news(shop)
    sent_at = clock.moment - 2 * DAY
    became(
        shop,
        deliveries.c.announcement_id == one.id,
        state,
        sent_at,
        reason="unsettled-x" * (state == "unknown"),
    )
    add_group(shop, "plain", [anna, bela])
    news(shop, "plain", word="two")
    assert claim(shop, per_week=1) == ([BELA] if counts else [ANNA, BELA])
    assert [one for one in held(shop) if one[0] == ANNA] == (
        [(ANNA, WEEK, sent_at + 7 * DAY)] if counts else []
    )


def test_what_went_to_a_chat_long_ago_counts_no_more(shop, clock, anna, gold):
    one = news(shop)
    became(shop, deliveries.c.announcement_id == one.id, "sent", clock.moment - 7 * DAY - HOUR)
    add_group(shop, "plain", [anna])
    news(shop, "plain", word="two")
    assert claim(shop, per_week=1) == [ANNA]


def test_the_hours_between_count_from_the_chat(shop, clock, anna, gold):
    one = news(shop)
    became(shop, deliveries.c.announcement_id == one.id, "sent", clock.moment - HOUR)
    add_group(shop, "plain", [anna])
    news(shop, "plain", word="two")
    assert claim(shop, apart=5 * HOUR) == []
    assert held(shop) == [(ANNA, APART, clock.moment + 4 * HOUR)]


def test_a_chat_is_held_as_one_person_would_be(shop, clock, gold):
    first = news(shop)
    became(shop, deliveries.c.announcement_id == first.id, "sent", clock.moment - DAY)
    news(shop, word="two")
    assert claim(shop, per_week=1) == []
    assert held(shop) == [(CHAT, WEEK, clock.moment + 6 * DAY)]
    clock.moment += 6 * DAY
    assert claim(shop, per_week=1) == [CHAT]


def test_two_at_once_to_one_chat_are_two_and_each_chat_counts_for_itself(shop, gold):
    add_chat(shop, name="silver", address="-1000000000501")
    news(shop)
    news(shop, word="two")
    news(shop, "silver", word="three")
    assert claim(shop, per_week=1) == [CHAT, "-1000000000501"]


def test_what_members_got_privately_holds_nothing_from_the_chat(shop, clock, anna, gold):
    add_group(shop, "plain", [anna])
    one = news(shop, "plain")
    became(shop, deliveries.c.announcement_id == one.id, "sent", clock.moment - HOUR)
    news(shop, word="two")
    assert claim(shop, per_week=1, apart=DAY) == [CHAT]


# Edited after it was sent


@pytest.fixture
def recaller(shop):
    return Recaller(shop.database, shop.clock, shop.locks, shop.messenger)


MIXED = """+++
title = "Sale"
+++
{% if group.is_chat %}Dear all{% else %}Dear {{ member.name }}{% endif %}, WORD.
"""


@pytest.fixture
def mixed(shop, gold, anna):
    """An announcement that went to Anna's chat, and to Cili and Viola privately."""
    cili = on_telegram(shop, CILI)[0]
    add_group(shop, "gold", [cili])
    retell(shop, "ten percent")
    one = announce(shop, ["gold"], template="mixed")
    became(shop, deliveries.c.announcement_id == one.id, "sent", remote_id="77")
    return one


def retell(shop, word, text=MIXED):
    for language in ("en", "hu"):
        write_template(shop.config.folder, "mixed", text.replace("WORD", word), language)


def revised(shop, announcement, recaller):
    with shop.database.read() as connection:
        items = recalling.survey(connection, announcement.id)
        planner = shop.planner(shop.template(announcement.template), announcement.variables)
        routes = {one.account: recaller.route(one.account) for one in items}
        found = revising.revise(connection, announcement, items, planner, routes)
        address_of = dict(connection.execute(select(deliveries.c.id, deliveries.c.address)).all())
    assert all(isinstance(message, Message) for message in found.values())
    return {address_of[number]: message.text for number, message in found.items()}


def test_a_chat_reads_the_new_text_for_all(shop, mixed, recaller):
    assert revised(shop, mixed, recaller) == {}, "it reads so already"
    retell(shop, "twenty percent")
    assert revised(shop, mixed, recaller) == {
        CHAT: "Dear all, twenty percent.",
        CILI: "Dear Cili_In_Gold, twenty percent.",
    }


def test_only_the_chats_text_may_have_changed(shop, mixed, recaller):
    retell(shop, "ten percent", MIXED.replace("Dear all", "Hello all"))
    assert revised(shop, mixed, recaller) == {CHAT: "Hello all, ten percent."}


def test_what_became_personal_is_a_fault_that_names_the_chat(shop, mixed, recaller):
    retell(shop, "", '+++\ntitle = "x"\n+++\nDear {{ member.name }}.\n')
    with pytest.raises(InputError) as caught:
        revised(shop, mixed, recaller)
    (problem,) = caught.value.problems
    assert problem.message.startswith("the chat of gold: ")


def test_a_group_that_is_written_to_privately_by_now_is_edited_or_refused_in_words(
    shop, mixed, gold, recaller
):
    with shop.database.write() as connection:
        chats.set_mode(connection, gold, chats.DIRECT)
    retell(shop, "twenty percent")
    with contextlib.suppress(InputError):  # it is no chat to be written to any more
        assert revised(shop, mixed, recaller)[CHAT] == "Dear all, twenty percent."


def test_a_text_too_long_for_the_chat_is_a_fault(shop, mixed, recaller):
    retell(shop, "x" * 5000)
    with pytest.raises(InputError) as caught:
        revised(shop, mixed, recaller)
    assert len(caught.value.problems) == 2


def test_who_came_and_left_since_changes_nothing_for_the_chat(shop, mixed, gold, recaller):
    dora = add_member(shop, "Dora", ("telegram", "@dora_later"))
    add_group(shop, "gold", [dora])
    put_in(shop, gold, dora, 105)
    retell(shop, "twenty percent")
    assert set(revised(shop, mixed, recaller)) == {CHAT, CILI}
