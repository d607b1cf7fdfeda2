"""What is wrong with a template before it is used: `template check`.

Names are checked in every branch by reading the syntax tree. All else is checked on what sample members
would get, so that each finding is about words a customer would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Literal

from jinja2 import TemplateSyntaxError, meta, nodes

from vipcast.announcements.checking_chats import CheckedChat, cannot_go_to, seen_in_chat
from vipcast.announcements.expressions import KNOWN_NAMES, parse_source
from vipcast.announcements.formatting import write
from vipcast.announcements.naming import dotted_names, guarded_names
from vipcast.announcements.rendering import GroupView, MemberView, Renderer, RunView, ShopView, Support
from vipcast.announcements.templates import Template, TemplateFault, TemplateText, resolve_media
from vipcast.config import LANGUAGES
from vipcast.errors import did_you_mean
from vipcast.messengers.base import Capabilities, Formatting

Level = Literal["fault", "warning"]

_SAMPLE = MemberView("Lemberg Anna", "Anna", "Lemberg", birthday=date(1990, 3, 14))
_LONG = MemberView(
    "Wolfeschlegelsteinhausenová-Featherstonehaugh Maximiliána Alexandra",
    "Maximiliána Alexandra",
    "Wolfeschlegelsteinhausenová-Featherstonehaugh",
    birthday=date(1990, 9, 30),
)
_BARE = MemberView("Lemberg")  # as a short list gives it: no first name, no birthday
_FORMAL_HINT = "See what stands under {% if member.formal %}."
_GROUP = GroupView("Club", "news")
_RUN = RunView.at(datetime(2026, 9, 30, 9, 0))  # noqa: DTZ001 - only its day and time are read
_PARTS: Mapping[str, frozenset[str]] = {
    "member": frozenset(item.name for item in fields(MemberView)),
    "group": frozenset(item.name for item in fields(GroupView)),
    "shop": frozenset(item.name for item in fields(ShopView)),
    "support": frozenset(item.name for item in fields(Support)),
    "run": frozenset(item.name for item in fields(RunView)),
}

# Pronouns and a few verbs that leave no doubt. Left out on purpose: Czech "ty" and "ti", which are
# also "those", except before a verb that settles it; English has one form.
_FORMAL_WORDS = {
    "hu": r"ön(?:t|nek|nel|től|ről|höz|nél|ben|re|ért|ök\w*)?",
    "cs": r"vy|vás|vám|vámi|váš|vaše(?:ho|mu|m)?|vaši(?:m|mi|ch)?|vaší|jste|máte|můžete|budete|chcete",
    "fi": r"te|teidän|teidät|teitä|teille|teillä|teiltä|teihin|teissä|teistä",
    "ru": r"вы|вас|вам|вами|ваш(?:а|е|и|его|ей|ему|им|ими|их|у|ем)?",
}
_INFORMAL_WORDS = {
    "hu": r"te|téged|neked|veled|tőled|rólad|nálad|hozzád|benned|rád|érted|tied|tiéd|gyere|írj|nézd|kérdezz",
    "cs": (
        r"tebe|tobě|tě|tebou|tvůj|tvoje|tvoji|tvá|tvé|tvého|tvému|tvým|tvých|tvou|jsi|máš|můžeš|budeš|chceš|ahoj"
        r"|ty(?=\s+(?:jsi|máš|můžeš|budeš|chceš))"
    ),
    "fi": r"sinä|sinun|sinut|sinua|sinulle|sinulla|sinulta|sinuun|sinussa|sinusta",
    "ru": r"ты|тебя|тебе|тобой|тобою|тво[йяёеию]|твоего|твоей|твоему|твоим|твоими|твоих|твоём|твоем",
}
_MARKS = re.compile(r"[!?]{3,}")
_SHOUTED_LETTERS = 8  # in a row; VIP and a shop's initials stay below
_LEFTOVERS = re.compile(
    r"\[(?![a-zа-яё\d])\w(?:(?![a-zа-яё])[\w -])*\]|\{[^\W\d]\w*(?:[. ]\w+)*\}|<[^\W\d][^<>\n]{0,40}>"
    r"|%[A-Za-z_]{2,}%|\bX{3,}\b|\b(?:TODO|TBD|FIXME)\b|(?i:\blorem ipsum\b)"
)
_LONE_PUNCTUATION = re.compile(r"[^\S\n][,!](?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`fault`: it cannot be sent) or doubtful (`warning`)."""

    level: Level
    code: str
    message: str
    where: str
    hint: str = ""


def check_template(
    template: Template,
    *,
    capabilities: Mapping[str, Capabilities],
    shop_name: str,
    shop_language: str,
    languages_needed: set[str],
    media_url: str = "",
    support: Support | None = None,
    variables: Mapping[str, str] | None = None,
    chats: Sequence[CheckedChat] = (),
) -> list[Finding]:
    """Return everything found, faults first; `capabilities` is keyed by messenger or account.

    To chosen `chats` it must be possible to send the text; for others there is a warning where it is not.

    Raises:
        InputError: a variable has a name that is taken.

    """
    renderer = Renderer(
        template,
        shop_name=shop_name,
        shop_language=shop_language,
        media_url=media_url,
        variables=variables,
        support=support,
        run=_RUN,
    )
    found = [*_languages(template, shop_language, languages_needed), *_media(template, media_url)]
    checkers = {
        language: _TextChecker(text, renderer, support, shop_name, variables or {})
        for language, text in template.texts.items()
    }
    for checker in checkers.values():
        found += checker.findings(capabilities)
    found += _chats(template, shop_language, renderer, checkers, chats)
    # The same thing, found on several samples, differs in its figures only: the first speaks for all.
    once: dict[tuple[str, str, str], Finding] = {}
    for finding in found:
        once.setdefault((finding.code, finding.where, re.sub(r"\d+", "#", finding.message)), finding)
    return sorted(once.values(), key=lambda finding: finding.level != "fault")


class _TextChecker:
    """Checks one language's text."""

    def __init__(
        self,
        text: TemplateText,
        renderer: Renderer,
        support: Support | None,
        shop_name: str,
        variables: Mapping[str, str],
    ) -> None:
        self._text = text
        self._renderer = renderer
        self._support = support
        self._variables = variables
        self._own_names = [shop_name, *([support.name] if support else [])]

    def findings(self, capabilities: Mapping[str, Capabilities]) -> Iterator[Finding]:
        text = self._text
        if not text.title:
            yield self._warn("empty-title", "The title is empty.", 2, 'Write title = "…" in the settings.')
        if not text.preview:
            yield self._warn("preview", "No messenger obeys preview = false yet.", 2, "Take it out.")
        sources = [(text.body_line, text.body)]
        sources += [(button.line, part) for button in text.buttons for part in (button.text, button.url)]
        try:
            trees = [parse_source(source, text, line) for line, source in sources]
        except TemplateFault as fault:
            yield _of_fault(fault)
            return
        known = [finding for tree in trees for finding in self._names(tree)]
        yield from known
        told = {(finding.code, finding.where) for finding in known}
        named = {name for tree in trees for name in dotted_names(tree, _PARTS)}
        for finding in self._seen(capabilities, named):
            if (finding.code, finding.where) not in told:
                yield finding
        if not self._support and not any(name.startswith("support.") for name in named):
            yield self._no_support_line()

    def _names(self, tree: nodes.Template) -> Iterator[Finding]:
        """Find names that are not known, in whatever branch they stand."""
        try:
            undeclared = meta.find_undeclared_variables(tree)
        except TemplateSyntaxError as error:  # an unknown filter or test
            yield Finding(
                "fault", "syntax", f"{self._text.label}: {error.message}", self._text.where(error.lineno)
            )
            return
        undeclared -= KNOWN_NAMES | {"range", *self._variables, *guarded_names(tree)}
        for node in tree.find_all(nodes.Name):
            if node.name in undeclared and node.ctx == "load":
                yield self._unknown(node.name, node.lineno, {*KNOWN_NAMES, *self._variables})
        for dotted, line in dotted_names(tree, _PARTS).items():
            owner, part, *rest = dotted.split(".")
            if part not in _PARTS[owner]:
                yield self._unknown(dotted, line, {f"{owner}.{known}" for known in _PARTS[owner]})
            elif rest and part == "fields" and dotted not in guarded_names(tree):
                yield self._warn(
                    "unknown-field",
                    f'Not every member may have the field "{rest[0]}".',
                    line,
                    f'Write {dotted} | default("").',
                )

    def _unknown(self, name: str, line: int, known: Iterable[str]) -> Finding:
        hint = did_you_mean(name, sorted(known)) or f"Give it with --var {name}=…, or take it out."
        message = f'{self._text.label}: There is no "{name}".'
        return Finding("fault", "undefined-name", message, self._text.where(line), hint)

    def _seen(self, capabilities: Mapping[str, Capabilities], named: set[str]) -> Iterator[Finding]:
        """Find what shows only in the messages that members would get."""
        extra = {dotted.split(".")[2]: "sample" for dotted in named if dotted.startswith("member.fields.")}
        variants: dict[bool, str] = {}
        for formal in (True, False):
            member, bare, long = (
                replace(sample, formal=formal, language=self._text.language, fields=extra)
                for sample in (_SAMPLE, _BARE, _LONG)
            )
            seen, found = self._compose(member, "fault")
            yield from found
            if seen:
                variants[formal] = seen
                yield from self.wording(seen)
            yield from self._without_first_name(bare)
            for name, capability in capabilities.items():
                yield from self._carried(
                    replace(member, messenger=name), capability, "fault"
                ) or self._carried(replace(long, messenger=name), capability, "warning")
        yield from self._address(variants, branches="member.formal" in named)

    def _compose(self, member: MemberView, level: Level) -> tuple[str, list[Finding]]:
        """Return the text, or what is in its way."""
        try:
            rich = self._renderer.compose(member, _GROUP)
        except TemplateFault as fault:
            return "", [replace(_of_fault(fault), level=level)]
        return write(rich, Formatting.PLAIN)[0], []

    def _carried(self, member: MemberView, capability: Capabilities, level: Level) -> list[Finding]:
        try:
            self._renderer.render(member, _GROUP, capability)
        except TemplateFault as fault:
            return [replace(_of_fault(fault), level=level)]
        return []

    def _without_first_name(self, bare: MemberView) -> Iterator[Finding]:
        seen, found = self._compose(bare, "warning")
        yield from found
        if odd := _LONE_PUNCTUATION.search(seen):
            yield self._warn(
                "empty-name",
                f'Without a first name there is a gap before "{odd[0].strip()}".',
                self._text.line_of("member.first_name"),
                "Write member.first_name or member.name.",
            )

    def wording(self, seen: str) -> Iterator[Finding]:
        loud = _LEFTOVERS.sub("", seen)
        for name in filter(None, self._own_names):
            loud = loud.replace(name, name.casefold())  # a shop may write its own name in capitals
        for words in _shouted(loud):
            yield self._warn("shouting", f'"{words}" shouts.', self._text.line_of(words), "Say it calmly.")
        for found in _LEFTOVERS.finditer(f"{self._text.title}\n{seen}"):
            yield self._warn(
                "leftover-placeholder",
                f'"{found[0]}" looks like something still to be filled in.',
                self._text.line_of(found[0]),
                "Write what belongs there, or take it out.",
            )
        if self._support and not _mentions(seen, self._support):
            yield self._no_support_line()

    def _no_support_line(self) -> Finding:
        return self._warn(
            "no-support-line",
            "Nothing says where to ask privately.",
            self._text.body_line,
            "End with a line that holds {{ support.link }}.",
        )

    def _address(self, variants: Mapping[bool, str], *, branches: bool) -> Iterator[Finding]:
        """Find formal and informal address in one message, or the one where the other is due."""
        for formal, seen in variants.items():
            words = {
                True: _first_word(_FORMAL_WORDS.get(self._text.language), seen),
                False: _first_word(_INFORMAL_WORDS.get(self._text.language), seen),
            }
            due = self._text.formal if self._text.formal is not None else formal if branches else None
            if words[True] and words[False]:
                said = f'formal "{words[True]}" and informal "{words[False]}" stand in one message.'
                line = self._line_of_word(words[due is False])
                yield self._warn("mixed-address", f"Mixed address: {said}", line, "Keep to one of the two.")
            elif due is not None and (word := words[not due]):
                kinds = ("formal", "informal") if due else ("informal", "formal")
                said = f'The {kinds[0]} message addresses the member with {kinds[1]} "{word}".'
                yield self._warn("wrong-address", said, self._line_of_word(word), _FORMAL_HINT)

    def _line_of_word(self, word: str) -> int:
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self._text.body)
        return self._text.body_line + (self._text.body.count("\n", 0, found.start()) if found else 0)

    def _warn(self, code: str, message: str, line: int, hint: str) -> Finding:
        return Finding("warning", code, f"{self._text.label}: {message}", self._text.where(line), hint)


def _languages(template: Template, shop_language: str, needed: set[str]) -> Iterator[Finding]:
    for language in sorted(needed - template.texts.keys()):
        path = template.folder / f"{language}.md"
        try:
            instead = template.text_for(language, shop_language)
        except TemplateFault as fault:
            yield _of_fault(fault)
        else:
            message = f"{template.name}: no text in {language}; its members get {instead.language}."
            yield Finding("warning", "missing-language", message, str(template.folder), f"Write {path}.")
    for path in sorted(template.folder.glob("*.[mM][dD]")):
        if path.name not in {f"{language}.md" for language in LANGUAGES}:
            hint = f"Texts are called {', '.join(f'{language}.md' for language in LANGUAGES)}."
            message = f"{template.name}: {path.name} is no language's text and is never used."
            yield Finding("warning", "unused-file", message, str(path), hint)


def _chats(
    template: Template,
    shop_language: str,
    renderer: Renderer,
    checkers: Mapping[str, _TextChecker],
    chats: Sequence[CheckedChat],
) -> Iterator[Finding]:
    others = []
    for chat in chats:
        seen, faults = seen_in_chat(renderer, chat, _SAMPLE)
        if not chat.is_chosen:
            others.append((chat, faults))
            continue
        yield from map(_of_fault, faults)
        if seen:
            yield from checkers[template.text_for(chat.language, shop_language).language].wording(seen)
    yield from (replace(_of_fault(fault), level="warning") for fault in cannot_go_to(others))


def _media(template: Template, media_url: str) -> Iterator[Finding]:
    """Find missing media, and languages with more or other kinds; a picture may differ with its words."""
    for text in template.texts.values():
        for ref in text.media:
            try:
                resolve_media(template, text, ref, media_url)
            except TemplateFault as fault:
                yield _of_fault(fault)
    kinds = {language: sorted(ref.kind for ref in text.media) for language, text in template.texts.items()}
    fullest = max(kinds, key=lambda language: len(kinds[language]), default="")
    for language, own in kinds.items():
        if own != kinds[fullest]:
            text = template.texts[language]
            message = f"{text.label}: {len(own)} media, but {len(kinds[fullest])} in {fullest}.md."
            hint = f"Name the same ones in media, or others of the same kinds ({', '.join(kinds[fullest])})."
            yield Finding("warning", "unequal-media", message, text.where(1), hint)


def _shouted(seen: str) -> Iterator[str]:
    """Yield rows of exclamation marks, and runs of words in capitals."""
    yield from (found[0] for found in _MARKS.finditer(seen))
    start = end = letters = 0
    for word in [*re.finditer(r"[^\W\d_]+", seen), None]:
        goes_on = word and word[0].isupper() and not seen[end : word.start()].strip(" ,:–-")
        if not goes_on or not letters:
            if letters >= _SHOUTED_LETTERS:
                yield seen[start:end]
            letters, start = 0, word.start() if word else 0
        if word and word[0].isupper():
            letters, end = letters + len(word[0]), word.end()


def _mentions(seen: str, support: Support) -> bool:
    return any(part and part in seen for part in (support.link, support.name))


def _first_word(pattern: str | None, seen: str) -> str:
    found = re.search(rf"(?<!\w)(?:{pattern})(?!\w)", seen, re.IGNORECASE) if pattern else None
    return found[0] if found else ""


def _of_fault(fault: TemplateFault) -> Finding:
    return Finding("fault", fault.kind, fault.message, fault.where, fault.hint)
