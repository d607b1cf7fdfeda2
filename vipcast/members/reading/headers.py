"""Which column holds what: by its name, by what the user says, and never by a guess at its values."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence

from vipcast.errors import InputError, nearest
from vipcast.members.reading import synonyms
from vipcast.members.reading.records import ColumnMapping

# What `--map column=field` may name.
FIELDS = (
    "first_name", "last_name", "middle_name", "name", "phone", "email", "telegram", "viber", "language",
    "formal", "birthday", "messenger", "consent_at", "consent_source", "opted_out", "note", "group", "tags",
    "country", "ignore",
)  # fmt: skip
ADDRESSES = frozenset({"phone", "email", "telegram", "viber"})
_SEVERAL = frozenset({*ADDRESSES, "opted_out", "group", "tags"})  # fields that may have more than one column
_NOT_WORD = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NUMBER = re.compile(r"\d+")
_LONGEST = 100  # characters; a sentence is no name
_LOOKS_LIKE_DATA = re.compile(r"\S+@\S+\.\S+|\+?\d[\d ()\-./]{6,}")


def words_of(name: str) -> str:
    """Return a column's name as plain words: no case, no accents, no signs."""
    spaced = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-Я])", " ", name)  # firstName; but not FIRSTNAME
    decomposed = unicodedata.normalize("NFKD", spaced.casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", bare).strip()


def squeeze(name: str) -> str:
    """Return what column names are compared by."""
    return words_of(name).replace(" ", "")


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text as cells are compared with them."""
    return frozenset(squeeze(word) for word in text.split())


@functools.cache
def _names() -> dict[str, str]:
    table: dict[str, str] = {}
    for field, text in synonyms.NAMES.items():
        for name in text.split(","):
            if key := squeeze(name):
                table.setdefault(key, field)
    return table


@functools.cache
def _ignored() -> dict[str, str]:
    return {squeeze(n): why for why, text in synonyms.IGNORED.items() for n in text.split(",") if squeeze(n)}


@functools.cache
def _core_words() -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    core = {word: field for field, text in synonyms.CORE.items() for word in text.split()}
    return core, frozenset(synonyms.FILLERS.split()), frozenset(synonyms.PREFIXES.split())


@functools.lru_cache(maxsize=4096)
def recognise(column: str) -> tuple[str | None, str]:
    """Return the field which a column's name means, as `field` or `field:how`, and why."""
    if len(column) > _LONGEST or not column.strip():
        return None, "not known"
    bare = words_of(_BRACKETS.sub(" ", column))
    for words in dict.fromkeys(
        (words_of(column), _NUMBER.sub("", words_of(column)), bare, _NUMBER.sub("", bare))
    ):
        key = words.replace(" ", "")
        if key in _ignored():
            return None, _ignored()[key]
        if key in _names():
            return _names()[key], "its name"
    return _by_words(_NUMBER.sub("", bare).replace("e mail", "email").split())


def _by_words(words: list[str]) -> tuple[str | None, str]:
    core, fillers, prefixes = _core_words()
    rest = list(words)
    while rest and rest[0] in prefixes:
        rest.pop(0)
    key = "".join(rest)
    if len(rest) < len(words) and key in _ignored():
        return None, _ignored()[key]
    if len(rest) < len(words) and key in _names():
        return _names()[key], "the words of its name"
    found = {core[word] for word in words if word in core}
    if len(found) == 1 and all(word in core or word in fillers for word in words):
        return found.pop(), "the words of its name"
    return None, "not known"


def known_columns(cells: Sequence[str]) -> int:
    """Return how many different fields a line's cells name; 0 where a cell is data rather than a name."""
    fields = set()
    for cell in cells:
        name = cell.strip()
        if _LOOKS_LIKE_DATA.fullmatch(name):
            return 0
        field, _ = recognise(name)
        if field:
            fields.add(field)
    return len(fields)


def find_column(header: Sequence[str], wanted: str) -> list[int]:
    """Return where a column of that name stands: as written, or without case and accents, or `#3`."""
    for compare in (str, str.strip, squeeze):
        found = [i for i, name in enumerate(header) if compare(name) == compare(wanted) and name.strip()]
        if found:
            return found
    match = re.fullmatch(r"(.*)#(\d+)", wanted.strip())
    if not match or not int(match[2]) >= 1:
        return []
    place = int(match[2]) - 1
    if match[1].strip():  # Phone#2: the second of several Phone columns
        found = find_column(header, match[1])
        return found[place : place + 1]
    return [place] if place < len(header) else []


def map_columns(header: Sequence[str], overrides: Mapping[str, str], where: str) -> tuple[ColumnMapping, ...]:
    """Return what each column holds.

    Raises:
        InputError: an override names no column, several, or no field; or no column holds an address.

    """
    asked = _resolve(header, overrides, where)
    taken = {field.partition(":")[0] for field in asked.values()}
    named = {(recognise(name)[0] or "").partition(":")[0] for i, name in enumerate(header) if i not in asked}
    has_family_name = "last_name" in taken | named
    columns = []
    for i, name in enumerate(header):
        if i in asked:
            mapping = _as_asked(name, asked[i])
        else:
            mapping = _as_recognised(name, has_family_name=has_family_name, taken=taken)
            if mapping.field and mapping.field not in _SEVERAL:
                taken.add(mapping.field)
        columns.append(mapping)
    if not any(c.field in ADDRESSES for c in columns):
        raise _no_address(header, columns, where)
    return tuple(columns)


def _as_asked(name: str, field: str) -> ColumnMapping:
    if field == "ignore":
        return ColumnMapping(name, None, "as asked")
    guess, _ = recognise(name)
    how = guess.partition(":")[2] if guess and guess.partition(":")[0] == field else ""
    return ColumnMapping(name, field, "as asked", how)


def _as_recognised(name: str, *, has_family_name: bool, taken: set[str]) -> ColumnMapping:
    found, reason = recognise(name)
    field, _, how = (found or "").partition(":")
    if field == "first_name|name":
        field = "first_name" if has_family_name else "name"
        reason += ", beside a family name" if has_family_name else ", with no family name beside it"
    elif field == "name" and has_family_name and not how:
        how = "maybe-given"  # a row tells: the whole name repeats the family name
    if field in taken and field not in _SEVERAL:
        return ColumnMapping(name, None, f"a second column for {field}; choose with --map")
    return ColumnMapping(name, field or None, reason, how)


def _resolve(header: Sequence[str], overrides: Mapping[str, str], where: str) -> dict[int, str]:
    asked: dict[int, str] = {}
    for column, field in overrides.items():
        _check_field(column, field)
        places = find_column(header, column)
        if not places:
            near = nearest(column, filter(str.strip, header), cutoff=0.5)
            hint = f"did you mean '{near}'?" if near else f"the columns are: {_listed(header)}"
            raise InputError(f"There is no column '{column}'", hint=hint, where=where)
        if len(places) > 1 and field != "ignore" and field not in _SEVERAL:
            hint = f"say which, such as --map '{column}#2={field}'"
            raise InputError(f"Column '{column}' exists {len(places)} times", hint=hint, where=where)
        asked.update(dict.fromkeys(places, field))
    return asked


def _check_field(column: str, field: str) -> None:
    if field in FIELDS or (field.startswith("extra:") and field.removeprefix("extra:").strip()):
        return
    meant = (recognise(field)[0] or "").partition(":")[0].partition("|")[0]
    near = meant if meant in FIELDS else nearest(field, FIELDS, cutoff=0.5)
    hint = f"did you mean {near}? " if near else ""
    raise InputError(
        f"'{field}' is no field of a member (column '{column}')",
        hint=f"{hint}The fields: {', '.join(FIELDS)}, extra:NAME",
        where="--map",
    )


def _no_address(header: Sequence[str], columns: Sequence[ColumnMapping], where: str) -> InputError:
    filled = [name for name in header if name.strip()]
    if any(c.field for c in columns):
        message = f"no column holds a phone number, e-mail, Telegram or Viber address: {_listed(filled)}"
    elif len(filled) == 1 and re.search(r"[;,\t|]", filled[0]):
        message = (
            f"each line is one cell: there are quotation marks around whole lines ('{_short(filled[0])}')"
        )
        return InputError(
            message, hint="open it in a spreadsheet, split it into columns and save it again", where=where
        )
    else:
        message = f"no line says what the columns hold; the first is: {_listed(filled)}"
    if any(_LOOKS_LIKE_DATA.fullmatch(name.strip()) for name in filled):
        hint = "put a line with column names on top, or number them: --map '#1=name' --map '#2=phone'"
        return InputError(f"The first line is no header but data: {_listed(filled)}", hint=hint, where=where)
    example = _short(filled[0]) if filled else "#1"
    hint = f"say it, such as --map '{example}=phone', or put a line with column names on top"
    return InputError(message, hint=hint, where=where)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:12])
    return shown + (", …" if len(names) > 12 else "")  # noqa: PLR2004 - a line of a terminal


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= 30 else name[:30] + "…"  # noqa: PLR2004 - the same
