"""Hearing what people do on Telegram: messages, edits, what they read, groups they join, bots they stop.

`listen` has a session file of its own beside the account's, with the same login, so that `send` may use
the account at the same time. Telethon keeps there how far it has heard. Its own way of keeping that is
not used: it moves on when an update comes in, and would lose, at a hard kill, what was not stored yet.
What this process itself sends while it listens goes over the same connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from telethon import TelegramClient, utils
from telethon._updates import MessageBox
from telethon.crypto import AuthKey
from telethon.errors import RPCError
from telethon.sessions import SQLiteSession
from telethon.tl import functions, types

from vipcast.config import Account
from vipcast.messengers._telegram.actions import OWN_IDS, Actions
from vipcast.messengers._telegram.client import OPTIONS, application, open_session
from vipcast.messengers._telegram.errors import translate
from vipcast.messengers._telegram.peers import is_group
from vipcast.messengers._telegram.reading import Reader
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AccountProblem, Event, SendError, Unreachable

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0  # how often a silent connection is asked whether it still hears
ANSWER_SECONDS = 20.0
FIRST_WAIT_SECONDS = 1.0  # before a new connection; doubled up to the longest
LONGEST_WAIT_SECONDS = 60.0
WATCHED_DIALOGS = 200  # the latest ones, whose groups are looked after for missed messages
MOST_PEER_DIALOGS = 100  # Telegram's limit for asking about several at once

_EDITS = (types.UpdateEditMessage, types.UpdateEditChannelMessage)
_COUNTED = (
    *_EDITS,
    types.UpdateReadHistoryOutbox,
    types.UpdateBotStopped,
    types.UpdateChannelParticipant,
)


class Listening:
    """Hears over as many connections as it takes, and lends the present one to whoever sends meanwhile."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._ear: _Ear | None = None
        self._sent: deque[tuple[int, int]] = deque(maxlen=OWN_IDS)

    @property
    def actions(self) -> Actions:
        """What can be done over the listening connection.

        Raises:
            Unreachable: there is none just now; surely nothing was sent.

        """
        if self._ear is None or not self._ear.is_usable:
            raise Unreachable(
                f"{self._account.name}: the connection to Telegram is just being made again.",
                hint="Try it again in a moment.",
            )
        return self._ear.actions

    async def events(self, caught_up: Callable[[], None]) -> AsyncGenerator[Event, None]:
        """Yield events, missed ones first; see `Messenger.listen`."""
        wait = FIRST_WAIT_SECONDS
        while True:
            ear = self._ear = _Ear(self._account, caught_up, self._sent)
            try:
                async with aclosing(ear.events()) as events:
                    async for event in events:
                        yield event
            except AccountProblem:
                raise
            except SendError as error:
                log.warning("%s: Telegram is out of reach (%s)", self._account.name, type(error).__name__)
            finally:
                self._ear = None
                await ear.close()
            wait = FIRST_WAIT_SECONDS if ear.has_heard else min(wait * 2, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(wait)


def session_path(account: Account) -> Path:
    """Return where `listen` keeps its copy of an account's login."""
    return account.session.with_name(f"{account.session.stem}.listen.session")


class _Ear:
    """One connection that hears."""

    def __init__(self, account: Account, caught_up: Callable[[], None], sent: deque[tuple[int, int]]) -> None:
        path = _copy_login(account)
        self._account = account
        copy = msgspec.structs.replace(account, session=path)
        self._wire = Wire(copy, lambda one: _Client(one, caught_up))
        self._client: _Client = self._wire.client
        self.actions = Actions(self._wire, sent)
        self.has_heard = False  # the connection was made

    @property
    def is_usable(self) -> bool:
        return self.has_heard and bool(self._client.is_connected())

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield events until the connection ends, which raises a named error of `base`."""
        me = int((await self._wire.open()).details["id"])
        reader = Reader(me, self._client.ask, self.actions.has_sent, is_bot=self._wire.is_bot)
        await self._wire.ask(self._client.begin(me, reader))
        if not self._wire.is_bot:
            await self._watch_groups()
        self._client.hear()
        self.has_heard = True
        watch = asyncio.create_task(self._watch())
        try:
            while True:
                heard = await self._client.heard.get()
                if isinstance(heard, Exception):
                    raise heard
                event, stored = heard
                yield event
                if not stored.done():
                    stored.set_result(None)
        finally:
            watch.cancel()

    async def close(self) -> None:
        await self._wire.close()

    async def _watch_groups(self) -> None:
        """See to it that what was said in groups while we were away is fetched."""
        try:
            await self._wire.ask(self._client.watch_groups())
        except AccountProblem:
            raise
        except SendError as error:  # what is said from now on is heard all the same
            log.info("%s: the groups were not looked through: %s", self._account.name, error.remote_code)

    async def _watch(self) -> None:
        try:
            while await self._is_alive():
                pass
        except SendError as error:
            self._client.heard.put_nowait(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is of no use any more
            self._client.heard.put_nowait(translate(error, self._account.name) or _gone(error))

    async def _is_alive(self) -> bool:
        """Wait for the next heartbeat and ask; where updates were not pushed, have them fetched."""
        ended = asyncio.ensure_future(self._client.disconnected)
        done, _ = await asyncio.wait({ended}, timeout=HEARTBEAT_SECONDS)
        if done:
            why = None if ended.cancelled() else ended.exception()
            error = self._client.updates_error or why or ConnectionError("closed")
            raise translate(error, self._account.name) or _gone(error)
        ended.cancel()
        async with asyncio.timeout(ANSWER_SECONDS):
            state = await self._wire.call(functions.updates.GetStateRequest())
        await self._client.compare(state)
        await self._client.compare_groups()
        return True


def _gone(error: BaseException) -> SendError:
    return Unreachable(f"The connection to Telegram is gone ({type(error).__name__}).")


class _Box(MessageBox):  # type: ignore[misc]
    """Telethon's count of updates, which here does not lose what is no new message.

    Of what was missed it first takes over where the stream stands, and then drops every edit, receipt and
    stop as one that was counted already.
    """

    def apply_difference_type(self, diff: Any, chat_hashes: Any) -> Any:
        updates, users, chats = _with_dropped(diff, super().apply_difference_type(diff, chat_hashes))
        # That a group is another one than it was before we came tells nothing: it is looked at anyway.
        return [one for one in updates if not isinstance(one, types.UpdateChannel)], users, chats

    def apply_channel_difference(self, request: Any, diff: Any, chat_hashes: Any) -> Any:
        return _with_dropped(diff, super().apply_channel_difference(request, diff, chat_hashes))


def _with_dropped(diff: Any, found: tuple[list[Any], Any, Any]) -> tuple[list[Any], Any, Any]:
    updates, users, chats = found
    given = {id(one) for one in updates}
    others = getattr(diff, "other_updates", ())
    dropped = [one for one in others if isinstance(one, _COUNTED) and id(one) not in given]
    return [*updates, *dropped], users, chats


class _Client(TelegramClient):  # type: ignore[misc]
    """Hands over one update at a time, and moves its place in the stream on when they are stored."""

    def __init__(self, account: Account, caught_up: Callable[[], None]) -> None:
        super().__init__(
            open_session(account),
            *application(account),
            receive_updates=True,
            catch_up=True,
            sequential_updates=True,
            auto_reconnect=False,  # a new connection fetches what was missed; Telethon's own would not
            connection_retries=1,
            **OPTIONS,
        )
        self._message_box = _Box(self._log["messagebox"])
        self.heard: asyncio.Queue[tuple[Event, asyncio.Future[None]] | Exception] = asyncio.Queue()
        self._caught_up = caught_up
        self._may_begin = asyncio.Event()
        self._left = 0  # updates of this batch that are not handed over yet
        self._reader: Reader | None = None
        self._groups: list[Any] = []  # the megagroups that are looked after at each heartbeat

    @property
    def updates_error(self) -> Exception | None:
        """Why the updates ended, where Telethon knows."""
        error: Exception | None = getattr(self, "_updates_error", None)
        return error

    async def ask(self, request: Any) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self(request)

    async def begin(self, me: int, reader: Reader) -> None:
        """Make ready to hear; from now on where the place that is kept is another person's."""
        owner = self.session._execute("select hash from entities where id = 0")  # noqa: SLF001
        if owner is not None and owner[0] != me:
            self._forget_groups()
            await self._on_login(await self.get_me())
        self._reader = reader
        # Telethon's own way of keeping whose file it is.
        self.session._execute("insert or replace into entities (id, hash) values (0, ?)", me)  # noqa: SLF001
        self._keep_place()

    def _forget_groups(self) -> None:
        for channel in [one for one in self._message_box.map if isinstance(one, int)]:
            del self._message_box.map[channel]
        self.session._execute("delete from update_state where id <> 0")  # noqa: SLF001
        self.session._execute("delete from entities")  # noqa: SLF001

    async def watch_groups(self) -> None:
        """Count a group's messages from its present place on, or fetch what is missed since the kept place.

        A megagroup has a count of its own. Telethon begins it with the first message that is pushed, so
        that nothing would be missed in a group that was silent up to then.
        """
        known = dict(self._message_box.map)
        self._groups = []
        async for dialog in self.iter_dialogs(limit=WATCHED_DIALOGS, ignore_migrated=True):
            channel, place = dialog.entity, dialog.dialog.pts
            if not isinstance(channel, types.Channel) or not is_group(channel) or not place:
                continue
            self._groups.append(types.InputPeerChannel(channel.id, channel.access_hash))
            if channel.id in known and known[channel.id].pts < place:
                self._message_box.try_begin_get_diff(channel.id, "missed")
        self._keep_place()

    async def compare_groups(self) -> None:
        """Fetch what the server has of megagroups and did not push; Telethon would ask after 15 minutes."""
        if self._left or self._message_box.getting_diff_for or not self._groups:
            return
        wanted = [types.InputDialogPeer(one) for one in self._groups[:MOST_PEER_DIALOGS]]
        try:
            found = await self.ask(functions.messages.GetPeerDialogsRequest(wanted))
        except RPCError as error:  # such as of a group that the account was thrown out of
            log.info("the groups are not looked after any more: %s", type(error).__name__)
            self._groups = []
            return
        is_behind = False
        for dialog in found.dialogs:
            channel = getattr(dialog.peer, "channel_id", 0)
            known = self._message_box.map.get(channel)
            if known is not None and known.pts < (dialog.pts or 0):
                self._message_box.try_begin_get_diff(channel, "not pushed")
                is_behind = True
        if is_behind:
            await self.catch_up()

    def hear(self) -> None:
        """Begin to hand over."""
        self._may_begin.set()

    async def compare(self, state: Any) -> None:
        """Fetch what the server has and did not push."""
        known, _ = self._message_box.session_state()
        if self._left or self._message_box.getting_diff_for:
            return
        if state.pts > known["pts"] or state.qts > known["qts"]:
            await self.catch_up()
        else:
            self._keep_place()

    def _keep_place(self) -> None:
        place, channels = self._message_box.session_state()
        if not place["pts"]:
            return
        self.session.set_update_state(0, types.updates.State(**place, unread_count=0))
        now = datetime.now(UTC)
        for channel, pts in channels.items():
            self.session.set_update_state(channel, types.updates.State(pts, 0, now, 0, unread_count=0))
            # Without a group's access hash Telethon could not ask for what was missed in it.
            if (entity := self._mb_entity_cache.get(channel)) is not None:
                self.session._execute(  # noqa: SLF001
                    "insert or replace into entities (id, hash) values (?, ?)",
                    utils.get_peer_id(types.PeerChannel(channel)),
                    entity.hash,
                )
        self.session.save()

    async def _save_states_and_entities(self) -> None:
        """Keep nothing here: what was not stored yet would count as heard."""

    async def _update_loop(self) -> None:
        await self._may_begin.wait()
        await super()._update_loop()

    async def _preprocess_updates(self, updates: Any, users: Any, chats: Any) -> Any:
        ready = await super()._preprocess_updates(updates, users, chats)
        # Telethon gives missed edits before the missed messages that they changed.
        ready = sorted(ready, key=lambda update: isinstance(update, _EDITS))
        self._left += len(ready)
        if not self._left:
            self._keep_place()  # what we sent ourselves: a later connection must not be told of it
        self._note_end()
        return ready

    async def _dispatch_update(self, update: Any) -> None:
        event = None
        try:
            event = await self._reader.read(update) if self._reader else None
        except Exception as error:  # noqa: BLE001 - one odd update must not hold up the next
            log.warning("an update was not understood: %s, %s", type(update).__name__, type(error).__name__)
        if event is not None:
            stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.heard.put_nowait((event, stored))
            await stored
        self._left -= 1
        if not self._left and event is not None:
            self._keep_place()
        self._note_end()

    def _note_end(self) -> None:
        if not self._left and not self._message_box.getting_diff_for:
            self._caught_up()


def _copy_login(account: Account) -> Path:
    """Make the session file of `listen` one with the account's present login; return its path.

    What it knows of its place in the stream stays: after a new login the missed messages are still due.
    """
    path = session_path(account)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        login = _login_in(account.session)
        session = SQLiteSession(str(path))
        try:
            if login is not None and (session.auth_key is None or session.auth_key.key != login[3]):
                session.set_dc(*login[:3])
                session.auth_key = AuthKey(login[3])
                session.save()
        finally:
            session.close()
    except sqlite3.DatabaseError as error:
        raise translate(error, account.name) or error from error
    return path


def _login_in(path: Path) -> tuple[int, str, int, bytes] | None:
    """Read (data centre, server, port, key) of a session file that another process may be using."""
    if not path.is_file() or not path.stat().st_size:
        return None
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute("select dc_id, server_address, port, auth_key from sessions").fetchone()
    return tuple(row) if row and row[3] else None
