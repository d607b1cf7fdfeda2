"""`vipcast history`: everything that was said with one member."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.complete import complete_members
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog='Example: vipcast history "Kovács Anna"')
def history(
    ctx: typer.Context,
    member: Annotated[
        str, typer.Argument(help="A name, an address, or #number.", autocompletion=complete_members)
    ],
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the latest.")] = 100,
) -> Result:
    """Show everything that was said with a member, over all messengers: news, messages, answers, calls."""
    from vipcast.cli.inbox_views import history_view

    with ctx.obj.shop() as shop:
        return history_view(shop, member, limit)
