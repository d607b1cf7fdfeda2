"""`vipcast announcement`: what was announced, and what is left of it."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_members
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, resume, pause, cancel and retry announcements.",
)

Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The announcement's number.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list", cls=Command, epilog="Example: vipcast announcement list")
def list_all(ctx: typer.Context) -> Result:
    """List announcements, the latest first."""
    from vipcast.cli.announcement_views import list_view

    with ctx.obj.shop() as shop:
        return list_view(shop)


@app.command(cls=Command, epilog="Example: vipcast announcement show 3")
def show(
    ctx: typer.Context,
    number: Annotated[int | None, typer.Argument(help="The announcement's number; else the latest.")] = None,
) -> Result:
    """Show what each member got, or why not."""
    from vipcast.cli.announcement_views import show_view

    with ctx.obj.shop() as shop:
        return show_view(shop, number)


@app.command(cls=Command, epilog="Example: vipcast announcement resume 3")
def resume(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Argument(help="The announcement's number; else all unfinished.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send at most so many now.")] = None,
) -> Result:
    """Go on with what was interrupted, paused or held back."""
    from vipcast.cli.announcement_views import resume_announcements

    with ctx.obj.shop() as shop:
        return resume_announcements(ctx.obj, shop, number, limit)


@app.command(cls=Command, epilog="Example: vipcast announcement pause 3")
def pause(ctx: typer.Context, number: Number) -> Result:
    """Hold an announcement: nothing more of it leaves until it is resumed."""
    from vipcast.cli.announcement_views import pause_announcement

    with ctx.obj.shop() as shop:
        return pause_announcement(shop, number)


@app.command(cls=Command, epilog="Example: vipcast announcement cancel 3 --yes")
def cancel(ctx: typer.Context, number: Number, yes: Yes = False) -> Result:
    """End an announcement; what has not left is never sent."""
    from vipcast.cli.announcement_views import cancel_announcement

    with ctx.obj.shop() as shop:
        return cancel_announcement(ctx.obj, shop, number, yes=yes)


@app.command(cls=Command, epilog="Example: vipcast announcement retry 3 --unknown --yes")
def retry(
    ctx: typer.Context,
    number: Number,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also those that may have arrived: they may come twice.")
    ] = False,
    yes: Yes = False,
) -> Result:
    """Try failed deliveries again, on another messenger where the first cannot work."""
    from vipcast.cli.announcement_views import retry_announcement

    with ctx.obj.shop() as shop:
        return retry_announcement(ctx.obj, shop, number, with_unknown=unknown, yes=yes)


@app.command(cls=Command, epilog='Example: vipcast announcement recall 3 --only "Kovács Anna" --yes')
def recall(
    ctx: typer.Context,
    number: Number,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this member; may be given again.", autocompletion=complete_members),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Put the template's present text in its place; pictures stay.")
    ] = False,
    yes: Yes = False,
) -> Result:
    """Take back what was sent, for both sides, where the messenger can; or edit it."""
    from vipcast.cli.recalling import recall_announcement

    with ctx.obj.shop() as shop:
        return recall_announcement(ctx.obj, shop, number, only or [], is_edit=edit, yes=yes)


@app.command(cls=Command, epilog="Example: vipcast announcement approve 7")
def approve(
    ctx: typer.Context,
    number: Number,
    yes: Yes = False,
    by: Annotated[str, typer.Option("--by", help="Who approves; you, if not said.")] = "",
) -> Result:
    """Say yes to an announcement that waits for it, and send it."""
    from vipcast.cli.approving import approve as approve_it

    with ctx.obj.shop() as shop:
        return approve_it(ctx.obj, shop, number, yes=yes, by=by)


@app.command(cls=Command, epilog="Example: vipcast announcement reject 7")
def reject(
    ctx: typer.Context,
    number: Number,
    by: Annotated[str, typer.Option("--by", help="Who rejects; you, if not said.")] = "",
) -> Result:
    """Say no to an announcement that waits for approval: nothing of it is sent."""
    from vipcast.cli.approving import reject as reject_it

    with ctx.obj.shop() as shop:
        return reject_it(shop, number, by=by)


@app.command(cls=Command, epilog='Example: vipcast announcement done 7 --by Zita --at "2026-11-22 10:00"')
def done(
    ctx: typer.Context,
    number: Number,
    by: Annotated[str, typer.Option("--by", help="Who posted it; you, if not said.")] = "",
    at: Annotated[str, typer.Option("--at", help="When; now, if not said.")] = "",
) -> Result:
    """Note that all of an announcement that was to be posted by hand is posted."""
    from vipcast.cli.hand_views import announcement_done

    with ctx.obj.shop() as shop:
        return announcement_done(shop, number, by=by, at=at)
