"""Announcing to 2,000 members with the ledger on, beside the fastest loop over the bare library."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import insert

from vipcast import config
from vipcast.messengers.base import Message
from vipcast.sample import make_shop
from vipcast.shop import Shop, new_message_key
from vipcast.storage.tables import addresses, announcements, consents, deliveries, members

MEMBERS = 2000
TEXT = "Kedves Anna! Megérkezett az új kollekciónk, és szeretnénk, ha az elsők között láthatná."
ROUNDS = 5


@contextmanager
def serving(folder: Path, sessions: list[Path]) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "benchmarks.server", str(folder / "server"), *map(str, sessions)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)


def make(folder: Path, endpoints: dict[str, str], messenger: str) -> Shop:
    """Return a shop with MEMBERS members on one messenger, straight in its database."""
    shop_folder = folder / f"shop-{messenger}"
    make_shop(shop_folder)
    environ = {
        "VIPCAST_TELEGRAM_SERVER": endpoints["telegram"],
        "VIPCAST_TELEGRAM_RSA_KEY": endpoints["telegram_rsa_key"],
        "VIPCAST_TELEGRAM_API_ID": "1",
        "VIPCAST_TELEGRAM_API_HASH": "bench",
        "VIPCAST_VIBER_URL": endpoints["viber"],
        "VIPCAST_VIBER_TOKEN": "sandbox-viber",
    }
    shop = Shop(config.load(shop_folder, environ))
    now = shop.now()
    moments = {"created_at": now, "updated_at": now}
    ids = range(1, MEMBERS + 1)
    with shop.database.write() as connection:
        people = [
            {"id": i, "name": f"Member {i}", "name_key": f"member {i}", "fields": {}, **moments} for i in ids
        ]
        connection.execute(insert(members), people)
        connection.execute(
            insert(addresses),
            [{"member_id": i, "messenger": messenger, "address": address(i, messenger)} for i in ids],
        )
        connection.execute(
            insert(consents),
            [
                {"member_id": i, "event": "opt_in", "at": now, "source": "bench", "recorded_at": now}
                for i in ids
            ],
        )
    return shop


def address(number: int, messenger: str) -> str:
    return f"@bench{number:05d}" if messenger == "telegram" else f"bench{number:019d}="


def announce(shop: Shop, messenger: str, account: str) -> int:
    """Plan an announcement to all members, as `send` would have."""
    now = shop.now()
    body = msgspec.json.encode(Message(TEXT)).decode()
    with shop.database.write() as connection:
        number = connection.execute(
            insert(announcements)
            .values(
                key=secrets.token_hex(8), template="bench", digest="", groups=[], variables={},
                state="running", created_at=now, started_at=now,
            )
            .returning(announcements.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(
            insert(deliveries),
            [
                {
                    "announcement_id": number, "member_id": i, "state": "queued", "account": account,
                    "messenger": messenger, "address": address(i, messenger), "language": "hu", "body": body,
                    "message_key": new_message_key(), "planned_at": now,
                }
                for i in range(1, MEMBERS + 1)
            ],
        )  # fmt: skip
    return number


async def vipcast_run(shop: Shop, number: int) -> float:
    began = time.perf_counter()
    results = await shop.dispatcher().drain(number)
    took = time.perf_counter() - began
    sent = sum(result.sent for result in results)
    if sent != MEMBERS:
        raise SystemExit(f"only {sent} of {MEMBERS} were sent: {results}")
    return MEMBERS / took


async def bare_telethon(session: Path, endpoints: dict[str, str]) -> float:
    """Send to everybody with the fastest loop that Telethon allows: all at once, raw requests, no ledger."""
    from telethon import TelegramClient, functions, types
    from telethon.crypto import rsa

    rsa.add_key(Path(endpoints["telegram_rsa_key"]).read_text(encoding="ascii"), old=False)
    began = time.perf_counter()
    client = TelegramClient(str(session), 1, "bench", receive_updates=False)
    await client.connect()
    peers = []
    for i in range(1, MEMBERS + 1):
        if i not in PEERS:
            found = await client(functions.contacts.ResolveUsernameRequest(address(i, "telegram")[1:]))
            PEERS[i] = types.InputPeerUser(found.users[0].id, found.users[0].access_hash)
        peers.append(PEERS[i])
    began = time.perf_counter() if not WARM else began
    await asyncio.gather(
        *(
            client(
                functions.messages.SendMessageRequest(peer=peer, message=TEXT, random_id=new_message_key())
            )
            for peer in peers
        )
    )
    took = time.perf_counter() - began
    await client.disconnect()
    return MEMBERS / took


PEERS: dict[int, object] = {}
WARM: list[bool] = []


def plain_viberbot(endpoints: dict[str, str]) -> float:
    """Send to everybody with viberbot as its README shows it: one call after the other."""
    from viberbot import Api, BotConfiguration
    from viberbot.api.messages import TextMessage

    api = Api(BotConfiguration(auth_token="sandbox-viber", name="Bench", avatar=None))  # noqa: S106
    api._request_sender._viber_bot_api_url = endpoints["viber"]
    began = time.perf_counter()
    for i in range(1, MEMBERS + 1):
        api.send_messages(address(i, "viber"), [TextMessage(text=TEXT)])
    return MEMBERS / (time.perf_counter() - began)


def main() -> dict[str, float]:
    """Return the ratios, printing each round's figures."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        sessions = [folder / "bare.session", folder / "news.session"]
        with serving(folder, sessions) as endpoints:
            telegram = make(folder, endpoints, "telegram")
            target = telegram.config.accounts["news"].session
            target.parent.mkdir(parents=True, exist_ok=True)
            sessions[1].replace(target)
            viber = make(folder, endpoints, "viber")
            ratios = {
                "telegram": _telegram(telegram, sessions[0], endpoints),
                "viber": _viber(viber, endpoints),
            }
            telegram.close()
            viber.close()
    return ratios


def _telegram(shop: Shop, session: Path, endpoints: dict[str, str]) -> float:
    asyncio.run(vipcast_run(shop, announce(shop, "telegram", "news")))  # resolves everybody once
    asyncio.run(bare_telethon(session, endpoints))
    WARM.append(True)
    pairs = []
    for _ in range(ROUNDS):
        bare = asyncio.run(bare_telethon(session, endpoints))
        ours = asyncio.run(vipcast_run(shop, announce(shop, "telegram", "news")))
        pairs.append((ours, bare))
        print(f"  telegram: vipcast {ours:,.0f}/s, bare telethon {bare:,.0f}/s, ratio {ours / bare:.2f}")
    return sorted(ours / bare for ours, bare in pairs)[len(pairs) // 2]


def _viber(shop: Shop, endpoints: dict[str, str]) -> float:
    pairs = []
    for _ in range(max(3, ROUNDS - 2)):
        bare = plain_viberbot(endpoints)
        ours = asyncio.run(vipcast_run(shop, announce(shop, "viber", "viber")))
        pairs.append((ours, bare))
        print(f"  viber: vipcast {ours:,.0f}/s, plain viberbot loop {bare:,.0f}/s, ratio {ours / bare:.2f}")
    return sorted(ours / bare for ours, bare in pairs)[len(pairs) // 2]


if __name__ == "__main__":
    print(main())
