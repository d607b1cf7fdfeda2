"""Pipes, code pages, terminals, missing homes: the program is the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from commandline import TIMEOUT_SECONDS, ended, narrow, start
from support import child_environment

LISTS = [("member", "list"), ("doctor",), ()]
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal or shell")


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp852"}, {"LC_ALL": "C"}], ids=str
)
def test_any_code_page_is_good_enough(vipcast, arguments, env):
    ran = vipcast.child(*arguments, env=env)
    assert ran.code in (0, 5)
    assert ran.out.strip()


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_no_home_is_needed(vipcast, arguments):
    ran = vipcast.child(*arguments, env={"HOME": "/nonexistent", "USERPROFILE": "/nonexistent"})
    assert ran.code in (0, 5)


@pytest.mark.parametrize("arguments", [("--help",), ("send", "--help"), ("member", "list")], ids=" ".join)
def test_narrow_terminal_is_wide_enough(vipcast, arguments):
    assert vipcast.child(*arguments, env=narrow()).code == 0


def test_folder_of_the_environment_and_of_the_moment(vipcast, tmp_path):
    named = ended(start("group", "list", cwd=tmp_path, env={"VIPCAST_SHOP": str(vipcast.folder)}))
    here = ended(start("group", "list", cwd=vipcast.folder))
    assert named == here
    assert "gold" in here.out


def test_flag_stands_above_the_environment(vipcast, tmp_path):
    assert vipcast.child("group", "list", env={"VIPCAST_SHOP": str(tmp_path)}).code == 0


@posix
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["people", "json"])
def test_reader_that_goes_away_is_no_fault_of_ours(vipcast, flags):
    process = vipcast.start("template", "preview", "vip-sale", "--group", "gold", *flags)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(TIMEOUT_SECONDS) in (0, 1)
    process.stderr.close()


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(vipcast, closed):
    command = f'"{sys.executable}" -m vipcast --shop "{vipcast.folder}"'
    for words, code in (("group list", 0), ("group show nope", 2)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {words} {closed}"],
            env=child_environment(),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Unexpected" in done.stderr) == (code, False), words


def on_a_terminal(vipcast, *arguments, answers=(), env=None):
    """Run a command on a terminal of its own; `answers` are (what to wait for, what to type)."""
    import pty  # noqa: PLC0415 - not on Windows

    pid, master = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes vipcast
        os.environ.update(child_environment() | {"TERM": "xterm", "COLUMNS": "80"} | (env or {}))
        os.execv(sys.executable, [sys.executable, "-m", "vipcast", "--shop", str(vipcast.folder), *arguments])  # noqa: S606 - no shell is wanted
    shown, waiting = "", list(answers)
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux says so when the other end has closed
            break
        if not part:
            break
        shown += part.decode("utf-8", "replace")
        if waiting and waiting[0][0] in shown:
            os.write(master, waiting.pop(0)[1].encode())
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return os.waitstatus_to_exitcode(status), shown


# pty.fork is the one way to a terminal; the sandbox's thread holds no lock that the child could need.
pty_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@posix
@pty_fork
@pytest.mark.parametrize(("typed", "code"), [("n\n", 3), ("\n", 3), ("no way\n", 3)])
def test_no_at_the_question_sends_nothing(online, phones, typed, code):
    ended_with, shown = on_a_terminal(online, "send", "note", "--group", "gold", answers=[("[y/N]", typed)])
    assert ended_with == code
    assert "Nothing was planned or sent." in shown
    assert phones.messages() == []


@posix
@pty_fork
def test_yes_at_the_question_sends(online, phones):
    code, shown = on_a_terminal(online, "send", "note", "--group", "gold", answers=[("[y/N]", "y\n")])
    assert code == 0
    assert shown.index("Send this to 5 members?") < shown.index("5 sent")
    assert phones.arrivals().total() == 5


@posix
@pty_fork
@pytest.mark.parametrize("typed", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_at_the_question_sends_nothing_and_says_so(online, phones, typed):
    code, shown = on_a_terminal(online, "send", "note", "--group", "gold", answers=[("[y/N]", typed)])
    assert code == 130
    assert phones.messages() == []
    assert "Interrupted" in shown


@posix
@pty_fork
def test_no_input_never_asks_even_on_a_terminal(online, phones):
    code, shown = on_a_terminal(online, "send", "note", "--group", "gold", "--no-input")
    assert code == 2
    assert "[y/N]" not in shown
    assert phones.messages() == []


@posix
@pty_fork
def test_no_color_is_obeyed(vipcast):
    preview = ("template", "preview", "new-collection", "--member", "Anna", "--messenger", "telegram")
    assert "\x1b[" not in on_a_terminal(vipcast, *preview, env={"NO_COLOR": "1"})[1]


def test_no_bar_and_no_colour_without_a_terminal(online):
    ran = online.child("send", "note", "--group", "gold", "--yes", env={"FORCE_COLOR": ""})
    assert ran.code == 0
    assert "\x1b" not in ran.said()
    assert "━" not in ran.said()


def test_two_processes_make_one_group(vipcast):
    both = [vipcast.start("group", "create", "silver") for _ in range(2)]
    assert sorted(ended(one).code for one in both) == [0, 2]
    assert len(vipcast.data("group", "list")) == 2


def test_two_imports_at_once_are_one(empty):
    file = empty.folder / "recipients" / "hungary.csv"
    started = [empty.start("member", "import", file, "--json") for _ in range(2)]
    both = [ended(one) for one in started]
    assert [one.code for one in both] == [0, 0], both
    assert sorted(one.data["added"] for one in both) == [0, 14]
    assert len(empty.data("member", "list")) == 14
