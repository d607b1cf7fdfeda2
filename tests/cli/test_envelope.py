"""--json: one object on stdout whatever happens, and nothing there but facts without it."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest
from commandline import CommandLine, commands, ended

# One good call of every command; those that are long or need the sandbox stand in ONLINE or LONG.
GOOD = {
    "init": ("init", "../another shop"),
    "doctor": ("doctor",),
    "account list": ("account", "list"),
    "account remove": ("account", "remove", "viber", "--yes"),
    "member import": ("member", "import", "recipients/hungary.csv"),
    "member list": ("member", "list"),
    "member show": ("member", "show", "Kovács Anna"),
    "member add": ("member", "add", "Új Ember", "--phone", "06 30 555 0999"),
    "member edit": ("member", "edit", "Jan", "--note", "likes blue"),
    "member opt-in": ("member", "opt-in", "Nora", "--source", "by phone"),
    "member opt-out": ("member", "opt-out", "Jan"),
    "member forget": ("member", "forget", "Jan", "--yes"),
    "member export": ("member", "export", "out.csv"),
    "group create": ("group", "create", "silver"),
    "group list": ("group", "list"),
    "group show": ("group", "show", "gold"),
    "group edit": ("group", "edit", "gold", "--cap", "18"),
    "group add": ("group", "add", "gold", "Anna"),
    "group remove": ("group", "remove", "gold", "Anna"),
    "group close": ("group", "close", "gold", "--yes"),
    "template list": ("template", "list"),
    "template show": ("template", "show", "note"),
    "template new": ("template", "new", "spring"),
    "template check": ("template", "check", "vip-sale"),
    "template preview": ("template", "preview", "note", "--group", "gold"),
    "send": ("send", "note", "--group", "gold", "--dry-run"),
    "announcement list": ("announcement", "list"),
    "hand list": ("hand", "list"),
    "why": ("why", "Anna"),
    "hours show": ("hours", "show"),
    "inbox list": ("inbox", "list"),
    "inbox note": ("inbox", "note", "Anna", "Asked for the blue one.", "--kind", "call"),
    "inbox promises": ("inbox", "promises"),
    "inbox unanswered": ("inbox", "unanswered"),
    "history": ("history", "Anna"),
    "report": ("report",),
    "schedule add": ("schedule", "add", "note", "--group", "gold", "--every", "monday@9:00"),
    "schedule list": ("schedule", "list"),
    "schedule preview": ("schedule", "preview", "0 9 * * 1"),
    "schedule crontab": ("schedule", "crontab", "--for", "cron"),
    "tick": ("tick",),
    "db check": ("db", "check"),
    "db backup": ("db", "backup"),
    "db upgrade": ("db", "upgrade"),
}
# Those that need more than one step are held to the envelope by their own tests.
ELSEWHERE = {
    "demo", "sandbox", "listen", "account add", "account check", "member link", "group move", "db restore",
    "announcement show", "announcement resume", "announcement pause", "announcement cancel", "announcement retry",
    "announcement recall", "announcement approve", "announcement reject", "announcement done",
    "hand next", "hand done", "hand skip", "group invite", "group sync", "group welcome",
    "schedule show", "schedule pause", "schedule resume", "schedule remove",
    "inbox show", "inbox reply", "inbox close", "inbox link",
}  # fmt: skip
SILENT = {"tick"}  # with nothing to do: cron mails what is said
OK_OR_FAULTS = {"doctor": 5}  # nobody is logged in

BAD = [
    ("nope",),
    ("group", "nope"),
    ("group", "create"),
    ("group", "create", "x", "--cap", "many"),
    ("group", "create", "x", "--cap", "21"),
    ("group", "create", "x", "--cup", "2"),
    ("group", "show", "gold", "more"),
    ("group", "list", "--format", "nope"),
    ("group", "show", "nope"),
    ("group", "invite", "gold"),
    ("group", "sync", "gold"),
    ("group", "sync", "nope"),
    ("group", "welcome", "gold"),
    ("group", "create", "x", "--mode", "nope"),
    ("group", "create", "x", "--mode", "by-hand"),
    ("group", "create", "x", "--mode", "by-hand", "--on", "telegraph"),
    ("group", "create", "x", "--mode", "by-hand", "--on", "viber", "--link", "not a link"),
    ("group", "create", "x", "--title", "A chat"),
    ("group", "edit", "gold", "--mode", "chat", "--language", "xx"),
    ("group", "edit", "gold", "--mode", "chat", "--picture", "nope.jpg"),
    ("group", "edit", "gold", "--mode", "chat", "--account", "viber"),
    ("send",),
    ("send", "note"),
    ("send", "nope", "--group", "gold"),
    ("send", "note", "--group", "gold"),
    ("member", "show", "Nobody"),
    ("member", "opt-in", "Anna"),
    ("member", "forget", "Anna"),
    ("member", "import", "nope.csv"),
    ("member", "import", "vipcast.toml"),
    ("template", "check", "nope"),
    ("account", "check", "nope"),
    ("account", "remove", "viber"),
    ("announcement", "show", "x"),
    ("announcement", "show", "9"),
    ("announcement", "show"),
    ("announcement", "pause", "9"),
    ("announcement", "done", "9"),
    ("hand", "done"),
    ("hand", "done", "9"),
    ("hand", "skip", "9"),
    ("hand", "done", "9", "--at", "never"),
    ("db", "restore", "nope.db"),
    ("why", "Nobody"),
    ("hours", "show", "--at", "never"),
    ("init", "."),
]


@pytest.fixture
def here(vipcast, monkeypatch):
    """The shop, with its folder as the current one."""
    monkeypatch.chdir(vipcast.folder)
    return vipcast


def test_every_command_is_held_to_the_envelope():
    assert sorted([*GOOD, *ELSEWHERE]) == sorted(commands())


@pytest.mark.parametrize("name", GOOD)
def test_good_call_is_one_object(here, name):
    ran = here(*GOOD[name], "--json")
    assert ran.code == OK_OR_FAULTS.get(name, 0), ran.said()
    assert ran.envelope["data"] is not None
    assert ran.err == "", "notes are for people"


@pytest.mark.parametrize("name", GOOD)
def test_good_call_for_people_is_no_json_and_says_something(here, name):
    ran = here(*GOOD[name])
    assert ran.code == OK_OR_FAULTS.get(name, 0), ran.said()
    assert bool(ran.out.strip()) is (name not in SILENT)
    with pytest.raises(json.JSONDecodeError):
        json.loads(ran.out)


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_call_is_one_object_with_the_reason(here, arguments):
    ran = here(*arguments, "--json")
    assert ran.code == 2, ran.said()
    problem = ran.problem
    assert problem["code"] in {"bad-usage", "bad-input"}
    assert problem["message"]
    assert ran.err == ""


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_call_for_people_is_one_line_on_stderr_and_the_next_step(here, arguments):
    ran = here(*arguments)
    assert ran.code == 2
    lines = ran.err.splitlines()
    assert len(lines) == 2, lines
    assert lines[1].startswith("  → ")
    assert len(lines[1]) > len("  → See")
    if arguments[0] != "send":  # which may show its preview first
        assert ran.out == ""


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_our_own_sentences_begin_with_a_capital_and_end(here, arguments):
    problem = here(*arguments, "--json").problem
    message = problem["message"]
    if problem["code"] != "bad-usage":  # those are the parser's
        assert message[0].isupper() or not message[0].isalpha(), message
        assert message.endswith((".", "?")), message


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("member", "import", "mixed.csv"), 4),
        (("template", "check", "torn"), 2),
        (("template", "list"), 2),
        (("doctor",), 5),
        (("account", "check"), 5),
        (("announcement", "resume"), 3),
        (("hand", "next"), 3),
        (("send", "note", "--group", "gold", "--yes"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_not_ok_has_an_error(here, arguments, code):
    (here.folder / "mixed.csv").write_text("name;phone\nA B;+36305550301\nC D;1\n", encoding="utf-8")
    (here.folder / "templates" / "torn").mkdir()
    torn = here.folder / "templates" / "torn" / "en.md"
    torn.write_text('+++\ntitle = "x"\n+++\n{{ nonsense }}\n' if arguments[1:] == ("check", "torn") else "x")
    ran = here(*arguments, "--json")
    assert ran.envelope["errors"], "a program must be told why it is not ok"
    if arguments[0] != "send":
        assert ran.code == code


def test_account_add_and_check(online):
    ran = online("account", "add", "other", "--messenger", "telegram", "--phone", "+99966150001", "--json")
    assert (ran.code, ran.problem["code"]) == (5, "setup-missing")
    assert online.data("account", "add", "other", "--code", "12345")["account"] == "other"
    assert [one["ok"] for one in online.data("account", "check")] == [True] * 4


def test_announcement_commands(online):
    online.data("send", "note", "--group", "gold", "--limit", "1", "--yes")
    assert online.data("announcement", "show")["counts"]["queued"] == 4
    assert online.data("announcement", "pause", 1) == {"announcement": 1, "state": "paused"}
    assert online.data("announcement", "resume", 1, "--limit", "1")["state"] == "paused"
    assert online.data("announcement", "cancel", 1, "--yes")["dropped"] == 3
    assert online.problem("announcement", "retry", 1, code=3)["code"] == "nothing-to-do"


def test_move_and_restore_and_link(online):
    online.data("group", "create", "silver")
    assert online.data("group", "move", "Anna", "--from", "gold", "--to", "silver")["place"] == "seated"
    file = online.data("db", "backup")["file"]
    assert online.data("db", "restore", file, "--yes")["restored"] == file
    online.data("account", "check", "viber")
    assert "viber" in online.data("member", "link", "Anna", "--account", "viber")["link"]


def test_two_unfinished_ones_are_one_object(online):
    for name in ("note", "opening-hours"):
        online.data("send", name, "--group", "gold", "--limit", "1", "--yes")
    ran = online("announcement", "resume", "--json")
    assert (ran.code, [one["state"] for one in ran.data]) == (0, ["finished", "finished"])


def test_demo_and_sandbox(empty):
    empty.change_settings("8443", "0")
    empty.change_settings("8444", "0")
    empty.change_settings("8445", "0")
    served = empty.child("sandbox", "--seconds", "0", "--json")
    assert (served.code, served.data) == (0, {"messages": 0})
    assert "127.0.0.1" in served.err
    shown = empty.child("demo", "--json")
    assert shown.code == 0, shown.said()
    assert shown.data["doubled"] == 0
    assert shown.data["arrived"]["telegram"] > 0
    room = shown.data["room"]
    assert (len(room["inside"]), room["elsewhere"]) == (4, ["Hajdú Réka"])
    assert (room["posts"], room["privately"], room["stranger_is_in"], room["is_right"]) == (1, 1, False, True)


def test_words_after_two_hyphens_are_no_flags(here):
    ran = here("group", "create", "--", "--json")
    assert ran.code == 2
    assert "'--json'" in ran.err
    assert ran.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child there")
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["people", "json"])
def test_interrupted_command_says_so(empty, flags):
    empty.change_settings("8443", "0")
    empty.change_settings("8444", "0")
    empty.change_settings("8445", "0")
    process = empty.start("demo", *flags)
    _wait_for_children(process.pid)
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert ran.code == 130
    if flags:
        assert ran.problem["code"] == "interrupted"
    else:
        assert "Interrupted" in ran.err


def _wait_for_children(pid: int) -> None:
    """Wait until the demo runs its first command, so that the signal does not meet Python's start."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("needs /proc")
    while not children.read_text():
        time.sleep(0.01)


def test_shared_flags_of_another_folder_win(vipcast: CommandLine, monkeypatch, tmp_path):
    monkeypatch.setenv("VIPCAST_SHOP", str(tmp_path / "elsewhere"))
    assert vipcast("group", "list").code == 0
