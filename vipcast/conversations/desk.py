"""What the support desk is told: members' messages under a header, and notices.

Everything goes through the ledger, each with a purpose that is served once: however often a message comes
in or the program dies, the desk reads it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from vipcast.conversations import promises
from vipcast.conversations.desk_wording import HEADER
from vipcast.conversations.records import Conversation
from vipcast.conversations.setting import DeskPlace, Setting
from vipcast.conversations.wording import deadline
from vipcast.delivery.outcomes import ARRIVED
from vipcast.delivery.talk import Kind, Saying, say
from vipcast.groups import seats
from vipcast.groups.seats import Place
from vipcast.messengers.base import Media, Message, Unit
from vipcast.storage.tables import announcements, deliveries

_ANSWERS_NEWS_WITHIN = timedelta(days=14)  # a message that is no reply is taken to answer the last news


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes into the desk's chat. Where the terminal is the desk, it writes nothing."""

    setting: Setting

    def relay(
        self,
        connection: Connection,
        talk: Conversation,
        inbound_id: int,
        text: str,
        *,
        reply_to: str,
        now: datetime,
    ) -> None:
        """Pass a member's message on, in as many messages as its length takes."""
        header = self._header(connection, talk, reply_to, now)
        for number, part in enumerate(self._parts(f"{header}\n\n{text}" if text else header)):
            purpose = f"relay:{inbound_id}:{number}" if number else f"relay:{inbound_id}"
            self._say(connection, talk.id, Kind.RELAY, Message(part), purpose, inbound_id, now)

    def relay_media(
        self,
        connection: Connection,
        talk: Conversation,
        inbound_id: int,
        media: Media,
        purpose: str,
        now: datetime,
    ) -> None:
        """Pass on what came beside a text."""
        caption = f"{HEADER}{talk.id} {' '.join(talk.label.split())}"
        message = Message(caption, media=(media,))
        self._say(connection, talk.id, Kind.RELAY, message, purpose, inbound_id, now)

    def notice(
        self,
        connection: Connection,
        talk_id: int | None,
        text: str,
        purpose: str,
        now: datetime,
        *,
        inbound_id: int | None = None,
        reply_to: str = "",
    ) -> None:
        """Tell the desk something; `reply_to` is a message in its chat."""
        for number, part in enumerate(self._parts(text)):
            once = f"{purpose}:{number}" if number else purpose
            message = Message(part, reply_to=reply_to)
            self._say(connection, talk_id, Kind.NOTICE, message, once, inbound_id, now)

    def promised(self, connection: Connection, talk: Conversation, now: datetime) -> str:
        """Return the open promise's time in words; empty where there is none."""
        standing = promises.current(connection, talk.id)
        if standing is None:
            return ""
        return deadline(standing.due_at, now, self.setting.zone, self.setting.language)

    def _header(self, connection: Connection, talk: Conversation, reply_to: str, now: datetime) -> str:
        news = answered_news(connection, talk, reply_to, now)
        seated = seats.groups_of(connection, talk.member_id) if talk.member_id else []
        return self.setting.wording.header(
            talk.id,
            talk.name,
            [name for name, place, _ in seated if place is Place.SEATED],
            talk.messenger,
            news.title or news.template if news else "",
            self.setting.local(news.sent_at) if news else "",
            self.promised(connection, talk, now),
            talk.taken_by,
            talk.is_linked,
        )

    def _parts(self, text: str) -> Sequence[str]:
        if self.setting.desk is None:
            return ()
        able = self.setting.capabilities[self.setting.desk.account.name]
        return split(text, able.text_limit, able.unit)

    def _say(
        self,
        connection: Connection,
        talk_id: int | None,
        kind: Kind,
        message: Message,
        purpose: str,
        inbound_id: int | None,
        now: datetime,
    ) -> None:
        place: DeskPlace | None = self.setting.desk
        if place is None:
            return
        saying = Saying(
            kind=kind,
            account=place.account.name,
            messenger=place.account.messenger,
            address=place.address,
            message=message,
            conversation_id=talk_id,
            inbound_id=inbound_id,
            purpose=purpose,
        )
        say(connection, saying, new_key=self.setting.new_key, now=now)


def answered_news(connection: Connection, talk: Conversation, reply_to: str, now: datetime) -> Any:
    """Return the announcement that a message answers: the one replied to, else the last one they got."""
    query = (
        select(announcements.c.id, announcements.c.title, announcements.c.template, deliveries.c.sent_at)
        .join(deliveries, deliveries.c.announcement_id == announcements.c.id)
        .where(deliveries.c.account == talk.account, deliveries.c.state.in_(ARRIVED))
        .order_by(deliveries.c.sent_at.desc())
        .limit(1)
    )
    if reply_to:
        mine = (deliveries.c.remote_id == reply_to, deliveries.c.address == talk.address)
        return connection.execute(query.where(*mine)).first()
    if talk.member_id is None:
        return None
    lately = (deliveries.c.member_id == talk.member_id, deliveries.c.sent_at > now - _ANSWERS_NEWS_WITHIN)
    return connection.execute(query.where(*lately)).first()


def split(text: str, limit: int, unit: Unit) -> list[str]:
    """Cut a text into parts that a messenger carries, at line ends or spaces where there are any."""
    parts = []
    while unit.length(text) > limit:
        fits = _longest(text, limit, unit)
        at = max(text.rfind("\n", fits // 2, fits), text.rfind(" ", fits // 2, fits))
        at = at if at > 0 else fits
        parts.append(text[:at])
        text = text[at:].lstrip("\n ")
    return [part for part in (*parts, text) if part.strip()] or [text]  # blank ones are refused


def _longest(text: str, limit: int, unit: Unit) -> int:
    """Return how many characters of `text` fit, which is at least one."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if unit.length(text[:middle]) <= limit else (low, middle - 1)
    return low
