"""`vipcast account`: the shop's logins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_accounts
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Add, list, check and remove the shop's logins.",
)


@app.command(
    cls=Command, epilog="Example: vipcast account add news --messenger telegram --phone +36301234567"
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Your name for it: news, support …")],
    messenger: Annotated[str, typer.Option(help="telegram or viber.")] = "",
    role: Annotated[str, typer.Option(help="announce or support.")] = "",
    phone: Annotated[str, typer.Option(help="Telegram: the account's phone number.")] = "",
    code: Annotated[str, typer.Option(help="Telegram: the code that came.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="A file with the two-step password.")] = None,
    qr: Annotated[bool, typer.Option("--qr", help="Telegram: log in by scanning a QR code.")] = False,
    token_file: Annotated[Path | None, typer.Option(help="A file with the bot's token; - for stdin.")] = None,
    bot: Annotated[
        bool, typer.Option("--bot", help="Telegram: log in as a bot, asking for its token.")
    ] = False,
    webhook: Annotated[str, typer.Option(help="Viber: the https address that Viber shall call.")] = "",
    sender_name: Annotated[str, typer.Option(help="The name that members see.")] = "",
    link: Annotated[str, typer.Option(help="Support: the link that opens a chat with it.")] = "",
) -> Result:
    """Add a login, or log an existing one in again; asks for what is missing."""
    from vipcast.cli.logins import AddOptions, add_account

    options = AddOptions(
        name,
        messenger,
        role,
        phone=phone,
        code=code,
        password_file=password_file,
        qr=qr,
        token_file=token_file,
        is_bot=bot,
        webhook=webhook,
        sender_name=sender_name,
        link=link,
    )
    return add_account(ctx.obj, options)


@app.command("list", cls=Command, epilog="Example: vipcast account list")
def list_all(ctx: typer.Context) -> Result:
    """List the accounts with their roles and what is known of them."""
    from vipcast.cli.logins import list_accounts

    with ctx.obj.shop() as shop:
        return list_accounts(shop)


@app.command(cls=Command, epilog="Example: vipcast account check news")
def check(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which; else all.", autocompletion=complete_accounts)
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Let it send again after the messenger had limited it.")
    ] = False,
) -> Result:
    """Ask the messenger whether the login works."""
    from vipcast.cli.logins import check_accounts

    with ctx.obj.shop() as shop:
        return check_accounts(shop, name, clear=clear)


@app.command(cls=Command, epilog="Example: vipcast account remove news --yes")
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Which.", autocompletion=complete_accounts)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Result:
    """Log an account out of vipcast: its settings, token and session go."""
    from vipcast.cli.logins import remove_account

    with ctx.obj.shop() as shop:
        return remove_account(ctx.obj, shop, name, yes=yes)
