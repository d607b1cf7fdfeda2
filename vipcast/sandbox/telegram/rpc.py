"""What a request handler gets and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from telethon.tl import types

from vipcast.sandbox.events import EventLog
from vipcast.sandbox.telegram.group_model import Member, Place, SandboxGroup
from vipcast.sandbox.telegram.model import MEGAGROUPS, Key, Letter, Line, QrToken, SandboxUser, Upload
from vipcast.sandbox.telegram.srp import PasswordCheck
from vipcast.sandbox.telegram.world import World

NETWORK = "telegram"
RandomIds = Literal["idempotent", "error"]


class RpcError(Exception):
    """Telegram's way to say no: a number and a word, such as 400 PEER_ID_INVALID."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Postman(Protocol):
    """What handlers may ask of the server around the world."""

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background until the server stops."""

    def arrived(self, letter: Letter) -> None:
        """Tell whoever plays the customers that a client wrote to one of them."""


@dataclass(slots=True)
class Codes:
    """Logins and uploads under way; they do not outlive the server."""

    phones: dict[str, str] = field(default_factory=dict)  # code hash -> phone
    tokens: dict[bytes, QrToken] = field(default_factory=dict)
    passwords: dict[int, PasswordCheck] = field(default_factory=dict)
    uploads: dict[tuple[int, int], Upload] = field(default_factory=dict)  # by key and file id


@dataclass(slots=True)
class Hub:
    """The server as its connections and handlers see it."""

    world: World
    log: EventLog
    random_ids: RandomIds
    postman: Postman
    host: str
    port: int = 0
    codes: Codes = field(default_factory=Codes)

    def record(self, event: str, **fields: Any) -> None:
        self.log.record(event, network=NETWORK, **fields)


@dataclass(slots=True)
class Call:
    """One request: who asks, on which connection."""

    hub: Hub
    key: Key
    line: Line

    @property
    def world(self) -> World:
        return self.hub.world

    @property
    def me(self) -> SandboxUser:
        """Who is logged in with the key.

        Raises:
            RpcError: nobody is.

        """
        self.check_login()
        assert self.key.user is not None  # noqa: S101 - just checked
        return self.key.user

    def check_login(self) -> None:
        """Refuse a request of somebody who is not logged in."""
        if self.key.user is None:
            raise RpcError(401, "SESSION_PASSWORD_NEEDED" if self.key.half else "AUTH_KEY_UNREGISTERED")

    def person(self, peer: Any) -> SandboxUser:
        """Return whom a peer in a request means.

        Raises:
            RpcError: nobody, or the access hash is another account's.

        """
        match peer:
            case types.InputPeerSelf() | types.InputUserSelf():
                return self.me
            case types.InputPeerUser() | types.InputUser():
                user = self.world.users.get(peer.user_id)
                if user is not None and self._may_name(user, peer.access_hash):
                    return user
        raise RpcError(400, "PEER_ID_INVALID")

    def place(self, peer: Any) -> Place:
        """Return the person, or the group that one is in, which a peer in a request means.

        Raises:
            RpcError: as of `person`, `megagroup` and `basic_group`.

        """
        match peer:
            case types.InputPeerChannel():
                return self.megagroup(peer)
            case types.InputPeerChat():
                return self.basic_group(peer.chat_id, "PEER_ID_INVALID")
        return self.person(peer)

    def group(self, peer: Any) -> SandboxGroup:
        """Return the group that one is in, of either kind, which a peer in a request means.

        Raises:
            RpcError: as of `place`; or it is a person.

        """
        place = self.place(peer)
        if not isinstance(place, SandboxGroup):
            raise RpcError(400, "PEER_ID_INVALID")
        return place

    def megagroup(self, channel: Any) -> SandboxGroup:
        """Return the megagroup that one is in.

        Raises:
            RpcError: there is none, the access hash is another account's, or one is not in it.

        """
        key = MEGAGROUPS - getattr(channel, "channel_id", 0)
        group = self.world.groups.get(key)
        if group is None or channel.access_hash != self.world.access_hash(self.me.id, key):
            raise RpcError(400, "CHANNEL_INVALID")
        if group.member(self.me.id) is None:
            raise RpcError(400, "CHANNEL_PRIVATE")
        return group

    def basic_group(self, chat_id: int, error: str = "CHAT_ID_INVALID") -> SandboxGroup:
        """Return the basic group that one is in; no access hash guards it.

        Raises:
            RpcError: `error`, where one never was in it; another, where one is no longer.

        """
        group = self.world.groups.get(-chat_id)
        if group is None or self.me.id not in group.members:
            raise RpcError(400, error)
        if group.member(self.me.id) is None:
            raise RpcError(403, "CHAT_WRITE_FORBIDDEN" if error == "PEER_ID_INVALID" else "CHAT_FORBIDDEN")
        return group

    def my_part(self, group: SandboxGroup) -> Member:
        """Return one's own part in a group that one is in."""
        return group.members[self.me.id]

    def _may_name(self, user: SandboxUser, access_hash: int) -> bool:
        if user is self.me or access_hash == self.world.access_hash(self.me.id, user.id):
            return True
        # Bots need no hash for people they have met.
        return self.me.is_bot and access_hash == 0

    def only_people(self) -> None:
        """Refuse a request that bots may not make."""
        if self.me.is_bot:
            raise RpcError(400, "BOT_METHOD_INVALID")


Handler = Callable[[Call, Any], Any]
Handlers = dict[Any, Handler]


def receiver_label(world: World, request: Any) -> str | None:
    """Return whom a request is about, as logs and faults name people; None if about nobody."""
    peer = getattr(request, "peer", None) or getattr(request, "channel", None) or request
    group = world.groups.get(MEGAGROUPS - getattr(peer, "channel_id", 0)) or world.groups.get(
        -getattr(peer, "chat_id", 0)
    )
    if group is not None:
        return group.label
    user_id = getattr(getattr(request, "peer", None), "user_id", None)
    if user_id is not None:
        user = world.users.get(user_id)
        return user.label if user else None
    if phone := getattr(request, "phone", None) or getattr(request, "phone_number", None):
        return "+" + str(phone).lstrip("+")
    if username := getattr(request, "username", None):
        return "@" + str(username).lstrip("@")
    return None
