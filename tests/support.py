"""What the tests share: clocks, a shop with people in it, the sandbox's log, the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from vipcast.announcements import preparing
from vipcast.announcements.records import Announcement
from vipcast.cli.sandbox_run import log_in_accounts
from vipcast.config import load
from vipcast.groups import seats
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Address
from vipcast.sample import make_shop
from vipcast.sandbox.service import Sandbox
from vipcast.shop import Shop, new_message_key
from vipcast.storage.tables import deliveries

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NOTE = '+++\ntitle = "A note"\n+++\nNews for {{ member.name }}.\n'
ADDRESSES = {"telegram": "@member{:03}", "viber": "viber-member-{:03}=="}


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class SteppingClock(FixedClock):
    """Moves on by itself each time it is asked, so that no wait is ever waited for."""

    def __init__(self, step: float = 1.0, moment: datetime = START) -> None:
        super().__init__(moment)
        self.step = step

    def now(self) -> datetime:
        self.advance(self.step)
        return self.moment


def make_shop_folder(folder: Path) -> Path:
    """Make the sample shop with one more template, a plain text called `note`."""
    make_shop(folder)
    write_template(folder, "note", NOTE)
    return folder


def write_template(folder: Path, name: str, text: str, language: str = "en") -> Path:
    path = folder / "templates" / name / f"{language}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def use_sandbox(folder: Path, sandbox: Sandbox) -> None:
    """Write the ports of a running sandbox into a shop's settings and log its accounts in there."""
    ports = {
        "telegram_port": sandbox.telegram.port,
        "viber_port": sandbox.viber.port,
        "page_port": sandbox.control.port,
    }
    path = folder / "vipcast.toml"
    text = path.read_text(encoding="utf-8")
    for name, port in ports.items():
        text, found = re.subn(rf"(?m)^{name} = \d+", f"{name} = {port}", text)
        assert found == 1
    path.write_text(text, encoding="utf-8")
    sandbox.do(log_in_accounts, sandbox, load(folder, {}))


def add_member(
    shop: Shop,
    name: str,
    *addresses: tuple[str, str],
    state: ConsentState = ConsentState.OPTED_IN,
    **values: Any,
) -> int:
    """Put one member into the database, with consent unless said otherwise; return the number."""
    now = shop.now()
    with shop.database.write() as connection:
        member_id = roster.add(
            connection,
            {"name": name, "language": "en", **values},
            [Address(messenger, address) for messenger, address in addresses],
            now=now,
        )
        if state is not ConsentState.NONE:
            consent.record(connection, member_id, state, at=now - timedelta(days=1), source="paper", now=now)
    return member_id


def add_group(shop: Shop, name: str, members: Iterable[int] = (), cap: int = seats.MAX_CAP) -> seats.Group:
    """Make a group, if there is none of that name, and seat members in it."""
    with shop.database.write() as connection:
        if all(group.name != name for group in seats.everything(connection)):
            seats.create(connection, name, cap=cap, now=shop.now())
        group = seats.get(connection, name)
        for member_id in members:
            seats.take_seat(connection, group, member_id, now=shop.now())
        return seats.get(connection, name)


def seat_members(shop: Shop, count: int, messenger: str) -> list[str]:
    """Seat so many new members of one messenger in groups of 20; return the groups' names."""
    ids = [
        add_member(shop, f"{messenger} {number:03}", (messenger, ADDRESSES[messenger].format(number)))
        for number in range(1, count + 1)
    ]
    names = []
    for begin in range(0, count, seats.MAX_CAP):
        names.append(f"{messenger}{begin // seats.MAX_CAP + 1}")
        add_group(shop, names[-1], ids[begin : begin + seats.MAX_CAP])
    return names


def opt_out(shop: Shop, member_id: int) -> None:
    with shop.database.write() as connection:
        now = shop.now()
        consent.record(connection, member_id, ConsentState.OPTED_OUT, at=now, source="by word", now=now)


def prepare(shop: Shop, groups: Sequence[str], *, template: str = "note", **request: Any) -> Any:
    """Return (prepared, planner) of a send, written nowhere yet."""
    found = shop.template(template)
    planner = shop.planner(found, request.get("variables", {}))
    with shop.database.read() as connection:
        return preparing.prepare(connection, preparing.SendRequest(found, groups, **request), planner)


def announce(shop: Shop, groups: Sequence[str], **request: Any) -> Announcement:
    """Plan an announcement and write it into the ledger; send nothing."""
    prepared = prepare(shop, groups, **request)
    with shop.database.write() as connection:
        announcement, _ = preparing.write(
            connection, prepared, shop.media_folder, new_key=new_message_key, now=shop.now()
        )
    return announcement


def rows(shop: Shop, announcement: Announcement | None = None) -> list[Any]:
    """Return the ledger's rows in the order of planning."""
    query = select(deliveries).order_by(deliveries.c.id)
    if announcement is not None:
        query = query.where(deliveries.c.announcement_id == announcement.id)
    with shop.database.read() as connection:
        return list(connection.execute(query))


def states(shop: Shop, announcement: Announcement | None = None) -> Counter[str]:
    return Counter(row.state for row in rows(shop, announcement))


def arrivals(sandbox: Sandbox) -> Counter[str]:
    """Return how many messages each phone of the sandbox got, by address."""
    return Counter(event["to"] for event in list(sandbox.log.events) if event["event"] == "message")


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of the command line came to; `data` and `errors` are those of --json."""

    code: int
    data: Any
    errors: list[dict[str, str]]
    stderr: str


def start_vipcast(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, as cron would."""
    return subprocess.Popen(
        [sys.executable, "-m", "vipcast", "--shop", str(folder), *arguments, "--json", "--no-input"],
        cwd=folder,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def end_of(process: subprocess.Popen[str]) -> Done:
    """Wait for the command line and read its one JSON object."""
    out, words = process.communicate(timeout=120)
    envelope = json.loads(out)
    return Done(process.returncode, envelope["data"], envelope["errors"], words)


def vipcast(folder: Path, *arguments: str) -> Done:
    return end_of(start_vipcast(folder, *arguments))


def child_environment() -> dict[str, str]:
    """Return the environment for a child: none of the tester's own settings, the checkout importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIPCAST_")}
    return kept | {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(Path(__file__).parents[1])}
