"""The clipboard, where there is one: Windows, WSL, macOS, and Linux with xclip, xsel or wl-clipboard."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NO_CLIPBOARD = (
    "There is no clipboard here (no display, or on Linux no xclip, xsel or wl-clipboard): copy the text from "
    "above."
)


def copy(text: str) -> bool:
    """Put a text on the clipboard; return whether it is there now.

    It is read back, for the programs that do it say nothing where they reach no display, and on macOS
    spoil accents where the terminal has no UTF-8.
    """
    import pyperclip

    with _quietly():
        try:
            put, get = pyperclip.determine_clipboard()  # anew each time: the display may have gone
            put(text)
        except (RuntimeError, OSError, ValueError):  # pyperclip's own, a program that is not there
            return False
        try:
            return _lines(get()) == _lines(text)
        except UnicodeError:
            return False
        except Exception:  # noqa: BLE001 - WSL's way raises just that: what cannot be read back may well be there
            return True


def _lines(text: str) -> list[str]:
    """Return a text's lines: clipboards disagree on how they end."""
    return text.strip().splitlines()


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the helpers' words off the terminal, and our own output out of their hands.

    xclip lives on in the background with what it inherits: whoever reads our output through a pipe would
    wait for its end.
    """
    kept: dict[int, int] = {}
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            with suppress(OSError):  # closed by whoever started us
                kept[number] = os.dup(number)
                os.dup2(nowhere, number)
        yield
    finally:
        os.close(nowhere)
        for number, copied in kept.items():
            os.dup2(copied, number)
            os.close(copied)
