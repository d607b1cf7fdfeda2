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
    from vipcast.sandbox.telegram.group_model import GroupMessage, SandboxGroup
    from vipcast.sandbox.telegram.model import SandboxEntity, SandboxMessage, SandboxUser
    from vipcast.sandbox.telegram.server import TelegramSandbox

SHOWN_MESSAGES = 100  # of one phone; older ones stay in the log
SHOWN_PHONES = 200  # those with the latest messages
GROUP_MARK = "#"  # `to` names a group where it is this and the group's title
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

    `to` is an account of the shop; where not said, the one that wrote last. On Telegram it may be `#` and
    the title of a group: they write or read there, or leave it and come back.
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
        groups = self._telegram.groups()
        found = []
        for user in self._telegram.users():
            history = [] if user.is_bot else self._everything(user, groups)
            if history:
                shown = [_from_talk(one, user) for one in history[-SHOWN_MESSAGES:]]
                name = f"{user.first_name} {user.last_name}".strip()
                phone = _phone("telegram", user.label, name, shown, len(history))
                # Only programs number what they send.
                phone.is_account = any(one.sender is user and one.random_id for one in history)
                found.append(phone)
        return found

    def _everything(
        self, user: SandboxUser, groups: Sequence[SandboxGroup]
    ) -> list[SandboxMessage | GroupMessage]:
        """Return a person's private messages and those of their groups, in the order they were written."""
        found: list[SandboxMessage | GroupMessage] = list(self._telegram.history(user))
        for group in groups:
            if group.member(user.id) is not None:
                found += self._telegram.group_history(group, user)
        return sorted(found, key=lambda message: message.number)

    async def say(self, customer: str, text: str, to: str = "") -> None:
        if group := self._group(to):
            await self._telegram.say_in(group, self._user(customer), text)
        else:
            await self._telegram.say(*self._pair(customer, to), text)

    async def read(self, customer: str, to: str = "") -> None:
        if group := self._group(to):
            await self._telegram.read_in(group, self._user(customer))
        else:
            await self._telegram.read(*self._pair(customer, to))

    async def block(self, customer: str, to: str = "") -> None:
        if group := self._group(to):
            self._telegram.leave(group, self._user(customer))
        else:
            self._telegram.block(*self._pair(customer, to))

    async def unblock(self, customer: str, to: str = "") -> None:
        if group := self._group(to):
            self._telegram.join(group, self._user(customer))
        else:
            self._telegram.unblock(*self._pair(customer, to))

    def _group(self, to: str) -> SandboxGroup | None:
        if not to.startswith(GROUP_MARK):
            return None
        group = self._telegram.find_group(to.removeprefix(GROUP_MARK))
        if group is None:
            titles = ", ".join(one.title for one in self._telegram.groups()) or "none yet"
            raise InputError(f"The sandbox's Telegram has no group {to}.", hint=f"Groups: {titles}.")
        return group

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


def _from_talk(message: SandboxMessage | GroupMessage, user: SandboxUser) -> PhoneMessage:
    from vipcast.sandbox.telegram.model import SandboxMessage  # noqa: PLC0415 - not needed without Telegram

    file, text = message.media, message.text
    if isinstance(message, SandboxMessage):
        account = _account(message).label
    else:
        account = GROUP_MARK + message.group.title
        if message.action:
            names = ", ".join(person.label for person in message.people)
            text = f"[{message.action}] {names}".rstrip()
    return PhoneMessage(
        id=message.id,
        account=account,
        sender=message.sender.first_name or message.sender.label,
        is_own=message.sender is user,
        text=text,
        at=message.at.isoformat(),
        spans=[span for entity in message.entities if (span := _span(entity))],
        media=[PhoneMedia(file.kind, file.name, file.size)] if file else [],
    )


def _span(entity: SandboxEntity) -> PhoneSpan | None:
    kind = _KINDS.get(entity.kind)
    return PhoneSpan(kind, entity.offset, entity.length, entity.url) if kind else None
