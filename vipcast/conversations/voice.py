"""What a member gets in a conversation: automatic answers, sparingly, and people's answers, signed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from vipcast.announcements.planning import view_of
from vipcast.announcements.rendering import GroupView, MemberView
from vipcast.announcements.templates import TemplateFault
from vipcast.conversations import promises
from vipcast.conversations.promise import Promise
from vipcast.conversations.records import Conversation
from vipcast.conversations.replies import LEAVE, ReplyName
from vipcast.conversations.setting import Setting
from vipcast.conversations.wording import answer
from vipcast.delivery.outcomes import ARRIVED
from vipcast.delivery.talk import Kind, Saying, body_of, say
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.groups.seats import Place
from vipcast.members import roster
from vipcast.messengers.base import Capabilities, Media, Message
from vipcast.storage.tables import deliveries

log = logging.getLogger(__name__)

_A_DAY = timedelta(days=1)
# Who opts out or in is told so on the busiest day, too; but two robots must not tell each other for ever.
_CONFIRMATIONS = ("opted_out", "opted_in")
_CONFIRMATIONS_A_DAY = 6
# A person who answered so lately is still there, whatever the clock on the shop's door says.
HOLDS_FOR = timedelta(hours=1)
LATE = timedelta(minutes=1)
WAITS_FOR = timedelta(seconds=10)
_ECHO_WITHIN = timedelta(days=2)
_ECHO_ROWS = 20


@dataclass(frozen=True, slots=True)
class Voice:
    """Writes to the person of a conversation, through the account that they used."""

    setting: Setting

    def acknowledge(
        self, connection: Connection, talk: Conversation, inbound_id: int, made: Promise, now: datetime
    ) -> int | None:
        """Tell a person by when they are answered: once for each promise, and once in a closed period."""
        if self.is_held(connection, talk, now):
            return None
        account = self.setting.accounts[talk.account]
        name: ReplyName = "received" if account.role == "support" else "routed"
        standing = promises.current(connection, talk.id)
        if standing is not None and standing.due_at > now:
            made = Promise(standing.due_at, made.is_open_now, made.opens_at)
        period = self._period(made, standing, now)
        words = answer(made, now, self.setting.zone, self.view(connection, talk).language)
        return self.automatic(
            connection, talk, name, f"{name}:{talk.id}:{period}", inbound_id, now, promise=words
        )

    def automatic(
        self,
        connection: Connection,
        talk: Conversation,
        name: ReplyName,
        purpose: str,
        inbound_id: int | None,
        now: datetime,
        *,
        group: GroupView | None = None,
        choices: tuple[str, ...] = (),
        **values: str,
    ) -> int | None:
        """Queue an automatic answer, unless the day's ceiling is reached or its purpose was served.

        What confirms an opt-out or opt-in counts, but has a ceiling of its own.
        """
        if talk.account not in self.setting.accounts or self._is_enough(connection, talk, name, now):
            return None
        able = self.setting.capabilities[talk.account]
        try:
            message = self._message(name, self.view(connection, talk), able, group, values)
        except TemplateFault as fault:  # an answer of the FAQ; the person's message must not be lost for it
            log.warning("the reply %r cannot be made: %s: %s", name, fault.where, fault.kind)
            return None
        if able.quick_replies and choices:
            message = Message(message.text, message.spans, message.media, choices=choices)
        return self._say(connection, talk, Kind.AUTOMATIC, message, purpose, inbound_id, now)

    def answer(
        self,
        connection: Connection,
        talk: Conversation,
        text: str,
        *,
        purpose: str | None,
        author: str,
        inbound_id: int | None,
        now: datetime,
        media: tuple[Media, ...] = (),
    ) -> int | None:
        """Queue a person's answer, signed as support.

        Raises:
            TemplateFault: it is empty or too long for the messenger.
            InputError: the account is no longer in vipcast.toml.

        """
        if talk.account not in self.setting.accounts:
            raise InputError(
                f"{talk.label} cannot be answered: the account {talk.account!r} is not in vipcast.toml.",
                hint="Add it again, or ask the member to write to another account.",
            )
        able = self.setting.capabilities[talk.account]
        message = Message("")
        if text:
            message = self._message("answered", self.view(connection, talk), able, None, {"text": text})
        message = Message(message.text, message.spans, media)
        at = promises.written_at(connection, talk, now)
        return self._say(connection, talk, Kind.ANSWER, message, purpose, inbound_id, at, author)

    def is_held(self, connection: Connection, talk: Conversation, now: datetime) -> bool:
        """Return whether a person has the conversation, so that vipcast keeps silent.

        It is who answered last: for an hour at least, and for the rest of that day while the shop is open.
        """
        query = select(func.max(deliveries.c.sent_at)).where(
            deliveries.c.conversation_id == talk.id,
            deliveries.c.kind == Kind.ANSWER,
            deliveries.c.state.in_(ARRIVED),
            deliveries.c.sent_at <= now + HOLDS_FOR,  # else it was sent before the clock was set back
        )
        # The first answer to a question is noted with the conversation, as is a phone call; more may follow.
        later = connection.execute(query).scalar()
        answered_at = max(filter(None, (talk.answered_at, later)), default=None)
        if answered_at is None or (talk.closed_at is not None and talk.closed_at >= answered_at):
            return False
        if abs(now - answered_at) <= HOLDS_FOR:
            return True
        zone = self.setting.zone
        if now.astimezone(zone).date() != answered_at.astimezone(zone).date():
            return False
        return next(self.setting.hours.stretches(now, now + timedelta(seconds=1)), None) is not None

    def echoed(
        self, connection: Connection, account: str, address: str, text: str, now: datetime
    ) -> Kind | None:
        """Return what it was that somebody sends back, word for word; None for their own words."""
        if not text.strip():
            return None
        query = (
            select(deliveries.c.kind, deliveries.c.body)
            .where(
                deliveries.c.account == account,
                deliveries.c.address == address,
                deliveries.c.planned_at > now - _ECHO_WITHIN,
            )
            .order_by(deliveries.c.id.desc())
            .limit(_ECHO_ROWS)
        )
        rows = connection.execute(query)
        return next((Kind(row.kind) for row in rows if body_of(row.body).text == text), None)

    def view(self, connection: Connection, talk: Conversation) -> MemberView:
        """Return what a text may say of the person; a stranger has no name that could be trusted."""
        if talk.member_id is None:
            language = self.setting.language_of(talk.language)
            return MemberView("", language=language, formal=self.setting.is_formal, messenger=talk.messenger)
        (member,) = roster.load(connection, [talk.member_id])
        return view_of(
            member,
            shop_language=self.setting.language_of(talk.language),
            shop_is_formal=self.setting.is_formal,
            messenger=talk.messenger,
        )

    def welcome(
        self, connection: Connection, talk: Conversation, inbound_id: int, now: datetime
    ) -> int | None:
        """Welcome a member who has just opened a chat with the shop; once on each messenger."""
        seated = [
            name
            for name, place, _ in seats.groups_of(connection, talk.member_id or 0)
            if place is Place.SEATED
        ]
        group = None
        if seated:
            found = seats.get(connection, seated[0])
            group = GroupView(found.name, found.purpose, found.cap)
        purpose = f"welcome:{talk.member_id}:{talk.account}"
        return self.automatic(
            connection, talk, "welcome", purpose, inbound_id, now, group=group, choices=(LEAVE,)
        )

    def pointer(self, connection: Connection, talk: Conversation, account: str) -> Message:
        """Return what points a group's chat to the support account, in the language of who asked."""
        able = self.setting.capabilities[account]
        return self._message("pointer", self.view(connection, talk), able, None, {})

    def _message(
        self,
        name: ReplyName,
        view: MemberView,
        able: Capabilities,
        group: GroupView | None,
        values: Mapping[str, str],
    ) -> Message:
        """Make a reply in the shop's own words; in the built-in ones where those are wrong."""
        try:
            return self.setting.replies.message(name, view, able, group=group, **values)
        except TemplateFault as fault:
            log.warning("the shop's own reply %r cannot be used: %s: %s", name, fault.where, fault.kind)
            return self.setting.builtin_replies.message(name, view, able, group=group, **values)

    def _period(self, made: Promise, standing: promises.Made | None, now: datetime) -> str:
        if not made.is_open_now and made.opens_at is not None:
            return f"closed-until-{made.opens_at:%Y-%m-%dT%H:%M}"
        if made.is_open_now and standing is not None:
            return f"promise-{standing.id}"
        return f"day-{now.astimezone(self.setting.zone):%Y-%m-%d}"

    def _is_enough(self, connection: Connection, talk: Conversation, name: ReplyName, now: datetime) -> bool:
        query = select(func.count()).where(
            deliveries.c.conversation_id == talk.id,
            deliveries.c.kind == Kind.AUTOMATIC,
            deliveries.c.planned_at > now - _A_DAY,
            deliveries.c.planned_at < now + _A_DAY,  # the clock may have been set back
        )
        if name not in _CONFIRMATIONS:
            return connection.execute(query).scalar_one() >= self.setting.automatic_per_day
        confirmed = or_(
            *(deliveries.c.purpose.startswith(f"{one}:", autoescape=True) for one in _CONFIRMATIONS)
        )
        return connection.execute(query.where(confirmed)).scalar_one() >= _CONFIRMATIONS_A_DAY

    def _say(
        self,
        connection: Connection,
        talk: Conversation,
        kind: Kind,
        message: Message,
        purpose: str | None,
        inbound_id: int | None,
        now: datetime,
        author: str = "",
    ) -> int | None:
        # What comes in late was missed, and perhaps answered by hand meanwhile: that comes in right after it.
        is_late = kind is Kind.AUTOMATIC and now - talk.heard_at > LATE
        saying = Saying(
            kind=kind,
            account=talk.account,
            messenger=talk.messenger,
            address=talk.address,
            message=message,
            conversation_id=talk.id,
            member_id=talk.member_id,
            inbound_id=inbound_id,
            purpose=purpose,
            author=author,
            not_before=now + WAITS_FOR if is_late else None,
        )
        return say(connection, saying, new_key=self.setting.new_key, now=now)
