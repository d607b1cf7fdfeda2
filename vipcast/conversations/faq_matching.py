"""How alike a member's question and one of the shop's are: 0 to 100.

Compared word by word, in any order and forgiving typing errors and endings. What counts most is that the
shop's question has every word of the member's: "Are you open at Christmas?" has one too many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, takewhile

from vipcast.conversations import faq_words
from vipcast.conversations.words import (
    is_complaint,
    is_question,
    is_thanks,
    wants_person,
    without_polite_words,
)
from vipcast.conversations.words_folding import fold, sentences

_LONGEST_QUESTION = 300  # characters; who writes more tells a story
_MOST_WORDS = 30
_MOST_SENTENCES = 3
_LIGHT, _ASKING, _FULL = 0.12, 0.4, 1.0
_SHORTEST_ROUGH = 4  # letters; shorter words must be the same
_ALIKE = 0.75
_JOINED_ALIKE = 0.88
_STEM = 5  # letters that two forms of one word begin with
_STEM_SHARE = 0.6
_STEM_SCORE = 0.9
_REMEMBERED = 1 << 14  # pairs of words: the shop's own are compared again for every variant and message
_ELSEWHERE = 0.8  # for a word that another variant of the same entry has


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words, folded and without polite ones, each with its weight."""

    words: tuple[str, ...]
    weights: tuple[float, ...]
    changing: frozenset[str]
    asks: bool  # "I pay by card" has the words of a question, and is none


def question_of(text: str) -> Question:
    """Return a question's words; those that are light, or ask, weigh less."""
    return _question(fold(text), asks=is_question(text))


def questions_in(text: str) -> list[Question]:
    """Return the questions that a message is made of; none where a person should read it."""
    if len(text) > _LONGEST_QUESTION or is_complaint(text) or wants_person(text):
        return []
    found, asks = [], is_question(text)
    for sentence in sentences(text):
        folded = " ".join(sentence.words) + " "
        if not is_thanks(folded) and without_polite_words(folded):
            found.append(_question(folded, asks=asks))
    is_one_matter = len(found) <= _MOST_SENTENCES and all(0 < len(one.words) <= _MOST_WORDS for one in found)
    return found if is_one_matter else []


def likeness(asked: Question, variant: Question, variants: Iterable[Question]) -> float:
    """Return how well `variant`, one of an entry's `variants`, covers what is asked: 0 to 100."""
    if variant.asks and not asked.asks:
        return 0.0
    if _FULL not in asked.weights:  # "Where is it?", "How much?": as it stands, or not at all
        return 100.0 if sorted(asked.words) == sorted(variant.words) else 0.0
    known = {word for one in variants for word in one.words}
    if any(word not in known for word in asked.changing) or any(
        word not in asked.words for word in variant.changing
    ):
        return 0.0
    explained = _share(asked, variant.words, known)
    covered = _share(variant, asked.words, frozenset())
    if not explained or not covered:
        return 0.0
    # A word too many counts in full, one too few less: people leave words out.
    return 100 * min(explained, 2 * explained * covered / (explained + covered))


def _question(folded: str, *, asks: bool) -> Question:
    bare = faq_words.LEADING.removed_from(without_polite_words(folded)) or folded
    words = tuple(part for word in bare.split() for part in faq_words.SAME.get(word, word).split())
    changing = frozenset(
        word for word in words if faq_words.CHANGING.are_in(f"{word} ") or any(one.isdigit() for one in word)
    )
    return Question(words, tuple(map(_weight, words)), changing, asks)


def _weight(word: str) -> float:
    if faq_words.LIGHT.are_all_of(f"{word} "):
        return _LIGHT
    return _ASKING if faq_words.ASKING.are_all_of(f"{word} ") else _FULL


def _share(question: Question, others: tuple[str, ...], elsewhere: Iterable[str]) -> float:
    """Return the share of a question's weight that other words account for, 0 to 1."""
    pairs = [first + second for first, second in pairwise(others)]
    total = found = 0.0
    for at, word in enumerate(question.words):
        score = max(
            _nearest(word, others),
            max((_joined_alike(word, pair) for pair in pairs), default=0.0),
            _as_a_pair(question.words, at, others),
            _ELSEWHERE * _nearest(word, elsewhere),
        )
        weight = question.weights[at]
        total += weight
        found += weight * score
    return found / total if total else 0.0


def _as_a_pair(words: tuple[str, ...], at: int, others: tuple[str, ...]) -> float:
    """Return how near a word comes when it is joined with its neighbour: nyitva tartás, nyitvatartás."""
    joined = ["".join(words[start : start + 2]) for start in (at - 1, at) if 0 <= start < len(words) - 1]
    return max((_joined_alike(one, other) for one in joined for other in others), default=0.0)


@lru_cache(_REMEMBERED)
def _joined_alike(one: str, other: str) -> float:
    """Return the likeness of two words of which one was joined: its ending is a word, and counts."""
    near = _nearness(one, other)
    return near if near >= _JOINED_ALIKE else 0.0


def _nearest(word: str, others: Iterable[str]) -> float:
    return max((_alike(word, other) for other in others), default=0.0)


@lru_cache(_REMEMBERED)
def _alike(one: str, other: str) -> float:
    """Return 1 for the same word, less for a typing error or another ending, 0 for another word."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < _SHORTEST_ROUGH or one[0] != other[0]:
        return 0.0
    near = _nearness(one, other)
    stem = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    if stem >= _STEM and stem >= _STEM_SHARE * max(len(one), len(other)):
        near = max(near, _STEM_SCORE)
    return near if near >= _ALIKE else 0.0


def _nearness(one: str, other: str) -> float:
    """Return 1 less the share of letters that were mistyped, left out or swapped with the next."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - 27 ms that only a message need pay

    near: float = OSA.normalized_similarity(one, other)
    return near
