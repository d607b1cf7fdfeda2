"""What a command returns, and the one place that prints it: for people, or one JSON object."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

from vipcast.errors import Problem


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, drawn by tabulate."""

    headers: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(slots=True)
class Result:
    """The facts in `data`; the same facts for people in `view`, in the order they are read."""

    data: Any = field(default_factory=dict)
    view: Sequence[str | Table] = ()
    problems: Sequence[Problem] = ()
    exit_code: int = 0
    is_told: bool = False  # the view says what the problems say; they are for programs


def render(result: Result, *, as_json: bool, table_format: str = "") -> None:
    """Print a result: facts on stdout, problems on stderr (with --json all of it in the one object)."""
    if as_json:
        envelope = {
            "ok": result.exit_code == 0,
            "data": result.data,
            "errors": [asdict(problem) for problem in result.problems],
        }
        _write(sys.stdout, json.dumps(envelope, ensure_ascii=False, indent=2, default=_plain))
        return
    for part in result.view:
        _write(sys.stdout, _tamed(part) if isinstance(part, str) else _draw(part, table_format))
    for problem in () if result.is_told else result.problems:
        _write(sys.stderr, _tamed(describe(problem)))


def describe(problem: Problem) -> str:
    """Return a problem in one or two lines: what and where, then the next step."""
    lines = [problem.message]
    if problem.where and problem.where not in problem.message and not _is_shown(problem):
        name = re.split(r"[/\\]", problem.where)[-1].split(":")[0]
        lines[0] = f"{problem.where}: {problem.message.removeprefix(f'{name}: ')}"
    if problem.hint:
        lines.append(f"  → {problem.hint}")
    return "\n".join(lines)


def print_now(words: str) -> None:
    """Print a part of the result before the rest is known."""
    _write(sys.stdout, words)


def note(words: str) -> None:
    """Say something beside the result, on stderr."""
    _write(sys.stderr, words)


def _is_shown(problem: Problem) -> bool:
    """A place is shown only where it is a file's; a name stands in the message already."""
    return "/" not in problem.where and "\\" not in problem.where


def _draw(table: Table, table_format: str) -> str:
    from tabulate import tabulate

    return tabulate(
        [[_cell(cell) for cell in row] for row in table.rows],
        headers=table.headers,
        tablefmt=table_format or "simple",
        disable_numparse=True,
    )


# Control characters, and those that turn the direction of what follows; joiners of emoji are let through.
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# The same in whole lines, in which tabs, weights and colours may stand; nothing that hides or blinks.
_STEERING_LINES = re.compile(
    "[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
    "|\x1b(?!\\[(?:[0-4]|9|2[2-9]|3[0-7]|9[0-7]|;)*m)"
)


def _tamed(text: str) -> str:
    """Return text of ours in which names stand that must not steer the terminal; our colours stay."""
    return text if text.isprintable() else _STEERING_LINES.sub("�", text)


def _cell(value: object) -> str:
    """Return a cell's text; control characters in people's names must not steer the terminal."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else _STEERING.sub("�", text)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _write(stream: TextIO | None, text: str) -> None:
    """Print text even where the terminal's encoding lacks a letter; nowhere, where the stream is closed."""
    if stream is None:
        return
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
