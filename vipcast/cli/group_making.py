"""A group's own chat at the terminal: made, changed, welcomed to, closed; and groups kept by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from vipcast.by_hand import BY_HAND, NETWORKS
from vipcast.chats import closing, making, saying
from vipcast.chats.context import Context
from vipcast.chats.making import Wishes
from vipcast.cli.chat_options import ChatOptions
from vipcast.cli.clipboard import copy
from vipcast.cli.result import Result
from vipcast.config import LANGUAGES
from vipcast.errors import InputError, did_you_mean
from vipcast.groups import chats, seats
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group
from vipcast.messengers.base import AccountProblem, AddressInvalid, Messenger
from vipcast.messengers.base_chats import TITLE_LIMIT
from vipcast.shop import Shop
from vipcast.shop_chats import chat_account, context_of
from vipcast.shop_desk import find_chat, setting_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.conversations.replies import ReplyName

T = TypeVar("T")


def check(shop: Shop, options: ChatOptions, group: Group) -> None:
    """Refuse what cannot be, before anything is written; `group` is as it is to be, but for its chat.

    Raises:
        InputError: a mode, network, language or picture that is not there, flags that do not go together, or
            a purpose that is too long for a chat's description.
        SendError: the account that is to own the chat cannot be used.

    """
    if group.closed_at:
        raise InputError(f"The group {group.name!r} is closed.", hint="See `vipcast group list`.")
    mode = options.mode or group.mode
    if mode not in chats.MODES:
        raise InputError(
            f"There is no mode {mode!r}.",
            hint="direct: each member gets a private message. chat: a group on Telegram that vipcast keeps. "
            "by-hand: a group where no program can write.",
        )
    wrong = {
        chats.DIRECT: options.about_chat,
        chats.CHAT: [flag for flag in options.about_chat if flag in ("--on", "--link")],
        BY_HAND: [f for f in options.about_chat if f in ("--picture", "--talk", "--hide-members")],
    }[mode]
    if wrong:
        raise InputError(f"{wrong[0]} makes no sense for a group in the mode {mode}.", hint="Add --mode.")
    if options.language not in (None, "", *LANGUAGES):
        raise InputError(
            f"There are no texts in {options.language!r}.", hint=f"Choose one of {', '.join(LANGUAGES)}."
        )
    if options.picture is not None and not options.picture.is_file():
        raise InputError(
            f"There is no picture {options.picture}.", hint="Name a file.", where=str(options.picture)
        )
    if options.title is not None and not 0 < len(options.title) <= TITLE_LIMIT:
        raise InputError(
            f"A chat's title has 1 to {TITLE_LIMIT} characters.", hint=f"This one has {len(options.title)}."
        )
    if mode == chats.CHAT:
        _check_chat(shop, options, group)
    names_network = mode == BY_HAND and (options.mode or options.network)
    if names_network and shop.network(options.network) is None:
        raise _no_network(options.network)
    if options.network and options.link:
        _link(shop, options.network, options.link)


def _check_chat(shop: Shop, options: ChatOptions, group: Group) -> None:
    account, context = chat_account(shop, options.account or group.chat_account), context_of(shop)
    with shop.database.read() as connection:
        known = chats.of(connection, group) if group.id else None
    chat = known or GroupChat.to_be(group.id, account.messenger, shop.now())
    wished = replace(
        chat,
        language=chat.language if options.language is None else options.language,
        members_write=chat.members_write if options.talk is None else options.talk,
    )
    saying.check(context.setting, account, group, wished)
    if options.mode:
        run(shop, context, account.name, _nothing)


async def _nothing(context: Context, messenger: Messenger) -> None:
    """Do nothing with an account but open it."""
    del context, messenger


def _link(shop: Shop, name: str, link: str) -> str:
    """Return the one spelling of a link to a chat on a network."""
    network = shop.network(name)
    if network is None:
        raise _no_network(name)
    try:
        return network.normalise_chat(link)
    except AddressInvalid as error:
        raise InputError(error.message, hint=error.hint, where=link) from error


def _no_network(name: str) -> InputError:
    known = did_you_mean(name, NETWORKS) or f"One of: {', '.join(NETWORKS)}."
    return InputError(
        f"There is no network {name!r} that is kept by hand." if name else "On which network is the group?",
        hint=f"Say it with --on, such as --on viber. {known if name else ''}".strip(),
    )


def set_up(shop: Shop, group: Group, options: ChatOptions) -> list[str]:
    """Give a group the chat it is to have, or change it; return what there is to say.

    Raises:
        InputError: the options do not fit together, or to the group.
        SendError: the messenger does not do it; what is left is done by `group sync --yes`.

    """
    mode = options.mode or group.mode
    if mode == BY_HAND:
        return _by_hand(shop, group, options)
    if mode == chats.DIRECT:
        return _direct(shop, group)
    return _on_messenger(shop, group, options)


def _direct(shop: Shop, group: Group) -> list[str]:
    with shop.database.write() as connection:
        chats.set_mode(connection, group, chats.DIRECT)
    stays = (
        f" Its chat stays as it is; to end it: vipcast group close {group.as_typed}." if group.chat else ""
    )
    return [f"Each member of {group.name} gets a private message.{stays}"]


def _by_hand(shop: Shop, group: Group, options: ChatOptions) -> list[str]:
    with shop.database.read() as connection:
        chat = chats.of(connection, group)
    name = options.network or (chat.messenger if chat and group.mode == BY_HAND else "")
    network = shop.network(name)
    if network is None:
        raise _no_network(name)
    link = chat.link if chat and options.link is None else options.link or ""
    if options.link:
        link = _link(shop, network.name, options.link)
    with shop.database.write() as connection:
        if group.mode == chats.CHAT and group.chat:
            chats.move(connection, group, "", "")
        chats.set_mode(connection, group, BY_HAND)
        values: dict[str, Any] = {"messenger": network.name, "state": chats.READY, "link": link}
        if chat is None:
            values |= {"made_at": shop.now(), "mark": "by-hand"}
        if options.language is not None:
            values["language"] = options.language
        if options.title is not None:
            values["title"] = options.title
        chats.put(connection, group, values)
    said = [f"{group.name} is kept by hand on {network.title}: what you send waits for you to post it."]
    if not link and network.chat_links:
        said.append(f"The link that opens it: vipcast group edit {group.as_typed} --link https://…")
    return said


def beginner(shop: Shop, options: ChatOptions) -> Callable[[Connection, Group], None]:
    """Return what writes down, in the transaction that makes a group, that it is to have a chat."""
    if options.mode != chats.CHAT:
        return lambda connection, group: None  # noqa: ARG005 - its other half, `set_up`, asks no network
    account, context = chat_account(shop, options.account), context_of(shop)

    def begin(connection: Connection, group: Group) -> None:
        making.begin(connection, context, group, account, _wishes(options), _title(shop, group))

    return begin


def _title(shop: Shop, group: Group) -> str:
    return f"{shop.config.shop.name} – {group.name}"


def _wishes(options: ChatOptions) -> Wishes:
    return Wishes(
        options.title, options.picture.absolute() if options.picture else None, options.language,
        options.talk, options.hide_members,
    )  # fmt: skip


def _on_messenger(shop: Shop, group: Group, options: ChatOptions) -> list[str]:
    account = chat_account(shop, options.account or group.chat_account)
    wishes = _wishes(options)
    context = context_of(shop)
    found = asyncio.run(find_chat(shop, account.name, options.chat)) if options.chat else ""

    async def work(context: Context, messenger: Messenger) -> list[str]:
        keeper = making.keeper_of(messenger)
        title = (await keeper.look(found)).title if found else _title(shop, group)
        with shop.database.write() as connection:
            if options.chat is not None:  # another chat than before, or with "" a new one
                chats.move(connection, group, account.name if found else "", found)
            current = seats.get(connection, group.name)
            making.begin(connection, context, current, account, wishes, title, is_other=bool(found))
            current = seats.get(connection, group.name)
        if found:
            await making.adopt(context, keeper, current)
        return await making.make(context, messenger, keeper, current)

    notes = run(shop, context, account.name, work)
    notes += finish(shop, context, account.name, group)
    with shop.database.read() as connection:
        current = seats.get(connection, group.name)
        chat = chats.of(connection, current)
    where = f"{chat.title if chat else ''!r} on {account.messenger} ({current.chat})"
    return [
        f"{group.name} has its chat {where}, kept by {account.name}.",
        *notes,
        *([f"Now invite: vipcast group invite {group.as_typed}"] if group.seated else []),
    ]


def finish(shop: Shop, context: Context, account: str, group: Group) -> list[str]:
    """Send what waits to be said in the chat, and pin the welcome; return what is left to say."""
    asyncio.run(shop.dispatcher().drain_talk(account))

    async def work(context: Context, messenger: Messenger) -> bool:
        with context.database.read() as connection:
            current = seats.get(connection, group.name)
        return await making.pin(context, making.keeper_of(messenger), current)

    if run(shop, context, account, work):
        return []
    return ["The welcome is on its way; `vipcast group sync` or a running `vipcast listen` pins it."]


def run(shop: Shop, context: Context, account: str, work: Callable[[Context, Messenger], Awaitable[T]]) -> T:
    """Do something with an account's chats, alone; what stops the account is kept for `account list`."""

    async def alone() -> T:
        async with context.alone(account), context.borrow(account) as messenger:
            return await work(context, messenger)

    shop.dispatcher().refuse_if_stopped(account)
    try:
        return asyncio.run(alone())
    except AccountProblem as error:
        shop.dispatcher().note_problem(account, error)
        raise


def kept_chat(shop: Shop, name: str) -> tuple[Group, GroupChat]:
    """Return a group and its chat on a messenger.

    Raises:
        InputError: it has none that vipcast keeps.

    """
    with shop.database.read() as connection:
        group = seats.get(connection, name)
        chat = chats.of(connection, group)
    if group.mode != chats.CHAT or chat is None:
        by_hand = group.mode == BY_HAND
        raise InputError(
            f"The chat of {group.name!r} is kept by hand: no program can look into it." if by_hand
            else f"The group {group.name!r} has no chat of its own: each member gets a private message.",
            hint="" if by_hand else f"Make one: vipcast group edit {group.as_typed} --mode chat",
        )  # fmt: skip
    if group.closed_at:
        raise InputError(f"The group {group.name!r} is closed.", hint="See `vipcast group list`.")
    return group, chat


def welcome(shop: Shop, name: str) -> Result:
    """Say once more in the chat what it is for, and pin it."""
    with shop.database.read() as connection:
        group = seats.get(connection, name)
        chat = chats.of(connection, group)
    if group.mode == BY_HAND and chat is not None:
        return _to_paste(shop, group, chat, "chat_welcome")
    group, chat = kept_chat(shop, name)
    if chat.state != chats.READY:
        raise InputError(
            f"The chat of {group.name!r} is not finished yet.",
            hint=f"Go on with it: vipcast group sync {group.as_typed} --yes",
        )
    context = context_of(shop)
    context.account(group)
    with shop.database.write() as connection:
        saying.welcome(connection, context, group, chat, again=f"{shop.now():%Y-%m-%dT%H:%M}")
    notes = finish(shop, context, group.chat_account, group)
    return Result({"group": group.name, "pinned": not notes}, [f"{group.name}: welcomed again.", *notes])


def _to_paste(shop: Shop, group: Group, chat: GroupChat, name: ReplyName) -> Result:
    network = shop.network(chat.messenger)
    if network is None:
        raise InputError(f"vipcast does not know the network {chat.messenger!r} any more.")
    setting = setting_of(shop)
    message = saying.to_paste(setting, name, group, chat, network.capabilities)
    data = {"group": group.name, "text": message.text, "link": chat.link, "copied": copy(message.text)}
    return Result(data, [message.text, "", f"To be posted by hand on {chat.messenger}. {chat.link}".strip()])


def close(shop: Shop, group: Group) -> list[str]:
    """Say goodbye in a group's chat and shut it; return what there is to say.

    Raises:
        SendError: the messenger does not do it; the group is closed by the next try.

    """
    with shop.database.read() as connection:
        chat = chats.of(connection, group)
    if chat is None or chat.state == chats.CLOSED:
        return []
    if group.mode == BY_HAND:
        shown = _to_paste(shop, group, chat, "goodbye")
        with shop.database.write() as connection:
            chats.put(connection, group, {"state": chats.CLOSED, "closed_at": shop.now()})
        return [str(one) for one in shown.view]
    if not group.chat:
        return []
    context = context_of(shop)
    if group.chat_account not in shop.config.accounts:
        return [f"Its chat stays as it is: the account {group.chat_account!r} is gone."]
    run(shop, context, group.chat_account, _nothing)  # nothing is said where it cannot be shut afterwards
    with shop.database.write() as connection:
        saying.goodbye(connection, context, group, chat)
    asyncio.run(shop.dispatcher().drain_talk(group.chat_account))

    async def work(context: Context, messenger: Messenger) -> bool:
        return await closing.close(context, messenger, group)

    try:
        is_there = run(shop, context, group.chat_account, work)
    except AddressInvalid:
        is_there = False
    if not is_there:
        return ["Its chat is not there any more."]
    return ["Goodbye was said in its chat; nobody writes or comes in there any more, and it is archived."]
