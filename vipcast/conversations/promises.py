"""Promises as rows: made when a question waits, kept or broken when a person has answered it.

A promise is kept once an answer was *accepted by the messenger*, not when somebody typed it; a phone call
or a visit that was noted counts as an answer at its own time.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select, update

from vipcast.conversations import answers, records
from vipcast.conversations.hours import OpeningHours
from vipcast.conversations.promise import Promise, promise
from vipcast.conversations.records import Conversation
from vipcast.storage.tables import conversations, inbound, members, promises

# The desk is nudged when a quarter of `reply_within` is left, but not later than this before the time.
LEAST_NOTICE = timedelta(minutes=10)


class State(enum.StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"  # answered too late, or ended unanswered after its time
    CLOSED = "closed"  # ended in time without an answer: none was needed


@dataclass(frozen=True, slots=True)
class Made:
    """One promise, for people to read."""

    id: int
    conversation_id: int
    member_id: int | None
    name: str
    made_at: datetime
    due_at: datetime
    state: State
    settled_at: datetime | None
    nudged_at: datetime | None
    overdue_told_at: datetime | None

    def standing(self, now: datetime) -> str:
        """Return due, overdue, kept, broken or closed."""
        if self.state is not State.OPEN:
            return self.state.value
        return "overdue" if self.due_at < now else "due"


def current(connection: Connection, conversation_id: int) -> Made | None:
    """Return the promise that a conversation waits for."""
    mine = and_(promises.c.conversation_id == conversation_id, promises.c.state == State.OPEN)
    row = connection.execute(_query().where(mine).order_by(promises.c.due_at)).first()
    return _made(row) if row else None


def make(connection: Connection, conversation_id: int, received_at: datetime, hours: OpeningHours) -> Promise:
    """Promise an answer to a message, where none is promised yet and a time can be named."""
    made = promise(received_at, hours, hours.reply_within)
    if made.at is not None and current(connection, conversation_id) is None:
        connection.execute(
            insert(promises).values(
                conversation_id=conversation_id, made_at=received_at, due_at=made.at, state=State.OPEN
            )
        )
    return made


def asked_at(connection: Connection, conversation_id: int, now: datetime) -> datetime:
    """Return since when a question that came now waits, never before what was answered already.

    It would be before that where the clock was set back, and an old answer would count for it.
    """
    after = answers.nothing_before(connection, conversation_id)
    return max(now, after or now)


def written_at(connection: Connection, talk: Conversation, now: datetime) -> datetime:
    """Return when an answer that is written now was written, never before the questions it answers.

    It would be before them where the clock was set back.
    """
    if talk.waiting_since is None or talk.waiting_since <= now:
        return now
    asked = select(func.max(inbound.c.recorded_at)).where(
        inbound.c.conversation_id == talk.id, inbound.c.handling == "question"
    )
    return max(now, talk.waiting_since, connection.execute(asked).scalar() or now)


def settle(connection: Connection, hours: OpeningHours) -> int:
    """Find out which waiting conversations were answered; return how many.

    A question that came in after the answer was written goes on waiting, with a promise of its own.
    """
    since = conversations.c.waiting_since
    # One question for all that wait: `listen` asks it with every message.
    waiting = select(conversations.c.id, since).where(
        since.is_not(None), answers.are_there(conversations.c.id, since)
    )
    settled = 0
    for row in connection.execute(waiting).all():
        found = answers.first(connection, row.id, row.waiting_since)
        if found is None:
            continue
        settled += 1
        written_at, answered_at = found
        answers.settle_promises(connection, row.id, answered_at)
        later = answers.next_question(connection, row.id, written_at)
        records.change(connection, row.id, waiting_since=later, answered_at=answered_at)
        if later is not None:
            make(connection, row.id, later, hours)
    return settled


def end(connection: Connection, conversation_id: int, now: datetime) -> None:
    """Settle what is open when a conversation is closed by hand."""
    mine = and_(promises.c.conversation_id == conversation_id, promises.c.state == State.OPEN)
    in_time = promises.c.due_at >= now
    for condition, state in ((in_time, State.CLOSED), (~in_time, State.BROKEN)):
        connection.execute(update(promises).where(mine, condition).values(state=state, settled_at=now))


def reopen(connection: Connection, conversation_id: int, answered_at: datetime) -> bool:
    """Let the promise that an answer settled stand again, for it did not arrive; return whether one does."""
    settled = select(promises.c.id).where(
        promises.c.conversation_id == conversation_id,
        promises.c.settled_at == answered_at,
        promises.c.state.in_((State.KEPT, State.BROKEN)),
    )
    number = connection.execute(settled.order_by(promises.c.id).limit(1)).scalar()
    mine = promises.c.id == number
    return (
        connection.execute(update(promises).where(mine).values(state=State.OPEN, settled_at=None)).rowcount
        > 0
    )


def everything(connection: Connection, *, limit: int) -> list[Made]:
    """Return promises: the open ones first by their time, then the latest settled ones."""
    query = _query().order_by(
        promises.c.state != State.OPEN,
        promises.c.settled_at.desc(),
        promises.c.due_at,
        promises.c.id,
    )
    return [_made(row) for row in connection.execute(query.limit(limit))]


def counts(connection: Connection, now: datetime) -> dict[str, int]:
    """Return how many promises are due, overdue, kept, broken and closed."""
    query = select(promises.c.state, func.count()).group_by(promises.c.state)
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    overdue: int = connection.execute(
        select(func.count())
        .select_from(promises)
        .where(promises.c.state == State.OPEN, promises.c.due_at < now)
    ).scalar_one()
    return {
        "due": found.get(State.OPEN, 0) - overdue,
        "overdue": overdue,
        **{state.value: found.get(state, 0) for state in (State.KEPT, State.BROKEN, State.CLOSED)},
    }


def to_tell(connection: Connection, hours: OpeningHours, now: datetime) -> tuple[list[Made], list[Made]]:
    """Return the promises to nudge about, and those that have lapsed; each is returned until it is `told`.

    Nobody is nudged while the shop is closed: who comes in the morning reads it then, before the time.
    """
    notice = max(hours.reply_within / 4, LEAST_NOTICE)
    is_open = next(hours.stretches(now, now + timedelta(seconds=1)), None) is not None
    query = _query().where(promises.c.state == State.OPEN)
    late = [
        _made(row)
        for row in connection.execute(
            query.where(promises.c.due_at < now, promises.c.overdue_told_at.is_(None))
        )
    ]
    if not is_open:
        return [], late
    soon = query.where(
        promises.c.due_at >= now, promises.c.due_at <= now + notice, promises.c.nudged_at.is_(None)
    )
    return [_made(row) for row in connection.execute(soon)], late


def told(connection: Connection, one: Made, now: datetime) -> None:
    """Note that the desk was nudged, or told of the lapse."""
    column = "overdue_told_at" if one.due_at < now else "nudged_at"
    connection.execute(update(promises).where(promises.c.id == one.id).values({column: now}))


def _query() -> Select[Any]:
    return (
        select(
            promises,
            conversations.c.member_id,
            func.coalesce(members.c.name, conversations.c.name).label("name"),
        )
        .join(conversations, conversations.c.id == promises.c.conversation_id)
        .outerjoin(members, members.c.id == conversations.c.member_id)
    )


def _made(row: Any) -> Made:
    values = {name: row._mapping[name] for name in Made.__dataclass_fields__}  # noqa: SLF001
    return Made(**values | {"state": State(row.state)})
