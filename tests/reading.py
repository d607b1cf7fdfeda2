"""Reading customer files in tests: a file, lines of one, a row that is taken, a row that is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from vipcast.members.reading.rows import MemberRow, Reject, RowReader
from vipcast.members.reading.tabular import open_table

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read_file(path: Path, region: str = "HU", language: str = "hu", **options) -> list[MemberRow | Reject]:
    overrides = options.pop("overrides", {})
    with open_table(path, overrides=overrides) as table:
        reader = RowReader(table, region=region, language=language, now=NOW, **options)
        return [reader.read(raw) for raw in table]


def read(folder: Path, header: str, *lines: str, **options) -> list[MemberRow | Reject]:
    path = folder / "list.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="")
    return read_file(path, **options)


def one(folder: Path, header: str, line: str, **options) -> MemberRow:
    (row,) = read(folder, header, line, **options)
    assert isinstance(row, MemberRow), row
    return row


def refused(folder: Path, header: str, line: str, **options) -> Reject:
    (row,) = read(folder, header, line, **options)
    assert isinstance(row, Reject), row
    return row
