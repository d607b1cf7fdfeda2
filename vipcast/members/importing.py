"""Bringing rows of a customer file into the ledger: who is new, who changed, who is refused.

Rows are taken in batches, each in one transaction; an import that was cut short is finished by running
it again, because importing twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from vipcast.members.import_batch import ImportBatch, ImportOptions, ImportResult
from vipcast.members.reading.rows import MemberRow, Reject
from vipcast.storage.database import Database

BATCH_ROWS = 10_000  # bounds memory; a small shop's file is one transaction

# Called inside each batch's transaction with the members of its rows, in the file's order.
OnBatch = Callable[[Connection, list[int]], None]


@dataclass(slots=True)
class Importer:
    """Takes rows, a batch at a time, into a database."""

    database: Database
    options: ImportOptions
    result: ImportResult
    on_batch: OnBatch | None = None

    def run(self, rows: Iterable[MemberRow | Reject]) -> Iterator[Reject]:
        """Import all rows; yield each refused one, with its reason, once its batch is committed."""
        iterator = iter(rows)
        while batch := list(islice(iterator, BATCH_ROWS)):
            good = [row for row in batch if not isinstance(row, Reject)]
            rejects = [row for row in batch if isinstance(row, Reject)]
            with self.database.write() as connection:
                work = ImportBatch(connection, self.options)
                rejects += work.take(good)
                if self.on_batch:
                    self.on_batch(connection, work.member_ids)
                if self.options.is_dry_run:
                    connection.rollback()
            self.result.merge(work.result)
            self.result.counts["rejected"] += len(rejects)
            yield from sorted(rejects, key=lambda reject: reject.line)
