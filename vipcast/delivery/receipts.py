"""Later news from a messenger: delivered, seen, failed. They may come early, late, twice or out of order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import deliveries, receipts

KINDS = {EventKind.DELIVERED: State.DELIVERED, EventKind.SEEN: State.SEEN, EventKind.FAILED: State.FAILED}

# How close to its attempt a receipt must lie to settle an unknown delivery to the same address.
SETTLING = timedelta(minutes=15)


def keep(connection: Connection, account: str, event: Event, now: datetime) -> bool:
    """Store a receipt and apply it; return False for one that was there already."""
    try:
        with connection.begin_nested():
            connection.execute(
                insert(receipts).values(
                    account=account,
                    address=event.address,
                    remote_id=event.remote_id,
                    kind=event.kind,
                    through=event.through,
                    words=event.text,
                    at=event.at,
                    recorded_at=now,
                )
            )
    except IntegrityError:
        return False
    _apply(connection, account, event)
    return True


_EARLY = (
    select(receipts)
    .where(
        receipts.c.account == bindparam("b_account"),
        receipts.c.remote_id.in_(bindparam("b_remote_ids", expanding=True)),
    )
    .order_by(receipts.c.at)
)


def apply_early(connection: Connection, account: str, remote_ids: Sequence[str]) -> None:
    """Apply receipts that came before our own record of the message; one query where there are none."""
    for row in connection.execute(_EARLY, {"b_account": account, "b_remote_ids": list(remote_ids)}).all():
        event = Event(EventKind(row.kind), row.address, row.remote_id, row.at, row.words, through=row.through)
        _apply(connection, account, event)


def _apply(connection: Connection, account: str, event: Event) -> None:
    mine = and_(deliveries.c.account == account, deliveries.c.remote_id == event.remote_id)
    if event.through:
        mine = deliveries.c.id.in_(_up_to(connection, account, event))
    at = event.at
    if event.kind is EventKind.FAILED:
        values = {"state": State.FAILED, "reason": "receipt", "words": event.text, "ended_at": at}
        connection.execute(update(deliveries).where(mine, deliveries.c.state.in_(ARRIVED)).values(**values))
        return
    if event.kind is EventKind.SEEN:
        connection.execute(
            update(deliveries)
            .where(mine, deliveries.c.state.in_(ARRIVED))
            .values(state=State.SEEN, seen_at=at)
        )
    elif event.kind is EventKind.DELIVERED:
        connection.execute(
            update(deliveries).where(mine, deliveries.c.delivered_at.is_(None)).values(delivered_at=at)
        )
        connection.execute(
            update(deliveries).where(mine, deliveries.c.state == State.SENT).values(state=State.DELIVERED)
        )
    if event.remote_id and not event.through:
        _settle_unknown(connection, account, event)


def _up_to(connection: Connection, account: str, event: Event) -> list[int]:
    """Return the arrived deliveries that a receipt for a message and all earlier ones speaks of.

    The messenger's numbers tell; the time counts where a message has none, for a receipt may be fetched
    long after it was given.
    """
    query = select(deliveries.c.id, deliveries.c.remote_id, deliveries.c.sent_at).where(
        deliveries.c.account == account,
        deliveries.c.address == event.address,
        deliveries.c.state.in_(ARRIVED),
    )
    found = connection.execute(query).all()
    if not event.remote_id.isdecimal():
        return [row.id for row in found if row.sent_at <= event.at]
    last = int(event.remote_id)
    return [
        row.id
        for row in found
        if (int(row.remote_id) <= last if row.remote_id.isdecimal() else row.sent_at <= event.at)
    ]


def _settle_unknown(connection: Connection, account: str, event: Event) -> None:
    """Let a receipt for an id that we never heard of settle the one unknown delivery it can belong to."""
    known = select(deliveries.c.id).where(
        deliveries.c.account == account, deliveries.c.remote_id == event.remote_id
    )
    if connection.execute(known).first():
        return
    query = select(deliveries.c.id, deliveries.c.state).where(
        deliveries.c.account == account,
        deliveries.c.address == event.address,
        # One whose answer is on its way may be meant as well: then nothing is certain, and the receipt
        # waits for the number that comes with the answer.
        deliveries.c.state.in_((State.UNKNOWN, State.SENDING)),
        deliveries.c.remote_id == "",
        or_(deliveries.c.sending_at.is_(None), deliveries.c.sending_at <= event.at + timedelta(minutes=1)),
        deliveries.c.sending_at >= event.at - SETTLING,
    )
    candidates = connection.execute(query).all()
    if len(candidates) == 1 and candidates[0].state == State.UNKNOWN:
        state = KINDS[event.kind]
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == candidates[0].id)
            .values(
                state=state,
                remote_id=event.remote_id,
                reason="settled-by-receipt",
                sent_at=event.at,
                delivered_at=event.at,
                seen_at=event.at if state is State.SEEN else None,
            )
        )
