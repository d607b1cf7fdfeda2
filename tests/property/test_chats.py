"""Whoever is in a chat and whatever the records say: once the findings are acted on, all is in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from vipcast.chats.comparing import Kind, Seats, compare, state_after
from vipcast.chats.people import ASKS, LEFT, REMOVED, THERE, Known
from vipcast.groups.seats import Place
from vipcast.members.consent import ConsentState
from vipcast.messengers.base_chats import ChatGone, ChatRole, Person

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MEMBERS = range(1, 6)
NUMBERS = [str(number) for number in range(101, 109)]


@dataclass
class Chat:
    """A group's seats and its chat, as the four sides that are compared; and what becomes of them."""

    cap: int
    places: dict[int, Place]  # in the order of arrival
    consent: dict[int, ConsentState]
    there: list[tuple[Person, int | None]]
    known: dict[str, Known]
    gone: dict[str, tuple[ChatGone, datetime]]

    def seated(self) -> set[int]:
        return {member for member, place in self.places.items() if place is Place.SEATED}

    def findings(self):
        free = max(0, self.cap - len(self.seated()))
        here = {member for _, member in self.there if member is not None}
        consent = {member: self.consent[member] for member in here}
        return compare(self.there, self.known, self.gone, Seats(dict(self.places), free, consent))

    def ordinary(self) -> list[tuple[Person, int | None]]:
        """Who is there and not one of the shop's own."""
        return [one for one in self.there if one[0].role is ChatRole.MEMBER and not one[0].is_me]

    # What the findings say, done as they say it: the ledger first, one finding after the other.

    def promote(self) -> None:
        """Seat those who wait, in the order of arrival, as every change of the ledger does."""
        for member, place in self.places.items():
            if place is Place.WAITING and len(self.seated()) < self.cap:
                self.places[member] = Place.SEATED

    def take_seat(self, member: int) -> None:
        if self.places.get(member) not in (Place.SEATED, Place.WAITING):
            nobody_waits = Place.WAITING not in self.places.values()
            is_free = len(self.seated()) < self.cap and nobody_waits
            self.places.pop(member, None)
            self.places[member] = Place.SEATED if is_free else Place.WAITING

    def act(self, findings) -> None:
        for person, member in self.there:
            if not person.is_me:
                self.known[person.id] = known_of(person, member)
        for one in findings:
            if one.person is None:
                self.known[one.person_id] = replace(self.known[one.person_id], state=state_after(one.kind))
            if one.seats:
                self.take_seat(one.member_id)
                self.promote()
            if one.frees:
                assert self.places[one.member_id] is not Place.LEFT, "a seat is freed once"
                self.places[one.member_id] = Place.LEFT
                self.promote()
        for one in findings:
            # A seat may have come to them by another finding: who has one is not taken out.
            if one.removes and not (one.kind is Kind.NO_SEAT and one.member_id in self.seated()):
                self.there = [other for other in self.there if other[0].id != one.person_id]
                self.known[one.person_id] = replace(self.known[one.person_id], state=REMOVED)
        self.gone = {}


def known_of(person: Person, member: int | None, state: str = THERE) -> Known:
    return Known(
        person.id, member, person.name, str(person.role), state, person.is_deleted, None, None, None, None
    )


@st.composite
def ledgers(draw):
    """Draw (cap, places): as the ledger keeps them, nobody waits while a seat is free."""
    cap = draw(st.integers(1, 3))
    places: dict[int, Place] = {}
    for member in draw(st.permutations(MEMBERS)):
        match draw(st.sampled_from(["in", "in", "left", "never"])):
            case "in":
                seated = sum(place is Place.SEATED for place in places.values())
                places[member] = Place.SEATED if seated < cap else Place.WAITING
            case "left":
                places[member] = Place.LEFT
    return cap, places


@st.composite
def chats(draw):
    cap, places = draw(ledgers())
    wishes = st.sampled_from([*ConsentState, *[ConsentState.OPTED_IN] * 4])
    consent = {member: draw(wishes) for member in MEMBERS}
    owners = {number: draw(st.sampled_from([None, *MEMBERS])) for number in NUMBERS}
    there, known = [], {}
    for number in draw(st.permutations(NUMBERS)):
        role = draw(st.sampled_from([*ChatRole, *[ChatRole.MEMBER] * 6]))
        person = Person(
            number,
            (),
            draw(st.sampled_from(["Anna", "Béla", ""])),
            role=role,
            is_deleted=draw(st.integers(0, 4)) == 0,
            is_me=number == NUMBERS[0] and draw(st.booleans()),
        )
        if draw(st.booleans()):
            there.append((person, owners[number]))
        if draw(st.booleans()) and not person.is_me:
            name = draw(st.sampled_from(["Anna", "Béla"]))
            state = draw(st.sampled_from([ASKS, THERE, THERE, THERE, LEFT, REMOVED]))
            before = replace(known_of(person, owners[number], state), name=name)
            if draw(st.integers(0, 5)) == 0:
                before = replace(before, role=str(draw(st.sampled_from(list(ChatRole)))))
            known[number] = before
    gone = draw(st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(list(ChatGone)), max_size=3))
    return Chat(cap, places, consent, there, known, {one: (how, NOW) for one, how in gone.items()})


def newcomers() -> Chat:
    """One free seat, and three who came without having one: two never had, one left."""
    people = [Person(number, (), "Anna") for number in NUMBERS[:3]]
    return Chat(
        1,
        {3: Place.LEFT},
        dict.fromkeys(MEMBERS, ConsentState.OPTED_IN),
        [(people[0], 3), (people[1], 1), (people[2], 2)],
        {},
        {},
    )


def colleague() -> Chat:
    """A colleague of the shop who is a member: there as an admin since today, and as themselves as before."""
    admin, person = Person("101", (), "Anna", role=ChatRole.ADMIN), Person("102", (), "Anna")
    consent = dict.fromkeys(MEMBERS, ConsentState.OPTED_IN)
    known = {person.id: known_of(person, 1)}
    return Chat(2, {1: Place.SEATED}, consent, [(admin, 1), (person, 1)], known, {})


def two_accounts(*still_there: str) -> Chat:
    """A member with a seat who was there with two accounts, and what is left of them."""
    people = {number: Person(number, (), "Anna") for number in NUMBERS[:2]}
    return Chat(
        2,
        {1: Place.SEATED},
        dict.fromkeys(MEMBERS, ConsentState.OPTED_IN),
        [(people[number], 1) for number in still_there],
        {number: known_of(person, 1) for number, person in people.items()},
        {},
    )


@given(chat=chats())
@settings(max_examples=400, deadline=None)
@example(chat=two_accounts(NUMBERS[0]))
@example(chat=two_accounts())
@example(chat=newcomers())
@example(chat=colleague())
def test_once_the_findings_are_acted_on_the_chat_is_as_the_seats_say(chat):
    own = {person.id for person, _ in chat.there if person.is_me or person.role is not ChatRole.MEMBER}
    findings = chat.findings()
    for one in findings:
        event(f"{one.kind}{' frees' * one.frees}{' seats' * one.seats}{' removes' * one.removes}")
    assert own.isdisjoint(one.person_id for one in findings), "the shop's own people are never touched"
    chat.act(findings)

    left = chat.ordinary()
    seated = chat.seated()
    assert all(member in seated for _, member in left), "nobody is there without a seat"
    assert len(left) <= chat.cap
    assert len(seated) <= chat.cap
    assert len({member for _, member in left}) == len(left), "one person a member"
    assert not any(person.is_deleted for person, _ in left)
    assert all(chat.consent[member] is not ConsentState.OPTED_OUT for _, member in left)
    assert own <= {person.id for person, _ in chat.there}
    assert chat.findings() == [], "a second look finds nothing"


@given(chat=chats())
@settings(max_examples=400, deadline=None)
@example(chat=two_accounts(NUMBERS[0]))
def test_nobody_with_a_seat_is_taken_out_or_loses_it_while_they_are_there(chat):
    """Save for who opted out; a deleted account is nobody."""
    before = {
        member
        for person, member in chat.ordinary()
        if member in chat.seated()
        and not person.is_deleted
        and chat.consent[member] is not ConsentState.OPTED_OUT
    }
    chat.act(chat.findings())
    assert before <= chat.seated()
    assert before <= {member for _, member in chat.there}


@given(chat=chats())
@settings(max_examples=200, deadline=None)
def test_every_person_is_found_once_at_most_and_nothing_that_is_compared_changes(chat):
    before = (dict(chat.places), list(chat.there), dict(chat.known))
    findings = chat.findings()
    assert (chat.places, chat.there, chat.known) == before
    assert len({one.person_id for one in findings}) == len(findings)
    order = [person.id for person, _ in chat.there] + list(chat.known)
    places = [order.index(one.person_id) for one in findings]
    assert places == sorted(places), "who is there first, then who is not any more"
    here = {person.id for person, _ in chat.there}
    for one in findings:
        assert (one.person is None) == (one.person_id not in here)
        assert (one.kind in (Kind.LEFT, Kind.REMOVED)) == (one.person is None)


@given(chat=chats())
@settings(max_examples=200, deadline=None)
def test_who_is_not_there_any_more_left_unless_an_admin_removed_them(chat):
    found = {one.person_id: one for one in chat.findings()}
    for number in set(NUMBERS) - {person.id for person, _ in chat.there}:
        was = chat.known.get(number)
        if was is None or was.member_id is None:  # strangers are forgotten once they are gone
            assert number not in found
        elif was.state == THERE and was.role == ChatRole.MEMBER:
            told = chat.gone.get(number, (ChatGone.LEFT, None))[0]
            assert found[number].kind is (Kind.REMOVED if told is ChatGone.REMOVED else Kind.LEFT)
            assert (found[number].removes, found[number].seats) == (False, False)
        else:
            assert number not in found


@given(chat=chats())
@settings(max_examples=200, deadline=None)
@example(chat=newcomers())
def test_a_seat_goes_to_who_is_next_and_agreed_and_to_nobody_who_lost_it(chat):
    """Nobody is seated by having come while others wait, and a seat that was left is not given back."""
    waiting = [member for member, place in chat.places.items() if place is Place.WAITING]
    for one in chat.findings():
        if one.seats:
            assert one.kind is Kind.NO_SEAT
            assert chat.consent[one.member_id] is ConsentState.OPTED_IN
            assert one.member_id in waiting[:1] if waiting else one.member_id not in chat.places


@given(chat=chats())
@settings(max_examples=200, deadline=None)
def test_of_two_accounts_who_was_there_before_stays_and_a_living_one_before_a_deleted_one(chat):
    twice = {one.person_id for one in chat.findings() if one.kind is Kind.TWICE}
    for member in MEMBERS:
        theirs = [person for person, owner in chat.there if owner == member]
        before = [one.id for one in theirs if (was := chat.known.get(one.id)) and was.state == THERE]
        living = [one.id for one in theirs if not one.is_deleted]
        if len(theirs) > 1 and all(one.role is ChatRole.MEMBER and not one.is_me for one in theirs):
            (stays,) = [one.id for one in theirs if one.id not in twice]
            assert stays in (living or before or [stays])
            wanted = [one for one in living if one in before]
            assert stays in (wanted or [stays])


@given(chat=chats())
@settings(max_examples=200, deadline=None)
def test_who_sits_there_is_told_of_when_they_come_and_when_they_are_called_otherwise(chat):
    found = {one.person_id: one for one in chat.findings()}
    for person, member in chat.ordinary():
        is_out = person.is_deleted or chat.consent.get(member) is ConsentState.OPTED_OUT
        one, was = found.get(person.id), chat.known.get(person.id)
        if member not in chat.seated() or is_out or (one and one.kind is Kind.TWICE):
            continue
        if was is None or was.state != THERE:
            assert one.kind is Kind.CAME
        elif was.name != person.name:
            assert (one.kind, one.was, one.name) == (Kind.RENAMED, was.name, person.name)
        else:
            assert one is None
