"""Conversations step by step: what comes in, what the ledger holds of it, and what goes out of the ledger."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update
from support import add_member

from vipcast.conversations import promises, records
from vipcast.conversations.routing import Router
from vipcast.conversations.setting import DeskPlace
from vipcast.conversations.upkeep import Upkeep
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.ledger import Ledger, Scope
from vipcast.delivery.outcomes import Outcome, failed, succeeded
from vipcast.delivery.talk import accounts_due, body_of
from vipcast.messengers.base import Event, EventKind, Sent
from vipcast.shop_desk import setting_of
from vipcast.storage.tables import attachments, conversations, deliveries, inbound
from vipcast.storage.tables import promises as promises_table

ANNA = "@anna_kovacs"
ANNA_ON_VIBER = "anna-viber-0001=="
BELA = "bela-viber-0002=="
NOBODY = "@nobody_knows"
EVA = "@eva_of_the_shop"  # a colleague
DAN = "@dan_of_the_shop"
TEAM = "-1001234567890"  # the colleagues' group
ON_VIBER = {ANNA_ON_VIBER, BELA}

FAQ = """\
[[entry]]
id = "parking"
questions = ["Where can I park?", "Is there parking?"]
answer = "Behind **the house**."
buttons = ["When are you open?"]

[[entry]]
id = "hours"
questions = ["When are you open?", "What are your opening hours?"]
answer = "From nine to six."
"""
PARKING = "Where can I park?"
QUESTION = "Do you still have the blue dress in a size 40?"


class Talks:
    """A shop's conversations, with the desk at `desk`; an empty one is the terminal."""

    def __init__(self, shop, desk="", *, faq=FAQ, hours=None, **setting):
        self.shop = shop
        self.clock = shop.clock
        replies = shop.templates_folder / "replies"
        shutil.rmtree(replies, ignore_errors=True)
        replies.mkdir(parents=True)
        (replies / "faq.en.toml").write_text(faq, encoding="utf-8")
        if hours is not None:
            shop.config.hours.clear()
            shop.config.hours.update(hours)
        self.place = DeskPlace(shop.config.account("support"), desk) if desk else None
        self.setting = replace(setting_of(shop, self.place), **setting)
        self._numbers = 0
        self._remote = 5000

    # --- what comes in ---

    def take(self, event, account):
        """Route one event; a message that was stored must have been given a meaning."""
        with self.shop.database.write() as connection:
            taken = Router(self.setting).take(
                connection, self.shop.config.account(account), event, self.clock.now()
            )
        forgotten = [row for row in self.stored() if row.kind in ("message", "edited") and not row.handling]
        assert forgotten == []
        return taken

    def event(self, kind, who, text="", *, number=None, at=None, **more):
        self._numbers += 1
        if name := more.get("name"):
            more["raw"] = {"name": name} | more.get("raw", {})
        remote_id = str(self._numbers if number is None else number)
        return Event(EventKind(kind), who, remote_id, at or self.clock.now(), text, **more)

    def hears(self, who, text=QUESTION, *, account="", kind="message", **more):
        """Take what somebody wrote to the shop; return the event."""
        event = self.event(kind, who, text, **more)
        assert self.take(event, account or account_of(who))
        return event

    def desk_writes(self, text, reply_to="", *, who=EVA, kind="message", **more):
        """Take what a colleague wrote at the desk; return the event."""
        chat = self.place.address if self.place.is_shared or self.place.address == "me" else ""
        event = self.event(kind, who, text, reply_to=reply_to, chat=chat, **more)
        assert self.take(event, "support")
        return event

    def written(self, who, text, *, account="", **more):
        """Take what the shop's owner wrote by hand in the messenger's own app; return whether it counts."""
        return self.take(self.event("written", who, text, **more), account or account_of(who))

    # --- what goes out ---

    def speak(self, *, error=None, kinds=(), lose=False):
        """Send what is due in the lane of conversations, as one drain does; return what was claimed.

        `error` is the messenger's answer to deliveries of `kinds` (all, if none are named); with `lose`
        the program dies before it writes down what became of anything.
        """
        claimed = []
        with self.shop.database.read() as connection:
            due = sorted(accounts_due(connection))
        for name in due:
            with acquire(self.shop.database, self.shop.locks, name, self.clock, Lane.TALK) as lease:
                able = self.setting.capabilities[name]
                ledger = Ledger(self.shop.database, lease, Scope(name, able.idempotent, lane=Lane.TALK))
                while found := ledger.step([], 1, self.clock.now()).claimed:
                    claimed += found
                    if not lose:
                        ledger.record_late([self._outcome(found[0], error, kinds)], self.clock.now())
        return claimed

    def _outcome(self, one, error, kinds) -> Outcome:
        now = self.clock.now()
        if error is not None and (not kinds or self.row(one.id).kind in kinds):
            return failed(one.id, one.attempt_token, error, one.attempts, now)
        self._remote += 1
        return succeeded(one.id, one.attempt_token, Sent(str(self._remote), now), now)

    def upkeep(self):
        with self.shop.database.write() as connection:
            Upkeep(self.setting).outcomes(connection, self.clock.now())
            return Upkeep(self.setting).nudges(connection, self.clock.now())

    def go_on(self, minutes=0.0):
        """Say what is due, look after it, say what came of that; then let time pass."""
        self.speak()
        self.upkeep()
        self.speak()
        self.clock.advance(minutes * 60)

    # --- what there is ---

    def row(self, number):
        return self._rows(select(deliveries).where(deliveries.c.id == number))[0]

    def said(self, *kinds):
        """Return the ledger's rows of these kinds, in the order of planning."""
        query = select(deliveries).where(deliveries.c.announcement_id.is_(None)).order_by(deliveries.c.id)
        return self._rows(query.where(deliveries.c.kind.in_(kinds)) if kinds else query)

    def texts(self, *kinds):
        return [body_of(row.body).text for row in self.said(*kinds)]

    def stored(self):
        return self._rows(select(inbound).order_by(inbound.c.id))

    def handlings(self):
        return [row.handling for row in self.stored()]

    def kept(self):
        return self._rows(select(attachments).order_by(attachments.c.id))

    def promised(self):
        return self._rows(select(promises_table).order_by(promises_table.c.id))

    def promise_states(self):
        return [row.state for row in self.promised()]

    def counts(self):
        with self.shop.database.read() as connection:
            return promises.counts(connection, self.clock.now())

    def all(self):
        with self.shop.database.read() as connection:
            query = select(conversations.c.id).order_by(conversations.c.id)
            return [records.get(connection, number) for number in connection.execute(query).scalars()]

    def one(self):
        (found,) = self.all()
        return found

    def relay_id(self, place=-1):
        """Return the number in the desk's chat of a message that was passed on, the last one by default."""
        return self.said("relay")[place].remote_id

    def close(self):
        """Close the only conversation, as at the terminal."""
        with self.shop.database.write() as connection:
            talk = records.get(connection, self.one().id)
            promises.end(connection, talk.id, self.clock.now())
            records.close(connection, talk, self.clock.now())

    def _rows(self, query):
        with self.shop.database.read() as connection:
            return list(connection.execute(query))


def account_of(who):
    return "viber" if who in ON_VIBER else "news"


def add_anna(shop, **values):
    """Put a member into the database who is on both messengers."""
    return add_member(
        shop, "Kovács Anna", ("telegram", ANNA), ("viber", ANNA_ON_VIBER), **{"first_name": "Anna"} | values
    )


def later(event, **hours_and_minutes):
    return replace(event, at=event.at + timedelta(**hours_and_minutes))


def set_row(shop, table, number, **values):
    with shop.database.write() as connection:
        connection.execute(update(table).where(table.c.id == number).values(**values))
