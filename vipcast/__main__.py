"""`python -m vipcast` and the entry point `vipcast`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if _is_idle_tick(sys.argv[1:]):
        return
    for stream in (sys.stdout, sys.stderr):
        # Windows consoles and pipes may use a code page that lacks members' names.
        if (
            stream is not None
            and hasattr(stream, "reconfigure")
            and (stream.encoding or "").lower() != "utf-8"
        ):
            stream.reconfigure(encoding="utf-8", errors="replace")
    from vipcast.cli.app import app  # noqa: PLC0415 - after the streams are set

    app()


def _is_idle_tick(words: list[str]) -> bool:
    """Return whether this is cron's call with nothing to do; every other call is Typer's to read.

    To read its first option Typer loads pydantic, which alone takes longer than all that an idle tick does.
    """
    match words:
        case [*shop, "tick"] | [*shop, "tick", "--no-input"]:
            pass
        case _:
            return False
    if shop and (shop[0] != "--shop" or len(shop) != 2):  # noqa: PLR2004 - the option and its folder
        return False
    import os  # noqa: PLC0415 - for this call only
    from datetime import UTC, datetime  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from vipcast.places import find_folder  # noqa: PLC0415
    from vipcast.schedules.pulse import is_over  # noqa: PLC0415

    folder, _ = find_folder(Path(shop[1]) if shop else None, os.environ)
    return is_over(folder, datetime.now(UTC))


if __name__ == "__main__":
    main()
