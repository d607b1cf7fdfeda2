"""Media on the loopback Viber: what customers send is served here, what bots send can be fetched."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.loopback_http import HangUp, HttpClient, Request, Response
from vipcast.sandbox.tasks import Tasks
from vipcast.sandbox.viber_rules import MAX_FILE_BYTES
from vipcast.sandbox.viber_state import StoredMedia, ViberMessage, ViberState

MEDIA_ROOT: Final = "/media/"
FAULT: Final = "media"  # what faults call the request for such an address; `to` is the customer
_FETCH_SECONDS: Final = 30.0
_FETCHED: Final = frozenset({"picture", "video", "file"})
_CHUNK: Final = bytes(64 * 1024)


class MediaShelf:
    """Keeps what customers send and serves it under addresses that nobody can guess."""

    def __init__(self, state: ViberState, *, log: EventLog, faults: Faults) -> None:
        self.base_url = ""  # known when the server listens
        self._state = state
        self._log = log
        self._faults = faults

    def content_of(self, customer_id: str, text: str, media: Attachment) -> dict[str, Any]:
        """Return a message as its callback carries it, keeping its bytes.

        Raises:
            InputError: Viber has no such attachment.

        """
        match media.kind:
            case "picture" | "video" | "file":
                return self._hosted(customer_id, text, media)
            case "location":
                return {"type": "location", "location": {"lat": media.latitude, "lon": media.longitude}}
            case "contact":
                card = {"name": media.contact_name, "phone_number": media.phone, "avatar": ""}
                return {"type": "contact", "contact": card}
            case "sticker":
                return {"type": "sticker", "sticker_id": media.number}
            case "url":
                return {"type": "url", "media": media.url}
        raise InputError(f"Viber bots get no {media.kind} messages.", hint="Send a file.")

    def _hosted(self, customer_id: str, text: str, media: Attachment) -> dict[str, Any]:
        token = secrets.token_hex(8)
        self._state.store(
            StoredMedia(
                token=token,
                customer=customer_id,
                name=media.name,
                mime=media.mime,
                content=media.content,
            )
        )
        url = f"{self.base_url}{MEDIA_ROOT}{token}/{quote(media.name)}"
        size = len(media.content)
        common = {"type": media.kind, "media": url, "file_name": media.name, "size": size, "file_size": size}
        match media.kind:
            case "picture":
                return {**common, "text": text, "thumbnail": url}
            case "video":
                return {**common, "text": text, "thumbnail": url, "duration": media.seconds}
        return common

    async def answer(self, request: Request) -> Response:
        """Serve one address, faults included."""
        token, _, name = request.path.removeprefix(MEDIA_ROOT).partition("/")
        found = self._state.media.get(token)
        if found is None or unquote(name) != found.name:
            return Response(status=HTTPStatus.NOT_FOUND)
        if request.method != "GET":
            return Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        fault = self._faults.match(FAULT, found.customer)
        if fault is not None:
            self._log.record("fault", network="viber", on=FAULT, to=found.customer, fault=fault.kind)
            match fault.kind:
                case "drop_before" | "drop_after":
                    raise HangUp
                case "error" | "http":
                    return Response(fault.text.encode(), fault.code, "text/plain; charset=utf-8")
                case "endless":
                    return Response(content_type=found.mime, stream=_endless())
                case "delay":
                    await asyncio.sleep(fault.seconds)
        self._log.record("media", network="viber", to=found.customer, name=found.name)
        return Response(found.content, content_type=found.mime)


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield _CHUNK
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was behind the address of a bot's picture, video or file; `status` 0: nothing answered."""

    status: int
    content: bytes

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


class MediaFetcher:
    """Fetches what bots send, as Viber's servers do; only from this machine, and only if switched on."""

    def __init__(self, log: EventLog) -> None:
        self.is_on = False
        self.fetched: dict[int, Fetched] = {}  # by message id
        self._log = log
        self._tasks = Tasks()

    def take(self, message: ViberMessage) -> None:
        """Fetch what a bot's message carries, in the background."""
        if self.is_on and message.type in _FETCHED:
            self._tasks.start(self._fetch(message))

    async def _fetch(self, message: ViberMessage) -> None:
        client = HttpClient()
        try:
            status, content = await client.get(
                message.media, timeout_seconds=_FETCH_SECONDS, most=MAX_FILE_BYTES
            )
        except OSError as error:
            status, content, reason = 0, b"", str(error) or type(error).__name__
        else:
            reason = ""
        finally:
            client.close()
        found = self.fetched[message.id] = Fetched(status, content)
        self._log.record(
            "fetched" if status == HTTPStatus.OK else "fetch_failed",
            network="viber",
            to=message.customer,
            id=message.id,
            status=status,
            size=len(content),
            digest=found.digest,
            text=reason,
        )

    async def settle(self) -> None:
        """Wait until everything under way was fetched or given up."""
        await self._tasks.settle()

    async def stop(self) -> None:
        await self._tasks.stop()
