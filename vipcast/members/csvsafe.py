"""Cells that a spreadsheet would run as a formula, made harmless on export and read back unchanged."""

from __future__ import annotations

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula (OWASP, "CSV injection"),
# with the full-width signs that Excel treats alike.
_RISKY = frozenset("=+-@\t\r\n＝＋－＠")
_GUARD = "'"


def neutralise_cell(text: str) -> str:
    """Return `text` so that no spreadsheet runs it; `restore_cell` gives the text back, exactly."""
    return _GUARD + text if _is_risky(text) else text


def restore_cell(text: str) -> str:
    """Return what `neutralise_cell` was given; any other text stays as it is."""
    return text[1:] if text[:1] == _GUARD and _is_risky(text[1:]) else text


def _is_risky(text: str) -> bool:
    bare = text.lstrip(_GUARD)  # so that a cell which really begins with '= keeps its own apostrophe
    return bare[:1] in _RISKY if bare else False
