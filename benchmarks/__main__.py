"""`make bench`: all measures in one run. Ratios count; absolute figures are this machine's."""

from __future__ import annotations

from benchmarks import conversations, importing, sending, startup, ticking


def main() -> None:
    print("Start-up:")
    start = startup.main()
    print("A tick with nothing due:")
    idle = ticking.main()
    print("Sending 2,000 messages:")
    sent = sending.main()
    print("From a customer's message to the desk:")
    relayed = conversations.main()
    print("Importing 1,000,000 rows:")
    imported = importing.main()
    print()
    rows = [
        ("Telegram, ledger on, against all of it at once over bare Telethon", sent["telegram"], ">= 0.9"),
        ("Viber, ledger on, against a plain viberbot loop", sent["viber"], ">= 2"),
        *(
            (f"message to relay, {name}, against a bare Telethon echo", ratio, goal)
            for (name, ratio), goal in zip(relayed.items(), conversations.GOALS, strict=True)
        ),
        ("import of 1,000,000 rows against csv + phonenumbers alone", imported["ratio"], "<= 1.5"),
        ("vipcast --help against python -c 'import typer'", start, "<= 1.3"),
        *(
            (f"idle vipcast tick, {size:,} members, against python -c 'import typer'", ratio, "<= 1.5")
            for size, ratio in idle.items()
        ),
    ]
    for what, ratio, goal in rows:
        print(f"{ratio:6.2f}  (goal {goal})  {what}")
    print(f"{imported['peak_mb']:6.0f}  (goal < 150)  MB at most during the import")


if __name__ == "__main__":
    main()
