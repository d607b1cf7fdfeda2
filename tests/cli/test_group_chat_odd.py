"""A group's chat under odd turns: modes that change, second accounts, other chats, accounts that go."""

from __future__ import annotations

import pytest
from chat_steps import GOLD, ChatWorld
from conversation_world import a_world
from support import write_template

ROOM = """+++
title = "Sale"
+++
{% if group.is_chat %}Dear all{% else %}Dear {{ member.name }}{% endif %}, the sale begins.
"""
ANNA, SECOND, BELA, DORA = "@anna_odd", "@anna_two", "@bela_odd", "@dora_odd"
SHOPS_OWN = {"+99966100001", "+99966100003"}


@pytest.fixture
def gold(tmp_path):
    """A chat with Anna and Béla in it."""
    with a_world(tmp_path / "shop") as world:
        for name, who in (("Kovács Anna", ANNA), ("Nagy Béla", BELA)):
            world.person(who)
            world.member(name, who, group=GOLD, language="hu")
        world.person(SECOND)
        world.person(DORA)
        write_template(world.folder, "room", ROOM)
        made = ChatWorld(world)
        made.ok("group", "edit", GOLD, "--cap", "3", "--mode", "chat")
        made.ok("group", "invite", GOLD, "--yes")
        for who in (ANNA, BELA):
            made.follow(who)
        made.sync("--yes")
        yield made


def privately(gold, who):
    return [one.text for one in gold.world.heard(who) if "sale" in one.text]


def test_nobody_gets_an_announcement_in_both_ways(gold):
    gold.ok("send", "room", "--group", GOLD, "--yes")
    gold.ok("group", "edit", GOLD, "--mode", "direct")
    assert gold.run("send", "room", "--group", GOLD, "--yes").code == 3
    assert privately(gold, ANNA) == []
    gold.ok("send", "room", "--group", GOLD, "--yes", "--again")
    assert privately(gold, ANNA) == ["Dear Kovács Anna, the sale begins."]
    gold.ok("group", "edit", GOLD, "--mode", "chat")
    assert gold.run("send", "room", "--group", GOLD, "--yes").code == 3
    assert len([one for one in gold.said() if "sale" in one]) == 1


def test_another_chat_begins_with_nobody_in_it(gold):
    first = gold.chat
    gold.ok("group", "edit", GOLD, "--mode", "chat", "--chat", "", "--title", "A new room")
    assert gold.chat.key != first.key
    assert [one["reached"] for one in gold.ok("group", "show", GOLD)["members"]] == ["telegram (news)"] * 2
    assert gold.sync("--yes")["in_order"]
    gold.ok("send", "room", "--group", GOLD, "--yes")
    assert len(privately(gold, ANNA)) == 1
    places = {one["name"]: one["place"] for one in gold.ok("group", "show", GOLD)["members"]}
    assert set(places.values()) == {"seated"}


def test_a_second_account_never_costs_the_seat(gold):
    gold.do(gold.telegram.join, gold.chat, gold.person(SECOND))
    gold.ok("member", "edit", "Kovács Anna", "--address", f"telegram={SECOND}")
    assert [one["what"] for one in gold.sync("--yes")["differences"]] == ["twice"]
    gold.do(gold.telegram.leave, gold.chat, gold.person(SECOND))
    [left] = gold.sync("--yes")["differences"]
    assert (left["what"], left["frees"]) == ("left", False)
    assert len(gold.ok("group", "show", GOLD)["members"]) == 2
    gold.do(gold.telegram.leave, gold.chat, gold.person(ANNA))
    assert [one["frees"] for one in gold.sync("--yes")["differences"]] == [True]
    assert len(gold.ok("group", "show", GOLD)["members"]) == 1


def test_the_support_account_is_no_stranger_whatever_its_rights(gold):
    gold.chat.members[gold.support.id].standing = "member"
    done = gold.sync("--yes", "--fix")
    assert done["removed"] == []
    assert gold.chat.members[gold.support.id].standing == "admin"


def test_of_strangers_nothing_is_kept(gold):
    gold.do(gold.telegram.join, gold.chat, gold.person(DORA))
    gold.ok("member", "forget", "Nagy Béla", "--yes")
    gold.sync("--yes")
    with gold.world.shop.database.read() as connection:
        [(strangers,)] = connection.exec_driver_sql(
            "SELECT count(*) FROM chat_people WHERE member_id IS NULL AND (name <> '' OR address <> '')"
        )
    assert strangers == 0
    gold.sync("--yes", "--fix")
    with gold.world.shop.database.read() as connection:
        [(left,)] = connection.exec_driver_sql(
            "SELECT count(*) FROM chat_people WHERE member_id IS NULL AND role = 'member'"
        )
    assert left == 0


def test_a_group_that_was_there_before_is_adopted_with_its_doors_shut(gold):
    telegram = gold.telegram
    people = [gold.person(DORA)]
    old = gold.do(telegram.create_group, gold.news, "Our old room", people)
    link = gold.do(telegram.invite_link, old)
    gold.world.member("Dóra", DORA, group="silver")
    gold.ok("group", "edit", "silver", "--mode", "chat", "--chat", "Our old room")
    shown = gold.ok("group", "show", "silver")
    assert (shown["chat"]["title"], shown["members"][0]["reached"]) == (
        "Our old room",
        "in the chat (telegram)",
    )
    with pytest.raises(Exception, match="INVITE_HASH"):
        gold.do(telegram.join_by_link, gold.person(SECOND), link)
    gold.ok("group", "sync", "silver", "--yes")
    assert gold.world.heard(DORA) == []  # she is no newcomer there


def test_nothing_is_half_done(gold):
    long = "x" * 300
    assert gold.run("group", "create", "new", "--mode", "chat", "--purpose", long).code == 2
    assert gold.run("group", "show", "new").code == 2
    assert gold.run("group", "edit", GOLD, "--purpose", long).code == 2
    assert gold.ok("group", "show", GOLD)["group"]["purpose"] == ""
    assert gold.run("group", "edit", GOLD, "--title", "x" * 129).code == 2
    gold.ok("group", "edit", GOLD, "--title", "Jó cím")
    assert gold.chat.title == "Jó cím"


def test_a_chat_whose_account_or_room_is_gone_can_be_left(gold):
    gold.ok("group", "edit", GOLD, "--mode", "direct")
    gold.ok("group", "edit", GOLD, "--mode", "chat")
    gold.world.change_settings(r"(?m)^\[accounts\.news\]", "[accounts.other]")
    for words in (("group", "welcome", GOLD), ("group", "sync", GOLD)):
        done = gold.run(*words)
        assert done.code in (2, 5), done
        assert done.errors[0]["hint"]
    gold.ok("group", "close", GOLD, "--yes")


def test_where_no_listen_runs_tick_lets_in_every_ten_minutes_while_links_are_out(gold):
    gold.world.member("Dóra", DORA, group=GOLD)
    gold.ok("group", "invite", GOLD, "--yes")
    gold.follow(DORA)
    gold.ok("tick")
    assert DORA not in gold.inside(), "it was looked through a moment ago"
    with gold.world.shop.database.write() as connection:
        connection.exec_driver_sql("UPDATE chats SET looked_at = datetime(looked_at, '-11 minutes')")
    gold.ok("tick")
    assert DORA in gold.inside()
