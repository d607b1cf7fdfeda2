"""Personal links into a group's chat: one for a member, which asks to be let in and expires.

Why a request and no link for one use: Telegram counts those who came by a link and are *still there*, so
that a place comes free again when somebody leaves; and whoever gets the link first takes the place. With a
request vipcast sees who asks, by whose link, and lets in whoever has a seat: the cap is exact, and a link
that was passed on opens nothing. Telegram has no link with both.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, insert, select, update

from vipcast.groups.seats import Group
from vipcast.storage.tables_chats import chat_links

OPEN, USED, REVOKED, EXPIRED = "open", "used", "revoked", "expired"
MARK = "vipcast "  # how the titles of our links begin; admins see them, members do not


@dataclass(frozen=True, slots=True)
class Link:
    """One member's link; empty while the messenger was asked for it and nothing is known of its answer."""

    id: int
    group_id: int
    member_id: int
    link: str
    mark: str
    state: str  # open | used | revoked | expired
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    announcement_id: int | None


def begin(connection: Connection, group: Group, member_id: int, expires_at: datetime, now: datetime) -> Link:
    """Note down that a link is about to be made, so that one made in vain is known again by its mark."""
    values = {
        "group_id": group.id,
        "member_id": member_id,
        "mark": MARK + secrets.token_hex(6),
        "state": OPEN,
        "made_at": now,
        "expires_at": expires_at,
    }
    query = insert(chat_links).values(**values).returning(chat_links)
    return Link(**connection.execute(query).one()._mapping)  # noqa: SLF001 - a Row's public mapping


def made(connection: Connection, one: Link, link: str, announcement_id: int | None = None) -> None:
    """Note down what the messenger made, and the announcement that carries it."""
    mine = chat_links.c.id == one.id
    connection.execute(update(chat_links).where(mine).values(link=link, announcement_id=announcement_id))


def get(connection: Connection, number: int) -> Link:
    """Return a link by its number."""
    query = select(chat_links).where(chat_links.c.id == number)
    return Link(**connection.execute(query).one()._mapping)  # noqa: SLF001 - a Row's public mapping


def end(connection: Connection, ids: list[int], state: str, now: datetime) -> None:
    """Note down that links let nobody in any more."""
    mine = and_(chat_links.c.id.in_(ids), chat_links.c.state == OPEN)
    connection.execute(update(chat_links).where(mine).values(state=state, ended_at=now))


def of_group(connection: Connection, group: Group, *, only_open: bool = True) -> list[Link]:
    """Return a group's links, the oldest first."""
    query = select(chat_links).where(chat_links.c.group_id == group.id).order_by(chat_links.c.id)
    if only_open:
        query = query.where(chat_links.c.state == OPEN)
    return [Link(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
