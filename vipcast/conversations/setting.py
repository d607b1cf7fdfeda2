"""What conversations need to know of the shop; the composition root puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from vipcast.config import LANGUAGES, Account
from vipcast.conversations.desk_wording import DeskWording
from vipcast.conversations.faq import Faq
from vipcast.conversations.hours import OpeningHours
from vipcast.conversations.replies import Replies
from vipcast.messengers.base import Capabilities

AUTOMATIC_PER_DAY = 6  # to one person in 24 hours, all kinds together; no two robots can talk for ever


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """The chat in which the support desk reads and answers."""

    account: Account  # which passes messages on to it
    address: str  # a `Chat.address`, `me` for the account's own saved messages, or a colleague's

    @property
    def is_shared(self) -> bool:
        """Several colleagues read there, and may talk among themselves."""
        return self.address.startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One shop's way to talk with its members. `desk` is None where the terminal is the desk."""

    zone: ZoneInfo
    language: str
    is_formal: bool
    hours: OpeningHours
    replies: Replies
    builtin_replies: Replies  # stand in where the shop's own text is wrong
    accounts: Mapping[str, Account]
    capabilities: Mapping[str, Capabilities]  # by account
    new_key: Callable[[], int]
    kept: Path  # the folder of attachments
    media_urls: Mapping[str, str] = field(default_factory=dict)  # where `kept` is on the web, by account
    desk: DeskPlace | None = None
    approver: DeskPlace | None = None  # where announcements are read before they go out
    faqs: Mapping[str, Faq] = field(default_factory=dict)
    automatic_per_day: int = AUTOMATIC_PER_DAY

    @property
    def wording(self) -> DeskWording:
        return DeskWording(self.language)

    def language_of(self, *wishes: str) -> str:
        """Return the first wish that is one of the five languages, else the shop's."""
        return next((one for one in wishes if one in LANGUAGES), self.language)

    def local(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"
