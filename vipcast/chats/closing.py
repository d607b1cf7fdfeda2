"""Closing a group's chat: nobody writes or comes in any more, and it is put away. Nothing is deleted."""

from __future__ import annotations

from vipcast.chats import links
from vipcast.chats.context import Context
from vipcast.chats.making import keeper_of
from vipcast.groups import chats
from vipcast.groups.seats import Group
from vipcast.messengers.base import AddressInvalid, Messenger


async def close(context: Context, messenger: Messenger, group: Group) -> bool:
    """Shut a chat after the last words have gone out; return False where it is not there any more.

    What was done already is done again without harm: a close that was cut short is repeated.
    """
    keeper = keeper_of(messenger)
    try:
        for one in await keeper.requests(group.chat):
            await keeper.admit(group.chat, one.person, is_yes=False)
        for link in await keeper.links(group.chat):
            if not link.is_default:  # in its place there would only be another one, which nobody has
                await keeper.revoke(group.chat, link.link)
        await keeper.set_rules(group.chat, members_write=False, hides_members=False, shows_history=True)
        await keeper.archive(group.chat)
        is_there = True
    except AddressInvalid:
        is_there = False
    with context.database.write() as connection:
        now = context.now()
        links.end(connection, [one.id for one in links.of_group(connection, group)], links.REVOKED, now)
        chats.put(connection, group, {"state": chats.CLOSED, "closed_at": now})
    return is_there
