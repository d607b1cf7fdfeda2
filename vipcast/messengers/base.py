"""The contract between vipcast and a messenger.

A messenger sends, edits or takes back one message with one request: no retry, no sleep, no database. It
names what went wrong; only `delivery/` turns an error into a state. A new messenger is one new file here
with a `MESSENGER` class, and a simulator in `sandbox/`; it is found by walking the folder.

    SendError
    ├── Throttled           the server named a waiting time; surely not accepted
    ├── Unreachable         the network is; surely not accepted
    ├── OutcomeUnknown      may have been accepted
    ├── Rejected            this content will never be accepted
    ├── AddressInvalid      nobody is reached at this address
    ├── RecipientStopped    the person blocked us or left
    ├── WindowClosed        the messenger's reply window is over
    └── AccountProblem      the account, not the delivery
        ├── LoginLost       log in again
        └── AccountStopped  limited, banned or suspended by the messenger
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from vipcast.config import Account
from vipcast.errors import SetupMissing, VipcastError
from vipcast.messengers.base_chats import Chat, ChatKeeper

MediaKind = Literal["picture", "video", "voice", "file"]
AttachmentKind = Literal["picture", "video", "voice", "file", "sticker", "location", "contact", "other"]


class Formatting(enum.StrEnum):
    """How a messenger wants its formatting written."""

    ENTITIES = "entities"  # plain text and spans counted in UTF-16 units (Telegram)
    PLAIN = "plain"  # nothing but text; links written out (Viber bots)
    WHATSAPP = "whatsapp"  # *bold* _italic_ ~strike~ ```code```
    HTML = "html"  # e-mail, with a text twin


class Unit(enum.StrEnum):
    """What a messenger's limits count."""

    UTF16 = "utf16"
    CHARACTERS = "characters"
    BYTES = "bytes"

    def length(self, text: str) -> int:
        """Return the length of `text` in this unit."""
        if self is Unit.UTF16:
            return len(text.encode("utf-16-le")) // 2
        return len(text.encode()) if self is Unit.BYTES else len(text)


@dataclass(frozen=True, slots=True)
class Rate:
    """A pace: `burst` at once, then `per_second`. Zero `per_second` means as fast as it goes."""

    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a messenger can do, with the provider's limits."""

    text_limit: int
    unit: Unit
    caption_limit: int
    formatting: Formatting
    media: Literal["upload", "url"]
    media_kinds: frozenset[MediaKind]
    media_bytes: Mapping[MediaKind, int]
    album_limit: int  # how many media one message carries; 1 = no albums
    idempotent: bool  # a repeated request with the same key is one message
    in_flight: int  # how many requests may be under way at once
    rate: Rate
    receipts: frozenset[str] = frozenset()
    inbound: Literal["push", "webhook", "none"] = "none"
    reply_window: timedelta | None = None
    caption_kinds: frozenset[MediaKind] = frozenset({"picture", "video", "file"})  # may carry a text
    accepts_phone: bool = False  # a member's phone number is an address here
    picture_suffixes: frozenset[str] = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp"})
    threads: bool = False  # tells which message a reply answers; a support desk needs that
    quick_replies: bool = False  # a message may carry `Message.choices`
    recalls: frozenset[Literal["delete", "edit"]] = frozenset()  # what can be done to a sent message
    minds_strangers: bool = False  # limits accounts that write first to many people
    keeps_chats: bool = False  # `Messenger.keeper` returns something


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of formatted text; `offset` and `length` are UTF-16 code units."""

    kind: Literal["bold", "italic", "underline", "strike", "code", "pre", "quote", "link"]
    offset: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, video or file: `path` for messengers that upload, `url` for those that fetch."""

    kind: MediaKind
    name: str
    size: int
    path: str = ""
    url: str = ""
    digest: str = ""  # SHA-256 of the content, hexadecimal


@dataclass(frozen=True, slots=True)
class Message:
    """What one person gets, rendered; this is what the ledger stores."""

    text: str
    spans: tuple[Span, ...] = ()
    media: tuple[Media, ...] = ()
    reply_to: str = ""  # the messenger's id of an earlier message of the same chat
    choices: tuple[str, ...] = ()  # answers to tap, where the messenger has `quick_replies`


@dataclass(frozen=True, slots=True)
class Sent:
    """The messenger accepted a message. `remote_id` is its id there, empty where it gave none."""

    remote_id: str
    at: datetime | None = None
    peer: str = ""  # the resolved address, where resolving was needed; kept with the account


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Who an account is, as the messenger says."""

    identity: str
    display_name: str
    details: Mapping[str, str] = field(default_factory=dict)


class EventKind(enum.StrEnum):
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    MESSAGE = "message"
    EDITED = "edited"  # the whole new text; `reply_to` is the message, `remote_id` differs with each edit
    WRITTEN = "written"  # by hand in the messenger's own app, from the shop's account; `address` got it
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    STARTED = "started"
    CHAT = "chat"  # somebody came into `chat`, left it, asks to come in or read there: look
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What came beside a text or instead of one."""

    kind: AttachmentKind
    name: str = ""  # the file's name, where it has one
    size: int = 0  # bytes; 0 where nobody said
    words: str = ""  # what can be told in words: a place's link, a contact's name and phone, an emoji
    ref: str = ""  # with which `Messenger.fetch` gets the content; empty where there is nothing to get


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a messenger tells us. `address` is who, `remote_id` which message."""

    kind: EventKind
    address: str
    remote_id: str
    at: datetime
    text: str = ""
    context: str = ""  # the code a deep link carried
    through: bool = False  # a receipt for this message and all earlier ones to the address
    reply_to: str = ""  # the id of the message that this one answers
    chat: str = ""  # the group it was said in, or `me`; empty in a private talk
    name: str = ""  # what the messenger calls the person
    peer: str = ""  # as `Sent.peer`: with it the account can write to them, or into the chat
    language: str = ""  # of the person's app, two letters, where the messenger tells
    is_automatic: bool = False  # not typed by a person: an away message, a bot's
    attachments: tuple[Attachment, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


class SendError(VipcastError):
    """A messenger's answer. `words` are the messenger's own, `code` its number or name."""

    code = "send-failed"

    def __init__(self, message: str, *, remote_code: str = "", words: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.remote_code = remote_code
        self.words = words or message


class Throttled(SendError):
    """The server wants a pause of `retry_after` seconds, of the whole account or of one address."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        whole_account: bool = True,
        remote_code: str = "",
        words: str = "",
    ) -> None:
        super().__init__(message, remote_code=remote_code, words=words)
        self.retry_after = retry_after
        self.whole_account = whole_account


class Unreachable(SendError):
    """The network or the server is out of reach; surely not accepted."""


class OutcomeUnknown(SendError):
    """The request may have been accepted: no answer, a dropped connection, an unreadable answer."""


class Rejected(SendError):
    """The messenger will never accept this content."""


class AddressInvalid(SendError):
    """Nobody is reached at this address on this messenger."""


class RecipientStopped(SendError):
    """The person blocked the account or left."""


class WindowClosed(SendError):
    """The messenger allows no message outside its reply window."""


class AccountProblem(SendError):
    """The account itself cannot send; the queue stays, other accounts go on."""

    exit_code = SetupMissing.exit_code


class LoginLost(AccountProblem):
    """The login is gone: log in again."""


class AccountStopped(AccountProblem):
    """The messenger limited, banned or suspended the account."""


class LoginDialog(Protocol):
    """What a login needs from the person at the terminal, or from flags where there is none."""

    memory: dict[str, str]  # kept between two runs, so that a code can be given in the second

    def given(self, name: str) -> str:
        """Return what a flag said, empty where it was not given."""
        ...

    async def ask(self, name: str, question: str, *, secret: bool = False, hint: str = "") -> str:
        """Return what a flag said, else what the person types; `SetupMissing` where nobody can be asked."""
        ...

    def show_code(self, link: str, words: str) -> None:
        """Show a link as a QR code."""
        ...

    def say(self, words: str) -> None: ...


class Messenger(ABC):
    """One open account on one messenger. Use it from one event loop and `close` it."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    app_secrets: ClassVar[tuple[tuple[str, str], ...]] = ()  # the program's: (variable in .env, question)
    needs_token: ClassVar[bool] = False  # there is no other way to log in
    has_saved_messages: ClassVar[bool] = False  # a person's account can write to itself, at `me`

    def __init__(self, account: Account) -> None:
        self.account = account

    @classmethod
    @abstractmethod
    def normalise_address(cls, value: str) -> str:
        """Return the one spelling of an address; phones come in as E.164. Pure.

        Raises:
            AddressInvalid: it is no address of this messenger; the message says what one looks like.

        """

    @classmethod
    def capabilities_of(cls, account: Account) -> Capabilities:
        """Return what this account can do; a bot may be allowed more or less than a person."""
        del account
        return cls.capabilities

    @classmethod
    def deep_link(cls, identity: str, code: str) -> str:
        """Return a link that opens a chat with the account and brings `code`; empty if there is none."""
        del identity, code
        return ""

    @abstractmethod
    async def open(self) -> AccountInfo:
        """Connect and prove the login; raise `LoginLost`, `AccountStopped` or `Unreachable`."""

    async def login(self, dialog: LoginDialog) -> AccountInfo:
        """Log the account in, asking what is missing; by default the token is all it takes."""
        del dialog
        return await self.open()

    @abstractmethod
    async def send(self, address: str, peer: str, message: Message, key: int) -> Sent:
        """Send one message with one request.

        `address` is normalised, a `Chat.address`, or `me` for the owner of the login. `peer` is what an
        earlier `Sent.peer` gave for it, or empty. `key` is a non-zero signed 64-bit number that stays the
        same over repeats; messengers with `idempotent` hand it to the server.

        Raises:
            SendError: one of its named kinds, never a library's own error.

        """

    async def take_back(self, address: str, peer: str, remote_id: str, *, parts: int = 1) -> None:
        """Delete a sent message, an album of `parts`, for both sides; one that is gone is no error.

        Raises:
            SendError: `Rejected` where that cannot be, else as named.

        """
        del address, peer, parts
        raise Rejected(f"{self.name} cannot take {remote_id} back", remote_code="no-recall")

    async def edit(self, address: str, peer: str, remote_id: str, message: Message) -> None:
        """Give a sent message another text; its media stay. The same text again is no error.

        Raises:
            SendError: `Rejected` where that cannot be (any more), else as named.

        """
        del address, peer, message
        raise Rejected(f"{self.name} cannot edit {remote_id}", remote_code="no-recall")

    async def fetch(self, ref: str, path: Path) -> None:
        """Write what an `Attachment.ref` stands for to `path`, a file that must not exist yet.

        Raises:
            SendError: `Rejected` where it is gone or too large, else as named.

        """
        del path
        raise Rejected(f"{self.name} has nothing to fetch ({len(ref)} characters)", remote_code="no-content")

    async def chats(self) -> list[Chat]:
        """Return the groups that the account is in, where the messenger tells."""
        return []

    def keeper(self) -> ChatKeeper | None:
        """Return what keeps chats of the account's own; None where the messenger has no such thing."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Close the connection; safe to call twice."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether a webhook call is genuine. Pure, in constant time."""
        del headers, body
        return False

    def parse(self, body: bytes) -> list[Event]:
        """Return the events of a verified webhook call; unknown ones as `OTHER`. Pure."""
        del body
        return []

    async def listen(self, caught_up: Callable[[], None] = lambda: None) -> AsyncGenerator[Event, None]:
        """Yield events where the library pushes them, missed ones first; connect again by itself.

        To ask for the next event is to say that the last one is stored; until then the messenger may give
        it again. `caught_up` is called each time that nothing missed is left.

        Raises:
            LoginLost, AccountStopped: as named; other troubles are waited out.

        """
        del caught_up
        return
        yield  # an async generator that yields nothing
