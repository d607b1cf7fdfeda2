"""Which encoding a text file is in: settled by evidence from the whole file, or refused."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vipcast.errors import InputError, nearest

_CHUNK = 1 << 20
_SAMPLE_BYTES = 32 << 10
_BOMS = (  # UTF-32 first: its mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What Windows, DOS, Unix and Mac programs of the markets write; of two that read alike, the earlier is named.
_WINDOWS = ("cp1250", "cp1251", "cp1252")
_OLDER = ("iso8859-2", "cp852", "cp850", "cp866", "koi8-r", "mac_latin2", "mac_cyrillic", "mac_roman")
_LEGACY = (*_WINDOWS, *_OLDER)
_RUSSIAN = ("cp1251", "cp866", "koi8-r", "mac_cyrillic")

_LATIN = frozenset("áéíóöőúüűčďěňřšťůýžäåľôßÁÉÍÓÖŐÚÜŰČĎĚŇŘŠŤŮÝŽÄÅĽÔ")  # hu, cs, fi; sk and de next door
_ELSEWHERE = frozenset("àèìòùâêîûëïçñãõæøœÀÈÌÒÙÂÊÎÛËÏÇÑÃÕÆØŒ")  # French, Spanish and Nordic names
_CYRILLIC = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ")
_WESTERN = frozenset("äöåÄÖÅüÜßéÉ")
_VOWELS = frozenset("аеёиоуыэюяАЕЁИОУЫЭЮЯ")
_NEUTRAL = frozenset("\u00a0–—‘’‚“”„…€№«»§°•®©™´`")
_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f]+\w*")
_SPACES = re.compile(r"[\s;,|\"]+", re.ASCII)
_LONG_RUN = re.compile(r"[^\W\d_\x00-\x7f]{4,}")
_ASCII_BYTES = bytes(range(128))
_UTF8_LETTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_DECISIVE = 0.25  # by how much a letter must read better, on average of those that differ
_MOST_CHAOS = 10  # percent, by charset-normalizer
_LEAST = 0.5  # below it, there are more strange signs than letters of the five languages
_LEAST_VOWELS = 0.2  # Russian has 0.42; Greek or Hebrew letters taken for Russian ones have next to none


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """The settled encoding. `codec` is Python's name of it."""

    codec: str
    reason: str
    lines: int  # an estimate
    has_bad_lines: bool = False  # some lines are in another encoding: their rows are rejected
    may_hide_utf8: bool = False  # some lines of a code page file look like UTF-8: the same
    has_nul: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scan:
    lines: int = 0
    nuls: int = 0
    size: int = 0
    utf8_lines: int = 0  # with letters beyond ASCII, and well-formed
    bad_lines: int = 0
    first_bad: int = 0
    bad: list[bytes] = field(default_factory=list)
    bad_bytes: int = 0
    high: set[int] = field(default_factory=set)


def settle_encoding(path: Path, asked: str | None = None) -> TextEncoding:
    """Return the encoding of a text file.

    Raises:
        InputError: `asked` is unknown or does not fit, the file is no text, or two encodings are as likely.

    """
    with path.open("rb") as file:
        head = file.read(4096)
    if asked:
        return _asked(path, asked, head)
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return _marked(path, codec)
    if wide := _unmarked_utf16(head):
        return TextEncoding(wide, "every other byte is empty: UTF-16 without its mark", _count_lines(path))
    scan = _scan(path)
    if scan.nuls > scan.size // 100 + 1:
        raise InputError(
            f"{path.name} is not a text file", hint="save the list as CSV UTF-8 or .xlsx", where=str(path)
        )
    return _from_scan(path, scan)


def _from_scan(path: Path, scan: _Scan) -> TextEncoding:
    has_nul = scan.nuls > 0
    if not scan.bad_lines:
        reason = "all of it is UTF-8" if scan.utf8_lines else "plain ASCII"
        return TextEncoding("utf-8", reason, scan.lines, has_nul=has_nul)
    if scan.utf8_lines >= scan.bad_lines:
        warning = _left_out(scan)
        reason = f"{scan.utf8_lines} lines are UTF-8"
        return TextEncoding(
            "utf-8", reason, scan.lines, has_bad_lines=True, has_nul=has_nul, warnings=(warning,)
        )
    codec, reason = _code_page(path, b"".join(scan.bad), bytes(sorted(scan.high)))
    doubt = f"lines that look like UTF-8 in a {codec} file, {scan.utf8_lines} in all: left out"
    warnings = (doubt,) if scan.utf8_lines else ()
    return TextEncoding(
        codec, reason, scan.lines,
        has_bad_lines=not _reads(bytes(sorted(scan.high)), codec),
        may_hide_utf8=scan.utf8_lines > 0, has_nul=has_nul, warnings=warnings,
    )  # fmt: skip


def _left_out(scan: _Scan) -> str:
    if scan.bad_lines == 1:
        return f"line {scan.first_bad} is not UTF-8: left out"
    return f"{scan.bad_lines} lines are not UTF-8, the first is line {scan.first_bad}: left out"


def _asked(path: Path, asked: str, head: bytes) -> TextEncoding:
    try:
        codec = codecs.lookup(asked).name
        "".encode(codec)
    except LookupError:
        near = nearest(asked, ["utf-8", "utf-16", *_LEGACY])
        hint = f"did you mean {near}?" if near else "such as utf-8, utf-16, cp1250, cp1251 or cp1252"
        raise InputError(f"There is no encoding '{asked}'", hint=hint, where="--encoding") from None
    if codec == "utf-8" and head.startswith(codecs.BOM_UTF8):
        codec = "utf-8-sig"
    for mark, marked in _BOMS:
        if head.startswith(mark) and marked.removesuffix("-sig") not in codec:
            hint = (
                f"leave --encoding out: the file says itself that it is {marked.removesuffix('-sig').upper()}"
            )
            raise InputError(f"{path.name} is not {asked}", hint=hint, where=str(path))
    scan = _scan(path)
    if codec.startswith("utf-8") and scan.bad_lines > scan.utf8_lines:
        hint = f"leave --encoding out; line {scan.first_bad} shows that it is something else"
        raise InputError(f"{path.name} is not {asked}", hint=hint, where=f"{path}:{scan.first_bad}")
    bad = scan.bad_lines > 0 if codec.startswith("utf-8") else not _reads(bytes(sorted(scan.high)), codec)
    return TextEncoding(codec, "as asked", scan.lines, has_bad_lines=bad, has_nul=scan.nuls > 0)


def _marked(path: Path, codec: str) -> TextEncoding:
    reason = f"it begins with the mark of {codec.removesuffix('-sig').upper()}"
    if codec != "utf-8-sig":
        return TextEncoding(codec, reason, _count_lines(path))
    scan = _scan(path)
    warnings = (_left_out(scan),) if scan.bad_lines else ()
    return TextEncoding(
        codec, reason, scan.lines, scan.bad_lines > 0, has_nul=scan.nuls > 0, warnings=warnings
    )


def _unmarked_utf16(head: bytes) -> str:
    """Return the byte order of UTF-16 without a mark: its ASCII signs leave every other byte empty."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    breaks = sum(head[i : i + 2] in (b"\n\0", b"\0\n") for i in range(0, len(head), 2))
    if even + odd < max(2, len(head) // 64) or not breaks:
        return ""
    if odd > 9 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 9 * odd else ""


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the file in pieces that end with a line, where lines are of a sane length."""
    with path.open("rb") as file:
        rest = b""
        while block := file.read(_CHUNK):
            block = rest + block
            cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if not cut and len(block) < 4 * _CHUNK:
                rest = block
                continue
            cut = cut or len(block)
            rest = block[cut:]
            yield block[:cut]
        if rest:
            yield rest


def _scan(path: Path) -> _Scan:
    scan = _Scan()
    for chunk in _chunks(path):
        start = scan.lines
        scan.size += len(chunk)
        scan.lines += chunk.count(b"\n") or chunk.count(b"\r")
        if 0 in chunk:
            scan.nuls += chunk.count(0)
        if not chunk.isascii():
            _look_closer(scan, chunk, start)
    return scan


def _look_closer(scan: _Scan, chunk: bytes, start: int) -> None:
    """Tell the lines of a chunk apart: ASCII, UTF-8, or neither."""
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError:
        scan.high.update(chunk.translate(None, _ASCII_BYTES))
    else:
        scan.utf8_lines += sum(not line.isascii() for line in chunk.splitlines())
        return
    if scan.bad_bytes >= _SAMPLE_BYTES and not _UTF8_LETTER.search(chunk):
        scan.bad_lines += chunk.count(b"\n") or chunk.count(b"\r")  # nothing new, quickly
        return
    for number, line in enumerate(chunk.splitlines(), start + 1):
        if line.isascii():
            continue
        if _reads(line, "utf-8"):
            scan.utf8_lines += 1
            continue
        scan.bad_lines += 1
        scan.first_bad = scan.first_bad or number
        if scan.bad_bytes < _SAMPLE_BYTES:
            scan.bad.append(line[:2000] + b"\n")
            scan.bad_bytes += len(scan.bad[-1])


def _count_lines(path: Path) -> int:
    return sum(chunk.count(b"\n") or chunk.count(b"\r") for chunk in _chunks(path))


def _reads(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _code_page(path: Path, sample: bytes, high: bytes) -> tuple[str, str]:
    """Return the code page whose letters make words, and why."""
    texts = {c: sample.decode(c) for c in _LEGACY if _reads(sample, c)}
    scores = {c: score_text(text) for c, text in texts.items()}
    special = sum(not char.isascii() for char in next(iter(texts.values()), ""))
    codec = max(texts, key=scores.__getitem__, default="")  # of equals, the first
    if not codec or scores[codec] < _LEAST * special:
        return _other_language(path, sample)
    rivals = [c for c in texts if c != codec and _is_rival(codec, c, texts, scores)]
    if rivals:
        raise _undecided(path, texts, [codec, *rivals])
    same = [c for c in texts if c != codec and texts[c] == texts[codec]]
    if "cp1252" in same and {c for c in texts[codec] if not c.isascii()} <= _WESTERN:
        same[same.index("cp1252")], codec = codec, "cp1252"
    language = "Russian" if codec in _RUSSIAN else "Latin"
    also = f" (the same ones in {', '.join(same)})" if same else ""
    return codec, f"not UTF-8; its {len(high)} special bytes make {language} letters in {codec}{also}"


def _is_rival(codec: str, other: str, texts: dict[str, str], scores: dict[str, float]) -> bool:
    """Return whether another encoding reads the differing letters as well; Windows' own go before others."""
    differing = sum(a != b for a, b in zip(texts[codec], texts[other], strict=True))
    if not differing or (codec in _WINDOWS and other in _OLDER):
        return False
    return scores[codec] - scores[other] < _DECISIVE * differing


def _undecided(path: Path, texts: dict[str, str], rivals: list[str]) -> InputError:
    """Return the refusal, with a word which the encodings in question read differently."""
    words = zip(*(_SPACES.split(texts[c]) for c in rivals), strict=False)
    readings = next((word for word in words if len(set(word)) > 1), ())
    shown = "; ".join(f"{c}: '{word[:30]}'" for c, word in zip(rivals, readings, strict=False))
    return InputError(
        f"{path.name} may be {' or '.join(rivals)} ({shown})",
        hint=f"say which, such as --encoding {rivals[0]}",
        where=str(path),
    )


def score_text(text: str) -> float:
    """Return how much a text looks like one of the five languages: at best, 1 for each special letter."""
    total = 0.0
    cyrillic = vowels = 0
    for char in text:
        if char < "\x80":
            continue
        if char in _CYRILLIC:
            total += 1
            cyrillic += 1
            vowels += char in _VOWELS
        elif char in _LATIN:
            total += 1
        elif char in _ELSEWHERE:
            total += 0.5
        elif char.isalpha():
            total -= 0.5
        elif char not in _NEUTRAL:
            total -= 2 if char.isprintable() else 3
    for word in _WORD.findall(text):
        total -= _strangeness(word)
    if vowels < cyrillic * _LEAST_VOWELS:
        total -= cyrillic
    return total


def _strangeness(word: str) -> float:
    """Return what is wrong with a word: mixed scripts, capitals inside, signs inside, runs of accents."""
    fault = 0.0
    is_cyrillic = [c in _CYRILLIC for c in word]
    is_shouted = word.isupper()
    for i in range(1, len(word)):
        before, char = word[i - 1], word[i]
        if is_cyrillic[i - 1] != is_cyrillic[i] and before.isalpha() and char.isalpha():
            fault += 1
        if char.isupper() and not (char.isascii() and before.isascii()) and not is_shouted:
            fault += 1
        if char in _NEUTRAL and i + 1 < len(word) and before.isalpha() and word[i + 1].isalpha():
            fault += 1
    if not any(is_cyrillic):
        fault += sum(len(run) for run in _LONG_RUN.findall(word))
    return fault


def _other_language(path: Path, sample: bytes) -> tuple[str, str]:
    """Ask charset-normalizer about a text that is in none of the five languages."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - rarely needed

    found = from_bytes(sample).best()
    name = codecs.lookup(found.encoding).name if found else ""
    # It may know other languages; what was just ruled out, it does not know better.
    judged = name.startswith("utf") or name in {codecs.lookup(c).name for c in _LEGACY}
    if found is None or judged or found.percent_chaos > _MOST_CHAOS:
        raise InputError(
            f"{path.name} is not UTF-8, and its letters fit no encoding well",
            hint="save it as CSV UTF-8, or say which it is, such as --encoding cp1250",
            where=str(path),
        )
    return name, f"not UTF-8 nor any of the five languages; {name} by charset-normalizer"
