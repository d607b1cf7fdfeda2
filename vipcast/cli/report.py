"""`vipcast report`: what was announced and answered, in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast report --days 30 --html report.html")
def report(
    ctx: typer.Context,
    announcement: Annotated[
        int | None, typer.Argument(min=1, max=2**63 - 1, help="Only this announcement.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How far back.")] = 30,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as a page, too.")] = None,
) -> Result:
    """Report what reached whom, who read it, what was asked, and which promises were kept."""
    from vipcast.cli.report_views import report_view

    with ctx.obj.shop() as shop:
        return report_view(shop, announcement, days, html)
