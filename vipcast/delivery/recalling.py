"""Taking an announcement back, or putting another text in its place, where the messenger can.

What is to be done is `wanted` on disk before the first request, and each result is committed before the
next request. A request may be repeated without harm, so the same command goes on after any end:

    '' → wanted → done      taken back, or edited
               ↘ failed     refused; tried again when it is asked for again
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Row, and_, case, select, update

from vipcast.announcements.planning import Route
from vipcast.by_hand import BY_HAND
from vipcast.clock import Clock
from vipcast.delivery.lease import Lease, acquire, renew
from vipcast.delivery.ledger import clear_stop, current_pause
from vipcast.delivery.outcomes import ARRIVED, Outcome, State
from vipcast.delivery.pacing import Bucket, rate_for
from vipcast.delivery.recording import record
from vipcast.delivery.sender import STOPPED_HINTS, Ended
from vipcast.errors import InputError, Locked, SetupMissing, VipcastError
from vipcast.messengers.base import (
    AccountProblem,
    LoginLost,
    Message,
    Messenger,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unreachable,
)
from vipcast.storage.database import Database
from vipcast.storage.tables import accounts, deliveries, groups, members, peers

log = logging.getLogger(__name__)

TAKEN_BACK = "taken back"
EDITED = "edited"
_CONCERNED = (*ARRIVED, State.UNKNOWN, State.SENDING, State.QUEUED)


class Deed(enum.StrEnum):
    """What is done to a sent message; the words of `Capabilities.recalls`."""

    DELETE = "delete"
    EDIT = "edit"

    @property
    def past(self) -> str:
        """What is written down once it is done."""
        return TAKEN_BACK if self is Deed.DELETE else EDITED


class Mark(enum.StrEnum):
    """How far a delivery's recall is; empty where nobody asked for one."""

    NONE = ""
    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery of an announcement. `words` are the deed's while it is wanted, else what came of it."""

    id: int
    member_id: int | None
    group_id: int | None  # whose chat got it
    member: str
    state: State
    account: str
    messenger: str
    address: str
    peer: str
    remote_id: str
    body: str
    mark: Mark
    words: str
    at: datetime | None

    @property
    def is_gone(self) -> bool:
        return self.mark is Mark.DONE and self.words == TAKEN_BACK

    @property
    def message(self) -> Message:
        return msgspec.json.decode(self.body, type=Message)


@dataclass(frozen=True, slots=True)
class Work:
    """What is marked; `messages` has each item's new one, where they are edited."""

    deed: Deed
    items: Sequence[Item]
    messages: Mapping[int, Message]
    stop: asyncio.Event
    on_step: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Halt:
    """An account that did not come to its end, and why; what is left stays wanted."""

    account: str
    ended: Ended
    words: str = ""
    hint: str = ""
    resumes_at: datetime | None = None


def survey(connection: Connection, number: int, member_ids: Sequence[int] = ()) -> list[Item]:
    """Return what left, may have left or is yet to leave of an announcement; of all members, or these."""
    query = (
        select(deliveries, members.c.name.label("member"), groups.c.name.label("group"), peers.c.peer)
        .outerjoin(members, members.c.id == deliveries.c.member_id)
        .outerjoin(groups, groups.c.id == deliveries.c.group_id)
        .outerjoin(
            peers, and_(peers.c.account == deliveries.c.account, peers.c.address == deliveries.c.address)
        )
        .where(deliveries.c.announcement_id == number, deliveries.c.state.in_(_CONCERNED))
        .order_by(deliveries.c.id)
    )
    if member_ids:
        query = query.where(deliveries.c.member_id.in_(member_ids))
    return [_item(row) for row in connection.execute(query)]


def mark(connection: Connection, items: Iterable[Item], deed: Deed) -> None:
    """Write down what is wanted; what was taken back meanwhile stays so."""
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id.in_([one.id for one in items]),
            deliveries.c.state.in_(ARRIVED),
            ~and_(deliveries.c.recall == Mark.DONE, deliveries.c.recall_words == TAKEN_BACK),
        )
        .values(recall=Mark.WANTED, recall_words=str(deed))
    )


@dataclass(slots=True)
class Recaller:
    """Opens accounts through `opener`, which knows the concrete messengers."""

    database: Database
    clock: Clock
    locks: Path
    opener: Callable[[str], Messenger]

    def route(self, account: str) -> Route:
        """Return an account with what it can do, without opening it.

        Raises:
            InputError, SetupMissing: it is no longer in vipcast.toml, or lacks its secrets.

        """
        messenger = self.opener(account)
        return Route(messenger.account, messenger.capabilities_of(messenger.account))

    def obstacle(self, item: Item, deed: Deed) -> str:
        """Return why this cannot be done to a delivery that was sent, in words; empty where it can."""
        if item.member_id is None and item.group_id is None:
            return "the member was forgotten"
        if item.account == BY_HAND:
            return "it was posted by hand: do it in the app"
        try:
            route = self.route(item.account)
        except VipcastError as error:
            return error.message
        if route.account.messenger != item.messenger:
            return f"the account {item.account} is on {route.account.messenger} now"
        if deed not in route.capabilities.recalls:
            verb = "take a message back" if deed is Deed.DELETE else "change a message"
            return f"{item.messenger.capitalize()} has no way to {verb}"
        return "" if item.remote_id else f"{item.messenger.capitalize()} gave no number for it"

    async def run(self, work: Work) -> list[Halt]:
        """Do what is marked, the accounts side by side; return those that did not come to their end.

        Raises:
            StorageError: a result could not be written; it is still wanted.

        """
        names = dict.fromkeys(one.account for one in work.items)
        return [halt for halt in await asyncio.gather(*(self._account(one, work) for one in names)) if halt]

    async def _account(self, name: str, work: Work) -> Halt | None:
        try:
            with acquire(self.database, self.locks, name, self.clock) as lease:
                if halt := self._must_wait(name):
                    return halt
                messenger = self.opener(name)
                try:
                    await messenger.open()
                    with self.database.write() as connection:
                        clear_stop(connection, name, code="login")
                    return await self._all(lease, messenger, work)
                finally:
                    await messenger.close()
        except Locked as error:
            return Halt(name, Ended.LOCKED, error.message, error.hint)
        except (SendError, SetupMissing, InputError) as error:
            return self._halted(name, error)

    async def _all(self, lease: Lease, messenger: Messenger, work: Work) -> Halt | None:
        rate = rate_for(messenger.account, messenger.capabilities_of(messenger.account).rate)
        bucket = Bucket(rate, self.clock.now())
        for item in work.items:
            if item.account != lease.account:
                continue
            await self._pace(bucket, work.stop)
            if work.stop.is_set():
                return Halt(lease.account, Ended.STOPPED)
            message = work.messages[item.id] if work.deed is Deed.EDIT else None
            came, words = await self._try(messenger, item, message)
            self._write(lease, item, came, words, message)
            work.on_step()
        return None

    async def _try(self, messenger: Messenger, item: Item, message: Message | None) -> tuple[Mark, str]:
        """Take one back, or edit it; return what came of it.

        Raises:
            SendError: whatever stops the whole account; it is not known whether it was done.

        """
        try:
            if message is not None:
                await messenger.edit(item.address, item.peer, item.remote_id, message)
                return Mark.DONE, EDITED
            parts = max(1, len(item.message.media))  # an album is one message for each
            await messenger.take_back(item.address, item.peer, item.remote_id, parts=parts)
        except (Throttled, AccountProblem, Unreachable, OutcomeUnknown):
            raise
        except SendError as error:
            return Mark.FAILED, error.words
        except Exception as error:
            log.exception("recalling delivery %s", item.id)
            return Mark.FAILED, f"unexpected {type(error).__name__}"
        return Mark.DONE, TAKEN_BACK

    def _write(self, lease: Lease, item: Item, came: Mark, words: str, message: Message | None) -> None:
        now = self.clock.now()
        values: dict[str, object] = {"recall": came, "recalled_at": now}
        # A person who was forgotten meanwhile leaves no words and no text.
        is_forgotten = and_(deliveries.c.member_id.is_(None), deliveries.c.group_id.is_(None))
        values["recall_words"] = case((is_forgotten, ""), else_=words) if came is Mark.FAILED else words
        if came is Mark.DONE and message is not None:
            values["body"] = case((is_forgotten, ""), else_=msgspec.json.encode(message).decode())
        with self.database.write() as connection:
            renew(connection, lease, now)
            mine = and_(deliveries.c.id == item.id, deliveries.c.recall == Mark.WANTED)
            connection.execute(update(deliveries).where(mine).values(**values))

    async def _pace(self, bucket: Bucket, stop: asyncio.Event) -> None:
        while not bucket.available(self.clock.now()) and not stop.is_set():
            try:
                async with asyncio.timeout(max(bucket.wait_seconds(), 0.001)):
                    await stop.wait()
            except TimeoutError:
                continue
        bucket.take(1)

    def _must_wait(self, name: str) -> Halt | None:
        """Return why an account need not even be opened: limited by the messenger, or in a pause."""
        with self.database.write() as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).one()
            until = current_pause(connection, row, self.clock.now())
        if row.stopped_code == "limited":
            return Halt(name, Ended.ACCOUNT, row.stopped_reason, STOPPED_HINTS["limited"].format(name=name))
        return Halt(name, Ended.WAITING, "the messenger asked for a pause", "", until) if until else None

    def _halted(self, name: str, error: VipcastError) -> Halt:
        """Keep what stopped an account where everything that sends will see it."""
        now = self.clock.now()
        outcome = Outcome(0, "", State.QUEUED, now)
        match error:
            case Throttled():
                until = now + timedelta(seconds=error.retry_after)
                outcome = replace(outcome, pause_until=until if error.whole_account else None)
                halt = Halt(name, Ended.WAITING, error.words, "", until)
            case AccountProblem():
                is_lost = isinstance(error, LoginLost)
                outcome = replace(outcome, account_problem=error.message, is_login_lost=is_lost)
                halt = Halt(name, Ended.ACCOUNT, error.message, error.hint)
            case SendError():
                halt = Halt(name, Ended.NETWORK, error.words)
            case _:
                halt = Halt(name, Ended.ACCOUNT, error.message, error.hint)
        with self.database.write() as connection:
            record(connection, name, [outcome], now)
        return halt


def _item(row: Row[tuple[object, ...]]) -> Item:
    values = row._mapping  # noqa: SLF001 - a Row's public mapping
    return Item(
        id=values["id"],
        member_id=values["member_id"],
        group_id=values["group_id"],
        member=f"the chat of {values['group']}" if values["group"] else values["member"] or "",
        state=State(values["state"]),
        account=values["account"],
        messenger=values["messenger"],
        address=values["address"],
        peer=values["peer"] or "",
        remote_id=values["remote_id"],
        body=values["body"],
        mark=Mark(values["recall"]),
        words=values["recall_words"],
        at=values["recalled_at"],
    )
