"""Names of people: cleaned of what cannot be seen, and told apart into given and family name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Marks that change the direction of text around them, and the mark of byte order: invisible, and a danger.
_INVISIBLE = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff\u00ad]")
_TITLE_WORDS = """
    dr doc prof ing mgr bc mudr judr phdr rndr paeddr thdr mvdr pharmdr mba msc phd csc drsc dis bca mga
    ifj id özv oezv jr sr mr mrs ms miss mx sir fm ft pan paní slečna г-н г-жа герр
"""
_TITLES = frozenset(_TITLE_WORDS.split())
_PATRONYMIC = re.compile(r".{2,}(?:ович|евич|ич|овна|евна|ична|инична)", re.IGNORECASE)
_WHOLE = 2  # words of a plain name


def clean(text: str) -> str:
    """Return a name in NFC, on one line, without control and direction marks; nothing else is changed."""
    if text.isprintable() and "  " not in text and unicodedata.is_normalized("NFC", text):
        return text.strip()
    visible = _INVISIBLE.sub("", text)
    spaced = "".join(" " if c.isspace() else c for c in visible)
    kept = "".join(c for c in spaced if unicodedata.category(c) != "Cc")
    return " ".join(unicodedata.normalize("NFC", kept).split())


def clean_lines(text: str) -> str:
    """Return a note cleaned like a name, with its line breaks."""
    return "\n".join(line for line in (clean(line) for line in text.splitlines()) if line)


def split_name(name: str, *, language: str, is_family_first: bool = False) -> tuple[str, str]:
    """Return (given name, family name) of a whole name, both empty where its order is not known.

    Hungarian puts the family name first, and "Kovács Béláné" names her husband; Russian does where a
    patronymic ends the name. A comma puts the family name first in every language.
    """
    family, comma, given = name.partition(",")
    if comma and not _is_title(given.strip()):
        return _without_titles(given), _without_titles(family)
    words = _without_titles(family if comma else name).split()
    if len(words) < _WHOLE or not (language or is_family_first):
        return "", ""
    if is_family_first or language == "hu":
        return _family_first(words, is_hungarian=language == "hu")
    if language == "ru" and len(words) == 3 and _PATRONYMIC.fullmatch(words[2]):  # noqa: PLR2004
        return words[1], words[0]
    return words[0], words[-1]


def join_name(given: str, family: str, *, is_family_first: bool) -> str:
    """Return the whole name, in the order of a language."""
    return f"{family} {given}" if is_family_first else f"{given} {family}"


def _family_first(words: list[str], *, is_hungarian: bool) -> tuple[str, str]:
    family = words[0]
    rest = words[1:]
    if is_hungarian and len(rest) > 1 and family.endswith("né"):  # Kovácsné Tóth Mária
        family, rest = f"{family} {rest[0]}", rest[1:]
    if is_hungarian and len(rest) == 1 and rest[0].endswith("né") and len(rest[0]) > 3:  # noqa: PLR2004
        return "", " ".join(words)
    if not is_hungarian and len(rest) > 1 and _PATRONYMIC.fullmatch(rest[-1]):
        rest = rest[:-1]
    return " ".join(rest), family


def _without_titles(name: str) -> str:
    return " ".join(filter(None, map(_without_title, name.replace(",", " ").split())))


@lru_cache(maxsize=20_000)  # a million people share a few thousand names
def _without_title(word: str) -> str:
    """Return a word of a name, less the title that it is or begins with (dr.Kovács)."""
    key = word.casefold()
    if "." not in key:
        return "" if key in _TITLES else word
    if key.replace(".", "") in _TITLES:
        return ""
    title, _, rest = word.partition(".")
    return rest if rest and title.casefold() in _TITLES else word


def _is_title(text: str) -> bool:
    words = text.casefold().replace(".", "").replace(",", " ").split()
    return bool(words) and _TITLES.issuperset(words)
