"""Groups' chats under kills: whatever died wherever, `group sync` brings ledger and messenger together again.

Each command dies after each of its events (see `chat_kill_steps`), and by SIGKILL at moments that a seed
decides. What must hold afterwards is read from the sandbox: its groups, phones and log.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the file beside this one

from chat_kill_steps import GREETING, Commands, KillWorld
from conversation_world import a_world, until
from sqlalchemy import select
from support import add_group, write_template

from vipcast.storage.tables import deliveries

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the commands are forked")

SEED = "kills of chats"
ROOM = """+++
title = "Sale"
+++
{{% if group.is_chat %}}Dear all{{% else %}}Dear {{{{ member.name }}}}{{% endif %}}, the sale of {sale} begins.
"""
ANNA, BELA, CILI = "@anna_chat", "@bela_chat", "@cili_chat"
VIOLA = "viola-on-viber=="


@pytest.fixture(scope="module")
def kill(tmp_path_factory):
    with a_world(tmp_path_factory.mktemp("kills") / "shop") as world:
        commands = Commands(world.folder)
        made = KillWorld(world, commands)
        for who in (ANNA, BELA, CILI, VIOLA):
            made.meet(who)
        made.ok("listen", "--once", "--port", "0")
        yield made
        commands.close()


def each_death(kill, words, begin, check):
    """Let a command die after each of its events, each time in another group, and check what comes of it.

    `words` may hold `{}` for the group's name. All deaths are tried, so that no fault hides another.
    """
    found = {}
    for event in itertools.count(1):
        begin()
        died = kill.dies(event, *(word.format(kill.group) for word in words))
        where = f"{event} {kill.commands.trace[-1]}" if died else "at the end"
        try:
            check()
        except AssertionError as error:
            found[where] = str(error).partition("\n")[0]
        if not died:
            break
    assert event > 1, "it never died"
    assert not found, "\n".join(f"died after {where}: {what}" for where, what in found.items())


def kill_at(kill, chance, most, *words):
    """Start a command, kill it once it has come so far as chance has it, and return whether it was alive."""
    goal = chance.randint(0, most)
    kill.commands.start(*words)
    until(lambda: len(kill.commands.events()) >= goal or kill.commands.has_ended())
    kill.commands.kill()
    return kill.commands.end().code < 0


# 1. Making


def test_a_chat_whose_making_died_anywhere_is_made_once_by_the_next_sync(kill):
    def check():
        if kill.shown()["group"]["mode"] == "direct":  # it died before there was a word of a chat
            kill.ok("group", "edit", kill.group, "--mode", "chat")
        kill.until_in_order()
        kill.check_made()

    each_death(kill, ("group", "create", "{}", "--mode", "chat"), kill.new_group, check)


def test_that_a_new_group_is_to_have_a_chat_is_not_forgotten(kill):
    kill.new_group()
    assert kill.dies(1, "group", "create", kill.group, "--mode", "chat")
    done = kill.run("group", "sync", kill.group, "--yes")
    assert (done.code, done.errors) == (0, [])
    kill.check_made()


def test_making_and_mending_that_are_killed_again_and_again_make_one_chat(kill):
    chance = random.Random(f"{SEED}: making")
    killed = 0
    for _ in range(3):
        add_group(kill.world.shop, kill.new_group())
        killed += kill_at(kill, chance, 10, "group", "edit", kill.group, "--mode", "chat")
        while kill.shown()["group"]["mode"] == "direct":
            killed += kill_at(kill, chance, 10, "group", "edit", kill.group, "--mode", "chat")
        for _ in range(3):
            killed += kill_at(kill, chance, 12, "group", "sync", kill.group, "--yes")
        kill.sync("--yes")
        kill.sync("--yes")
        kill.check_made()
    assert killed >= 6, "the kills came too late to mean anything"


def test_a_support_account_that_was_not_made_admin_yet_is_not_taken_out(kill):
    kill.with_chat()
    kill.do(kill.telegram.leave, kill.chat, kill.support)  # by mistake; the next sync brings it back
    assert kill.dies("HideChatJoinRequestRequest", "group", "sync", kill.group, "--yes")
    kill.sync("--yes", "--fix")
    kill.check_made()


# 2. Inviting


def invite_all(kill):
    """Invite until nobody is left."""
    for _ in range(5):
        done = kill.run("group", "invite", kill.group, "--yes")
        if done.code == 3:
            return
        assert done.code in (0, 4), done.errors
    raise AssertionError("there was always somebody left")


def is_unknown(kill, who):
    """Return whether the ledger says that nobody knows whether somebody got the invitation."""
    query = select(deliveries.c.state).where(
        deliveries.c.member_id == kill.ids[who], deliveries.c.body.like(f"%{kill.title}%")
    )
    with kill.world.shop.database.read() as connection:
        return list(connection.execute(query).scalars()) == ["unknown"]


def check_invited(kill, on_telegram, on_viber):
    for who in on_telegram:
        assert len(kill.invitations(who)) == 1, f"{who} got {len(kill.invitations(who))} invitations"
    for who in on_viber:
        got = len(kill.invitations(who))
        assert got == 1 or (got == 0 and is_unknown(kill, who)), f"{who} got {got} invitations"
    kill.sync("--yes")
    given = {kill.invitations(who)[0] for who in (*on_telegram, *on_viber) if kill.invitations(who)}
    lost = {one.link for one in kill.open_links()} - given
    assert len(lost) <= sum(is_unknown(kill, who) for who in on_viber), "links that nobody has"
    for who in on_telegram:
        assert not kill.follow(who, kill.invitations(who)[0])
    kill.sync("--yes")
    assert kill.people() == set(on_telegram)
    assert kill.sync()["in_order"]


def test_an_invitation_that_died_anywhere_reaches_each_member_once(kill):
    def check():
        invite_all(kill)
        check_invited(kill, [ANNA], [VIOLA])

    each_death(kill, ("group", "invite", "{}", "--yes"), lambda: kill.with_chat(ANNA, VIOLA), check)


def test_invitations_that_are_killed_again_and_again_reach_each_member_once(kill):
    chance = random.Random(f"{SEED}: inviting")
    killed = 0
    for _ in range(3):
        kill.with_chat(ANNA, BELA, CILI, VIOLA)
        for _ in range(3):
            killed += kill_at(kill, chance, 14, "group", "invite", kill.group, "--yes")
        invite_all(kill)
        check_invited(kill, [ANNA, BELA, CILI], [VIOLA])
    assert killed >= 4, "the kills came too late to mean anything"


# 3. Letting in


def asked(kill, *known):
    """Make a group whose members all ask to come in, one of them known on Viber alone; return that phone."""
    number = next(kill.strangers)
    viber, phone = kill.meet(f"viola-{number}=="), f"@viola_{number}"
    kill.world.person(phone)
    kill.with_chat(*known, viber, cap=len(known) + 1)
    kill.ok("group", "invite", kill.group, "--yes")
    for who in known:
        kill.follow(who, kill.invitations(who)[0])
    kill.follow(phone, kill.invitations(viber)[0])
    return phone


def check_let_in(kill, phone, *known):
    assert kill.people() == {phone, *known}
    assert kill.most_at_once() == len(known) + 1
    assert kill.chat.requests == {}
    for who in known:
        assert kill.greetings(who) == 1, f"{who} was greeted {kill.greetings(who)} times"
    assert len(kill.world.heard(phone)) == 1
    shown = {one["addresses"][-1]["address"]: one["reached"] for one in kill.shown()["members"]}
    assert set(shown) == {phone, *known}
    assert all(one.startswith("in the chat") for one in shown.values())


def test_letting_in_that_died_anywhere_lets_in_who_has_a_seat_and_greets_once(kill):
    phones = []

    def check():
        kill.until_in_order()
        check_let_in(kill, phones[-1], ANNA)

    each_death(kill, ("group", "sync", "{}", "--yes"), lambda: phones.append(asked(kill, ANNA)), check)


def test_a_listen_that_is_killed_again_and_again_lets_in_and_greets_once(kill):
    chance = random.Random(f"{SEED}: listening")
    phone, killed = asked(kill, ANNA, BELA), 0
    for _ in range(4):
        killed += kill_at(kill, chance, 6, "listen", "--port", "0")
    with kill.world.listening():
        until(lambda: kill.people() == {ANNA, BELA, phone})
        for who in (ANNA, BELA):
            until(lambda who=who: kill.greetings(who))
        kill.world.wait_heard(phone, GREETING)
    assert killed >= 3, "the kills came too late to mean anything"
    kill.sync("--yes")
    check_let_in(kill, phone, ANNA, BELA)


def test_a_second_account_of_a_member_does_not_come_in_after_a_death(kill):
    """A member with two accounts asks with both; one is let in, and that is not written down any more."""
    twins = ("@twin_one", "@twin_two")
    for who in twins:
        kill.world.person(who)
    kill.ids[twins[0]] = kill.world.member("Twin", *twins)
    kill.with_chat(twins[0], cap=1)
    link = kill.do(kill.telegram.invite_link, kill.chat, request_needed=True)
    for who in twins:
        kill.follow(who, link)
    assert kill.dies("HideChatJoinRequestRequest", "group", "sync", kill.group, "--yes")
    kill.sync("--yes")
    assert len(kill.people()) == 1
    assert kill.most_at_once() == 1


# 4. Removal


def test_a_removal_that_died_anywhere_is_completed_and_leaves_no_ban(kill):
    def begin():
        kill.with_chat(ANNA, BELA, cap=2)
        kill.come_in(ANNA, BELA)
        kill.ok("group", "remove", kill.group, f"Member {ANNA}")

    def check():
        kill.sync("--yes", "--fix")
        assert kill.sync()["in_order"]
        assert kill.people() == {BELA}
        assert all(one.standing != "banned" for one in kill.chat.members.values()), "she is banned for ever"
        kill.ok("group", "add", kill.group, f"Member {ANNA}")
        kill.ok("group", "invite", kill.group, "--yes")
        kill.follow(ANNA)
        kill.sync("--yes")
        assert kill.people() == {ANNA, BELA}

    each_death(kill, ("group", "sync", "{}", "--yes", "--fix"), begin, check)


def test_nobody_is_let_in_above_the_cap_before_who_lost_the_seat_is_out(kill):
    kill.with_chat(ANNA, BELA, CILI, cap=2)
    kill.come_in(ANNA, BELA)
    kill.ok("group", "remove", kill.group, f"Member {BELA}")
    kill.sync("--yes")  # Cili is invited
    kill.follow(CILI)
    kill.sync("--yes", "--fix")
    assert kill.people() == {ANNA, CILI}
    assert kill.most_at_once() == 2


# 5. A seat that frees


def test_who_rises_is_invited_once_whatever_died(kill):
    def begin():
        kill.with_chat(ANNA, BELA, cap=1)
        kill.come_in(ANNA)
        kill.do(kill.telegram.leave, kill.chat, kill.person(ANNA))

    def check():
        kill.until_in_order()
        assert len(kill.invitations(BELA)) == 1, f"{len(kill.invitations(BELA))} invitations"
        kill.follow(BELA)
        kill.sync("--yes")
        assert kill.people() == {BELA}
        assert kill.most_at_once() == 1

    each_death(kill, ("group", "sync", "{}", "--yes"), begin, check)


# 6. An announcement


def before_the_sale(kill):
    """Make a group with two of four in its chat, and a text of its own: a member gets each text once."""
    kill.with_chat(ANNA, BELA, CILI, VIOLA)
    kill.come_in(ANNA, BELA)
    write_template(kill.world.folder, kill.group, ROOM.format(sale=kill.group))


def send_all(kill):
    for _ in range(4):
        done = kill.run("send", kill.group, "--group", kill.group, "--yes")
        if done.code == 3:
            return
        assert done.code in (0, 4), done.errors
    raise AssertionError("there was always something left")


def check_announced(kill):
    sale = f"the sale of {kill.group} begins."
    assert [text for text in kill.said() if sale in text] == [f"Dear all, {sale}"]
    got = {who: sum(sale in text for text in kill.heard(who)) for who in (ANNA, BELA, CILI, VIOLA)}
    query = select(deliveries.c.member_id, deliveries.c.state).where(deliveries.c.body.like(f"%{sale}%"))
    with kill.world.shop.database.read() as connection:
        rows = {row.member_id: row.state for row in connection.execute(query)}
    assert set(rows) == {None, kill.ids[CILI], kill.ids[VIOLA]}
    assert got in (
        {ANNA: 0, BELA: 0, CILI: 1, VIOLA: 1},
        {ANNA: 0, BELA: 0, CILI: 1, VIOLA: 0 if rows[kill.ids[VIOLA]] == "unknown" else 1},
    )
    kill.world.sandbox.call(kill.telegram.read_in(kill.chat, kill.person(ANNA)))
    kill.sync("--yes")
    last = kill.shown()["last"]
    assert (last["people"], last["seen"]) == (2, 1)


def test_an_announcement_that_died_anywhere_is_one_message_in_the_chat(kill):
    def check():
        send_all(kill)
        check_announced(kill)

    each_death(kill, ("send", "{}", "--group", "{}", "--yes"), lambda: before_the_sale(kill), check)


def test_an_announcement_that_is_killed_again_and_again_is_one_message_in_the_chat(kill):
    chance = random.Random(f"{SEED}: announcing")
    killed = 0
    for _ in range(2):
        before_the_sale(kill)
        for _ in range(3):
            killed += kill_at(kill, chance, 8, "send", kill.group, "--group", kill.group, "--yes")
        send_all(kill)
        check_announced(kill)
    assert killed >= 2, "the kills came too late to mean anything"


# 7. Closing


def test_a_close_that_died_anywhere_says_goodbye_once(kill):
    def begin():
        kill.with_chat(ANNA, cap=3)
        kill.ok("group", "invite", kill.group, "--yes")

    def check():
        kill.ok("group", "close", kill.group, "--yes")
        assert len(kill.said()) == 2, f"{len(kill.said())} messages"
        assert "send_messages" in kill.chat.forbidden
        assert kill.open_links() == []
        shown = kill.shown()
        assert shown["chat"]["state"] == "closed"
        assert shown["group"]["closed_at"]

    each_death(kill, ("group", "close", "{}", "--yes"), begin, check)
