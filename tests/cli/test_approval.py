"""A second pair of eyes: nothing leaves before somebody has read it as members will, and said yes."""

from __future__ import annotations

import pytest
from conversation_world import a_world, make_desk, until, wait_desk
from support import arrivals, vipcast, write_template

from vipcast.announcements import records
from vipcast.conversations.approvals import verdict


@pytest.fixture
def world(tmp_path):
    with a_world(tmp_path / "shop") as made:
        made.desk = make_desk(made.sandbox, "me")
        made.change_settings(r"\Z", '\n[approval]\nby = "support"\n')
        made.member("Kovács Anna", "@anna_kovacs", group="gold", language="hu")
        made.member("Bob Smith", "bob-smith-01==", group="gold", language="en")
        write_template(made.folder, "note", '+++\ntitle = "A note"\n+++\nHírek: {{ member.name }}.\n', "hu")
        yield made


def announced(world, number):
    return vipcast(world.folder, "announcement", "show", str(number)).data["announcement"]


def nobody_got_anything(world):
    got = arrivals(world.sandbox)
    return not any(got[who] for who in ("@anna_kovacs", "bob-smith-01=="))


def test_the_approver_reads_what_members_get_and_a_yes_sends_it(world):
    sent = vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    assert (sent.code, sent.data["approval"]) == (0, "waiting")
    question = until(lambda: [one for one in world.desk.messages() if "A note" in one.text])[0]
    texts = [one.text for one in world.desk.messages()]
    assert "Hírek: Kovács Anna." in texts
    assert "News for Bob Smith." in texts
    assert nobody_got_anything(world)
    again = vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    assert again.data["approval"] == "waiting"
    assert len([one for one in world.desk.messages() if "A note" in one.text]) == 1
    assert vipcast(world.folder, "announcement", "resume", "1").code == 2
    assert vipcast(world.folder, "tick").data["sent"] == 0

    with world.listening():
        world.desk.say("Hm, let me see", question)
        until(lambda: len([one for one in world.desk.messages() if "A note" in one.text]) == 2)
        assert nobody_got_anything(world)
        world.desk.say("Igen!", question)
        wait_desk(world.desk, "jóváhagyta")
        # `listen` itself sends it, within a quarter of a minute; no tick was needed.
        world.wait_heard("@anna_kovacs", "Hírek: Kovács Anna.")
        world.wait_heard("bob-smith-01==", "News for Bob Smith.")
    assert announced(world, 1)["approval"] == "approved"
    assert (
        vipcast(world.folder, "tick").code == 0
    )  # `listen` was killed, perhaps before it had noted the last one
    got = arrivals(world.sandbox)
    assert (got["@anna_kovacs"], got["bob-smith-01=="]) == (1, 1)


def test_what_was_approved_goes_out_with_the_next_tick_where_nobody_listens(world):
    vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    until(lambda: [one for one in world.desk.messages() if "A note" in one.text])
    with world.shop.database.write() as connection:
        records.decide(connection, 1, by="Eva", is_yes=True, now=world.shop.now())
    assert vipcast(world.folder, "tick").data["sent"] == 2
    assert world.heard("@anna_kovacs")[-1].text == "Hírek: Kovács Anna."


def test_a_no_ends_it_and_a_later_yes_changes_nothing(world):
    vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    question = until(lambda: [one for one in world.desk.messages() if "A note" in one.text])[0]
    with world.listening():
        world.desk.say("nem", question)
        wait_desk(world.desk, "elutasította")
        world.desk.say("igen", question)
        until(lambda: len([one for one in world.desk.messages() if "elutasította" in one.text]) == 2)
    assert announced(world, 1)["state"] == "cancelled"
    assert vipcast(world.folder, "announcement", "approve", "1", "--yes").code == 2
    assert vipcast(world.folder, "tick").data["sent"] == 0
    assert nobody_got_anything(world)


def test_the_terminal_approves_and_rejects_and_says_who(world):
    vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    assert vipcast(world.folder, "announcement", "approve", "1").code == 2  # nobody to ask: --yes
    done = vipcast(world.folder, "announcement", "approve", "1", "--yes", "--by", "Eva")
    assert done.code == 0
    assert announced(world, 1)["approval_by"] == "Eva"
    assert not nobody_got_anything(world)
    changed = '+++\ntitle = "A note"\n+++\nMás hírek: {{ member.name }}.\n'
    write_template(world.folder, "note", changed, "hu")
    second = vipcast(world.folder, "send", "note", "--group", "gold", "--again", "--yes")
    assert second.data["approval"] == "waiting", "a text that was changed is approved anew"
    assert vipcast(world.folder, "announcement", "reject", "2", "--by", "Eva").code == 0
    assert announced(world, 2)["state"] == "cancelled"


def test_an_approver_that_is_no_account_is_named(world):
    world.change_settings(r'(?m)^by = "support"', 'by = "suport"')
    sent = vipcast(world.folder, "send", "note", "--group", "gold", "--yes")
    assert sent.code == 2
    assert "suport" in sent.errors[0]["message"]
    assert nobody_got_anything(world)


@pytest.mark.parametrize("word", ["yes", "Igen!", "ano.", "KYLLÄ", "да", "ok", "Joo"])
def test_a_yes_is_known_in_five_languages(word):
    assert verdict(word) is True


@pytest.mark.parametrize("word", ["no", "Nem.", "ne", "EI", "нет!"])
def test_a_no_is_known_in_five_languages(word):
    assert verdict(word) is False


@pytest.mark.parametrize("word", ["", "maybe", "yes but change the picture", "no idea", "igen, de nem így"])
def test_anything_else_is_neither(word):
    assert verdict(word) is None
