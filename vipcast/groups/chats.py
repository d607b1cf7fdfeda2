"""What is kept of a group's chat on a messenger: how it stands, who is in it, by which links they come.

Only records: nothing here talks to a messenger. A group kept by hand has a chat as well, which no program
can look into: all who have a seat count as being in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, delete, insert, select, update

from vipcast.by_hand import BY_HAND
from vipcast.groups import seats
from vipcast.groups.seats import Group
from vipcast.storage.tables import groups
from vipcast.storage.tables_chats import chat_links, chat_people, chats

DIRECT, CHAT = "direct", "chat"
MODES = (DIRECT, CHAT, BY_HAND)
MAKING, READY, CLOSED = "making", "ready", "closed"


@dataclass(frozen=True, slots=True)
class GroupChat:
    """A group's chat; `messenger` is the network's name where it is kept by hand."""

    group_id: int
    messenger: str
    state: str  # making | ready | closed
    mark: str
    title: str
    picture: str
    link: str
    door: str  # the default link, which nobody was ever given
    language: str
    members_write: bool
    hides_members: bool
    made_at: datetime
    closed_at: datetime | None
    changed_at: datetime | None
    looked_at: datetime | None

    @classmethod
    def to_be(cls, group_id: int, messenger: str, now: datetime) -> Self:
        """Return a chat that nobody has made yet, as it is where nothing is wished."""
        return cls(
            group_id, messenger, MAKING, mark="", title="", picture="", link="", door="", language="",
            members_write=False, hides_members=False, made_at=now, closed_at=None, changed_at=None,
            looked_at=None,
        )  # fmt: skip

    @property
    def wants_a_look(self) -> bool:
        """Somebody came, left or asks since seats and people were compared."""
        return self.changed_at is not None and (self.looked_at is None or self.looked_at < self.changed_at)


def of(connection: Connection, group: Group) -> GroupChat | None:
    """Return a group's chat; None where it has none that vipcast keeps."""
    row = connection.execute(select(chats).where(chats.c.group_id == group.id)).first()
    return GroupChat(**row._mapping) if row else None  # noqa: SLF001 - a Row's public mapping


def kept(connection: Connection) -> list[tuple[Group, GroupChat]]:
    """Return the open groups whose chat is ready, or being made, on a messenger that can be looked into."""
    query = (
        select(chats, groups.c.name)
        .join(groups, groups.c.id == chats.c.group_id)
        .where(groups.c.mode == CHAT, groups.c.closed_at.is_(None), chats.c.state.in_((READY, MAKING)))
        .order_by(groups.c.name)
    )
    fields = GroupChat.__dataclass_fields__
    return [
        (seats.get(connection, row.name), GroupChat(**{name: row._mapping[name] for name in fields}))  # noqa: SLF001
        for row in connection.execute(query).all()
    ]


def put(connection: Connection, group: Group, values: Mapping[str, Any]) -> GroupChat:
    """Make or change the record of a group's chat and return it."""
    mine = chats.c.group_id == group.id
    if not connection.execute(update(chats).where(mine).values(**values)).rowcount:
        connection.execute(insert(chats).values(group_id=group.id, **values))
    return GroupChat(**connection.execute(select(chats).where(mine)).one()._mapping)  # noqa: SLF001


def set_mode(connection: Connection, group: Group, mode: str) -> None:
    connection.execute(update(groups).where(groups.c.id == group.id).values(mode=mode))


def move(connection: Connection, group: Group, account: str, address: str) -> None:
    """Note which chat of a messenger is the group's; who was in another one, and its links, are forgotten.

    Raises:
        InputError: it is another group's.

    """
    seats.set_chat(connection, group, account, address)
    if address == group.chat and account == group.chat_account:
        return
    connection.execute(delete(chat_people).where(chat_people.c.group_id == group.id))
    connection.execute(delete(chat_links).where(chat_links.c.group_id == group.id))
    values = {"door": "", "looked_at": None, "changed_at": None}
    connection.execute(update(chats).where(chats.c.group_id == group.id).values(**values))


def note_changed(connection: Connection, account: str, address: str, now: datetime) -> bool:
    """Note that a chat is to be looked through; return whether it is one that vipcast keeps."""
    mine = select(groups.c.id).where(
        groups.c.chat_account == account, groups.c.chat == address, groups.c.closed_at.is_(None)
    )
    values = {"changed_at": now}
    return bool(connection.execute(update(chats).where(chats.c.group_id.in_(mine)).values(**values)).rowcount)


def with_member(connection: Connection, member_id: int) -> list[Group]:
    """Return the groups whose chat a member is in."""
    query = select(groups.c.name).where(
        groups.c.id.in_(
            select(chat_people.c.group_id).where(
                chat_people.c.member_id == member_id, chat_people.c.state == "there"
            )
        )
    )
    return [seats.get(connection, name) for name in connection.execute(query).scalars()]


def touch(connection: Connection, group: Group, now: datetime) -> None:
    """Let a group's chat be looked through soon; nothing where it has none."""
    connection.execute(update(chats).where(chats.c.group_id == group.id).values(changed_at=now))


def has_links_out(connection: Connection, group: Group) -> bool:
    """Return whether somebody has a link and has not come in yet."""
    query = select(chat_links.c.id).where(chat_links.c.group_id == group.id, chat_links.c.state == "open")
    return connection.execute(query.limit(1)).first() is not None


def members_in(connection: Connection, group: Group) -> dict[int, str]:
    """Return {member: the messenger's number} of those whom a message to the group's chat reaches.

    In a group kept by hand these are all who have a seat; they have no number there.
    """
    if group.mode == BY_HAND:
        return {
            seat.member_id: "" for seat in seats.seats(connection, group) if seat.place is seats.Place.SEATED
        }
    query = select(chat_people.c.member_id, chat_people.c.person).where(
        chat_people.c.group_id == group.id,
        chat_people.c.state == "there",
        chat_people.c.member_id.is_not(None),
    )
    return {row.member_id: row.person for row in connection.execute(query)}
