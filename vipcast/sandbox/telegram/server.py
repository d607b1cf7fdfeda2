"""The loopback Telegram server, and what a test or a scripted customer may do with it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from telethon.crypto import AuthKey
from telethon.sessions import SQLiteSession, StringSession

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.loopback import LOOPBACK, Listener
from vipcast.sandbox.tasks import Tasks
from vipcast.sandbox.telegram import changing, history, login, posting
from vipcast.sandbox.telegram.group_model import GroupMessage
from vipcast.sandbox.telegram.group_views import DC_ID
from vipcast.sandbox.telegram.keys import KEY_BYTES, PUBLIC_KEY_PEM
from vipcast.sandbox.telegram.link import Link
from vipcast.sandbox.telegram.model import ChangeKind, Letter, SandboxMessage, SandboxUser
from vipcast.sandbox.telegram.packing import packed
from vipcast.sandbox.telegram.played import PlayedGroups
from vipcast.sandbox.telegram.played_people import PlayedPeople
from vipcast.sandbox.telegram.rpc import Hub, RandomIds, RpcError
from vipcast.sandbox.telegram.store import Store
from vipcast.sandbox.telegram.views import phone_view, push_changes, talk_view
from vipcast.sandbox.telegram.world import HIDDEN_MEMBERS_MIN, World

_log = logging.getLogger(__name__)
Shown = TypeVar("Shown", SandboxMessage, GroupMessage)
OnMessage = Callable[[SandboxMessage], Awaitable[None] | None]
OnGroupMessage = Callable[[GroupMessage], Awaitable[None] | None]


class TelegramSandbox(PlayedGroups, PlayedPeople):
    """A Telegram for this machine alone. Use it from one event loop.

    Anybody who is asked for exists, but phone numbers that end in 0000 and usernames that begin with
    `nobody`; the login code is always 12345. With `state`, a file, a restarted server still knows
    everything: logins, messages, and every random_id that was ever used.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        faults: Faults,
        state: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        random_ids: RandomIds = "idempotent",
        auto_customers: bool = True,
        bot_started_by_all: bool = True,
        hidden_members_min: int = HIDDEN_MEMBERS_MIN,
    ) -> None:
        """`random_ids` is how a repeated send is answered: with the first message, or RANDOM_ID_DUPLICATE.

        Groups with fewer than `hidden_members_min` people may not hide them from each other.
        """
        # Telethon's sessions hold an address and no name.
        self._listener = Listener(self._serve, host, port, setting="sandbox.telegram_port", hosts=(LOOPBACK,))
        self.host = host
        self.public_key_pem = PUBLIC_KEY_PEM
        self.on_message: OnMessage | None = None
        self.on_group_message: OnGroupMessage | None = None
        store = Store(state)
        self._world = World(store, auto_customers=auto_customers, bot_started_by_all=bot_started_by_all)
        self._world.hidden_members_min = hidden_members_min
        self._faults = faults
        self._hub = Hub(self._world, log, random_ids, self, host, port)
        self._work = Tasks()

    @property
    def port(self) -> int:
        """The port; 0 until `start` where any was asked for."""
        return self._hub.port

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    # Running.

    async def start(self) -> None:
        """Listen; errors as of `Listener.start`."""
        await self._listener.start()
        self._hub.port = self._listener.port
        self._world.store.commit()

    async def stop(self) -> None:
        """Stop listening, close every connection and remember all; safe to call twice."""
        await self._listener.stop()
        await self._work.stop()
        self._world.store.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Link(self._hub, self._faults, reader, writer).run()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background until the server stops."""
        self._work.start(work).add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("A scripted customer failed", exc_info=error)
            self._hub.record("bug", request="on_message", error=repr(error))

    def arrived(self, letter: Letter) -> None:
        """Show a client's message to whoever plays its receiver, or the members of its group."""
        if letter.to < 0:
            if self.on_group_message is not None:
                self.later(_tell(self.on_group_message, talk_view(self._world, letter.sender, letter)))
        elif self.on_message is not None:
            self.later(_tell(self.on_message, phone_view(self._world, letter.to, letter)))

    # People.

    def add_user(
        self,
        *,
        phone: str = "",
        username: str = "",
        first_name: str = "",
        last_name: str = "",
        bot_token: str = "",
        password: str = "",
        hides_phone: bool | None = None,
        premium_only: bool | None = None,
        refuses_groups: bool | None = None,
        deleted: bool | None = None,
    ) -> SandboxUser:
        """Return the person with this phone number, username or bot token, made or changed as given.

        `password` asks for a second factor at login. Who `hides_phone` is not found by number; to who is
        `premium_only` no stranger may write; who `refuses_groups` cannot be added to one; the account of who
        is `deleted` is gone.
        """
        given = {
            "first_name": first_name,
            "last_name": last_name,
            "password": password,
            "hides_phone": hides_phone,
            "premium_only": premium_only,
            "refuses_groups": refuses_groups,
            "deleted": deleted,
        }
        user = self._world.add_user(
            phone=phone,
            username=username,
            bot_token=bot_token,
            **{name: value for name, value in given.items() if value not in ("", None)},
        )
        self._world.store.commit()
        return user

    def find(self, address: str) -> SandboxUser | None:
        """Return who is reached at a phone number or @username, as a client asking for them would find."""
        if address.startswith("@"):
            return self._world.find_username(address)
        return self._world.find_phone(address)

    def users(self) -> list[SandboxUser]:
        """Return everybody who exists by now."""
        return list(self._world.users.values())

    def block(self, user: SandboxUser, blocked: SandboxUser) -> None:
        """Let a person block another one, or stop a bot."""
        if blocked.id not in user.blocked:
            user.blocked.add(blocked.id)
            self._keep(user, blocked, "stopped")

    def unblock(self, user: SandboxUser, blocked: SandboxUser) -> None:
        """Take back a `block`."""
        if blocked.id in user.blocked:
            user.blocked.discard(blocked.id)
            self._keep(user, blocked, "started")

    def _keep(self, user: SandboxUser, other: SandboxUser, kind: ChangeKind) -> None:
        self._world.keep(user)
        if other.is_bot:  # bots are told, people are not
            change = self._world.change(other.id, kind, (), peer=user.id)
            push_changes(self._world, other.id, [change])
        self._world.store.commit()

    # Logins.

    def provision_session(self, path: Path, user: SandboxUser) -> None:
        """Write a Telethon session file, 0600, that is logged in here as this person.

        No handshake and no code: the key is made here and known to both sides. A file that is there is
        replaced; Telethon adds `.session` to the name where it is missing.
        """
        if path.suffix != ".session":
            path = path.with_name(path.name + ".session")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        session = SQLiteSession(str(path))
        self._fill(session, user)
        session.close()

    def provision_string(self, user: SandboxUser) -> str:
        """Return a Telethon session string that is logged in here as this person."""
        session = StringSession()
        self._fill(session, user)
        text: str = session.save()
        return text

    def _fill(self, session: Any, user: SandboxUser) -> None:
        if not self.port:
            raise InputError("The sandbox has no port yet.", hint="Start it before making sessions for it.")
        key = os.urandom(KEY_BYTES)
        self._world.add_key(key, int.from_bytes(os.urandom(8), "little", signed=True), user)
        self._world.store.commit()
        session.set_dc(DC_ID, self.host, self.port)
        session.auth_key = AuthKey(key)
        session.save()

    def revoke(self, user: SandboxUser) -> None:
        """End every login of a person, as from another device: requests get AUTH_KEY_UNREGISTERED."""
        for key in tuple(self._world.keys_of(user.id)):
            self._world.log_in(key, None)
        self._world.store.commit()

    def scan(self, user: SandboxUser, code: str | bytes) -> None:
        """Scan the QR code of a login, given as its tg:// link or token, with a person's phone.

        Raises:
            InputError: no login shows this code, or it was scanned before.

        """
        data = _token_bytes(code) if isinstance(code, str) else code
        token = self._hub.codes.tokens.get(data)
        if token is None:
            raise InputError("No login shows this QR code.", hint="Codes change every 30 seconds.")
        try:
            login.scan(token, user)
        except RpcError as error:
            raise InputError("This QR code was scanned before.", hint="Show a new one.") from error

    # What people see and do.

    def inbox(self, user: SandboxUser) -> list[SandboxMessage]:
        """Return what arrived on a person's phone and was not deleted, oldest first."""
        return [
            message for message in self.history(user) if not message.is_mine or message.to is message.sender
        ]

    def history(self, user: SandboxUser, other: SandboxUser | None = None) -> list[SandboxMessage]:
        """Return every private message on a person's phone, both ways, oldest first; or one chat."""
        letters = self._world.box(user.id).letters.values()
        return [
            phone_view(self._world, user.id, letter)
            for letter in letters
            if letter.to > 0 and (other is None or letter.peer(user.id) == other.id)
        ]

    def content(self, message: SandboxMessage | GroupMessage) -> bytes:
        """Return the bytes of what a message carries."""
        if message.media is None or not message.media.digest:
            raise InputError(f"Message {message.id} carries no picture, video or file.")
        return self._world.contents[message.media.digest]

    async def say(
        self,
        sender: SandboxUser,
        to: SandboxUser,
        text: str,
        *,
        reply_to: SandboxMessage | int = 0,
        media: Attachment | None = None,
        automatic: bool = False,
    ) -> SandboxMessage:
        """Let a person write by hand; other clients of theirs learn of it as of an outgoing message.

        `reply_to` is a message, or its number on the sender's phone; with media, `text` is the caption;
        `automatic` marks an away message.
        """
        answered = self._letter_of(sender, reply_to).number if reply_to else 0
        draft = packed(self._world, text, media)
        (change,) = posting.post(self._hub, sender, to, [draft], reply_to=answered, automatic=automatic)
        self._world.store.commit()
        return phone_view(self._world, sender.id, self._world.letters[change.letter])

    async def edit(self, sender: SandboxUser, message: SandboxMessage | int, text: str) -> SandboxMessage:
        """Let a person change a message of theirs, given as `say` returned it or by its number."""
        letter = self._letter_of(sender, message)
        if letter.sender != sender.id:
            raise InputError(f"{sender.label} did not write this message.", hint="People edit their own.")
        changing.rewrite(self._hub, letter, text, b"")
        self._world.store.commit()
        return phone_view(self._world, sender.id, letter)

    def _letter_of(self, user: SandboxUser, message: SandboxMessage | int) -> Letter:
        """Return a message that this person has, by its number on their phone where it is given so."""
        if isinstance(message, SandboxMessage):
            letter = self._world.letters.get(message.number)
        else:
            letter = self._world.box(user.id).letters.get(message)
        if letter is None or letter.to < 0 or user.id not in letter.ids:
            raise InputError(f"{user.label} has no such message.", hint="`history` has those there are.")
        return letter

    async def press_button(self, user: SandboxUser, bot: SandboxUser, text: str) -> SandboxMessage:
        """Let a person press a button of the keyboard that a bot showed last: they say its text."""
        shown = [message for message in self.history(user, bot) if message.buttons]
        if not shown or text not in shown[-1].buttons:
            buttons = ", ".join(shown[-1].buttons) if shown else "none"
            raise InputError(f"{bot.label} shows no button {text!r}.", hint=f"Buttons: {buttons}.")
        return await self.say(user, bot, text)

    async def start_bot(self, user: SandboxUser, bot: SandboxUser, code: str = "") -> SandboxMessage:
        """Let a person open a bot, from a link with this code if one is given."""
        if not bot.is_bot:
            raise InputError(f"{bot.label} is no bot.")
        return await self.say(user, bot, f"/start {code}".strip())

    async def read(self, reader: SandboxUser, sender: SandboxUser) -> None:
        """Let a person read all that another one wrote; the writer gets the receipt."""
        history.mark_read(self._hub, reader, sender)
        self._world.store.commit()


async def _tell(hook: Callable[[Shown], Awaitable[None] | None], message: Shown) -> None:
    answer = hook(message)
    if inspect.isawaitable(answer):
        await answer


def _token_bytes(link: str) -> bytes:
    """Return the token of a tg://login link, or of its bare text; Telegram leaves the padding off."""
    text = parse_qs(urlsplit(link).query).get("token", [link])[0]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise InputError(f"{link} is no login link.", hint="It looks like tg://login?token=…") from error
