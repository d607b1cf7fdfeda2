"""An answer of the FAQ, put into the text around it, and where it stands in its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vipcast.announcements.formatting import Rich
from vipcast.announcements.templates import TemplateFault

# Stands for the answer until the text around it has become a message. No keyboard types it.
SLOT = "\ufdd2answer\ufdd3"


def put_in(rich: Rich, answer: Rich) -> Rich:
    """Return `rich` with the answer in its place; the answer's formatting stands above what was around it.

    Only here, after both are read, so that nothing in the answer, such as an open code fence, can swallow
    the remark that it is automatic.

    Raises:
        TemplateFault: the answer is empty.

    """
    if not answer.text:
        raise TemplateFault("The answer is empty for this member.", kind="empty", hint="Write a text.")
    at = rich.text.find(SLOT)
    while at >= 0:
        end = at + len(SLOT)
        growth = len(answer.text) - len(SLOT)
        after = [
            replace(mark, start=mark.start + growth, end=mark.end + growth)
            for mark in rich.marks
            if mark.start >= end
        ]
        before = [mark for mark in rich.marks if mark.end <= at]
        inside = [replace(mark, start=mark.start + at, end=mark.end + at) for mark in answer.marks]
        rich = Rich(rich.text[:at] + answer.text + rich.text[end:], (*before, *inside, *after))
        at = rich.text.find(SLOT, at + len(answer.text))
    return rich


def line_of(answer: str, path: Path) -> int:
    """Return the line of a file on which an answer begins, 1 where it is not found."""
    first = next((line.strip() for line in answer.splitlines() if line.strip()), "")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return 1
    above = len(answer[: answer.find(first)].split("\n")) - 1
    return next((max(number - above, 1) for number, line in enumerate(lines, 1) if first in line), 1)
