"""Viber bots, by viberbot with a request sender of ours (see `_viber`).

Limits: the creators' "Message Data Model": 7000 characters for a text, 768 under a picture, pictures up
to 1 MB (the iOS limit), video 26 MB, files 50 MB; media are fetched by Viber from a public address. There
is no key that makes a repeated request one message, so an unknown outcome is never repeated by itself.
The REST API has no request that deletes or edits a message.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import msgspec

from vipcast.config import Secret
from vipcast.messengers._viber.reading import event_of
from vipcast.messengers.base import (
    AccountInfo,
    AddressInvalid,
    Capabilities,
    Event,
    EventKind,
    Formatting,
    LoginDialog,
    LoginLost,
    Message,
    Messenger,
    Rate,
    Sent,
    Unit,
)

if TYPE_CHECKING:
    from vipcast.messengers._viber.wire import Wire

MEGABYTE = 1024 * 1024
SIGNATURE = "x-viber-content-signature"
_BYTES: Mapping[str, int] = MappingProxyType(
    {"picture": MEGABYTE, "video": 26 * MEGABYTE, "file": 50 * MEGABYTE}
)


class Viber(Messenger):
    name: ClassVar[str] = "viber"
    capabilities: ClassVar[Capabilities] = Capabilities(
        text_limit=7000,
        unit=Unit.CHARACTERS,
        caption_limit=768,
        formatting=Formatting.PLAIN,
        media="url",
        media_kinds=frozenset({"picture", "video", "file"}),
        media_bytes=_BYTES,  # type: ignore[arg-type]
        caption_kinds=frozenset({"picture", "video"}),
        album_limit=1,
        idempotent=False,
        in_flight=8,
        rate=Rate(per_second=20.0, burst=20),  # far below the 500 requests in 10 s that Viber names
        receipts=frozenset({"delivered", "seen", "failed"}),
        inbound="webhook",
        picture_suffixes=frozenset({".jpg", ".jpeg", ".png", ".gif"}),
        quick_replies=True,
    )
    needs_token: ClassVar[bool] = True
    _wire: Wire | None = None

    @classmethod
    def normalise_address(cls, value: str) -> str:
        """Return a Viber user id; a phone number is none."""
        value = value.strip()
        if re.fullmatch(r"[A-Za-z0-9+/=_-]{6,64}", value) and not re.fullmatch(r"\+?\d{6,15}", value):
            return value
        raise AddressInvalid(
            f"{value!r} is no Viber user id.",
            hint="A bot learns the id when the person writes to it; invite them: vipcast member link MEMBER",
        )

    @classmethod
    def deep_link(cls, identity: str, code: str) -> str:
        """Return a link that opens the bot's chat with a sign to send, which subscribes the person."""
        return f"viber://pa?chatURI={quote(identity)}&context={quote(code)}&text=%2B" if identity else ""

    async def open(self) -> AccountInfo:
        return await self._open_wire().account_info()

    async def login(self, dialog: LoginDialog) -> AccountInfo:
        """Prove the token and, where an address is given, have Viber call it with replies and receipts."""
        if self.account.token is None:
            typed = await dialog.ask(
                "token", "The bot's token", secret=True, hint="Give it with --token-file FILE or in .env."
            )
            self.account = msgspec.structs.replace(self.account, token=Secret(typed))
        info = await self.open()
        if url := dialog.given("webhook") or self.account.webhook:
            await self._open_wire().set_webhook(url)
        else:
            dialog.say(
                "No --webhook given: Viber sends nothing for a bot without one, and takes no messages."
            )
        return info

    async def send(self, address: str, peer: str, message: Message, key: int) -> Sent:
        del peer, key  # Viber resolves nothing and has no key for repeats
        return await self._open_wire().send(address, message)

    async def fetch(self, ref: str, path: Path) -> None:
        await self._open_wire().fetch(ref, path)

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether Viber signed the body: HMAC-SHA256 with the token, lower-case hexadecimal."""
        given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
        if self.account.token is None or not given:
            return False
        wanted = hmac.new(self.account.token.reveal().encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), given.encode())

    def parse(self, body: bytes) -> list[Event]:
        """Return the event in a call; anything unknown or odd as OTHER, so that Viber need not repeat it."""
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            return [Event(EventKind.OTHER, "", "", datetime.now(UTC), raw={})]
        return [event_of(data)]

    def _open_wire(self) -> Wire:
        if self.account.token is None:
            raise LoginLost(
                f"The account {self.account.name!r} has no token.",
                hint=f"Give it: vipcast account add {self.account.name} --token-file FILE",
            )
        if self._wire is None:
            from vipcast.messengers._viber.wire import Wire  # noqa: PLC0415 - brings viberbot

            self._wire = Wire(self.account, self.capabilities.in_flight)
        return self._wire


MESSENGER = Viber
