"""Who is at the other end: a person at a terminal, a program, or cron."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vipcast.errors import InputError

if TYPE_CHECKING:
    from vipcast.cli.result import Table
    from vipcast.shop import Shop


@dataclass(frozen=True, slots=True)
class Terminal:
    folder: Path | None = None  # --shop
    as_json: bool = False
    no_input: bool = False
    table_format: str = ""
    debug: bool = False

    @classmethod
    def of(cls, parent: Any, **shared: Any) -> Terminal:
        return replace(parent if isinstance(parent, Terminal) else cls(), **shared)

    def shop(self) -> Shop:
        """Open the shop that --shop, the environment or the current folder names."""
        from vipcast.cli.logfile import log_to
        from vipcast.shop import Shop

        shop = Shop.open(self.folder, os.environ)
        if shop.config.state.is_dir():
            log_to(shop.config.state)
        return shop

    @property
    def can_ask(self) -> bool:
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    @property
    def shows_progress(self) -> bool:
        return not self.as_json and sys.stderr is not None and sys.stderr.isatty()

    @property
    def in_color(self) -> bool:
        return not os.environ.get("NO_COLOR") and sys.stdout is not None and sys.stdout.isatty()

    def confirm(self, question: str, *, flag: str = "--yes") -> bool:
        """Ask yes or no.

        Raises:
            InputError: nobody can be asked; the hint names the flag.

        """
        if not self.can_ask:
            raise InputError(
                f"This needs a yes: {question}", hint=f"There is no terminal to ask at, so add {flag}."
            )
        return self._answer(f"{question} [y/N] ").strip().casefold() in {"y", "yes"}

    def ask(self, question: str, *, secret: bool = False) -> str:
        if secret:
            import getpass

            return getpass.getpass(f"{question}: ", stream=sys.stderr)
        return self._answer(f"{question}: ").strip()

    @staticmethod
    def _answer(question: str) -> str:
        """Ask on stderr, so that stdout holds nothing but the result."""
        sys.stderr.write(question)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line


def show(terminal: Terminal, view: Sequence[str | Table]) -> None:
    """Show something before a question; with --json nothing stands on stdout but the one object."""
    from vipcast.cli.result import Result, render

    if not terminal.as_json:
        render(Result(view=view), as_json=False, table_format=terminal.table_format)
