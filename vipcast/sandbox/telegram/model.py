"""What the sandbox's Telegram is made of: people, their message boxes, letters between them, files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec

MediaKind = Literal["picture", "video", "file", "voice", "sticker", "location", "contact"]
ChangeKind = Literal[
    "new", "edit", "delete", "read_in", "read_out", "stopped", "started", "pinned", "unpinned", "member"
]
COUNTED_APART: Final = frozenset({"stopped", "started", "member"})  # a bot's second count
# A basic group with the id N is called -N, a megagroup this less N: as Telethon marks them.
MEGAGROUPS: Final = -1_000_000_000_000


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
    refuses_groups: bool = False  # lets nobody put them into a group; links work
    deleted: bool = False
    contacts: dict[int, tuple[str, str]] = {}  # the names by which this person knows others
    blocked: set[int] = set()
    started: set[int] = set()  # of a bot: who wrote to it, so that it may write back
    archived: set[int] = set()  # chats put away, by their keys

    @property
    def key(self) -> int:
        """The name of the private chat with this person."""
        return self.id

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
    """One message, to a person or (`to` is negative) in a group; `at` is Unix time.

    `ids` are its numbers in the boxes that it is in: those of the two, of each member of a basic group,
    or the megagroup's own.
    """

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
    automatic: bool = False  # an away message
    card: bytes = b""  # a TL object: a location or a contact
    action: bytes = b""  # a TL object: what happened in the group
    people: tuple[int, ...] = ()  # whom the action concerns

    def peer(self, viewer: int) -> int:
        """Return the chat for one who reads it: the other one, oneself in saved messages, or the group."""
        return self.to if viewer == self.sender or self.to < 0 else self.sender

    def box(self, viewer: int) -> int:
        """Return the box in which this person finds it: their own, or the megagroup's."""
        return self.to if self.to < MEGAGROUPS else viewer

    def number_for(self, viewer: int) -> int:
        """Return its number as this person's client knows it; 0 if it never reached them."""
        return self.ids.get(self.box(viewer), 0)


class Change(msgspec.Struct, frozen=True, eq=False):
    """One step in the history of a box; `pts` is where the box stands after it.

    `ids` are message numbers of the box: of the messages concerned, or the last one read. A bot's box has
    a second count, `qts`, for people who stop and start it, and for members of groups that it leads (`group`;
    `ids` is then who did it, `note` a TL update); there `pts` is that one. `box` is the
    megagroup whose box it is, 0 for a person's; there, `peer` is who has read, which counts for nothing.
    """

    pts: int
    count: int
    kind: ChangeKind
    ids: tuple[int, ...]
    letter: int = 0
    peer: int = 0
    at: int = 0
    box: int = 0
    group: int = 0
    note: bytes = b""


@dataclass(eq=False, slots=True)
class Box:
    """The messages of one account or megagroup, with what is needed to tell a client what it missed.

    It begins at 1: a client takes 0 for "unknown" and could then never notice a gap.
    """

    pts: int = 1
    last_id: int = 0
    letters: dict[int, Letter] = field(default_factory=dict)
    chats: dict[int, list[int]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    stops: list[Change] = field(default_factory=list)
    read_in: dict[int, list[Change]] = field(default_factory=dict)
    read_out: dict[int, list[Change]] = field(default_factory=dict)

    def apply(self, change: Change, letters: dict[int, Letter], owner: int) -> None:
        """Make one step: the same when it happens and when it is read back from disk."""
        if change.kind in COUNTED_APART:
            self.stops.append(change)
            return
        if change.count:
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
                self.read_in.setdefault(change.peer, []).append(change)
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

    def has_read(self, peer: int) -> int:
        """Return the last message of this chat that was read; in a megagroup's box, by this member."""
        receipts = self.read_in.get(peer)
        return receipts[-1].ids[0] if receipts else 0

    def unread(self, peer: int, viewer: int, after: int = 0) -> int:
        """Return how many messages of this chat, after this one, its viewer has not read."""
        read = max(self.has_read(viewer if peer < MEGAGROUPS else peer), after)
        return sum(
            1
            for number in self.chats.get(peer, ())
            if number > read and self.letters[number].sender != viewer
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
    """What came with a message; `TelegramSandbox.content` has the bytes of `digest`.

    A location or a contact has none; `name` is then what it says: `47.5,19.04`, `+36301234567 Anna`.
    """

    kind: MediaKind
    name: str
    mime: str = ""
    size: int = 0
    digest: str = ""


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
    is_automatic: bool = False
    buttons: tuple[str, ...] = ()  # of a bot's reply keyboard
    number: int = 0  # one for the whole sandbox
