"""Downloading what somebody sent: whole or not at all, by a fresh reference where the kept one expired."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from telethon import functions, types

from vipcast.messengers._contents import whole_file
from vipcast.messengers._telegram import peers
from vipcast.messengers._telegram.attachments import Ref, content_of
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AddressInvalid, OutcomeUnknown, Rejected, SendError, Unreachable

FETCH_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 64 * 1024  # slower than that is given up
MOST_BYTES = 2000 * 1024 * 1024  # what Telegram takes from people without Premium
UNKNOWN_BYTES = 20 * 1024 * 1024  # patience for a file whose size nobody said


async def fetch(wire: Wire, ref: str, path: Path) -> None:
    """Write the content to `path`, or nothing; see `Messenger.fetch`."""
    note = Ref.from_text(ref)
    if note.size > MOST_BYTES:
        raise Rejected(f"the file is larger than {MOST_BYTES // 2**20} MB", remote_code="too-large")
    try:
        try:
            await _download(wire, note, path)
        except SendError as error:
            if not error.remote_code.startswith("FILE") or "REF" not in error.remote_code:
                raise
            await _download(wire, await _renewed(wire, note), path)
    except AddressInvalid as error:
        raise Rejected("the chat with the file is gone", remote_code=error.remote_code) from error
    except OutcomeUnknown as error:  # nothing was to be accepted: it may be asked for again
        raise Unreachable(
            "Telegram gave no whole file.", remote_code=error.remote_code, words=error.words
        ) from error


async def _download(wire: Wire, note: Ref, path: Path) -> None:
    seconds = FETCH_SECONDS + (note.size or UNKNOWN_BYTES) / SLOWEST_BYTES_PER_SECOND
    wanted = note.size if note.kind == "document" else 0  # photos are not always as large as is said
    if not wire.client.is_connected():
        raise wire.out_of_reach("the connection is gone")
    with whole_file(path) as file:
        await wire.ask(
            wire.client.download_file(
                _location(note), _Limited(file), file_size=wanted or None, dc_id=note.dc
            ),
            seconds,
        )
        if file.tell() < (wanted or 1):
            raise Unreachable("Telegram gave only a part of the file.", remote_code="incomplete")


class _Limited:
    """A file for Telethon to write to, that takes no more than it may."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        if self._file.tell() + len(data) > MOST_BYTES:
            raise Rejected(f"the file is larger than {MOST_BYTES // 2**20} MB", remote_code="too-large")
        self._file.write(data)


def _location(note: Ref) -> Any:
    kind = types.InputPhotoFileLocation if note.kind == "photo" else types.InputDocumentFileLocation
    return kind(note.id, note.access_hash, note.reference, note.thumb)


async def _renewed(wire: Wire, note: Ref) -> Ref:
    """Return the note with a fresh reference, from the message that carries the file.

    Raises:
        Rejected: the message is gone, or carries something else by now.

    """
    wanted = [types.InputMessageID(note.message)]
    if note.chat:
        group = peers.from_text(note.chat)
        channel = types.InputChannel(group.channel_id, group.access_hash)
        found = await wire.call(functions.channels.GetMessagesRequest(channel, wanted))
    else:
        found = await wire.call(functions.messages.GetMessagesRequest(wanted))
    for message in found.messages:
        file = content_of(getattr(message, "media", None))
        if file is not None and file.id == note.id:
            return msgspec.structs.replace(
                note, access_hash=file.access_hash, reference=file.file_reference, dc=file.dc_id
            )
    raise Rejected("the file is gone from Telegram", remote_code="FILE_GONE")
