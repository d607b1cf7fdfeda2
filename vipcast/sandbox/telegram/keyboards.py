"""Buttons under a bot's message."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rpc import RpcError

_BUTTONS: Final = 300  # in one keyboard
_IN_A_ROW: Final = 12


def checked_markup(sender: SandboxUser, markup: Any) -> bytes:
    """Return the buttons as they are kept; only bots may have any, those of others are dropped.

    Raises:
        RpcError: a keyboard without buttons or with too many, or a button without a text.

    """
    if markup is None or not sender.is_bot:
        return b""
    if isinstance(markup, types.ReplyKeyboardMarkup | types.ReplyInlineMarkup):
        rows = [row.buttons for row in markup.rows]
        if not any(rows):
            raise RpcError(400, "REPLY_MARKUP_INVALID")
        if sum(map(len, rows)) > _BUTTONS or max(map(len, rows)) > _IN_A_ROW:
            raise RpcError(400, "REPLY_MARKUP_TOO_LONG")
        if not all(button.text.strip() for row in rows for button in row):
            raise RpcError(400, "BUTTON_TEXT_INVALID")
    return bytes(markup)
