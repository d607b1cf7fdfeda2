"""`vipcast doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result, Table
from vipcast.errors import Problem

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast doctor --online")
def doctor(
    ctx: typer.Context,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask each messenger about its login.")
    ] = False,
) -> Result:
    """Check settings, logins, files and disk, and say what to do about each fault."""
    from vipcast.cli.diagnosis import examine

    with ctx.obj.shop() as shop:
        findings = examine(shop, online=online)
    faults = [f for f in findings if f.level == "fault"]
    rows = [(f.level, f.what, f.remedy) for f in findings]
    said = "All is well." if not faults else f"{len(faults)} fault{'s' * (len(faults) != 1)}."
    problems = [Problem("fault", f.what, f.remedy) for f in faults]
    view: list[str | Table] = [Table(("", "what", "what to do"), rows), said]
    return Result(findings, view, problems, exit_code=5 if faults else 0, is_told=True)
