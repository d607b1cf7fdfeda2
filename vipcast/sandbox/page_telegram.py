"""The phones with Telegram, and the groups, as the page shows them and lets one use them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vipcast.errors import InputError
from vipcast.sandbox.page import (
    GROUP_MARK,
    SHOWN_MESSAGES,
    Followed,
    GroupCard,
    GroupPerson,
    Names,
    Phone,
    PhoneGroup,
    PhoneMedia,
    PhoneMessage,
    PhoneSpan,
    accounts_of,
    invite_links,
)

if TYPE_CHECKING:
    from vipcast.sandbox.telegram.group_model import GroupMessage, SandboxGroup
    from vipcast.sandbox.telegram.model import SandboxEntity, SandboxMessage, SandboxUser
    from vipcast.sandbox.telegram.server import TelegramSandbox

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
_NOTES = {  # Telegram's names of what happens in a group -> in words; the people concerned follow
    "ChannelCreate": "made the group",
    "ChatCreate": "made the group with",
    "ChatAddUser": "put in",
    "ChatDeleteUser": "gone from the group:",
    "ChatJoinedByLink": "came in by a link",
    "ChatJoinedByRequest": "was let in",
    "ChatEditTitle": "changed the title",
    "ChatEditPhoto": "changed the picture",
    "PinMessage": "pinned a message",
}


class TelegramPhones:
    """The phones with Telegram, the shop's own among them, but not those of bots."""

    def __init__(self, telegram: TelegramSandbox) -> None:
        self._telegram = telegram

    def phones(self) -> list[Phone]:
        groups = self._telegram.groups()
        found = (self._phone(user, groups) for user in self._telegram.users() if not user.is_bot)
        return [phone for phone in found if phone is not None]

    def _phone(self, user: SandboxUser, groups: Sequence[SandboxGroup]) -> Phone | None:
        """Return somebody's phone; None while nothing has ever happened on it."""
        history = self._everything(user, groups)
        theirs = [one for group in groups if (one := self._part(group, user)) is not None]
        if not history and not theirs:
            return None
        shown = [self._shown(one, user) for one in history[-SHOWN_MESSAGES:]]
        return Phone(
            id=f"telegram {user.id}",
            network="telegram",
            customer=user.label,
            name=f"{user.first_name} {user.last_name}".strip(),
            at=shown[-1].at if shown else _asked_at(user, groups),
            # Only programs number what they send.
            is_account=self._telegram.is_logged_in(user)
            or any(one.sender is user and one.random_id for one in history),
            is_deleted=user.deleted,
            accounts=accounts_of(shown),
            total=len(history),
            messages=shown,
            groups=theirs,
        )

    def _everything(
        self, user: SandboxUser, groups: Sequence[SandboxGroup]
    ) -> list[SandboxMessage | GroupMessage]:
        """Return a person's private messages and those of their groups, in the order they were written."""
        found: list[SandboxMessage | GroupMessage] = list(self._telegram.history(user))
        for group in groups:
            if group.member(user.id) is not None:
                found += self._telegram.group_history(group, user)
        return sorted(found, key=lambda message: message.number)

    def _part(self, group: SandboxGroup, user: SandboxUser) -> PhoneGroup | None:
        is_in = group.member(user.id) is not None
        if not is_in and user.id not in group.requests:
            return None
        return PhoneGroup(
            to=self.mark(group),
            title=group.title,
            is_in=is_in,
            may_write=is_in and self._telegram.may_write(group, user),
            unread=self._telegram.unread(group, user) if is_in else 0,
        )

    def groups(self) -> list[GroupCard]:
        """Return every group, the latest first."""
        found = sorted(self._telegram.groups(), key=lambda group: (group.at, group.id), reverse=True)
        return [self._card(group) for group in found]

    def _card(self, group: SandboxGroup) -> GroupCard:
        return GroupCard(
            to=self.mark(group),
            title=group.title,
            about=group.about,
            members_write=not {"send_messages", "send_plain"} & group.forbidden,
            people=[self._person(one, group) for one in self._telegram.members(group)],
            waiting=[self._person(one, group) for one in self._telegram.waiting(group)],
        )

    def _person(self, user: SandboxUser, group: SandboxGroup) -> GroupPerson:
        member = group.member(user.id)
        return GroupPerson(
            customer=user.label,
            name=f"{user.first_name} {user.last_name}".strip(),
            standing=member.standing if member is not None else "waiting",
            is_account=self._telegram.is_logged_in(user),
            is_deleted=user.deleted,
        )

    # What people do.

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
            user = self._user(customer)
            if user.id == group.creator:  # as Telegram's apps: the group would have no owner
                raise InputError(f"{customer} made {group.title} and cannot leave it.")
            self._telegram.leave(group, user)
        else:
            self._telegram.block(*self._pair(customer, to))

    async def unblock(self, customer: str, to: str = "") -> None:
        if group := self._group(to):
            self._telegram.join(group, self._user(customer))
        else:
            self._telegram.unblock(*self._pair(customer, to))

    async def follow(self, customer: str, link: str, person: str = "") -> Followed:
        """Follow a link as `person`, else as the customer; they are in at once, or wait."""
        user = self._user(person or customer)
        is_in = self._telegram.join_by_link(user, link) is not None
        group = next(one for one in self._telegram.groups() if one.invite(link) is not None)
        return Followed(customer=user.label, to=self.mark(group), is_in=is_in)

    async def rename(self, customer: str, names: Names) -> None:
        if names.first_name is not None and not names.first_name.strip():
            raise InputError("Nobody on Telegram has no first name.", hint="Give one.")
        user = self._user(customer)
        self._telegram.rename(
            user, first_name=names.first_name, last_name=names.last_name, username=names.username
        )

    async def delete_account(self, customer: str) -> None:
        self._telegram.delete_account(self._user(customer))

    # Who is meant.

    def mark(self, group: SandboxGroup) -> str:
        """Return how a deed names a group: by its title, or by its number where a later one has the title."""
        name = group.title if self._telegram.find_group(group.title) is group else str(group.key)
        return GROUP_MARK + name

    def _group(self, to: str) -> SandboxGroup | None:
        if not to.startswith(GROUP_MARK):
            return None
        name = to.removeprefix(GROUP_MARK)
        groups = self._telegram.groups()
        group = self._telegram.find_group(name) or next((g for g in groups if str(g.key) == name), None)
        if group is None:
            titles = ", ".join(one.title for one in groups) or "none yet"
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
        if user.deleted:
            raise InputError(f"{label} deleted their account.", hint="Play somebody else.")
        return user

    def _shown(self, message: SandboxMessage | GroupMessage, user: SandboxUser) -> PhoneMessage:
        from vipcast.sandbox.telegram.model import SandboxMessage  # noqa: PLC0415 - not needed without it

        file, text, is_note = message.media, message.text, False
        if isinstance(message, SandboxMessage):
            account = _account(message).label
        else:
            account = self.mark(message.group)
            if message.action:
                is_note, text = True, _note(message)
        spans = [span for entity in message.entities if (span := _span(entity))]
        return PhoneMessage(
            id=message.id,
            account=account,
            sender=message.sender.first_name or message.sender.label,
            is_own=message.sender is user,
            text=text,
            at=message.at.isoformat(),
            spans=spans,
            media=[PhoneMedia(file.kind, file.name, file.size)] if file else [],
            links=invite_links(" ".join([text, *(span.url for span in spans)])),
            is_note=is_note,
        )


def _account(message: SandboxMessage) -> SandboxUser:
    return message.to if message.is_mine else message.sender


def _note(message: GroupMessage) -> str:
    """Say what happened; the sender stands before it. What has no words here keeps Telegram's name."""
    others = [one.label for one in message.people if one is not message.sender]
    if message.action == "ChatDeleteUser" and not others:
        return "left"
    return " ".join([_NOTES.get(message.action, f"[{message.action}]"), ", ".join(others)]).rstrip()


def _asked_at(user: SandboxUser, groups: Sequence[SandboxGroup]) -> str:
    """Return when somebody on whose phone nothing stands came into a group or asked to."""
    times = [group.requests[user.id].at for group in groups if user.id in group.requests]
    times += [member.joined_at for group in groups if (member := group.member(user.id)) is not None]
    return datetime.fromtimestamp(max(times), UTC).isoformat()


def _span(entity: SandboxEntity) -> PhoneSpan | None:
    kind = _KINDS.get(entity.kind)
    return PhoneSpan(kind, entity.offset, entity.length, entity.url) if kind else None
