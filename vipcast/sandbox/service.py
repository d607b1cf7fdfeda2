"""The whole sandbox: both networks, the customers and their page, in one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, Self, TypeVar

from vipcast.clock import Clock
from vipcast.errors import InputError, Locked
from vipcast.sandbox.control import Control
from vipcast.sandbox.customers import Script, ScriptedCustomers
from vipcast.sandbox.events import OWNER_ONLY, EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.loopback import LOOPBACK
from vipcast.sandbox.page import Phones, ViberPhones
from vipcast.sandbox.page_telegram import TelegramPhones
from vipcast.sandbox.viber import ViberSandbox

if TYPE_CHECKING:
    from filelock import FileLock

    from vipcast.sandbox.telegram.group_model import GroupMessage
    from vipcast.sandbox.telegram.model import SandboxMessage, SandboxUser
    from vipcast.sandbox.telegram.server import TelegramSandbox
    from vipcast.sandbox.viber_state import ViberMessage

T = TypeVar("T")
P = ParamSpec("P")

EVENTS: Final = "events.jsonl"
TELEGRAM_STATE: Final = "telegram.db"
TELEGRAM_KEY: Final = "telegram.pem"
VIBER_STATE: Final = "viber.jsonl"
LOCK: Final = "sandbox.lock"


class LoopThread:
    """An event loop in a thread of its own, for callers that have none."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stay()), name="sandbox", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    async def _stay(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        self._started.set()
        await self._leave.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and return what it returns."""
        if self._loop is None:
            work.close()
            raise RuntimeError("the loop is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def do(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        """Call an ordinary function on the loop's thread and return what it returns."""

        async def work() -> T:
            return function(*args, **named)

        return self.call(work())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._leave is not None:
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()
        self._loop = None


class Sandbox:
    """Telegram, Viber and the page on 127.0.0.1. Use it from one event loop, or by `run_in_thread`.

    With a folder, phones, logins and the log of events survive a restart; without one, all is forgotten.
    A port of 0 is any free one, and is known after `start`.
    """

    telegram: TelegramSandbox  # set by `start`, as is `control`
    control: Control

    def __init__(
        self,
        folder: Path | None = None,
        *,
        telegram_port: int = 0,
        viber_port: int = 0,
        page_port: int = 0,
        random_ids: Literal["idempotent", "error"] = "idempotent",
        auto_customers: bool = True,
        script: Script | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self.log = EventLog(None, clock=clock)
        self.faults = Faults()
        self.customers = ScriptedCustomers(script or Script(), {}, self.log)
        self._telegram_port = telegram_port
        self._random_ids = random_ids
        self._auto_customers = auto_customers
        self._page_port = page_port
        self._clock = clock
        self._accounts: set[str] = set()  # of the shop on Telegram: they play no script
        self._stack = AsyncExitStack()
        self._thread: LoopThread | None = None
        self.viber = ViberSandbox(
            log=self.log,
            faults=self.faults,
            port=viber_port,
            state=self._file(VIBER_STATE),
            auto_customers=auto_customers,
            clock=clock,
        )

    def _file(self, name: str) -> Path | None:
        return self.folder / name if self.folder else None

    @property
    def telegram_key(self) -> Path | None:
        """The PEM file of the Telegram server's public key; None without a folder."""
        return self._file(TELEGRAM_KEY)

    @property
    def page_url(self) -> str:
        return self.control.url

    @property
    def endpoints(self) -> dict[str, str]:
        """Where everything is, in the words of `[endpoints]`."""
        return {
            "telegram": f"{LOOPBACK}:{self.telegram.port}",
            "telegram_rsa_key": str(self.telegram_key or ""),
            "viber": self.viber.url,
            "page": self.page_url,
        }

    async def start(self) -> None:
        """Start everything, or nothing.

        Raises:
            Locked: a port or the folder is in use.
            InputError: a port or the folder cannot be used.
            StorageError: what the folder holds cannot be read.

        """
        async with AsyncExitStack() as stack:
            self._take_folder(stack)
            await self._start_telegram(stack)
            stack.push_async_callback(self.viber.stop)
            await self.viber.start()
            telegram = TelegramPhones(self.telegram)
            networks: dict[str, Phones] = {"telegram": telegram, "viber": ViberPhones(self.viber, telegram)}
            self.customers.hands = networks
            stack.push_async_callback(self.customers.stop)
            self.viber.on_message = self._viber_heard
            self.control = Control(
                log=self.log,
                faults=self.faults,
                networks=networks,
                health=lambda: self.endpoints,
                port=self._page_port,
            )
            stack.push_async_callback(self.control.stop)
            await self.control.start()
            self.log.record("started", **self.endpoints)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop everything; safe to call twice."""
        await self._stack.aclose()

    def _take_folder(self, stack: AsyncExitStack) -> None:
        if self.folder is None:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The sandbox cannot use the folder {self.folder}: {error.strerror}.",
                hint="Name a folder that you may write to.",
                where=str(self.folder),
            ) from error
        lock = _lock(self.folder)
        stack.callback(lock.release)
        self.log.write_to(self.folder / EVENTS)
        stack.callback(self.log.close)

    async def _start_telegram(self, stack: AsyncExitStack) -> None:
        from vipcast.sandbox.telegram.server import TelegramSandbox  # noqa: PLC0415 - loads Telethon

        self.telegram = TelegramSandbox(
            log=self.log,
            faults=self.faults,
            state=self._file(TELEGRAM_STATE),
            host=LOOPBACK,
            port=self._telegram_port,
            random_ids=self._random_ids,
            auto_customers=self._auto_customers,
        )
        stack.push_async_callback(self.telegram.stop)
        await self.telegram.start()
        self.telegram.on_message = self._telegram_heard
        self.telegram.on_group_message = self._group_heard
        if self.telegram_key is not None:
            self.telegram_key.write_text(self.telegram.public_key_pem, encoding="ascii")
            self.telegram_key.chmod(OWNER_ONLY)

    def _viber_heard(self, message: ViberMessage) -> None:
        self.customers.hear("viber", message.customer, message.bot, message.text)

    def _telegram_heard(self, message: SandboxMessage) -> None:
        self._accounts.add(message.sender.label)
        if not self._is_account(message.to):
            self.customers.hear("telegram", message.to.label, message.sender.label, message.text)

    def _group_heard(self, message: GroupMessage) -> None:
        self._accounts.add(message.sender.label)
        sender, title = message.sender.label, message.group.title
        for member in self.telegram.members(message.group):
            if not self._is_account(member) and not member.is_bot and not member.deleted:
                self.customers.hear("telegram", member.label, sender, message.text, group=title)

    def _is_account(self, person: SandboxUser) -> bool:
        return person.label in self._accounts or self.telegram.is_logged_in(person)

    @contextmanager
    def run_in_thread(self) -> Iterator[Self]:
        """Run the sandbox in a thread, for callers without an event loop; `call` reaches it there."""
        with LoopThread() as thread:
            thread.call(self.start())
            self._thread = thread
            try:
                yield self
            finally:
                self._thread = None
                thread.call(self.stop())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the sandbox runs, from another thread."""
        if self._thread is None:
            work.close()
            raise RuntimeError("call() is for a sandbox inside run_in_thread()")
        return self._thread.call(work)

    def do(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        """Call a function of `telegram` or `viber` where the sandbox runs, from another thread."""
        if self._thread is None:
            raise RuntimeError("do() is for a sandbox inside run_in_thread()")
        return self._thread.do(function, *args, **named)


def _lock(folder: Path) -> FileLock:
    from filelock import FileLock, Timeout  # noqa: PLC0415 - not needed without a folder

    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise Locked(
            f"Another sandbox is using the folder {folder}.",
            hint="Stop it, or give this one a folder of its own.",
            where=str(folder),
        ) from error
    return lock
