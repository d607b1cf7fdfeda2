"""Which answers count for a question that waits: those that were written after it came in.

An answer counts once the messenger accepted it; a phone call or a visit that was noted, at its own time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from vipcast.delivery.outcomes import ARRIVED
from vipcast.delivery.talk import Kind
from vipcast.storage.tables import conversations, deliveries, inbound, notes, promises

NOTES = ("call", "visit")
_MOMENT = timedelta(microseconds=1)


def first(connection: Connection, conversation_id: int, since: datetime) -> tuple[datetime, datetime] | None:
    """Return when the first answer since a moment was written, and when it was accepted."""
    sent = (
        select(deliveries.c.planned_at, func.coalesce(deliveries.c.sent_at, deliveries.c.planned_at))
        .where(*_sent(conversation_id, since))
        .order_by(deliveries.c.planned_at)
        .limit(1)
    )
    noted = select(notes.c.at).where(*_noted(conversation_id, since)).order_by(notes.c.at).limit(1)
    found = [(row[0], row[1]) for row in connection.execute(sent)]
    # A call from before the question was read here answers what was read up to then, and nothing later.
    found += [(max(at, since),) * 2 for at in connection.execute(noted).scalars()]
    return min(found, default=None, key=lambda times: times[1])


def are_there(conversation_id: Any, since: Any) -> ColumnElement[bool]:
    """Return the condition that `first` finds one; both may be columns of `conversations`."""
    return or_(
        exists().where(*_sent(conversation_id, since)), exists().where(*_noted(conversation_id, since))
    )


def next_question(connection: Connection, conversation_id: int, written_at: datetime) -> datetime | None:
    """Return when the first question came in that an answer cannot be meant for; None where none did."""
    query = select(func.min(inbound.c.recorded_at)).where(
        inbound.c.conversation_id == conversation_id,
        inbound.c.handling == "question",
        inbound.c.recorded_at > written_at,
    )
    return connection.execute(query).scalar()


def nothing_before(connection: Connection, conversation_id: int) -> datetime | None:
    """Return the moment after all answers that were written so far; None where there are none.

    An answer that is still on its way counts here too: it was not written for what waits from now on.
    """
    said = select(func.max(deliveries.c.planned_at)).where(
        deliveries.c.conversation_id == conversation_id, deliveries.c.kind == Kind.ANSWER
    )
    noted = select(func.max(notes.c.recorded_at)).where(
        notes.c.conversation_id == conversation_id, notes.c.kind.in_(NOTES)
    )
    found = [connection.execute(query).scalar() for query in (said, noted)]
    return max((moment + _MOMENT for moment in found if moment is not None), default=None)


def settle_promises(connection: Connection, conversation_id: int, at: datetime) -> None:
    """Let the open promises of a conversation be kept or broken by an answer of that time."""
    mine = and_(promises.c.conversation_id == conversation_id, promises.c.state == "open")
    in_time = promises.c.due_at >= at
    for condition, state in ((in_time, "kept"), (~in_time, "broken")):
        connection.execute(update(promises).where(mine, condition).values(state=state, settled_at=at))


def _sent(conversation_id: Any, since: Any) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for the answers that arrived of those written since a moment."""
    return (
        deliveries.c.conversation_id == conversation_id,
        deliveries.c.kind == Kind.ANSWER,
        deliveries.c.state.in_(ARRIVED),
        deliveries.c.planned_at >= since,
    )


def _noted(conversation_id: Any, since: Any) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for calls and visits since a moment.

    A question may have been read here long after it was sent: a call counts from when it was sent, if it
    was noted after the reading.
    """
    asked = (
        select(func.min(inbound.c.at))
        .where(
            inbound.c.conversation_id == notes.c.conversation_id,
            inbound.c.handling == "question",
            inbound.c.recorded_at >= since,
        )
        .correlate(notes, conversations)
        .scalar_subquery()
    )
    return (
        notes.c.conversation_id == conversation_id,
        notes.c.kind.in_(NOTES),
        or_(notes.c.at >= since, and_(notes.c.recorded_at >= since, notes.c.at >= asked)),
    )
