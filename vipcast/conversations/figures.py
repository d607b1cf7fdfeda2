"""What the conversations of a time came to, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection, func, select

from vipcast.conversations import promises
from vipcast.conversations.history import AT_THE_DESK
from vipcast.delivery.outcomes import ARRIVED
from vipcast.delivery.talk import Kind
from vipcast.messengers.base import EventKind
from vipcast.storage.tables import conversations, deliveries, inbound
from vipcast.storage.tables import promises as promised


@dataclass(frozen=True, slots=True)
class Figures:
    """Since a moment: what members wrote, who answered, and how soon. Times in minutes, real ones."""

    messages: int
    questions: int
    answered_by_faq: int
    opted_out: int
    answers: int  # by people
    automatic: int
    median_minutes_to_answer: float | None
    waiting_now: int
    promises: dict[str, int]  # due, overdue, kept, broken, closed: of all times


def since(connection: Connection, start: datetime, now: datetime) -> Figures:
    """Count what happened from `start` up to `now`."""
    handled: dict[str, int] = dict(
        connection.execute(
            select(inbound.c.handling, func.count())
            .where(inbound.c.recorded_at >= start, inbound.c.kind == EventKind.MESSAGE)
            .group_by(inbound.c.handling)
        ).all()
    )
    said: dict[str, int] = dict(
        connection.execute(
            select(deliveries.c.kind, func.count())
            .where(deliveries.c.planned_at >= start, deliveries.c.state.in_(ARRIVED))
            .group_by(deliveries.c.kind)
        ).all()
    )
    at_desk = sum(handled.get(one, 0) for one in AT_THE_DESK)
    waiting = select(func.count()).where(conversations.c.waiting_since.is_not(None))
    return Figures(
        messages=sum(handled.values()) - at_desk,
        questions=handled.get("question", 0),
        answered_by_faq=handled.get("faq", 0),
        opted_out=handled.get("consent", 0),
        answers=said.get(Kind.ANSWER, 0),
        automatic=said.get(Kind.AUTOMATIC, 0),
        median_minutes_to_answer=_median(connection, start),
        waiting_now=connection.execute(waiting).scalar_one(),
        promises=promises.counts(connection, now),
    )


def _median(connection: Connection, start: datetime) -> float | None:
    query = select(promised.c.made_at, promised.c.settled_at).where(
        promised.c.made_at >= start, promised.c.state.in_(("kept", "broken"))
    )
    taken = [row.settled_at - row.made_at for row in connection.execute(query) if row.settled_at]
    return round(median(taken) / timedelta(minutes=1), 1) if taken else None
