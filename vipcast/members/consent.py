"""Consent: append-only events. The one with the latest time is in force, whenever it was recorded."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from vipcast.storage.tables import consents


class ConsentState(enum.StrEnum):
    NONE = "none"
    OPTED_IN = "opt_in"
    OPTED_OUT = "opt_out"


# Of an opt-in and an opt-out at the same moment the opt-out stands ("opt_out" sorts after "opt_in").
IN_ORDER = (consents.c.at, consents.c.event, consents.c.id)


def all_states(connection: Connection) -> dict[int, ConsentState]:
    """Return the consent in force of every member who has any event."""
    rank = (
        func.row_number()
        .over(partition_by=consents.c.member_id, order_by=tuple(column.desc() for column in IN_ORDER))
        .label("rank")
    )
    ranked = select(consents.c.member_id, consents.c.event, rank).subquery()
    query = select(ranked.c.member_id, ranked.c.event).where(ranked.c.rank == 1)
    return {row.member_id: ConsentState(row.event) for row in connection.execute(query)}


def states_of(connection: Connection, member_ids: Iterable[int]) -> dict[int, ConsentState]:
    """Return the consent in force of each member named; NONE where nothing was ever recorded."""
    ids = list(member_ids)
    found = dict.fromkeys(ids, ConsentState.NONE)
    query = (
        select(consents.c.member_id, consents.c.event)
        .where(consents.c.member_id.in_(ids))
        .order_by(*IN_ORDER)
    )
    for member_id, event in connection.execute(query):
        found[member_id] = ConsentState(event)
    return found


def record(
    connection: Connection,
    member_id: int,
    event: ConsentState,
    *,
    at: datetime,
    source: str,
    now: datetime,
    wording: str = "",
) -> None:
    """Append one opt-in or opt-out; nothing is ever changed or taken back.

    What a person says now stands above all that was recorded before, a date in the future included.
    """
    latest = connection.execute(
        select(func.max(consents.c.at)).where(consents.c.member_id == member_id)
    ).scalar()
    if latest is not None and latest >= at:
        at = latest if event is ConsentState.OPTED_OUT else latest + timedelta(microseconds=1)
    connection.execute(
        insert(consents).values(
            member_id=member_id, event=event, at=at, source=source, wording=wording, recorded_at=now
        )
    )
