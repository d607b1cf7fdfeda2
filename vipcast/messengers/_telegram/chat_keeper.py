"""Megagroups of a person's account: made, set up, looked through, put away.

Megagroups only: a basic group has no admin log and no hidden history, and gets another number when it grows.
The requests about people are in `chat_people`, those about links in `chat_links`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from telethon import functions, types, utils

from vipcast.messengers._telegram import chat_links, chat_people, peers
from vipcast.messengers._telegram.actions import Actions
from vipcast.messengers._telegram.chat_room import UNCHANGED, Room, number_of
from vipcast.messengers._telegram.media import SLOWEST_BYTES_PER_SECOND, UPLOAD_SECONDS
from vipcast.messengers._telegram.reading import moment, names_of
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AddressInvalid, Rejected
from vipcast.messengers.base_chats import (
    ABOUT_LIMIT,
    TITLE_LIMIT,
    Added,
    Chat,
    ChatGone,
    ChatKeeper,
    ChatLook,
    InviteLink,
    JoinRequest,
    Person,
)

NEWEST = 30  # of the account's own groups, so many are looked at for a mark: each costs a request
ARCHIVE = 1  # Telegram's number of the folder
SEES_MEMBERS = (
    "Telegram hides the members of large groups only (100 people or more): here they see each other."
)

# All that `send_messages` stands for in clients that know the finer rights; the server keeps both.
_WRITING = (
    "send_messages", "send_media", "send_stickers", "send_gifs", "send_games", "send_inline", "embed_links",
    "send_polls", "send_photos", "send_videos", "send_roundvideos", "send_audios", "send_voices",
    "send_docs", "send_plain",
)  # fmt: skip
_CHANGING = ("change_info", "invite_users", "pin_messages", "manage_topics", "edit_rank")


class TelegramChatKeeper(ChatKeeper):
    """Keeps chats over the connection that `acting` returns at each deed."""

    def __init__(self, acting: Callable[[], Actions]) -> None:
        self._acting = acting
        self._resolver: peers.Resolver | None = None
        self._wire: Wire | None = None  # the connection that the resolver and the channels are of
        self._channels: dict[str, types.InputPeerChannel] = {}  # made or found over it

    async def create(self, title: str, mark: str) -> Chat:
        wire, _ = await self._connected()
        _check_length(title, mark)
        request = functions.channels.CreateChannelRequest(title.strip(), mark, megagroup=True)
        made = await wire.call(request)
        return self._remembered(next(one for one in made.chats if isinstance(one, types.Channel)))

    async def find(self, mark: str) -> Chat | None:
        """Look through the newest groups that the account owns, archived ones too."""
        wire, _ = await self._connected()
        mine = [one for one in await peers.groups(wire) if isinstance(one, types.Channel) and one.creator]
        mine.sort(key=lambda one: moment(one.date), reverse=True)
        for one in mine[:NEWEST]:
            channel = types.InputPeerChannel(one.id, one.access_hash)
            full = await wire.call(functions.channels.GetFullChannelRequest(channel))
            if full.full_chat.about == mark:
                return self._remembered(one)
        return None

    async def look(self, chat: str) -> ChatLook:
        room = await self._room(chat)
        answer = await room.ask(functions.channels.GetFullChannelRequest(room.channel))
        full = answer.full_chat
        channel = next(one for one in answer.chats if one.id == room.channel.channel_id)
        rights = channel.default_banned_rights
        return ChatLook(
            title=channel.title,
            about=full.about,
            has_picture=isinstance(full.chat_photo, types.Photo),
            members_write=not (rights and (rights.send_messages or rights.send_plain)),
            hides_members=bool(full.participants_hidden),
            shows_history=not full.hidden_prehistory,
            pinned=str(full.pinned_msg_id or ""),
            is_archived=full.folder_id == ARCHIVE,
        )

    async def describe(self, chat: str, title: str, about: str) -> None:
        _check_length(title, about)
        room = await self._room(chat)
        await room.ask(functions.channels.EditTitleRequest(room.channel, title.strip()), *UNCHANGED)
        await room.ask(functions.messages.EditChatAboutRequest(room.channel, about), *UNCHANGED)

    async def set_picture(self, chat: str, path: Path) -> None:
        """Upload and set a picture; the group is told of it each time, also of the same one."""
        room = await self._room(chat)
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise Rejected(f"the picture {path.name} cannot be read", remote_code="FILE_GONE") from error
        upload = room.wire.client.upload_file(content, file_name=path.name)
        file = await room.wire.ask(upload, UPLOAD_SECONDS + len(content) / SLOWEST_BYTES_PER_SECOND)
        photo = types.InputChatUploadedPhoto(file=file)
        await room.ask(functions.channels.EditPhotoRequest(room.channel, photo))

    async def set_rules(
        self, chat: str, *, members_write: bool, hides_members: bool, shows_history: bool
    ) -> list[str]:
        """Set members' rights and what they see; reactions stay allowed, as they are no messages."""
        room = await self._room(chat)
        barred = _CHANGING if members_write else (*_WRITING, *_CHANGING)
        rights = types.ChatBannedRights(until_date=None, **dict.fromkeys(barred, True))
        request = functions.messages.EditChatDefaultBannedRightsRequest(room.channel, rights)
        await room.ask(request, *UNCHANGED)
        history = functions.channels.TogglePreHistoryHiddenRequest(room.channel, not shows_history)
        await room.ask(history, *UNCHANGED)
        try:
            hiding = functions.channels.ToggleParticipantsHiddenRequest(room.channel, hides_members)
            await room.ask(hiding, *UNCHANGED)
        except Rejected as error:
            if error.remote_code != "PARTICIPANTS_TOO_FEW":
                raise
            return [SEES_MEMBERS] if hides_members else []
        return []

    async def pin(self, chat: str, remote_id: str) -> None:
        room = await self._room(chat)
        request = functions.messages.UpdatePinnedMessageRequest(
            room.channel, number_of(remote_id), silent=True
        )
        try:
            await room.ask(request, *UNCHANGED)
        except Rejected as error:
            if error.remote_code != "MESSAGE_ID_INVALID":
                raise
            words = "the message is not there any more"
            raise Rejected(words, remote_code=error.remote_code) from error

    async def archive(self, chat: str) -> None:
        room = await self._room(chat)
        folder = types.InputFolderPeer(room.channel, ARCHIVE)
        await room.ask(functions.folders.EditPeerFoldersRequest([folder]))

    # Who is in

    async def people(self, chat: str) -> list[Person]:
        return await chat_people.people(await self._room(chat))

    async def gone(self, chat: str, since: datetime) -> dict[str, tuple[ChatGone, datetime]]:
        return await chat_people.gone(await self._room(chat), since)

    async def add(self, chat: str, address: str, peer: str) -> Added:
        return await chat_people.add(await self._room(chat), address, peer)

    async def remove(self, chat: str, person: Person) -> None:
        await chat_people.remove(await self._room(chat), person)

    async def promote(self, chat: str, person: Person) -> None:
        await chat_people.promote(await self._room(chat), person)

    async def knows(self, addresses: Sequence[str]) -> set[str]:
        if not addresses or self._acting().wire.is_bot:  # Telegram gives a bot no contacts
            return set()
        wire, _ = await self._connected()
        found = await wire.call(functions.contacts.GetContactsRequest(hash=0))
        contacts = {one.user_id for one in found.contacts}
        names = {name for user in found.users if user.id in contacts for name in names_of(user.id, user)}
        return {address for address in addresses if address in names}

    # Ways in

    async def new_link(self, chat: str, mark: str, expires_at: datetime) -> str:
        """Make a link, each time another one: whether one with this mark is there, `links` tells."""
        return await chat_links.new_link(await self._room(chat), mark, expires_at)

    async def links(self, chat: str) -> list[InviteLink]:
        return await chat_links.links(await self._room(chat))

    async def revoke(self, chat: str, link: str) -> None:
        """Shut a link; in the place of the default one Telegram makes a new default one by itself."""
        await chat_links.revoke(await self._room(chat), link)

    async def came_by(self, chat: str, link: str) -> list[Person]:
        return await chat_links.came_by(await self._room(chat), link)

    async def requests(self, chat: str) -> list[JoinRequest]:
        return await chat_links.requests(await self._room(chat))

    async def admit(self, chat: str, person: Person, *, is_yes: bool) -> None:
        await chat_links.admit(await self._room(chat), person, is_yes=is_yes)

    async def follow(self, link: str) -> None:
        wire, _ = await self._connected()
        await chat_links.follow(wire, link)

    # Receipts

    async def readers(self, chat: str, remote_id: str) -> dict[str, datetime]:
        room = await self._room(chat)
        request = functions.messages.GetMessageReadParticipantsRequest(room.channel, number_of(remote_id))
        return {str(one.user_id): moment(one.date) for one in await room.ask(request)}

    async def _connected(self) -> tuple[Wire, peers.Resolver]:
        wire = self._acting().wire
        if self._resolver is None or self._wire is not wire:  # what one login found tells another nothing
            self._wire, self._resolver, self._channels = wire, peers.Resolver(wire), {}
        resolver = self._resolver
        await wire.connect()
        return wire, resolver

    async def _room(self, chat: str) -> Room:
        """Return a megagroup of the account.

        Raises:
            AddressInvalid: it is none, or the account is not in it.

        """
        wire, resolver = await self._connected()
        channel: Any = self._channels.get(chat)
        if channel is None:
            channel = await resolver.resolve(chat) if chat.startswith("-") else None
        if not isinstance(channel, types.InputPeerChannel):
            raise AddressInvalid(
                f"{chat!r} is no supergroup of Telegram.",
                remote_code="CHANNEL_INVALID",
                hint="vipcast keeps supergroups: their addresses begin with -100.",
            )
        return Room(wire, resolver, channel)

    def _remembered(self, channel: Any) -> Chat:
        address = str(utils.get_peer_id(channel))
        self._channels[address] = types.InputPeerChannel(channel.id, channel.access_hash)
        return Chat(address, str(channel.title), peers.text_of(channel))


def _check_length(title: str, about: str) -> None:
    """Refuse what Telegram would cut or refuse, before anything is changed.

    Raises:
        Rejected: a text is too long, or the title is empty.

    """
    if not title.strip():
        raise Rejected("the group's title is empty", remote_code="CHAT_TITLE_EMPTY")
    for what, text, limit in (("title", title.strip(), TITLE_LIMIT), ("description", about, ABOUT_LIMIT)):
        if len(text) > limit:
            words = f"the group's {what} has {len(text)} characters; Telegram takes {limit}"
            code = "CHAT_TITLE_TOO_LONG" if what == "title" else "CHAT_ABOUT_TOO_LONG"
            raise Rejected(words, remote_code=code)
