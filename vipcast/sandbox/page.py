"""The customers' phones of both networks, as the page shows them and lets one use them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from vipcast.errors import InputError
from vipcast.sandbox.viber import ViberSandbox
from vipcast.sandbox.viber_state import ViberMessage

if TYPE_CHECKING:
    from vipcast.sandbox.telegram.model import SandboxEntity, SandboxMessage, SandboxUser
    from vipcast.sandbox.telegram.server import TelegramSandbox

SHOWN_MESSAGES = 100  # of one phone; older ones stay in the log
SHOWN_PHONES = 200  # those with the latest messages
ASSETS = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_KINDS = {  # Telegram's names of formatting -> the page's
    "Bold": "bold",
    "Italic": "italic",
    "Underline": "underline",
    "Strike": "strike",
    "Code": "code",
    "Pre": "pre",
    "Blockquote": "quote",
    "TextUrl": "link",
    "Url": "link",
}


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
    """One message; `account` is the shop's account that it came from or went to."""

    id: int
    account: str
    sender: str
    is_own: bool
    text: str
    at: str
    spans: list[PhoneSpan] = []
    media: list[PhoneMedia] = []
    state: str = ""


class Phone(msgspec.Struct, kw_only=True):
    """A customer's phone: its newest messages, and how many there are."""

    network: Literal["telegram", "viber"]
    customer: str
    name: str
    accounts: list[str]
    is_account: bool = False  # one of the shop's own
    total: int
    messages: list[PhoneMessage]


class Phones(Protocol):
    """The phones on one network, and what their owners can do with them.

    `to` is an account of the shop; where not said, the one that wrote last.
    """

    def phones(self) -> list[Phone]: ...
    async def say(self, customer: str, text: str, to: str = "") -> None: ...
    async def read(self, customer: str, to: str = "") -> None: ...
    async def block(self, customer: str, to: str = "") -> None: ...
    async def unblock(self, customer: str, to: str = "") -> None: ...


def asset(path: str) -> tuple[bytes, str] | None:
    """Return content and content type of a part of the page."""
    if path not in ASSETS:
        return None
    name, content_type = ASSETS[path]
    return files(__package__).joinpath(name).read_bytes(), content_type


def _phone(
    network: Literal["telegram", "viber"],
    customer: str,
    name: str,
    messages: Sequence[PhoneMessage],
    total: int,
) -> Phone:
    accounts = list(dict.fromkeys(message.account for message in reversed(messages)))
    return Phone(
        network=network,
        customer=customer,
        name=name,
        accounts=accounts,
        total=total,
        messages=list(messages),
    )


class ViberPhones:
    """The phones with Viber. Blocking is unsubscribing."""

    def __init__(self, viber: ViberSandbox) -> None:
        self._viber = viber

    def phones(self) -> list[Phone]:
        found = []
        for customer in self._viber.customers:
            inbox = self._viber.inbox(customer.id)
            if inbox:
                shown = [_from_viber(message) for message in inbox[-SHOWN_MESSAGES:]]
                found.append(_phone("viber", customer.id, customer.name, shown, len(inbox)))
        return found

    async def say(self, customer: str, text: str, to: str = "") -> None:
        await self._viber.say(customer, text, to=to)

    async def read(self, customer: str, to: str = "") -> None:
        await self._viber.read(customer, to=to)

    async def block(self, customer: str, to: str = "") -> None:
        await self._viber.unsubscribe(customer, to=to)

    async def unblock(self, customer: str, to: str = "") -> None:
        await self._viber.subscribe(customer, to=to)


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
    )


class TelegramPhones:
    """The phones with Telegram, the shop's own among them, but not those of bots."""

    def __init__(self, telegram: TelegramSandbox) -> None:
        self._telegram = telegram

    def phones(self) -> list[Phone]:
        found = []
        for user in self._telegram.users():
            history = [] if user.is_bot else self._telegram.history(user)
            if history:
                shown = [_from_telegram(message) for message in history[-SHOWN_MESSAGES:]]
                name = f"{user.first_name} {user.last_name}".strip()
                phone = _phone("telegram", user.label, name, shown, len(history))
                # Only programs number what they send.
                phone.is_account = any(message.is_mine and message.random_id for message in history)
                found.append(phone)
        return found

    async def say(self, customer: str, text: str, to: str = "") -> None:
        await self._telegram.say(*self._pair(customer, to), text)

    async def read(self, customer: str, to: str = "") -> None:
        await self._telegram.read(*self._pair(customer, to))

    async def block(self, customer: str, to: str = "") -> None:
        self._telegram.block(*self._pair(customer, to))

    async def unblock(self, customer: str, to: str = "") -> None:
        self._telegram.unblock(*self._pair(customer, to))

    def _pair(self, customer: str, to: str) -> tuple[SandboxUser, SandboxUser]:
        user = self._user(customer)
        if to:
            return user, self._user(to)
        history = self._telegram.history(user)
        if not history:
            raise InputError(f"Nobody has written to {customer} yet.", hint="Say to which account.")
        return user, _account(history[-1])

    def _user(self, label: str) -> SandboxUser:
        user = self._telegram.find(label)
        if user is None:
            raise InputError(
                f"Nobody on the sandbox's Telegram is reached at {label}.",
                hint="Give a phone number as +36301234567 or a @username.",
            )
        return user


def _account(message: SandboxMessage) -> SandboxUser:
    return message.to if message.is_mine else message.sender


def _from_telegram(message: SandboxMessage) -> PhoneMessage:
    file = message.media
    return PhoneMessage(
        id=message.id,
        account=_account(message).label,
        sender=message.sender.first_name or message.sender.label,
        is_own=message.is_mine,
        text=message.text,
        at=message.at.isoformat(),
        spans=[span for entity in message.entities if (span := _span(entity))],
        media=[PhoneMedia(file.kind, file.name, file.size)] if file else [],
    )


def _span(entity: SandboxEntity) -> PhoneSpan | None:
    kind = _KINDS.get(entity.kind)
    return PhoneSpan(kind, entity.offset, entity.length, entity.url) if kind else None
