"""Viber's status numbers in vipcast's words. The number counts, never the text (it is spelled two ways)."""

from __future__ import annotations

from datetime import UTC, datetime

from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    LoginLost,
    OutcomeUnknown,
    Rejected,
    SendError,
    Throttled,
)

RATE_PAUSE_SECONDS = 10.0  # Viber counts requests in windows of 10 s
TOO_MANY_REQUESTS = 12
WEBHOOK_NOT_SET = 10

_MEANINGS: dict[int, tuple[type[SendError], str]] = {
    1: (Rejected, "the webhook address does not work"),
    2: (LoginLost, "the token is wrong"),
    3: (Rejected, "the message is malformed"),
    4: (Rejected, "the message lacks a field"),
    5: (AddressInvalid, "nobody on Viber has this id"),
    6: (AddressInvalid, "the person has not written to the bot, or left it"),
    7: (AccountStopped, "Viber has blocked this bot"),
    8: (AccountStopped, "no bot belongs to this token"),
    9: (AccountStopped, "Viber has suspended this bot"),
    10: (AccountStopped, "the bot has no webhook, and Viber takes no messages without one"),
    11: (AddressInvalid, "the person's device or Viber app is too old"),
    13: (Rejected, "the person's Viber app is too old for this message"),
    14: (Rejected, "the message needs a newer API version"),
    15: (AccountStopped, "this bot is not authorised"),
}


def from_status(status: int, words: str, account: str, now: datetime | None = None) -> SendError:
    """Return what a status other than 0 means."""
    code = str(status)
    if status == TOO_MANY_REQUESTS:
        return _throttled(words, now or datetime.now(UTC))
    if status in _MEANINGS:
        kind, meaning = _MEANINGS[status]
        said = f"{meaning} (Viber {status}: {words})" if words else f"{meaning} (Viber {status})"
        return kind(_message(kind, said, account), remote_code=code, words=said, hint=_hint(status, account))
    if status > 15:  # noqa: PLR2004 - sources disagree about 16 to 20, but none of them was accepted
        return Rejected(f"Viber refused it ({status}: {words})", remote_code=code, words=words)
    return OutcomeUnknown(f"Viber reports a general error ({status}: {words})", remote_code=code, words=words)


def _throttled(words: str, now: datetime) -> Throttled:
    """Return a pause: for one person to the next clock hour (100 without a reply), else for the account."""
    lowered = words.lower()
    is_personal = any(part in lowered for part in ("hour", "reply", "user", "receiver"))
    seconds = 3600.0 - (now.minute * 60 + now.second) if is_personal else RATE_PAUSE_SECONDS
    return Throttled(
        f"Viber asks for a pause ({words}).",
        retry_after=seconds,
        whole_account=not is_personal,
        remote_code=str(TOO_MANY_REQUESTS),
        words=f"too many requests (Viber 12: {words})",
    )


def _message(kind: type[SendError], said: str, account: str) -> str:
    return f"{account}: {said}." if issubclass(kind, (LoginLost, AccountStopped)) else said


def _hint(status: int, account: str) -> str:
    if status == 2:  # noqa: PLR2004
        return f"Give the right token: vipcast account add {account} --token-file FILE"
    if status == WEBHOOK_NOT_SET:
        return f"Set one: vipcast account add {account} --webhook https://…"
    return ""
