"""The encryption around every packet once there is an authorisation key (MTProto 2.0)."""

from __future__ import annotations

import os
import struct
from hashlib import sha1, sha256
from typing import Final, NamedTuple

from telethon.crypto import AES

from vipcast.sandbox.telegram.tl import Inner
from vipcast.sandbox.telegram.wire import BadPacket

_HEAD: Final = 24  # key id, message key
_FROM_CLIENT: Final = 0
_FROM_SERVER: Final = 8


class Opened(NamedTuple):
    salt: int
    session_id: int
    message: Inner


def key_id(key: bytes) -> int:
    """Return the number by which packets name their key: the last 8 bytes of its SHA-1, unsigned."""
    return int.from_bytes(sha1(key).digest()[-8:], "little")  # noqa: S324 - MTProto's own


def open_packet(key: bytes, packet: bytes) -> Opened:
    """Decrypt what a client sent.

    Raises:
        BadPacket: it was not encrypted with this key, or is cut short.

    """
    message_key, cipher_text = packet[8:_HEAD], packet[_HEAD:]
    if not cipher_text or len(cipher_text) % 16:
        raise BadPacket("an encrypted packet is no whole number of blocks")
    plain = AES.decrypt_ige(cipher_text, *_derive(key, message_key, _FROM_CLIENT))
    if _message_key(key, plain, _FROM_CLIENT) != message_key:
        raise BadPacket("a packet does not fit its message key")
    salt, session_id, msg_id, seq_no, length = struct.unpack_from("<qqqii", plain)
    if not 0 <= length <= len(plain) - 32:
        raise BadPacket("a message is longer than its packet")
    return Opened(salt, session_id, Inner(msg_id, seq_no, plain[32 : 32 + length]))


def seal_packet(key: bytes, salt: int, session_id: int, message: Inner) -> bytes:
    """Encrypt a message for the client."""
    head = struct.pack("<qqqii", salt, session_id, message.msg_id, message.seq_no, len(message.body))
    plain = head + message.body
    plain += os.urandom(12 + -(len(plain) + 12) % 16)
    message_key = _message_key(key, plain, _FROM_SERVER)
    cipher_text: bytes = AES.encrypt_ige(plain, *_derive(key, message_key, _FROM_SERVER))
    return struct.pack("<Q", key_id(key)) + message_key + cipher_text


def _message_key(key: bytes, plain: bytes, direction: int) -> bytes:
    return sha256(key[88 + direction : 120 + direction] + plain).digest()[8:24]


def _derive(key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + key[x : x + 36]).digest()
    b = sha256(key[x + 40 : x + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]
