"""One tick: what is due is planned, what is planned is sent, who waits moves up, promises are nudged.

It may be called at any time, twice at once, and after any pause: each piece looks at what is, and does it
under the ledger's own locks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, update

from vipcast.announcements import records as announced
from vipcast.chats.watching import Watch
from vipcast.clock import Clock
from vipcast.conversations.promises import LEAST_NOTICE, Made
from vipcast.conversations.setting import Setting
from vipcast.conversations.upkeep import Upkeep
from vipcast.delivery import manners, talk
from vipcast.delivery.dispatch import Dispatcher
from vipcast.delivery.interrupts import stop_on_signals
from vipcast.delivery.lease import Lane
from vipcast.delivery.outcomes import State
from vipcast.delivery.sender import DrainResult
from vipcast.delivery.statements import IS_OPEN, UNSETTLED
from vipcast.groups import chats, seats
from vipcast.schedules import hand_nudging, pulse, records
from vipcast.schedules.firing import RESTORED, Fired, Firing
from vipcast.schedules.pulse import Pulse
from vipcast.storage.database import Database
from vipcast.storage.tables import deliveries, meta


@dataclass(slots=True)
class Ticked:
    """What a tick did; all of it empty where nothing was due."""

    fired: list[Fired] = field(default_factory=list)
    drained: list[DrainResult] = field(default_factory=list)  # announcements
    said: list[DrainResult] = field(default_factory=list)  # in conversations, and to the desk
    seated: dict[str, int] = field(default_factory=dict)  # group -> how many moved up
    nudged: list[Made] = field(default_factory=list)
    overdue: list[Made] = field(default_factory=list)
    late_by_hand: list[int] = field(default_factory=list)  # tasks of which nobody was told before
    clock_was_set_back: bool = False
    was_restored: bool = False
    was_stopped: bool = False  # by a signal


@dataclass(frozen=True, slots=True)
class Ticker:
    database: Database
    clock: Clock
    state: Path
    firing: Firing
    dispatcher: Dispatcher
    setting: Setting
    watch: Watch | None = None  # of groups' chats, where there are any

    def tick(self, stop: asyncio.Event | None = None) -> Ticked:
        """Do what is due, then end."""
        done, last = Ticked(), pulse.read(self.state)
        restored_at = self._look_at_time(done, last)
        done.fired = self.firing.fire(restored_at)
        self._promote(done)
        self._keep_up(done)
        if self.watch is not None:
            asyncio.run(self.watch.once())
        done.drained = asyncio.run(self._drain(done, stop or asyncio.Event()))
        with self.database.write() as connection:
            Upkeep(self.setting).outcomes(connection, self.clock.now())
            if any(one.sent for one in done.drained):  # a copy made before this would send it again
                records.note_activity(connection, self.clock.now())
            ran_at = records.latest_run(connection)
        known = max(filter(None, (last.ran_at, ran_at)), default=None)
        notice = max(self.setting.hours.reply_within / 4, LEAST_NOTICE)  # as promises.to_tell has it
        pulse.write(self.state, Pulse(self.clock.now(), known, notice))
        return done

    def _look_at_time(self, done: Ticked, last: Pulse) -> datetime | None:
        """Notice a clock that was set back, and a database that was put back; return since when."""
        now = self.clock.now()
        with self.database.write() as connection:
            if last.was_set_back(now):
                done.clock_was_set_back = True
                records.set_back(connection, now)
                manners.look_again(connection)
            found = _restored_at(connection)
            known = max(filter(None, (found, records.latest_run(connection))), default=None)
            if last.ran_at is not None and (known is None or known < last.ran_at):
                # The file knows of an occurrence that the database has never heard of: an older copy of it
                # was put in its place by hand, and not by `db restore`, which says when. What went out
                # since that copy cannot be known.
                done.was_restored = True
                found = min(now, max(filter(None, (found, last.ticked_at, last.ran_at))))
                records.note_activity(connection, last.ran_at)
                announced.pause_all(connection, "the database is an older copy")
                connection.execute(meta.delete().where(meta.c.key == RESTORED))
                connection.execute(meta.insert().values(key=RESTORED, value=found.isoformat()))
            if found is not None:
                _doubt_answers(connection, found)
        pulse.write(self.state, replace(last, ticked_at=now))  # a long send is no sign that nobody calls
        return found

    def _promote(self, done: Ticked) -> None:
        with self.database.write() as connection:
            for group in seats.everything(connection, with_closed=False):
                if group.free and group.waiting:
                    done.seated[group.name] = len(seats.promote(connection, group, now=self.clock.now()))
                    chats.touch(connection, group, self.clock.now())  # they are owed an invitation

    def _keep_up(self, done: Ticked) -> None:
        with self.database.write() as connection:
            upkeep = Upkeep(self.setting)
            upkeep.outcomes(connection, self.clock.now())
            done.nudged, done.overdue = upkeep.nudges(connection, self.clock.now())
            late = hand_nudging.nudge(connection, self.setting, self.clock.now())
            done.late_by_hand = [task.id for task in late]

    async def _drain(self, done: Ticked, stop: asyncio.Event) -> list[DrainResult]:
        """Send news and talk side by side; what another process sends already is left to it.

        A signal, as when the machine is shut down, lets what is under way come to its end.
        """
        with self.database.read() as connection:
            names = talk.accounts_due(connection)
        with stop_on_signals(stop):
            news = asyncio.create_task(self.dispatcher.drain(stop=stop))
            said = await asyncio.gather(*(self.dispatcher.drain_talk(name) for name in sorted(names)))
            found = await news
        done.was_stopped, done.said = stop.is_set(), said
        return found


def _doubt_answers(connection: Connection, restored_at: datetime) -> None:
    """Let no answer from before go out by itself: it may have, since the copy was made; the desk is told."""
    connection.execute(
        update(deliveries)
        .where(
            IS_OPEN,
            Lane.TALK.deliveries,
            deliveries.c.state.in_((State.QUEUED, State.SENDING)),
            deliveries.c.planned_at <= restored_at,
        )
        .values(state=State.UNKNOWN, reason=f"{UNSETTLED}restored", not_before=None)
    )


def _restored_at(connection: Connection) -> datetime | None:
    value = connection.execute(select(meta.c.value).where(meta.c.key == RESTORED)).scalar()
    return datetime.fromisoformat(value) if value else None
