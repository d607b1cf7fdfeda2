"""One sandbox for all command-line tests, and a shop of one's own for each: copied, with people in it."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import use_sandbox
from telethon import TelegramClient
from telethon.crypto import rsa

from vipcast.sandbox.service import Sandbox

sys.path.insert(0, str(Path(__file__).parent))  # for the files beside this one too
from commandline import CommandLine, Phones

GROUP = "gold"
PEOPLE = """name;phone;telegram;viber;language;formal;consent_at;consent_source
Kovács Anna;+36 30 555 0101;@anna_cli;;hu;no;2026-01-05;in the shop
Őze Ödön;+36 20 555 0102;@odon_cli;;hu;yes;2026-01-05;in the shop
Jan Novák;+420 601 555 103;@jan_cli;;cs;yes;2026-01-05;in the shop
Viola Vítková;+420 601 555 104;;0e8WW/shXMvcNgCZi+4pIQ==;cs;yes;2026-01-05;in the shop
Ville Virtanen;+358 40 555 0105;;AfFHYMSzHc1T6G1og4P+Og==;fi;no;2026-01-05;in the shop
Nora Nogo;+36 30 555 0106;@nora_cli;;en;no;;
"""
NOTE = '+++\ntitle = "A note"\n+++\nNews for {{ member.name }}.\n'


@contextmanager
def no_log_files_left_open() -> Iterator[None]:
    """Each shop that the command line opens in this process adds its log file to the root logger."""
    before = list(logging.getLogger().handlers)
    yield
    for handler in logging.getLogger().handlers[:]:
        if handler not in before:
            logging.getLogger().removeHandler(handler)
            handler.close()


@pytest.fixture(autouse=True)
def own_log_file():
    with no_log_files_left_open():
        yield


@pytest.fixture(scope="session")
def plain_shop(tmp_path_factory):
    """A shop as `init` makes it, with one more template; to be copied, never changed."""
    folder = tmp_path_factory.mktemp("plain") / "shop"
    with no_log_files_left_open():
        assert CommandLine(folder)("init", folder).code == 0
    (folder / "templates" / "note").mkdir()
    (folder / "templates" / "note" / "en.md").write_text(NOTE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def peopled_shop(plain_shop, tmp_path_factory):
    """The same with a group of six, five of whom agreed; to be copied, never changed."""
    folder = shutil.copytree(plain_shop, tmp_path_factory.mktemp("peopled") / "shop")
    people = folder / "recipients" / "people.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    vipcast = CommandLine(folder)
    with no_log_files_left_open():
        assert vipcast("group", "create", GROUP, "--cap", 15).code == 0
        assert vipcast("member", "import", people, "--group", GROUP).code == 0
    return folder


@pytest.fixture
def empty(plain_shop, tmp_path):
    """The command line for a fresh shop without members, in a folder with a space and an accent."""
    return CommandLine(shutil.copytree(plain_shop, tmp_path / "az én boltom"))


@pytest.fixture
def vipcast(peopled_shop, tmp_path):
    """The command line for a shop with people in it; its messengers are out of reach."""
    return CommandLine(shutil.copytree(peopled_shop, tmp_path / "az én boltom"))


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """One sandbox for all tests of this process."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")).run_in_thread() as running:
        yield running
    assert [event for event in running.log.events if event["event"] == "bug"] == []


@pytest.fixture
def online(vipcast, network, monkeypatch):
    """The command line for a shop with people in it, whose accounts are logged in to the sandbox."""
    # Telethon keeps a server's settings and keys in global places.
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))
    state = vipcast.folder / ".vipcast" / "sandbox"
    state.mkdir(mode=0o700)
    shutil.copyfile(network.telegram_key, state / "telegram.pem")
    use_sandbox(vipcast.folder, network)
    yield vipcast
    network.faults.clear()


@pytest.fixture
def phones(network):
    return Phones(network)


@pytest.fixture
def faults(network):
    return network.faults
