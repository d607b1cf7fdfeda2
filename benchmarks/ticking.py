"""How long `vipcast tick` takes when nothing is due, beside importing Typer alone; and that it stays silent.

The shop is large and busy: groups that are full and have waiting lists, schedules of every state, a ledger
of finished deliveries, among them some in doubt, and promises that are not yet to be nudged.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Table, insert

from benchmarks.startup import timed
from vipcast import config
from vipcast.sample import make_shop
from vipcast.shop import Shop
from vipcast.storage import tables

ROUNDS = 21
SIZES = (10_000, 200_000)  # members; each has three deliveries
SCHEDULES = 1000
GROUPS = 500
CAP = 15
SEATS = 20  # in a group and on its waiting list together
ANNOUNCEMENTS = 30
CONVERSATIONS = 200
CHUNK = 10_000
IDLE = {"fired": [], "sent": 0, "seated": {}, "nudged": 0, "overdue": 0}

Rows = Iterator[dict[str, Any]]


def fill(connection: Connection, size: int, now: datetime) -> None:
    """Put a shop with so many members into a database; nothing in it is due within a day."""
    moments = {"created_at": now, "updated_at": now}
    put(connection, tables.members, ({"id": i, **card(i), **moments} for i in range(1, size + 1)))
    put(connection, tables.accounts, ({"name": name} for name in ("news", "viber", "support")))
    put(connection, tables.groups, ({"id": i, "name": f"group {i}", "cap": CAP, "created_at": now}
                                    for i in range(1, GROUPS + 1)))  # fmt: skip
    put(connection, tables.memberships, seats(size, now))
    put(connection, tables.schedules, (schedule(i, now) for i in range(1, SCHEDULES + 1)))
    put(connection, tables.announcements, (announcement(i, now) for i in range(1, ANNOUNCEMENTS + 1)))
    put(connection, tables.deliveries, (delivery(i, size, now) for i in range(3 * size)))
    put(connection, tables.conversations, (talk(i, now) for i in range(1, CONVERSATIONS + 1)))
    put(connection, tables.promises, (promise(i, now) for i in range(1, CONVERSATIONS + 1)))


def put(connection: Connection, table: Table, rows: Rows) -> None:
    while some := list(islice(rows, CHUNK)):
        connection.execute(insert(table), some)


def card(number: int) -> dict[str, Any]:
    return {"name": f"Member {number}", "name_key": f"member {number}", "language": "hu", "fields": {}}


def seats(size: int, now: datetime) -> Rows:
    """Yield the first members' places: each group full, and others waiting for it."""
    for number in range(min(size, GROUPS * SEATS)):
        place = number % SEATS
        is_seated = place < CAP
        yield {
            "group_id": number // SEATS + 1, "member_id": number + 1, "arrival": place, "arrived_at": now,
            "state": "seated" if is_seated else "waiting", "seated_at": now if is_seated else None,
        }  # fmt: skip


def schedule(number: int, now: datetime) -> dict[str, Any]:
    state = ("active", "active", "active", "paused", "ended")[number % 5]
    later = now + timedelta(days=1, minutes=number)
    return {
        "id": number, "template": "note", "groups": [f"group {number % GROUPS + 1}"], "variables": {},
        "expression": "0 9 * * 1", "zone": "Europe/Budapest", "if_late": "ask", "grace_seconds": 7200,
        "state": state, "next_at": later if state == "active" else None, "created_at": now,
    }  # fmt: skip


def announcement(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number, "key": f"bench {number}", "template": "note", "digest": "", "groups": [],
        "variables": {}, "state": "finished", "created_at": now, "started_at": now, "finished_at": now,
    }  # fmt: skip


def delivery(number: int, size: int, now: datetime) -> dict[str, Any]:
    """Return a finished delivery: nearly all have arrived, one in a thousand is in doubt for good."""
    state = "unknown" if number % 1000 == 0 else "failed" if number % 50 == 0 else "seen"
    return {
        "announcement_id": number % 3 + 1, "member_id": number % size + 1, "state": state,
        "reason": "no-answer" if state == "unknown" else "", "account": ("news", "viber")[number % 2],
        "messenger": ("telegram", "viber")[number % 2], "address": f"@member{number % size + 1}",
        "body": '{"text":"Kedves Anna! Megérkezett az új kollekciónk."}', "message_key": number + 1,
        "planned_at": now, "sending_at": now, "sent_at": now, "remote_id": str(number),
    }  # fmt: skip


def talk(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number, "member_id": number, "account": "support", "messenger": "telegram",
        "address": f"@member{number}", "opened_at": now, "heard_at": now, "waiting_since": now,
    }  # fmt: skip


def promise(number: int, now: datetime) -> dict[str, Any]:
    return {
        "conversation_id": number, "made_at": now, "due_at": now + timedelta(days=1, minutes=number),
        "state": "open",
    }  # fmt: skip


def tick_of(folder: Path) -> Sequence[str]:
    return ["-m", "vipcast", "--shop", str(folder), "tick"]


def check_idle(folder: Path) -> None:
    """Refuse to measure a tick that finds something to do, or that speaks."""
    for more, words in (((), ""), (("--json",), {"ok": True, "data": IDLE, "errors": []})):
        command = [sys.executable, *tick_of(folder), *more]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        said = json.loads(done.stdout) if words else done.stdout
        if said != words or done.stderr:
            raise SystemExit(f"the tick was not idle: {done.stdout}{done.stderr}")


def measure(size: int) -> float:
    """Return the median ratio of pairs run in turn, in a shop with so many members."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "shop"
        make_shop(folder)
        with Shop(config.load(folder, {})) as shop, shop.database.write() as connection:
            fill(connection, size, shop.now())
        check_idle(folder)
        bare, ours = ["-c", "import typer"], list(tick_of(folder))
        timed(bare), timed(ours)  # the first run reads the disk
        pairs = [(timed(ours), timed(bare)) for _ in range(ROUNDS)]
    mine, theirs = (sorted(column)[ROUNDS // 2] * 1000 for column in zip(*pairs, strict=True))
    print(f"  {size:,} members: vipcast tick {mine:.0f} ms, import typer {theirs:.0f} ms")
    return sorted(a / b for a, b in pairs)[ROUNDS // 2]


def main() -> dict[int, float]:
    """Return the ratio for each number of members."""
    return {size: measure(size) for size in SIZES}


if __name__ == "__main__":
    print(main())
