"""Conversations as rows: finding, opening, tying to a member, taking, closing.

A member has one conversation over all messengers. Somebody whom the shop does not know has one for each
address, until `tie` gives it to a member.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from vipcast.config import Account
from vipcast.errors import InputError
from vipcast.members import roster
from vipcast.members.roster import Member
from vipcast.storage.tables import conversations, deliveries, inbound, members, notes, promises


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person's talk with the shop; `account` and `address` are where they wrote last."""

    id: int
    member_id: int | None
    name: str  # the member's, else what the messenger calls them
    account: str
    messenger: str
    address: str
    language: str
    opened_at: datetime
    heard_at: datetime
    waiting_since: datetime | None
    wants_person: bool
    answered_at: datetime | None
    taken_by: str
    closed_at: datetime | None

    @property
    def is_linked(self) -> bool:
        return self.member_id is not None

    @property
    def label(self) -> str:
        """How people call it."""
        return self.name or self.address


def hear(
    connection: Connection,
    account: Account,
    address: str,
    member_id: int | None,
    *,
    name: str,
    language: str,
    at: datetime,
    now: datetime,
) -> Conversation:
    """Return the conversation of whoever wrote, opened where there is none; answers go where they wrote."""
    values = {"account": account.name, "messenger": account.messenger, "address": address, "heard_at": at}
    values |= {key: value for key, value in (("name", name), ("language", language)) if value}
    known = of_member(connection, member_id) if member_id is not None else None
    stranger = of_address(connection, account.messenger, address)
    if known is None and stranger is not None and member_id is not None:
        values["member_id"] = member_id  # they are known by now
        known = stranger
    elif known is not None and stranger is not None:
        _merge(connection, stranger.id, known.id)
    known = known or stranger
    if known is None:
        number = connection.execute(
            insert(conversations)
            .values(member_id=member_id, opened_at=now, **values)
            .returning(conversations.c.id)
        ).scalar_one()
        return get(connection, number)
    if known.heard_at > at:
        del values["heard_at"]
    change(connection, known.id, **values)
    return get(connection, known.id)


def change(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(conversations).where(conversations.c.id == number).values(**values))


def get(connection: Connection, number: int) -> Conversation:
    return _made(connection.execute(_query().where(conversations.c.id == number)).one())


def of_member(connection: Connection, member_id: int) -> Conversation | None:
    row = connection.execute(_query().where(conversations.c.member_id == member_id)).first()
    return _made(row) if row else None


def of_address(connection: Connection, messenger: str, address: str) -> Conversation | None:
    """Return the conversation of somebody who is no member yet."""
    row = connection.execute(
        _query().where(
            conversations.c.member_id.is_(None),
            conversations.c.messenger == messenger,
            conversations.c.address == address,
        )
    ).first()
    return _made(row) if row else None


def at_address(connection: Connection, account: str, address: str) -> Conversation | None:
    """Return the conversation that goes on over an account at an address, whoever it is with."""
    mine = and_(conversations.c.account == account, conversations.c.address == address)
    row = connection.execute(_query().where(mine).order_by(conversations.c.id.desc())).first()
    return _made(row) if row else None


def everything(connection: Connection, *, with_closed: bool, limit: int) -> list[Conversation]:
    """Return conversations: those that wait first, the longest waiting at the top, then the latest."""
    query = _query().order_by(
        conversations.c.waiting_since.is_(None),
        conversations.c.waiting_since,
        conversations.c.heard_at.desc(),
        conversations.c.id.desc(),
    )
    if not with_closed:
        query = query.where(conversations.c.closed_at.is_(None))
    return [_made(row) for row in connection.execute(query.limit(limit))]


def find(connection: Connection, text: str) -> Conversation:
    """Return the conversation that `text` names: its number, or the member it is with.

    Raises:
        InputError: there is none.

    """
    number = text.strip().removeprefix("#")
    if number.isdecimal() and len(number) < 10:  # noqa: PLR2004 - shorter than any phone number
        row = connection.execute(_query().where(conversations.c.id == int(number))).first()
        if row is not None:
            return _made(row)
        raise InputError(
            f"There is no conversation {number}.", hint="See `vipcast inbox list --all`.", where=text
        )
    named = select(conversations.c.id).where(conversations.c.address == text.strip())
    if (found := connection.execute(named).scalar()) is not None:
        return get(connection, found)
    member = roster.find(connection, text)
    if (known := of_member(connection, member.id)) is not None:
        return known
    raise InputError(
        f"{member.name} has not written yet.",
        hint=f"What was said to them so far: vipcast history '#{member.id}'",
        where=text,
    )


def of(connection: Connection, member: Member, account: Account | None, now: datetime) -> Conversation:
    """Return a member's conversation, opened by hand where they have not written: for notes and calls."""
    if (known := of_member(connection, member.id)) is not None:
        return known
    number = connection.execute(
        insert(conversations)
        .values(
            member_id=member.id,
            account=account.name if account else "",
            messenger=account.messenger if account else "",
            address="",
            opened_at=now,
            heard_at=now,
        )
        .returning(conversations.c.id)
    ).scalar_one()
    return get(connection, number)


def tie(connection: Connection, talk: Conversation, member: Member) -> Conversation:
    """Give an unlinked conversation, and the address behind it, to a member; return the member's.

    Raises:
        InputError: it is somebody's already, or the address is.

    """
    if talk.member_id is not None:
        raise InputError(
            f"Conversation {talk.id} is {talk.name}'s already.",
            hint=f"If that is wrong: vipcast member edit '#{talk.member_id}' --remove {talk.address}",
        )
    roster.add_address(connection, member.id, talk.messenger, talk.address)
    mine = inbound.c.conversation_id == talk.id
    connection.execute(update(inbound).where(mine).values(member_id=member.id))
    theirs = (deliveries.c.conversation_id == talk.id, deliveries.c.address == talk.address)
    connection.execute(update(deliveries).where(*theirs).values(member_id=member.id))
    known = of_member(connection, member.id)
    if known is None:
        change(connection, talk.id, member_id=member.id)
        return get(connection, talk.id)
    values: dict[str, Any] = {"heard_at": max(known.heard_at, talk.heard_at), "closed_at": None}
    if known.heard_at <= talk.heard_at:
        values |= {"account": talk.account, "messenger": talk.messenger, "address": talk.address}
    waits = [at for at in (known.waiting_since, talk.waiting_since) if at]
    change(connection, known.id, waiting_since=min(waits, default=None), **values)
    _merge(connection, talk.id, known.id)
    return get(connection, known.id)


def note(
    connection: Connection,
    talk: Conversation,
    kind: str,
    text: str,
    *,
    at: datetime,
    author: str,
    now: datetime,
) -> None:
    """Write down a note, a phone call or a shop visit; `kind` is note, call or visit."""
    connection.execute(
        insert(notes).values(
            conversation_id=talk.id, kind=kind, at=at, author=author, text=text, recorded_at=now
        )
    )


def close(connection: Connection, talk: Conversation, now: datetime) -> None:
    """End it: nobody at the desk has it any more, and nothing waits."""
    change(connection, talk.id, closed_at=now, waiting_since=None, taken_by="", wants_person=False)


def _merge(connection: Connection, old: int, new: int) -> None:
    for table in (inbound, deliveries, notes, promises):
        mine = table.c.conversation_id == old
        connection.execute(update(table).where(mine).values(conversation_id=new))
    connection.execute(delete(conversations).where(conversations.c.id == old))


def _query() -> Select[Any]:
    return select(
        conversations, func.coalesce(members.c.name, conversations.c.name).label("called")
    ).outerjoin(members, members.c.id == conversations.c.member_id)


def _made(row: Any) -> Conversation:
    names = [name for name in Conversation.__dataclass_fields__ if name != "name"]
    return Conversation(name=row.called, **{name: row._mapping[name] for name in names})  # noqa: SLF001
