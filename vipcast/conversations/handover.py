"""Handing a message over to a person: it waits, with a promise, and both sides are told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from vipcast.conversations import attachments, promises, records
from vipcast.conversations.desk import Desk
from vipcast.conversations.records import Conversation
from vipcast.conversations.setting import Setting
from vipcast.conversations.voice import Voice
from vipcast.delivery.inbound import Stored
from vipcast.messengers.base import Event


def hand_over(
    connection: Connection,
    setting: Setting,
    talk: Conversation,
    event: Event,
    stored: Stored,
    now: datetime,
    *,
    wants_person: bool = False,
    is_told: bool = True,
) -> None:
    """Give a message to a person: it waits, with a promise; the desk reads it; the member is told when.

    Without `is_told` the member is told nothing.
    """
    promises.settle(connection, setting.hours)
    talk = records.get(connection, talk.id)
    since = talk.waiting_since or promises.asked_at(connection, talk.id, now)
    wants_person = wants_person or talk.wants_person
    records.change(connection, talk.id, waiting_since=since, closed_at=None, wants_person=wants_person)
    made = promises.make(connection, talk.id, now, setting.hours)
    relay(connection, setting, talk, event, stored, now)
    if is_told:
        Voice(setting).acknowledge(connection, talk, stored.id, made, now)


def relay(
    connection: Connection, setting: Setting, talk: Conversation, event: Event, stored: Stored, now: datetime
) -> None:
    """Pass a message on to the desk, and say what came with it and will never be there."""
    desk = Desk(setting)
    desk.relay(connection, talk, stored.id, text_of(event), reply_to=event.reply_to, now=now)
    for one in attachments.of(connection, stored.id):
        if one.state == "failed":
            text = setting.wording.attachment(one.kind, one.name or one.words, one.reason)
            desk.notice(connection, talk.id, text, f"attachment:{one.id}", now, inbound_id=stored.id)


def text_of(event: Event) -> str:
    """Return a message's words, and those of what came with it."""
    return "\n".join(filter(None, (event.text, attachments.in_words(event.attachments))))
