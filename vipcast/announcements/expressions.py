"""The expressions in a template: Jinja in a sandbox that knows a few names, filters and methods, no more.

What an expression prints never meets the Markdown parser: a placeholder stands for it until the
Markdown is read, so a member called `*_[` or `{{ 7*7 }}` appears exactly so. What is printed is
changed in three ways only: every kind of line end becomes a newline, other control characters are
left out, and bidirectional controls that are left open are closed behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from vipcast.announcements.personal import ChatView
from vipcast.announcements.templates import TemplateFault, TemplateText
from vipcast.errors import InputError

MAX_STEPS = 10_000  # turns of all loops together
MAX_SIZE = 200_000  # characters; the longest message of any messenger is a twentieth of it
KNOWN_NAMES = frozenset({"member", "group", "shop", "support", "run"})
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
_BIDI_CLOSERS = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys(
    "\u2066\u2067\u2068", "\u2069"
)


class Expression:
    """The Jinja of one place in a text, compiled once and written for any number of members."""

    def __init__(self, source: str, text: TemplateText, line: int) -> None:
        """`line` is where in the text's file `source` starts.

        Raises:
            TemplateFault: as `parse_source`.

        """
        self._text = text
        self._compiled = _compile(source, text, line)

    def write(self, names: Mapping[str, Any], run: Run) -> str:
        """Return what it comes to, with a placeholder for each value; `Run.fill` knows the values.

        Raises:
            TemplateFault: it does not work out; `where` is file:line.

        """
        try:
            return self._write({**names, _RUN: run})
        except TemplateFault as error:
            raise self._located(error, error) from error
        except jinja2.UndefinedError as error:
            fault = TemplateFault(f"{error}.", kind="undefined-name", hint=_NAMES_HINT)
            raise self._located(fault, error) from error
        except SecurityError as error:
            raise self._located(TemplateFault(f"{error}", kind="not-allowed"), error) from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            fault = TemplateFault(f"An expression does not work out: {error}.", kind="bad-expression")
            raise self._located(fault, error) from error

    def _write(self, names: Mapping[str, Any]) -> str:
        size = 0
        pieces: list[str] = []
        for piece in self._compiled.generate(names):
            size += len(piece)
            if size > MAX_SIZE:
                raise _too_much()
            pieces.append(piece)
        return "".join(pieces)

    def _located(self, fault: TemplateFault, cause: BaseException) -> TemplateFault:
        """Return a fault with the line at which the expression failed; Jinja puts it into the traceback."""
        line, step = self._text.body_line, cause.__traceback__
        while step:
            if step.tb_frame.f_code.co_filename == str(self._text.path):
                line = step.tb_lineno
            step = step.tb_next
        return fault.at(self._text, line)


class Run:
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


class SpokenDate(date):
    """A date that is written in words, in the member's language, where it is printed bare."""


class Absent:
    """Stands for a group, a support account or a promise that is not there: false, all of it undefined."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return self._reason

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Undefined(f'There is no "{name}": {self._reason}')


def checked_variables(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return what `--var` gives, if texts can name it.

    Raises:
        InputError: a name is taken, or is none.

    """
    for name in variables:
        if name in KNOWN_NAMES or name in {"loop", "range"} or not name.isidentifier():
            raise InputError(
                f'"{name}" cannot be the name of a variable.',
                hint=f"Use letters, digits and _; {', '.join(sorted(KNOWN_NAMES))} are taken.",
            )
    return variables


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
        raise fault.at(text, error.lineno) from error
    for node in tree.find_all(nodes.Node):
        if said := _objection(node):
            raise TemplateFault(f"{said}.", kind="not-allowed").at(text, node.lineno)
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
    return _run_of(context).put(_date(context, value) if isinstance(value, SpokenDate) else value)


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


def _run_of(context: Context) -> Run:
    run = context.resolve(_RUN)
    assert isinstance(run, Run)  # noqa: S101 - `Expression.write` put it there
    return run


def _printable(value: Any) -> str:
    if isinstance(value, str):
        return plain_value(value)
    if isinstance(value, Undefined | ChatView) or type(value) in {int, float}:
        return str(value)  # of an undefined name, or of all in a chat: raises
    what = "a date" if isinstance(value, date) else type(value).__name__
    if value is None:
        message, hint = "A value is empty for this member.", "Write {% if … %} around it."
    elif isinstance(value, Absent):
        message, hint = f"There is nothing to print: {value}.", "Write {% if … %} around it."
    elif isinstance(value, date):
        message, hint = "A date is printed bare.", "Write | date after it."
    else:
        message, hint = f"What is printed is no text ({what}).", "Name one of its parts, or use {% if … %}."
    raise TemplateFault(message, kind="not-printable", hint=hint)


def _too_much() -> TemplateFault:
    return TemplateFault(
        f"The text grows beyond {MAX_SIZE} characters.", kind="runs-away", hint="Loop over something shorter."
    )


def _compile(source: str, text: TemplateText, line: int) -> jinja2.Template:
    environment = _environment()
    tree = _Guard().visit(parse_source(source, text, line))
    tree.set_environment(environment)
    try:
        code = environment.compile(tree, text.label, str(text.path))
    except jinja2.TemplateSyntaxError as error:
        fault = TemplateFault(f"{error.message}", kind="syntax", hint="Take it out.")
        raise fault.at(text, error.lineno) from error
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
