"""TOML in, checked structures out; every fault names the file, the key and what was expected."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vipcast.errors import ConfigError, InputError

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_EXPECTED = re.compile(r"Expected `(.+?)`, got `(.+?)`")
_TYPES = {"str": "a text in quotes", "int": "a whole number", "bool": "true or false", "object": "a table"}


def read(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: it cannot be read or is no TOML; `where` has the line.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path.name} is not saved as UTF-8.",
            hint="Save it again with the encoding UTF-8.",
            where=str(path),
        ) from error
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}.", where=str(path)) from error
    return parse(text, path)


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
    data: Any, kind: type[T], path: Path, *, error: type[InputError] = ConfigError, inside: str = ""
) -> T:
    """Return `data` as a `kind`, a msgspec structure.

    Raises:
        InputError: an unknown key (with the nearest known one), a missing key or a wrong type.

    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as fault:
        message, hint = _explain(str(fault), kind, inside)
        raise error(f"{path.name}: {message}", hint=hint, where=str(path)) from fault


def _explain(fault: str, kind: type[Any], inside: str) -> tuple[str, str]:
    found = _AT.match(fault)
    what, key = (found["what"], found["key"] or "") if found else (fault, "")
    key = ".".join(part for part in (inside, key) if part)
    table = f"[{key}]" if key else "the file"
    if unknown := _UNKNOWN.search(what):
        near = difflib.get_close_matches(unknown[1], sorted(_field_names(kind)), 1)
        hint = f"Did you mean `{near[0]}`?" if near else "Take the key out, or see the README for the keys."
        return f"unknown key `{unknown[1]}` in {table}.", hint
    if missing := _MISSING.search(what):
        return f"`{missing[1]}` is missing in {table}.", f'Add a line such as: {missing[1]} = "…"'
    if wrong := _EXPECTED.search(what):
        wanted = " or ".join(_TYPES.get(part.strip(), part.strip()) for part in wrong[1].split("|"))
        return f"`{key}` must be {wanted}, not {_TYPES.get(wrong[2], wrong[2])}.", ""
    return f"`{key}`: {what}.", ""


def _field_names(kind: type[Any]) -> set[str]:
    names: set[str] = set()
    waiting = [kind]
    while waiting:
        current = waiting.pop()
        for one in getattr(current, "__struct_fields__", ()):
            names.add(one)
        if hasattr(current, "__struct_fields__"):
            for one in msgspec.structs.fields(current):
                inner = [one.type, *getattr(one.type, "__args__", ())]
                waiting += [t for t in inner if hasattr(t, "__struct_fields__")]
    return names
