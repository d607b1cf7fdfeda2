"""Two messengers as announcements see them: one that uploads and formats, one that fetches and is plain."""

from __future__ import annotations

from dataclasses import replace

from vipcast.messengers.base import Capabilities, Formatting, Rate, Unit

TELEGRAM = Capabilities(
    text_limit=4096,
    unit=Unit.UTF16,
    caption_limit=1024,
    formatting=Formatting.ENTITIES,
    media="upload",
    media_kinds=frozenset({"picture", "video", "file"}),
    media_bytes={"picture": 10_000},
    album_limit=10,
    idempotent=True,
    in_flight=1,
    rate=Rate(1),
    threads=True,
    recalls=frozenset({"delete", "edit"}),
)
VIBER = replace(
    TELEGRAM,
    text_limit=7000,
    unit=Unit.CHARACTERS,
    caption_limit=768,
    formatting=Formatting.PLAIN,
    media="url",
    media_kinds=frozenset({"picture"}),
    album_limit=1,
    picture_suffixes=frozenset({".jpg", ".png"}),
    threads=False,
    quick_replies=True,
    recalls=frozenset(),
)
