"""The guards of tests/conftest.py: no setting of the tester's own, no network but this machine."""

from __future__ import annotations

import os
import socket

import pytest


def test_another_machine_cannot_be_reached(loopback_only):
    with socket.socket() as one, pytest.raises(PermissionError):
        one.connect(("192.0.2.1", 80))
    with socket.socket() as one, pytest.raises(PermissionError):
        one.connect_ex(("example.com", 80))
    assert loopback_only == [("192.0.2.1", 80), ("example.com", 80)]
    loopback_only.clear()  # else this test fails, as every other would


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_no_setting_of_the_testers_is_seen():
    assert [name for name in os.environ if name.startswith("VIPCAST_")] == []
