"""Inviting members into their group's chat: a personal link each, on whichever messenger they have.

An invitation run is an announcement like any other in the ledger, with the built-in text `invitation`: so
consent, quiet hours, pauses and kills mean the same for it. The links stand in the ledger before they are
made, and what was begun is finished by the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, and_, exists, or_, select

from vipcast.announcements import records
from vipcast.announcements.planning import PlannedDelivery, Route, choose_route
from vipcast.announcements.records import INVITATION, Announcement
from vipcast.by_hand import BY_HAND
from vipcast.chats import links, people, saying
from vipcast.chats.context import Context
from vipcast.chats.links import Link
from vipcast.delivery import contacts, peers
from vipcast.delivery.outcomes import State
from vipcast.groups import chats, seats
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group, Place
from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Member
from vipcast.messengers.base import Message
from vipcast.messengers.base_chats import Added, ChatKeeper
from vipcast.storage.tables import announcements, deliveries, memberships

_LOCALES = {"en": "en_GB"}  # a day comes before its month


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody to be invited: over which route the link goes to them, or `skip` why nobody invites them."""

    member: Member
    route: Route | None = None
    address: str = ""
    skip: str = ""
    is_stranger: bool = False  # never wrote to the account that would write to them


@dataclass(slots=True)
class Invited:
    """What an invitation run came to."""

    announcement: Announcement | None = None
    added: list[str] = field(default_factory=list)  # names of those who were put in
    asked: list[str] = field(default_factory=list)  # and of those to whom a link goes
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (name, why)
    later: list[str] = field(default_factory=list)  # beyond what the account may do today


def candidates(
    connection: Connection,
    context: Context,
    group: Group,
    *,
    only: Sequence[int] | None = None,
    again: bool = False,
) -> list[Invitee]:
    """Return everybody with a seat who is not in the chat, those first who know the account best.

    `only` are members, None for all. Who has a link that still works is asked once more with `again` only.
    """
    now = context.now()
    inside = chats.members_in(connection, group)
    asked = {
        one.member_id
        for one in links.of_group(connection, group)
        if one.expires_at > now and _was_carried(connection, one)
    }
    seated = [s.member_id for s in seats.seats(connection, group) if s.place is Place.SEATED]
    wanted = [i for i in seated if i not in inside and (only is None or i in only)]
    found = []
    for member in roster.load(connection, wanted):
        if member.consent is not ConsentState.OPTED_IN:
            skip = "opted_out" if member.consent is ConsentState.OPTED_OUT else "no_consent"
            found.append(Invitee(member, skip=skip))
        elif member.id in asked and not again:
            found.append(Invitee(member, skip="invited"))
        else:
            route, address, reason = choose_route(context.routes, member)
            found.append(Invitee(member, route, address, skip=reason))
    return _in_order(connection, found)


def _was_carried(connection: Connection, link: Link) -> bool:
    """Return whether a link has gone out to its member, or may yet."""
    query = select(deliveries.c.id).where(
        deliveries.c.announcement_id == link.announcement_id,
        deliveries.c.member_id == link.member_id,
        deliveries.c.state.not_in((State.FAILED, State.SKIPPED)),
    )
    return link.announcement_id is not None and connection.execute(query).first() is not None


def unsent(connection: Connection, group: Group, now: datetime) -> Announcement | None:
    """Return an invitation run of a group that was cut short: something of it is due, and nobody sends it."""
    is_due = or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= now)
    waits = exists().where(
        deliveries.c.announcement_id == announcements.c.id,
        or_(and_(deliveries.c.state == State.QUEUED, is_due), deliveries.c.state == State.SENDING),
        deliveries.c.account != BY_HAND,
    )
    query = select(announcements.c.id).where(
        announcements.c.key.startswith(f"{INVITATION}{group.id} ", autoescape=True),
        announcements.c.state.in_(("planned", "running")),
        waits,
    )
    number = connection.execute(query.order_by(announcements.c.id)).scalars().first()
    return records.get(connection, number) if number is not None else None


def owed(connection: Connection, group: Group) -> list[int]:
    """Return whom the waiting list moved up to a seat, and whom nobody has invited since."""
    query = select(memberships.c.member_id, memberships.c.seated_at).where(
        memberships.c.group_id == group.id,
        memberships.c.state == Place.SEATED,
        memberships.c.seated_at > memberships.c.arrived_at,
    )
    invited: dict[int, datetime] = {}
    for one in links.of_group(connection, group, only_open=False):
        if one.announcement_id is not None:
            invited[one.member_id] = one.made_at
    inside = chats.members_in(connection, group)
    return [
        row.member_id
        for row in connection.execute(query.order_by(memberships.c.seated_at))
        if row.member_id not in inside
        and (row.member_id not in invited or invited[row.member_id] < row.seated_at)
    ]


def _in_order(connection: Connection, found: Sequence[Invitee]) -> list[Invitee]:
    """Put those first who wrote to the account that is to write to them."""
    strangers: dict[str, set[str]] = {}
    for one in found:
        if one.route is not None and one.route.capabilities.minds_strangers:
            strangers.setdefault(one.route.account.name, set()).add(one.address)
    for account, theirs in strangers.items():
        strangers[account] = contacts.are_strangers(connection, account, sorted(theirs))
    marked = [
        Invitee(
            one.member,
            one.route,
            one.address,
            one.skip,
            one.route is not None and one.address in strangers.get(one.route.account.name, ()),
        )
        for one in found
    ]
    return sorted(marked, key=lambda one: one.is_stranger)


async def invite(
    context: Context,
    keeper: ChatKeeper,
    group: Group,
    chosen: Sequence[Invitee],
    *,
    adds: bool = False,
) -> Invited:
    """Invite within today's budget; return what was planned, which is still to be sent.

    `adds` puts those in directly who know the account: who wrote to it first, and its contacts. Whose
    privacy settings forbid that gets a link like the others.

    Raises:
        SendError: the messenger makes no links; what was done by then is kept.
        TemplateFault: the shop's own text of the invitation is wrong; nothing was done.

    """
    done = Invited(skipped=[(one.member.name, one.skip) for one in chosen if one.skip])
    wanted = [one for one in chosen if not one.skip]
    with context.database.read() as connection:
        chat = chats.of(connection, group)
        for one in wanted:
            _text(context, group, chat, one, "https://t.me/+sample", context.expires_at())
    if adds:
        wanted = await _add(context, keeper, group, wanted, done)
    strangers = [one for one in wanted if one.is_stranger]
    known = await keeper.knows([one.address for one in strangers])
    with context.database.read() as connection:
        last = contacts.in_order(connection, group.chat_account, strangers, known, lambda one: one.address)
    wanted = _within_budget(context, [*(one for one in wanted if not one.is_stranger), *last], done)
    ready = await _links(context, keeper, group, wanted)
    if ready:
        with context.database.write() as connection:
            done.announcement = _write(connection, context, group, chat, ready)
    done.asked = [one.member.name for one, _ in ready]
    return done


async def _add(
    context: Context, keeper: ChatKeeper, group: Group, wanted: Sequence[Invitee], done: Invited
) -> list[Invitee]:
    """Put in who knows the account, within the budget; return who is left for a link."""
    account = context.account(group)
    addresses = {one.member.id: _address_on(one.member, account.messenger) for one in wanted}
    known = await keeper.knows([one for one in addresses.values() if one])
    with context.database.read() as connection:
        strangers = contacts.are_strangers(connection, account.name, [a for a in addresses.values() if a])
        room = contacts.left_today(
            connection, account.name, context.first_contacts, context.now(), context.zone
        )
    left = []
    for one in wanted:
        address = addresses[one.member.id]
        if not address or room <= 0 or (address in strangers and address not in known):
            left.append(one)
            continue
        room -= 1
        with context.database.read() as connection:
            peer = peers.of(connection, account.name, address)
        if await keeper.add(group.chat, address, peer) is not Added.JOINED:
            left.append(one)
            continue
        done.added.append(one.member.name)
        await _note_added(context, keeper, group, one.member, address)
    return left


async def _note_added(
    context: Context, keeper: ChatKeeper, group: Group, member: Member, address: str
) -> None:
    now = context.now()
    for person in await keeper.people(group.chat):
        if address in person.spellings:
            with context.database.write() as connection:
                people.note(
                    connection, group, person, member_id=member.id, state=people.THERE, added_at=now,
                    joined_at=person.joined_at or now, gone_at=None,
                )  # fmt: skip


def _within_budget(context: Context, wanted: Sequence[Invitee], done: Invited) -> list[Invitee]:
    """Return who may be written to today; the other strangers are put off.

    Invitations that are planned and have not left yet have their places taken already.
    """
    left: dict[str, int] = {}
    found = []
    for one in wanted:
        if one.is_stranger and one.route is not None:
            name = one.route.account.name
            if name not in left:
                with context.database.read() as connection:
                    left[name] = contacts.left_today(
                        connection, name, context.first_contacts, context.now(), context.zone
                    ) - _under_way(connection, name)
            if left[name] <= 0:
                done.later.append(one.member.name)
                continue
            left[name] -= 1
        found.append(one)
    return found


def _under_way(connection: Connection, account: str) -> int:
    """Return how many strangers have an invitation that is still to leave over an account."""
    query = (
        select(deliveries.c.address)
        .join(announcements, announcements.c.id == deliveries.c.announcement_id)
        .where(
            deliveries.c.account == account,
            deliveries.c.state == State.QUEUED,
            announcements.c.template.startswith(INVITATION),
            announcements.c.state == "running",
        )
    )
    return len(contacts.are_strangers(connection, account, list(connection.execute(query).scalars())))


async def _links(
    context: Context, keeper: ChatKeeper, group: Group, wanted: Sequence[Invitee]
) -> list[tuple[Invitee, Link]]:
    """Give everybody a link of their own; one that was begun and carried by nothing is used."""
    now = context.now()
    ready: list[tuple[Invitee, Link]] = []
    there = {one.mark: one.link for one in await keeper.links(group.chat)}
    for one in wanted:
        with context.database.write() as connection:
            theirs = [e for e in links.of_group(connection, group) if e.member_id == one.member.id]
            begun = next((e for e in theirs if e.announcement_id is None and e.expires_at > now), None)
            link = begun or links.begin(connection, group, one.member.id, context.expires_at(), now)
        url = link.link or there.get(link.mark, "")
        url = url or await keeper.new_link(group.chat, link.mark, link.expires_at)
        with context.database.write() as connection:
            links.made(connection, link, url)
        for old in theirs:
            if old.id != link.id and old.link:
                await keeper.revoke(group.chat, old.link)
        with context.database.write() as connection:
            links.end(connection, [old.id for old in theirs if old.id != link.id], links.REVOKED, now)
            ready.append((one, links.get(connection, link.id)))
    return ready


def _write(
    connection: Connection,
    context: Context,
    group: Group,
    chat: GroupChat | None,
    ready: Sequence[tuple[Invitee, Link]],
) -> Announcement:
    """Plan the messages that carry the links: all of them in one transaction."""
    now, new_key = context.now(), context.setting.new_key
    announcement = records.create(
        connection,
        key=f"{INVITATION}{group.id} {new_key()}",
        template=f"{INVITATION}{group.name}",
        digest="",
        title=f"{INVITATION}{chat.title if chat else group.name}",
        groups=[group.name],
        variables={},
        now=now,
    )
    planned = []
    for one, link in ready:
        if one.route is None:
            continue
        account = one.route.account
        message = _text(context, group, chat, one, link.link, link.expires_at)
        planned.append(
            PlannedDelivery(
                one.member, group.name, one.member.language, account.name, account.messenger, one.address,
                message,
            )
        )  # fmt: skip
        links.made(connection, link, link.link, announcement.id)
    records.add_deliveries(connection, announcement, planned, new_key, now)
    return records.get(connection, announcement.id)


def _text(
    context: Context, group: Group, chat: GroupChat | None, one: Invitee, link: str, until: datetime
) -> Message:
    from babel.dates import format_date  # noqa: PLC0415 - half a second that looking need not pay

    setting = context.setting
    language = setting.language_of(one.member.language)
    day = format_date(until.astimezone(context.zone), "long", locale=_LOCALES.get(language, language))
    route = one.route or context.routes[0]
    return saying.private(
        setting, "invitation", one.member, route, group,
        link=link, until=day, chat=chat.title if chat else group.name,
    )  # fmt: skip


def _address_on(member: Member, messenger: str) -> str:
    """Return a member's own address on a messenger; empty where none works."""
    here = (a for a in member.addresses if a.messenger == messenger and a.state == "ok")
    return next((a.address for a in here), "")
