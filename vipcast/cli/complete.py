"""Names for shell completion, read with the standard library alone: each Tab starts the program anew."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import typer

from vipcast.places import FILE, STATE

MOST = 50


def complete_groups(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, "SELECT name FROM groups WHERE name LIKE ? ORDER BY name LIMIT ?", incomplete)


def complete_members(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, "SELECT name FROM members WHERE name LIKE ? ORDER BY name LIMIT ?", incomplete)


def complete_templates(ctx: typer.Context, incomplete: str) -> list[str]:
    folder = _folder(ctx) / "templates"
    if not folder.is_dir():
        return []
    names = (p.name for p in folder.iterdir() if p.is_dir() and p.name != "replies")
    return sorted(name for name in names if name.startswith(incomplete))


def complete_accounts(ctx: typer.Context, incomplete: str) -> list[str]:
    import tomllib

    path = _folder(ctx) / FILE
    try:
        accounts = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("accounts", {})
    except (OSError, ValueError):
        return []
    return sorted(name for name in accounts if name.startswith(incomplete))


def _folder(ctx: typer.Context) -> Path:
    root = ctx.find_root()
    return Path(root.params.get("shop") or os.environ.get("VIPCAST_SHOP") or ".")


def _names(ctx: typer.Context, query: str, incomplete: str) -> list[str]:
    path = (_folder(ctx) / STATE / "vipcast.db").absolute()
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            return [row[0] for row in connection.execute(query, (incomplete + "%", MOST))]
    except sqlite3.Error:
        return []
