"""People whom an account does not know yet, and what makes it know them."""

from __future__ import annotations

from sqlalchemy import update
from support import add_group, add_member, announce, rows

from vipcast.announcements import records
from vipcast.delivery import inbound
from vipcast.delivery.statements import FIRST_CONTACTS
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import deliveries


def name_of(number):
    return f"@person{number:03}"


def strangers(shop, count, *, first=1):
    """Add so many members whom no account knows; return their numbers."""
    return [add_member(shop, f"P{n}", ("telegram", name_of(n))) for n in range(first, first + count)]


def announce_to(shop, *members, **terms):
    """Plan an announcement to members of a group of its own; return its number."""
    name = f"group{len(rows(shop))}"
    add_group(shop, name, members)
    one = announce(shop, [name], is_new=True)
    with shop.database.write() as connection:
        records.set_terms(
            connection, one.id, is_urgent=terms.get("is_urgent", False), ends_at=terms.get("ends_at")
        )
    return one.id


def change(shop, table, where, **values):
    with shop.database.write() as connection:
        assert connection.execute(update(table).where(where).values(**values)).rowcount


def was(shop, announcement, state, moment, **values):
    """Let an announcement's deliveries have become something at a moment."""
    mine = deliveries.c.announcement_id == announcement
    change(shop, deliveries, mine, **{"state": state, "sending_at": moment, "sent_at": moment} | values)


def hears(shop, address, kind=EventKind.MESSAGE, account="news", **more):
    """Let somebody do something to an account."""
    now = shop.now()
    with shop.database.write() as connection:
        event = Event(kind, address, f"{len(address)}{now.timestamp()}", now, "Hello!", **more)
        assert inbound.take(connection, shop.config.account(account), event, now)


def held(shop):
    return [row.address for row in rows(shop) if (row.state, row.reason) == ("queued", FIRST_CONTACTS)]
