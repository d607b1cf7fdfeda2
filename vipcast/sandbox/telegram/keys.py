"""The numbers of the sandbox's cryptography. For the loopback sandbox only.

The RSA pair stands here in the open, ready made, so that the sandbox starts at once and a client can be
told its public half in advance; it protects nothing and must never be used elsewhere.
"""

from __future__ import annotations

import struct
from hashlib import sha1
from typing import Final

from telethon.crypto import rsa
from telethon.tl import TLObject

PUBLIC_KEY_PEM: Final = """\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAghaH0fsksRnlRh/0g4qZ0BQ6A3hhBXfGWGTcTbKvG8nd6X/c+Kn3
5fd/fEqKvg9P5NWWLoHAc1bsWRxj5nx5kyDYTYwUOpopNN16U20kv8+fxn/YDg3K
UJFYrMp3mv7gCoAMwJX0xBc5m7OvEl94nKOJtov7jHkeE+zRj5Pr5j6t/iYHQt71
1B35qaa6+tjATsl4taLJdw+mKzDcbcxHb0K9/aX1iEdInI4PkshhU+F4864CzUxi
RHltQZJU925GeSW25Nhjyl+lc6G+QKpV+5Xi6rzAHoIUl1srcKgoRA7GIL8JhDpQ
VvWw3SUZdMMwG19R2M6pgYQJ8UX+5anHPwIDAQAB
-----END RSA PUBLIC KEY-----
"""
_EXPONENT: Final = 65537
_MODULUS: Final = int(
    "821687d1fb24b119e5461ff4838a99d0143a0378610577c65864dc4db2af1bc9dde97fdcf8a9f7e5f77f7c4a8abe0f4f"
    "e4d5962e81c07356ec591c63e67c799320d84d8c143a9a2934dd7a536d24bfcf9fc67fd80e0dca509158acca779afee0"
    "0a800cc095f4c417399bb3af125f789ca389b68bfb8c791e13ecd18f93ebe63eadfe260742def5d41df9a9a6bafad8c0"
    "4ec978b5a2c9770fa62b30dc6dcc476f42bdfda5f58847489c8e0f92c86153e178f3ae02cd4c6244796d419254f76e46"
    "7925b6e4d863ca5fa573a1be40aa55fb95e2eabcc01e8214975b2b70a828440ec620bf09843a5056f5b0dd251974c330"
    "1b5f51d8cea9818409f145fee5a9c73f",
    16,
)
_PRIVATE_EXPONENT: Final = int(
    "6dba73763b5107d1c003169139237ffa74153b381f1e6d99709622fda6eaed95a9097c40f7bee6cba3a8753eab2905e1"
    "6e347b295f68e5e13c1b2e4755f348d941ab323e2612085719b077ae4731e859497c35fa1860a976ac23101cf8265536"
    "c5a49d1d156010c746607f7ffd0f6abd3574c3f5ef88dde06b73db1249384ba219f10592a9a09cc79e1e9183bc9b3f0f"
    "02d47e3e726f920889a427950493de7adad856a7afdfdd5b7c1c5642f7d0fe768de3aeebd270b5ea396e25dc7cc8b240"
    "60c94558a2c46367695e4892c3c747c8a33f24e8d4af6e3a56b2d5f4b0dbb943d74791dcf0c59c65e76156b99e35f2be"
    "b91f145f7772d6f5f8f73c621f7c7f01",
    16,
)

# The 2048-bit prime of the live service. Telethon accepts this one at once and would otherwise try to
# factorise what it is given, which never ends. With it, 3 is a good generator.
PRIME: Final = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4db"
    "fa336f6e0ac925139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b41"
    "0dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf"
    "6f4fadf034b10403119cd8e3b92fcc5b",
    16,
)
GENERATOR: Final = 3
KEY_BYTES: Final = 256


def fingerprint() -> int:
    """Return the number by which a client names the public key: the last 8 bytes of its SHA-1."""
    parts = (TLObject.serialize_bytes(rsa.get_byte_array(number)) for number in (_MODULUS, _EXPONENT))
    value: int = struct.unpack("<q", sha1(b"".join(parts)).digest()[-8:])[0]  # noqa: S324 - MTProto's own
    return value


def decrypt(block: bytes) -> bytes:
    """Return the 255 bytes that a client encrypted for us: SHA-1, the object, random padding."""
    return pow(int.from_bytes(block, "big"), _PRIVATE_EXPONENT, _MODULUS).to_bytes(KEY_BYTES, "big")[1:]
