"""What `doctor` says of `vipcast tick`: whether something calls it, each minute, as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from vipcast.errors import VipcastError
from vipcast.schedules import pulse
from vipcast.shop import Shop

if TYPE_CHECKING:
    from vipcast.cli.diagnosis import Finding

LATE = timedelta(minutes=5)  # a tick comes each minute; a machine that starts or is busy may miss some
LARGE_LOG_BYTES = 10_000_000
REMEDY = "vipcast schedule crontab --install"


def tick_findings(shop: Shop) -> Iterator[Finding]:
    """Look at when `tick` was called last, if a schedule is active, and at the size of its log."""
    from vipcast.cli.crontab import LOG
    from vipcast.cli.diagnosis import Finding  # it calls this

    log = shop.config.state / LOG
    if log.is_file() and (size := log.stat().st_size) > LARGE_LOG_BYTES:
        yield Finding(
            "note", f"{log.name} has {size // 1_000_000} MB.", f"Read its end, then delete it: {log}"
        )
    if not (active := _active(shop)):
        return
    waiting = "1 schedule is active" if active == 1 else f"{active} schedules are active"
    said = pulse.read(shop.config.state)
    last = said.ticked_at
    if not (shop.config.state / pulse.FILE).exists():
        yield Finding("fault", f"{waiting}, and nothing ever called `vipcast tick`.", REMEDY)
    elif last is None:
        yield Finding(
            "fault", f"{waiting}, and .vipcast/{pulse.FILE} does not say when tick was called.", REMEDY
        )
    elif said.was_set_back(shop.now()):
        yield Finding(
            "fault",
            f"`vipcast tick` was called at {shop.local(last)}, which is to come: the clock was set back.",
            "Set the clock.",
        )
    elif last < shop.now() - LATE:
        yield Finding("fault", f"{waiting}, and `vipcast tick` was last called {shop.local(last)}.", REMEDY)
    else:
        yield Finding("ok", f"`vipcast tick` was called {shop.local(last)}; {waiting}.")


def _active(shop: Shop) -> int:
    """Return how many schedules wait for their time; none where that cannot be read, which is told above."""
    from sqlalchemy import func, select

    from vipcast.storage.tables import schedules

    query = select(func.count()).select_from(schedules).where(schedules.c.state == "active")
    try:
        with shop.database.read() as connection:
            return int(connection.execute(query).scalar_one())
    except VipcastError:
        return 0
