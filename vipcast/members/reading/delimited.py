"""Records of a CSV file: which sign separates the cells, and reading on after a broken line.

A quotation mark that is never closed would swallow the rest of a file. Reading is therefore strict: at
the first sign of it, only the line where the record began is given up, and the lines after it are read anew.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vipcast.errors import InputError
from vipcast.members.reading.headers import find_column, known_columns
from vipcast.members.reading.records import RawRow

DELIMITERS = (";", ",", "\t", "|")
_LONGEST_LINE = 1 << 20  # characters; bounds memory where a file has no line breaks
_SAMPLE_LINES = 200
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_NAMES = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|", "space": " "}
_HEADER_WITHIN = 60  # records; letterheads above a table are shorter


class Text(Protocol):
    def readline(self, limit: int = -1, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written. `header` names its columns; `skip` records stand before the first row."""

    delimiter: str
    skip_spaces: bool = False
    header: tuple[str, ...] = ()
    header_line: int = 0  # 0: no line names them
    skip: int = 0


class _Lines:
    """The physical lines of a file, with a way back."""

    def __init__(self, text: Text) -> None:
        self._readline = text.readline
        self._pending: deque[str] = deque()
        self.taken: list[str] = []
        self.too_long = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._pending:
            line = self._pending.popleft()
        else:
            line = self._readline(_LONGEST_LINE)
            if not line:
                raise StopIteration
            if len(line) >= _LONGEST_LINE and line[-1] not in "\r\n":
                line = self._shortened(line)
        self.taken.append(line)
        return line

    def give_back(self, lines: Sequence[str]) -> None:
        self._pending.extendleft(reversed(lines))

    def _shortened(self, line: str) -> str:
        self.too_long = True
        while (more := self._readline(_LONGEST_LINE)) and more[-1] not in "\r\n":
            pass
        return line[:1000] + "\n"


def records(
    text: Text,
    dialect: Dialect,
    position: Callable[[], int],
    suspect: Callable[[Sequence[str]], tuple[str, str]] | None = None,
) -> Iterator[RawRow]:
    """Yield all records that are not blank, the broken ones with their fault.

    `suspect` looks at the physical lines of a record and names a fault, where the file needs it.
    """
    lines = _Lines(text)
    taken = lines.taken
    line = 1
    while True:
        reader = csv.reader(
            lines, delimiter=dialect.delimiter, skipinitialspace=dialect.skip_spaces, strict=True
        )
        try:
            for cells in reader:
                fault = _fault(lines, suspect)
                if cells:
                    yield RawRow(line, position(), cells, *fault)
                line += len(taken)
                taken.clear()
        except csv.Error as error:
            first, *rest = taken
            lines.give_back(rest)
            taken.clear()
            fault = _fault_of(error, first)
            lines.too_long = False
            yield RawRow(line, position(), _salvage(first, dialect), *fault)
            line += 1
        else:
            return


def _fault(lines: _Lines, suspect: Callable[[Sequence[str]], tuple[str, str]] | None) -> tuple[str, str]:
    if lines.too_long:
        lines.too_long = False
        return f"the line is longer than {_LONGEST_LINE:,} characters", "too-long"
    return suspect(lines.taken) if suspect else ("", "")


def _fault_of(error: csv.Error, line: str) -> tuple[str, str]:
    if "field larger" in str(error) and len(line) > csv.field_size_limit():
        return f"a cell is longer than {csv.field_size_limit():,} characters", "too-long"
    return "its quotation marks do not come in pairs, so its cells cannot be told apart", "quotes"


def _salvage(line: str, dialect: Dialect) -> list[str]:
    """Return the cells of a broken line as well as can be, for the file of rejects."""
    try:
        return next(csv.reader([line], delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE), [])
    except csv.Error:
        return [line[:1000]]


def settle_dialect(
    sample: Sequence[str], *, delimiter: str | None, overrides: Mapping[str, str], where: str
) -> Dialect:
    """Return how the file is written, from its first lines.

    Raises:
        InputError: two delimiters fit equally well, or there is no line with names of columns.

    """
    asked = _asked(delimiter)
    said = _SEP.fullmatch(sample[0]) if sample else None
    skipped = 1 if said else 0
    if said and not asked:
        asked = said[1]
    choices = (asked,) if asked else DELIMITERS
    tried = [_try(sample, choice, overrides, skipped) for choice in choices]
    best = max(tried, key=lambda t: t.merit)
    rivals = [t for t in tried if t.merit == best.merit and t.dialect.header != best.dialect.header]
    if rivals:
        named = " or ".join(f"'{t.dialect.delimiter}'" for t in (best, *rivals))
        hint = f"say which, such as --delimiter '{best.dialect.delimiter}'"
        raise InputError(f"The cells may be separated by {named}", hint=hint, where=where)
    return best.dialect


def sample_of(text: Text) -> list[str]:
    """Return the first lines of a file."""
    lines = _Lines(text)
    return [line for line, _ in zip(lines, range(_SAMPLE_LINES), strict=False)]


def _asked(delimiter: str | None) -> str:
    if not delimiter:
        return ""
    sign = _NAMES.get(delimiter.strip().lower() or delimiter, delimiter)
    if len(sign) != 1 or sign in '"\r\n':
        raise InputError(
            f"'{delimiter}' cannot separate cells",
            hint="give one sign: ';', ',', '|' or tab",
            where="--delimiter",
        )
    return sign


@dataclass(frozen=True, slots=True)
class _Trial:
    dialect: Dialect
    merit: tuple[int, float, int]  # columns known by name, share of records as wide as the header, width


def _try(sample: Sequence[str], delimiter: str, overrides: Mapping[str, str], skipped: int) -> _Trial:
    head = "".join(sample[:20])
    skip_spaces = delimiter != " " and f'{delimiter} "' in head and f'{delimiter}"' not in head
    found = list(records(_Sample(sample), Dialect(delimiter, skip_spaces), lambda: 0))[skipped:]
    place, known = find_header([row.cells for row in found], overrides)
    below = found[place + 1 :]
    width = len(found[place].cells) if place >= 0 else max((len(row.cells) for row in found), default=0)
    is_even = sum(len(row.cells) == width and not row.fault for row in below) / max(len(below), 1)
    if place >= 0:
        header, line = tuple(cell.strip("\ufeff") for cell in found[place].cells), found[place].line
    else:
        header, line = tuple(f"#{i + 1}" for i in range(width)), 0
    dialect = Dialect(delimiter, skip_spaces, header, line, skipped + place + 1)
    return _Trial(dialect, (known, is_even if width > 1 else 0.0, width))


def find_header(rows: Sequence[Sequence[str]], overrides: Mapping[str, str]) -> tuple[int, int]:
    """Return which of the first records names the columns, and how many names are known.

    Where none does: the first one that is as wide as the table, or -1 if columns are given by number.
    """
    best, most = -1, 0
    for i, cells in enumerate(rows[:_HEADER_WITHIN]):
        known = known_columns(cells) + 2 * sum(_names_one(cells, name) for name in overrides)
        if known > most:
            best, most = i, known
    if best >= 0:
        return best, most
    if overrides and all(name.strip().startswith("#") for name in overrides):
        return -1, 0
    widest = max((_width(cells) for cells in rows[:_HEADER_WITHIN]), default=0)
    return next((i for i, cells in enumerate(rows) if _width(cells) == widest), -1), 0


def _names_one(cells: Sequence[str], name: str) -> bool:
    return not name.strip().startswith("#") and bool(find_column(cells, name))


def _width(cells: Iterable[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


class _Sample:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = iter(lines)

    def readline(self, limit: int = -1, /) -> str:
        del limit
        return next(self._lines, "")
