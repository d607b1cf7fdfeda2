"""Times as people type them: on the shop's clock, with or without a date, or with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from vipcast.errors import InputError

_AT = re.compile(
    r"(?:(?P<day>\d{4}-\d\d-\d\d)[T ] *)?(?P<hour>\d\d?):(?P<rest>\d\d(?::\d\d(?:\.\d+)?)?)"
    r" ?(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_YEARS = range(1970, 2200)  # what the time zones and holidays hold, with room for both


def moment_of(text: str, zone: ZoneInfo, now: datetime, *, option: str = "--at") -> datetime:
    """Return what an option says; a time without an offset is the shop's, one without a date today's.

    Raises:
        InputError: it is no time, or the shop's clock never shows it, or twice.

    """
    if not text.strip():
        return now
    example = 'Write 17:30 for today, "2026-11-21 17:30", or with an offset 2026-11-21T17:30+01:00.'
    found = _AT.fullmatch(text.strip())
    if not found:
        raise InputError(f"{option}: {text!r} is no time.", hint=example)
    day = found["day"] or now.astimezone(zone).date().isoformat()
    try:
        moment = datetime.fromisoformat(
            f"{day}T{found['hour']:0>2}:{found['rest']}{(found['offset'] or '').upper()}"
        )
    except ValueError as error:
        raise InputError(f"{option}: {text!r} is no time: {error}.", hint=example) from error
    if moment.year not in _YEARS:
        raise InputError(f"{option}: {text!r} is out of reach.", hint=example)
    return moment.astimezone(UTC) if moment.tzinfo else _on_the_wall(moment, zone, option)


def _on_the_wall(shown: datetime, zone: ZoneInfo, option: str) -> datetime:
    """Return when the shop's clock shows this."""
    first, second = (shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    moment = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return moment
    if moment.astimezone(zone).replace(tzinfo=None) == shown:
        raise InputError(
            f"{option}: the clock shows {shown} twice in {zone}, because it is put back then.",
            hint=f"Say which: {first.isoformat()} or {second.isoformat()}.",
        )
    raise InputError(
        f"{option}: the clock never shows {shown} in {zone}, because it is put forward then.",
        hint=f"The same moment as if it had not been: {moment.astimezone(zone).isoformat()}.",
    )
