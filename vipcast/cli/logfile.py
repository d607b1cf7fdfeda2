"""Where traces go: a file in the shop's state folder, 0600, made when there is something to write."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

MAX_BYTES = 1_000_000


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> Any:
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY, 0o600))
        return super()._open()


def log_to(state: Path) -> None:
    """Write warnings and traces to the shop's log file."""
    root = logging.getLogger()
    path = state / "vipcast.log"
    if any(isinstance(h, _PrivateFile) and h.baseFilename == str(path.absolute()) for h in root.handlers):
        return
    handler = _PrivateFile(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.setLevel(logging.WARNING)
    root.addHandler(handler)
