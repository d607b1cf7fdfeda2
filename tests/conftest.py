"""Fixtures for all tests, and two guards: no setting of the tester's own, no network but this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path

import pytest
from telethon import TelegramClient
from telethon.crypto import rsa

from vipcast.sandbox.service import Sandbox
from vipcast.shop import Shop

sys.path.insert(0, str(Path(__file__).parent))  # `support` and `simulators`, for all test files

from support import FixedClock, make_shop_folder, seat_members, use_sandbox

LOOPBACK_NAMES = {"localhost", "localhost.localdomain", ""}


@pytest.fixture(autouse=True)
def no_settings_of_the_tester(monkeypatch):
    """A test must mean the same on every machine."""
    for name in [name for name in os.environ if name.startswith("VIPCAST_")]:
        monkeypatch.delenv(name)


def is_here(address) -> bool:
    """Return whether a socket's address is on this machine."""
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = address[0]
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Refuse every connection that leaves this machine, and fail the test even where that is swallowed."""
    attempts = []

    def guarded(name):
        connect = getattr(socket.socket, name)

        def check(self, address):
            if not is_here(address):
                attempts.append(address)
                raise PermissionError(f"a test wanted to connect to {address}")
            return connect(self, address)

        return check

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(name))
    yield attempts
    assert attempts == [], "a test wanted to leave this machine"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def shop_folder(tmp_path):
    """The sample shop's folder; with `sandbox` its ports are those of the running sandbox."""
    return make_shop_folder(tmp_path / "shop")


@pytest.fixture
def sandbox(shop_folder, monkeypatch):
    """A sandbox that runs in a thread, with the shop's accounts logged in and no scripted customers."""
    # Telethon keeps a server's settings and keys in global places.
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))
    with Sandbox(shop_folder / ".vipcast" / "sandbox").run_in_thread() as running:
        use_sandbox(shop_folder, running)
        yield running
    assert [event for event in running.log.events if event["event"] == "bug"] == []


@pytest.fixture
def shop(request, shop_folder, clock):
    """The shop, open, with a clock that stands still."""
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox")  # its ports must be known before the settings are read
    with Shop.open(shop_folder, {}, clock) as opened:
        yield opened


@pytest.fixture
def seated(shop):
    """`seated(n, messenger)` seats so many new members who agreed; returns their groups."""
    return lambda count, messenger: seat_members(shop, count, messenger)
