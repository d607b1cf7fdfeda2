"""Sending by hand, where no program can write: what vipcast.toml says of it, and the word that stands for it.

Light, and without a messenger's rules: those are in `messengers/_by_hand.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from vipcast.errors import ConfigError, did_you_mean
from vipcast.places import FILE

BY_HAND = "by-hand"  # in a delivery, instead of an account's name: a person is the sender
NETWORKS = ("viber", "whatsapp", "signal", "snapchat", "facebook", "instagram", "sms", "phone")
_DURATION = re.compile(r"(?:(\d{1,3})\s*h)?\s*(?:(\d{1,4})\s*m(?:in)?)?")


def parse_within(text: str) -> timedelta | None:
    """Return a length of time such as "4h", "90m" or "1h 30m"; None where it is none."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return None
    return timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0)) or None


def check(networks: Sequence[str], within: str, place: Callable[[str], str]) -> None:
    """Refuse what `[by_hand]` cannot be; `place` tells where in the file a key stands.

    Raises:
        ConfigError: a network is not known or named twice, or `within` is no time.

    """
    for name in networks:
        if name not in NETWORKS:
            known = f"Known: {', '.join(NETWORKS)}."
            raise ConfigError(
                f"{FILE}: `by_hand.networks`: there is no network {name!r} that is served by hand.",
                hint=" ".join(filter(None, (did_you_mean(name, NETWORKS), known))),
                where=place("networks"),
            )
        if networks.count(name) > 1:
            raise ConfigError(
                f"{FILE}: `by_hand.networks` names {name!r} twice.",
                hint="Take it out once.",
                where=place("networks"),
            )
    if parse_within(within) is None:
        raise ConfigError(
            f"{FILE}: `by_hand.within` is {within!r}; it must be a length of time.",
            hint='Write it as "4h", "90m" or "1h 30m".',
            where=place("within"),
        )
