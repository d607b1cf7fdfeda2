"""Packets on a TCP connection, in whichever of Telegram's transports the client opens with."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Final, Protocol
from zlib import crc32

MAX_PACKET: Final = 1 << 24
_ABRIDGED_TAG: Final = b"\xef"
_INTERMEDIATE_TAG: Final = b"\xee" * 4
_PADDED_TAG: Final = b"\xdd" * 4
_ABRIDGED_LONG: Final = 0x7F
_FULL_OVERHEAD: Final = 12


class BadPacket(ConnectionError):
    """The other side does not speak the transport that it opened with."""


class Framing(Protocol):
    """How one transport marks where a packet begins and ends."""

    async def read(self, reader: asyncio.StreamReader) -> bytes: ...

    def frame(self, payload: bytes) -> bytes: ...


async def choose_framing(reader: asyncio.StreamReader) -> Framing:
    """Return the transport that the client's first bytes announce; without a tag it is the full one."""
    first = await reader.readexactly(1)
    if first == _ABRIDGED_TAG:
        return Abridged()
    tag = first + await reader.readexactly(3)
    if tag == _INTERMEDIATE_TAG:
        return Intermediate()
    if tag == _PADDED_TAG:
        return PaddedIntermediate()
    return Full(tag)


class Full:
    """Length, sequence number and CRC-32 around every packet."""

    def __init__(self, begun: bytes) -> None:
        self._begun = begun  # the bytes of the first length, read while choosing
        self._received = 0
        self._sent = 0

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        head = self._begun + await reader.readexactly(8 - len(self._begun))
        self._begun = b""
        length, number = struct.unpack("<II", head)
        if not _FULL_OVERHEAD <= length <= MAX_PACKET or number != self._received:
            raise BadPacket(f"packet {number} of {length} bytes, where packet {self._received} was due")
        rest = await reader.readexactly(length - 8)
        if crc32(head + rest[:-4]) != struct.unpack("<I", rest[-4:])[0]:
            raise BadPacket("wrong checksum")
        self._received += 1
        return rest[:-4]

    def frame(self, payload: bytes) -> bytes:
        packet = struct.pack("<II", len(payload) + _FULL_OVERHEAD, self._sent) + payload
        self._sent += 1
        return packet + struct.pack("<I", crc32(packet))


class Abridged:
    """One length byte, in units of four bytes, or four when that is not enough."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        words = (await reader.readexactly(1))[0]
        if words == _ABRIDGED_LONG:
            words = int.from_bytes(await reader.readexactly(3), "little")
        return await reader.readexactly(words * 4)

    def frame(self, payload: bytes) -> bytes:
        words = len(payload) // 4
        if words < _ABRIDGED_LONG:
            return bytes([words]) + payload
        return bytes([_ABRIDGED_LONG]) + words.to_bytes(3, "little") + payload


class Intermediate:
    """Four length bytes."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        length = int.from_bytes(await reader.readexactly(4), "little")
        if length > MAX_PACKET:
            raise BadPacket(f"a packet of {length} bytes")
        return await reader.readexactly(length)

    def frame(self, payload: bytes) -> bytes:
        return len(payload).to_bytes(4, "little") + payload


class PaddedIntermediate(Intermediate):
    """As the intermediate one, with up to three bytes of padding."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        packet = await super().read(reader)
        return packet[: len(packet) & ~3]

    def frame(self, payload: bytes) -> bytes:
        padding = os.urandom(3)[: os.urandom(1)[0] % 4]
        return super().frame(payload + padding)
