"""Telling a picture from other bytes, and how large it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

Size = tuple[int, int]
_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers of JPEG; the gaps are other tables.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_FOURTEEN_BITS: Final = 0x3FFF


def picture_size(content: bytes) -> Size | None:
    """Return width and height of a PNG, JPEG, GIF or WebP picture; None for anything else."""
    try:
        for is_kind, measure in _KINDS:
            if is_kind(content):
                return measure(content)
    except (struct.error, IndexError):
        return None  # cut short
    return None


def _png(content: bytes) -> Size:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> Size:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _jpeg(content: bytes) -> Size | None:
    position = 2
    while content[position] == 0xFF:  # noqa: PLR2004 - JPEG's marker byte
        if content[position + 1] in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        (length,) = struct.unpack_from(">H", content, position + 2)
        position += 2 + length
    return None


def _webp(content: bytes) -> Size:
    match content[12:16]:
        case b"VP8X":
            parts = content[24:27], content[27:30]
            return int.from_bytes(parts[0], "little") + 1, int.from_bytes(parts[1], "little") + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", content, 21)
            return (bits & _FOURTEEN_BITS) + 1, (bits >> 14 & _FOURTEEN_BITS) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & _FOURTEEN_BITS, height & _FOURTEEN_BITS


_KINDS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Size | None]], ...]] = (
    (lambda content: content.startswith(_PNG), _png),
    (lambda content: content.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda content: content.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP", _webp),
)
