"""What comes beside a text: kept in a folder of its own, 0600, and passed on once it is here.

A row is written with the message. `listen` fetches the content afterwards, from the account that heard it,
also what an earlier `listen` left; so no message waits for a picture, and no picture is lost.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from vipcast.conversations.setting import Setting
from vipcast.errors import InputError
from vipcast.messengers.base import Attachment, Media, MediaKind
from vipcast.storage.tables import attachments, inbound

MOST_BYTES = 50 * 1024 * 1024  # what is larger stays in the messenger's own app
_MEDIA: dict[str, MediaKind] = {"picture": "picture", "video": "video", "voice": "voice"}
_SUFFIXES = {"picture": ".jpg", "video": ".mp4", "voice": ".ogg", "sticker": ".webp"}
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """One attachment's row, with the account that heard it."""

    id: int
    inbound_id: int
    account: str
    kind: str
    name: str
    size: int
    words: str
    ref: str
    file: str
    state: str
    reason: str


def write(connection: Connection, inbound_id: int, found: Sequence[Attachment]) -> None:
    """Write down what came with a message; its content is `wanted` where there is one."""
    for one in found:
        is_too_large = one.size > MOST_BYTES
        state = "words" if not one.ref else "failed" if is_too_large else "wanted"
        connection.execute(
            insert(attachments).values(
                inbound_id=inbound_id,
                kind=one.kind,
                name=one.name,
                size=one.size,
                words=one.words,
                ref=one.ref,
                file=_file_name(one) if state == "wanted" else "",
                state=state,
                reason=f"larger than {MOST_BYTES // 1024 // 1024} MB" if state == "failed" else "",
            )
        )


def of(connection: Connection, inbound_id: int) -> list[Kept]:
    query = _query().where(attachments.c.inbound_id == inbound_id).order_by(attachments.c.id)
    return [_made(row) for row in connection.execute(query)]


def wanted(connection: Connection, account: str) -> list[Kept]:
    """Return what an account is to fetch, in the order in which it came."""
    query = _query().where(attachments.c.state == "wanted", inbound.c.account == account)
    return [_made(row) for row in connection.execute(query.order_by(attachments.c.id))]


def settle(connection: Connection, one: Kept, *, size: int = 0, reason: str = "") -> Kept:
    """Note that the content is here or, with a reason, that it cannot be had."""
    values = {"state": "failed" if reason else "kept", "reason": reason, "size": size or one.size}
    mine = attachments.c.id == one.id
    connection.execute(update(attachments).where(mine).values(**values))
    return _made(connection.execute(_query().where(mine)).one())


def media_for(one: Kept, setting: Setting, account: str) -> Media:
    """Return what is kept as something that an account can send: as a plain file where it must be.

    Raises:
        InputError: the account's messenger cannot get it.

    """
    able = setting.capabilities[account]
    path = setting.kept / one.file
    kind = _MEDIA.get(one.kind, "file")
    is_odd = kind == "picture" and path.suffix not in able.picture_suffixes
    if kind not in able.media_kinds or is_odd or one.size > able.media_bytes.get(kind, 0):
        kind = "file"
    if one.size > able.media_bytes.get(kind, 0):
        raise InputError("The messenger takes nothing that large.")
    name = one.name or one.file
    if able.media == "upload":
        return Media(kind, name, one.size, path=str(path))
    base = setting.media_urls.get(account, "")
    if not base:
        raise InputError("The messenger fetches media from a public address, and none is set.")
    return Media(kind, name, one.size, url=f"{base}/{one.file}")


def tidy(connection: Connection, folder: Path) -> int:
    """Delete the files that no row names any more, as after `member forget`; return how many."""
    if not folder.is_dir():
        return 0
    named = {Path(name).stem for name in connection.execute(select(attachments.c.file)).scalars() if name}
    left = [path for path in folder.iterdir() if path.stem not in named]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def in_words(found: Sequence[Attachment | Kept]) -> str:
    """Return what attachments say in words, a line each, for those that have no content to pass on."""
    return "\n".join(one.words for one in found if one.words)


def _file_name(one: Attachment) -> str:
    """Return a fresh name that tells nothing, with the ending by which programs know the kind."""
    given = Path(one.name).suffix.lower() if one.name else ""
    suffix = given if _SUFFIX.fullmatch(given) else _SUFFIXES.get(one.kind, ".bin")
    return secrets.token_hex(16) + suffix


def _query() -> Select[Any]:
    return select(attachments, inbound.c.account).join(inbound, inbound.c.id == attachments.c.inbound_id)


def _made(row: Any) -> Kept:
    return Kept(**{name: row._mapping[name] for name in Kept.__dataclass_fields__})  # noqa: SLF001
