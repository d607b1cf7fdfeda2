"""`vipcast tick`: what cron calls each minute."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast tick")
def tick(ctx: typer.Context) -> Result:
    """Do what is due, then end; silent when nothing is. Cron calls it each minute.

    It sends what is scheduled, goes on with what an earlier process left, lets who waits for a seat move up,
    and reminds of promises. Twice at once, late, or after a week asleep, nothing goes out twice.
    """
    from vipcast.places import find_folder
    from vipcast.schedules import pulse

    folder, _ = find_folder(ctx.obj.folder, os.environ)
    if pulse.is_over(folder, datetime.now(UTC)):
        return Result({"fired": [], "sent": 0, "seated": {}, "nudged": 0, "overdue": 0})
    from vipcast.cli.tick_run import run

    with ctx.obj.shop() as shop:
        return run(shop)
