"""The texts that a member gets without an announcement: automatic answers, a welcome, a person's answer.

Each has a built-in text in every language, in `texts/`. The shop puts its own into `templates/replies/`
as `NAME.LANGUAGE.md`: TOML between two `+++` lines, which may be left out here, then Markdown with Jinja.

The language is the member's, else the shop's, else English. What the shop wrote stands above the built-in
text of the same language only: where it wrote its own in Hungarian alone, a Finnish member gets the
built-in Finnish one, since being understood comes before being in the shop's own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from vipcast.announcements.expressions import Absent, plain_value
from vipcast.announcements.formatting import Rich, write
from vipcast.announcements.limits import check_text
from vipcast.announcements.rendering import GroupView, MemberView, Renderer, Support
from vipcast.announcements.templates import (
    RESERVED,
    Template,
    TemplateFault,
    TemplateText,
    is_litter,
    parse_text,
    read_file,
)
from vipcast.config import LANGUAGES
from vipcast.errors import InputError, Problem, did_you_mean
from vipcast.messengers.base import Capabilities, Message

ReplyName = Literal[
    "routed",  # the member wrote to an account that only announces
    "received",  # the member wrote to the support account
    "opted_out",
    "opted_in",
    "welcome",  # to a group, or without one
    "answered",  # a person's answer, {{ text }}
    "faq",  # a ready answer, {{ answer }}
    "pointer",  # to a group chat: ask privately
]
# What the built-in texts ask to be written, as buttons where a messenger has them: `words` understands each.
LEAVE = "STOP"
PERSON: Mapping[str, str] = {"hu": "ember", "cs": "člověk", "fi": "ihminen", "ru": "человек", "en": "person"}
NAMES: tuple[ReplyName, ...] = get_args(ReplyName)
_TEXTS = Path(__file__).parent / "texts"
_CARRIED: Mapping[ReplyName, str] = {"answered": "text", "faq": "answer"}
_FAQ = tuple(f"faq.{language}.toml" for language in LANGUAGES)  # the FAQ's own, read elsewhere
_FILES: Mapping[str, tuple[ReplyName, str]] = {
    f"{name}.{language}.md": (name, language) for name, language in product(NAMES, LANGUAGES)
}
_NO_PROMISE = Absent("no time was promised")
# Stands for the FAQ's answer until the text around it has become a message. No keyboard types it.
_SLOT = "\ufdd2answer\ufdd3"
_SAMPLE_MEMBER = MemberView("Lemberg Anna", "Anna", "Lemberg")
_SAMPLE_GROUP = GroupView("Club", "news")
_SAMPLES = {
    "promise": "A person will answer by 11:00 on Monday, 23 November.",
    "text": "Yes.",
    "answer": "Yes.",
}


@dataclass(frozen=True, slots=True)
class _Reply:
    """One text, read, and what makes messages of it."""

    text: TemplateText
    renderer: Renderer


class Replies:
    """Makes the messages that answer members; a text is read and compiled once."""

    def __init__(self, folder: Path, *, shop_name: str, shop_language: str, support: Support | None) -> None:
        """`folder` is the shop's templates folder; a support account without a name gets the shop's."""
        self._folder = folder / RESERVED
        self._shop_name = shop_name
        self._shop_language = shop_language
        self._support = replace(support, name=support.name or shop_name) if support else None
        self._replies: dict[tuple[ReplyName, str], _Reply] = {}
        self._answers: dict[tuple[str, str], Renderer] = {}

    def message(
        self,
        name: ReplyName,
        member: MemberView,
        capabilities: Capabilities,
        *,
        group: GroupView | None = None,
        **values: str,
    ) -> Message:
        """Return what `member` gets through a messenger with `capabilities`.

        `values`: `promise`, a whole sentence, for any text; `text` for `answered`, a person's words that
        appear as they were typed; `answer` for `faq`, Markdown with Jinja that knows the same names.

        Raises:
            TemplateFault: the text cannot be made, or the messenger does not carry it; `where` is file:line,
                or empty where a person's answer is empty or too long.

        """
        language = self._language(member)
        known = self._values(name, values)
        if (name, language) not in self._replies:
            self._replies[name, language] = self._read(name, language)
        reply = self._replies[name, language]
        try:
            rich = _compose(name, reply, member, group, known)
            if name == "faq":
                own = {"promise": known["promise"]}
                rich = _put_in(rich, self._answer(values["answer"], language).compose(member, group, own))
        except TemplateFault as fault:
            raise _told(fault, known) from fault
        message = Message(*write(rich, capabilities.formatting))
        try:
            check_text(reply.text, message, capabilities, member.messenger)
        except TemplateFault as fault:
            if name in _CARRIED and fault.kind == "too-long":
                raise _of_carried(fault, reply.text) from fault
            raise
        return message

    def check(self, capabilities: Mapping[str, Capabilities] | None = None) -> list[Problem]:
        """Return everything that is wrong in the shop's own texts, read anew, and files of unknown names.

        With `capabilities`, by messenger or account, too long texts are found as well. The FAQ's files are
        left alone.
        """
        try:
            paths = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        except OSError as error:
            said = f"{self._folder.name} cannot be read: {error.strerror}."
            return [Problem("unreadable", said, "See that you may read it.", str(self._folder))]
        return [one for path in paths for one in self._check_file(path, capabilities or {})]

    def _language(self, member: MemberView) -> str:
        return next(one for one in (member.language, self._shop_language, "en") if one in LANGUAGES)

    @staticmethod
    def _values(name: ReplyName, values: Mapping[str, str]) -> dict[str, str | Absent]:
        """Return the variables of a text; a promise is always among them, if only to be tested."""
        carried = _CARRIED.get(name)
        if values.keys() - {"promise"} != ({carried} if carried else set()):
            raise TypeError(f"{name} takes promise and {carried or 'nothing else'}, not {sorted(values)}")
        if carried and not plain_value(values[carried]).strip():
            raise TemplateFault("The answer is empty.", kind="empty", hint="Write a text.")
        known: dict[str, str | Absent] = {**values, "promise": values.get("promise") or _NO_PROMISE}
        return known | ({"answer": _SLOT} if name == "faq" else {})

    def _read(self, name: ReplyName, language: str) -> _Reply:
        file = f"{name}.{language}.md"
        path = self._folder / file
        text = _read_text(path if path.is_file() else _TEXTS / file, language)
        return _Reply(text, self._renderer(text))

    def _renderer(self, text: TemplateText) -> Renderer:
        template = Template(RESERVED, self._folder, {text.language: text})
        return Renderer(
            template, shop_name=self._shop_name, shop_language=text.language, support=self._support
        )

    def _answer(self, answer: str, language: str) -> Renderer:
        """Return what makes an answer of the FAQ; its faults are told with the line of the FAQ's file."""
        key = (answer, language)
        if key not in self._answers:
            path = self._folder / f"faq.{language}.toml"
            line = _line_of(answer, path)
            text = TemplateText(language, path, "", (), (), None, body=answer, body_line=line)
            self._answers[key] = self._renderer(text)
        return self._answers[key]

    def _check_file(self, path: Path, capabilities: Mapping[str, Capabilities]) -> Iterator[Problem]:
        if path.name in _FILES:
            yield from self._check_text(path, *_FILES[path.name], capabilities)
        elif not is_litter(path.name) and path.name not in _FAQ:
            hint = did_you_mean(path.name, [*_FILES, *_FAQ])
            hint = hint or f"Name it NAME.LANGUAGE.md, with one of: {', '.join(NAMES)}."
            said = f"{RESERVED}/{path.name} is the name of no text and is never used."
            yield Problem("unknown-reply", said, hint, str(path))

    def _check_text(
        self, path: Path, name: ReplyName, language: str, capabilities: Mapping[str, Capabilities]
    ) -> Iterator[Problem]:
        from vipcast.announcements.checking import check_template  # noqa: PLC0415 - answering needs none of it

        try:
            text = _read_text(path, language)
        except TemplateFault as fault:
            yield from fault.problems
            return
        known = {"promise": _SAMPLES["promise"]}
        if carried := _CARRIED.get(name):
            known[carried] = _SAMPLES[carried]
        findings = check_template(
            Template(RESERVED, self._folder, {language: text}),
            capabilities=capabilities,
            shop_name=self._shop_name,
            shop_language=language,
            languages_needed=set(),
            support=self._support,
            variables=known,
        )
        told: set[tuple[str, str]] = set()
        for one in findings:
            if one.level == "fault":
                yield Problem(one.code, one.message, _hint(one.hint, known), one.where)
                told.add((one.code, one.where))
        for problem in self._check_absences(name, text, known):
            if (problem.code, problem.where) not in told:
                yield problem
                told.add((problem.code, problem.where))

    def _check_absences(
        self, name: ReplyName, text: TemplateText, known: Mapping[str, str]
    ) -> Iterator[Problem]:
        """Find what is printed though it may not be there, a promise or a group, and the answer left out."""
        reply = _Reply(text, self._renderer(text))
        promises: tuple[str | Absent, ...] = (_SAMPLES["promise"], _NO_PROMISE)
        for formal, group, promise in product((True, False), (_SAMPLE_GROUP, None), promises):
            member = replace(_SAMPLE_MEMBER, language=text.language, formal=formal)
            try:
                _compose(name, reply, member, group, {**known, "promise": promise})
            except TemplateFault as fault:
                yield from _told(fault, known).problems


def _read_text(path: Path, language: str) -> TemplateText:
    try:
        text = parse_text(read_file(path), language, path, may_be_bare=True)
    except InputError as error:
        raise TemplateFault(error.message, kind="bad-file", hint=error.hint, where=error.where) from error
    if text.media:
        raise TemplateFault(
            f"{text.label}: A reply carries no pictures or files.",
            kind="media-in-reply",
            hint="Take media out; a picture can go with an announcement.",
            where=text.where(text.media[0].line),
        )
    return text


def _compose(
    name: ReplyName,
    reply: _Reply,
    member: MemberView,
    group: GroupView | None,
    known: Mapping[str, str | Absent],
) -> Rich:
    """Return a text with its marks; what it was to carry stands in it exactly, or there is a fault."""
    rich = reply.renderer.compose(member, group, known)
    carried = _CARRIED.get(name)
    if carried and plain_value(str(known[carried])).strip() not in rich.text:
        raise TemplateFault(
            f"The text leaves the {carried} out, or changes it.",
            kind="answer-missing",
            hint=f"Write {{{{ {carried} }}}} on a line of its own.",
        ).at(reply.text, reply.text.line_of(carried))
    return rich


def _line_of(answer: str, path: Path) -> int:
    """Return the line of a file on which an answer begins, 1 where it is not found."""
    first = next((line.strip() for line in answer.splitlines() if line.strip()), "")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return 1
    above = len(answer[: answer.find(first)].split("\n")) - 1
    return next((max(number - above, 1) for number, line in enumerate(lines, 1) if first in line), 1)


def _put_in(rich: Rich, answer: Rich) -> Rich:
    """Return `rich` with the answer in its place; the answer's formatting stands above what was around it.

    Only here, after both are read, so that nothing in the answer, such as an open code fence, can swallow
    the remark that it is automatic.
    """
    if not answer.text:
        raise TemplateFault("The answer is empty for this member.", kind="empty", hint="Write a text.")
    at = rich.text.find(_SLOT)
    while at >= 0:
        end = at + len(_SLOT)
        growth = len(answer.text) - len(_SLOT)
        after = [
            replace(mark, start=mark.start + growth, end=mark.end + growth)
            for mark in rich.marks
            if mark.start >= end
        ]
        before = [mark for mark in rich.marks if mark.end <= at]
        inside = [replace(mark, start=mark.start + at, end=mark.end + at) for mark in answer.marks]
        rich = Rich(rich.text[:at] + answer.text + rich.text[end:], (*before, *inside, *after))
        at = rich.text.find(_SLOT, at + len(answer.text))
    return rich


def _told(fault: TemplateFault, known: Mapping[str, object]) -> TemplateFault:
    """Return a fault with a hint that fits here; that of an announcement speaks of `--var`."""
    return TemplateFault(fault.message, kind=fault.kind, hint=_hint(fault.hint, known), where=fault.where)


def _hint(hint: str, known: Mapping[str, object]) -> str:
    names = ", ".join(("member", "group", "shop", "support", *sorted(known)))
    return f"Known here are {names}." if "--var" in hint else hint


def _of_carried(fault: TemplateFault, text: TemplateText) -> TemplateFault:
    """Return a fault without the template's place, since it is the answer that is too long."""
    said = fault.message.removeprefix(f"{text.label}: ")
    hint = f"{fault.hint.removesuffix('.')}, or send it in parts."
    return TemplateFault(f"The answer, as it would go out: {said}", kind=fault.kind, hint=hint)
