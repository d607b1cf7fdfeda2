"""Finding people by name, however it is typed."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def fold(name: str) -> str:
    """Return a name as it is compared: no case, no accents, single spaces."""
    if name.isascii():
        return " ".join(name.lower().split())
    return " ".join(" ".join(map(_fold_word, name.split())).split())


@lru_cache(maxsize=20_000)  # a million people share a few thousand names
def _fold_word(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
