"""What every messenger does with things that people send: whole files or none, places as words."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MOST_LATITUDE, MOST_LONGITUDE = 90.0, 180.0


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, 0600, that stands at `path` only once all is written.

    Until then it is beside it, with the suffix `.part`; what an earlier download left there is thrown away.
    """
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            yield file
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def place(latitude: object, longitude: object, *titles: str) -> str:
    """Return a place as words: its titles, its coordinates and a link to a map that all can open.

    Coordinates that cannot be are left out; without them there is no link.
    """
    words = [title.strip() for title in titles if title.strip()]
    lat, lon = _degrees(latitude, MOST_LATITUDE), _degrees(longitude, MOST_LONGITUDE)
    if lat and lon:
        words += [f"{lat}, {lon}", f"https://www.openstreetmap.org/?mlat={lat}&mlon={lon}"]
    return "\n".join(words)


def _degrees(value: object, most: float) -> str:
    """Return degrees with six places (a decimetre); empty where it is no number of degrees."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ""
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return ""
    return f"{degrees:.6f}" if math.isfinite(degrees) and abs(degrees) <= most else ""
