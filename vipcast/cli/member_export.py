"""`vipcast member export`: a file that Excel opens and `member import` reads back."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from vipcast.cli.result import Result
from vipcast.cli.terminal import Terminal
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.members import roster
from vipcast.members.csvsafe import neutralise_cell
from vipcast.members.roster import EMAIL, PHONE, Member

HEADERS = (
    "name", "first_name", "last_name", "phone", "phone 2", "email", "telegram", "viber", "messenger",
    "language", "formal", "birthday", "consent_at", "consent_source", "opted_out", "note",
)  # fmt: skip


def export_members(terminal: Terminal, file: Path, group: str, *, force: bool) -> Result:
    if file.exists() and not force:
        raise InputError(
            f"{file} exists already.", hint="Choose another name, or add --force.", where=str(file)
        )
    with terminal.shop() as shop, shop.database.read() as connection:
        ids = None
        if group:
            ids = [seat.member_id for seat in seats.seats(connection, seats.get(connection, group))]
        people = roster.load(connection, ids)
        rows = [_row(member, roster.consent_events(connection, member.id)) for member in people]
    partial = file.with_name(file.name + f".{os.getpid()}.part")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)  # people's data
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.writer(handle, delimiter=";")
            writer.writerow(HEADERS)
            writer.writerows([neutralise_cell(cell) for cell in row] for row in rows)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"{file} cannot be written: {error.strerror}.", hint="Choose another place.", where=str(file)
        ) from error
    return Result({"file": file, "members": len(rows)}, [f"{len(rows)} members in {file}."])


def _row(member: Member, events: list[object]) -> list[str]:
    def of(messenger: str) -> list[str]:
        return [a.address for a in member.addresses if a.messenger == messenger]

    phones = [*of(PHONE), "", ""]
    own = [a for a in of("telegram") if not a.startswith("+")]
    last = events[-1] if events else None
    is_in = last is not None and last.event == "opt_in"  # type: ignore[attr-defined]
    return [
        member.name, member.first_name, member.last_name, phones[0], phones[1], next(iter(of(EMAIL)), ""),
        next(iter(own), ""), next(iter(of("viber")), ""), member.preferred, member.language,
        "" if member.formal is None else "yes" if member.formal else "no",
        member.birthday.isoformat() if member.birthday else "",
        last.at.isoformat() if is_in else "",  # type: ignore[attr-defined]
        last.source if is_in else "",  # type: ignore[attr-defined]
        "yes" if last is not None and not is_in else "",
        member.note,
    ]  # fmt: skip
