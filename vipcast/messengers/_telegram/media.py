"""Uploads: each file goes up once for an account and an opening, however many members get it."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from telethon import functions, types, utils

from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import Media, Rejected

UPLOAD_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 64 * 1024  # slower than that is given up


class Uploads:
    """Uploads over one connection, and remembers what the server made of each file."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
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
        key = _key(media)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._ready:
                self._ready[key] = await self._upload(media, peer)
        return self._ready[key]

    def forget(self, media: Iterable[Media]) -> None:
        for one in media:
            self._ready.pop(_key(one), None)

    async def _upload(self, media: Media, peer: Any) -> Any:
        if not await asyncio.to_thread(Path(media.path).is_file):
            raise Rejected(f"the file {media.name} is gone", remote_code="FILE_GONE")
        upload = self._wire.client.upload_file(media.path, file_name=media.name)
        file = await self._wire.ask(upload, UPLOAD_SECONDS + media.size / SLOWEST_BYTES_PER_SECOND)
        uploaded: Any
        if media.kind == "picture":
            uploaded = types.InputMediaUploadedPhoto(file=file)
        else:
            uploaded = types.InputMediaUploadedDocument(
                file=file, mime_type=_mime(media), attributes=_attributes(media)
            )
        stored = await self._wire.call(functions.messages.UploadMediaRequest(peer=peer, media=uploaded))
        return utils.get_input_media(stored)


def _key(media: Media) -> str:
    return f"{media.kind}:{media.digest or media.path}"  # one file may go as a voice message and as a file


def _mime(media: Media) -> str:
    fallback = "audio/ogg" if media.kind == "voice" else "application/octet-stream"
    return mimetypes.guess_type(media.name)[0] or fallback


def _attributes(media: Media) -> list[Any]:
    attributes: list[Any] = [types.DocumentAttributeFilename(media.name)]
    if media.kind == "video":
        attributes.append(types.DocumentAttributeVideo(duration=0, w=0, h=0, supports_streaming=True))
    if media.kind == "voice":
        attributes.append(types.DocumentAttributeAudio(duration=0, voice=True))
    return attributes
