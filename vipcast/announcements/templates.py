"""A shop's templates: a folder for each, with one Markdown file a language and its pictures beside them.

A file is TOML between two `+++` lines, then the text. `replies/` holds the shop's answers and is
never an announcement. Reading is all that happens here; `rendering` makes messages of what was read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from vipcast import tomlfile
from vipcast.config import LANGUAGES
from vipcast.errors import InputError, Problem, did_you_mean
from vipcast.messengers.base import Media, MediaKind

RESERVED = "replies"
FENCE = "+++"
_NAME = re.compile(r"[^\W_][\w-]*")
# What no keyboard types. U+FDD0 and U+FDD1 mark substituted values while a text is rendered.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef]")
_LITTER = frozenset({"thumbs.db", "desktop.ini"})  # what file managers leave behind
_KINDS: Mapping[str, MediaKind] = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif", ".webp"), "picture"),
    **dict.fromkeys((".mp4", ".mov", ".m4v", ".webm"), "video"),
}


class TemplateFault(InputError):
    """What keeps a template from becoming a message; `kind` is a stable word for programs.

    `part` is what to look for in the text, where the line is not known yet.
    """

    code = "template-fault"

    def __init__(self, message: str, *, kind: str, hint: str = "", where: str = "", part: str = "") -> None:
        super().__init__(message, hint=hint, where=where, problems=[Problem(kind, message, hint, where)])
        self.kind = kind
        self.part = part

    def at(self, text: TemplateText, line: int) -> TemplateFault:
        """Return the same fault with its place, for where that was not known yet."""
        message = f"{text.label}: {self.message}"
        return TemplateFault(message, kind=self.kind, hint=self.hint, where=text.where(line))


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A picture, video or file as a text names it: a file beside the text, or a web address."""

    source: str
    kind: MediaKind
    alt: str = ""
    line: int = 1

    @property
    def is_remote(self) -> bool:
        return is_web_address(self.source)


@dataclass(frozen=True, slots=True)
class Button:
    """A link that ends a message. Both parts may hold Jinja."""

    text: str
    url: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One language's file. `formal` is set where the text is written for one kind of address only."""

    language: str
    path: Path
    title: str
    media: tuple[MediaRef, ...]
    buttons: tuple[Button, ...]
    formal: bool | None
    body: str
    body_line: int  # where in the file the body starts
    preview: bool = True  # whether links may show a preview

    @property
    def label(self) -> str:
        """The file, as short as a person would name it."""
        return f"{self.path.parent.name}/{self.path.name}"

    def where(self, line: int | None = None) -> str:
        """Return `file:line`, of the body's first line where no line is given."""
        return f"{self.path}:{self.body_line if line is None else line}"

    def line_of(self, part: str) -> int:
        """Return the file's line on which `part` first stands in the body, or the body's first line."""
        at = self.body.find(part) if part else -1
        return self.body_line + (self.body.count("\n", 0, at) if at >= 0 else 0)


@dataclass(frozen=True)
class Template:
    """What the shop wrote: one text a language."""

    name: str
    folder: Path
    texts: Mapping[str, TemplateText]
    _text_digests: Mapping[str, str] = field(default_factory=dict, repr=False)

    def text_for(self, member_language: str, shop_language: str) -> TemplateText:
        """Return the text in the member's language, else the shop's, else English.

        Raises:
            TemplateFault: none of the three is there.

        """
        for language in (member_language, shop_language, "en"):
            if language in self.texts:
                return self.texts[language]
        there = ", ".join(sorted(self.texts)) or "none"
        raise TemplateFault(
            f"{self.name} has no text in {member_language}, nor in {shop_language} or en (it has: {there}).",
            kind="missing-language",
            hint=f"Write {self.folder / f'{member_language}.md'}.",
            where=str(self.folder),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all files of the folder, whatever their order; texts as they were when read.

        Raises:
            InputError: a file cannot be read.

        """
        whole = hashlib.sha256()
        for name, path in sorted(_files(self.folder)):
            own = self._text_digests.get(name) or hashlib.sha256(read_file(path)).hexdigest()
            whole.update(f"{len(name.encode())}:{name}:{own}\n".encode())
        return whole.hexdigest()


class _MediaTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    kind: MediaKind | None = None
    alt: str = ""


class _ButtonTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    url: str


class _FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    media: list[str | _MediaTable] = []
    buttons: list[_ButtonTable] = []
    formal: bool | None = None
    preview: bool = True


def list_templates(folder: Path) -> list[str]:
    """Return the names of the shop's templates: the folders that hold a text in a known language."""
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name != RESERVED
        and _NAME.fullmatch(entry.name)
        and any((entry / f"{language}.md").is_file() for language in LANGUAGES)
    )


def validate_name(name: str) -> str:
    """Return `name` if it can be a template's.

    Raises:
        InputError: it is reserved, or could leave the templates folder.

    """
    if name == RESERVED:
        raise InputError(
            f'"{RESERVED}" holds the shop\'s answers and is no template.',
            hint="Choose another name; `vipcast template list` shows the templates.",
        )
    if not _NAME.fullmatch(name):
        raise InputError(
            f'"{name}" cannot be the name of a template.',
            hint="Use letters, digits and hyphens, such as spring-sale.",
        )
    return name


def load_template(folder: Path, name: str) -> Template:
    """Read the template `name` from the templates folder.

    Raises:
        InputError: there is none of that name, or one of its files is wrong; `where` is file:line.

    """
    names = list_templates(folder)
    if validate_name(name) not in names:
        hint = did_you_mean(name, names) or "`vipcast template new NAME` starts one."
        raise InputError(f'There is no template "{name}".', hint=hint, where=str(folder))
    own = folder / name
    texts: dict[str, TemplateText] = {}
    digests: dict[str, str] = {}
    for language in LANGUAGES:
        path = own / f"{language}.md"
        if path.is_file():
            content = read_file(path)
            texts[language] = parse_text(content, language, path)
            digests[path.name] = hashlib.sha256(content).hexdigest()
    return Template(name, own, texts, digests)


def parse_text(content: bytes, language: str, path: Path, *, may_be_bare: bool = False) -> TemplateText:
    """Read one file's content; one that `may_be_bare` needs no front matter, and no title in it.

    Raises:
        InputError: it is not UTF-8, or its front matter is wrong; `where` is file:line.

    """
    lines = _decode(content, path).split("\n")
    if may_be_bare and all(line.strip() != FENCE for line in lines):
        return TemplateText(language, path, "", (), (), None, body="\n".join(lines), body_line=1)
    end = _front_matter_end(lines, path)
    head = lines[1:end]
    matter = _front_matter(head, path, {"title": ""} if may_be_bare else {})
    return TemplateText(
        language=language,
        path=path,
        title=matter.title.strip(),
        media=tuple(_media_ref(item, head, path) for item in matter.media),
        buttons=tuple(Button(item.text, item.url, _line_with(item.url, head)) for item in matter.buttons),
        formal=matter.formal,
        body="\n".join(lines[end + 1 :]),
        body_line=end + 2,
        preview=matter.preview,
    )


def resolve_media(template: Template, text: TemplateText, ref: MediaRef, media_url: str) -> Media:
    """Return what `ref` stands for; a web address is taken as it is, its size unknown.

    Raises:
        TemplateFault: the file is missing, empty, unreadable or outside the template's folder.

    """
    if ref.is_remote:
        return Media(kind=ref.kind, name=_web_name(ref.source), size=0, url=ref.source)
    where = text.where(ref.line)
    folder = template.folder.resolve()
    path = (folder / ref.source).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise TemplateFault(
            f"{text.label}: {ref.kind} {ref.source} is missing.",
            kind="missing-media",
            hint=did_you_mean(ref.source, [name for name, _ in _files(folder)])
            or f"Put it into {template.folder}.",
            where=where,
        )
    try:
        content = read_file(path)
    except InputError as error:
        raise TemplateFault(error.message, kind="missing-media", hint=error.hint, where=where) from error
    if not content:
        raise TemplateFault(
            f"{text.label}: {ref.kind} {ref.source} is empty (0 bytes).",
            kind="missing-media",
            hint="Save the file again.",
            where=where,
        )
    url = f"{media_url.rstrip('/')}/{quote(template.name)}/{quote(ref.source)}" if media_url else ""
    digest = hashlib.sha256(content).hexdigest()
    return Media(ref.kind, path.name, len(content), path=str(path), url=url, digest=digest)


def is_web_address(text: str) -> bool:
    """Return whether `text` is an http or https address with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)


def is_litter(name: str) -> bool:
    """Return whether a file is one that editors and file managers leave behind."""
    return name.startswith(".") or name.endswith("~") or name.casefold() in _LITTER


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        InputError: it cannot be read.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read: {error.strerror}.",
            hint="See that the file is there and that you may read it.",
            where=str(path),
        ) from error


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return the files that people put into a template's folder, by their names inside it."""
    found = ((path.relative_to(folder), path) for path in folder.rglob("*"))
    return [
        (name.as_posix(), path)
        for name, path in found
        if not any(part.startswith(".") for part in name.parts)
        and not is_litter(name.name)
        and path.is_file()
    ]


def _decode(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name} is not UTF-8 text.",
            hint="Save it again with the encoding UTF-8.",
            where=f"{path}:{line}",
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(
            f"{path.name} holds the invisible character U+{ord(found.group()):04X}.",
            hint="Delete it; it may have come with copied text.",
            where=f"{path}:{line}",
        )
    return text


def _front_matter_end(lines: list[str], path: Path) -> int:
    if lines[0].strip() != FENCE:
        raise InputError(
            f"{path.name} does not start with {FENCE}.",
            hint=f'Begin it with three lines: {FENCE}, title = "…", {FENCE}',
            where=f"{path}:1",
        )
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == FENCE:
            return number
    raise InputError(
        f"{path.name}: the second {FENCE} is missing.",
        hint=f"Put a line {FENCE} between the settings and the text.",
        where=f"{path}:1",
    )


def _front_matter(head: list[str], path: Path, defaults: Mapping[str, str]) -> _FrontMatter:
    text = "\n".join(head)
    data = {**defaults} | tomlfile.parse(text, path, first_line=2, error=InputError)
    return tomlfile.convert(data, _FrontMatter, path, text=text, first_line=2, error=InputError)


def _line_with(part: str, head: list[str]) -> int:
    """Return the file's line on which a value stands; 1, the fence, where it is not found."""
    return next((number for number, line in enumerate(head, start=2) if part and part in line), 1)


def _media_ref(item: Any, head: list[str], path: Path) -> MediaRef:
    source, kind, alt = (item, None, "") if isinstance(item, str) else (item.file, item.kind, item.alt)
    source = source.strip()
    line = _line_with(source, head)
    if not is_web_address(source) and not _stays_inside(source):
        raise InputError(
            f'{path.name}: media: "{source}" is neither a file beside the text nor a web address.',
            hint='Write media = ["picture.jpg"] or media = ["https://…/picture.jpg"]',
            where=f"{path}:{line}",
        )
    suffix = PurePosixPath(urlsplit(source).path if is_web_address(source) else source).suffix.casefold()
    return MediaRef(source, kind or _KINDS.get(suffix, "file"), alt, line)


def _stays_inside(source: str) -> bool:
    parts = PurePosixPath(source).parts
    return bool(parts) and ".." not in parts and not re.search(r"^/|[\\:\x00]", source)


def _web_name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name) or urlsplit(url).netloc
