"""`vipcast sandbox`: the messengers, on this machine only."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast sandbox")
def sandbox(
    ctx: typer.Context,
    answers: Annotated[
        bool,
        typer.Option(help="Customers read, answer and, some of them, follow invite links by themselves."),
    ] = True,
    seconds: Annotated[float | None, typer.Option(min=0, help="End by itself after so long.")] = None,
) -> Result:
    """Serve a Telegram and a Viber on this machine, and a page with the customers' phones and groups.

    On the page one plays the customers: they write, read, follow links into groups' chats and leave them.
    Needs [sandbox] enabled = true in vipcast.toml. Ends with Ctrl-C.
    """
    from vipcast.cli.sandbox_run import serve

    with ctx.obj.shop() as shop:
        return serve(shop, answers=answers, seconds=seconds)
