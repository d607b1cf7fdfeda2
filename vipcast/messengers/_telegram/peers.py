"""Whom a request means: addresses resolved to input peers, and peers as the text that is kept of them.

A peer as text is `self`, `ID:HASH` for a person, `chat:ID` for a basic group and `channel:ID:HASH` for a
megagroup. An access hash is one account's: what one account resolved is worthless to another.
A group's address is Telegram's marked id: -123 for a basic group, -1000000000123 for a megagroup.
"""

from __future__ import annotations

from typing import Any

from telethon import functions, types, utils

from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AddressInvalid, SendError
from vipcast.messengers.base_chats import Chat

MOST_DIALOGS = 3000  # to look through for groups: thirty requests

MOVED = (
    "Telegram gives a group a new number when it becomes a supergroup: "
    "choose it again among the account's groups."
)


class Resolver:
    """Finds the input peers of addresses."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._groups: dict[str, Any] = {}  # megagroups that were found among the dialogs

    async def resolve(self, address: str) -> Any:
        """Return the input peer of an address.

        Raises:
            AddressInvalid: nobody is found under it by this account.

        """
        if address == "me":
            return types.InputPeerSelf()
        if address.startswith("-"):
            return await self._group(address)
        if address.startswith("@"):
            found = await self._wire.call(functions.contacts.ResolveUsernameRequest(username=address[1:]))
            return _found_user(found, address)
        if address.startswith("+"):
            return await self._phone(address)
        if self._wire.is_bot:
            return types.InputPeerUser(int(address), 0)  # a bot needs no access hash for who wrote to it
        raise AddressInvalid(
            f"A numeric id alone ({address}) does not let a person's account write to somebody.",
            remote_code="PEER_ID_INVALID",
            hint="Give the member's user name or phone number.",
        )

    async def _phone(self, phone: str) -> Any:
        try:
            found = await self._wire.call(functions.contacts.ResolvePhoneRequest(phone=phone))
            return _found_user(found, phone)
        except AddressInvalid:
            # Some hide their number from strangers but not from contacts.
            contact = types.InputPhoneContact(client_id=0, phone=phone, first_name=phone, last_name="")
            found = await self._wire.call(functions.contacts.ImportContactsRequest([contact]))
            if not found.users:
                raise
            return _found_user(found, phone)

    async def _group(self, address: str) -> Any:
        try:
            number, kind = utils.resolve_id(int(address))
        except ValueError as error:
            raise AddressInvalid(
                f"{address} is no address of a Telegram group.", remote_code="PEER_ID_INVALID"
            ) from error
        if kind is types.PeerChat:
            return types.InputPeerChat(number)  # needs no access hash
        # Telethon remembers the hashes that updates and dialogs of this connection brought.
        if (known := self._wire.client._mb_entity_cache.get(number)) is not None:  # noqa: SLF001
            return types.InputPeerChannel(number, known.hash)
        if self._wire.is_bot:
            return types.InputPeerChannel(number, 0)  # a bot needs none for a group that it is in
        if address not in self._groups:
            self._groups = {
                str(utils.get_peer_id(one)): types.InputPeerChannel(one.id, one.access_hash)
                for one in await groups(self._wire)
                if isinstance(one, types.Channel) and one.access_hash
            }
        if address in self._groups:
            return self._groups[address]
        raise AddressInvalid(
            f"The account {self._wire.account.name!r} is in no group {address}.",
            remote_code="CHANNEL_INVALID",
            hint=f"Add the account to the group in Telegram. {MOVED}",
        )

    async def what_about(self, peer: Any) -> str:
        """Return what to do about a group that takes nothing from the account any more."""
        if not isinstance(peer, types.InputPeerChat):
            return "Look in Telegram whether the account is still in the group, and may write there."
        try:
            found = await self._wire.call(functions.messages.GetChatsRequest([peer.chat_id]))
        except SendError:
            return MOVED
        moved = next((one.migrated_to for one in found.chats if getattr(one, "migrated_to", None)), None)
        if moved is None:
            return MOVED
        return f"The group became a supergroup: its address is {utils.get_peer_id(moved)} now."


async def groups(wire: Wire) -> list[Any]:
    """Return the basic groups and megagroups that a person's account is in; nothing for a bot."""
    if wire.is_bot:  # Telegram tells a bot of no dialogs
        return []
    dialogs = await wire.ask(_entities(wire.client))
    return [one for one in dialogs if is_group(one)]


async def _entities(client: Any) -> list[Any]:
    return [one.entity async for one in client.iter_dialogs(limit=MOST_DIALOGS, ignore_migrated=True)]


def is_group(entity: Any) -> bool:
    """Return whether this is a group of people that still takes messages; not a channel of news."""
    if isinstance(entity, types.Chat):
        return not (entity.deactivated or entity.left or entity.migrated_to)
    return isinstance(entity, types.Channel) and bool(entity.megagroup) and not entity.left


def as_chat(entity: Any) -> Chat:
    return Chat(str(utils.get_peer_id(entity)), str(entity.title or ""))


def from_text(text: str) -> Any:
    """Return the input peer that `as_text` wrote."""
    if text == "self":
        return types.InputPeerSelf()
    kind, _, rest = text.partition(":")
    if kind == "chat":
        return types.InputPeerChat(int(rest))
    if kind == "channel":
        channel_id, access_hash = rest.split(":")
        return types.InputPeerChannel(int(channel_id), int(access_hash))
    return types.InputPeerUser(int(kind), int(rest))


def as_text(peer: Any) -> str:
    """Return an input peer as the text that is kept of it."""
    match peer:
        case types.InputPeerSelf():
            return "self"
        case types.InputPeerChat():
            return f"chat:{peer.chat_id}"
        case types.InputPeerChannel():
            return f"channel:{peer.channel_id}:{peer.access_hash}"
    return f"{peer.user_id}:{peer.access_hash}"


def text_of(entity: Any) -> str:
    """Return the peer of a person or group that an update brought; empty where that does not reach it.

    An entity that is `min` has an access hash that works for its picture alone.
    """
    if isinstance(entity, types.Chat):
        return f"chat:{entity.id}"
    if not isinstance(entity, (types.User, types.Channel)) or entity.min or not entity.access_hash:
        return ""
    is_channel = isinstance(entity, types.Channel)
    return f"channel:{entity.id}:{entity.access_hash}" if is_channel else f"{entity.id}:{entity.access_hash}"


def _found_user(found: Any, address: str) -> Any:
    users = [user for user in found.users if isinstance(user, types.User)]
    if not users:
        raise AddressInvalid(f"{address} is a group or channel, not a person", remote_code="NOT_A_PERSON")
    if users[0].deleted:
        raise AddressInvalid(
            "the person deleted their Telegram account", remote_code="INPUT_USER_DEACTIVATED"
        )
    return types.InputPeerUser(users[0].id, users[0].access_hash or 0)
