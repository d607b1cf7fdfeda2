"""`announcement approve` and `reject`: the second pair of eyes at the terminal."""

from __future__ import annotations

from vipcast.announcements import records
from vipcast.cli.inbox_deeds import user_name
from vipcast.cli.result import Result
from vipcast.cli.sending import drain
from vipcast.cli.terminal import Terminal, show
from vipcast.delivery import ledger
from vipcast.shop import Shop


def approve(terminal: Terminal, shop: Shop, number: int, *, yes: bool, by: str) -> Result:
    """Show what waits, ask, note who said yes, and send it."""
    with shop.database.read() as connection:
        one = records.get(connection, number)
        texts = records.texts(connection, number)
        members = sum(ledger.counts(connection, number).values())
    if not yes and one.approval == "waiting":
        show(terminal, [f"{language}:\n{text}\n" for language, text in texts.items()])
        if not terminal.confirm(f"Send announcement {number} to {members} members?"):
            return Result({"announcement": one}, ["Nothing was decided."], exit_code=3)
    with shop.database.write() as connection:
        one = records.decide(connection, number, by=by or user_name(), is_yes=True, now=shop.now())
    result = drain(terminal, shop, one)
    result.view = [f"Approved by {one.approval_by}.", *result.view]
    return result


def reject(shop: Shop, number: int, *, by: str) -> Result:
    with shop.database.write() as connection:
        one = records.decide(connection, number, by=by or user_name(), is_yes=False, now=shop.now())
    return Result({"announcement": one}, [f"Announcement {number} is rejected; nothing of it was sent."])
