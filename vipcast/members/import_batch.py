"""One transaction's worth of an import. Somebody is known by address, never by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from vipcast.members.consent import IN_ORDER, ConsentState
from vipcast.members.names import fold
from vipcast.members.reading.rows import MemberRow, Reject
from vipcast.members.roster import EMAIL, PHONE, digest
from vipcast.storage.bulk import among, insert_rows, reserve_ids
from vipcast.storage.tables import addresses, consents, forgotten, members

KEPT = 200  # how many changes and warnings are kept to be shown; all are counted

Identity = tuple[str, str]  # (messenger, address)
Event = tuple[datetime, str, str]  # (at, event, source): sorts as consents do
OPT_IN, OPT_OUT = str(ConsentState.OPTED_IN), str(ConsentState.OPTED_OUT)
Owner = int  # a member's id; or -1-index of a member that this batch adds


@dataclass(frozen=True, slots=True)
class ImportOptions:
    now: datetime
    consent_source: str = ""  # `--consent`: recorded for every row that has none of its own
    file_name: str = ""
    is_dry_run: bool = False


@dataclass(slots=True)
class ImportResult:
    """What an import did: added, updated, unchanged, repeated, rejected, no_consent, kept_out."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[tuple[int, str, str]] = field(default_factory=list)  # line, name, what changed
    warnings: list[tuple[int, str]] = field(default_factory=list)  # line, what

    def merge(self, other: ImportResult) -> None:
        self.counts.update(other.counts)
        self.changes += other.changes[: KEPT - len(self.changes)]
        self.warnings += other.warnings[: KEPT - len(self.warnings)]


def identities(row: MemberRow) -> list[Identity]:
    """Return everything in a row that tells who it is."""
    found = [(PHONE, phone) for phone in row.phones]
    found += [(EMAIL, email) for email in row.emails]
    if row.telegram:
        found.append(("telegram", row.telegram))
    if row.viber:
        found.append(("viber", row.viber))
    return found


class ImportBatch:
    """Members that the batch itself adds are known to its later rows."""

    def __init__(self, connection: Connection, options: ImportOptions) -> None:
        self.result = ImportResult()
        self.member_ids: list[int] = []
        self._connection = connection
        self._options = options
        self._owners: dict[Identity, Owner] = {}
        self._fresh: dict[Identity, Owner] = {}  # addresses to be added
        self._new: list[dict[str, Any]] = []  # members to be added
        self._known_rows: dict[int, list[MemberRow]] = {}  # rows of members who were there before
        self._consent_rows: list[tuple[Owner, MemberRow]] = []

    def take(self, rows: Sequence[MemberRow]) -> list[Reject]:
        """Write the rows; return those that are refused."""
        keys = [identities(row) for row in rows]
        self._load_owners(keys)
        barred = self._forgotten(keys)
        rejects: list[Reject] = []
        order: dict[Owner, None] = {}
        for row, mine in zip(rows, keys, strict=True):
            if reason := self._refusal(row, mine, barred):
                rejects.append(row.reject(*reason))
            else:
                order[self._place(row, mine)] = None
        ids = self._insert_members()
        self._update_members()
        if self._fresh:
            found = ((ids[-1 - o] if o < 0 else o, m, a) for (m, a), o in self._fresh.items())
            insert_rows(self._connection, addresses, ("member_id", "messenger", "address"), found)
        self._insert_consents(ids)
        self.member_ids = [ids[-1 - o] if o < 0 else o for o in order]
        return rejects

    def _load_owners(self, keys: Iterable[list[Identity]]) -> None:
        wanted: dict[str, list[str]] = {}
        for mine in keys:
            for messenger, address in mine:
                wanted.setdefault(messenger, []).append(address)
        for messenger, values in wanted.items():
            query = select(addresses.c.address, addresses.c.member_id).where(
                addresses.c.messenger == messenger, among(self._connection, addresses.c.address, values)
            )
            self._owners.update({(messenger, a): i for a, i in self._connection.execute(query)})

    def _forgotten(self, keys: Iterable[list[Identity]]) -> dict[Identity, datetime]:
        """Return which addresses of this batch were forgotten, and when."""
        times = {row.digest: row.at for row in self._connection.execute(select(forgotten))}
        if not times:
            return {}
        digests = {key: digest(self._connection, *key) for mine in keys for key in mine}
        return {key: times[value] for key, value in digests.items() if value in times}

    def _refusal(
        self, row: MemberRow, keys: list[Identity], barred: dict[Identity, datetime]
    ) -> tuple[str, str] | None:
        owners = {self._owners[key] for key in keys if key in self._owners}
        if not row.name and not owners:
            return "no-name", "it has no name"
        if len(owners) > 1:
            named = ", ".join(f"{a} ({m})" for m, a in keys if (m, a) in self._owners)
            return "two-members", f"its addresses belong to different members: {named}"
        when = max((barred[key] for key in keys if key in barred), default=None)
        if when and not owners and (row.consent_at is None or row.consent_at <= when):
            return "forgotten", "this person was forgotten on request and has not opted in again since"
        return None

    def _place(self, row: MemberRow, keys: list[Identity]) -> Owner:
        """Note whose row it is and what it brings."""
        owner = next((self._owners[key] for key in keys if key in self._owners), None)
        if owner is None:
            owner = -1 - len(self._new)
            self._new.append(self._values(row))
            self.result.counts["added"] += 1
        elif owner < 0:
            values = self._new[-1 - owner]
            values |= _changes(values, row)
            self.result.counts["repeated"] += 1
        else:
            self._known_rows.setdefault(owner, []).append(row)
        for key in keys:
            if key not in self._owners:
                self._owners[key] = self._fresh[key] = owner
        self._consent_rows.append((owner, row))
        self.result.warnings += [(row.line, words) for words in row.warnings]
        return owner

    def _values(self, row: MemberRow) -> dict[str, Any]:
        return {
            "name": row.name,
            "first_name": row.first_name,
            "last_name": row.last_name,
            "name_key": "",
            "language": row.language,
            "formal": row.formal,
            "birthday": row.birthday,
            "preferred": row.preferred,
            "note": row.note,
            "fields": row.extra,
            "origin": f"{self._options.file_name}:{row.line}",
            "created_at": self._options.now,
            "updated_at": self._options.now,
        }

    def _insert_members(self) -> Sequence[int]:
        ids = reserve_ids(self._connection, members, len(self._new))
        for number, values in zip(ids, self._new, strict=True):
            values["id"] = number
            values["name_key"] = fold(values["name"])
            values["fields"] = json.dumps(values["fields"], ensure_ascii=False) if values["fields"] else "{}"
        insert_rows(self._connection, members, _COLUMNS, map(itemgetter(*_COLUMNS), self._new))
        return ids

    def _update_members(self) -> None:
        """Apply what rows say of members who were there before; an empty cell erases nothing."""
        if not self._known_rows:
            return
        gained: dict[int, list[str]] = {}
        for (messenger, address), owner in self._fresh.items():
            gained.setdefault(owner, []).append(f"new address: {messenger} {address}")
        query = select(members).where(members.c.id.in_(list(self._known_rows)))
        updates = []
        for current in self._connection.execute(query).mappings().all():
            old = dict(current)
            values = dict(old)
            rows = self._known_rows[old["id"]]
            for row in rows:
                values |= _changes(values, row)
            self.result.counts["repeated"] += len(rows) - 1
            changed = [f"{k}: {_show(old[k])} → {_show(v)}" for k, v in values.items() if v != old[k]]
            said = changed + gained.get(old["id"], [])
            self.result.counts["updated" if said else "unchanged"] += 1
            if said:
                self.result.changes.append((rows[-1].line, values["name"], "; ".join(said)))
            if changed:
                fresh = {k: values[k] for k in _CELLS}
                fresh |= {
                    "b_id": old["id"],
                    "name_key": fold(values["name"]),
                    "updated_at": self._options.now,
                }
                updates.append(fresh)
        if updates:
            self._connection.execute(update(members).where(members.c.id == bindparam("b_id")), updates)

    def _insert_consents(self, ids: Sequence[int]) -> None:
        rows_of: dict[Owner, list[MemberRow]] = {}
        for owner, row in self._consent_rows:
            rows_of.setdefault(owner, []).append(row)
        old = self._consent_history({owner for owner in rows_of if owner >= 0})
        now = self._options.now
        found = []
        for owner, rows in rows_of.items():
            member_id = ids[-1 - owner] if owner < 0 else owner
            events = self._consent_events(rows, old.get(owner, []))
            found += [(member_id, event, at, source, now) for at, event, source in events]
        insert_rows(self._connection, consents, ("member_id", "event", "at", "source", "recorded_at"), found)

    def _consent_history(self, owners: set[int]) -> dict[int, list[Event]]:
        found: dict[int, list[Event]] = {}
        if owners:
            query = select(consents).where(consents.c.member_id.in_(list(owners)))
            for row in self._connection.execute(query.order_by(*IN_ORDER)):
                found.setdefault(row.member_id, []).append((row.at, row.event, row.source))
        return found

    def _consent_events(self, rows: Sequence[MemberRow], history: list[Event]) -> list[Event]:
        """Return what the rows of one person add to what is known.

        Whom any row leaves out is out, whatever another row or `--consent` says. `--consent` speaks for
        rows that say nothing themselves; it never brings back somebody who opted out.
        """
        now, said = self._options.now, self._options.consent_source
        file = f"import of {self._options.file_name}"
        known = list(history)

        def add(at: datetime, event: str, source: str) -> None:
            if (at, event, source) not in known:
                known.append((at, event, source))
                known.sort()

        for row in rows:
            if row.consent_at:
                add(min(row.consent_at, now), OPT_IN, row.consent_source or file)
        leaves = next((row for row in rows if row.opted_out), None)
        in_force = known[-1][1] if known else ""
        if leaves is not None:
            if in_force != OPT_OUT:
                add(now, OPT_OUT, leaves.consent_source or file)
        elif said and in_force == OPT_OUT:
            self.result.counts["kept_out"] += 1
        elif said and in_force != OPT_IN:
            add(now, OPT_IN, said)
        self.result.counts["no_consent"] += not known
        return [event for event in known if event not in history]


_COLUMNS = (
    "id", "name", "first_name", "last_name", "name_key", "language", "formal", "birthday",
    "preferred", "note", "fields", "origin", "created_at", "updated_at",
)  # fmt: skip
# What a later row of the same person may change.
_CELLS = ("name", "first_name", "last_name", "language", "formal", "birthday", "preferred", "note", "fields")


def _changes(values: dict[str, Any], row: MemberRow) -> dict[str, Any]:
    said = {
        "name": row.name,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "language": row.language,
        "formal": row.formal,
        "birthday": row.birthday,
        "preferred": row.preferred,
        "note": row.note,
        "fields": {**values["fields"], **row.extra},
    }
    return {k: v for k, v in said.items() if v not in ("", None) and v != values[k]}


def _show(value: Any) -> str:
    return "–" if value in ("", None) else str(value)
