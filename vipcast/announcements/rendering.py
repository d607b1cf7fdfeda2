"""Template + member + messenger -> message.

A template's expressions run in a sandbox that knows a few names, filters and methods and nothing else.
What an expression prints never meets the Markdown parser: a placeholder stands for it until the
Markdown is read, so a member called `*_[` or `{{ 7*7 }}` appears exactly so. What is printed is
changed in three ways only: every kind of line end becomes a newline, other control characters are
left out, and bidirectional controls that are left open are closed behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import PurePath
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer
from markdown_it.token import Token

from vipcast.announcements.formatting import Rich, address, append_lines, compose, parse, write
from vipcast.announcements.templates import Button, Template, TemplateFault, TemplateText, resolve_media
from vipcast.errors import InputError
from vipcast.messengers.base import Capabilities, Media, Message, Unit

MAX_STEPS = 10_000  # turns of all loops together
MAX_SIZE = 200_000  # characters; the longest message of any messenger is a twentieth of it
KNOWN_NAMES = frozenset({"member", "group", "shop", "support"})
METHODS = frozenset(
    {"capitalize", "endswith", "get", "items", "keys", "lower", "split", "startswith", "strip", "title"}
    | {"upper", "values", "cycle", "changed"}
)
_PLAIN_FILTERS = ("abs", "capitalize", "count", "d", "default", "first", "float", "int", "join", "last")
_MORE_FILTERS = (
    "length",
    "list",
    "lower",
    "max",
    "min",
    "reverse",
    "round",
    "sort",
    "title",
    "trim",
    "unique",
    "upper",
)
_MAX_BITS = 64  # of a whole number
_RUN = "the run"  # kept among the variables; the space keeps templates from naming it
_SLOT = re.compile("\ufdd0([0-9]+)\ufdd1")
_TAG = re.compile(
    r"(?P<raw>\{%[-+]?\s*raw\b.*?\bendraw\s*[-+]?%\})|(?P<value>\{\{.*?\}\})|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)
_DOCUMENTS_KEPT = 128
_NOT_ALLOWED: Mapping[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set … endset",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from … import",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_NAMES_HINT = (
    "Known are member, group, shop and support, and what --var NAME=VALUE gives; "
    'for what may be missing write NAME | default("").'
)
_MEDIA_URL_HINT = (
    "Set [shop] media_url in vipcast.toml to the public address of the templates folder, "
    "or write the picture's https:// address in media."
)
_BIDI_CLOSERS = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys(
    "\u2066\u2067\u2068", "\u2069"
)
_UNIT_WORDS = {
    Unit.UTF16: "characters (an emoji counts 2)",
    Unit.CHARACTERS: "characters",
    Unit.BYTES: "bytes",
}


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


@dataclass(frozen=True, slots=True)
class Support:
    """The account that answers questions privately."""

    name: str
    link: str


@dataclass(frozen=True, slots=True)
class ShopView:
    """What a text may say of the shop."""

    name: str


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
    ) -> None:
        self._template = template
        self._shop_language = shop_language
        self._media_url = media_url
        self._names: dict[str, Any] = {
            **_checked(variables or {}),
            "shop": ShopView(shop_name),
            "support": support or _Absent("vipcast.toml has no support account with a link"),
        }
        self._compiled: dict[tuple[str, int, str], jinja2.Template] = {}
        self._documents: dict[str, list[Token]] = {}
        self._media: dict[str, tuple[Media, ...]] = {}

    def render(self, member: MemberView, group: GroupView | None, capabilities: Capabilities) -> Message:
        """Return what `member` gets through a messenger with `capabilities`.

        Raises:
            TemplateFault: the text cannot be made, or the messenger does not carry it; `where` is file:line.

        """
        text = self._template.text_for(member.language, self._shop_language)
        rich = self.compose(member, group)
        if text.language not in self._media:
            self._media[text.language] = tuple(
                resolve_media(self._template, text, ref, self._media_url) for ref in text.media
            )
        media = self._media[text.language]
        _check_media(text, media, capabilities, member.messenger)
        message = Message(*write(rich, capabilities.formatting), media)
        _check_length(text, message, capabilities, member.messenger)
        return message

    def compose(self, member: MemberView, group: GroupView | None) -> Rich:
        """Return the text that `member` gets, as yet in no messenger's form and without its media.

        Raises:
            TemplateFault: as `render`.

        """
        text = self._template.text_for(member.language, self._shop_language)
        run = _Run(text.language)
        names = self._names | {
            "member": member,
            "group": group or _Absent("this message goes to no group"),
            _RUN: run,
        }
        source = self._produce(text, text.body_line, text.body, names)
        try:
            rich = compose(self._document(source), run.fill)
        except TemplateFault as error:
            _relocate(error, text, text.line_of(error.part))
        return append_lines(rich, [self._line(button, text, names, run) for button in text.buttons])

    def _line(self, button: Button, text: TemplateText, names: Mapping[str, Any], run: _Run) -> str:
        words = run.fill(self._produce(text, button.line, button.text, names))
        url = run.fill(self._produce(text, button.line, button.url, names))
        try:
            return f"{' '.join(words.split())}: {address(url)}"
        except TemplateFault as error:
            _relocate(error, text, button.line)

    def _document(self, source: str) -> list[Token]:
        if source not in self._documents:
            if len(self._documents) >= _DOCUMENTS_KEPT:
                self._documents.clear()
            self._documents[source] = parse(source)
        return self._documents[source]

    def _produce(self, text: TemplateText, line: int, source: str, names: Mapping[str, Any]) -> str:
        key = (text.language, line, source)
        if key not in self._compiled:
            self._compiled[key] = _compile(source, text, line)
        size = 0
        pieces: list[str] = []
        try:
            for piece in self._compiled[key].generate(names):
                size += len(piece)
                if size > MAX_SIZE:
                    raise _too_much()
                pieces.append(piece)
        except TemplateFault as error:
            _relocate(error, text, _line_of(error, text))
        except jinja2.UndefinedError as error:
            fault = TemplateFault(f"{error}.", kind="undefined-name", hint=_NAMES_HINT)
            _relocate(fault, text, _line_of(error, text), error)
        except SecurityError as error:
            fault = TemplateFault(f"{error}", kind="not-allowed")
            _relocate(fault, text, _line_of(error, text), error)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            fault = TemplateFault(f"An expression does not work out: {error}.", kind="bad-expression")
            _relocate(fault, text, _line_of(error, text), error)
        return "".join(pieces)


def parse_source(source: str, text: TemplateText, line: int) -> nodes.Template:
    """Return the syntax tree of Jinja that starts on `line` of the text's file.

    Raises:
        TemplateFault: it is wrong, or uses what templates may not.

    """
    padded = "\n" * (line - 1) + _with_lone_tags(source)
    try:
        tree = _environment().parse(padded, text.label, str(text.path))
    except jinja2.TemplateSyntaxError as error:
        fault = TemplateFault(f"{error.message}", kind="syntax", hint="See {% … %} and {{ … }} there.")
        _relocate(fault, text, error.lineno, error)
    for node in tree.find_all(nodes.Node):
        if said := _objection(node):
            raise TemplateFault(f"{text.label}: {said}.", kind="not-allowed", where=text.where(node.lineno))
    return tree


def plain_value(value: str) -> str:
    """Return a value as it will stand in the text; see the module's first lines for what changes."""
    value = re.sub("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", value)
    value = "".join(
        letter for letter in value if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cs"}
    )
    expected: list[str] = []
    for letter in value:
        if letter == "\n":
            expected.clear()  # a paragraph's end closes all
        elif letter in _BIDI_CLOSERS:
            expected.append(_BIDI_CLOSERS[letter])
        elif letter in expected and (letter == "\u2069" or expected[-1] == letter):
            while expected.pop() != letter:
                pass  # an isolate's end closes the embeddings in it
    return value + "".join(reversed(expected))


class _Run:
    """One rendering: the values it printed and how much it has done."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._values: list[str] = []
        self._size = 0
        self._steps = 0

    def put(self, value: Any) -> str:
        self._values.append(_printable(value))
        self._size += len(self._values[-1])
        if self._size > MAX_SIZE:
            raise _too_much()
        return f"\ufdd0{len(self._values) - 1}\ufdd1"

    def step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TemplateFault(
                f"The loops turn more than {MAX_STEPS} times.",
                kind="runs-away",
                hint="Loop over something shorter.",
            )

    def fill(self, text: str) -> str:
        return _SLOT.sub(lambda slot: self._values[int(slot[1])], text)


class _Undefined(StrictUndefined):
    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        owner = "" if self._undefined_obj is missing else type(self._undefined_obj).__name__
        owner = {"": "", "dict": " among this member's fields"}.get(
            owner, f" in a {owner.removesuffix('View')}"
        )
        return f'There is no "{self._undefined_name}"{owner}'


class _Absent:
    """Stands for a group or a support account that is not there: false, and all of it undefined."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __bool__(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Undefined(f'There is no "{name}": {self._reason}')


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or (operator != "+" and not isinstance(left, int | float)):
            raise SecurityError(f"{operator} is for numbers only, and ** is for none.")
        result = super().call_binop(context, operator, left, right)
        return _bounded(result)


class _Guard(NodeTransformer):
    """Counts the turns of loops and bounds what ~ and filters make."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Expr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return nodes.Filter(node, "bounded", [], [], None, None, lineno=node.lineno)

    visit_Filter = visit_Concat  # noqa: N815


@cache
def _environment() -> _Environment:
    environment = _Environment(
        autoescape=False,
        undefined=_Undefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        cache_size=0,
    )
    environment.filters = {name: FILTERS[name] for name in (*_PLAIN_FILTERS, *_MORE_FILTERS)}
    environment.filters |= {"bounded": _bounded, "counted": _counted, "date": _date}
    environment.globals = {"range": lambda *bounds: range(*bounds)[: MAX_STEPS + 1]}
    return environment


@jinja2.pass_context
def _finalize(context: Context, value: Any) -> str:
    return _run_of(context).put(value)


@jinja2.pass_context
def _counted(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    run = _run_of(context)
    for value in values:
        run.step()
        yield value


@jinja2.pass_context
def _date(context: Context, value: Any, style: str = "long") -> str:
    """Write a date in words; `style` is full, long, medium, short, or a pattern such as `d. MMMM`."""
    from babel.dates import format_date  # noqa: PLC0415 - its data are worth loading for a date only

    day = date.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        raise TypeError(f"{_printable(day)} is no date such as 2026-12-01")
    return str(format_date(day, style, locale=_run_of(context).language))


def _bounded(value: Any) -> Any:
    """Refuse what keeps doubling: a long text or list, a huge number."""
    size = len(value) if isinstance(value, str | list) else 0
    if size > MAX_SIZE or (isinstance(value, int) and value.bit_length() > _MAX_BITS):
        raise _too_much()
    return value


def _run_of(context: Context) -> _Run:
    run = context.resolve(_RUN)
    assert isinstance(run, _Run)  # noqa: S101 - `Renderer.compose` put it there
    return run


def _printable(value: Any) -> str:
    if isinstance(value, str):
        return plain_value(value)
    if isinstance(value, Undefined) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return str(value)  # of an undefined name: raises
    what = "a date" if isinstance(value, date) else type(value).__name__
    if value is None:
        message, hint = "A value is empty for this member.", "Write {% if … %} around it."
    elif isinstance(value, date):
        message, hint = "A date is printed bare.", "Write | date after it."
    else:
        message, hint = f"What is printed is no text ({what}).", "Name one of its parts, or use {% if … %}."
    raise TemplateFault(message, kind="not-printable", hint=hint)


def _too_much() -> TemplateFault:
    return TemplateFault(
        f"The text grows beyond {MAX_SIZE} characters.", kind="runs-away", hint="Loop over something shorter."
    )


def _checked(variables: Mapping[str, str]) -> Mapping[str, str]:
    for name in variables:
        if name in KNOWN_NAMES or name in {"loop", "range"} or not name.isidentifier():
            raise InputError(
                f'"{name}" cannot be the name of a variable.',
                hint=f"Use letters, digits and _; {', '.join(sorted(KNOWN_NAMES))} are taken.",
            )
    return variables


def _compile(source: str, text: TemplateText, line: int) -> jinja2.Template:
    environment = _environment()
    tree = _Guard().visit(parse_source(source, text, line))
    tree.set_environment(environment)
    try:
        code = environment.compile(tree, text.label, str(text.path))
    except jinja2.TemplateSyntaxError as error:
        fault = TemplateFault(f"{error.message}", kind="syntax", hint="Take it out.")
        _relocate(fault, text, error.lineno, error)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


def _objection(node: nodes.Node) -> str:
    """Return why templates may not use `node`, or nothing."""
    if type(node) in _NOT_ALLOWED:
        return f"{{% {_NOT_ALLOWED[type(node)]} %}} is not for templates"
    if isinstance(node, nodes.For) and node.recursive:
        return "A loop cannot be recursive"
    if isinstance(node, nodes.Call):
        called = node.node
        is_range = isinstance(called, nodes.Name) and called.name == "range"
        if not is_range and not (isinstance(called, nodes.Getattr) and called.attr in METHODS):
            return f"Nothing can be called but range() and .{'(), .'.join(sorted(METHODS))}()"
    return ""


def _with_lone_tags(source: str) -> str:
    """Keep the line end after a tag that shares its line with text; Jinja's `trim_blocks` eats it there."""
    tags = [tag for tag in _TAG.finditer(source) if not tag["raw"] and not tag["value"]]
    bare = source
    for tag in tags:
        bare = bare[: tag.start()] + "\t" * len(tag[0]) + bare[tag.end() :]
    pieces, done = [], 0
    for tag in tags:
        start = bare.rfind("\n", 0, tag.start()) + 1
        ends_line = source.startswith("\n", tag.end()) and tag[0][-3] not in "-+"
        if ends_line and bare[start : tag.end()].strip():
            pieces += [source[done : tag.end() - 2], "+"]
            done = tag.end() - 2
    return "".join([*pieces, source[done:]])


def _line_of(error: BaseException, text: TemplateText) -> int:
    """Return the line of the text's file at which an expression failed; Jinja puts it into the traceback."""
    line, step = text.body_line, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename == str(text.path):
            line = step.tb_lineno
        step = step.tb_next
    return line


def _relocate(
    fault: TemplateFault, text: TemplateText, line: int, cause: BaseException | None = None
) -> NoReturn:
    raise TemplateFault(
        f"{text.label}: {fault.message}", kind=fault.kind, hint=fault.hint, where=text.where(line)
    ) from (cause or fault)


def _check_media(
    text: TemplateText, media: tuple[Media, ...], capabilities: Capabilities, messenger: str
) -> None:
    name = messenger or "this messenger"
    if len(media) > capabilities.album_limit:
        raise TemplateFault(
            f"{text.label}: {len(media)} pictures or files, but {name} carries {capabilities.album_limit}.",
            kind="too-many-media",
            hint=f"Keep {capabilities.album_limit}.",
            where=text.where(text.media[0].line),
        )
    for one, ref in zip(media, text.media, strict=True):
        if objection := _media_objection(one, capabilities):
            said, hint, kind = objection
            message = f"{text.label}: {one.name}: {name} {said}."
            raise TemplateFault(message, kind=kind, hint=hint, where=text.where(ref.line))


def _media_objection(one: Media, capabilities: Capabilities) -> tuple[str, str, str] | None:
    """Return (what is wrong, what to do, its kind) where the messenger does not carry `one`."""
    limit = capabilities.media_bytes.get(one.kind, one.size)
    suffix = PurePath(one.name).suffix.casefold()
    if one.kind not in capabilities.media_kinds:
        kinds = ", ".join(sorted(capabilities.media_kinds)) or "nothing"
        return f"carries no {one.kind}", f"It carries: {kinds}.", "media-kind"
    if one.kind == "picture" and suffix and suffix not in capabilities.picture_suffixes:
        known = ", ".join(sorted(capabilities.picture_suffixes))
        return f"shows no {suffix} as a picture", f"Save it as one of: {known}.", "media-kind"
    if one.size > limit:
        over = f"{one.size - limit:,} bytes over its limit of {limit:,}"
        return f"takes no {one.kind} this large ({over})", "Save it smaller.", "media-too-large"
    if capabilities.media == "url" and not one.url:
        return (
            "fetches pictures from the web, and this one has no address",
            _MEDIA_URL_HINT,
            "media-without-url",
        )
    return None


def _check_length(text: TemplateText, message: Message, capabilities: Capabilities, messenger: str) -> None:
    if not message.text and not message.media:
        raise TemplateFault(
            f"{text.label}: The message is empty.", kind="empty", hint="Write a text.", where=text.where()
        )
    limit = capabilities.caption_limit if message.media else capabilities.text_limit
    length = capabilities.unit.length(message.text)
    if length > limit:
        place = "a text with a picture or file" if message.media else "a text"
        over = f"{length - limit} too long for {place} on {messenger or 'this messenger'} ({limit})"
        raise TemplateFault(
            f"{text.label}: {length} {_UNIT_WORDS[capabilities.unit]}, {over}.",
            kind="too-long",
            hint=f"Shorten it by {length - limit}" + (", or leave the media out." if message.media else "."),
            where=text.where(),
        )
