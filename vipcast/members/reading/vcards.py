"""Contacts of a phone (.vcf, versions 2.1 to 4.0) as rows with columns, streamed."""

from __future__ import annotations

import io
import quopri
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from vipcast.members.reading.encoding import TextEncoding
from vipcast.members.reading.headers import map_columns
from vipcast.members.reading.records import RawRow, Report, errors_of, printable

COLUMNS = (
    "Name", "First name", "Last name", "Phone", "Email", "Telegram", "Birthday", "Notes", "Categories",
    "Language",
)  # fmt: skip
_PLACES = {"TEL": 3, "EMAIL": 4, "BDAY": 6, "NOTE": 7, "CATEGORIES": 8, "LANG": 9}
_JOIN = " ::: "
_LONGEST = 1 << 20  # characters of one property; a photo may be long and is not read
_ESCAPES = {"n": "\n", "N": "\n"}


@dataclass(frozen=True, slots=True)
class Cards:
    path: Path
    codec: str
    report: Report

    def rows(self) -> Generator[RawRow, None, None]:
        """Yield a row a card. A card without an end is a fault of its own."""
        with self.path.open("rb") as binary:
            text = io.TextIOWrapper(binary, encoding=self.codec, errors=errors_of(self.codec), newline=None)
            for line, properties, is_whole in _cards(text):
                raw = _cells(properties)
                cells = [printable(cell) for cell in raw]
                fault = ("", "")
                if not is_whole:
                    fault = ("the card has no end: the file was cut short", "cut-short")
                elif cells != raw:
                    fault = (f"it is not {self.codec} like the rest", "encoding")
                yield RawRow(line, binary.tell(), cells, *fault)


def open_cards(path: Path, encoding: TextEncoding, *, overrides: Mapping[str, str]) -> Cards:
    """Return the cards of a file.

    Raises:
        InputError: an override names no column or no field.

    """
    columns = map_columns(COLUMNS, overrides, str(path))
    report = Report(
        kind="vcf",
        encoding=encoding.codec,
        encoding_reason=encoding.reason,
        delimiter="",
        header_line=0,
        columns=columns,
        warnings=encoding.warnings,
    )
    return Cards(path, encoding.codec, report)


def _cards(text: TextIO) -> Iterator[tuple[int, list[tuple[str, str, str]], bool]]:
    """Yield where each card begins, its properties as (name, parameters, value), and whether it ends."""
    start = 0
    properties: list[tuple[str, str, str]] = []
    for number, line in _unfolded(text):
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        name = name.rpartition(".")[2].strip().upper()  # item1.TEL
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            if start:
                yield start, properties, False
            start, properties = number, []
        elif name == "END" and value.strip().upper() == "VCARD":
            if start:
                yield start, properties, True
            start = 0
        elif start:
            properties.append((name, parameters, value))
    if start:
        yield start, properties, False


def _unfolded(text: TextIO) -> Iterator[tuple[int, str]]:
    """Yield whole properties with the line where each begins; a long one is continued after a space."""
    begun, current = 0, ""
    for number, raw in enumerate(text, 1):
        line = raw.rstrip("\n")
        if line[:1] in (" ", "\t") and begun:
            current += line[1:] if len(current) < _LONGEST else ""
            continue
        if begun and current.endswith("=") and "QUOTED-PRINTABLE" in current.upper():
            current = current[:-1] + line  # version 2.1 breaks lines by a = at their end
            continue
        if begun:
            yield begun, current
        begun, current = number, line[:_LONGEST]
    if begun:
        yield begun, current


def _cells(properties: Iterable[tuple[str, str, str]]) -> list[str]:
    cells: list[list[str]] = [[] for _ in COLUMNS]
    for name, parameters, raw in properties:
        value = _decoded(parameters, raw)
        if name == "FN":
            cells[0] = [_plain(value)]
        elif name == "N":
            family, given, *_ = [*_split(value), "", ""]
            cells[1], cells[2] = [_plain(given)], [_plain(family)]
        elif name == "TEL" and "FAX" in parameters.upper():
            continue
        elif (
            name in ("IMPP", "X-TELEGRAM", "URL", "X-SOCIALPROFILE")
            and "telegram" in (parameters + raw).lower()
        ):
            cells[5] = [_plain(value).removeprefix("telegram:").removeprefix("x-apple:")]
        elif name in _PLACES:
            cells[_PLACES[name]].append(_plain(value).removeprefix("tel:").removeprefix("mailto:"))
    return [_JOIN.join(v for v in values if v) for values in cells]


def _decoded(parameters: str, value: str) -> str:
    upper = parameters.upper()
    if "QUOTED-PRINTABLE" not in upper:
        return value
    charset = next(
        (p.partition("=")[2] for p in parameters.split(";") if p.upper().startswith("CHARSET=")), "utf-8"
    )
    data = quopri.decodestring(value.encode("utf-8", "surrogateescape"))
    try:
        return data.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def _split(value: str) -> list[str]:
    """Return the parts of a structured value; a backslash keeps the separator."""
    parts, current, is_escaped = [], "", False
    for char in value:
        if char == ";" and not is_escaped:
            parts.append(current)
            current = ""
        else:
            current += char
        is_escaped = char == "\\" and not is_escaped
    return [*parts, current]


def _plain(value: str) -> str:
    text, is_escaped = "", False
    for char in value:
        if is_escaped:
            text += _ESCAPES.get(char, char)
            is_escaped = False
        elif char == "\\":
            is_escaped = True
        else:
            text += char
    return text.strip()
