"""The Telegram sandbox as an unmodified Telethon finds it, over real sockets."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import struct
import sys
import zlib
from collections import Counter
from contextlib import asynccontextmanager, closing

import pytest
from telethon import TelegramClient, errors, events, functions, types
from telethon.crypto import AuthKey, rsa
from telethon.network import ConnectionTcpAbridged, ConnectionTcpFull, ConnectionTcpIntermediate
from telethon.sessions import StringSession

from vipcast.errors import InputError, Locked
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.pictures import picture_size
from vipcast.sandbox.telegram.server import TelegramSandbox

pytestmark = pytest.mark.anyio

SHOP = "+36301112222"
ANNA = "+36301234567"
BELA = "+36307654321"
BOT_TOKEN = "700001:sandbox-token"
SEND = functions.messages.SendMessageRequest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def telethon_globals(monkeypatch):
    """Telethon keeps the server's configuration and its keys in global places."""
    monkeypatch.setattr(TelegramClient, "_config", None)
    monkeypatch.setattr(rsa, "_server_keys", dict(rsa._server_keys))


@asynccontextmanager
async def serving(**options):
    sandbox = TelegramSandbox(
        log=options.pop("log", EventLog()), faults=options.pop("faults", Faults()), **options
    )
    await sandbox.start()
    rsa.add_key(sandbox.public_key_pem, old=False)
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@pytest.fixture
def log():
    return EventLog()


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
async def sandbox(log, faults):
    async with serving(log=log, faults=faults) as sandbox:
        yield sandbox
    assert [event for event in log.events if event["event"] == "bug"] == []


@asynccontextmanager
async def connected(sandbox, session, **options):
    """Open a client the way vipcast does; `session` may be a person, logged in beforehand."""
    if hasattr(session, "label"):
        session = StringSession(sandbox.provision_string(session))
    options = {"flood_sleep_threshold": 0, "raise_last_call_error": True, "retry_delay": 0, **options}
    client = TelegramClient(session, 1, "hash", **options)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


def blank_session(sandbox):
    session = StringSession()
    session.set_dc(2, sandbox.host, sandbox.port)
    return session


@pytest.fixture
async def shop(sandbox):
    user = sandbox.add_user(phone=SHOP, first_name="Shop", username="regidivat")
    async with connected(sandbox, user) as client:
        yield client


async def peer_of(client, phone):
    resolved = await client(functions.contacts.ResolvePhoneRequest(phone))
    return types.InputPeerUser(resolved.users[0].id, resolved.users[0].access_hash)


def recorded(log, event):
    return [entry for entry in log.events if entry["event"] == event]


async def until(condition):
    """Wait for something that another connection brings about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.01)


def png(width=3, height=2, filling=b"vipcast"):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", filling)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


# Logging in.


async def test_login_by_code_gives_a_session_that_stays_logged_in(sandbox, log):
    session = blank_session(sandbox)
    async with connected(sandbox, session) as client:
        assert not await client.is_user_authorized()
        await client.send_code_request(SHOP)
        with pytest.raises(errors.PhoneCodeInvalidError):
            await client.sign_in(SHOP, "54321")
        me = await client.sign_in(SHOP, "12345")
        assert me.phone == SHOP.lstrip("+")
    assert [event["phone"] for event in recorded(log, "code")] == [SHOP]
    async with connected(sandbox, StringSession(session.save())) as client:
        assert (await client.get_me()).id == me.id


async def test_login_with_password_refuses_a_wrong_one_and_takes_the_right_one(sandbox):
    sandbox.add_user(phone=SHOP, password="rétes & kávé")
    async with connected(sandbox, blank_session(sandbox)) as client:
        await client.send_code_request(SHOP)
        with pytest.raises(errors.SessionPasswordNeededError):
            await client.sign_in(SHOP, "12345")
        assert not await client.is_user_authorized()
        with pytest.raises(errors.PasswordHashInvalidError):
            await client.sign_in(password="rétes")
        await client.sign_in(password="rétes & kávé")
        assert await client.is_user_authorized()


async def test_login_of_a_number_that_is_not_on_telegram_asks_for_sign_up(sandbox):
    async with connected(sandbox, blank_session(sandbox)) as client:
        await client.send_code_request("+36301110000")
        with pytest.raises(errors.PhoneNumberUnoccupiedError):
            await client.sign_in("+36301110000", "12345")


async def test_bot_login_takes_the_id_from_the_token(sandbox):
    async with connected(sandbox, blank_session(sandbox)) as client:
        me = await client.sign_in(bot_token=BOT_TOKEN)
        assert (me.id, me.bot) == (700001, True)
        with pytest.raises(errors.BotMethodInvalidError):
            await peer_of(client, ANNA)


async def test_bot_login_refuses_a_token_that_nobody_has():
    async with serving(auto_customers=False) as sandbox, connected(sandbox, blank_session(sandbox)) as client:
        with pytest.raises(errors.AccessTokenInvalidError):
            await client.sign_in(bot_token=BOT_TOKEN)


@pytest.mark.parametrize("way", ["client", "phone"])
async def test_qr_login_completes_when_the_code_is_scanned(sandbox, shop, way):
    async with connected(sandbox, blank_session(sandbox)) as screen:
        qr = await screen.qr_login()
        waiting = asyncio.create_task(qr.wait(10))
        await asyncio.sleep(0)
        if way == "client":
            await shop(functions.auth.AcceptLoginTokenRequest(qr.token))
        else:
            sandbox.scan(sandbox.find(SHOP), qr.url)
        assert (await waiting).phone == SHOP.lstrip("+")
        with pytest.raises(InputError, match="No login shows"):
            sandbox.scan(sandbox.find(SHOP), qr.url)


async def test_qr_login_asks_for_the_password_too(sandbox):
    user = sandbox.add_user(phone=SHOP, password="secret")
    async with connected(sandbox, blank_session(sandbox)) as screen:
        qr = await screen.qr_login()
        waiting = asyncio.create_task(qr.wait(10))
        await asyncio.sleep(0)
        sandbox.scan(user, qr.url)
        with pytest.raises(errors.SessionPasswordNeededError):
            await waiting
        assert (await screen.sign_in(password="secret")).id == user.id


async def test_provisioned_session_is_logged_in_and_private(sandbox, tmp_path):
    path = tmp_path / "sessions" / "news.session"
    sandbox.provision_session(path, sandbox.add_user(phone=SHOP))
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with connected(sandbox, str(path)) as client:
        assert (await client.get_me()).phone == SHOP.lstrip("+")
    async with connected(sandbox, str(path)) as client:
        assert await client.is_user_authorized()


async def test_log_out_and_revoke_end_logins(sandbox, shop):
    user = sandbox.find(SHOP)
    async with connected(sandbox, user) as other:
        assert await other.log_out()
    assert await shop.is_user_authorized()
    sandbox.revoke(user)
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await shop(functions.users.GetUsersRequest([types.InputUserSelf()]))


async def test_unknown_key_is_told_so(sandbox):
    session = blank_session(sandbox)
    session.auth_key = AuthKey(os.urandom(256))
    client = TelegramClient(session, 1, "hash")
    with pytest.raises(errors.AuthKeyNotFound):
        await client.connect()
    await client.disconnect()


# Transport and protocol.


@pytest.mark.parametrize("transport", [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate])
async def test_every_transport_carries_small_and_large_requests(sandbox, transport):
    async with connected(sandbox, sandbox.add_user(phone=SHOP), connection=transport) as client:
        peer = await peer_of(client, ANNA)
        for random_id, text in enumerate(("x", os.urandom(1500).hex()), start=1):
            await client(SEND(peer, text, random_id=random_id))
        assert (await client.get_messages(peer))[0].message == text


@pytest.mark.parametrize("offset", [-1000, 1000])
async def test_a_wrong_client_clock_heals(sandbox, offset):
    user = sandbox.add_user(phone=SHOP)
    client = TelegramClient(StringSession(sandbox.provision_string(user)), 1, "hash")
    client._sender._state.time_offset = offset
    await client.connect()
    assert (await client.get_me()).id == user.id
    await client.disconnect()


async def test_ping_and_salts_are_answered(shop):
    pong = await shop(functions.PingRequest(77))
    assert pong.ping_id == 77
    salts = await shop(functions.GetFutureSaltsRequest(1))
    assert salts.salts[0].salt == shop._sender._state.salt


async def test_garbage_ends_the_connection_and_nothing_else(sandbox, shop, log):
    reader, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
    writer.write(struct.pack("<II", 40, 0) + bytes(32))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert recorded(log, "bad_packet")
    assert await shop.is_user_authorized()


async def test_what_the_sandbox_does_not_play_is_refused_and_logged(shop, log):
    with pytest.raises(errors.InputMethodInvalidError):
        await shop(functions.stories.GetAllStoriesRequest())
    assert [event["request"] for event in recorded(log, "unsupported")] == ["GetAllStoriesRequest"]


async def test_a_handshake_from_another_key_fails_without_the_public_key(sandbox, monkeypatch):
    monkeypatch.setattr(rsa, "_server_keys", {})
    client = TelegramClient(blank_session(sandbox), 1, "hash", connection_retries=0, retry_delay=0)
    with pytest.raises(ConnectionError):
        await client.connect()


async def test_a_taken_port_and_a_foreign_host_are_refused(sandbox):
    other = TelegramSandbox(log=EventLog(), faults=Faults(), port=sandbox.port)
    with pytest.raises(Locked, match=str(sandbox.port)):
        await other.start()
    await other.stop()
    with pytest.raises(InputError, match="this machine only"):
        TelegramSandbox(log=EventLog(), faults=Faults(), host="0.0.0.0")  # noqa: S104 - refused


async def test_configuration_names_the_limits_and_this_server(sandbox, shop):
    config = await shop(functions.help.GetConfigRequest())
    assert (config.message_length_max, config.caption_length_max) == (4096, 1024)
    assert [(option.ip_address, option.port) for option in config.dc_options] == [("127.0.0.1", sandbox.port)]
    app = await shop(functions.help.GetAppConfigRequest(0))
    assert "caption_length_limit_default" in {pair.key for pair in app.config.value}


# Finding people.


async def test_automatic_customers_exist_with_named_exceptions(sandbox, shop):
    assert await peer_of(shop, ANNA)
    with pytest.raises(errors.PhoneNotOccupiedError):
        await peer_of(shop, "+36301110000")
    sandbox.add_user(phone=BELA, hides_phone=True)
    with pytest.raises(errors.PhoneNotOccupiedError):
        await peer_of(shop, BELA)
    eszter = sandbox.add_user(username="Eszter_Vip")
    assert (await shop.get_entity("@eszter_vip")).username == "Eszter_Vip"
    assert sandbox.find("@ESZTER_VIP") is eszter
    with pytest.raises(errors.UsernameNotOccupiedError):
        await shop(functions.contacts.ResolveUsernameRequest("nobody_here"))
    with pytest.raises(errors.UsernameInvalidError):
        await shop(functions.contacts.ResolveUsernameRequest("1x"))


async def test_contacts_are_imported_named_and_deleted(shop):
    contacts = [
        types.InputPhoneContact(11, ANNA, "Anna", "Kiss"),
        types.InputPhoneContact(12, "+36301110000", "Nobody", ""),
    ]
    imported = await shop(functions.contacts.ImportContactsRequest(contacts))
    assert [item.client_id for item in imported.imported] == [11]
    assert (imported.users[0].first_name, imported.users[0].phone) == ("Anna", ANNA.lstrip("+"))
    assert [user.id for user in (await shop(functions.contacts.GetContactsRequest(0))).users] == [
        imported.users[0].id
    ]
    await shop(functions.contacts.DeleteContactsRequest([imported.users[0]]))
    assert (await shop(functions.contacts.GetContactsRequest(0))).users == []
    assert (await shop.get_entity(imported.users[0].id)).phone is None


async def test_an_access_hash_of_another_account_is_refused(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    async with connected(sandbox, sandbox.add_user(phone=BELA)) as support:
        with pytest.raises(errors.PeerIdInvalidError):
            await support(SEND(peer, "mix-up", random_id=1))
        assert isinstance(
            (
                await support(
                    functions.users.GetUsersRequest([types.InputUser(peer.user_id, peer.access_hash)])
                )
            )[0],
            types.UserEmpty,
        )
    assert sandbox.inbox(sandbox.find(ANNA)) == []


# Sending.


async def test_a_sent_message_is_on_the_phone_and_in_the_log(sandbox, shop, log):
    text = "Új ruhák 👗 holnap!"
    bold = types.MessageEntityBold(9, 2)
    link = types.MessageEntityTextUrl(0, 2, "https://shop.example/új")
    sent = await shop(SEND(await peer_of(shop, ANNA), text, random_id=2**63 - 1, entities=[bold, link]))
    assert isinstance(sent, types.UpdateShortSentMessage)
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.text, message.random_id, message.remote_id) == (text, 2**63 - 1, sent.id)
    assert message.sender is sandbox.find(SHOP)
    assert [(entity.kind, entity.offset, entity.length) for entity in message.entities] == [
        ("Bold", 9, 2),
        ("TextUrl", 0, 2),
    ]
    assert message.entities[1].url == link.url
    (event,) = recorded(log, "message")
    expected = {
        "network": "telegram",
        "sender": SHOP,
        "to": ANNA,
        "text": text,
        "random_id": 2**63 - 1,
        "id": sent.id,
        "repeated": False,
    }
    assert expected.items() <= event.items()


async def test_a_repeated_random_id_returns_the_first_message(sandbox, shop, log):
    peer = await peer_of(shop, ANNA)
    first = await shop(SEND(peer, "once", random_id=-5))
    again = await shop(SEND(peer, "once", random_id=-5))
    assert [type(update) for update in again.updates] == [types.UpdateMessageID, types.UpdateNewMessage]
    assert (again.updates[0].id, again.updates[0].random_id) == (first.id, -5)
    assert (again.updates[1].message.date, again.updates[1].pts_count) == (first.date, 0)
    assert len(sandbox.inbox(sandbox.find(ANNA))) == 1
    assert Counter(event["event"] for event in log.events if event.get("random_id") == -5) == {
        "message": 1,
        "repeat": 1,
    }


async def test_the_same_random_id_is_another_message_for_another_person(sandbox, shop):
    for phone in (ANNA, BELA):
        await shop(SEND(await peer_of(shop, phone), "hello", random_id=9))
        assert len(sandbox.inbox(sandbox.find(phone))) == 1


async def test_a_repeated_random_id_can_be_an_error_instead(log):
    async with serving(random_ids="error", log=log) as sandbox:
        async with connected(sandbox, sandbox.add_user(phone=SHOP), request_retries=0) as client:
            peer = await peer_of(client, ANNA)
            await client(SEND(peer, "once", random_id=5))
            with pytest.raises(errors.RandomIdDuplicateError):
                await client(SEND(peer, "once", random_id=5))
        assert len(sandbox.inbox(sandbox.find(ANNA))) == 1
    assert len(recorded(log, "message")) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"message": "x" * 4097}, errors.MessageTooLongError),
        ({"message": "👗" * 2048 + "!"}, errors.MessageTooLongError),
        ({"message": " \n"}, errors.MessageEmptyError),
        ({"random_id": 0}, errors.RandomIdEmptyError),
        ({"entities": [types.MessageEntityBold(2, 3)]}, errors.EntityBoundsInvalidError),
        ({"message": "👗", "entities": [types.MessageEntityBold(0, 1)]}, errors.EntityBoundsInvalidError),
    ],
)
async def test_a_message_against_the_rules_is_refused(sandbox, shop, wrong, error):
    with pytest.raises(error):
        await shop(SEND(await peer_of(shop, ANNA), **{"message": "text", "random_id": 1, **wrong}))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


@pytest.mark.parametrize("text", ["x" * 4096, "👗" * 2048])
async def test_a_message_of_just_the_limit_passes(sandbox, shop, text):
    await shop(SEND(await peer_of(shop, ANNA), text, random_id=1))
    assert [message.text for message in sandbox.inbox(sandbox.find(ANNA))] == [text]


async def test_saved_messages_are_in_ones_own_inbox_once(sandbox, shop):
    await shop(SEND(types.InputPeerSelf(), "note", random_id=1))
    assert [message.text for message in sandbox.inbox(sandbox.find(SHOP))] == ["note"]
    assert [message.text for message in await shop.get_messages("me")] == ["note"]


async def test_thousands_of_sends_arrive_once_each_though_connections_drop(sandbox, shop, faults, log):
    faults.add("SendMessageRequest", "drop_after", after=400)
    faults.add("SendMessageRequest", "drop_before", after=900)
    peers = [await peer_of(shop, phone) for phone in (ANNA, BELA)]
    await asyncio.gather(*(shop(SEND(peers[n % 2], f"news {n}", random_id=n + 1)) for n in range(2000)))
    counted = Counter((event["to"], event["random_id"]) for event in recorded(log, "message"))
    assert len(counted) == 2000
    assert set(counted.values()) == {1}
    assert recorded(log, "repeat")


# People's rules.


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"deleted": True}, errors.InputUserDeactivatedError, ""),
        ({"premium_only": True}, errors.ForbiddenError, "PRIVACY_PREMIUM_REQUIRED"),
    ],
)
async def test_who_cannot_be_written_to_is_refused(sandbox, shop, fields, error, text):
    sandbox.add_user(phone=ANNA, **fields)
    with pytest.raises(error, match=text or None):
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=1))


async def test_a_bot_may_write_only_to_who_started_it_and_did_not_block_it(log):
    async with serving(bot_started_by_all=False, log=log) as sandbox:
        bot, anna = sandbox.add_user(bot_token=BOT_TOKEN), sandbox.add_user(username="anna_vip")
        async with connected(sandbox, bot) as client:
            peer = await client.get_input_entity("@anna_vip")
            with pytest.raises(errors.PeerIdInvalidError):
                await client(SEND(peer, "hello", random_id=1))
            await sandbox.start_bot(anna, bot, "vip7")
            assert [message.text for message in sandbox.inbox(bot)] == ["/start vip7"]
            await client(SEND(types.InputPeerUser(anna.id, 0), "hello", random_id=1))
            sandbox.block(anna, bot)
            with pytest.raises(errors.UserIsBlockedError):
                await client(SEND(peer, "news", random_id=2))
    assert [message.text for message in sandbox.inbox(anna)] == ["hello"]


async def test_a_bot_learns_who_stopped_it_at_once_or_later(sandbox):
    bot, anna, bela = sandbox.add_user(bot_token=BOT_TOKEN), sandbox.find(ANNA), sandbox.find(BELA)
    heard = []
    async with connected(sandbox, bot) as client:
        client.add_event_handler(
            lambda update: heard.append((update.user_id, update.stopped)) or asyncio.sleep(0),
            events.Raw(types.UpdateBotStopped),
        )
        sandbox.block(anna, bot)
        sandbox.block(anna, bot)
        sandbox.unblock(anna, bot)
        sandbox.block(bela, bot)
        await until(lambda: len(heard) == 3)
        assert heard == [(anna.id, True), (anna.id, False), (bela.id, True)]
        state = await client(functions.updates.GetStateRequest())
        missed = await client(functions.updates.GetDifferenceRequest(state.pts, state.date, qts=2))
    assert [(update.user_id, update.stopped) for update in missed.other_updates] == [(bela.id, True)]
    assert missed.state.qts == 3


# Media.


async def test_a_picture_arrives_as_it_was_sent(sandbox, shop):
    picture = png(30, 20)
    file = await shop.upload_file(picture, file_name="ruha.png")
    media = types.InputMediaUploadedPhoto(file)
    peer = await peer_of(shop, ANNA)
    for _ in range(2):  # the same upload may be named again: a repeat after a lost answer does
        sent = await shop(functions.messages.SendMediaRequest(peer, media, "Nézd!", random_id=1))
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.text, message.media.kind, message.media.size) == ("Nézd!", "picture", len(picture))
    assert sandbox.content(message) == picture
    assert sent.updates[1].message.photo.sizes[0].w == 30
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (received,) = await anna.get_messages(await anna.get_input_entity("@regidivat"))
        assert await received.download_media(bytes) == picture


async def test_a_large_file_arrives_as_it_was_sent(sandbox, shop, tmp_path):
    content = os.urandom(11 * 1024 * 1024)
    path = tmp_path / "árlista.bin"
    path.write_bytes(content)
    await shop.send_file(await peer_of(shop, ANNA), path)
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.media.kind, message.media.name, message.media.size) == ("file", path.name, len(content))
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (received,) = await anna.get_messages(await anna.get_input_entity("@regidivat"))
        assert await received.download_media(bytes) == content


async def uploaded(client, peer, content):
    media = types.InputMediaUploadedPhoto(await client.upload_file(content, file_name="a.png"))
    result = await client(functions.messages.UploadMediaRequest(peer, media))
    return types.InputMediaPhoto(
        types.InputPhoto(result.photo.id, result.photo.access_hash, result.photo.file_reference)
    )


async def test_an_album_keeps_each_random_id_over_repeats(sandbox, shop, log):
    peer = await peer_of(shop, ANNA)
    pictures = [png(filling=bytes([n])) for n in range(3)]
    media = [await uploaded(shop, peer, picture) for picture in pictures]

    def album(count):
        items = [
            types.InputSingleMedia(media[n], "caption" if n == 0 else "", random_id=n + 1)
            for n in range(count)
        ]
        return functions.messages.SendMultiMediaRequest(peer, items)

    def numbers(updates):
        return {u.random_id: u.id for u in updates.updates if isinstance(u, types.UpdateMessageID)}

    first = numbers(await shop(album(2)))
    assert first == numbers(await shop(album(2)))
    assert numbers(await shop(album(3))).items() > first.items()
    messages = sandbox.inbox(sandbox.find(ANNA))
    assert [message.random_id for message in messages] == [1, 2, 3]
    assert [message.text for message in messages] == ["caption", "", ""]
    assert [sandbox.content(message) for message in messages] == pictures
    assert len({message.grouped_id for message in messages} - {0}) == 1
    assert len(recorded(log, "message")) == 3


async def test_media_against_the_rules_is_refused(sandbox, shop, faults):
    peer = await peer_of(shop, ANNA)
    send = functions.messages.SendMediaRequest
    picture = await uploaded(shop, peer, png())
    with pytest.raises(errors.MediaCaptionTooLongError):
        await shop(send(peer, picture, "x" * 1025, random_id=1))
    with pytest.raises(errors.ImageProcessFailedError):
        await uploaded(shop, peer, b"no picture at all")
    missing = types.InputMediaUploadedPhoto(types.InputFile(5, 1, "a.png", ""))
    with pytest.raises(errors.FilePartsInvalidError):
        await shop(send(peer, missing, "", random_id=1))
    with pytest.raises(errors.WebpageCurlFailedError):
        await shop(send(peer, types.InputMediaPhotoExternal("https://shop.example/a.png"), "", random_id=1))
    async with connected(sandbox, sandbox.add_user(phone=BELA)) as other:
        with pytest.raises(errors.MediaEmptyError):
            await other(send(await peer_of(other, ANNA), picture, "", random_id=1))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


async def test_an_album_against_the_rules_is_refused(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    picture = await uploaded(shop, peer, png())
    raw = types.InputMediaUploadedDocument(await shop.upload_file(b"list"), "text/plain", [])
    listed = (await shop(functions.messages.UploadMediaRequest(peer, raw))).document
    document = types.InputMediaDocument(
        types.InputDocument(listed.id, listed.access_hash, listed.file_reference)
    )

    async def send_album(*pairs):
        items = [types.InputSingleMedia(media, "", random_id=random_id) for media, random_id in pairs]
        await shop(functions.messages.SendMultiMediaRequest(peer, items))

    with pytest.raises(errors.MultiMediaTooLongError):
        await send_album(*((picture, n) for n in range(1, 12)))
    with pytest.raises(errors.MediaGroupedInvalidError):
        await send_album((picture, 1), (document, 2))
    with pytest.raises(errors.MediaInvalidError):
        await send_album((picture, 1), (raw, 2))
    with pytest.raises(errors.RandomIdInvalidError):
        await send_album((picture, 1), (picture, 1))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


# Faults.


async def test_an_error_strikes_the_named_receiver_only(sandbox, shop, faults):
    faults.add("SendMessageRequest", "error", text="PEER_FLOOD", code=400, to=ANNA)
    await shop(SEND(await peer_of(shop, BELA), "hello", random_id=1))
    with pytest.raises(errors.PeerFloodError):
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=2))
    assert sandbox.inbox(sandbox.find(ANNA)) == []
    await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=2))
    assert len(sandbox.inbox(sandbox.find(ANNA))) == 1


async def test_flood_wait_names_its_seconds(shop, faults):
    faults.add("SendMessageRequest", "error")
    with pytest.raises(errors.FloodWaitError) as caught:
        await shop(SEND(await peer_of(shop, ANNA), "hello", random_id=1))
    assert caught.value.seconds == 35


@pytest.mark.parametrize(("kind", "repeats"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_one_message(shop, faults, log, kind, repeats):
    peer = await peer_of(shop, ANNA)
    faults.add("SendMessageRequest", kind)
    await shop(SEND(peer, "hello", random_id=3))
    assert len(recorded(log, "message")) == 1
    assert len(recorded(log, "repeat")) == repeats


async def test_a_delayed_request_is_executed_though_the_client_has_gone(sandbox, faults):
    async with connected(sandbox, sandbox.add_user(phone=SHOP)) as client:
        peer = await peer_of(client, ANNA)
        faults.add("SendMessageRequest", "delay", seconds=0.2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client(SEND(peer, "late", random_id=4)), 0.05)
    anna = sandbox.find(ANNA)
    await until(lambda: sandbox.inbox(anna))
    assert [message.text for message in sandbox.inbox(anna)] == ["late"]


# Receiving.


async def test_a_customers_words_reach_a_connected_client_and_a_reply_points_back(sandbox, shop):
    heard = []
    shop.add_event_handler(
        lambda event: heard.append(event) or asyncio.sleep(0), events.NewMessage(incoming=True)
    )
    sent = await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    (news,) = sandbox.inbox(anna)
    await sandbox.say(anna, me, "how much?", reply_to=news.id)
    await until(lambda: heard)
    assert (heard[0].raw_text, heard[0].sender_id, heard[0].message.reply_to_msg_id) == (
        "how much?",
        anna.id,
        sent.id,
    )
    await heard[0].respond("1000 Ft")
    assert [message.text for message in sandbox.inbox(anna)] == ["news", "1000 Ft"]


async def test_an_absent_client_catches_up(sandbox, tmp_path):
    me, anna = sandbox.add_user(phone=SHOP), sandbox.find(ANNA)
    path = tmp_path / "news.session"
    sandbox.provision_session(path, me)
    async with connected(sandbox, str(path)):
        pass
    for n in range(700):  # more than one difference holds
        await sandbox.say(anna, me, f"question {n}")
    heard = []
    client = TelegramClient(str(path), 1, "hash", catch_up=True)
    client.add_event_handler(
        lambda event: heard.append(event.raw_text) or asyncio.sleep(0), events.NewMessage
    )
    await client.connect()
    await until(lambda: len(heard) >= 700)
    await client.disconnect()
    assert sorted(heard) == sorted(f"question {n}" for n in range(700))


async def test_every_client_of_an_account_sees_what_another_one_sent(sandbox, shop):
    async with connected(sandbox, sandbox.find(SHOP)) as second:
        seen = []
        second.add_event_handler(
            lambda event: seen.append(event.raw_text) or asyncio.sleep(0), events.NewMessage(outgoing=True)
        )
        await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
        await until(lambda: seen)
        assert seen == ["news"]


async def test_a_scripted_customer_can_answer(sandbox, shop):
    async def answer(message):
        await sandbox.say(message.to, message.sender, message.text.upper())

    sandbox.on_message = answer
    await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    await until(lambda: sandbox.inbox(sandbox.find(SHOP)))
    assert [message.text for message in sandbox.inbox(sandbox.find(SHOP))] == ["NEWS"]


async def test_a_read_receipt_reaches_the_sender(sandbox, shop):
    receipts = []
    shop.add_event_handler(lambda event: receipts.append(event) or asyncio.sleep(0), events.MessageRead)
    peer = await peer_of(shop, ANNA)
    for random_id in (1, 2):
        sent = await shop(SEND(peer, "news", random_id=random_id))
    await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
    await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
    await until(lambda: receipts)
    assert [(event.chat_id, event.max_id) for event in receipts] == [(peer.user_id, sent.id)]
    (dialog,) = await shop.get_dialogs()
    assert dialog.dialog.read_outbox_max_id == sent.id
    assert (await shop(functions.messages.GetOutboxReadDateRequest(peer, 1))).date >= sent.date
    unread = await shop(SEND(peer, "more", random_id=3))
    with pytest.raises(errors.BadRequestError, match="MESSAGE_NOT_READ_YET"):
        await shop(functions.messages.GetOutboxReadDateRequest(peer, unread.id))


async def test_reading_by_a_client_tells_the_other_client(sandbox, shop):
    receipts = []
    shop.add_event_handler(
        lambda event: receipts.append(event.max_id) or asyncio.sleep(0), events.MessageRead
    )
    sent = await shop(SEND(await peer_of(shop, ANNA), "news", random_id=1))
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (dialog,) = await anna.get_dialogs()
        assert dialog.unread_count == 1
        assert await anna.send_read_acknowledge(dialog.entity)
        assert (await anna.get_dialogs())[0].unread_count == 0
    await until(lambda: receipts)
    assert receipts == [sent.id]


async def test_edit_and_delete_change_both_sides(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    sent = await shop(SEND(peer, "nwes", random_id=1))
    with pytest.raises(errors.MessageNotModifiedError):
        await shop.edit_message(peer, sent.id, "nwes")
    await shop.edit_message(peer, sent.id, "news")
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert message.text == "news"
    assert message.edited_at is not None
    await sandbox.say(sandbox.find(ANNA), sandbox.find(SHOP), "mine")
    with pytest.raises(errors.MessageAuthorRequiredError):
        await shop.edit_message(peer, sent.id + 1, "not yours")
    (affected,) = await shop.delete_messages(peer, [sent.id])
    assert affected.pts_count == 1
    assert sandbox.inbox(sandbox.find(ANNA)) == []
    assert [message.message for message in await shop.get_messages(peer)] == ["mine"]


async def test_history_is_paged_and_searched(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    for n in range(1, 251):
        await shop(SEND(peer, f"news {n}", random_id=n))
    assert [message.id async for message in shop.iter_messages(peer)] == list(range(250, 0, -1))
    assert [message.id async for message in shop.iter_messages(peer, min_id=10, max_id=13)] == [12, 11]
    assert [message.id async for message in shop.iter_messages(peer, limit=2, reverse=True)] == [1, 2]
    assert (await shop.get_messages(peer, limit=0)).total == 250
    assert [message.text async for message in shop.iter_messages(peer, search="NEWS 99")] == ["news 99"]
    assert [message and message.id for message in await shop.get_messages(peer, ids=[7, 999])] == [7, None]


# Restart.


async def test_a_restarted_server_remembers_everything(tmp_path, log):
    state = tmp_path / "telegram.sqlite"
    async with serving(state=state, log=log) as sandbox:
        sandbox.add_user(phone=SHOP, first_name="Shop")
        session = sandbox.provision_string(sandbox.find(SHOP))
        port = sandbox.port
        async with connected(sandbox, StringSession(session)) as client:
            peer = await peer_of(client, ANNA)
            sent = await client(SEND(peer, "news", random_id=1, entities=[types.MessageEntityBold(0, 4)]))
            await client.send_file(peer, png())
            gone = await client(SEND(peer, "oops", random_id=2))
            await client.delete_messages(peer, [gone.id])
            await sandbox.read(sandbox.find(ANNA), sandbox.find(SHOP))
        before = sandbox.inbox(sandbox.find(ANNA))
    async with serving(state=state, log=log, port=port) as sandbox:
        after = sandbox.inbox(sandbox.find(ANNA))
        assert [(m.id, m.text, m.at, m.entities, m.media) for m in after] == [
            (m.id, m.text, m.at, m.entities, m.media) for m in before
        ]
        assert sandbox.content(after[1]) == png()
        async with connected(sandbox, StringSession(session)) as client:
            again = await client(SEND(peer, "news", random_id=1))
            assert again.updates[0].id == sent.id
            assert (await client.get_dialogs())[0].dialog.read_outbox_max_id == 2
            fresh = await client(SEND(peer, "more", random_id=3))
            assert fresh.id == gone.id + 1
    assert [event["text"] for event in recorded(log, "message")] == ["news", "", "oops", "more"]
    if sys.platform != "win32":
        assert stat.S_IMODE(state.stat().st_mode) == 0o600


async def test_a_client_outlives_a_restart_of_the_server(tmp_path):
    state = tmp_path / "telegram.sqlite"
    first = TelegramSandbox(log=EventLog(), faults=Faults(), state=state)
    await first.start()
    async with connected(
        first, first.add_user(phone=SHOP), connection_retries=50, retry_delay=0.05
    ) as client:
        peer = await peer_of(client, ANNA)
        await client(SEND(peer, "one", random_id=1))
        await first.stop()
        async with serving(state=state, port=first.port) as second:
            await client(SEND(peer, "two", random_id=2))
            assert [message.text for message in second.inbox(second.find(ANNA))] == ["one", "two"]
            await client.disconnect()


SERVER = """
import asyncio, sys
from pathlib import Path
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.telegram.server import TelegramSandbox

async def main():
    sandbox = TelegramSandbox(log=EventLog(), faults=Faults(), state=Path(sys.argv[1]))
    await sandbox.start()
    print(sandbox.port, sandbox.provision_string(sandbox.add_user(phone=sys.argv[2])), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_server_remembers_all_that_it_answered(tmp_path):
    state = tmp_path / "telegram.sqlite"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(state), SHOP, stdout=asyncio.subprocess.PIPE
    )
    port, session = (await server.stdout.readline()).decode().split()
    options = {"connection_retries": 100, "retry_delay": 0.05}
    async with connected(None, StringSession(session), **options) as client:
        peer = await peer_of(client, ANNA)
        first = await asyncio.gather(*(client(SEND(peer, f"news {n}", random_id=n)) for n in range(1, 51)))
        server.kill()
        await server.wait()
        async with serving(state=state, port=int(port)) as sandbox:
            again = await asyncio.gather(
                *(client(SEND(peer, f"news {n}", random_id=n)) for n in range(1, 51))
            )
            assert [sent.updates[0].id for sent in again] == [sent.id for sent in first]
            assert len(sandbox.inbox(sandbox.find(ANNA))) == 50
            await client.disconnect()


@pytest.mark.parametrize("kind", ["text", "newer"])
def test_a_state_file_of_another_kind_is_refused(tmp_path, kind):
    path = tmp_path / "telegram.sqlite"
    if kind == "text":
        path.write_text("not a database" * 100)
    else:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match=r"telegram\.sqlite"):
        TelegramSandbox(log=EventLog(), faults=Faults(), state=path)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(640, 480), (640, 480)),
        (b"GIF89a" + struct.pack("<HH", 12, 34) + bytes(10), (12, 34)),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 48, 64) + bytes(20),
            (64, 48),
        ),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x63\0\0\x31\0\0", (100, 50)),
        (b"\xff\xd8\xff\xe0", None),
        (b"%PDF-1.7", None),
    ],
)
def test_pictures_are_measured(content, size):
    assert picture_size(content) == size
