"""What became of whom: the rows behind `announcement show` and `why`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, func, or_, select

from vipcast.delivery.outcomes import state_for_one
from vipcast.storage.tables import announcements, deliveries, groups, members
from vipcast.storage.tables_chats import chat_readers


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery as people read of it."""

    announcement_id: int
    template: str
    title: str
    member_id: int | None
    member: str
    group: str  # whose chat it went to; empty for a private message
    people: int  # whom it reached there
    readers: int  # who of them has seen it
    state: str
    reason: str
    code: str
    words: str
    account: str
    messenger: str
    address: str
    attempts: int
    not_before: datetime | None
    planned_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    seen_at: datetime | None
    ended_at: datetime | None
    recall: str  # a delivery.recalling.Mark
    recall_words: str
    recalled_at: datetime | None

    @property
    def at(self) -> datetime:
        """Return when the last thing happened."""
        times = (self.seen_at, self.delivered_at, self.sent_at, self.ended_at, self.sending_at)
        return next((time for time in times if time), self.planned_at)

    @property
    def whom(self) -> str:
        """Who got it, for people; also once they are forgotten."""
        return f"the chat of {self.group}" if self.group else self.member or "(forgotten)"


def of_announcement(connection: Connection, number: int) -> list[Entry]:
    """Return the deliveries of an announcement in the order of planning."""
    return _entries(
        connection, _query().where(deliveries.c.announcement_id == number).order_by(deliveries.c.id)
    )


def of_member(connection: Connection, member_id: int, announcement_id: int | None = None) -> list[Entry]:
    """Return what went to a member, privately or in a chat they were in, the latest announcement first.

    What went to a chat has the state and time that it has for this one member.
    """
    in_chat = select(chat_readers.c.delivery_id, chat_readers.c.seen_at).where(
        chat_readers.c.member_id == member_id
    )
    seen = {row.delivery_id: row.seen_at for row in connection.execute(in_chat)}
    query = (
        _query()
        .where(or_(deliveries.c.member_id == member_id, deliveries.c.id.in_(list(seen))))
        .order_by(deliveries.c.announcement_id.desc(), deliveries.c.id.desc())
    )
    if announcement_id is not None:
        query = query.where(deliveries.c.announcement_id == announcement_id)
    return [
        replace(entry, state=state_for_one(entry.state, seen[number]), seen_at=seen[number])
        if number in seen
        else entry
        for number, entry in _numbered(connection, query)
    ]


def _query() -> Select[tuple[object, ...]]:
    def counted(*wanted: ColumnElement[bool]) -> ScalarSelect[int]:
        query = select(func.count()).select_from(chat_readers)
        return query.where(chat_readers.c.delivery_id == deliveries.c.id, *wanted).scalar_subquery()

    return (
        select(
            deliveries,
            announcements.c.template,
            announcements.c.title,
            members.c.name.label("member"),
            groups.c.name.label("group"),
            counted().label("people"),
            counted(chat_readers.c.seen_at.is_not(None)).label("readers"),
        )
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .outerjoin(members, members.c.id == deliveries.c.member_id)
        .outerjoin(groups, groups.c.id == deliveries.c.group_id)
    )


def _entries(connection: Connection, query: Select[tuple[object, ...]]) -> list[Entry]:
    return [entry for _, entry in _numbered(connection, query)]


def _numbered(connection: Connection, query: Select[tuple[object, ...]]) -> Iterator[tuple[int, Entry]]:
    """Yield (delivery, entry)."""
    for row in connection.execute(query):
        values = {name: row._mapping[name] for name in Entry.__dataclass_fields__}  # noqa: SLF001
        yield row.id, Entry(**values | {"member": row.member or "", "group": row.group or ""})
