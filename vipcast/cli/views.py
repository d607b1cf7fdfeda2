"""How groups, members and announcements look: the same facts as a table and as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vipcast.by_hand import BY_HAND
from vipcast.cli.result import Result, Table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.announcements.planning import PlannedDelivery
    from vipcast.announcements.records import Announcement
    from vipcast.delivery.history import Entry
    from vipcast.members.roster import Member
    from vipcast.shop import Shop

HAND_NEXT = "vipcast hand next"

# What a reason of the ledger means, in words.
REASONS: Mapping[str, str] = {
    "opted_out": "opted out",
    "no_consent": "no consent on record",
    "no_address": "no address on any of the shop's messengers",
    "unreachable": "not reachable at any known address",
    "already_sent": "got this text before, in another announcement",
    "forgotten": "forgotten on request",
    "cancelled": "the announcement was cancelled",
    "throttled": "the messenger asked for a pause",
    "network": "the network was out of reach",
    "account": "the account could not send",
    "no-answer": "no answer came: it may or may not have arrived",
    "interrupted": "the program was ended in the middle: it may or may not have arrived",
    "stopped": "the person blocked the account or left",
    "address": "nobody is reached at this address",
    "rejected": "the messenger refused it",
    "window-closed": "the messenger's reply window is over",
    "receipt": "the messenger reported a failure afterwards",
    "settled-by-receipt": "a receipt showed that it arrived",
    "retry": "queued again by the owner",
    "quiet-hours": "waits for the end of the quiet hours there",
    "per-week": "waits: they got as many this week as [limits] allows",
    "too-soon": "waits: the last announcement was too short a time ago",
    "first-contacts": "waits: as many strangers as [limits] allows were written to today",
    "ended": "the announcement had ended",
    "closed": "the group was closed",
    "by-hand-skipped": "somebody decided not to post it",
    "invited": "has a link that still works; another one with --again",
    "answered": "a person had answered already",
    "decided": "it was decided before this was shown",
    "unsettled-restored": "it may have been sent: the database is an older copy",
    "unsettled-opted_out": "it may have arrived; not repeated, because the member opted out since",
    "unsettled-refused": "an earlier try may have arrived; repeating it was refused",
    "unsettled-no_consent": "it may have arrived; not repeated, because there is no consent",
}


def reason_words(reason: str, words: str = "") -> str:
    """Return a reason for people, with the messenger's own words where it gave any."""
    said = REASONS.get(reason, reason)
    return f"{said} ({words})" if words and words != said else said


def consent_words(member: Member) -> str:
    return {"opt_in": "yes", "opt_out": "opted out", "none": "none on record"}[member.consent]


def address_list(member: Member) -> str:
    return ", ".join(
        f"{a.messenger} {a.address}" + (f" ({a.state})" if a.state != "ok" else "") for a in member.addresses
    )


def member_data(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "language": member.language,
        "formal": member.formal,
        "birthday": member.birthday,
        "timezone": member.timezone,
        "preferred": member.preferred,
        "note": member.note,
        "fields": dict(member.fields),
        "consent": member.consent,
        "addresses": list(member.addresses),
        "origin": member.origin,
        "created_at": member.created_at,
    }


def preview_rows(planned: list[PlannedDelivery]) -> Table:
    rows = []
    for one in planned:
        if one.message is None:
            rows.append((one.label, one.group, "–", "–", f"gets nothing: {reason_words(one.skip)}"))
        else:
            first = one.message.text.strip().splitlines()[0] if one.message.text.strip() else "(no text)"
            extra = f" + {len(one.message.media)} file(s)" if one.message.media else ""
            short = first if len(first) <= 44 else first[:43] + "…"  # noqa: PLR2004
            rows.append((one.label, one.group, one.messenger, one.address, short + extra))
    return Table(("member", "group", "messenger", "address", "gets"), rows)


def planned_data(one: PlannedDelivery) -> dict[str, Any]:
    return {
        "member_id": one.member_id,
        "member": one.member.name if one.member else None,
        "chat": {"group": one.group, "members": sorted(one.chat.people)} if one.chat else None,
        "group": one.group,
        "language": one.language,
        "account": one.account,
        "messenger": one.messenger,
        "address": one.address,
        "text": one.message.text if one.message else None,
        "media": [m.name for m in one.message.media] if one.message else [],
        "skip": one.skip,
    }


def count_words(counts: Mapping[str, int]) -> str:
    """Return counts by state as a sentence's middle: "18 sent, 2 skipped"."""
    order = ("sent", "delivered", "seen", "queued", "sending", "unknown", "failed", "skipped")
    said = [f"{counts[state]} {state}" for state in order if counts.get(state)]
    return ", ".join(said) or "nothing"


def announcement_view(shop: Shop, connection: Connection, announcement: Announcement) -> Result:
    from vipcast.delivery import hand, history
    from vipcast.delivery.ledger import counts

    entries = history.of_announcement(connection, announcement.id)
    found = {str(state): number for state, number in counts(connection, announcement.id).items()}
    head = (
        f"Announcement {announcement.id}: {announcement.template} to {', '.join(announcement.groups)}, "
        f"{announcement.state}{_because(announcement.state_reason)}. {count_words(found).capitalize()}."
    )
    rows = [
        (e.whom, e.state, e.messenger, e.address, shop.local(e.at), outcome_words(shop, e)) for e in entries
    ]
    view: list[str | Table] = [head, Table(("member", "state", "messenger", "address", "when", "why"), rows)]
    view += next_steps(announcement, found, hand.open_count(connection, announcement.id))
    data = {"announcement": announcement, "counts": found, "deliveries": [entry_data(e) for e in entries]}
    return Result(data, view)


def waiting_words(number: int) -> str:
    """Return the next step where something waits for a person's hand; empty where nothing does."""
    return f"{number} to be sent by hand: {HAND_NEXT}" if number else ""


def next_steps(announcement: Announcement, counts: Mapping[str, int], by_hand: int = 0) -> list[str]:
    """Return what the owner may do about what is not done; `by_hand` of the queued ones wait for a person."""
    number = announcement.id
    steps = []
    if by_hand and announcement.state == "running":
        steps.append(waiting_words(by_hand))
    if counts.get("queued", 0) > by_hand and announcement.state != "cancelled":
        steps.append(f"Go on with the rest: vipcast announcement resume {number}")
    if counts.get("unknown"):
        steps.append(
            f"Unknown means that it may have arrived. Ask the member, or risk a second copy: "
            f"vipcast announcement retry {number} --unknown"
        )
    if counts.get("failed"):
        steps.append(
            f"Try the failed ones again, elsewhere where possible: vipcast announcement retry {number}"
        )
    return steps


def outcome_words(shop: Shop, entry: Entry) -> str:
    if entry.state in {"sent", "delivered", "seen"}:
        settled = reason_words(entry.reason) if entry.reason == "settled-by-receipt" else ""
        is_told = entry.group and entry.account != BY_HAND
        seen = f"seen by {entry.readers} of {entry.people}" if is_told else ""
        return "; ".join(filter(None, (seen, settled, recall_words(shop, entry))))
    said = reason_words(entry.reason, entry.words)
    if entry.not_before and entry.state in {"queued", "unknown"}:
        said += f"; again from {shop.local(entry.not_before)}"
    return said


def recall_words(shop: Shop, entry: Entry) -> str:
    """Return whether a delivery was taken back or edited; empty where nobody asked for it."""
    match entry.recall:
        case "done":
            return f"{entry.recall_words} {shop.local(entry.recalled_at)}"
        case "failed":
            return f"recalling it failed ({entry.recall_words})"
        case "wanted":
            return f"to be {'edited' if entry.recall_words == 'edit' else 'taken back'}"
    return ""


def entry_data(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__} | {
        "why": reason_words(entry.reason, entry.words) if entry.reason else ""
    }


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
