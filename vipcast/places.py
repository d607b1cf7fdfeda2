"""Where a shop is, and how its files are called; light, so that `tick` with nothing to do stays so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE = "vipcast.toml"
STATE = ".vipcast"
DATABASE = "vipcast.db"


def find_folder(flag: Path | None, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return the shop's folder and where the choice came from: flag, environment or current folder."""
    if flag is not None:
        return flag.expanduser().absolute(), "--shop"
    if environ.get("VIPCAST_SHOP"):
        return Path(environ["VIPCAST_SHOP"]).expanduser().absolute(), "VIPCAST_SHOP"
    return Path.cwd(), "the current folder"
