"""What the commands of `vipcast announcement` do and show."""

from __future__ import annotations

from sqlalchemy import Connection

from vipcast.announcements import preparing, records
from vipcast.cli.result import Result, Table
from vipcast.cli.sending import drain
from vipcast.cli.terminal import Terminal
from vipcast.cli.views import announcement_view, count_words
from vipcast.delivery import ledger
from vipcast.delivery.outcomes import State
from vipcast.errors import InputError, NothingToDo
from vipcast.groups import seats
from vipcast.shop import Shop, new_message_key


def list_view(shop: Shop) -> Result:
    with shop.database.read() as connection:
        found = records.listed(connection)
        by_state = {one.id: ledger.counts(connection, one.id) for one in found}
    if not found:
        return Result([], ["Nothing was announced yet. Begin: vipcast send new-collection --group gold"])
    rows = [
        (one.id, one.template, ", ".join(one.groups), one.state, shop.local(one.created_at),
         count_words({str(s): n for s, n in by_state[one.id].items()}))
        for one in found
    ]  # fmt: skip
    data = [
        {**{name: getattr(one, name) for name in one.__dataclass_fields__}, "counts": by_state[one.id]}
        for one in found
    ]
    return Result(data, [Table(("number", "template", "groups", "state", "begun", "deliveries"), rows)])


def show_view(shop: Shop, number: int | None) -> Result:
    with shop.database.read() as connection:
        return announcement_view(shop, connection, _one(connection, number))


def resume_announcements(terminal: Terminal, shop: Shop, number: int | None, limit: int | None) -> Result:
    with shop.database.write() as connection:
        if number is None:
            found = [one for one in records.listed(connection) if one.is_unfinished]
            chosen = [one for one in found if one.approval != "waiting"]
        else:
            chosen = [records.get(connection, number)]
        for one in chosen:
            if not one.is_unfinished:
                raise NothingToDo(
                    f"Announcement {one.id} is {one.state}; there is nothing to resume.",
                    hint=f"Failed or unknown ones: vipcast announcement retry {one.id}",
                )
            if one.approval == "waiting":
                raise InputError(
                    f"Announcement {one.id} waits for approval.",
                    hint=f"Say yes or no: vipcast announcement approve {one.id}, or reject {one.id}",
                )
            records.set_state(connection, one.id, "running")
    if not chosen:
        raise NothingToDo("No announcement is unfinished.", hint="See `vipcast announcement list`.")
    results = [drain(terminal, shop, one, limit=limit) for one in sorted(chosen, key=lambda one: one.id)]
    if len(results) == 1:
        return results[0]
    return Result(
        [result.data for result in results],
        [line for result in results for line in result.view],
        [problem for result in results for problem in result.problems],
        max(result.exit_code for result in results),
    )


def pause_announcement(shop: Shop, number: int) -> Result:
    with shop.database.write() as connection:
        found = records.get(connection, number)
        if not found.is_unfinished:
            raise NothingToDo(f"Announcement {number} is {found.state} already.")
        records.set_state(connection, number, "paused", "by the owner")
    return Result(
        {"announcement": number, "state": "paused"},
        [f"Announcement {number} is paused. Go on: vipcast announcement resume {number}"],
    )


def cancel_announcement(terminal: Terminal, shop: Shop, number: int, *, yes: bool) -> Result:
    with shop.database.read() as connection:
        found = records.get(connection, number)
    if not found.is_unfinished:
        raise NothingToDo(f"Announcement {number} is {found.state} already.")
    if not yes and not terminal.confirm(f"Cancel announcement {number} ({found.template})?"):
        return Result(view=["Nothing was changed."], exit_code=3)
    with shop.database.write() as connection:
        dropped = records.cancel(connection, found, shop.now())
    return Result(
        {"announcement": number, "state": "cancelled", "dropped": dropped},
        [f"Announcement {number} is cancelled; {dropped} deliveries will not be sent."],
    )


def retry_announcement(
    terminal: Terminal, shop: Shop, number: int, *, with_unknown: bool, yes: bool
) -> Result:
    with shop.database.read() as connection:
        found = records.get(connection, number)
        by_state = ledger.counts(connection, number)
    failed, unknown = by_state.get(State.FAILED, 0), by_state.get(State.UNKNOWN, 0)
    if not failed and not (with_unknown and unknown):
        raise NothingToDo(
            f"Nothing of announcement {number} failed.",
            hint=f"{unknown} may or may not have arrived: --unknown sends them again." if unknown else "",
        )
    if with_unknown and unknown and not yes:
        question = f"{unknown} may have arrived already and would come twice. Send them again?"
        if not terminal.confirm(question):
            return Result(view=["Nothing was changed."], exit_code=3)
    if failed:
        _replan(shop, found)
    if with_unknown:
        with shop.database.write() as connection:
            ledger.retry(connection, number, State.UNKNOWN)
    return drain(terminal, shop, found)


def _replan(shop: Shop, found: records.Announcement) -> None:
    """Choose anew where the failed ones are reached, and queue those that have somewhere."""
    if found.template.startswith(records.INVITATION):
        raise InputError(
            f"Announcement {found.id} is an invitation: each link is made for one time.",
            hint="Invite whom it did not reach: vipcast group invite " + seats.typed(found.groups[0]),
        )
    template = shop.template(found.template)
    planner = shop.planner(template, found.variables)
    request = preparing.SendRequest(template, found.groups, found.variables)
    with shop.database.write() as connection:
        plan = preparing.plan_failed(connection, found, request, planner)
        plan.check()
        moved = preparing.requeue(connection, found, plan, shop.media_folder, new_key=new_message_key)
    if not moved:
        raise NothingToDo(
            f"The failed ones of announcement {found.id} are reached nowhere else.",
            hint="Give them another address: vipcast member edit MEMBER --address …",
        )


def _one(connection: Connection, number: int | None) -> records.Announcement:
    if number is not None:
        return records.get(connection, number)
    found = records.listed(connection)
    if not found:
        raise InputError("Nothing was announced yet.", hint="Begin: vipcast send new-collection --group gold")
    return found[0]
