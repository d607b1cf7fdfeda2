"""Build the wheel and see that it carries the sample shop, the migrations and the sandbox's page."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NEEDED = (
    "vipcast/sample/vipcast.toml",
    "vipcast/sample/recipients/hungary.csv",
    "vipcast/sample/templates/new-collection/hu.md",
    "vipcast/sample/templates/new-collection/picture.jpg",
    "vipcast/storage/migrations/env.py",
    "vipcast/sandbox/page.html",
    "vipcast/py.typed",
)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, "."]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        names = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in NEEDED if name not in names]
    stray = [name for name in names if ".vipcast" in name or name.endswith((".env", ".rejected.csv"))]
    for name in missing:
        print(f"missing in the wheel: {name}")
    for name in stray:
        print(f"must not be in the wheel: {name}")
    if not missing and not stray:
        print(f"{wheel.name}: {len(names)} files, the sample shop among them")
    return 1 if missing or stray else 0


if __name__ == "__main__":
    sys.exit(main())
