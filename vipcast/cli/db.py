"""`vipcast db`: the database as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.result import Result

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Upgrade, check, back up and restore the database.",
)


@app.command(cls=Command, epilog="Example: vipcast db upgrade")
def upgrade(ctx: typer.Context) -> Result:
    """Bring an older database to this program's schema, after a backup."""
    from vipcast.storage import care

    with ctx.obj.shop() as shop:
        before, after, backup = care.upgrade_file(shop.config.state, shop.now())
    if before == after:
        return Result({"schema": after}, [f"The database is up to date (schema {after})."])
    return Result(
        {"schema": after, "was": before, "backup": backup},
        [f"Upgraded from schema {before} to {after}. The old one is kept: {backup}"],
    )


@app.command(cls=Command, epilog="Example: vipcast db check")
def check(ctx: typer.Context) -> Result:
    """Check that the database file is whole and its rows fit together."""
    from vipcast.storage import care

    with ctx.obj.shop() as shop:
        faults = care.check_file(shop.config.state)
    if faults:
        return Result(
            {"faults": faults}, [*faults, "Put back a backup: vipcast db restore FILE"], exit_code=1
        )
    return Result({"faults": []}, ["The database is whole."])


@app.command(cls=Command, epilog="Example: vipcast db backup")
def backup(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; else .vipcast/backups.")] = None,
) -> Result:
    """Copy the database while it is in use."""
    from vipcast.storage import care

    with ctx.obj.shop() as shop:
        target = care.backup_file(shop.config.state, shop.now(), file)
    return Result({"file": target}, [f"Backed up to {target}. It holds people's data: keep it safe."])


@app.command(cls=Command, epilog="Example: vipcast db restore .vipcast/backups/2026-11-21.db --yes")
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Result:
    """Put a backup in the place of the database; the present one is backed up first."""
    from vipcast.storage import care

    with ctx.obj.shop() as shop:
        care.check_backup(file)
        if not yes and not ctx.obj.confirm(f"Replace the database with {file.name}?"):
            return Result(view=["Nothing was changed."], exit_code=3)
        kept = care.restore_file(shop.config.state, file, shop.now())
    return Result(
        {"restored": file, "kept": kept},
        [
            f"Restored {file}." + (f" What was there is kept: {kept}" if kept else ""),
            "Announcements that were unfinished then are paused: nothing from the past is sent by itself.",
        ],
    )
