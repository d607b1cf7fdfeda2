"""What people did, as their messenger tells it: stored once, and applied in the same transaction.

An event may come late, twice, or out of order. Receipts stand in `receipts`; everything else in
`inbound`, so that no message is invisible, whoever wrote it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from vipcast.config import Account
from vipcast.delivery import peers as known_peers
from vipcast.delivery import receipts
from vipcast.errors import InputError
from vipcast.faults import log_unexpected
from vipcast.members.linking import redeem
from vipcast.members.roster import PHONE, mark_address
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import addresses, deliveries, inbound, members, peers

log = logging.getLogger(__name__)

NOT_SUBSCRIBED = "opened the chat, but has not subscribed yet"
UNSUBSCRIBED = "unsubscribed"

# Messengers' clocks differ from ours by moments, and Telegram's has whole seconds.
_CLOCKS_DIFFER = timedelta(seconds=5)
_CODE = re.compile(r"[\w-]{16}", re.ASCII)  # as members.linking makes them
_RETURNS = (EventKind.MESSAGE, EventKind.SUBSCRIBED)  # after these the account may write to the person


@dataclass(frozen=True, slots=True)
class Inbound:
    """One stored message, for people to read."""

    id: int
    at: datetime
    account: str
    messenger: str
    address: str
    member_id: int | None
    member: str
    text: str
    attachment: str  # what kind of thing came with it or instead of a text


@dataclass(frozen=True, slots=True)
class Stored:
    """An event that is in the database now, and whose it is."""

    id: int  # 0 for a receipt: those have a table of their own
    address: str  # in the spelling of our tables
    member_id: int | None
    is_linked: bool = False  # the event brought a code, which tied the address to the member


@dataclass(frozen=True, slots=True)
class _Writer:
    """Who an event is about: the address in the spelling of our tables, and whose it is."""

    address: str
    spellings: tuple[str, ...]
    member_id: int | None


def take(connection: Connection, account: Account, event: Event, now: datetime) -> Stored | None:
    """Store an event and do what it means; return None for one that was there already, or means nothing.

    `Event.raw` may name the person in more ways: `spellings`, and `id`, with which a kept peer begins.
    A fault in applying leaves the event stored: a message is never lost for what was to follow from it.
    """
    if event.kind is EventKind.OTHER:
        return None
    writer = _writer(connection, account, event)
    if event.kind in receipts.KINDS:
        is_new = receipts.keep(connection, account.name, _named(event, writer.address), now)
        return Stored(0, writer.address, writer.member_id) if is_new else None
    number = _store(connection, account, event, writer, now)
    if number is None:
        return None
    # Whoever wrote can be answered.
    known_peers.keep(connection, account.name, writer.address, event.peer, now)
    stored = Stored(number, writer.address, writer.member_id)
    if event.chat:  # what is said among others proves nothing about a private talk
        return stored
    with unharmed(connection, f"inbound {number} was stored, not applied"):
        return _apply(connection, account, event, stored, writer, now)
    return stored


@contextmanager
def unharmed(connection: Connection, words: str) -> Iterator[None]:
    """Undo what is done inside, and only that, where it fails; the log gets `words`, never people's.

    Raises:
        SQLAlchemyError: the database itself failed: then nothing may be kept.

    """
    try:
        with connection.begin_nested():
            yield
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - what was stored before stays, whatever this was
        log_unexpected(log, words, error)


def messages(connection: Connection, *, limit: int) -> list[Inbound]:
    """Return the messages that people wrote, newest first."""
    query = (
        select(inbound, members.c.name)
        .outerjoin(members, members.c.id == inbound.c.member_id)
        .where(inbound.c.kind == EventKind.MESSAGE)
        .order_by(inbound.c.at.desc(), inbound.c.id.desc())
        .limit(limit)
    )
    return [
        Inbound(
            row.id, row.at, row.account, row.messenger, row.address,
            row.member_id, row.name or "", row.text, _attachment(row.raw),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _attachment(raw: Mapping[str, Any]) -> str:
    """Return what came beside the text, as the messenger calls it; empty where there is nothing."""
    message = raw.get("message")
    kind = raw.get("media") or (message.get("type") if isinstance(message, dict) else "")
    return str(kind) if kind and kind != "text" else ""


def writer_of(connection: Connection, account: Account, event: Event) -> tuple[str, int | None]:
    """Return (address in the spelling of our tables, member) of the person whom an event is about."""
    writer = _writer(connection, account, event)
    return writer.address, writer.member_id


def _writer(connection: Connection, account: Account, event: Event) -> _Writer:
    """Find who it is: by what the account resolved once, else by how the messenger names them.

    A receipt tells of what was sent, so it is also known by where that went. Nothing else is: an address
    that was taken from a member is nobody's any more, and must not speak, opt out or come back for them.
    """
    given = event.raw.get("spellings")
    named = [str(one) for one in given] if isinstance(given, (list, tuple)) else []
    spellings = [_plain(one) for one in dict.fromkeys((event.address, *named)) if one]
    if (person := event.raw.get("id")) and given is not None:
        query = select(peers.c.address).where(
            peers.c.account == account.name, peers.c.peer.startswith(f"{person}:", autoescape=True)
        )
        spellings = list(dict.fromkeys((*connection.execute(query).scalars(), *spellings)))
    address, member_id = _owner(connection, account, spellings)
    if member_id is None and event.kind in receipts.KINDS:
        address, member_id = _recipient(connection, account, spellings)
    return _Writer(address or (spellings[0] if spellings else ""), tuple(spellings), member_id)


def _owner(connection: Connection, account: Account, spellings: Sequence[str]) -> tuple[str, int | None]:
    """Return the first spelling that is a member's, on this messenger or as a phone, and whose."""
    query = select(addresses.c.address, addresses.c.member_id).where(
        addresses.c.messenger.in_((account.messenger, PHONE)), addresses.c.address.in_(spellings)
    )
    owners = {row.address: row.member_id for row in connection.execute(query)}
    return next(((one, owners[one]) for one in spellings if one in owners), ("", None))


def _recipient(connection: Connection, account: Account, spellings: Sequence[str]) -> tuple[str, int | None]:
    """Return the first spelling that something was sent to, and to which member the last of it went."""
    query = select(deliveries.c.address, deliveries.c.member_id).where(
        deliveries.c.account == account.name,
        deliveries.c.address.in_(spellings),
        deliveries.c.member_id.is_not(None),
    )
    sent = {row.address: row.member_id for row in connection.execute(query.order_by(deliveries.c.id))}
    return next(((one, sent[one]) for one in spellings if one in sent), ("", None))


def _named(event: Event, address: str) -> Event:
    """Return a receipt with its address in our spelling."""
    return Event(
        event.kind, address, _plain(event.remote_id), event.at, _plain(event.text), through=event.through
    )


def _store(
    connection: Connection, account: Account, event: Event, writer: _Writer, now: datetime
) -> int | None:
    """Write the event down and return its number; None where it stands there already.

    A messenger may begin to count anew, after another login. Then the number is the new message's, with
    which replies and edits name it, and the old one keeps it with its time behind it.
    """
    remote_id = _plain(event.remote_id) or event.at.isoformat()
    person = event.raw.get("id")
    query = select(inbound).where(
        inbound.c.account == account.name,
        inbound.c.kind == event.kind,
        inbound.c.chat == event.chat,
        inbound.c.remote_id.in_((remote_id, _outdated(remote_id, event.at))),
    )
    theirs = [
        row
        for row in connection.execute(query)  # the same person may have been spelled in another way then
        if row.address in writer.spellings or (person and row.raw.get("id") == person)
    ]
    if any(abs(row.at - event.at) <= _CLOCKS_DIFFER or row.text == _plain(event.text) for row in theirs):
        return None
    for row in theirs:
        old = inbound.c.id == row.id
        connection.execute(update(inbound).where(old).values(remote_id=_outdated(remote_id, row.at)))
    try:
        with connection.begin_nested():
            number: int = connection.execute(
                insert(inbound)
                .values(
                    account=account.name,
                    messenger=account.messenger,
                    kind=event.kind,
                    address=writer.address,
                    remote_id=remote_id,
                    at=event.at,
                    recorded_at=now,
                    member_id=writer.member_id,
                    chat=event.chat,
                    reply_to=_plain(event.reply_to),
                    text=_plain(event.text),
                    raw=dict(event.raw),
                )
                .returning(inbound.c.id)
            ).scalar_one()
    except IntegrityError:
        return None
    return number


def _outdated(remote_id: str, at: datetime) -> str:
    """Return the number of a message whose own number is another's now."""
    return f"{remote_id}@{at.isoformat()}"


def _apply(
    connection: Connection, account: Account, event: Event, stored: Stored, writer: _Writer, now: datetime
) -> Stored:
    member_id = stored.member_id
    linked = _link(connection, account, event, writer, now)
    if linked is not None:
        member_id = linked
        _give_to(connection, account, writer, member_id)
    if member_id is None or not writer.address:
        return stored
    if event.kind is EventKind.UNSUBSCRIBED:
        _mark(connection, account, writer, member_id, "opted_out", UNSUBSCRIBED, event.at)
    elif event.kind in _RETURNS or event.raw.get("subscribed") is True:
        _mark_returned(connection, account, writer, event.at)
    elif linked is not None and writer.member_id is None:
        _mark(connection, account, writer, member_id, "unreachable", NOT_SUBSCRIBED, event.at)
    return replace(stored, member_id=member_id, is_linked=linked is not None)


def _link(
    connection: Connection, account: Account, event: Event, writer: _Writer, now: datetime
) -> int | None:
    """Tie the address to the member whose code the person brought; return the member."""
    code = _plain(event.context)
    if not code and event.kind is EventKind.MESSAGE and _CODE.fullmatch(event.text.strip()):
        code = event.text.strip()
    if not code or not writer.address:
        return None
    try:
        with connection.begin_nested():
            return redeem(connection, code, account.messenger, writer.address, now=now)
    except InputError:
        log.warning("%s: a code was brought by somebody who is another member already", account.name)
        return None


def _give_to(connection: Connection, account: Account, writer: _Writer, member_id: int) -> None:
    """Let what the person wrote before they were known be the member's too."""
    connection.execute(
        update(inbound)
        .where(
            inbound.c.account == account.name,
            inbound.c.address == writer.address,
            inbound.c.member_id.is_(None),
        )
        .values(member_id=member_id)
    )


def _mark(
    connection: Connection,
    account: Account,
    writer: _Writer,
    member_id: int,
    state: str,
    reason: str,
    at: datetime,
) -> None:
    """Set the state of an address, unless something later is known of it."""
    known = connection.execute(select(addresses.c.state_at).where(_row_of(account, writer))).scalar()
    if known is None or known <= at + _CLOCKS_DIFFER:
        mark_address(
            connection, member_id, account.messenger, writer.address, state=state, reason=reason, now=at
        )


def _mark_returned(connection: Connection, account: Account, writer: _Writer, at: datetime) -> None:
    """They wrote or subscribed: the address works again."""
    connection.execute(
        update(addresses)
        .where(
            _row_of(account, writer),
            addresses.c.state != "ok",
            or_(addresses.c.state_at.is_(None), addresses.c.state_at <= at + _CLOCKS_DIFFER),
        )
        .values(state="ok", reason="", state_at=at)
    )


def _row_of(account: Account, writer: _Writer) -> Any:
    return and_(addresses.c.messenger == account.messenger, addresses.c.address == writer.address)


def _plain(text: str) -> str:
    """Return text that every database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
