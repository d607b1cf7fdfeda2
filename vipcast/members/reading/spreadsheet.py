"""Sheets of an .xlsx workbook as rows of text, streamed."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from vipcast.errors import InputError, nearest
from vipcast.members.reading.delimited import find_header
from vipcast.members.reading.headers import known_columns, map_columns
from vipcast.members.reading.records import RawRow, Report

_SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, understood. `skip` are the rows above the first record."""

    path: Path
    title: str
    report: Report
    skip: int

    def rows(self) -> Generator[RawRow, None, None]:
        """Yield the records; `position` is their share of the file's size, 0 where the file does not tell."""
        size = self.path.stat().st_size if self.report.rows_estimate else 0
        total = (self.report.rows_estimate or 1) + self.skip
        with _opened(self.path) as book:
            for line, cells in _read(book[self.title]):
                if line > self.skip and any(cells):
                    yield RawRow(line, min(size, size * line // total), cells)


def open_sheet(path: Path, *, sheet: str | None, overrides: Mapping[str, str]) -> Sheet:
    """Return the sheet with the members.

    Raises:
        InputError: the workbook is damaged, has no such sheet or nobody in it, or several could be meant.

    """
    with _opened(path) as book:
        visible = [s for s in book.worksheets if s.sheet_state == "visible"] or book.worksheets
        last_rows = {s.title: s.max_row for s in book.worksheets}  # as the file says, before it is looked at
        heads = {s.title: _head(s) for s in ([_named(book, sheet, path)] if sheet else visible)}
        title = _chosen(heads, path)
        return _understood(path, title, heads[title], overrides, last_rows[title])


def _understood(
    path: Path,
    title: str,
    head: Sequence[tuple[int, list[str]]],
    overrides: Mapping[str, str],
    last: int | None,
) -> Sheet:
    place, _ = find_header([cells for _, cells in head], overrides)
    if not head:
        raise InputError(
            f"sheet '{title}' of {path.name} is empty", hint="export the list once more", where=str(path)
        )
    line, header = head[place] if place >= 0 else (0, [f"#{i + 1}" for i in range(len(head[0][1]))])
    while len(header) > 1 and not header[-1].strip():
        header = header[:-1]
    where = f"{path}:{line or 1}"
    columns = map_columns([name.strip("\ufeff") for name in header], overrides, where)
    if not any(any(cells) for number, cells in head if number > line):
        hint = "export the list once more: there is nobody in it"
        raise InputError(
            f"sheet '{title}' of {path.name} has names of columns and no rows", hint=hint, where=where
        )
    from vipcast.members.reading.tabular import doubts_about  # noqa: PLC0415 - tabular opens sheets

    report = Report(
        kind="xlsx",
        encoding="",
        encoding_reason="a workbook holds text as it is",
        delimiter="",
        header_line=line,
        columns=columns,
        rows_estimate=max(last - line, 0) if last else None,
        warnings=tuple(doubts_about(columns)),
        sheet=title,
    )
    return Sheet(path, title, report, line)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import openpyxl  # noqa: PLC0415 - heavy

    # A file object, because openpyxl refuses a workbook whose name does not end in .xlsx.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that a reader of values does not need
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
            hint = "open it in Excel or LibreOffice and save it once more"
            raise InputError(f"{path.name} is a damaged workbook", hint=hint, where=str(path)) from error
        try:
            yield book
        finally:
            book.close()


def _named(book: Any, sheet: str, path: Path) -> Any:
    for candidate in book.worksheets:
        if candidate.title.strip().casefold() == sheet.strip().casefold():
            return candidate
    titles = [s.title for s in book.worksheets]
    near = nearest(sheet, titles)
    hint = f"did you mean '{near}'?" if near else f"the sheets are: {', '.join(titles)}"
    raise InputError(f"{path.name} has no sheet '{sheet}'", hint=hint, where=str(path))


def _chosen(heads: Mapping[str, Sequence[tuple[int, list[str]]]], path: Path) -> str:
    """Return the only sheet with names of columns, or the only sheet with anything."""
    full = [title for title, head in heads.items() if head]
    known = [t for t in full if max(known_columns(cells) for _, cells in heads[t]) > 1]
    found = known or full
    if len(found) > 1:
        hint = f"say which, such as --sheet '{found[0]}'"
        raise InputError(f"{path.name} has several sheets: {', '.join(found)}", hint=hint, where=str(path))
    if not found:
        raise InputError(f"{path.name} is empty", hint="export the list once more", where=str(path))
    return found[0]


def _head(sheet: Any) -> list[tuple[int, list[str]]]:
    found = []
    for line, cells in _read(sheet):
        if any(cells):
            found.append((line, cells))
        if len(found) >= _SAMPLE_ROWS or line > _SAMPLE_ROWS * 10:
            break
    return found


def _read(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # programs write wrong ones, which would cut rows off
    try:
        for line, row in enumerate(sheet.iter_rows(), 1):
            yield line, [_text(cell) for cell in row]
    except (zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, KeyError, ValueError) as error:
        hint = "open it in Excel or LibreOffice and save it once more"
        raise InputError(f"Sheet '{sheet.title}' is damaged: {error}", hint=hint) from error


def _text(cell: Any) -> str:
    """Return a cell as a person reads it: whole numbers without a point, dates in ISO."""
    value = cell.value
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number(value: float, shape: str) -> str:
    if value != int(value):
        return repr(value)
    digits = str(int(value))
    # 06301234567 is kept as a number with the format 00000000000: the shown zeros are part of it
    return digits.zfill(len(shape)) if shape and set(shape) == {"0"} else digits
