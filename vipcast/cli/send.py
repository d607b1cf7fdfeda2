"""`vipcast send`: announce a template to groups."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command
from vipcast.cli.complete import complete_groups, complete_members, complete_templates
from vipcast.cli.result import Result

app = typer.Typer(rich_markup_mode=None)


@app.command(cls=Command, epilog="Example: vipcast send new-collection --group gold")
def send(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(help="What to announce.", autocompletion=complete_templates)],
    group: Annotated[
        list[str] | None, typer.Option(help="To whom; may be repeated.", autocompletion=complete_groups)
    ] = None,
    var: Annotated[list[str] | None, typer.Option(help="name=value for the text; may be repeated.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only these members.", autocompletion=complete_members)
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send at most so many now.")] = None,
    to_me: Annotated[
        bool, typer.Option("--to-me", help="Send it to yourself, as a member would get it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would get what; do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send it to everybody once more.")] = False,
    urgent: Annotated[bool, typer.Option("--urgent", help="Quiet hours and limits do not hold it.")] = False,
    ends: Annotated[
        str,
        typer.Option("--ends", help='What is not sent by then is skipped: 18:00, or "2026-12-06 18:00".'),
    ] = "",
    undo: Annotated[
        str, typer.Option("--undo", help="Wait so long before the first one leaves: 10s, 2m. Ctrl-C undoes.")
    ] = "",
) -> Result:
    """Announce a template to groups, once to each member; shows who gets what, and asks.

    The same send again sends nothing that was sent: it finishes what was interrupted, and reaches who has
    joined since.
    """
    from vipcast.cli.sending import SendOptions, announce, rehearse

    options = SendOptions(
        template, group or [], var or [], only or [], limit=limit, is_dry_run=dry_run, yes=yes, again=again,
        is_urgent=urgent, ends=ends, undo=undo,
    )  # fmt: skip
    with ctx.obj.shop() as shop:
        return (rehearse if to_me else announce)(ctx.obj, shop, options)
