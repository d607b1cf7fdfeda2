"""Schedules step by step: one written down, a tick, and what the database holds of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from vipcast.schedules import records
from vipcast.schedules.records import Schedule
from vipcast.shop_desk import ticker_of
from vipcast.storage.tables import announcements, runs, schedules

BUDAPEST = ZoneInfo("Europe/Budapest")


def at(text: str, zone: ZoneInfo = BUDAPEST) -> datetime:
    """Return a moment by what a clock on the wall shows, "2026-11-23 09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def add_schedule(shop, expression, *groups, **more):
    """Write a schedule down as of the shop's moment; the shop's zone, `ask`, and two hours, if not said."""
    values = {
        "template": "note",
        "variables": {},
        "zone": "Europe/Budapest",
        "until": None,
        "if_late": "ask",
        "grace_seconds": 7200,
        "lasts_seconds": None,
        "is_urgent": False,
    } | more
    wanted = Schedule(
        id=0, groups=list(groups), expression=expression, state="active", reason="", next_at=None,
        next_local="", created_at=shop.now(), **values,
    )  # fmt: skip
    with shop.database.write() as connection:
        return records.create(connection, wanted, shop.now())


def again(shop, one):
    """Return a schedule as it is now."""
    with shop.database.read() as connection:
        return records.get(connection, one.id)


def change(shop, one, **values):
    """Change a schedule's row behind the program's back."""
    with shop.database.write() as connection:
        connection.execute(update(schedules).where(schedules.c.id == one.id).values(**values))


def fire(shop, restored_at=None):
    """Plan what is due and send nothing; return {(schedule, time on the wall): what became of it}."""
    done = ticker_of(shop).firing.fire(restored_at)
    found = {(one.schedule.id, one.local): one for one in done}
    assert len(found) == len(done), "an occurrence was dealt with twice"
    return found


def outcomes(fired):
    """Return what became of occurrences, in order, without the details."""
    return [one.state.value for one in fired.values()]


def runs_of(shop, one):
    """Return [(time on the wall, state)] of a schedule's past, in the order it was dealt with."""
    query = select(runs.c.local, runs.c.state).where(runs.c.schedule_id == one.id).order_by(runs.c.id)
    with shop.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def planned(shop):
    """Return all announcements, the first first."""
    with shop.database.read() as connection:
        return list(connection.execute(select(announcements).order_by(announcements.c.id)))


def due_now(shop, *groups, ago=timedelta(minutes=1), **more):
    """Write down a schedule that is due once, some time ago by the real clock."""
    moment = datetime.now(BUDAPEST) - ago
    clock, shop.clock = shop.clock, _Was(moment - timedelta(minutes=5))
    try:
        return add_schedule(shop, moment.isoformat(timespec="minutes"), *groups, **more)
    finally:
        shop.clock = clock


class _Was:
    def __init__(self, moment):
        self._moment = moment

    def now(self):
        return self._moment.astimezone(UTC)
