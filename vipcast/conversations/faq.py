"""The shop's own answers to common questions: `templates/replies/faq.<language>.toml`.

An answer to the wrong question is much worse than none. So a message is answered only where one sentence
asks, every word of it that matters is known to the entry, and no other entry comes near. A complaint, a
wish for a person, a number, a second matter: all of these mean a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from vipcast import tomlfile
from vipcast.config import LANGUAGES
from vipcast.conversations.faq_matching import Question, likeness, question_of, questions_in
from vipcast.conversations.words_folding import LONGEST
from vipcast.errors import InputError, did_you_mean

# Set from the tuning half of tests/data/replies/faq_labelled.csv; see tests/unit/test_faq.py.
THRESHOLD = 76.0
MARGIN = 6.0  # by how much the best entry must lead the next

_FILE = re.compile(r"faq\.(.*)\.toml", re.IGNORECASE)
_ENTRY = re.compile(r"\s*\[\[\s*entry\s*\]\]")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\"\\]*")


class _EntryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: list[str]
    answer: str
    buttons: list[str] = []
    id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, and the ways in which it is asked for. `id` is "entry-N" where the file gives none."""

    id: str
    questions: tuple[str, ...]
    answer: str  # Markdown that may hold Jinja, as the file has it
    buttons: tuple[str, ...] = ()
    where: str = ""  # file:line


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that answers a message; `question` is its nearest variant, `score` 0 to 100."""

    entry: Entry
    score: float
    question: str


@dataclass(frozen=True)
class Faq:
    """One language's entries."""

    language: str
    entries: tuple[Entry, ...] = ()
    _prepared: tuple[tuple[Entry, tuple[Question, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        prepared = tuple((entry, tuple(map(question_of, entry.questions))) for entry in self.entries)
        object.__setattr__(self, "_prepared", prepared)

    def best(self, text: str, threshold: float = THRESHOLD) -> Match | None:
        """Return the entry that answers the message, None where a person should.

        It errs towards None. Where several sentences ask, all of them must ask for the same entry. What
        the shop itself wrote as a question is answered in any case.
        """
        if exact := self._exact(text):
            return exact
        asked = questions_in(text)
        matches = [self._match(question, threshold) for question in asked]
        found = [match for match in matches if match is not None]
        if not found or len(found) < len(asked) or len({match.entry.id for match in found}) > 1:
            return None
        return min(found, key=lambda match: match.score)

    def _exact(self, text: str) -> Match | None:
        words = question_of(text[:LONGEST]).words
        for entry, variants in self._prepared:
            for variant, question in zip(variants, entry.questions, strict=True):
                if words and variant.words == words:
                    return Match(entry, 100.0, question)
        return None

    def _match(self, asked: Question, threshold: float) -> Match | None:
        ranked = sorted(
            (max(self._scores(asked, entry, variants), key=_score) for entry, variants in self._prepared),
            key=_score,
            reverse=True,
        )
        if not ranked or ranked[0].score < threshold:
            return None
        if len(ranked) > 1 and ranked[0].score - ranked[1].score < MARGIN:
            return None
        return ranked[0]

    @staticmethod
    def _scores(asked: Question, entry: Entry, variants: tuple[Question, ...]) -> Iterator[Match]:
        for variant, text in zip(variants, entry.questions, strict=True):
            yield Match(entry, likeness(asked, variant, variants), text)


def _score(match: Match) -> float:
    return match.score


def load(folder: Path, language: str) -> Faq:
    """Return the entries of `faq.<language>.toml` in `folder`, the shop's templates/replies; none without it.

    Raises:
        InputError: the file is wrong; `where` is file:line.

    """
    path = folder / f"faq.{language}.toml"
    if not path.is_file():
        return Faq(language)
    text = tomlfile.read_text(path, error=InputError)
    data = tomlfile.parse(text, path, error=InputError)
    _refuse_other_keys(data, text, path)
    entries = tuple(_entries(data.get("entry", []), text, path))
    _refuse_twice(entries, text, path)
    return Faq(language, entries)


def load_all(folder: Path) -> dict[str, Faq]:
    """Return the entries of every language the shop has a file for.

    Raises:
        InputError: a file is wrong, or named for a language that is not known.

    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found: dict[str, Faq] = {}
    for name in names:
        if not (match := _FILE.fullmatch(name)):
            continue
        if match[1] not in LANGUAGES:
            hint = did_you_mean(match[1], LANGUAGES) or "Rename the file, or take it out."
            raise InputError(
                f'{name}: "{match[1]}" is no known language (known: {", ".join(LANGUAGES)}).',
                hint=hint,
                where=str(folder / name),
            )
        found[match[1]] = load(folder, match[1])
    return found


def as_entry(question: str) -> str:
    """Return the TOML of a new entry for a question, to be pasted and answered; its answer is empty.

    An empty answer is a fault, so that a file with a forgotten one is refused.
    """
    shown = " ".join(question[:LONGEST].split())
    return f'[[entry]]\nquestions = [{_quoted(shown)}]\nanswer = ""\n'


def _quoted(text: str) -> str:
    """Return a TOML basic string; what may not stand in one is escaped, half a surrogate pair replaced."""
    if _PLAIN.fullmatch(text) and not any("\ud800" <= one <= "\udfff" for one in text):
        return f'"{text}"'
    shown = []
    for one in text:
        if one in '"\\':
            shown.append("\\" + one)
        elif one < " " or one == "\x7f":
            shown.append(f"\\u{ord(one):04X}")
        else:
            shown.append("\ufffd" if "\ud800" <= one <= "\udfff" else one)
    return f'"{"".join(shown)}"'


def _refuse_other_keys(data: Mapping[str, Any], text: str, path: Path) -> None:
    for key in data:
        if key != "entry":
            line = tomlfile.line_of(text, key) or _header_line(text, key)
            hint = did_you_mean(key, ["entry"], quotes="`") or "An answer stands under [[entry]]."
            raise InputError(f"{path.name}: unknown key `{key}`.", hint=hint, where=f"{path}:{line}")
    tables = data.get("entry", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(
            f"{path.name}: `entry` must be tables.",
            hint="Begin each answer with a line [[entry]], in two pairs of brackets.",
            where=f"{path}:{tomlfile.line_of(text, 'entry') or _header_line(text, 'entry')}",
        )


def _header_line(text: str, name: str) -> int:
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if name in line and "[" in line), 1)


def _entries(tables: list[dict[str, Any]], text: str, path: Path) -> Iterator[Entry]:
    starts = [number for number, line in enumerate(text.split("\n"), 1) if _ENTRY.match(line)]
    lines = text.split("\n")
    for number, table in enumerate(tables, 1):
        start = starts[number - 1] if len(starts) == len(tables) else 1
        end = starts[number] - 1 if len(starts) == len(tables) and number < len(starts) else len(lines)
        own = _Place(path, number, "\n".join(lines[start - 1 : end]), start)
        yield _entry(table, own)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands in its file, and its own lines."""

    path: Path
    number: int
    text: str
    line: int

    def fault(self, key: str, what: str, hint: str, part: str = "") -> InputError:
        return InputError(
            f"{self.path.name}: entry {self.number}: `{key}` {what}.",
            hint=hint,
            where=f"{self.path}:{self.line_of(part) or self.line_of(key) or self.line}",
        )

    def line_of(self, part: str) -> int:
        """Return the file's line on which `part` first stands within the entry, 0 where it does not."""
        at = self.text.find(part) if part else -1
        return self.line + self.text.count("\n", 0, at) if at >= 0 else 0


def _entry(table: dict[str, Any], place: _Place) -> Entry:
    try:
        read = tomlfile.convert(
            table, _EntryTable, place.path, text=place.text, first_line=place.line, error=InputError
        )
    except InputError as fault:
        name = place.path.name
        raise InputError(
            fault.message.replace(f"{name}: ", f"{name}: entry {place.number}: ", 1).replace(
                "the file", "[[entry]]"
            ),
            hint=fault.hint or 'Write it as questions = ["…?"] and answer = "…".',
            where=fault.where if not fault.where.endswith(":1") else f"{place.path}:{place.line}",
        ) from fault
    _check(read, place)
    return Entry(
        id=read.id or f"entry-{place.number}",
        questions=tuple(question.strip() for question in read.questions),
        answer=read.answer.strip(),
        buttons=tuple(button.strip() for button in read.buttons),
        where=f"{place.path}:{place.line}",
    )


def _check(read: _EntryTable, place: _Place) -> None:
    if not read.questions:
        raise place.fault("questions", "is empty", 'Write how it is asked: questions = ["…?"]')
    if not read.answer.strip():
        raise place.fault("answer", "is empty", 'Write what members are told: answer = "…"')
    for key, texts in (("questions", read.questions), ("buttons", read.buttons)):
        if not all(text.strip() for text in texts):
            raise place.fault(key, "has an empty text in it", "Take the empty text out.")
    for question in read.questions:
        if not question_of(question).words:
            raise place.fault("questions", f'has "{question}", which has no words to compare',
                              "Write the question in full.", question)  # fmt: skip


def _refuse_twice(entries: tuple[Entry, ...], text: str, path: Path) -> None:
    ids: dict[str, Entry] = {}
    asked: dict[tuple[str, ...], Entry] = {}
    for number, entry in enumerate(entries, 1):
        start = int(entry.where.rsplit(":", 1)[1])
        place = _Place(path, number, "\n".join(text.split("\n")[start - 1 :]), start)
        if entry.id in ids:
            raise place.fault(
                "id", f'"{entry.id}" is that of another entry, too', "Give each its own.", entry.id
            )
        ids[entry.id] = entry
        for question in entry.questions:
            other = asked.setdefault(question_of(question).words, entry)
            if other is not entry:
                raise place.fault(
                    "questions",
                    f'has "{question}", which {other.id} (line {other.where.rsplit(":", 1)[1]}) answers, too',
                    "Keep it in one of them.",
                    question,
                )
