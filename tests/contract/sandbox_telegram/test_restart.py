"""What the Telegram sandbox remembers."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from contextlib import closing

import pytest
from telegram_sandbox import ANNA, SEND, SHOP, connected, peer_of, png, recorded, serving
from telethon import types
from telethon.sessions import StringSession

from vipcast.errors import InputError
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.server import TelegramSandbox

pytestmark = pytest.mark.anyio


async def test_a_restarted_server_remembers_everything(tmp_path, log):
    state = tmp_path / "telegram.sqlite"
    async with serving(state=state, log=log) as sandbox:
        sandbox.add_user(phone=SHOP, first_name="Shop")
        session = sandbox.provision_string(sandbox.find(SHOP))
        port = sandbox.port
        async with connected(sandbox, StringSession(session)) as client:
            peer = await peer_of(client, ANNA)
            sent = await client(SEND(peer, "news", random_id=1, entities=[types.MessageEntityBold(0, 4)]))
            await client.send_file(peer, png())
            gone = await client(SEND(peer, "oops", random_id=2))
            await client.delete_messages(peer, [gone.id])
            await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
        before = sandbox.inbox(sandbox.find(ANNA))
    async with serving(state=state, log=log, port=port) as sandbox:
        after = sandbox.inbox(sandbox.find(ANNA))
        assert [(m.id, m.text, m.at, m.entities, m.media) for m in after] == [
            (m.id, m.text, m.at, m.entities, m.media) for m in before
        ]
        assert sandbox.content(after[1]) == png()
        async with connected(sandbox, StringSession(session)) as client:
            again = await client(SEND(peer, "news", random_id=1))
            assert again.updates[0].id == sent.id
            assert (await client.get_dialogs())[0].dialog.read_outbox_max_id == 2
            fresh = await client(SEND(peer, "more", random_id=3))
            assert fresh.id == gone.id + 1
    assert [event["text"] for event in recorded(log, "message")] == ["news", "", "oops", "more"]
    if sys.platform != "win32":
        assert stat.S_IMODE(state.stat().st_mode) == 0o600


async def test_a_client_outlives_a_restart_of_the_server(tmp_path):
    state = tmp_path / "telegram.sqlite"
    first = TelegramSandbox(log=EventLog(), faults=Faults(), state=state)
    await first.start()
    async with connected(
        first, first.add_user(phone=SHOP), connection_retries=50, retry_delay=0.05
    ) as client:
        peer = await peer_of(client, ANNA)
        await client(SEND(peer, "one", random_id=1))
        await first.stop()
        async with serving(state=state, port=first.port) as second:
            await client(SEND(peer, "two", random_id=2))
            assert [message.text for message in second.inbox(second.find(ANNA))] == ["one", "two"]
            await client.disconnect()


SERVER = """
import asyncio, sys
from pathlib import Path
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.server import TelegramSandbox

async def main():
    sandbox = TelegramSandbox(log=EventLog(), faults=Faults(), state=Path(sys.argv[1]))
    await sandbox.start()
    print(sandbox.port, sandbox.provision_string(sandbox.add_user(phone=sys.argv[2])), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_server_remembers_all_that_it_answered(tmp_path):
    state = tmp_path / "telegram.sqlite"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(state), SHOP, stdout=asyncio.subprocess.PIPE
    )
    port, session = (await server.stdout.readline()).decode().split()
    options = {"connection_retries": 100, "retry_delay": 0.05}
    async with connected(None, StringSession(session), **options) as client:
        peer = await peer_of(client, ANNA)
        first = await asyncio.gather(*(client(SEND(peer, f"news {n}", random_id=n)) for n in range(1, 51)))
        server.kill()
        await server.wait()
        async with serving(state=state, port=int(port)) as sandbox:
            again = await asyncio.gather(
                *(client(SEND(peer, f"news {n}", random_id=n)) for n in range(1, 51))
            )
            assert [sent.updates[0].id for sent in again] == [sent.id for sent in first]
            assert len(sandbox.inbox(sandbox.find(ANNA))) == 50
            await client.disconnect()


async def test_a_state_from_before_there_were_groups_is_read(tmp_path):
    state = tmp_path / "telegram.sqlite"
    async with serving(state=state) as sandbox:
        await sandbox.say(sandbox.find(ANNA), sandbox.add_user(phone=SHOP), "old")
    with closing(sqlite3.connect(state)) as database:
        database.executescript("DROP TABLE groups; PRAGMA user_version = 1;")
    async with serving(state=state) as sandbox:
        sandbox.create_group(sandbox.find(SHOP), "VIP", [sandbox.find(ANNA)])
        assert [message.text for message in sandbox.inbox(sandbox.find(SHOP))] == ["old"]
    async with serving(state=state) as sandbox:
        assert [user.label for user in sandbox.members(sandbox.find_group("VIP"))] == [SHOP, ANNA]


@pytest.mark.parametrize("kind", ["text", "newer"])
def test_a_state_file_of_another_kind_is_refused(tmp_path, kind):
    path = tmp_path / "telegram.sqlite"
    if kind == "text":
        path.write_text("not a database" * 100)
    else:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match=r"telegram\.sqlite"):
        TelegramSandbox(log=EventLog(), faults=Faults(), state=path)
