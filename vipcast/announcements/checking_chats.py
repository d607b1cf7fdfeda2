"""Whether a template can go to a group's chat, where everybody reads the same message.

The text is rendered as for the chat, so that only what a chat comes to counts. Where something personal
stands, the check notes it, lets it pass as if a member were there, and goes on: all of it is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby

from vipcast.announcements.formatting import write
from vipcast.announcements.personal import KIND, ChatView
from vipcast.announcements.rendering import GroupView, MemberView, Renderer
from vipcast.announcements.templates import TemplateFault
from vipcast.messengers.base import Capabilities, Formatting

_PARTS = frozenset(item.name for item in fields(MemberView))


@dataclass(frozen=True, slots=True)
class CheckedChat:
    """A group's chat for which a text is checked; `is_chosen` where it is to go there for certain.

    `capabilities` are None where it is not known yet over which account messages go there.
    """

    group: GroupView
    language: str
    formal: bool
    messenger: str = ""
    capabilities: Capabilities | None = None
    is_chosen: bool = True


def seen_in_chat(
    renderer: Renderer, chat: CheckedChat, sample: MemberView
) -> tuple[str, list[TemplateFault]]:
    """Return the text that all in a chat get, or nothing and what is in its way, from the top down.

    Each part of a member is told where it first stands. `sample` is who stands there to read on.
    """
    faults: list[TemplateFault] = []
    passed: set[str] = set()
    group = replace(chat.group, is_chat=True)
    while True:
        asked: list[str] = []
        try:
            rich = renderer.compose(_lenient(chat, sample, passed, asked), group)
            break
        except TemplateFault as fault:
            faults.append(fault)
            if fault.kind != KIND or not asked or asked[-1] not in _PARTS:
                return "", faults
            passed.add(asked[-1])
    if faults:
        return "", faults
    if chat.capabilities is not None:
        try:
            renderer.render_chat(
                chat.group,
                language=chat.language,
                formal=chat.formal,
                capabilities=chat.capabilities,
                messenger=chat.messenger,
            )
        except TemplateFault as fault:
            faults.append(fault)
    return write(rich, Formatting.PLAIN)[0], faults


def cannot_go_to(found: Sequence[tuple[CheckedChat, Sequence[TemplateFault]]]) -> Iterator[TemplateFault]:
    """Return, in one each for the chats with the same lines, to which chats a text is too personal to go."""
    personal = [(chat, [f for f in faults if f.kind == KIND]) for chat, faults in found]
    told = sorted(
        ((_lines(faults), faults[0], chat.group.name) for chat, faults in personal if faults), key=_place
    )
    for (where, lines), alike in groupby(told, key=_place):
        same = list(alike)
        names = " and ".join(f"{name!r}" for _, _, name in same)
        are = f"line {lines[0]} is" if len(lines) == 1 else f"lines {' and '.join(map(str, lines))} are"
        first = same[0][1]
        label = first.message.partition(": ")[0]
        said = f"{label}: This cannot go to the chat{'s' * (len(same) > 1)} of {names}: {are} personal."
        yield TemplateFault(said, kind=KIND, hint=first.hint, where=where)


def _place(told: tuple[tuple[int, ...], TemplateFault, str]) -> tuple[str, tuple[int, ...]]:
    lines, first, _ = told
    return first.where, lines


def _lines(faults: Sequence[TemplateFault]) -> tuple[int, ...]:
    return tuple(sorted({int(fault.where.rpartition(":")[2]) for fault in faults}))


def _lenient(chat: CheckedChat, sample: MemberView, passed: set[str], asked: list[str]) -> ChatView:
    """Return a chat's view that has the parts in `passed`, and notes for which others it was asked."""

    class Lenient(ChatView):
        def __getattr__(self, name: str) -> object:
            if name in passed:
                return getattr(sample, name)
            asked.append(name)
            return super().__getattr__(name)

    return Lenient(chat.formal, chat.language, chat.messenger)
