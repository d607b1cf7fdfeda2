"""A group's own chat from end to end: made, invited to, joined, announced to, synced, closed."""

from __future__ import annotations

import pytest
from chat_steps import GOLD, ChatWorld
from conversation_world import a_world, until
from support import write_template

ROOM = """+++
title = "Sale"
+++
{% if group.is_chat %}Dear all{% else %}Dear {{ member.name }}{% endif %}, the sale begins.
"""
ANNA, BELA, CILI, DORA = "@anna_chat", "@bela_chat", "@cili_chat", "@dora_chat"
VIOLA = "viola-on-viber=="
SHOPS_OWN = {"+99966100001", "+99966100003"}


@pytest.fixture
def gold(tmp_path):
    with a_world(tmp_path / "shop") as world:
        for name, who in (("Kovács Anna", ANNA), ("Nagy Béla", BELA)):
            world.person(who)
            world.member(name, who, group=GOLD, language="hu")
        world.member("Viola Vítková", VIOLA, group=GOLD, language="cs")
        world.person(CILI)
        world.person(DORA)
        write_template(world.folder, "room", ROOM)
        world.write(VIOLA, "Dobrý den")  # who wrote can be written to
        chat = ChatWorld(world)
        chat.ok("listen", "--once", "--port", "0")
        chat.ok("group", "edit", GOLD, "--cap", "3", "--mode", "chat", "--purpose", "Hírek elsőként")
        yield chat


def test_the_chat_is_made_with_its_rules_and_its_welcome(gold):
    chat = gold.chat
    assert "Hírek elsőként" in chat.about
    assert "https://t.me/regidivat_segit" in chat.about
    assert {"send_messages", "send_plain", "send_photos", "invite_users", "pin_messages"} <= chat.forbidden
    assert gold.inside() == SHOPS_OWN
    assert [one.standing for one in chat.present()] == ["creator", "admin"]
    [welcome] = gold.said()
    assert "Csak mi írunk" in welcome or "csak mi írunk" in welcome
    assert len(chat.pinned) == 1
    permanent = [one for one in chat.invites if one.is_permanent]
    assert [one.is_revoked for one in permanent] == [True, False]  # the new one was given to nobody
    before = gold.ok("group", "show", GOLD)
    gold.ok("group", "edit", GOLD, "--purpose", "Más hírek", "--talk")
    assert "Más hírek" in gold.chat.about
    assert "send_messages" not in gold.chat.forbidden
    assert "invite_users" in gold.chat.forbidden
    assert gold.ok("group", "show", GOLD)["group"]["chat"] == before["group"]["chat"]
    assert gold.do(lambda: len(gold.telegram.groups())) == 1


def test_who_follows_their_own_link_is_let_in_and_greeted_once(gold):
    invited = gold.ok("group", "invite", GOLD, "--yes")
    assert sorted(invited["asked"]) == ["Kovács Anna", "Nagy Béla", "Viola Vítková"]
    assert gold.link_of(ANNA) != gold.link_of(BELA)
    assert gold.run("group", "invite", GOLD, "--yes").code == 3  # nobody is asked twice
    with gold.world.listening():
        assert not gold.follow(ANNA)  # she waits until she is let in
        assert not gold.follow(CILI, gold.link_of(VIOLA))  # Viola's name on Telegram was not known
        until(lambda: {ANNA, CILI} <= gold.inside())
        gold.world.wait_heard(CILI, "vítáme")
        gold.world.wait_heard(ANNA, "csatlakozott")
    gold.sync("--yes")
    assert len([one for one in gold.world.heard(ANNA) if "csatlakozott" in one.text]) == 1
    [viola] = [one for one in gold.ok("group", "show", GOLD)["members"] if one["name"] == "Viola Vítková"]
    assert {one["address"] for one in viola["addresses"]} == {VIOLA, CILI}
    assert viola["reached"].startswith("in the chat")


def test_a_link_that_was_passed_on_opens_nothing(gold):
    gold.ok("group", "invite", GOLD, "--yes")
    link = gold.link_of(ANNA)
    assert not gold.follow(DORA, link)
    found = gold.sync("--yes")
    assert [(one["why"], one["answer"]) for one in found["requests"]] == [("passed-on", "leave")]
    assert gold.inside() == SHOPS_OWN
    assert not gold.follow(ANNA, link)
    gold.sync("--yes")
    assert gold.inside() == {*SHOPS_OWN, ANNA}
    with pytest.raises(Exception, match="INVITE_HASH_EXPIRED"):  # used up
        gold.follow(BELA, link)
    gold.sync("--yes", "--fix")
    assert gold.chat.requests == {}
    assert gold.inside() == {*SHOPS_OWN, ANNA}


def test_an_announcement_is_one_message_in_the_chat_and_one_to_each_elsewhere(gold):
    gold.ok("group", "invite", GOLD, "--only", "Kovács Anna", "--only", "Nagy Béla", "--yes")
    for who in (ANNA, BELA):
        gold.follow(who)
    gold.sync("--yes")
    wrong = gold.run("send", "note", "--group", GOLD, "--yes")
    assert (wrong.code, wrong.errors[0]["code"]) == (2, "personal-in-chat")
    done = gold.ok("send", "room", "--group", GOLD, "--yes")
    assert done["counts"] == {"sent": 2}
    assert [one["member"] for one in done["planned"]] == [None, "Viola Vítková"]
    assert gold.said()[1:] == ["Dear all, the sale begins."]
    assert "Dear Viola Vítková, the sale begins." in [one.text for one in gold.world.heard(VIOLA)]
    assert all("sale" not in one.text for one in gold.world.heard(ANNA))
    assert gold.run("send", "room", "--group", GOLD, "--yes").code == 3

    gold.world.sandbox.call(gold.telegram.read_in(gold.chat, gold.person(ANNA)))
    gold.sync("--yes")
    number = str(done["announcement"])
    chat, viola = gold.ok("announcement", "show", number)["deliveries"]
    assert (chat["group"], chat["people"], chat["readers"], chat["state"]) == (GOLD, 2, 1, "seen")
    assert viola["state"] in ("sent", "delivered")
    [anna], [bela] = (gold.ok("why", name, number)["deliveries"] for name in ("Kovács Anna", "Nagy Béla"))
    assert (anna["state"], bela["state"]) == ("seen", "sent")
    assert "the sale begins" in str(gold.ok("history", "Kovács Anna"))
    shown = gold.ok("group", "show", GOLD)
    assert (shown["last"]["people"], shown["last"]["seen"]) == (2, 1)

    gold.run("announcement", "recall", number, "--yes")  # Viber cannot, and says so
    assert "Dear all, the sale begins." not in gold.said()


def test_seats_and_people_are_brought_together(gold):
    world = gold.world
    world.member("Waiting Wanda", CILI, group=GOLD, language="en")
    gold.ok("group", "invite", GOLD, "--yes")
    for who in (ANNA, BELA):
        gold.follow(who)
    gold.sync("--yes")
    gold.do(gold.telegram.leave, gold.chat, gold.person(ANNA))
    gold.do(gold.telegram.join, gold.chat, gold.person(DORA))  # let in by hand: a stranger
    found = gold.sync()
    assert [(one["what"], one["name"]) for one in found["differences"]] == [
        ("stranger", "Dora_chat"),
        ("left", "Anna_chat"),
    ]
    assert found == gold.sync()  # looking changes nothing
    assert all("t.me/+" not in one.text for one in world.heard(CILI))

    done = gold.sync("--yes")
    assert done["removed"] == []
    assert DORA in gold.inside()
    assert not gold.follow(CILI)  # the free seat is hers, and she was invited
    done = gold.sync("--yes", "--fix")
    assert (done["let_in"], done["removed"]) == (["Waiting Wanda"], ["Dora_chat"])
    assert gold.inside() == {*SHOPS_OWN, BELA, CILI}
    places = {one["name"]: one["place"] for one in gold.ok("group", "show", GOLD)["members"]}
    assert places == {"Nagy Béla": "seated", "Viola Vítková": "seated", "Waiting Wanda": "seated"}
    assert gold.sync()["in_order"]
    assert len(gold.said()) == 1


def test_kicked_renamed_and_deleted_people_are_found(gold):
    gold.ok("group", "invite", GOLD, "--yes")
    for who, link in ((ANNA, ""), (BELA, ""), (CILI, gold.link_of(VIOLA))):
        gold.follow(who, link)
    gold.sync("--yes")
    gold.do(gold.telegram.kick, gold.chat, gold.person(ANNA), by=gold.support)
    gold.do(gold.telegram.rename, gold.person(BELA), first_name="Bélus")
    gold.do(gold.telegram.delete_account, gold.person(CILI))
    found = {one["what"]: one for one in gold.sync()["differences"]}
    assert set(found) == {"removed", "renamed", "deleted"}
    assert (found["removed"]["member"], found["removed"]["frees"]) == ("Kovács Anna", True)
    assert found["renamed"]["was"] == "Bela_chat"
    assert (found["deleted"]["member"], found["deleted"]["removes"]) == ("Viola Vítková", True)
    gold.sync("--yes", "--fix")
    assert gold.inside() == {*SHOPS_OWN, BELA}
    [member] = gold.ok("group", "show", GOLD)["members"]
    assert member["name"] == "Nagy Béla"
    assert gold.sync()["in_order"]


def test_who_opted_out_is_taken_out_at_once_and_who_lost_the_seat_by_the_rule_only(gold):
    gold.ok("group", "invite", GOLD, "--yes")
    for who in (ANNA, BELA):
        gold.follow(who)
    gold.sync("--yes")
    gold.ok("member", "opt-out", "Kovács Anna", "--source", "by phone")
    gold.ok("group", "remove", GOLD, "Nagy Béla")
    assert {one["what"] for one in gold.sync()["differences"]} == {"opted-out", "no-seat"}
    assert {ANNA, BELA} <= gold.inside()
    assert gold.sync("--yes")["removed"] == ["Anna_chat"]
    assert gold.inside() == {*SHOPS_OWN, BELA}
    forgotten = gold.ok("member", "forget", "Nagy Béla", "--yes")
    assert forgotten["still_in_chats"] == [GOLD]
    [left] = gold.sync("--yes", "--fix")["differences"]
    assert left["what"] == "stranger"
    assert gold.inside() == SHOPS_OWN


def test_a_closed_group_says_goodbye_and_lets_nobody_in(gold):
    gold.ok("group", "invite", GOLD, "--yes")
    gold.follow(ANNA)
    gold.sync("--yes")
    link = gold.link_of(BELA)
    gold.ok("group", "close", GOLD, "--yes")
    assert len(gold.said()) == 2
    assert "send_messages" in gold.chat.forbidden
    with pytest.raises(Exception, match="INVITE_HASH_EXPIRED"):
        gold.follow(BELA, link)
    assert gold.run("group", "sync", GOLD, "--yes").code == 2
    assert gold.run("send", "room", "--group", GOLD, "--yes").code == 2


def test_the_welcome_is_said_again_and_pinned(gold):
    gold.ok("group", "welcome", GOLD)
    assert len(gold.said()) == 2
    assert len(gold.chat.pinned) == 2


def test_whoever_is_known_can_be_put_in_and_a_limit_of_the_account_stops_everything(gold):
    gold.world.write(ANNA, "Szép napot!")
    gold.ok("listen", "--once", "--port", "0")
    done = gold.ok("group", "invite", GOLD, "--add", "--only", "Kovács Anna", "--yes")
    assert (done["added"], done["asked"]) == (["Kovács Anna"], [])
    assert ANNA in gold.inside()
    assert gold.sync()["in_order"]

    gold.world.write(BELA, "Jó napot!")
    gold.ok("listen", "--once", "--port", "0")
    gold.world.sandbox.faults.add("InviteToChannelRequest", "error", code=400, text="PEER_FLOOD")
    stopped = gold.run("group", "invite", GOLD, "--add", "--only", "Nagy Béla", "--yes")
    assert stopped.code == 5, stopped
    [problem] = stopped.errors
    assert "PEER_FLOOD" in problem["message"]
    again = gold.run("group", "invite", GOLD, "--yes")
    assert again.code == 5
    assert "--clear" in again.errors[0]["hint"]
