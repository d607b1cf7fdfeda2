"""Faults on order: what a real network does to a program on a bad day, at the moment a test names."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, get_args

from vipcast.errors import InputError

FaultKind = Literal["error", "drop_before", "drop_after", "delay", "http", "html", "no_token", "endless"]
ANY = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble, for requests called `on` and, with `to`, for this receiver alone.

    `error`, `http` and `drop_before` refuse the request: nothing happens. `drop_after`, `html` and `no_token`
    carry it out and spoil the answer. `delay` carries it out as well; the answer is late. `http`, `html` and
    `no_token` are Viber's alone; so is `endless`, for `media` that a customer sent: its bytes never end.
    """

    on: str
    kind: FaultKind
    code: int
    text: str
    seconds: float
    to: str | None
    after: int  # so many matching requests pass unharmed first
    times: int | None  # None: until cleared

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            kinds = ", ".join(get_args(FaultKind))
            raise InputError(f"There is no fault of the kind {self.kind!r}.", hint=f"One of: {kinds}.")
        if self.after < 0 or self.seconds < 0 or (self.times is not None and self.times < 1):
            raise InputError(
                f"The fault on {self.on} counts wrongly: after={self.after}, times={self.times}, "
                f"seconds={self.seconds}.",
                hint="after and seconds are 0 or more; times is 1 or more, or nothing for always.",
            )

    def concerns(self, on: str, to: str | None) -> bool:
        return self.on in (on, ANY) and (self.to is None or self.to == to)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    to_skip: int
    left: int | None


class Faults:
    """The faults now armed, tried in the order they were added. Use it from any thread."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def add(
        self,
        on: str,
        kind: FaultKind,
        *,
        code: int = 420,
        text: str = "FLOOD_WAIT_35",
        seconds: float = 1.5,
        to: str | None = None,
        after: int = 0,
        times: int | None = 1,
    ) -> Fault:
        """Arm a fault; `on` names a request (`SendMessageRequest`, `send_message`) or is `*` for every one.

        `code` and `text` are what `error` and `http` answer, `seconds` how long `delay` waits.
        """
        fault = Fault(on, kind, code, text, seconds, to, after, times)
        with self._lock:
            self._armed.append(_Armed(fault, after, times))
        return fault

    def match(self, on: str, to: str | None = None) -> Fault | None:
        """Return the fault that this request meets, using up one of its `times`."""
        if not self._armed:  # nearly always, and on the hot path
            return None
        with self._lock:
            for armed in self._armed:
                if not armed.fault.concerns(on, to):
                    continue
                if armed.to_skip:
                    armed.to_skip -= 1
                    continue
                self._use_up(armed)
                return armed.fault
        return None

    def _use_up(self, armed: _Armed) -> None:
        if armed.left is None:
            return
        armed.left -= 1
        if not armed.left:
            self._armed.remove(armed)

    def armed(self) -> list[Fault]:
        """Return the faults that may still strike."""
        with self._lock:
            return [armed.fault for armed in self._armed]

    def clear(self) -> None:
        """Disarm every fault."""
        with self._lock:
            self._armed.clear()
