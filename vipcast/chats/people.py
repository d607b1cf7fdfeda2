"""Who is, or was, in a group's chat, as far as we know; and which member of the shop somebody there is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from vipcast.config import Account
from vipcast.delivery import peers as known_peers
from vipcast.groups.seats import Group
from vipcast.members import roster
from vipcast.members.roster import PHONE
from vipcast.messengers.base_chats import Person
from vipcast.storage.tables import accounts, addresses, meta, peers
from vipcast.storage.tables_chats import chat_people

ASKS, THERE, LEFT, REMOVED = "asks", "there", "left", "removed"
REMOVING = "removing"  # banned perhaps, and not free to come back yet; `address` is how they are reached


@dataclass(frozen=True, slots=True)
class Known:
    """What the records say of one person; `state` is asks, there, left, removing or removed."""

    person: str  # a `Person.id`
    member_id: int | None
    name: str
    role: str
    state: str
    is_deleted: bool
    joined_at: datetime | None
    gone_at: datetime | None
    added_at: datetime | None
    greeted_at: datetime | None


def known(connection: Connection, group: Group) -> dict[str, Known]:
    """Return what the records say of a group's chat, by `Person.id`."""
    columns = [chat_people.c[name] for name in Known.__dataclass_fields__]
    query = select(*columns).where(chat_people.c.group_id == group.id).order_by(chat_people.c.id)
    return {row.person: Known(**row._mapping) for row in connection.execute(query)}  # noqa: SLF001


def note(connection: Connection, group: Group, person: Person, **values: Any) -> None:
    """Write down what the messenger says of a person, and `values` of the table beside it.

    Of who is no member nothing but the number is kept.
    """
    is_member = values.get("member_id") is not None
    found = {
        "name": person.name if is_member else "",
        "spellings": list(person.spellings) if is_member else [],
        "address": person.spellings[0] if is_member and person.spellings else "",
        "role": person.role,
        "is_deleted": person.is_deleted,
        **values,
    }
    if person.joined_at is not None:
        found.setdefault("joined_at", person.joined_at)
    mine = _row(group, person.id)
    if not connection.execute(update(chat_people).where(mine).values(**found)).rowcount:
        found.setdefault("state", THERE)
        connection.execute(insert(chat_people).values(group_id=group.id, person=person.id, **found))


def change(connection: Connection, group: Group, person_id: str, **values: Any) -> None:
    """Change what the records say of somebody."""
    connection.execute(update(chat_people).where(_row(group, person_id)).values(**values))


def begin_removal(connection: Connection, group: Group, person: Person) -> None:
    """Write down that somebody is being taken out, and how to reach them if that is cut short."""
    change(connection, group, person.id, state=REMOVING, address=person.peer)


def removing(connection: Connection, group: Group) -> list[Person]:
    """Return whose removal was cut short, as far as it takes to complete it."""
    query = select(chat_people.c.person, chat_people.c.address).where(
        chat_people.c.group_id == group.id, chat_people.c.state == REMOVING
    )
    return [Person(row.person, (row.person,), peer=row.address) for row in connection.execute(query)]


def forget_strangers(connection: Connection, group: Group, there: Collection[str]) -> None:
    """Forget who is no member and not there any more; `there` has the numbers of who is."""
    strangers = and_(
        chat_people.c.group_id == group.id,
        chat_people.c.member_id.is_(None),
        chat_people.c.state != REMOVING,
    )
    connection.execute(delete(chat_people).where(strangers, chat_people.c.person.not_in(there)))


def whose(connection: Connection, account: Account, group: Group, person: Person) -> int | None:
    """Return which member a person of the messenger is; None for nobody whom the shop knows.

    Who is tied to a member in this chat stays tied while they are there; then the spellings of their address
    count, and what the account once resolved to this very person, and at last what they were before.
    """
    tied = connection.execute(select(chat_people).where(_row(group, person.id))).first()
    if tied is not None and tied.member_id is not None and tied.state in (ASKS, THERE):
        return int(tied.member_id)
    resolved = select(peers.c.address).where(
        peers.c.account == account.name, peers.c.peer.startswith(f"{person.id}:", autoescape=True)
    )
    spellings = [*connection.execute(resolved).scalars(), *person.spellings]
    query = select(addresses.c.address, addresses.c.member_id).where(
        addresses.c.messenger.in_((account.messenger, PHONE)), addresses.c.address.in_(spellings)
    )
    owners = {row.address: row.member_id for row in connection.execute(query)}
    before = tied.member_id if tied is not None else None
    return next((int(owners[one]) for one in spellings if one in owners), before)


def may_be(connection: Connection, account: Account, member_id: int, person: Person) -> bool:
    """Return whether nothing speaks against a person's being this member.

    A member whose own address on this messenger is known can be nobody else there. A phone number proves
    nothing, since people hide theirs, unless the account has resolved it to somebody else.
    """
    query = select(addresses.c.address).where(
        addresses.c.member_id == member_id, addresses.c.messenger.in_((account.messenger, PHONE))
    )
    theirs = list(connection.execute(query).scalars())
    if any(one in person.spellings for one in theirs):
        return True
    query = select(peers.c.peer).where(peers.c.account == account.name, peers.c.address.in_(theirs))
    resolved = {peer.partition(":")[0] for peer in connection.execute(query).scalars()}
    if resolved:
        return person.id in resolved
    return all(one.startswith("+") for one in theirs)


def tie(connection: Connection, account: Account, member_id: int, person: Person, now: datetime) -> None:
    """Let a member be reached on this messenger as the person who came by their link.

    Raises:
        InputError: the address is another member's.

    """
    if not person.spellings:
        return
    (member,) = roster.load(connection, [member_id])
    theirs = [one.address for one in member.addresses if one.messenger in (account.messenger, PHONE)]
    address = next((one for one in theirs if one in person.spellings), "")
    # A phone number that was resolved to this very person reaches them better than a bare number would.
    address = address or next(
        (one for one in theirs if known_peers.of(connection, account.name, one).startswith(f"{person.id}:")),
        "",
    )
    if not address:
        address = person.spellings[0]
        roster.add_address(connection, member_id, account.messenger, address)
    known_peers.keep(connection, account.name, address, person.peer, now)


def note_own(connection: Connection, account: str, number: str) -> None:
    """Write down which person on the messenger an account of the shop is."""
    key = f"person:{account}"
    connection.execute(delete(meta).where(meta.c.key == key))
    connection.execute(insert(meta).values(key=key, value=number))


def own(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return which persons the shop's accounts are: numbers, and how they called themselves when asked."""
    numbers = select(meta.c.value).where(meta.c.key.in_([f"person:{name}" for name in names]))
    called = select(accounts.c.identity).where(accounts.c.name.in_(list(names)))
    found = {*connection.execute(numbers).scalars(), *connection.execute(called).scalars()}
    return {one.casefold() for one in found} - {""}


def is_own(person: Person, own: Collection[str]) -> bool:
    """Return whether a person is an account of the shop; `own` as above."""
    return any(one.casefold() in own for one in (person.id, *person.spellings))


def names_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """Return {member: name}."""
    return {one.id: one.name for one in roster.load(connection, list(ids))}


def _row(group: Group, person_id: str) -> Any:
    return and_(chat_people.c.group_id == group.id, chat_people.c.person == person_id)
