"""Who asks to come into a group's chat: whether they have a seat there, by the link that they followed."""

from __future__ import annotations

import enum
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from vipcast.chats import links, people
from vipcast.chats.links import Link
from vipcast.config import Account
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.groups.seats import Group, Place
from vipcast.members import consent
from vipcast.members.consent import ConsentState
from vipcast.messengers.base_chats import JoinRequest


class Answer(enum.StrEnum):
    LET_IN = "let-in"
    SEND_AWAY = "send-away"
    LEAVE = "leave"  # for the owner to decide


class Why(enum.StrEnum):
    SEATED = "seated"
    WAITING = "waiting"  # on the waiting list: there is no seat yet
    NO_SEAT = "no-seat"  # a member, but of other groups or none
    OPTED_OUT = "opted-out"
    STRANGER = "stranger"  # with no link of ours, or one that does not work any more
    PASSED_ON = "passed-on"  # by somebody else's link, as the records have it
    TWICE = "twice"  # the member is there already, with another account


@dataclass(frozen=True, slots=True)
class Verdict:
    request: JoinRequest
    answer: Answer
    why: Why
    member_id: int | None = None  # who they are, or whose link they came by
    link: Link | None = None


def judge(
    connection: Connection, account: Account, group: Group, request: JoinRequest, now: datetime
) -> Verdict:
    """Say whether somebody may come in; nothing is written.

    The first who comes by a link is its member, unless the member's address here is known and another's.
    """
    link = _link(connection, group, request, now)
    owner = people.whose(connection, account, group, request.person)
    if owner is None and link is None:
        return Verdict(request, Answer.LEAVE, Why.STRANGER)
    if owner is None and link is not None:
        if not people.may_be(connection, account, link.member_id, request.person):
            return Verdict(request, Answer.LEAVE, Why.PASSED_ON, link.member_id, link)
        owner = link.member_id
    member_id = int(owner or 0)
    mine = link if link is not None and link.member_id == member_id else None
    why = _standing(connection, group, member_id, request.person.id)
    answer = Answer.LET_IN if why is Why.SEATED else Answer.SEND_AWAY
    return Verdict(request, answer, why, member_id, mine)


def expect(connection: Connection, account: Account, group: Group, verdict: Verdict, now: datetime) -> None:
    """Write down who is about to be let in, so that they are known there whatever happens to us."""
    person = verdict.request.person
    people.note(connection, group, person, member_id=verdict.member_id, state=people.ASKS)
    if verdict.member_id is not None:
        with suppress(
            InputError
        ):  # the address is on another member's card: they are known here all the same
            people.tie(connection, account, verdict.member_id, person, now)


def _link(connection: Connection, group: Group, request: JoinRequest, now: datetime) -> Link | None:
    found = links.of_group(connection, group)
    return next(
        (one for one in found if one.link and one.link == request.link and one.expires_at > now), None
    )


def _standing(connection: Connection, group: Group, member_id: int, person_id: str) -> Why:
    if consent.states_of(connection, [member_id]).get(member_id) is ConsentState.OPTED_OUT:
        return Why.OPTED_OUT
    place = {name: place for name, place, _ in seats.groups_of(connection, member_id)}.get(group.name)
    if place is Place.WAITING:
        return Why.WAITING
    if place is not Place.SEATED:
        return Why.NO_SEAT
    others = people.known(connection, group).values()
    is_there = any(
        one.member_id == member_id and one.state == people.THERE and one.person != person_id for one in others
    )
    return Why.TWICE if is_there else Why.SEATED
