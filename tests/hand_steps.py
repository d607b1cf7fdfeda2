"""Posting by hand step by step: a shop that does it, people and a group on such networks, and their tasks."""

from __future__ import annotations

from sqlalchemy import select
from support import add_group, add_member, announce

from vipcast.delivery import hand
from vipcast.groups import chats, seats
from vipcast.storage.tables import announcements

SETTINGS = '\n[by_hand]\nnetworks = ["whatsapp", "viber", "snapchat", "phone"]\nwithin = "4h"\n'
ANNA = ("whatsapp", "+36301234567")
BELA = ("snapchat", "bela.nagy")
CILI = ("phone", "+36201234567")
INVITE = "https://invite.viber.com/?g2=AQB-the-gold-ones"


def by_hand(folder, settings=SETTINGS):
    """Let a person of the shop post, too."""
    path = folder / "vipcast.toml"
    path.write_text(path.read_text(encoding="utf-8") + settings, encoding="utf-8")


def people(shop, *addresses, group="gold"):
    """Seat members with one address each, of the names that stand before the numbers; return their numbers."""
    names = {ANNA: "Kovács Anna", BELA: "Nagy Béla", CILI: "Tóth Cili"}
    # Telegram reaches phone numbers as well, so who wants to be called says so.
    numbers = [add_member(shop, names[one], one, preferred=one[0]) for one in addresses or (ANNA, BELA, CILI)]
    add_group(shop, group, numbers)
    return numbers


def chat_group(shop, name="vip", members=(), network="viber", link=INVITE):
    """Make a group whose chat is on a network that no program can write to."""
    group = add_group(shop, name, members)
    with shop.database.write() as connection:
        chats.set_mode(connection, group, chats.BY_HAND)
        values = {"messenger": network, "state": chats.READY, "link": link, "made_at": shop.now()}
        chats.put(connection, group, values)
        return seats.get(connection, name)


def planned(shop, *groups, **request):
    """Announce to groups and return (announcement, its open tasks)."""
    one = announce(shop, groups or ("gold",), **request)
    return one, tasks(shop, one.id)


def tasks(shop, announcement_id=None):
    with shop.database.write() as connection:
        hand.plan_due(connection, shop.hand_due_at)
        return hand.tasks(connection, shop.now(), announcement_id)


def done(shop, *numbers, by="Zita", at=None, note=""):
    with shop.database.write() as connection:
        return hand.done(connection, numbers, by=by, at=at or shop.now(), now=shop.now(), note=note)


def skip(shop, *numbers, why=""):
    with shop.database.write() as connection:
        return hand.skip(connection, numbers, by="Zita", now=shop.now(), why=why)


def state_of(shop, announcement):
    query = select(announcements.c.state).where(announcements.c.id == announcement.id)
    with shop.database.read() as connection:
        return connection.execute(query).scalar_one()
