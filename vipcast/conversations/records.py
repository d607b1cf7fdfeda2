"""Conversations as rows: finding, opening, tying to a member, taking, closing.

A member has one conversation over all messengers. Somebody whom the shop does not know has one for each
address, until `tie` gives it to a member.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from vipcast.config import Account
from vipcast.conversations import answers
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
    values: dict[str, Any] = {"account": account.name, "messenger": account.messenger, "address": address}
    values["heard_at"] = min(at, now)
    values |= {key: value for key, value in (("name", name), ("language", language)) if value}
    known = of_member(connection, member_id) if member_id is not None else None
    stranger = of_address(connection, account.messenger, address)
    if stranger is not None and member_id is not None:  # they are known by now
        _give(connection, stranger, member_id)
        if known is None:
            values["member_id"] = member_id
        else:
            _merge(connection, stranger, known)
    known = known or stranger
    if known is None:
        number = connection.execute(
            insert(conversations)
            .values(member_id=member_id, opened_at=now, **values)
            .returning(conversations.c.id)
        ).scalar_one()
        return get(connection, number)
    if known.address and at < known.heard_at <= now:  # it came late: they have written since, maybe elsewhere
        for key in ("account", "messenger", "address", "heard_at"):
            del values[key]
    if values:
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
    """Return the conversation that `text` names: its number, the address, or the member it is with.

    Raises:
        InputError: there is none.

    """
    number = text.strip().removeprefix("#")
    is_number = number.isdecimal() and len(number) < 10  # noqa: PLR2004 - shorter than any phone number
    if is_number:
        row = connection.execute(_query().where(conversations.c.id == int(number))).first()
        if row is not None:
            return _made(row)
    # A messenger's number of a person may be as short.
    named = select(conversations.c.id).where(conversations.c.address == text.strip())
    if (found := connection.execute(named.order_by(conversations.c.id.desc())).scalar()) is not None:
        return get(connection, found)
    if is_number:
        raise InputError(
            f"There is no conversation {number}.", hint="See `vipcast inbox list --all`.", where=text
        )
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
    _give(connection, talk, member.id)
    known = of_member(connection, member.id)
    if known is None:
        change(connection, talk.id, member_id=member.id)
        return get(connection, talk.id)
    values: dict[str, Any] = {"heard_at": max(known.heard_at, talk.heard_at)}
    if known.heard_at <= talk.heard_at or not known.address:
        values |= {"account": talk.account, "messenger": talk.messenger, "address": talk.address}
    _merge(connection, talk, known)
    change(connection, known.id, closed_at=None, **values)
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


def _give(connection: Connection, talk: Conversation, member_id: int) -> None:
    """Let what was said with somebody unknown be the member's."""
    for table in (inbound, deliveries):
        mine = (table.c.conversation_id == talk.id, table.c.address == talk.address)
        connection.execute(update(table).where(*mine).values(member_id=member_id))


def _merge(connection: Connection, old: Conversation, new: Conversation) -> None:
    """Make two conversations one; what waits in either goes on waiting.

    What was answered is settled first. From then on an answer in one must not count for a question of the
    other, so what waits does so since after the last of them.
    """
    old, new = _settled(connection, old), _settled(connection, new)
    since = min(filter(None, (old.waiting_since, new.waiting_since)), default=None)
    if since is not None:
        others = (talk for talk, other in ((old, new), (new, old)) if other.waiting_since is not None)
        answered = (answers.nothing_before(connection, talk.id) for talk in others)
        since = max(filter(None, (since, *answered)))
    for table in (inbound, deliveries, notes, promises):
        mine = table.c.conversation_id == old.id
        connection.execute(update(table).where(mine).values(conversation_id=new.id))
    connection.execute(delete(conversations).where(conversations.c.id == old.id))
    values: dict[str, Any] = {
        "waiting_since": since,
        "answered_at": max(filter(None, (old.answered_at, new.answered_at)), default=None),
        "wants_person": old.wants_person or new.wants_person,
        "taken_by": new.taken_by or old.taken_by,
    }
    if since is not None:
        values["closed_at"] = None
    change(connection, new.id, **values)


def _settled(connection: Connection, talk: Conversation) -> Conversation:
    """Settle what was answered of one conversation, and return it as it is then.

    Where a question came in after the answer, the promise stays open for it: no other was told to them.
    """
    since = talk.waiting_since
    while since is not None and (found := answers.first(connection, talk.id, since)) is not None:
        written_at, answered_at = found
        since = answers.next_question(connection, talk.id, written_at)
        if since is None:
            answers.settle_promises(connection, talk.id, answered_at)
        change(connection, talk.id, waiting_since=since, answered_at=answered_at)
    return get(connection, talk.id)


def _query() -> Select[Any]:
    return select(
        conversations, func.coalesce(members.c.name, conversations.c.name).label("called")
    ).outerjoin(members, members.c.id == conversations.c.member_id)


def _made(row: Any) -> Conversation:
    names = [name for name in Conversation.__dataclass_fields__ if name != "name"]
    return Conversation(name=row.called, **{name: row._mapping[name] for name in names})  # noqa: SLF001
