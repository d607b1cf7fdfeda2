"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stop_on_signals(stop: asyncio.Event, say: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Set `stop` at the first signal; restore what stood before at the second and at the end.

    `signal.signal` works on Windows too, where event loops take no signal handlers.
    """
    loop = asyncio.get_running_loop()
    names = [signal.SIGINT, signal.SIGTERM]
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)

    def asked(_number: int, _frame: FrameType | None) -> None:
        restore()
        loop.call_soon_threadsafe(stop.set)
        loop.call_soon_threadsafe(say)

    try:
        for name in names:
            before[name] = signal.signal(name, asked)
    except ValueError:  # not in the main thread: whoever runs that thread ends it
        before.clear()
    try:
        yield
    finally:
        restore()
