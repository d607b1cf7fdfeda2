"""Markdown -> text with marks -> what each messenger calls formatting.

Three steps: `parse` reads the Markdown once, `compose` makes one text with marks of it (substituted
values come in here, after parsing, so that nothing in them can act as Markdown), and `write` puts the
marks into a messenger's own form. A link that a form cannot hold is written out as "text (address)".

E-mail's HTML goes out beside a text twin; the twin is what `write` returns for it.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from vipcast.announcements.templates import TemplateFault
from vipcast.messengers.base import Formatting, Message, Span, Unit

Kind = Literal["bold", "italic", "underline", "strike", "code", "pre", "quote", "link"]
BULLET = "•"
RULE = "———"
SCHEMES = ("http", "https", "tg", "viber", "mailto", "tel")
_TELEGRAM_SCHEMES = ("http", "https", "tg")  # other schemes are refused in a text link's entity
_KIND_OF_TAG: dict[str, Kind] = {"strong": "bold", "em": "italic", "s": "strike"}
_LITERAL: frozenset[Kind] = frozenset({"code", "pre"})  # Telegram lets nothing overlap these
_STYLES: frozenset[Kind] = frozenset({"bold", "italic", "underline", "strike"})
_WHATSAPP: dict[Kind, str] = {"bold": "*", "italic": "_", "strike": "~", "code": "`", "pre": "```"}
_ANSI = {"bold": 1, "italic": 3, "underline": 4, "strike": 9, "link": 4, "code": 36, "pre": 36, "quote": 2}


@dataclass(frozen=True, slots=True)
class Mark:
    """A kind of formatting over characters `start` to `end` of a text."""

    kind: Kind
    start: int
    end: int
    url: str = ""


@dataclass(slots=True)
class _Open:
    kind: Kind
    url: str
    start: int | None = None  # known once some text is in it


@dataclass(frozen=True, slots=True)
class Rich:
    """A text and its marks, sorted, the outer before the inner."""

    text: str
    marks: tuple[Mark, ...] = ()


def parse(source: str) -> list[Token]:
    """Return the tokens of CommonMark plus ~~strikethrough~~; HTML is text like any other."""
    return _Markdown("commonmark", {"html": False}).enable("strikethrough").parse(source)


def compose(tokens: Sequence[Token], fill: Callable[[str], str] = str) -> Rich:
    """Return the text of `tokens` with its marks; `fill` puts the values in place of placeholders.

    Raises:
        TemplateFault: a link leads nowhere, or there is a picture in the text.

    """
    composer = _Composer(fill)
    for token in tokens:
        composer.take(token)
    return _tidy("".join(composer.parts), composer.marks)


def append_lines(rich: Rich, lines: Sequence[str]) -> Rich:
    """Return `rich` with one more paragraph of plain lines."""
    if not lines:
        return rich
    return replace(rich, text="\n\n".join(part for part in (rich.text, "\n".join(lines)) if part))


def write(rich: Rich, formatting: Formatting) -> tuple[str, tuple[Span, ...]]:
    """Return text and spans in a messenger's own form; spans for `ENTITIES` only."""
    match formatting:
        case Formatting.ENTITIES:
            return _entities(_links_written_out(rich, keep=_TELEGRAM_SCHEMES))
        case Formatting.WHATSAPP:
            return _whatsapp(_links_written_out(rich)), ()
        case Formatting.PLAIN | Formatting.HTML:
            plain = _links_written_out(rich)
            return _inserted(plain.text, ((mark, "", "") for mark in plain.marks)), ()


def plain_preview(message: Message, *, color: bool) -> str:
    """Return a message as a terminal shows it: media first, then the text, links written out."""
    sizes = [f", {-(-one.size // 1000)} KB" if one.size else "" for one in message.media]
    media = [f"[{one.kind}] {one.name}{size}" for one, size in zip(message.media, sizes, strict=True)]
    # A terminal obeys control characters, so none gets there.
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", message.text)
    ends = _characters_at_units(text)
    marks = [Mark(s.kind, ends[s.offset], ends[s.offset + s.length], s.url) for s in message.spans]
    rich = _links_written_out(Rich(text, tuple(marks)))
    shown = _styled(rich) if color else rich.text
    return "\n\n".join(part for part in ("\n".join(media), shown) if part)


class _Markdown(MarkdownIt):
    """Leaves addresses as written: they hold placeholders until `compose`, which checks them."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        del url
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


class _Composer:
    def __init__(self, fill: Callable[[str], str]) -> None:
        self.parts: list[str] = []
        self.marks: list[Mark] = []
        self._fill = fill
        self._length = 0
        self._gap = 0  # how many line ends stand before what comes next
        self._prefix = ""  # a list item's sign, written once the item turns out to hold something
        self._lists: list[int | None] = []  # the next number of each list around, None for bullets
        self._open: list[_Open] = []

    def take(self, token: Token) -> None:
        match token.type:
            case "inline":
                for child in token.children or ():
                    self._inline(child)
            case "heading_open":
                self._begin("bold")
            case "blockquote_open":
                self._begin("quote")
            case "heading_close" | "blockquote_close":
                self._end()
                self._gap = 2
            case "paragraph_close":
                self._gap = max(self._gap, 1 if token.hidden else 2)
            case "fence" | "code_block":
                self._whole("pre", token.content.rstrip("\n"))
                self._gap = 2
            case "hr":
                self._emit(RULE)
                self._gap = 2
            case _:
                self._list(token)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._gap = max(self._gap, 1 if self._lists else 2)
            case "list_item_open":
                self._start_item()
            case "list_item_close":
                self._gap = max(self._gap, 1)
                self._prefix = ""

    def _inline(self, token: Token) -> None:
        match token.type:
            case "text":
                self._emit(self._fill(token.content))
            case "softbreak":
                self._emit(" ")
            case "hardbreak":
                self._emit("\n")
            case "code_inline":
                self._whole("code", token.content)
            case "link_open":
                self._begin("link", address(self._fill(str(token.attrs.get("href", "")))))
            case "strong_open" | "em_open" | "s_open":
                self._begin(_KIND_OF_TAG[token.tag])
            case "strong_close" | "em_close" | "s_close" | "link_close":
                self._end()
            case "image":
                raise TemplateFault(
                    "A picture cannot stand inside the text.",
                    kind="picture-in-text",
                    part="![",
                    hint='Name it between the +++ lines: media = ["picture.jpg"]',
                )
            case other:  # pragma: no cover - the rules that are switched on make no other
                raise AssertionError(other)

    def _start_item(self) -> None:
        number = self._lists[-1]
        indent = "  " * (len(self._lists) - 1)
        self._prefix = indent + (f"{BULLET} " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1

    def _whole(self, kind: Kind, content: str) -> None:
        self._begin(kind)
        self._emit(self._fill(content))
        self._end()

    def _emit(self, text: str) -> None:
        """Add text, and before it the line ends and the list sign that were waiting for some."""
        if not text:
            return
        self._add("\n" * self._gap if self.parts else "")
        self._gap = 0
        self._start_marks(quotes_only=True)
        self._add(self._prefix)
        self._prefix = ""
        self._start_marks()
        self._add(text)

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)

    def _start_marks(self, *, quotes_only: bool = False) -> None:
        for mark in self._open:
            if mark.start is None and (mark.kind == "quote" or not quotes_only):
                mark.start = self._length

    def _begin(self, kind: Kind, url: str = "") -> None:
        self._open.append(_Open(kind, url))

    def _end(self) -> None:
        last = self._open[-1]
        start = self._length if last.start is None else last.start
        if last.kind == "link" and not "".join(self.parts)[start:].strip():
            self._emit(last.url)  # a value was empty; the address still helps
        done = self._open.pop()
        if done.start is not None:
            self.marks.append(Mark(done.kind, done.start, self._length, done.url))


def address(url: str) -> str:
    """Return where a link leads.

    Raises:
        TemplateFault: nowhere, or by a way that no messenger opens.

    """
    url = url.strip()
    scheme, colon, rest = url.partition(":")
    if not colon or not rest.strip("/") or scheme.casefold() not in SCHEMES or re.search(r"\s", url):
        raise TemplateFault(
            f'The link "{url}" leads nowhere.',
            kind="bad-link",
            part=url,
            hint="Write the whole address, such as https://example.org/page.",
        )
    return url


def _tidy(text: str, marks: Iterable[Mark]) -> Rich:
    """Strip outer white space, and settle which marks may overlap."""
    before, stripped = len(text) - len(text.lstrip()), text.strip()
    moved = [replace(m, start=max(m.start - before, 0), end=m.end - before) for m in marks]
    return Rich(stripped, _sorted(_without_overlaps(moved)))


def _trim(text: str, mark: Mark) -> Mark | None:
    inside = text[mark.start : mark.end]
    start = mark.start + len(inside) - len(inside.lstrip())
    end = start + len(inside.strip())
    return replace(mark, start=start, end=end) if start < end else None


def _without_overlaps(marks: list[Mark]) -> Iterator[Mark]:
    """Drop a quote in a quote and code in a link; cut bold and its like where code stands in it."""
    links = [m for m in marks if m.kind == "link"]
    literals = [m for m in marks if m.kind in _LITERAL and not any(_holds(o, m) for o in links)]
    for mark in marks:
        if mark.kind in _STYLES:
            yield from _cut(mark, literals)
        elif mark.kind == "quote":
            if not any(o is not mark and o.kind == "quote" and _holds(o, mark) for o in marks):
                yield mark
        elif mark.kind == "link" or mark in literals:
            yield mark


def _holds(outer: Mark, inner: Mark) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _cut(mark: Mark, holes: Iterable[Mark]) -> Iterator[Mark]:
    edges = [mark.start]
    for hole in holes:
        if _holds(mark, hole):
            insort(edges, hole.start)
            insort(edges, hole.end)
    edges.append(mark.end)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield replace(mark, start=start, end=end)


def _sorted(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    return tuple(sorted(set(marks), key=lambda m: (m.start, -m.end, m.kind, m.url)))


def _links_written_out(rich: Rich, keep: tuple[str, ...] = ()) -> Rich:
    """Write " (address)" after links of other schemes than `keep`, unless the text is the address."""
    text, marks = rich.text, list(rich.marks)
    for link in sorted((m for m in rich.marks if m.kind == "link"), key=lambda m: -m.end):
        if link.url.partition(":")[0].casefold() in keep:
            continue
        marks.remove(link)
        address = re.sub(r"^(?:mailto|tel):", "", link.url, flags=re.IGNORECASE)
        if text[link.start : link.end].strip() in {address, link.url}:
            continue
        added = f" ({address})"
        text = text[: link.end] + added + text[link.end :]
        marks = [_pushed(m, link.end, len(added)) for m in marks]
    return Rich(text, _sorted(marks))


def _pushed(mark: Mark, at: int, by: int) -> Mark:
    start = mark.start + by if mark.start >= at else mark.start
    return replace(mark, start=start, end=mark.end + by if mark.end > at else mark.end)


def _entities(rich: Rich) -> tuple[str, tuple[Span, ...]]:
    units = Unit.UTF16.length
    marks = _sorted(part for mark in rich.marks if (part := _trim(rich.text, mark)))
    return rich.text, tuple(
        Span(m.kind, units(rich.text[: m.start]), units(rich.text[m.start : m.end]), m.url) for m in marks
    )


def _whatsapp(rich: Rich) -> str:
    def signs() -> Iterator[tuple[Mark, str, str]]:
        for mark in rich.marks:
            sign = _WHATSAPP.get(mark.kind, "")
            for part in _parts(rich.text, mark):
                usable = sign if _can_carry(rich.text, part, sign) else ""
                yield part, usable, usable

    return _inserted(rich.text, signs())


def _parts(text: str, mark: Mark) -> Iterator[Mark]:
    """Trim a mark, and cut it at line ends where WhatsApp's sign does not reach over them."""
    pattern = r"[^\n]+" if mark.kind in _STYLES else r"(?s:.+)"
    for at in re.finditer(pattern, text[mark.start : mark.end]):
        if part := _trim(text, replace(mark, start=mark.start + at.start(), end=mark.start + at.end())):
            yield part


def _can_carry(text: str, mark: Mark, sign: str) -> bool:
    """Return whether WhatsApp would take `sign` around a mark as formatting; inside a word it does not."""
    before, after = text[mark.start - 1 : mark.start], text[mark.end : mark.end + 1]
    return not (before.isalnum() or after.isalnum() or sign in text[mark.start : mark.end])


def _inserted(text: str, signs: Iterable[tuple[Mark, str, str]]) -> str:
    """Return `text` with an opening and a closing sign around each mark, and "> " before quoted lines."""
    opening: dict[int, str] = {}
    closing: dict[int, str] = {}
    quoted: set[int] = set()
    for mark, first, last in signs:
        opening[mark.start] = opening.get(mark.start, "") + first
        closing[mark.end] = last + closing.get(mark.end, "")
        if mark.kind == "quote":
            inside = text[mark.start : mark.end]
            quoted |= {mark.start, *(mark.start + at.end() for at in re.finditer(r"\n", inside))}
    pieces: list[str] = []
    done = 0
    for at in sorted(opening.keys() | closing.keys() | quoted):
        pieces += [text[done:at], closing.get(at, ""), "> " if at in quoted else "", opening.get(at, "")]
        done = at
    return "".join([*pieces, text[done:]])


def _styled(rich: Rich) -> str:
    """Return the text with ANSI codes; each stretch restates all that holds there."""
    edges = sorted({0, len(rich.text), *(e for m in rich.marks for e in (m.start, m.end))})
    pieces = []
    for start, end in pairwise(edges):
        codes = [str(_ANSI[m.kind]) for m in rich.marks if m.start <= start and end <= m.end]
        piece = rich.text[start:end]
        pieces.append(f"\x1b[{';'.join(codes)}m{piece}\x1b[0m" if codes else piece)
    return "".join(pieces)


def _characters_at_units(text: str) -> list[int]:
    """Return, for each UTF-16 offset of `text`, the index of its character."""
    offsets = [index for index, letter in enumerate(text) for _ in range(Unit.UTF16.length(letter))]
    return [*offsets, len(text)]
