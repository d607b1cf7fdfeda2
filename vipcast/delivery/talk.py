"""What is said outside announcements: answers, automatic answers, and what the support desk is told.

They are deliveries like any other, in the lane `TALK`: `sending` on disk before the request leaves, and
`unknown` where nobody knows.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, exists, insert, select, text

from vipcast.delivery.lease import Lane
from vipcast.delivery.outcomes import State
from vipcast.delivery.statements import IS_OPEN
from vipcast.messengers.base import Message
from vipcast.storage.tables import deliveries

# Word for word the condition of the index ix_deliveries_answers.
IS_ANSWER = text("deliveries.kind = 'answer'")


class Kind(enum.StrEnum):
    """What a delivery is. All but announcements are in the lane `TALK`."""

    ANNOUNCEMENT = "announcement"
    ANSWER = "answer"  # a person's, to a member
    AUTOMATIC = "automatic"  # vipcast's own, to a member
    RELAY = "relay"  # a member's message, to the desk
    NOTICE = "notice"  # vipcast's own, to the desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One message of the lane `TALK`, before it is written down."""

    kind: Kind
    account: str
    messenger: str
    address: str
    message: Message
    conversation_id: int | None = None
    member_id: int | None = None  # who gets it; None at the desk
    group_id: int | None = None  # the group whose chat gets it
    inbound_id: int | None = None  # the message that it is about
    purpose: str | None = None  # what may be said only once, ever
    author: str = ""
    language: str = ""
    not_before: datetime | None = None


def say(connection: Connection, saying: Saying, *, new_key: Callable[[], int], now: datetime) -> int | None:
    """Queue a message and return its number; None where its purpose was served before."""
    if saying.purpose is not None:
        served = select(exists().where(deliveries.c.purpose == saying.purpose))
        if connection.execute(served).scalar_one():
            return None
    return _insert(connection, saying, State.QUEUED, new_key(), now)


def note_said(
    connection: Connection,
    saying: Saying,
    remote_id: str,
    *,
    said_at: datetime,
    new_key: Callable[[], int],
    now: datetime,
) -> int | None:
    """Write down a message that was sent by hand in the messenger's own app, maybe some time ago."""
    served = select(exists().where(deliveries.c.purpose == saying.purpose))
    if saying.purpose is not None and connection.execute(served).scalar_one():
        return None
    return _insert(connection, saying, State.SENT, new_key(), now, remote_id=remote_id, sent_at=said_at)


def _insert(
    connection: Connection, saying: Saying, state: State, key: int, at: datetime, **more: object
) -> int:
    values = {name: getattr(saying, name) for name in Saying.__dataclass_fields__ if name != "message"} | more
    number: int = connection.execute(
        insert(deliveries)
        .values(
            state=state,
            body=msgspec.json.encode(saying.message).decode(),
            message_key=key,
            planned_at=at,
            **values,
        )
        .returning(deliveries.c.id)
    ).scalar_one()
    return number


def body_of(body: str) -> Message:
    """Return the message of a delivery's row; an empty one once its member is forgotten."""
    return msgspec.json.decode(body, type=Message) if body else Message("")


def is_due_by(connection: Connection, moment: datetime) -> bool:
    """Return whether something queued in the lane `TALK` may go out by a moment, and does not yet."""
    query = select(deliveries.c.id).where(
        IS_OPEN, Lane.TALK.deliveries, deliveries.c.state == State.QUEUED, deliveries.c.not_before <= moment
    )
    return connection.execute(query.limit(1)).first() is not None


def accounts_due(connection: Connection) -> set[str]:
    """Return the accounts with something in the lane `TALK` that is not settled."""
    query = select(deliveries.c.account).where(IS_OPEN, Lane.TALK.deliveries).distinct()
    return set(connection.execute(query).scalars())
