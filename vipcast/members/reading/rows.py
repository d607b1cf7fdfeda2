"""One record of a customer file -> a member's row, or a reject with its reason. Nothing is guessed."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from vipcast.members.csvsafe import restore_cell
from vipcast.members.people import clean, clean_lines, join_name, split_name
from vipcast.members.reading.contacts import BLANKS, ContactReader, Contacts
from vipcast.members.reading.dates import AmbiguousDateError, Order, read_day, read_moment, settle_order
from vipcast.members.reading.records import RawRow
from vipcast.members.reading.tabular import Table
from vipcast.members.reading.words import is_formal, language_of, messenger_of, says_out, yes_or_no

LONGEST_NAME = 200  # characters; a longer one is a text that slipped into the wrong column
_ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#N/A!", "#ERROR!"})
_NOTHING = (BLANKS | _ERRORS) - {"None", "0"}  # of a name; there are people called None
_LIST = re.compile(r" ?::: ?|[;,|\n]")
_OLDEST = 1900
_DAY = timedelta(days=1)  # a clock elsewhere may be ahead


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is left out, and why."""

    line: int
    reason: str
    code: str
    cells: tuple[str, ...]


@dataclass(slots=True)
class MemberRow:
    """One member as a file describes them. `phones` are E.164, mobiles first."""

    line: int
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    language: str = ""
    formal: bool | None = None
    birthday: date | None = None
    preferred: str = ""
    telegram: str = ""
    viber: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    consent_at: datetime | None = None
    consent_source: str = ""
    opted_out: bool = False
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cells: Sequence[str] = ()

    def reject(self, code: str, reason: str) -> Reject:
        """Return the row as one that is refused after all."""
        return Reject(self.line, reason, code, tuple(self.cells))


class _Refusal(Exception):
    """The row cannot be taken."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class RowReader:
    """Reads the rows of one table.

    `language` is the shop's, for rows that name none; a date without a time is its midnight in `timezone`;
    `date_order` settles dates such as 03/04/2025 where their column does not.
    """

    def __init__(
        self,
        table: Table,
        *,
        region: str,
        language: str,
        now: datetime,
        date_order: Order | None = None,
        timezone: tzinfo = UTC,
    ) -> None:
        columns = table.report.columns
        self._table = table
        self._language = language
        self._now = now
        self._asked_order = date_order
        self._timezone = timezone
        self._orders: dict[int, Order | None] = {}
        self._header = [column.column.strip() for column in columns]
        self._width = len(columns)
        self._contacts = ContactReader(columns, region)
        self._place = {column.field: i for i, column in reversed(list(enumerate(columns))) if column.field}
        self._how = {column.field: column.how for column in reversed(columns) if column.field}
        self._opt_outs = [(i, column.how) for i, column in enumerate(columns) if column.field == "opted_out"]
        self._groups = [i for i, column in enumerate(columns) if column.field == "group"]
        self._tags = [i for i, column in enumerate(columns) if column.field == "tags"]
        self._extras = [
            (i, column.field.removeprefix("extra:").strip())
            for i, column in enumerate(columns)
            if column.field and column.field.startswith("extra:")
        ]
        at = self._place.get
        self._name = (at("first_name"), at("middle_name"), at("last_name"), at("name"))
        self._few = tuple(name for name in ("formal", "messenger", "note") if name in self._place)

    def read(self, raw: RawRow) -> MemberRow | Reject:
        """Return the member of one record, or the record with the reason why it is refused."""
        cells = raw.cells
        try:
            if raw.fault or len(cells) != self._width:
                cells = self._fitted(raw)
            found = self._contacts.read(cells)
            if found.is_empty():
                return self._unreachable(raw, found)
            return self._member(raw, cells, found)
        except _Refusal as refusal:
            return Reject(raw.line, refusal.reason, refusal.code, tuple(raw.cells))

    def _fitted(self, raw: RawRow) -> list[str]:
        """Return as many cells as there are columns."""
        cells = raw.cells
        if raw.fault:
            raise _Refusal(raw.fault_code, raw.fault)
        missing = self._width - len(cells)
        if missing > 0:
            return cells + [""] * missing
        if any(cell.strip() for cell in cells[self._width :]):
            reason = (
                f"it has {len(cells)} cells and the header has {self._width}: a cell with a separator in it?"
            )
            raise _Refusal("ragged", reason)
        return cells[: self._width]

    def _unreachable(self, raw: RawRow, found: Contacts) -> Reject:
        code = "bad-address" if found.problems else "no-address"
        reason = "; ".join(found.problems) or "it has no phone number, e-mail, Telegram or Viber address"
        repeated = sum(
            bool(n) and n == cell.strip() for n, cell in zip(self._header, raw.cells, strict=False)
        )
        if repeated > 1:  # files put together from several repeat it
            code, reason = "header-again", "it repeats the names of the columns"
        return Reject(raw.line, reason, code, tuple(raw.cells))

    def _member(self, raw: RawRow, cells: Sequence[str], found: Contacts) -> MemberRow:
        warnings = [f"{problem}: left out" for problem in found.problems] if found.problems else []
        row = MemberRow(raw.line, cells=raw.cells)
        row.phones = found.e164()
        row.emails = tuple(found.emails)
        row.telegram = found.telegram
        row.viber = found.viber
        place = self._place
        if (i := place.get("language")) is not None and (text := cells[i]):
            row.language = language_of(text)
            if not row.language and text.strip():
                warnings.append(f"language '{_cut(text)}' is none of hu, cs, fi, ru, en: left out")
        self._read_names(row, cells, warnings)
        if (i := place.get("birthday")) is not None and cells[i]:
            row.birthday = self._birthday(i, cells[i], warnings)
        if (i := place.get("consent_at")) is not None and cells[i]:
            row.consent_at = self._consent(i, cells[i], warnings)
        if (i := place.get("consent_source")) is not None and cells[i]:
            row.consent_source = _tidy(cells[i])
        if self._opt_outs:
            row.opted_out = self._is_out(cells)
        if self._few:
            self._read_few(row, cells, warnings)
        if self._groups or self._tags or self._extras:
            row.groups = _listed(cells, self._groups)
            row.tags = _listed(cells, self._tags)
            row.extra = {name: text for i, name in self._extras if (text := _tidy(cells[i]))}
        if warnings:
            row.warnings = tuple(warnings)
        return row

    def _read_names(self, row: MemberRow, cells: Sequence[str], warnings: list[str]) -> None:
        a, b, c, d = self._name
        first = _tidy(cells[a]) if a is not None else ""
        middle = _tidy(cells[b]) if b is not None else ""
        last = _tidy(cells[c]) if c is not None else ""
        whole = _tidy(cells[d]) if d is not None else ""
        if not _NOTHING.isdisjoint((first, middle, last, whole)):
            kept = [text if text not in _NOTHING else "" for text in (first, middle, last, whole)]
            warnings += [f"'{t}' is no name: left out" for t in (first, middle, last, whole) if t in _NOTHING]
            first, middle, last, whole = kept
        is_hungarian = (row.language or self._language) == "hu"
        how = self._how.get("name", "")
        if whole and how == "maybe-given" and last and last.casefold() not in whole.casefold().split():
            first, whole = first or whole, ""
        if not whole:
            given = f"{first} {middle}" if middle else first
            whole = join_name(given, last, is_family_first=is_hungarian) if given and last else given or last
        elif not (first or last):
            language = row.language or self._language
            first, last = split_name(whole, language=language, is_family_first=how == "family-first")
        if len(whole) > LONGEST_NAME:
            reason = f"its name has {len(whole):,} characters ('{whole[:30]}…'); {LONGEST_NAME} are the most"
            raise _Refusal("name-too-long", reason)
        if "\ufffd" in whole:
            warnings.append(f"the name '{whole}' was damaged before (�): correct it")
        row.first_name, row.last_name, row.name = first, last, whole

    def _read_few(self, row: MemberRow, cells: Sequence[str], warnings: list[str]) -> None:
        for name in self._few:
            text = cells[self._place[name]]
            if not text.strip() or text.strip() in _NOTHING:
                continue
            if name == "note":
                row.note = clean_lines(restore_cell(text))
            elif name == "messenger":
                row.preferred = messenger_of(text)
                if not row.preferred:
                    warnings.append(f"messenger '{_cut(text)}' is not known: left out")
            else:
                row.formal = is_formal(text, row.language or self._language)
                if row.formal is None:
                    warnings.append(f"'{_cut(text)}' does not say whether to be formal: left out")

    def _birthday(self, place: int, text: str, warnings: list[str]) -> date | None:
        if not (bare := restore_cell(text.strip())) or bare in _NOTHING:
            return None
        try:
            try:
                day = read_day(bare, self._asked_order, self._now.year)
            except AmbiguousDateError:
                day = read_day(bare, self._order_of(place), self._now.year)
        except AmbiguousDateError as error:
            raise self._ambiguous(place, error) from None
        except ValueError as error:
            warnings.append(f"birthday: {error}: left out")
            return None
        if not day.year >= _OLDEST or day > self._now.date():
            warnings.append(f"birthday '{_cut(bare)}' is not in a living person's past: left out")
            return None
        return day

    def _consent(self, place: int, text: str, warnings: list[str]) -> datetime | None:
        if not (bare := restore_cell(text.strip())) or bare in _NOTHING:
            return None
        try:
            try:
                moment = read_moment(bare, self._asked_order, self._timezone, self._now.year)
            except AmbiguousDateError:
                moment = read_moment(bare, self._order_of(place), self._timezone, self._now.year)
        except AmbiguousDateError as error:
            raise self._ambiguous(place, error) from None
        except ValueError as error:
            said = yes_or_no(bare)
            if said:
                warnings.append(f"'{_cut(bare)}' does not say when consent was given: no consent recorded")
            if said is not None:
                return None
            raise _Refusal("bad-consent", f"when consent was given cannot be read: {error}") from None
        if moment > self._now + _DAY:
            raise _Refusal("bad-consent", f"consent is given in the future: '{_cut(bare)}'")
        return moment

    def _order_of(self, place: int) -> Order | None:
        """Return the order that the whole column shows; it is looked through once, when first needed."""
        if place not in self._orders:
            self._orders[place] = self._asked_order or settle_order(self._table.values(place))
        return self._orders[place]

    def _ambiguous(self, place: int, error: ValueError) -> _Refusal:
        column = self._header[place]
        return _Refusal("ambiguous-date", f"{error} (column '{column}'): say --date-order dmy or mdy")

    def _is_out(self, cells: Sequence[str]) -> bool:
        """Return whether a row says that the person wants nothing. A `status` counts only by its word."""
        refused = agreed = False
        for i, how in self._opt_outs:
            text = cells[i].strip()
            if not text or text in BLANKS - {"0"}:
                continue
            if says_out(text):
                return True
            said = yes_or_no(text)
            if not how and said is not False:
                return True  # a yes, a date, a reason
            if how == "accepts":
                refused = refused or said is False
                agreed = agreed or said is True or text.casefold() == "subscribed"
        return refused and not agreed


@functools.lru_cache(maxsize=16384)
def _tidy(text: str) -> str:
    return clean(restore_cell(text) if text[0:1] == "'" else text)


def _listed(cells: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """Return the entries of list cells once each; Google's own labels, marked *, are no tags."""
    entries = (_tidy(piece).strip('"') for i in places if cells[i] for piece in _LIST.split(cells[i]))
    return tuple(dict.fromkeys(e for e in entries if e and not e.startswith("* ")))


def _cut(text: str) -> str:
    text = clean(text)
    return text if len(text) <= 40 else text[:40] + "…"  # noqa: PLR2004 - a line of a terminal
