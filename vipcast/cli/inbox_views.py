"""Conversations for people to read, and the same facts for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from vipcast.cli.result import Result, Table
from vipcast.conversations import history, promises, records
from vipcast.conversations.faq import as_entry
from vipcast.conversations.history import Said
from vipcast.conversations.records import Conversation
from vipcast.delivery import inbound as incoming
from vipcast.members import roster
from vipcast.messengers.base import EventKind
from vipcast.shop import Shop
from vipcast.storage.tables import attachments, deliveries, inbound

_WIDTH = 60


def list_view(shop: Shop, *, with_closed: bool, limit: int) -> Result:
    now = shop.now()
    with shop.database.read() as connection:
        found = records.everything(connection, with_closed=with_closed, limit=limit)
        messages = incoming.messages(connection, limit=limit)
        last = {one.id: _last_words(connection, one.id) for one in found}
        due = {one.id: promises.current(connection, one.id) for one in found}
        stuck = connection.execute(
            select(func.count()).where(
                deliveries.c.kind == "relay", deliveries.c.state.in_(("queued", "failed"))
            )
        ).scalar_one()
    data = [
        conversation_data(one) | {"promised_at": _due_at(shop, due[one.id]), "last_text": last[one.id]}
        for one in found
    ]
    result = {"conversations": data, "messages": messages}
    if not found:
        return Result(result, ["Nobody has written yet. `vipcast listen` receives."])
    rows = [
        (
            one.id,
            _who(one),
            one.messenger,
            _state(shop, one, due[one.id], now),
            one.taken_by,
            _short(last[one.id]),
        )
        for one in found
    ]
    view: list[str | Table] = [Table(("no", "who", "messenger", "state", "taken by", "last words"), rows)]
    if stuck:
        wait = "1 message waits" if stuck == 1 else f"{stuck} messages wait"
        view.append(
            f"{wait} to reach the desk's chat: `vipcast listen` passes them on. See also: vipcast doctor."
        )
    view.append("Read one: vipcast inbox show NO. Answer: vipcast inbox reply NO TEXT.")
    return Result(result, view)


def show_view(shop: Shop, which: str, limit: int) -> Result:
    with shop.database.read() as connection:
        talk = records.find(connection, which)
        said = (
            history.of_member(connection, talk.member_id, talk.id)
            if talk.member_id is not None
            else history.of_conversation(connection, talk.id)
        )
        due = promises.current(connection, talk.id)
    heading = f"#{talk.id} {_who(talk)}, {_state(shop, talk, due, shop.now())}"
    heading += f", with {talk.taken_by}" if talk.taken_by else ""
    data = conversation_data(talk) | {
        "promised_at": _due_at(shop, due),
        "history": said_data(shop, said),
    }
    answer = f"Answer: vipcast inbox reply {talk.id} TEXT"
    return Result(data, [heading, said_table(shop, said[-limit:]), answer])


def history_view(shop: Shop, who: str, limit: int) -> Result:
    with shop.database.read() as connection:
        member = roster.find(connection, who)
        talk = records.of_member(connection, member.id)
        said = history.of_member(connection, member.id, talk.id if talk else None)
    data = {"member": {"id": member.id, "name": member.name}, "history": said_data(shop, said)}
    if not said:
        return Result(data, [f"Nothing was said with {member.name} yet."], exit_code=3)
    more = f"The last {limit} of {len(said)}; all: --limit {len(said)}" if len(said) > limit else ""
    return Result(
        data, [f"{member.name} (#{member.id})", said_table(shop, said[-limit:]), *filter(None, [more])]
    )


def promises_view(shop: Shop, limit: int) -> Result:
    now = shop.now()
    with shop.database.write() as connection:
        promises.settle(connection, shop.hours)
        made = promises.everything(connection, limit=limit)
        counts = promises.counts(connection, now)
    data = [
        asdict(one)
        | {
            "state": one.standing(now),
            "due_at": _local(shop, one.due_at),
            "made_at": _local(shop, one.made_at),
        }
        for one in made
    ]
    if not made:
        return Result({"promises": [], "counts": counts}, ["No answer was promised yet."])
    rows = [
        (one.conversation_id, one.name, one.standing(now), shop.local(one.due_at), shop.local(one.settled_at))
        for one in made
    ]
    summary = ", ".join(f"{number} {state}" for state, number in counts.items())
    return Result(
        {"promises": data, "counts": counts},
        [Table(("no", "who", "state", "promised by", "settled"), rows), f"{summary}."],
    )


def unanswered_view(shop: Shop, limit: int) -> Result:
    """List questions that went to a person, the newest first, each as an entry to paste."""
    query = (
        select(inbound.c.text, inbound.c.at, inbound.c.conversation_id)
        .where(
            inbound.c.handling == "question",
            inbound.c.text != "",
            inbound.c.kind == EventKind.MESSAGE,
            inbound.c.id.not_in(select(attachments.c.inbound_id)),
        )
        .order_by(inbound.c.id.desc())
        .limit(limit)
    )
    with shop.database.read() as connection:
        rows = connection.execute(query).all()
    data = [
        {
            "text": row.text,
            "at": _local(shop, row.at),
            "conversation": row.conversation_id,
            "entry": as_entry(row.text),
        }
        for row in rows
    ]
    if not rows:
        return Result({"unanswered": []}, ["The FAQ missed nothing so far."])
    table = Table(
        ("when", "no", "question"), [(shop.local(r.at), r.conversation_id, _short(r.text)) for r in rows]
    )
    entries = "\n".join(str(one["entry"]) for one in data)
    return Result(
        {"unanswered": data},
        [
            table,
            "\nAs entries for templates/replies/faq.LANGUAGE.toml, once the answers are written:\n",
            entries,
        ],
    )


def conversation_data(talk: Conversation) -> dict[str, Any]:
    return asdict(talk) | {"is_linked": talk.is_linked}


def said_data(shop: Shop, said: list[Said]) -> list[dict[str, Any]]:
    return [asdict(one) | {"at": _local(shop, one.at)} for one in said]


def said_table(shop: Shop, said: list[Said]) -> Table:
    rows = [(shop.local(one.at), _speaker(one), one.messenger, one.state, _words(one)) for one in said]
    return Table(("when", "who", "messenger", "state", "words"), rows)


def _speaker(one: Said) -> str:
    if one.speaker == "member":
        return "member"
    if one.speaker == "person":
        return one.who
    return one.about if one.speaker == "note" else one.speaker


def _words(one: Said) -> str:
    parts = [f"[{name}]" for name in one.attachments]
    if one.speaker == "announcement":
        parts.append(f"{one.about}:")
    return _short(" ".join(filter(None, (*parts, one.text))))


def _last_words(connection: Any, number: int) -> str:
    query = (
        select(inbound.c.text)
        .where(
            inbound.c.conversation_id == number,
            inbound.c.kind == EventKind.MESSAGE,
            inbound.c.handling.not_in(history.AT_THE_DESK),
        )
        .order_by(inbound.c.id.desc())
    )
    return str(connection.execute(query.limit(1)).scalar() or "")


def _who(talk: Conversation) -> str:
    return talk.name if talk.is_linked else f"{talk.label} (no member)"


def _state(shop: Shop, talk: Conversation, due: promises.Made | None, now: datetime) -> str:
    if due is not None:
        return f"{due.standing(now)} {shop.local(due.due_at)}"
    if talk.waiting_since is not None:
        return f"waits since {shop.local(talk.waiting_since)}"
    return "closed" if talk.closed_at is not None else "answered" if talk.answered_at else "nothing waits"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _due_at(shop: Shop, due: promises.Made | None) -> datetime | None:
    return _local(shop, due.due_at) if due else None


def _local(shop: Shop, moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(shop.zone)
