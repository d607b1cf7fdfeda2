"""Writing down what attempts came to: of deliveries, of addresses, of the account itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from vipcast.delivery import peers, receipts
from vipcast.delivery.lease import ensure_account
from vipcast.delivery.outcomes import Outcome, State
from vipcast.delivery.statements import RECORD_OTHER, RECORD_SENT
from vipcast.members.roster import mark_address
from vipcast.storage.tables import accounts, deliveries


def record(connection: Connection, account: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down what attempts came to, and what they say of addresses and the account."""
    sent = [
        {"b_id": o.delivery_id, "b_token": o.attempt_token, "b_remote_id": o.remote_id, "b_sent_at": o.at}
        for o in outcomes
        if o.state is State.SENT
    ]
    if sent:
        connection.execute(RECORD_SENT, sent)
        receipts.apply_early(connection, account, [o.remote_id for o in outcomes if o.remote_id])
    if others := [_other(one) for one in outcomes if one.state is not State.SENT]:
        connection.execute(RECORD_OTHER, others)
    for one in outcomes:
        if one.peer or one.address_state:
            _note_address(connection, account, one, now)
        if one.pause_until or one.account_problem:
            _note_account(connection, account, one, now)


def _other(one: Outcome) -> dict[str, Any]:
    return {
        "b_id": one.delivery_id,
        "b_token": one.attempt_token,
        "b_state": one.state,
        "b_reason": one.reason,
        "b_code": one.code,
        "b_words": one.words,
        "b_not_before": one.not_before,
        "b_ended_at": one.at if one.state is State.FAILED else None,
    }


def _note_address(connection: Connection, account: str, outcome: Outcome, now: datetime) -> None:
    row = connection.execute(
        select(
            deliveries.c.member_id, deliveries.c.group_id, deliveries.c.messenger, deliveries.c.address
        ).where(deliveries.c.id == outcome.delivery_id)
    ).one()
    if not row.address or (row.member_id is None and row.group_id is None):  # forgotten meanwhile
        return
    if outcome.address_state and row.address != "me" and row.group_id is None:
        mark_address(
            connection, row.member_id, row.messenger, row.address,
            state=outcome.address_state, reason=outcome.words or outcome.code, now=now,
        )  # fmt: skip
    peers.keep(connection, account, row.address, outcome.peer, now)


def _note_account(connection: Connection, account: str, outcome: Outcome, now: datetime) -> None:
    ensure_account(connection, account)
    values: dict[str, Any] = {}
    if outcome.pause_until:  # of two pauses the longer one counts
        query = select(accounts.c.paused_until).where(accounts.c.name == account)
        until = max(filter(None, (outcome.pause_until, connection.execute(query).scalar())))
        values |= {"paused_from": now, "paused_until": until}
    if outcome.account_problem:
        values |= {"stopped_at": now, "stopped_reason": outcome.account_problem}
        values["stopped_code"] = "login" if outcome.is_login_lost else "limited"
    connection.execute(update(accounts).where(accounts.c.name == account).values(**values))
