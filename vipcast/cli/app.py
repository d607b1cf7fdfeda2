"""The command line's root: --shop, --version, and one line for each command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast import __version__
from vipcast.cli.command import LazyGroup
from vipcast.cli.terminal import Terminal


class Root(LazyGroup):
    lazy = {  # noqa: RUF012
        "init": ("vipcast.cli.init", "Make a new shop folder that works as it stands in the sandbox."),
        "demo": ("vipcast.cli.demo", "Show the whole job in the sandbox, end to end."),
        "doctor": (
            "vipcast.cli.doctor",
            "Check settings, logins and files, and say what to do about each fault.",
        ),
        "account": ("vipcast.cli.account", "Add, list, check and remove the shop's logins."),
        "member": ("vipcast.cli.member", "Import, list, edit and forget members; record consent."),
        "group": ("vipcast.cli.group", "Make capped groups, give seats, move members."),
        "template": ("vipcast.cli.template", "Write, check and preview what is announced."),
        "send": ("vipcast.cli.send", "Announce a template to groups, once to each member."),
        "announcement": (
            "vipcast.cli.announcement",
            "Show, approve, resume, cancel, retry, recall announcements.",
        ),
        "hand": ("vipcast.cli.hand", "Post by hand where no program can write: Viber groups, WhatsApp …"),
        "why": ("vipcast.cli.why", "Say why a person did, or did not, get an announcement."),
        "schedule": ("vipcast.cli.schedule", "Plan announcements: once, every week, on birthdays."),
        "tick": ("vipcast.cli.tick", "Do what is due, then end; what cron calls each minute."),
        "hours": ("vipcast.cli.hours", "Show the opening hours, and what a member who writes then is told."),
        "listen": ("vipcast.cli.listen", "Receive messages, receipts and opt-outs, until stopped."),
        "inbox": ("vipcast.cli.inbox", "Read and answer what members write."),
        "history": ("vipcast.cli.history", "Show everything that was said with a member."),
        "report": (
            "vipcast.cli.report",
            "Report what reached whom, what was asked, what was kept.",
        ),
        "sandbox": ("vipcast.cli.sandbox", "Serve the loopback messengers and their page."),
        "db": ("vipcast.cli.db", "Upgrade, check, back up and restore the database."),
    }


app = typer.Typer(
    cls=Root,
    name="vipcast",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"vipcast {__version__}")
        raise typer.Exit


@app.callback(epilog="Begin with: vipcast demo   (or: vipcast init myshop)")
def root(
    ctx: typer.Context,
    shop: Annotated[
        Path | None, typer.Option("--shop", help="The shop's folder; else $VIPCAST_SHOP, else this folder.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - acts in its callback
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Tell a shop's best customers its news first, on the messenger each of them uses.

    Members sit in groups of at most 20. Every message is previewed, planned and sent once.
    """
    ctx.obj = Terminal(folder=shop)
    if ctx.invoked_subcommand is None:
        from vipcast.cli.welcome import welcome

        typer.echo(welcome(ctx.obj))
