"""What a person played by the sandbox sends, as Telegram keeps it."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.telegram.media import contact_card, location_card
from vipcast.sandbox.telegram.model import MediaKind
from vipcast.sandbox.telegram.pictures import picture_size
from vipcast.sandbox.telegram.posting import Draft
from vipcast.sandbox.telegram.tl import write_vector
from vipcast.sandbox.telegram.world import World

_KINDS: Final[dict[str, MediaKind]] = {
    "picture": "picture",
    "video": "video",
    "file": "file",
    "voice": "voice",
    "sticker": "sticker",
}
_VIDEO_SIZE: Final = 640, 360
_STICKER_SIZE: Final = 512, 512


def packed(world: World, text: str, media: Attachment | None) -> Draft:
    """Return a message of a person who types by hand: it has no random_id of its own.

    Raises:
        InputError: Telegram knows no such attachment, or a picture is none.

    """
    if media is None:
        return Draft(text, 0)
    if media.kind == "location":
        return Draft(text, 0, card=location_card(media.latitude, media.longitude))
    if media.kind == "contact":
        user = world.find_phone(media.phone)
        first, _, last = media.contact_name.partition(" ")
        return Draft(text, 0, card=contact_card(media.phone, first, last, user.id if user else 0))
    kind = _KINDS.get(media.kind)
    if kind is None:
        raise InputError(f"Telegram knows no attachment of the kind {media.kind}.", hint="Write it as text.")
    if not media.content:
        raise InputError(f"The {media.kind} is empty.", hint="Give its bytes as `content`.")
    size = picture_size(media.content) or (0, 0)
    if kind == "picture" and not all(size):
        raise InputError(f"{media.name} is no picture.", hint="PNG, JPEG, GIF or WebP.")
    file = world.add_file(
        media.content,
        kind=kind,
        name=media.name,
        mime=media.mime,
        width=size[0],
        height=size[1],
        attributes=b"" if kind == "picture" else write_vector(_attributes(media)),
    )
    return Draft(text, 0, media=file.id)


def _attributes(media: Attachment) -> list[Any]:
    match media.kind:
        case "voice":
            return [types.DocumentAttributeAudio(duration=media.seconds, voice=True)]
        case "sticker":
            return [
                types.DocumentAttributeImageSize(*_STICKER_SIZE),
                types.DocumentAttributeSticker(media.emoji, types.InputStickerSetEmpty()),
                types.DocumentAttributeFilename(media.name),
            ]
        case "video":
            video = types.DocumentAttributeVideo(float(media.seconds), *_VIDEO_SIZE, supports_streaming=True)
            return [video, types.DocumentAttributeFilename(media.name)]
    return [types.DocumentAttributeFilename(media.name)]
