"""Who got a text before: in private or in a group's chat, in this announcement or in another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from vipcast.storage.tables import announcements, deliveries
from vipcast.storage.tables_chats import chat_readers


def reached_in_chats(connection: Connection, number: int) -> set[int]:
    """Return the members who got an announcement, or may yet get it, in a group's chat."""
    query = (
        select(chat_readers.c.member_id)
        .join(deliveries, deliveries.c.id == chat_readers.c.delivery_id)
        .where(
            deliveries.c.announcement_id == number,
            deliveries.c.state.not_in(("failed", "skipped")),
            chat_readers.c.member_id.is_not(None),
        )
    )
    return set(connection.execute(query).scalars())


def who_got(
    connection: Connection, template: str, variables: Mapping[str, str], *, besides: int | None
) -> dict[int, str]:
    """Return {member: when} of those who got, or may yet get, this text in another announcement."""
    privately = _of_text(deliveries.c.member_id, template).where(deliveries.c.member_id.is_not(None))
    in_chats = (
        _of_text(chat_readers.c.member_id, template)
        .join(chat_readers, chat_readers.c.delivery_id == deliveries.c.id)
        .where(chat_readers.c.member_id.is_not(None))
    )
    return {
        row.whom: row.created_at.isoformat()
        for query in (in_chats, privately)
        for row in connection.execute(query)
        if row.id != besides and row.variables == dict(variables)
    }


def chats_that_got(
    connection: Connection, template: str, variables: Mapping[str, str], *, besides: int | None
) -> set[int]:
    """Return the groups to whose chat this text went, or may yet go, in another announcement."""
    query = _of_text(deliveries.c.group_id, template).where(deliveries.c.group_id.is_not(None))
    return {
        row.whom
        for row in connection.execute(query)
        if row.id != besides and row.variables == dict(variables)
    }


def _of_text(whom: ColumnElement[Any], template: str) -> Select[Any]:
    return (
        select(whom.label("whom"), announcements.c.created_at, announcements.c.variables, announcements.c.id)
        .select_from(deliveries)
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .where(
            announcements.c.template == template,
            announcements.c.is_test.is_(False),
            deliveries.c.state.not_in(("failed", "skipped")),
        )
    )
