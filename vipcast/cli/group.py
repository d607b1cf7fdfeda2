"""`vipcast group`: capped groups, seats and waiting lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vipcast.cli.chat_options import ChatOptions
from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_groups, complete_members
from vipcast.cli.result import Result, Table
from vipcast.errors import InputError

if TYPE_CHECKING:
    from vipcast.groups import seats
    from vipcast.shop import Shop

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make capped groups, give seats, move members.",
)

GroupName = Annotated[str, typer.Argument(help="The group's name.", autocompletion=complete_groups)]
Mode = Annotated[
    str,
    typer.Option(
        help="direct: each member gets a private message. chat: a group on Telegram that vipcast keeps. "
        "by-hand: a group where no program can write. Without it: direct."
    ),
]
Title = Annotated[str | None, typer.Option(help="The chat's title; else the shop's and group's names.")]
Picture = Annotated[Path | None, typer.Option(help="The chat's picture.", dir_okay=False)]
Language = Annotated[str | None, typer.Option(help="In which language the chat is kept; else the shop's.")]
Talk = Annotated[
    bool | None, typer.Option("--talk/--no-talk", help="Whether members may write in the chat; else not.")
]
HideMembers = Annotated[
    bool | None,
    typer.Option("--hide-members/--show-members", help="Whether members see each other in the list."),
]
On = Annotated[str, typer.Option(help="by-hand: the network, such as viber or whatsapp.")]
Link = Annotated[str | None, typer.Option(help="by-hand: the link that opens the chat.")]
MemberNames = Annotated[
    list[str], typer.Argument(help="Names, addresses or #numbers.", autocompletion=complete_members)
]


@app.command(cls=Command, epilog='Example: vipcast group create gold --cap 15 --purpose "News first"')
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The new group's name.")],
    cap: Annotated[int, typer.Option(help="How many seats, 1 to 20.")] = 15,
    purpose: Annotated[str, typer.Option(help="What the group is for; members may read it.")] = "",
    mode: Mode = "",
    account: Annotated[str, typer.Option(help="The account that owns its chat.")] = "",
    title: Title = None,
    picture: Picture = None,
    language: Language = None,
    talk: Talk = None,
    hide_members: HideMembers = None,
    on: On = "",
    link: Link = None,
) -> Result:
    """Make a group with a cap, and with --mode chat its own chat."""
    from vipcast.groups import seats

    seats.check_cap(cap)  # before any messenger is asked
    with ctx.obj.shop() as shop:
        options = ChatOptions(mode or None, account, title, picture, language, talk, hide_members, on, link)
        making = _making() if options.are_given else None
        if making is not None:
            making.check(shop, options, seats.Group(0, name, cap, purpose, "direct", shop.now(), None))
        begin = making.beginner(shop, options) if making is not None else None
        with shop.database.write() as connection:
            group = seats.create(connection, name, cap=cap, purpose=purpose, now=shop.now())
            if begin is not None:
                begin(connection, group)
                group = seats.get(connection, group.name)
        said = making.set_up(shop, group, options) if making is not None else []
        with shop.database.read() as connection:
            group = seats.get(connection, group.name)
    next_step = f"Seat members: vipcast group add {group.as_typed} MEMBER   (or member import … --group)"
    return Result(group, [f"The group {group.name} has {group.cap} seats.", *said, next_step])


@app.command("list", cls=Command, epilog="Example: vipcast group list")
def list_groups(ctx: typer.Context) -> Result:
    """Show all groups with their seats and waiting lists."""
    from vipcast.groups import seats

    with ctx.obj.shop() as shop, shop.database.read() as connection:
        found = seats.everything(connection)
    if not found:
        return Result([], ["No groups yet. Make one: vipcast group create gold --cap 15"])
    rows = [
        (g.name, f"{g.seated} of {g.cap}", g.waiting, "closed" if g.closed_at else g.mode, g.purpose)
        for g in found
    ]
    return Result(found, [Table(("group", "seats", "waiting", "mode", "purpose"), rows)])


@app.command(cls=Command, epilog="Example: vipcast group show gold")
def show(ctx: typer.Context, group: GroupName) -> Result:
    """Show who sits in a group, who waits, where each is reached, and what to do about it."""
    from vipcast.cli.group_show import group_view

    with ctx.obj.shop() as shop:
        return group_view(shop, group)


@app.command(cls=Command, epilog="Example: vipcast group edit gold --cap 18")
def edit(
    ctx: typer.Context,
    group: GroupName,
    cap: Annotated[int | None, typer.Option(help="The new cap; a larger one seats who waits.")] = None,
    purpose: Annotated[str | None, typer.Option(help="The new purpose.")] = None,
    chat: Annotated[
        str | None,
        typer.Option(
            help="Its chat: the title or number; '' for none. Questions there are answered privately; "
            "with --mode chat vipcast keeps it from now on."
        ),
    ] = None,
    mode: Annotated[str | None, typer.Option(help="direct, chat or by-hand.")] = None,
    account: Annotated[str, typer.Option(help="The account that is in the chat.")] = "",
    title: Title = None,
    picture: Picture = None,
    language: Language = None,
    talk: Talk = None,
    hide_members: HideMembers = None,
    on: On = "",
    link: Link = None,
) -> Result:
    """Change a group's cap, purpose, mode or chat; questions in the chat are answered privately."""
    from dataclasses import replace

    from vipcast.groups import chats, seats

    options = ChatOptions(mode, account, title, picture, language, talk, hide_members, on, link, chat)
    with ctx.obj.shop() as shop:
        with shop.database.read() as connection:
            found = seats.get(connection, group)
        # A chat that vipcast keeps tells the purpose, and is never just another one that is heard.
        is_kept = found.mode == "chat" and (purpose, chat) != (None, None)
        making = _making() if options.are_given or is_kept else None
        if making is not None:
            making.check(shop, options, replace(found, purpose=found.purpose if purpose is None else purpose))
        is_heard = chat is not None and making is None
        name, address = _chat_of(shop, chat or "", account) if is_heard else ("", "")
        with shop.database.write() as connection:
            found = seats.get(connection, group)
            if is_heard:
                chats.move(connection, found, name if address else "", address)
            risen = seats.edit(connection, found, cap=cap, purpose=purpose, now=shop.now())
            after = seats.get(connection, found.name)
        heard = [f"{name} hears its chat ({address})."] if address else []
        heard += making.set_up(shop, after, options) if making is not None else []
        with shop.database.read() as connection:
            after = seats.get(connection, after.name)
    said = f"{after.name}: {after.seated} of {after.cap} seats taken, {after.waiting} waiting."
    return Result({"group": after, "seated_now": risen}, [said, *heard, *_risen(risen)])


def _making() -> Any:
    """Return what sets up chats: it is heavy, and most groups have none."""
    from vipcast.cli import group_making

    return group_making


def _chat_of(shop: Shop, chat: str, account: str) -> tuple[str, str]:
    """Return (account, address) of a chat; the first account that announces on a messenger with chats."""
    import asyncio

    from vipcast.shop_desk import find_chat

    able = [
        one.name
        for one in shop.announcing_accounts()
        if shop.messenger_class(one.messenger).capabilities_of(one).threads
    ]
    name = shop.config.account(account).name if account else next(iter(able), "")
    if not name:
        raise InputError("No account announces on a messenger that has group chats.", hint="Use Telegram.")
    return name, asyncio.run(find_chat(shop, name, chat)) if chat else ""


@app.command(cls=Command, epilog='Example: vipcast group add gold "Kovács Anna"')
def add(ctx: typer.Context, group: GroupName, members: MemberNames) -> Result:
    """Give members a seat, or a place on the waiting list."""
    from vipcast.groups import seats
    from vipcast.members import roster

    with ctx.obj.shop() as shop, shop.database.write() as connection:
        found = seats.get(connection, group)
        people = [roster.find(connection, text) for text in members]
        places = [(m, seats.take_seat(connection, found, m.id, now=shop.now())) for m in people]
    data = [{"member": m.name, "member_id": m.id, "place": place} for m, place in places]
    return Result(data, [f"{m.name}: {place} in {found.name}." for m, place in places])


@app.command(cls=Command, epilog='Example: vipcast group remove gold "Kovács Anna"')
def remove(ctx: typer.Context, group: GroupName, members: MemberNames) -> Result:
    """Free members' seats; the waiting list moves up."""
    from vipcast.groups import chats, seats
    from vipcast.members import roster

    with ctx.obj.shop() as shop, shop.database.write() as connection:
        found = seats.get(connection, group)
        people = [roster.find(connection, text) for text in members]
        risen = [i for m in people for i in seats.leave(connection, found, m.id, now=shop.now())]
        names = [m.name for m in roster.load(connection, risen)]
        chats.touch(connection, found, shop.now())
    view = [f"{m.name} left {found.name}." for m in people]
    view += [*_named(names), *_in_chat(found)]
    return Result({"removed": [m.id for m in people], "seated_now": risen}, view)


@app.command(cls=Command, epilog='Example: vipcast group move "Kovács Anna" --from gold --to silver')
def move(
    ctx: typer.Context,
    member: Annotated[str, typer.Argument(help="Who moves.", autocompletion=complete_members)],
    source: Annotated[str, typer.Option("--from", help="The old group.", autocompletion=complete_groups)],
    target: Annotated[str, typer.Option("--to", help="The new group.", autocompletion=complete_groups)],
) -> Result:
    """Move a member to another group in one step."""
    from vipcast.groups import chats, seats
    from vipcast.members import roster

    with ctx.obj.shop() as shop, shop.database.write() as connection:
        old, new = seats.get(connection, source), seats.get(connection, target)
        person = roster.find(connection, member)
        place, risen = seats.move(connection, person.id, old, new, now=shop.now())
        chats.touch(connection, old, shop.now())
        names = [m.name for m in roster.load(connection, risen)]
    said = f"{person.name} left {old.name} and is {place} in {new.name}."
    view = [said, *_named(names), *_in_chat(old)]
    return Result({"member_id": person.id, "place": place, "seated_now": risen}, view)


@app.command(cls=Command, epilog="Example: vipcast group invite gold --yes")
def invite(
    ctx: typer.Context,
    group: GroupName,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this member.", autocompletion=complete_members)
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also who has a link that still works.")] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Put in who wrote to the account or is its contact; a link else.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show whom.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Result:
    """Send each member a personal link into the group's chat, on the messenger they have."""
    from vipcast.cli.group_chats import InviteOptions, invite

    options = InviteOptions(only or [], again, add, dry_run, yes)
    with ctx.obj.shop() as shop:
        return invite(ctx.obj, shop, group, options)


@app.command(cls=Command, epilog="Example: vipcast group sync gold --yes --fix")
def sync(
    ctx: typer.Context,
    group: GroupName,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it the difference is shown.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Also take out who has no seat.")] = False,
) -> Result:
    """Compare a group's seats with the people in its chat, and put both right."""
    from vipcast.cli.group_chats import sync

    with ctx.obj.shop() as shop:
        return sync(ctx.obj, shop, group, yes=yes, fix=fix)


@app.command(cls=Command, epilog="Example: vipcast group welcome gold")
def welcome(ctx: typer.Context, group: GroupName) -> Result:
    """Say once more in the chat what it is for, and pin it."""
    from vipcast.cli.group_making import welcome

    with ctx.obj.shop() as shop:
        return welcome(shop, group)


@app.command(cls=Command, epilog="Example: vipcast group close gold --yes")
def close(
    ctx: typer.Context,
    group: GroupName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Result:
    """Close a group: goodbye is said in its chat, nothing is sent to it any more; its record stays."""
    from vipcast.groups import seats

    with ctx.obj.shop() as shop:
        with shop.database.read() as connection:
            found = seats.get(connection, group)
        if not yes and not ctx.obj.confirm(f"Close {found.name} with {found.seated} members?"):
            return Result(view=["Nothing was changed."], exit_code=3)
        said = []
        if found.mode != "direct" or found.chat:
            from vipcast.cli.group_making import close

            said = close(shop, found)
        with shop.database.write() as connection:
            seats.close(connection, found, now=shop.now())
    return Result({"closed": found.name}, [*said, f"{found.name} is closed."])


def _risen(ids: list[int]) -> list[str]:
    return [f"{len(ids)} moved up from the waiting list."] if ids else []


def _named(names: list[str]) -> list[str]:
    return [f"Moved up from the waiting list: {', '.join(names)}."] if names else []


def _in_chat(group: seats.Group) -> list[str]:
    """Return what is to be done in a group's chat where a seat was freed."""
    if group.mode == "by-hand":
        return ["Take them out of the chat by hand, and let in who moved up."]
    how = f"vipcast group sync {group.as_typed} --yes --fix"
    return [f"Who is still in the chat is taken out by: {how}"] if group.mode == "chat" else []
