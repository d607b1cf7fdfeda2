"""The ways into a megagroup: links, who came by them, who asks to be let in, and following one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from telethon import functions, types

from vipcast.messengers._telegram import peers
from vipcast.messengers._telegram.chat_room import Room, by_id, person_of
from vipcast.messengers._telegram.reading import moment
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import Rejected, SendError
from vipcast.messengers.base_chats import ChatRole, InviteLink, JoinRequest, Person

PAGE = 100
_HASH = re.compile(r"(?:joinchat/|invite=|\+)([\w-]+)(?:/?$|[?#&])|^([\w-]{8,})$", re.ASCII)


async def new_link(room: Room, mark: str, expires_at: datetime) -> str:
    request = functions.messages.ExportChatInviteRequest(
        room.channel, request_needed=True, expire_date=expires_at, title=mark
    )
    return str((await room.ask(request)).link)


async def links(room: Room) -> list[InviteLink]:
    """Return what still works; Telegram lists a link whose time is over until it is revoked."""
    return [
        InviteLink(
            one.link,
            mark=one.title or "",
            is_default=bool(one.permanent),
            expires_at=moment(one.expire_date) if one.expire_date else None,
            needs_approval=bool(one.request_needed),
        )
        for one in await _exported(room)
        if _works(one)
    ]


async def revoke(room: Room, link: str) -> None:
    request = functions.messages.EditExportedChatInviteRequest(room.channel, link, revoked=True)
    await room.ask(request, "INVITE_HASH_EXPIRED", "INVITE_REVOKED_MISSING")


async def came_by(room: Room, link: str) -> list[Person]:
    return [person for person, _ in await _importers(room, link=link)]


async def requests(room: Room) -> list[JoinRequest]:
    """Return who waits, each with the link they came by.

    Telegram names no link in the list of all who wait. So those of each link are asked for, also of ones
    revoked since; a link of another admin's stays unknown: empty.
    """
    waiting = {person.id: (person, at) for person, at in await _importers(room, is_waiting=True)}
    came: dict[str, str] = {}
    for is_revoked in (False, True):
        if waiting.keys() <= came.keys():
            break
        for one in await _exported(room, is_revoked=is_revoked):
            if one.requested:
                theirs = await _importers(room, link=one.link, is_waiting=True)
                came |= {person.id: one.link for person, _ in theirs}
    return [JoinRequest(person, came.get(key, ""), at) for key, (person, at) in waiting.items()]


async def admit(room: Room, person: Person, *, is_yes: bool) -> None:
    who = await room.input_of(person)
    request = functions.messages.HideChatJoinRequestRequest(room.channel, who, approved=is_yes)
    await room.ask(request, "HIDE_REQUESTER_MISSING", "USER_ALREADY_PARTICIPANT")


async def follow(wire: Wire, link: str) -> None:
    found = _HASH.search(link.strip())
    if found is None:
        raise Rejected("this is no invite link of Telegram", remote_code="INVITE_HASH_INVALID")
    try:
        result = await wire.call(functions.messages.ImportChatInviteRequest(found[1] or found[2]))
    except SendError as error:
        if error.remote_code in ("USER_ALREADY_PARTICIPANT", "INVITE_REQUEST_SENT"):
            return
        raise
    if isinstance(result, types.messages.ChatInviteJoinResultWebView):
        words = "a bot guards this group and has questions for a person: follow the link by hand"
        raise Rejected(words, remote_code="GUARDED_BY_BOT")


async def _exported(room: Room, *, is_revoked: bool = False) -> list[Any]:
    """Return the links of this account, the latest first."""
    found: dict[str, Any] = {}
    last: Any = None
    while True:
        page = await room.ask(
            functions.messages.GetExportedChatInvitesRequest(
                room.channel,
                types.InputUserSelf(),
                PAGE,
                revoked=is_revoked or None,
                offset_date=last.date if last else None,
                offset_link=last.link if last else None,
            )
        )
        new = {one.link: one for one in page.invites if isinstance(one, types.ChatInviteExported)}
        is_end = len(page.invites) < PAGE or new.keys() <= found.keys()
        found |= new
        if is_end:
            return list(found.values())
        last = list(new.values())[-1]


async def _importers(
    room: Room, *, link: str = "", is_waiting: bool = False
) -> list[tuple[Person, datetime | None]]:
    """Return who came by a link, or waits; by any link where none is named."""
    found: dict[str, tuple[Person, datetime | None]] = {}
    offset_date, offset_user = None, types.InputUserEmpty()
    while True:
        page = await room.ask(
            functions.messages.GetChatInviteImportersRequest(
                room.channel, offset_date, offset_user, PAGE, requested=is_waiting or None, link=link or None
            )
        )
        users = by_id(page.users)
        before = len(found)
        for one in page.importers:
            at = moment(one.date) if one.date else None
            joined_at = None if is_waiting else at
            person = person_of(one.user_id, users, role=ChatRole.MEMBER, joined_at=joined_at)
            found[person.id] = (person, at)
        if len(page.importers) < PAGE or len(found) == before:
            return list(found.values())
        last = page.importers[-1]
        peer = peers.text_of(users.get(last.user_id))
        if not peer:
            return list(found.values())
        offset_date, offset_user = last.date, peers.from_text(peer)


def _works(link: Any) -> bool:
    is_over = link.expire_date is not None and moment(link.expire_date) <= datetime.now(UTC)
    is_full = bool(link.usage_limit) and (link.usage or 0) >= link.usage_limit
    return not (link.revoked or is_over or is_full)
