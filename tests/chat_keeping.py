"""A shop's Telegram account that keeps chats, on a sandbox in the same event loop, with people around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from telegram_sandbox import SHOP, serving
from telethon import TelegramClient
from telethon.crypto import rsa

from vipcast.config import Account, Secret
from vipcast.messengers.base_chats import Chat, ChatKeeper, Person
from vipcast.messengers.telegram import Telegram
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.server import TelegramSandbox

ANNA, BELA, CILI = "+36301234501", "+36301234502", "+36301234503"
MARK = "vipcast-1234"
TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@dataclass
class KeepingShop:
    sandbox: TelegramSandbox
    log: EventLog
    faults: Faults
    account: Account
    messenger: Telegram

    @property
    def me(self) -> SandboxUser:
        return self.sandbox.find(SHOP)

    @property
    def keeper(self) -> ChatKeeper:
        return self.messenger.keeper()

    async def made(self, title: str = "VIP", mark: str = MARK) -> tuple[str, SandboxGroup]:
        """Let the account make a chat; return its address and what the sandbox has of it."""
        chat = await self.keeper.create(title, mark)
        return chat.address, self.group(chat)

    def group(self, chat: Chat) -> SandboxGroup:
        return next(one for one in self.sandbox.groups() if str(one.key) == chat.address)

    def find(self, address: str, **fields) -> SandboxUser:
        kind = "username" if address.startswith("@") else "phone"
        return self.sandbox.add_user(**{kind: address, **fields})

    def inside(self, group: SandboxGroup) -> list[str]:
        return [one.label for one in self.sandbox.members(group)]

    async def one(self, chat: str, address: str) -> Person:
        """Return somebody in a chat as the keeper tells of them."""
        number = str(self.sandbox.find(address).id)
        return next(person for person in await self.keeper.people(chat) if person.id == number)

    async def let_in(self, chat: str, address: str, mark: str = "back") -> None:
        """Make a link, let somebody follow it, and admit them."""
        link = await self.keeper.new_link(chat, mark, TOMORROW)
        person = self.sandbox.find(address)
        assert self.sandbox.join_by_link(person, link) is None
        (waiting,) = [one for one in await self.keeper.requests(chat) if one.link == link]
        await self.keeper.admit(chat, waiting.person, is_yes=True)


@asynccontextmanager
async def keeping(folder: Path, monkeypatch, **options):
    """Serve a sandbox with one account of the shop's, which is opened; `options` are the sandbox's."""
    # Telethon keeps the server's configuration and its keys in global places.
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))
    log, faults = EventLog(), Faults()
    async with serving(log=log, faults=faults, **options) as sandbox:
        user = sandbox.add_user(phone=SHOP, first_name="Shop", username="regidivat")
        path = folder / "sessions" / "news.session"
        sandbox.provision_session(path, user)
        account = Account(
            name="news",
            messenger="telegram",
            role="announce",
            api_id=1,
            api_hash=Secret("hash"),
            session=path,
            server=sandbox.address,
        )
        messenger = Telegram(account)
        try:
            yield KeepingShop(sandbox, log, faults, account, messenger)
        finally:
            await messenger.close()
    assert [event for event in log.events if event["event"] in ("bug", "unsupported")] == []
