"""Who has seen an announcement in a group's chat, while the messenger still tells."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, insert, select, update

from vipcast.chats import people
from vipcast.chats.context import Context
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.groups.seats import Group
from vipcast.messengers.base import Rejected
from vipcast.messengers.base_chats import ChatKeeper
from vipcast.storage.tables import deliveries
from vipcast.storage.tables_chats import chat_readers

TOLD_FOR = timedelta(days=7)  # Telegram: messages.getMessageReadParticipants, in groups of up to 50


async def look(context: Context, keeper: ChatKeeper, group: Group) -> int:
    """Ask for the readers of what was said in the chat lately, and keep them; return how many are new."""
    now = context.now()
    with context.database.read() as connection:
        query = select(deliveries.c.id, deliveries.c.remote_id).where(
            deliveries.c.group_id == group.id,
            deliveries.c.announcement_id.is_not(None),
            deliveries.c.state.in_(ARRIVED),
            deliveries.c.remote_id != "",
            deliveries.c.sent_at > now - TOLD_FOR,
        )
        found = connection.execute(query).all()
        unread = {row.id for row in found if _is_waited_for(connection, row.id)}
    new = 0
    for row in found:
        if row.id not in unread:
            continue
        try:
            readers = await keeper.readers(group.chat, row.remote_id)
        except Rejected:  # too old, or deleted: what is known stays
            continue
        with context.database.write() as connection:
            new += sum(_keep(connection, group, row.id, person, at) for person, at in readers.items())
    return new


def _is_waited_for(connection: Connection, delivery_id: int) -> bool:
    query = select(chat_readers.c.person).where(
        chat_readers.c.delivery_id == delivery_id, chat_readers.c.seen_at.is_(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def _keep(connection: Connection, group: Group, delivery_id: int, person: str, at: datetime) -> bool:
    """Write down that a person has read; who came later than the announcement counts as well."""
    mine = and_(chat_readers.c.delivery_id == delivery_id, chat_readers.c.person == person)
    known = connection.execute(select(chat_readers.c.seen_at).where(mine)).first()
    if known is not None and known.seen_at is not None:
        return False
    if known is not None:
        connection.execute(update(chat_readers).where(mine).values(seen_at=at))
    else:
        one = people.known(connection, group).get(person)
        if one is None or one.member_id is None:
            return False  # the account itself, an admin: nobody who is told
        values = {"delivery_id": delivery_id, "person": person, "member_id": one.member_id, "seen_at": at}
        connection.execute(insert(chat_readers).values(**values))
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == delivery_id, deliveries.c.state.in_(ARRIVED), deliveries.c.seen_at.is_(None)
        )
        .values(state=State.SEEN, seen_at=at)
    )
    return True
