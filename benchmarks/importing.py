"""Importing 1,000,000 rows, beside `csv` and `phonenumbers` alone, each in a process of its own."""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROWS = 1_000_000


def write_file(path: Path, rows: int) -> None:
    """Write customers as a Hungarian shop's Excel would: mobile numbers as people type them."""
    chosen = random.Random(20261121)
    family = ["Kovács", "Szabó", "Tóth", "Nagy", "Horváth", "Őze", "Kiss", "Varga", "Németh", "Farkas"]
    given = ["Anna", "Péter", "Zsófia", "László", "Réka", "Gergő", "Ilona", "Márton", "Borbála", "Ödön"]
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle, delimiter=";")
        writer.writerow(
            ["Név", "Telefonszám", "E-mail", "Nyelv", "Hozzájárulás ideje", "Hozzájárulás forrása"]
        )
        for number in range(rows):
            operator, digits = (20, 30, 70)[number % 3], f"{2_000_000 + number // 3:07d}"
            phone = f"06 {operator} {digits[:3]} {digits[3:]}"
            name = f"{chosen.choice(family)} {chosen.choice(given)}"
            writer.writerow([name, phone, f"vasarlo{number}@example.hu", "hu", "2025-03-04", "a boltban"])


def bare(path: Path) -> int:
    """Read and check each row with the two libraries, as the shortest script would; keep nothing."""
    import phonenumbers

    good = 0
    with path.open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle, delimiter=";"):
            number = phonenumbers.parse(row["Telefonszám"], "HU")
            if phonenumbers.is_valid_number(number):
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                good += 1
    return good


def ours(path: Path) -> int:
    from vipcast import config
    from vipcast.groups.intake import Intake, IntakeRequest
    from vipcast.sample import make_shop
    from vipcast.shop import Shop

    folder = path.parent / "shop"
    make_shop(folder)
    with Shop(config.load(folder, {})) as shop:
        intake = Intake(shop.database, IntakeRequest(path), region="HU", language="hu", zone=shop.zone)
        return intake.run(shop.now()).outcome.counts["added"]


def main(rows: int = ROWS) -> dict[str, float]:
    """Return the ratio of times and our peak memory in MB."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        path = Path(name) / "customers.csv"
        write_file(path, rows)
        figures = {}
        for which in ("bare", "ours"):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.importing", which, str(path)],
                check=True,
                capture_output=True,
            )
            figures[which] = json.loads(done.stdout)
            print(
                f"  {which}: {figures[which]['rows']:,} rows in {figures[which]['seconds']:.1f} s, "
                f"peak {figures[which]['peak_mb']:.0f} MB"
            )
    if figures["bare"]["rows"] != figures["ours"]["rows"]:
        raise SystemExit("the two did not take the same rows")
    ratio = figures["ours"]["seconds"] / figures["bare"]["seconds"]
    return {"ratio": ratio, "peak_mb": figures["ours"]["peak_mb"]}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
    else:
        began = time.perf_counter()
        count = {"bare": bare, "ours": ours}[sys.argv[1]](Path(sys.argv[2]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            1024**2 if sys.platform == "darwin" else 1024
        )
        print(json.dumps({"rows": count, "seconds": time.perf_counter() - began, "peak_mb": peak}))
