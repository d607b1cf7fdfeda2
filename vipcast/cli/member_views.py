"""One member, whole; and why they did or did not get something."""

from __future__ import annotations

from vipcast.announcements import records
from vipcast.announcements.planning import choose_route
from vipcast.cli.result import Result, Table
from vipcast.cli.views import consent_words, entry_data, member_data, outcome_words, reason_words
from vipcast.delivery import history
from vipcast.errors import SetupMissing
from vipcast.groups import seats
from vipcast.groups.seats import Place
from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import Member
from vipcast.shop import Shop


def member_view(shop: Shop, who: str) -> Result:
    with shop.database.read() as connection:
        member = roster.find(connection, who)
        events = roster.consent_events(connection, member.id)
        sitting = seats.groups_of(connection, member.id)
    formal = shop.config.shop.formal if member.formal is None else member.formal
    facts = [
        ("language", member.language or f"{shop.config.shop.language} (the shop's)"),
        ("address", "formal" if formal else "informal"),
        ("birthday", member.birthday or ""),
        ("time zone", member.timezone),
        ("prefers", member.preferred),
        ("consent", consent_words(member)),
        ("groups", _group_words(sitting)),
        ("came from", member.origin or "added by hand"),
        ("note", member.note),
    ]
    reached = [(a.messenger, a.address, a.state, a.reason) for a in member.addresses]
    consents = [(shop.local(e.at), e.event.replace("_", " "), e.source, e.wording) for e in events]
    view: list[str | Table] = [f"#{member.id} {member.name}", Table(("", ""), [f for f in facts if f[1]])]
    view += [Table(("messenger", "address", "state", "why"), reached)] if reached else ["No address."]
    view += [Table(("when", "consent", "source", "wording"), consents)] if consents else []
    groups = [{"group": name, "place": place, "position": position} for name, place, position in sitting]
    data = member_data(member) | {
        "groups": groups,
        "consents": [
            {"event": e.event, "at": e.at, "source": e.source, "wording": e.wording} for e in events
        ],
    }
    return Result(data, view)


def why_view(shop: Shop, who: str, announcement_id: int | None) -> Result:
    """Say why a person did, or did not, get an announcement: each fact that bears on it."""
    with shop.database.read() as connection:
        member = roster.find(connection, who)
        events = roster.consent_events(connection, member.id)
        sitting = seats.groups_of(connection, member.id)
        if announcement_id is not None:
            records.get(connection, announcement_id)
        entries = history.of_member(connection, member.id, announcement_id)
    view: list[str | Table] = [f"{member.name} (#{member.id})"]
    view += [f"Announcement {e.announcement_id} ({e.template}): {_story(shop, e)}" for e in entries]
    if not entries:
        named = f"announcement {announcement_id}" if announcement_id else "any announcement"
        view.append(f"Not part of {named}: who was seated in its groups at the time is part of it.")
    last = events[-1] if events else None
    view += [
        f"Seats: {_group_words(sitting) or 'in no group, so no announcement reaches them'}.",
        f"Consent: {_consent_words(shop, member, last)}.",
    ]
    view += [_address_words(shop, member)]
    data = {
        "member": member_data(member),
        "groups": [{"group": n, "place": p, "position": i} for n, p, i in sitting],
        "deliveries": [entry_data(entry) for entry in entries],
    }
    return Result(data, view)


def _story(shop: Shop, entry: history.Entry) -> str:
    times = [
        ("sent", entry.sent_at),
        ("delivered", entry.delivered_at),
        ("seen", entry.seen_at),
    ]
    happened = [f"{word} {shop.local(at)}" for word, at in times if at]
    if entry.state in {"sent", "delivered", "seen"}:
        via = f" on {entry.messenger} ({entry.address}) through {entry.account}" if entry.messenger else ""
        more = outcome_words(shop, entry)
        return f"got it: {', '.join(happened)}{via}{'; ' * bool(more)}{more}."
    if entry.state == "skipped":
        return f"not sent: {reason_words(entry.reason, entry.words)} (decided {shop.local(entry.at)})."
    tried = f" Tried {entry.attempts} time{'s' * (entry.attempts != 1)}, last {shop.local(entry.sending_at)}."
    said = outcome_words(shop, entry)
    return f"{entry.state} on {entry.messenger} ({entry.address})" + (f": {said}." if said else ".") + tried


def _group_words(sitting: list[tuple[str, Place, int]]) -> str:
    return ", ".join(
        f"{name} (seat)" if place is Place.SEATED else f"{name} (waiting, number {position})"
        for name, place, position in sitting
    )


def _consent_words(shop: Shop, member: Member, last: object) -> str:
    if last is None:
        return "none on record, so nothing is sent; record it with `vipcast member opt-in`"
    said = "opted in" if member.consent is ConsentState.OPTED_IN else "opted out"
    return f"{said} {shop.local(last.at)} ({last.source})"  # type: ignore[attr-defined]


def _address_words(shop: Shop, member: Member) -> str:
    try:
        route, address, reason = choose_route(shop.routes(), member)
    except SetupMissing as error:
        return f"Reached: {error.message}"
    if route is None:
        return f"Reached: nowhere: {reason_words(reason)}."
    return f"Reached: on {route.account.messenger} at {address}, through the account {route.account.name}."
