"""What members got last, in private or in a chat they are in, and since when they have not been reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from vipcast.announcements.records import INVITATION
from vipcast.delivery.lease import Lane
from vipcast.delivery.outcomes import ARRIVED, State, state_for_one
from vipcast.groups.seats import Group
from vipcast.storage.tables import announcements, deliveries
from vipcast.storage.tables_chats import chat_readers

_IS_NEWS = and_(announcements.c.is_test.is_(False), announcements.c.template.not_like(f"{INVITATION}%"))


@dataclass(frozen=True, slots=True)
class Reached:
    """The last announcement of one member: what became of it, and when one last arrived."""

    announcement_id: int
    state: str  # a delivery's
    at: datetime
    reached_at: datetime | None  # None: never

    @property
    def is_lost(self) -> bool:
        """The last one did not arrive."""
        return self.state in (State.FAILED, State.UNKNOWN) or (
            self.state == State.SKIPPED and self.reached_at is None
        )


@dataclass(frozen=True, slots=True)
class LastOfGroup:
    """The latest announcement to a group; `people` and `seen` are those in its chat, 0 without one."""

    number: int
    title: str
    at: datetime
    people: int
    seen: int


def of_members(connection: Connection, ids: Sequence[int]) -> dict[int, Reached]:
    """Return the last announcement of each member who was part of one."""
    privately = _news(deliveries.c.member_id, deliveries.c.seen_at).where(deliveries.c.member_id.in_(ids))
    in_chats = (
        _news(chat_readers.c.member_id, chat_readers.c.seen_at)
        .join(chat_readers, chat_readers.c.delivery_id == deliveries.c.id)
        .where(chat_readers.c.member_id.in_(ids))
    )
    found = [*connection.execute(privately), *connection.execute(in_chats)]
    latest: dict[int, Any] = {}
    arrived: dict[int, datetime] = {}
    for row in sorted(found, key=lambda row: row.id):
        latest[row.whom] = row
        if row.state in ARRIVED:
            arrived[row.whom] = row.seen or row.sent_at or row.planned_at
    return {
        member_id: Reached(
            row.announcement_id,
            row.state if row.group_id is None else state_for_one(row.state, row.seen),
            row.seen or row.sent_at or row.ended_at or row.planned_at,
            arrived.get(member_id),
        )
        for member_id, row in latest.items()
    }


def last_of_group(connection: Connection, group: Group) -> LastOfGroup | None:
    """Return the latest announcement that was sent to a group."""
    rows = connection.execute(
        select(announcements)
        .where(_IS_NEWS, announcements.c.state != "cancelled")
        .order_by(announcements.c.id.desc())
    )
    row = next((row for row in rows if group.name in row.groups), None)
    if row is None:
        return None
    counted = (
        select(func.count(), func.count(chat_readers.c.seen_at))
        .join(deliveries, deliveries.c.id == chat_readers.c.delivery_id)
        .where(deliveries.c.announcement_id == row.id, deliveries.c.group_id == group.id)
    )
    people, seen = connection.execute(counted).one()
    return LastOfGroup(row.id, row.title or row.template, row.started_at or row.created_at, people, seen)


def _news(whom: ColumnElement[Any], seen: ColumnElement[Any]) -> Select[Any]:
    return (
        select(
            deliveries.c.id, deliveries.c.announcement_id, deliveries.c.state, deliveries.c.sent_at,
            deliveries.c.ended_at, deliveries.c.planned_at, deliveries.c.group_id,
            whom.label("whom"), seen.label("seen"),
        )
        .select_from(deliveries)
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .where(Lane.NEWS.deliveries, _IS_NEWS)
    )  # fmt: skip
