"""Making a group's chat and keeping it as it should be: each step may be cut short and done again.

What is to be is written down first; then each step looks how it is and does what is missing. A chat that
was made just before the program died is known again by the mark in its description.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from vipcast.chats import links, people, saying
from vipcast.chats.context import Context
from vipcast.config import Account
from vipcast.delivery import peers
from vipcast.errors import InputError, VipcastError
from vipcast.groups import chats, seats
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group
from vipcast.messengers.base import AccountProblem, Messenger
from vipcast.messengers.base_chats import ChatKeeper, ChatLook, ChatRole, Person

_HELPER_LINK_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a chat is to be; None leaves it as it is."""

    title: str | None = None
    picture: Path | None = None
    language: str | None = None
    members_write: bool | None = None
    hides_members: bool | None = None


def keeper_of(messenger: Messenger) -> ChatKeeper:
    """Return what keeps an account's chats.

    Raises:
        InputError: this account cannot have any.

    """
    keeper = messenger.keeper()
    if keeper is None:
        raise InputError(
            f"The account {messenger.account.name!r} cannot keep a group's chat.",
            hint="A person's account on Telegram can: vipcast account add news --messenger telegram",
        )
    return keeper


def begin(
    connection: Connection,
    context: Context,
    group: Group,
    account: Account,
    wishes: Wishes,
    title: str,
    *,
    is_other: bool = False,
) -> GroupChat:
    """Write down that a group is to have a chat, and how; `title` where none is wished for.

    With `is_other` it has had one before, and this is another, which brings its own title.

    Raises:
        InputError: it has one on another account.

    """
    chat = chats.of(connection, group)
    if chat is not None and group.chat and group.chat_account not in ("", account.name):
        raise InputError(
            f"The chat of {group.name!r} belongs to {group.chat_account!r}.",
            hint="Close the group and make another, to change the account.",
        )
    values: dict[str, object] = _wished(wishes)
    is_new = chat is None or chat.messenger != account.messenger or is_other
    # One that is being made may be there already, and is known again by its mark.
    if is_new or chat is None or not (group.chat or chat.state == chats.MAKING):
        values = {"title": title, "mark": f"vipcast-{secrets.token_hex(8)}"} | values
        values |= {"messenger": account.messenger, "made_at": context.now(), "link": ""}
    chats.set_mode(connection, group, chats.CHAT)
    if not group.chat:
        seats.set_chat_account(connection, group, account.name)
    return chats.put(connection, group, {"state": chats.MAKING, "closed_at": None, **values})


def _wished(wishes: Wishes) -> dict[str, object]:
    values = {
        "title": wishes.title,
        "picture": str(wishes.picture) if wishes.picture else None,
        "language": wishes.language,
        "members_write": wishes.members_write,
        "hides_members": wishes.hides_members,
    }
    return {name: value for name, value in values.items() if value is not None}


async def make(context: Context, messenger: Messenger, keeper: ChatKeeper, group: Group) -> list[str]:
    """Do what is missing until the chat is ready; return, in words, what could not be had.

    The welcome is queued for the ledger, and pinned by `pin` once it has arrived.
    """
    group = await _place(context, messenger, keeper, group)
    with context.database.read() as connection:
        chat = _record(connection, group)
        about = saying.about(context.setting, group, chat)
    look = await keeper.look(group.chat)
    if (look.title, look.about) != (chat.title, about):
        await keeper.describe(group.chat, chat.title, about)
    if chat.picture:
        await keeper.set_picture(group.chat, Path(chat.picture))
    notes = await put_right(context, messenger, keeper, group, look, await keeper.people(group.chat))
    with context.database.write() as connection:
        saying.welcome(connection, context, group, chat)
        chats.put(connection, group, {"state": chats.READY, "picture": "", "changed_at": context.now()})
    return notes


async def adopt(context: Context, keeper: ChatKeeper, group: Group) -> None:
    """Note down who is in a chat that was there before vipcast kept it: nobody there is a newcomer."""
    there = await keeper.people(group.chat)
    account, now = context.account(group), context.now()
    with context.database.write() as connection:
        for one in there:
            if not one.is_me:
                member_id = people.whose(connection, account, group, one)
                people.note(connection, group, one, member_id=member_id, state=people.THERE, greeted_at=now)


async def _place(context: Context, messenger: Messenger, keeper: ChatKeeper, group: Group) -> Group:
    """Return the group with its chat, which is found again or made."""
    if group.chat:
        return group
    with context.database.read() as connection:
        chat = _record(connection, group)
    made = await keeper.find(chat.mark) or await keeper.create(chat.title, chat.mark)
    with context.database.write() as connection:
        chats.move(connection, group, messenger.account.name, made.address)
        peers.keep(connection, messenger.account.name, made.address, made.peer, context.now())
        return seats.get(connection, group.name)


async def put_right(
    context: Context,
    messenger: Messenger,
    keeper: ChatKeeper,
    group: Group,
    look: ChatLook,
    there: Sequence[Person],
) -> list[str]:
    """Let only the shop write, shut the open door, and see the support account in; return what cannot be."""
    with context.database.read() as connection:
        chat = _record(connection, group)
    notes = []
    wanted = (chat.members_write, chat.hides_members, True)
    if (look.members_write, look.hides_members, look.shows_history) != wanted:
        notes += await keeper.set_rules(
            group.chat,
            members_write=chat.members_write,
            hides_members=chat.hides_members,
            shows_history=True,
        )
    await shut_doors(context, keeper, group)
    notes += await bring_support(context, messenger, keeper, group, there)
    return notes


async def shut_doors(context: Context, keeper: ChatKeeper, group: Group) -> None:
    """Revoke what lets in without a question, and links of ours that nobody knows of.

    That goes for links that somebody made by hand with this account, too. A messenger may put a new default
    link in the place of a revoked one. Nobody was ever given that one; it is noted down, and another is
    revoked again.
    """
    with context.database.read() as connection:
        door = _record(connection, group).door
        ours = links.of_group(connection, group)
    known, marks = {one.link for one in ours}, {one.mark for one in ours}
    shut = []
    for one in await keeper.links(group.chat):
        is_lost = one.mark.startswith(links.MARK) and one.mark not in marks
        is_open = not one.needs_approval and one.link != door
        if one.link not in known and (is_open or is_lost):
            await keeper.revoke(group.chat, one.link)
            shut.append(one)
    if any(one.is_default for one in shut):
        fresh = next((one.link for one in await keeper.links(group.chat) if one.is_default), "")
        with context.database.write() as connection:
            chats.put(connection, group, {"door": fresh})


async def bring_support(
    context: Context, messenger: Messenger, keeper: ChatKeeper, group: Group, there: Sequence[Person]
) -> list[str]:
    """Let the support accounts into the chat, as admins, so that they may write to members privately."""
    notes = []
    for account in context.setting.accounts.values():
        if account.role != "support" or account.messenger != messenger.name:
            continue
        if _is_admin(context, account, there):
            continue
        try:
            await _bring(context, keeper, group, account)
        except AccountProblem as error:
            notes.append(f"{account.name} has not joined the chat: {error.message} {error.hint}".strip())
        except VipcastError as error:
            notes.append(f"{account.name} has not joined the chat yet: {error.message}")
    return notes


def _is_admin(context: Context, account: Account, there: Sequence[Person]) -> bool:
    with context.database.read() as connection:
        own = people.own(connection, [account.name])
    return any(people.is_own(one, own) and one.role is not ChatRole.MEMBER for one in there)


async def _bring(context: Context, keeper: ChatKeeper, group: Group, account: Account) -> None:
    async with context.borrow(account.name) as helper:
        me = (await helper.open()).details.get("id", "")
        with context.database.write() as connection:
            people.note_own(connection, account.name, me)
        way = helper.keeper()
        person = _with_id(await keeper.people(group.chat), me)
        if person is None and way is not None:
            mark = f"{links.MARK}{account.name}"[:32]
            link = await keeper.new_link(group.chat, mark, context.now() + _HELPER_LINK_LASTS)
            await way.follow(link)
            for request in await keeper.requests(group.chat):
                if request.person.id == me:
                    await keeper.admit(group.chat, request.person, is_yes=True)
            await keeper.revoke(group.chat, link)
            person = _with_id(await keeper.people(group.chat), me)
    if person is not None and person.role is ChatRole.MEMBER:
        await keeper.promote(group.chat, person)


def _with_id(there: Sequence[Person], number: str) -> Person | None:
    return next((one for one in there if one.id == number), None)


async def pin(context: Context, keeper: ChatKeeper, group: Group) -> bool:
    """Pin the latest welcome that has arrived; what the shop pinned itself stays. Return whether it hangs."""
    with context.database.read() as connection:
        chat = _record(connection, group)
        ours = saying.welcomed(connection, group, chat)
    if not ours:
        return False
    pinned = (await keeper.look(group.chat)).pinned
    if pinned != ours[-1] and (not pinned or pinned in ours):
        await keeper.pin(group.chat, ours[-1])
    return True


def _record(connection: Connection, group: Group) -> GroupChat:
    chat = chats.of(connection, group)
    if chat is None:
        raise InputError(
            f"The group {group.name!r} has no chat of its own.",
            hint=f"Make one: vipcast group edit {group.as_typed} --mode chat",
        )
    return chat
