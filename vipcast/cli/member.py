"""`vipcast member`: who the members are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_groups, complete_members
from vipcast.cli.result import Result, Table

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import, list, edit and forget members; record consent.",
)

Who = Annotated[str, typer.Argument(help="A name, an address or #number.", autocompletion=complete_members)]


@app.command(
    "import", cls=Command, epilog="Example: vipcast member import customers.csv --group gold --dry-run"
)
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .csv, .xlsx or .vcf file.")],
    group: Annotated[
        list[str] | None,
        typer.Option(help="Seat them here; may be repeated.", autocompletion=complete_groups),
    ] = None,
    fill: Annotated[bool, typer.Option("--fill", help="Spread them evenly over the groups.")] = False,
    region: Annotated[str, typer.Option(help="Country of phone numbers without a code, such as HU.")] = "",
    consent: Annotated[str, typer.Option(help="Record this consent source, dated today, for all rows.")] = "",
    mapping: Annotated[list[str] | None, typer.Option("--map", help="column=field; may be repeated.")] = None,
    encoding: Annotated[str, typer.Option(help="Such as cp1250, where it cannot be told.")] = "",
    delimiter: Annotated[str, typer.Option(help="Such as ';' or tab, where it cannot be told.")] = "",
    sheet: Annotated[str, typer.Option(help="Which sheet of a workbook.")] = "",
    date_order: Annotated[str, typer.Option(help="dmy or mdy, for dates such as 03/04/2025.")] = "",
    rejects: Annotated[Path | None, typer.Option(help="Where refused rows go.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")
    ] = False,
) -> Result:
    """Import members from a file; running it twice changes nothing."""
    from vipcast.cli.member_import import run_import

    return run_import(
        ctx.obj, file, groups=group or [], fill=fill, region=region, consent=consent, mapping=mapping or [],
        encoding=encoding, delimiter=delimiter, sheet=sheet, date_order=date_order, rejects=rejects,
        dry_run=dry_run,
    )  # fmt: skip


@app.command("list", cls=Command, epilog="Example: vipcast member list --limit 20")
def list_members(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=0, help="Show at most so many; 0 for all.")] = 100,
) -> Result:
    """List members by name, with consent and addresses."""
    from vipcast.cli.views import address_list, consent_words, member_data
    from vipcast.members import roster

    with ctx.obj.shop() as shop, shop.database.read() as connection:
        total = roster.count(connection)
        found = roster.load(connection, limit=limit or None)
    if not found:
        return Result([], ["No members yet. Import some: vipcast member import recipients/hungary.csv"])
    rows = [(f"#{m.id}", m.name, m.language, consent_words(m), address_list(m)) for m in found]
    view: list[str | Table] = [Table(("number", "member", "language", "consent", "reached at"), rows)]
    if total > len(found):
        view.append(f"{len(found)} of {total} members. All of them: --limit 0")
    return Result([member_data(m) for m in found], view)


@app.command(cls=Command, epilog='Example: vipcast member show "Kovács Anna"')
def show(ctx: typer.Context, member: Who) -> Result:
    """Show all that is known of a member: addresses, consent, groups."""
    from vipcast.cli.member_views import member_view

    with ctx.obj.shop() as shop:
        return member_view(shop, member)


@app.command(
    cls=Command,
    epilog='Example: vipcast member add "Kovács Anna" --phone "06 30 123 4567" --consent "in the shop"',
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The full name, as the person writes it.")],
    phone: Annotated[list[str] | None, typer.Option(help="A phone number; may be repeated.")] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="messenger=address, such as telegram=@anna.")
    ] = None,
    first_name: Annotated[str, typer.Option(help="The given name, where it cannot be told.")] = "",
    language: Annotated[str, typer.Option(help="hu, cs, fi, ru or en.")] = "",
    formal: Annotated[bool | None, typer.Option(help="How to address the person; else as the shop.")] = None,
    preferred: Annotated[str, typer.Option(help="The messenger they prefer.")] = "",
    consent: Annotated[str, typer.Option(help="Where consent was given; it is dated now.")] = "",
    note: Annotated[str, typer.Option(help="For the shop's own eyes.")] = "",
) -> Result:
    """Add one member."""
    from vipcast.cli.member_edit import add_member

    values = {"name": name, "first_name": first_name, "language": language, "formal": formal,
              "preferred": preferred, "note": note}  # fmt: skip
    return add_member(ctx.obj, values, phone or [], address or [], consent)


@app.command(
    cls=Command, epilog="Example: vipcast member edit '#12' --language cs --address viber=01234567890A="
)
def edit(
    ctx: typer.Context,
    member: Who,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A further phone number.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="A further messenger=address.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="An address to take away.")] = None,
    first_name: Annotated[str | None, typer.Option(help="The given name.")] = None,
    language: Annotated[str | None, typer.Option(help="hu, cs, fi, ru or en.")] = None,
    formal: Annotated[bool | None, typer.Option(help="How to address the person.")] = None,
    preferred: Annotated[str | None, typer.Option(help="The messenger they prefer.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where their clock is, for quiet hours; '' for the shop's.")
    ] = None,
    birthday: Annotated[str | None, typer.Option(help="1990-03-14; '' takes it away.")] = None,
    note: Annotated[str | None, typer.Option(help="For the shop's own eyes.")] = None,
) -> Result:
    """Change what is known of a member."""
    from vipcast.cli.member_edit import edit_member

    values = {"name": name, "first_name": first_name, "language": language, "formal": formal,
              "preferred": preferred, "timezone": timezone, "birthday": birthday, "note": note}  # fmt: skip
    said = {key: value for key, value in values.items() if value is not None}
    return edit_member(ctx.obj, member, said, phone or [], address or [], remove or [])


@app.command(
    "opt-in", cls=Command, epilog="Example: vipcast member opt-in '#12' --source \"signed in the shop\""
)
def opt_in(
    ctx: typer.Context,
    member: Who,
    source: Annotated[str, typer.Option(help="Where and how consent was given.")],
    wording: Annotated[str, typer.Option(help="What the person agreed to, word for word.")] = "",
) -> Result:
    """Record that a member agreed to be written to."""
    from vipcast.cli.member_edit import record_consent

    return record_consent(ctx.obj, member, "opt_in", source, wording)


@app.command(
    "opt-out", cls=Command, epilog="Example: vipcast member opt-out '#12' --source \"asked on the phone\""
)
def opt_out(
    ctx: typer.Context,
    member: Who,
    source: Annotated[str, typer.Option(help="How the person asked.")] = "asked the shop",
) -> Result:
    """Record that a member wants no more messages; it acts at once, on every messenger."""
    from vipcast.cli.member_edit import record_consent

    return record_consent(ctx.obj, member, "opt_out", source, "")


@app.command(cls=Command, epilog="Example: vipcast member forget '#12' --yes")
def forget(
    ctx: typer.Context, member: Who, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> Result:
    """Delete a member and every text that tells who it was."""
    from vipcast.cli.member_edit import forget_member

    return forget_member(ctx.obj, member, yes=yes)


@app.command(cls=Command, epilog="Example: vipcast member export members.csv")
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A new .csv file.")],
    group: Annotated[str, typer.Option(help="Only this group.", autocompletion=complete_groups)] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> Result:
    """Write members to a CSV file that Excel opens and `member import` reads back."""
    from vipcast.cli.member_export import export_members

    return export_members(ctx.obj, file, group, force=force)


@app.command(cls=Command, epilog="Example: vipcast member link '#12' --account viber")
def link(
    ctx: typer.Context,
    member: Who,
    account: Annotated[str, typer.Option(help="The bot's account.")],
) -> Result:
    """Make a one-time link that ties the person who opens it to this member."""
    from vipcast.cli.member_edit import make_link

    return make_link(ctx.obj, member, account)
