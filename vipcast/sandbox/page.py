"""The customers' phones of both networks, as the page shows them and lets one use them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal, Protocol

import msgspec

from vipcast.errors import InputError
from vipcast.sandbox.viber import ViberSandbox
from vipcast.sandbox.viber_state import ViberMessage

SHOWN_MESSAGES = 100  # of one phone; older ones stay in the log
SHOWN_PHONES = 200  # those with the latest messages
GROUP_MARK = "#"  # `to` names a group where it is this and the group's title
ASSETS = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_LINK = re.compile(r"https://t\.me/(?:\+|joinchat/)[\w-]+", re.ASCII)


class PhoneSpan(msgspec.Struct):
    """Formatted text, counted in UTF-16 units as JavaScript counts."""

    kind: str
    offset: int
    length: int
    url: str = ""


class PhoneMedia(msgspec.Struct):
    kind: str
    name: str
    size: int = 0  # bytes; 0: the network does not tell


class PhoneMessage(msgspec.Struct, kw_only=True):
    """One message; `account` is the shop's account that it came from or went to, or `#` and a group.

    `links` are invite links that can be followed from here; a note says what happened in a group.
    """

    id: int
    account: str
    sender: str
    is_own: bool
    text: str
    at: str
    spans: list[PhoneSpan] = []
    media: list[PhoneMedia] = []
    state: str = ""
    links: list[str] = []
    is_note: bool = False


class PhoneGroup(msgspec.Struct, kw_only=True):
    """A group on a phone: one is in it, or waits until one is let in. `to` names it in a deed."""

    to: str
    title: str
    is_in: bool
    may_write: bool = False
    unread: int = 0


class GroupPerson(msgspec.Struct, kw_only=True):
    """Somebody in a group, or who waits; `customer` is how a deed names them."""

    customer: str
    name: str
    standing: str  # creator | admin | member | waiting
    is_account: bool = False
    is_deleted: bool = False


class GroupCard(msgspec.Struct, kw_only=True):
    """A group with everybody in it, as nobody's phone shows it: the sandbox knows all."""

    to: str
    title: str
    about: str
    members_write: bool
    people: list[GroupPerson]
    waiting: list[GroupPerson]


class Followed(msgspec.Struct, kw_only=True):
    """What came of following a link: in, or waiting; `customer` is who did it, on Telegram."""

    customer: str
    to: str
    is_in: bool


class Phone(msgspec.Struct, kw_only=True):
    """A customer's phone: its newest messages, and how many there are.

    `customer` is how a deed names its owner and may change; `id` stays. `at` is when something last
    happened there (ISO, UTC).
    """

    id: str
    network: Literal["telegram", "viber"]
    customer: str
    name: str
    at: str
    accounts: list[str]
    is_account: bool = False  # one of the shop's own
    is_deleted: bool = False  # its owner deleted their account
    total: int
    messages: list[PhoneMessage]
    groups: list[PhoneGroup] = []


class Names(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody calls themselves from now on; None: as before. An empty username gives it up."""

    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None


class Phones(Protocol):
    """The phones on one network, and what their owners can do with them.

    `to` is an account of the shop; where not said, the one that wrote last. On Telegram it may be `#` and
    the title of a group: they write or read there, or leave it and come back. What the network would
    refuse raises `InputError`.
    """

    def phones(self) -> list[Phone]: ...
    def groups(self) -> list[GroupCard]: ...
    async def say(self, customer: str, text: str, to: str = "") -> None: ...
    async def read(self, customer: str, to: str = "") -> None: ...
    async def block(self, customer: str, to: str = "") -> None: ...
    async def unblock(self, customer: str, to: str = "") -> None: ...
    async def follow(self, customer: str, link: str, person: str = "") -> Followed: ...
    async def rename(self, customer: str, names: Names) -> None: ...
    async def delete_account(self, customer: str) -> None: ...


def invite_links(text: str) -> list[str]:
    """Return the links into Telegram groups that stand in a text, each once."""
    return list(dict.fromkeys(_LINK.findall(text)))


def asset(path: str) -> tuple[bytes, str] | None:
    """Return content and content type of a part of the page."""
    if path not in ASSETS:
        return None
    name, content_type = ASSETS[path]
    return files(__package__).joinpath(name).read_bytes(), content_type


def accounts_of(messages: Sequence[PhoneMessage]) -> list[str]:
    """Return with whom these messages were exchanged, the latest first."""
    return list(dict.fromkeys(message.account for message in reversed(messages)))


class ViberPhones:
    """The phones with Viber. Blocking is unsubscribing; links are followed with `telegram`."""

    def __init__(self, viber: ViberSandbox, telegram: Phones | None = None) -> None:
        self._viber = viber
        self._telegram = telegram

    def phones(self) -> list[Phone]:
        found = []
        for customer in self._viber.customers:
            inbox = self._viber.inbox(customer.id)
            if inbox:
                shown = [_from_viber(message) for message in inbox[-SHOWN_MESSAGES:]]
                phone = Phone(
                    id=f"viber {customer.id}",
                    network="viber",
                    customer=customer.id,
                    name=customer.name,
                    at=shown[-1].at,
                    accounts=accounts_of(shown),
                    total=len(inbox),
                    messages=shown,
                )
                found.append(phone)
        return found

    def groups(self) -> list[GroupCard]:
        return []  # bots are in none

    async def say(self, customer: str, text: str, to: str = "") -> None:
        await self._viber.say(customer, text, to=to)

    async def read(self, customer: str, to: str = "") -> None:
        await self._viber.read(customer, to=to)

    async def block(self, customer: str, to: str = "") -> None:
        await self._viber.unsubscribe(customer, to=to)

    async def unblock(self, customer: str, to: str = "") -> None:
        await self._viber.subscribe(customer, to=to)

    async def follow(self, customer: str, link: str, person: str = "") -> Followed:
        """Follow a link with Telegram: as `person`, or as one that this customer alone has."""
        if self._telegram is None:
            raise InputError("There is no Telegram here to follow a link with.")
        return await self._telegram.follow(person or telegram_of(customer), link)

    async def rename(self, customer: str, names: Names) -> None:
        del names
        raise _telegram_only(customer)

    async def delete_account(self, customer: str) -> None:
        raise _telegram_only(customer)


def telegram_of(viber_id: str) -> str:
    """Return under which @username a customer of Viber has Telegram, where nobody says otherwise."""
    return f"@viber_{zlib.crc32(viber_id.encode()):08x}"


def _telegram_only(customer: str) -> InputError:
    return InputError(
        f"The sandbox plays this for people on Telegram only; {customer} is on Viber.",
        hint="On Viber they may unsubscribe.",
    )


def _from_viber(message: ViberMessage) -> PhoneMessage:
    media = []
    if message.media:
        name = message.file_name or message.media.partition("?")[0].rstrip("/").rpartition("/")[2]
        media.append(PhoneMedia(message.type, name))
    return PhoneMessage(
        id=message.id,
        account=message.bot,
        sender=message.sender,
        is_own=message.is_own,
        text=message.text or ("" if media else f"[{message.type}]"),
        at=message.at.isoformat(),
        media=media,
        state="" if message.is_own else message.state,
        links=invite_links(message.text),
    )
