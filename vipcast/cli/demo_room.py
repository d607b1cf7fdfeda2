"""The demo's act about a group with its own chat: who comes in, who does not, and who reads what where.

Everything that it tells is read from the phones of the sandbox, as its page shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vipcast.cli.result import Table
from vipcast.sandbox.customers import DEMO, Rule, Script
from vipcast.sandbox.page import Phone, ViberPhones, telegram_of
from vipcast.sandbox.page_telegram import TelegramPhones
from vipcast.sandbox.service import Sandbox

GROUP: Final = "room"
TEMPLATE: Final = "tea-evening"
_MARK: Final = "Teaest"  # stands in the announcement and nowhere else
_TEXT: Final = """\
+++
title = "Teaest"
+++
{% if group.is_chat %}Kedves Mindenki!{% else %}Kedves {{ member.first_name }}!{% endif %}

**Teaest pénteken 18 órakor**, csak ebben a körben.

Kérdésed van? Írj nekünk [privát üzenetben]({{ support.link }}), szívesen segítünk.
"""
_TUNDE, _REKA = "0e8WW/shXMvcNgCZi+4pIQ==", "BktDowPaR+Mhi0cdxBPXTA=="  # recipients/hungary.csv
_ANNA, _STRANGER = "@anna_regidivat", "@kivancsi_szomszed"
PEOPLE: Final = {  # whom the room is for: how their phones are named, on Telegram and Viber
    "Kovács Anna": (_ANNA,),
    "Bíró Gergő": ("@gergo_regidivat",),
    "Fűzesi Borbála": ("@bori_regidivat",),
    "Szűcs Tünde": (telegram_of(_TUNDE), _TUNDE),
    "Hajdú Réka": (telegram_of(_REKA), _REKA),
}
SCRIPT: Final = Script(  # all follow their links but Réka, who stays on Viber
    (
        *(rule for rule in DEMO.rule if rule.do != "follow"),
        Rule(do="follow", network="telegram"),
        Rule(do="follow", network="viber", who=_TUNDE),
    )
)
Step = tuple[str, Sequence[str], int]
INVITING: Sequence[Step] = (
    ("A VIP room: a group of its own on Telegram, in which only the shop writes.",
     ("group", "create", GROUP, "--cap", "5", "--mode", "chat", "--purpose", "Meghívások elsőként"), 0),
    ("", ("group", "add", GROUP, *PEOPLE), 0),
    ("Each gets a link of their own, wherever they are.", ("group", "invite", GROUP, "--yes"), 0),
)  # fmt: skip
LETTING_IN: Sequence[Step] = (
    ("Whoever has a seat is let in, and nobody else.", ("group", "sync", GROUP, "--yes", "--fix"), 0),
    ("One announcement: once in the room, and privately for whoever is elsewhere.",
     ("send", TEMPLATE, "--group", GROUP, "--yes"), 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """What one person's phones show: whether they are in the room, and the announcement, how often where."""

    name: str
    is_in: bool
    in_room: int
    privately: int

    @property
    def times(self) -> int:
        return self.in_room + self.privately

    def row(self) -> tuple[str, str, str]:
        places = [("in the room", self.in_room), ("privately", self.privately)]
        got = ", ".join(f"{number} × {place}" for place, number in places if number)
        return self.name, "in the room" if self.is_in else "outside", got or "nothing"


@dataclass(frozen=True, slots=True)
class Room:
    """The room as the phones show it at the end; `stranger` came with somebody else's link."""

    title: str
    readers: tuple[Reader, ...]
    stranger: Reader
    strangers_wait: int
    posts: int  # of the announcement, in the room

    @property
    def is_right(self) -> bool:
        """Everybody has it once, those in the room there; the stranger is out and has nothing."""
        placed = all(one.in_room == int(one.is_in) and one.times == 1 for one in self.readers)
        refused = not (self.stranger.is_in or self.stranger.times or self.strangers_wait)
        return placed and refused and self.posts == 1 and any(one.is_in for one in self.readers)

    @property
    def data(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "inside": [one.name for one in self.readers if one.is_in],
            "elsewhere": [one.name for one in self.readers if not one.is_in],
            "posts": self.posts,
            "privately": sum(one.privately for one in self.readers),
            "stranger_is_in": self.stranger.is_in,
            "is_right": self.is_right,
        }

    def view(self) -> list[str | Table]:
        """Tell it in words and a table."""
        inside = sum(one.is_in for one in self.readers)
        alone = sum(one.privately for one in self.readers)
        stranger = "is in" if self.stranger.is_in else "was not let in"
        rows = [one.row() for one in (*self.readers, self.stranger)]
        words = (
            f"{inside} of {len(self.readers)} came into {self.title}; the stranger {stranger}. "
            f"The announcement stands in the room {self.posts} × and went out privately {alone} ×."
        )
        return ["\n# The room, as the phones show it.", Table(("who", "is", "got"), rows), words]


def write_template(folder: Path) -> None:
    """Put the room's announcement among the templates of the demo's shop."""
    home = folder / "templates" / TEMPLATE
    home.mkdir()
    for language in ("hu", "en"):  # the shop's own, and the one that the rest falls back on
        (home / f"{language}.md").write_text(_TEXT, encoding="utf-8", newline="\n")


def follow_links(sandbox: Sandbox) -> str:
    """Let the customers do what they began, and a stranger follow Anna's link; say who waits now."""
    sandbox.call(sandbox.customers.settle())
    phones = TelegramPhones(sandbox.telegram)
    (anna,) = _of(sandbox.do(phones.phones), [_ANNA])
    link = [link for message in anna.messages for link in message.links][-1]
    sandbox.call(phones.follow(_STRANGER, link))
    names = {address: name for name, addresses in PEOPLE.items() for address in addresses}
    waiting = [
        names.get(phone.customer, "a stranger with Anna's link")
        for phone in sandbox.do(phones.phones)
        if any(not group.is_in for group in phone.groups)
    ]
    return f"At the door: {', '.join(sorted(waiting, key=[*PEOPLE, *waiting].index))}."


def look(sandbox: Sandbox) -> Room:
    """Read from the phones how the act ended."""
    telegram = TelegramPhones(sandbox.telegram)
    phones = [*sandbox.do(telegram.phones), *sandbox.do(ViberPhones(sandbox.viber).phones)]
    shop = next(phone for phone in phones if phone.is_account and phone.groups)
    (room,) = shop.groups
    strangers = _of(phones, [_STRANGER])
    return Room(
        title=room.title,
        readers=tuple(_reader(name, _of(phones, addresses)) for name, addresses in PEOPLE.items()),
        stranger=_reader("a stranger", strangers),
        strangers_wait=sum(not group.is_in for phone in strangers for group in phone.groups),
        posts=_reader("", [shop]).in_room,
    )


def _of(phones: Iterable[Phone], addresses: Sequence[str]) -> list[Phone]:
    return [phone for phone in phones if phone.customer in addresses]


def _reader(name: str, phones: Iterable[Phone]) -> Reader:
    pages = list(phones)
    found = [one.account.startswith("#") for phone in pages for one in phone.messages if _MARK in one.text]
    is_in = any(group.is_in for phone in pages for group in phone.groups)
    return Reader(name, is_in, sum(found), len(found) - sum(found))
