"""From a customer's message to its relay at the desk: `listen` beside a bare Telethon echo, in one run.

The sandbox runs in a process of its own and plays the customers; both moments are read from its log. The
echo is what Telethon itself costs: a NewMessage handler that sends the text on to the same chat. `listen`
also stores the message, routes it, promises an answer and has the relay in its ledger before it leaves.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

WARM_UP = 20
SINGLE = 60  # each is written when the one before has arrived
STREAM = 300
PACE = 15.0  # a second; `listen` says 20 a second at most over one account
CUSTOMERS = 10
SUPPORT = "+99966100001"
TEXT = "Has my parcel {:05d} come?"
LENGTH = len(TEXT.format(0))
ROUNDS = (("warm-up", WARM_UP, 0.0), ("one at a time", SINGLE, 0.0), (f"{PACE:.0f}/s", STREAM, PACE))
GOALS = ("<= 20", "<= 60", "<= 12", "<= 40")  # p50 and p99 of each kind, in the order of `main`'s ratios

Figures = dict[str, dict[str, float]]


def measure(command: list[str], environ: dict[str, str], ready: str, server: Any) -> Figures:
    """Start a program that passes messages on, have customers write, and return how long each kind took."""
    process = subprocess.Popen(
        command,
        env=os.environ | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if ready in line:
                break
        else:
            raise SystemExit(f"{command} ended before it was ready")
        figures = {}
        for name, count, pace in ROUNDS:
            server.stdin.write(json.dumps([count, pace]) + "\n")
            server.stdin.flush()
            figures[name] = summed(json.loads(server.stdout.readline()))
        return figures
    finally:
        process.terminate()
        process.communicate(timeout=30)


def summed(seconds: list[float]) -> dict[str, float]:
    """Return p50, p99 and the longest, in milliseconds."""
    ordered = sorted(one * 1000 for one in seconds)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))],
        "longest": ordered[-1],
    }


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    command = [sys.executable, "-m", "benchmarks.conversations", "serve", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)


async def serve(folder: Path) -> None:
    """Serve the network; for each line `[count, pace]`, let customers write so often, and tell the times."""
    from vipcast.sandbox.service import Sandbox

    sandbox = Sandbox(folder, script=None)
    await sandbox.start()
    telegram = sandbox.telegram
    support = telegram.add_user(phone=SUPPORT, first_name="Bench")
    for name in ("bare", "support"):
        telegram.provision_session(folder / f"{name}.session", support)
    people = [telegram.add_user(username=f"bench{number:05d}") for number in range(CUSTOMERS)]
    print(json.dumps(sandbox.endpoints), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        count, pace = json.loads(line)
        print(json.dumps(await write_all(sandbox, support, people, count, pace)), flush=True)
    await sandbox.stop()


class Watch:
    """Reads in the log how long each message took to its relay, in seconds."""

    def __init__(self, sandbox: Any) -> None:
        self._log = sandbox.log
        self._seen = len(sandbox.log.events)
        self._asked: dict[str, datetime] = {}
        self.took: dict[str, float] = {}

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.took) < count:
                self._look()
                await asyncio.sleep(0.001)

    def _look(self) -> None:
        found = self._log.after(self._seen)
        self._seen += len(found)
        for event in found:
            if event["event"] != "message" or event["to"] != SUPPORT:
                continue
            about, at = event["text"][-LENGTH:], datetime.fromisoformat(event["at"])
            if event["sender"] != SUPPORT:
                self._asked[about] = at
            elif about in self._asked:
                self.took.setdefault(about, (at - self._asked[about]).total_seconds())


async def write_all(sandbox: Any, support: Any, people: list[Any], count: int, pace: float) -> list[float]:
    """Have customers write in turn; without a pace, each waits until the one before has arrived."""
    watch = Watch(sandbox)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        await sandbox.telegram.say(people[number % len(people)], support, TEXT.format(number))
        if pace:
            await asyncio.sleep(max(0.0, start + (number + 1) / pace - loop.time()))
        else:
            await watch.wait_for(number + 1)
    await watch.wait_for(count)
    return list(watch.took.values())


async def echo(session: str, rsa_key: str) -> None:
    """Pass each message on to the saved messages with Telethon alone, until ended."""
    from telethon import TelegramClient, events
    from telethon.crypto import rsa

    rsa.add_key(Path(rsa_key).read_text(encoding="ascii"), old=False)
    client = TelegramClient(session, 1, "bench")
    await client.connect()

    @client.on(events.NewMessage(incoming=True))
    async def pass_on(event: Any) -> None:
        await client.send_message("me", event.raw_text)

    await client.get_me()
    print("ready", file=sys.stderr, flush=True)
    await client.run_until_disconnected()


def make_shop_folder(folder: Path, session: Path) -> None:
    """Make a shop with one account, whose saved messages are its desk, in the sample's way otherwise."""
    from vipcast.sample import make_shop

    make_shop(folder)
    settings = folder / "vipcast.toml"
    text = re.sub(r"(?ms)^\[accounts\.(news|viber)\]\n.*?\n\n", "", settings.read_text(encoding="utf-8"))
    settings.write_text(re.sub(r"(?m)^link = ", 'desk = "me"\nlink = ', text), encoding="utf-8")
    target = folder / ".vipcast" / "sessions" / "support.session"
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    session.replace(target)


def main() -> dict[str, float]:
    """Return the ratios of times, printing each round's figures."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with serving(folder / "server") as (server, endpoints):
            make_shop_folder(folder / "shop", folder / "server" / "support.session")
            environ = {
                "VIPCAST_TELEGRAM_SERVER": endpoints["telegram"],
                "VIPCAST_TELEGRAM_RSA_KEY": endpoints["telegram_rsa_key"],
                "VIPCAST_TELEGRAM_API_ID": "1",
                "VIPCAST_TELEGRAM_API_HASH": "bench",
            }
            program = [
                sys.executable,
                "-m",
                "vipcast",
                "--shop",
                str(folder / "shop"),
                "listen",
                "--port",
                "0",
            ]
            bare = [sys.executable, "-m", "benchmarks.conversations", "echo"]
            bare += [str(folder / "server" / "bare.session"), endpoints["telegram_rsa_key"]]
            theirs = measure(bare, {}, "ready", server)
            ours = measure(program, environ, "Receiving for", server)
    return told(ours, theirs)


def told(ours: Figures, theirs: Figures) -> dict[str, float]:
    ratios = {}
    for name, _, _ in ROUNDS[1:]:
        for who, figures in (("vipcast", ours[name]), ("bare telethon", theirs[name])):
            words = ", ".join(f"{what} {value:.1f} ms" for what, value in figures.items())
            print(f"  {name}: {who} {words}")
        for what in ("p50", "p99"):
            ratios[f"{name} {what}"] = ours[name][what] / theirs[name][what]
    return ratios


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder]:
            asyncio.run(serve(Path(folder)))
        case ["echo", session, rsa_key]:
            asyncio.run(echo(session, rsa_key))
        case _:
            print(main())
