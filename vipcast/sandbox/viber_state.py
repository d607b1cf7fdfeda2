"""What the Viber sandbox knows: bots, customers, subscriptions and the messages on each phone.

Every change is appended to a journal of JSON lines as it happens and read back at the next start, so the
customers' phones survive a restart. A last line cut short by a killed process is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from vipcast.errors import StorageError
from vipcast.sandbox.events import OWNER_ONLY
from vipcast.sandbox.viber_rules import Refusal, Status, keyboard_fault

FIRST_TOKEN = 4_912_661_846_655_238_145  # the real ones lie beyond 2**53 as well: no float can hold them
MAX_UNANSWERED = 100  # messages to one customer in one clock hour without a reply
SESSION = timedelta(hours=24)  # after the customer wrote; messages inside it are free
AUTO_TOKEN = "sandbox-"  # noqa: S105 - a prefix, not a secret
NOT_REGISTERED = "gone"
NOT_SUBSCRIBED = "stranger"

MessageState = Literal["accepted", "delivered", "seen", "failed"]


class _Entry(msgspec.Struct, tag_field="entry", kw_only=True):
    """What the journal holds, one a line."""


class Bot(_Entry, tag="bot"):
    """A bot; `event_types` None means all. Without `needs_webhook` it may send as it stands."""

    token: str
    name: str
    uri: str  # names the bot wherever the token must not show
    webhook: str = ""
    event_types: list[str] | None = None
    send_name: bool = False
    needs_webhook: bool = True
    channel_admin: str = ""  # who may post into its channel; empty: it has none


class Customer(_Entry, tag="customer"):
    id: str
    name: str = ""
    language: str = "en"
    country: str = "GB"
    is_subscribed: bool = True  # to bots of which nothing else is known
    is_online: bool = True
    phone: str = ""  # what a share-phone button gives away


class Subscription(_Entry, tag="subscription"):
    bot: str
    customer: str
    is_on: bool


class StoredMedia(_Entry, tag="media"):
    """A picture, video or file that a customer sent, under the token of its address."""

    token: str
    customer: str
    name: str
    mime: str
    content: bytes


class ViberButton(msgspec.Struct, frozen=True):
    """A button under a bot's message; `action` is Viber's ActionType, `body` its ActionBody."""

    text: str
    body: str
    action: str = "reply"


def buttons_of(data: Mapping[str, Any]) -> tuple[ViberButton, ...]:
    """Return the buttons that a message in a request shows; none of a keyboard that no app can show."""
    if data.get("keyboard") is None or keyboard_fault(data):
        return ()
    return tuple(
        ViberButton(
            str(button.get("Text") or ""), str(button["ActionBody"]), button.get("ActionType", "reply")
        )
        for button in data["keyboard"]["Buttons"]
    )


class ViberMessage(_Entry, tag="message"):
    """A message on a customer's phone, from the shop's bot or (`is_own`) written by the customer."""

    id: int
    token: int
    bot: str
    customer: str
    is_own: bool
    sender: str
    type: str
    text: str
    media: str
    file_name: str
    tracking_data: str
    at: datetime
    state: MessageState = "accepted"
    is_welcome: bool = False
    buttons: tuple[ViberButton, ...] = ()


class Receipt(_Entry, tag="receipt"):
    token: int
    customer: str
    state: MessageState


Entry = Bot | Customer | Subscription | StoredMedia | ViberMessage | Receipt


class ViberState:
    """The sandbox's memory. One event loop uses it."""

    def __init__(self, path: Path | None = None, *, auto_customers: bool = True) -> None:
        self.bots: dict[str, Bot] = {}  # by token
        self.customers: dict[str, Customer] = {}
        self.phones: dict[str, list[ViberMessage]] = {}
        self.media: dict[str, StoredMedia] = {}  # by token
        self._auto_customers = auto_customers
        self._subscriptions: dict[tuple[str, str], bool] = {}
        self._unanswered: dict[tuple[str, str], tuple[datetime, int]] = {}
        self._answered_at: dict[tuple[str, str], datetime] = {}
        self._by_token: dict[tuple[int, str], ViberMessage] = {}
        self._next_token = FIRST_TOKEN
        self._count = 0
        self._path = path
        self._encode = msgspec.json.Encoder().encode
        self._journal: BinaryIO | None = None
        self._is_read = False

    def open(self) -> None:
        """Read the journal back and go on writing it."""
        if self._path is None:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), OWNER_ONLY)
            self._journal = os.fdopen(descriptor, "r+b", buffering=0)
            content = self._journal.read()
            whole = content.rfind(b"\n") + 1
            if not self._is_read:  # stopped and started again, it remembers
                self._replay(content[:whole])
                self._is_read = True
            self._journal.truncate(whole)
            self._journal.seek(whole)
        except StorageError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise StorageError(
                f"The Viber sandbox cannot use its journal {self._path}: {error.strerror}.",
                hint="Give the sandbox a folder that you may write to.",
                where=str(self._path),
            ) from error

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _replay(self, content: bytes) -> None:
        decode = msgspec.json.Decoder(Entry).decode
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                self._apply(decode(line))
            except msgspec.MsgspecError as error:
                raise StorageError(
                    f"Line {number} of the sandbox's journal is damaged: {error}.",
                    hint="Delete this file; the sandbox starts with empty phones.",
                    where=f"{self._path}:{number}",
                ) from error

    def store(self, entry: Entry) -> None:
        """Apply a change and write it down."""
        self._apply(entry)
        if self._journal is not None:
            self._journal.write(self._encode(entry) + b"\n")

    def _apply(self, entry: Entry) -> None:
        match entry:
            case ViberMessage():
                self._apply_message(entry)
            case Receipt():
                self._by_token[entry.token, entry.customer].state = entry.state
            case Bot():
                self.bots[entry.token] = entry
            case Customer():
                self.customers[entry.id] = entry
            case StoredMedia():
                self.media[entry.token] = entry
            case Subscription():
                self._subscriptions[entry.bot, entry.customer] = entry.is_on

    def _apply_message(self, message: ViberMessage) -> None:
        pair = (message.bot, message.customer)
        self.phones.setdefault(message.customer, []).append(message)
        self._by_token[message.token, message.customer] = message
        self._next_token = max(self._next_token, message.token + 1)
        self._count = max(self._count, message.id)
        if message.is_own:
            self._answered_at[pair] = message.at
            self._unanswered.pop(pair, None)
        elif not message.is_welcome:
            hour = _clock_hour(message.at)
            self._unanswered[pair] = (hour, self._unanswered_in(hour, pair) + 1)

    def _unanswered_in(self, hour: datetime, pair: tuple[str, str]) -> int:
        counted_hour, count = self._unanswered.get(pair, (hour, 0))
        return count if counted_hour == hour else 0

    def new_token(self) -> int:
        """Return a message token that was never used."""
        self._next_token += 1
        return self._next_token

    def new_id(self) -> int:
        self._count += 1
        return self._count

    def bot_for(self, token: str) -> Bot | None:
        """Return the bot of a token; one that starts with `sandbox-` is made when first seen."""
        bot = self.bots.get(token)
        if bot is None and token.startswith(AUTO_TOKEN) and token != AUTO_TOKEN:
            name = token.removeprefix(AUTO_TOKEN)
            uri = token if self.bot_by_uri(name) else name
            bot = Bot(token=token, name=name, uri=uri, needs_webhook=False)
            self.store(bot)
        return bot

    def bot_by_uri(self, uri: str) -> Bot | None:
        return next((bot for bot in self.bots.values() if bot.uri == uri), None)

    def customer_for(self, customer_id: str) -> Customer | None:
        """Return a customer, made when first seen unless the sandbox knows only those added to it."""
        customer = self.customers.get(customer_id)
        if customer is None and self._auto_customers and not customer_id.startswith(NOT_REGISTERED):
            is_subscribed = not customer_id.startswith(NOT_SUBSCRIBED)
            customer = Customer(id=customer_id, name=customer_id, is_subscribed=is_subscribed)
            self.store(customer)
        return customer

    def is_subscribed(self, bot: Bot, customer: Customer) -> bool:
        return self._subscriptions.get((bot.uri, customer.id), customer.is_subscribed)

    def reachable(self, bot: Bot, customer_id: str) -> Customer:
        """Return the customer if the bot may write to them.

        Raises:
            Refusal: receiverNotRegistered or notSubscribed.

        """
        customer = self.customer_for(customer_id)
        if customer is None:
            raise Refusal(Status.receiverNotRegistered)
        if not self.is_subscribed(bot, customer):
            raise Refusal(Status.notSubscribed)
        return customer

    def check_unanswered(self, bot: Bot, customer: Customer, now: datetime) -> None:
        """Hold the rule of 100 messages in a clock hour without a reply.

        Raises:
            Refusal: tooManyRequests.

        """
        if self._unanswered_in(_clock_hour(now), (bot.uri, customer.id)) >= MAX_UNANSWERED:
            raise Refusal(
                Status.tooManyRequests,
                f"over {MAX_UNANSWERED} messages in an hour without a reply from the user",
            )

    def is_in_session(self, bot: Bot, customer: Customer, now: datetime) -> bool:
        answered_at = self._answered_at.get((bot.uri, customer.id))
        return answered_at is not None and now - answered_at < SESSION

    def messages_of(self, bot: Bot, customer_id: str) -> list[ViberMessage]:
        """Return the talk of a customer with one bot, oldest first."""
        return [message for message in self.phones.get(customer_id, []) if message.bot == bot.uri]


def _clock_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
