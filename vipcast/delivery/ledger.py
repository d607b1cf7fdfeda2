"""The ledger of deliveries: never twice, never lost.

Every delivery is `sending` on disk before its request leaves. One step, one transaction: what the last
requests came to, and which go next. The lease is proved inside each step, so a process that was
suspended and replaced writes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update

from vipcast.by_hand import BY_HAND
from vipcast.delivery.contacts import LOOK_AHEAD, Budget
from vipcast.delivery.lease import Lane, Lease, renew
from vipcast.delivery.manners import Manners
from vipcast.delivery.outcomes import OPEN, Outcome, State
from vipcast.delivery.recording import record
from vipcast.delivery.statements import (
    ADDRESS_STATE,
    CLAIMED_COLUMNS,
    CONSENT,
    FIRST_CONTACTS,
    GROUP_CLOSED,
    HOLD,
    IS_DUE,
    IS_DUE_OR_HELD_TOO_LONG,
    IS_OPEN,
    MEMBER_ZONE,
    SEND,
    SKIP,
    UNSETTLED,
)
from vipcast.members.consent import ConsentState
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, announcements, deliveries, peers


@dataclass(frozen=True, slots=True)
class Scope:
    """What a drain may take: one announcement, all running ones or conversations; is repeating safe."""

    account: str
    repeats_unknown: bool
    announcement_id: int | None = None
    lane: Lane = Lane.NEWS


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is `sending` on disk and in the hands of this process."""

    id: int
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
    stopped_code: str = ""  # login | limited


class Ledger:
    """One account's side of the ledger, under a lease.

    A step runs for every few deliveries, so its statements are built once.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        scope: Scope,
        manners: Manners | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._database = database
        self._lease = lease
        self._manners = manners if manners is not None and manners.are_set else None
        self._budget = budget if scope.lane is Lane.NEWS else None  # an answer is no first contact
        mine = _claimable(scope)
        is_due = IS_DUE if self._budget is None else IS_DUE_OR_HELD_TOO_LONG
        self._claim_query = (
            select(
                *CLAIMED_COLUMNS,
                peers.c.peer,
                announcements.c.is_test,
                announcements.c.is_urgent,
                announcements.c.ends_at,
                CONSENT,
                ADDRESS_STATE,
                GROUP_CLOSED,
                MEMBER_ZONE,
            )
            .outerjoin(announcements, announcements.c.id == deliveries.c.announcement_id)
            .outerjoin(
                peers, and_(peers.c.account == deliveries.c.account, peers.c.address == deliveries.c.address)
            )
            .where(mine, is_due)
            .order_by(deliveries.c.id)
            .limit(bindparam("b_room"))
            .with_for_update(of=deliveries, skip_locked=True)
        )
        self._due_query = select(deliveries.c.id).where(mine, is_due).limit(1)
        self._later_query = select(func.min(deliveries.c.not_before)).where(mine)

    def step(self, outcomes: Sequence[Outcome], room: int, now: datetime) -> Step:
        """Write down what became of earlier requests and claim up to `room` more.

        Raises:
            LeaseLost: another process has the account; nothing was written.
            StorageError: nothing was written; call again with the same outcomes.

        """
        with self._database.write() as connection:
            account = renew(connection, self._lease, now)
            if outcomes:
                record(connection, self._lease.account, outcomes, now)
                if any(one.pause_until or one.account_problem for one in outcomes):
                    account = renew(connection, self._lease, now)
            paused = current_pause(connection, account, now)
            claimed: list[Claimed] = []
            if room and not paused and not account.stopped_at:
                claimed = self._claim(connection, room, now)
            next_at = None if claimed else self._next_at(connection, now)
            return Step(claimed, next_at, paused, account.stopped_reason, account.stopped_code)

    def is_due(self, now: datetime) -> bool:
        """Return whether a step would find something to send; it writes nothing."""
        with self._database.read() as connection:
            return connection.execute(self._due_query, self._at(now)).first() is not None

    def record_late(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write down results after the lease was lost: each counts as long as nobody has tried again."""
        with self._database.write() as connection:
            record(connection, self._lease.account, outcomes, now)

    def _claim(self, connection: Connection, room: int, now: datetime) -> list[Claimed]:
        token = uuid.uuid4().hex
        claimed: list[Claimed] = []
        skips, holds = [], []
        look = room if self._budget is None else max(room, LOOK_AHEAD)
        rows: Sequence[Any] = connection.execute(self._claim_query, self._at(now) | {"b_room": look}).all()
        reasons = {row.id: self._reason(row, now) for row in rows}
        held = self._held(connection, rows, reasons, now)
        if self._budget is not None:
            rows = self._within_budget(connection, self._budget, rows, reasons, held, now)
        for row in rows:
            until, why = held.get(row.id, (now, ""))
            reason = "ended" if why and row.ends_at is not None and row.ends_at <= until else reasons[row.id]
            if why and not reason:
                holds.append({"b_id": row.id, "b_not_before": until, "b_reason": why})
            elif not reason:
                if len(claimed) < room:
                    claimed.append(_claimed(row, token))
            elif row.state == State.QUEUED:
                skips.append({"b_id": row.id, "b_state": State.SKIPPED, "b_reason": reason, "b_now": now})
            else:  # it may have been sent, so it stays unknown; it is not repeated either
                kept = UNSETTLED + reason
                skips.append({"b_id": row.id, "b_state": State.UNKNOWN, "b_reason": kept, "b_now": None})
        if skips:
            connection.execute(SKIP, skips)
        if holds:
            connection.execute(HOLD, holds)
        if claimed:
            connection.execute(SEND, {"b_ids": [c.id for c in claimed], "b_token": token, "b_now": now})
        return claimed

    def _reason(self, row: Any, now: datetime) -> str:
        """Return why a message may not go out any more, empty where it may."""
        # Who asks is answered, consent or not.
        return "" if self._lease.lane is Lane.TALK else barred(row, now)

    def _held(
        self, connection: Connection, rows: Sequence[Any], reasons: Mapping[int, str], now: datetime
    ) -> dict[int, tuple[datetime, str]]:
        """Return what waits, lest a member be disturbed; a repetition of what may have come goes on."""
        if self._manners is None:
            return {}
        fresh = [r for r in rows if r.state == State.QUEUED and not r.is_test and not reasons[r.id]]
        return self._manners.hold(connection, fresh, now)

    def _within_budget(
        self,
        connection: Connection,
        budget: Budget,
        rows: Sequence[Any],
        reasons: Mapping[int, str],
        held: dict[int, tuple[datetime, str]],
        now: datetime,
    ) -> list[Any]:
        """Add to `held` the first contacts that are too many for today; return the others first.

        Should the account be limited for strangers all the same, those whom it knows have theirs already.
        """
        free = [row for row in rows if not reasons[row.id] and row.id not in held]
        first = budget.judge(connection, self._lease.account, free, now)
        until = budget.opens_again(now)
        held |= {number: (until, FIRST_CONTACTS) for number, may_go in first.items() if not may_go}
        return sorted(rows, key=lambda row: row.id in first)

    def _next_at(self, connection: Connection, now: datetime) -> datetime | None:
        if connection.execute(self._due_query, self._at(now)).first():
            return now
        later: datetime | None = connection.execute(self._later_query).scalar_one()
        return later

    def _at(self, now: datetime) -> dict[str, datetime]:
        """Return what the queries of what is due want to know of the moment."""
        return {"b_now": now} | ({"b_morning": self._budget.opens_again(now)} if self._budget else {})


def _claimable(scope: Scope) -> Any:
    states = [State.QUEUED, State.UNKNOWN] if scope.repeats_unknown else [State.QUEUED]
    found = and_(
        IS_OPEN,
        deliveries.c.account == scope.account,
        deliveries.c.state.in_(states),
        deliveries.c.reason.not_like(UNSETTLED + "%"),
    )
    if scope.lane is Lane.TALK:
        return and_(found, scope.lane.deliveries)
    found = and_(
        found,
        deliveries.c.announcement_id.in_(
            select(announcements.c.id).where(announcements.c.state == "running")
        ),
    )
    if scope.announcement_id is not None:
        found = and_(found, deliveries.c.announcement_id == scope.announcement_id)
    return found


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


def _claimed(row: Any, token: str) -> Claimed:
    return Claimed(
        id=row.id,
        address=row.address,
        peer=row.peer or "",
        body=row.body,
        message_key=row.message_key,
        attempts=row.attempts + 1,
        attempt_token=token,
    )


def barred(row: Any, now: datetime) -> str:
    """Return why a member or a group's chat may not be written to any more, empty where they may.

    `row` has what `statements` looks up at the last moment: consent, the address' state, the group's end.
    """
    if row.is_test:  # a rehearsal goes to the shop itself
        return ""
    if row.group_id is not None:  # whoever is in the chat has come by themselves, and leaves by themselves
        reason = "closed" if row.group_closed_at else ""
    elif row.consent != ConsentState.OPTED_IN:
        reason = "opted_out" if row.consent == ConsentState.OPTED_OUT else "no_consent"
    else:
        reason = row.address_state if row.address_state not in (None, "ok") else ""
    return reason or ("ended" if row.ends_at is not None and row.ends_at <= now else "")


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
            IS_OPEN,
            deliveries.c.account != BY_HAND,  # no process sends those
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
