"""The loopback Viber against viberbot and a plain HTTP client, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import urllib3
from hypothesis import strategies as st
from viberbot import Api, BotConfiguration
from viberbot.api.messages import (
    ContactMessage,
    FileMessage,
    LocationMessage,
    PictureMessage,
    RichMediaMessage,
    StickerMessage,
    TextMessage,
    URLMessage,
    VideoMessage,
)
from viberbot.api.messages.data_types.contact import Contact
from viberbot.api.messages.data_types.location import Location
from viberbot.api.viber_requests import (
    ViberConversationStartedRequest,
    ViberDeliveredRequest,
    ViberFailedRequest,
    ViberMessageRequest,
    ViberSeenRequest,
    ViberSubscribedRequest,
    ViberUnsubscribedRequest,
)

from vipcast.errors import InputError, Locked, StorageError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.service import LoopThread
from vipcast.sandbox.viber import ViberSandbox

TOKEN = "sandbox-regidivat"
URI = "regidivat"
REAL_TOKEN = "4453b6ac12345678-e02c5f12174805f9-daec9cbb5448c51f"


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class WebhookSimulator:
    """A bot's webhook on loopback: keeps what came, answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, str]] = []
        self.statuses: list[int] = []  # of the next answers; 200 after them
        self.welcome: bytes = b""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.calls.append((body, self.headers["X-Viber-Content-Signature"]))
                status = owner.statuses.pop(0) if owner.statuses else 200
                answer = owner.welcome if b"conversation_started" in body else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/viber?account=news"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.calls]

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events()]


class Bench:
    """A sandbox in a loop of its own, and clients for it."""

    def __init__(self, loop: LoopThread, **options: Any) -> None:
        self.loop = loop
        self.log = EventLog(None)
        self.faults = Faults()
        self.clock = HandClock()
        self.viber = ViberSandbox(log=self.log, faults=self.faults, clock=self.clock, **options)
        self.http = urllib3.PoolManager(retries=False, timeout=10)
        loop.call(self.viber.start())

    def close(self) -> None:
        self.http.clear()
        self.loop.call(self.viber.stop())
        self.log.close()

    def api(self, token: str = TOKEN) -> Api:
        api = Api(BotConfiguration(auth_token=token, name="Régi Divat VIP", avatar=None))
        api._request_sender._viber_bot_api_url = self.viber.url
        return api

    def post(self, endpoint: str, data: Any, token: str = TOKEN) -> urllib3.BaseHTTPResponse:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.http.request(
            "POST", f"{self.viber.url}/{endpoint}", body=body, headers={"X-Viber-Auth-Token": token}
        )

    def send(self, to: str, text: str = "Jó napot!", token: str = TOKEN, **more: Any) -> dict[str, Any]:
        data = {"receiver": to, "sender": {"name": "Régi Divat"}, "type": "text", "text": text, **more}
        return self.post("send_message", data, token).json()

    def texts(self, customer: str) -> list[str]:
        return [message.text for message in self.viber.inbox(customer)]

    def wait_for_phone(self, customer: str) -> None:
        """Wait until something is on the phone; a slow machine may take longer than the client waited."""
        deadline = time.monotonic() + 30
        while not self.viber.inbox(customer) and time.monotonic() < deadline:
            time.sleep(0.01)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.log.events if event["event"] == kind]


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


@pytest.fixture
def bench(loop: LoopThread) -> Iterator[Bench]:
    bench = Bench(loop)
    yield bench
    bench.close()


@pytest.fixture
def webhook() -> Iterator[WebhookSimulator]:
    simulator = WebhookSimulator()
    yield simulator
    simulator.close()


@pytest.fixture
def hooked(bench: Bench, webhook: WebhookSimulator) -> Bench:
    bench.api().set_webhook(webhook.url)
    webhook.calls.clear()
    return bench


# Sending.


def test_viberbot_sends_and_the_customer_reads_it(bench: Bench) -> None:
    (token,) = bench.api().send_messages("anna", TextMessage(text="Jó napot, Anna!"))
    assert token > 2**53
    (message,) = bench.viber.inbox("anna")
    assert (message.text, message.sender, message.token) == ("Jó napot, Anna!", "Régi Divat VIP", token)
    (event,) = bench.events("message")
    expected = {"network": "viber", "bot": URI, "to": "anna", "type": "text", "token": str(token), "id": 1}
    assert expected.items() <= event.items()


@pytest.mark.parametrize(
    "message",
    [
        PictureMessage(text="Új kabátok", media="https://shop.example/kabat.png"),
        VideoMessage(media="https://shop.example/v.mp4", size=1_000_000, duration=30),
        FileMessage(media="https://shop.example/x", size=10_000, file_name="arlista.pdf"),
        ContactMessage(contact=Contact(name="Bolt", phone_number="+36301234567")),
        LocationMessage(location=Location(lat=47.5, lon=19.04)),
        URLMessage(media="https://shop.example/"),
        StickerMessage(sticker_id=5900),
        RichMediaMessage(
            rich_media={"Type": "rich_media", "Buttons": [{"ActionBody": "x"}]},
            alt_text="x",
            min_api_version=7,
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_type_of_viberbot_is_accepted(bench: Bench, message: Any) -> None:
    bench.api().send_messages("anna", message)
    assert [one.type for one in bench.viber.inbox("anna")] == [message.to_dict()["type"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": "x" * 7000}, 0),
        ({"text": "x" * 7001}, 3),
        ({"text": ""}, 4),
        ({"text": 5}, 3),
        ({"type": "telegram"}, 3),
        ({"type": None}, 4),
        ({"sender": {"name": "x" * 28}}, 0),
        ({"sender": {"name": "x" * 29}}, 3),
        ({"sender": None}, 4),
        ({"receiver": ""}, 4),
        ({"receiver": ["anna"]}, 3),
        ({"tracking_data": "x" * 4001}, 3),
        ({"min_api_version": 99}, 13),
        ({"type": "picture", "media": "https://shop.example/a.jpeg", "text": "x" * 768}, 0),
        ({"type": "picture", "media": "https://shop.example/a.jpeg", "text": "x" * 769}, 3),
        ({"type": "picture", "media": "https://shop.example/a.webp"}, 3),
        ({"type": "picture", "media": "/pictures/a.png"}, 3),
        ({"type": "picture"}, 4),
        ({"type": "video", "media": "https://shop.example/a.mp4"}, 4),
        ({"type": "video", "media": "https://shop.example/a.mp4", "size": 27 << 20}, 3),
        ({"type": "video", "media": "https://shop.example/a.mp4", "size": 9, "duration": 181}, 3),
        ({"type": "file", "media": "https://shop.example/a", "size": 9, "file_name": "a.exe"}, 3),
        ({"type": "file", "media": "https://shop.example/a", "size": 9, "file_name": "a"}, 3),
        ({"type": "file", "media": "https://shop.example/a", "size": 51 << 20, "file_name": "a.pdf"}, 3),
        ({"type": "contact", "contact": {"name": "x" * 29, "phone_number": "+36301234567"}}, 3),
        ({"type": "contact", "contact": {"name": "x", "phone_number": "+3630123456789012345"}}, 3),
        ({"type": "location", "location": {"lat": "91", "lon": "0"}}, 3),
        ({"type": "url", "media": "https://shop.example/" + "x" * 2000}, 3),
        ({"type": "sticker", "sticker_id": "x"}, 3),
        ({"type": "rich_media", "rich_media": {"ButtonsGroupColumns": 7, "Buttons": [1]}}, 3),
        (
            {
                "type": "rich_media",
                "rich_media": {"ButtonsGroupColumns": 1, "ButtonsGroupRows": 1, "Buttons": [1] * 7},
            },
            3,
        ),
    ],
)
def test_limits_of_the_message_data_model(bench: Bench, change: dict[str, Any], status: int) -> None:
    data = {"receiver": "anna", "sender": {"name": "Bolt"}, "type": "text", "text": "x", **change}
    data = {key: value for key, value in data.items() if value is not None}
    answer = bench.post("send_message", data)
    assert answer.status == 200
    assert answer.json()["status"] == status
    assert len(bench.viber.inbox("anna")) == (1 if status == 0 else 0)


@pytest.mark.parametrize(("to", "status"), [("stranger-1", 6), ("gone-1", 5)])
def test_people_out_of_reach_are_refused(bench: Bench, to: str, status: int) -> None:
    answer = bench.send(to)
    assert answer["status"] == status
    assert "message_token" not in answer
    assert bench.viber.inbox(to) == []
    assert [(event["to"], event["status"]) for event in bench.events("refused")] == [(to, status)]


def test_without_automatic_customers_only_those_added_exist(loop: LoopThread) -> None:
    bench = Bench(loop, auto_customers=False)
    bench.viber.add_customer("anna")
    bench.viber.add_customer("béla", is_subscribed=False)
    assert [bench.send(who)["status"] for who in ("anna", "béla", "cecília")] == [0, 6, 5]
    bench.close()


def test_tokens_are_checked_and_never_logged(bench: Bench) -> None:
    with pytest.raises(Exception, match="status: 2"):
        bench.api(REAL_TOKEN).send_messages("anna", TextMessage(text="x"))
    assert bench.post("send_message", {}, token="").json()["status"] == 2
    bench.viber.add_bot(REAL_TOKEN, "Bolt", needs_webhook=False)
    assert bench.send("anna", token=REAL_TOKEN)["status"] == 0
    assert REAL_TOKEN not in json.dumps(bench.log.events)


def test_bot_that_needs_a_webhook_cannot_send_without(bench: Bench, webhook: WebhookSimulator) -> None:
    bench.viber.add_bot(REAL_TOKEN, "Bolt")
    assert bench.send("anna", token=REAL_TOKEN)["status"] == 10
    bench.api(REAL_TOKEN).set_webhook(webhook.url)
    assert bench.send("anna", token=REAL_TOKEN)["status"] == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 30_000, b'{"x":"' + b"x" * 31_000 + b'"}']
)
def test_unreadable_or_oversized_request_is_bad_data(bench: Bench, body: bytes) -> None:
    assert bench.post("send_message", body).json()["status"] == 3


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    *("receiver", "sender", "type", "text", "media", "size", "duration", "file_name", "thumbnail", "contact"),
    *("location", "sticker_id", "rich_media", "keyboard", "tracking_data", "min_api_version", "alt_text"),
    *("broadcast_list", "ids", "id", "url", "event_types", "auth_token", "from"),
]
TYPES = ["text", "picture", "video", "file", "contact", "location", "url", "sticker", "rich_media", None]


@hypothesis.settings(
    max_examples=300,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    endpoint=st.sampled_from(
        ["send_message", "broadcast_message", "set_webhook", "get_user_details", "get_online", "post"]
    ),
    kind=st.sampled_from(TYPES),
    odd=st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=4),
)
def test_any_request_gets_an_answer_and_leaves_a_readable_journal(
    loop: LoopThread, tmp_path: Path, endpoint: str, kind: str | None, odd: dict[str, Any]
) -> None:
    journal = tmp_path / "viber.jsonl"
    bench = Bench(loop, state=journal)
    bench.viber.add_bot(REAL_TOKEN, "Bolt", webhook="", needs_webhook=False, channel_admin="admin")
    data = {
        "receiver": "anna",
        "broadcast_list": ["anna", "béla"],
        "from": "admin",
        "sender": {"name": "Bolt"},
        "type": kind,
        "text": "x",
        "media": "https://shop.example/a.png",
        "size": 1,
        "file_name": "a.pdf",
        "contact": {"name": "x", "phone_number": "1"},
        "location": {"lat": 1, "lon": 1},
        "sticker_id": 1,
        "rich_media": {"Buttons": [1]},
        **odd,
    }
    if kind is None:
        del data["type"]
    answer = bench.post(endpoint, data, token=REAL_TOKEN)
    assert answer.status == 200
    assert answer.json()["status"] in range(21)
    count = sum(len(bench.viber.inbox(customer.id)) for customer in bench.viber.customers)
    bench.close()
    again = Bench(loop, state=journal)
    assert sum(len(again.viber.inbox(customer.id)) for customer in again.viber.customers) == count
    again.close()
    journal.unlink()


def test_unknown_paths_and_methods_are_http_errors(bench: Bench) -> None:
    assert bench.post("delete_message", {}).status == 404
    answer = bench.http.request("GET", f"{bench.viber.url}/send_message")
    assert answer.status == 405


def test_chunked_body_and_closing_client_are_served(bench: Bench) -> None:
    data = json.dumps({"receiver": "anna", "sender": {"name": "x"}, "type": "text", "text": "é"}).encode()
    answer = requests.post(
        f"{bench.viber.url}/send_message",
        data=iter([data[:10], data[10:]]),
        headers={"X-Viber-Auth-Token": TOKEN, "Connection": "close"},
        timeout=10,
    )
    assert answer.json()["status"] == 0


# Limits on pace.


def test_hundred_unanswered_messages_an_hour_and_a_reply_resets(bench: Bench) -> None:
    assert {bench.send("anna")["status"] for _ in range(100)} == {0}
    refused = bench.send("anna")
    assert (refused["status"], "reply" in refused["status_message"]) == (12, True)
    assert bench.send("béla")["status"] == 0
    bench.loop.call(bench.viber.say("anna", "Köszönöm"))
    assert {bench.send("anna")["status"] for _ in range(100)} == {0}
    assert bench.send("anna")["status"] == 12
    bench.clock.moment = bench.clock.moment.replace(hour=10, minute=0)
    assert bench.send("anna")["status"] == 0


def test_user_details_twice_in_twelve_hours(bench: Bench) -> None:
    assert bench.api().get_user_details("anna")["id"] == "anna"
    statuses = [bench.post("get_user_details", {"id": "anna"}).json()["status"] for _ in range(2)]
    bench.clock.moment += timedelta(hours=12)
    statuses.append(bench.post("get_user_details", {"id": "anna"}).json()["status"])
    assert statuses == [0, 12, 0]


def test_billing_tells_a_session_from_a_charged_message(bench: Bench) -> None:
    outside = bench.send("anna")["billing_status"]
    bench.loop.call(bench.viber.say("anna", "Köszönöm"))
    inside = bench.send("anna")["billing_status"]
    bench.clock.moment += timedelta(hours=24)
    assert (outside, inside, bench.send("anna")["billing_status"]) == (3, 1, 3)


# Other endpoints.


def test_broadcast_reports_each_failure_and_fills_placeholders(bench: Bench) -> None:
    data = {
        "broadcast_list": ["anna", "stranger", "gone", "anna"],
        "sender": {"name": "Bolt"},
        "type": "text",
        "text": "Kedves replace_me_with_user_name!",
    }
    bench.viber.add_customer("anna", 'Anna "Panni"')
    answer = bench.post("broadcast_message", data).json()
    assert answer["status"] == 0
    assert {one["receiver"]: one["status"] for one in answer["failed_list"]} == {"stranger": 6, "gone": 5}
    (message,) = bench.viber.inbox("anna")
    assert (message.text, message.token) == ('Kedves Anna "Panni"!', answer["message_token"])


def test_broadcast_limits_ids_and_requests(bench: Bench) -> None:
    data = {"sender": {"name": "x"}, "type": "text", "text": "x"}
    many = {**data, "broadcast_list": [f"c{number}" for number in range(301)]}
    assert bench.post("broadcast_message", many).json()["status"] == 3
    one = {**data, "broadcast_list": ["gone"]}
    assert {bench.post("broadcast_message", one).json()["status"] for _ in range(500)} == {0}
    assert bench.post("broadcast_message", one).json()["status"] == 12
    bench.clock.moment += timedelta(seconds=10)
    assert bench.post("broadcast_message", one).json()["status"] == 0


def test_account_info_and_online(bench: Bench) -> None:
    api = bench.api()
    info = api.get_account_info()
    assert (info["status"], info["uri"], info["webhook"]) == (0, URI, "")
    bench.send("béla")
    bench.loop.call(bench.viber.set_online("béla", online=False))
    statuses = {
        one["id"]: one["online_status"] for one in api.get_online(["anna", "béla", "stranger", "gone"])
    }
    assert statuses == {"anna": 0, "béla": 1, "stranger": 4, "gone": 4}
    assert bench.post("get_online", {"ids": ["x"] * 101}).json()["status"] == 3


def test_post_needs_a_channel_and_its_admin(bench: Bench, webhook: WebhookSimulator) -> None:
    message = TextMessage(text="Hír")
    with pytest.raises(Exception, match="status: 18"):
        bench.api().post_messages_to_public_account("admin", message)
    bench.viber.add_bot(REAL_TOKEN, "Csatorna", webhook=webhook.url, channel_admin="admin")
    with pytest.raises(Exception, match="status: 15"):
        bench.api(REAL_TOKEN).post_messages_to_public_account("anna", message)
    (token,) = bench.api(REAL_TOKEN).post_messages_to_public_account("admin", message)
    assert [(event["text"], event["token"]) for event in bench.events("post")] == [("Hír", str(token))]


# Webhook and callbacks.


def test_setting_a_webhook_calls_it_signed(bench: Bench, webhook: WebhookSimulator) -> None:
    types = bench.api().set_webhook(webhook.url, ["delivered", "failed"])
    assert types == ["delivered", "failed", "message", "webhook"]
    ((body, signature),) = webhook.calls
    assert json.loads(body)["event"] == "webhook"
    assert bench.api().verify_signature(body, signature)
    assert not bench.api("sandbox-other").verify_signature(body, signature)


def test_webhook_that_does_not_answer_200_is_not_set(bench: Bench, webhook: WebhookSimulator) -> None:
    webhook.statuses = [500]
    api = bench.api()
    with pytest.raises(Exception, match="status: 1,"):
        api.set_webhook(webhook.url)
    with socket.socket() as taken:  # bound, not listening: nobody answers
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Exception, match="status: 1,"):
            api.set_webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    with pytest.raises(Exception, match="status: 1,"):
        api.set_webhook("https://shop.example/viber")
    assert api.get_account_info()["webhook"] == ""


def test_delivered_and_seen_come_with_the_token(hooked: Bench, webhook: WebhookSimulator) -> None:
    api = hooked.api()
    (token,) = api.send_messages("anna", TextMessage(text="x"))
    assert hooked.loop.call(hooked.viber.read("anna")) == 1
    assert hooked.loop.call(hooked.viber.read("anna")) == 0
    hooked.loop.call(hooked.viber.settle())
    parsed = [api.parse_request(body) for body, _ in webhook.calls]
    assert [type(one) for one in parsed] == [ViberDeliveredRequest, ViberSeenRequest]
    assert {(one.message_token, one.user_id) for one in parsed} == {(token, "anna")}
    assert all(api.verify_signature(body, signature) for body, signature in webhook.calls)


def test_delivered_waits_for_a_phone_that_is_off(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.send("anna")
    hooked.loop.call(hooked.viber.set_online("anna", online=False))
    hooked.send("anna")
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["delivered"]
    hooked.loop.call(hooked.viber.set_online("anna", online=True))
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["delivered", "delivered"]


def test_bad_keyboard_is_accepted_and_then_fails(hooked: Bench, webhook: WebhookSimulator) -> None:
    answer = hooked.send("anna", keyboard={"Type": "keyboard", "Buttons": [{"Text": "x"}]})
    assert answer["status"] == 0
    hooked.loop.call(hooked.viber.settle())
    (failed,) = [hooked.api().parse_request(body) for body, _ in webhook.calls]
    assert isinstance(failed, ViberFailedRequest)
    assert (failed.message_token, failed.desc) == (
        answer["message_token"],
        "keyboard is not valid. [ActionBody]",
    )


def test_a_reply_carries_text_and_tracking_data_and_subscribes(
    hooked: Bench, webhook: WebhookSimulator
) -> None:
    hooked.send("anna", tracking_data="tavasz-7")
    hooked.loop.call(hooked.viber.unsubscribe("anna"))
    assert hooked.send("anna")["status"] == 6
    hooked.loop.call(hooked.viber.say("anna", "Meddig érvényes? 🙂"))
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["delivered", "unsubscribed", "message"]
    parsed = [hooked.api().parse_request(body) for body, _ in webhook.calls]
    assert isinstance(parsed[1], ViberUnsubscribedRequest)
    assert parsed[1].user_id == "anna"
    assert isinstance(parsed[2], ViberMessageRequest)
    assert (parsed[2].sender.id, parsed[2].message.text) == ("anna", "Meddig érvényes? 🙂")
    assert parsed[2].message.tracking_data == "tavasz-7"
    assert hooked.send("anna")["status"] == 0


def test_deep_link_gives_context_and_a_welcome_but_no_right_to_write(
    hooked: Bench, webhook: WebhookSimulator
) -> None:
    webhook.welcome = json.dumps({"sender": {"name": "Bolt"}, "type": "text", "text": "Üdvözöljük!"}).encode()
    welcome = hooked.loop.call(hooked.viber.press_link("stranger-éva", context="kód-17"))
    assert welcome is not None
    assert hooked.texts("stranger-éva") == ["Üdvözöljük!"]
    started = hooked.api().parse_request(webhook.calls[0][0])
    assert isinstance(started, ViberConversationStartedRequest)
    assert (started.user.id, started.context, started.subscribed) == ("stranger-éva", "kód-17", False)
    assert hooked.send("stranger-éva")["status"] == 6
    hooked.loop.call(hooked.viber.subscribe("stranger-éva"))
    hooked.loop.call(hooked.viber.settle())
    subscribed = hooked.api().parse_request(webhook.calls[-1][0])
    assert isinstance(subscribed, ViberSubscribedRequest)
    assert hooked.send("stranger-éva")["status"] == 0


@pytest.mark.parametrize("answer", [b"ok", b'{"type": "text", "text": "no sender"}'])
def test_answer_to_a_deep_link_that_is_no_message_shows_nothing(
    hooked: Bench, webhook: WebhookSimulator, answer: bytes
) -> None:
    webhook.welcome = answer
    assert hooked.loop.call(hooked.viber.press_link("anna")) is None
    assert [event["on"] for event in hooked.events("refused")] == ["welcome"]


def test_names_are_hidden_unless_asked_for(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.viber.add_customer("anna", "Kovács Anna")
    hooked.loop.call(hooked.viber.say("anna", "1"))
    answer = hooked.post("set_webhook", {"url": webhook.url, "send_name": True}).json()
    assert answer["status"] == 0
    hooked.loop.call(hooked.viber.say("anna", "2"))
    hooked.loop.call(hooked.viber.settle())
    names = [event["sender"]["name"] for event in webhook.events() if event["event"] == "message"]
    assert names == ["Subscriber", "Kovács Anna"]


def test_only_the_events_asked_for_come_and_none_after_removal(
    bench: Bench, webhook: WebhookSimulator
) -> None:
    bench.api().set_webhook(webhook.url, ["seen"])
    bench.send("anna")
    bench.loop.call(bench.viber.read("anna"))
    bench.loop.call(bench.viber.say("anna", "x"))
    bench.loop.call(bench.viber.settle())
    assert webhook.kinds() == ["webhook", "seen", "message"]
    assert bench.api().unset_webhook() == []
    bench.loop.call(bench.viber.say("anna", "x"))
    bench.loop.call(bench.viber.settle())
    assert len(webhook.calls) == 3


def test_callback_is_repeated_until_the_webhook_answers_200(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.viber.habits.retry_after_seconds = (0.01, 0.01, 0.01)
    webhook.statuses = [500, 404]
    hooked.send("anna")
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["delivered"] * 3
    assert len({body for body, _ in webhook.calls}) == 1
    assert [event["status"] for event in hooked.events("callback")][-3:] == [500, 404, 200]


def test_callback_is_given_up_after_the_last_repetition(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.viber.habits.retry_after_seconds = (0.01,)
    webhook.statuses = [500] * 5
    hooked.send("anna")
    hooked.loop.call(hooked.viber.settle())
    assert len(webhook.calls) == 2


def test_callbacks_can_come_twice_late_and_backwards(hooked: Bench, webhook: WebhookSimulator) -> None:
    habits = hooked.viber.habits
    habits.copies, habits.late_seconds, habits.is_backwards = 2, 0.01, True
    hooked.send("anna")
    hooked.loop.call(hooked.viber.read("anna"))
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["seen", "seen", "delivered", "delivered"]


def test_odd_callbacks_can_be_sent_to_try_the_receiver(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.loop.call(hooked.viber.tell("client_status", to=URI, x=1))
    hooked.loop.call(hooked.viber.settle())
    assert webhook.kinds() == ["client_status"]


# Faults.


def test_lost_reply_leaves_the_message_on_the_phone(bench: Bench) -> None:
    bench.faults.add("send_message", "drop_after")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        bench.send("anna", "egy")
    assert bench.texts("anna") == ["egy"]
    assert [(event["on"], event["fault"]) for event in bench.events("fault")] == [
        ("send_message", "drop_after")
    ]
    assert bench.send("anna", "kettő")["status"] == 0
    assert bench.texts("anna") == ["egy", "kettő"]


def test_dropped_request_never_arrives(bench: Bench) -> None:
    bench.faults.add("send_message", "drop_before", to="anna")
    assert bench.send("béla")["status"] == 0
    with pytest.raises(urllib3.exceptions.ProtocolError):
        bench.send("anna")
    assert bench.texts("anna") == []


def test_any_status_can_be_ordered(bench: Bench) -> None:
    bench.faults.add("send_message", "error", code=12, text="tooManyRequests: rate limit")
    assert bench.send("anna") == {"status": 12, "status_message": "tooManyRequests: rate limit"}
    assert bench.texts("anna") == []


@pytest.mark.parametrize("code", [500, 429, 420])
def test_http_errors_carry_their_body(bench: Bench, code: int) -> None:
    bench.faults.add("*", "http", code=code, text="Túl sok kérés")
    answer = bench.post("send_message", {})
    assert (answer.status, answer.data.decode()) == (code, "Túl sok kérés")


def test_html_and_missing_token_hide_an_accepted_message(bench: Bench) -> None:
    bench.faults.add("send_message", "html")
    bench.faults.add("send_message", "no_token")
    api = bench.api()
    with pytest.raises(json.JSONDecodeError):
        api.send_messages("anna", TextMessage(text="egy"))
    with pytest.raises(KeyError):
        api.send_messages("anna", TextMessage(text="kettő"))
    assert bench.texts("anna") == ["egy", "kettő"]


def test_slow_answer_outlasts_the_client_but_the_message_counts(bench: Bench) -> None:
    bench.faults.add("send_message", "delay", seconds=600)
    body = json.dumps({"receiver": "anna", "sender": {"name": "x"}, "type": "text", "text": "egy"})
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{bench.viber.url}/send_message", data=body, headers={"X-Viber-Auth-Token": TOKEN}, timeout=0.2
        )
    bench.wait_for_phone("anna")
    assert bench.texts("anna") == ["egy"]


# Restart and ports.


def test_phones_webhook_and_counts_survive_a_restart(loop: LoopThread, tmp_path: Path) -> None:
    journal = tmp_path / "viber.jsonl"
    first = Bench(loop, state=journal)
    first.viber.add_bot(REAL_TOKEN, "Bolt", uri="bolt", webhook="http://127.0.0.1:9/x")
    for _ in range(100):
        old = first.send("anna", "Szép napot!")
    first.loop.call(first.viber.unsubscribe("béla", to=URI))
    first.close()
    with journal.open("ab") as file:
        file.write(b'{"entry":"customer","id":"half')  # cut short by a kill
    second = Bench(loop, state=journal)
    assert second.texts("anna") == ["Szép napot!"] * 100
    assert second.send("anna")["status"] == 12
    assert second.send("béla")["status"] == 6
    assert second.send("cecília")["message_token"] > old["message_token"]
    assert {bot.uri: bot.webhook for bot in second.viber.bots} == {URI: "", "bolt": "http://127.0.0.1:9/x"}
    second.close()
    third = Bench(loop, state=journal)
    assert third.texts("cecília") == ["Jó napot!"]
    third.close()


def test_damaged_journal_is_named_with_its_line(loop: LoopThread, tmp_path: Path) -> None:
    journal = tmp_path / "viber.jsonl"
    journal.write_bytes(b"{}\n")
    with pytest.raises(StorageError) as caught:
        Bench(loop, state=journal)
    assert caught.value.problems[0].where == f"{journal}:1"


def test_taken_port_and_foreign_host_are_refused(bench: Bench) -> None:
    second = ViberSandbox(log=bench.log, faults=bench.faults, port=bench.viber.port)
    with pytest.raises(Locked, match=str(bench.viber.port)):
        bench.loop.call(second.start())
    with pytest.raises(InputError):
        ViberSandbox(log=bench.log, faults=bench.faults, host="0.0.0.0")  # noqa: S104 - that is the point
    with pytest.raises(InputError, match="99999"):
        bench.loop.call(ViberSandbox(log=bench.log, faults=bench.faults, port=99999).start())


def test_two_bots_may_not_share_a_uri(bench: Bench) -> None:
    bench.viber.add_bot("a", "Bolt", uri="bolt")
    with pytest.raises(InputError, match="bolt"):
        bench.viber.add_bot("b", "Bolt", uri="bolt")


# Media and buttons.

PICTURE = b"\xff\xd8\xff\xe0 a picture" * 100


def said(bench: Bench, webhook: WebhookSimulator, text: str = "", **more: Any) -> Any:
    """Let Anna write, and return her message as viberbot reads it."""
    bench.viber.add_customer("anna", "Anna")
    bench.loop.call(bench.viber.say("anna", text, to=URI, **more))
    bench.loop.call(bench.viber.settle())
    request = bench.api().parse_request(webhook.calls[-1][0])
    assert isinstance(request, ViberMessageRequest)
    return request.message


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (Attachment("picture", PICTURE, "kabát 1.jpg"), PictureMessage),
        (Attachment("video", b"ftypmp42" * 50, seconds=12), VideoMessage),
        (Attachment("file", b"%PDF-1.7", "árlista.pdf"), FileMessage),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_a_customer_sends_can_be_fetched(
    hooked: Bench, webhook: WebhookSimulator, media: Attachment, kind: type
) -> None:
    caption = "" if media.kind == "file" else "look"
    message = said(hooked, webhook, caption, media=media)
    assert isinstance(message, kind)
    assert message.media.startswith(f"http://127.0.0.1:{hooked.viber.port}/media/")
    answer = hooked.http.request("GET", message.media)
    assert (answer.status, answer.data) == (200, media.content)
    assert answer.headers["Content-Type"] == media.mime
    raw = webhook.events()[-1]["message"]
    assert (raw["file_name"], raw["size"]) == (media.name, len(media.content))
    assert raw.get("text", "") == caption
    if media.kind == "video":
        assert message.duration == 12
    assert hooked.viber.inbox("anna")[-1].media == message.media


def test_a_customer_sends_what_is_no_file(hooked: Bench, webhook: WebhookSimulator) -> None:
    place = said(hooked, webhook, media=Attachment("location", latitude=47.5, longitude=19.04))
    assert (place.location.latitude, place.location.longitude) == (47.5, 19.04)
    card = said(hooked, webhook, media=Attachment("contact", phone="+36301234567", contact_name="Béla"))
    assert (card.contact.name, card.contact.phone_number) == ("Béla", "+36301234567")
    sticker = said(hooked, webhook, media=Attachment("sticker", number=5900))
    assert isinstance(sticker, StickerMessage)
    assert sticker.sticker_id == 5900
    link = said(hooked, webhook, media=Attachment("url", url="https://shop.example/"))
    assert isinstance(link, URLMessage)
    assert link.media == "https://shop.example/"
    for media, text in ((Attachment("voice", b"OggS"), ""), (Attachment("file", b"x"), "caption")):
        with pytest.raises(InputError):
            hooked.loop.call(hooked.viber.say("anna", text, media=media))


def test_media_addresses_can_be_missing_broken_or_endless(hooked: Bench, webhook: WebhookSimulator) -> None:
    url = said(hooked, webhook, media=Attachment("picture", PICTURE)).media
    for wrong in (url + "x", url.replace("/media/", "/media/0")):
        assert hooked.http.request("GET", wrong).status == 404
    assert hooked.http.request("POST", url).status == 405
    hooked.faults.add("media", "http", code=404, text="not found", to="anna")
    assert hooked.http.request("GET", url).status == 404
    hooked.faults.add("media", "drop_before")
    with pytest.raises(urllib3.exceptions.HTTPError):
        hooked.http.request("GET", url)
    hooked.faults.add("media", "endless")
    endless = hooked.http.request("GET", url, preload_content=False)
    received = sum(len(endless.read(1 << 16)) for _ in range(200))
    assert received > 100 * len(PICTURE)
    endless.close()
    assert hooked.http.request("GET", url).data == PICTURE


def test_media_survive_a_restart(loop: LoopThread, tmp_path: Path) -> None:
    journal = tmp_path / "viber.jsonl"
    first = Bench(loop, state=journal)
    first.send("anna")
    loop.call(first.viber.say("anna", "", media=Attachment("picture", PICTURE)))
    path = first.viber.inbox("anna")[-1].media.partition("/media/")[2]
    first.close()
    second = Bench(loop, state=journal)
    answer = second.http.request("GET", f"http://127.0.0.1:{second.viber.port}/media/{path}")
    assert answer.data == PICTURE
    second.close()


def test_what_a_bot_sends_is_fetched_when_asked_for(hooked: Bench, webhook: WebhookSimulator) -> None:
    url = said(hooked, webhook, media=Attachment("picture", PICTURE, "a.jpg")).media
    hooked.send("anna", type="picture", media=url)
    assert hooked.viber.fetched(hooked.viber.inbox("anna")[-1]) is None
    hooked.viber.fetches_media = True
    hooked.send("anna", type="picture", media=url)
    hooked.send("anna", type="picture", media=url.replace("/media/", "/media/0"))
    hooked.send("anna", type="picture", media="https://shop.example/a.jpg")
    hooked.loop.call(hooked.viber.settle())
    found = [hooked.viber.fetched(message) for message in hooked.viber.inbox("anna")[-3:]]
    assert [one and (one.status, one.content) for one in found] == [(200, PICTURE), (404, b""), (0, b"")]
    (event,) = hooked.events("fetched")
    assert (event["to"], event["size"]) == ("anna", len(PICTURE))
    assert sorted(event["status"] for event in hooked.events("fetch_failed")) == [0, 404]


def test_buttons_are_pressed_and_tracking_data_comes_back(hooked: Bench, webhook: WebhookSimulator) -> None:
    hooked.viber.add_customer("anna", "Anna", phone="+36301234567")
    buttons = [
        {"Text": "Opening hours", "ActionBody": "hours"},
        {"Text": "My number", "ActionBody": "phone", "ActionType": "share-phone"},
        {"Text": "Here", "ActionBody": "place", "ActionType": "location-picker"},
        {"Text": "Shop", "ActionBody": "https://shop.example/", "ActionType": "open-url"},
    ]
    keyboard = {"Type": "keyboard", "Buttons": buttons}
    shown = []
    for button in ("Opening hours", "phone", "Here"):
        hooked.send("anna", keyboard=keyboard, tracking_data="delivery-7")
        hooked.loop.call(hooked.viber.press_button("anna", button))
        hooked.loop.call(hooked.viber.settle())
        shown.append(hooked.api().parse_request(webhook.calls[-1][0]).message)
    assert [type(message) for message in shown] == [TextMessage, ContactMessage, LocationMessage]
    assert (shown[0].text, shown[1].contact.phone_number) == ("hours", "+36301234567")
    assert [message.tracking_data for message in shown] == ["delivery-7"] * 3
    hooked.send("anna", keyboard=keyboard)
    for button, words in (("Shop", "writes nothing"), ("Buy", "no button")):
        with pytest.raises(InputError, match=words):
            hooked.loop.call(hooked.viber.press_button("anna", button))
    hooked.send("anna", "no keyboard any more")
    with pytest.raises(InputError, match="no button"):
        hooked.loop.call(hooked.viber.press_button("anna", "Here"))


def test_a_button_of_an_unknown_kind_fails_on_the_phone(hooked: Bench, webhook: WebhookSimulator) -> None:
    buttons = [{"Text": "x", "ActionBody": "x", "ActionType": "dance"}]
    assert hooked.send("anna", keyboard={"Type": "keyboard", "Buttons": buttons})["status"] == 0
    hooked.loop.call(hooked.viber.settle())
    assert [event["desc"] for event in webhook.events()] == ["keyboard is not valid. [ActionType]"]
    assert hooked.viber.inbox("anna")[-1].buttons == ()
