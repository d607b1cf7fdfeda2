"""Uploads: each file goes up once for an account and an opening, however many members get it."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from telethon import TelegramClient, functions, types, utils

from vipcast.messengers.base import Media, Rejected


class Uploads:
    """`ask` waits for a request of the client and names what goes wrong."""

    def __init__(self, client: TelegramClient, ask: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        self._client = client
        self._ask = ask
        self._ready: dict[str, Any] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, media: Media, peer: Any) -> Any:
        """Return what a send request names a file by, uploading it where that was not done yet.

        An upload is no message: repeating it harms nothing.
        """
        if media.url and not media.path:
            external = (
                types.InputMediaPhotoExternal if media.kind == "picture" else types.InputMediaDocumentExternal
            )
            return external(url=media.url)
        key = media.digest or media.path
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._ready:
                self._ready[key] = await self._upload(media, peer)
        return self._ready[key]

    def forget(self, media: Iterable[Media]) -> None:
        for one in media:
            self._ready.pop(one.digest or one.path, None)

    async def _upload(self, media: Media, peer: Any) -> Any:
        if not await asyncio.to_thread(Path(media.path).is_file):
            raise Rejected(f"the file {media.name} is gone", remote_code="FILE_GONE")
        file = await self._ask(self._client.upload_file(media.path, file_name=media.name))
        uploaded: Any
        if media.kind == "picture":
            uploaded = types.InputMediaUploadedPhoto(file=file)
        else:
            attributes: list[Any] = [types.DocumentAttributeFilename(media.name)]
            if media.kind == "video":
                attributes.append(types.DocumentAttributeVideo(duration=0, w=0, h=0, supports_streaming=True))
            uploaded = types.InputMediaUploadedDocument(
                file=file,
                mime_type=mimetypes.guess_type(media.name)[0] or "application/octet-stream",
                attributes=attributes,
            )
        stored = await self._ask(
            self._client(functions.messages.UploadMediaRequest(peer=peer, media=uploaded))
        )
        return utils.get_input_media(stored)
