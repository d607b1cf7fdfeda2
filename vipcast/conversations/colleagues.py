"""What colleagues write at the support desk: answers, by replying to what was passed on, and two commands.

A reply is read from its row, not from the event: where the message that it answers went out, but the program
died before writing down its number, the reply waits until that number is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text, update

from vipcast.announcements.templates import TemplateFault
from vipcast.conversations import attachments, promises, records
from vipcast.conversations.attachments import Kept
from vipcast.conversations.desk import Desk
from vipcast.conversations.records import Conversation
from vipcast.conversations.setting import DeskPlace, Setting
from vipcast.conversations.voice import Voice
from vipcast.delivery.outcomes import State
from vipcast.delivery.statements import UNSETTLED
from vipcast.delivery.talk import Kind
from vipcast.errors import InputError
from vipcast.storage.tables import deliveries, inbound

_TO_DESK = (Kind.RELAY, Kind.NOTICE)
_WAITS = text("inbound.handling = 'waiting'")  # word for word the condition of ix_inbound_waiting
_UNSETTLED = (State.QUEUED, State.SENDING, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Reads the desk's chat."""

    setting: Setting

    def read(self, connection: Connection, number: int, now: datetime) -> None:
        """Do what one message in the desk's chat asks for."""
        place = self.setting.desk
        if place is None:
            return
        promises.settle(connection, self.setting.hours)  # who answered before is told to who answers now
        row = connection.execute(select(inbound).where(inbound.c.id == number)).one()
        handling = self._read(connection, place, row, now)
        connection.execute(update(inbound).where(inbound.c.id == number).values(handling=handling))

    def read_waiting(self, connection: Connection, now: datetime) -> None:
        """Look again at the replies whose message was not known when they came in."""
        query = select(inbound.c.id).where(_WAITS).order_by(inbound.c.id)
        for number in connection.execute(query).scalars().all():
            self.read(connection, number, now)

    def pass_on(
        self, connection: Connection, talk: Conversation, row: Row[Any], one: Kept, now: datetime
    ) -> None:
        """Send what a colleague attached, once its content is here, or say that it cannot be sent."""
        purpose = f"answer:{row.id}:{one.id}"
        reason = one.reason
        if one.state == "kept":
            try:
                media = attachments.media_for(one, self.setting, talk.account)
            except InputError as error:
                reason = error.message
            else:
                self._answer(connection, talk, row, "", purpose, now, media=(media,))
                return
        text = self.setting.wording.attachment(one.kind, one.name or one.words, reason)
        Desk(self.setting).notice(connection, talk.id, text, f"failed:{purpose}", now, reply_to=row.remote_id)

    def _read(self, connection: Connection, place: DeskPlace, row: Row[Any], now: datetime) -> str:
        told = self._replied_to(connection, place, row)
        if told is None:
            return self._read_other(connection, place, row, now)
        if told.conversation_id is None:
            return self._hint(connection, row, now)
        if row.kind == "edited":
            return self._edited(connection, row, told.conversation_id, now)
        talk = records.get(connection, told.conversation_id)
        mine = inbound.c.id == row.id
        connection.execute(update(inbound).where(mine).values(conversation_id=talk.id))
        if row.text.lstrip().startswith("/"):
            command, rest = (*row.text.split(maxsplit=1), "")[:2]
            command = command.partition("@")[0]  # a messenger's menu adds the account's own name
            return self._obey(connection, talk, row, command.lower(), rest.strip(), now)
        found = attachments.of(connection, row.id)
        words = attachments.in_words([one for one in found if one.state == "words"])
        text = "\n".join(filter(None, (row.text.strip(), words)))
        if text:
            self._answer(connection, talk, row, text, f"answer:{row.id}", now)
        for one in found:
            if one.state in ("failed", "kept"):  # kept: the reply waited, and its content was here before
                self.pass_on(connection, talk, row, one, now)
        self._take(connection, talk, row, now)
        return "answer"

    @staticmethod
    def _replied_to(connection: Connection, place: DeskPlace, row: Row[Any]) -> Row[Any] | None:
        """Return the conversation of what was answered or edited: one of ours, or the writer's own answer.

        Who replies to what another colleague wrote talks with them, not with the member.
        """
        if not row.reply_to:
            return None
        query = select(deliveries.c.conversation_id).where(
            deliveries.c.account == place.account.name,
            deliveries.c.address == place.address,
            deliveries.c.remote_id == row.reply_to,
            deliveries.c.kind.in_(_TO_DESK),
        )
        own = select(inbound.c.conversation_id).where(
            inbound.c.account == place.account.name,
            inbound.c.address == row.address,
            inbound.c.remote_id == row.reply_to,
            inbound.c.handling == "answer",
        )
        return connection.execute(query).first() or connection.execute(own).first()

    def _read_other(self, connection: Connection, place: DeskPlace, row: Row[Any], now: datetime) -> str:
        """Handle a message that replies to nothing of ours, as far as is known now."""
        if row.kind == "edited":
            return "ignored"
        if row.reply_to:
            open_ones = select(deliveries.c.id).where(
                deliveries.c.account == place.account.name,
                deliveries.c.kind.in_(_TO_DESK),
                deliveries.c.state.in_(_UNSETTLED),
                deliveries.c.attempts > 0,
                deliveries.c.reason.not_like(UNSETTLED + "%"),
            )
            if connection.execute(open_ones.limit(1)).first():
                return "waiting"
        if place.is_shared and not self._is_ours(connection, place, row.reply_to):
            return "ignored"  # colleagues talk with each other
        return self._hint(connection, row, now)

    @staticmethod
    def _is_ours(connection: Connection, place: DeskPlace, remote_id: str) -> bool:
        query = select(deliveries.c.id).where(
            deliveries.c.account == place.account.name,
            deliveries.c.address == place.address,
            deliveries.c.remote_id == remote_id,
        )
        return bool(remote_id) and connection.execute(query).first() is not None

    def _hint(self, connection: Connection, row: Row[Any], now: datetime) -> str:
        text = self.setting.wording.not_a_relay()
        Desk(self.setting).notice(
            connection, None, text, f"hint:{row.id}", now, inbound_id=row.id, reply_to=row.remote_id
        )
        return "hint"

    def _edited(self, connection: Connection, row: Row[Any], talk_id: int, now: datetime) -> str:
        """Say that an answer, once sent, keeps its words."""
        talk = records.get(connection, talk_id)
        mine = inbound.c.id == row.id
        connection.execute(update(inbound).where(mine).values(conversation_id=talk.id))
        text = self.setting.wording.cannot_edit(talk.id, talk.label)
        Desk(self.setting).notice(connection, talk.id, text, f"edit:{row.id}", now, reply_to=row.reply_to)
        return "ignored"

    def _obey(
        self,
        connection: Connection,
        talk: Conversation,
        row: Row[Any],
        command: str,
        rest: str,
        now: datetime,
    ) -> str:
        wording = self.setting.wording
        if command == "/close":
            promises.end(connection, talk.id, now)
            records.close(connection, talk, now)
            text = wording.closed(talk.id, talk.label)
        elif command == "/note" and rest:
            records.note(connection, talk, "note", rest, at=now, author=self._author(row), now=now)
            text = wording.noted(talk.id, talk.label)
        else:
            text = wording.unknown_command(command)
        Desk(self.setting).notice(connection, talk.id, text, f"command:{row.id}", now, reply_to=row.remote_id)
        return "command"

    def _answer(
        self,
        connection: Connection,
        talk: Conversation,
        row: Row[Any],
        text: str,
        purpose: str,
        now: datetime,
        media: tuple[Any, ...] = (),
    ) -> None:
        try:
            Voice(self.setting).answer(
                connection, talk, text,
                purpose=purpose, author=self._author(row), inbound_id=row.id, now=now, media=media,
            )  # fmt: skip
        except (TemplateFault, InputError) as error:
            words = self.setting.wording.not_delivered(talk.id, talk.label, error.message)
            Desk(self.setting).notice(
                connection, talk.id, words, f"failed:{purpose}", now, reply_to=row.remote_id
            )

    def _take(self, connection: Connection, talk: Conversation, row: Row[Any], now: datetime) -> None:
        """Note who has the conversation now, and tell a second colleague of the first."""
        who = self._author(row)
        place = self.setting.desk
        if not who or place is None or talk.taken_by == who:
            return
        if talk.taken_by and talk.answered_at and talk.waiting_since is None and place.is_shared:
            when = self.setting.local(talk.answered_at)
            text = self.setting.wording.already_answered(talk.id, talk.label, talk.taken_by, when)
            Desk(self.setting).notice(
                connection, talk.id, text, f"second:{row.id}", now, reply_to=row.remote_id
            )
        elif place.is_shared:
            text = self.setting.wording.taken(talk.id, talk.label, who)
            Desk(self.setting).notice(connection, talk.id, text, f"taken:{row.id}", now)
        records.change(connection, talk.id, taken_by=who)

    def _author(self, row: Row[Any]) -> str:
        """Return what the messenger calls who wrote a message; the support account's own name for itself."""
        if row.chat == "me" or row.raw.get("is_own"):
            return self.setting.accounts[row.account].sender_name
        return str(row.raw.get("name") or row.address)
