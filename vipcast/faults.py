"""Writing down a fault of the program itself, without its words: they may name people."""

from __future__ import annotations

import logging
import traceback


def log_unexpected(log: logging.Logger, what: str, error: BaseException) -> None:
    """Log what was being done, the kind of the error and where it happened."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: unexpected %s\n%s", what, type(error).__name__, trace)
