"""What a Viber callback says, as an event. Everything in it is of unsure type: nothing here may raise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vipcast.messengers._contents import place
from vipcast.messengers.base import Attachment, AttachmentKind, Event, EventKind

_EVENTS = {
    "delivered": EventKind.DELIVERED,
    "seen": EventKind.SEEN,
    "failed": EventKind.FAILED,
    "message": EventKind.MESSAGE,
    "subscribed": EventKind.SUBSCRIBED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "conversation_started": EventKind.STARTED,
}
_FILES: Mapping[str, AttachmentKind] = {"picture": "picture", "video": "video", "file": "file"}
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?", re.DOTALL)
_MOST_BYTES = 2**53  # a size beyond it is nonsense


def event_of(data: Mapping[str, Any]) -> Event:
    """Return the event in a callback's object; an unknown one as OTHER."""
    kind = _EVENTS.get(_word(data.get("event")), EventKind.OTHER)
    person = _table(data.get("sender")) or _table(data.get("user"))
    message = _table(data.get("message"))
    language = _LANGUAGE.fullmatch(_word(person.get("language")))
    return Event(
        kind,
        _word(data.get("user_id")) or _word(person.get("id")),
        _word(data.get("message_token")),
        _moment(data.get("timestamp")),
        text=_word(message.get("text") if message else data.get("desc")),
        context=_word(data.get("context")),
        name=_word(person.get("name")),
        language=language[1].lower() if language else "",
        attachments=_attachments(message) if kind is EventKind.MESSAGE else (),
        raw=dict(data),
    )


def _attachments(message: Mapping[str, Any]) -> tuple[Attachment, ...]:
    kind = _word(message.get("type"))
    media = _word(message.get("media"))
    if kind in ("", "text"):
        return ()
    match kind:
        case "picture" | "video" | "file":
            name, size = _word(message.get("file_name")), _size(message.get("size"))
            one = Attachment(_FILES[kind], name=name, size=size, ref=media)
        case "sticker":
            one = Attachment("sticker", words=_word(message.get("sticker_id")), ref=media)
        case "location":
            where = _table(message.get("location"))
            words = place(where.get("lat"), where.get("lon"), _word(where.get("address")))
            one = Attachment("location", words=words)
        case "contact":
            contact = _table(message.get("contact"))
            words = " ".join(filter(None, (_word(contact.get("name")), _word(contact.get("phone_number")))))
            one = Attachment("contact", words=words)
        case _:
            one = Attachment("other", words=media if kind == "url" else kind)
    return (one,)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """Return text that every database takes; numbers as they are written, empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _size(value: object) -> int:
    """Return a number of bytes, 0 where it is none."""
    if (
        isinstance(value, str)
        and value.isdecimal()
        and value.isascii()
        and len(value) < len(str(_MOST_BYTES))
    ):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and isinstance(value, int) and 0 <= value <= _MOST_BYTES else 0


def _moment(milliseconds: Any) -> datetime:
    """Return when something happened; now, where the number is missing or cannot be a time."""
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)
