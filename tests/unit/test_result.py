"""One rendering: facts on stdout, problems on stderr; or one JSON object."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from vipcast.cli.result import Result, Table, describe, note, render
from vipcast.errors import Problem

PROBLEM = Problem("bad-input", "That is wrong.", "Do it so.", "")


@dataclass
class Fact:
    name: str
    at: datetime


def envelope(capsys, result):
    render(result, as_json=True)
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_view_is_printed_in_its_order(capsys):
    render(Result(view=["first", Table(("a", "b"), [(1, None), ("x", "")]), "last"]), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1]) == ("first", "last")
    assert lines[1].split() == ["a", "b"]
    assert "None" not in "".join(lines)


def test_problems_are_printed_on_stderr(capsys):
    render(Result(view=["fact"], problems=[PROBLEM]), as_json=False)
    out, err = capsys.readouterr()
    assert (out, err) == ("fact\n", "That is wrong.\n  → Do it so.\n")


def test_envelope_has_all(capsys):
    assert envelope(capsys, Result(data={"n": 1}, view=["not shown"], problems=[PROBLEM], exit_code=4)) == {
        "ok": False,
        "data": {"n": 1},
        "errors": [{"code": "bad-input", "message": "That is wrong.", "hint": "Do it so.", "where": ""}],
    }


@pytest.mark.parametrize(("code", "ok"), [(0, True), (1, False), (3, False), (4, False), (130, False)])
def test_ok_is_exit_code_nought_alone(capsys, code, ok):
    assert envelope(capsys, Result(exit_code=code))["ok"] is ok


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (datetime(2026, 11, 21, 9, tzinfo=UTC), "2026-11-21T09:00:00+00:00"),
        (date(2026, 11, 21), "2026-11-21"),
        (Path("a") / "b", str(Path("a") / "b")),
        ({"x"}, ["x"]),
        ((1, 2), [1, 2]),
        (Fact("ő", datetime(2026, 1, 1, tzinfo=UTC)), {"name": "ő", "at": "2026-01-01T00:00:00+00:00"}),
        (None, None),
    ],
)
def test_values_become_plain(capsys, value, plain):
    assert envelope(capsys, Result(data={"value": value}))["data"] == {"value": plain}


def test_letters_stay_letters_in_json(capsys):
    render(Result(data="Őze אב 🎉"), as_json=True)
    assert "Őze אב 🎉" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\x07b", "a\x00b", "a\x9bb"])
def test_control_characters_in_a_cell_are_replaced(capsys, name):
    render(Result(view=[Table(("name",), [(name,)])]), as_json=False)
    out = capsys.readouterr().out
    assert not [character for character in out if not character.isprintable() and character != "\n"]


@pytest.mark.parametrize("number", ["+36305550101", "007", "1e5", "12.50"])
def test_numbers_in_cells_stay_as_they_are(capsys, number):
    render(Result(view=[Table(("n",), [(number,)])]), as_json=False)
    assert number in capsys.readouterr().out


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("c", "Wrong."), "Wrong."),
        (Problem("c", "Wrong.", "Do."), "Wrong.\n  → Do."),
        (Problem("c", "Wrong.", "Do.", "/shop/a.csv:3"), "/shop/a.csv:3: Wrong.\n  → Do."),
        (Problem("c", "/shop/a.csv is wrong.", "", "/shop/a.csv"), "/shop/a.csv is wrong."),
        (Problem("c", "No group 'x'.", "", "x"), "No group 'x'."),
        (Problem("c", "Wrong.", "", "C:\\shop\\a.csv:3"), "C:\\shop\\a.csv:3: Wrong."),
    ],
)
def test_problem_is_described_with_its_place_once(problem, said):
    assert describe(problem) == said


def test_note_goes_to_stderr(capsys):
    note("by the way")
    assert capsys.readouterr() == ("", "by the way\n")


def test_letters_that_a_terminal_lacks_are_replaced(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    render(Result(view=["Őze and more"]), as_json=False)
    assert stream.buffer.getvalue() == b"?ze and more\n"


def test_stdout_that_is_closed_is_no_fault(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    render(Result(data={}, view=["x"]), as_json=False)
