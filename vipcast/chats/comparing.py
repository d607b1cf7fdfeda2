"""Seats against people: what differs between the ledger and a group's chat, and what the rule for it is.

Pure. The ledger's seats say who may be in the chat; the messenger says who is. Nobody is in the chat
without a seat, and a seat of somebody who went away goes to the waiting list.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vipcast.chats.people import LEFT, REMOVED, THERE, Known
from vipcast.groups.seats import Place
from vipcast.members.consent import ConsentState
from vipcast.messengers.base_chats import ChatGone, ChatRole, Person


class Kind(enum.StrEnum):
    """What is found about one person."""

    CAME = "came"  # a member with a seat
    LEFT = "left"  # by themselves
    REMOVED = "removed"  # by another admin, or in the messenger's app
    RENAMED = "renamed"
    DELETED = "deleted"  # their account on the messenger is gone
    STRANGER = "stranger"  # nobody whom the shop knows
    NO_SEAT = "no-seat"  # a member who has none here
    OPTED_OUT = "opted-out"
    TWICE = "twice"  # a second account of a member who is there already: one seat, one person


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding, and what the rule makes of it.

    `frees` and `seats` change the ledger alone; `removes` takes somebody out of the chat.
    """

    kind: Kind
    person_id: str
    name: str
    member_id: int | None = None
    person: Person | None = None  # None for who is not there
    at: datetime | None = None
    was: str = ""  # the old name
    frees: bool = False
    seats: bool = False
    removes: bool = False

    @property
    def is_binding(self) -> bool:
        """They asked for it themselves: an opt-out holds everywhere and at once, whoever else must wait."""
        return self.kind is Kind.OPTED_OUT


@dataclass(frozen=True, slots=True)
class Seats:
    """A group's side: who sits, waits or left there, in order, and how many seats are free."""

    places: Mapping[int, Place]
    free: int
    consent: Mapping[int, ConsentState]


def compare(
    there: Sequence[tuple[Person, int | None]],
    known: Mapping[str, Known],
    gone: Mapping[str, tuple[ChatGone, datetime]],
    seats: Seats,
) -> list[Difference]:
    """Return what differs, in the order of who is there and then who is not any more.

    `there` has each person with the member they are. The owner, admins and bots are the shop's own people.
    """
    found = []
    free = seats.free
    waiting = [member_id for member_id, place in seats.places.items() if place is Place.WAITING]
    guests = [one for one in there if one[0].role is ChatRole.MEMBER and not one[0].is_me]
    sitters = _sitters(guests, known)
    for person, member_id in guests:
        if member_id is not None and sitters[member_id] != person.id:
            found.append(Difference(Kind.TWICE, person.id, person.name, member_id, person, removes=True))
            continue
        one = _present(person, member_id, known.get(person.id), seats, free=free, waiting=waiting)
        if one is not None:
            free -= one.seats
            if one.seats and one.member_id in waiting:
                waiting.remove(one.member_id)
            found.append(one)
    found += _absent(there, known.values(), gone, seats)
    return found


def _sitters(there: Sequence[tuple[Person, int | None]], known: Mapping[str, Known]) -> dict[int, str]:
    """Return {member: the one person who sits there for them}: who was there before, else who came first."""
    sitters: dict[int, str] = {}
    for person, member_id in sorted(there, key=lambda one: not _was_there(known.get(one[0].id))):
        if member_id is not None and not person.is_deleted:
            sitters.setdefault(member_id, person.id)
    for person, member_id in there:  # a member of whom nothing but a deleted account is there
        if member_id is not None:
            sitters.setdefault(member_id, person.id)
    return sitters


def _was_there(before: Known | None) -> bool:
    return before is not None and before.state == THERE


def _present(
    person: Person,
    member_id: int | None,
    before: Known | None,
    seats: Seats,
    *,
    free: int,
    waiting: Sequence[int],
) -> Difference | None:
    place = seats.places.get(member_id) if member_id is not None else None
    consent = seats.consent.get(member_id, ConsentState.NONE) if member_id is not None else None
    is_seated = place is Place.SEATED

    def finding(kind: Kind, *, was: str = "", **deeds: bool) -> Difference:
        return Difference(kind, person.id, person.name, member_id, person, person.joined_at, was, **deeds)

    if person.is_deleted:
        return finding(Kind.DELETED, frees=is_seated, removes=True)
    if member_id is None:
        return finding(Kind.STRANGER, removes=True)
    if consent is ConsentState.OPTED_OUT:
        return finding(Kind.OPTED_OUT, frees=is_seated, removes=True)
    if not is_seated:  # a seat that was taken away is not given back because somebody stayed
        is_next = waiting[0] == member_id if waiting else place is None
        may_sit = free > 0 and is_next and consent is ConsentState.OPTED_IN
        return finding(Kind.NO_SEAT, seats=may_sit, removes=not may_sit)
    if before is None or before.state != THERE:
        return finding(Kind.CAME)
    return finding(Kind.RENAMED, was=before.name) if before.name != person.name else None


def _absent(
    there: Sequence[tuple[Person, int | None]],
    known: Iterable[Known],
    gone: Mapping[str, tuple[ChatGone, datetime]],
    seats: Seats,
) -> Iterable[Difference]:
    """Find members who went away; a seat is freed once, and only where nobody sits there for them."""
    here = {person.id for person, _ in there}
    sitting = {member_id for _, member_id in there}
    for one in known:
        if one.member_id is None or one.state != THERE or one.person in here or one.role != ChatRole.MEMBER:
            continue
        how, at = gone.get(one.person, (ChatGone.LEFT, None))
        kind = Kind.REMOVED if how is ChatGone.REMOVED else Kind.LEFT
        frees = seats.places.get(one.member_id) is Place.SEATED and one.member_id not in sitting
        sitting.add(one.member_id)
        yield Difference(kind, one.person, one.name, one.member_id, at=at, frees=frees)


def state_after(kind: Kind) -> str:
    """Return what the records call somebody who is not there any more."""
    return REMOVED if kind is Kind.REMOVED else LEFT
