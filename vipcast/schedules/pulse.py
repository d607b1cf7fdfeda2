"""Whether `tick` has anything to do, and when it was last called: without a word of SQLAlchemy.

Cron calls `tick` each minute, all day; with nothing due it must cost no more than starting the program. So
this module asks the database through the standard library, in a few indexed look-ups, and writes nothing in
it. What these look-ups take for due may turn out not to be; what is due they never miss.

The file `.vipcast/tick` has three lines: the moments, in UTC, of the last tick and of the last that did
something, by which a clock that was set back and a database that was put back are recognised; and how many
seconds before its time the desk is nudged about a promise.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vipcast.places import DATABASE, STATE
from vipcast.places import FILE as SETTINGS

FILE = "tick"
_DIGITS = 9  # of the seconds: thirty years
# An answer that a death left in doubt stays so on a messenger that cannot repeat: it is looked at no longer.
_LATELY = timedelta(days=1)
_CHATS = timedelta(minutes=10)  # as chats.watching has it
BACKWARDS = timedelta(minutes=2)  # clocks are corrected by less all the time
_FORMAT = "%Y-%m-%d %H:%M:%S.%f"  # as storage.columns writes moments into SQLite
_NOTICE = timedelta(hours=2)  # where the file does not say

_DUE = (
    "SELECT 1 FROM schedules WHERE state = 'active' AND next_at <= :now",
    # News and talk: what is queued or in doubt, may go now, and over an account that may send.
    """
    SELECT 1 FROM deliveries d LEFT JOIN announcements a ON a.id = d.announcement_id
    LEFT JOIN accounts c ON c.name = d.account
    WHERE d.state IN ('queued', 'unknown', 'sending') AND d.reason NOT LIKE 'unsettled-%'
    AND (d.not_before IS NULL OR d.not_before <= :now OR d.sending_at > :now)
    AND (d.state <> 'unknown' OR d.not_before IS NOT NULL OR d.reason = 'interrupted')
    AND (a.state = 'running' OR (a.id IS NULL AND (d.reason <> 'interrupted' OR d.sending_at > :lately)))
    AND c.stopped_at IS NULL AND (c.paused_until IS NULL OR c.paused_until <= :now)
    AND d.account <> 'by-hand'
    """,
    # What waits for a person's hand has no time yet, or is late and nobody was told.
    """
    SELECT 1 FROM deliveries d JOIN announcements a ON a.id = d.announcement_id
    WHERE d.state IN ('queued', 'unknown', 'sending') AND d.account = 'by-hand' AND d.state = 'queued'
    AND a.state = 'running' AND (d.due_at IS NULL OR (d.due_at < :now AND d.nudged_at IS NULL))
    """,
    """
    SELECT 1 FROM groups g WHERE g.closed_at IS NULL
    AND EXISTS (SELECT 1 FROM memberships w WHERE w.group_id = g.id AND w.state = 'waiting')
    AND (SELECT count(*) FROM memberships s WHERE s.group_id = g.id AND s.state = 'seated') < g.cap
    """,
    # A group's chat that nobody has looked through lately, though links into it are out, or somebody rose.
    """
    SELECT 1 FROM chats c JOIN groups g ON g.id = c.group_id
    WHERE g.closed_at IS NULL AND g.mode = 'chat' AND c.state IN ('ready', 'making')
    AND (c.changed_at > c.looked_at OR (c.looked_at IS NULL AND c.changed_at IS NOT NULL)
        OR ((c.looked_at IS NULL OR c.looked_at <= :recently)
            AND EXISTS (SELECT 1 FROM chat_links l WHERE l.group_id = c.group_id AND l.state = 'open')))
    """,
    """
    SELECT 1 FROM promises WHERE state = 'open'
    AND ((nudged_at IS NULL AND due_at <= :soon) OR (overdue_told_at IS NULL AND due_at < :now))
    """,
)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the file says; None where it says nothing."""

    ticked_at: datetime | None = None
    ran_at: datetime | None = None
    notice: timedelta = _NOTICE

    def was_set_back(self, now: datetime) -> bool:
        """Return whether the clock shows less than at the last tick."""
        return self.ticked_at is not None and now < self.ticked_at - BACKWARDS


def is_over(folder: Path, now: datetime) -> bool:
    """Return whether a tick in a shop's folder is over before it began; then leave word for the next one.

    False as well where the folder is no shop, its database is gone, or the clock was set back: the long way
    says so.
    """
    state = folder / STATE
    last = read(state)
    is_gone = last.ran_at is not None and not (state / DATABASE).is_file()
    if not (folder / SETTINGS).is_file() or is_gone or last.was_set_back(now):
        return False
    if not is_idle(state / DATABASE, now, last.notice):
        return False
    if state.is_dir():
        # Read once more: another tick may have ended since, and knows more.
        write(state, replace(read(state), ticked_at=now))
    return True


def is_idle(database: Path, now: datetime, notice: timedelta = _NOTICE) -> bool:
    """Return whether there is surely nothing to do; False as well where the database cannot be asked.

    A promise is looked at from `notice` before its time on.
    """
    if not database.is_file():
        return True  # nothing was ever planned in this shop
    values = {"now": _written(now), "soon": _written(now + notice), "lately": _written(now - _LATELY)}
    values["recently"] = _written(now - _CHATS)
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return not any(connection.execute(f"{query} LIMIT 1", values).fetchone() for query in _DUE)
    except sqlite3.Error:  # the way through the ledger names what is wrong
        return False


def read(state: Path) -> Pulse:
    """Return what the last tick left; nothing where there was none, or where it cannot be read."""
    try:
        lines = (state / FILE).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return Pulse()
    ticked, ran, notice = (*lines, "", "", "")[:3]
    return Pulse(_moment(ticked), _moment(ran), _seconds(notice))


def write(state: Path, pulse: Pulse) -> None:
    """Leave word for the next tick; a disk that takes nothing must not stop what is due."""
    words = "".join(f"{moment.isoformat() if moment else ''}\n" for moment in (pulse.ticked_at, pulse.ran_at))
    words += f"{pulse.notice.total_seconds():.0f}\n"
    partial = state / f"{FILE}.{os.getpid()}.part"
    with suppress(OSError):
        partial.write_text(words, encoding="ascii")
        partial.replace(state / FILE)


def _moment(line: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(line.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(line: str) -> timedelta:
    return timedelta(seconds=int(line)) if line.isdecimal() and len(line) < _DIGITS else _NOTICE


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_FORMAT)
