"""Who is in a group's chat, at the terminal: invited, compared with the seats, let in, taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vipcast.chats import inviting, making, syncing
from vipcast.chats.inviting import Invited
from vipcast.cli.chat_options import ChatOptions
from vipcast.cli.group_making import finish, kept_chat, run, set_up
from vipcast.cli.group_views import done_view, invited_view, synced_view
from vipcast.cli.result import Result, Table, note
from vipcast.cli.terminal import show
from vipcast.errors import InputError, NothingToDo
from vipcast.groups import chats
from vipcast.members import roster
from vipcast.messengers.base import AddressInvalid
from vipcast.shop_chats import context_of

if TYPE_CHECKING:
    from vipcast.chats.context import Context
    from vipcast.chats.inviting import Invitee
    from vipcast.cli.terminal import Terminal
    from vipcast.groups.seats import Group
    from vipcast.messengers.base import Messenger
    from vipcast.shop import Shop


@dataclass(frozen=True, slots=True)
class InviteOptions:
    """What `group invite` was told."""

    only: Sequence[str]
    again: bool = False
    adds: bool = False
    is_dry_run: bool = False
    yes: bool = False


def invite(terminal: Terminal, shop: Shop, name: str, options: InviteOptions) -> Result:
    """Invite those with a seat who are not in the chat."""
    group, chat = kept_chat(shop, name)
    context = context_of(shop)
    with shop.database.read() as connection:
        left = inviting.unsent(connection, group, shop.now())
    if left is not None and options.yes:  # an earlier run that was cut short
        note(f"Going on with announcement {left.id}.")
        _invited(terminal, shop, group, Invited(announcement=left))
    chosen = _chosen(shop, context, group, options)
    preview, data = invited_view(chosen)
    number = sum(not one.skip for one in chosen)
    if not number and left is not None and options.yes:
        return Result(
            {**data, "announcement": left.id}, [preview, f"Announcement {left.id} has been finished."]
        )
    if not number:
        raise NothingToDo(
            f"There is nobody to invite into the chat of {group.name}.",
            hint=f"See `vipcast group show {group.as_typed}`; who has a link gets another with --again.",
        )
    if options.is_dry_run:
        return Result({**data, "dry_run": True}, [preview, "Dry run: nobody was invited."])
    if not options.yes:
        show(terminal, [preview])
        if not terminal.confirm(f"Invite {number} member{'s' * (number != 1)}?"):
            return Result(data, ["Nobody was invited."], exit_code=3)
    if chat.state == chats.MAKING:
        set_up(shop, group, ChatOptions())
        group, chat = kept_chat(shop, name)

    async def work(context: Context, messenger: Messenger) -> Invited:
        keeper = making.keeper_of(messenger)
        return await inviting.invite(context, keeper, group, chosen, adds=options.adds)

    done = run(shop, context, group.chat_account, work)
    result = _invited(terminal, shop, group, done)
    result.view = [*([preview] if options.yes else []), *result.view]
    result.data |= data
    return result


def _chosen(shop: Shop, context: Context, group: Group, options: InviteOptions) -> list[Invitee]:
    with shop.database.read() as connection:
        members = [roster.find(connection, text) for text in options.only]
        ids = [one.id for one in members] if members else None
        chosen = inviting.candidates(connection, context, group, only=ids, again=options.again)
    for member in members:
        if all(one.member.id != member.id for one in chosen):
            raise InputError(
                f"{member.name} is in the chat already, or has no seat in {group.name}.",
                hint=f"See `vipcast group show {group.as_typed}`.",
            )
    return chosen


def _invited(terminal: Terminal, shop: Shop, group: Group, done: Invited) -> Result:
    """Send the links, and sum up."""
    from vipcast.cli.sending import drain

    result = drain(terminal, shop, done.announcement) if done.announcement else Result()
    view = list(result.view)
    if done.added:
        view.append(f"Put in: {', '.join(done.added)}.")
    if done.later:
        view.append(
            f"Not today: {', '.join(done.later)}. {group.chat_account} writes first to so many a day only "
            "(first_contacts_per_day in [limits]): messengers limit accounts that write to many people who "
            "never wrote to them. Run the same again tomorrow."
        )
    view.append(
        "Who follows a link is let in by `vipcast listen`; where that does not run, by "
        f"`vipcast group sync {group.as_typed} --yes`."
    )
    facts = {"added": done.added, "asked": done.asked, "later": done.later}
    return Result({**result.data, **facts}, view, result.problems, result.exit_code)


def sync(terminal: Terminal, shop: Shop, name: str, *, yes: bool, fix: bool) -> Result:
    """Compare seats and people; change nothing without a yes."""
    group, chat = kept_chat(shop, name)
    context = context_of(shop)
    if chat.state == chats.MAKING:
        if not (yes or (terminal.can_ask and terminal.confirm(f"Go on making the chat of {group.name}?"))):
            said = f"The chat of {group.name} is not finished: add --yes to go on with it."
            return Result({"state": chat.state}, [said])
        note("Going on with the chat.")
        set_up(shop, group, ChatOptions())
        group, _ = kept_chat(shop, name)

    def look(*, acts: bool) -> syncing.Synced:
        async def work(context: Context, messenger: Messenger) -> syncing.Synced:
            return await syncing.sync(context, messenger, group, acts=acts, fixes=acts and fix)

        try:
            return run(shop, context, group.chat_account, work)
        except AddressInvalid as error:
            how = f'vipcast group edit {group.as_typed} --mode chat --chat ""'
            raise InputError(
                f"The chat of {group.name!r} is not to be found: {error.message}",
                hint=f"{error.hint} If it is gone, have another one made: {how}".strip(),
            ) from error

    found = look(acts=False)
    view, data = synced_view(shop, found, fix=fix)
    view += _missing(shop, context, group)
    if not yes:
        if found.is_in_order:
            return Result(data, view)
        if not terminal.can_ask:
            return Result(data, [*view, "Nothing was changed: add --yes to do it."])
        show(terminal, view)
        view = []
        if not terminal.confirm("Do this?"):
            return Result(data, ["Nothing was changed."], exit_code=3)
    done = look(acts=True)
    return _after(terminal, shop, done, view, data)


def _after(
    terminal: Terminal, shop: Shop, done: syncing.Synced, view: list[str | Table], data: dict[str, Any]
) -> Result:
    """Send what the sync has planned, and sum up."""
    from vipcast.cli.sending import drain

    finish(shop, context_of(shop), done.group.chat_account, done.group)
    said, facts = done_view(shop, done)
    result = Result(data | facts, [*view, *said])
    if done.invited is not None and done.invited.announcement is not None:
        sent = drain(terminal, shop, done.invited.announcement)
        result.data["invited"] = sent.data
        result.view = [*result.view, *sent.view]
        result.problems, result.exit_code = sent.problems, sent.exit_code
    return result


def _missing(shop: Shop, context: Context, group: Group) -> list[str | Table]:
    with shop.database.read() as connection:
        chosen = inviting.candidates(connection, context, group)
    if not chosen:
        return []
    asked = sum(one.skip == "invited" for one in chosen)
    open_ = sum(not one.skip for one in chosen)
    said = f"{len(chosen)} with a seat are not in the chat: {asked} invited, {open_} to be invited"
    return [f"{said} (vipcast group invite {group.as_typed})."]
