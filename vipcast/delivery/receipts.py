"""Later news from a messenger: delivered, seen, failed. They may come early, late, twice or out of order."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, insert, or_, select, update
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


def apply_early(connection: Connection, account: str, remote_ids: list[str]) -> None:
    """Apply receipts that came before our own record of the message."""
    query = select(receipts).where(receipts.c.account == account, receipts.c.remote_id.in_(remote_ids))
    for row in connection.execute(query.order_by(receipts.c.at)).all():
        event = Event(EventKind(row.kind), row.address, row.remote_id, row.at, row.words, through=row.through)
        _apply(connection, account, event)


def _apply(connection: Connection, account: str, event: Event) -> None:
    mine = and_(deliveries.c.account == account, deliveries.c.remote_id == event.remote_id)
    if event.through:
        mine = and_(
            deliveries.c.account == account,
            deliveries.c.address == event.address,
            deliveries.c.sent_at <= event.at,
        )
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


def _settle_unknown(connection: Connection, account: str, event: Event) -> None:
    """Let a receipt for an id that we never heard of settle the one unknown delivery it can belong to."""
    known = select(deliveries.c.id).where(
        deliveries.c.account == account, deliveries.c.remote_id == event.remote_id
    )
    if connection.execute(known).first():
        return
    query = select(deliveries.c.id).where(
        deliveries.c.account == account,
        deliveries.c.address == event.address,
        deliveries.c.state == State.UNKNOWN,
        deliveries.c.remote_id == "",
        or_(deliveries.c.sending_at.is_(None), deliveries.c.sending_at <= event.at + timedelta(minutes=1)),
        deliveries.c.sending_at >= event.at - SETTLING,
    )
    candidates = list(connection.execute(query).scalars())
    if len(candidates) == 1:
        state = KINDS[event.kind]
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == candidates[0])
            .values(
                state=state,
                remote_id=event.remote_id,
                reason="settled-by-receipt",
                sent_at=event.at,
                delivered_at=event.at,
                seen_at=event.at if state is State.SEEN else None,
            )
        )
