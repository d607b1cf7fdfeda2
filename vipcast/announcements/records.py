"""Announcements in the ledger: planned whole in one transaction, found again, shown, stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from vipcast.announcements.planning import ChatTarget, PlannedDelivery
from vipcast.by_hand import BY_HAND
from vipcast.errors import InputError
from vipcast.messengers.base import Message
from vipcast.storage.tables import announcements, deliveries
from vipcast.storage.tables_chats import chat_readers

INVITATION = (
    "invitation to "  # how the template's name of what brings links into a chat begins; no folder's does
)
UNFINISHED = ("planned", "running", "paused")


@dataclass(frozen=True, slots=True)
class Announcement:
    id: int
    key: str
    template: str
    digest: str
    title: str
    groups: list[str]
    variables: dict[str, str]
    state: str
    state_reason: str
    is_test: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    is_urgent: bool = False
    ends_at: datetime | None = None
    approval: str = ""  # waiting | approved | rejected; empty: none is needed
    approval_by: str = ""
    approval_at: datetime | None = None

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED


def key_of(template: str, groups: Iterable[str], variables: Mapping[str, str]) -> str:
    """Return what makes two sends the same announcement: the template, the groups and the variables."""
    return json.dumps([template, sorted(groups), dict(sorted(variables.items()))], ensure_ascii=False)


def newest(connection: Connection, key: str) -> Announcement | None:
    """Return the latest announcement of a key; `--again` starts another one with a number after the key."""
    query = (
        select(announcements)
        .where(announcements.c.key.startswith(key, autoescape=True), announcements.c.is_test.is_(False))
        .order_by(announcements.c.id.desc())
    )
    for row in connection.execute(query):
        if row.key == key or row.key.startswith(key + "#"):
            return _announcement(row)
    return None


def get(connection: Connection, number: int) -> Announcement:
    """Return an announcement by number.

    Raises:
        InputError: there is none of that number.

    """
    row = connection.execute(select(announcements).where(announcements.c.id == number)).first()
    if row is None:
        raise InputError(f"There is no announcement {number}.", hint="See `vipcast announcement list`.")
    return _announcement(row)


def listed(connection: Connection, *, with_tests: bool = False) -> list[Announcement]:
    """Return all announcements, the latest first."""
    query = select(announcements).order_by(announcements.c.id.desc())
    if not with_tests:
        query = query.where(announcements.c.is_test.is_(False))
    return [_announcement(row) for row in connection.execute(query)]


def create(
    connection: Connection,
    *,
    key: str,
    template: str,
    digest: str,
    title: str,
    groups: Sequence[str],
    variables: Mapping[str, str],
    now: datetime,
    is_test: bool = False,
) -> Announcement:
    number = connection.execute(
        insert(announcements)
        .values(
            key=key,
            template=template,
            digest=digest,
            title=title,
            groups=list(groups),
            variables=dict(variables),
            state="running",
            is_test=is_test,
            created_at=now,
            started_at=now,
        )
        .returning(announcements.c.id)
    ).scalar_one()
    return get(connection, number)


def add_deliveries(
    connection: Connection,
    announcement: Announcement,
    planned: Sequence[PlannedDelivery],
    new_key: Callable[[], int],
    now: datetime,
) -> int:
    """Write the deliveries of those who have none yet; return how many are new and to be sent.

    Who was skipped before is planned anew; whoever has a delivery in any other state keeps it.
    """
    has = deliveries.c.announcement_id == announcement.id
    query = select(deliveries.c.member_id, deliveries.c.group_id, deliveries.c.state).where(has)
    known = {(row.member_id, row.group_id): row.state for row in connection.execute(query)}
    fresh = [p for p in planned if known.get((p.member_id, p.group_id), "skipped") == "skipped"]
    replaced = [p for p in fresh if (p.member_id, p.group_id) in known]
    for column, ids in (
        (deliveries.c.member_id, [p.member_id for p in replaced if p.member]),
        (deliveries.c.group_id, [p.group_id for p in replaced if p.chat]),
    ):
        if ids:
            connection.execute(delete(deliveries).where(has, column.in_(ids)))
    if fresh:
        connection.execute(insert(deliveries), [_row(announcement, p, new_key(), now) for p in fresh])
        _note_people(connection, announcement, [p.chat for p in fresh if p.chat])
    new = sum(p.message is not None for p in fresh)
    if new:
        set_state(connection, announcement.id, "running")
    return new


def _note_people(connection: Connection, announcement: Announcement, chats: Sequence[ChatTarget]) -> None:
    """Write down whom the messages to chats reach; a member without a number there is named by ours."""
    for chat in chats:
        query = select(deliveries.c.id).where(
            deliveries.c.announcement_id == announcement.id, deliveries.c.group_id == chat.group.id
        )
        number = connection.execute(query).scalar_one()
        rows = [
            {"delivery_id": number, "member_id": member_id, "person": person or f"#{member_id}"}
            for member_id, person in chat.people.items()
        ]
        if rows:
            connection.execute(insert(chat_readers), rows)


def with_delivery(connection: Connection, number: int) -> set[tuple[int | None, int | None]]:
    """Return (member, None) or (None, group) of what has a delivery of an announcement.

    One that was skipped may still be planned.
    """
    query = select(deliveries.c.member_id, deliveries.c.group_id).where(
        deliveries.c.announcement_id == number, deliveries.c.state != "skipped"
    )
    return {(row.member_id, row.group_id) for row in connection.execute(query)}


def failed(connection: Connection, number: int) -> tuple[list[int], list[int]]:
    """Return (members, groups) whose delivery, or whose chat's, failed."""
    query = (
        select(deliveries.c.member_id, deliveries.c.group_id)
        .where(deliveries.c.announcement_id == number, deliveries.c.state == "failed")
        .order_by(deliveries.c.id)
    )
    rows = connection.execute(query).all()
    members = [row.member_id for row in rows if row.member_id is not None]
    return members, [row.group_id for row in rows if row.group_id is not None]


def requeue(
    connection: Connection, announcement: Announcement, planned: PlannedDelivery, message_key: int
) -> None:
    """Give a failed delivery, which surely did not arrive, a new way and text."""
    values = _row(announcement, planned, message_key, announcement.created_at)
    for kept in ("announcement_id", "member_id", "group_id", "planned_at"):
        del values[kept]
    if planned.chat is not None:  # others may be there by now
        mine = select(deliveries.c.id).where(
            deliveries.c.announcement_id == announcement.id, deliveries.c.group_id == planned.group_id
        )
        connection.execute(delete(chat_readers).where(chat_readers.c.delivery_id.in_(mine)))
        _note_people(connection, announcement, [planned.chat])
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.announcement_id == announcement.id,
            deliveries.c.group_id == planned.group_id
            if planned.chat
            else deliveries.c.member_id == planned.member_id,
            deliveries.c.state == "failed",
        )
        .values(**values | {"reason": "retry", "code": "", "words": "", "not_before": None, "remote_id": ""})
    )


def set_state(connection: Connection, number: int, state: str, reason: str = "") -> None:
    values: dict[str, object] = {"state": state, "state_reason": reason}
    if state == "running":
        values["finished_at"] = None
    connection.execute(update(announcements).where(announcements.c.id == number).values(**values))


def set_terms(connection: Connection, number: int, *, is_urgent: bool, ends_at: datetime | None) -> None:
    """Say whether limits hold an announcement, and when it ends."""
    connection.execute(
        update(announcements).where(announcements.c.id == number).values(is_urgent=is_urgent, ends_at=ends_at)
    )


def pause_all(connection: Connection, why: str) -> None:
    """Pause what is under way: it goes on when somebody says so."""
    connection.execute(
        update(announcements)
        .where(announcements.c.state.in_(("planned", "running")))
        .values(state="paused", state_reason=why)
    )


def ask(connection: Connection, number: int, why: str) -> None:
    """Let an announcement wait for somebody's yes; nothing of it goes out before."""
    connection.execute(
        update(announcements)
        .where(announcements.c.id == number)
        .values(state="planned", state_reason=why, approval="waiting", started_at=None)
    )


def approved(connection: Connection, now: datetime) -> list[int]:
    """Return the announcements that somebody said yes to and of which something may go out now."""
    is_due = (deliveries.c.not_before.is_(None)) | (deliveries.c.not_before <= now)
    waits = exists().where(
        deliveries.c.announcement_id == announcements.c.id,
        deliveries.c.state == "queued",
        deliveries.c.account != BY_HAND,
        is_due,
    )
    query = select(announcements.c.id).where(
        announcements.c.state == "running", announcements.c.approval == "approved", waits
    )
    return list(connection.execute(query.order_by(announcements.c.id)).scalars())


def decide(connection: Connection, number: int, *, by: str, is_yes: bool, now: datetime) -> Announcement:
    """Approve or reject an announcement that waits for it.

    Raises:
        InputError: it does not.

    """
    one = get(connection, number)
    if one.approval != "waiting":
        said = f"was {one.approval} by {one.approval_by}" if one.approval else "needs no approval"
        raise InputError(f"Announcement {number} {said}.", hint="See `vipcast announcement list`.")
    values = {"approval_by": by, "approval_at": now}
    if is_yes:
        values |= {"approval": "approved", "state": "running", "state_reason": "", "started_at": now}
    else:
        values |= {"approval": "rejected"}
    connection.execute(update(announcements).where(announcements.c.id == number).values(**values))
    _erase_samples(connection, number, now)
    if not is_yes:
        cancel(connection, get(connection, number), now)
    return get(connection, number)


def _erase_samples(connection: Connection, number: int, now: datetime) -> None:
    """Blank what was rendered for a member and shown for approval: nobody needs it any more.

    What is under way keeps its words, for it may have to be sent once more.
    """
    samples = deliveries.c.purpose.startswith(f"approval:{number}:sample:")
    queued = deliveries.c.state == "queued"
    connection.execute(
        update(deliveries)
        .where(samples, queued, deliveries.c.attempts == 0)
        .values(state="skipped", reason="decided", ended_at=now)
    )
    settled = deliveries.c.state.not_in(("queued", "sending", "unknown"))
    connection.execute(update(deliveries).where(samples, settled).values(body=""))


def cancel(connection: Connection, announcement: Announcement, now: datetime) -> int:
    """End an announcement; what was not sent is skipped. Return how many that are."""
    connection.execute(
        update(announcements)
        .where(announcements.c.id == announcement.id)
        .values(state="cancelled", finished_at=now)
    )
    return connection.execute(
        update(deliveries)
        .where(deliveries.c.announcement_id == announcement.id, deliveries.c.state == "queued")
        .values(state="skipped", reason="cancelled", ended_at=now)
    ).rowcount


def texts(connection: Connection, number: int) -> dict[str, str]:
    """Return {language: what the first member of it gets} of an announcement, as it was planned."""
    query = (
        select(deliveries.c.language, deliveries.c.body)
        .where(deliveries.c.announcement_id == number, deliveries.c.body != "")
        .order_by(deliveries.c.id)
    )
    found: dict[str, str] = {}
    for language, body in connection.execute(query):
        if language not in found:
            found[language] = msgspec.json.decode(body, type=Message).text
    return found


def _row(
    announcement: Announcement, planned: PlannedDelivery, message_key: int, now: datetime
) -> dict[str, object]:
    return {
        "announcement_id": announcement.id,
        "member_id": None if announcement.is_test else planned.member_id,
        "group_id": planned.group_id,
        "state": "queued" if planned.message else "skipped",
        "reason": planned.skip,
        "account": planned.account,
        "messenger": planned.messenger,
        "address": planned.address,
        "language": planned.language,
        "body": msgspec.json.encode(planned.message).decode() if planned.message else "",
        "message_key": message_key,
        "planned_at": now,
        "ended_at": None if planned.message else now,
    }


def _announcement(row: Row[tuple[object, ...]]) -> Announcement:
    values = row._mapping  # noqa: SLF001 - a Row's public mapping
    return Announcement(**{name: values[name] for name in Announcement.__dataclass_fields__})
