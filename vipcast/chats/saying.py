"""What vipcast says in a group's chat and to newcomers: queued in the ledger, each of them once.

The lane is that of conversations: these are no news, and wait for no quiet hours. The pinned welcome is
known again by its purpose, so that whoever pins it need not be the one who sent it.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from vipcast.announcements.planning import Route, view_of
from vipcast.announcements.rendering import GroupView
from vipcast.announcements.templates import TemplateFault
from vipcast.chats import people
from vipcast.chats.context import Context, owner_of
from vipcast.config import Account
from vipcast.conversations.replies import ReplyName
from vipcast.conversations.setting import Setting
from vipcast.delivery.outcomes import ARRIVED
from vipcast.delivery.talk import Kind, Saying, say
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Member
from vipcast.messengers.base import Capabilities, Message
from vipcast.storage.tables import deliveries

log = logging.getLogger(__name__)


def about(setting: Setting, group: Group, chat: GroupChat) -> str:
    """Return the chat's description: what it is for, and where to ask privately.

    Raises:
        TemplateFault: the group's purpose is too long for it.

    """
    return in_chat(setting, "about", group, chat).text


def in_chat(setting: Setting, name: ReplyName, group: Group, chat: GroupChat) -> Message:
    """Return one of the texts that all in a chat read, in the chat's language.

    Raises:
        TemplateFault: the shop's own text is wrong.

    """
    account = owner_of(setting, group)
    return _compose(setting, name, group, chat, setting.capabilities[account.name], account.messenger)


def _compose(
    setting: Setting,
    name: ReplyName,
    group: Group,
    chat: GroupChat,
    capabilities: Capabilities,
    messenger: str,
) -> Message:
    values = {"members_write": "yes" if chat.members_write else ""} if name == "chat_welcome" else {}
    return setting.replies.to_chat(
        name,
        view(group),
        language=setting.language_of(chat.language),
        formal=setting.is_formal,
        capabilities=capabilities,
        messenger=messenger,
        **values,
    )


def to_paste(
    setting: Setting, name: ReplyName, group: Group, chat: GroupChat, capabilities: Capabilities
) -> Message:
    """Return a text of a chat that is kept by hand, as its network's app formats it.

    Raises:
        TemplateFault: the shop's own text is wrong.

    """
    return _compose(setting, name, group, chat, capabilities, chat.messenger)


def check(setting: Setting, account: Account, group: Group, chat: GroupChat) -> None:
    """Make every text that making a chat needs, so that none fails half-way.

    Raises:
        TemplateFault: the shop's own text is wrong, or the group's purpose is too long.

    """
    for name in ("about", "chat_welcome"):
        capabilities = setting.capabilities[account.name]
        _compose(setting, name, group, chat, capabilities, account.messenger)


def view(group: Group) -> GroupView:
    return GroupView(group.name, group.purpose, group.cap)


def private(
    setting: Setting, name: ReplyName, member: Member, route: Route, group: Group, **values: str
) -> Message:
    """Return a text to one member, over a route.

    Raises:
        TemplateFault: the shop's own text is wrong.

    """
    seen = view_of(
        member,
        shop_language=setting.language,
        shop_is_formal=setting.is_formal,
        messenger=route.account.messenger,
    )
    return setting.replies.message(name, seen, route.capabilities, group=view(group), **values)


def welcome(
    connection: Connection, context: Context, group: Group, chat: GroupChat, *, again: str = ""
) -> int | None:
    """Queue the welcome for the chat; the same text is said once, and with another `again` once more."""
    message = in_chat(context.setting, "chat_welcome", group, chat)
    digest = hashlib.blake2b(f"{message.text}\0{again}".encode(), digest_size=6).hexdigest()
    return _say_in(connection, context, group, chat, message, f"{_welcomes(group, chat)}{digest}")


def goodbye(connection: Connection, context: Context, group: Group, chat: GroupChat) -> int | None:
    """Queue the last words for the chat, once."""
    message = in_chat(context.setting, "goodbye", group, chat)
    return _say_in(connection, context, group, chat, message, f"goodbye:{group.id}:{chat.mark}")


def welcomed(connection: Connection, group: Group, chat: GroupChat) -> list[str]:
    """Return the messenger's numbers of the welcomes that have arrived in the chat, the latest last."""
    query = (
        select(deliveries.c.remote_id)
        .where(
            deliveries.c.group_id == group.id,
            deliveries.c.purpose.startswith(_welcomes(group, chat), autoescape=True),
            deliveries.c.state.in_(ARRIVED),
            deliveries.c.remote_id != "",
        )
        .order_by(deliveries.c.id)
    )
    return list(connection.execute(query).scalars())


def greet(connection: Connection, context: Context, group: Group, now: datetime) -> list[int]:
    """Queue a private greeting to each newcomer, once ever for a group; return the members."""
    account = context.account(group)
    route = Route(account, context.setting.capabilities[account.name])
    found = []
    for one in people.known(connection, group).values():
        if one.state != people.THERE or one.member_id is None or one.greeted_at is not None:
            continue
        people.change(connection, group, one.person, greeted_at=now)
        state = consent.states_of(connection, [one.member_id]).get(one.member_id)
        if state is not ConsentState.OPTED_IN:
            continue
        (member,) = roster.load(connection, [one.member_id])
        here = [a.address for a in member.addresses if a.messenger == account.messenger and a.state == "ok"]
        if not here:
            continue
        saying = Saying(
            kind=Kind.AUTOMATIC,
            account=account.name,
            messenger=account.messenger,
            address=here[0],
            message=_greeting(context.setting, member, route, group),
            member_id=member.id,
            purpose=f"greeting:{group.id}:{member.id}",
            language=member.language,
        )
        if say(connection, saying, new_key=context.setting.new_key, now=now) is not None:
            found.append(member.id)
    return found


def _greeting(setting: Setting, member: Member, route: Route, group: Group) -> Message:
    """Return the greeting; the built-in one where the shop's own is wrong, for nobody is there to mend it."""
    try:
        return private(setting, "greeting", member, route, group)
    except TemplateFault as fault:
        log.warning("the shop's own greeting cannot be used: %s (%s)", fault.message, fault.where)
        return private(replace(setting, replies=setting.builtin_replies), "greeting", member, route, group)


def _say_in(
    connection: Connection, context: Context, group: Group, chat: GroupChat, message: Message, purpose: str
) -> int | None:
    account = context.account(group)
    saying = Saying(
        kind=Kind.AUTOMATIC,
        account=account.name,
        messenger=account.messenger,
        address=group.chat,
        message=message,
        group_id=group.id,
        purpose=purpose,
        language=chat.language,
    )
    return say(connection, saying, new_key=context.setting.new_key, now=context.now())


def _welcomes(group: Group, chat: GroupChat) -> str:
    return f"chat-welcome:{group.id}:{chat.mark}:"
