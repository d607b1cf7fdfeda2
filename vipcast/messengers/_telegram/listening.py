"""Hearing what people do on Telegram: private messages, what they read, bots that they stop.

`listen` has a session file of its own beside the account's, with the same login, so that `send` may use
the account at the same time. Telethon keeps there how far it has heard. Its own way of keeping that is
not used: it moves on when an update comes in, and would lose, at a hard kill, what was not stored yet.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from telethon import TelegramClient
from telethon.crypto import AuthKey
from telethon.sessions import SQLiteSession
from telethon.tl import functions, types

from vipcast.config import Account
from vipcast.messengers._telegram.errors import translate
from vipcast.messengers._telegram.wire import Wire
from vipcast.messengers.base import AccountProblem, Event, EventKind, SendError, Unreachable

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0  # how often a silent connection is asked whether it still hears
ANSWER_SECONDS = 20.0
FIRST_WAIT_SECONDS = 1.0  # before a new connection; doubled up to the longest
LONGEST_WAIT_SECONDS = 60.0
# Telegram itself, which sends login codes from here: they are nobody's message and must not be stored.
SERVICE_IDS = frozenset({777000, 42777})

_START = re.compile(r"/start(?:@\w+)?\s+([\w-]{1,64})\s*", re.ASCII)
_MEDIA = (
    (types.MessageMediaPhoto, "picture"),
    (types.MessageMediaContact, "contact"),
    (types.MessageMediaGeo, "location"),
    (types.MessageMediaGeoLive, "location"),
    (types.MessageMediaVenue, "location"),
    (types.MessageMediaPoll, "poll"),
    (types.MessageMediaWebPage, ""),
)


async def listen(account: Account, caught_up: Callable[[], None]) -> AsyncGenerator[Event, None]:
    """Yield events, missed ones first, over as many connections as it takes; see `Messenger.listen`."""
    wait = FIRST_WAIT_SECONDS
    while True:
        ear = _Ear(account, caught_up)
        try:
            async with aclosing(ear.events()) as events:
                async for event in events:
                    yield event
        except AccountProblem:
            raise
        except SendError as error:
            log.warning("%s: Telegram is out of reach (%s)", account.name, type(error).__name__)
        finally:
            await ear.close()
        wait = FIRST_WAIT_SECONDS if ear.has_heard else min(wait * 2, LONGEST_WAIT_SECONDS)
        await asyncio.sleep(wait)


def session_path(account: Account) -> Path:
    """Return where `listen` keeps its copy of an account's login."""
    return account.session.with_name(f"{account.session.stem}.listen.session")


class _Ear:
    """One connection that hears."""

    def __init__(self, account: Account, caught_up: Callable[[], None]) -> None:
        path = _copy_login(account)
        self._account = account
        self._wire = Wire(msgspec.structs.replace(account, session=path), receive_updates=True)
        self._client = _Client(self._wire.client.session, account, caught_up)
        self._wire.client = self._client
        self.has_heard = False  # the connection was made

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield events until the connection ends, which raises a named error of `base`."""
        me = await self._wire.open()
        await self._wire.ask(self._client.begin(int(me.details["id"])))
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
        return True


def _gone(error: BaseException) -> SendError:
    return Unreachable(f"The connection to Telegram is gone ({type(error).__name__}).")


class _Client(TelegramClient):  # type: ignore[misc]
    """Hands over one update at a time, and moves its place in the stream on when they are stored."""

    def __init__(self, session: SQLiteSession, account: Account, caught_up: Callable[[], None]) -> None:
        super().__init__(
            session,
            account.api_id,
            account.api_hash.reveal() if account.api_hash else "",
            receive_updates=True,
            catch_up=True,
            sequential_updates=True,
            auto_reconnect=False,  # a new connection fetches what was missed; Telethon's own would not
            flood_sleep_threshold=0,
            raise_last_call_error=True,
            request_retries=1,
            connection_retries=1,
            timeout=10,
            device_model="vipcast",
        )
        self.heard: asyncio.Queue[tuple[Event, asyncio.Future[None]] | Exception] = asyncio.Queue()
        self._caught_up = caught_up
        self._may_begin = asyncio.Event()
        self._left = 0  # updates of this batch that are not handed over yet
        self._me = 0

    @property
    def updates_error(self) -> Exception | None:
        """Why the updates ended, where Telethon knows."""
        error: Exception | None = getattr(self, "_updates_error", None)
        return error

    async def begin(self, me: int) -> None:
        """Begin to hear; from now on where the place that is kept is another person's."""
        owner = self.session._execute("select hash from entities where id = 0")  # noqa: SLF001
        if owner is not None and owner[0] != me:
            await self._on_login(await self.get_me())
        self._me = me
        # Telethon's own way of keeping whose file it is.
        self.session._execute("insert or replace into entities (id, hash) values (0, ?)", me)  # noqa: SLF001
        self._keep_place()
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
        self.session.save()

    async def _save_states_and_entities(self) -> None:
        """Keep nothing here: what was not stored yet would count as heard."""

    async def _update_loop(self) -> None:
        await self._may_begin.wait()
        await super()._update_loop()

    async def _preprocess_updates(self, updates: Any, users: Any, chats: Any) -> Any:
        ready = await super()._preprocess_updates(updates, users, chats)
        self._left += len(ready)
        self._note_end()
        return ready

    async def _dispatch_update(self, update: Any) -> None:
        event = None
        try:
            event = await self._read(update)
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

    async def _read(self, update: Any) -> Event | None:
        """Return what an update says about a person; None for what concerns nobody."""
        match update:
            case types.UpdateNewMessage(
                message=types.Message(out=False | None, peer_id=types.PeerUser() as who)
            ):
                one = update.message
                return await self._message(update, who.user_id, one, _attachment(one.media))
            case types.UpdateShortMessage(out=False | None):
                return await self._message(update, update.user_id, update, "")
            case types.UpdateReadHistoryOutbox(peer=types.PeerUser() as who):
                person = await self._person(update, who.user_id, update.max_id)
                names = _names(who.user_id, person)
                number = str(update.max_id)
                return _event(EventKind.SEEN, names, number, datetime.now(UTC), through=True)
            case types.UpdateBotStopped():
                names = _names(update.user_id, _known(update, update.user_id))
                kind = EventKind.UNSUBSCRIBED if update.stopped else EventKind.SUBSCRIBED
                return _event(kind, names, f"stop-{update.qts}", _moment(update.date))
        return None

    async def _message(self, update: Any, user_id: int, message: Any, attachment: str) -> Event | None:
        if user_id in SERVICE_IDS or user_id == self._me:
            return None
        person = await self._person(update, user_id, message.id)
        if person is not None and person.bot:
            return None
        start = _START.fullmatch(message.message or "")
        return _event(
            EventKind.MESSAGE,
            _names(user_id, person),
            str(message.id),
            _moment(message.date),
            text=message.message or "",
            context=start[1] if start else "",
            media=attachment,
            name=" ".join(filter(None, (person.first_name, person.last_name))) if person else "",
        )

    async def _person(self, update: Any, user_id: int, message_id: int) -> Any:
        """Return the person an update speaks of; where it does not say who that is, ask by the message."""
        if (known := _known(update, user_id)) is not None:
            return known
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self(functions.messages.GetMessagesRequest([types.InputMessageID(message_id)]))
        except Exception as error:  # noqa: BLE001 - the number alone tells enough
            log.info("nothing more is known about a person: %s", type(error).__name__)
            return None
        return next((one for one in found.users if one.id == user_id), None)


def _known(update: Any, user_id: int) -> Any:
    person = getattr(update, "_entities", {}).get(user_id)
    return person if isinstance(person, types.User) else None


def _names(user_id: int, person: Any) -> list[str]:
    """Return how the ledger may know a person, the likeliest first: @name, +phone, number."""
    names = []
    if person is not None:
        more = [one.username for one in person.usernames or () if one.active]
        names += [f"@{name.lower()}" for name in (person.username, *more) if name]
        names += [f"+{person.phone.lstrip('+')}"] if person.phone else []
    return [*dict.fromkeys(names), str(user_id)]


def _event(
    kind: EventKind,
    names: list[str],
    remote_id: str,
    at: datetime,
    *,
    text: str = "",
    context: str = "",
    through: bool = False,
    **more: str,
) -> Event:
    raw = {"id": names[-1], "spellings": names} | {key: value for key, value in more.items() if value}
    return Event(kind, names[0], remote_id, at, text=text, context=context, through=through, raw=raw)


def _attachment(media: Any) -> str:
    if media is None:
        return ""
    if isinstance(media, types.MessageMediaDocument):
        if media.voice:
            return "voice"
        attributes = getattr(media.document, "attributes", None) or ()
        if any(isinstance(one, types.DocumentAttributeSticker) for one in attributes):
            return "sticker"
        return "video" if media.video or media.round else "file"
    return next((name for kind, name in _MEDIA if isinstance(media, kind)), "other")


def _moment(date: Any) -> datetime:
    """Return a moment: Telethon gives most dates as moments, and some as seconds."""
    return date if isinstance(date, datetime) else datetime.fromtimestamp(date, UTC)


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
