"""`vipcast inbox`: the support desk at the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group, no_args_is_help=True, rich_markup_mode=None, help="Read and answer what members write."
)

_SHOWN = 50
_Talk = Annotated[str, typer.Argument(help="A conversation's number, or a member.")]
_Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


@app.callback()
def inbox() -> None:
    """Read and answer what members write."""


@app.command("list", cls=Command, epilog="Example: vipcast inbox list")
def list_all(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Closed conversations too.")] = False,
    limit: _Limit = _SHOWN,
) -> Result:
    """List the conversations, those that wait for an answer first."""
    from vipcast.cli.inbox_views import list_view

    with ctx.obj.shop() as shop:
        return list_view(shop, with_closed=everything, limit=limit)


@app.command(cls=Command, epilog="Example: vipcast inbox show 3")
def show(ctx: typer.Context, conversation: _Talk, limit: _Limit = _SHOWN) -> Result:
    """Show a conversation: what was said, by whom and where."""
    from vipcast.cli.inbox_views import show_view

    with ctx.obj.shop() as shop:
        return show_view(shop, conversation, limit)


@app.command(cls=Command, epilog='Example: vipcast inbox reply 3 "Yes, we keep it for you until Friday."')
def reply(
    ctx: typer.Context,
    conversation: _Talk,
    text: Annotated[
        str, typer.Argument(help="The answer, as the member is to read it; - reads it from stdin.")
    ],
    by: Annotated[str, typer.Option("--by", help="Who answers; you, if not said.")] = "",
) -> Result:
    """Answer a member on the messenger that they used, signed as support."""
    from vipcast.cli.inbox_deeds import reply as answer

    with ctx.obj.shop() as shop:
        return answer(shop, conversation, text, by)


@app.command(
    cls=Command, epilog='Example: vipcast inbox note "Kovács Anna" "Called: wants the blue one." --kind call'
)
def note(
    ctx: typer.Context,
    conversation: _Talk,
    text: Annotated[str, typer.Argument(help="What was said, or is to be remembered.")],
    kind: Annotated[
        str, typer.Option("--kind", help="note, call or visit; the last two count as an answer.")
    ] = "note",
    at: Annotated[str, typer.Option("--at", help="When it was: 2026-11-21 17:30, or 17:30 for today.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who writes it down; you, if not said.")] = "",
) -> Result:
    """Write down a phone call, a shop visit or a remark."""
    from vipcast.cli.inbox_deeds import note as write_down

    with ctx.obj.shop() as shop:
        return write_down(shop, conversation, text, kind=kind, at=at, by=by)


@app.command(cls=Command, epilog="Example: vipcast inbox close 3")
def close(ctx: typer.Context, conversation: _Talk) -> Result:
    """End a conversation: nothing waits in it any more."""
    from vipcast.cli.inbox_deeds import close as end

    with ctx.obj.shop() as shop:
        return end(shop, conversation)


@app.command(cls=Command, epilog='Example: vipcast inbox link 4 "Kovács Anna"')
def link(
    ctx: typer.Context,
    conversation: Annotated[str, typer.Argument(help="The number of a conversation with an unknown sender.")],
    member: Annotated[str, typer.Argument(help="Who it is.")],
) -> Result:
    """Tie an unknown sender, and the address they wrote from, to a member."""
    from vipcast.cli.inbox_deeds import link as tie

    with ctx.obj.shop() as shop:
        return tie(shop, conversation, member)


@app.command(cls=Command, epilog="Example: vipcast inbox promises")
def promises(ctx: typer.Context, limit: _Limit = _SHOWN) -> Result:
    """List the promised answers: due, overdue, kept and broken."""
    from vipcast.cli.inbox_views import promises_view

    with ctx.obj.shop() as shop:
        return promises_view(shop, limit)


@app.command(cls=Command, epilog="Example: vipcast inbox unanswered")
def unanswered(ctx: typer.Context, limit: _Limit = _SHOWN) -> Result:
    """List the questions that the FAQ had no answer to, ready to be added to it."""
    from vipcast.cli.inbox_views import unanswered_view

    with ctx.obj.shop() as shop:
        return unanswered_view(shop, limit)
