"""What only Viber has: status numbers, media by address, answers that are spoiled; over the sandbox."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from vipcast.errors import ConfigError
from vipcast.messengers._viber.errors import from_status
from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    LoginLost,
    Media,
    Message,
    OutcomeUnknown,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
)
from vipcast.messengers.viber import Viber

pytestmark = pytest.mark.anyio

ANNA = "anna+kovacs/01=="


@pytest.fixture
def account(shop, sandbox):
    return shop.config.account("viber")


@pytest.fixture
async def messenger(account):
    opened = Viber(account)
    await opened.open()
    yield opened
    await opened.close()


def inbox(sandbox):
    return sandbox.do(sandbox.viber.inbox, ANNA)


@pytest.mark.parametrize(
    ("kind", "type_", "name"),
    [("picture", "picture", "new.jpg"), ("video", "video", "show.mp4"), ("file", "file", "prices.pdf")],
)
async def test_media_are_named_by_their_address(messenger, sandbox, kind, type_, name):
    media = Media(kind, name, 1234, url=f"https://regidivat.example/{name}")
    await messenger.send(ANNA, "", Message("" if kind == "file" else "Look", media=(media,)), 1)
    (arrived,) = inbox(sandbox)
    assert (arrived.type, arrived.media) == (type_, media.url)
    assert arrived.text == ("" if kind == "file" else "Look")


async def test_the_shops_name_stands_over_the_message(messenger, sandbox):
    await messenger.send(ANNA, "", Message("News"), 1)
    assert inbox(sandbox)[0].sender == "Régi Divat VIP"


async def test_the_token_of_the_message_is_its_number_to_the_last_digit(messenger, sandbox):
    sent = await messenger.send(ANNA, "", Message("News"), 1)
    assert sent.remote_id == str(inbox(sandbox)[0].token)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (1, Rejected), (2, LoginLost), (3, Rejected), (4, Rejected), (5, AddressInvalid),
        (6, AddressInvalid), (7, AccountStopped), (8, AccountStopped), (9, AccountStopped),
        (10, AccountStopped), (11, AddressInvalid), (12, Throttled), (13, Rejected), (14, Rejected),
        (15, AccountStopped), (16, Rejected), (17, Rejected), (18, Rejected), (19, Rejected),
        (20, Rejected), (99, Rejected), (-1, OutcomeUnknown),
    ],
)  # fmt: skip
async def test_every_status_of_the_sheet_has_its_meaning(messenger, sandbox, status, error):
    sandbox.faults.add("send_message", "error", code=status, text="words of Viber")
    with pytest.raises(SendError) as caught:
        await messenger.send(ANNA, "", Message("News"), 1)
    assert type(caught.value) is error
    assert caught.value.remote_code == str(status)
    assert "words of Viber" in caught.value.words
    assert inbox(sandbox) == []


def test_the_limit_for_one_person_ends_with_the_clock_hour():
    now = datetime(2026, 11, 23, 9, 47, 30, tzinfo=UTC)
    one = from_status(12, "over 100 messages in an hour without a reply from the user", "viber", now)
    all_ = from_status(12, "rate limit", "viber", now)
    assert (one.retry_after, one.whole_account) == (750.0, False)
    assert (all_.retry_after, all_.whole_account) == (10.0, True)


async def test_more_than_a_hundred_messages_without_a_reply_wait(messenger, sandbox):
    async def send_many():
        for number in range(201):  # a new clock hour may begin in between, which counts anew
            await messenger.send(ANNA, "", Message(f"{number}"), number + 1)

    with pytest.raises(Throttled) as caught:
        await send_many()
    assert not caught.value.whole_account
    assert 0 < caught.value.retry_after <= 3600
    assert len(inbox(sandbox)) >= 100


@pytest.mark.parametrize(
    ("fault", "options", "error", "carried_out"),
    [
        ("drop_before", {}, OutcomeUnknown, 0),
        ("drop_after", {}, OutcomeUnknown, 1),
        ("html", {}, OutcomeUnknown, 1),
        ("http", {"code": 500, "text": "Internal Server Error"}, OutcomeUnknown, 0),
        ("http", {"code": 502, "text": "<html>Bad Gateway</html>"}, OutcomeUnknown, 0),
        ("http", {"code": 503, "text": ""}, OutcomeUnknown, 0),
        ("http", {"code": 404, "text": "no such page"}, Rejected, 0),
        ("http", {"code": 413, "text": "too large"}, Rejected, 0),
        ("http", {"code": 401, "text": "who?"}, LoginLost, 0),
        ("http", {"code": 403, "text": "no"}, LoginLost, 0),
        ("http", {"code": 429, "text": "slowly"}, Throttled, 0),
    ],
)
async def test_a_spoiled_answer_is_named_by_what_is_sure(
    messenger, sandbox, fault, options, error, carried_out
):
    sandbox.faults.add("send_message", fault, **options)
    with pytest.raises(SendError) as caught:
        await messenger.send(ANNA, "", Message("News"), 1)
    assert type(caught.value) is error
    assert len(inbox(sandbox)) == carried_out


async def test_an_answer_without_a_number_is_a_success(messenger, sandbox):
    sandbox.faults.add("send_message", "no_token")
    sent = await messenger.send(ANNA, "", Message("News"), 1)
    assert sent.remote_id == ""
    assert len(inbox(sandbox)) == 1


async def test_a_slow_answer_is_waited_for(messenger, sandbox):
    sandbox.faults.add("send_message", "delay", seconds=0.3)
    assert (await messenger.send(ANNA, "", Message("News"), 1)).remote_id


async def test_a_request_over_thirty_kilobytes_never_leaves(messenger, sandbox):
    media = Media("picture", "p.jpg", 1, url="https://regidivat.example/" + "a" * 31_000 + ".jpg")
    with pytest.raises(Rejected):
        await messenger.send(ANNA, "", Message("Look", media=(media,)), 1)
    assert inbox(sandbox) == []


async def test_a_bot_without_a_webhook_is_told_how_to_set_one(messenger, account, sandbox):
    sandbox.do(
        lambda: sandbox.viber.add_bot(account.token.reveal(), "Régi Divat", uri="viber", needs_webhook=True)
    )
    with pytest.raises(AccountStopped) as caught:
        await messenger.send(ANNA, "", Message("News"), 1)
    assert caught.value.remote_code == "10"
    assert "--webhook" in caught.value.hint


async def test_a_sender_name_that_viber_would_refuse_is_a_fault_of_the_settings(account):
    long = Viber(msgspec.structs.replace(account, sender_name="Régi Divat, the shop at the corner"))
    with pytest.raises(ConfigError, match="28"):
        await long.open()


@contextmanager
def answering(status, headers, body):
    """A server that gives every request the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/pa"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (302, {"Location": "http://login.cafe.example/"}, b"", Unreachable),
        (200, {"Content-Type": "text/html"}, b"<h1>Log in to the Wi-Fi</h1>", OutcomeUnknown),
        (200, {}, b"", OutcomeUnknown),
        (200, {}, b"[]", OutcomeUnknown),
        (200, {}, b"null", OutcomeUnknown),
        (200, {}, b'{"status_message": "ok"}', OutcomeUnknown),
        (200, {}, b'{"status": "odd"}', OutcomeUnknown),
        (200, {}, b'{"status": Infinity}', OutcomeUnknown),
        (200, {}, b"\xff\xfe", OutcomeUnknown),
    ],
)
async def test_an_answer_that_is_not_vibers_is_never_a_success(account, status, headers, body, error):
    with answering(status, headers, body) as url:
        messenger = Viber(msgspec.structs.replace(account, server=url))
        with pytest.raises(SendError) as caught:
            await messenger.send(ANNA, "", Message("News"), 1)
        await messenger.close()
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7.0), ("", 10.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 10.0), ("x", 10.0)]
)
async def test_too_many_requests_names_the_wait(account, retry_after, seconds):
    with answering(429, {"Retry-After": retry_after}, b"") as url:
        messenger = Viber(msgspec.structs.replace(account, server=url))
        with pytest.raises(Throttled) as caught:
            await messenger.send(ANNA, "", Message("News"), 1)
        await messenger.close()
    assert caught.value.retry_after == seconds
