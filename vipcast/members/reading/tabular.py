"""A customer file, whatever it is -> rows of cells, streamed, with a report on how it was understood."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from vipcast.errors import InputError
from vipcast.members.reading.delimited import Dialect, records, sample_of, settle_dialect
from vipcast.members.reading.encoding import TextEncoding, settle_encoding
from vipcast.members.reading.filekinds import kind_of
from vipcast.members.reading.headers import map_columns
from vipcast.members.reading.records import ColumnMapping, RawRow, Report, errors_of, printable

_NOTHING: Mapping[str, str] = MappingProxyType({})
_UNDECODED = re.compile(r"[\udc80-\udcff]")

Stream = Callable[[], Generator[RawRow, None, None]]


class Table:
    """An understood file. Each iteration reads it anew; close it, or use it in a `with` statement."""

    def __init__(self, path: Path, report: Report, stream: Stream) -> None:
        self.path = path
        self.report = report
        self.size = path.stat().st_size
        self._stream = stream
        self._open: list[Generator[RawRow, None, None]] = []

    def __iter__(self) -> Iterator[RawRow]:
        rows = self._stream()
        self._open.append(rows)
        return rows

    def values(self, column: int) -> Iterator[str]:
        """Yield all the values of one column, in a reading of their own."""
        rows = self._stream()
        try:
            for row in rows:
                if column < len(row.cells) and not row.fault:
                    yield row.cells[column]
        finally:
            rows.close()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    overrides: Mapping[str, str] = _NOTHING,
) -> Table:
    """Return the table in a file. `overrides` are the `--map` pairs: column -> field.

    The encoding is one of Python's names, the delimiter a sign or `tab`.

    Raises:
        InputError: it is no table, or something about it cannot be decided; the hint says what to do.

    """
    try:
        return _open(path, encoding, delimiter, sheet, overrides)
    except InputError as error:  # the modules below speak in clauses
        error.message, error.hint = _sentence(error.message), _sentence(error.hint)
        raise


def _sentence(clause: str) -> str:
    """Return a clause with a full stop, and a capital where it begins with a plain word."""
    word = clause.partition(" ")[0]
    if word.isalpha() and word.islower():
        clause = clause[0].upper() + clause[1:]
    return clause + "." if clause and clause[-1] not in ".?!…" else clause


def _open(
    path: Path,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
    overrides: Mapping[str, str],
) -> Table:
    kind = kind_of(path)
    if kind == "xlsx":
        from vipcast.members.reading.spreadsheet import open_sheet  # noqa: PLC0415 - openpyxl is heavy

        book = open_sheet(path, sheet=sheet, overrides=overrides)
        return Table(path, book.report, book.rows)
    if sheet:
        raise InputError(f"{path.name} has no sheets", hint="leave --sheet out", where=str(path))
    settled = settle_encoding(path, encoding)
    if kind == "vcf":
        from vipcast.members.reading.vcards import open_cards  # noqa: PLC0415 - rarely needed

        cards = open_cards(path, settled, overrides=overrides)
        _need_rows(cards.rows, f"{path.name} has no contacts", str(path))
        return Table(path, cards.report, cards.rows)
    return _open_csv(path, settled, delimiter, overrides)


def _open_csv(
    path: Path, encoding: TextEncoding, delimiter: str | None, overrides: Mapping[str, str]
) -> Table:
    with path.open(encoding=encoding.codec, errors=errors_of(encoding.codec), newline="") as text:
        sample = sample_of(text)
    if not any(line.strip() for line in sample):
        raise InputError(f"{path.name} is empty", hint="export the list once more", where=str(path))
    dialect = settle_dialect(sample, delimiter=delimiter, overrides=overrides, where=str(path))
    where = f"{path}:{dialect.header_line or 1}"
    columns = map_columns([printable(name) for name in dialect.header], overrides, where)
    rows = max(encoding.lines - dialect.header_line, 0)
    report = Report(
        kind="csv",
        encoding=encoding.codec,
        encoding_reason=encoding.reason,
        delimiter=dialect.delimiter if len(dialect.header) > 1 else "",
        header_line=dialect.header_line,
        columns=columns,
        rows_estimate=rows,
        warnings=(*encoding.warnings, *doubts_about(columns)),
    )
    suspect = _suspicion(encoding)

    def stream() -> Generator[RawRow, None, None]:
        return _rows(path, encoding.codec, dialect, suspect)

    _need_rows(stream, f"{path.name} has names of columns and no rows", where)
    return Table(path, report, stream)


def _need_rows(stream: Stream, message: str, where: str) -> None:
    with closing(stream()) as rows:
        if next(rows, None) is None:
            hint = "export the list once more: there is nobody in it"
            raise InputError(message, hint=hint, where=where)


def _rows(
    path: Path, codec: str, dialect: Dialect, suspect: Callable[[Sequence[str]], tuple[str, str]] | None
) -> Generator[RawRow, None, None]:
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding=codec, errors=errors_of(codec), newline="")
        for number, row in enumerate(records(text, dialect, file.tell, suspect)):
            if number < dialect.skip:
                continue
            if row.fault:
                row.cells = [printable(cell) for cell in row.cells]
            yield row


def _suspicion(encoding: TextEncoding) -> Callable[[Sequence[str]], tuple[str, str]] | None:
    """Return the check which the lines of this file need; most files need none."""
    if not (encoding.has_bad_lines or encoding.may_hide_utf8 or encoding.has_nul):
        return None

    def suspect(lines: Sequence[str]) -> tuple[str, str]:
        line = "".join(lines)
        if "\0" in line:
            return "it has NUL bytes: the file was damaged here", "nul"
        if line.isascii():
            return "", ""
        if bad := _UNDECODED.search(line):
            return f"it is not {encoding.codec} like the rest (byte 0x{ord(bad[0]) - 0xDC00:02X})", "encoding"
        if encoding.may_hide_utf8 and _is_utf8_within(line, encoding.codec):
            return f"it is UTF-8 in a file that is otherwise {encoding.codec}", "encoding"
        return "", ""

    return suspect


def _is_utf8_within(line: str, codec: str) -> bool:
    try:
        line.encode(codec).decode("utf-8")
    except UnicodeError:
        return False
    return True


def doubts_about(columns: Sequence[ColumnMapping]) -> Iterator[str]:
    """Yield what the person should look at in the mapping."""
    for column in columns:
        if column.reason.startswith("a second column"):
            yield f"column '{column.column}' is not read: {column.reason}"
    if not any(c.field in ("name", "first_name", "last_name") for c in columns):
        yield "no column holds names; say it with --map if there is one"
