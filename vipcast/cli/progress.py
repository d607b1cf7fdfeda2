"""A bar for long work, where somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from vipcast.cli.terminal import Terminal

_SHORT = 3  # so few are over before a bar is seen


@contextmanager
def progress_bar(terminal: Terminal, words: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and nothing elsewhere; call what is given with how many more are done."""
    if not terminal.shows_progress or total < _SHORT:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns: list[Any] = [TextColumn(words), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda settled: progress.update(task, advance=settled)
