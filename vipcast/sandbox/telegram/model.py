"""What the sandbox's Telegram is made of: people, their message boxes, letters between them, files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

MediaKind = Literal["picture", "video", "file"]
ChangeKind = Literal["new", "edit", "delete", "read_in", "read_out", "stopped", "started"]


class SandboxUser(msgspec.Struct, eq=False, kw_only=True):
    """A person or a bot. `phone` is E.164, `username` has no @."""

    id: int
    phone: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    bot_token: str = ""
    password: str = ""
    hides_phone: bool = False  # cannot be found by phone number
    premium_only: bool = False  # strangers without Premium may not write
    deleted: bool = False
    contacts: dict[int, tuple[str, str]] = {}  # the names by which this person knows others
    blocked: set[int] = set()
    started: set[int] = set()  # of a bot: who wrote to it, so that it may write back

    @property
    def is_bot(self) -> bool:
        return bool(self.bot_token)

    @property
    def label(self) -> str:
        """What logs and faults call this person: the phone number, else @username."""
        return self.phone or f"@{self.username}"

    def __repr__(self) -> str:
        return f"<SandboxUser {self.id} {self.label}>"


class StoredFile(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """An uploaded file; its bytes are kept under `digest`, SHA-256."""

    id: int
    kind: MediaKind
    name: str
    mime: str
    size: int
    digest: str
    at: int
    width: int = 0
    height: int = 0
    attributes: bytes = b""  # a TL vector, as the sender described the document


class Letter(msgspec.Struct, eq=False, kw_only=True):
    """One message between two people. `ids` are its numbers in their two boxes; `at` is Unix time."""

    number: int
    sender: int
    to: int
    text: str
    at: int
    random_id: int = 0
    entities: bytes = b""  # a TL vector
    markup: bytes = b""  # a TL object: the buttons
    media: int = 0
    grouped_id: int = 0
    reply_to: int = 0
    silent: bool = False
    edited_at: int = 0
    ids: dict[int, int] = {}

    def peer(self, viewer: int) -> int:
        """Return who the other one is, for one of the two; oneself in one's saved messages."""
        return self.to if viewer == self.sender else self.sender


class Change(msgspec.Struct, frozen=True, eq=False):
    """One step in the history of a box; `pts` is where the box stands after it.

    `ids` are message numbers of the box: of the messages concerned, or the last one read. A bot's box has
    a second count, `qts`, for people who stop and start it; there `pts` is that one.
    """

    pts: int
    count: int
    kind: ChangeKind
    ids: tuple[int, ...]
    letter: int = 0
    peer: int = 0
    at: int = 0


@dataclass(eq=False, slots=True)
class Box:
    """The messages of one account, with what is needed to tell a client what it missed.

    It begins at 1: a client takes 0 for "unknown" and could then never notice a gap.
    """

    pts: int = 1
    last_id: int = 0
    letters: dict[int, Letter] = field(default_factory=dict)
    chats: dict[int, list[int]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    stops: list[Change] = field(default_factory=list)
    read_in: dict[int, int] = field(default_factory=dict)
    read_out: dict[int, list[Change]] = field(default_factory=dict)

    def apply(self, change: Change, letters: dict[int, Letter], owner: int) -> None:
        """Make one step: the same when it happens and when it is read back from disk."""
        if change.kind in ("stopped", "started"):
            self.stops.append(change)
            return
        self.changes.append(change)
        self.pts = change.pts
        match change.kind:
            case "new":
                letter = letters[change.letter]
                self.last_id = change.ids[0]
                self.letters[self.last_id] = letter
                self.chats.setdefault(letter.peer(owner), []).append(self.last_id)
            case "delete":
                for number in change.ids:
                    letter = self.letters.pop(number)
                    self.chats[letter.peer(owner)].remove(number)
            case "read_in":
                self.read_in[change.peer] = change.ids[0]
            case "read_out":
                self.read_out.setdefault(change.peer, []).append(change)
            case _:
                pass  # after an edit the letter itself carries its new text

    @property
    def qts(self) -> int:
        return len(self.stops)

    def read_up_to(self, peer: int) -> int:
        """Return the last message that this person has read of ours."""
        receipts = self.read_out.get(peer)
        return receipts[-1].ids[0] if receipts else 0

    def unread(self, peer: int) -> int:
        """Return how many messages of this person have not been read."""
        read = self.read_in.get(peer, 0)
        return sum(
            1
            for number in self.chats.get(peer, ())
            if number > read and self.letters[number].sender == peer != self.letters[number].to
        )


class Line(Protocol):
    """An open connection that a client holds with its key."""

    wants_updates: bool

    def push(self, updates: Any) -> None:
        """Send a TL object that answers no request."""


@dataclass(eq=False, slots=True)
class Key:
    """An authorisation key: whoever holds it is `user`, if anybody yet.

    `half` is who gave the right code and still owes the password.
    """

    id: int
    data: bytes
    salt: int
    user: SandboxUser | None = None
    half: SandboxUser | None = None
    lines: set[Line] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class QrToken:
    """A QR code on a screen, until somebody's phone has scanned it. `expires` is Unix time."""

    key: Key
    expires: float
    user: SandboxUser | None = None


@dataclass(eq=False, slots=True)
class Upload:
    """A file on its way: its parts, then, once it was used, where its whole content is kept."""

    parts: dict[int, bytes] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SandboxEntity:
    """Formatting as Telegram names it (`Bold`, `TextUrl` …), counted in UTF-16 units."""

    kind: str
    offset: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class SandboxMedia:
    """A picture, video or file as it arrived; `TelegramSandbox.content` has the bytes of `digest`."""

    kind: MediaKind
    name: str
    mime: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class SandboxMessage:
    """A message as one person's phone shows it. `id` is its number in that person's box.

    `remote_id` is its number in the sender's box, the one that the sender's client was told.
    With media, `text` is the caption. `reply_to` is a number in the same box as `id`.
    """

    id: int
    remote_id: int
    sender: SandboxUser
    to: SandboxUser
    is_mine: bool
    text: str
    at: datetime
    random_id: int
    entities: tuple[SandboxEntity, ...] = ()
    media: SandboxMedia | None = None
    grouped_id: int = 0
    reply_to: int = 0
    edited_at: datetime | None = None
