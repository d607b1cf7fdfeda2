"""How fast an account may send: a token bucket, fed by the clock that comes in from outside."""

from __future__ import annotations

from datetime import datetime

from vipcast.config import Account, parse_rate
from vipcast.messengers.base import Rate


def rate_for(account: Account, suggested: Rate) -> Rate:
    """Return the pace: what vipcast.toml says, else the messenger's own.

    A server on this machine is nobody's service to spare, so it is not paced unless the file says so.
    """
    if account.rate:
        per_second = parse_rate(account.rate)
        return Rate(per_second or 0.0, max(1, min(suggested.burst, int(per_second or 1))))
    return Rate(0.0) if account.is_loopback else suggested


class Bucket:
    """Up to `burst` at once, then `per_second`."""

    def __init__(self, rate: Rate, now: datetime) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def available(self, now: datetime) -> int:
        """Return how many may go now; a very large number where nothing limits."""
        if not self._rate.per_second:
            return 1_000_000
        # A clock that was set back must not stop the flow for as long as it was set back.
        passed = max(0.0, (now - self._at).total_seconds())
        self._tokens = min(float(self._rate.burst), self._tokens + passed * self._rate.per_second)
        self._at = now
        return int(self._tokens)

    def take(self, count: int) -> None:
        if self._rate.per_second:
            self._tokens -= count

    def wait_seconds(self) -> float:
        """Return how long until the next one may go."""
        if not self._rate.per_second or self._tokens >= 1:
            return 0.0
        return (1 - self._tokens) / self._rate.per_second
