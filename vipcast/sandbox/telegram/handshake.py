"""The Diffie-Hellman exchange in which a client without a key gets one."""

from __future__ import annotations

import os
import struct
import time
from hashlib import sha1
from typing import Any, Final

from telethon import helpers
from telethon.crypto import AES, AuthKey, rsa
from telethon.tl import functions, types

from vipcast.sandbox.telegram import keys
from vipcast.sandbox.telegram.tl import read_object
from vipcast.sandbox.telegram.wire import BadPacket

# Telethon reads the product as a signed number, so its top bit must be clear; this one it factorises at once.
_P, _Q = 1009, 1013
_SHA1_BYTES: Final = 20


class Handshake:
    """One client's exchange; `key` and `salt` are there once it is over."""

    def __init__(self) -> None:
        self.key = b""
        self.salt = 0
        self._server_nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        self._new_nonce = 0
        self._secret = int.from_bytes(os.urandom(keys.KEY_BYTES), "big")

    def answer(self, packet: bytes) -> bytes:
        """Return the answer to an unencrypted packet, itself unencrypted.

        Raises:
            BadPacket: it is no step of the exchange, or none that follows the last one.

        """
        try:
            reply = self._step(read_object(packet[20:]))
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise BadPacket(f"unreadable key exchange: {error}") from error
        body = bytes(reply)
        # Server message ids are odd; in this exchange the time alone makes them unique enough.
        msg_id = int(time.time() * (1 << 32)) & ~3 | 1
        return struct.pack("<qqi", 0, msg_id, len(body)) + body

    def _step(self, request: Any) -> Any:
        match request:
            case functions.ReqPqMultiRequest() | functions.ReqPqRequest():
                return types.ResPQ(
                    nonce=request.nonce,
                    server_nonce=self._server_nonce,
                    pq=rsa.get_byte_array(_P * _Q),
                    server_public_key_fingerprints=[keys.fingerprint()],
                )
            case functions.ReqDHParamsRequest(server_nonce=self._server_nonce):
                return self._offer(request)
            case functions.SetClientDHParamsRequest(server_nonce=self._server_nonce):
                return self._conclude(request)
        raise BadPacket(f"{type(request).__name__} is no step of the key exchange")

    def _offer(self, request: Any) -> Any:
        inner = read_object(keys.decrypt(request.encrypted_data)[_SHA1_BYTES:])
        if inner.nonce != request.nonce or inner.server_nonce != self._server_nonce:
            raise BadPacket("the key exchange mixes two nonces")
        self._new_nonce = inner.new_nonce
        offer = bytes(
            types.ServerDHInnerData(
                nonce=request.nonce,
                server_nonce=self._server_nonce,
                g=keys.GENERATOR,
                dh_prime=rsa.get_byte_array(keys.PRIME),
                g_a=rsa.get_byte_array(pow(keys.GENERATOR, self._secret, keys.PRIME)),
                server_time=int(time.time()),
            )
        )
        return types.ServerDHParamsOk(
            nonce=request.nonce,
            server_nonce=self._server_nonce,
            encrypted_answer=AES.encrypt_ige(_hashed(offer), *self._transport_key()),
        )

    def _conclude(self, request: Any) -> Any:
        if not self._new_nonce:
            raise BadPacket("the key exchange ends before it began")
        plain = AES.decrypt_ige(request.encrypted_data, *self._transport_key())
        inner = read_object(plain[_SHA1_BYTES:])
        shared = pow(int.from_bytes(inner.g_b, "big"), self._secret, keys.PRIME)
        # Without its leading zeros, as Telethon takes it: otherwise one exchange in 256 would fail.
        key = AuthKey(rsa.get_byte_array(shared))
        nonces = (self._new_nonce.to_bytes(32, "little", signed=True), self._server_nonce_bytes())
        self.salt = int.from_bytes(
            bytes(a ^ b for a, b in zip(nonces[0][:8], nonces[1][:8], strict=True)), "little", signed=True
        )
        self.key = key.key
        return types.DhGenOk(
            nonce=request.nonce,
            server_nonce=self._server_nonce,
            new_nonce_hash1=key.calc_new_nonce_hash(self._new_nonce, 1),
        )

    def _server_nonce_bytes(self) -> bytes:
        return self._server_nonce.to_bytes(16, "little", signed=True)

    def _transport_key(self) -> tuple[bytes, bytes]:
        key, iv = helpers.generate_key_data_from_nonce(self._server_nonce, self._new_nonce)
        return key, iv


def _hashed(data: bytes) -> bytes:
    return sha1(data).digest() + data  # noqa: S324 - MTProto's own
