"""Telegram, as a person's account or a bot, by Telethon.

This file is light: Telethon (a third of a second to import) comes with `_telegram`, when an account is
opened. Limits: 4096 UTF-16 units for a text, 1024 for a caption (the official client's built-in default),
albums of 10. Rates: bots about 30 a second (Telegram's Bots FAQ); for people's accounts nothing is
published, and new ones are judged harder, so one a second after a short burst.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from vipcast.config import Account
from vipcast.messengers.base import (
    AccountInfo,
    AddressInvalid,
    Capabilities,
    Event,
    Formatting,
    LoginDialog,
    Message,
    Messenger,
    Rate,
    Sent,
    Unit,
)
from vipcast.messengers.base_chats import Chat, ChatKeeper

if TYPE_CHECKING:
    from vipcast.messengers._telegram.actions import Actions
    from vipcast.messengers._telegram.listening import Listening

MEGABYTE = 1024 * 1024
_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "picture": 10 * MEGABYTE,
        "video": 2000 * MEGABYTE,
        "voice": 2000 * MEGABYTE,
        "file": 2000 * MEGABYTE,
    }
)


class Telegram(Messenger):
    name: ClassVar[str] = "telegram"
    capabilities: ClassVar[Capabilities] = Capabilities(
        text_limit=4096,
        unit=Unit.UTF16,
        caption_limit=1024,
        formatting=Formatting.ENTITIES,
        media="upload",
        media_kinds=frozenset({"picture", "video", "voice", "file"}),
        media_bytes=_BYTES,  # type: ignore[arg-type]
        album_limit=10,
        idempotent=True,
        in_flight=200,
        rate=Rate(per_second=1.0, burst=5),
        receipts=frozenset({"seen"}),
        inbound="push",
        caption_kinds=frozenset({"picture", "video", "voice", "file"}),
        accepts_phone=True,
        threads=True,
        recalls=frozenset({"delete", "edit"}),
        minds_strangers=True,
        keeps_chats=True,
    )

    has_saved_messages: ClassVar[bool] = True
    app_secrets: ClassVar[tuple[tuple[str, str], ...]] = (
        ("VIPCAST_TELEGRAM_API_ID", "Telegram's API id (a number, from my.telegram.org)"),
        ("VIPCAST_TELEGRAM_API_HASH", "Telegram's API hash (from the same page)"),
    )

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._actions: Actions | None = None  # over the account's own session file
        self._listening: Listening | None = None
        self._keeper: ChatKeeper | None = None

    @classmethod
    def normalise_address(cls, value: str) -> str:
        """Return `+36…`, `@name` in small letters, or a numeric id."""
        value = value.strip()
        if re.fullmatch(r"\+\d{7,15}", value):
            return value
        if re.fullmatch(r"[1-9]\d{0,18}", value):
            return value
        name = re.sub(r"^(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me)/", "", value, flags=re.IGNORECASE)
        name = name.removeprefix("@").rstrip("/")
        if re.fullmatch(r"[A-Za-z]\w{3,31}", name, flags=re.ASCII):
            return "@" + name.lower()
        raise AddressInvalid(
            f"{value!r} is no Telegram address.",
            hint="Give a phone number with country code (+36…), a user name (@anna) or a numeric id.",
        )

    @classmethod
    def capabilities_of(cls, account: Account) -> Capabilities:
        """Return what a person may do, or a bot: faster, but it cannot look up phone numbers."""
        return cls.capabilities if account.token is None else _BOT

    @classmethod
    def deep_link(cls, identity: str, code: str) -> str:
        """Return a bot's start link; a person's account has no such thing."""
        is_bot = identity.startswith("@") and identity.lower().endswith("bot")
        return f"https://t.me/{identity[1:]}?start={code}" if is_bot else ""

    @property
    def _acting(self) -> Actions:
        """What to act with: while `listen` runs its connection, so that the session file stays free.

        Raises:
            Unreachable: `listen` is just connecting again.

        """
        if self._listening is not None:
            return self._listening.actions
        if self._actions is None:
            from vipcast.messengers._telegram.actions import Actions  # noqa: PLC0415
            from vipcast.messengers._telegram.wire import Wire  # noqa: PLC0415

            self._actions = Actions(Wire(self.account))
        return self._actions

    async def open(self) -> AccountInfo:
        return await self._acting.wire.open()

    async def login(self, dialog: LoginDialog) -> AccountInfo:
        from vipcast.messengers._telegram.actions import Actions  # noqa: PLC0415
        from vipcast.messengers._telegram.client import make_deaf, make_plain  # noqa: PLC0415
        from vipcast.messengers._telegram.login import log_in  # noqa: PLC0415
        from vipcast.messengers._telegram.wire import Wire  # noqa: PLC0415

        await self.close()
        # The scan of a QR code comes as an update.
        wire = Wire(self.account, make_plain if dialog.given("qr") else make_deaf)
        self._actions = Actions(wire)
        return await log_in(wire, dialog)

    async def send(self, address: str, peer: str, message: Message, key: int) -> Sent:
        """Send over the connection of `listen` where that runs; see `Messenger.send`."""
        return await self._acting.send(address, peer, message, key)

    async def take_back(self, address: str, peer: str, remote_id: str, *, parts: int = 1) -> None:
        await self._acting.take_back(address, peer, remote_id, parts)

    async def edit(self, address: str, peer: str, remote_id: str, message: Message) -> None:
        await self._acting.edit(address, peer, remote_id, message)

    async def fetch(self, ref: str, path: Path) -> None:
        await self._acting.fetch(ref, path)

    async def chats(self) -> list[Chat]:
        return await self._acting.chats()

    def keeper(self) -> ChatKeeper | None:
        """Return the keeper of a person's megagroups; None for a bot, which cannot make groups."""
        if self.account.token is not None:
            return None
        if self._keeper is None:
            from vipcast.messengers._telegram.chat_keeper import TelegramChatKeeper  # noqa: PLC0415

            self._keeper = TelegramChatKeeper(lambda: self._acting)
        return self._keeper

    async def listen(self, caught_up: Callable[[], None] = lambda: None) -> AsyncGenerator[Event, None]:
        """Yield messages, edits, reading receipts, changes of chats, stops of a bot; see `Messenger.listen`.

        What is said in a group has its writer's address and the group's as `chat`; `raw` has the group's
        `title`, and `is_own` where this account wrote it, by hand or from another program.
        """
        from vipcast.messengers._telegram.listening import Listening  # noqa: PLC0415

        await self.close()  # the session file is another process's from now on
        listening = self._listening = Listening(self.account)
        try:
            async with aclosing(listening.events(caught_up)) as events:
                async for event in events:
                    yield event
        finally:
            if self._listening is listening:
                self._listening = None

    async def close(self) -> None:
        if self._actions is not None:
            await self._actions.wire.close()
            self._actions = None


_BOT = Capabilities(
    **{
        **{name: getattr(Telegram.capabilities, name) for name in Capabilities.__dataclass_fields__},
        "rate": Rate(per_second=25.0, burst=25),
        "accepts_phone": False,
        "minds_strangers": False,  # nobody hears from a bot before they wrote to it
        "keeps_chats": False,
        "quick_replies": True,
    }
)

MESSENGER = Telegram
