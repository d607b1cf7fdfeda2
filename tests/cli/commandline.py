"""The command line as the tests use it: in this process where that is enough, else in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from support import child_environment
from typer.main import get_command
from typer.testing import CliRunner

from vipcast.cli.app import app
from vipcast.sandbox.service import Sandbox

TRACE = "Traceback (most recent call last)"
TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run came to."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """Return the one JSON object on stdout; anything else there is a fault."""
        found = json.loads(self.out)
        assert list(found) == ["ok", "data", "errors"]
        assert found["ok"] is (self.code == 0)
        for problem in found["errors"]:
            assert list(problem) == ["code", "message", "hint", "where"]
            assert all(isinstance(text, str) for text in problem.values())
        return dict(found)

    @property
    def data(self) -> Any:
        return self.envelope["data"]

    @property
    def problem(self) -> dict[str, str]:
        """Return the one problem that was reported."""
        [found] = self.envelope["errors"]
        return dict(found)

    def said(self) -> str:
        return self.out + self.err


class CommandLine:
    """Runs vipcast for one shop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, typed: str | None = None) -> Ran:
        """Run a command in this process, without a terminal; never with a trace for people."""
        words = ["--shop", str(self.folder), *map(str, arguments)]
        result = CliRunner().invoke(app, words, input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert TRACE not in result.output
        return Ran(result.exit_code, result.stdout, result.stderr)

    def data(self, *arguments: object) -> Any:
        """Run a command that must succeed and return its facts."""
        ran = self(*arguments, "--json")
        assert (ran.code, ran.envelope["errors"]) == (0, []), ran.said()
        return ran.data

    def problem(self, *arguments: object, code: int = 2) -> dict[str, str]:
        """Run a command that must fail with this code and one problem; return that."""
        ran = self(*arguments, "--json")
        assert ran.code == code, ran.said()
        return ran.problem

    def start(self, *arguments: object, **given: Any) -> subprocess.Popen[str]:
        return start("--shop", self.folder, *arguments, **given)

    def child(self, *arguments: object, **given: Any) -> Ran:
        """Run a command in a process of its own."""
        return ended(self.start(*arguments, **given))

    def settings(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "vipcast.toml").read_text(encoding="utf-8"))

    def change_settings(self, old: str, new: str, *, times: int = 1) -> None:
        path = self.folder / "vipcast.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, times), encoding="utf-8")


def start(
    *arguments: object, code: str = "", env: dict[str, str] | None = None, **given: Any
) -> subprocess.Popen[str]:
    """Start vipcast in a process of its own, without a terminal; or Python `code` that does."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given
    program = ["-c", code] if code else ["-m", "vipcast"]
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.Popen(command, env=child_environment() | (env or {}), encoding="utf-8", **given)


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert TRACE not in (out or "") + (err or "")
    return Ran(process.returncode, out or "", err or "")


@cache
def commands() -> dict[str, Any]:
    """Return every command that does something, by its words."""
    return dict(_walk(get_command(app), []))


def _walk(group: Any, words: list[str]) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        one = group.get_command(None, name)
        if hasattr(one, "list_commands"):
            yield from _walk(one, [*words, name])
        else:
            yield " ".join([*words, name]), one


class Phones:
    """What arrived in the sandbox since this was made."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen = len(sandbox.log.events)

    def messages(self) -> list[dict[str, Any]]:
        return [event for event in self._sandbox.log.after(self._seen) if event["event"] == "message"]

    def arrivals(self) -> Counter[str]:
        return Counter(event["to"] for event in self.messages())

    def wait_for(self, count: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many messages have arrived, or the process that sends them has ended."""
        while len(self.messages()) < count and process.poll() is None:
            time.sleep(0.01)
        assert len(self.messages()) >= count


def write_csv(path: Path, *lines: Sequence[str] | str) -> Path:
    """Write a CSV file with semicolons, as Excel saves it in most of Europe."""
    text = "".join((line if isinstance(line, str) else ";".join(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def sentences(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def numbers_in(text: str, word: str) -> list[int]:
    """Return the numbers that stand before a word: 3 in "3 sent"."""
    return [int(number) for number in re.findall(rf"(\d+) {word}", text)]


def narrow() -> dict[str, str]:
    return {"COLUMNS": "20", "TERM": os.environ.get("TERM", "dumb")}
