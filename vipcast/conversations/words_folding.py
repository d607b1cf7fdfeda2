"""Messages as customers type them, made comparable: small letters, no accents, no emoji, no punctuation.

All is linear in the length of the text and never raises, whatever stands in it: each character is folded
by itself, so that a long run of combining marks costs no more than one of letters.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 4096  # characters; Telegram's limit for a text, and Viber's is 7000: what follows is not looked at

_APOSTROPHES = frozenset("'’‘ʼ`´′＇")
_WEB = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_LONG_RUN = re.compile(r"([^\W\d_])\1{2,}")
_SENTENCE_END = re.compile(r"[.!?…\n]+")
_NUMBER_DOT = re.compile(r"(?<=\d)[.:,](?=\d)")
_EMOTICON = re.compile(r"[:;=]-?[)D*P]|\){2,}|<3|\^\^")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its folded words, and the punctuation that ended it."""

    words: tuple[str, ...]
    end: str = ""


@functools.lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """Return small letters and digits without marks, nothing for what is invisible, else a space."""
    if character in _APOSTROPHES:
        return ""
    # Folding comes twice: a compatibility form such as a circled letter may be a capital.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character.casefold()).casefold())
    folded = []
    for one in plain:
        category = unicodedata.category(one)
        if category[0] in "LN":
            folded.append(one)
        elif category[0] == "M" or category in {"Cf", "Sk"} or one == "\0":
            continue  # accents, joiners, direction marks, skin tones: no reader sees a gap there
        else:
            folded.append(" ")
    return "".join(folded)


def fold(text: str) -> str:
    """Return the words of a text, each with a space after it; of a letter typed thrice or more, one."""
    plain = "".join(map(_fold_character, text[:LONGEST]))[:LONGEST]  # one character may become 18
    words = _LONG_RUN.sub(r"\1", plain).split()
    return " ".join(words) + " " if words else ""


def without_links(text: str) -> str:
    """Return the text, cut to `LONGEST`, without web addresses: their marks are no punctuation."""
    return _WEB.sub(" ", text[:LONGEST])


def sentences(text: str) -> list[Sentence]:
    """Return the sentences that have words in them. The dot of a date or a time ends none."""
    found: list[Sentence] = []
    text = _NUMBER_DOT.sub(" ", without_links(text))
    start = 0
    for mark in _SENTENCE_END.finditer(text):
        _add(found, text[start : mark.start()], mark.group())
        start = mark.end()
    _add(found, text[start:], "")
    return found


def _add(found: list[Sentence], part: str, end: str) -> None:
    words = tuple(fold(part).split())
    if words:
        found.append(Sentence(words, end))


def has_emoji(text: str) -> bool:
    """Return whether a picture character or an emoticon such as :) stands in the text."""
    text = text[:LONGEST]
    return any(unicodedata.category(one) == "So" for one in text) or bool(_EMOTICON.search(text))


class Phrases:
    """A list of phrases in a small notation, found in folded text.

    Words stand apart by spaces; `a|b` is either, a word that ends in `?` may be missing, one that ends
    in `*` may go on. They are written with accents and found without. No part repeats, so matching stays
    linear.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        phrases = [line for block in lines for line in re.split(r"[,\n]", block) if line.strip()]
        longest_first = sorted((_pattern(line) for line in phrases), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\S)(?:{'|'.join(longest_first)})")

    def are_in(self, folded: str) -> bool:
        """Return whether one of them stands anywhere in folded text."""
        return bool(self._pattern.search(folded))

    def begin(self, folded: str) -> bool:
        """Return whether folded text begins with one of them."""
        return bool(self._pattern.match(folded))

    def removed_from(self, folded: str) -> str:
        """Return folded text without them."""
        return _SPACES.sub(" ", self._pattern.sub("", folded)).lstrip()

    def are_all_of(self, folded: str) -> bool:
        """Return whether folded text is made of nothing else, and of at least one."""
        return bool(folded) and not self.removed_from(folded)


def _pattern(phrase: str) -> str:
    parts = []
    for word in phrase.split():
        is_optional = word.endswith("?")
        choices = "|".join(_word_pattern(one) for one in word.removesuffix("?").split("|"))
        parts.append(f"(?:{choices})" + ("?" if is_optional else ""))
    return "".join(parts)


def _word_pattern(word: str) -> str:
    return fold(word.removesuffix("*")).strip() + (r"[^\s]* " if word.endswith("*") else " ")
