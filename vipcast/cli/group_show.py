"""`vipcast group show`: seats, who is reached where, what they got last, and what to do about the rest."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vipcast.announcements.planning import choose_route
from vipcast.by_hand import BY_HAND
from vipcast.chats import links
from vipcast.cli.result import Result, Table
from vipcast.cli.views import address_list, consent_words, member_data, reason_words
from vipcast.delivery import reached
from vipcast.errors import SetupMissing
from vipcast.groups import chats, seats
from vipcast.groups.seats import Place
from vipcast.members import roster
from vipcast.members.consent import ConsentState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.announcements.planning import Route
    from vipcast.delivery.reached import Reached
    from vipcast.groups.chats import GroupChat
    from vipcast.groups.seats import Group, Seat
    from vipcast.members.roster import Member
    from vipcast.shop import Shop


def group_view(shop: Shop, name: str) -> Result:
    """Return all there is to say of a group."""
    try:
        routes: list[Route] = shop.routes()
    except SetupMissing:
        routes = []
    with shop.database.read() as connection:
        group = seats.get(connection, name)
        chat = chats.of(connection, group)
        listed = seats.seats(connection, group)
        people = {m.id: m for m in roster.load(connection, [seat.member_id for seat in listed])}
        news = reached.of_members(connection, list(people))
        last = reached.last_of_group(connection, group)
        inside = set(chats.members_in(connection, group)) if group.mode != chats.DIRECT else set()
        invited = _invited(connection, group, shop)
    rows, data = [], []
    for seat in listed:
        member = people[seat.member_id]
        where = _where(member, group, chat, routes, inside, invited)
        got = news.get(member.id)
        rows.append(
            (f"{seat.place} {seat.position}", member.name, consent_words(member), where, address_list(member),
             _last_words(shop, got), shop.local(seat.since))
        )  # fmt: skip
        data.append(
            {"place": seat.place, "position": seat.position, "since": seat.since, "reached": where,
             "last": asdict(got) if got else None, **member_data(member)}
        )  # fmt: skip
    view: list[str | Table] = [*_head(shop, group, chat)]
    if rows:
        headers = ("place", "member", "consent", "reached", "addresses", "last news", "since")
        view.append(Table(headers, rows))
    else:
        view.append("Nobody sits here yet: vipcast group add, or vipcast member import … --group.")
    if last is not None:
        is_told = last.people and group.mode != BY_HAND
        seen = f", seen by {last.seen} of {last.people}" if is_told else ""
        view.append(f"Last announcement: {last.number} ({last.title}), {shop.local(last.at)}{seen}.")
    view += _to_do(group, chat, listed, people, news, inside, invited)
    facts = {
        "group": group,
        "chat": _chat_data(chat),
        "members": data,
        "last": asdict(last) if last else None,
    }
    return Result(facts, view)


def _invited(connection: Connection, group: Group, shop: Shop) -> set[int]:
    now = shop.now()
    return {one.member_id for one in links.of_group(connection, group) if one.expires_at > now}


def _head(shop: Shop, group: Group, chat: GroupChat | None) -> list[str]:
    said = f"{group.name}: {group.seated} of {group.cap} seats taken, {group.waiting} waiting."
    lines = [said + (f" {group.purpose}" if group.purpose else "")]
    if group.mode == chats.CHAT and chat is not None:
        state = {chats.MAKING: "not finished yet", chats.CLOSED: "closed"}.get(chat.state, "")
        looked = f"compared {shop.local(chat.looked_at)}" if chat.looked_at else "never compared yet"
        who = "members may write" if chat.members_write else "only the shop writes"
        parts = (state or looked, who)
        lines.append(
            f"Chat {chat.title!r} on {chat.messenger}, kept by {group.chat_account}: {', '.join(parts)}."
        )
    if group.mode == BY_HAND and chat is not None:
        lines.append(f"Kept by hand on {chat.messenger}. {chat.link}".strip())
    if group.closed_at:
        lines.append(f"Closed on {shop.local(group.closed_at)}.")
    return lines


def _where(
    member: Member,
    group: Group,
    chat: GroupChat | None,
    routes: list[Route],
    inside: set[int],
    invited: set[int],
) -> str:
    """Return where the next announcement would reach somebody, in a few words."""
    if member.id in inside and chat is not None:
        return f"in the chat ({chat.messenger}{', by hand' if group.mode == BY_HAND else ''})"
    more = ", invited" if member.id in invited else ""
    if member.consent is not ConsentState.OPTED_IN:
        return "nowhere: " + reason_words(
            "opted_out" if member.consent is ConsentState.OPTED_OUT else "no_consent"
        )
    route, _, why = choose_route(routes, member)
    if route is None:
        return f"nowhere: {reason_words(why)}{more}"
    return f"{route.account.messenger} ({route.account.name}){more}"


def _last_words(shop: Shop, got: Reached | None) -> str:
    if got is None:
        return "never"
    return f"{got.state} {shop.local(got.at)}"


def _to_do(
    group: Group,
    chat: GroupChat | None,
    listed: list[Seat],
    people: dict[int, Member],
    news: dict[int, Reached],
    inside: set[int],
    invited: set[int],
) -> list[str]:
    """Return what the owner may do about those who are not reached."""
    if group.closed_at:
        return []
    seated = [people[seat.member_id] for seat in listed if seat.place is Place.SEATED]
    silent = [one for one in seated if one.consent is ConsentState.NONE]
    lost = [one for one in seated if one.id in news and news[one.id].is_lost]
    steps = []
    if silent:
        names = ", ".join(one.name for one in silent)
        steps.append(f"No consent on record, so nothing is sent: {names}. Ask them: vipcast member opt-in")
    for one in lost:
        since = news[one.id].reached_at
        when = f"since {since:%Y-%m-%d}" if since else "ever"
        steps.append(f"{one.name} has not been reached {when}: vipcast why '#{one.id}'")
    if group.mode == chats.CHAT and chat is not None:
        if chat.state == chats.MAKING:
            return [*steps, f"The chat is not finished: vipcast group sync {group.as_typed} --yes"]
        outside = [one for one in seated if one.id not in inside and one.id not in invited]
        asked = [one for one in outside if one.consent is ConsentState.OPTED_IN]
        if asked:
            steps.append(f"{len(asked)} could be in the chat: vipcast group invite {group.as_typed}")
        if chat.wants_a_look and chat.looked_at is not None:
            steps.append(f"Somebody came or left since: vipcast group sync {group.as_typed}")
    return steps


def _chat_data(chat: GroupChat | None) -> dict[str, Any] | None:
    if chat is None:
        return None
    hidden = ("mark", "door", "picture")
    return {name: value for name, value in asdict(chat).items() if name not in hidden}
