"""`vipcast demo`: the whole job, in the sandbox, before one's eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast demo --keep myshop")
def demo(
    ctx: typer.Context,
    keep: Annotated[Path | None, typer.Option(help="Keep the demo's shop in this new folder.")] = None,
) -> Result:
    """Show the whole job in the sandbox: import, groups, preview, send, a VIP room, and what arrived."""
    from vipcast.cli.demo_run import run_demo

    return run_demo(ctx.obj, keep)
