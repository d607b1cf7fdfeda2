"""What people do with their own accounts, for whoever plays them: other names, or no account any more."""

from __future__ import annotations

import time

from telethon.tl import types

from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rpc import Hub
from vipcast.sandbox.telegram.views import push
from vipcast.sandbox.telegram.world import World


class PlayedPeople:
    """The people, as `TelegramSandbox` offers them."""

    _hub: Hub
    _world: World

    def rename(
        self,
        person: SandboxUser,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        username: str | None = None,
    ) -> None:
        """Let a person call themselves otherwise; an empty username gives it up, and others may take it.

        Raises:
            InputError: somebody has this username, or it cannot be one, or nothing would be left to name
                the person by.

        """
        self._world.rename(person, first_name=first_name, last_name=last_name, username=username)
        names = [types.Username(person.username, editable=True, active=True)] if person.username else []
        update = types.UpdateUserName(person.id, person.first_name, person.last_name, names)
        for number in self._acquainted(person):
            push(self._world, number, types.UpdateShort(update, int(time.time())))
        self._hub.record("renamed", person=person.label)
        self._world.store.commit()

    def is_logged_in(self, person: SandboxUser) -> bool:
        """Return whether a program is logged in as this person: then nobody needs to play them."""
        return any(True for _ in self._world.keys_of(person.id))

    def delete_account(self, person: SandboxUser) -> None:
        """Let a person delete their account: logins end, requests to join too, and names are gone.

        They stay in their groups, as Deleted Account, until somebody removes them.
        """
        for key in tuple(self._world.keys_of(person.id)):
            self._world.log_in(key, None)
        person.deleted = True
        self._world.keep(person)
        for group in self._world.groups.values():
            if group.requests.pop(person.id, None) is not None:
                self._world.keep_group(group)
        update = types.UpdateUser(person.id)
        for number in self._acquainted(person):
            push(self._world, number, types.UpdateShort(update, int(time.time())))
        self._hub.record("account_deleted", person=person.label)
        self._world.store.commit()

    def _acquainted(self, person: SandboxUser) -> list[int]:
        """Return who has this person among their contacts or is in a group with them, and themselves."""
        found = {person.id}
        found |= {user.id for user in self._world.users.values() if person.id in user.contacts}
        for group in self._world.groups.values():
            if group.member(person.id) is not None:
                found |= {member.user for member in group.present()}
        return sorted(found)
