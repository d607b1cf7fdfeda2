"""What an incoming event means: whose conversation it belongs to, and what happens at once.

Storing, routing and planning what is to be said are one transaction: a message is either not there, or it
is there with its relay, its promise and its automatic answer in the ledger, each of them once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from vipcast.config import Account
from vipcast.conversations import approvals, attachments, groupchat, promises, records, words
from vipcast.conversations.approvals import Approval
from vipcast.conversations.colleagues import Colleagues
from vipcast.conversations.desk import Desk
from vipcast.conversations.handover import hand_over, relay, text_of
from vipcast.conversations.records import Conversation
from vipcast.conversations.replies import PERSON
from vipcast.conversations.setting import DeskPlace, Setting
from vipcast.conversations.voice import Voice
from vipcast.delivery import inbound as incoming
from vipcast.delivery.inbound import Stored, unharmed
from vipcast.delivery.outcomes import State
from vipcast.delivery.talk import Kind, Saying, body_of, note_said
from vipcast.groups import chats
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.messengers.base import Event, EventKind, Message
from vipcast.storage.tables import deliveries, inbound

log = logging.getLogger(__name__)

_HELLOS = frozenset({"+", "/start"})  # what opening a deep link types
_OWN_ROWS = 50  # of a person's deliveries, the latest, among which one's own words are looked for
_MAY_BE_WRITTEN_TO = (EventKind.MESSAGE, EventKind.SUBSCRIBED)


@dataclass(frozen=True, slots=True)
class Router:
    """Takes events from all accounts; see `delivery.receiving.Taker`."""

    setting: Setting

    def take(self, connection: Connection, account: Account, event: Event, now: datetime) -> bool:
        """Store and route an event; return False for one that came before, or concerns nobody here."""
        apart = {EventKind.CHAT: _note_chat, EventKind.WRITTEN: self._note_written}.get(event.kind)
        if apart is not None:
            return apart(connection, account, event, now)
        if self._decides(connection, account, event, now):
            return True
        place = self.setting.desk
        is_desk = place is not None and _is_at(place, account, event)
        group = groupchat.of(connection, account, event.chat) if event.chat and not is_desk else None
        # A chat that is not the shop's, or our own words there, which are known by their number.
        if event.chat and (not (is_desk or group) or _is_own(connection, account, event.chat, event)):
            return False
        stored = incoming.take(connection, account, event, now)
        if stored is None:
            return False
        if not stored.id or (event.kind is EventKind.OTHER):
            return True
        if group is None:  # what members show each other in a group is none of ours, unless they ask
            attachments.write(connection, stored.id, event.attachments)
        with unharmed(connection, f"inbound {stored.id} was stored, not routed"):
            if is_desk:
                Colleagues(self.setting).read(connection, stored.id, now)
            elif group is not None:
                handling = groupchat.hear(connection, self.setting, group, account, event, stored, now)
                _mark(connection, stored.id, handling)
            else:
                self._route(connection, account, event, stored, now)
        return True

    def _decides(self, connection: Connection, account: Account, event: Event, now: datetime) -> bool:
        """Take a reply to a question for approval; nothing else in the approver's chat is ours."""
        place = self.setting.approver or self.setting.desk
        if place is None or event.kind is not EventKind.MESSAGE or not _is_at(place, account, event):
            return False
        number = approvals.asked_by(connection, place, event.reply_to)
        if number is None:
            return False
        stored = incoming.take(connection, account, event, now)
        if stored is not None:
            by = account.sender_name if event.chat == "me" else event.name or stored.address
            approval = Approval(self.setting, place)
            approvals.hear(approval, connection, number, event.text, by=by, key=str(stored.id), now=now)
            _mark(connection, stored.id, "approval")
        return True

    def _route(
        self, connection: Connection, account: Account, event: Event, stored: Stored, now: datetime
    ) -> None:
        if event.kind not in (*_MAY_BE_WRITTEN_TO, EventKind.EDITED, EventKind.UNSUBSCRIBED):
            return
        if event.kind in (EventKind.SUBSCRIBED, EventKind.UNSUBSCRIBED) and stored.member_id is None:
            return
        talk = None
        if event.kind is EventKind.UNSUBSCRIBED and stored.member_id is not None:
            talk = records.of_member(connection, stored.member_id)  # answers cannot go where they left
        talk = talk or records.hear(
            connection, account, stored.address, stored.member_id,
            name=event.name or str(event.raw.get("name") or ""),
            language=event.language, at=event.at, now=now,
        )  # fmt: skip
        values = {"conversation_id": talk.id}
        connection.execute(update(inbound).where(inbound.c.id == stored.id).values(**values))
        match event.kind:
            case EventKind.UNSUBSCRIBED:
                text = self.setting.wording.left(talk.id, talk.label, account.messenger)
                handling = self._tell_of_opt_out(connection, talk, stored.id, now, text)
            case EventKind.EDITED:
                handling = self._edited(connection, talk, event, stored, now)
            case _:
                handling = self._handle(connection, talk, event, stored, now)
        _mark(connection, stored.id, handling)

    def _handle(
        self, connection: Connection, talk: Conversation, event: Event, stored: Stored, now: datetime
    ) -> str:
        """Decide what to do with what a person did, and do it; return the word for it."""
        if self._may_welcome(connection, talk, event, stored):
            Voice(self.setting).welcome(connection, talk, stored.id, now)
            is_bare_code = stored.is_linked and not event.context
            if event.kind is EventKind.SUBSCRIBED or is_bare_code or _is_hello(event):
                return "linked"
        if event.context and talk.member_id is not None and _is_hello(event):
            return "linked"  # the same link, opened once more
        if event.kind is EventKind.SUBSCRIBED:
            return "subscribed"
        if event.is_automatic:
            return "automatic"
        if self._consents(connection, talk, event, stored, now):
            return "consent"
        return self._answer(connection, talk, event, stored, now)

    def _answer(
        self, connection: Connection, talk: Conversation, event: Event, stored: Stored, now: datetime
    ) -> str:
        """Answer from the FAQ, or hand over to a person."""
        voice = Voice(self.setting)
        echoed = voice.echoed(connection, talk.account, talk.address, event.text, now)
        if echoed is Kind.AUTOMATIC:
            return "echo"  # a robot's, most likely
        if echoed is not None:  # the news itself, sent back: perhaps a way to ask about it
            hand_over(connection, self.setting, talk, event, stored, now, is_told=False)
            return "question"
        if words.is_thanks(event.text) and not event.attachments and talk.waiting_since is None:
            relay(connection, self.setting, talk, event, stored, now)
            return "thanks"
        wants_person = talk.wants_person or words.wants_person(event.text)
        is_taken = talk.waiting_since is not None or voice.is_held(connection, talk, now)
        may_be_faq = not (wants_person or event.attachments or is_taken)
        if may_be_faq and self._answer_from_faq(connection, talk, event, stored, now):
            return "faq"
        hand_over(connection, self.setting, talk, event, stored, now, wants_person=wants_person)
        return "question"

    def _answer_from_faq(
        self, connection: Connection, talk: Conversation, event: Event, stored: Stored, now: datetime
    ) -> bool:
        voice = Voice(self.setting)
        language = voice.view(connection, talk).language
        faq = next(
            (
                found
                for one in (language, self.setting.language, "en")
                if (found := self.setting.faqs.get(one)) and found.entries
            ),
            None,
        )
        match = faq.best(event.text) if faq else None
        if match is None:
            return False
        said = voice.automatic(
            connection, talk, "faq", f"faq:{stored.id}", stored.id, now,
            choices=(*match.entry.buttons, PERSON[language]), answer=match.entry.answer,
        )  # fmt: skip
        return said is not None

    def _edited(
        self, connection: Connection, talk: Conversation, event: Event, stored: Stored, now: datetime
    ) -> str:
        """Tell the desk the new words of a message that it was shown."""
        original = connection.execute(
            select(inbound.c.id, inbound.c.text, inbound.c.handling).where(
                inbound.c.conversation_id == talk.id,
                inbound.c.account == talk.account,
                inbound.c.remote_id == event.reply_to,
                inbound.c.kind == EventKind.MESSAGE,
            )
        ).first()
        if original is None or original.text == event.text:
            return "ignored"
        if self._consents(connection, talk, event, stored, now):
            return "consent"
        if original.handling in ("faq", "thanks"):  # nobody waits for these: the new words may need somebody
            return self._answer(connection, talk, event, stored, now)
        if original.handling == "question":
            text = f"{self.setting.wording.edited(talk.id, talk.label)}\n\n{text_of(event)}"
            Desk(self.setting).notice(
                connection, talk.id, text, f"edit:{stored.id}", now, inbound_id=stored.id
            )
        return "edit"

    def _may_welcome(self, connection: Connection, talk: Conversation, event: Event, stored: Stored) -> bool:
        """Return whether a member has come by their link, now or before they could be written to."""
        if talk.member_id is None or event.kind not in _MAY_BE_WRITTEN_TO:
            return False
        if stored.is_linked:
            return True
        came_by_link = select(inbound.c.id).where(
            inbound.c.account == talk.account,
            inbound.c.address == stored.address,
            inbound.c.kind == EventKind.STARTED,
        )
        is_first = event.kind is EventKind.SUBSCRIBED or _is_hello(event)
        return is_first and connection.execute(came_by_link.limit(1)).first() is not None

    def _consents(
        self, connection: Connection, talk: Conversation, event: Event, stored: Stored, now: datetime
    ) -> bool:
        """Take an opt-out or opt-in by its word; it binds every messenger, and is confirmed once."""
        is_out, is_in = words.is_opt_out(event.text), words.is_opt_in(event.text)
        if not (is_out or is_in) or (talk.member_id is None and is_in):
            return False
        state = ConsentState.NONE
        if talk.member_id is not None:
            state = consent.states_of(connection, [talk.member_id])[talk.member_id]
        wanted = ConsentState.OPTED_OUT if is_out else ConsentState.OPTED_IN
        if is_in and state is ConsentState.OPTED_IN:
            return _is_hello(event)  # a bare /start of somebody who is in: nothing to say or to do
        name = "opted_out" if is_out else "opted_in"
        purpose = f"{name}:stranger-{talk.id}"  # nobody whom we write to: once is enough
        if talk.member_id is not None and state is not wanted:
            consent.record(
                connection, talk.member_id, wanted,
                at=min(event.at, now), source=f"message on {talk.messenger}",
                wording=event.text.strip(), now=now,
            )  # fmt: skip
        if talk.member_id is not None:  # each change of mind is confirmed once, however often it is said
            purpose = f"{name}:consent-{roster.consent_events(connection, talk.member_id)[-1].id}"
        Voice(self.setting).automatic(connection, talk, name, purpose, stored.id, now)  # type: ignore[arg-type]
        if is_out:
            text = self.setting.wording.opted_out(talk.id, talk.label, event.text)
            self._tell_of_opt_out(connection, talk, stored.id, now, text)
        return True

    def _tell_of_opt_out(
        self, connection: Connection, talk: Conversation, inbound_id: int, now: datetime, text: str
    ) -> str:
        Desk(self.setting).notice(
            connection, talk.id, text, f"opted-out:{inbound_id}", now, inbound_id=inbound_id
        )
        return "consent"

    def _note_written(self, connection: Connection, account: Account, event: Event, now: datetime) -> bool:
        """Note what somebody wrote to a member by hand, in the messenger's own app: it is an answer.

        Only where a conversation goes on: a person's own talks with others are none of ours.
        """
        address, member_id = incoming.writer_of(connection, account, event)
        talk = records.of_member(connection, member_id) if member_id else None
        talk = talk or records.of_address(connection, account.messenger, address)
        if talk is None or _is_own(connection, account, address, event):
            return False
        saying = Saying(
            kind=Kind.ANSWER,
            account=account.name,
            messenger=account.messenger,
            address=address,
            message=Message(event.text or attachments.in_words(event.attachments)),
            conversation_id=talk.id,
            member_id=talk.member_id,
            purpose=f"written:{account.name}:{address}:{event.remote_id}",
            author=self.setting.accounts[account.name].sender_name,
        )
        number = note_said(
            connection,
            saying,
            event.remote_id,
            said_at=min(event.at, now),
            new_key=self.setting.new_key,
            now=promises.written_at(connection, talk, now),
        )
        # A person has answered: what vipcast had to say, and has not said yet, is out of place.
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.conversation_id == talk.id,
                deliveries.c.kind == Kind.AUTOMATIC,
                deliveries.c.state == State.QUEUED,
                deliveries.c.attempts == 0,
            )
            .values(state=State.SKIPPED, reason="answered", ended_at=now)
        )
        promises.settle(connection, self.setting.hours)
        return number is not None


def _note_chat(connection: Connection, account: Account, event: Event, now: datetime) -> bool:
    """Note that people came or left, if the chat is one of ours; who is there now is asked for afterwards."""
    chats.note_changed(connection, account.name, event.chat, now)
    return True


def _is_at(place: DeskPlace, account: Account, event: Event) -> bool:
    """Return whether something was said in the desk's chat."""
    if account.name != place.account.name or event.kind not in (EventKind.MESSAGE, EventKind.EDITED):
        return False
    if event.chat or place.is_shared or place.address == "me":
        return event.chat == place.address
    named = event.raw.get("spellings")
    return place.address in (event.address, *(named if isinstance(named, (list, tuple)) else ()))


def _is_hello(event: Event) -> bool:
    text = event.text.strip()
    return text in _HELLOS or (bool(event.context) and text.startswith("/start"))


def _is_own(connection: Connection, account: Account, address: str, event: Event) -> bool:
    """Return whether vipcast sent it itself, by its number or, while that is not known, by its words."""
    query = (
        select(deliveries.c.remote_id, deliveries.c.state, deliveries.c.body)
        .where(
            deliveries.c.account == account.name,
            deliveries.c.address == address,
            deliveries.c.state.not_in((State.QUEUED, State.SKIPPED)),
        )
        .order_by(deliveries.c.id.desc())
        .limit(_OWN_ROWS)
    )
    return any(_is_of(row.remote_id, body_of(row.body), event) for row in connection.execute(query))


def _is_of(remote_id: str, message: Message, event: Event) -> bool:
    """Return whether a message that was seen is one that was sent; an album is several, with one text."""
    is_later_part = len(message.media) > 1 and bool(event.attachments) and not event.text
    if not remote_id:
        return event.text.strip() == message.text.strip() or is_later_part
    if remote_id == event.remote_id:
        return True
    if not (is_later_part and remote_id.isdecimal() and event.remote_id.isdecimal()):
        return False
    return 0 < int(event.remote_id) - int(remote_id) < len(message.media)


def _mark(connection: Connection, number: int, handling: str) -> None:
    connection.execute(update(inbound).where(inbound.c.id == number).values(handling=handling))
