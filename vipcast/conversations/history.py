"""Everything that was said with one person, over all messengers, in the order of time and told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, or_, select

from vipcast.conversations import attachments
from vipcast.delivery.outcomes import state_for_one
from vipcast.delivery.talk import Kind, body_of
from vipcast.messengers.base import EventKind
from vipcast.storage.tables import announcements, consents, deliveries, inbound, notes
from vipcast.storage.tables_chats import chat_readers

# Who speaks: the member, vipcast by itself, a person of the shop, or nobody (something happened).
Speaker = Literal["member", "announcement", "automatic", "person", "note", "event"]

_SPEAKERS: dict[str, Speaker] = {
    Kind.ANNOUNCEMENT: "announcement",
    Kind.ANSWER: "person",
    Kind.AUTOMATIC: "automatic",
}
AT_THE_DESK = (
    "answer",
    "command",
    "hint",
    "ignored",
    "approval",
)  # colleagues' words; an answer is shown as it was sent
_DOINGS = {
    EventKind.SUBSCRIBED: "subscribed",
    EventKind.UNSUBSCRIBED: "unsubscribed, or blocked the account",
    EventKind.STARTED: "opened the chat",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said, or happened; `state` is a delivery's, empty where it came in."""

    at: datetime
    speaker: Speaker
    who: str
    messenger: str
    account: str
    text: str
    state: str = ""
    reason: str = ""
    about: str = ""  # the announcement's title, the kind of a note, what was done about a message
    attachments: tuple[str, ...] = ()


def of_conversation(connection: Connection, number: int) -> list[Said]:
    """Return what was said in a conversation that is not tied to a member."""
    found = [
        *_inbound(connection, inbound.c.conversation_id == number),
        *_outbound(connection, deliveries.c.conversation_id == number),
        *_notes(connection, number),
    ]
    return sorted(found, key=lambda one: one.at)


def of_member(connection: Connection, member_id: int, conversation_id: int | None) -> list[Said]:
    """Return what was said with a member, consent included, and announcements: also in a chat they are in."""
    in_chats = select(chat_readers.c.delivery_id, chat_readers.c.seen_at).where(
        chat_readers.c.member_id == member_id
    )
    seen = {row.delivery_id: row.seen_at for row in connection.execute(in_chats)}
    mine = or_(deliveries.c.member_id == member_id, deliveries.c.id.in_(list(seen)))
    found = [
        *_inbound(connection, inbound.c.member_id == member_id),
        *_outbound(connection, mine, seen),
        *_consents(connection, member_id),
        *(_notes(connection, conversation_id) if conversation_id is not None else ()),
    ]
    return sorted(found, key=lambda one: one.at)


def _inbound(connection: Connection, mine: ColumnElement[bool]) -> list[Said]:
    query = select(inbound).where(mine, inbound.c.handling.not_in(AT_THE_DESK))
    return [
        Said(
            at=row.at,
            speaker="member" if row.kind in (EventKind.MESSAGE, EventKind.EDITED) else "event",
            who=str(row.raw.get("name") or row.address),
            messenger=row.messenger,
            account=row.account,
            text=row.text or _DOINGS.get(row.kind, ""),
            about="changed an earlier message" if row.kind == EventKind.EDITED else row.handling,
            attachments=tuple(_label(one) for one in attachments.of(connection, row.id)),
        )
        for row in connection.execute(query).all()
        if row.kind in (EventKind.MESSAGE, EventKind.EDITED, *_DOINGS)
    ]


def _outbound(
    connection: Connection, mine: ColumnElement[bool], seen: Mapping[int, datetime | None] | None = None
) -> list[Said]:
    """Return what went out; `seen` has when one member saw what went to a chat, by delivery."""
    query = (
        select(deliveries, announcements.c.title, announcements.c.template, announcements.c.is_test)
        .outerjoin(announcements, announcements.c.id == deliveries.c.announcement_id)
        .where(mine, deliveries.c.kind.in_(_SPEAKERS))
    )
    return [_sent(row, seen or {}) for row in connection.execute(query) if not row.is_test]


def _sent(row: Any, seen: Mapping[int, datetime | None]) -> Said:
    message = body_of(row.body)
    state = state_for_one(row.state, seen[row.id]) if row.id in seen else row.state
    return Said(
        at=row.sent_at or row.sending_at or row.planned_at,
        speaker=_SPEAKERS[row.kind],
        who=row.author or row.account,
        messenger=row.messenger,
        account=row.account,
        text=message.text,
        state=state,
        reason=row.reason,
        about=row.title or row.template or "",
        attachments=tuple(f"{one.kind} {one.name}".strip() for one in message.media),
    )


def _notes(connection: Connection, number: int) -> list[Said]:
    rows = connection.execute(select(notes).where(notes.c.conversation_id == number))
    return [Said(row.at, "note", row.author, "", "", row.text, about=row.kind) for row in rows]


def _consents(connection: Connection, member_id: int) -> list[Said]:
    query = select(consents).where(consents.c.member_id == member_id)
    return [
        Said(
            row.at, "event", "", "", "",
            f"{'opted in' if row.event == 'opt_in' else 'opted out'}: {row.source}", about="consent",
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _label(one: attachments.Kept) -> str:
    words = one.name or one.words
    return " ".join(filter(None, (one.kind, words, f"({one.reason})" if one.reason else "")))
