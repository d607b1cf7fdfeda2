"""What people in the sandbox send besides words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vipcast.errors import InputError

AttachmentKind = Literal["picture", "video", "file", "voice", "sticker", "location", "contact", "url"]
_MIMES: Final[dict[str, str]] = {
    "picture": "image/jpeg",
    "video": "video/mp4",
    "voice": "audio/ogg",
    "sticker": "image/webp",
    "file": "application/octet-stream",
}
_NAMES: Final[dict[str, str]] = {
    "picture": "photo.jpg",
    "video": "video.mp4",
    "voice": "voice.ogg",
    "sticker": "sticker.webp",
    "file": "file.bin",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, a place and so on. Telegram knows no `url`, Viber no `voice`.

    `content` is what picture, video, file, voice and sticker carry; `seconds` is how long the video or
    voice message lasts; `number` is a Viber sticker's.
    """

    kind: AttachmentKind
    content: bytes = b""
    name: str = ""
    mime: str = ""
    seconds: int = 1
    emoji: str = "👍"
    number: int = 40126
    latitude: float = 0.0
    longitude: float = 0.0
    phone: str = ""
    contact_name: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if self.kind in _MIMES:
            object.__setattr__(self, "name", self.name or _NAMES[self.kind])
            object.__setattr__(self, "mime", self.mime or _MIMES[self.kind])
        elif self.content:
            raise InputError(f"A {self.kind} carries no bytes.", hint="Leave `content` out.")
        if self.kind == "contact" and not self.phone:
            raise InputError("A contact needs a phone number.", hint="Give `phone` as +36301234567.")
