"""The member in a message that a whole chat reads: whatever is personal there is a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from vipcast.announcements.templates import TemplateFault

KIND = "personal-in-chat"


@dataclass(frozen=True, slots=True, eq=False)
class ChatView:
    """Stands for the member in a chat's message: how all are addressed there, in which language, where.

    Whatever else a text does with it raises a fault, so that a use which Jinja would let pass in silence,
    such as `member | default("")`, is found as well. Only uses that a text comes to count: what stands in
    a branch that a chat never takes does no harm.
    """

    formal: bool
    language: str
    messenger: str = ""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)  # Python asks for these itself
        raise _fault(name)

    def __getitem__(self, key: object) -> NoReturn:
        if isinstance(key, str):
            raise TypeError(key)  # the sandbox then asks for the attribute, if it is a safe one
        raise _fault()

    def _refuse(self, *_: object) -> NoReturn:
        raise _fault()

    __bool__ = __str__ = __len__ = __iter__ = __contains__ = __eq__ = __hash__ = _refuse
    __int__ = __float__ = _refuse


def _fault(part: str = "") -> TemplateFault:
    named = f"member.{part}" if part else "member"
    shown = part if part.isidentifier() else "first_name"
    return TemplateFault(
        f"{named} is personal, and everybody in the chat reads the same message.",
        kind=KIND,
        hint="Write {% if group.is_chat %}Dear all{% else %}Dear {{ member." + shown + " }}{% endif %}.",
        part=named,
    )
