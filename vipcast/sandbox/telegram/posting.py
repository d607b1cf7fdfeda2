"""Putting messages where they belong and telling every client concerned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vipcast.sandbox.telegram.group_model import Place, SandboxGroup
from vipcast.sandbox.telegram.model import Change, Letter, Line, SandboxUser
from vipcast.sandbox.telegram.rpc import Hub
from vipcast.sandbox.telegram.tl import read_object
from vipcast.sandbox.telegram.views import push_changes


@dataclass(frozen=True, slots=True)
class Draft:
    """One message before it has a number."""

    text: str
    random_id: int
    entities: bytes = b""
    media: int = 0
    card: bytes = b""


def post(
    hub: Hub,
    sender: SandboxUser,
    to: Place,
    drafts: Iterable[Draft],
    *,
    beside: Line | None = None,
    **common: Any,
) -> list[Change]:
    """Deliver messages, tell all clients concerned but `beside`, and return what changed in the sender's box.

    In a megagroup that is the group's box.
    """
    changes: dict[int, list[Change]] = {}
    for draft in drafts:
        made = hub.world.write(
            sender,
            to,
            draft.text,
            random_id=draft.random_id,
            entities=draft.entities,
            media=draft.media,
            card=draft.card,
            **common,
        )
        for owner, change in made.items():
            changes.setdefault(owner, []).append(change)
        record_letter(hub, "message", hub.world.letters[next(iter(made.values())).letter])
    for owner, made_there in changes.items():
        push_changes(hub.world, owner, made_there, beside=beside)
    is_shared = isinstance(to, SandboxGroup) and to.is_megagroup
    return changes.get(to.key if is_shared else sender.id, [])


def record_letter(hub: Hub, kind: str, letter: Letter) -> None:
    """Log a message: in a group with `group`, the title, in place of `to`."""
    world = hub.world
    more: dict[str, Any] = {"media": world.files[letter.media].name} if letter.media else {}
    if letter.card:
        more["media"] = type(read_object(letter.card)).__name__.removeprefix("MessageMedia").lower()
    if letter.action:
        more["action"] = type(read_object(letter.action)).__name__.removeprefix("MessageAction")
    hub.record(
        kind,
        sender=world.users[letter.sender].label,
        **({"group": world.label(letter.to)} if letter.to < 0 else {"to": world.label(letter.to)}),
        text=letter.text,
        random_id=letter.random_id,
        id=letter.number_for(letter.sender),
        repeated=kind == "repeat",
        **more,
    )
