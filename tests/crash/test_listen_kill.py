"""`listen`, killed at any moment under a stream of messages: none is lost, none is stored twice."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import func, select
from support import child_environment, vipcast

from vipcast.storage.tables import inbound

KILLS = 8
MESSAGES = 160  # on each network, so that the stream outlives the kills
ACCOUNT = "+99966100001"
LIMIT_SECONDS = 120  # only ends a test that hangs


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def start(folder, port):
    return subprocess.Popen(
        [sys.executable, "-m", "vipcast", "--shop", str(folder), "listen", "--port", str(port)],
        cwd=folder,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def stored(shop):
    with shop.database.read() as connection:
        return connection.execute(select(func.count()).select_from(inbound)).scalar_one()


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


class Stream(threading.Thread):
    """Customers of both networks who write on and on, as fast as is asked for by `allow`."""

    def __init__(self, sandbox):
        super().__init__(daemon=True)
        self._sandbox = sandbox
        self._allowed = threading.Semaphore(0)
        self.written = 0
        self.error = None

    def allow(self, count):
        for _ in range(count):
            self._allowed.release()

    def run(self):
        try:
            for number in range(MESSAGES):
                self._allowed.acquire()
                self._write(number)
                self.written += 1
        except Exception as error:  # noqa: BLE001 - the test shows it
            self.error = error

    def _write(self, number):
        viber, telegram = self._sandbox.viber, self._sandbox.telegram
        self._sandbox.call(viber.say(f"viber-customer-{number % 7}==", f"viber {number}", to="viber"))
        people = [self._sandbox.do(telegram.find, one) for one in (f"@customer{number % 7}", ACCOUNT)]
        self._sandbox.call(telegram.say(*people, f"telegram {number}"))


def test_kills_at_random_moments_lose_and_double_nothing(shop, shop_folder, sandbox, port):
    # Viber calls again for an hour; here that goes faster.
    sandbox.viber.habits.retry_after_seconds = (0.2,) * int(LIMIT_SECONDS / 0.2)
    sandbox.viber.habits.answer_seconds = 5
    assert vipcast(shop_folder, "listen", "--once", "--port", str(port)).code == 0
    chance = random.Random("kills of listen")
    stream = Stream(sandbox)
    stream.start()
    killed = 0
    for _ in range(KILLS):
        child = start(shop_folder, port)
        stream.allow(MESSAGES // (KILLS + 1))
        goal = stored(shop) + chance.randint(1, 20)
        wait_until(lambda goal=goal, child=child: stored(shop) >= goal or child.poll() is not None)
        time.sleep(chance.random() * 0.05)
        killed += child.poll() is None
        child.kill()
        _, words = child.communicate(timeout=60)
        assert "Traceback" not in words
    assert killed == KILLS

    stream.allow(MESSAGES)
    child = start(shop_folder, port)
    try:
        wait_until(lambda: stream.written == MESSAGES or stream.error)
        assert stream.error is None
        wait_until(lambda: stored(shop) >= 2 * MESSAGES)
        sandbox.call(sandbox.viber.settle())
    finally:
        child.terminate()
        child.communicate(timeout=60)
    again = vipcast(shop_folder, "listen", "--once", "--port", str(port))
    assert again.code == 0

    with shop.database.read() as connection:
        texts = Counter(connection.execute(select(inbound.c.text)).scalars())
    expected = {f"{network} {number}" for network in ("viber", "telegram") for number in range(MESSAGES)}
    assert set(texts) == expected, "a message was lost"
    assert set(texts.values()) == {1}, "a message was stored twice"
