"""`vipcast inbox`: what members wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.result import Result, Table

app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None, help="Show what members wrote.")

_SHOWN = 50


@app.callback()
def inbox() -> None:
    """Show what members wrote."""


@app.command("list", cls=Command, epilog="Example: vipcast inbox list")
def list_all(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = _SHOWN,
) -> Result:
    """List the messages received, the newest first."""
    from vipcast.delivery.inbound import Inbound, messages

    def who(one: Inbound) -> str:
        return one.member or f"{one.address} (no member)"

    def said(one: Inbound) -> str:
        return " ".join(filter(None, (f"[{one.attachment}]" if one.attachment else "", one.text)))

    with ctx.obj.shop() as shop:
        with shop.database.read() as connection:
            found = messages(connection, limit=limit)
        if not found:
            return Result({"messages": []}, ["Nobody has written yet. `vipcast listen` receives."])
        rows = [(shop.local(one.at), who(one), one.messenger, said(one)) for one in found]
    return Result({"messages": found}, [Table(("when", "who", "messenger", "text"), rows)])
