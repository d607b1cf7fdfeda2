"""`python -m vipcast` and the entry point `vipcast`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
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


if __name__ == "__main__":
    main()
