"""How long `vipcast --help` takes, beside importing Typer alone."""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 21


def timed(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> float:
    """Return the median ratio of pairs run in turn."""
    bare, ours = ["-c", "import typer"], ["-m", "vipcast", "--help"]
    timed(bare), timed(ours)  # the first run reads the disk
    pairs = [(timed(ours), timed(bare)) for _ in range(ROUNDS)]
    mine, theirs = (sorted(column)[ROUNDS // 2] * 1000 for column in zip(*pairs, strict=True))
    print(f"  vipcast --help {mine:.0f} ms, import typer {theirs:.0f} ms")
    return sorted(a / b for a, b in pairs)[ROUNDS // 2]


if __name__ == "__main__":
    print(main())
