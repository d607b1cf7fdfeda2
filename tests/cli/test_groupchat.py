"""Talk in a group's own chat, from end to end: a question goes private, a complaint to the desk."""

from __future__ import annotations

import pytest
from conversation_world import a_world, make_desk, until, wait_desk
from support import vipcast

TITLE = "VIP Gold"
NEWS = "+99966100001"


@pytest.fixture
def world(tmp_path):
    with a_world(tmp_path / "shop") as made:
        made.desk = make_desk(made.sandbox, "me")
        made.set_desk("me")
        yield made


def test_a_question_is_answered_privately_and_pointed_away_once(world):
    world.member("Kovács Anna", "@anna_kovacs", group="gold", language="hu")
    telegram = world.sandbox.telegram
    people = [world.person(who) for who in ("@anna_kovacs", "@a_stranger")]
    shop = world.sandbox.do(telegram.find, NEWS)
    group = world.sandbox.do(lambda: telegram.create_group(shop, TITLE, people, megagroup=True))
    wrong = vipcast(world.folder, "group", "edit", "gold", "--chat", "VIP Golf")
    assert wrong.code == 2
    assert TITLE in wrong.errors[0]["hint"]
    assert vipcast(world.folder, "group", "edit", "gold", "--chat", TITLE).code == 0

    with world.listening():
        world.sandbox.call(telegram.say_in(group, people[0], "Sziasztok, de szép!"))
        world.sandbox.call(telegram.say_in(group, people[0], "Meddig tart az akció? 12-ig?"))
        world.wait_heard("@anna_kovacs", "automatikus")
        world.sandbox.call(telegram.say_in(group, people[0], "És vasárnap, 29-én?"))
        wait_desk(world.desk, "És vasárnap, 29-én?")
        world.sandbox.call(telegram.say_in(group, people[1], "Ez felháborító, tönkrement a cipő!!!"))
        wait_desk(world.desk, "panasz", TITLE.split()[1].lower())

        def pointers():
            said = world.sandbox.do(lambda: telegram.group_history(group))
            return [one.text for one in said if one.sender == shop and one.text]

        until(pointers)
    assert len(pointers()) == 1
    assert "https://t.me/regidivat_segit" in pointers()[0]
    assert "automatikus" not in pointers()[0]
    desk = "\n".join(one.text for one in world.desk.messages())
    assert "de szép" not in desk
    found = vipcast(world.folder, "inbox", "list").data["conversations"]
    assert {one["last_text"] for one in found} == {
        "És vasárnap, 29-én?",
        "Ez felháborító, tönkrement a cipő!!!",
    }


def test_a_chat_that_is_no_groups_is_not_heard(world):
    telegram = world.sandbox.telegram
    shop, person = world.sandbox.do(telegram.find, NEWS), world.person("@somebody_else")
    group = world.sandbox.do(lambda: telegram.create_group(shop, "The owner's family", [person]))
    with world.listening():
        world.sandbox.call(telegram.say_in(group, person, "When do we eat? At 7?"))
        world.write("@somebody_else", "And this is private: where is my order 12?")
        wait_desk(world.desk, "order 12")
    assert all("eat" not in one["text"] for one in vipcast(world.folder, "inbox", "list").data["messages"])
