"""Seats and waiting lists: caps, order, promotion, spreading."""

from __future__ import annotations

import pytest
from support import START, add_group, add_member

from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.groups.seats import Place


@pytest.fixture
def people(shop):
    return [add_member(shop, f"Member {n:02}", ("telegram", f"@member{n:02}")) for n in range(25)]


@pytest.fixture
def connection(shop):
    with shop.database.write() as opened:
        yield opened


def seated(connection, group):
    return [seat.member_id for seat in seats.seats(connection, group) if seat.place is Place.SEATED]


def waiting(connection, group):
    return [seat.member_id for seat in seats.seats(connection, group) if seat.place is Place.WAITING]


def join(connection, group, *ids):
    return [seats.take_seat(connection, group, one, now=START) for one in ids]


@pytest.mark.parametrize("cap", [0, -1, 21, 1000])
def test_a_cap_outside_1_to_20_is_refused(connection, cap):
    with pytest.raises(InputError) as caught:
        seats.create(connection, "gold", cap=cap, now=START)
    assert caught.value.hint
    assert seats.everything(connection) == []


@pytest.mark.parametrize("cap", [1, 20])
def test_caps_of_1_and_20_are_fine(connection, cap):
    assert seats.create(connection, "gold", cap=cap, now=START).cap == cap


def test_a_group_has_15_seats_where_nothing_is_said(connection):
    assert seats.create(connection, "gold", now=START).cap == 15


@pytest.mark.parametrize("name", ["", "  ", "a" * 41, "a\nb", "../x", "-gold", "a;b"])
def test_a_name_that_cannot_be_typed_is_refused(connection, name):
    with pytest.raises(InputError):
        seats.create(connection, name, now=START)


def test_a_name_is_taken_whatever_its_case(connection):
    seats.create(connection, "Őszi Arany", now=START)
    with pytest.raises(InputError, match="already"):
        seats.create(connection, "őszi arany", now=START)
    assert seats.get(connection, "ŐSZI ARANY").name == "Őszi Arany"


def test_a_group_that_does_not_exist_suggests_the_nearest(connection):
    seats.create(connection, "Gold", now=START)
    with pytest.raises(InputError) as caught:
        seats.get(connection, "glod")
    assert caught.value.hint == "Did you mean 'Gold'?"


def test_without_any_group_the_hint_is_the_command(connection):
    with pytest.raises(InputError) as caught:
        seats.get(connection, "gold")
    assert "vipcast group create gold" in caught.value.hint


def test_who_comes_first_sits_and_the_rest_wait_in_order(people, shop, connection):
    group = seats.create(connection, "gold", cap=3, now=START)
    places = join(connection, group, *people[:5])
    assert places == [Place.SEATED] * 3 + [Place.WAITING] * 2
    assert seated(connection, group) == people[:3]
    assert waiting(connection, group) == people[3:5]


def test_asking_twice_changes_nothing(people, connection):
    group = seats.create(connection, "gold", cap=1, now=START)
    assert join(connection, group, *people[:2], *people[:2]) == [Place.SEATED, Place.WAITING] * 2
    assert (seated(connection, group), waiting(connection, group)) == (people[:1], people[1:2])


def test_a_seat_that_falls_free_goes_to_the_first_who_waits(people, connection):
    group = seats.create(connection, "gold", cap=2, now=START)
    join(connection, group, *people[:4])
    assert seats.leave(connection, group, people[0], now=START) == [people[2]]
    assert seated(connection, group) == people[1:3]
    assert waiting(connection, group) == [people[3]]


def test_who_comes_back_stands_at_the_end(people, connection):
    group = seats.create(connection, "gold", cap=1, now=START)
    join(connection, group, *people[:3])
    seats.leave(connection, group, people[1], now=START)
    join(connection, group, people[1])
    assert waiting(connection, group) == [people[2], people[1]]


def test_leaving_a_queue_seats_nobody(people, connection):
    group = seats.create(connection, "gold", cap=1, now=START)
    join(connection, group, *people[:3])
    assert seats.leave(connection, group, people[1], now=START) == []
    assert waiting(connection, group) == [people[2]]


def test_who_is_not_there_cannot_leave(people, connection):
    group = seats.create(connection, "gold", now=START)
    with pytest.raises(InputError, match="not in 'gold'"):
        seats.leave(connection, group, people[0], now=START)


def test_a_larger_cap_seats_those_who_wait(people, connection):
    group = seats.create(connection, "gold", cap=1, now=START)
    join(connection, group, *people[:4])
    assert seats.edit(connection, group, cap=3, purpose=None, now=START) == people[1:3]
    assert waiting(connection, group) == [people[3]]


def test_a_cap_below_the_seats_taken_is_refused(people, connection):
    group = seats.create(connection, "gold", cap=3, now=START)
    join(connection, group, *people[:3])
    with pytest.raises(InputError, match="3 members sit"):
        seats.edit(connection, group, cap=2, purpose=None, now=START)
    assert seats.get(connection, "gold").cap == 3


def test_a_closed_group_takes_nobody_and_seats_nobody(people, connection):
    group = seats.create(connection, "gold", cap=1, now=START)
    join(connection, group, *people[:2])
    seats.close(connection, group, now=START)
    with pytest.raises(InputError, match="closed"):
        join(connection, group, people[2])
    assert seats.leave(connection, group, people[0], now=START) == []


def test_a_move_is_one_step(people, connection):
    gold = seats.create(connection, "gold", cap=1, now=START)
    silver = seats.create(connection, "silver", cap=1, now=START)
    join(connection, gold, *people[:2])
    join(connection, silver, people[2])
    place, risen = seats.move(connection, people[0], gold, silver, now=START)
    assert (place, risen) == (Place.WAITING, [people[1]])
    assert seats.groups_of(connection, people[0]) == [("silver", Place.WAITING, 1)]


def test_a_move_that_cannot_be_changes_nothing(people, shop):
    gold, silver = (add_group(shop, name, people[:1], cap=2) for name in ("gold", "silver"))
    for source, target in ((gold, gold), (gold, silver)):
        with pytest.raises(InputError), shop.database.write() as connection:
            seats.move(connection, people[0], source, target, now=START)
    with shop.database.write() as connection:
        seats.close(connection, silver, now=START)
        seats.leave(connection, silver, people[0], now=START)
    with pytest.raises(InputError, match="closed"), shop.database.write() as connection:
        seats.move(connection, people[0], gold, silver, now=START)
    with shop.database.read() as connection:
        assert seated(connection, gold) == people[:1]


def test_fill_spreads_evenly_over_groups_of_different_caps(people, connection):
    groups = [seats.create(connection, name, cap=cap, now=START) for name, cap in (("a", 4), ("b", 8))]
    placed = seats.fill(connection, groups, people[:9], now=START)
    assert [len(placed[name]) for name in "ab"] == [3, 6]
    placed = seats.fill(connection, groups, people, now=START)
    assert {group.name: (group.seated, group.waiting) for group in seats.everything(connection)} == {
        "a": (4, 7),
        "b": (8, 6),
    }


def test_fill_leaves_who_is_there_where_they_are(people, connection):
    groups = [seats.create(connection, name, cap=5, now=START) for name in "ab"]
    join(connection, groups[0], *people[:4])
    placed = seats.fill(connection, groups, [*people[:6], people[4]], now=START)
    assert placed["a"] == []
    assert [member_id for member_id, _ in placed["b"]] == people[4:6]


def test_members_of_several_groups_are_shown_with_their_place_in_each(people, connection):
    gold = seats.create(connection, "gold", cap=2, now=START)
    silver = seats.create(connection, "silver", cap=1, now=START)
    join(connection, gold, *people[:2])
    join(connection, silver, people[0], people[2], people[1])
    assert seats.groups_of(connection, people[1]) == [
        ("gold", Place.SEATED, 2),
        ("silver", Place.WAITING, 2),
    ]
