"""From a customer file to members with seats: reads, imports, seats, and keeps what was refused."""

from __future__ import annotations

import csv
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from sqlalchemy import Connection

from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.groups.seats import Group, Place
from vipcast.members.csvsafe import neutralise_cell
from vipcast.members.import_batch import ImportOptions, ImportResult
from vipcast.members.importing import Importer
from vipcast.members.reading.dates import Order
from vipcast.members.reading.records import Report
from vipcast.members.reading.rows import MemberRow, Reject, RowReader
from vipcast.members.reading.tabular import open_table
from vipcast.storage.database import Database

KEPT_REJECTS = 50  # shown at the terminal; the file has them all


@dataclass(frozen=True, slots=True)
class IntakeRequest:
    """What `member import` was asked to do."""

    file: Path
    groups: Sequence[str] = ()
    fill: bool = False
    consent_source: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    date_order: Order | None = None
    rejects: Path | None = None
    is_dry_run: bool = False

    @property
    def rejects_file(self) -> Path:
        return self.rejects or self.file.with_name(self.file.name + ".rejected.csv")


@dataclass(slots=True)
class IntakeResult:
    report: Report
    outcome: ImportResult
    rejects: list[Reject] = field(default_factory=list)
    rejects_file: Path | None = None
    seated: int = 0
    waiting: int = 0


class Intake:
    """One import. `on_progress` hears the bytes read so far."""

    def __init__(
        self, database: Database, request: IntakeRequest, *, region: str, language: str, zone: tzinfo
    ) -> None:
        self._database = database
        self._request = request
        self._region = region
        self._language = language
        self._zone = zone
        self._counted: dict[tuple[int, int], Place] = {}

    def run(self, now: datetime, on_progress: Callable[[int], None] = lambda _: None) -> IntakeResult:
        """Import the whole file.

        Raises:
            InputError: the file cannot be read or understood, or a group does not exist; nothing was written.

        """
        request = self._request
        _check_rejects_file(request)
        with self._database.read() as connection:
            chosen = [seats.get(connection, name) for name in dict.fromkeys(request.groups)]
        if request.fill and len(chosen) < 2:  # noqa: PLR2004
            raise InputError("--fill spreads members over several groups.", hint="Name each with --group.")
        options = ImportOptions(now, request.consent_source, request.file.name, request.is_dry_run)
        with open_table(
            request.file,
            encoding=request.encoding,
            delimiter=request.delimiter,
            sheet=request.sheet,
            overrides=request.overrides,
        ) as table:
            reader = RowReader(
                table,
                region=self._region,
                language=self._language,
                now=now,
                date_order=request.date_order,
                timezone=self._zone,
            )
            result = IntakeResult(table.report, ImportResult())
            importer = Importer(
                self._database, options, result.outcome, lambda c, ids: self._seat(c, chosen, ids, now)
            )

            def rows() -> Iterator[MemberRow | Reject]:
                for number, raw in enumerate(table):
                    if number % 500 == 0:
                        on_progress(raw.position)
                    yield reader.read(raw)
                on_progress(table.size)

            with _no_cycle_hunting():
                self._keep_rejects(importer.run(rows()), result)
        result.seated = sum(place is Place.SEATED for place in self._counted.values())
        result.waiting = sum(place is Place.WAITING for place in self._counted.values())
        return result

    def _seat(self, connection: Connection, chosen: Sequence[Group], ids: list[int], now: datetime) -> None:
        if self._request.fill:
            for name, placed in seats.fill(connection, chosen, ids, now=now).items():
                group = next(g for g in chosen if g.name == name)
                self._counted |= {(group.id, member_id): place for member_id, place in placed}
            return
        for group in chosen:
            for member_id in ids:
                self._counted[group.id, member_id] = seats.take_seat(connection, group, member_id, now=now)

    def _keep_rejects(self, rejects: Iterable[Reject], result: IntakeResult) -> None:
        """Write each refused row with its line and reason; no file where there is none, or in a dry run."""
        path = self._request.rejects_file
        partial = path.with_name(path.name + f".{os.getpid()}.part")
        writer = None
        handle = None
        try:
            for reject in rejects:
                if len(result.rejects) < KEPT_REJECTS:
                    result.rejects.append(reject)
                if self._request.is_dry_run:
                    continue
                if writer is None:
                    descriptor = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
                    handle = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
                    writer = csv.writer(handle, delimiter=result.report.delimiter or ",")
                    writer.writerow(["line", "reason", *(c.column for c in result.report.columns)])
                cells = (neutralise_cell(str(cell)) for cell in reject.cells)
                writer.writerow([reject.line, reject.reason, *cells])
        finally:
            if handle is not None:
                handle.close()
        if writer is not None:
            partial.replace(path)
            result.rejects_file = path


def _check_rejects_file(request: IntakeRequest) -> None:
    """Refuse a place for rejected rows that cannot be, before anything is done."""
    path = request.rejects_file
    if path.exists() and request.file.exists() and path.samefile(request.file):
        raise InputError("--rejects names the list itself.", hint="Choose another file.", where=str(path))
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(
            f"Rejected rows cannot be written to {path}.", hint="Name a file with --rejects.", where=str(path)
        )


@contextmanager
def _no_cycle_hunting() -> Iterator[None]:
    """Keep the collector of reference cycles out of millions of plain rows, which have none.

    It takes a fifth of the time; memory stays bounded, because each batch is freed by reference counts.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
