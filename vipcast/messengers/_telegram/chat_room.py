"""One megagroup as one connection reaches it, and the people whom Telegram names in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telethon import types

from vipcast.messengers._telegram import peers
from vipcast.messengers._telegram.reading import moment, names_of
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import Rejected, SendError
from vipcast.messengers.base_chats import ChatRole, Person

# What Telegram answers where a thing is so already, whichever request asked for it.
UNCHANGED = ("CHAT_NOT_MODIFIED", "CHAT_ABOUT_NOT_MODIFIED", "RIGHTS_NOT_MODIFIED")


@dataclass(frozen=True, slots=True)
class Room:
    """A megagroup over an open connection."""

    wire: Wire
    resolver: peers.Resolver
    channel: types.InputPeerChannel

    async def ask(self, request: Any, *settled: str) -> Any:
        """Make a request; return None where an error of these names says that nothing is left to do."""
        try:
            return await self.wire.call(request)
        except SendError as error:
            if error.remote_code not in settled:
                raise
            return None

    async def input_of(self, person: Person) -> Any:
        """Return the input peer of somebody.

        Raises:
            AddressInvalid: this account does not reach them: nothing but a number is known.

        """
        if person.peer:
            return peers.from_text(person.peer)
        return await self.resolver.resolve(person.spellings[0] if person.spellings else person.id)


def person_of(user_id: int, users: dict[int, Any], *, role: ChatRole, joined_at: Any = None) -> Person:
    """Return somebody as `base_chats` knows people; `users` are those that the answer brought, by id."""
    user = users.get(user_id)
    names = tuple(names_of(user_id, user))
    if user is None:
        return Person(str(user_id), names, role=role, joined_at=_moment(joined_at))
    return Person(
        str(user_id),
        names,
        name=" ".join(filter(None, (user.first_name, user.last_name))),
        peer=peers.text_of(user),
        role=ChatRole.BOT if user.bot else role,
        is_deleted=bool(user.deleted),
        is_me=bool(user.is_self),
        joined_at=_moment(joined_at),
    )


def by_id(users: Iterable[Any]) -> dict[int, Any]:
    return {one.id: one for one in users if isinstance(one, types.User)}


def number_of(remote_id: str) -> int:
    """Return a message's number.

    Raises:
        Rejected: this is none.

    """
    if not (remote_id.isascii() and remote_id.isdecimal()):
        raise Rejected("Telegram gave no number for this message", remote_code="MESSAGE_ID_INVALID")
    return int(remote_id)


def _moment(date: Any) -> datetime | None:
    return moment(date) if date else None
