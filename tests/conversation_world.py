"""A shop that talks with its members, for tests: customers, colleagues at a desk, and `listen` as a process.

What arrived is read from the phones of the sandbox, never from the shop's own database.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from support import add_group, add_member, child_environment, make_shop_folder, use_sandbox

from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.service import Sandbox
from vipcast.shop import Shop

NEWS = "+99966100001"
SUPPORT = "+99966100003"
ZITA = "@zita_colleague"
DORA = "@dora_colleague"
SIGNED = "— Régi Divat segítség"
ALWAYS_OPEN = 'daily = "0:00-24:00"\nreply_within = "2h"\n'
LIMIT_SECONDS = 60  # only ends a test that hangs
GIVEN_UP = "it never came"


def until(condition: Callable[[], Any], seconds: float = LIMIT_SECONDS) -> Any:
    """Wait for other processes, and return what the condition came to."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, GIVEN_UP
        time.sleep(0.02)
    return found


class Listening:
    """A running `listen`; `said` is what it has told on stderr so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._told = folder / f"listen-{time.monotonic_ns()}.err"
        command = [sys.executable, "-m", "vipcast", "--shop", str(folder), "listen", *arguments, "--json"]
        with self._told.open("w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    @property
    def said(self) -> str:
        return self._told.read_text(encoding="utf-8")

    def wait_ready(self) -> None:
        until(lambda: "Receiving for" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)
        assert "Traceback" not in self.said, self.said

    def stop(self) -> int:
        """End it as a shop owner would, and return its exit code."""
        self.process.terminate()
        code = self.process.wait(LIMIT_SECONDS)
        assert "Traceback" not in self.said, self.said
        return code


class DeskMessage(Protocol):
    """What `SandboxMessage` and `GroupMessage` have in common."""

    id: int
    text: str
    media: Any
    reply_to: int
    number: int


class Desk(Protocol):
    """The desk's chat, with its colleagues played by the test."""

    setting: str  # what stands in vipcast.toml

    def messages(self) -> list[Any]: ...

    def say(self, text: str, reply_to: Any = 0, *, media: Attachment | None = None) -> Any: ...

    def edit(self, message: Any, text: str) -> None: ...


class PrivateDesk:
    """A colleague's own phone, or the support account's saved messages."""

    def __init__(self, sandbox: Sandbox, setting: str) -> None:
        self.setting = setting
        self._sandbox = sandbox
        telegram = sandbox.telegram
        find = telegram.find
        self._support = sandbox.do(lambda: find(SUPPORT) or telegram.add_user(phone=SUPPORT))
        self._person = self._support if setting == "me" else sandbox.do(find, setting)

    def messages(self) -> list[Any]:
        return self._sandbox.do(self._sandbox.telegram.history, self._person, self._support)

    def say(self, text: str, reply_to: Any = 0, *, media: Attachment | None = None) -> Any:
        telegram = self._sandbox.telegram
        return self._sandbox.call(
            telegram.say(self._person, self._support, text, reply_to=reply_to, media=media)
        )

    def edit(self, message: Any, text: str) -> None:
        self._sandbox.call(self._sandbox.telegram.edit(self._person, message, text))


class GroupDesk:
    """A group of the support account with two colleagues in it, named by its title."""

    def __init__(self, sandbox: Sandbox, title: str, *, megagroup: bool) -> None:
        self.setting = title
        self._sandbox = sandbox
        telegram = sandbox.telegram
        people = [sandbox.do(telegram.find, one) for one in (SUPPORT, ZITA, DORA)]
        self._people = dict(zip((SUPPORT, ZITA, DORA), people, strict=True))
        self._group = sandbox.do(telegram.create_group, people[0], title, people[1:], megagroup=megagroup)
        self.key = self._group.key

    def messages(self) -> list[Any]:
        found = self._sandbox.do(self._sandbox.telegram.group_history, self._group, self._people[ZITA])
        return [one for one in found if not one.action]

    def say(self, text: str, reply_to: Any = 0, *, media: Attachment | None = None, who: str = ZITA) -> Any:
        telegram = self._sandbox.telegram
        return self._sandbox.call(
            telegram.say_in(self._group, self._people[who], text, reply_to=reply_to, media=media)
        )

    def edit(self, message: Any, text: str) -> None:
        telegram = self._sandbox.telegram
        self._sandbox.call(telegram.edit_in(self._group, self._people[ZITA], message, text))


def make_desk(sandbox: Sandbox, kind: str) -> Desk:
    """Return a desk: `me`, `colleague`, `group`, `megagroup`, or `number` for a megagroup named by it."""
    for one in (ZITA, DORA):
        name = one[1:].partition("_")[0].capitalize()
        sandbox.do(sandbox.telegram.add_user, username=one[1:], first_name=name)
    if kind in ("me", "colleague"):
        return PrivateDesk(sandbox, "me" if kind == "me" else ZITA)
    desk = GroupDesk(sandbox, f"Pult & társai ({kind})", megagroup=kind != "group")
    if kind == "number":
        desk.setting = str(desk.key)
    return desk


@dataclass(frozen=True, slots=True)
class Heard:
    """What a customer's phone shows of the shop."""

    text: str
    message: Any

    @property
    def is_automatic(self) -> bool:
        return any(line in self.text for line in AUTOMATIC.values())


AUTOMATIC = {
    "hu": "Ez egy automatikus válasz.",
    "cs": "Toto je automatická odpověď.",
    "fi": "Tämä on automaattinen vastaus.",
    "ru": "Это автоматический ответ.",
    "en": "This is an automatic answer.",
}


class World:
    """A shop in its folder, logged in to a running sandbox; it is open at all hours unless said otherwise."""

    def __init__(self, folder: Path, sandbox: Sandbox, *, hours: str = ALWAYS_OPEN) -> None:
        self.folder = folder
        self.sandbox = sandbox
        use_sandbox(folder, sandbox)
        self.change_settings(r"(?ms)^\[hours\]\n.*?(?=^#|^\[)", f"[hours]\n{hours}\n")
        self.shop = Shop.open(folder, {})

    def change_settings(self, pattern: str, words: str) -> None:
        path = self.folder / "vipcast.toml"
        text, found = re.subn(pattern, lambda _: words, path.read_text(encoding="utf-8"), count=1)
        assert found == 1
        path.write_text(text, encoding="utf-8")

    def set_desk(self, setting: str) -> None:
        self.change_settings(r"(?m)^(desk = .*\n)?(?=link = )", f'desk = "{setting}"\n')

    def member(self, name: str, *who: str, group: str = "", **values: Any) -> int:
        """Put a member into the shop, with an address for each of their phones."""
        found = [("telegram" if one.startswith("@") else "viber", one) for one in who]
        number = add_member(self.shop, name, *found, **values)
        if group:
            add_group(self.shop, group, [number])
        return number

    # Customers. Who begins with @ is on Telegram, everybody else on Viber.

    def person(self, who: str) -> Any:
        telegram = self.sandbox.telegram
        if (found := self.sandbox.do(telegram.find, who)) is None:
            found = self.sandbox.do(telegram.add_user, username=who[1:])
        return found

    def write(self, who: str, text: str, *, to: str = NEWS, media: Attachment | None = None) -> Any:
        """Let a customer write to the shop."""
        if not who.startswith("@"):
            return self.sandbox.call(self.sandbox.viber.say(who, text, to="viber", media=media))
        people = self.person(who), self.person(to)
        return self.sandbox.call(self.sandbox.telegram.say(*people, text, media=media))

    def heard(self, who: str) -> list[Heard]:
        """Return what the shop said to a customer."""
        if who.startswith("@"):
            found = self.sandbox.do(self.sandbox.telegram.inbox, self.person(who))
        else:
            found = [one for one in self.sandbox.do(self.sandbox.viber.inbox, who) if not one.is_own]
        return [Heard(one.text, one) for one in found]

    def wait_heard(self, who: str, words: str) -> Heard:
        """Wait until a customer's phone shows a message with these words, and return it."""
        return until(lambda: next((one for one in self.heard(who) if words in one.text), None))

    def automatic(self, who: str) -> list[Heard]:
        return [one for one in self.heard(who) if one.is_automatic]

    # `listen`

    def start(self, *arguments: str) -> Listening:
        return Listening(self.folder, *(arguments or ("--port", "0")))

    @contextlib.contextmanager
    def listening(self) -> Iterator[Listening]:
        """Run `listen` until it is ready, and stop it afterwards."""
        running = self.start()
        try:
            running.wait_ready()
            yield running
        finally:
            if running.process.poll() is None:
                running.kill()


def wait_desk(desk: Desk, words: str, *more: str) -> Any:
    """Wait until the desk's chat shows a message with all these words, and return it."""
    wanted = (words, *more)
    return until(lambda: next(iter(at_desk(desk, wanted)), None))


def at_desk(desk: Desk, words: Iterable[str]) -> list[Any]:
    return [one for one in desk.messages() if all(word in one.text for word in words)]


@contextlib.contextmanager
def a_world(folder: Path, *, hours: str = ALWAYS_OPEN) -> Iterator[World]:
    """Make a shop with a sandbox of its own, for as long as a module's tests take."""
    make_shop_folder(folder)
    with Sandbox(folder / ".vipcast" / "sandbox").run_in_thread() as sandbox:
        world = World(folder, sandbox, hours=hours)
        try:
            yield world
        finally:
            world.shop.close()
    assert [event for event in sandbox.log.events if event["event"] == "bug"] == []
