"""Who has never heard of an account: how many of them it may write to in a day, and who comes first.

What gets a person's account limited (Telegram's PEER_FLOOD) is to write to many people who do not know it,
or to add them to groups. A *first contact* is a delivery to a stranger: nobody wrote from that address to the
account, nothing was ever sent there over it, and the person is in no chat of the account's. A message to a
group's chat, to the shop itself or in answer to somebody is none.

Nothing is noted for it. Whether a delivery was a first contact is seen from the ledger at any time after: it
was unless something stands there from before its attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, not_, or_, select

from vipcast.announcements.planning import PlannedDelivery
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.messengers.base import Capabilities, EventKind
from vipcast.storage.bulk import among
from vipcast.storage.tables import addresses, announcements, deliveries, groups, inbound, peers
from vipcast.storage.tables_chats import chat_people

# Telegram publishes no number and judges new accounts harder, so this is a guess on the safe side.
DEFAULT_FIRST_CONTACTS_PER_DAY = 10
# How many deliveries are looked through in a step, so that strangers who must wait do not keep back those
# behind them who wrote first.
LOOK_AHEAD = 200
# Midnight ends the day, but a stranger who is woken by a shop reports it, and reports are what limits an
# account. Where the shop's quiet hours last longer, they hold the delivery again.
_MORNING = time(8)
_WROTE = (EventKind.MESSAGE, EventKind.STARTED, EventKind.SUBSCRIBED)
_MAY_HAVE_GONE = (*ARRIVED, State.SENDING, State.UNKNOWN)
_NOBODY = ("", "me")  # forgotten, or the shop itself

_People = Mapping[str, AbstractSet[int]]  # addresses, and the members whom each is known to be
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class Budget:
    """How many strangers an account writes to in a day of the shop, whose zone is `zone`."""

    zone: ZoneInfo
    per_day: int

    def opens_again(self, now: datetime) -> datetime:
        """Return from when on what is over today's budget may go: the shop's next morning."""
        tomorrow = now.astimezone(self.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, _MORNING, tzinfo=self.zone).astimezone(UTC)

    def judge(
        self, connection: Connection, account: str, rows: Sequence[Any], now: datetime
    ) -> dict[int, bool]:
        """Return {delivery: whether it may go today} of the first contacts among `rows`, in their order.

        A row has `id`, `member_id`, `group_id`, `address`, `state` and `is_test`. A repetition of what may
        have arrived goes on, and is counted before all others. Two messages to one person are one contact.
        """
        private = [r for r in rows if r.group_id is None and not r.is_test and r.address not in _NOBODY]
        people: dict[str, set[int]] = {}
        for row in private:
            people.setdefault(row.address, set()).update({row.member_id} - {None})
        strangers = _strangers(connection, account, people)
        if not strangers:
            return {}
        met = _met_today(connection, account, now, self.zone)
        most = self.per_day - _added_today(connection, account, now, self.zone)
        first = [row for row in private if row.address in strangers]
        met |= {row.address for row in first if row.state == State.UNKNOWN}
        found = {}
        for row in first:
            found[row.id] = row.address in met or len(met) < most
            if found[row.id]:
                met.add(row.address)
        return found


def left_today(connection: Connection, account: str, limit: int, now: datetime, zone: ZoneInfo) -> int:
    """Return how many of `limit` first contacts an account has left in the day that is `now` in `zone`."""
    met = _met_today(connection, account, now, zone)
    return max(0, limit - len(met) - _added_today(connection, account, now, zone))


def are_strangers(connection: Connection, account: str, asked: Iterable[str]) -> set[str]:
    """Return which addresses would be a first contact over an account now."""
    people: dict[str, set[int]] = {address: set() for address in asked if address not in _NOBODY}
    query = select(addresses.c.address, addresses.c.member_id).where(
        among(connection, addresses.c.address, list(people))
    )
    for row in connection.execute(query):
        people[row.address].add(row.member_id)
    return _strangers(connection, account, people)


def in_order(
    connection: Connection,
    account: str,
    people: Sequence[_One],
    contacts_known: Collection[str],
    address_of: Callable[[_One], str] = str,
) -> list[_One]:
    """Return people in the order in which to approach them: who wrote first, contacts, then the others.

    `people` are addresses, unless `address_of` says what each one's is; `contacts_known` are the addresses
    in the account's own contacts. Among equals the order stays.
    """
    asked = {address_of(one) for one in people}
    spellings = _spellings(connection, account, asked)
    wrote = _heard_from(connection, account, asked.union(*spellings.values()))

    def rank(one: _One) -> int:
        spelled = spellings.get(address_of(one), set()) | {address_of(one)}
        if not wrote.keys().isdisjoint(spelled):
            return 0
        return 1 if not spelled.isdisjoint(contacts_known) else 2

    return sorted(people, key=rank)


def advice(
    connection: Connection,
    planned: Iterable[PlannedDelivery],
    capabilities_by_account: Mapping[str, Capabilities],
    budget: Budget | None = None,
) -> str:
    """Return what to tell before so many strangers are written to; empty where there is nothing to say.

    With a budget nothing has to be said: it spreads them by itself.
    """
    people: dict[tuple[str, str], dict[str, set[int]]] = {}
    for one in planned:
        able = capabilities_by_account.get(one.account)
        if one.message and one.member_id is not None and able is not None and able.minds_strangers:
            theirs = people.setdefault((one.messenger, one.account), {})
            theirs.setdefault(one.address, set()).add(one.member_id)
    if budget is not None:
        return ""
    notes = []
    for (messenger, account), theirs in people.items():
        count = len(_strangers(connection, account, theirs))
        if count > DEFAULT_FIRST_CONTACTS_PER_DAY:
            notes.append(
                f"{count} of them never wrote to {account}. {messenger.capitalize()} limits accounts that "
                f"write first to many people: to spread them over days, set first_contacts_per_day = "
                f"{DEFAULT_FIRST_CONTACTS_PER_DAY} in [limits]."
            )
    return " ".join(notes)


def _strangers(connection: Connection, account: str, people: _People) -> set[str]:
    """Return the addresses that know nothing of an account; most are found to by their own spelling."""
    left = people.keys() - _traces(connection, account, people.keys()).keys()
    if not left:
        return set()
    spellings = _spellings(connection, account, left)
    others = set().union(*spellings.values()) - left
    traces = _traces(connection, account, others) if others else {}
    there = _in_chats(connection, account)
    return {
        address
        for address in left
        if traces.keys().isdisjoint(spelled := spellings.get(address, set()) | {address})
        and there.isdisjoint(spelled | people[address])
    }


def _traces(connection: Connection, account: str, asked: AbstractSet[str]) -> dict[str, datetime]:
    """Return since when an address and an account know one another, of those that do."""
    tried_at = func.coalesce(deliveries.c.sending_at, deliveries.c.sent_at)
    reached = (
        select(deliveries.c.address, func.min(tried_at))
        .where(
            deliveries.c.account == account,
            among(connection, deliveries.c.address, list(asked)),
            deliveries.c.state.in_(ARRIVED),
        )
        .group_by(deliveries.c.address)
    )
    found = _heard_from(connection, account, asked)
    for address, moment in connection.execute(reached):
        found[address] = min(moment, found.get(address, moment))
    return found


def _heard_from(connection: Connection, account: str, asked: AbstractSet[str]) -> dict[str, datetime]:
    """Return when it was written down first that somebody wrote, by address.

    What is said among others is not said to the account.
    """
    query = (
        select(inbound.c.address, func.min(inbound.c.recorded_at))
        .where(
            inbound.c.account == account,
            inbound.c.kind.in_(_WROTE),
            inbound.c.chat == "",
            among(connection, inbound.c.address, list(asked)),
        )
        .group_by(inbound.c.address)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _spellings(connection: Connection, account: str, asked: AbstractSet[str]) -> dict[str, set[str]]:
    """Return all spellings of the people whom an account has resolved once, by each that is asked for."""
    peer_of = select(peers.c.address, peers.c.peer).where(peers.c.account == account)
    resolved = connection.execute(peer_of.where(among(connection, peers.c.address, list(asked)))).all()
    if not resolved:
        return {}
    wanted = list({row.peer for row in resolved})
    spelled: dict[str, set[str]] = {}
    for row in connection.execute(peer_of.where(among(connection, peers.c.peer, wanted))):
        spelled.setdefault(row.peer, set()).add(row.address)
    return {row.address: spelled[row.peer] for row in resolved}


def _in_chats(connection: Connection, account: str) -> set[str | int]:
    """Return the addresses and the members of those who are in an account's chats."""
    query = (
        select(chat_people.c.address, chat_people.c.member_id)
        .join(groups, groups.c.id == chat_people.c.group_id)
        .where(groups.c.chat_account == account, chat_people.c.state == "there")
    )
    return {one for row in connection.execute(query) for one in row if one not in (None, "")}


def _day(now: datetime, zone: ZoneInfo) -> dict[str, datetime]:
    """Return the bounds of the day in a zone, as the queries below want them."""
    today = now.astimezone(zone).date()
    begins, ends = (
        datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        for day in (today, today + timedelta(days=1))
    )
    return {"b_begins": begins, "b_ends": ends}


def _met_today(connection: Connection, account: str, now: datetime, zone: ZoneInfo) -> set[str]:
    """Return the strangers whom an account has written to today, or may have."""
    tried: dict[str, datetime] = {}
    for sender, address, at in connection.execute(_FIRST_TODAY, _day(now, zone)):
        if sender == account:
            tried[address] = min(at, tried.get(address, at))
    spellings = _spellings(connection, account, tried.keys()) if tried else {}
    others = set().union(*spellings.values()) - tried.keys()
    traces = _traces(connection, account, others) if others else {}
    return {
        address
        for address, at in tried.items()
        if not any(traces[one] < at for one in spellings.get(address, ()) if one in traces)
    }


def _added_today(connection: Connection, account: str, now: datetime, zone: ZoneInfo) -> int:
    """Return how many people an account has put into its chats today."""
    found: int = connection.execute(_ADDED_TODAY, {"b_account": account, **_day(now, zone)}).scalar_one()
    return found


_earlier = deliveries.alias("earlier")
_TRIED_AT = func.coalesce(_earlier.c.sending_at, _earlier.c.sent_at)


def _is_today(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(column >= bindparam("b_begins"), column < bindparam("b_ends"))


# Of a day's deliveries those before which nothing stands. An announcement that was finished or cancelled
# before today has none: so the ledger's old part is not read. All accounts are asked for, lest SQLite begin
# with the index by account and read all that one ever sent; it keeps no statistics to know better.
_FIRST_TODAY = select(deliveries.c.account, deliveries.c.address, deliveries.c.sending_at).where(
    deliveries.c.announcement_id.in_(
        select(announcements.c.id).where(
            or_(
                announcements.c.finished_at.is_(None),
                announcements.c.finished_at >= bindparam("b_begins"),
            ),
            announcements.c.is_test.is_(False),
        )
    ),
    deliveries.c.state.in_(_MAY_HAVE_GONE),
    deliveries.c.member_id.is_not(None),  # it goes to a person, not to a group's chat
    deliveries.c.address.not_in(_NOBODY),
    _is_today(deliveries.c.sending_at),
    not_(
        exists().where(
            _earlier.c.account == deliveries.c.account,
            _earlier.c.address == deliveries.c.address,
            _earlier.c.state.in_(ARRIVED),
            _earlier.c.id != deliveries.c.id,
            deliveries.c.sending_at > _TRIED_AT,
        )
    ),
    not_(
        exists().where(
            inbound.c.account == deliveries.c.account,
            inbound.c.kind.in_(_WROTE),
            inbound.c.chat == "",
            inbound.c.address == deliveries.c.address,
            inbound.c.recorded_at <= deliveries.c.sending_at,
        )
    ),
    not_(
        exists().where(
            chat_people.c.member_id == deliveries.c.member_id,
            chat_people.c.group_id == groups.c.id,
            groups.c.chat_account == deliveries.c.account,
            or_(
                func.coalesce(chat_people.c.joined_at, chat_people.c.added_at).is_(None),
                func.coalesce(chat_people.c.joined_at, chat_people.c.added_at) <= deliveries.c.sending_at,
            ),
            or_(chat_people.c.state == "there", chat_people.c.gone_at > deliveries.c.sending_at),
        )
    ),
)
_ADDED_TODAY = (
    select(func.count())
    .select_from(chat_people)
    .join(groups, groups.c.id == chat_people.c.group_id)
    .where(groups.c.chat_account == bindparam("b_account"), _is_today(chat_people.c.added_at))
)
