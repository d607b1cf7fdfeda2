"""Taking an announcement back, or editing it: for all, for one, on what can and what cannot."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys

import pytest
from commandline import ended, start
from filelock import FileLock

NOTE = '+++\ntitle = "A note"\n+++\nNews for {{ member.name }}.\n'
TELEGRAM = ["@anna_cli", "@odon_cli", "@jan_cli"]
VIBER = {"Viola Vítková", "Ville Virtanen"}
ALBUM = '+++\ntitle = "Two"\nmedia = ["one.jpg", "two.jpg"]\n+++\nTwo pictures for {{ member.name }}.\n'
DELETE, EDIT = "DeleteMessagesRequest", "EditMessageRequest"


@pytest.fixture
def phone(network):
    """`phone(address)` is what a customer sees on Telegram of this test: (text, picture) of each message."""

    def seen(address):
        return network.do(lambda: network.telegram.inbox(network.telegram.find(address)))

    before = {address: len(seen(address)) for address in TELEGRAM if network.telegram.find(address)}

    def look(address):
        return [
            (one.text, one.media.name if one.media else "") for one in seen(address)[before.get(address, 0) :]
        ]

    return look


@pytest.fixture
def sent(online, phone):
    """Three have it on Telegram, two on Viber; what the phones got before does not show."""
    online.data("send", "note", "--group", "gold", "--yes")
    return online


def write_note(shop, text, name="note"):
    (shop.folder / "templates" / name).mkdir(exist_ok=True)
    (shop.folder / "templates" / name / "en.md").write_text(text, encoding="utf-8")


def outcomes(ran):
    return {one["member"]: one["outcome"] for one in ran.data["deliveries"]}


def recalls(shop, number=1):
    entries = shop.data("announcement", "show", number)["deliveries"]
    return {one["address"]: (one["recall"], one["recall_words"]) for one in entries if one["state"] == "sent"}


def test_it_is_taken_back_on_telegram_and_viber_says_that_it_cannot(sent, phone):
    assert phone("@anna_cli") == [("News for Kovács Anna.", "")]
    ran = sent("announcement", "recall", 1, "--yes")
    assert ran.code == 4, "two on Viber keep it"
    assert [phone(one) for one in TELEGRAM] == [[], [], []]
    assert ran.out.count("cannot: Viber has no way to take a message back") == 2
    assert "3 taken back, 2 cannot be" in ran.out
    assert "2 deliveries cannot be taken back" in ran.err
    shown = recalls(sent)
    assert [shown[one] for one in TELEGRAM] == [("done", "taken back")] * 3
    assert shown["AfFHYMSzHc1T6G1og4P+Og=="] == ("", "")
    assert "taken back 20" in sent("announcement", "show", 1).out
    assert "; taken back 20" in sent("why", "Anna").out
    assert sent.data("why", "Anna")["deliveries"][0]["recall"] == "done"


def test_what_is_taken_back_is_not_asked_for_again(sent, network):
    sent("announcement", "recall", 1, "--yes")
    before = len(network.log.events)
    problem = sent.problem("announcement", "recall", 1, "--yes", code=3)
    assert "taken back already; 2 deliveries cannot be" in problem["message"]
    assert [one for one in network.log.events[before:] if one["event"] == "delete"] == []


def test_all_of_it_is_exit_0(online, phone):
    online.data("group", "create", "telegram")
    for name in ("Anna", "Jan"):
        online.data("group", "add", "telegram", name)
    online.data("send", "note", "--group", "telegram", "--yes")
    ran = online("announcement", "recall", 1, "--yes", "--json")
    assert (ran.code, ran.envelope["errors"]) == (0, [])
    assert outcomes(ran) == {"Kovács Anna": "done", "Jan Novák": "done"}
    assert ran.data["counts"] == {"done": 2, "queued": 0}
    assert phone("@anna_cli") == phone("@jan_cli") == []


def test_none_of_it_is_exit_1_without_a_question(online):
    online.data("group", "create", "viber")
    online.data("group", "add", "viber", "Viola")
    online.data("send", "note", "--group", "viber", "--yes")
    ran = online("announcement", "recall", 1, "--json")
    assert (ran.code, outcomes(ran)) == (1, {"Viola Vítková": "cannot"})
    assert ran.problem["code"] == "cannot-recall"


def test_one_member_alone(sent, phone):
    ran = sent("announcement", "recall", 1, "--only", "Anna", "--yes")
    assert ran.code == 0, ran.said()
    assert phone("@anna_cli") == []
    assert phone("@jan_cli") == [("News for Jan Novák.", "")]
    assert sent("announcement", "recall", 1, "--only", "Anna", "--yes").code == 3
    ran = sent("announcement", "recall", 1, "--yes", "--json")
    assert outcomes(ran)["Kovács Anna"] == "done"
    assert phone("@jan_cli") == []


def test_who_did_not_get_it_cannot_be_named(sent):
    for name, told in (("Nora", "did not get announcement 1"), ("Nobody", "No member matches")):
        assert told in sent.problem("announcement", "recall", 1, "--only", name, "--yes")["message"]
    assert sent.problem("announcement", "recall", 9, "--yes")["message"] == "There is no announcement 9."


def test_it_asks_and_shows_first(sent, phone):
    ran = sent("announcement", "recall", 1)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert ran.out.count("is taken back") == 3
    assert "cannot: Viber" in ran.out
    assert len(phone("@anna_cli")) == 1
    assert set(recalls(sent).values()) == {("", "")}


def test_album_and_picture_go_whole_and_what_stands_beside_them_stays(online, phone):
    (online.folder / "templates" / "two").mkdir()
    picture = (online.folder / "templates" / "new-collection" / "picture.jpg").read_bytes()
    for name in ("one.jpg", "two.jpg"):
        (online.folder / "templates" / "two" / name).write_bytes(picture)
    write_note(online, ALBUM, "two")
    only = ("--only", "Anna", "--yes")
    online.data("send", "note", "--group", "gold", *only)
    online.data("send", "two", "--group", "gold", *only)
    online.data("send", "new-collection", "--group", "gold", *only)
    assert [media for _, media in phone("@anna_cli")][1:3] != ["", ""]
    assert len(phone("@anna_cli")) == 4
    assert online("announcement", "recall", 2, "--yes").code == 0
    assert len(phone("@anna_cli")) == 2
    assert phone("@anna_cli")[0] == ("News for Kovács Anna.", "")
    assert online("announcement", "recall", 3, "--yes").code == 0
    assert phone("@anna_cli") == [("News for Kovács Anna.", "")]


def test_edit_puts_the_present_text_in_its_place(sent, phone):
    write_note(sent, NOTE.replace("News", "**Better** news"))
    ran = sent("announcement", "recall", 1, "--edit", "--yes", "--json")
    assert ran.code == 4
    assert ran.data["counts"] == {"done": 3, "cannot": 2, "queued": 0}
    assert phone("@anna_cli") == [("Better news for Kovács Anna.", "")]
    assert phone("@jan_cli") == [("Better news for Jan Novák.", "")]
    assert recalls(sent)["@anna_cli"] == ("done", "edited")
    assert "edited 20" in sent("why", "Anna").out
    assert "as it is now" in sent.problem("announcement", "recall", 1, "--edit", "--yes", code=3)["message"]
    assert sent("announcement", "recall", 1, "--yes").code == 4
    assert phone("@anna_cli") == [], "what was edited can still be taken back"
    problem = sent.problem("announcement", "recall", 1, "--edit", "--only", "Anna", "--yes", code=3)
    assert "taken back already" in problem["message"]


def test_edit_can_be_repeated_with_yet_another_text(sent, phone):
    for word in ("Better", "Best"):
        write_note(sent, NOTE.replace("News", word))
        assert sent("announcement", "recall", 1, "--edit", "--yes").code == 4
    assert phone("@anna_cli") == [("Best for Kovács Anna.", "")]


def test_edit_shows_each_text_before_it_asks(sent, phone):
    write_note(sent, NOTE.replace("News", "Better"))
    ran = sent("announcement", "recall", 1, "--edit")
    assert (ran.code, "will read: Better for Kovács Anna." in ran.out) == (2, True)
    assert phone("@anna_cli") == [("News for Kovács Anna.", "")]


def test_edit_leaves_the_pictures(online, phone):
    online.data("send", "new-collection", "--group", "gold", "--only", "Anna", "--yes")
    [(before, picture)] = phone("@anna_cli")
    for path in (online.folder / "templates" / "new-collection").glob("*.md"):
        path.write_text(path.read_text(encoding="utf-8") + "\nPS\n", encoding="utf-8")
    assert online("announcement", "recall", 1, "--edit", "--yes").code == 0
    assert picture
    assert phone("@anna_cli") == [(before + "\n\nPS", picture)]


def test_edit_with_a_fault_changes_nothing_and_names_everybody(sent, phone):
    write_note(sent, NOTE.replace("member.name", "member.nome"))
    ran = sent("announcement", "recall", 1, "--edit", "--yes", "--json")
    assert ran.code == 2
    assert len(ran.envelope["errors"]) == 3
    assert set(recalls(sent).values()) == {("", "")}
    assert phone("@anna_cli") == [("News for Kovács Anna.", "")]


def test_text_too_long_beside_the_picture_that_was_sent(online, phone):
    online.data("send", "new-collection", "--group", "gold", "--only", "Anna", "--yes")
    before = phone("@anna_cli")
    for path in (online.folder / "templates" / "new-collection").glob("*.md"):
        path.write_text('+++\ntitle = "Long"\n+++\n' + "long " * 300, encoding="utf-8")
    problem = online.problem("announcement", "recall", 1, "--edit", "--yes")
    assert "too long for a text with a picture" in problem["message"]
    assert phone("@anna_cli") == before


def test_too_old_to_edit_is_said_and_tried_again(sent, faults, phone):
    write_note(sent, NOTE.replace("News", "Better"))
    faults.add(EDIT, "error", code=400, text="MESSAGE_EDIT_TIME_EXPIRED")
    ran = sent("announcement", "recall", 1, "--edit", "--yes")
    assert ran.code == 4
    assert "failed: Telegram lets a message be edited for 48 hours only" in ran.out
    assert "recalling it failed (Telegram lets" in sent("announcement", "show", 1).out
    ran = sent("announcement", "recall", 1, "--edit", "--yes")
    assert "1 edited, 2 read so already, 2 cannot be" in ran.out
    assert phone("@anna_cli") == [("Better for Kovács Anna.", "")]


def test_who_blocked_us_loses_it_too(sent, network, phone):
    telegram = network.telegram
    news = telegram.find("+99966100001")
    network.do(lambda: telegram.block(telegram.find("@anna_cli"), news))
    try:
        assert sent("announcement", "recall", 1, "--only", "Anna", "--yes").code == 0
        assert phone("@anna_cli") == []
    finally:
        network.do(lambda: telegram.unblock(telegram.find("@anna_cli"), news))


def test_refused_one_does_not_stop_the_others(sent, faults, phone):
    faults.add(DELETE, "error", code=403, text="MESSAGE_DELETE_FORBIDDEN")
    ran = sent("announcement", "recall", 1, "--yes")
    assert ran.code == 4
    assert "failed: MESSAGE_DELETE_FORBIDDEN" in ran.out
    assert [len(phone(one)) for one in TELEGRAM] == [1, 0, 0]
    assert sent("announcement", "recall", 1, "--yes").code == 4
    assert phone("@anna_cli") == []


def test_flood_wait_is_obeyed_and_the_rest_follows(sent, faults, phone, network):
    faults.add(DELETE, "error", code=420, text="FLOOD_WAIT_3000", after=1)
    ran = sent("announcement", "recall", 1, "--yes", "--json")
    assert ran.code == 4
    assert sorted(outcomes(ran).values()) == ["cannot", "cannot", "done", "wanted", "wanted"]
    assert ran.data["resumes_at"]
    assert ran.envelope["errors"][0]["code"] == "account-waiting"
    assert "to be taken back" in sent("announcement", "show", 1).out
    before = len(network.log.events)
    again = sent("announcement", "recall", 1, "--yes")
    assert (again.code, "Go on from 20" in again.out) == (4, True)
    assert [one for one in network.log.events[before:] if one["event"] == "delete"] == []
    end_pauses(sent)
    assert sent("announcement", "recall", 1, "--yes").code == 4
    assert [phone(one) for one in TELEGRAM] == [[], [], []]


def end_pauses(shop):
    [file] = (shop.folder / ".vipcast").glob("*.db")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE accounts SET paused_until = NULL, paused_from = NULL")
    connection.close()


def test_lost_answer_is_finished_by_the_same_command(sent, faults, phone):
    faults.add(DELETE, "drop_after", times=5)
    sent("announcement", "recall", 1, "--yes")
    faults.clear()
    sent("announcement", "recall", 1, "--yes")
    assert [phone(one) for one in TELEGRAM] == [[], [], []]
    assert recalls(sent)["@anna_cli"] == ("done", "taken back")


def test_server_out_of_reach_keeps_it_wanted(sent, phone):
    port = sent.settings()["sandbox"]["telegram_port"]
    sent.change_settings(f"telegram_port = {port}", "telegram_port = 1")
    ran = sent("announcement", "recall", 1, "--yes")
    assert ran.code == 1
    assert "3 wait, 2 cannot be taken back" in ran.out
    assert "Go on: vipcast announcement recall 1" in ran.out
    sent.change_settings("telegram_port = 1", f"telegram_port = {port}")
    assert sent("announcement", "recall", 1, "--yes").code == 4
    assert phone("@anna_cli") == []


def test_lost_login_is_exit_5_and_says_how_to_log_in(sent):
    [session] = (sent.folder / ".vipcast").rglob("news*.session")
    kept = session.read_bytes()
    session.unlink()
    anna = sent.data("member", "show", "Anna")["id"]
    ran = sent("announcement", "recall", 1, "--only", "Anna", "--yes")
    assert ran.code == 5
    assert "vipcast account add news" in ran.err
    assert f"Go on: vipcast announcement recall 1 --only '#{anna}'\n" in ran.out, "not from everybody"
    session.write_bytes(kept)
    assert sent("announcement", "recall", 1, "--only", "Anna", "--yes").code == 0


def test_account_that_is_gone_from_the_settings_cannot(sent):
    sent.data("account", "remove", "news", "--yes")
    ran = sent("announcement", "recall", 1, "--yes")
    assert ran.code == 1
    assert "5 cannot be taken back" in ran.out
    assert "news" in ran.out


def test_what_waits_is_left_and_said(online):
    online.data("send", "note", "--group", "gold", "--limit", "1", "--yes")
    ran = online("announcement", "recall", 1, "--yes")
    assert ran.code in (0, 1), "the first is one of Telegram or of Viber"
    assert "4 deliveries of it still wait to be sent" in ran.out
    assert "vipcast announcement cancel 1" in ran.out
    assert online.data("announcement", "show", 1)["counts"]["queued"] == 4


def test_nothing_was_sent_yet(vipcast):
    vipcast("send", "note", "--group", "gold", "--yes")
    problem = vipcast.problem("announcement", "recall", 1, "--yes", code=3)
    assert "5 wait to be sent" in problem["message"]
    assert "cancel 1" in problem["hint"]


def test_unknown_one_has_no_number(online, faults):
    faults.add("send_message", "drop_after")
    online("send", "note", "--group", "gold", "--yes")
    ran = online("announcement", "recall", 1, "--yes")
    assert "cannot: it may have arrived" in ran.out
    assert ran.code == 4


def test_forgotten_member_is_named_by_nobody(sent, phone):
    sent.data("member", "forget", "Anna", "--yes")
    ran = sent("announcement", "recall", 1, "--yes")
    assert "(forgotten)" in ran.out
    assert "Anna" not in ran.said()
    assert phone("@jan_cli") == []


def test_rehearsal_is_not_recalled(online):
    online.data("send", "note", "--to-me")
    assert "rehearsal" in online.problem("announcement", "recall", 1, "--yes", code=3)["message"]


# Another login in the account's place would hit other people's messages: the numbers are the login's own.


def test_other_login_under_the_same_name_deletes_nothing_of_its_own(sent, network, phone):
    sent.data("account", "remove", "news", "--yes")
    online = sent
    add = ("account", "add", "news", "--messenger", "telegram", "--role", "announce")
    assert online(*add, "--phone", "+99966177001").code == 5
    online.data("account", "add", "news", "--code", "12345")
    other = network.telegram.find("+99966177001")
    anna = network.telegram.find("@anna_cli")
    for number in range(60):  # so that its numbers are those of the old login's messages
        network.call(network.telegram.say(other, anna, f"private {number}"))
    before = phone("@anna_cli")
    ran = online("announcement", "recall", 1, "--yes")
    assert phone("@anna_cli") == before, ran.said()


# A command that dies is finished by the same one.

DYING = """
import os, sys
from vipcast.messengers.telegram import Telegram
from vipcast.__main__ import main

real, calls = getattr(Telegram, {name!r}), []

async def dying(self, *arguments, **named):
    calls.append(1)
    if {before} and len(calls) == 2:
        os._exit(86)
    await real(self, *arguments, **named)
    if len(calls) == 2:
        os._exit(86)

setattr(Telegram, {name!r}, dying)
sys.exit(main())
"""


@pytest.mark.parametrize("before", [True, False], ids=["before-a-request", "after-a-request"])
@pytest.mark.parametrize("is_edit", [False, True], ids=["delete", "edit"])
def test_killed_between_two_requests(sent, phone, before, is_edit):
    write_note(sent, NOTE.replace("News", "Better"))
    command = ("announcement", "recall", 1, *(["--edit"] if is_edit else []), "--yes")
    code = DYING.format(name="edit" if is_edit else "take_back", before=before)
    ran = ended(start("--shop", sent.folder, *command, code=code))
    assert ran.code == 86, ran.said()
    marks = [recalls(sent)[one][0] for one in TELEGRAM]
    assert sorted(marks) == ["done", "wanted", "wanted"]
    assert sent(*command).code == 4
    assert [recalls(sent)[one][0] for one in TELEGRAM] == ["done"] * 3
    kept = [("Better for Kovács Anna.", "")] if is_edit else []
    assert phone("@anna_cli") == kept


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child there")
def test_interrupted_one_is_exit_130_and_goes_on(sent, phone, network):
    sent.change_settings('role = "announce"', 'role = "announce"\nrate = "12/min"', times=1)
    before = len(network.log.events)
    process = sent.start("announcement", "recall", 1, "--yes", "--json")
    while process.poll() is None and not any(
        one["event"] == "delete" for one in list(network.log.events)[before:]
    ):
        pass
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert ran.code == 130
    assert "interrupted" in [one["code"] for one in json.loads(ran.out)["errors"]]
    sent.change_settings('rate = "12/min"', 'rate = "unlimited"', times=1)
    assert sent("announcement", "recall", 1, "--yes").code == 4
    assert [phone(one) for one in TELEGRAM] == [[], [], []]


def test_account_that_another_process_holds_is_exit_6(sent, phone):
    with FileLock(sent.folder / ".vipcast" / "locks" / "account-news.lock"):
        ran = sent("announcement", "recall", 1, "--only", "Anna", "--yes")
    assert ran.code == 6
    assert "in use" in ran.err
    assert len(phone("@anna_cli")) == 1
    assert sent("announcement", "recall", 1, "--only", "Anna", "--yes").code == 0
