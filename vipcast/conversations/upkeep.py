"""What conversations need from time to time: outcomes told, promises settled and nudged, replies read again.

Each piece looks at what is and writes what is missing, so it may be done as often as one likes, and nothing
is lost by a death between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, and_, cast, exists, literal, or_, select, update

from vipcast.conversations import attachments, promises, records
from vipcast.conversations.attachments import Kept
from vipcast.conversations.colleagues import Colleagues
from vipcast.conversations.desk import Desk
from vipcast.conversations.promises import Made
from vipcast.conversations.setting import Setting
from vipcast.conversations.wording import deadline
from vipcast.delivery.outcomes import State
from vipcast.delivery.talk import IS_ANSWER, Kind
from vipcast.storage.tables import conversations, deliveries, inbound

_LATELY = timedelta(days=7)  # an outcome that old is no news any more


@dataclass(frozen=True, slots=True)
class Upkeep:
    setting: Setting

    def outcomes(self, connection: Connection, now: datetime) -> None:
        """Settle what was answered, and tell the desk which answers did not arrive."""
        promises.settle(connection, self.setting.hours)
        Colleagues(self.setting).read_waiting(connection, now)
        repeatable = [name for name, able in self.setting.capabilities.items() if able.idempotent]
        lost = and_(deliveries.c.state == State.UNKNOWN, deliveries.c.account.not_in(repeatable))
        told = deliveries.alias("told")
        purpose = literal("outcome:") + cast(deliveries.c.id, String) + ":" + deliveries.c.state
        query = (
            select(deliveries, inbound.c.remote_id.label("asked"))
            .outerjoin(inbound, inbound.c.id == deliveries.c.inbound_id)
            .where(
                IS_ANSWER,
                ~exists().where(told.c.purpose == purpose),
                (deliveries.c.state == State.FAILED) | lost,
                deliveries.c.planned_at > now - _LATELY,
            )
        )
        for row in connection.execute(query).all():
            self._tell_of(connection, row, now)

    def adopt(self, connection: Connection, now: datetime) -> None:
        """Bring to the desk what should be there: what went to another one in vain, or to none at all."""
        place = self.setting.desk
        if place is None:
            return
        elsewhere = or_(deliveries.c.account != place.account.name, deliveries.c.address != place.address)
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.kind.in_((Kind.RELAY, Kind.NOTICE)),
                deliveries.c.state.in_((State.QUEUED, State.FAILED)),
                deliveries.c.conversation_id.is_not(None),
                deliveries.c.planned_at > now - _LATELY,
                elsewhere,
            )
            .values(
                account=place.account.name, messenger=place.account.messenger, address=place.address,
                state=State.QUEUED, reason="", code="", words="", not_before=None, ended_at=None,
            )
        )  # fmt: skip
        passed_on = deliveries.c.purpose == literal("relay:") + cast(inbound.c.id, String)
        query = (
            select(inbound)
            .join(conversations, conversations.c.id == inbound.c.conversation_id)
            .where(
                conversations.c.waiting_since.is_not(None),
                inbound.c.recorded_at >= conversations.c.waiting_since,
                inbound.c.handling == "question",
                ~exists().where(passed_on),
            )
            .order_by(inbound.c.id)
        )
        for row in connection.execute(query).all():
            talk = records.get(connection, row.conversation_id)
            found = attachments.of(connection, row.id)
            text = "\n".join(filter(None, (row.text, attachments.in_words(found))))
            Desk(self.setting).relay(connection, talk, row.id, text, reply_to=row.reply_to, now=now)

    def lost_at_desk(self, connection: Connection, now: datetime) -> tuple[int, str]:
        """Return how many messages did not reach the desk lately, and what the messenger said last."""
        place = self.setting.desk
        if place is None:
            return 0, ""
        query = (
            select(deliveries.c.words)
            .where(
                deliveries.c.account == place.account.name,
                deliveries.c.address == place.address,
                deliveries.c.kind == Kind.RELAY,
                deliveries.c.state == State.FAILED,
                deliveries.c.planned_at > now - _LATELY,
            )
            .order_by(deliveries.c.id)
        )
        words = list(connection.execute(query).scalars())
        return len(words), words[-1] if words else ""

    def nudges(self, connection: Connection, now: datetime) -> tuple[list[Made], list[Made]]:
        """Tell the desk of promises that are about to lapse or have lapsed; return both."""
        wording, desk = self.setting.wording, Desk(self.setting)
        soon, late = promises.to_tell(connection, self.setting.hours, now)
        for one in (*soon, *late):
            said = deadline(one.due_at, now, self.setting.zone, self.setting.language)
            tell = wording.overdue if one in late else wording.nudge
            text = tell(one.conversation_id, one.name, said)
            purpose = f"{'overdue' if one in late else 'nudge'}:{one.id}"
            desk.notice(connection, one.conversation_id, text, purpose, now)
            promises.told(connection, one, now)
        return soon, late

    def fetched(
        self, connection: Connection, one: Kept, now: datetime, *, size: int = 0, reason: str = ""
    ) -> None:
        """Note that an attachment is here or cannot be had, and pass it on."""
        one = attachments.settle(connection, one, size=size, reason=reason)
        row = connection.execute(select(inbound).where(inbound.c.id == one.inbound_id)).one()
        if row.conversation_id is None:
            return
        talk = records.get(connection, row.conversation_id)
        if row.handling == "answer":
            Colleagues(self.setting).pass_on(connection, talk, row, one, now)
        elif row.handling in ("question", "thanks"):
            self._relay(connection, talk, row, one, now)

    def _relay(self, connection: Connection, talk: Any, row: Any, one: Kept, now: datetime) -> None:
        place, desk = self.setting.desk, Desk(self.setting)
        if place is None:
            return
        purpose = f"attachment:{one.id}"
        if one.state == "kept":
            media = attachments.media_for(one, self.setting, place.account.name)
            desk.relay_media(connection, talk, row.id, media, purpose, now)
            return
        text = self.setting.wording.attachment(one.kind, one.name or one.words, one.reason)
        desk.notice(connection, talk.id, text, purpose, now, inbound_id=row.id)

    def _tell_of(self, connection: Connection, row: Any, now: datetime) -> None:
        if row.conversation_id is None:
            return
        talk = records.get(connection, row.conversation_id)
        wording = self.setting.wording
        text = wording.maybe_delivered(talk.id, talk.label)
        if row.state == State.FAILED:
            text = wording.not_delivered(talk.id, talk.label, row.words or row.code)
            if talk.waiting_since is None and talk.answered_at == row.sent_at is not None:
                # It had been accepted, and counted as the answer; who asked waits again.
                records.change(
                    connection, talk.id, waiting_since=row.planned_at, answered_at=None, closed_at=None
                )
                if not promises.reopen(connection, talk.id, row.sent_at):
                    promises.make(connection, talk.id, now, self.setting.hours)
        reply_to = row.asked if self.setting.desk is not None and row.asked else ""
        purpose = f"outcome:{row.id}:{row.state}"
        Desk(self.setting).notice(connection, talk.id, text, purpose, now, reply_to=reply_to)


def numbers_in(made: Sequence[Made]) -> str:
    """Return the conversations' numbers, for a note that may end in a journal: no names."""
    return ", ".join(f"#{one.conversation_id}" for one in made)
