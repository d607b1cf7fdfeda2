"""What the shop is told of tasks that nobody has done in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from vipcast.conversations.desk import Desk
from vipcast.conversations.desk_wording import NOTICE
from vipcast.conversations.setting import Setting
from vipcast.delivery import hand
from vipcast.delivery.hand import Task

_WORDS: Mapping[str, str] = {
    "hu": "Kézzel kellett volna elküldeni, és letelt az ideje: {what}. Teendő: vipcast hand next",
    "cs": "Mělo se odeslat ručně a čas vypršel: {what}. Co dál: vipcast hand next",
    "fi": "Piti lähettää käsin, ja aika meni umpeen: {what}. Seuraavaksi: vipcast hand next",
    "ru": "Нужно было отправить вручную, и срок прошёл: {what}. Что делать: vipcast hand next",
    "en": "To be sent by hand, and the time is up: {what}. Next: vipcast hand next",
}


def nudge(connection: Connection, setting: Setting, now: datetime) -> list[Task]:
    """Tell the desk, if it is in a messenger, of late tasks, of each once; return them.

    Where the terminal is the desk, whoever called says so.
    """
    late = hand.overdue(connection, now)
    if late:
        what = ", ".join(f"#{task.id} {' '.join(task.whom.split())} ({task.messenger})" for task in late)
        text = NOTICE + _WORDS.get(setting.language, _WORDS["en"]).format(what=what)
        Desk(setting).notice(connection, None, text, f"by-hand:{late[0].id}", now)
        hand.nudged(connection, late, now)
    return late
