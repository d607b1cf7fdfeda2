"""`listen`, killed at any moment while customers write and a colleague answers at the desk.

What must hold, counted on the phones of the sandbox and not in the shop's own database:

- every message is relayed to the desk, once: Telegram takes a repeated request with the same random_id for
  the same message, so whatever was under way at the kill is simply sent again;
- nobody gets a second automatic answer for one closed period;
- each answer of the desk reaches its customer on Telegram once, and on Viber at most once.

Viber has no key for repeats. Where `listen` dies after a request has left and before its answer is on disk,
nobody can know whether the customer has the message, and no program can find out: to send it again might
bring it twice, not to send it may lose it. vipcast does not send it again; the ledger's row says `unknown`
and the desk is told to look. So of the answers on Viber, each has arrived or is one of these; a few of
these have arrived as well.
"""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from conversation_world import AUTOMATIC, NEWS, SUPPORT, PrivateDesk, a_world, until
from sqlalchemy import select
from support import vipcast

from vipcast.conversations.hours import WEEKDAYS
from vipcast.delivery.talk import Kind, accounts_due, body_of
from vipcast.storage.tables import deliveries, inbound

SEED = "kills of conversations"
KILLS = 8
MESSAGES = 90  # on each network, so that the stream outlives the kills
CUSTOMERS = 6  # on each network; half of them are members
LIMIT_SECONDS = 90  # only ends a test that hangs
TEXT = re.compile(r"umbrella (\w+) (\d+) is lost$")
BEFORE_NAME = "\n\n— "
TOLD = "nem tudni, hogy a válasz megérkezett-e"


def closed_hours() -> str:
    """Return opening hours in which the shop is closed now, and stays so whatever midnight passes."""
    day = WEEKDAYS[(datetime.now().astimezone() + timedelta(days=3)).weekday()]
    return f'{day[:3].lower()} = "9:00-17:00"\nreply_within = "2h"\n'


@pytest.fixture
def world(tmp_path):
    with a_world(tmp_path / "shop", hours=closed_hours()) as made:
        made.set_desk("me")
        # Viber calls again for an hour; here that goes faster.
        made.sandbox.viber.habits.retry_after_seconds = (0.2,) * int(LIMIT_SECONDS / 0.2)
        made.sandbox.viber.habits.answer_seconds = 5
        for number in range(0, CUSTOMERS, 2):
            made.member(f"On Telegram {number}", phone("telegram", number))
            made.member(f"On Viber {number}", phone("viber", number))
        yield made


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def phone(network: str, number: int) -> str:
    number %= CUSTOMERS
    return f"@customer{number}" if network == "telegram" else f"viber-customer-{number}=="


class Player(threading.Thread):
    """Somebody who does something on and on until `is_over`; `error` is what went wrong in it."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.is_over = threading.Event()
        self.error = None

    def run(self):
        try:
            self.play()
        except Exception as error:  # noqa: BLE001 - the test shows it
            self.error = error


class Stream(Player):
    """Customers of both networks who write, as fast as is asked for by `allow`."""

    def __init__(self, world):
        super().__init__(world)
        self._allowed = threading.Semaphore(0)
        self.written = 0

    def allow(self, count):
        for _ in range(count):
            self._allowed.release()

    def play(self):
        for number in range(MESSAGES):
            self._allowed.acquire()
            for network in ("viber", "telegram"):
                self.world.write(phone(network, number), f"umbrella {network} {number} is lost")
            self.written += 1


class Colleague(Player):
    """Answers each relay once, by replying to it in the saved messages of the support account."""

    def __init__(self, world):
        super().__init__(world)
        self._desk = PrivateDesk(world.sandbox, "me")
        self.answered = Counter()

    def play(self):
        seen = set()
        while not self.is_over.is_set():
            for one in self._desk.messages():
                is_new = one.number not in seen and one.text.startswith("✉️")
                if is_new and (found := TEXT.search(one.text)):
                    self._desk.say(f"Answer to {found[0]}", one)
                    self.answered[found[0]] += 1
                seen.add(one.number)
            self.is_over.wait(0.1)


def arrived(world, *, sender, to=None):
    """Return what arrived from an account on Telegram, by (receiver, text); the event log counts."""
    return Counter(
        (event["to"], event["text"])
        for event in list(world.sandbox.log.events)
        if (event["event"], event.get("network")) == ("message", "telegram")
        and event["sender"] == sender
        and (to is None or event["to"] == to)
    )


def arrived_on_viber(world):
    return Counter(
        (event["to"], event["text"])
        for event in list(world.sandbox.log.events)
        if (event["event"], event.get("network")) == ("message", "viber")
    )


def acts(world):
    """Return how many messages `listen` has brought to somebody's phone."""
    own = (arrived(world, sender=NEWS), arrived_on_viber(world))
    relays = arrived(world, sender=SUPPORT, to=SUPPORT)
    return sum(map(Counter.total, own)) + sum(text.startswith("✉️") for _, text in relays)


def only(counted, begins):
    """Return the umbrellas that messages beginning so are about, each as often as it came."""
    found = Counter()
    for (to, text), times in counted.items():
        if text.startswith(begins) and (about := TEXT.search(text.split(BEFORE_NAME)[0])):
            found[to, about[0]] += times
    return found


def automatic(counted):
    found = Counter()
    for (to, text), times in counted.items():
        found[to] += times * any(line in text for line in AUTOMATIC.values())
    return found


def rows(world, *conditions):
    with world.shop.database.read() as connection:
        return list(connection.execute(select(deliveries).where(*conditions)))


def kill_again_and_again(world, port, stream):
    """Run `listen` and kill it, at moments that the seed decides."""
    chance = random.Random(SEED)
    for _ in range(KILLS):
        child = world.start("--port", port)
        stream.allow(MESSAGES // (KILLS + 1))
        goal = acts(world) + chance.randint(1, 25)
        until(lambda goal=goal, child=child: acts(world) >= goal or child.process.poll() is not None)
        time.sleep(chance.random() * 0.05)
        assert child.process.poll() is None, child.said
        child.kill()


def test_kills_at_random_moments_lose_and_double_nothing_that_was_said(world, port):
    assert vipcast(world.folder, "listen", "--once", "--port", port).code == 0
    stream, colleague = Stream(world), Colleague(world)
    stream.start()
    colleague.start()
    kill_again_and_again(world, port, stream)
    stream.allow(MESSAGES)

    def is_done():
        assert (stream.error, colleague.error) == (None, None)
        with world.shop.database.read() as connection:
            said = connection.execute(select(inbound.c.id).where(inbound.c.handling == "answer")).all()
            return (
                len(said) >= 2 * MESSAGES and not accounts_due(connection) - {"viber"} and not unsent(world)
            )

    child = world.start("--port", port)
    try:
        until(is_done, LIMIT_SECONDS)
        world.sandbox.call(world.sandbox.viber.settle())
    finally:
        code = child.stop()
        colleague.is_over.set()
        colleague.join()
    assert code == 0
    assert vipcast(world.folder, "listen", "--once", "--port", port).code == 0

    expected = {network: texts(network) for network in ("telegram", "viber")}
    everything = set(expected["telegram"]) | set(expected["viber"])
    check_stored(world, everything)
    check_relayed(world, colleague, everything)
    check_automatic(world)
    check_answers(world, expected)


def unsent(world):
    """Return the rows on Viber that wait or are under way; those that nobody knows about stay so."""
    return rows(world, deliveries.c.account == "viber", deliveries.c.state.in_(("queued", "sending")))


def texts(network):
    return {f"umbrella {network} {number} is lost": phone(network, number) for number in range(MESSAGES)}


def check_stored(world, everything):
    with world.shop.database.read() as connection:
        query = select(inbound.c.text).where(inbound.c.kind == "message", inbound.c.chat == "")
        stored = Counter(connection.execute(query).scalars())
    assert set(stored) == everything, "a message was lost"
    assert set(stored.values()) == {1}, "a message was stored twice"


def check_relayed(world, colleague, everything):
    relays = only(arrived(world, sender=SUPPORT, to=SUPPORT), "✉️")
    assert {text for _, text in relays} == everything, "a relay is missing"
    assert set(relays.values()) == {1}, "a relay came twice"
    assert set(colleague.answered.values()) == {1}


def check_automatic(world):
    telegram = automatic(arrived(world, sender=NEWS))
    assert dict(telegram) == {phone("telegram", number): 1 for number in range(CUSTOMERS)}
    viber = automatic(arrived_on_viber(world))
    lost = rows(world, deliveries.c.kind == Kind.AUTOMATIC, deliveries.c.state == "unknown")
    for number in range(CUSTOMERS):
        who = phone("viber", number)
        assert viber[who] == 1 or (viber[who] == 0 and any(one.address == who for one in lost))


def check_answers(world, expected):
    on_telegram = only(arrived(world, sender=NEWS), "Answer to")
    assert on_telegram == Counter({(to, text): 1 for text, to in expected["telegram"].items()})
    on_viber = only(arrived_on_viber(world), "Answer to")
    assert set(on_viber.values()) == {1}, "an answer came twice"
    missing = {(to, text) for text, to in expected["viber"].items()} - set(on_viber)
    lost = rows(
        world,
        deliveries.c.kind == Kind.ANSWER,
        deliveries.c.account == "viber",
        deliveries.c.state == "unknown",
    )
    unknown = {(one.address, TEXT.search(body_of(one.body).text.split(BEFORE_NAME)[0])[0]) for one in lost}
    assert missing <= unknown, "an answer is gone and nobody says so"
    check_told(world, lost)


def check_told(world, lost):
    """The desk was told of each answer whose fate is unknown, and once; a receipt may have come after that."""
    told = Counter(
        number[1]
        for _, text in arrived(world, sender=SUPPORT, to=SUPPORT).elements()
        if TOLD in text and (number := re.search(r"#(\d+) ", text))
    )
    untold = Counter(str(one.conversation_id) for one in lost) - told
    assert not untold, "the desk was not told"
    settled = rows(world, deliveries.c.kind == Kind.ANSWER, deliveries.c.reason == "settled-by-receipt")
    assert told.total() <= len(lost) + len(settled), "the desk was told twice"
