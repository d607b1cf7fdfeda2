"""The sandbox in a process of its own, so that the clients under test share nothing with it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from vipcast.sandbox.service import Sandbox


async def main(folder: Path, sessions: list[Path]) -> None:
    sandbox = Sandbox(folder, script=None)
    await sandbox.start()
    for number, session in enumerate(sessions):
        user = sandbox.telegram.add_user(phone=f"+9996610000{number}", first_name="Bench")
        sandbox.telegram.provision_session(session, user)
    sandbox.viber.add_bot("sandbox-viber", "Bench", uri="bench", needs_webhook=False)
    print(json.dumps(sandbox.endpoints), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent is done
    await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [Path(p) for p in sys.argv[2:]]))
