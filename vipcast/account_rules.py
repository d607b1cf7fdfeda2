"""What accounts may not be, whatever the messenger: rules that the settings and a login both keep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from vipcast.errors import ConfigError

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TERMINAL_DESK = "cli"


class AnAccount(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def messenger(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def token(self) -> object | None: ...


def desk_fault(desk: str, role: str) -> str:
    """Return what to do about a desk that cannot be; empty where it can."""
    if desk and role != "support":
        return 'Only a support account has a desk: set role = "support", or take `desk` out.'
    if _EMAIL.fullmatch(desk):
        return f'An e-mail desk is not there yet: write a group, "@colleague", "me" or "{TERMINAL_DESK}".'
    return ""


def same_twice(accounts: Iterable[AnAccount]) -> tuple[str, str] | None:
    """Return the names of two accounts of different roles that have one token."""
    seen: dict[tuple[str, object], AnAccount] = {}
    for one in accounts:
        if one.token is not None:
            other = seen.setdefault((one.messenger, one.token), one)
            if other.role != one.role:
                return other.name, one.name
    return None


def same_account(first: str, second: str, *, where: str = "") -> ConfigError:
    """Return why two accounts of different roles may not be one and the same on the messenger."""
    return ConfigError(
        f"The accounts {first!r} and {second!r} are the same one, and one of them is for support.",
        hint="A private question must not stand among the news: use another login for support, or none "
        "at all (then the terminal is the desk: vipcast inbox).",
        where=where,
    )
