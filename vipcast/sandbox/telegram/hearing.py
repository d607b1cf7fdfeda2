"""Which messages of a group reach a bot: those that Telegram's privacy mode, always on here, lets pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.model import Letter, SandboxUser

_COMMAND: Final = re.compile(r"/\w+(?:@(\w+))?", re.ASCII)


def hears(
    group: SandboxGroup,
    listener: SandboxUser,
    letter: Letter,
    answered: Letter | None,
    users: Mapping[int, SandboxUser],
) -> bool:
    """Return whether a message of this group reaches a member; `answered` is what it replies to.

    A bot hears what happens in the group, commands, and replies to its own messages; as an admin,
    everything but other bots.
    """
    if not listener.is_bot or letter.sender == listener.id or letter.action:
        return True
    if users[letter.sender].is_bot:
        return False
    member = group.member(listener.id)
    if member is not None and member.is_admin:
        return True
    if answered is not None and answered.sender == listener.id:
        return True
    command = _COMMAND.match(letter.text)
    if command is None:
        return False
    return (command[1] or listener.username).lower() == listener.username.lower()
