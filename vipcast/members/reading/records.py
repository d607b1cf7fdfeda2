"""What reading a customer file is made of, whatever the file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["csv", "xlsx", "vcf"]


@dataclass(slots=True)
class RawRow:
    """One record. `line` is the physical line (or sheet row) where it starts, `position` the bytes read.

    `fault` says why its cells cannot be trusted; they are then as much as could be made out.
    """

    line: int
    position: int
    cells: list[str]
    fault: str = ""
    fault_code: str = ""


def errors_of(codec: str) -> str:
    """Return how bytes that do not fit are read: as lone surrogates, or as � where a codec keeps no bytes."""
    return "replace" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"


def printable(text: str) -> str:
    """Return a text with such surrogates written as their bytes, so that it can be shown and saved."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What one column holds, and why that is thought. No field: the column is not read.

    `how` tells columns of one field apart: `accepts` (an opt-out column where "no" is the opt-out),
    `status`, `family-first` (a whole name), `international` (phones without +).
    """

    column: str
    field: str | None
    reason: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How a file was understood, for the person who has to agree with it."""

    kind: Kind
    encoding: str  # empty for a workbook
    encoding_reason: str
    delimiter: str  # empty for a workbook, and where there is but one column
    header_line: int
    columns: tuple[ColumnMapping, ...]
    rows_estimate: int | None = None
    warnings: tuple[str, ...] = ()
    sheet: str = ""
