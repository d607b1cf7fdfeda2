"""Templates listed, checked and previewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from vipcast.announcements.checking import check_template
from vipcast.announcements.checking_chats import CheckedChat
from vipcast.announcements.formatting import plain_preview
from vipcast.announcements.planning import ChatTarget, Planner, Route
from vipcast.announcements.rendering import GroupView
from vipcast.announcements.templates import TemplateFault, list_templates
from vipcast.by_hand import BY_HAND
from vipcast.cli.result import Result, Table
from vipcast.config import Account
from vipcast.errors import InputError, Problem, SetupMissing
from vipcast.groups import chats, seats
from vipcast.groups.chats import GroupChat
from vipcast.groups.seats import Group
from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Member
from vipcast.messengers.base import Capabilities, Message
from vipcast.shop import Shop

# Who reads, where, the facts of them, and what makes their text.
_Reader = tuple[str, str, dict[str, object], Callable[[], Message]]


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


def check_view(shop: Shop, name: str, group_name: str, pairs: Sequence[str]) -> Result:
    """Check a template; with a group that has a chat, also as all in the chat would read it."""
    template, routes = shop.template(name), shop.routes()
    with shop.database.read() as connection:
        needed = roster.languages(connection)
        chosen = [seats.get(connection, group_name)] if group_name else []
        groups = chosen or seats.everything(connection, with_closed=False)
        known = [(group, chats.of(connection, group)) for group in groups if group.mode != chats.DIRECT]
    findings = check_template(
        template,
        capabilities=_capabilities(routes),
        shop_name=shop.config.shop.name,
        shop_language=shop.config.shop.language,
        languages_needed=needed or {shop.config.shop.language},
        media_url=shop.media_url,
        support=shop.support(),
        variables=parse_variables(pairs),
        chats=[_checked(shop, *one, routes, is_chosen=bool(chosen)) for one in known],
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
    """Show what all in the group's chat would read, if it has one, and then what each member would."""
    template = shop.template(name)
    routes = _routes(shop, messenger)
    planner = shop.planner(template, parse_variables(pairs), routes)
    target = _chat_of(shop, group_name, messenger, routes) if group_name else None
    readers: list[_Reader] = [] if target is None else [_reader_of_chat(planner, target)]
    for member, group in _people(shop, who, group_name, may_be_nobody=target is not None):
        facts: dict[str, object] = {"member_id": member.id or None, "member": member.name}
        for route in routes:
            text = partial(planner.render, member, group, route)
            readers.append((member.name, route.account.messenger, facts, text))
    view: list[str | Table] = []
    data, problems = [], []
    for reader, place, known, make in readers:
        try:
            message = make()
        except TemplateFault as fault:
            problems += [Problem(p.code, f"{reader}: {p.message}", p.hint, p.where) for p in fault.problems]
            continue
        shown = plain_preview(message, color=in_color)
        view.append(f"── {reader} on {place} {'─' * 20}\n{shown}\n")
        said = {"messenger": place, "text": message.text, "media": [m.name for m in message.media]}
        data.append({**known, **said})
    return Result(data, view, problems, exit_code=2 if problems else 0)


def _reader_of_chat(planner: Planner, target: ChatTarget) -> _Reader:
    facts: dict[str, object] = {"member_id": None, "member": None, "chat": target.group.name}
    place = target.route.account.messenger
    return f"all in the chat of {target.group.name}", place, facts, partial(planner.render_chat, target)


def _chat_of(shop: Shop, group_name: str, messenger: str, routes: Sequence[Route]) -> ChatTarget | None:
    """Return a group's chat, finished or not; None where it has none, or not on the messenger shown."""
    with shop.database.read() as connection:
        group = seats.get(connection, group_name)
        chat = chats.of(connection, group)
    if group.mode == chats.DIRECT or (messenger and chat and chat.messenger != messenger):
        return None
    route = _route_to(shop, group, chat, routes)
    return ChatTarget(group, route, group.chat, _language_of(shop, chat), {}) if route else None


def _route_to(shop: Shop, group: Group, chat: GroupChat | None, routes: Sequence[Route]) -> Route | None:
    """Return over what messages go to a group's chat, or would; None where that is not known yet."""
    if group.mode == BY_HAND:
        network = shop.network(chat.messenger) if chat else None
        account = Account(name=BY_HAND, messenger=network.name if network else "", role="announce")
        return Route(account, network.capabilities) if network else None
    there = [route for route in routes if chat and route.account.messenger == chat.messenger]
    own = (route for route in routes if route.account.name == group.chat_account)
    return next(own, there[0] if there else None)


def _language_of(shop: Shop, chat: GroupChat | None) -> str:
    return (chat.language if chat else "") or shop.config.shop.language


def _checked(
    shop: Shop, group: Group, chat: GroupChat | None, routes: Sequence[Route], *, is_chosen: bool
) -> CheckedChat:
    route = _route_to(shop, group, chat, routes)
    return CheckedChat(
        GroupView(group.name, group.purpose, group.cap),
        language=_language_of(shop, chat),
        formal=shop.config.shop.formal,
        messenger=route.account.messenger if route else "",
        capabilities=route.capabilities if route else None,
        is_chosen=is_chosen,
    )


def _capabilities(routes: Sequence[Route]) -> dict[str, Capabilities]:
    """Return what each messenger can do; one that the shop also serves by hand stands there twice."""
    found: dict[str, Capabilities] = {}
    for route in routes:
        place = route.account.messenger
        if route.account.name == BY_HAND and place in found:
            place += " by hand"
        found[place] = route.capabilities
    return found


def _routes(shop: Shop, messenger: str) -> list[Route]:
    try:
        routes = shop.routes()
    except SetupMissing:
        return shop.all_routes()
    if messenger:
        routes = [r for r in routes if r.account.messenger == messenger]
    if not routes:
        shop.messenger_class(messenger)
        routes = [r for r in shop.all_routes() if r.account.messenger == messenger]
    return list({r.account.messenger: r for r in reversed(routes)}.values())[::-1]


def _people(
    shop: Shop, who: str, group_name: str, *, may_be_nobody: bool = False
) -> list[tuple[Member, Group | None]]:
    """Return for whom: those named, else the first member, else one that stands for all."""
    with shop.database.read() as connection:
        group = seats.get(connection, group_name) if group_name else None
        if who:
            return [(roster.find(connection, who), group or _group_of(shop))]
        if group:
            ids = [seat.member_id for seat in seats.seats(connection, group)]
            found: list[tuple[Member, Group | None]] = [(m, group) for m in roster.load(connection, ids)]
            if not found and not may_be_nobody:
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
