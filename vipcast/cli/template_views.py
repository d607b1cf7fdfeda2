"""Templates listed, checked and previewed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from vipcast.announcements.checking import check_template
from vipcast.announcements.formatting import plain_preview
from vipcast.announcements.planning import Route
from vipcast.announcements.templates import TemplateFault, list_templates
from vipcast.cli.result import Result, Table
from vipcast.errors import InputError, Problem, SetupMissing
from vipcast.groups import seats
from vipcast.groups.seats import Group
from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Member
from vipcast.shop import Shop


def parse_variables(pairs: Sequence[str]) -> dict[str, str]:
    """Return `--var` pairs.

    Raises:
        InputError: one is no name=value.

    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--var {pair!r} is no name=value.", hint="Such as --var percent=20.")
        found[name] = value
    return found


def list_view(shop: Shop) -> Result:
    rows: list[tuple[object, ...]] = []
    data: list[dict[str, object]] = []
    problems: list[Problem] = []
    for name in list_templates(shop.templates_folder):
        try:
            template = shop.template(name)
        except InputError as error:
            rows.append((name, "–", f"cannot be read: {error.message}", ""))
            problems += error.problems
            continue
        titles = [text.title for text in template.texts.values() if text.title]
        media = max((len(text.media) for text in template.texts.values()), default=0)
        rows.append((name, " ".join(template.texts), next(iter(titles), ""), media or ""))
        data.append({"name": name, "languages": list(template.texts), "title": next(iter(titles), "")})
    if not rows:
        return Result([], ["No templates yet. Begin one: vipcast template new spring-news"])
    table = Table(("template", "languages", "title", "media"), rows)
    return Result(data, [table], problems, exit_code=2 if problems else 0)


def check_view(shop: Shop, name: str, pairs: Sequence[str]) -> Result:
    template = shop.template(name)
    with shop.database.read() as connection:
        needed = roster.languages(connection)
    findings = check_template(
        template,
        capabilities={route.account.messenger: route.capabilities for route in shop.routes()},
        shop_name=shop.config.shop.name,
        shop_language=shop.config.shop.language,
        languages_needed=needed or {shop.config.shop.language},
        media_url=shop.media_url,
        support=shop.support(),
        variables=parse_variables(pairs),
    )
    rows = [(f.level, f.where, f.message, f.hint) for f in findings]
    faults = sum(f.level == "fault" for f in findings)
    data = {"template": name, "faults": faults, "findings": findings}
    if not findings:
        languages = ", ".join(template.texts)
        return Result(data, [f"{name} is fine, in {languages}. See it: vipcast template preview {name}"])
    said = f"{faults} fault{'s' * (faults != 1)}, {len(findings) - faults} warnings."
    table = Table(("", "where", "what", "what to do"), rows)
    problems = [Problem(f.code, f.message, f.hint, f.where) for f in findings if f.level == "fault"]
    return Result(data, [table, said], problems, exit_code=2 if faults else 0, is_told=True)


def preview_view(
    shop: Shop, name: str, who: str, group_name: str, messenger: str, pairs: Sequence[str], *, in_color: bool
) -> Result:
    template = shop.template(name)
    routes = _routes(shop, messenger)
    planner = shop.planner(template, parse_variables(pairs), routes)
    people = _people(shop, who, group_name)
    view: list[str | Table] = []
    data, problems = [], []
    for member, group in people:
        for route in routes:
            place = route.account.messenger
            try:
                message = planner.render(member, group, route)
            except TemplateFault as fault:
                problems += [
                    Problem(p.code, f"{member.name}: {p.message}", p.hint, p.where) for p in fault.problems
                ]
                continue
            shown = plain_preview(message, color=in_color)
            view.append(f"── {member.name} on {place} {'─' * 20}\n{shown}\n")
            who_and_where = {"member_id": member.id or None, "member": member.name, "messenger": place}
            data.append({**who_and_where, "text": message.text, "media": [m.name for m in message.media]})
    return Result(data, view, problems, exit_code=2 if problems else 0)


def _routes(shop: Shop, messenger: str) -> list[Route]:
    try:
        routes = shop.routes()
    except SetupMissing:
        return shop.all_routes()
    if messenger:
        shop.messenger_class(messenger)
        routes = [r for r in routes if r.account.messenger == messenger] or [
            r for r in shop.all_routes() if r.account.messenger == messenger
        ]
    return list({r.account.messenger: r for r in reversed(routes)}.values())[::-1]


def _people(shop: Shop, who: str, group_name: str) -> list[tuple[Member, Group | None]]:
    """Return for whom: those named, else the first member, else one that stands for all."""
    with shop.database.read() as connection:
        group = seats.get(connection, group_name) if group_name else None
        if who:
            return [(roster.find(connection, who), group or _group_of(shop))]
        if group:
            ids = [seat.member_id for seat in seats.seats(connection, group)]
            found: list[tuple[Member, Group | None]] = [(m, group) for m in roster.load(connection, ids)]
            if not found:
                raise InputError(f"Nobody sits in {group.name!r}.", hint="Name a --member, or seat somebody.")
            return found
        first = roster.load(connection, limit=1)
    return [(first[0] if first else _sample(shop), _group_of(shop))]


def first_person(shop: Shop, who: str, group_name: str) -> tuple[Member, Group | None]:
    """Return one member to show a text with: who is named, else the first, else a made-up one."""
    return _people(shop, who, group_name)[0]


def _group_of(shop: Shop) -> Group:
    with shop.database.read() as connection:
        known = seats.everything(connection, with_closed=False)
    return known[0] if known else Group(0, "gold", seats.DEFAULT_CAP, "", "direct", datetime.now(UTC), None)


def _sample(shop: Shop) -> Member:
    return Member(
        0, "Kovács Anna", "Anna", "Kovács", shop.config.shop.language, None, None, "", "", {}, "",
        shop.now(), ConsentState.OPTED_IN,
    )  # fmt: skip
