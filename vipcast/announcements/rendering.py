"""Template + member + messenger -> message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from jinja2 import meta
from markdown_it.token import Token

from vipcast.announcements.expressions import (
    Absent,
    Expression,
    Run,
    SpokenDate,
    checked_variables,
    parse_source,
)
from vipcast.announcements.formatting import Rich, address, append_lines, compose, parse, write
from vipcast.announcements.limits import check_media, check_text
from vipcast.announcements.personal import ChatView
from vipcast.announcements.templates import Button, Template, TemplateFault, TemplateText, resolve_media
from vipcast.messengers.base import Capabilities, Media, Message

_DOCUMENTS_KEPT = 128


@dataclass(frozen=True, slots=True)
class MemberView:
    """What a text may say of a member."""

    name: str
    first_name: str = ""
    last_name: str = ""
    language: str = "en"
    formal: bool = True
    birthday: date | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    messenger: str = ""


@dataclass(frozen=True, slots=True)
class GroupView:
    """What a text may say of a group."""

    name: str
    purpose: str = ""
    cap: int = 15
    is_chat: bool = False  # all of the group read this very message, in its chat


class _NoGroup(Absent):
    """Stands for the group of a message that goes to none: to one person, then, and to no chat."""

    is_chat = False


_NO_GROUP = _NoGroup("this message goes to no group")


@dataclass(frozen=True, slots=True)
class Support:
    """The account that answers questions privately."""

    name: str
    link: str


@dataclass(frozen=True, slots=True)
class ShopView:
    """What a text may say of the shop."""

    name: str


@dataclass(frozen=True, slots=True)
class RunView:
    """What a text may say of the occurrence of a schedule that it is sent on; the day as the shop has it."""

    date: SpokenDate
    time: str  # 9:00

    @classmethod
    def at(cls, moment: datetime) -> RunView:
        """Return the view of a moment, which has the shop's zone."""
        return cls(SpokenDate(moment.year, moment.month, moment.day), f"{moment.hour}:{moment.minute:02}")


class Renderer:
    """Makes messages of one template; compiles and parses a text once, whatever the number of members."""

    def __init__(
        self,
        template: Template,
        *,
        shop_name: str,
        shop_language: str,
        media_url: str = "",
        variables: Mapping[str, str] | None = None,
        support: Support | None = None,
        run: RunView | None = None,
    ) -> None:
        self._template = template
        self._shop_language = shop_language
        self._media_url = media_url
        self._names: dict[str, Any] = {
            **checked_variables(variables or {}),
            "shop": ShopView(shop_name),
            "support": support or Absent("vipcast.toml has no support account with a link"),
            "run": run or Absent("no schedule sends this"),
        }
        self._expressions: dict[tuple[str, int, str], Expression] = {}
        self._documents: dict[str, list[Token]] = {}
        self._media: dict[str, tuple[Media, ...]] = {}

    def render(self, member: MemberView, group: GroupView | None, capabilities: Capabilities) -> Message:
        """Return what `member` gets through a messenger with `capabilities`.

        Raises:
            TemplateFault: the text cannot be made, or the messenger does not carry it; `where` is file:line.

        """
        return self._message(member, group, capabilities)

    def render_chat(
        self, group: GroupView, *, language: str, formal: bool, capabilities: Capabilities, messenger: str
    ) -> Message:
        """Return what all in a group's chat get, through a messenger with `capabilities`.

        `language` and `formal` are the chat's: in which language it is kept, and how all are addressed.

        Raises:
            TemplateFault: as `render`; or the text says something personal, `kind` is then personal-in-chat.

        """
        view = ChatView(formal, language, messenger)
        return self._message(view, replace(group, is_chat=True), capabilities)

    def _message(
        self, member: MemberView | ChatView, group: GroupView | None, capabilities: Capabilities
    ) -> Message:
        text = self._template.text_for(member.language, self._shop_language)
        rich = self.compose(member, group)
        if text.language not in self._media:
            self._media[text.language] = tuple(
                resolve_media(self._template, text, ref, self._media_url) for ref in text.media
            )
        media = self._media[text.language]
        check_media(text, media, capabilities, member.messenger)
        message = Message(*write(rich, capabilities.formatting), media)
        check_text(text, message, capabilities, member.messenger)
        return message

    def compose(
        self,
        member: MemberView | ChatView,
        group: GroupView | None,
        values: Mapping[str, str | Absent] | None = None,
    ) -> Rich:
        """Return the text that `member`, or a whole chat, gets, in no messenger's form yet, without media.

        `values` are variables of this one message, beside those that hold for all.

        Raises:
            TemplateFault: as `render`.

        """
        text = self._template.text_for(member.language, self._shop_language)
        run = Run(text.language)
        names = self._names | {
            "member": member,
            "group": group or _NO_GROUP,
            **(values or {}),
        }
        source = self._write(text, text.body_line, text.body, names, run)
        try:
            rich = compose(self._document(source), run.fill)
        except TemplateFault as error:
            raise error.at(text, text.line_of(error.part)) from error
        return append_lines(rich, [self._line(button, text, names, run) for button in text.buttons])

    def _line(self, button: Button, text: TemplateText, names: Mapping[str, Any], run: Run) -> str:
        words = run.fill(self._write(text, button.line, button.text, names, run))
        url = run.fill(self._write(text, button.line, button.url, names, run))
        try:
            return f"{' '.join(words.split())}: {address(url)}"
        except TemplateFault as error:
            raise error.at(text, button.line) from error

    def _document(self, source: str) -> list[Token]:
        if source not in self._documents:
            if len(self._documents) >= _DOCUMENTS_KEPT:
                self._documents.clear()
            self._documents[source] = parse(source)
        return self._documents[source]

    def _write(self, text: TemplateText, line: int, source: str, names: Mapping[str, Any], run: Run) -> str:
        key = (text.language, line, source)
        if key not in self._expressions:
            self._expressions[key] = Expression(source, text, line)
        return self._expressions[key].write(names, run)


def variables_used(template: Template) -> set[str]:
    """Return the names that the texts of a template use, in any language and any branch."""
    found: set[str] = set()
    for text in template.texts.values():
        for part in (text.body, *(piece for button in text.buttons for piece in (button.text, button.url))):
            found |= meta.find_undeclared_variables(parse_source(part, text, text.body_line))
    return found
