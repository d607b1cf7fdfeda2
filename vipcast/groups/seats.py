"""Capped groups: a member takes a seat; when all are taken, a place on the waiting list.

Every change locks its group first, so that the cap holds under any number of processes.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from vipcast.errors import InputError, did_you_mean
from vipcast.storage.tables import groups, members, memberships

MAX_CAP = 20
DEFAULT_CAP = 15


class Place(enum.StrEnum):
    SEATED = "seated"
    WAITING = "waiting"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Group:
    id: int
    name: str
    cap: int
    purpose: str
    mode: str
    created_at: datetime
    closed_at: datetime | None
    chat_account: str = ""
    chat: str = ""  # the address of its chat on a messenger, where members may write
    seated: int = 0
    waiting: int = 0

    @property
    def as_typed(self) -> str:
        """The name as one types it in a command."""
        return typed(self.name)

    @property
    def free(self) -> int:
        return max(0, self.cap - self.seated)


@dataclass(frozen=True, slots=True)
class Seat:
    """One membership: who, and whether seated or waiting; `position` counts from 1 in its list."""

    member_id: int
    name: str
    place: Place
    position: int
    since: datetime


def typed(name: str) -> str:
    """Return a group's name as one types it in a command; `create` lets no quotation mark into it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f'"{name}"'


def check_cap(cap: int) -> int:
    """Return the cap.

    Raises:
        InputError: outside 1 to 20.

    """
    if cap > MAX_CAP:
        raise InputError(
            f"A cap of {cap} is too large: a group has at most {MAX_CAP} seats.",
            hint="A larger group cannot be moderated and tires its members. Make a second group instead.",
        )
    if cap < 1:
        raise InputError(
            f"A cap of {cap} leaves nobody a seat.", hint=f"Give 1 to {MAX_CAP}; {DEFAULT_CAP} is usual."
        )
    return cap


def create(
    connection: Connection,
    name: str,
    *,
    cap: int = DEFAULT_CAP,
    purpose: str = "",
    mode: str = "direct",
    now: datetime,
) -> Group:
    """Make a group.

    Raises:
        InputError: the name is taken or unusable, or the cap is outside 1 to 20.

    """
    name = name.strip()
    if not re.fullmatch(r"\w[\w .&'-]{0,39}", name):
        raise InputError(
            f"A group cannot be called {name!r}.", hint="Up to 40 letters, digits, spaces, hyphens and dots."
        )
    check_cap(cap)
    if _row(connection, name):
        raise InputError(
            f"There is a group called {name!r} already.", hint=f"See `vipcast group show {name}`."
        )
    connection.execute(insert(groups).values(name=name, cap=cap, purpose=purpose, mode=mode, created_at=now))
    return get(connection, name)


def get(connection: Connection, name: str) -> Group:
    """Return a group by name, whatever the case.

    Raises:
        InputError: there is none; the hint names the nearest.

    """
    row = _row(connection, name)
    if row:
        return _group(row)
    names = [group.name for group in everything(connection)]
    hint = did_you_mean(name, names, quotes="'", cutoff=0.5)
    if not hint:
        hint = f"Groups: {', '.join(names)}." if names else f"Make it with `vipcast group create {name}`."
    raise InputError(f"There is no group called {name!r}.", hint=hint, where=name)


def everything(connection: Connection, *, with_closed: bool = True) -> list[Group]:
    query = _query().order_by(groups.c.name)
    if not with_closed:
        query = query.where(groups.c.closed_at.is_(None))
    return [_group(row) for row in connection.execute(query)]


def seats(connection: Connection, group: Group) -> list[Seat]:
    """Return who is seated, then who waits, each in order."""
    query = (
        select(memberships, members.c.name)
        .join(members, members.c.id == memberships.c.member_id)
        .where(memberships.c.group_id == group.id, memberships.c.state != Place.LEFT)
        .order_by(memberships.c.state, memberships.c.arrival)
    )
    found: list[Seat] = []
    positions = {Place.SEATED: 0, Place.WAITING: 0}
    for row in connection.execute(query):
        place = Place(row.state)
        positions[place] += 1
        since = row.seated_at if place is Place.SEATED else row.arrived_at
        found.append(Seat(row.member_id, row.name, place, positions[place], since or row.arrived_at))
    return found


def places(connection: Connection, group: Group) -> dict[int, Place]:
    """Return {member: place} in the order of arrival, with those who left."""
    query = (
        select(memberships.c.member_id, memberships.c.state)
        .where(memberships.c.group_id == group.id)
        .order_by(memberships.c.arrival)
    )
    return {row.member_id: Place(row.state) for row in connection.execute(query)}


def groups_of(connection: Connection, member_id: int) -> list[tuple[str, Place, int]]:
    """Return (group, place, position in its list) of one member."""
    query = (
        select(groups.c.name, memberships)
        .join(groups, groups.c.id == memberships.c.group_id)
        .where(memberships.c.member_id == member_id, memberships.c.state != Place.LEFT)
        .order_by(groups.c.name)
    )
    found = []
    for row in connection.execute(query).all():
        before = connection.execute(
            select(func.count())
            .select_from(memberships)
            .where(
                memberships.c.group_id == row.group_id,
                memberships.c.state == row.state,
                memberships.c.arrival <= row.arrival,
            )
        ).scalar_one()
        found.append((row.name, Place(row.state), before))
    return found


def take_seat(connection: Connection, group: Group, member_id: int, *, now: datetime) -> Place:
    """Seat a member, or put them on the waiting list; who is there already keeps their place.

    Raises:
        InputError: the group is closed.

    """
    group = _lock(connection, group.id)
    if group.closed_at:
        raise InputError(f"The group {group.name!r} is closed.", hint="Choose another: `vipcast group list`.")
    mine = (memberships.c.group_id == group.id) & (memberships.c.member_id == member_id)
    current = connection.execute(select(memberships.c.state).where(mine)).scalar()
    if current in (Place.SEATED, Place.WAITING):
        return Place(current)
    place = Place.SEATED if group.seated < group.cap and not group.waiting else Place.WAITING
    last = select(func.max(memberships.c.arrival)).where(memberships.c.group_id == group.id)
    values = {
        "state": place,
        "arrival": (connection.execute(last).scalar() or 0) + 1,
        "arrived_at": now,
        "seated_at": now if place is Place.SEATED else None,
        "left_at": None,
    }
    if current is None:
        connection.execute(insert(memberships).values(group_id=group.id, member_id=member_id, **values))
    else:
        connection.execute(update(memberships).where(mine).values(**values))
    return place


def leave(connection: Connection, group: Group, member_id: int, *, now: datetime) -> list[int]:
    """Free a seat or a place in the queue; return whom the waiting list moved up.

    Raises:
        InputError: the member is not in the group.

    """
    _lock(connection, group.id)
    done = connection.execute(
        update(memberships)
        .where(
            memberships.c.group_id == group.id,
            memberships.c.member_id == member_id,
            memberships.c.state != Place.LEFT,
        )
        .values(state=Place.LEFT, left_at=now)
    )
    if not done.rowcount:
        raise InputError(
            f"That member is not in {group.name!r}.", hint=f"See `vipcast group show {group.name}`."
        )
    return promote(connection, group, now=now)


def promote(connection: Connection, group: Group, *, now: datetime) -> list[int]:
    """Give free seats to those who wait, in order of arrival; return who got one."""
    group = _lock(connection, group.id)
    if group.closed_at or not group.free or not group.waiting:
        return []
    query = (
        select(memberships.c.id, memberships.c.member_id)
        .where(memberships.c.group_id == group.id, memberships.c.state == Place.WAITING)
        .order_by(memberships.c.arrival)
        .limit(group.free)
    )
    risen = connection.execute(query).all()
    connection.execute(
        update(memberships)
        .where(memberships.c.id.in_([row.id for row in risen]))
        .values(state=Place.SEATED, seated_at=now)
    )
    return [row.member_id for row in risen]


def move(
    connection: Connection, member_id: int, source: Group, target: Group, *, now: datetime
) -> tuple[Place, list[int]]:
    """Move a member in one step; return the place in the new group and who rose in the old one.

    Raises:
        InputError: the member is not in the old group, or is in the new one.

    """
    if source.id == target.id:
        raise InputError("Both groups are the same.", hint="Name the group to move to with --to.")
    for group_id in sorted((source.id, target.id)):  # always in one order: two moves cannot block each other
        _lock(connection, group_id)
    if any(seat.member_id == member_id for seat in seats(connection, target)):
        raise InputError(
            f"That member is in {target.name!r} already.", hint=f"See `vipcast group show {target.name}`."
        )
    risen = leave(connection, source, member_id, now=now)
    return take_seat(connection, target, member_id, now=now), risen


def fill(
    connection: Connection, chosen: Sequence[Group], member_ids: Sequence[int], *, now: datetime
) -> dict[str, list[tuple[int, Place]]]:
    """Spread members evenly: each goes where fewest sit, or where the waiting list is shortest.

    Who is in one of the groups already stays there.
    """
    state = {group.id: _lock(connection, group.id) for group in sorted(chosen, key=lambda g: g.id)}
    query = select(memberships.c.member_id).where(
        memberships.c.group_id.in_(list(state)), memberships.c.state != Place.LEFT
    )
    there = set(connection.execute(query).scalars())
    placed: dict[str, list[tuple[int, Place]]] = {group.name: [] for group in chosen}
    for member_id in dict.fromkeys(member_ids):
        if member_id in there:
            continue
        open_groups = [g for g in state.values() if g.free and not g.waiting]
        best = min(open_groups or state.values(), key=lambda g: (g.waiting, g.seated / g.cap, g.seated, g.id))
        place = take_seat(connection, best, member_id, now=now)
        placed[best.name].append((member_id, place))
        state[best.id] = _lock(connection, best.id)
    return placed


def edit(
    connection: Connection, group: Group, *, cap: int | None, purpose: str | None, now: datetime
) -> list[int]:
    """Change cap or purpose; return whom a larger cap seats.

    Raises:
        InputError: the new cap is below the seats taken.

    """
    group = _lock(connection, group.id)
    values: dict[str, object] = {}
    if cap is not None:
        check_cap(cap)
        if cap < group.seated:
            raise InputError(
                f"{group.seated} members sit in {group.name!r}: the cap cannot be {cap}.",
                hint="Move somebody first: `vipcast group move MEMBER --from … --to …`.",
            )
        values["cap"] = cap
    if purpose is not None:
        values["purpose"] = purpose
    if values:
        connection.execute(update(groups).where(groups.c.id == group.id).values(**values))
    return promote(connection, group, now=now)


def set_chat(connection: Connection, group: Group, account: str, chat: str) -> None:
    """Note which chat of a messenger is the group's; an empty one takes it away.

    Raises:
        InputError: it is another group's.

    """
    query = select(groups.c.name).where(
        groups.c.chat_account == account, groups.c.chat == chat, groups.c.id != group.id
    )
    if chat and (other := connection.execute(query).scalar()) is not None:
        raise InputError(
            f"That chat is the one of {other!r}.",
            hint=f'Take it from there: vipcast group edit {other} --chat ""',
        )
    values = {"chat_account": account if chat else "", "chat": chat}
    connection.execute(update(groups).where(groups.c.id == group.id).values(**values))


def set_chat_account(connection: Connection, group: Group, account: str) -> None:
    """Note which account is to make the group's chat."""
    connection.execute(update(groups).where(groups.c.id == group.id).values(chat_account=account))


def close(connection: Connection, group: Group, *, now: datetime) -> None:
    """Close a group: its seats stay as a record, nothing is sent to it any more."""
    connection.execute(update(groups).where(groups.c.id == group.id).values(closed_at=now))


def _query() -> Select[tuple[object, ...]]:
    def counted(place: Place) -> object:
        return (
            select(func.count())
            .select_from(memberships)
            .where(memberships.c.group_id == groups.c.id, memberships.c.state == place)
            .scalar_subquery()
            .label(str(place))
        )

    return select(groups, counted(Place.SEATED), counted(Place.WAITING))  # type: ignore[call-overload,no-any-return]


def _row(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
    exact = connection.execute(_query().where(groups.c.name == name)).first()
    if exact:
        return exact
    wanted = name.strip().casefold()
    names = connection.execute(select(groups.c.id, groups.c.name)).all()
    found = [row.id for row in names if row.name.casefold() == wanted]
    return connection.execute(_query().where(groups.c.id == found[0])).first() if found else None


def _lock(connection: Connection, group_id: int) -> Group:
    """Lock the group's row to the end of the transaction and return it as it is now.

    SQLite's write transaction holds the whole file already and ignores FOR UPDATE.
    """
    connection.execute(select(groups.c.id).where(groups.c.id == group_id).with_for_update())
    return _group(connection.execute(_query().where(groups.c.id == group_id)).one())


def _group(row: Row[tuple[object, ...]]) -> Group:
    values = row._mapping  # noqa: SLF001 - a Row's public mapping
    return Group(**{name: values[name] for name in Group.__dataclass_fields__})
