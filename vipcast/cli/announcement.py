"""`vipcast announcement`: what was announced, and what is left of it."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, resume, pause, cancel and retry announcements.",
)

Number = Annotated[int, typer.Argument(help="The announcement's number.")]
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
