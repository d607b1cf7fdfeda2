"""The second factor: Telegram's SRP, in which the password itself never travels."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from typing import Any

from telethon.password import compute_hash
from telethon.tl import types

from vipcast.sandbox.telegram.keys import GENERATOR, KEY_BYTES, PRIME


class PasswordCheck:
    """One question and its answer; good for one try."""

    def __init__(self, password: str) -> None:
        self.id = secrets.randbits(62) + 1
        self._algorithm = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
            os.urandom(8), os.urandom(16), GENERATOR, _wide(PRIME)
        )
        self._verifier = pow(GENERATOR, _number(compute_hash(self._algorithm, password)), PRIME)
        self._b = secrets.randbits(2048)
        multiplier = _number(_hash(_wide(PRIME), _wide(GENERATOR)))
        self._public = (multiplier * self._verifier + pow(GENERATOR, self._b, PRIME)) % PRIME

    def question(self) -> Any:
        return types.account.Password(
            has_password=True,
            current_algo=self._algorithm,
            srp_B=_wide(self._public),
            srp_id=self.id,
            new_algo=self._algorithm,
            new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
            secure_random=os.urandom(32),
        )

    def accepts(self, a: bytes, proof: bytes) -> bool:
        """Return whether the client has shown that it knows the password."""
        public = _number(a)
        if not 0 < public < PRIME:
            return False
        scrambler = _number(_hash(_wide(public), _wide(self._public)))
        shared = pow(public * pow(self._verifier, scrambler, PRIME), self._b, PRIME)
        mixed = bytes(x ^ y for x, y in zip(_hash(_wide(PRIME)), _hash(_wide(GENERATOR)), strict=True))
        expected = _hash(
            mixed,
            _hash(self._algorithm.salt1),
            _hash(self._algorithm.salt2),
            _wide(public),
            _wide(self._public),
            _hash(_wide(shared)),
        )
        return secrets.compare_digest(expected, proof)


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def _wide(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "big")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
