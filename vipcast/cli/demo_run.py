"""The demo: real commands in processes of their own, against the sandbox in this one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vipcast.cli import demo_room
from vipcast.cli.result import Result, Table, print_now
from vipcast.cli.sandbox_run import log_in_accounts, make_sandbox
from vipcast.cli.terminal import Terminal
from vipcast.config import load
from vipcast.errors import VipcastError
from vipcast.places import FILE
from vipcast.sample import make_shop
from vipcast.sandbox.page import GROUP_MARK

STEPS: Sequence[tuple[str, Sequence[str], int]] = (
    ("Two groups, each with a cap.",
     ("group", "create", "gold", "--cap", "15", "--purpose", "News first, for our regulars"), 0),
    ("", ("group", "create", "silver", "--cap", "15", "--purpose", "Our friends abroad"), 0),
    ("Members, from the files that Excel saves in four countries.",
     ("member", "import", "recipients/hungary.csv", "--group", "gold"), 0),
    ("", ("member", "import", "recipients/czechia.csv", "--group", "silver", "--region", "CZ"), 0),
    ("", ("member", "import", "recipients/finland.csv", "--group", "silver", "--region", "FI"), 0),
    ("", ("member", "import", "recipients/russia.csv", "--group", "silver", "--group", "gold", "--fill",
          "--region", "RU"), 0),
    ("Who sits where, and who waits.", ("group", "list"), 0),
    ("The text, checked before anybody gets it.", ("template", "check", "new-collection"), 0),
    ("", ("template", "preview", "new-collection", "--member", "Kovács Anna"), 0),
    ("The announcement. One number turns out not to be on Telegram; that stops nobody else.",
     ("send", "new-collection", "--group", "gold", "--group", "silver", "--yes"), 4),
    ("The same once more: nobody gets it twice.",
     ("send", "new-collection", "--group", "gold", "--group", "silver", "--yes"), 3),
    ("What became of it.", ("announcement", "show"), 0),
    ("", ("why", "Kovács Anna"), 0),
)  # fmt: skip


def run_demo(terminal: Terminal, keep: Path | None) -> Result:
    """Run the steps and hold what the sandbox's phones got against what the ledger says."""
    with _folder(keep) as folder:
        make_shop(folder)
        _choose_ports(folder / FILE)
        settings = load(folder, {})
        demo_room.write_template(folder)
        sandbox = make_sandbox(settings)
        sandbox.customers.script = demo_room.SCRIPT
        with sandbox.run_in_thread():
            sandbox.do(log_in_accounts, sandbox, settings)
            if not terminal.as_json:
                print_now(
                    f"A shop in {folder}; Telegram and Viber on this machine only; phones: {sandbox.page_url}"
                )
            for title, command, expected in (*STEPS, *demo_room.INVITING):
                _run(terminal, folder, title, command, expected)
            seen = demo_room.follow_links(sandbox)
            if not terminal.as_json:
                print_now(f"\n# Customers follow their links, and a stranger one of them too.\n{seen}")
            for title, command, expected in demo_room.LETTING_IN:
                _run(terminal, folder, title, command, expected)
            sandbox.call(sandbox.customers.settle())
            room = demo_room.look(sandbox)
            events = list(sandbox.log.events)
    return _summary(events, room, folder if keep else None)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.expanduser().absolute()
        return
    with tempfile.TemporaryDirectory(prefix="vipcast-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve() / "shop"


def _choose_ports(path: Path) -> None:
    """Write free ports into the demo's settings, so that it never meets another program."""
    text = path.read_text(encoding="utf-8")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    for name, one in zip(("telegram_port", "viber_port", "page_port"), sockets, strict=True):
        text = re.sub(rf"(?m)^{name} = \d+", f"{name} = {one.getsockname()[1]}", text)
        one.close()
    path.write_text(text, encoding="utf-8")


def _run(terminal: Terminal, folder: Path, title: str, command: Sequence[str], expected: int) -> None:
    shown = " ".join(f'"{word}"' if " " in word else word for word in command)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VIPCAST_")}
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-m", "vipcast", "--shop", str(folder), *command, "--no-input"],
        cwd=folder,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if not terminal.as_json:
        if title:
            print_now(f"\n# {title}")
        print_now(f"$ vipcast {shown}\n{done.stdout.rstrip()}")
    if done.returncode != expected:
        raise VipcastError(
            f"The demo's step `vipcast {shown}` ended with {done.returncode} instead of {expected}.",
            hint=done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "",
        )


def _summary(events: list[dict[str, Any]], room: demo_room.Room, kept: Path | None) -> Result:
    arrived = [e for e in events if e["event"] == "message" and e.get("random_id", 1)]
    per_network = Counter(e["network"] for e in arrived)
    copies = Counter((e["network"], _receiver(e), e["text"], e.get("media")) for e in arrived)
    doubled = sum(n - 1 for n in copies.values())
    answered = sum(e["event"] in {"reply", "script"} for e in events)
    begins = {(e["network"], _begin(e).partition(" ")[0]): e for e in reversed(arrived)}
    rows = [
        (e["network"], _receiver(e), _begin(e), "a picture" if e.get("media") else "")
        for _, e in sorted(begins.items())
    ]
    data = {
        "arrived": dict(per_network),
        "doubled": doubled,
        "answered": answered,
        "room": room.data,
        "kept": kept,
    }
    view: list[str | Table] = [
        "\n# What arrived on the customers' phones, one of each kind.",
        Table(("on", "to", "begins", "with"), rows),
    ]
    view.append(
        f"{len(arrived)} messages arrived: "
        + ", ".join(f"{n} on {name}" for name, n in per_network.items())
        + f". {doubled} came twice."
    )
    view += room.view()
    if kept:
        view.append(f"The shop is kept. Go on there: cd {kept} && vipcast sandbox")
    else:
        view.append("Make your own shop: vipcast init myshop")
    return Result(data, view, exit_code=1 if doubled or not arrived or not room.is_right else 0)


def _receiver(event: dict[str, Any]) -> str:
    return str(event.get("to") or f"{GROUP_MARK}{event['group']}")


def _begin(event: dict[str, Any]) -> str:
    return next(iter(str(event["text"]).strip().splitlines()), "")
