"""The contract for keeping a group's chat on a messenger: made, invited to, looked through, closed.

As in `base`: one deed, a few requests at most, no retry, no database; errors are those of `base.SendError`.
Every deed may be repeated: what is so already is no error. A `chat` is a `Chat.address`.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

TITLE_LIMIT, ABOUT_LIMIT = 128, 255  # characters of a chat's title and description: Telegram's own


@dataclass(frozen=True, slots=True)
class Chat:
    """A group of people that an account is in. `peer` reaches it, as `Sent.peer` does a person."""

    address: str
    title: str
    peer: str = ""


class ChatRole(enum.StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a chat, or who asks to come in.

    `id` is the messenger's own number; `spellings` are the addresses under which the shop may know them,
    the likeliest first, and `peer` reaches them from this account, where it is not empty.
    """

    id: str
    spellings: tuple[str, ...]
    name: str = ""
    peer: str = ""
    role: ChatRole = ChatRole.MEMBER
    is_deleted: bool = False  # they deleted their account on the messenger
    is_me: bool = False  # the account itself
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Somebody who followed a link and waits to be let in."""

    person: Person
    link: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InviteLink:
    """A way in. `mark` is the title that `new_link` gave it; a default one is the chat's own, unlimited."""

    link: str
    mark: str = ""
    is_default: bool = False
    expires_at: datetime | None = None
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class ChatLook:
    """How a chat stands: what `set_up` would put right, and the number of what is pinned."""

    title: str
    about: str
    has_picture: bool
    members_write: bool
    hides_members: bool
    shows_history: bool
    pinned: str = ""  # the remote id of the latest pinned message
    is_archived: bool = False


class Added(enum.StrEnum):
    """What came of adding somebody without asking them."""

    JOINED = "joined"
    NEEDS_LINK = "needs-link"  # their privacy settings: they come by a link, which a message may bring
    OUT_OF_REACH = "out-of-reach"  # nor may this account write to them


class ChatGone(enum.StrEnum):
    LEFT = "left"  # by themselves
    REMOVED = "removed"  # by an admin


class ChatKeeper(ABC):
    """What an account does with chats of its own.

    Raises, everywhere:
        SendError: `AddressInvalid` where the chat or person is not there (any more), `AccountStopped` where
            the messenger limits the account for it, `Rejected` where a right is missing, else as named.

    """

    @abstractmethod
    async def create(self, title: str, mark: str) -> Chat:
        """Make a chat that nobody else is in; `mark` stands in its description until `describe` is called."""

    @abstractmethod
    async def find(self, mark: str) -> Chat | None:
        """Return this account's chat whose description is `mark`: one that was made and not noted down."""

    @abstractmethod
    async def look(self, chat: str) -> ChatLook:
        """Return how the chat stands."""

    @abstractmethod
    async def describe(self, chat: str, title: str, about: str) -> None:
        """Set title (cut to nothing: 1 to 128 characters) and description (up to 255 characters).

        Raises:
            Rejected: one of them is too long.

        """

    @abstractmethod
    async def set_picture(self, chat: str, path: Path) -> None:
        """Give the chat a picture."""

    @abstractmethod
    async def set_rules(
        self, chat: str, *, members_write: bool, hides_members: bool, shows_history: bool
    ) -> list[str]:
        """Say what members may do; return, in words, what the messenger does not allow here.

        Members never invite, pin or change the chat. Where they do not write they send nothing of any kind.
        """

    @abstractmethod
    async def pin(self, chat: str, remote_id: str) -> None:
        """Pin a message silently."""

    @abstractmethod
    async def archive(self, chat: str) -> None:
        """Put the chat away in this account's list."""

    # Who is in

    @abstractmethod
    async def people(self, chat: str) -> list[Person]:
        """Return everybody who is in the chat, the account itself among them."""

    @abstractmethod
    async def gone(self, chat: str, since: datetime) -> dict[str, tuple[ChatGone, datetime]]:
        """Return {Person.id: (how, when)} of who left or was removed, as far as the messenger still knows.

        Telegram keeps it for 48 hours; whoever is still banned is told of at any age.
        """

    @abstractmethod
    async def add(self, chat: str, address: str, peer: str) -> Added:
        """Put somebody in without asking them; who is in already `JOINED`."""

    @abstractmethod
    async def remove(self, chat: str, person: Person) -> None:
        """Take somebody out; they may come back by a new link. A removal cut short is completed."""

    @abstractmethod
    async def promote(self, chat: str, person: Person) -> None:
        """Make somebody an admin who may write, invite, remove and pin."""

    @abstractmethod
    async def knows(self, addresses: Sequence[str]) -> set[str]:
        """Return which addresses are among this account's contacts."""

    # Ways in

    @abstractmethod
    async def new_link(self, chat: str, mark: str, expires_at: datetime) -> str:
        """Make a link with which one asks to be let in; `mark`, up to 32 characters, is for admins."""

    @abstractmethod
    async def links(self, chat: str) -> list[InviteLink]:
        """Return the links of this account that still work."""

    @abstractmethod
    async def revoke(self, chat: str, link: str) -> None:
        """Shut a link; the messenger may make a new default one, which `links` shows."""

    @abstractmethod
    async def came_by(self, chat: str, link: str) -> list[Person]:
        """Return who came in by a link."""

    @abstractmethod
    async def requests(self, chat: str) -> list[JoinRequest]:
        """Return who waits to be let in."""

    @abstractmethod
    async def admit(self, chat: str, person: Person, *, is_yes: bool) -> None:
        """Let somebody in, or send them away; a request that is gone is no error."""

    @abstractmethod
    async def follow(self, link: str) -> None:
        """Go into a chat by a link, as this account; being there, or having asked, is no error."""

    # Receipts

    @abstractmethod
    async def readers(self, chat: str, remote_id: str) -> dict[str, datetime]:
        """Return {Person.id: when} of who has read a message.

        Telegram tells it of small groups and for seven days.

        Raises:
            Rejected: the messenger does not tell (any more).

        """
