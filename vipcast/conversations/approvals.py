"""A second pair of eyes: an announcement waits until somebody has read it as members will, and said yes.

The approver gets, on their own messenger, the very messages that members will get, one for each language,
and one that asks; a reply to that with yes or no decides. `announcement approve` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from vipcast.announcements import records
from vipcast.announcements.planning import Plan, PlannedDelivery, Planner, Route
from vipcast.announcements.records import Announcement
from vipcast.conversations.desk_wording import DeskWording
from vipcast.conversations.setting import DeskPlace, Setting
from vipcast.conversations.words_folding import fold
from vipcast.delivery.ledger import counts
from vipcast.delivery.talk import Kind, Saying, say
from vipcast.groups.seats import Group
from vipcast.messengers.base import Message
from vipcast.storage.tables import deliveries

PURPOSE = "approval:"  # before an announcement's number
_YES = frozenset({"yes", "y", "ok", "okay", "igen", "mehet", "ano", "jo", "kylla", "joo", "да", "ok mehet"})
_NO = frozenset({"no", "n", "nem", "ne", "ei", "нет"})


@dataclass(frozen=True, slots=True)
class Approval:
    """Asks for approval in one place, through the account that reaches it."""

    setting: Setting
    place: DeskPlace

    def ask(
        self,
        connection: Connection,
        announcement: Announcement,
        plan: Plan,
        planner: Planner,
        groups: Sequence[Group],
        now: datetime,
    ) -> None:
        """Let an announcement wait, and put what it says before the approver."""
        records.ask(connection, announcement.id, f"waits for a yes of {self.place.account.name}")
        purpose = f"{PURPOSE}{announcement.id}"
        for whose, message in self._samples(plan, planner, groups):
            # Whose it is stands in it, for `member forget`; the delivery itself is the approver's.
            self.say(connection, message, f"{purpose}:sample:{whose}", now)
        text = DeskWording(self.setting.language).approval(
            announcement.id,
            announcement.title or announcement.template,
            [group.name for group in groups],
            sum(len(one.chat.people) if one.chat else 1 for one in plan.to_send),
        )
        self.say(connection, Message(text), purpose, now)

    def _samples(self, plan: Plan, planner: Planner, groups: Sequence[Group]) -> list[tuple[str, Message]]:
        """Return what each chat, and the first member of each language, gets, as the approver sees it."""
        account = self.place.account
        route = Route(account, self.setting.capabilities[account.name])
        by_name = {group.name: group for group in groups}
        first: dict[str, PlannedDelivery] = {}
        for one in plan.to_send:
            first.setdefault(f"chat-{one.group_id}" if one.chat else one.language, one)
        found = []
        for one in first.values():
            whose, message = f"chat-{one.group_id}" if one.chat else str(one.member_id), one.message
            if message is None or one.messenger != account.messenger:
                if one.chat is not None:
                    message = planner.render_chat(one.chat, route)
                elif one.member is not None:
                    message = planner.render(one.member, by_name.get(one.group), route)
            if message is not None:
                found.append((whose, message))
        return found

    def say(self, connection: Connection, message: Message, purpose: str, now: datetime) -> None:
        """Queue a message to the approver."""
        saying = Saying(
            kind=Kind.NOTICE,
            account=self.place.account.name,
            messenger=self.place.account.messenger,
            address=self.place.address,
            message=message,
            purpose=purpose,
        )
        say(connection, saying, new_key=self.setting.new_key, now=now)


def asked_by(connection: Connection, place: DeskPlace, reply_to: str) -> int | None:
    """Return which announcement a message in the approver's chat asks about, by its number there."""
    if not reply_to:
        return None
    query = select(deliveries.c.purpose).where(
        deliveries.c.account == place.account.name,
        deliveries.c.address == place.address,
        deliveries.c.remote_id == reply_to,
        deliveries.c.purpose.startswith(PURPOSE),
    )
    return number_in(connection.execute(query).scalar())


def hear(
    approval: Approval, connection: Connection, number: int, text: str, *, by: str, key: str, now: datetime
) -> None:
    """Take a reply to a question for approval: yes, no, or neither, which asks again."""
    wording, is_yes = DeskWording(approval.setting.language), verdict(text)
    one = records.get(connection, number)
    if one.approval == "waiting" and is_yes is None:
        members = sum(counts(connection, number).values())
        again = wording.approval(number, one.title or one.template, one.groups, members)
        approval.say(connection, Message(again), f"{PURPOSE}{number}:again:{key}", now)
        return
    if one.approval == "waiting":
        one = records.decide(connection, number, by=by, is_yes=bool(is_yes), now=now)
    told = wording.decided(number, one.approval_by, is_yes=one.approval == "approved")
    approval.say(connection, Message(told), f"{PURPOSE}{number}:decided:{key}", now)


def number_in(purpose: str | None) -> int | None:
    """Return which announcement a message of ours asks about; None for any other message."""
    if purpose is None or not purpose.startswith(PURPOSE):
        return None
    number = purpose.removeprefix(PURPOSE).partition(":")[0]
    return int(number) if number.isdecimal() else None


def verdict(text: str) -> bool | None:
    """Return whether a reply says yes or no, in any of the five languages; None where it says neither."""
    word = " ".join(fold(text).split())
    return True if word in _YES else False if word in _NO else None
