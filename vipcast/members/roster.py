"""The members: finding, showing, adding, editing, forgetting."""

from __future__ import annotations

import difflib
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from vipcast.errors import InputError
from vipcast.members import consent
from vipcast.members.consent import ConsentState
from vipcast.members.names import fold
from vipcast.storage.tables import (
    addresses,
    consents,
    conversations,
    deliveries,
    forgotten,
    inbound,
    members,
    meta,
    peers,
    receipts,
)

PHONE = "phone"
EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Address:
    messenger: str
    address: str
    state: str = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    id: int
    name: str
    first_name: str
    last_name: str
    language: str
    formal: bool | None
    birthday: date | None
    preferred: str
    note: str
    fields: Mapping[str, str]
    origin: str
    created_at: datetime
    timezone: str = ""  # empty: the shop's
    consent: ConsentState = ConsentState.NONE
    addresses: tuple[Address, ...] = ()


def load(
    connection: Connection, ids: Sequence[int] | None = None, *, limit: int | None = None
) -> list[Member]:
    """Return members in the order of `ids`, or all of them by name."""
    query = select(members)
    query = (
        query.order_by(members.c.name_key, members.c.id)
        if ids is None
        else query.where(members.c.id.in_(ids))
    )
    rows = connection.execute(query.limit(limit) if limit else query).all()
    found = [row.id for row in rows]
    their_addresses: dict[int, list[Address]] = {}
    address_query = select(addresses).order_by(addresses.c.id)
    if ids is not None or limit:
        address_query = address_query.where(addresses.c.member_id.in_(found))
    for row in connection.execute(address_query):
        their_addresses.setdefault(row.member_id, []).append(
            Address(row.messenger, row.address, row.state, row.reason)
        )
    if ids is None and not limit:
        states = consent.all_states(connection)
    else:
        states = consent.states_of(connection, found)
    by_id = {
        row.id: Member(
            **{key: row._mapping[key] for key in _PLAIN},  # noqa: SLF001 - a Row's public mapping
            consent=states.get(row.id, ConsentState.NONE),
            addresses=tuple(their_addresses.get(row.id, ())),
        )
        for row in rows
    }
    return [by_id[i] for i in (found if ids is None else ids) if i in by_id]


_PLAIN = (
    "id", "name", "first_name", "last_name", "language", "formal",
    "birthday", "preferred", "note", "fields", "origin", "created_at", "timezone",
)  # fmt: skip


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(members)).scalar_one()


def languages(connection: Connection) -> set[str]:
    """Return the languages that members read."""
    found = connection.execute(select(members.c.language).where(members.c.language != "").distinct())
    return set(found.scalars())


def find(connection: Connection, text: str) -> Member:
    """Return the one member that `text` names: a name in any spelling, an address, or #number.

    Raises:
        InputError: nobody, or several (each is listed with the number that settles it).

    """
    ids = _matching(connection, text)
    if len(ids) == 1:
        return load(connection, ids)[0]
    if not ids:
        raise InputError(
            f"No member matches {text!r}.",
            hint=_near_names(connection, text) or "See `vipcast member list`.",
            where=text,
        )
    found = load(connection, ids[:6])
    listed = "; ".join(
        f"#{m.id} {m.name} ({m.addresses[0].address if m.addresses else 'no address'})" for m in found
    )
    more = " …" if len(ids) > len(found) else ""
    raise InputError(
        f"{len(ids)} members match {text!r}: {listed}{more}.",
        hint=f"Name one by its number, such as '#{found[0].id}'.",
        where=text,
    )


def _matching(connection: Connection, text: str) -> list[int]:
    text = text.strip()
    if text.startswith("#") and text[1:].isdecimal() and len(text) < 19:  # noqa: PLR2004 - no larger id
        return list(connection.execute(select(members.c.id).where(members.c.id == int(text[1:]))).scalars())
    key = fold(text)
    queries = [
        select(members.c.id).where(members.c.name_key == key),
        select(addresses.c.member_id)
        .where(or_(addresses.c.address == text, addresses.c.address == text.casefold()))
        .distinct(),
    ]
    if key:
        words = [members.c.name_key.contains(word, autoescape=True) for word in key.split()]
        queries.append(select(members.c.id).where(*words).order_by(members.c.name_key).limit(50))
    if text.isdecimal() and len(text) < 10:  # noqa: PLR2004 - shorter than any phone number
        queries.append(select(members.c.id).where(members.c.id == int(text)))
    for query in queries:
        if ids := list(connection.execute(query).scalars()):
            return ids
    return []


def _near_names(connection: Connection, text: str) -> str:
    query = select(members.c.name_key, members.c.name).limit(5000)
    keys = {row.name_key: row.name for row in connection.execute(query)}
    near = difflib.get_close_matches(fold(text), keys, 2, 0.6)
    return f"Did you mean {' or '.join(repr(keys[n]) for n in near)}?" if near else ""


def add(connection: Connection, values: Mapping[str, Any], known: Iterable[Address], *, now: datetime) -> int:
    """Add one member and return the number.

    Raises:
        InputError: an address belongs to somebody else already.

    """
    member_id = connection.execute(
        insert(members)
        .values(name_key=fold(values["name"]), created_at=now, updated_at=now, **values)
        .returning(members.c.id)
    ).scalar_one()
    for one in known:
        add_address(connection, member_id, one.messenger, one.address)
    return int(member_id)


def edit(
    connection: Connection, member: Member, values: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change what differs and return it as {field: (old, new)}."""
    changed = {k: (getattr(member, k), v) for k, v in values.items() if getattr(member, k) != v}
    if changed:
        new = {k: v for k, (_, v) in changed.items()} | {"updated_at": now}
        if "name" in new:
            new["name_key"] = fold(str(new["name"]))
        connection.execute(update(members).where(members.c.id == member.id).values(**new))
    return changed


def add_address(connection: Connection, member_id: int, messenger: str, address: str) -> bool:
    """Give a member an address; return whether it is new.

    Raises:
        InputError: it is another member's.

    """
    owner = connection.execute(
        select(addresses.c.member_id, members.c.name)
        .join(members, members.c.id == addresses.c.member_id)
        .where(addresses.c.messenger == messenger, addresses.c.address == address)
    ).first()
    if owner and owner.member_id != member_id:
        raise InputError(
            f"The {messenger} address {address} is that of {owner.name} (#{owner.member_id}).",
            hint=f"Take it from there first: vipcast member edit '#{owner.member_id}' --remove {address}",
        )
    if owner:
        return False
    connection.execute(insert(addresses).values(member_id=member_id, messenger=messenger, address=address))
    return True


def remove_address(connection: Connection, member: Member, address: str) -> bool:
    done = connection.execute(
        delete(addresses).where(addresses.c.member_id == member.id, addresses.c.address == address)
    )
    return done.rowcount > 0


def mark_address(
    connection: Connection,
    member_id: int,
    messenger: str,
    address: str,
    *,
    state: str,
    reason: str,
    now: datetime,
) -> None:
    """Record what an address turned out to be; one derived from a phone number gets its row here."""
    values = {"state": state, "reason": reason, "state_at": now}
    done = connection.execute(
        update(addresses)
        .where(addresses.c.messenger == messenger, addresses.c.address == address)
        .values(**values)
    )
    if not done.rowcount:
        connection.execute(
            insert(addresses).values(member_id=member_id, messenger=messenger, address=address, **values)
        )


def consent_events(connection: Connection, member_id: int) -> list[Any]:
    query = select(consents).where(consents.c.member_id == member_id)
    return list(connection.execute(query.order_by(consents.c.at, consents.c.id)))


def forget(connection: Connection, member: Member, *, now: datetime) -> None:
    """Delete a person: every row and every text that tells who it was.

    Counts of deliveries stay, without the person. A salted digest of each address stays too, so that an
    old file does not bring the person back; it tells nothing else.
    """
    mine = deliveries.c.member_id == member.id
    known = {(a.messenger, a.address) for a in member.addresses}
    for row in connection.execute(select(deliveries.c.messenger, deliveries.c.address).where(mine)):
        known.add((row.messenger, row.address))  # also one that was taken away since
    known = {(messenger, address) for messenger, address in known if address}
    ours = [address for _, address in known]
    for messenger, address in known:
        value = digest(connection, messenger, address)
        connection.execute(delete(forgotten).where(forgotten.c.digest == value))
        connection.execute(insert(forgotten).values(digest=value, at=now))
    connection.execute(
        update(deliveries)
        .where(mine, deliveries.c.state.in_(("queued", "unknown")))
        .values(state="skipped", reason="forgotten", ended_at=now)
    )
    connection.execute(
        update(deliveries).where(mine).values(address="", body="", words="", remote_id="", language="")
    )
    _forget_samples(connection, member.id, now)
    connection.execute(delete(peers).where(peers.c.address.in_(ours)))
    connection.execute(delete(receipts).where(receipts.c.address.in_(ours)))
    _forget_talk(connection, member.id, ours, now)
    connection.execute(delete(members).where(members.c.id == member.id))


def _forget_samples(connection: Connection, member_id: int, now: datetime) -> None:
    """Blank what was rendered for a person and sent to somebody else, for approval."""
    purposes = deliveries.c.purpose
    samples = (purposes.startswith("approval:"), purposes.endswith(f":sample:{member_id}"))
    connection.execute(
        update(deliveries)
        .where(*samples, deliveries.c.state.in_(("queued", "unknown")))
        .values(state="skipped", reason="forgotten", ended_at=now)
    )
    connection.execute(update(deliveries).where(*samples).values(address="", body="", words="", purpose=None))


def _forget_talk(connection: Connection, member_id: int, ours: list[str], now: datetime) -> None:
    """Delete what was said with a person; what passed through the support desk too.

    Notes, promises and attachments go with their conversation and message; the files of attachments, which
    no row names any more then, by `conversations.attachments.tidy`.
    """
    theirs = select(conversations.c.id).where(
        or_(
            conversations.c.member_id == member_id,
            and_(conversations.c.member_id.is_(None), conversations.c.address.in_(ours)),
        )
    )
    said = deliveries.c.conversation_id.in_(theirs)
    connection.execute(
        update(deliveries)
        .where(said, deliveries.c.state.in_(("queued", "unknown")))
        .values(state="skipped", reason="forgotten", ended_at=now)
    )
    # What was said to them before they were known has no member, but their address.
    to_them = deliveries.c.kind.in_(("answer", "automatic"))
    connection.execute(update(deliveries).where(said, to_them).values(address="", remote_id=""))
    connection.execute(update(deliveries).where(said).values(body="", words="", author="", purpose=None))
    connection.execute(
        delete(inbound).where(
            or_(
                inbound.c.member_id == member_id,
                inbound.c.address.in_(ours),
                inbound.c.conversation_id.in_(theirs),
            )
        )
    )
    connection.execute(delete(conversations).where(conversations.c.id.in_(theirs)))


def digest(connection: Connection, messenger: str, address: str) -> str:
    """Return the salted digest of an address, for the list of forgotten ones."""
    salt = connection.execute(select(meta.c.value).where(meta.c.key == "salt")).scalar()
    if salt is None:
        salt = secrets.token_hex(16)
        connection.execute(insert(meta).values(key="salt", value=salt))
    return hashlib.blake2b(f"{messenger}\0{address}".encode(), key=salt.encode(), digest_size=32).hexdigest()
