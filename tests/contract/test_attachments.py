"""What people send beside words, on both messengers: told in words, and fetched whole or not at all."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from contextlib import aclosing, asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from telegram_sandbox import peer_of, png
from telethon import TelegramClient
from telethon.sessions import StringSession
from telethon.tl import types

from vipcast.config import Secret
from vipcast.messengers._telegram.attachments import attachments_of
from vipcast.messengers._viber import fetching as viber_fetching
from vipcast.messengers.base import Attachment, EventKind, Media, Message, Rejected, Unreachable
from vipcast.messengers.telegram import Telegram
from vipcast.messengers.viber import Viber
from vipcast.sandbox.attachments import Attachment as Carried
from vipcast.sandbox.viber_rules import keyboard_fault

pytestmark = pytest.mark.anyio

ANNA = "@anna_kovacs"
ACCOUNT = "+99966100001"
BOT_TOKEN = "700001:sandbox-token"
BUDAPEST = "47.497913, 19.040236\nhttps://www.openstreetmap.org/?mlat=47.497913&mlon=19.040236"


async def in_thread(work, *arguments):
    return await asyncio.to_thread(work, *arguments)


@pytest.fixture
def account(shop, sandbox):
    return shop.config.account("news")


@asynccontextmanager
async def phone(sandbox, who):
    """Somebody's own Telegram app: an unmodified Telethon that is logged in as them."""

    def provided():
        return sandbox.telegram.provision_string(sandbox.telegram.find(who))

    session = StringSession(await in_thread(sandbox.do, provided))
    client = TelegramClient(session, 1, "hash", flood_sleep_threshold=0, receive_updates=False)
    await client.connect()
    try:
        yield client, await peer_of(client, ACCOUNT)
    finally:
        await client.disconnect()


@asynccontextmanager
async def hearing(account):
    """A messenger that listens, and a way to take its next event."""
    messenger = Telegram(account)
    ready = asyncio.Event()
    async with aclosing(messenger.listen(ready.set)) as events:
        asked = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(60):
            await ready.wait()

        async def take():
            nonlocal asked
            async with asyncio.timeout(60):
                event = await asked
            asked = asyncio.ensure_future(anext(events))
            return event

        try:
            yield messenger, take
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
    await messenger.close()


VOICE = [types.DocumentAttributeAudio(duration=2, voice=True)]
STICKER = [types.DocumentAttributeSticker("🎉", types.InputStickerSetEmpty())]


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("photo.png", png(), {"caption": "My dress"}, ("picture", "", "")),
        ("list.pdf", b"%PDF-1.7" * 30_000, {"caption": "The list"}, ("file", "list.pdf", "")),
        ("film.mp4", b"\0\0\0\x18ftypmp42", {"supports_streaming": True}, ("video", "film.mp4", "")),
        ("voice.ogg", b"OggS", {"attributes": VOICE, "voice_note": True}, ("voice", "voice.ogg", "")),
        ("sticker.webp", b"RIFF", {"attributes": STICKER}, ("sticker", "sticker.webp", "🎉")),
    ],
    ids=["picture", "file", "video", "voice", "sticker"],
)
async def test_what_a_person_sends_is_named_and_fetched(
    account, sandbox, tmp_path, name, content, options, expected
):
    (tmp_path / name).write_bytes(content)
    target = tmp_path / "fetched.bin"
    async with hearing(account) as (messenger, take), phone(sandbox, ANNA) as (client, shop):
        uploaded = await client.upload_file(tmp_path / name)  # as it is: Telethon would redraw a picture
        await client.send_file(shop, uploaded, force_document=name == "list.pdf", **options)
        event = await take()
        (one,) = event.attachments
        await messenger.fetch(one.ref, target)
    kind, file_name, words = expected
    assert (one.kind, one.name, one.words, one.size) == (kind, file_name, words, len(content))
    assert (event.text, event.raw["media"]) == (options.get("caption", ""), kind)
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "fetched.part").exists()


@pytest.fixture
async def received(account, sandbox, tmp_path):
    """A file that Anna sent: what is left of it after a restart, and her phone."""
    content = os.urandom(300_000)
    (tmp_path / "list.bin").write_bytes(content)
    async with phone(sandbox, ANNA) as (client, shop):
        async with hearing(account) as (_, take):
            sent = await client.send_file(shop, tmp_path / "list.bin", force_document=True)
            event = await take()
        messenger = Telegram(account)  # as another run of the program
        yield messenger, event.attachments[0].ref, content, (client, shop, sent)
        await messenger.close()


def with_old_reference(ref):
    return json.dumps(json.loads(ref) | {"reference": "b2xkIGFuZCBnb25l"})


async def test_a_note_is_enough_after_a_restart(received, tmp_path):
    messenger, ref, content, _ = received
    await messenger.fetch(ref, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == content


async def test_nothing_of_people_is_logged(account, sandbox, tmp_path, caplog):
    anna = await in_thread(sandbox.do, sandbox.telegram.find, ANNA)
    picture = Carried("picture", png())
    with caplog.at_level(logging.DEBUG):
        async with hearing(account) as (messenger, take):
            await in_thread(lambda: sandbox.call(told(sandbox.telegram, "my secret", media=picture)))
            event = await take()
            await messenger.fetch(event.attachments[0].ref, tmp_path / "x.jpg")
            with pytest.raises(Rejected):
                await messenger.fetch("my secret", tmp_path / "y.jpg")
            await messenger.send(event.address, event.peer, Message("your secret"), 1)
    for hidden in ("my secret", "your secret", ANNA, str(anna.id), event.name, event.attachments[0].ref):
        assert hidden not in caplog.text


async def test_an_expired_reference_is_made_fresh_by_the_message(received, tmp_path):
    messenger, ref, content, _ = received
    await messenger.fetch(with_old_reference(ref), tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == content


async def test_a_file_that_was_taken_back_is_gone(received, tmp_path):
    messenger, ref, _, (client, shop, sent) = received
    await client.delete_messages(shop, [sent.id], revoke=True)
    with pytest.raises(Rejected, match="gone"):
        await messenger.fetch(with_old_reference(ref), tmp_path / "x.bin")
    assert sorted(one.name for one in tmp_path.glob("x.*")) == []


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("error", {"code": 400, "text": "LOCATION_INVALID"}, Rejected),
        ("drop_before", {"times": None}, Unreachable),
    ],
)
async def test_a_broken_download_leaves_nothing(received, sandbox, tmp_path, fault, options, error):
    messenger, ref, _, _ = received
    await messenger.open()
    sandbox.faults.add("GetFileRequest", fault, **options)
    (tmp_path / "x.part").write_bytes(b"what an earlier try left")
    with pytest.raises(error):
        await messenger.fetch(ref, tmp_path / "x.bin")
    assert sorted(one.name for one in tmp_path.glob("x.*")) == []


@pytest.mark.parametrize("ref", ["", "no note", "[]", "{}", '{"kind": "photo", "id": "x"}', "\ud800"])
async def test_a_note_that_is_none_is_rejected(account, tmp_path, ref):
    messenger = Telegram(account)
    with pytest.raises(Rejected):
        await messenger.fetch(ref, tmp_path / "x.bin")
    await messenger.close()


async def test_too_large_a_file_is_not_begun(received, tmp_path):
    messenger, ref, _, _ = received
    with pytest.raises(Rejected) as caught:
        await messenger.fetch(json.dumps(json.loads(ref) | {"size": 3 * 2**30}), tmp_path / "x.bin")
    assert caught.value.remote_code == "too-large"


async def test_a_voice_message_goes_out_as_one(account, sandbox, tmp_path):
    (tmp_path / "hello.ogg").write_bytes(b"OggS voice")
    media = Media("voice", "hello.ogg", 10, path=str(tmp_path / "hello.ogg"))
    messenger = Telegram(account)
    await messenger.send(ANNA, "", Message("Listen", media=(media,)), 1)
    await messenger.close()
    async with phone(sandbox, ANNA) as (client, shop):
        (message,) = await client.get_messages(shop, limit=1)
    assert message.message == "Listen"
    assert message.voice is not None
    assert message.file.mime_type == "audio/ogg"


async def test_choices_of_a_bot_are_buttons_and_a_tap_is_a_message(account, sandbox, tmp_path):
    bot = msgspec.structs.replace(account, token=Secret(BOT_TOKEN), session=tmp_path / "s" / "bot.session")
    message = Message("Blue or red?", choices=("Blue", "Red <3"))
    telegram = sandbox.telegram
    async with hearing(bot) as (robot, take):
        anna = await in_thread(sandbox.do, telegram.find, ANNA)
        machine = await in_thread(sandbox.do, telegram._world.find_token, BOT_TOKEN)
        await robot.send(str(anna.id), "", message, 1)
        await in_thread(lambda: sandbox.call(telegram.press_button(anna, machine, "Red <3")))
        tapped = await take()
    person = Telegram(account)
    await person.send(ANNA, "", message, 2)
    await person.close()
    inbox = await in_thread(sandbox.do, telegram.inbox, anna)
    assert [one.buttons for one in inbox] == [("Blue", "Red <3"), ()]
    assert (tapped.kind, tapped.text, tapped.address) == (EventKind.MESSAGE, "Red <3", ANNA)
    assert Telegram.capabilities_of(bot).quick_replies
    assert not Telegram.capabilities_of(account).quick_replies


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            Carried("location", latitude=47.497913, longitude=19.040236),
            Attachment("location", words=BUDAPEST),
        ),
        (
            Carried("contact", phone="+36301234567", contact_name="Béla"),
            Attachment("contact", words="Béla +36301234567"),
        ),
    ],
    ids=["location", "contact"],
)
async def test_a_place_and_a_contact_arrive_in_words(account, sandbox, given, expected):
    async with hearing(account) as (_, take):
        await in_thread(lambda: sandbox.call(told(sandbox.telegram, "here", media=given)))
        event = await take()
    assert event.attachments == (expected,)


async def test_an_away_message_is_automatic(account, sandbox):
    async with hearing(account) as (_, take):
        await in_thread(lambda: sandbox.call(told(sandbox.telegram, "I am away", automatic=True)))
        await in_thread(lambda: sandbox.call(told(sandbox.telegram, "I am back")))
        heard = [await take(), await take()]
    assert [(one.text, one.is_automatic) for one in heard] == [("I am away", True), ("I am back", False)]


async def told(telegram, text, **more):
    return await telegram.say(telegram.find(ANNA), telegram.find(ACCOUNT), text, **more)


async def test_a_reply_arrives_as_one_and_one_to_nothing_arrives_all_the_same(account, sandbox):
    messenger = Telegram(account)
    first = await messenger.send(ANNA, "", Message("first"), 1)
    await messenger.send(ANNA, "", Message("second", reply_to=first.remote_id), 2)
    await messenger.send(ANNA, "", Message("of an edit", reply_to=f"{first.remote_id}@1700000000"), 3)
    await messenger.send(ANNA, "", Message("to nothing", reply_to="987654"), 4)
    await messenger.send(ANNA, "", Message("to nothing", reply_to="987654"), 4)  # repeated: no second one
    await messenger.close()
    found = await in_thread(sandbox.do, lambda: sandbox.telegram.inbox(sandbox.telegram.find(ANNA)))
    numbers = [one.id for one in found]
    assert [one.reply_to for one in found] == [0, numbers[0], numbers[0], 0]
    assert [one.random_id for one in found] == [1, 2, 3, 4]


def carried(media):
    return attachments_of(
        types.Message(id=5, peer_id=types.PeerUser(7), date=None, message="", media=media), ""
    )


GEO = types.GeoPoint(long=19.040236, lat=47.497913, access_hash=0)
POLL = types.Poll(
    id=1,
    question=types.TextWithEntities("Which one?", []),
    answers=[types.PollAnswer(types.TextWithEntities(text, []), b"1") for text in ("Blue", "Red")],
    hash=0,
)


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (None, None),
        (types.MessageMediaEmpty(), None),
        (types.MessageMediaWebPage(types.WebPageEmpty(id=1)), None),
        (types.MessageMediaGeo(GEO), Attachment("location", words=BUDAPEST)),
        (types.MessageMediaGeoLive(GEO, period=60), Attachment("location", words=BUDAPEST)),
        (types.MessageMediaGeo(types.GeoPointEmpty()), Attachment("location")),
        (
            types.MessageMediaVenue(GEO, "Café", "Fő utca 1", "foursquare", "x", "food"),
            Attachment("location", words=f"Café\nFő utca 1\n{BUDAPEST}"),
        ),
        (
            types.MessageMediaContact("36301234567", "Béla", "Nagy", "", 0),
            Attachment("contact", words="Béla Nagy +36301234567"),
        ),
        (
            types.MessageMediaPoll(POLL, types.PollResults()),
            Attachment("other", words="Which one?\n- Blue\n- Red"),
        ),
        (types.MessageMediaDice(6, "🎲"), Attachment("other", words="🎲 6")),
        (types.MessageMediaUnsupported(), Attachment("other", words="unsupported")),
        (types.MessageMediaPhoto(), Attachment("picture")),
        (types.MessageMediaPhoto(photo=types.PhotoEmpty(3)), Attachment("picture")),
        (types.MessageMediaDocument(voice=True), Attachment("voice")),
        (types.MessageMediaDocument(document=types.DocumentEmpty(3)), Attachment("file")),
    ],
)
def test_what_is_no_file_is_told_in_words(media, expected):
    assert carried(media) == ((expected,) if expected else ())


def test_of_a_photo_the_largest_picture_is_meant():
    sizes = [
        types.PhotoStrippedSize("i", b"x"),
        types.PhotoSize("m", 320, 200, 9_000),
        types.PhotoSizeProgressive("y", 1280, 800, [10_000, 50_000, 90_000]),
    ]
    (one,) = carried(types.MessageMediaPhoto(photo=types.Photo(1, 2, b"r", None, sizes, 4)))
    assert one.size == 90_000
    assert (json.loads(one.ref)["thumb"], json.loads(one.ref)["dc"]) == ("y", 4)


# Viber.


@pytest.fixture
def viber_account(shop, sandbox):
    return shop.config.account("viber")


def heard(account, message, sender=None):
    sender = {"id": "abcdef==", "name": "Anna", "language": "uk-UA"} if sender is None else sender
    body = {"event": "message", "timestamp": 1, "message_token": 5, "sender": sender, "message": message}
    (event,) = Viber(account).parse(json.dumps(body).encode())
    return event


URL = "https://media.example/x.jpg"


@pytest.mark.parametrize(
    ("message", "text", "expected"),
    [
        ({"type": "text", "text": "hello"}, "hello", None),
        (
            {"type": "picture", "text": "My dress", "media": URL, "file_name": "x.jpg", "size": 5},
            "My dress",
            Attachment("picture", "x.jpg", 5, ref=URL),
        ),
        ({"type": "video", "media": URL, "size": "77"}, "", Attachment("video", size=77, ref=URL)),
        (
            {"type": "file", "media": URL, "size": 9, "file_name": "list.pdf"},
            "",
            Attachment("file", "list.pdf", 9, ref=URL),
        ),
        ({"type": "url", "media": "https://shop.example/"}, "", Attachment("other", words="https://shop.example/")),
        (
            {"type": "location", "location": {"lat": 47.497913, "lon": "19.040236", "address": "Café"}},
            "",
            Attachment("location", words=f"Café\n{BUDAPEST}"),
        ),
        (
            {"type": "contact", "contact": {"name": "Béla", "phone_number": "+36301234567"}},
            "",
            Attachment("contact", words="Béla +36301234567"),
        ),
        ({"type": "sticker", "sticker_id": 46105}, "", Attachment("sticker", words="46105")),
        ({"type": "novelty"}, "", Attachment("other", words="novelty")),
    ],
)  # fmt: skip
def test_viber_names_what_a_person_sends(viber_account, message, text, expected):
    event = heard(viber_account, message)
    assert (event.kind, event.text, event.name, event.language) == (EventKind.MESSAGE, text, "Anna", "uk")
    assert event.attachments == ((expected,) if expected else ())


ODD = [None, 5, -1, 1e300, True, "", "\ud800\0", [], ["x"], {}, {"id": ["x"]}, float("nan"), 10**30]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_viber_odd_values_never_raise_and_words_are_words(viber_account, odd):
    messages = [odd, {"type": odd}]
    for kind in ("picture", "video", "file", "url", "location", "contact", "sticker", "text"):
        fields = ("text", "media", "size", "file_name", "location", "contact", "sticker_id")
        messages.append({"type": kind, **dict.fromkeys(fields, odd)})
        messages.append({"type": kind, "location": {"lat": odd, "lon": odd}, "contact": {"name": odd}})
    for message in messages:
        for sender in (odd, {"id": odd, "name": odd, "language": odd}):
            event = heard(viber_account, message, sender)
            words = [event.address, event.remote_id, event.text, event.name, event.language, event.context]
            for one in event.attachments:
                words += [one.kind, one.name, one.words, one.ref]
                assert type(one.size) is int
                assert 0 <= one.size < 2**63
            for word in words:
                assert type(word) is str
                assert "\0" not in word
                word.encode()


class Web:
    """A web server for media: `answers` by path, what was asked in `asked`."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.url = ""


@pytest.fixture
def web():
    known = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known.asked.append((self.path, dict(self.headers)))
            status, headers, body = known.answers[self.path]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with serving(Handler) as server:
        known.url = f"http://127.0.0.1:{server.server_port}"
        yield known


@contextmanager
def serving(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
async def viber(viber_account):
    messenger = Viber(viber_account)
    yield messenger
    await messenger.close()


async def test_viber_media_are_fetched_without_the_token(viber, web, tmp_path):
    content = os.urandom(200_000)
    web.answers = {"/a.jpg": (302, {"Location": "/b.jpg"}, b""), "/b.jpg": (200, {}, content)}
    for name in ("x.jpg", "y.jpg"):
        await viber.fetch(f"{web.url}/a.jpg", tmp_path / name)
        assert (tmp_path / name).read_bytes() == content
    assert (tmp_path / "x.jpg").stat().st_mode & 0o777 == 0o600
    token = viber.account.token.reveal()
    assert len(web.asked) == 4
    assert all(token not in str(asked) for asked in web.asked)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}, b""), Rejected),
        ((403, {}, b""), Rejected),
        ((500, {}, b""), Unreachable),
        ((429, {}, b""), Unreachable),
        ((302, {}, b""), Rejected),
        ((302, {"Location": "/x"}, b""), Rejected),  # round and round
        ((302, {"Location": "ftp://127.0.0.1/x"}, b""), Rejected),
        ((302, {"Location": "file:///etc/passwd"}, b""), Rejected),
        ((200, {"Content-Length": "1000"}, b"cut off"), Unreachable),
        ((200, {"Content-Length": str(51 * 2**20)}, b"never all of it"), Rejected),
    ],
)
async def test_viber_media_that_cannot_be_had_leave_nothing(viber, web, tmp_path, answer, error):
    web.answers = {"/x": answer}
    with pytest.raises(error) as caught:
        await viber.fetch(f"{web.url}/x", tmp_path / "x.jpg")
    assert type(caught.value) is error
    assert web.url not in str(caught.value)
    assert list(tmp_path.glob("x.*")) == []


async def test_viber_media_without_a_length_are_measured_on_the_way(viber, web, tmp_path, monkeypatch):
    monkeypatch.setattr(viber_fetching, "MOST_BYTES", 1000)
    body = b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(11)) + b"0\r\n\r\n"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with serving(Handler) as server:
        with pytest.raises(Rejected) as caught:
            await viber.fetch(f"http://127.0.0.1:{server.server_port}/x", tmp_path / "x.jpg")
        await viber.close()  # or the server would wait for the kept connection
    assert caught.value.remote_code == "too-large"
    assert list(tmp_path.glob("x.*")) == []


@pytest.mark.parametrize(
    "ref", ["", "x", "http://", "https://[", "ftp://a/b", "file:///etc/passwd", "http://[::x]/"]
)
async def test_viber_fetches_from_the_web_alone(viber, tmp_path, ref):
    with pytest.raises(Rejected):
        await viber.fetch(ref, tmp_path / "x.jpg")


async def test_viber_fetches_over_tls_alone_outside_the_sandbox(viber_account, web, tmp_path):
    web.answers = {"/x": (200, {}, b"content")}
    messenger = Viber(msgspec.structs.replace(viber_account, is_loopback=False))
    with pytest.raises(Rejected):
        await messenger.fetch(f"{web.url}/x", tmp_path / "x.jpg")
    await messenger.close()
    assert web.asked == []


async def test_viber_media_whose_server_is_away_are_unreachable(viber, tmp_path):
    with pytest.raises(Unreachable):
        await viber.fetch("http://127.0.0.1:1/x", tmp_path / "x.jpg")


@pytest.fixture
async def called(viber):
    """What Viber's calls bring, as events."""
    events = asyncio.Queue()
    loop = asyncio.get_running_loop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for event in viber.parse(body):
                loop.call_soon_threadsafe(events.put_nowait, event)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    async def next_message():
        async with asyncio.timeout(30):
            while (event := await events.get()).kind is not EventKind.MESSAGE:
                pass
        return event

    with serving(Handler) as server:
        await viber._open_wire().set_webhook(f"http://127.0.0.1:{server.server_port}/")
        yield next_message


BELA = "bela_nagy-0002=="


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Carried("picture", png(), "dress.png"), ("picture", "")),
        (Carried("file", b"%PDF-1.7" * 9_000, "list.pdf"), ("file", "")),
        (Carried("video", b"ftypmp42", "film.mp4"), ("video", "")),
        (Carried("location", latitude=47.497913, longitude=19.040236), ("location", BUDAPEST)),
        (Carried("contact", phone="+36301234567", contact_name="Béla"), ("contact", "Béla +36301234567")),
        (Carried("sticker", number=46105), ("sticker", "46105")),
        (Carried("url", url="https://shop.example/"), ("other", "https://shop.example/")),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
async def test_what_a_viber_customer_sends_is_named_and_fetched(
    viber, called, sandbox, tmp_path, given, expected
):
    text = "look" if given.kind in ("picture", "video") else ""
    await in_thread(lambda: sandbox.call(sandbox.viber.say(BELA, text, to="viber", media=given)))
    event = await called()
    (one,) = event.attachments
    assert (one.kind, one.words, event.address, event.text) == (*expected, BELA, text)
    if given.content and given.kind != "sticker":
        assert (one.name, one.size) == (given.name, len(given.content))
        await viber.fetch(one.ref, tmp_path / "x.bin")
        assert (tmp_path / "x.bin").read_bytes() == given.content


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("http", {"code": 404, "text": ""}, Rejected),
        ("drop_before", {"times": None}, Unreachable),
        ("endless", {}, Rejected),
    ],
)
async def test_viber_media_with_a_fault_leave_nothing(
    viber, called, sandbox, tmp_path, monkeypatch, fault, options, error
):
    monkeypatch.setattr(viber_fetching, "MOST_BYTES", 2**20)
    picture = Carried("picture", png(), "dress.png")
    await in_thread(lambda: sandbox.call(sandbox.viber.say(BELA, "", to="viber", media=picture)))
    (one,) = (await called()).attachments
    sandbox.faults.add("media", fault, **options)
    with pytest.raises(error) as caught:
        await viber.fetch(one.ref, tmp_path / "x.bin")
    assert type(caught.value) is error
    assert list(tmp_path.glob("x.*")) == []


async def test_a_tap_on_a_viber_choice_is_a_message(viber, called, sandbox):
    await viber.send(BELA, "", Message("Which?", choices=("Blue", "Red <3 & co")), 1)
    await in_thread(lambda: sandbox.call(sandbox.viber.press_button(BELA, "Red <3 & co", to="viber")))
    assert (await called()).text == "Red <3 & co"


async def test_viber_choices_are_a_keyboard(viber_account):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = b'{"status": 0, "message_token": 5}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    choices = ("Blue", "Red <3 & co")
    picture = Media("picture", "p.jpg", 5, url=URL)
    with serving(Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/pa"
        messenger = Viber(msgspec.structs.replace(viber_account, server=url))
        await messenger.send("anna+kovacs/01==", "", Message("Which?", choices=choices), 1)
        await messenger.send("anna+kovacs/01==", "", Message("?", media=(picture,), choices=choices), 2)
        await messenger.send("anna+kovacs/01==", "", Message("None", reply_to="123"), 3)
        await messenger.close()
    first, second, third = asked
    keyboard = first["keyboard"]
    assert second["keyboard"] == keyboard
    assert "keyboard" not in third
    assert (keyboard["Type"], keyboard["DefaultHeight"]) == ("keyboard", False)
    assert [one["ActionBody"] for one in keyboard["Buttons"]] == list(choices)
    assert [one["Text"] for one in keyboard["Buttons"]] == ["Blue", "Red &lt;3 &amp; co"]
    assert {(one["Columns"], one["Rows"], one["ActionType"]) for one in keyboard["Buttons"]} == {
        (6, 1, "reply")
    }
    assert keyboard_fault(first) == ""
    assert Viber.capabilities.quick_replies
