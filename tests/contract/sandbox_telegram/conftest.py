"""A served Telegram sandbox, and the shop's account connected to it."""

from __future__ import annotations

import pytest
from telegram_sandbox import SHOP, connected, serving
from telethon import TelegramClient
from telethon.crypto import rsa

from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults


@pytest.fixture(autouse=True)
def telethon_globals(monkeypatch):
    """Telethon keeps the server's configuration and its keys in global places."""
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))


@pytest.fixture
def log():
    return EventLog()


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
async def sandbox(log, faults):
    async with serving(log=log, faults=faults) as sandbox:
        yield sandbox
    assert [event for event in log.events if event["event"] == "bug"] == []


@pytest.fixture
async def shop(sandbox):
    user = sandbox.add_user(phone=SHOP, first_name="Shop", username="regidivat")
    async with connected(sandbox, user) as client:
        yield client
