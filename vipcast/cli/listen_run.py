"""Running `listen`: one worker an account, one receiver for those that call, an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from vipcast.chats.watching import Watch
from vipcast.cli.result import Result, note
from vipcast.conversations.routing import Router
from vipcast.conversations.running import Conversing
from vipcast.conversations.setting import DeskPlace, Setting
from vipcast.delivery.interrupts import stop_on_signals
from vipcast.delivery.receiving import DUPLICATES, Intake
from vipcast.errors import Locked, Problem, SetupMissing, VipcastError
from vipcast.faults import log_unexpected
from vipcast.messengers.base import AccountProblem, EventKind, Messenger, SendError
from vipcast.shop import Shop
from vipcast.shop_chats import context_of
from vipcast.shop_desk import desk_account, find_desk, setting_of

if TYPE_CHECKING:
    from vipcast.web.receiver import Receiver

log = logging.getLogger(__name__)

QUIET_SECONDS = 2.0  # `--once` ends when nothing came for so long
READY_SECONDS = 30.0  # and does not wait longer for an account's missed messages
AGAIN_SECONDS = 300.0  # an account that cannot receive is tried again: somebody may have logged it in
NETWORK_SECONDS = 10.0
DESK_SECONDS = 60.0  # between two looks for a desk that was not found
CHECK_SECONDS = 3600.0  # how often the webhook is looked after
CHECK_LOOPBACK_SECONDS = 10.0  # a sandbox that was started again has forgotten it
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one's own calls go instead


def run(shop: Shop, host: str, port: int, *, once: bool) -> Result:
    """Receive until a signal comes or, with `once`, until it is quiet.

    Raises:
        SetupMissing: there is no account that could receive.
        Locked: another `listen` runs for this shop, or the port is taken.

    """
    with _only_one(shop.locks):
        return asyncio.run(_Listening(shop).run(host, port, once=once))


@contextmanager
def _only_one(locks: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(locks / "listen.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise Locked(
            "Another `vipcast listen` receives for this shop already.", hint="One is enough; let it run."
        ) from error
    try:
        yield
    finally:
        lock.release()


class _Listening:
    _intake: Intake
    _conversing: Conversing
    _watch: Watch

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._messengers = {name: shop.messenger(name) for name in shop.config.accounts}
        everyone = self._messengers.values()
        self._pushing = [one for one in everyone if one.capabilities.inbound == "push"]
        self._calling = [one for one in everyone if one.capabilities.inbound == "webhook"]
        self._ready = {one.account.name: asyncio.Event() for one in (*self._pushing, *self._calling)}
        self._problems: dict[str, Problem] = {}
        self._told: dict[str, str] = {}
        self._where = str(shop.config.file)
        if not self._ready:
            raise SetupMissing(
                "No account can receive.", hint="Add one: vipcast account add news --messenger telegram"
            )

    async def run(self, host: str, port: int, *, once: bool) -> Result:
        stop = asyncio.Event()
        shop = self._shop
        setting = setting_of(shop, await self._desk())
        with stop_on_signals(stop, lambda: note("Stopping.")):
            async with AsyncExitStack() as stack:
                intake = Intake(shop.database, shop.clock, Router(setting).take)
                self._intake = stack.enter_context(intake)
                receiver = await self._receive(stack, setting, host, port)
                if receiver is not None:
                    setting = _with_local_media(setting, receiver, self._calling)
                self._conversing = Conversing(
                    setting, shop.database, shop.clock, intake, self._messengers,
                    locks=shop.locks, tell=self._say, send_news=shop.dispatcher().drain,
                )  # fmt: skip
                self._watch = self._watch_chats(setting)
                work = (
                    *self._hearing(), *self._pointing(receiver), self._look_for_desk(setting),
                    self._keep_chats(stop),
                )  # fmt: skip
                workers = [asyncio.create_task(one) for one in work]
                stack.push_async_callback(_end, workers)
                self._conversing.start()
                stack.push_async_callback(self._conversing.stop)
                await self._wait(stop, receiver, once=once)
        return self._result(once=once)

    async def _desk(self) -> DeskPlace | None:
        """Return the desk's chat; where it cannot be found, messages wait at the terminal's desk."""
        try:
            return await find_desk(self._shop)
        except VipcastError as error:
            self._say("desk", f"The support desk is not found: {error.message} {error.hint}".strip())
            return None

    async def _look_for_desk(self, setting: Setting) -> NoReturn:
        """Look again for a desk that was not found: the network may be back, or the title mended."""
        while setting.desk is None and desk_account(self._shop) is not None:
            await asyncio.sleep(DESK_SECONDS)
            if (place := await self._desk()) is not None:
                setting = replace(setting, desk=place)
                self._intake.use(Router(setting).take)
                self._conversing.use(setting)
                self._watch.use(context_of(self._shop, setting, self._lend))
                self._say("desk", "The support desk is found.")
        await asyncio.Event().wait()  # nothing more to do
        raise AssertionError("unreachable")  # pragma: no cover

    def _watch_chats(self, setting: Setting) -> Watch:
        shop = self._shop
        return Watch(
            context_of(shop, setting, self._lend),
            fixes=shop.config.chats.fix,
            tell=self._say,
            send_news=shop.dispatcher().drain,
            note_problem=shop.dispatcher().note_problem,
            refuse_if_stopped=shop.dispatcher().refuse_if_stopped,
        )

    async def _keep_chats(self, stop: asyncio.Event) -> NoReturn:
        """Keep groups' chats in order, once the accounts have heard what they missed."""
        for one in self._ready.values():
            await one.wait()
        await self._watch.run(stop)
        await asyncio.Event().wait()  # nothing more to do
        raise AssertionError("unreachable")  # pragma: no cover

    @asynccontextmanager
    async def _lend(self, name: str) -> AsyncIterator[Messenger]:
        yield self._messengers[name]

    def _say(self, about: str, words: str) -> None:
        """Tell something once, until there is something else to tell of the same."""
        if self._told.get(about) != words:
            self._told[about] = words
            note(words)

    async def _receive(
        self, stack: AsyncExitStack, setting: Setting, host: str, port: int
    ) -> Receiver | None:
        for one in (*self._pushing, *self._calling):
            stack.push_async_callback(one.close)
        if not self._calling:
            return None
        from vipcast.web.receiver import Receiver, make_app

        app = make_app(self._intake, {one.account.name: one for one in self._calling}, setting.kept)
        return await stack.enter_async_context(Receiver(app, host, port))

    async def _wait(self, stop: asyncio.Event, receiver: Receiver | None, *, once: bool) -> None:
        """Wait for the end: a signal, quiet, or that no account can receive."""
        stopped = asyncio.create_task(stop.wait())
        ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait({stopped, ready}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done() or len(self._problems) == len(self._ready):
                return
            if once:
                quiet = asyncio.create_task(self._quiet())
                await asyncio.wait({stopped, quiet}, return_when=asyncio.FIRST_COMPLETED)
                quiet.cancel()
                return
            names = ", ".join(name for name in self._ready if name not in self._problems)
            place = f"; calls come to {receiver.url}" if receiver else ""
            note(f"Receiving for {names}{place}. Stop with Ctrl-C.")
            await stopped
        finally:
            stopped.cancel()
            ready.cancel()

    async def _all_ready(self) -> None:
        """Wait until every account has received what it missed, or cannot, or takes too long."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                for one in self._ready.values():
                    await one.wait()
        except TimeoutError:
            for name, one in self._ready.items():
                if not one.is_set():
                    problem = Problem("not-reached", f"{name}: the messenger cannot be reached.", where=name)
                    self._note(name, problem)

    async def _quiet(self) -> None:
        taken = -1
        while (
            self._intake.is_busy
            or taken != self._intake.taken
            or not self._conversing.is_at_rest
            or not self._watch.is_at_rest
            or self._conversing.is_about_to_speak()
        ):
            taken = self._intake.taken
            await asyncio.sleep(QUIET_SECONDS)

    # Workers: one an account. They end only when they are cancelled.

    def _hearing(self) -> list[Coroutine[Any, Any, NoReturn]]:
        return [self._hear(one) for one in self._pushing]

    async def _hear(self, messenger: Messenger) -> NoReturn:
        def caught_up() -> None:
            self._note_well(name)

        name = messenger.account.name
        while True:
            try:
                await self._intake.hear(messenger, caught_up)
            except VipcastError as error:
                self._note(name, _problem(error, name))
            except Exception as error:  # noqa: BLE001 - the other accounts go on
                self._note(name, _unexpected(error, name))
            await asyncio.sleep(AGAIN_SECONDS)

    def _pointing(self, receiver: Receiver | None) -> list[Coroutine[Any, Any, NoReturn]]:
        return [] if receiver is None else [self._point(one, receiver) for one in self._calling]

    async def _point(self, messenger: Messenger, receiver: Receiver) -> NoReturn:
        """Have the messenger call us, and see to it that this stays so."""
        account = messenger.account
        url = _local_url(receiver, messenger) if account.is_loopback else account.webhook
        while True:
            wait = CHECK_LOOPBACK_SECONDS if account.is_loopback else CHECK_SECONDS
            try:
                await self._set_webhook(messenger, url)
                self._note_well(account.name)
            except VipcastError as error:
                self._note(account.name, _problem(error, account.name))
                is_network = isinstance(error, SendError) and not isinstance(error, AccountProblem)
                wait = NETWORK_SECONDS if is_network else AGAIN_SECONDS
            except Exception as error:  # noqa: BLE001 - the other accounts go on
                self._note(account.name, _unexpected(error, account.name))
            self._ready[account.name].set()
            await asyncio.sleep(min(wait, CHECK_LOOPBACK_SECONDS) if account.is_loopback else wait)

    async def _set_webhook(self, messenger: Messenger, url: str) -> None:
        account = messenger.account
        current = (await messenger.open()).details.get("webhook", "")
        if not url and not current:
            example = f"https://…/{messenger.name}/{account.name}"
            raise SetupMissing(
                f"The account {account.name!r} has no webhook, so nothing comes in for it.",
                hint=f'Set webhook = "{example}" in [accounts.{account.name}]: '
                "the public address that a proxy passes on to this program.",
                where=self._where,
            )
        if url and current != url:
            await messenger.login(_Webhook(url))

    def _note_well(self, name: str) -> None:
        """Note that an account works; after a trouble, or at first, it may speak again as well."""
        if self._problems.pop(name, None) is not None or not self._ready[name].is_set():
            self._conversing.forgive(name)
        self._ready[name].set()

    def _note(self, name: str, problem: Problem) -> None:
        """Tell of a problem once, until it is over or another one."""
        if self._problems.get(name) != problem:
            note(problem.message + (f"\n  → {problem.hint}" if problem.hint else ""))
        self._problems[name] = problem
        self._ready[name].set()

    def _result(self, *, once: bool) -> Result:
        counts = dict(self._intake.counts)
        doubled = counts.pop(DUPLICATES, 0)
        counts.pop(str(EventKind.CHAT), None)  # what became of it is told elsewhere
        received = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "nothing"
        more = f"; {doubled} had come before" if doubled else ""
        problems = list(self._problems.values())
        code = 0
        if len(problems) == len(self._ready):
            code = SetupMissing.exit_code
        elif problems and once:
            code = 4
        data = {"received": counts, "duplicates": doubled}
        return Result(data, [f"Received: {received}{more}."], problems if code else (), code, is_told=True)


class _Webhook:
    """A login's dialog that says where to call, and nothing else."""

    def __init__(self, url: str) -> None:
        self.memory: dict[str, str] = {}
        self._url = url

    def given(self, name: str) -> str:
        return self._url if name == "webhook" else ""

    async def ask(self, name: str, question: str, *, secret: bool = False, hint: str = "") -> str:
        del name, secret
        raise SetupMissing(f"Missing: {question}.", hint=hint)

    def show_code(self, link: str, words: str) -> None:
        """Show nothing: there is nobody to look."""

    def say(self, words: str) -> None:
        """Say nothing: there is nobody to listen."""


async def _end(workers: list[asyncio.Task[NoReturn]]) -> None:
    for one in workers:
        one.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def _with_local_media(setting: Setting, receiver: Receiver, calling: list[Messenger]) -> Setting:
    """Let messengers on this machine fetch attachments from the receiver itself."""
    local = {
        one.account.name: f"{_local_url(receiver, one)}/media" for one in calling if one.account.is_loopback
    }
    return replace(setting, media_urls={**setting.media_urls, **local})


def _local_url(receiver: Receiver, messenger: Messenger) -> str:
    url = receiver.url.replace(receiver.host, EVERYWHERE.get(receiver.host, receiver.host))
    return f"{url}/{messenger.name}/{messenger.account.name}"


def _problem(error: VipcastError, name: str) -> Problem:
    return Problem(error.code, error.message, error.hint, error.where or name)


def _unexpected(error: Exception, name: str) -> Problem:
    """Write down where it happened, without the error's words: they may name people."""
    log_unexpected(log, name, error)
    return Problem("unexpected", f"{name}: unexpected {type(error).__name__} in vipcast.", where=name)
