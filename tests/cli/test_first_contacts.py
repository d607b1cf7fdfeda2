"""`[limits] first_contacts_per_day` over the sandbox: sent, held, sent the next day, and never more than that."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from first_contact_steps import held, name_of, strangers
from support import (
    SteppingClock,
    add_group,
    add_member,
    announce,
    arrivals,
    child_environment,
    end_of,
    rows,
    start_vipcast,
    vipcast,
    write_template,
)

from vipcast.clock import SystemClock
from vipcast.shop import Shop

NEWS = "+99966100001"
BUDGET = 2
DAY = timedelta(days=1)
DEAD = 86

# Drains with a step for each delivery, and dies in the n-th one: child FOLDER POINT NTH.
CHILD = """
import asyncio, os, sys
from pathlib import Path
from vipcast.delivery.ledger import Ledger
from vipcast.shop import Shop

folder, point, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
original, seen = Ledger.step, []

def reach(name):
    seen.append(name)
    if name == point and seen.count(name) == nth:
        os._exit(86)

def step(self, outcomes, room, now):
    if outcomes:
        reach("before-record")
    done = original(self, outcomes, min(room, 1), now)
    if outcomes:
        reach("after-record")
    if done.claimed:
        reach("after-claim")
    return done

Ledger.step = step
with Shop.open(Path(folder), {}) as shop:
    asyncio.run(shop.dispatcher().drain())
"""


@pytest.fixture
def clock():
    """The command line has the real clock; so has this process."""
    return SystemClock()


@pytest.fixture
def shop_folder(shop_folder):
    """A shop with a budget, where it is noon: midnight must not come in the middle of a test."""
    path = shop_folder / "vipcast.toml"
    text = path.read_text(encoding="utf-8")
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    text, found = re.subn(r'(?m)^timezone = ".*"', f'timezone = "{zone}"', text)
    assert found == 1
    path.write_text(f"{text}\n[limits]\nfirst_contacts_per_day = {BUDGET}\n", encoding="utf-8")
    return shop_folder


def friends(shop, shop_folder, sandbox, *names):
    """Add members who then write to the account, and let it hear them."""
    vipcast(shop_folder, "listen", "--once", "--port", "0")  # from here on Telegram keeps what is missed
    members = [add_member(shop, name, ("telegram", name)) for name in names]
    for name in names:
        people = [sandbox.do(sandbox.telegram.find, one) for one in (name, NEWS)]
        sandbox.call(sandbox.telegram.say(*people, "Hello, when do you open?"))
    done = vipcast(shop_folder, "listen", "--once", "--port", "0")
    assert done.data["received"] == {"message": len(names)}
    return members


def sent(shop):
    return [row.address for row in rows(shop) if row.announcement_id and row.state == "sent"]


def strangers_reached(sandbox):
    return sum(1 for address in arrivals(sandbox) if address.startswith("@person"))


def next_day(shop_folder, days=1):
    return Shop.open(shop_folder, {}, SteppingClock(0.01, datetime.now(UTC) + days * DAY))


def drain(shop):
    return asyncio.run(shop.dispatcher().drain())


def test_strangers_are_spread_over_days_and_who_wrote_is_not_held(shop, shop_folder, sandbox):
    people = strangers(shop, 5)
    known = friends(shop, shop_folder, sandbox, "@anna_wrote", "@bela_wrote")
    elsewhere = [f"viber-member-{n:03}==" for n in range(1, 4)]  # a bot there writes only to subscribers
    on_viber = [add_member(shop, one, ("viber", one)) for one in elsewhere]
    add_group(shop, "spread", [*people, *known, *on_viber])

    done = vipcast(shop_folder, "send", "note", "--group", "spread", "--yes", "--urgent")

    assert (done.code, done.data["counts"]) == (4, {"sent": 7, "queued": 3})
    texts = [e["to"] for e in sandbox.log.events if e["event"] == "message" and e["text"].startswith("News")]
    assert [one for one in texts if one.startswith("@")][:2] == ["@anna_wrote", "@bela_wrote"]
    assert set(elsewhere) <= set(texts)
    assert held(shop) == [name_of(3), name_of(4), name_of(5)]
    shown = subprocess.run(
        [sys.executable, "-m", "vipcast", "--shop", str(shop_folder), "announcement", "show", "1"],
        env=child_environment() | {"COLUMNS": "300"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    tomorrow = (shop.now().astimezone(shop.zone) + DAY).date()
    assert shown.count("waits: as many strangers as [limits] allows were written to today") == 3
    assert shown.count(f"again from {tomorrow} 08:00") == 3

    assert vipcast(shop_folder, "announcement", "resume", "1").data["counts"] == {"sent": 7, "queued": 3}
    with next_day(shop_folder) as later:
        assert {one.account: one.sent for one in drain(later)} == {"news": 2}
        assert held(later) == [name_of(5)]
    with next_day(shop_folder, 2) as later:
        assert {one.account: one.sent for one in drain(later)} == {"news": 1}
    assert set(sent(shop)) == {row.address for row in rows(shop) if row.announcement_id}
    assert {arrivals(sandbox)[name_of(n)] for n in range(1, 6)} == {1}


@pytest.mark.parametrize(
    ("point", "nth"), [("after-claim", 1), ("after-claim", 2), ("before-record", 1), ("after-record", 1)]
)
def test_death_in_between_never_makes_it_more(shop, shop_folder, sandbox, point, nth):
    add_group(shop, "spread", strangers(shop, 6))
    announce(shop, ["spread"])
    command = [sys.executable, "-c", CHILD, str(shop_folder), point]
    died = subprocess.run([*command, str(nth)], env=child_environment(), check=False)
    assert died.returncode == DEAD
    assert strangers_reached(sandbox) <= BUDGET
    add_group(shop, "more", strangers(shop, 6, first=7))  # nobody has judged these yet
    announce(shop, ["more"])
    for _ in range(2):  # those may come to their end
        subprocess.run([*command, "1"], env=child_environment(), check=False)
        assert strangers_reached(sandbox) <= BUDGET
    assert vipcast(shop_folder, "tick").code == 0
    assert sent(shop) == [name_of(1), name_of(2)]
    assert held(shop) == [name_of(n) for n in range(3, 13)]
    assert arrivals(sandbox) == {name_of(1): 1, name_of(2): 1}


def test_two_processes_at_once_never_make_it_more(shop, shop_folder, sandbox):
    write_template(shop_folder, "other", '+++\ntitle = "Other"\n+++\nOther news for {{ member.name }}.\n')
    add_group(shop, "one", strangers(shop, 6))
    add_group(shop, "two", strangers(shop, 6, first=7))
    both = [
        start_vipcast(shop_folder, "send", template, "--group", group, "--yes")
        for template, group in (("note", "one"), ("other", "two"))
    ]
    codes = [end_of(one).code for one in both]
    assert set(codes) <= {4, 6}, codes
    for done in [end_of(one) for one in [start_vipcast(shop_folder, "tick") for _ in range(4)]]:
        assert done.code == 0
    assert strangers_reached(sandbox) == BUDGET
    assert (len(sent(shop)), len(held(shop))) == (BUDGET, 10)
