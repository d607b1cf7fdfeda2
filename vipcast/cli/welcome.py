"""`vipcast` alone: where one stands, and the next command."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from vipcast.errors import InputError
from vipcast.places import FILE, STATE, find_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vipcast.cli.terminal import Terminal

COUNTS = """
SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM groups WHERE closed_at IS NULL),
       (SELECT count(*) FROM memberships WHERE state = 'seated'),
       (SELECT count(*) FROM announcements WHERE NOT is_test),
       (SELECT max(id) FROM announcements WHERE state IN ('running', 'paused') AND NOT is_test),
       (SELECT max(id) FROM announcements WHERE approval = 'waiting'),
       (SELECT count(*) FROM conversations WHERE waiting_since IS NOT NULL),
       (SELECT count(*) FROM deliveries d JOIN announcements a ON a.id = d.announcement_id
        WHERE d.state IN ('queued', 'unknown', 'sending') AND d.account = 'by-hand' AND d.state = 'queued'
        AND a.state = 'running'),
       (SELECT g.name FROM groups g JOIN memberships m ON m.group_id = g.id
        WHERE m.state = 'seated' AND g.closed_at IS NULL ORDER BY g.name LIMIT 1)
"""


def welcome(terminal: Terminal) -> str:
    """Return a few lines: the shop, what it has, and what to do next."""
    import os

    folder, _ = find_folder(terminal.folder, os.environ)
    if not (folder / FILE).is_file():
        if terminal.folder is not None:
            raise InputError(
                f"There is no shop in {folder}.",
                hint=f"Make one: vipcast init {terminal.folder}",
                where=str(folder),
            )
        return (
            "There is no shop here yet.\n\n"
            "  vipcast demo          see the whole job on this machine, in half a minute\n"
            "  vipcast init myshop   make your own shop\n\n"
            "All commands: vipcast --help"
        )
    with terminal.shop() as shop:
        name, is_sandbox = shop.config.shop.name, shop.config.sandbox.enabled
        has_account = bool(shop.announcing_accounts() or shop.config.by_hand.networks)
    head = f"{name}, in {folder}" + (" (in the sandbox)" if is_sandbox else "")
    return f"{head}\n{_standing(folder, has_account=has_account)}\n\nAll commands: vipcast --help"


def _standing(folder: Path, *, has_account: bool) -> str:
    import sqlite3

    path = folder / STATE / "vipcast.db"
    members = groups = seated = announced = 0
    unfinished = unapproved = waiting = by_hand = group = None
    if path.is_file():
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                found = connection.execute(COUNTS).fetchone()
                members, groups, seated, announced, unfinished, unapproved, waiting, by_hand, group = found
        except sqlite3.Error:
            return "Its database cannot be read. Next: vipcast doctor"
    facts = (
        f"{_many(members, 'member')}, {_many(groups, 'group')} with {_many(seated, 'seat')} taken, "
        f"{_many(announced, 'announcement')}."
    )
    if waiting:
        facts += f" {_many(waiting, 'question')} waiting for an answer."
    if by_hand:
        facts += f" {by_hand} to be sent by hand."
    begins = _first_steps(has_account=has_account, members=members, groups=groups, seated=seated)
    if begins or not (announced or unfinished or unapproved or waiting):
        return f"{facts}\nNext: {begins or _first_send(folder, group)}"
    if unapproved:
        step = f"vipcast announcement approve {unapproved}   (it waits for a yes)"
    elif waiting:
        step = "vipcast inbox list"
    elif by_hand:
        step = "vipcast hand next   (to be sent by hand)"
    elif unfinished:
        step = f"vipcast announcement resume {unfinished}   (it is not finished)"
    else:
        step = "vipcast announcement show   (who got the latest one)"
    return f"{facts}\nNext: {step}"


def _first_steps(*, has_account: bool, members: int, groups: int, seated: int) -> str:
    """Return what a new shop lacks first; empty where it can send."""
    if not has_account:
        return "vipcast account add news --messenger telegram"
    if not members:
        return "vipcast member import recipients/hungary.csv   (or your own file)"
    if not groups:
        return "vipcast group create gold --cap 15"
    return "" if seated else 'vipcast group add gold "A member"   (or member import … --group gold)'


def _first_send(folder: Path, group: str | None) -> str:
    templates = sorted(p.name for p in (folder / "templates").glob("*/") if p.name != "replies")
    template = "new-collection" if "new-collection" in templates else next(iter(templates), "")
    quoted = f'"{group}"' if group and " " in group else group
    return f"vipcast send {template} --group {quoted}" if template else "vipcast template new spring-news"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
