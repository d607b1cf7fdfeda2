"""The sandbox's shared parts: log, faults, HTTP, scripted customers, control API, page, the service."""

from __future__ import annotations

import asyncio
import html.parser
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import urllib3
from telethon import TelegramClient, functions, types

from vipcast.errors import InputError, Locked
from vipcast.sandbox.customers import PHRASES, Rule, Script, ScriptedCustomers, language_of
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.loopback_http import HttpClient, HttpServer, Request, Response
from vipcast.sandbox.page import Followed, ViberPhones
from vipcast.sandbox.service import LoopThread, Sandbox
from vipcast.sandbox.viber import ViberSandbox

LANGUAGES = ("hu", "cs", "fi", "ru", "en")

# The log.


def test_log_keeps_each_event_in_memory_and_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    returned = log.record("message", network="viber", to="Ősz Éva", token=2**63)
    line = json.loads(path.read_text(encoding="utf-8"))
    assert returned == line == log.events[0]
    assert (line["event"], line["to"], line["token"]) == ("message", "Ősz Éva", 2**63)
    assert datetime.fromisoformat(line["at"]).utcoffset() is not None
    log.close()
    log.close()
    log.record("later")
    assert [event["event"] for event in log.after(1)] == ["later"]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


def test_log_goes_on_where_an_earlier_run_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for name in ("one", "two"):
        log = EventLog(path)
        log.record(name)
        log.close()
    assert [json.loads(line)["event"] for line in path.read_bytes().splitlines()] == ["one", "two"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.close()
    assert stat.S_IMODE((tmp_path / "events.jsonl").stat().st_mode) == 0o600


def test_log_in_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        EventLog(tmp_path / "nowhere" / "events.jsonl")


def test_lines_of_many_threads_do_not_mix(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    threads = [
        threading.Thread(target=lambda name=name: [log.record("x", who=name) for _ in range(200)])
        for name in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    assert lines == log.events
    assert len(lines) == 1600


# Faults.


def test_fault_strikes_its_request_and_receiver_as_often_as_said() -> None:
    faults = Faults()
    fault = faults.add(on="send_message", kind="error", code=12, to="anna", after=1, times=2)
    assert [faults.match("send_message", "béla"), faults.match("post", "anna")] == [None, None]
    struck = [faults.match("send_message", "anna") for _ in range(4)]
    assert struck == [None, fault, fault, None]
    assert faults.armed() == []


def test_faults_strike_in_order_and_always_until_cleared() -> None:
    faults = Faults()
    first = faults.add("*", "drop_after")
    always = faults.add("send_message", "delay", times=None)
    assert [faults.match("send_message", None) for _ in range(3)] == [first, always, always]
    faults.clear()
    assert faults.match("send_message", None) is None


@pytest.mark.parametrize("wrong", [{"kind": "flood"}, {"times": 0}, {"after": -1}, {"seconds": -1}])
def test_senseless_fault_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Faults().add(**{"on": "send_message", "kind": "delay", **wrong})


def test_fault_is_used_up_once_by_many_threads() -> None:
    faults = Faults()
    faults.add("x", "error", times=50)
    struck: list[object] = []
    threads = [
        threading.Thread(target=lambda: struck.extend(faults.match("x") for _ in range(100)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in struck) == 50


# HTTP.


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


async def echo(request: Request) -> Response:
    return Response.json({"path": request.path, "query": dict(request.query), "body": request.body.decode()})


@pytest.fixture
def server(loop: LoopThread) -> Iterator[HttpServer]:
    server = HttpServer(echo)
    loop.call(server.start())
    yield server
    loop.call(server.stop())
    loop.call(server.stop())


def exchange(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b"GET /a?b=c HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"HTTP/1.1 413 "),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"HTTP/1.1 431 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", b""),
        (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", b"HTTP/1.1 100 Continue"),
    ],
)
def test_http_server_answers_odd_requests(server: HttpServer, data: bytes, start: bytes) -> None:
    answer = exchange(server.port, data)
    assert answer.startswith(start)
    assert bool(answer) is bool(start)


def test_http_server_keeps_a_connection_for_many_requests(server: HttpServer) -> None:
    one = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
    answer = exchange(server.port, one * 3)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b'"body":"abc"') == 3


def test_http_client_reuses_and_reopens_its_connection(loop: LoopThread, server: HttpServer) -> None:
    client = HttpClient()

    async def post(text: str) -> Any:
        status, body = await client.post(
            f"{server.url}/p?q=1", text.encode(), {"X-A": "b"}, timeout_seconds=10
        )
        return status, msgspec.json.decode(body)

    async def restart() -> None:
        port = server.port
        await server.stop()
        await server.start()
        assert server.port == port

    expected = (200, {"path": "/p", "query": {"q": "1"}, "body": "a"})
    assert [loop.call(post("a")), loop.call(post("a"))] == [expected, expected]
    loop.call(restart())
    assert loop.call(post("a")) == expected

    async def close() -> None:
        client.close()

    loop.call(close())


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://shop.example/x", "http://[::1/", "x"])
def test_http_client_calls_this_machine_only(loop: LoopThread, url: str) -> None:
    with pytest.raises(OSError, match="no http URL"):
        loop.call(HttpClient().post(url, b"", {}, timeout_seconds=1))


# Scripted customers.


@pytest.mark.parametrize("deed", ["ask", "thank"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_language_of_a_text_is_recognised(deed: str, language: str) -> None:
    assert language_of(PHRASES[deed][language]) == language


def test_every_phrase_exists_in_all_languages() -> None:
    assert {name: set(phrases) for name, phrases in PHRASES.items()} == {
        name: set(LANGUAGES) for name in PHRASES
    }


class HandSimulator:
    """Writes down what customers do."""

    def __init__(self) -> None:
        self.deeds: list[tuple[str, ...]] = []

    async def say(self, customer: str, text: str, to: str = "") -> None:
        self.deeds.append(("say", customer, text, to))

    async def read(self, customer: str, to: str = "") -> None:
        self.deeds.append(("read", customer, to))

    async def block(self, customer: str, to: str = "") -> None:
        self.deeds.append(("block", customer, to))

    async def follow(self, customer: str, link: str, person: str = "") -> Followed:
        self.deeds.append(("follow", customer, link, person))
        return Followed(customer=customer, to="#gold", is_in=False)


def play(script: Script, *heard: tuple[str, str]) -> list[tuple[str, ...]]:
    hand = HandSimulator()

    async def run() -> None:
        customers = ScriptedCustomers(script, {"viber": hand, "telegram": hand}, EventLog(None))
        for customer, text in heard:
            customers.hear("viber", customer, "news", text)
            await customers.settle()
        await customers.stop()

    asyncio.run(run())
    return hand.deeds


def test_script_chooses_by_person_text_and_network() -> None:
    script = Script.parse(
        """
        [[rule]]
        do = "ask"
        who = "anna*"
        when = "kabát|šaty"
        [[rule]]
        do = "say"
        network = "telegram"
        text = "nem itt"
        [[rule]]
        do = "block"
        who = "dora"
        [[rule]]
        do = "stop"
        who = "béla"
        language = "fi"
        """
    )
    deeds = play(script, ("anna-1", "ŠATY, nové, pro vás"), ("anna-2", "Cipők"), ("dora", "x"), ("Béla", "x"))
    assert deeds == [
        ("say", "anna-1", PHRASES["ask"]["cs"], "news"),
        ("block", "dora", "news"),
        ("say", "Béla", "lopeta", "news"),
    ]


def test_script_repeats_a_deed_only_as_often_as_said() -> None:
    script = Script((Rule(do="say", text="egyszer"), Rule(do="read", times=0)))
    deeds = play(script, ("anna", "1"), ("anna", "2"), ("béla", "3"))
    assert [deed[:2] for deed in deeds] == [
        ("say", "anna"),
        ("read", "anna"),
        ("read", "anna"),
        ("say", "béla"),
        ("read", "béla"),
    ]


def test_deed_that_the_network_refuses_is_logged_and_stops_nobody() -> None:
    log = EventLog(None)
    viber = ViberSandbox(log=log, faults=Faults())

    async def run() -> None:
        customers = ScriptedCustomers(Script((Rule(do="ask"),)), {"viber": ViberPhones(viber)}, log)
        customers.hear("viber", "gone", "news", "x")
        customers.hear("viber", "anna", "news", "x")
        await customers.settle()

    viber.add_bot("sandbox-news", "News", uri="news")
    asyncio.run(run())
    assert [event["customer"] for event in log.events if event["event"] == "script-failed"] == ["gone"]
    assert [message.text for message in viber.inbox("anna")] == [PHRASES["ask"]["en"]]


def test_one_in_picks_the_same_people_every_time() -> None:
    script = Script((Rule(do="read", one_in=3, times=0),))
    people = [(f"c{number}", "x") for number in range(60)]
    chosen = play(script, *people)
    assert chosen == play(script, *people)
    assert 5 < len(chosen) < 40


@pytest.mark.parametrize(
    "text",
    [
        "[[rule]",
        "[[rule]]\ndo = 'dance'",
        "[[rule]]\ndo = 'read'\nwho_else = 'x'",
        "[[rule]]\ndo = 'say'",
        "[[rule]]\ndo = 'read'\nwhen = '('",
        "[[rule]]\ndo = 'read'\none_in = 0",
        "[[rule]]\ndo = 'ask'\nlanguage = 'de'",
    ],
)
def test_wrong_script_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"script\.toml"):
        Script.load(path)


def test_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml"):
        Script.load(tmp_path / "none.toml")


# The service, its control API and its page.


class Client:
    """Another process: speaks to the control API over HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = sandbox.page_url.rstrip("/")
        self.pool = urllib3.PoolManager(retries=False, timeout=10)

    def ask(self, method: str, path: str, data: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        body = None if data is None else json.dumps(data).encode()
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
        return self.pool.request(method, self.url + path, body=body, headers=headers)

    def post(self, path: str, **data: Any) -> urllib3.BaseHTTPResponse:
        return self.ask("POST", path, data)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.data
        return answer.json()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox().run_in_thread() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox)
    yield client
    client.pool.clear()


def send_viber(sandbox: Sandbox, client: Client, to: str, text: str, **more: Any) -> dict[str, Any]:
    data = {"receiver": to, "sender": {"name": "Bolt"}, "type": "text", "text": text, **more}
    answer = client.pool.request(
        "POST",
        f"{sandbox.viber.url}/send_message",
        body=json.dumps(data).encode(),
        headers={"X-Viber-Auth-Token": "sandbox-bolt"},
    )
    result: dict[str, Any] = answer.json()
    return result


def test_another_process_sees_and_plays_the_customers(sandbox: Sandbox, client: Client) -> None:
    assert client.get("/health")["viber"] == sandbox.viber.url
    assert send_viber(sandbox, client, "anna", "Jó napot!")["status"] == 0
    send_viber(
        sandbox, client, "anna", "Kép", type="picture", media="https://shop.example/media/kab%C3%A1t.png?v=2"
    )
    assert client.post("/say", network="viber", customer="anna", text="Köszönöm <b>!").status == 200
    assert client.post("/read", network="viber", customer="anna").status == 200
    (phone,) = client.get("/phones")["phones"]
    assert (phone["customer"], phone["accounts"], phone["total"]) == ("anna", ["bolt"], 3)
    assert [message["text"] for message in phone["messages"]] == ["Jó napot!", "Kép", "Köszönöm <b>!"]
    assert [message["state"] for message in phone["messages"]] == ["seen", "seen", ""]
    assert phone["messages"][1]["media"] == [{"kind": "picture", "name": "kab%C3%A1t.png", "size": 0}]
    assert client.post("/unsubscribe", network="viber", customer="anna", to="bolt").status == 200
    assert send_viber(sandbox, client, "anna", "x")["status"] == 6
    assert client.post("/subscribe", network="viber", customer="anna").status == 200
    assert send_viber(sandbox, client, "anna", "x")["status"] == 0


def test_events_and_phones_tell_only_what_is_new(sandbox: Sandbox, client: Client) -> None:
    before = client.get("/events")["next"]
    send_viber(sandbox, client, "anna", "x")
    answer = client.get(f"/events?after={before}")
    assert [event["event"] for event in answer["events"]] == ["message"]
    assert answer["next"] == before + 1
    version = client.get("/phones")["version"]
    assert client.get(f"/phones?version={version}") == {"version": version, "phones": None}
    assert client.get("/phones")["total"] == 1
    send_viber(sandbox, client, "anna", "y")
    assert client.get(f"/phones?version={version}")["phones"]


def test_faults_are_ordered_from_outside(sandbox: Sandbox, client: Client) -> None:
    order = {"on": "send_message", "kind": "error", "code": 12, "text": "tooManyRequests", "to": "anna"}
    assert client.post("/faults", **order).status == 200
    assert [fault["code"] for fault in client.get("/faults")["faults"]] == [12]
    assert send_viber(sandbox, client, "anna", "x")["status"] == 12
    client.post("/faults", on="*", kind="drop_before", times=None)
    assert client.ask("DELETE", "/faults").status == 200
    assert send_viber(sandbox, client, "anna", "x")["status"] == 0


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/faults", {"on": "x", "kind": "earthquake"}, 400),
        ("/faults", {"on": "x", "kind": "error", "times": 0}, 422),
        ("/faults", {"on": "x", "kind": "error", "colour": "red"}, 400),
        ("/say", {"network": "viber", "customer": "anna"}, 400),
        ("/say", {"network": "viber", "customer": "anna", "text": " "}, 422),
        ("/say", {"network": "viber", "customer": "gone", "text": "x"}, 422),
        ("/say", {"network": "viber", "customer": "anna", "text": "x", "to": "nobody"}, 422),
        ("/say", {"network": "telegram", "customer": "+36300000000", "text": "x"}, 422),
        ("/say", {"network": "signal", "customer": "anna", "text": "x"}, 400),
        ("/read", [], 400),
        ("/dance", {}, 404),
        ("/phones", {}, 405),
        ("/", {}, 405),
    ],
)
def test_wrong_orders_are_explained(client: Client, path: str, data: Any, status: int) -> None:
    answer = client.ask("POST", path, data)
    assert answer.status == status
    assert answer.json()["error"]


def test_number_of_events_must_be_one(client: Client) -> None:
    assert client.ask("GET", "/events?after=x").status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "shop.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Host": "["}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 422),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 422),
    ],
)
def test_other_sites_cannot_use_the_control_api(client: Client, headers: dict[str, str], status: int) -> None:
    data = {"network": "viber", "customer": "gone", "text": "x"}
    assert client.ask("POST", "/say", data, **headers).status == status


class PageParser(html.parser.HTMLParser):
    """Collects what a page loads and what would run in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the library's signature
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in ("script", "style") and data.strip():
            self.inline.append(data)


def test_page_loads_only_its_own_parts_and_runs_nothing_inline(client: Client) -> None:
    page = client.ask("GET", "/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    parser = PageParser()
    parser.feed(page.data.decode())
    assert parser.inline == []
    assert set(parser.loads) == {"/page.css", "/page.js", "/phones"}
    for path in parser.loads:
        assert client.ask("GET", path).status == 200
    script = client.ask("GET", "/page.js").data.decode()
    assert not [
        risky for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(") if risky in script
    ]


def test_scripted_customers_answer_on_viber() -> None:
    script = Script((Rule(do="read"), Rule(do="ask", who="anna")))
    with Sandbox(script=script).run_in_thread() as sandbox:
        client = Client(sandbox)
        send_viber(sandbox, client, "anna", "Új kabátok érkeztek, kedves Anna, hogy ne fázzon. Ő is jön.")
        send_viber(sandbox, client, "béla", "Új kabátok")
        sandbox.call(sandbox.customers.settle())
        texts = [message.text for message in sandbox.viber.inbox("anna") if message.is_own]
        states = [message.state for name in ("anna", "béla") for message in sandbox.viber.inbox(name)]
        client.pool.clear()
    assert texts == [PHRASES["ask"]["hu"]]
    assert [state for state in states if state != "accepted"] == ["seen", "seen"]


def test_telegram_phone_shows_formatting_and_is_answered(tmp_path: Path) -> None:
    script = Script((Rule(do="thank", network="telegram"),))
    with Sandbox(tmp_path, script=script).run_in_thread() as sandbox:
        session = tmp_path / "news.session"
        shop = sandbox.do(sandbox.telegram.add_user, phone="+36209999999")
        sandbox.do(sandbox.telegram.provision_session, session, shop)

        async def send() -> None:
            client = TelegramClient(str(session), 1, "x")
            await client.connect()
            try:
                found = await client(functions.contacts.ResolvePhoneRequest("36301234567"))
                bold = types.MessageEntityBold(3, 5)
                await client.send_message(found.users[0], "Új kabát 🧥!", formatting_entities=[bold])
            finally:
                await client.disconnect()

        sandbox.call(send())
        sandbox.call(sandbox.customers.settle())
        client = Client(sandbox)
        assert client.post("/say", network="telegram", customer="+36301234567", text="Mennyi?").status == 200
        assert client.post("/read", network="telegram", customer="+36301234567").status == 200
        phones = {phone["customer"]: phone for phone in client.get("/phones")["phones"]}
        client.pool.clear()
    customer, account = phones["+36301234567"], phones["+36209999999"]
    assert [message["text"] for message in customer["messages"]] == [
        "Új kabát 🧥!",
        PHRASES["thank"]["hu"],
        "Mennyi?",
    ]
    assert customer["messages"][0]["spans"] == [{"kind": "bold", "offset": 3, "length": 5, "url": ""}]
    assert customer["accounts"] == ["+36209999999"]
    assert (customer["is_account"], account["is_account"]) == (False, True)


def test_telegram_groups_are_shown_and_scripted(tmp_path: Path) -> None:
    script = Script(
        (Rule(do="read", group="VIP*"), Rule(do="ask", group="VIP*", who="*567"), Rule(do="thank"))
    )
    with Sandbox(tmp_path, script=script).run_in_thread() as sandbox:
        telegram = sandbox.telegram
        shop = sandbox.do(telegram.add_user, phone="+36209999999", first_name="Shop")
        anna, bela = (sandbox.do(telegram.find, phone) for phone in ("+36301234567", "+36307654321"))
        assert anna
        assert bela
        group = sandbox.do(telegram.create_group, shop, "VIP 1", [anna, bela])
        sandbox.do(telegram.provision_session, tmp_path / "news.session", shop)

        async def send() -> None:
            client = TelegramClient(str(tmp_path / "news.session"), 1, "x")
            await client.connect()
            try:
                (dialog,) = await client.get_dialogs()
                await client.send_message(dialog.input_entity, "Új kabát, kedves Anna!")
            finally:
                await client.disconnect()

        sandbox.call(send())
        sandbox.call(sandbox.customers.settle())
        client = Client(sandbox)
        deed = {"network": "telegram", "customer": "+36307654321", "to": "#VIP 1"}
        assert client.post("/say", **deed, text="Mennyi?").status == 200
        assert client.post("/read", **deed).status == 200
        phones = {phone["customer"]: phone for phone in client.get("/phones")["phones"]}
        assert client.post("/unsubscribe", **deed).status == 200
        assert client.post("/say", **deed, text="Hahó").status == 422
        assert client.post("/subscribe", **deed).status == 200
        assert client.post("/say", **{**deed, "to": "#VIP 2"}, text="Hahó").status == 422
        client.pool.clear()
        talk = sandbox.do(telegram.group_history, group)
    asked = PHRASES["ask"]["hu"]
    assert [one.text for one in talk if not one.action] == ["Új kabát, kedves Anna!", asked, "Mennyi?"]
    (anna_sees, bela_sees) = (phones[phone] for phone in ("+36301234567", "+36307654321"))
    assert bela_sees["accounts"] == ["#VIP 1"]
    assert [one["is_own"] for one in anna_sees["messages"][-3:]] == [False, True, False]
    assert ("put in +36301234567, +36307654321", True) in [
        (one["text"], one["is_note"]) for one in anna_sees["messages"]
    ]
    assert {one["customer"]: one["is_account"] for one in phones.values()} == {
        "+36209999999": True,
        "+36301234567": False,
        "+36307654321": False,
    }


def test_service_writes_its_files_and_remembers(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    for text in ("egy", "kettő"):
        sandbox = Sandbox(folder)
        with sandbox.run_in_thread():
            client = Client(sandbox)
            send_viber(sandbox, client, "anna", text)
            client.pool.clear()
            assert sandbox.telegram_key is not None
            assert sandbox.telegram_key.read_text(encoding="ascii") == sandbox.telegram.public_key_pem
    assert [message.text for message in sandbox.viber.inbox("anna")] == ["egy", "kettő"]
    events = [json.loads(line)["event"] for line in (folder / "events.jsonl").read_bytes().splitlines()]
    assert events == ["started", "message"] * 2
    if os.name != "nt":
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert {name: mode for name, mode in modes.items() if mode & 0o077 and name != "sandbox.lock"} == {}


def test_folder_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    with (
        Sandbox(tmp_path).run_in_thread(),
        pytest.raises(Locked, match="folder"),
        Sandbox(tmp_path).run_in_thread(),
    ):
        pass
    with Sandbox(tmp_path).run_in_thread() as sandbox:
        assert sandbox.page_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("setting", ["telegram_port", "viber_port", "page_port"])
def test_taken_port_stops_the_start_and_frees_the_rest(tmp_path: Path, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(Locked, match=str(port)) as caught,
            Sandbox(tmp_path, **{setting: port}).run_in_thread(),
        ):
            pass
    assert setting in caught.value.hint
    with Sandbox(tmp_path).run_in_thread() as sandbox:
        assert sandbox.viber.port


def test_stopped_sandbox_can_be_started_again(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    for _ in range(2):
        with sandbox.run_in_thread():
            client = Client(sandbox)
            assert send_viber(sandbox, client, "anna", "x")["status"] == 0
            client.pool.clear()
    assert len(sandbox.viber.inbox("anna")) == 2


def test_call_outside_the_thread_is_a_programming_error() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError):
        sandbox.call(sandbox.stop())
    with pytest.raises(RuntimeError):
        sandbox.do(print)
    with pytest.raises(RuntimeError):
        LoopThread().call(sandbox.stop())


def test_phones_of_a_network_without_messages_are_none() -> None:
    viber = ViberSandbox(log=EventLog(None), faults=Faults())
    viber.add_customer("anna")
    assert ViberPhones(viber).phones() == []
