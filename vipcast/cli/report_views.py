"""The report: tables for people, the same numbers for programs, and a page to print or send on."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import timedelta
from html import escape
from pathlib import Path

from tabulate import tabulate

from vipcast.announcements import records
from vipcast.announcements.records import Announcement
from vipcast.cli.result import Result, Table
from vipcast.cli.views import announcement_view
from vipcast.conversations import figures, promises
from vipcast.delivery import ledger
from vipcast.delivery.outcomes import State
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.shop import Shop

_REACHED = (State.SENT, State.DELIVERED, State.SEEN)
_STYLE = (
    "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}"
    "td,th{padding:.3em .8em;text-align:left}"
)


def report_view(shop: Shop, number: int | None, days: int, html: Path | None) -> Result:
    if number is None:
        result = _shop_report(shop, days)
    else:
        with shop.database.read() as connection:
            result = announcement_view(shop, connection, records.get(connection, number))
    if html is not None:
        _write_page(html, f"{shop.config.shop.name}, {shop.local(shop.now())}", result.view)
        result.view = [*result.view, f"Written to {html}; it names members, so keep it to yourself."]
    return result


def _shop_report(shop: Shop, days: int) -> Result:
    now = shop.now()
    start = now - timedelta(days=days)
    hours = shop.hours
    with shop.database.write() as connection:
        promises.settle(connection, hours)
        said = figures.since(connection, start, now)
        groups = seats.everything(connection, with_closed=False)
        announced = [one for one in records.listed(connection) if one.created_at >= start]
        counts = {one.id: ledger.counts(connection, one.id) for one in announced}
    rows = [_announcement_row(shop, one, counts[one.id]) for one in announced]
    promised = ", ".join(f"{count} {state}" for state, count in said.promises.items())
    answered = "" if said.median_minutes_to_answer is None else f"{said.median_minutes_to_answer:g} minutes"
    facts = [
        ("messages from members", said.messages),
        ("questions for a person", said.questions),
        ("answered from the FAQ", said.answered_by_faq),
        ("opted out or in by word", said.opted_out),
        ("answers by people", said.answers),
        ("automatic answers", said.automatic),
        ("usual time to an answer", answered),
        ("waiting now", said.waiting_now),
        ("promises, of all times", promised),
    ]
    view: list[str | Table] = [f"The last {days} days of {shop.config.shop.name}."]
    view.append(
        Table(("group", "seats", "cap", "waiting"), [(g.name, g.seated, g.cap, g.waiting) for g in groups])
    )
    headers = ("no", "announcement", "when", "members", "reached", "seen", "failed", "unknown", "skipped")
    view.append(Table(headers, rows) if rows else "Nothing was announced.")
    view.append(Table(("replies", ""), facts))
    told = [
        {"announcement": one, "counts": {str(state): number for state, number in counts[one.id].items()}}
        for one in announced
    ]
    data = {
        "since": start,
        "groups": groups,
        "announcements": told,
        "replies": asdict(said),
    }
    return Result(data, view)


def _announcement_row(shop: Shop, one: Announcement, counts: dict[State, int]) -> tuple[object, ...]:
    reached = sum(counts.get(state, 0) for state in _REACHED)
    return (
        one.id,
        one.title or one.template,
        shop.local(one.created_at),
        sum(counts.values()),
        reached,
        counts.get(State.SEEN, 0),
        *(counts.get(state, 0) for state in (State.FAILED, State.UNKNOWN, State.SKIPPED)),
    )


def _write_page(path: Path, title: str, view: object) -> None:
    """Write a page that stands by itself, for its owner's eyes only.

    Raises:
        InputError: it cannot be written there.

    """
    parts = [
        f"<p>{escape(part)}</p>"
        if isinstance(part, str)
        else tabulate(part.rows, headers=part.headers, tablefmt="html", disable_numparse=True)
        for part in view  # type: ignore[attr-defined]
    ]
    page = (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
    try:
        with os.fdopen(
            os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(page)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another file.", where=str(path)
        ) from error
