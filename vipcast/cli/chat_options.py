"""What a command was told of a group's chat. Light, for every `vipcast group` loads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What `group create` and `group edit` were told of the chat; None or empty where nothing was said."""

    mode: str | None = None
    account: str = ""
    title: str | None = None
    picture: Path | None = None
    language: str | None = None
    talk: bool | None = None
    hide_members: bool | None = None
    network: str = ""
    link: str | None = None
    chat: str | None = None

    @property
    def are_given(self) -> bool:
        """Whether anything was said that a chat is to be set up for."""
        return bool(self.mode) or bool(self.about_chat)

    @property
    def about_chat(self) -> list[str]:
        """The flags that make sense for a group with a chat only."""
        flags = {
            "--title": self.title,
            "--picture": self.picture,
            "--language": self.language,
            "--talk": self.talk,
            "--hide-members": self.hide_members,
            "--on": self.network or None,
            "--link": self.link,
        }
        return [flag for flag, value in flags.items() if value is not None]
