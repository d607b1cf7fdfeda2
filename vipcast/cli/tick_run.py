"""What `tick` says of what it did."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vipcast.cli.result import Result
from vipcast.delivery import hand
from vipcast.delivery.sender import DrainResult, Ended
from vipcast.errors import INTERRUPTED, Interrupted, Problem, SetupMissing
from vipcast.groups import chats
from vipcast.schedules.firing import Fired
from vipcast.schedules.records import Ran
from vipcast.schedules.ticking import Ticked, Ticker
from vipcast.shop import Shop
from vipcast.shop_desk import setting_of, ticker_of

_QUIET = (Ended.EMPTY, Ended.WAITING, Ended.LOCKED, Ended.LIMIT, Ended.STOPPED)


def run(shop: Shop) -> Result:
    told: list[str] = []
    ticker = _ticker(shop, told)
    with shop.database.write() as connection:
        hand.plan_due(connection, shop.hand_due_at)
    done = ticker.tick()
    drained = (*done.drained, *done.said)
    problems = [*_failed(done), *(_stuck(one) for one in drained if one.ended not in _QUIET)]
    if done.was_stopped:
        said = "Stopped on request; everything that had left is written down."
        problems.append(Problem(Interrupted.code, said, "The next tick goes on."))
    sent = sum(one.sent for one in done.drained)
    data = {
        "fired": [_fired_data(one) for one in done.fired],
        "sent": sent,
        "seated": done.seated,
        "nudged": len(done.nudged),
        "overdue": len(done.overdue),
        "chats": told,
    }
    view = [*_times(done), *(_words(one) for one in done.fired if one.state is not Ran.FAILED)]
    view += told
    view += [f"{sent} sent."] if sent else []
    view += [f"{number} moved up from the waiting list of {group}." for group, number in done.seated.items()]
    if shop.config.desk_is_terminal:
        # Cron mails this: numbers, no names.
        view += [f"Due soon: the answer in conversation {one.conversation_id}." for one in done.nudged]
        view += [f"Overdue: the answer in conversation {one.conversation_id}." for one in done.overdue]
    code = _code(problems, sent, done)
    if done.late_by_hand:
        data["late_by_hand"] = done.late_by_hand
        if ticker.setting.desk is None:
            problems.append(_late(done.late_by_hand))
    return Result(data, view, problems, exit_code=code)


def _ticker(shop: Shop, told: list[str]) -> Ticker:
    """Return what does everything that is due; what it finds in groups' chats is added to `told`."""
    with shop.database.read() as connection:
        has_chats = bool(chats.kept(connection))
    if not has_chats:
        return ticker_of(shop)
    from vipcast.chats.watching import Watch
    from vipcast.shop_chats import context_of

    setting = setting_of(shop)
    watch = Watch(
        context_of(shop, setting),
        fixes=shop.config.chats.fix,
        tell=lambda _, words: told.append(words),
        send_news=_later,
        note_problem=shop.dispatcher().note_problem,
        refuse_if_stopped=shop.dispatcher().refuse_if_stopped,
    )
    return ticker_of(shop, setting, watch)


async def _later(number: int) -> None:
    """Leave an invitation to the drain that follows in the same tick."""
    del number


def _times(done: Ticked) -> list[str]:
    words = []
    if done.clock_was_set_back:
        words.append("The clock was set back: what is to come was looked up again; nothing comes twice.")
    if done.was_restored:
        words.append(
            "The database is an older copy of itself: nothing from the past fires by itself, and what was "
            "under way is paused. See: vipcast announcement list"
        )
    return words


def _words(one: Fired) -> str:
    what = f"Schedule {one.schedule.id} ({one.schedule.template}, {one.local})"
    if one.state is Ran.SENT:
        return f"{what}: announcement {one.announcement_id} for {one.planned}."
    if one.state is Ran.ASKED:
        asked = "comes too late. Send it after all?" if one.reason == "too late" else "waits for approval:"
        return f"{what} {asked} vipcast announcement approve {one.announcement_id}"
    return f"{what} was not sent: {one.reason}."


def _fired_data(one: Fired) -> dict[str, Any]:
    return asdict(one) | {"schedule": one.schedule.id, "template": one.schedule.template}


def _failed(done: Ticked) -> list[Problem]:
    hint = "Mend it, then: vipcast schedule preview, and vipcast send for this time."
    return [
        Problem(
            "schedule-failed",
            f"Schedule {one.schedule.id} ({one.schedule.template}, {one.local}): {one.reason}",
            hint,
            f"schedule {one.schedule.id}",
        )
        for one in done.fired
        if one.state is Ran.FAILED
    ]


def _stuck(one: DrainResult) -> Problem:
    return Problem(f"account-{one.ended}", f"{one.account}: {one.words or one.ended}", one.hint, one.account)


def _late(numbers: list[int]) -> Problem:
    """Return one line for stderr: it is told once, and no failure of the tick."""
    said = ", ".join(map(str, numbers))
    return Problem("late-by-hand", f"Not yet sent by hand, and late: {said}. See `vipcast hand list`.")


def _code(problems: list[Problem], sent: int, done: Ticked) -> int:
    if done.was_stopped:
        return INTERRUPTED
    if not problems:
        return 0
    if all(one.code == f"account-{Ended.ACCOUNT}" for one in problems) and not sent:
        return SetupMissing.exit_code
    return 4 if sent or any(one.state is Ran.SENT for one in done.fired) else 1
