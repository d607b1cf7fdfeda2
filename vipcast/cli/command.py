"""How every command runs: its own parameters, the ones that all share, one rendering, one exit code.

Typer carries its own Click; this is the one file that touches it.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from vipcast.cli.result import Result, note, render
from vipcast.cli.terminal import Terminal
from vipcast.errors import INTERRUPTED, InputError, Interrupted, Problem, VipcastError


def _shared(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask; fail and name the flag that is missing.")
    ] = False,
    table_format: Annotated[
        str, typer.Option("--format", help="A table format of tabulate: simple, github, tsv …")
    ] = "",
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an unexpected error.")] = False,
) -> None:
    """Hold the parameters that every command has."""


@cache
def _shared_parameters() -> list[Any]:
    holder = typer.Typer(add_completion=False)
    holder.command()(_shared)
    return [one for one in get_command(holder).params if one.name != "help"]


class Command(TyperCommand):
    """A command that returns a `Result`; takes --json, --no-input, --format and --debug."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_parameters())

    def invoke(self, ctx: Any) -> Any:
        shared = {one.name: ctx.params.pop(one.name) for one in _shared_parameters()}
        terminal = ctx.obj = Terminal.of(ctx.obj, **shared)
        _check_format(terminal.table_format)
        result = super().invoke(ctx)
        if isinstance(result, Result):
            render(result, as_json=terminal.as_json, table_format=terminal.table_format)
            raise typer.Exit(result.exit_code)
        return result


class Group(TyperGroup):
    """A noun with its commands; their one line is shown whole."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, _first_line(self.get_command(ctx, name))) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _first_line(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are named: `--help` needs only their one line."""

    lazy: dict[str, tuple[str, str]] = {}  # noqa: RUF012 - filled once, in app.py

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(self.lazy)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # Click would end with the code alone, without a word
            raise Interrupted("Interrupted.", hint="What was done until then stands.") from error

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        command = get_command(import_module(self.lazy[cmd_name][0]).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self.lazy.items()])

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run and exit with the code of the contract, whatever happens on the way."""
        given = list(sys.argv[1:] if args is None else args)
        flags = given[: given.index("--")] if "--" in given else given
        as_json = "--json" in flags
        if not logging.getLogger().handlers:  # libraries' words stay off the terminal
            logging.getLogger().addHandler(logging.NullHandler())
        logging.raiseExceptions = False  # a log that cannot be written must not fill the terminal
        extra["standalone_mode"] = False  # it would exit with codes of its own
        try:
            code = super().main(given, **extra)
        except VipcastError as error:
            code = _report(error.problems, error.exit_code, as_json=as_json)
        except (KeyboardInterrupt, typer.Abort):
            code = _report([Problem(Interrupted.code, "Interrupted.")], INTERRUPTED, as_json=as_json)
        except BrokenPipeError:
            # Whoever read our output went away (`| head`); point stdout elsewhere so that exit is quiet.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except Exception as error:  # noqa: BLE001 - the last place where one is seen
            code = _unexpected(error, given, as_json=as_json)
        sys.exit(code if isinstance(code, int) else 0)


def _check_format(table_format: str) -> None:
    if not table_format:
        return
    from tabulate import tabulate_formats

    if table_format not in tabulate_formats:
        raise InputError(
            f"There is no table format {table_format!r}.",
            hint=f"Choose one of: {', '.join(tabulate_formats)}.",
        )


def _report(problems: Sequence[Problem], code: int, *, as_json: bool) -> int:
    data: Any = None if as_json else {}
    render(Result(data=data, problems=problems, exit_code=code), as_json=as_json)
    return code


def _meant(message: str, context: Any) -> str:
    """Return "did you mean" for a command that does not exist and that Click has no guess for."""
    wrong = re.match(r"No such command '(.+?)'\.?$", message)
    if not wrong or not hasattr(context.command, "list_commands"):
        return ""
    near = difflib.get_close_matches(wrong[1], context.command.list_commands(context), 1, 0.5)
    return f"Did you mean `{context.command_path} {near[0]}`? " if near else ""


def _unexpected(error: Exception, given: Sequence[str], *, as_json: bool) -> int:
    """Tell a wrong usage from a fault of ours: one line each, the trace in the log file."""
    usage = getattr(error, "format_message", None)
    if usage is not None and hasattr(error, "exit_code"):
        context = getattr(error, "ctx", None)
        hint = f"See: {context.command_path} --help" if context else "See: vipcast --help"
        message = usage()
        return _report(
            [Problem("bad-usage", message, _meant(message, context) + hint)],
            int(error.exit_code),
            as_json=as_json,
        )
    if "--debug" in given:
        note("".join(traceback.format_exception(error)))
    logging.getLogger("vipcast").error("unexpected", exc_info=error)
    hint = "Run it again with --debug to see where, and report it; nothing that was committed is lost."
    message = f"Unexpected {type(error).__name__} in vipcast."
    if isinstance(error, OSError) and error.strerror:
        place = f" ({Path(str(error.filename))})" if error.filename else ""
        message, hint = (
            f"{error.strerror}{place}.",
            "Check the disk and the file's rights, then run it again.",
        )
    return _report([Problem("unexpected", message, hint)], 1, as_json=as_json)
