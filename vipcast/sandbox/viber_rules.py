"""What Viber's bot API accepts: the limits of its "Message Data Model" and the names of its status codes."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

MAX_REQUEST_BYTES = 30 * 1024
MAX_SENDER_NAME = 28
MAX_TEXT = 7000
MAX_CAPTION = 768
MAX_URL = 2000
MAX_TRACKING_DATA = 4000
MAX_VIDEO_BYTES = 26 << 20
MAX_VIDEO_SECONDS = 180
MAX_FILE_BYTES = 50 << 20
MAX_FILE_NAME = 256
MAX_CONTACT_NAME = 28
MAX_CONTACT_PHONE = 18
MAX_COLUMNS = 6
MAX_CAROUSEL_ROWS = 7
MAX_KEYBOARD_ROWS = 2
BUTTON_ACTIONS = ("reply", "open-url", "location-picker", "share-phone", "none")
MAX_BROADCAST = 300
MAX_ONLINE_IDS = 100
NEWEST_API_VERSION = 10
PICTURE_SUFFIXES = (".jpeg", ".jpg", ".png", ".gif")
REFUSED_FILES = (".exe", ".bat", ".cmd", ".com", ".js", ".jar", ".msi", ".ps1", ".scr", ".sh", ".vbs", ".apk")


class Status(enum.IntEnum):
    """The `status` of an answer; the member names are Viber's own words for `status_message`."""

    ok = 0
    invalidUrl = 1  # noqa: N815
    invalidAuthToken = 2  # noqa: N815
    badData = 3  # noqa: N815
    missingData = 4  # noqa: N815
    receiverNotRegistered = 5  # noqa: N815
    notSubscribed = 6  # noqa: N815
    publicAccountBlocked = 7  # noqa: N815
    publicAccountNotFound = 8  # noqa: N815
    publicAccountSuspended = 9  # noqa: N815
    webhookNotSet = 10  # noqa: N815
    receiverNoSuitableDevice = 11  # noqa: N815
    tooManyRequests = 12  # noqa: N815
    apiVersionNotSupported = 13  # noqa: N815
    incompatibleWithVersion = 14  # noqa: N815
    publicAccountNotAuthorized = 15  # noqa: N815
    noPublicChat = 18  # noqa: N815
    broadcastNotAllowed = 20  # noqa: N815


class Refusal(Exception):
    """The API's answer to a request that it does not carry out."""

    def __init__(self, status: Status, detail: str = "") -> None:
        super().__init__(status, detail)
        self.status = status
        self.words = f"{status.name}: {detail}" if detail else status.name


def _bad(detail: str) -> Refusal:
    return Refusal(Status.badData, detail)


def required(data: Mapping[str, Any], key: str, kind: type | tuple[type, ...] = str) -> Any:
    """Return a field that must be there and not empty.

    Raises:
        Refusal: missingData or badData.

    """
    value = data.get(key)
    if value is None or value in ("", [], {}):
        raise Refusal(Status.missingData, key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _bad(key)
    return value


def check_message(data: Mapping[str, Any]) -> None:
    """Check a message as it stands in a request.

    Raises:
        Refusal: badData, missingData or apiVersionNotSupported, naming the field.

    """
    _check_sender(data)
    tracking = data.get("tracking_data")
    if tracking is not None and (not isinstance(tracking, str) or len(tracking) > MAX_TRACKING_DATA):
        raise _bad("tracking_data")
    version = data.get("min_api_version", 1)
    if not isinstance(version, int) or version < 1:
        raise _bad("min_api_version")
    if version > NEWEST_API_VERSION:
        raise Refusal(Status.apiVersionNotSupported, f"min_api_version {version}")
    if "type" not in data and isinstance(data.get("keyboard"), Mapping):
        return  # a keyboard alone has no type
    kind = required(data, "type")
    if kind not in _CHECKS:
        raise _bad("type")
    _CHECKS[kind](data)


def _check_sender(data: Mapping[str, Any]) -> None:
    sender = required(data, "sender", dict)
    if len(required(sender, "name")) > MAX_SENDER_NAME:
        raise _bad(f"sender.name over {MAX_SENDER_NAME}")
    avatar = sender.get("avatar")
    if avatar:
        _check_url(avatar, "sender.avatar")


def _check_url(value: Any, name: str, suffixes: tuple[str, ...] = ()) -> None:
    if not isinstance(value, str) or len(value) > MAX_URL:
        raise _bad(name)
    try:
        parts = urlsplit(value)
    except ValueError:
        raise _bad(name) from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise _bad(name)
    if suffixes and not parts.path.lower().endswith(suffixes):
        raise _bad(f"{name} must end with {' or '.join(suffixes)}")


def _check_caption(data: Mapping[str, Any]) -> None:
    text = data.get("text", "")
    if text is not None and (not isinstance(text, str) or len(text) > MAX_CAPTION):
        raise _bad(f"text over {MAX_CAPTION}")


def _check_size(data: Mapping[str, Any], most: int) -> None:
    size = required(data, "size", int)
    if not 0 < size <= most:
        raise _bad(f"size over {most}")


def _text(data: Mapping[str, Any]) -> None:
    if len(required(data, "text")) > MAX_TEXT:
        raise _bad(f"text over {MAX_TEXT}")


def _picture(data: Mapping[str, Any]) -> None:
    _check_url(required(data, "media"), "media", PICTURE_SUFFIXES)
    _check_caption(data)
    if data.get("thumbnail"):
        _check_url(data["thumbnail"], "thumbnail")


def _video(data: Mapping[str, Any]) -> None:
    _check_url(required(data, "media"), "media", (".mp4",))
    _check_size(data, MAX_VIDEO_BYTES)
    _check_caption(data)
    duration = data.get("duration")
    if duration is not None and not (isinstance(duration, int) and 0 < duration <= MAX_VIDEO_SECONDS):
        raise _bad(f"duration over {MAX_VIDEO_SECONDS}")


def _file(data: Mapping[str, Any]) -> None:
    _check_url(required(data, "media"), "media")
    _check_size(data, MAX_FILE_BYTES)
    name = required(data, "file_name")
    _stem, dot, suffix = name.rpartition(".")
    if len(name) > MAX_FILE_NAME or not (dot and suffix):
        raise _bad("file_name needs an extension and at most 256 characters")
    if name.lower().endswith(REFUSED_FILES):
        raise _bad("file_name: this kind of file is not allowed")


def _contact(data: Mapping[str, Any]) -> None:
    contact = required(data, "contact", dict)
    if len(required(contact, "name")) > MAX_CONTACT_NAME:
        raise _bad("contact.name")
    phone = required(contact, "phone_number")
    if len(phone) > MAX_CONTACT_PHONE or not re.fullmatch(r"\+?[0-9]+", phone):
        raise _bad("contact.phone_number")


def _location(data: Mapping[str, Any]) -> None:
    location = required(data, "location", dict)
    for key, most in (("lat", 90), ("lon", 180)):
        value = location.get(key)
        try:
            degrees = float("nan" if value is None else value)
        except (TypeError, ValueError):
            raise _bad(f"location.{key}") from None
        if not -most <= degrees <= most:
            raise _bad(f"location.{key}")


def _url(data: Mapping[str, Any]) -> None:
    _check_url(required(data, "media"), "media")


def _sticker(data: Mapping[str, Any]) -> None:
    required(data, "sticker_id", int)


def _rich_media(data: Mapping[str, Any]) -> None:
    carousel = required(data, "rich_media", dict)
    columns = carousel.get("ButtonsGroupColumns", MAX_COLUMNS)
    rows = carousel.get("ButtonsGroupRows", MAX_CAROUSEL_ROWS)
    if columns not in range(1, MAX_COLUMNS + 1) or rows not in range(1, MAX_CAROUSEL_ROWS + 1):
        raise _bad("rich_media.ButtonsGroupColumns or ButtonsGroupRows")
    if len(required(carousel, "Buttons", list)) > MAX_COLUMNS * columns * rows:
        raise _bad("rich_media.Buttons")
    alt_text = data.get("alt_text") or ""
    if not isinstance(alt_text, str) or len(alt_text) > MAX_TEXT:
        raise _bad("alt_text")


_CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "text": _text,
    "picture": _picture,
    "video": _video,
    "file": _file,
    "contact": _contact,
    "location": _location,
    "url": _url,
    "sticker": _sticker,
    "rich_media": _rich_media,
}


def keyboard_fault(data: Mapping[str, Any]) -> str:
    """Return why the customer's app cannot show the keyboard, or nothing.

    The server does not look at it: the message is accepted, and a `failed` callback follows.
    """
    keyboard = data.get("keyboard")
    if keyboard is None:
        return ""
    buttons = keyboard.get("Buttons") if isinstance(keyboard, Mapping) else None
    if not isinstance(buttons, list) or not buttons:
        return "keyboard is not valid. [Buttons]"
    return next((fault for button in buttons if (fault := _button_fault(button))), "")


def _button_fault(button: Any) -> str:
    if not isinstance(button, Mapping) or not button.get("ActionBody"):
        return "keyboard is not valid. [ActionBody]"
    if button.get("ActionType", "reply") not in BUTTON_ACTIONS:
        return "keyboard is not valid. [ActionType]"
    if button.get("Columns", MAX_COLUMNS) not in range(1, MAX_COLUMNS + 1):
        return "keyboard is not valid. [Columns]"
    if button.get("Rows", 1) not in range(1, MAX_KEYBOARD_ROWS + 1):
        return "keyboard is not valid. [Rows]"
    return ""
