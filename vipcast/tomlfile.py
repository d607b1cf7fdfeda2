"""TOML in, checked structures out; every fault names the file, the key, the line and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from vipcast.errors import ConfigError, InputError, did_you_mean

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_EXPECTED = re.compile(r"Expected `(.+?)`, got `(.+?)`")
_TYPES = {
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list in [square brackets]",
    "date": "a date",
    "datetime": "a date with a time",
    "time": "a time",
}
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")


def read(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: it cannot be read or is no TOML; `where` has the line.

    """
    return parse(read_text(path), path)


def read_text(path: Path, *, error: type[InputError] = ConfigError) -> str:
    """Return the text of a TOML file, for `parse` and `convert`.

    Raises:
        InputError: it cannot be read, or is not UTF-8; of the kind `error`.

    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(
            f"{path.name} is not saved as UTF-8.",
            hint="Save it again with the encoding UTF-8.",
            where=str(path),
        ) from fault
    except OSError as fault:
        raise error(f"{path.name} cannot be read: {fault.strerror}.", where=str(path)) from fault


def parse(
    text: str, path: Path, *, first_line: int = 1, error: type[InputError] = ConfigError
) -> dict[str, Any]:
    """Return TOML `text` that stands in `path` from `first_line` on as a dictionary."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(fault))
        line = first_line - 1 + int(found[1]) if found else first_line + text.count("\n")
        raise error(
            f"{path.name} is not valid TOML: {str(fault).split(' (at ')[0]}.",
            hint="Texts stand in double quotes, tables in [square brackets].",
            where=f"{path}:{line}",
        ) from fault


def convert(
    data: Any,
    kind: type[T],
    path: Path,
    *,
    text: str = "",
    first_line: int = 1,
    error: type[InputError] = ConfigError,
    inside: str = "",
) -> T:
    """Return `data` as a `kind`, a msgspec structure; `inside` names the table that it stands in.

    With `text`, the TOML that was parsed, a fault is told with its line; one that has none of its own,
    such as a missing key, with the line of its table or the first one of the file.

    Raises:
        InputError: an unknown key (with the nearest known one), a missing key or a wrong type.

    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as fault:
        message, hint, names = _explain(str(fault), kind, inside)
        lines = (
            line_of(text, name, table=table, first_line=first_line)
            for name in names
            for table in ((inside, None) if inside else (None,))
        )
        line = next(filter(None, lines), 1)
        where = f"{path}:{line}" if text else str(path)
        raise error(f"{path.name}: {message}", hint=hint, where=where) from fault


def line_of(text: str, key: str, *, table: str | None = None, first_line: int = 1) -> int | None:
    """Return the line on which a key or a table of TOML `text` is written, None where it is not found.

    A line of its own counts before a place within another one, such as an inline table. With `table`,
    only a key right in the table of that name is meant.
    """
    name = re.escape(key)
    for pattern in (rf"""\s*(["']?){name}\1\s*=""", rf""".*?(?:^|[\s{{,\[."']){name}["'\s]*[=\].]"""):
        for number, current, line in _lines(text, first_line):
            if table in (None, current) and re.match(pattern, line):
                return number
    return None


def _lines(text: str, first_line: int) -> Iterator[tuple[int, str | None, str]]:
    """Yield each line with its number and the table in which it stands; a header stands in none."""
    table = ""
    for number, line in enumerate(text.split("\n"), first_line):
        header = _HEADER.match(line)
        if header:
            table = header[1].replace(" ", "")
        yield number, None if header else table, line


def _explain(fault: str, kind: type[Any], inside: str) -> tuple[str, str, list[str]]:
    """Return msgspec's fault in the shop's words, what to do, and what to look for in the text."""
    found = _AT.match(fault)
    what, key = (found["what"], found["key"] or "") if found else (fault, "")
    last = key.split(".")[-1]
    key = ".".join(filter(None, (inside, key)))
    table = f"[{key}]" if key else "the file"
    above = [re.sub(r"\[.*", "", part) for part in reversed(key.split(".")) if part]
    if unknown := _UNKNOWN.search(what):
        hint = did_you_mean(unknown[1], sorted(_field_names(kind)), quotes="`")
        hint = hint or "Take the key out, or see the README for the keys."
        return f"unknown key `{unknown[1]}` in {table}.", hint, [unknown[1], *above]
    if missing := _MISSING.search(what):
        is_table = key == "" and hasattr(_type_of(kind, missing[1]), "__struct_fields__")
        line = f"[{missing[1]}]" if is_table else f'{missing[1]} = "…"'
        return f"`{missing[1]}` is missing in {table}.", f"Add a line such as: {line}", above
    if wrong := _EXPECTED.search(what):
        wanted = " or ".join(_TYPES.get(part.strip(), part.strip()) for part in wrong[1].split("|"))
        return f"`{key}` must be {wanted}, not {_TYPES.get(wrong[2], wrong[2])}.", "", above
    if allowed := get_args(_type_of(kind, last)):
        return f"`{key}` must be {' or '.join(map(repr, allowed))}: {what[:1].lower()}{what[1:]}.", "", above
    return f"`{key}`: {what}.", "", above


def _type_of(kind: Any, name: str) -> Any:
    fields = msgspec.structs.fields(kind) if hasattr(kind, "__struct_fields__") else ()
    return next((field.type for field in fields if field.name == name), None)


def _field_names(kind: Any) -> set[str]:
    """Return the keys of a structure and of all that stand in it, also in lists, unions and tables."""
    names: set[str] = set()
    waiting, seen = [kind], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        waiting += get_args(current)
        if hasattr(current, "__struct_fields__"):
            names.update(current.__struct_fields__)
            waiting += (field.type for field in msgspec.structs.fields(current))
    return names
