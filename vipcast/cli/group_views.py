"""How a group and its chat look: seats, who is reached where, what a comparison found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vipcast.chats.comparing import Difference, Kind
from vipcast.chats.gate import Answer, Verdict, Why
from vipcast.cli.result import Table
from vipcast.cli.views import reason_words

if TYPE_CHECKING:
    from vipcast.chats.inviting import Invitee
    from vipcast.chats.syncing import Synced
    from vipcast.shop import Shop

_FOUND = {
    Kind.CAME: "came in",
    Kind.LEFT: "left",
    Kind.REMOVED: "was removed in the app",
    Kind.RENAMED: "has another name",
    Kind.DELETED: "deleted their account on the messenger",
    Kind.STRANGER: "nobody whom the shop knows",
    Kind.NO_SEAT: "a member without a seat here",
    Kind.OPTED_OUT: "opted out",
    Kind.TWICE: "a member's second account",
}
_ASKS = {
    Why.SEATED: "asks to come in, and has a seat",
    Why.WAITING: "asks to come in, and is on the waiting list",
    Why.NO_SEAT: "asks to come in, and has no seat here",
    Why.OPTED_OUT: "asks to come in, and opted out",
    Why.STRANGER: "asks to come in; nobody whom the shop knows",
    Why.PASSED_ON: "asks to come in by another member's link",
    Why.TWICE: "asks to come in with a second account",
}


def invited_view(chosen: Sequence[Invitee]) -> tuple[Table, dict[str, Any]]:
    """Return whom an invitation reaches, and where."""
    rows, data = [], []
    for one in chosen:
        messenger = one.route.account.messenger if one.route else "–"
        first = "yes" if one.is_stranger else ""
        why = reason_words(one.skip) if one.skip else ""
        rows.append((one.member.name, messenger, one.address or "–", first, why))
        data.append(
            {"member_id": one.member.id, "member": one.member.name, "messenger": messenger,
             "address": one.address, "is_first_contact": one.is_stranger, "skip": one.skip}
        )  # fmt: skip
    headers = ("member", "link goes by", "address", "never wrote to us", "why not")
    return Table(headers, rows), {"candidates": data}


def synced_view(shop: Shop, found: Synced, *, fix: bool) -> tuple[list[str | Table], dict[str, Any]]:
    """Return what differs, and what is, or would be, done about it."""
    there = [person for person, _ in found.look.there if not person.is_me]
    members = sum(member_id is not None for _, member_id in found.look.there)
    group = found.group
    taken = f"{group.name}: {group.seated} of {group.cap} seats taken"
    view: list[str | Table] = [f"{taken}; {members} members are in the chat, {len(there)} people in all."]
    rows = [_request_row(found, one, fix=fix) for one in found.verdicts]
    rows += [_difference_row(shop, found, one, fix=fix) for one in found.differences]
    if rows:
        view.append(Table(("who", "member", "what", "when", "then"), rows))
    else:
        view.append("Seats and people agree.")
    if found.look.default_links:
        view.append("The chat's own link lets in anybody; it is revoked.")
    data = {
        "group": group.name,
        "in_order": found.is_in_order,
        "differences": [_difference_data(found, one) for one in found.differences],
        "requests": [_request_data(found, one) for one in found.verdicts],
        "people": len(there),
        "members_in_chat": members,
    }
    return view, data


def done_view(shop: Shop, done: Synced) -> tuple[list[str | Table], dict[str, Any]]:
    """Return what a sync did."""
    from vipcast.chats.people import names_of
    from vipcast.groups.chats import members_in

    with shop.database.read() as connection:
        names = names_of(connection, [*done.risen, *done.greeted])
        inside = len(members_in(connection, done.group))
    let_in = [_member(done, one) for one in done.verdicts if one.answer is Answer.LET_IN]
    lines = [
        ("Let in", let_in),
        ("Taken out of the chat", done.removed),
        ("Moved up from the waiting list", [names.get(one, "") for one in done.risen]),
        ("Greeted", [names.get(one, "") for one in done.greeted]),
    ]
    view: list[str | Table] = [f"{words}: {', '.join(who)}." for words, who in lines if who]
    if done.readers:
        view.append(f"{done.readers} more have read what was announced there.")
    data = {
        "let_in": let_in,
        "removed": done.removed,
        "seated_now": done.risen,
        "greeted": done.greeted,
        "readers": done.readers,
        "notes": done.notes,
        "members_in_chat_now": inside,
    }
    return [*view, *done.notes, f"Done: {inside} members are in the chat now."], data


def _request_row(found: Synced, one: Verdict, *, fix: bool) -> tuple[str, ...]:
    then = {
        Answer.LET_IN: "let in",
        Answer.SEND_AWAY: "sent away",
        Answer.LEAVE: "sent away" if fix else "left to you: --fix sends them away",
    }[one.answer]
    if one.why is Why.PASSED_ON and not fix:
        then += "; if it is them, give their address: vipcast member edit … --address"
    return one.request.person.name, _member(found, one), _ASKS[one.why], "", then


def _difference_row(shop: Shop, found: Synced, one: Difference, *, fix: bool) -> tuple[str, ...]:
    then = []
    if one.frees:
        then.append("the seat goes to the waiting list")
    if one.seats:
        then.append("gets a seat")
    if one.removes:
        then.append(
            "is taken out of the chat" if fix or one.is_binding else "stays in the chat: --fix takes them out"
        )
    what = _FOUND[one.kind] + (f" (was {one.was})" if one.was else "")
    return (
        one.name or one.person_id,
        _member(found, one),
        what,
        shop.local(one.at),
        "; ".join(then) or "noted",
    )


def _member(found: Synced, one: Difference | Verdict) -> str:
    return found.names.get(one.member_id, "") if one.member_id is not None else ""


def _difference_data(found: Synced, one: Difference) -> dict[str, Any]:
    return {
        "person": one.person_id, "name": one.name, "member_id": one.member_id, "member": _member(found, one),
        "what": one.kind, "at": one.at, "was": one.was, "frees": one.frees, "seats": one.seats,
        "removes": one.removes,
    }  # fmt: skip


def _request_data(found: Synced, one: Verdict) -> dict[str, Any]:
    person = one.request.person
    return {
        "person": person.id, "name": person.name, "member_id": one.member_id, "member": _member(found, one),
        "why": one.why, "answer": one.answer,
    }  # fmt: skip
