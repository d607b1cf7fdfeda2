"""TL, Telegram's binary language, as far as Telethon's own classes do not write it."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject

_TRUE: Final = struct.pack("<I", 0x997275B5)
_FALSE: Final = struct.pack("<I", 0xBC799737)
_VECTOR: Final = struct.pack("<I", 0x1CB5C415)
_GZIP: Final = struct.pack("<I", 0x3072CFA1)
_CONTAINER: Final = struct.pack("<I", 0x73F1F8DC)
_RPC_RESULT: Final = struct.pack("<I", 0xF35C6D01)
_WORTH_PACKING: Final = 1024
_MAX_UNPACKED: Final = 1 << 26
_GZIP_WINDOW: Final = 31  # zlib's word for "with a gzip header"


class Inner(NamedTuple):
    """One message inside a packet."""

    msg_id: int
    seq_no: int
    body: bytes


class Unreadable(ValueError):
    """Bytes that are no TL."""


def read_object(body: bytes) -> Any:
    """Return the object, a request as well, that these bytes hold.

    Raises:
        Unreadable: they hold none that Telethon knows.

    """
    try:
        with BinaryReader(body) as reader:
            return reader.tgread_object()
    except (TypeNotFoundError, BufferError, struct.error, RuntimeError, TypeError, ValueError) as error:
        raise Unreadable(f"{type(error).__name__} in {len(body)} bytes") from error


def write_value(value: Any) -> bytes:
    """Write what a request returns; Booleans and vectors have no class of their own in Telethon."""
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, list):
        return write_vector(value)
    return bytes(value)


def write_vector(items: Iterable[Any]) -> bytes:
    parts = [bytes(item) for item in items]
    return _VECTOR + struct.pack("<i", len(parts)) + b"".join(parts)


def read_vector(body: bytes) -> list[Any]:
    """Return the objects of a vector; no bytes at all are an empty one."""
    if not body:
        return []
    with BinaryReader(body) as reader:
        items: list[Any] = reader.tgread_vector()
        return items


def unpack(body: bytes) -> bytes:
    """Return the body, out of its gzip wrapping where it has one."""
    if body[:4] != _GZIP:
        return body
    with BinaryReader(body[4:]) as reader:
        packed = reader.tgread_bytes()
    unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)
    plain = unpacker.decompress(packed, _MAX_UNPACKED)
    if unpacker.unconsumed_tail:
        raise Unreadable("a gzipped message is too large")
    return plain


def pack(body: bytes) -> bytes:
    """Return the body, gzipped where that is worth it."""
    if len(body) < _WORTH_PACKING:
        return body
    wrapped: bytes = _GZIP + TLObject.serialize_bytes(gzip.compress(body, compresslevel=1))
    return wrapped if len(wrapped) < len(body) else body


def split(outer: Inner) -> list[Inner]:
    """Return the messages of a container, by their lengths, or the one message that is none.

    Going by length, one unknown object does not spoil its neighbours.

    Raises:
        Unreadable: it is cut short.

    """
    try:
        return list(_split(outer))
    except (struct.error, BufferError, zlib.error) as error:
        raise Unreadable(f"a broken container: {error}") from error


def _split(outer: Inner) -> Iterator[Inner]:
    body = unpack(outer.body)
    if body[:4] != _CONTAINER:
        yield Inner(outer.msg_id, outer.seq_no, body)
        return
    (count,) = struct.unpack_from("<i", body, 4)
    position = 8
    for _ in range(count):
        msg_id, seq_no, length = struct.unpack_from("<qii", body, position)
        position += 16
        yield Inner(msg_id, seq_no, unpack(body[position : position + length]))
        position += length


def container(messages: Iterable[Inner]) -> bytes:
    parts = [struct.pack("<qii", m.msg_id, m.seq_no, len(m.body)) + m.body for m in messages]
    return _CONTAINER + struct.pack("<i", len(parts)) + b"".join(parts)


def rpc_result(msg_id: int, body: bytes) -> bytes:
    return _RPC_RESULT + struct.pack("<q", msg_id) + pack(body)
