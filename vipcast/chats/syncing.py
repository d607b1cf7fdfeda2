"""Bringing a group's seats and the people in its chat together: look, compare, do what the rule says.

Everything is looked at first and told; nothing is changed unless that is asked for (`acts`), and nobody is
taken out of a chat unless that is asked for as well (`fixes`), or they asked for it by opting out. Each step
stands by itself: a sync that was killed is done again, and finds what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from vipcast.chats import comparing, gate, inviting, links, making, people, saying, seen
from vipcast.chats.comparing import Difference, Kind
from vipcast.chats.context import Context
from vipcast.chats.gate import Answer, Verdict
from vipcast.chats.inviting import Invited
from vipcast.errors import InputError
from vipcast.groups import chats, seats
from vipcast.groups.seats import Group, Place
from vipcast.members import consent, roster
from vipcast.messengers.base import Messenger
from vipcast.messengers.base_chats import ChatGone, ChatKeeper, ChatLook, ChatRole, JoinRequest, Person

_FIRST_LOOK_BACK = timedelta(days=2)  # as far as Telegram's log of admins goes


@dataclass(frozen=True, slots=True)
class Look:
    """A chat as the messenger shows it, with who each person is to the shop."""

    chat: ChatLook
    people: tuple[Person, ...]  # as the messenger has them
    there: tuple[tuple[Person, int | None], ...]
    gone: Mapping[str, tuple[ChatGone, datetime]]
    requests: tuple[JoinRequest, ...]
    default_links: int  # that were never shut


@dataclass(slots=True)
class Synced:
    """What a sync found and, where it acted, did."""

    group: Group
    look: Look
    differences: list[Difference] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)  # of the members whom these speak of
    notes: list[str] = field(default_factory=list)  # what could not be had, in words
    has_acted: bool = False
    removed: list[str] = field(default_factory=list)  # names
    risen: list[int] = field(default_factory=list)  # members whom the waiting list moved up
    greeted: list[int] = field(default_factory=list)
    invited: Invited | None = None  # whom the waiting list moved up
    readers: int = 0  # newly known to have read an announcement

    @property
    def is_in_order(self) -> bool:
        return not (self.differences or self.verdicts)


async def look(context: Context, keeper: ChatKeeper, group: Group) -> Look:
    """Ask the messenger how the chat stands; write nothing."""
    with context.database.read() as connection:
        chat = chats.of(connection, group)
        ours = {one.link: one.member_id for one in links.of_group(connection, group, only_open=False)}
        door = chat.door if chat else ""
    since = (chat.looked_at if chat else None) or context.now()
    there = await keeper.people(group.chat)
    gone = await keeper.gone(group.chat, since - _FIRST_LOOK_BACK)
    requests = await keeper.requests(group.chat)
    default = [one for one in await keeper.links(group.chat) if one.is_default and one.link != door]
    with context.database.read() as connection:
        account = context.account(group)
        own = people.own(connection, context.setting.accounts)
        owners = {one.id: people.whose(connection, account, group, one) for one in there}
    if any(owners[one.id] is None and one.role is ChatRole.MEMBER for one in there):
        for link, member_id in ours.items():  # somebody may have let them in by hand, in the app
            for one in await keeper.came_by(group.chat, link) if link else ():
                if owners.get(one.id, member_id) is None:
                    owners[one.id] = member_id
    return Look(
        await keeper.look(group.chat),
        tuple(there),
        tuple((_as_ours(one, own), owners[one.id]) for one in there),
        gone,
        tuple(requests),
        len(default),
    )


def _as_ours(person: Person, own: Collection[str]) -> Person:
    """Return a person as the shop has them: an account of its own is no stranger, whatever its rights."""
    is_ours = person.role is ChatRole.MEMBER and people.is_own(person, own)
    return replace(person, role=ChatRole.ADMIN) if is_ours else person


def judge(connection: Connection, context: Context, group: Group, found: Look) -> Synced:
    """Compare a look with the ledger; write nothing."""
    now = context.now()
    members = {member_id for _, member_id in found.there if member_id is not None}
    standing = comparing.Seats(
        seats.places(connection, group),
        group.free,
        consent.states_of(connection, sorted(members)),
    )
    differences = comparing.compare(found.there, people.known(connection, group), found.gone, standing)
    account = context.account(group)
    verdicts = [gate.judge(connection, account, group, one, now) for one in found.requests]
    spoken_of = [one.member_id for one in differences] + [one.member_id for one in verdicts]
    names = people.names_of(connection, {one for one in spoken_of if one is not None})
    return Synced(group, found, differences, verdicts, names)


async def sync(
    context: Context, messenger: Messenger, group: Group, *, acts: bool, fixes: bool = False
) -> Synced:
    """Look, and with `acts` do what the rule says; with `fixes` also take out who has no seat.

    Raises:
        SendError: the messenger cannot be asked, or does not allow it; what was done by then is written down.

    """
    keeper = making.keeper_of(messenger)
    started = context.now()
    found = await look(context, keeper, group)
    with context.database.read() as connection:
        result = judge(connection, context, group, found)
    if not acts:
        return result
    result.has_acted = True
    result.notes = await making.put_right(context, messenger, keeper, group, found.chat, found.people)
    with context.database.write() as connection:
        result.risen = _write_down(connection, context, group, result)
    # Out before in, lest there be more people than seats.
    out = [one for one in result.differences if one.removes and (fixes or one.is_binding)]
    await _remove(context, keeper, group, result, out)
    if await _admit(context, keeper, group, result, fixes=fixes):
        found = await look(context, keeper, group)
        with context.database.write() as connection:
            current = seats.get(connection, group.name)
            _write_down(connection, context, current, judge(connection, context, current, found))
        result.look = found
    await _end_links(context, keeper, group)
    await making.pin(context, keeper, group)
    result.readers = await seen.look(context, keeper, group)
    with context.database.write() as connection:
        result.greeted = saying.greet(connection, context, group, context.now())
        chats.put(connection, group, {"looked_at": started})
    result.invited = await _invite_owed(context, keeper, group)
    return result


async def _invite_owed(context: Context, keeper: ChatKeeper, group: Group) -> Invited | None:
    """Invite whom the waiting list moved up; a run that was planned and not sent comes first."""
    with context.database.read() as connection:
        if (left := inviting.unsent(connection, group, context.now())) is not None:
            return Invited(announcement=left)
        current = seats.get(connection, group.name)
        owed = inviting.candidates(connection, context, current, only=inviting.owed(connection, current))
    return await inviting.invite(context, keeper, current, owed) if owed else None


async def _admit(context: Context, keeper: ChatKeeper, group: Group, result: Synced, *, fixes: bool) -> bool:
    """Let in whoever has a seat, one after the other; return whether anybody came in."""
    has_come = False
    for one in result.verdicts:
        person = one.request.person
        if one.answer is Answer.LET_IN:
            with context.database.write() as connection:
                now = context.now()
                fresh = gate.judge(connection, context.account(group), group, one.request, now)
                if fresh.answer is not Answer.LET_IN:  # a seat may have gone since
                    continue
                gate.expect(connection, context.account(group), group, fresh, now)
            await keeper.admit(group.chat, person, is_yes=True)  # the next look notes that they came
            has_come = True
        elif one.answer is Answer.SEND_AWAY or fixes:
            await keeper.admit(group.chat, person, is_yes=False)
    return has_come


def _write_down(connection: Connection, context: Context, group: Group, result: Synced) -> list[int]:
    """Bring the records up to date, free and give seats; return whom the waiting list moved up."""
    now = context.now()
    account = context.account(group)
    for person, member_id in result.look.there:
        if person.is_me:
            continue
        people.note(connection, group, person, member_id=member_id, state=people.THERE, gone_at=None)
    people.forget_strangers(connection, group, {person.id for person, _ in result.look.there})
    risen: list[int] = []
    for one in result.differences:
        if one.person is None:
            people.change(
                connection, group, one.person_id, state=comparing.state_after(one.kind), gone_at=one.at or now
            )
        elif one.kind in (Kind.CAME, Kind.NO_SEAT) and one.member_id is not None:
            try:
                people.tie(connection, account, one.member_id, one.person, now)
            except InputError as error:
                result.notes.append(error.message)
        if one.kind is Kind.DELETED and one.member_id is not None:
            _mark_deleted(connection, account.messenger, one, now)
        if one.seats and one.member_id is not None:
            _seat(connection, group, one.member_id, now)
        # Somebody at a terminal may have freed it since we looked.
        if one.frees and one.member_id is not None and _sits(connection, group, one.member_id):
            risen += seats.leave(connection, group, one.member_id, now=now)
    there = {member_id for _, member_id in result.look.there}
    return [member_id for member_id in risen if member_id not in there]


def _sits(connection: Connection, group: Group, member_id: int) -> bool:
    return seats.places(connection, group).get(member_id) is Place.SEATED


def _seat(connection: Connection, group: Group, member_id: int, now: datetime) -> None:
    """Give a seat to a member who is in the chat; who waits is the first of those who wait."""
    seats.take_seat(connection, group, member_id, now=now)
    seats.promote(connection, group, now=now)


def _mark_deleted(connection: Connection, messenger: str, one: Difference, now: datetime) -> None:
    spellings = one.person.spellings if one.person else ()
    (member,) = roster.load(connection, [one.member_id or 0])
    for address in member.addresses:
        if address.messenger == messenger and address.address in spellings:
            roster.mark_address(
                connection, member.id, messenger, address.address,
                state="unreachable", reason="the account on the messenger was deleted", now=now,
            )  # fmt: skip


async def _remove(
    context: Context, keeper: ChatKeeper, group: Group, result: Synced, out: Sequence[Difference]
) -> None:
    """Take people out; each is looked at once more, for a seat may have been given since.

    A removal is a ban and its end: one that was cut short between them is completed first.
    """
    there, gone = {person.id for person in result.look.people}, set[str]()
    with context.database.read() as connection:
        cut_short = [one for one in people.removing(connection, group) if one.id not in there]
    for person in cut_short:
        await keeper.remove(group.chat, person)
        with context.database.write() as connection:
            people.change(connection, group, person.id, state=people.REMOVED, gone_at=context.now())
    for one in out:
        if one.person is None:
            continue
        if one.kind is Kind.NO_SEAT and one.member_id is not None:
            with context.database.read() as connection:
                if _sits(connection, group, one.member_id):
                    continue
        with context.database.write() as connection:
            people.begin_removal(connection, group, one.person)
        await keeper.remove(group.chat, one.person)
        with context.database.write() as connection:
            people.change(connection, group, one.person_id, state=people.REMOVED, gone_at=context.now())
        gone.add(one.person_id)
        result.removed.append(one.name or one.person_id)
    if gone or cut_short:
        with context.database.write() as connection:
            people.forget_strangers(connection, group, there - gone)


async def _end_links(context: Context, keeper: ChatKeeper, group: Group) -> None:
    """Shut the links that are used up, have expired, or whose member has no seat any more."""
    now = context.now()
    with context.database.read() as connection:
        sits = {one.member_id for one in seats.seats(connection, group) if one.place is Place.SEATED}
        inside = set(chats.members_in(connection, group))
        found = links.of_group(connection, group)
    expired = [one for one in found if one.expires_at <= now]
    used = [one for one in found if one not in expired and one.member_id in inside]
    unseated = [one for one in found if one not in (*expired, *used) and one.member_id not in sits]
    for ended, state in ((expired, links.EXPIRED), (used, links.USED), (unseated, links.REVOKED)):
        for one in ended:
            if one.link and state != links.EXPIRED:
                await keeper.revoke(group.chat, one.link)
            with context.database.write() as connection:
                links.end(connection, [one.id], state, now)
