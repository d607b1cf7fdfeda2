"""The texts that are sent without an announcement: automatic answers, a welcome, a person's answer.

Some stand in a group's chat, where everybody reads them: nothing in those can be one member's.

Each has a built-in text in every language, in `texts/`. The shop puts its own into `templates/replies/`
as `NAME.LANGUAGE.md`: TOML between two `+++` lines, which may be left out here, then Markdown with Jinja.

The language is the member's, else the shop's, else English. What the shop wrote stands above the built-in
text of the same language only: where it wrote its own in Hungarian alone, a Finnish member gets the
built-in Finnish one, since being understood comes before being in the shop's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from vipcast.announcements.expressions import Absent, plain_value
from vipcast.announcements.formatting import Rich, write
from vipcast.announcements.limits import check_text
from vipcast.announcements.personal import KIND, ChatView
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
from vipcast.conversations.replies_faq import SLOT, line_of, put_in
from vipcast.errors import InputError, Problem, did_you_mean
from vipcast.messengers.base import Capabilities, Formatting, Message
from vipcast.messengers.base_chats import ABOUT_LIMIT

ReplyName = Literal[
    "routed",  # the member wrote to an account that only announces
    "received",  # the member wrote to the support account
    "opted_out",
    "opted_in",
    "welcome",  # to a group, or without one
    "answered",  # a person's answer, {{ text }}
    "faq",  # a ready answer, {{ answer }}
    "pointer",  # to a group chat: ask privately
    "invitation",  # to one member, into the group's chat, by {{ link }}
    "greeting",  # to a newcomer in the chat, privately
    "chat_welcome",  # in the chat, pinned: what it is for
    "goodbye",  # in the chat, when the shop closes the group
    "about",  # the chat's description
]
IN_CHAT: frozenset[ReplyName] = frozenset({"chat_welcome", "goodbye", "about"})  # all in it read the same
# What the built-in texts ask to be written, as buttons where a messenger has them: `words` understands each.
LEAVE = "STOP"
PERSON: Mapping[str, str] = {"hu": "ember", "cs": "člověk", "fi": "ihminen", "ru": "человек", "en": "person"}
NAMES: tuple[ReplyName, ...] = get_args(ReplyName)
_TEXTS = Path(__file__).parent / "texts"
_VALUES: Mapping[ReplyName, tuple[str, ...]] = {  # what a text takes beside the promise
    "answered": ("text",),
    "faq": ("answer",),
    "invitation": ("link", "until", "chat"),
    "chat_welcome": ("members_write",),
}
_ANSWERS: Mapping[ReplyName, str] = {"answered": "text", "faq": "answer"}
_CARRIED: Mapping[ReplyName, str] = {**_ANSWERS, "invitation": "link"}  # without it a text is worth nothing
_OF_A_GROUP: frozenset[ReplyName] = frozenset({"invitation", "greeting"})
_FAQ = tuple(f"faq.{language}.toml" for language in LANGUAGES)  # the FAQ's own, read elsewhere
_FILES: Mapping[str, tuple[ReplyName, str]] = {
    f"{name}.{language}.md": (name, language) for name, language in product(NAMES, LANGUAGES)
}
_NO_PROMISE = Absent("no time was promised")
_SAMPLE_MEMBER = MemberView("Lemberg Anna", "Anna", "Lemberg")
_SAMPLE_GROUP = GroupView("Club", "news")
_BARE_GROUP = GroupView("Club")
_BARE_CHAT = replace(_BARE_GROUP, is_chat=True)
_SAMPLES = {
    "promise": "A person will answer by 11:00 on Monday, 23 November.",
    "text": "Yes.",
    "answer": "Yes.",
    "link": "https://chat.example/+sample",
    "until": "23 November 2026",
    "chat": "Club",
    "members_write": "yes",
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
        appear as they were typed; `answer` for `faq`, Markdown with Jinja that knows the same names; for
        `invitation` `link`, `until`, its last day in words, and `chat`, the chat's title.

        Raises:
            TemplateFault: the text cannot be made, or the messenger does not carry it; `where` is file:line,
                or empty where a person's answer is empty or too long.

        """
        if name in IN_CHAT or (name in _OF_A_GROUP and group is None):
            raise TypeError(f"{name} is for {'a chat' if name in IN_CHAT else 'the member of a group'}")
        return self._message(name, member, group, capabilities, values)

    def to_chat(
        self,
        name: ReplyName,
        group: GroupView,
        *,
        language: str,
        formal: bool,
        capabilities: Capabilities,
        messenger: str,
        **values: str,
    ) -> Message:
        """Return what stands in the chat of `group` for all to read; of `about` only the text counts.

        `language` and `formal` are the chat's. `values`: `members_write` for `chat_welcome`, not empty where
        members may write in the chat.

        Raises:
            TemplateFault: as `message`; the text is personal; or the description is too long for Telegram,
                where `where` is empty if a shorter purpose of the group is the remedy.

        """
        if name not in IN_CHAT:
            raise TypeError(f"{name} is for one member")
        view = ChatView(formal, language, messenger)
        return self._message(name, view, replace(group, is_chat=True), capabilities, values)

    def _message(
        self,
        name: ReplyName,
        reader: MemberView | ChatView,
        group: GroupView | None,
        capabilities: Capabilities,
        values: Mapping[str, str],
    ) -> Message:
        language = self._language(reader)
        known = self._values(name, values)
        if (name, language) not in self._replies:
            self._replies[name, language] = self._read(name, language)
        reply = self._replies[name, language]
        try:
            rich = _compose(name, reply, reader, group, known)
            if name == "faq":
                own = {"promise": known["promise"]}
                rich = put_in(rich, self._answer(values["answer"], language).compose(reader, group, own))
        except TemplateFault as fault:
            raise _told(fault, known) from fault
        if name == "about":
            message = Message(_one_paragraph(rich))
            _check_about(reply.text, message.text, group)
        else:
            message = Message(*write(rich, capabilities.formatting))
        try:
            check_text(reply.text, message, capabilities, reader.messenger)
        except TemplateFault as fault:
            if name in _ANSWERS and fault.kind == "too-long":
                raise _of_answer(fault, reply.text) from fault
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

    def _language(self, reader: MemberView | ChatView) -> str:
        return next(one for one in (reader.language, self._shop_language, "en") if one in LANGUAGES)

    @staticmethod
    def _values(name: ReplyName, values: Mapping[str, str]) -> dict[str, str | Absent]:
        """Return the variables of a text; a promise is always among them, if only to be tested."""
        taken = _VALUES.get(name, ())
        if values.keys() - {"promise"} != set(taken) or (name == "invitation" and not values["link"]):
            raise TypeError(f"{name} takes promise and {taken or 'nothing else'}, not {sorted(values)}")
        if name in _ANSWERS and not plain_value(values[_ANSWERS[name]]).strip():
            raise TemplateFault("The answer is empty.", kind="empty", hint="Write a text.")
        known: dict[str, str | Absent] = {**values, "promise": values.get("promise") or _NO_PROMISE}
        return known | ({"answer": SLOT} if name == "faq" else {})

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
            line = line_of(answer, path)
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
        known = {value: _SAMPLES[value] for value in ("promise", *_VALUES.get(name, ()))}
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
        """Find what is printed though it may not be there, what is left out, what is personal in a chat."""
        reply = _Reply(text, self._renderer(text))
        for reader, group, values in _samples(name, text.language):
            try:
                rich = _compose(name, reply, reader, group, {**known, **values})
                if name == "about" and group == _BARE_CHAT:  # a purpose may be made shorter
                    _check_about(text, _one_paragraph(rich), group)
            except TemplateFault as fault:
                yield from _told(fault, known).problems


def _samples(
    name: ReplyName, language: str
) -> Iterator[tuple[MemberView | ChatView, GroupView | None, dict[str, str | Absent]]]:
    """Return who may read a text, of which group, and with which values."""
    for formal in (True, False):
        if name in IN_CHAT:
            chat = ChatView(formal, language)
            for group, write_there in product((_SAMPLE_GROUP, _BARE_GROUP), ("yes", "")):
                values: dict[str, str | Absent] = {"promise": _NO_PROMISE, "members_write": write_there}
                yield chat, replace(group, is_chat=True), values
            continue
        member = replace(_SAMPLE_MEMBER, language=language, formal=formal)
        groups = (_SAMPLE_GROUP, _BARE_GROUP if name in _OF_A_GROUP else None)
        promises: tuple[str | Absent, ...] = (_SAMPLES["promise"], _NO_PROMISE)
        for one, promise in product(groups, promises):
            yield member, one, {"promise": promise}


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
    reader: MemberView | ChatView,
    group: GroupView | None,
    known: Mapping[str, str | Absent],
) -> Rich:
    """Return a text with its marks; what it was to carry stands in it exactly, or there is a fault."""
    rich = reply.renderer.compose(reader, group, known)
    carried = _CARRIED.get(name)
    wanted = plain_value(str(known[carried])).strip() if carried else ""
    if wanted not in rich.text and not any(mark.url == wanted for mark in rich.marks):
        raise TemplateFault(
            f"The text leaves the {carried} out, or changes it.",
            kind="answer-missing" if name in _ANSWERS else "link-missing",
            hint=f"Write {{{{ {carried} }}}} on a line of its own.",
        ).at(reply.text, reply.text.line_of(carried or ""))
    return rich


def _one_paragraph(rich: Rich) -> str:
    """Return a text as a chat's description carries it: plain, in one paragraph."""
    return _line(write(rich, Formatting.PLAIN)[0])


def _line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text)


def _check_about(text: TemplateText, about: str, group: GroupView | None) -> None:
    """Refuse a description that is longer than a chat's may be."""
    over = len(about) - ABOUT_LIMIT
    if over <= 0:
        return
    said = f"The chat's description has {len(about)} characters, {over} too many ({ABOUT_LIMIT})."
    if group and len(group.purpose) > over and _line(plain_value(group.purpose)) in about:
        hint = f"Shorten the group's purpose by {over}: vipcast group edit '{group.name}' --purpose …"
        raise TemplateFault(said, kind="too-long", hint=hint)
    raise TemplateFault(said, kind="too-long", hint=f"Shorten it by {over}.").at(text, text.body_line)


def _told(fault: TemplateFault, known: Mapping[str, object]) -> TemplateFault:
    """Return a fault with a hint that fits here; that of an announcement speaks of `--var`."""
    hint = "Take it out: this text is for a chat only." if fault.kind == KIND else _hint(fault.hint, known)
    return TemplateFault(fault.message, kind=fault.kind, hint=hint, where=fault.where)


def _hint(hint: str, known: Mapping[str, object]) -> str:
    names = ", ".join(("member", "group", "shop", "support", *sorted(known)))
    return f"Known here are {names}." if "--var" in hint else hint


def _of_answer(fault: TemplateFault, text: TemplateText) -> TemplateFault:
    """Return a fault without the template's place, since it is the answer that is too long."""
    said = fault.message.removeprefix(f"{text.label}: ")
    hint = f"{fault.hint.removesuffix('.')}, or send it in parts."
    return TemplateFault(f"The answer, as it would go out: {said}", kind=fault.kind, hint=hint)
