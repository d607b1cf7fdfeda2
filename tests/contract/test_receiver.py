"""The webhook receiver on a real socket: signatures, odd calls, limits, slow clients, many at once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging

import aiohttp
import msgspec
import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select

from vipcast.config import Secret
from vipcast.delivery import inbound as taking
from vipcast.delivery.receiving import Intake
from vipcast.errors import InputError, Locked
from vipcast.messengers.viber import Viber
from vipcast.storage.tables import inbound
from vipcast.web import receiver
from vipcast.web.receiver import Receiver, make_app

pytestmark = pytest.mark.anyio

BELA = "bela_nagy-0002=="
STAMP = 1795512600000


@pytest.fixture
def messenger(shop):
    return shop.messenger("viber")


@pytest.fixture
def intake(shop):
    with Intake(shop.database, shop.clock) as opened:
        yield opened


@pytest.fixture
async def served(intake, messenger):
    app = make_app(intake, {"viber": messenger})
    async with Receiver(app, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture
async def web(served):
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(served, web, messenger):
    async def work(body, *, signature=None, path="/viber/viber", **more):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        token = messenger.account.token.reveal().encode()
        signed = hmac.new(token, raw, hashlib.sha256).hexdigest() if signature is None else signature
        headers = {"X-Viber-Content-Signature": signed} if signed else {}
        async with web.post(served.url + path, data=io.BytesIO(raw), headers=headers, **more) as answer:
            return answer.status, await answer.read()

    return work


def message(number=1, text="Jó napot!", who=BELA):
    return {
        "event": "message",
        "timestamp": STAMP + number,
        "message_token": 5000 + number,
        "sender": {"id": who, "name": "Béla"},
        "message": {"type": "text", "text": text},
    }


def stored(shop):
    with shop.database.read() as connection:
        return [
            (row.remote_id, row.text) for row in connection.execute(select(inbound).order_by(inbound.c.id))
        ]


async def test_a_message_is_on_disk_before_it_is_answered(shop, call):
    assert await call(message()) == (200, b"")
    assert stored(shop) == [("5001", "Jó napot!")]


async def test_the_same_call_again_is_answered_and_not_stored_twice(shop, call, intake):
    for _ in range(3):
        assert (await call(message()))[0] == 200
    assert len(stored(shop)) == 1
    assert (intake.counts["message"], intake.counts["duplicates"]) == (1, 2)


@pytest.mark.parametrize("signature", ["", "0" * 64, "no hex", "é" * 64])
async def test_a_call_without_a_good_signature_is_refused_and_not_looked_at(
    shop, call, signature, messenger, monkeypatch
):
    monkeypatch.setattr(messenger, "parse", lambda _body: pytest.fail("it was looked at"))
    assert (await call(message(), signature=signature))[0] == 403
    assert stored(shop) == []


async def test_a_signature_is_of_the_raw_body(shop, call, messenger):
    token = messenger.account.token.reveal().encode()
    signed = hmac.new(token, json.dumps(message()).encode(), hashlib.sha256).hexdigest()
    assert (await call(message(text="something else"), signature=signed))[0] == 403
    assert stored(shop) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        {"event": "webhook", "timestamp": STAMP},
        {"event": "invented", "timestamp": STAMP, "user": {"id": BELA}},
        {"event": "action", "timestamp": "soon"},
        {"event": "message", "timestamp": 10**40},
        {"event": "seen", "timestamp": STAMP, "message_token": 77},
        {"event": ["message"], "sender": 5, "message": "text"},
        {"event": "message", "sender": {"id": None}, "message": {"text": "\ud800 \0"}, "timestamp": None},
    ],
)
async def test_what_is_odd_is_answered_and_blocks_nothing(shop, call, body):
    assert (await call(body))[0] == 200
    assert (await call(message()))[0] == 200
    assert stored(shop)[-1] == ("5001", "Jó napot!")


@pytest.mark.parametrize(
    "path", ["/", "/viber", "/viber/news", "/telegram/viber", "/viber/viber/", "/viber/nobody", "/health/x/y"]
)
async def test_another_place_is_not_found(call, path):
    status, _ = await call(message(), path=path, allow_redirects=False)
    assert status in {404, 405, 307}


async def test_health_tells_nothing_but_that(served, web):
    async with web.get(f"{served.url}/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": True})
        assert "server" not in answer.headers
    async with web.get(f"{served.url}/viber/viber") as answer:
        assert answer.status == 405


async def test_a_body_over_the_limit_is_refused(shop, call):
    assert (await call(b"x" * (receiver.MAX_BODY_BYTES + 1)))[0] == 413
    assert (await call(message()))[0] == 200


async def test_a_body_over_the_limit_in_pieces_is_refused(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /viber/viber HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(17):
        writer.write(piece)
    assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_slow_body_is_given_up(served, monkeypatch, call):
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /viber/viber HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    assert b" 408 " in await reader.readline()
    await reader.read()  # the connection ends
    writer.close()


@pytest.mark.parametrize("beginning", [b"", b"POST /viber/vib", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_never_ends_is_given_up(intake, messenger, monkeypatch, beginning):
    monkeypatch.setattr(receiver, "HEAD_SECONDS", 0.05)
    async with Receiver(make_app(intake, {"viber": messenger}), "127.0.0.1", 0) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(beginning)
        assert await reader.read() == b""
        writer.close()


async def test_many_at_once_are_all_stored_once(shop, call):
    bodies = [message(number, f"text {number}") for number in range(60)] * 2
    answers = await asyncio.gather(*(call(body) for body in bodies))
    assert {status for status, _ in answers} == {200}
    assert sorted(stored(shop)) == sorted((str(5000 + n), f"text {n}") for n in range(60))


async def test_an_event_that_cannot_be_stored_is_not_acknowledged(shop, call, monkeypatch):
    def refuse(_connection):
        raise Locked("The database is busy.")

    monkeypatch.setattr(shop.database, "write", lambda: refuse(None))
    assert (await call(message()))[0] == 503
    monkeypatch.undo()
    assert (await call(message()))[0] == 200
    assert len(stored(shop)) == 1


async def test_a_fault_in_applying_loses_no_message(shop, call, monkeypatch, caplog):
    def fail(*_arguments):
        raise RuntimeError(f"something about {BELA}")

    monkeypatch.setattr(taking, "_apply", fail)
    assert (await call(message()))[0] == 200
    assert len(stored(shop)) == 1
    assert "RuntimeError" in caplog.text
    assert BELA not in caplog.text


async def test_the_answer_comes_after_the_commit(shop, call):
    commits = []
    sqlalchemy_event.listen(shop.database.engine, "commit", lambda _connection: commits.append(1))
    assert (await call(message()))[0] == 200
    assert commits


async def test_nothing_personal_is_logged(call, caplog):
    caplog.set_level(logging.DEBUG)
    await call(message(text="a secret of mine"))
    await call(message(text="a secret of mine"), signature="0" * 64)
    await call({"event": "invented", "user": {"id": BELA, "name": "Béla"}})
    own = [record.getMessage() for record in caplog.records if record.name.startswith(("vipcast", "uvicorn"))]
    for personal in ("secret", BELA, "Béla", "sandbox-viber"):
        assert personal not in " ".join(own)


async def test_a_token_of_another_account_does_not_open_this_one(shop, intake, messenger, web):
    other = Viber(msgspec.structs.replace(messenger.account, name="other", token=Secret("another-token")))
    body = json.dumps(message()).encode()
    async with Receiver(make_app(intake, {"viber": messenger, "other": other}), "127.0.0.1", 0) as running:
        signed = hmac.new(b"another-token", body, hashlib.sha256).hexdigest()
        headers = {"X-Viber-Content-Signature": signed}
        async with web.post(f"{running.url}/viber/viber", data=body, headers=headers) as answer:
            assert answer.status == 403
        async with web.post(f"{running.url}/viber/other", data=body, headers=headers) as answer:
            assert answer.status == 200


async def test_the_sandboxs_callbacks_come_in_also_doubled_and_backwards(shop, sandbox, intake):
    messenger = shop.messenger("viber")  # with the sandbox's address
    async with Receiver(make_app(intake, {"viber": messenger}), "127.0.0.1", 0) as running:
        sandbox.viber.habits.copies = 2
        sandbox.viber.habits.is_backwards = True
        webhook = f"{running.url}/viber/viber"
        token = messenger.account.token.reveal()
        await asyncio.to_thread(
            sandbox.do, lambda: sandbox.viber.add_bot(token, "Régi Divat VIP", uri="viber", webhook=webhook)
        )

        def live():
            for number in range(5):
                sandbox.call(sandbox.viber.say(BELA, f"text {number}", to="viber"))
            sandbox.call(sandbox.viber.unsubscribe(BELA, to="viber"))
            sandbox.call(sandbox.viber.settle())

        await asyncio.to_thread(live)
    assert sorted(text for _, text in stored(shop)) == ["", *(f"text {n}" for n in range(5))]
    assert intake.counts["duplicates"] == 6


async def test_a_port_that_is_taken_and_a_host_that_is_not_ours_are_told(intake, served):
    app = make_app(intake, {})
    with pytest.raises(Locked, match=str(served.port)):
        Receiver(app, "127.0.0.1", served.port)
    with pytest.raises(InputError) as caught:
        Receiver(app, "192.0.2.1", 0)
    assert "--host" in caught.value.hint
