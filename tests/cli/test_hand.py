"""`vipcast hand`: what there is to post, ready to paste, and who posted it; with a clipboard and without."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commandline import ended
from hand_steps import ANNA, BELA, INVITE, by_hand, chat_group, people
from sqlalchemy import update
from support import add_group, add_member, announce, opt_out, rows, write_template

from vipcast.cli.hand_views import waiting_words
from vipcast.delivery import hand
from vipcast.shop import Shop
from vipcast.storage.tables import deliveries

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and terminal")
TURNED = "Evil\u202edaeh\x1b[2J"
PICTURE = bytes.fromhex("89504e470d0a1a0a") + b"a picture"
# As xclip: what it copied stays with a process of its own, which holds whatever output it was given.
XCLIP = """#!/bin/sh
[ "$3" = -o ] && exec cat "{kept}"
[ -n "$FAKE_XCLIP_FAILS" ] && {{ echo "Error: Can't open display: $DISPLAY" >&2; exit 1; }}
cat > "{kept}"
( while [ -e "{kept}" ]; do sleep 0.1; done ) &
"""


@pytest.fixture
def shop(empty):
    """The command line for a shop that posts by hand, with three people who are reached in no other way."""
    by_hand(empty.folder)
    with opened(empty) as shop:
        people(shop)
    return empty


@pytest.fixture
def clipboard(tmp_path, monkeypatch):
    """A screen with a clipboard; returns the file that stands for what is on it."""
    kept, program = tmp_path / "on the clipboard", tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(XCLIP.format(kept=kept), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield kept
    kept.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def no_screen_of_the_testers(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def opened(vipcast):
    return Shop.open(vipcast.folder, {})


def plan(vipcast, *groups, template="note"):
    with opened(vipcast) as shop:
        return announce(shop, groups or ("gold",), template=template)


def ledger(vipcast):
    with opened(vipcast) as shop:
        return [(row.state, row.author) for row in rows(shop)]


def make_late(vipcast):
    with opened(vipcast) as shop, shop.database.write() as connection:
        hand.plan_due(connection, shop.hand_due_at)
        connection.execute(update(deliveries).values(due_at=shop.now() - timedelta(minutes=1)))


class TestList:
    def test_it_says_what_to_whom_where_and_by_when(self, shop):
        plan(shop)
        make_late(shop)
        ran = shop("hand", "list")
        assert ran.code == 0
        head, _, anna, bela, cili, after = ran.out.splitlines()
        assert head.split() == ["number", "announcement", "to", "network", "due", "late?"]
        assert (anna.split()[:3], anna.split()[-1]) == (["1", "1", "note"], "late")
        assert "Kovács Anna" in anna
        assert "WhatsApp" in anna
        assert "Snapchat" in bela
        assert "Tóth Cili" in cili
        assert after == "Next: vipcast hand next"

    def test_programs_get_the_same(self, shop):
        plan(shop)
        one, two, three = shop.data("hand", "list")
        assert (one["number"], one["announcement"], one["member"], one["group"]) == (1, 1, "Kovács Anna", "")
        assert (one["messenger"], one["address"], one["link"]) == (*ANNA, "https://wa.me/36301234567")
        assert (one["text"], one["is_late"], one["state"]) == ("News for Kovács Anna.", False, "queued")
        assert datetime.fromisoformat(one["due_at"]) > datetime.now(UTC)
        assert (two["address"], three["link"]) == (BELA[1], "tel:+36201234567")

    def test_nothing_is_nothing(self, shop):
        assert shop("hand", "list").out == "Nothing is to be sent by hand.\n"
        assert shop.data("hand", "list") == []

    def test_a_name_does_not_steer_the_terminal(self, shop):
        with opened(shop) as one:
            add_group(one, "odd", [add_member(one, TURNED, ("whatsapp", "+36709999999"))])
        plan(shop, "odd")
        for words in (("list",), ("next",), ("done", 1), ("done", 1)):
            said = shop("hand", *words).said()
            assert "Evil" in said
            assert "\x1b" not in said
            assert "\u202e" not in said


class TestNext:
    def test_all_that_it_takes_is_shown(self, shop):
        plan(shop)
        ran = shop("hand", "next", "--no-input")
        assert ran.code == 0
        for words in (
            "A note, announcement 1, due ", "3 to be sent by hand", "To Kovács Anna, WhatsApp +36301234567",
            "\nNews for Kovács Anna.\n", "Open: https://wa.me/36301234567", "There is no clipboard here",
            "Once it is posted: vipcast hand done 1   (or: vipcast hand skip 1)",
        ):  # fmt: skip
            assert words in ran.out
        assert ledger(shop) == [("queued", "")] * 3

    def test_a_groups_chat_with_its_picture(self, shop):
        with opened(shop) as one:
            chat_group(one, members=[1, 2])
        write_template(shop.folder, "all", '+++\ntitle = "x"\nmedia = ["new.png"]\n+++\n**New** & <old>!\n')
        (shop.folder / "templates" / "all" / "new.png").write_bytes(PICTURE)
        plan(shop, "vip", template="all")
        data = shop.data("hand", "next")
        assert (data["group"], data["link"], data["text"]) == ("vip", INVITE, "*New* & <old>!")
        [picture] = data["media"]
        assert Path(picture["path"]).read_bytes() == PICTURE
        ran = shop("hand", "next")
        assert f"Picture new.png: {picture['path']}\nOpen: {INVITE}\n" in ran.out
        assert "To the group vip, Viber\n" in ran.out

    def test_a_call_has_words_to_say(self, shop, clipboard):
        plan(shop)
        shop.data("hand", "done", 1, 2)
        ran = shop("hand", "next")
        assert "What to say:" in ran.out
        assert "Open: tel:+36201234567" in ran.out
        assert "Once it is called: vipcast hand done 3" in ran.out
        assert not clipboard.exists(), "there is nothing to paste"
        shop.data("hand", "done", 3, "--note", "no answer")
        with opened(shop) as one:
            assert rows(one)[2].words == "no answer"

    def test_none_left(self, shop):
        problem = shop.problem("hand", "next", code=3)
        assert problem["code"] == "nothing-to-do"

    @posix
    def test_the_text_is_on_the_clipboard_exactly(self, shop, clipboard):
        write_template(shop.folder, "odd", '+++\ntitle = "x"\n+++\nŐszi *kabátok* „már"\n\n- 50 % 🧥 `kód`\n')
        plan(shop, template="odd")
        ran = shop("hand", "next", "--no-input")
        assert "The text is on the clipboard." in ran.out
        kept = clipboard.read_text(encoding="utf-8")
        assert kept == 'Őszi _kabátok_ „már"\n\n• 50 % 🧥 `kód`'
        assert f"\n{kept}\n" in ran.out
        assert shop.data("hand", "next")["is_on_clipboard"] is True

    @posix
    def test_whoever_reads_through_a_pipe_does_not_wait_for_the_clipboard(self, shop, clipboard):
        plan(shop)
        ran = shop.child("hand", "next")  # whose end is awaited as `vipcast hand next | less` would
        assert clipboard.exists(), "the clipboard's process still lives"
        assert (ran.code, ran.err) == (0, "")
        assert "The text is on the clipboard." in ran.out

    @posix
    def test_a_display_that_is_gone_is_no_clipboard(self, shop, clipboard, monkeypatch):
        clipboard.write_text("what was there before", encoding="utf-8")
        monkeypatch.setenv("FAKE_XCLIP_FAILS", "1")
        plan(shop)
        ran = shop.child("hand", "next")
        assert (ran.code, ran.err) == (0, ""), "xclip's own words are not ours"
        assert "There is no clipboard here" in ran.out


@posix
class TestAsked:
    """At a terminal, which for a program is a pair of pseudo-terminals."""

    def ask(self, vipcast, typed, *flags):
        ours, theirs = os.openpty()
        try:
            process = vipcast.start("hand", "next", *flags, stdin=theirs)
            os.write(ours, f"{typed}\n".encode())
            return ended(process)
        finally:
            os.close(ours)
            os.close(theirs)

    @pytest.mark.parametrize(
        ("typed", "state", "said"),
        [
            ("y", "sent", "1, to Kovács Anna: done by Zita"),
            ("s", "skipped", "1, to Kovács Anna: skipped by Zita"),
            ("", "queued", "Left as it is"),
            ("no", "queued", "Left as it is"),
        ],
    )
    def test_what_is_answered_is_noted(self, shop, typed, state, said):
        plan(shop)
        ran = self.ask(shop, typed, "--by", "Zita")
        assert ran.code == 0
        assert said in ran.out
        assert "Sent? (y = done, s = skip, anything else: leave it)" in ran.err
        assert ran.out.index("News for Kovács Anna.") < ran.out.index(said)
        assert [one for one, _ in ledger(shop)] == [state, "queued", "queued"]

    @pytest.mark.parametrize("flag", ["--no-input", "--json"])
    def test_whoever_wants_no_question_is_not_asked(self, shop, flag):
        plan(shop)
        ran = self.ask(shop, "y", flag)
        assert (ran.code, ran.err) == (0, "")
        assert [one for one, _ in ledger(shop)] == ["queued"] * 3


class TestDone:
    def test_it_names_who_and_when_and_what_is_left(self, shop):
        plan(shop)
        ran = shop("hand", "done", 1, 2, "--by", "Zita")
        assert ran.code == 0
        assert "1, to Kovács Anna: done by Zita, " in ran.out
        assert ran.out.endswith("1 to be sent by hand: vipcast hand next\n")
        ran = shop("hand", "skip", 3, "--why", "was here")
        assert "Announcement 1 is finished." in ran.out
        assert [state for state, _ in ledger(shop)] == ["sent", "sent", "skipped"]
        assert all(author for _, author in ledger(shop)), "the computer's user, if nobody else is named"

    def test_the_time_is_the_shops(self, shop):
        plan(shop)
        shop.data("hand", "done", 1)
        with opened(shop) as one, one.database.write() as connection:
            connection.execute(update(deliveries).values(planned_at=datetime(2026, 1, 1, tzinfo=UTC)))
        data = shop.data("hand", "done", 2, "--at", "2026-01-22 10:00")
        assert datetime.fromisoformat(data["noted"][0]["sent_at"]) == datetime(2026, 1, 22, 9, tzinfo=UTC)
        assert data["announcements"] == [{"announcement": 1, "state": "running"}]

    def test_twice_is_no_error_but_said(self, shop):
        plan(shop)
        shop.data("hand", "done", 1, "--by", "Zita")
        ran = shop("hand", "done", 1, "--by", "Éva")
        assert ran.code == 3
        assert "1, to Kovács Anna: not noted: it is done already, by Zita, " in ran.out
        assert shop.problem("hand", "done", 1, code=3)["code"] == "not-noted"
        ran = shop("hand", "done", 1, 2)
        assert ran.code == 0, "what was to be noted is"
        assert ledger(shop)[0] == ("sent", "Zita")

    def test_who_may_not_get_it_any_more_is_partly(self, shop):
        plan(shop)
        with opened(shop) as one:
            opt_out(one, 1)
        ran = shop("hand", "done", 1, 2, "--json")
        assert ran.code == 4
        assert [one["number"] for one in ran.data["noted"]] == [2]
        assert ran.data["not_noted"][0]["why_not"] == "opted out"
        assert shop("hand", "done", 1).code == 3

    @pytest.mark.parametrize(
        "words",
        [
            ("done", 9),
            ("skip", 9),
            ("done", 1, "--at", "never"),
            ("done", 1, "--at", "2199-01-01 10:00"),
            ("done",),
        ],
        ids=str,
    )
    def test_what_cannot_be(self, shop, words):
        plan(shop)
        assert shop.problem("hand", *words)["hint"]
        assert ledger(shop) == [("queued", "")] * 3

    def test_of_a_cancelled_announcement(self, shop):
        plan(shop)
        shop.data("announcement", "cancel", 1, "--yes")
        assert shop.data("hand", "list") == []
        assert "the announcement was cancelled" in shop("hand", "done", 1).out

    def test_of_a_paused_one_nothing_is_shown(self, shop):
        plan(shop)
        shop.data("announcement", "pause", 1)
        assert shop.data("hand", "list") == []
        assert "resume 1" in shop.problem("announcement", "done", 1, code=3)["hint"]


class TestAnnouncementDone:
    def test_all_that_is_open_of_it(self, shop):
        plan(shop)
        shop.data("hand", "skip", 2)
        data = shop.data("announcement", "done", 1, "--by", "Zita")
        assert [one["number"] for one in data["noted"]] == [1, 3]
        assert data["announcements"] == [{"announcement": 1, "state": "finished"}]
        assert shop.problem("announcement", "done", 1, code=3)["code"] == "nothing-to-do"

    def test_another_ones_stay(self, shop):
        plan(shop)
        plan(shop, template="opening-hours")
        shop.data("announcement", "done", 1)
        assert {one["announcement"] for one in shop.data("hand", "list")} == {2}

    def test_one_that_is_not_there(self, shop):
        assert shop.problem("announcement", "done", 9)["hint"]


class TestElsewhere:
    def test_vipcast_alone_and_doctor_name_it(self, shop):
        plan(shop)
        make_late(shop)
        assert "3 to be sent by hand." in shop().out
        assert "Next: vipcast hand next" in shop().out
        found = [one for one in shop("doctor", "--json").data if "by hand" in one["what"]]
        assert [one["what"] for one in found] == ["3 to be sent by hand, 3 of them late."]

    def test_tick_says_once_on_stderr_what_is_late(self, shop):
        plan(shop)
        assert shop("tick").said() == ""
        make_late(shop)
        ran = shop.child("tick")
        assert (ran.code, ran.out) == (0, "")
        assert ran.err == "Not yet sent by hand, and late: 1, 2, 3. See `vipcast hand list`.\n"
        assert shop("tick").said() == ""

    def test_tick_tells_programs(self, shop):
        plan(shop)
        make_late(shop)
        ran = shop("tick", "--json")
        assert (ran.code, ran.data["late_by_hand"], ran.problem["code"]) == (0, [1, 2, 3], "late-by-hand")

    def test_tick_says_by_when_what_a_schedule_planned_is_due(self, shop):
        plan(shop)
        shop("tick")
        with opened(shop) as one:
            assert all(row.due_at for row in rows(one))

    def test_no_text_and_no_name_gets_into_the_log(self, shop):
        plan(shop)
        for words in (("next",), ("done", 1), ("done", 1), ("done", 9)):
            shop("hand", *words)
        log = "".join(path.read_text("utf-8") for path in (shop.folder / ".vipcast").glob("*.log*"))
        assert not [word for word in ("Kovács", "News for", ANNA[1]) if word in log]

    def test_what_send_says_of_it(self):
        assert waiting_words(2) == "2 to be sent by hand: vipcast hand next"
        assert waiting_words(0) == ""
