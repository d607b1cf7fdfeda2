"""Whatever people do, caps hold, nobody is overtaken, and no seat stays empty while somebody waits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import create_engine, insert
from sqlalchemy.pool import StaticPool

from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.groups.seats import Place
from vipcast.storage.columns import metadata
from vipcast.storage.tables import members

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GROUPS = ("gold", "silver")
PEOPLE = range(1, 13)

who = st.sampled_from(PEOPLE)
which = st.sampled_from(GROUPS)
caps = st.integers(1, 5)


def open_memory():
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    connection = engine.connect()
    people = [
        {"id": n, "name": f"M{n}", "name_key": f"m{n}", "created_at": NOW, "updated_at": NOW} for n in PEOPLE
    ]
    connection.execute(insert(members), people)
    return connection


class Model:
    """A group as one would keep it on paper."""

    def __init__(self, cap):
        self.cap = cap
        self.order = []  # of arrival
        self.seated = set()

    def join(self, person):
        if person not in self.order:
            is_free = len(self.seated) < self.cap and len(self.order) == len(self.seated)
            self.order.append(person)
            if is_free:
                self.seated.add(person)

    def leave(self, person):
        self.order.remove(person)
        self.seated.discard(person)
        self.promote()

    def promote(self):
        for person in self.order:
            if len(self.seated) < self.cap:
                self.seated.add(person)

    @property
    def lists(self):
        return (
            [person for person in self.order if person in self.seated],
            [person for person in self.order if person not in self.seated],
        )


class SeatsMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.connection = open_memory()
        self.models = {name: Model(2) for name in GROUPS}
        for name in GROUPS:
            seats.create(self.connection, name, cap=2, now=NOW)

    def teardown(self):
        engine = self.connection.engine
        self.connection.close()
        engine.dispose()

    def group(self, name):
        return seats.get(self.connection, name)

    @rule(person=who, name=which)
    def join(self, person, name):
        seats.take_seat(self.connection, self.group(name), person, now=NOW)
        self.models[name].join(person)

    @rule(person=who, name=which)
    def leave(self, person, name):
        model = self.models[name]
        if person not in model.order:
            with pytest.raises(InputError):
                seats.leave(self.connection, self.group(name), person, now=NOW)
            return
        before = set(model.seated)
        model.leave(person)
        risen = seats.leave(self.connection, self.group(name), person, now=NOW)
        assert set(risen) == model.seated - before

    @rule(person=who, source=which, goal=which)
    def move(self, person, source, goal):
        old, new = self.models[source], self.models[goal]
        if source == goal or person not in old.order or person in new.order:
            with pytest.raises(InputError), self.connection.begin_nested():
                seats.move(self.connection, person, self.group(source), self.group(goal), now=NOW)
            return
        old.leave(person)
        new.join(person)
        place, _ = seats.move(self.connection, person, self.group(source), self.group(goal), now=NOW)
        assert (place is Place.SEATED) == (person in new.seated)

    @rule(name=which, cap=caps)
    def change_cap(self, name, cap):
        model = self.models[name]
        if cap < len(model.seated):
            with pytest.raises(InputError):
                seats.edit(self.connection, self.group(name), cap=cap, purpose=None, now=NOW)
            return
        model.cap = cap
        model.promote()
        seats.edit(self.connection, self.group(name), cap=cap, purpose=None, now=NOW)

    @rule(people=st.lists(who, max_size=6))
    def fill(self, people):
        placed = seats.fill(self.connection, [self.group(name) for name in GROUPS], people, now=NOW)
        there = {person for model in self.models.values() for person in model.order}
        new = [person for person in dict.fromkeys(people) if person not in there]
        assert sorted(p for each in placed.values() for p, _ in each) == sorted(new)
        where = {person: name for name, each in placed.items() for person, _ in each}
        for person in new:
            self.models[where[person]].join(person)

    @invariant()
    def it_is_as_on_paper(self):
        for name, model in self.models.items():
            found = seats.seats(self.connection, self.group(name))
            seated = [seat.member_id for seat in found if seat.place is Place.SEATED]
            waiting = [seat.member_id for seat in found if seat.place is Place.WAITING]
            assert (seated, waiting) == model.lists
            assert len(seated) <= self.group(name).cap <= seats.MAX_CAP
            assert not waiting or len(seated) == self.group(name).cap


TestSeats = SeatsMachine.TestCase
TestSeats.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


@given(caps=st.lists(st.integers(1, 20), min_size=2, max_size=5), count=st.integers(0, 12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fill_never_prefers_a_fuller_group(caps, count):
    connection = open_memory()
    groups = [seats.create(connection, f"g{n}", cap=cap, now=NOW) for n, cap in enumerate(caps)]
    placed = seats.fill(connection, groups, list(PEOPLE)[:count], now=NOW)
    assert sum(len(one) for one in placed.values()) == count
    found = seats.everything(connection)
    assert all(group.seated <= group.cap for group in found)
    if count > sum(caps):
        assert all(group.free == 0 for group in found)
        lengths = [group.waiting for group in found]
        assert max(lengths) - min(lengths) <= 1
    else:
        assert all(group.waiting == 0 for group in found)
        fullest = max((group.seated - 1) / group.cap for group in found)
        emptiest = min(group.seated / group.cap for group in found)
        assert fullest <= emptiest
    engine = connection.engine
    connection.close()
    engine.dispose()
