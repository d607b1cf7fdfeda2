"""The rules for texts: how long, and which formatting."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from vipcast.sandbox.telegram.rpc import Call, RpcError

TEXT_LIMIT: Final = 4096  # in UTF-16 units, as everything is counted in Telegram
CAPTION_LIMIT: Final = 1024
_LOW_SURROGATES: Final = range(0xDC00, 0xE000)


def checked_text(text: str | None, limit: int, error: str) -> str:
    """Return the text, or nothing if it is but white space.

    Raises:
        RpcError: it is longer than `limit` UTF-16 units.

    """
    if not text or not text.strip():
        return ""
    if len(text) * 2 > limit and len(text.encode("utf-16-le")) // 2 > limit:
        raise RpcError(400, error)
    return text


def checked_entities(call: Call, text: str, entities: list[Any]) -> list[Any]:
    """Return the formatting as readers get it.

    Raises:
        RpcError: it begins or ends outside the text, or inside a character.

    """
    units = text.encode("utf-16-le")
    for entity in entities:
        end = entity.offset + entity.length
        if entity.offset < 0 or entity.length < 0 or end * 2 > len(units):
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
        if _splits(units, entity.offset) or _splits(units, end):
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    return [_resolved(call, entity) for entity in entities if entity.length]


def _splits(units: bytes, position: int) -> bool:
    return int.from_bytes(units[position * 2 : position * 2 + 2], "little") in _LOW_SURROGATES


def _resolved(call: Call, entity: Any) -> Any:
    if isinstance(entity, types.InputMessageEntityMentionName):
        user = call.person(entity.user_id)
        return types.MessageEntityMentionName(entity.offset, entity.length, user.id)
    return entity
