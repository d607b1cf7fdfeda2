"""Talk in a group's chat where members may write: questions go private, complaints to the desk at once.

Nothing in the group but one quiet pointer to the support account, once an hour at most, so that nobody is
disturbed; the person is answered privately where the messenger lets the account write to them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from vipcast.config import Account
from vipcast.conversations import attachments, records, words
from vipcast.conversations.desk import Desk
from vipcast.conversations.handover import hand_over
from vipcast.conversations.setting import Setting
from vipcast.conversations.voice import Voice
from vipcast.delivery.inbound import Stored
from vipcast.delivery.talk import Kind, Saying, say
from vipcast.messengers.base import Event, EventKind, Message
from vipcast.storage.tables import deliveries, groups, inbound

_POINTS_ONCE_IN = timedelta(hours=1)


def of(connection: Connection, account: Account, chat: str) -> Row[Any] | None:
    """Return the group that a chat belongs to; None for any other chat."""
    query = select(groups).where(
        groups.c.chat_account == account.name, groups.c.chat == chat, groups.c.closed_at.is_(None)
    )
    return connection.execute(query).first()


def hear(
    connection: Connection,
    setting: Setting,
    group: Row[Any],
    account: Account,
    event: Event,
    stored: Stored,
    now: datetime,
) -> str:
    """Do what a message in a group's chat asks for; return the word for it."""
    if event.kind is not EventKind.MESSAGE or event.raw.get("is_own") or event.is_automatic:
        return "group"
    if stored.address == event.chat:  # said in the group's own name: there is nobody to talk with privately
        return "group"
    is_complaint = words.is_complaint(event.text)
    if not is_complaint and not words.is_question(event.text):
        return "group"
    before = records.of_member(connection, stored.member_id) if stored.member_id is not None else None
    talk = records.hear(
        connection, account, stored.address, stored.member_id,
        name=event.name, language=event.language, at=event.at, now=now,
    )  # fmt: skip
    if before is not None and before.address:  # what is said in a group moves no private talk
        place = {"account": before.account, "messenger": before.messenger, "address": before.address}
        records.change(connection, talk.id, **place)
        talk = records.get(connection, talk.id)
    connection.execute(update(inbound).where(inbound.c.id == stored.id).values(conversation_id=talk.id))
    attachments.write(connection, stored.id, event.attachments)
    if is_complaint:
        text = setting.wording.complaint(talk.id, talk.label, group.name)
        Desk(setting).notice(connection, talk.id, text, f"complaint:{stored.id}", now, inbound_id=stored.id)
    hand_over(connection, setting, talk, event, stored, now)
    _point(connection, setting, group, account, event, talk.id, now)
    return "question"


def _point(
    connection: Connection,
    setting: Setting,
    group: Row[Any],
    account: Account,
    event: Event,
    talk_id: int,
    now: datetime,
) -> None:
    lately = select(deliveries.c.id).where(
        deliveries.c.purpose >= f"pointer:{group.id}:",  # a range, for which the unique index is good
        deliveries.c.purpose < f"pointer:{group.id};",
        deliveries.c.planned_at > now - _POINTS_ONCE_IN,
    )
    if connection.execute(lately.limit(1)).first():
        return
    message = Voice(setting).pointer(connection, records.get(connection, talk_id), account.name)
    saying = Saying(
        kind=Kind.AUTOMATIC,
        account=account.name,
        messenger=account.messenger,
        address=group.chat,
        message=Message(message.text, message.spans, reply_to=event.remote_id),
        conversation_id=talk_id,
        purpose=f"pointer:{group.id}:{now:%Y-%m-%dT%H:%M}",
    )
    say(connection, saying, new_key=setting.new_key, now=now)
