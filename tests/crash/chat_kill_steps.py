"""Commands that die anywhere, for the tests of groups' chats.

Run as a program, this loads the command line once and then forks a child for each command that it is told of:
that is the real command line in a process of its own, without the seconds of loading. A child may be told to
die after its n-th *event*: a request that changed something on a messenger and was answered, or a transaction
that changed the ledger. Between two events neither side changes, so to die after each of them is to die
everywhere. What it dies in is wrapped from outside: the program itself has no hook for it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import json
import os
import pkgutil
import re
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from chat_steps import ChatWorld
from conversation_world import World
from support import Done, add_group, child_environment

import vipcast

DEAD = 86  # the exit code of a planned death
CHANGING = (
    "Create", "Edit", "Toggle", "Export", "Import", "Hide", "UpdatePinned", "Invite", "Send", "Delete"
)  # fmt: skip
# Leases and the like: the ledger's own tests kill senders there.
NO_EVENTS = ("vipcast.delivery.lease", "vipcast.delivery.dispatch", "vipcast.shop")
GREETING = "Welcome to our group."  # how the built-in English one begins
# What the command line loads only when a command needs it, besides its own modules.
NEEDED = (
    "babel.dates", "babel.numbers", "dotenv", "greenlet", "jinja2", "pydantic.json_schema",
    "pydantic.type_adapter", "pydantic.types", "requests", "telethon", "uvicorn", "viberbot.api.bot_configuration",
)  # fmt: skip
NOT_NEEDED = ("vipcast.sandbox", "vipcast.storage.migrations")


class Fate:
    """Writes down each event, and ends the process after the n-th, or the first of a name.

    Nothing is flushed, closed or told then.
    """

    def __init__(self, path: str, dies_after: int | str) -> None:
        self._trace = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._dies_after = dies_after
        self._seen = 0

    def reach(self, event: str) -> None:
        self._seen += 1
        os.write(self._trace, f"{event}\n".encode())
        if self._dies_after in (self._seen, event):
            os._exit(DEAD)


def watch(fate: Fate) -> None:
    """Let every event of this process reach its fate."""
    from vipcast.errors import VipcastError  # noqa: PLC0415 - in children only
    from vipcast.messengers._telegram.wire import Wire  # noqa: PLC0415 - in children only
    from vipcast.messengers.viber import MESSENGER as VIBER  # noqa: PLC0415 - in children only
    from vipcast.storage.database import Database  # noqa: PLC0415 - in children only

    call, send, write = Wire.call, VIBER.send, Database.write

    async def called(self: Any, request: Any) -> Any:
        name = type(request).__name__
        try:
            answer = await call(self, request)
        except VipcastError:
            if name.startswith("ImportChatInvite"):  # who asks to be let in gets an error
                fate.reach(name)
            raise
        if name.startswith(CHANGING):
            fate.reach(name)
        return answer

    async def sent(self: Any, *arguments: Any) -> Any:
        answer = await send(self, *arguments)
        fate.reach("viber")
        return answer

    @contextlib.contextmanager
    def written(self: Any) -> Iterator[Any]:
        where = sys._getframe(2)
        place = f"{where.f_globals['__name__']}.{where.f_code.co_name}"
        with write(self) as connection:
            raw = connection.connection.driver_connection
            before = raw.total_changes
            yield connection
            has_changed = raw.total_changes != before
        if has_changed and not place.startswith(NO_EVENTS):
            fate.reach(place)

    Wire.call, VIBER.send, Database.write = called, sent, written  # type: ignore[method-assign]


def run(order: dict[str, Any]) -> NoReturn:
    """Be the command line, in a child."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT, 0o600), number)
    code: Any = 0
    try:
        from vipcast.__main__ import main  # noqa: PLC0415 - in children only

        watch(Fate(order["trace"], order["dies_after"]))
        sys.argv = ["vipcast", *order["words"]]
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def serve() -> None:
    """Fork a child for each line of the input; say its number, and its exit code once it has ended."""
    ours = [one.name for one in pkgutil.walk_packages(vipcast.__path__, "vipcast.")]
    for name in (*NEEDED, *(one for one in ours if not one.startswith(NOT_NEEDED))):
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            run(order)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class Commands:
    """Runs commands, one at a time, each in a forked child."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace: list[str] = []  # of the last command
        self._numbers = itertools.count(1)
        self._pid = 0
        self._paths: dict[str, Path] = {}
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def start(self, *words: str, dies_after: int | str = 0) -> None:
        """Begin a command, in a child that dies after so many events, or the first of a name; 0: never."""
        number = next(self._numbers)
        self._paths = {name: self.folder / f"run{number}.{name}" for name in ("out", "err", "trace")}
        flags = () if words[0] == "listen" else ("--no-input",)
        order = {
            "words": ["--shop", str(self.folder), *words, "--json", *flags],
            "dies_after": dies_after,
            **{name: str(path) for name, path in self._paths.items()},
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        self._pid = self._answer()

    def events(self) -> list[str]:
        """Return the events of the command that runs, or has ended last."""
        path = self._paths["trace"]
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def has_ended(self) -> bool:
        """Return whether the command is over; `end` says how."""
        return bool(select.select([self._server.stdout], [], [], 0)[0])

    def kill(self) -> None:
        """End the command as a power cut would; it may be over by itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def end(self) -> Done:
        """Wait for the command."""
        code = self._answer()
        words = {n: p.read_text(encoding="utf-8") if p.exists() else "" for n, p in self._paths.items()}
        self.trace = words["trace"].splitlines()
        assert "Traceback" not in words["err"], words["err"]
        if code in (DEAD, -signal.SIGKILL):
            return Done(code, {}, [], words["err"])
        envelope = json.loads(words["out"])
        return Done(code, envelope["data"], envelope["errors"], words["err"])

    def close(self) -> None:
        with self._server:  # closes its pipes, which ends it
            pass

    def _answer(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


def _environment() -> dict[str, str]:
    kept = child_environment()
    tests = str(Path(__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join((kept["PYTHONPATH"], tests))}


class KillWorld(ChatWorld):
    """A shop whose groups have chats, and whose commands may die."""

    def __init__(self, world: World, commands: Commands) -> None:
        super().__init__(world)
        self.commands = commands
        self.group = ""
        self.ids: dict[str, int] = {}  # the members, by who they are on their messenger
        self.strangers = itertools.count(1)  # numbers for people whom no other group knows
        self._numbers = itertools.count(1)
        self._before: Counter[str] = Counter()  # how many messages somebody had before this group

    @property
    def title(self) -> str:
        return f"{self.world.shop.config.shop.name} – {self.group}"

    def run(self, *words: str) -> Done:
        self.commands.start(*words)
        return self.commands.end()

    def sync(self, *flags: str) -> Any:
        return self.ok("group", "sync", self.group, *flags)

    def dies(self, event: int | str, *words: str) -> bool:
        """Run a command that dies after its n-th event; return whether it came so far."""
        self.commands.start(*words, dies_after=event)
        done = self.commands.end()
        assert done.code in (DEAD, 0), (done, self.commands.trace)
        return done.code == DEAD

    def new_group(self) -> str:
        """Go on with another group, which is not made yet."""
        self.group = f"gold{next(self._numbers)}"
        self._before = Counter({who: len(self.world.heard(who)) for who in self.ids})
        return self.group

    def meet(self, who: str, name: str = "") -> str:
        """Let somebody become a member who wrote to the shop."""
        if who.startswith("@"):
            self.world.person(who)
        self.ids[who] = self.world.member(name or f"Member {who}", who)
        self.world.write(who, "Good day")
        return who

    def with_chat(self, *members: str, cap: int = 20) -> str:
        """Make the next group with its chat and seat members in it, who wait where it is full."""
        add_group(self.world.shop, self.new_group(), [self.ids[who] for who in members], cap)
        self.ok("group", "edit", self.group, "--mode", "chat")
        return self.group

    def come_in(self, *people: str) -> None:
        """Let people in by hand, and the shop see it."""
        for who in people:
            self.do(self.telegram.join, self.chat, self.person(who))
        self.sync("--yes")
        assert self.people() == set(people)

    def until_in_order(self, *flags: str) -> None:
        """Sync until nothing is found any more."""
        for _ in range(4):
            if self.sync("--yes", *flags)["in_order"]:
                return
        raise AssertionError(self.sync())

    def shown(self) -> Any:
        return self.ok("group", "show", self.group)

    def invitations(self, who: str) -> list[str]:
        """Return the links that somebody got since this group began."""
        return [link for text in self.heard(who) for link in re.findall(r"https://t\.me/\+[\w-]+", text)]

    def heard(self, who: str) -> list[str]:
        """Return what somebody was told since this group began."""
        return [one.text for one in self.world.heard(who)][self._before[who] :]

    def greetings(self, who: str) -> int:
        """Return how often somebody was greeted in this group."""
        return sum(GREETING in text for text in self.heard(who))

    def people(self) -> set[str]:
        """Return who is in the chat, without the shop's own."""
        return {one for one in self.inside() if one.startswith("@")}

    def open_links(self) -> list[Any]:
        """Return the links that still work, without the default one."""
        return [one for one in self.chat.invites if not one.is_revoked and not one.is_permanent]

    def most_at_once(self) -> int:
        """Return the highest number of members who were in the chat at one moment."""
        inside, most = set(), 0
        for event in list(self.world.sandbox.log.events):
            if event.get("group") != self.title or not str(event.get("person", "")).startswith("@"):
                continue
            if event["event"] == "joined":
                inside.add(event["person"])
            elif event["event"] in ("left", "kicked"):
                inside.discard(event["person"])
            most = max(most, len(inside))
        return most

    def check_made(self) -> None:
        """Hold a chat against what every group's chat must be."""
        made = [one for one in self.do(self.telegram.groups) if one.title == self.title]
        assert len(made) == 1, "more than one chat"
        (chat,) = made
        assert {
            "send_messages",
            "send_plain",
            "send_photos",
            "invite_users",
            "pin_messages",
        } <= chat.forbidden
        standing = {one.user: one.standing for one in chat.present()}
        assert standing == {self.news.id: "creator", self.support.id: "admin"}
        *first, last = [one.is_revoked for one in chat.invites if one.is_permanent]
        assert first, "the first default link is open"  # more may have been shut: each was given to nobody
        assert (all(first), last) == (True, False)
        assert self.open_links() == []
        assert chat.requests == {}
        said = self.said()
        assert len(said) == 1, f"{len(said)} welcomes"
        shown = self.shown()
        assert (shown["group"]["mode"], shown["chat"]["state"]) == ("chat", "ready")
        assert len(chat.pinned) == 1, "the welcome is not pinned"


if __name__ == "__main__":
    serve()
