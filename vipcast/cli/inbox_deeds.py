"""Answering, noting, closing and tying at the terminal."""

from __future__ import annotations

import asyncio
import getpass
import sys
import time
from typing import Any

from sqlalchemy import select

from vipcast.cli.inbox_views import conversation_data
from vipcast.cli.moments import moment_of
from vipcast.cli.result import Result
from vipcast.conversations import promises, records
from vipcast.conversations.records import Conversation
from vipcast.conversations.upkeep import Upkeep
from vipcast.conversations.voice import Voice
from vipcast.delivery.outcomes import ARRIVED, State
from vipcast.errors import InputError, Problem
from vipcast.members import roster
from vipcast.shop import Shop
from vipcast.shop_desk import setting_of
from vipcast.storage.tables import deliveries

KINDS = ("note", "call", "visit")
LISTEN_SECONDS = 10.0  # how long to wait for what a running `listen` sends
_LOOK_SECONDS = 0.2


def reply(shop: Shop, which: str, text: str, by: str) -> Result:
    """Queue the answer, send it, or let a running `listen` do so, and say what it came to."""
    text = (sys.stdin.read() if text == "-" else text).strip()
    if not text:
        raise InputError("The answer is empty.", hint="Write what the member is to read.")
    setting, now = setting_of(shop), shop.now()
    with shop.database.write() as connection:
        talk = records.find(connection, which)
        _check_reachable(talk)
        who = by or user_name()
        number = Voice(setting).answer(
            connection, talk, text, purpose=None, author=who, inbound_id=None, now=now
        )
        records.change(connection, talk.id, taken_by=who, closed_at=None)
    row = asyncio.run(_send(shop, talk.account, number or 0))
    with shop.database.write() as connection:
        Upkeep(setting).outcomes(connection, shop.now())
    return _told(talk, row)


def note(shop: Shop, which: str, text: str, *, kind: str, at: str, by: str) -> Result:
    if kind not in KINDS:
        raise InputError(f"There is no kind {kind!r} of note.", hint=f"One of: {', '.join(KINDS)}.")
    if not text.strip():
        raise InputError("The note is empty.", hint="Write what was said.")
    hours, now = shop.hours, shop.now()
    moment = moment_of(at, shop.zone, now)
    if moment > now:
        raise InputError(f"--at lies in the future: {shop.local(moment)}.", hint="Write down what has been.")
    with shop.database.write() as connection:
        talk = _talk_of(shop, connection, which)
        records.note(connection, talk, kind, text.strip(), at=moment, author=by or user_name(), now=now)
        promises.settle(connection, hours)
        talk = records.get(connection, talk.id)
    return Result(conversation_data(talk), [f"Noted with {talk.label} (#{talk.id})."])


def close(shop: Shop, which: str) -> Result:
    with shop.database.write() as connection:
        talk = records.find(connection, which)
        if talk.closed_at is not None:
            return Result(conversation_data(talk), [f"#{talk.id} is closed already."], exit_code=3)
        promises.end(connection, talk.id, shop.now())
        records.close(connection, talk, shop.now())
        talk = records.get(connection, talk.id)
    return Result(
        conversation_data(talk), [f"Closed: #{talk.id} {talk.label}. A new message opens it again."]
    )


def link(shop: Shop, which: str, who: str) -> Result:
    with shop.database.write() as connection:
        talk = records.find(connection, which)
        member = roster.find(connection, who)
        tied = records.tie(connection, talk, member)
    words = f"{talk.address} on {talk.messenger} is {member.name}'s now; the conversation is #{tied.id}."
    return Result(conversation_data(tied), [words])


async def _send(shop: Shop, account: str, number: int) -> Any:
    """Send what the account has to say; where `listen` speaks for it, wait for that."""
    await shop.dispatcher().drain_talk(account)
    deadline = time.monotonic() + LISTEN_SECONDS
    while True:
        with shop.database.read() as connection:
            row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one()
        is_under_way = row.state == State.SENDING or (row.state == State.QUEUED and not row.attempts)
        if not is_under_way or row.not_before is not None or time.monotonic() > deadline:
            return row
        await asyncio.sleep(_LOOK_SECONDS)


def _told(talk: Conversation, row: Any) -> Result:
    data = conversation_data(talk) | {"delivery": {"id": row.id, "state": row.state, "words": row.words}}
    name = talk.label
    if row.state in ARRIVED:
        return Result(data, [f"Sent to {name} on {talk.messenger}."])
    if row.state == State.FAILED:
        problem = Problem(
            "not-delivered", f"{name} did not get it: {row.words or row.code}", "", talk.account
        )
        return Result(data, [problem.message], [problem], exit_code=1, is_told=True)
    if row.state == State.UNKNOWN:
        words = f"Nobody knows whether {name} got it: {row.words} It is not sent again by itself."
        return Result(data, [words], [Problem("unknown", words, "", talk.account)], exit_code=4, is_told=True)
    words = f"The answer to {name} waits to be sent: {row.words or 'the account cannot be reached now'}."
    hint = "It goes out with `vipcast listen`, or with the next answer."
    return Result(data, [words], [Problem("waits", words, hint, talk.account)], exit_code=4)


def _check_reachable(talk: Conversation) -> None:
    if not talk.account or not talk.address:
        raise InputError(
            f"{talk.label} has not written on any messenger yet, so there is nothing to answer.",
            hint="Write down a call or a visit: vipcast inbox note",
        )


def _talk_of(shop: Shop, connection: Any, which: str) -> Conversation:
    """Return the conversation named; one with a member who has not written yet is opened."""
    try:
        return records.find(connection, which)
    except InputError:
        if which.strip().removeprefix("#").isdecimal():
            raise
        return records.of(connection, roster.find(connection, which), None, shop.now())


def user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a machine without such a thing as users
        return "the shop"
