"""`vipcast listen` and `vipcast inbox` as processes of their own, against the sandbox."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from support import add_group, add_member, announce, child_environment, end_of, rows, start_vipcast, vipcast

from vipcast.members.linking import new_code

ANNA = "@anna_kovacs"
BELA = "bela_nagy-0002=="
NEWS = "+99966100001"


@pytest.fixture
def customers(sandbox):
    return Customers(sandbox)


class Customers:
    def __init__(self, sandbox):
        self._sandbox = sandbox

    def telegram(self, text, who=ANNA, to=NEWS):
        telegram = self._sandbox.telegram
        people = [self._sandbox.do(telegram.find, one) for one in (who, to)]
        self._sandbox.call(telegram.say(*people, text))

    def viber(self, text, who=BELA):
        self._sandbox.call(self._sandbox.viber.say(who, text, to="viber"))

    @property
    def webhook(self):
        return self._sandbox.do(lambda: next(b.webhook for b in self._sandbox.viber.bots if b.uri == "viber"))


def wait_until(condition):
    """Wait for another process; the limit only ends a test that hangs."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def texts(folder):
    return [one["text"] for one in vipcast(folder, "inbox", "list").data["messages"]]


@pytest.fixture
def listening(shop, shop_folder, customers):
    """A running `vipcast listen`, ready to receive."""
    vipcast(shop_folder, "listen", "--once", "--port", "0")  # from here on Telegram keeps what is missed
    process = start_vipcast(shop_folder, "listen", "--port", "0")
    before = customers.webhook
    wait_until(lambda: customers.webhook != before or process.poll() is not None)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another process")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_messages_of_both_networks_are_in_the_inbox_and_it_stops_cleanly(
    shop, shop_folder, listening, customers, sign
):
    anna = add_member(shop, "Kovács Anna", ("telegram", ANNA))
    customers.telegram("Meddig tart?")
    customers.viber("Dobrý den")
    wait_until(lambda: len(texts(shop_folder)) == 2)
    listening.send_signal(sign)
    done = end_of(listening)
    assert (done.code, done.errors) == (0, [])
    assert done.data["received"]["message"] == 2
    found = {one["text"]: one for one in vipcast(shop_folder, "inbox", "list").data["messages"]}
    assert (found["Meddig tart?"]["member_id"], found["Meddig tart?"]["member"]) == (anna, "Kovács Anna")
    assert (found["Dobrý den"]["address"], found["Dobrý den"]["member_id"]) == (BELA, None)


def test_once_takes_what_telegram_kept_and_ends(shop, shop_folder, sandbox, customers):
    first = vipcast(shop_folder, "listen", "--once", "--port", "0")
    assert (first.code, first.data["received"]) == (0, {})
    customers.telegram("while nobody listened")
    customers.telegram("and once more")
    done = vipcast(shop_folder, "listen", "--once", "--port", "0")
    assert (done.code, done.data) == (0, {"received": {"message": 2}, "duplicates": 0})
    assert texts(shop_folder) == ["and once more", "while nobody listened"]
    assert vipcast(shop_folder, "listen", "--once", "--port", "0").data["received"] == {}


def test_receipts_and_an_opt_out_reach_the_ledger(shop, shop_folder, listening, sandbox):
    bela = add_member(shop, "Béla", ("viber", BELA))
    anna = add_member(shop, "Anna", ("telegram", ANNA))
    add_group(shop, "gold", [anna, bela])
    announcement = announce(shop, ["gold"])
    assert vipcast(shop_folder, "announcement", "resume", str(announcement.id)).code == 0
    sandbox.call(sandbox.viber.read(BELA, to="viber"))
    people = [sandbox.do(sandbox.telegram.find, one) for one in (ANNA, NEWS)]
    sandbox.call(sandbox.telegram.read(*people))
    wait_until(lambda: {row.state for row in rows(shop)} == {"seen"})
    sandbox.call(sandbox.viber.unsubscribe(BELA, to="viber"))

    def is_out():
        member = vipcast(shop_folder, "member", "show", "Béla").data
        return "opted_out" in str(member)

    wait_until(is_out)


def test_a_code_ties_a_viber_id_to_its_member(shop, shop_folder, listening, sandbox, customers):
    anna = add_member(shop, "Kovács Anna")
    with shop.database.write() as connection:
        code = new_code(connection, anna, "viber", now=shop.now())
    sandbox.call(sandbox.viber.press_link("anna-on-viber==", to="viber", context=code))
    customers.viber("+", "anna-on-viber==")
    wait_until(lambda: texts(shop_folder) == ["+"])
    (message,) = vipcast(shop_folder, "inbox", "list").data["messages"]
    assert message["member_id"] == anna


def test_only_one_listens(shop, shop_folder, sandbox):
    shop.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(shop.locks / "listen.lock"):
        done = vipcast(shop_folder, "listen", "--once", "--port", "0")
    assert done.code == 6
    assert done.errors[0]["code"] == "locked"


def test_a_port_that_is_taken_is_told(shop_folder, sandbox):
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = vipcast(shop_folder, "listen", "--once", "--port", str(other.getsockname()[1]))
    assert done.code == 6
    assert "--port" in done.errors[0]["hint"]


def test_an_account_without_a_login_does_not_stop_the_others(shop, shop_folder, sandbox, customers):
    shop.config.account("support").session.unlink()
    vipcast(shop_folder, "listen", "--once", "--port", "0")
    customers.telegram("hello")
    done = vipcast(shop_folder, "listen", "--once", "--port", "0")
    assert done.code == 4
    assert "account add support" in done.errors[0]["hint"]
    assert done.data["received"] == {"message": 1}


def test_a_shop_where_nothing_can_receive_says_why(shop_folder):
    path = shop_folder / "vipcast.toml"
    text = path.read_text(encoding="utf-8").replace("enabled = true", "enabled = false")
    path.write_text(re.sub(r"(?ms)^\[accounts\.viber\].*?\n\n", "", text), encoding="utf-8")
    done = vipcast(shop_folder, "listen", "--port", "0")
    assert done.code == 5
    assert "VIPCAST_TELEGRAM_API_ID" in done.errors[0]["hint"]


def test_an_empty_inbox_says_what_to_do(shop_folder):
    words = subprocess.run(
        [sys.executable, "-m", "vipcast", "--shop", str(shop_folder), "inbox", "list"],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert "vipcast listen" in words
    assert vipcast(shop_folder, "inbox", "list").data == {"conversations": [], "messages": []}


def test_the_log_names_nobody(shop, shop_folder, listening, customers, sandbox):
    customers.viber("a secret of mine")
    customers.telegram("another secret")
    wait_until(lambda: len(texts(shop_folder)) == 2)
    listening.kill()
    listening.wait()
    log = shop_folder / ".vipcast" / "vipcast.log"
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    said += listening.stderr.read()
    for personal in ("secret", ANNA, "anna_kovacs", BELA, "sandbox-viber"):
        assert personal not in said
