"""Who is in a megagroup, who went, and putting people in and out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from types import MappingProxyType
from typing import Any

from telethon import functions, types

from vipcast.messengers._telegram import peers
from vipcast.messengers._telegram.chat_room import UNCHANGED, Room, by_id, person_of
from vipcast.messengers._telegram.reading import moment
from vipcast.messengers.base import AddressInvalid, SendError
from vipcast.messengers.base_chats import Added, ChatGone, ChatRole, Person

PAGE = 200  # Telegram's own limit of a page of participants
LOG_PAGE = 100

# What Telegram answers to an invitation, and what is left to do. Privacy settings, too many groups, and
# whoever left or was removed before: all of them may still come by a link.
_ADDING = MappingProxyType(
    {
        "USER_ALREADY_PARTICIPANT": Added.JOINED,
        **dict.fromkeys(
            (
                "USER_PRIVACY_RESTRICTED", "USER_NOT_MUTUAL_CONTACT", "USER_CHANNELS_TOO_MUCH",
                "USER_KICKED", "CHAT_MEMBER_ADD_FAILED",
            ),
            Added.NEEDS_LINK,
        ),
        # They blocked this account, which can then not send them a link either.
        **dict.fromkeys(("USER_BLOCKED", "USER_IS_BLOCKED"), Added.OUT_OF_REACH),
    }
)  # fmt: skip
_STALE = frozenset({"PEER_ID_INVALID", "USER_ID_INVALID"})
_NOT_THERE = ("USER_NOT_PARTICIPANT", "PARTICIPANT_ID_INVALID")
_ADMIN = types.ChatAdminRights(
    delete_messages=True, ban_users=True, invite_users=True, pin_messages=True, other=True
)


async def people(room: Room) -> list[Person]:
    """Return everybody; who comes in while the pages are asked for may be missing, nobody is twice."""
    found: dict[str, Person] = {}
    async for page in _pages(room, types.ChannelParticipantsRecent()):
        users = by_id(page.users)
        for one in page.participants:
            if not _is_gone(one):
                person = person_of(_id_of(one), users, role=_role(one), joined_at=getattr(one, "date", None))
                found[person.id] = person
    return list(found.values())


async def gone(room: Room, since: datetime) -> dict[str, tuple[ChatGone, datetime]]:
    """Return who left or was removed: by the log of 48 hours, and by the list of those still banned."""
    found: dict[str, tuple[ChatGone, datetime]] = {}
    async for event in _log(room, since):
        told = _departure(event)
        if told is not None:  # the newest comes first
            found.setdefault(told[0], (told[1], moment(event.date)))
    async for page in _pages(room, types.ChannelParticipantsKicked("")):
        for one in page.participants:
            if isinstance(one, types.ChannelParticipantBanned) and isinstance(one.peer, types.PeerUser):
                found[str(_id_of(one))] = (ChatGone.REMOVED, moment(one.date) if one.date else since)
    return found


async def add(room: Room, address: str, peer: str) -> Added:
    try:
        result = await _invite(room, address, peer)
    except SendError as error:
        if error.remote_code not in _ADDING:
            raise
        return _ADDING[error.remote_code]
    if not result.missing_invitees:
        return Added.JOINED
    is_shut = result.missing_invitees[0].premium_required_for_pm
    return Added.OUT_OF_REACH if is_shut else Added.NEEDS_LINK


async def remove(room: Room, person: Person) -> None:
    """Ban somebody and lift the ban, or lift one that was left standing.

    It is looked first how they stand: a ban of somebody who left would be told as a removal.
    """
    who = await room.input_of(person)
    found = await room.ask(functions.channels.GetParticipantRequest(room.channel, who), *_NOT_THERE)
    if found is None or isinstance(found.participant, types.ChannelParticipantLeft):
        return
    if not _is_banned(found.participant):
        shut = types.ChatBannedRights(until_date=None, view_messages=True)
        await room.ask(functions.channels.EditBannedRequest(room.channel, who, shut), *_NOT_THERE)
    free = types.ChatBannedRights(until_date=None)
    lift = functions.channels.EditBannedRequest(room.channel, who, free)
    await room.ask(lift, *_NOT_THERE, *UNCHANGED)


async def promote(room: Room, person: Person) -> None:
    """Give an admin's rights; the owner has more anyway."""
    who = await room.input_of(person)
    request = functions.channels.EditAdminRequest(room.channel, who, _ADMIN)
    await room.ask(request, *UNCHANGED, "USER_CREATOR")


async def _invite(room: Room, address: str, peer: str) -> Any:
    known = peers.from_text(peer) if peer else await room.resolver.resolve(address)
    try:
        return await room.ask(functions.channels.InviteToChannelRequest(room.channel, [known]))
    except AddressInvalid as error:
        if not peer or error.remote_code not in _STALE:
            raise
    known = await room.resolver.resolve(address)  # what was resolved by another login is worth nothing
    return await room.ask(functions.channels.InviteToChannelRequest(room.channel, [known]))


async def _pages(room: Room, wanted: Any) -> AsyncIterator[Any]:
    offset = 0
    while True:
        page = await room.ask(
            functions.channels.GetParticipantsRequest(room.channel, wanted, offset, PAGE, hash=0)
        )
        yield page
        offset += len(page.participants)
        if not page.participants or offset >= page.count:
            return


async def _log(room: Room, since: datetime) -> AsyncIterator[Any]:
    """Yield lines of the admin log since a moment, newest first; Telegram's dates are whole seconds."""
    wanted = types.ChannelAdminLogEventsFilter(leave=True, ban=True, kick=True)
    since, last = since.replace(microsecond=0), 0
    while True:
        page = await room.ask(
            functions.channels.GetAdminLogRequest(
                room.channel, "", max_id=last, min_id=0, limit=LOG_PAGE, events_filter=wanted
            )
        )
        for event in page.events:
            if moment(event.date) < since:
                return
            yield event
        if len(page.events) < LOG_PAGE:
            return
        last = page.events[-1].id


def _departure(event: Any) -> tuple[str, ChatGone] | None:
    """Return who went and how, by a line of the admin log; None for a restriction, or a ban lifted."""
    match event.action:
        case types.ChannelAdminLogEventActionParticipantLeave():
            return str(event.user_id), ChatGone.LEFT
        case types.ChannelAdminLogEventActionParticipantToggleBan(prev_participant=old, new_participant=new):
            was_out = _is_banned(old) or isinstance(old, types.ChannelParticipantLeft)
            is_thrown_out = isinstance(new, types.ChannelParticipantLeft) and not was_out
            if _is_banned(new) or is_thrown_out:
                return str(_id_of(new)), ChatGone.REMOVED
    return None


def _id_of(participant: Any) -> int:
    peer = getattr(participant, "peer", None)
    return int(participant.user_id if peer is None else getattr(peer, "user_id", 0))


def _role(participant: Any) -> ChatRole:
    if isinstance(participant, types.ChannelParticipantCreator):
        return ChatRole.OWNER
    return ChatRole.ADMIN if isinstance(participant, types.ChannelParticipantAdmin) else ChatRole.MEMBER


def _is_banned(participant: Any) -> bool:
    """Return whether somebody is shut out; who is only restricted is in."""
    if not isinstance(participant, types.ChannelParticipantBanned):
        return False
    return bool(participant.banned_rights.view_messages)


def _is_gone(participant: Any) -> bool:
    has_left = isinstance(participant, types.ChannelParticipantBanned) and participant.left
    return bool(has_left) or isinstance(participant, types.ChannelParticipantLeft) or not _id_of(participant)
