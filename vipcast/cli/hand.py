"""`vipcast hand`: what a person posts on networks that no program can write to."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group, no_args_is_help=True, rich_markup_mode=None, help="Post by hand where no program can write."
)

_MOST = 2**63 - 1
_Numbers = Annotated[
    list[int], typer.Argument(min=1, max=_MOST, help="The tasks' numbers.", metavar="NUMBER...")
]
_By = Annotated[str, typer.Option("--by", help="Who does it; you, if not said.")]


@app.callback()
def hand() -> None:
    """Post by hand where no program can write."""


@app.command("list", cls=Command, epilog="Example: vipcast hand list")
def list_all(ctx: typer.Context) -> Result:
    """List what is to be posted by hand, the first first."""
    from vipcast.cli.hand_views import list_view

    with ctx.obj.shop() as shop:
        return list_view(shop)


@app.command("next", cls=Command, epilog="Example: vipcast hand next")
def show_next(ctx: typer.Context, by: _By = "") -> Result:
    """Show the next one ready to paste, put its text on the clipboard, and ask whether it is sent."""
    from vipcast.cli.hand_views import next_view

    with ctx.obj.shop() as shop:
        return next_view(ctx.obj, shop, by)


@app.command(cls=Command, epilog='Example: vipcast hand done 12 13 --by Zita --at "2026-11-22 10:00"')
def done(
    ctx: typer.Context,
    numbers: _Numbers,
    by: _By = "",
    at: Annotated[str, typer.Option("--at", help="When it was posted; now, if not said.")] = "",
    note: Annotated[str, typer.Option("--note", help="What there is to remember, such as: no answer.")] = "",
) -> Result:
    """Note what was posted: by whom and when."""
    from vipcast.cli.hand_views import done_view

    with ctx.obj.shop() as shop:
        return done_view(shop, numbers, by=by, at=at, note=note)


@app.command(cls=Command, epilog='Example: vipcast hand skip 12 --why "She was in the shop today"')
def skip(
    ctx: typer.Context,
    numbers: _Numbers,
    by: _By = "",
    why: Annotated[str, typer.Option("--why", help="Why it is not posted.")] = "",
) -> Result:
    """Note what is not to be posted."""
    from vipcast.cli.hand_views import skip_view

    with ctx.obj.shop() as shop:
        return skip_view(shop, numbers, by=by, why=why)
