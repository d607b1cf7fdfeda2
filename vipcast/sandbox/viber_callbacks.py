"""Viber's callbacks: signed, in order as a rule, repeated until the webhook answers 200."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from vipcast.sandbox.events import EventLog
from vipcast.sandbox.loopback_http import JSON, HttpClient
from vipcast.sandbox.tasks import Tasks
from vipcast.sandbox.viber_state import Bot

ALWAYS_SENT = frozenset({"webhook", "message"})
EVENT_TYPES = ("delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started")
SIGNATURE = "X-Viber-Content-Signature"


@dataclass(slots=True)
class Habits:
    """How callbacks behave; change it at any time. Viber's documented habit is the default."""

    copies: int = 1  # 2: every callback comes twice
    late_seconds: float = 0.0
    is_backwards: bool = False  # `seen` comes before `delivered`
    answer_seconds: float = 15.0  # how long a webhook may take
    retry_after_seconds: tuple[float, ...] = (1, 5, 30, 120, 600, 1800)  # "several times over an hour"


@dataclass(slots=True)
class _Lane:
    """The one connection to a bot's webhook, and who may use it now."""

    client: HttpClient
    turn: asyncio.Lock


def sign(token: str, body: bytes) -> str:
    """Return the signature of a raw body: lower-case hexadecimal HMAC-SHA256 with the bot's token."""
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


class Callbacks:
    """Sends callbacks in the background; first attempts for one bot keep their order."""

    def __init__(self, log: EventLog) -> None:
        self.habits = Habits()
        self._log = log
        self._lanes: dict[str, _Lane] = {}
        self._tasks = Tasks()

    def wants(self, bot: Bot, kind: str) -> bool:
        """Return whether the bot has a webhook that asked for this kind of event."""
        asked = bot.event_types is None or kind in bot.event_types or kind in ALWAYS_SENT
        return bool(bot.webhook) and asked

    def send(self, bot: Bot, event: dict[str, Any]) -> asyncio.Task[bytes | None] | None:
        """Start sending; the task gives the body that the webhook answered with, None if it never did."""
        if not self.wants(bot, event["event"]):
            return None
        tasks = [self._tasks.start(self._deliver(bot, event)) for _ in range(self.habits.copies)]
        return tasks[0]

    async def _deliver(self, bot: Bot, event: dict[str, Any]) -> bytes | None:
        if self.habits.late_seconds:
            await asyncio.sleep(self.habits.late_seconds)
        answer = await self.attempt(bot, bot.webhook, event)
        for seconds in self.habits.retry_after_seconds:
            if answer is not None or not bot.webhook:
                break
            await asyncio.sleep(seconds)
            answer = await self.attempt(bot, bot.webhook, event)
        return answer

    async def attempt(self, bot: Bot, url: str, event: dict[str, Any]) -> bytes | None:
        """Call the webhook once; return its answer's body, or None unless it answered 200."""
        body = msgspec.json.encode(event)
        headers = {"Content-Type": JSON, SIGNATURE: sign(bot.token, body)}
        lane = self._lanes.setdefault(bot.token, _Lane(HttpClient(), asyncio.Lock()))
        status: int | str
        answer = None
        async with lane.turn:
            try:
                status, content = await lane.client.post(
                    url, body, headers, timeout_seconds=self.habits.answer_seconds
                )
            except OSError as error:
                status = f"no answer: {type(error).__name__}"
            else:
                answer = content if status == HTTPStatus.OK else None
        self._log.record(
            "callback",
            network="viber",
            bot=bot.uri,
            callback=event["event"],
            token=str(event.get("message_token", "")),
            status=status,
        )
        return answer

    async def settle(self) -> None:
        """Wait until every callback under way was answered or given up, retries included."""
        await self._tasks.settle()

    async def stop(self) -> None:
        """Give up what is under way and close the connections."""
        await self._tasks.stop()
        for lane in self._lanes.values():
            lane.client.close()
        self._lanes.clear()
