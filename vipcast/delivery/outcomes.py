"""What became of one attempt: the only place where a messenger's error turns into a state.

queued → sending → sent → delivered → seen
                 ↘ queued (again, later)   surely not accepted
                 ↘ unknown                 may have been accepted
                 ↘ failed                  surely refused, for good
queued → skipped                           not to be sent at all
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from vipcast.messengers.base import (
    AccountProblem,
    AddressInvalid,
    LoginLost,
    OutcomeUnknown,
    RecipientStopped,
    SendError,
    Sent,
    Throttled,
    Unreachable,
    WindowClosed,
)


class State(enum.StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


OPEN = (State.QUEUED, State.SENDING)
ARRIVED = (State.SENT, State.DELIVERED, State.SEEN)

FIRST_BACKOFF_SECONDS = 1.0
QUICK_ATTEMPTS = 6  # 1 + 2 + 4 + 8 + 16 + 32 seconds: a minute in all
SLOW_BACKOFF_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to write about a delivery, and what it says about its address and its account."""

    delivery_id: int
    attempt_token: str
    state: State
    at: datetime
    remote_id: str = ""
    peer: str = ""
    reason: str = ""
    code: str = ""
    words: str = ""
    not_before: datetime | None = None
    address_state: str = ""  # unreachable | opted_out
    pause_until: datetime | None = None  # of the whole account
    account_problem: str = ""  # the account is stopped, and why
    is_login_lost: bool = False
    is_network_fault: bool = False


def state_for_one(state: str, seen_at: datetime | None) -> str:
    """Return the state of what went to a chat as it is for one who was there, who saw it at `seen_at`.

    The chat's own is `seen` as soon as one of all has seen it.
    """
    if state not in ARRIVED:
        return state
    return State.SEEN if seen_at else State.SENT


def backoff_seconds(attempts: int) -> float:
    """Return the wait before the next attempt: 1, 2, 4 … 32 seconds, then an hour each."""
    if attempts > QUICK_ATTEMPTS:
        return SLOW_BACKOFF_SECONDS
    return FIRST_BACKOFF_SECONDS * 2.0 ** max(0, attempts - 1)


def succeeded(delivery_id: int, token: str, sent: Sent, now: datetime) -> Outcome:
    return Outcome(delivery_id, token, State.SENT, sent.at or now, remote_id=sent.remote_id, peer=sent.peer)


def failed(delivery_id: int, token: str, error: SendError, attempts: int, now: datetime) -> Outcome:
    """Return the state that a messenger's error means."""
    plain = Outcome(delivery_id, token, State.FAILED, now, code=error.remote_code, words=error.words)
    return replace(plain, **_meaning(error, now, now + timedelta(seconds=backoff_seconds(attempts))))


def _meaning(error: SendError, now: datetime, later: datetime) -> dict[str, Any]:
    meaning: dict[str, Any]
    match error:
        case Throttled():
            until = now + timedelta(seconds=error.retry_after)
            meaning = {"state": State.QUEUED, "reason": "throttled", "not_before": until}
            meaning["pause_until"] = until if error.whole_account else None
        case AccountProblem():
            meaning = {"state": State.QUEUED, "reason": "account", "account_problem": error.message}
            meaning["is_login_lost"] = isinstance(error, LoginLost)
        case Unreachable():
            meaning = {
                "state": State.QUEUED,
                "reason": "network",
                "not_before": later,
                "is_network_fault": True,
            }
        case OutcomeUnknown():
            meaning = {"state": State.UNKNOWN, "reason": "no-answer", "not_before": later}
            meaning["is_network_fault"] = True
        case RecipientStopped():
            meaning = {"reason": "stopped", "address_state": "opted_out"}
        case AddressInvalid():
            meaning = {"reason": "address", "address_state": "unreachable"}
        case WindowClosed():
            meaning = {"reason": "window-closed"}
        case _:
            meaning = {"reason": "rejected"}
    return meaning
