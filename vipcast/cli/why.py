"""`vipcast why`: the question that every owner asks."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.complete import complete_members
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog='Example: vipcast why "Kovács Anna"')
def why(
    ctx: typer.Context,
    member: Annotated[
        str, typer.Argument(help="A name, an address or #number.", autocompletion=complete_members)
    ],
    announcement: Annotated[
        int | None, typer.Argument(min=1, max=2**63 - 1, help="Only this announcement.")
    ] = None,
) -> Result:
    """Say why a person did, or did not, get an announcement."""
    from vipcast.cli.member_views import why_view

    with ctx.obj.shop() as shop:
        return why_view(shop, member, announcement)
