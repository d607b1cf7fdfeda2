"""`vipcast init`: a new shop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast init myshop")
def init(
    ctx: typer.Context,  # noqa: ARG001 - every command takes it
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new folder; else this one.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Set it to the real messengers at once.")] = False,
) -> Result:
    """Make a new shop folder that works as it stands in the sandbox."""
    from vipcast.sample import make_shop

    target = (folder or Path()).expanduser().absolute()
    made = make_shop(target, is_live=live)
    enter = (f'cd "{folder}"' if " " in str(folder) else f"cd {folder}") if folder else ""
    if live:
        steps = ["  vipcast account add news", "  vipcast member import recipients/english.csv"]
        steps += ["  vipcast send new-collection --to-me"]
    else:
        steps = ["  vipcast sandbox                       in a terminal of its own: loopback messengers"]
        steps += ["  vipcast group create gold --cap 15"]
        steps += ["  vipcast member import recipients/hungary.csv --group gold"]
        steps += ["  vipcast send new-collection --group gold"]
    view = [
        f"A shop was made in {target}: its settings, sample members and sample templates.",
        "Next:",
        *([f"  {enter}"] if enter else []),
        *steps,
    ]
    return Result({"folder": target, "made": made}, ["\n".join(view)])
