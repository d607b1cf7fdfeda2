"""`vipcast listen`: what members write, read and refuse, as it comes in."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast listen")
def listen(
    ctx: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Take what is waiting, and end when nothing more comes.")
    ] = False,
    host: Annotated[
        str, typer.Option("--host", help="Where messengers that call are answered; a proxy stands before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8080,
) -> Result:
    """Receive messages, receipts and opt-outs for all accounts, until stopped.

    Nothing is acknowledged before it is stored. Calls come to /MESSENGER/ACCOUNT, such as /viber/news.
    """
    from vipcast.cli.listen_run import run

    with ctx.obj.shop() as shop:
        return run(shop, host, port, once=once)
