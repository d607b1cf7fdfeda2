"""`vipcast template`: what is announced."""

from __future__ import annotations

from typing import Annotated

import typer

from vipcast.cli.command import Command, Group
from vipcast.cli.complete import complete_groups, complete_members, complete_templates
from vipcast.cli.result import Result, Table

app = typer.Typer(
    cls=Group, no_args_is_help=True, rich_markup_mode=None, help="Write, check and preview what is announced."
)

Name = Annotated[str, typer.Argument(help="The template's name.", autocompletion=complete_templates)]
Variables = Annotated[list[str] | None, typer.Option("--var", help="name=value for the text.")]


@app.command("list", cls=Command, epilog="Example: vipcast template list")
def list_all(ctx: typer.Context) -> Result:
    """List the templates with their languages."""
    from vipcast.cli.template_views import list_view

    with ctx.obj.shop() as shop:
        return list_view(shop)


@app.command(cls=Command, epilog="Example: vipcast template show new-collection")
def show(ctx: typer.Context, name: Name) -> Result:
    """Show a template's texts as they are written."""
    with ctx.obj.shop() as shop:
        template = shop.template(name)
    rows = [
        (lang, text.title, ", ".join(m.source for m in text.media), len(text.body.strip()))
        for lang, text in template.texts.items()
    ]
    view: list[str | Table] = [Table(("language", "title", "media", "characters"), rows)]
    view += [f"\n[{lang}]\n{text.body.strip()}" for lang, text in template.texts.items()]
    data = {
        "name": template.name,
        "folder": template.folder,
        "texts": {
            lang: {"title": t.title, "media": [m.source for m in t.media], "body": t.body}
            for lang, t in template.texts.items()
        },
    }
    return Result(data, view)


@app.command(cls=Command, epilog="Example: vipcast template new spring-news --language hu --language en")
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    language: Annotated[list[str] | None, typer.Option(help="One file a language; else the shop's.")] = None,
) -> Result:
    """Begin a template, with a good start in each language."""
    from vipcast.announcements.scaffold import new_template

    with ctx.obj.shop() as shop:
        files = new_template(shop.templates_folder, name, language or [shop.config.shop.language])
    return Result(
        {"files": files},
        [
            *[f"Written: {path}" for path in files],
            f"Now write your text there, then: vipcast template check {name}",
        ],
    )


@app.command(cls=Command, epilog="Example: vipcast template check new-collection")
def check(
    ctx: typer.Context,
    name: Name,
    group: Annotated[
        str, typer.Option(help="It is to go to this group, and its chat.", autocompletion=complete_groups)
    ] = "",
    var: Variables = None,
) -> Result:
    """Find what is wrong with a template before anybody gets it."""
    from vipcast.cli.template_views import check_view

    with ctx.obj.shop() as shop:
        return check_view(shop, name, group, var or [])


@app.command(cls=Command, epilog='Example: vipcast template preview new-collection --member "Kovács Anna"')
def preview(
    ctx: typer.Context,
    name: Name,
    member: Annotated[str, typer.Option(help="For this member.", autocompletion=complete_members)] = "",
    group: Annotated[str, typer.Option(help="For all in a group.", autocompletion=complete_groups)] = "",
    messenger: Annotated[str, typer.Option(help="Only as on this messenger.")] = "",
    var: Variables = None,
) -> Result:
    """Show exactly what a member, or everybody in a group, would get on each messenger."""
    from vipcast.cli.template_views import preview_view

    with ctx.obj.shop() as shop:
        return preview_view(shop, name, member, group, messenger, var or [], in_color=ctx.obj.in_color)
