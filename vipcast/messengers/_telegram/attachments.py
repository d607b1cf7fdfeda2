"""What comes beside a text on Telegram: said in words where it can be, else with a note where it lies.

The note, `Attachment.ref`, is enough to fetch the content after a restart: it names the file, and the
message in which a fresh reference to it is found when the one in the note has expired.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from telethon.tl import types

from vipcast.messengers._contents import place
from vipcast.messengers.base import Attachment, AttachmentKind, Rejected

_KINDS: tuple[tuple[Any, str], ...] = (
    (types.MessageMediaPhoto, "picture"),
    (types.MessageMediaContact, "contact"),
    (types.MessageMediaGeo, "location"),
    (types.MessageMediaGeoLive, "location"),
    (types.MessageMediaVenue, "location"),
    (types.MessageMediaPoll, "poll"),
    (types.MessageMediaWebPage, ""),
)
_PLAIN: dict[str, AttachmentKind] = {
    "picture": "picture", "video": "video", "voice": "voice", "file": "file",
    "sticker": "sticker", "location": "location", "contact": "contact",
}  # fmt: skip


class Ref(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a file lies. `size` is bytes, 0 where unknown; `chat` is the megagroup's peer, else empty."""

    kind: Literal["photo", "document"]
    id: int
    access_hash: int
    reference: bytes
    dc: int
    message: int
    size: int = 0
    thumb: str = ""  # of a photo: which of its sizes
    chat: str = ""

    def as_text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str) -> Ref:
        """Read a note.

        Raises:
            Rejected: it is none.

        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Rejected("this is no note of a file on Telegram", remote_code="no-content") from error


def kind_of(media: Any) -> str:
    """Return what a message carries, in one word; empty for nothing or the preview of a link."""
    if media is None:
        return ""
    if isinstance(media, types.MessageMediaDocument):
        return _kind_of_document(media)
    return next((name for kind, name in _KINDS if isinstance(media, kind)), "other")


def _kind_of_document(media: Any) -> str:
    attributes = getattr(media.document, "attributes", None) or ()
    if media.voice or any(isinstance(one, types.DocumentAttributeAudio) and one.voice for one in attributes):
        return "voice"
    if any(isinstance(one, types.DocumentAttributeSticker) for one in attributes):
        return "sticker"
    is_video = any(isinstance(one, types.DocumentAttributeVideo) for one in attributes)
    return "video" if media.video or media.round or is_video else "file"


def attachments_of(message: Any, chat: str) -> tuple[Attachment, ...]:
    """Return what a message carries; `chat` is the peer of the megagroup it stands in, else empty."""
    media = message.media
    kind = kind_of(media)
    if not kind or isinstance(media, types.MessageMediaEmpty):
        return ()
    match media:
        case types.MessageMediaPhoto():
            found = _largest(media.photo)
            ref = _ref("photo", media.photo, message.id, chat, *found) if found else ""
            return (Attachment("picture", size=found[0] if found else 0, ref=ref),)
        case types.MessageMediaDocument():
            return (_document(kind, media.document, message.id, chat),)
    return (Attachment(_PLAIN.get(kind, "other"), words=_words(media)),)


def content_of(media: Any) -> Any:
    """Return the photo or document that a message carries, None if neither."""
    return getattr(media, "photo", None) or getattr(media, "document", None)


def _document(kind: str, document: Any, message_id: int, chat: str) -> Attachment:
    if not isinstance(document, types.Document):  # it had a time to live, which is over
        return Attachment(_PLAIN[kind])
    named: dict[type, Any] = {type(one): one for one in document.attributes}
    file_name = named.get(types.DocumentAttributeFilename)
    sticker = named.get(types.DocumentAttributeSticker)
    return Attachment(
        _PLAIN[kind],
        name=file_name.file_name if file_name else "",
        size=document.size,
        words=sticker.alt if sticker else "",
        ref=_ref("document", document, message_id, chat, document.size),
    )


def _ref(
    kind: Literal["photo", "document"], file: Any, message_id: int, chat: str, size: int, thumb: str = ""
) -> str:
    return Ref(
        kind=kind,
        id=file.id,
        access_hash=file.access_hash,
        reference=file.file_reference,
        dc=file.dc_id,
        message=message_id,
        size=size,
        thumb=thumb,
        chat=chat,
    ).as_text()


def _largest(photo: Any) -> tuple[int, str] | None:
    """Return the size in bytes and the letter of a photo's largest picture."""
    found = []
    for one in getattr(photo, "sizes", None) or ():
        if isinstance(one, types.PhotoSize):
            found.append((one.size, one.type))
        elif isinstance(one, types.PhotoSizeProgressive):
            found.append((max(one.sizes, default=0), one.type))
    return max(found, default=None)


def _words(media: Any) -> str:
    words = ""
    match media:
        case types.MessageMediaVenue():
            words = _place(media.geo, media.title, media.address)
        case types.MessageMediaGeo() | types.MessageMediaGeoLive():
            words = _place(media.geo)
        case types.MessageMediaContact():
            phone = media.phone_number.strip()
            phone = f"+{phone}" if phone.isdecimal() and not phone.startswith("0") else phone
            words = " ".join(filter(None, (media.first_name, media.last_name, phone)))
        case types.MessageMediaPoll():
            answers = [_text(getattr(one, "text", "")) for one in media.poll.answers]
            words = "\n".join([_text(media.poll.question), *(f"- {one}" for one in answers if one)])
        case types.MessageMediaDice():
            words = f"{media.emoticon} {media.value}"
        case _:  # such as "story" or "giveaway results"
            name = type(media).__name__.removeprefix("MessageMedia")
            words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
    return words


def _place(geo: Any, *titles: str) -> str:
    return place(getattr(geo, "lat", None), getattr(geo, "long", None), *titles)


def _text(words: Any) -> str:
    """Return plain text: newer layers give questions with formatting."""
    return str(getattr(words, "text", words) or "")
