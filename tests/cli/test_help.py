"""Every command explains itself, and the README knows it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import CommandLine, commands, ended, start
from support import child_environment

from vipcast import __version__

README = Path(__file__).parents[2] / "README.md"
NOUNS = sorted({name.split()[0] for name in commands() if " " in name})
SHARED = ("--json", "--no-input", "--format", "--debug", "--help")
HEAVY = ("sqlalchemy", "telethon", "jinja2", "openpyxl", "babel", "rich", "asyncio", "tabulate")


@pytest.fixture
def nowhere(tmp_path):
    return CommandLine(tmp_path / "nothing here")


@pytest.mark.parametrize("name", commands())
def test_help_of_a_command_has_a_sentence_its_options_and_an_example(nowhere, name):
    ran = nowhere(*name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    usage, sentence, *_ = [line for line in ran.out.splitlines() if line.strip()]
    assert usage.startswith("Usage: ")
    assert name in usage
    assert re.match(r"  [A-Z]", sentence)
    assert all(option in ran.out for option in SHARED)
    assert f"Example: vipcast {name}" in " ".join(ran.out.split())


@pytest.mark.parametrize("name", commands())
def test_example_of_a_command_is_one_that_it_takes(name, tmp_path):
    """Parsed with the command's own parser; nothing is run."""
    command = commands()[name]
    example = " ".join(command.epilog.split()).removeprefix("Example: vipcast ")
    words = shlex.split(example)[len(name.split()) :]
    context = command.make_context(name, words, resilient_parsing=False)
    assert context.params


@pytest.mark.parametrize("name", commands())
def test_every_option_and_argument_has_words_of_help(name):
    silent = [one.name for one in commands()[name].params if not getattr(one, "help", "")]
    assert silent == []


@pytest.mark.parametrize("name", commands())
def test_command_is_documented(name):
    text = README.read_text(encoding="utf-8")
    assert f"vipcast {name}" in text or f"`{name}`" in text


@pytest.mark.parametrize("noun", NOUNS)
def test_noun_alone_shows_its_commands(nowhere, noun):
    said = nowhere(noun).said()
    assert "Usage: " in said
    assert all(f"  {name.split()[1]} " in said for name in commands() if name.split()[0] == noun)


@pytest.mark.parametrize("noun", ["", *NOUNS])
def test_lists_of_commands_are_not_cut_short(nowhere, noun):
    lines = nowhere(*noun.split(), "--help").out.splitlines()
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage")] == []


def test_root_help_has_one_line_for_each_noun(nowhere):
    out = nowhere("--help").out
    for name in {name.split()[0] for name in commands()}:
        assert re.search(rf"(?m)^  {name} +[A-Z]", out), name
    assert "--shop" in out


def test_version(nowhere):
    ran = nowhere("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"vipcast {__version__}\n", "")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["sned"], "send"),
        (["membr", "list"], "member"),
        (["group", "lst"], "list"),
        (["member", "list", "--limt", "3"], "--limit"),
    ],
)
def test_slip_of_the_pen_is_answered_with_the_right_word(nowhere, given, meant):
    ran = nowhere(*given)
    assert ran.code == 2
    assert ran.out == ""
    assert meant in ran.err
    assert "  → " in ran.err


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("send", "--help"), ()])
def test_light_commands_load_nothing_heavy(tmp_path, arguments):
    trace = ended(start(*arguments, cwd=tmp_path, env={"PYTHONPROFILEIMPORTTIME": "1"})).err
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in trace.splitlines()}
    assert "vipcast" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_module_runs_as_the_program_does(tmp_path):
    code = "import runpy, sys; sys.argv = ['vipcast', '--version']; runpy.run_module('vipcast', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), cwd=tmp_path, capture_output=True, check=False
    )
    assert done.stdout.decode().strip() == f"vipcast {__version__}"
