"""`vipcast tick`: what cron calls each minute."""

from __future__ import annotations

import os
from dataclasses import replace
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
    from vipcast.places import DATABASE, FILE, STATE, find_folder
    from vipcast.schedules import pulse

    folder, _ = find_folder(ctx.obj.folder, os.environ)
    state, now = folder / STATE, datetime.now(UTC)
    last = pulse.read(state)
    is_shop = (folder / FILE).is_file()
    if is_shop and not last.was_set_back(now) and pulse.is_idle(state / DATABASE, now, last.notice):
        if state.is_dir():
            # Read once more: another tick may have ended since, and knows more.
            pulse.write(state, replace(pulse.read(state), ticked_at=now))
        return Result({"fired": [], "sent": 0, "seated": {}, "nudged": 0, "overdue": 0})
    from vipcast.cli.tick_run import run

    with ctx.obj.shop() as shop:
        return run(shop)
