"""What became of whom: the rows behind `announcement show` and `why`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select

from vipcast.storage.tables import announcements, deliveries, members


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery as people read of it."""

    announcement_id: int
    template: str
    title: str
    member_id: int | None
    member: str
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


def of_announcement(connection: Connection, number: int) -> list[Entry]:
    """Return the deliveries of an announcement in the order of planning."""
    return _entries(
        connection, _query().where(deliveries.c.announcement_id == number).order_by(deliveries.c.id)
    )


def of_member(connection: Connection, member_id: int, announcement_id: int | None = None) -> list[Entry]:
    """Return the deliveries to a member, the latest announcement first."""
    query = _query().where(deliveries.c.member_id == member_id).order_by(deliveries.c.announcement_id.desc())
    if announcement_id is not None:
        query = query.where(deliveries.c.announcement_id == announcement_id)
    return _entries(connection, query)


def _query() -> Select[tuple[object, ...]]:
    return (
        select(
            deliveries,
            announcements.c.template,
            announcements.c.title,
            members.c.name.label("member"),
        )
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .outerjoin(members, members.c.id == deliveries.c.member_id)
    )


def _entries(connection: Connection, query: Select[tuple[object, ...]]) -> list[Entry]:
    names = Entry.__dataclass_fields__
    return [
        Entry(**{name: row._mapping[name] for name in names if name != "member"}, member=row.member or "")  # noqa: SLF001
        for row in connection.execute(query)
    ]
