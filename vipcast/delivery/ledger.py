"""The ledger of deliveries: never twice, never lost.

Every delivery is `sending` on disk before its request leaves. One step, one transaction: what the last
requests came to, and which go next. The lease is proved inside each step, so a process that was
suspended and replaced writes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from vipcast.delivery.lease import Lease, ensure_account, renew
from vipcast.delivery.outcomes import ARRIVED, OPEN, Outcome, State
from vipcast.members import consent
from vipcast.members.roster import mark_address
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, addresses, announcements, deliveries, peers


@dataclass(frozen=True, slots=True)
class Scope:
    """What a drain may take: one announcement or all running ones, and whether repeating is safe."""

    account: str
    repeats_unknown: bool
    announcement_id: int | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is `sending` on disk and in the hands of this process."""

    id: int
    member_id: int
    address: str
    peer: str
    body: str
    message_key: int
    attempts: int
    attempt_token: str


@dataclass(frozen=True, slots=True)
class Step:
    claimed: list[Claimed]
    next_at: datetime | None  # when the next one is due; None where nothing is left to claim
    paused_until: datetime | None
    stopped: str  # why the account may not send, empty where it may


class Ledger:
    """One account's side of the ledger, under a lease."""

    def __init__(self, database: Database, lease: Lease, scope: Scope) -> None:
        self._database = database
        self._lease = lease
        self._scope = scope

    def step(self, outcomes: Sequence[Outcome], room: int, now: datetime) -> Step:
        """Write down what became of earlier requests and claim up to `room` more.

        Raises:
            LeaseLost: another process has the account; nothing was written.
            StorageError: nothing was written; call again with the same outcomes.

        """
        with self._database.write() as connection:
            renew(connection, self._lease, now)
            record(connection, self._lease.account, outcomes, now)
            account = connection.execute(select(accounts).where(accounts.c.name == self._lease.account)).one()
            paused = current_pause(connection, account, now)
            claimed: list[Claimed] = []
            if room and not paused and not account.stopped_at:
                claimed = self._claim(connection, room, now)
            return Step(claimed, self._next_at(connection, now), paused, account.stopped_reason)

    def _claim(self, connection: Connection, room: int, now: datetime) -> list[Claimed]:
        query = (
            select(deliveries, peers.c.peer, announcements.c.is_test)
            .join(announcements, announcements.c.id == deliveries.c.announcement_id)
            .outerjoin(
                peers, and_(peers.c.account == deliveries.c.account, peers.c.address == deliveries.c.address)
            )
            .where(self._claimable(), _is_due(now))
            .order_by(deliveries.c.id)
            .limit(room)
            .with_for_update(of=deliveries, skip_locked=True)
        )
        rows = connection.execute(query).all()
        if not rows:
            return []
        barred = _barred(connection, {row.member_id for row in rows if not row.is_test})
        claimed, skips = [], []
        for row in rows:
            reason = _reason(barred, row)
            if reason and row.state == State.QUEUED:
                skips.append({"b_id": row.id, "b_state": State.SKIPPED, "b_reason": reason, "b_now": now})
            elif reason:  # it may have been sent, so it stays unknown; it is not repeated either
                kept = _UNSETTLED + reason
                skips.append({"b_id": row.id, "b_state": State.UNKNOWN, "b_reason": kept, "b_now": None})
            else:
                claimed.append(_claimed(row))
        if skips:
            connection.execute(_SKIP, skips)
        if claimed:
            connection.execute(
                _SEND, [{"b_id": c.id, "b_token": c.attempt_token, "b_now": now} for c in claimed]
            )
        return claimed

    def _claimable(self) -> Any:
        states = [State.QUEUED, State.UNKNOWN] if self._scope.repeats_unknown else [State.QUEUED]
        found = and_(
            deliveries.c.account == self._scope.account,
            deliveries.c.state.in_(states),
            deliveries.c.reason.not_like(_UNSETTLED + "%"),
            deliveries.c.announcement_id.in_(
                select(announcements.c.id).where(announcements.c.state == "running")
            ),
        )
        if self._scope.announcement_id is not None:
            found = and_(found, deliveries.c.announcement_id == self._scope.announcement_id)
        return found

    def _next_at(self, connection: Connection, now: datetime) -> datetime | None:
        first = connection.execute(
            select(deliveries.c.not_before).where(self._claimable(), _is_due(now)).limit(1)
        ).first()
        if first:
            return now
        earliest = select(func.min(deliveries.c.not_before)).where(self._claimable())
        later: datetime | None = connection.execute(earliest).scalar_one()
        return later


def _is_due(now: datetime) -> Any:
    """Return the test for what may go now.

    An attempt that lies in the future means that the clock was set back; its waiting time says nothing
    any more, and the server will name a new one where it must.
    """
    return or_(
        deliveries.c.not_before.is_(None), deliveries.c.not_before <= now, deliveries.c.sending_at > now
    )


def current_pause(connection: Connection, account: Any, now: datetime) -> datetime | None:
    """Return until when an account waits, None where it does not.

    A pause that began in the future means that the clock was set back: the wait begins again from now,
    lest a pause of seconds last a day.
    """
    until: datetime | None = account.paused_until
    if until is None or until <= now:
        return None
    if account.paused_from and account.paused_from > now:
        until = now + (until - account.paused_from)
        connection.execute(
            update(accounts)
            .where(accounts.c.name == account.name)
            .values(paused_from=now, paused_until=until)
        )
    return until


_UNSETTLED = "unsettled-"  # before a reason: unknown, and not to be repeated


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row.id,
        member_id=row.member_id,
        address=row.address,
        peer=row.peer or "",
        body=row.body,
        message_key=row.message_key,
        attempts=row.attempts + 1,
        attempt_token=uuid.uuid4().hex,
    )


def _reason(barred: dict[tuple[int, str, str], str], row: Any) -> str:
    return barred.get((row.member_id, "", "")) or barred.get((row.member_id, row.messenger, row.address), "")


def _barred(connection: Connection, ids: set[int]) -> dict[tuple[int, str, str], str]:
    """Return who or what may not be written to any more, looked up at the last moment."""
    barred = {
        (member_id, "", ""): "opted_out" if state is consent.ConsentState.OPTED_OUT else "no_consent"
        for member_id, state in consent.states_of(connection, ids).items()
        if state is not consent.ConsentState.OPTED_IN
    }
    query = select(addresses).where(addresses.c.member_id.in_(ids), addresses.c.state != "ok")
    for row in connection.execute(query):
        barred[(row.member_id, row.messenger, row.address)] = row.state
    return barred


_BY_ID = deliveries.c.id == bindparam("b_id")
_SKIP = (
    update(deliveries)
    .where(_BY_ID)
    .values(state=bindparam("b_state"), reason=bindparam("b_reason"), ended_at=bindparam("b_now"))
)
_SEND = (
    update(deliveries)
    .where(_BY_ID)
    .values(
        state=State.SENDING,
        attempt_token=bindparam("b_token"),
        attempts=deliveries.c.attempts + 1,
        sending_at=bindparam("b_now"),
        not_before=None,
    )
)
# A late result of a worker that was suspended counts as long as nobody has tried again since.
_RECORD = (
    update(deliveries)
    .where(
        _BY_ID,
        deliveries.c.attempt_token == bindparam("b_token"),
        or_(deliveries.c.state == State.SENDING, deliveries.c.state == State.UNKNOWN),
    )
    .values(
        state=bindparam("b_state"),
        reason=bindparam("b_reason"),
        code=bindparam("b_code"),
        words=bindparam("b_words"),
        remote_id=bindparam("b_remote_id"),
        not_before=bindparam("b_not_before"),
        sent_at=bindparam("b_sent_at"),
        ended_at=bindparam("b_ended_at"),
    )
)


def record(connection: Connection, account: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down what attempts came to, and what they say of addresses and the account."""
    if not outcomes:
        return
    connection.execute(
        _RECORD,
        [
            {
                "b_id": one.delivery_id,
                "b_token": one.attempt_token,
                "b_state": one.state,
                "b_reason": one.reason,
                "b_code": one.code,
                "b_words": one.words,
                "b_remote_id": one.remote_id,
                "b_not_before": one.not_before,
                "b_sent_at": one.at if one.state is State.SENT else None,
                "b_ended_at": one.at if one.state is State.FAILED else None,
            }
            for one in outcomes
        ],
    )
    for one in outcomes:
        if one.peer or one.address_state:
            _note_address(connection, account, one, now)
        if one.pause_until or one.account_problem:
            _note_account(connection, account, one, now)


def _note_address(connection: Connection, account: str, outcome: Outcome, now: datetime) -> None:
    row = connection.execute(
        select(deliveries.c.member_id, deliveries.c.messenger, deliveries.c.address).where(
            deliveries.c.id == outcome.delivery_id
        )
    ).one()
    if not row.address or row.member_id is None:  # the person was forgotten meanwhile
        return
    if outcome.address_state and row.address != "me":
        mark_address(
            connection, row.member_id, row.messenger, row.address,
            state=outcome.address_state, reason=outcome.words or outcome.code, now=now,
        )  # fmt: skip
    if outcome.peer:
        mine = and_(peers.c.account == account, peers.c.address == row.address)
        values = {"peer": outcome.peer, "resolved_at": now}
        if not connection.execute(update(peers).where(mine).values(**values)).rowcount:
            connection.execute(peers.insert().values(account=account, address=row.address, **values))


def _note_account(connection: Connection, account: str, outcome: Outcome, now: datetime) -> None:
    ensure_account(connection, account)
    values: dict[str, Any] = {}
    if outcome.pause_until:
        values |= {"paused_from": now, "paused_until": outcome.pause_until}
    if outcome.account_problem:
        values |= {"stopped_at": now, "stopped_reason": outcome.account_problem}
        values["stopped_code"] = "login" if outcome.is_login_lost else "limited"
    connection.execute(update(accounts).where(accounts.c.name == account).values(**values))


def clear_stop(connection: Connection, account: str, *, code: str = "") -> None:
    """Let an account send again: after a new login (`code` "login" only), or on the owner's word."""
    mine = accounts.c.name == account
    connection.execute(
        update(accounts)
        .where(and_(mine, accounts.c.stopped_code == code) if code else mine)
        .values(stopped_at=None, stopped_code="", stopped_reason="")
    )


def counts(connection: Connection, announcement_id: int) -> dict[State, int]:
    """Return how many deliveries of an announcement are in each state."""
    query = (
        select(deliveries.c.state, func.count())
        .where(deliveries.c.announcement_id == announcement_id)
        .group_by(deliveries.c.state)
    )
    return {State(state): number for state, number in connection.execute(query)}


def open_accounts(connection: Connection, announcement_id: int | None) -> list[str]:
    """Return the accounts that have something left to do, for one announcement or all running ones."""
    query = (
        select(deliveries.c.account)
        .where(
            deliveries.c.state.in_((*OPEN, State.UNKNOWN)),
            deliveries.c.announcement_id.in_(
                select(announcements.c.id).where(announcements.c.state == "running")
            ),
        )
        .distinct()
        .order_by(deliveries.c.account)
    )
    if announcement_id is not None:
        query = query.where(deliveries.c.announcement_id == announcement_id)
    return list(connection.execute(query).scalars())


def finish(connection: Connection, announcement_id: int, now: datetime) -> bool:
    """Mark an announcement finished once nothing of it is queued or under way; return whether it is."""
    left = connection.execute(
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.announcement_id == announcement_id, deliveries.c.state.in_(OPEN))
    ).scalar_one()
    if left:
        return False
    done = connection.execute(
        update(announcements)
        .where(announcements.c.id == announcement_id, announcements.c.state == "running")
        .values(state="finished", finished_at=now, state_reason="")
    )
    return done.rowcount > 0


def retry(connection: Connection, announcement_id: int, state: State) -> int:
    """Queue an announcement's failed or unknown deliveries once more; return how many.

    For `unknown` ones on a messenger without a key for repeats this is the owner's decision to risk a
    second copy.
    """
    done = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.announcement_id == announcement_id,
            deliveries.c.state == state,
            deliveries.c.member_id.is_not(None),
        )
        .values(state=State.QUEUED, reason="retry", not_before=None, ended_at=None)
    )
    if done.rowcount:
        connection.execute(
            update(announcements)
            .where(announcements.c.id == announcement_id)
            .values(state="running", finished_at=None, state_reason="")
        )
    return done.rowcount


def arrived(found: dict[State, int]) -> int:
    return sum(found.get(state, 0) for state in ARRIVED)
