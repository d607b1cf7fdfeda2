"""A shop with a group that has its own chat, for tests: what is there is read from the messenger itself."""

from __future__ import annotations

import re
from typing import Any

from conversation_world import NEWS, SUPPORT, World
from support import Done, vipcast

GOLD = "gold"


class ChatWorld:
    """A world whose group `gold` has a chat, with its people played by the test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.telegram = world.sandbox.telegram

    def run(self, *words: str) -> Done:
        """Run a command; it must not end in a fault of the program."""
        done = vipcast(self.world.folder, *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ok(self, *words: str) -> Any:
        """Run a command that must succeed and return its facts."""
        done = self.run(*words)
        assert (done.code, done.errors) == (0, []), (done.errors, done.stderr)
        return done.data

    def sync(self, *flags: str) -> Any:
        return self.ok("group", "sync", GOLD, *flags)

    @property
    def chat(self) -> Any:
        """The group's chat on the sandbox's Telegram."""
        return self.do(self.telegram.find_group, self.title)

    @property
    def title(self) -> str:
        return str(self.ok("group", "show", GOLD)["chat"]["title"])

    def do(self, work: Any, *arguments: Any, **named: Any) -> Any:
        return self.world.sandbox.do(lambda: work(*arguments, **named))

    def person(self, who: str) -> Any:
        return self.world.person(who)

    @property
    def news(self) -> Any:
        return self.do(self.telegram.find, NEWS)

    @property
    def support(self) -> Any:
        return self.do(self.telegram.find, SUPPORT)

    def inside(self) -> set[str]:
        """Return who is in the chat, by user name or phone."""
        found = self.do(self.telegram.members, self.chat)
        return {f"@{one.username}" if one.username else f"+{one.phone.lstrip('+')}" for one in found}

    def said(self) -> list[str]:
        """Return what stands in the chat, without the lines about people coming and going."""
        found = self.do(self.telegram.group_history, self.chat)
        return [one.text for one in found if not one.action]

    def link_of(self, who: str) -> str:
        """Return the latest invite link that the shop sent to somebody."""
        links = [
            link for one in self.world.heard(who) for link in re.findall(r"https://t\.me/\+[\w-]+", one.text)
        ]
        assert links, f"{who} got no link"
        return str(links[-1])

    def follow(self, who: str, link: str = "") -> bool:
        """Let somebody follow their link, or the one given; return whether they are in at once."""
        link = link or self.link_of(who)
        return self.do(self.telegram.join_by_link, self.person(who), link) is not None
