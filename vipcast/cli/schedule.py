"""`vipcast schedule`: announcements to come."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_groups, complete_templates
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Plan announcements: once, every week, on birthdays. `vipcast tick` sends them.",
)

_MOST = 2**63 - 1  # as large as a number in the database can be
_Number = Annotated[int, typer.Argument(help="The schedule's number.", min=1, max=_MOST)]
_Zone = Annotated[str, typer.Option("--tz", help="Whose clock is meant; the shop's, if not said.")]


@app.callback()
def schedule() -> None:
    """Plan announcements: once, every week, on birthdays. `vipcast tick` sends them."""


@app.command(
    cls=Command, epilog='Example: vipcast schedule add vip-sale --group gold --at "2026-12-06 09:00"'
)
def add(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(help="What to announce.", autocompletion=complete_templates)],
    group: Annotated[
        list[str] | None, typer.Option(help="To whom; may be repeated.", autocompletion=complete_groups)
    ] = None,
    at: Annotated[str, typer.Option("--at", help='Once: "2026-12-06 09:00".')] = "",
    cron: Annotated[str, typer.Option("--cron", help='As cron has it: "0 9 * * 1".')] = "",
    every: Annotated[str, typer.Option("--every", help="monday@9:00, weekday@18:30, 15th@9:00 …")] = "",
    on: Annotated[str, typer.Option("--on", help="birthday@10:00 or anniversary@10:00, to whom it is.")] = "",
    tz: _Zone = "",
    until: Annotated[str, typer.Option("--until", help="The last day: 2026-12-24.")] = "",
    if_late: Annotated[str, typer.Option("--if-late", help="When too late: send, skip or ask.")] = "ask",
    grace: Annotated[str, typer.Option("--grace", help="Up to so much is not late: 2h, 30m, 1d.")] = "2h",
    lasts: Annotated[str, typer.Option("--lasts", help="What is not sent by then is not sent: 8h.")] = "",
    var: Annotated[list[str] | None, typer.Option(help="name=value for the text; may be repeated.")] = None,
    urgent: Annotated[bool, typer.Option("--urgent", help="Quiet hours and limits do not hold it.")] = False,
) -> Result:
    """Plan an announcement for a time, or for times that come again."""
    from vipcast.cli.schedule_views import AddOptions, add_view

    options = AddOptions(
        template, group or [], {"at": at, "cron": cron, "every": every, "on": on}, tz, until,
        if_late, grace, lasts, var or [], is_urgent=urgent,
    )  # fmt: skip
    with ctx.obj.shop() as shop:
        return add_view(shop, options)


@app.command("list", cls=Command, epilog="Example: vipcast schedule list")
def list_all(ctx: typer.Context) -> Result:
    """List the schedules, what comes next first."""
    from vipcast.cli.schedule_views import list_view

    with ctx.obj.shop() as shop:
        return list_view(shop)


@app.command(cls=Command, epilog="Example: vipcast schedule show 2")
def show(
    ctx: typer.Context,
    number: _Number,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="So many runs, next and past.")] = 5,
) -> Result:
    """Show a schedule: what comes next, and what became of the past."""
    from vipcast.cli.schedule_views import show_view

    with ctx.obj.shop() as shop:
        return show_view(shop, number, count)


@app.command(cls=Command, epilog='Example: vipcast schedule preview "0 9 * * 1" --count 3')
def preview(
    ctx: typer.Context,
    expression: Annotated[str, typer.Argument(help="As --at, --cron, --every or --on would have it.")],
    tz: _Zone = "",
    after: Annotated[str, typer.Option("--after", help="From when on; now, if not said.")] = "",
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="So many runs.")] = 5,
) -> Result:
    """Show when something would be due."""
    from vipcast.cli.schedule_views import preview_view

    with ctx.obj.shop() as shop:
        return preview_view(shop, expression, tz, after, count)


@app.command(cls=Command, epilog="Example: vipcast schedule pause 2")
def pause(ctx: typer.Context, number: _Number) -> Result:
    """Let nothing come of a schedule until it is resumed."""
    from vipcast.cli.schedule_views import pause_view

    with ctx.obj.shop() as shop:
        return pause_view(shop, number)


@app.command(cls=Command, epilog="Example: vipcast schedule resume 2")
def resume(ctx: typer.Context, number: _Number) -> Result:
    """Go on with a schedule, from its next time on."""
    from vipcast.cli.schedule_views import resume_view

    with ctx.obj.shop() as shop:
        return resume_view(shop, number)


@app.command(cls=Command, epilog="Example: vipcast schedule remove 2 --yes")
def remove(
    ctx: typer.Context,
    number: _Number,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Result:
    """Delete a schedule; what it has announced stays."""
    from vipcast.cli.schedule_views import remove_view

    with ctx.obj.shop() as shop:
        return remove_view(ctx.obj, shop, number, yes=yes)


@app.command(cls=Command, epilog="Example: vipcast schedule crontab --install")
def crontab(
    ctx: typer.Context,
    kind: Annotated[str, typer.Option("--for", help="cron, systemd or windows; this machine's own.")] = "",
    install: Annotated[bool, typer.Option("--install", help="Install it, too.")] = False,
    remove_it: Annotated[bool, typer.Option("--remove", help="Take it out again.")] = False,
) -> Result:
    """Print what calls `vipcast tick` each minute: a cron line, a systemd timer or a Windows task."""
    from vipcast.cli.crontab import crontab_view

    with ctx.obj.shop() as shop:
        return crontab_view(shop, ctx.obj, kind, install=install, remove=remove_it)
