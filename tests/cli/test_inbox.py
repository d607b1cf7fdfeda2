"""Every `vipcast inbox` command and `vipcast history` at the terminal, with the worst that people type.

One `listen` takes what everybody wrote; then each test goes on with people of its own.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from commandline import CommandLine
from conversation_world import AUTOMATIC, NEWS, SIGNED, a_world, until
from support import announce, vipcast
from telethon import TelegramClient
from telethon.crypto import rsa

QUESTION = "Did Sophie get the note that I left at the counter?"
ARABIC = "ليلى حداد"
TURNED = "Evil\u202eDaeh\x1b[2J Name"
FAMILY = "👩‍👩‍👧‍👦 Family"
PEOPLE = {
    "Kovács Anna": "@anna_at_inbox",
    "Nagy Béla": "bela-inbox-0001==",
    "Own Name": "@own_name",
    "From Stdin": "@from_stdin",
    "Many Times": "@many_times",
    "Called Up": "@called_up",
    "Ended Talk": "@ended_talk",
    "Merged": "merged-inbox-01==",
    "Long Asker": "@long_asker",
    "Has Blocked": "@has_blocked",
    "While Listening": "@while_listening",
    "Two Words": "two-words-0001==",
    "In History": "@in_history",
    ARABIC: "@arabic_one",
    TURNED: "@turned_one",
    FAMILY: "@family_one",
}
STRANGERS = ("@who_is_new", "@who_is_known", "@who_stays", "@who_is_taken")
SILENT = {"Never Wrote": "@never_wrote", "To Be Linked": "@to_be_linked", "Only Called": "@only_called"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A shop whose desk is the terminal, with what its people wrote; no `listen` runs."""
    with a_world(tmp_path_factory.mktemp("inbox") / "shop") as made:
        for name, who in (PEOPLE | SILENT).items():
            made.member(name, who, group="gold")
        for number in (1, 2):
            made.member("Twin Kiss", f"@twin_kiss_{number}")
        with made.listening() as running:
            for who in (*PEOPLE.values(), *STRANGERS, "@twin_kiss_1"):
                made.write(who, QUESTION)
            for who in PEOPLE.values():
                made.wait_heard(who, AUTOMATIC["en"])
            for who in STRANGERS:
                made.wait_heard(who, AUTOMATIC["hu"])
            made.wait_heard("@twin_kiss_1", AUTOMATIC["en"])
            assert running.stop() == 0
        yield made


@pytest.fixture
def world(filled, monkeypatch):
    # Telethon keeps a server's settings and keys in global places.
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))
    return filled


@pytest.fixture
def inbox(world):
    """The command line, in this process."""
    return CommandLine(world.folder)


def said_to(world, who):
    """Return what people of the shop said to somebody, as the phone shows it."""
    return [one.text for one in world.heard(who) if not one.is_automatic]


def number_of(inbox, who):
    return inbox.data("inbox", "show", who)["id"]


# list, show, promises, unanswered, history


def test_lists_of_nothing_say_what_to_do(plain_shop, tmp_path):
    inbox = CommandLine(tmp_path / "shop")
    assert inbox("init", inbox.folder).code == 0
    assert "vipcast listen" in inbox("inbox", "list").out
    assert inbox.data("inbox", "list") == {"conversations": [], "messages": []}
    assert inbox.data("inbox", "promises")["promises"] == []
    assert inbox.data("inbox", "unanswered") == {"unanswered": []}
    for name in ("promises", "unanswered"):
        assert inbox("inbox", name).out.strip().endswith(".")


def test_the_list_tells_who_waits_since_when_and_what_was_promised(world, inbox):
    found = {one["name"]: one for one in inbox.data("inbox", "list")["conversations"]}
    mine = found["Nagy Béla"] if found["Nagy Béla"]["promised_at"] else found["Two Words"]
    assert mine["is_linked"] is True
    assert mine["last_text"] == QUESTION
    table = inbox("inbox", "list").out
    assert "no    who" in table or "no  who" in table
    assert "(no member)" in table
    assert "vipcast inbox reply" in table
    assert "due 20" in table


def test_a_limit_cuts_the_list_and_none_is_no_limit(inbox):
    assert len(inbox.data("inbox", "list", "--limit", "3")["conversations"]) == 3
    assert inbox("inbox", "list", "--limit", "0").code == 2
    assert inbox("inbox", "list", "--limit", "many").code == 2


@pytest.mark.parametrize("name", [ARABIC, TURNED, FAMILY])
def test_names_from_right_to_left_and_with_emoji_are_whole_and_steer_no_terminal(inbox, name):
    found = inbox.data("inbox", "show", PEOPLE[name])
    kept = found["name"]
    if name is not TURNED:
        assert kept == name
    assert inbox.data("inbox", "show", str(found["id"]))["name"] == kept
    for command in (("inbox", "list"), ("inbox", "show", PEOPLE[name]), ("history", PEOPLE[name])):
        shown = inbox(*command).out
        assert "\u202e" not in shown
        assert "\x1b[2J" not in shown


def test_a_conversation_is_shown_by_number_name_and_address_with_all_that_was_said(inbox):
    by_name = inbox.data("inbox", "show", "kovacs anna")
    assert inbox.data("inbox", "show", str(by_name["id"])) == by_name
    assert inbox.data("inbox", "show", f"#{by_name['id']}") == by_name
    assert inbox.data("inbox", "show", "@anna_at_inbox") == by_name
    speakers = [(one["speaker"], one["text"]) for one in by_name["history"]]
    assert ("member", QUESTION) in speakers
    assert any(AUTOMATIC["en"] in text for speaker, text in speakers if speaker == "automatic")
    table = inbox("inbox", "show", "kovacs anna").out
    assert QUESTION in table
    assert f"vipcast inbox reply {by_name['id']}" in table


@pytest.mark.parametrize(
    "which", ["9999", "#9999", "0", "-1", "123456789012345678901234567890", "nobody", "", " "]
)
@pytest.mark.parametrize("command", ["show", "close", "reply", "note"])
def test_an_unknown_conversation_is_named_with_the_next_step(inbox, command, which):
    more = ("Yes.",) if command in ("reply", "note") else ()
    ran = inbox("inbox", command, "--json", "--", which, *more)
    assert ran.code == 2
    assert ran.problem["code"] == "bad-input"
    assert ran.problem["hint"]


def test_two_members_of_one_name_are_told_apart(world, inbox):
    problem = inbox.problem("inbox", "reply", "Twin Kiss", "Yes.")
    assert "2 members match" in problem["message"]
    assert "@twin_kiss_1" in problem["message"]
    assert "@twin_kiss_2" in problem["message"]
    assert inbox("inbox", "show", "@twin_kiss_1").code == 0
    assert said_to(world, "@twin_kiss_1") == []


def test_a_member_who_never_wrote_can_be_noted_but_not_answered(world, inbox):
    assert "has not written yet" in inbox.problem("inbox", "show", "Never Wrote")["message"]
    assert "has not written yet" in inbox.problem("inbox", "reply", "Never Wrote", "Yes.")["message"]
    noted = inbox.data("inbox", "note", "Only Called", "Wants the blue one.", "--kind", "call")
    assert noted["name"] == "Only Called"
    problem = inbox.problem("inbox", "reply", "Only Called", "Yes.")
    assert "has not written on any messenger" in problem["message"]
    assert "inbox note" in problem["hint"]
    assert said_to(world, "@only_called") == []
    (called,) = [one for one in inbox.data("history", "Only Called")["history"] if one["speaker"] == "note"]
    assert (called["about"], called["text"]) == ("call", "Wants the blue one.")


def test_questions_that_went_to_a_person_are_ready_to_be_pasted(inbox):
    found = inbox.data("inbox", "unanswered", "--limit", "5")["unanswered"]
    assert [one["text"] for one in found] == [QUESTION] * 5
    assert "[[entry]]" in found[0]["entry"]
    assert found[0]["entry"] in inbox("inbox", "unanswered").out


def test_the_history_holds_announcements_messages_answers_and_consent_in_order(world, inbox):
    world.member("Announced", "@announced_one", group="news")
    announcement = announce(world.shop, ["news"])
    assert vipcast(world.folder, "announcement", "resume", str(announcement.id)).code == 0
    data = inbox.data("history", "Announced")
    assert [one["speaker"] for one in data["history"]] == ["event", "announcement"]
    assert data["history"][1]["state"] == "sent"
    assert "News for Announced." in inbox("history", "Announced").out
    assert len(inbox.data("history", "Kovács Anna")["history"]) > 2
    shown = inbox("history", "Kovács Anna", "--limit", "1").out
    assert "The last 1 of" in shown
    assert inbox.problem("history", "Nobody At All")["code"] == "bad-input"


# reply


@pytest.mark.parametrize("name", ["Kovács Anna", "Nagy Béla"])
def test_an_answer_without_listen_goes_out_at_once_signed(world, inbox, name):
    done = inbox.data("inbox", "reply", name, "  Yes, <b>she</b> did. *_[]  ")
    assert done["delivery"]["state"] in ("sent", "delivered")
    assert said_to(world, PEOPLE[name]) == [f"Yes, <b>she</b> did. *_[]\n\n{SIGNED}"]
    found = inbox.data("inbox", "show", name)
    assert (found["waiting_since"], found["promised_at"]) == (None, None)
    made = [
        one for one in inbox.data("inbox", "promises", "--limit", "500")["promises"] if one["name"] == name
    ]
    assert [one["state"] for one in made] == ["kept"]


def test_an_answer_says_who_gave_it(world, inbox):
    assert inbox("inbox", "reply", "Own Name", "Yes.", "--by", "Zita").code == 0
    found = inbox.data("inbox", "show", "Own Name")
    assert found["taken_by"] == "Zita"
    assert [one["who"] for one in found["history"] if one["speaker"] == "person"] == ["Zita"]
    assert "Zita" in inbox("inbox", "show", "Own Name").out


def test_an_answer_from_stdin_keeps_its_lines(world, inbox):
    assert inbox("inbox", "reply", "From Stdin", "-", typed="Yes.\n\nAnd szép is. 👗\n").code == 0
    assert said_to(world, "@from_stdin") == [f"Yes.\n\nAnd szép is. 👗\n\n{SIGNED}"]


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_answer_is_refused(world, inbox, text):
    problem = inbox.problem("inbox", "reply", "Many Times", text)
    assert "empty" in problem["message"]
    ran = inbox("inbox", "reply", "Many Times", "-", typed=text)
    assert ran.code == 2
    assert said_to(world, "@many_times") == []


@pytest.mark.parametrize("length", [4097, 100_000])
def test_an_answer_that_is_too_long_is_refused_and_nothing_is_cut(world, inbox, length):
    problem = inbox.problem("inbox", "reply", "Long Asker", "y" * length)
    assert "4096" in problem["message"] + problem["hint"]
    assert len(problem["message"]) < 1000
    assert said_to(world, "@long_asker") == []
    assert inbox.data("inbox", "show", "Long Asker")["waiting_since"] is not None


def test_an_answer_that_is_not_accepted_says_so_and_the_question_goes_on_waiting(world, inbox):
    people = [world.person(one) for one in ("@has_blocked", NEWS)]
    world.sandbox.do(world.sandbox.telegram.block, *people)
    problem = inbox.problem("inbox", "reply", "Has Blocked", "Yes.", code=1)
    assert problem["code"] == "not-delivered"
    assert "Has Blocked" in problem["message"]
    found = inbox.data("inbox", "show", "Has Blocked")
    assert found["waiting_since"] is not None
    assert [one["state"] for one in found["history"] if one["speaker"] == "person"] == ["failed"]


def test_an_answer_that_may_have_arrived_is_unknown_and_not_repeated(world, inbox):
    world.sandbox.faults.add("send_message", "drop_after", to="two-words-0001==")
    problem = inbox.problem("inbox", "reply", "Two Words", "Yes.", code=4)
    assert problem["code"] == "unknown"
    assert inbox("inbox", "reply", "Two Words", "As I said: yes.").code == 0
    assert said_to(world, "two-words-0001==") == [f"Yes.\n\n{SIGNED}", f"As I said: yes.\n\n{SIGNED}"]


def test_a_running_listen_sends_the_answer_once(world, inbox):
    with world.listening() as running:
        done = inbox.data("inbox", "reply", "While Listening", "Yes.")
        assert done["delivery"]["state"] == "sent"
        inbox.data("inbox", "note", "While Listening", "Rang too.", "--kind", "call")
        world.write("@while_listening", "Thank you, and did she say anything to it?")
        until(lambda: inbox.data("inbox", "show", "While Listening")["waiting_since"])
        inbox.data("inbox", "close", "While Listening")
        assert running.stop() == 0
    assert said_to(world, "@while_listening") == [f"Yes.\n\n{SIGNED}"]


# note, close, link


@pytest.mark.parametrize("kind", ["call", "visit", "note"])
def test_a_call_or_visit_answers_and_a_note_does_not(world, inbox, kind):
    who = f"@noted_{kind}"
    world.member(f"Noted {kind}", who)
    with world.listening() as running:
        world.write(who, QUESTION)
        world.wait_heard(who, AUTOMATIC["en"])
        assert running.stop() == 0
    done = inbox.data("inbox", "note", f"Noted {kind}", "All is well.", "--kind", kind, "--by", "Dóra")
    assert (done["waiting_since"] is None) is (kind != "note")
    found = [one for one in inbox.data("history", f"Noted {kind}")["history"] if one["speaker"] == "note"]
    assert [(one["about"], one["who"], one["text"]) for one in found] == [(kind, "Dóra", "All is well.")]
    assert said_to(world, who) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "empty"),
        (("   ",), "empty"),
        (("Rang.", "--kind", "dance"), "dance"),
        (("Rang.", "--at", "tomorrow"), "no time"),
        (("Rang.", "--at", "25:99"), "no time"),
        (("Rang.", "--at", "2999-01-01 10:00"), "out of reach"),
        (("Rang.", "--at", "0001-01-01 00:00"), "out of reach"),
    ],
)
def test_a_note_that_cannot_be_is_refused(inbox, arguments, words):
    before = inbox.data("inbox", "show", "Called Up")
    assert words in inbox.problem("inbox", "note", "Called Up", *arguments)["message"]
    assert inbox.data("inbox", "show", "Called Up") == before


def test_a_note_in_the_future_is_refused(world, inbox):
    soon = (world.shop.now() + timedelta(hours=3)).isoformat(timespec="minutes")
    problem = inbox.problem("inbox", "note", "Called Up", "Will ring.", "--at", soon)
    assert "future" in problem["message"]


def test_a_call_before_the_question_does_not_answer_it(world, inbox):
    world.member("Rang Before", "@rang_before")
    with world.listening() as running:
        world.write("@rang_before", QUESTION)
        world.wait_heard("@rang_before", AUTOMATIC["en"])
        assert running.stop() == 0
    before = (world.shop.now() - timedelta(days=2)).isoformat(timespec="minutes")
    noted = inbox.data("inbox", "note", "Rang Before", "About the hat.", "--kind", "call", "--at", before)
    assert noted["waiting_since"] is not None, "a call of two days ago answers no question of today"


def test_a_closed_conversation_is_out_of_the_list_and_opens_with_the_next_message(world, inbox):
    number = number_of(inbox, "Ended Talk")
    assert inbox.data("inbox", "close", str(number))["closed_at"] is not None
    assert inbox("inbox", "close", "Ended Talk").code == 3
    listed = [one["id"] for one in inbox.data("inbox", "list", "--limit", "500")["conversations"]]
    assert number not in listed
    everything = inbox.data("inbox", "list", "--all", "--limit", "500")["conversations"]
    assert number in [one["id"] for one in everything]
    assert inbox("inbox", "show", str(number)).code == 0
    assert inbox.data("inbox", "reply", str(number), "One word more.")["delivery"]["state"] == "sent"
    assert said_to(world, "@ended_talk") == [f"One word more.\n\n{SIGNED}"]
    assert inbox.data("inbox", "show", str(number))["closed_at"] is None


def test_a_stranger_is_linked_to_a_member_and_their_talk_goes_with_them(world, inbox):
    number = number_of(inbox, "@who_is_new")
    done = inbox.data("inbox", "link", str(number), "To Be Linked")
    assert done["is_linked"] is True
    assert QUESTION in str(inbox.data("history", "To Be Linked"))
    assert "@who_is_new" in str(inbox.data("member", "show", "To Be Linked"))
    problem = inbox.problem("inbox", "link", str(done["id"]), "Kovács Anna")
    assert "already" in problem["message"]


def test_a_stranger_who_is_a_member_of_another_messenger_joins_their_conversation(world, inbox):
    stranger, known = number_of(inbox, "@who_is_known"), number_of(inbox, "Merged")
    done = inbox.data("inbox", "link", str(stranger), "Merged")
    assert done["id"] == known
    history = inbox.data("history", "Merged")["history"]
    assert {one["messenger"] for one in history if one["text"] == QUESTION} == {"telegram", "viber"}
    assert inbox("inbox", "show", str(stranger)).code == 2
    assert inbox.data("inbox", "reply", "Merged", "To both.")["delivery"]["state"] in ("sent", "delivered")
    assert len(said_to(world, "@who_is_known") + said_to(world, "merged-inbox-01==")) == 1


def test_a_link_that_cannot_be_changes_nothing(world, inbox):
    number = number_of(inbox, "@who_stays")
    assert "No member" in inbox.problem("inbox", "link", str(number), "Nobody At All")["message"]
    assert "There is no conversation" in inbox.problem("inbox", "link", "9999", "Kovács Anna")["message"]
    assert "2 members match" in inbox.problem("inbox", "link", str(number), "Twin Kiss")["message"]
    anna = number_of(inbox, "Kovács Anna")
    assert "already" in inbox.problem("inbox", "link", str(anna), "Nagy Béla")["message"]
    assert inbox.data("inbox", "show", str(number))["is_linked"] is False


# --json and the table


@pytest.mark.parametrize(
    "command",
    [
        ("inbox", "list"),
        ("inbox", "list", "--all"),
        ("inbox", "show", "Called Up"),
        ("inbox", "promises"),
        ("inbox", "unanswered"),
        ("history", "Called Up"),
    ],
    ids=" ".join,
)
def test_each_view_has_a_table_and_one_json_object(inbox, command):
    assert inbox(*command, "--json").envelope["data"]
    drawn = inbox(*command, "--format", "github")
    assert drawn.code == 0
    assert "|--" in drawn.out
    assert inbox(*command, "--format", "no-such").code == 2


def test_nothing_of_a_conversation_is_in_the_log(world):
    log = world.folder / ".vipcast" / "vipcast.log"
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    for personal in (QUESTION, *(name for name in PEOPLE), *PEOPLE.values()):
        assert personal not in said
