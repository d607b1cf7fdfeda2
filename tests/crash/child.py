"""A sending process that ends itself at a named point: `child.py FOLDER NUMBER POINT NTH [PAUSE]`.

It puts the shop together as the command line does. What it dies in is wrapped from outside: the program
itself has no hook for it. With the point `never` it lives until it is done or killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from vipcast.delivery.dispatch import Dispatcher
from vipcast.shop import Shop

DEAD = 86  # the exit code of a planned death
WINDOW = 3  # requests under way at once, so that a few deliveries make many steps


class Fate:
    """Ends the process the n-th time that a point is reached; nothing is flushed, closed or told."""

    def __init__(self, point: str, nth: int) -> None:
        self.point = point
        self.nth = nth
        self.seen: Counter[str] = Counter()

    def reach(self, point: str) -> None:
        self.seen[point] += 1
        if point == self.point and self.seen[point] == self.nth:
            os._exit(DEAD)


class DyingLedger:
    def __init__(self, ledger: Any, fate: Fate) -> None:
        self._ledger = ledger
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def step(self, outcomes: Any, room: int, now: Any) -> Any:
        if outcomes:
            self._fate.reach("before-record")
        if room:
            self._fate.reach("before-claim")
        step = self._ledger.step(outcomes, room, now)
        if outcomes:
            self._fate.reach("after-record")
        if step.claimed:
            self._fate.reach("after-claim")
        return step


class DyingMessenger:
    """Everything of a messenger, with an end before or after a request, and a pause after it."""

    def __init__(self, messenger: Any, fate: Fate, pause: float) -> None:
        self._messenger = messenger
        self._fate = fate
        self._pause = pause
        self.capabilities = replace(messenger.capabilities, in_flight=WINDOW)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._messenger, name)

    async def send(self, *arguments: Any) -> Any:
        self._fate.reach("before-send")
        sent = await self._messenger.send(*arguments)
        self._fate.reach("after-send")
        await asyncio.sleep(self._pause)
        return sent


class DyingDispatcher(Dispatcher):
    fate: Fate

    async def _send(self, ledger: Any, *rest: Any) -> Any:
        return await super()._send(DyingLedger(ledger, self.fate), *rest)  # type: ignore[arg-type]


def main(folder: str, number: str, point: str, nth: str, pause: str = "0") -> None:
    fate = Fate(point, int(nth))
    with Shop.open(Path(folder), {}) as shop:
        dispatcher = DyingDispatcher(
            shop.database,
            shop.clock,
            shop.locks,
            lambda name: DyingMessenger(shop.messenger(name), fate, float(pause)),  # type: ignore[arg-type,return-value]
        )
        dispatcher.fate = fate
        asyncio.run(dispatcher.drain(int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
