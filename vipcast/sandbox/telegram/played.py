"""What people without a client do in groups, for whoever plays them: tests, the page, scripted customers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.telegram import changing, group_life, history, invites, posting
from vipcast.sandbox.telegram.group_model import GroupMessage, SandboxGroup
from vipcast.sandbox.telegram.model import Letter, SandboxUser
from vipcast.sandbox.telegram.packing import packed
from vipcast.sandbox.telegram.rights import check_may_post
from vipcast.sandbox.telegram.rpc import Hub, RpcError
from vipcast.sandbox.telegram.views import talk_view
from vipcast.sandbox.telegram.world import World

_HINTS: Final = {  # what a person can do about it
    "CHAT_WRITE_FORBIDDEN": "Only who leads this group writes in it.",
    "INVITE_HASH_EMPTY": "Give the whole link, as https://t.me/+….",
    "INVITE_HASH_EXPIRED": "The link is used up, over or shut, or this person was banned: ask for a new one.",
    "INVITE_HASH_INVALID": "No group has this link: give it whole, as it arrived.",
    "USER_ALREADY_PARTICIPANT": "They are in the group already.",
}


class PlayedGroups:
    """The groups, as `TelegramSandbox` offers them. What Telegram would refuse raises `InputError`."""

    _hub: Hub
    _world: World

    def create_group(
        self,
        owner: SandboxUser,
        title: str,
        members: Iterable[SandboxUser] = (),
        *,
        megagroup: bool = True,
    ) -> SandboxGroup:
        """Let a person make a group and add these people, whatever their privacy says."""
        people = [user for user in dict.fromkeys(members) if user is not owner]
        try:
            group, _ = group_life.create(
                self._hub, owner, title, is_megagroup=megagroup, people=() if megagroup else people
            )
        except RpcError as error:
            raise _refused(error) from error
        if megagroup and people:
            group_life.let_in(self._hub, group, people, inviter=owner.id)
        self._world.store.commit()
        return group

    def find_group(self, title: str) -> SandboxGroup | None:
        """Return the latest group with this title."""
        found = [group for group in self._world.groups.values() if group.title == title]
        return max(found, key=lambda group: (group.at, group.id), default=None)

    def groups(self) -> list[SandboxGroup]:
        """Return all groups."""
        return list(self._world.groups.values())

    def members(self, group: SandboxGroup) -> list[SandboxUser]:
        """Return who is in a group now, in the order they came."""
        return [self._world.users[member.user] for member in group.present()]

    def waiting(self, group: SandboxGroup) -> list[SandboxUser]:
        """Return who asked to come into a group and waits for an answer, the first one first."""
        return [self._world.users[number] for number in group.requests]

    def may_write(self, group: SandboxGroup, person: SandboxUser) -> bool:
        """Return whether Telegram would take a text of this person in a group."""
        try:
            check_may_post(self._world, group, person)
        except RpcError:
            return False
        return True

    def unread(self, group: SandboxGroup, person: SandboxUser) -> int:
        """Return how many messages of a group this member has not read."""
        return self._world.reading(person.id, group.key)[1]

    async def say_in(
        self,
        group: SandboxGroup,
        person: SandboxUser,
        text: str,
        *,
        reply_to: GroupMessage | int = 0,
        media: Attachment | None = None,
    ) -> GroupMessage:
        """Let a member write; `reply_to` is a message, or its number as this member sees it."""
        draft = packed(self._world, text, media)
        answered = self._letter(group, person, reply_to).number if reply_to else 0
        try:
            check_may_post(self._world, group, person, draft.media)
        except RpcError as error:
            raise _refused(error) from error
        (change,) = posting.post(self._hub, person, group, [draft], reply_to=answered)
        self._world.store.commit()
        return talk_view(self._world, person.id, self._world.letters[change.letter])

    async def edit_in(
        self, group: SandboxGroup, person: SandboxUser, message: GroupMessage | int, text: str
    ) -> GroupMessage:
        """Let a member change a message of theirs."""
        letter = self._letter(group, person, message)
        if letter.sender != person.id or letter.action:
            raise InputError(f"{person.label} did not write this message.", hint="People edit their own.")
        changing.rewrite(self._hub, letter, text, b"")
        self._world.store.commit()
        return talk_view(self._world, person.id, letter)

    async def read_in(self, group: SandboxGroup, person: SandboxUser) -> None:
        """Let a member read all that stands in a group."""
        self._demand_member(group, person)
        history.mark_read(self._hub, person, group)
        self._world.store.commit()

    def join(self, group: SandboxGroup, person: SandboxUser) -> None:
        """Let a person come into a group, as if its owner had let them in; no link is used."""
        if group.member(person.id) is not None:
            raise InputError(f"{person.label} is in {group.title} already.")
        group_life.let_in(self._hub, group, [person], inviter=group.creator)
        self._world.store.commit()

    def invite_link(
        self,
        group: SandboxGroup,
        *,
        usage_limit: int = 0,
        expires_at: datetime | None = None,
        request_needed: bool = False,
    ) -> str:
        """Return a new link to a group, made by its owner."""
        invite = group_life.add_invite(
            group,
            self._world.users[group.creator],
            usage_limit=usage_limit,
            expires_at=int(expires_at.timestamp()) if expires_at else 0,
            request_needed=request_needed,
        )
        self._world.keep_group(group)
        self._world.store.commit()
        return invite.link

    def join_by_link(self, person: SandboxUser, link: str) -> SandboxGroup | None:
        """Let a person follow an invite link; None where they must wait until an admin lets them in."""
        try:
            group, _ = invites.follow(self._hub, person, link)
        except RpcError as error:
            if error.text != "INVITE_REQUEST_SENT":
                raise _refused(error) from error
            return None
        finally:
            self._world.store.commit()
        return group

    def admit(self, group: SandboxGroup, person: SandboxUser, *, is_approved: bool = True) -> None:
        """Let the owner answer somebody's request to join."""
        owner = self._world.users[group.creator]
        try:
            invites.admit(self._hub, group, owner, [person], is_approved=is_approved)
        except RpcError as error:
            raise _refused(error) from error
        self._world.store.commit()

    def leave(self, group: SandboxGroup, person: SandboxUser) -> None:
        """Let a member leave."""
        self._demand_member(group, person)
        group_life.take_out(self._hub, group, person, person)
        self._world.store.commit()

    def kick(self, group: SandboxGroup, person: SandboxUser, *, by: SandboxUser | None = None) -> None:
        """Let the owner, or another admin, remove a member for good."""
        self._demand_member(group, person)
        actor = by or self._world.users[group.creator]
        group_life.take_out(self._hub, group, actor, person, is_banned=True)
        self._world.store.commit()

    def group_history(self, group: SandboxGroup, viewer: SandboxUser | None = None) -> list[GroupMessage]:
        """Return what a member sees in a group, oldest first; where no one is named, its owner."""
        viewer = viewer or self._world.users[group.creator]
        box, numbers = self._world.shelf(viewer.id, group)
        return [talk_view(self._world, viewer.id, box.letters[number]) for number in numbers]

    def grow_old(self, group: SandboxGroup, by: timedelta) -> None:
        """Make all that happened in a group up to now so much older: what Telegram keeps for days is gone."""
        seconds = int(by.total_seconds())
        for letter in self._world.box(group.key).letters.values():
            letter.at -= seconds
            self._world.store.put_letter(letter)
        group.events = [msgspec.structs.replace(one, at=one.at - seconds) for one in group.events]
        for member in group.members.values():
            member.joined_at -= seconds
            member.banned_at -= seconds if member.banned_at else 0
        self._world.keep_group(group)
        self._world.store.commit()

    def _demand_member(self, group: SandboxGroup, person: SandboxUser) -> None:
        if group.member(person.id) is None:
            raise InputError(f"{person.label} is not in {group.title}.", hint="Let them join first.")

    def _letter(self, group: SandboxGroup, viewer: SandboxUser, message: GroupMessage | int) -> Letter:
        if isinstance(message, GroupMessage):
            return self._world.letters[message.number]
        box, numbers = self._world.shelf(viewer.id, group)
        if message not in numbers:
            raise InputError(f"{viewer.label} sees no message {message} in {group.title}.")
        return box.letters[message]


def _refused(error: RpcError) -> InputError:
    hint = _HINTS.get(error.text, "Change the group's rights or members.")
    return InputError(f"Telegram refuses that: {error.text}.", hint=hint)
