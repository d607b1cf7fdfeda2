"""What a group on the sandbox's Telegram is: its members with their rights, its links, who asks to join."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from vipcast.sandbox.telegram.model import MEGAGROUPS, SandboxEntity, SandboxMedia, SandboxUser

Standing = Literal["creator", "admin", "member", "left", "banned"]
PRESENT: Final = frozenset({"creator", "admin", "member"})
FOREVER: Final = 2_147_483_647  # how a ban without end is dated


class Member(msgspec.Struct, eq=False, kw_only=True):
    """One person's part in a group, also of one who was in it once.

    `rights` are what an admin may do, `forbidden` what this one may not do, each by Telegram's own names.
    `after` is the last message before they came.
    """

    user: int
    standing: Standing = "member"
    joined_at: int = 0
    inviter: int = 0
    link: str = ""  # by which they came
    approved_by: int = 0
    after: int = 0
    rights: frozenset[str] = frozenset()
    rank: str = ""
    promoted_by: int = 0
    forbidden: frozenset[str] = frozenset()
    until: int = FOREVER
    banned_by: int = 0
    banned_at: int = 0

    @property
    def is_in(self) -> bool:
        return self.standing in PRESENT

    @property
    def is_admin(self) -> bool:
        return self.standing in ("creator", "admin")


class Invite(msgspec.Struct, eq=False, kw_only=True):
    """An invite link. `usage_limit` counts those who came by it and are still there; 0: no limit."""

    hash: str
    admin: int
    at: int
    title: str = ""
    usage_limit: int = 0
    expires_at: int = 0
    request_needed: bool = False
    is_permanent: bool = False
    is_revoked: bool = False

    @property
    def link(self) -> str:
        return f"https://t.me/+{self.hash}"


class JoinRequest(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Somebody who waits to be let in."""

    user: int
    link: str
    at: int


class AdminEvent(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One line of the admin log; `action` is a TL object."""

    id: int
    at: int
    user: int
    action: bytes
    people: tuple[int, ...] = ()


class SandboxGroup(msgspec.Struct, eq=False, kw_only=True):
    """A basic group or, with `is_megagroup`, a supergroup."""

    id: int
    title: str
    is_megagroup: bool
    creator: int
    at: int
    about: str = ""
    photo: int = 0
    version: int = 1
    members: dict[int, Member] = {}
    forbidden: frozenset[str] = frozenset()  # what none but admins may do
    hides_members: bool = False
    hides_history: bool = False  # from those who come later
    is_protected: bool = False  # nothing may be forwarded or saved
    pinned: list[int] = []  # letters, the latest last
    invites: list[Invite] = []
    requests: dict[int, JoinRequest] = {}
    events: list[AdminEvent] = []

    @property
    def key(self) -> int:
        """The group's name as a chat: negative, as Telethon marks it."""
        return MEGAGROUPS - self.id if self.is_megagroup else -self.id

    @property
    def label(self) -> str:
        """What logs and faults call it."""
        return self.title

    def present(self) -> list[Member]:
        """Return who is in it now, in the order they came."""
        return [member for member in self.members.values() if member.is_in]

    def member(self, user_id: int) -> Member | None:
        """Return somebody's part in it, if they are in it now."""
        member = self.members.get(user_id)
        return member if member is not None and member.is_in else None

    def used(self, invite: Invite) -> int:
        """Return how many came by this link and are still there."""
        return sum(member.link == invite.hash for member in self.present())

    def invite(self, link: str) -> Invite | None:
        """Return the link with this address or hash."""
        wanted = invite_hash(link)
        return next((invite for invite in self.invites if invite.hash == wanted), None)

    def __repr__(self) -> str:
        return f"<SandboxGroup {self.key} {self.title!r}>"


Place = SandboxUser | SandboxGroup


def invite_hash(link: str) -> str:
    """Return the hash of an invite link in any of its forms, or of a bare hash."""
    for mark in ("/joinchat/", "invite=", "+"):
        _, found, rest = link.partition(mark)
        if found:
            return rest.strip("/")
    return link


def people_of(members: Iterable[Member]) -> list[int]:
    return [member.user for member in members]


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """A message in a group. `id` is its number as `viewer`, a member, sees it; in a megagroup, as all do.

    `action` is Telegram's name of what happened, such as `ChatAddUser`, where it is no ordinary message.
    """

    id: int
    number: int  # one for the whole sandbox
    group: SandboxGroup
    sender: SandboxUser
    text: str
    at: datetime
    random_id: int
    entities: tuple[SandboxEntity, ...] = ()
    media: SandboxMedia | None = None
    grouped_id: int = 0
    reply_to: int = 0
    edited_at: datetime | None = None
    is_pinned: bool = False
    action: str = ""
    people: tuple[SandboxUser, ...] = ()
