"""A group with a chat of its own in a shop's records: who is in it, who asks, what stands in the tables."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from conversation_world import NEWS
from sqlalchemy import insert, select, update
from support import FixedClock, add_group, add_member

from vipcast.chats import links, people
from vipcast.chats.context import Context
from vipcast.delivery import peers
from vipcast.groups import chats, seats
from vipcast.groups.seats import Group
from vipcast.messengers.base import EventKind, Messenger
from vipcast.messengers.base_chats import ChatKeeper, Person
from vipcast.sandbox.service import Sandbox
from vipcast.shop import Shop
from vipcast.shop_chats import context_of
from vipcast.storage.tables import deliveries, inbound
from vipcast.storage.tables_chats import chat_readers

CHAT = "-1000000000500"
ANNA, BELA, CILI = "@anna_in_gold", "@bela_in_gold", "@cili_in_gold"
DAY = timedelta(days=1)


def add_chat(shop: Shop, members=(), *, name="gold", cap=15, account="news", address=CHAT, **values) -> Group:
    """Make a group whose chat is ready, and seat members in it."""
    add_group(shop, name, members, cap)
    found = {
        "messenger": "telegram",
        "state": chats.READY,
        "mark": f"mark-{name}",
        "title": f"VIP {name}",
        "made_at": shop.now(),
    }
    with shop.database.write() as connection:
        group = seats.get(connection, name)
        chats.set_mode(connection, group, chats.CHAT)
        seats.set_chat(connection, group, account, address)
        chats.put(connection, group, found | values)
        return seats.get(connection, name)


def on_telegram(shop: Shop, *addresses: str, **values: Any) -> list[int]:
    """Put members with one address each into the shop; they are called by it."""
    return [add_member(shop, one.strip("@").title(), ("telegram", one), **values) for one in addresses]


def person(number: int, *spellings: str, **values: Any) -> Person:
    return Person(str(number), spellings, **values)


def put_in(shop: Shop, group: Group, member_id: int | None, number: int, **values: Any) -> None:
    """Let somebody be in the chat, as the records have it; `values` are those of the table."""
    with shop.database.write() as connection:
        people.note(connection, group, person(number), member_id=member_id, **values)


def known(shop: Shop, group: Group) -> dict[str, people.Known]:
    with shop.database.read() as connection:
        return people.known(connection, group)


def give_link(shop: Shop, group: Group, member_id: int, url: str, *, lasts: timedelta = DAY) -> links.Link:
    """Let a member have a link that works for so long from now."""
    with shop.database.write() as connection:
        one = links.begin(connection, group, member_id, shop.now() + lasts, shop.now())
        links.made(connection, one, url)
        return links.get(connection, one.id)


def links_of(shop: Shop, group: Group, *, only_open: bool = False) -> list[links.Link]:
    with shop.database.read() as connection:
        return links.of_group(connection, group, only_open=only_open)


def readers(shop: Shop, delivery_id: int | None = None) -> dict[str, tuple[int | None, datetime | None]]:
    """Return {person: (member, when they read it)} of what went to a chat."""
    query = select(chat_readers)
    if delivery_id is not None:
        query = query.where(chat_readers.c.delivery_id == delivery_id)
    with shop.database.read() as connection:
        return {row.person: (row.member_id, row.seen_at) for row in connection.execute(query)}


def read_by(shop: Shop, delivery_id: int, member_id: int, at: datetime) -> None:
    """Let a member have read what went to a chat."""
    mine = (chat_readers.c.delivery_id == delivery_id) & (chat_readers.c.member_id == member_id)
    with shop.database.write() as connection:
        assert connection.execute(update(chat_readers).where(mine).values(seen_at=at)).rowcount == 1


def became(shop: Shop, where: Any, state: str, at: datetime | None = None, **values: Any) -> None:
    """Let deliveries have become something, at a moment: now, unless it is said."""
    at = at or shop.now()
    found = {"state": state, "sending_at": at, "sent_at": at} | values
    with shop.database.write() as connection:
        assert connection.execute(update(deliveries).where(where).values(**found)).rowcount


def hears(shop: Shop, address: str) -> None:
    """Let somebody have written to the account `news`, as the records have it."""
    values = {
        "account": "news",
        "messenger": "telegram",
        "address": address,
        "remote_id": address,
        "kind": EventKind.MESSAGE,
        "at": shop.now(),
        "recorded_at": shop.now(),
    }
    with shop.database.write() as connection:
        connection.execute(insert(inbound).values(**values))


def real_clock() -> FixedClock:
    """Stands still at the machine's own time, by which a sandbox lets links expire."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@dataclass
class Kept:
    """A group's chat that is really there, on the sandbox's Telegram, with the shop's account open."""

    shop: Shop
    sandbox: Sandbox
    messenger: Messenger
    context: Context
    group: Group
    opened: list[str] = field(default_factory=list)  # the accounts that were lent, in order

    @property
    def keeper(self) -> ChatKeeper:
        keeper = self.messenger.keeper()
        assert keeper is not None
        return keeper

    @property
    def chat(self) -> Any:
        found = self.sandbox.do(self.sandbox.telegram.groups)
        return next(one for one in found if str(one.key) == self.group.chat)

    def phone(self, address: str) -> Any:
        """Return the user of an address, who is made where there is none."""
        telegram = self.sandbox.telegram
        found = self.sandbox.do(telegram.find, address)
        return found or self.sandbox.do(telegram.add_user, username=address[1:], first_name=address)

    def inside(self) -> set[str]:
        found = self.sandbox.do(self.sandbox.telegram.members, self.chat)
        return {f"@{one.username}" for one in found if one.username}

    def comes(self, address: str) -> str:
        """Let somebody be in the chat, whom another admin put there; return their number."""
        user = self.phone(address)
        self.sandbox.do(self.sandbox.telegram.join, self.chat, user)
        return str(user.id)

    def writes(self, address: str) -> None:
        """Let somebody write to the shop's account."""
        telegram = self.sandbox.telegram
        shop = self.sandbox.do(telegram.find, NEWS)
        self.sandbox.call(telegram.say(self.phone(address), shop, "Hello"))


@asynccontextmanager
async def keeping_chat(shop: Shop, sandbox: Sandbox, members=(), **values: Any):
    """Make the chat of a group `gold` on the sandbox, its account open for as long as the context lasts."""
    messenger = shop.messenger("news")
    await messenger.open()
    opened: list[str] = []

    @asynccontextmanager
    async def lend(name: str):
        opened.append(name)
        if name == "news":
            yield messenger
            return
        other = shop.messenger(name)
        try:
            await other.open()
            yield other
        finally:
            await other.close()

    try:
        keeper = messenger.keeper()
        assert keeper is not None
        made = await keeper.create("VIP gold", "mark-gold")
        group = add_chat(shop, members, address=made.address, **values)
        with shop.database.write() as connection:
            peers.keep(connection, "news", made.address, made.peer, shop.now())
        context = replace(context_of(shop, borrow=lend), first_contacts=values.pop("first_contacts", 10))
        yield Kept(shop, sandbox, messenger, context, group, opened)
    finally:
        await messenger.close()
        await asyncio.sleep(0)
