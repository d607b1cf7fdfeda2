"""Keeping the chats in order while `listen` runs: whoever asks is answered, whoever comes is greeted.

A chat is looked through when the messenger told of a change, when `listen` begins, and every so often, for
messengers do not tell of everything. Where no `listen` runs, `tick` looks while links are out. Nobody is
taken out of a chat unless `[chats] fix` says so, or they opted out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from vipcast.chats import making, syncing
from vipcast.chats.context import Context
from vipcast.chats.gate import Answer
from vipcast.chats.syncing import Synced
from vipcast.conversations.desk import Desk
from vipcast.errors import Locked, VipcastError
from vipcast.faults import log_unexpected
from vipcast.groups import chats
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group
from vipcast.messengers.base import AccountProblem, AccountStopped, Throttled, Unreachable

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
AT_LEAST_EVERY = timedelta(minutes=10)
AT_MOST_EVERY = timedelta(seconds=5)  # one request tells of all who came meanwhile
WITH_LINKS_EVERY = timedelta(minutes=2)  # somebody may ask to come in
AGAIN_SECONDS = 30.0  # after a fault


class Watch:
    """Looks after all chats; `tell` hears what is found, and `send_news` sends invitations, by number."""

    def __init__(
        self,
        context: Context,
        *,
        fixes: bool,
        tell: Callable[[str, str], None],
        send_news: Callable[[int], Awaitable[object]],
        note_problem: Callable[[str, VipcastError], None],
        refuse_if_stopped: Callable[[str], None],
    ) -> None:
        """Make ready; `note_problem` keeps what stopped an account, by its name.

        `refuse_if_stopped` raises where an account is limited by its messenger: nothing is done over it.
        """
        self._context = context
        self._fixes = fixes
        self._tell = tell
        self._send_news = send_news
        self._note_problem = note_problem
        self._refuse_if_stopped = refuse_if_stopped
        self._not_before: dict[int, datetime] = {}  # by group, after a fault
        self._looked: set[int] = set()  # in this run
        self.is_at_rest = False  # there was nothing to look after at the last look

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the chats until `stop` is set."""
        while not stop.is_set():
            due = self._due()
            self.is_at_rest = not due
            for group, chat in due:
                if not stop.is_set():
                    await self._look_after(group, chat)
            if not due:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await stop.wait()

    async def once(self) -> None:
        """Look after those chats that nobody has looked after lately, as `tick` does."""
        now = self._context.now()
        with self._context.database.read() as connection:
            due = [
                (group, chat)
                for group, chat in self._kept(connection)
                if chat.wants_a_look
                or (chats.has_links_out(connection, group) and _is_old(chat, now, AT_LEAST_EVERY))
            ]
        for group, chat in due:
            await self._look_after(group, chat)

    def use(self, context: Context) -> None:
        """Go on with another context: the desk was found."""
        self._context = context

    def _due(self) -> list[tuple[Group, GroupChat]]:
        now = self._context.now()
        with self._context.database.read() as connection:
            return [
                (group, chat)
                for group, chat in self._kept(connection)
                if group.id not in self._looked
                or (chat.wants_a_look and _is_old(chat, now, AT_MOST_EVERY))
                or _is_old(chat, now, AT_LEAST_EVERY)
                or (_is_old(chat, now, WITH_LINKS_EVERY) and chats.has_links_out(connection, group))
            ]

    def _kept(self, connection: Connection) -> list[tuple[Group, GroupChat]]:
        """Return the chats of accounts that are there, and of which no fault was told just now."""
        now, accounts = self._context.now(), self._context.setting.accounts
        return [
            (group, chat)
            for group, chat in chats.kept(connection)
            if group.chat_account in accounts and self._not_before.get(group.id, now) <= now
        ]

    async def _look_after(self, group: Group, chat: GroupChat) -> None:
        """Look after one chat; what fails is told, and tried again after a while."""
        context, name = self._context, f"chat {group.name}"
        try:
            self._refuse_if_stopped(group.chat_account)
        except AccountStopped as error:
            self._tell(name, f"The chat of {group.name}: {error.message} {error.hint}")
            self._wait(group, AGAIN_SECONDS)
            return
        try:
            async with context.alone(group.chat_account, 0), context.borrow(group.chat_account) as messenger:
                if chat.state == chats.MAKING:
                    await making.make(context, messenger, making.keeper_of(messenger), group)
                done = await syncing.sync(context, messenger, group, acts=True, fixes=self._fixes)
            self._looked.add(group.id)
            self._report(done)
            if done.invited is not None and done.invited.announcement is not None:
                await self._send_news(done.invited.announcement.id)
        except Locked:
            self._wait(group, LOOK_SECONDS)
        except Throttled as error:
            self._wait(group, error.retry_after)
        except VipcastError as error:
            if isinstance(error, AccountProblem):
                self._note_problem(group.chat_account, error)
            if not isinstance(error, Unreachable):  # that is told for the account already
                self._tell(name, f"The chat of {group.name}: {error.message} {error.hint}")
            self._wait(group, AGAIN_SECONDS)
        except Exception as error:  # noqa: BLE001 - the other chats go on
            log_unexpected(log, "a chat", error)
            self._wait(group, AGAIN_SECONDS)

    def _wait(self, group: Group, seconds: float) -> None:
        self._not_before[group.id] = self._context.now() + timedelta(seconds=seconds)

    def _report(self, done: Synced) -> None:
        """Tell of what a person should see: numbers to whoever runs `listen`, names to the desk."""
        group = done.group
        found = [] if self._fixes else done.differences
        left = [one for one in found if one.removes and not one.is_binding]
        asking = [one for one in done.verdicts if one.answer is Answer.LEAVE]
        if left or asking:
            self._tell(
                f"chat {group.name}",
                f"The chat of {group.name}: {len(left)} there without a seat, {len(asking)} ask to come in "
                f"and are not known. See: vipcast group sync {group.as_typed}",
            )
        names = [(one.person_id, one.name) for one in left]
        names += [(one.request.person.id, one.request.person.name) for one in asking]
        setting, now = self._context.setting, self._context.now()
        with self._context.database.write() as connection:
            for number, name in names:
                text = setting.wording.without_seat(name or number, group.name)
                Desk(setting).notice(
                    connection, None, text, f"without-seat:{group.id}:{number}:{now:%Y-%m-%d}", now
                )


def _is_old(chat: GroupChat, now: datetime, age: timedelta) -> bool:
    """Return whether a chat was not looked through for so long, or by a clock that was ahead."""
    return chat.looked_at is None or not now - age < chat.looked_at <= now + age
