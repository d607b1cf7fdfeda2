"""What a messenger carries: a message is refused as a whole, and never cut to fit."""

from __future__ import annotations

from pathlib import PurePath

from vipcast.announcements.templates import TemplateFault, TemplateText
from vipcast.messengers.base import Capabilities, Media, Message, Unit

_MEDIA_URL_HINT = (
    "Set [shop] media_url in vipcast.toml to the public address of the templates folder, "
    "or write the picture's https:// address in media."
)
_UNIT_WORDS = {
    Unit.UTF16: "characters (an emoji counts 2)",
    Unit.CHARACTERS: "characters",
    Unit.BYTES: "bytes",
}


def check_media(
    text: TemplateText, media: tuple[Media, ...], capabilities: Capabilities, messenger: str
) -> None:
    """Refuse pictures, videos and files that a messenger does not carry, or not so many or so large.

    `media` are those of `text.media`, in its order; `messenger` is the name that the shop knows.

    Raises:
        TemplateFault: as said; `where` is the line that names the file.

    """
    name = messenger or "this messenger"
    if len(media) > capabilities.album_limit:
        raise TemplateFault(
            f"{text.label}: {len(media)} pictures or files, but {name} carries {capabilities.album_limit}.",
            kind="too-many-media",
            hint=f"Keep {capabilities.album_limit}.",
            where=text.where(text.media[0].line),
        )
    for one, ref in zip(media, text.media, strict=True):
        if objection := _media_objection(one, capabilities):
            said, hint, kind = objection
            message = f"{text.label}: {one.name}: {name} {said}."
            raise TemplateFault(message, kind=kind, hint=hint, where=text.where(ref.line))


def check_text(text: TemplateText, message: Message, capabilities: Capabilities, messenger: str) -> None:
    """Refuse a message without anything in it, with too long a text, or with one where none can stand.

    Raises:
        TemplateFault: as said; `where` is the line of the body, or of the file that carries no text.

    """
    if not message.text and not message.media:
        raise TemplateFault(
            f"{text.label}: The message is empty.", kind="empty", hint="Write a text.", where=text.where()
        )
    name = messenger or "this messenger"
    if message.text:
        _check_captions(text, message, capabilities, name)
    limit = capabilities.caption_limit if message.media else capabilities.text_limit
    length = capabilities.unit.length(message.text)
    if length > limit:
        place = "a text with a picture or file" if message.media else "a text"
        over = f"{length - limit} too long for {place} on {name} ({limit})"
        raise TemplateFault(
            f"{text.label}: {length} {_UNIT_WORDS[capabilities.unit]}, {over}.",
            kind="too-long",
            hint=f"Shorten it by {length - limit}" + (", or leave the media out." if message.media else "."),
            where=text.where(),
        )


def _check_captions(text: TemplateText, message: Message, capabilities: Capabilities, name: str) -> None:
    for one, ref in zip(message.media, text.media, strict=True):
        if one.kind not in capabilities.caption_kinds:
            others = " or ".join(sorted(capabilities.caption_kinds & capabilities.media_kinds))
            remedy = f", or the {one.kind} as a {others}" if others else ""
            raise TemplateFault(
                f"{text.label}: {one.name}: {name} carries no text beside a {one.kind}.",
                kind="text-beside-media",
                hint=f"Send the text without the {one.kind}{remedy}.",
                where=text.where(ref.line),
            )


def _media_objection(one: Media, capabilities: Capabilities) -> tuple[str, str, str] | None:
    """Return (what is wrong, what to do, its kind) where the messenger does not carry `one`."""
    limit = capabilities.media_bytes.get(one.kind, one.size)
    suffix = PurePath(one.name).suffix.casefold()
    if one.kind not in capabilities.media_kinds:
        kinds = ", ".join(sorted(capabilities.media_kinds)) or "nothing"
        return f"carries no {one.kind}", f"It carries: {kinds}.", "media-kind"
    if one.kind == "picture" and suffix and suffix not in capabilities.picture_suffixes:
        known = ", ".join(sorted(capabilities.picture_suffixes))
        return f"shows no {suffix} as a picture", f"Save it as one of: {known}.", "media-kind"
    if one.size > limit:
        over = f"{one.size - limit:,} bytes over its limit of {limit:,}"
        return f"takes no {one.kind} this large ({over})", "Save it smaller.", "media-too-large"
    if capabilities.media == "url" and not one.url:
        return (
            "fetches pictures from the web, and this one has no address",
            _MEDIA_URL_HINT,
            "media-without-url",
        )
    return None
