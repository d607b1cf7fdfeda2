"""What only Telegram has: albums, files, kept peers, repeated requests, its own errors; over the sandbox."""

from __future__ import annotations

import logging
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from simulators import TelegramSimulator

from vipcast.config import Secret
from vipcast.errors import ConfigError, SetupMissing
from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    LoginLost,
    Media,
    Message,
    OutcomeUnknown,
    RecipientStopped,
    Rejected,
    Span,
    Throttled,
    Unreachable,
)
from vipcast.messengers.telegram import Telegram

pytestmark = pytest.mark.anyio

ANNA = "@anna_kovacs"
PHONE = "+36301234567"
BOT_TOKEN = "700001:sandbox-token"


@pytest.fixture
def account(shop):
    return shop.config.account("news")


@pytest.fixture
def simulator(sandbox, account):
    return TelegramSimulator(sandbox, account)


@pytest.fixture
async def messenger(account, simulator):
    opened = Telegram(account)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def person(sandbox):
    """`person(address, **settings)` returns somebody on the sandbox, with settings changed."""

    def make(address, **settings):
        def work():
            user = sandbox.telegram.find(address)
            for name, value in settings.items():
                setattr(user, name, value)
            return user

        return sandbox.do(work)

    return make


def inbox(sandbox, address):
    return sandbox.do(lambda: sandbox.telegram.inbox(sandbox.telegram.find(address)))


def media(path, kind, content=None):
    if content is not None:
        path.write_bytes(content)
    size = path.stat().st_size
    return Media(kind, path.name, size, path=str(path), digest=f"{zlib.crc32(path.read_bytes()):08x}")


@pytest.fixture
def picture(shop_folder):
    return media(shop_folder / "templates" / "new-collection" / "picture.jpg", "picture")


async def test_an_album_arrives_as_one_with_its_text_on_the_first(messenger, sandbox, shop_folder, picture):
    other = media(shop_folder / "templates" / "vip-sale" / "picture.jpg", "picture")
    await messenger.send(ANNA, "", Message("Look", media=(picture, other)), 5)
    await messenger.send(ANNA, "", Message("Look", media=(picture, other)), 5)  # the same, repeated
    first, second = inbox(sandbox, ANNA)
    assert (first.text, second.text) == ("Look", "")
    assert first.grouped_id == second.grouped_id != 0
    assert first.random_id == 5 != second.random_id


def shown(picture):
    return Path(picture.path).read_bytes()


async def test_a_picture_goes_up_once_for_all_members(messenger, sandbox, picture):
    for number in range(1, 6):
        await messenger.send(f"@member{number}", "", Message("Look", media=(picture,)), number)
    content = shown(picture)
    for number in range(1, 6):
        (arrived,) = inbox(sandbox, f"@member{number}")
        assert sandbox.do(sandbox.telegram.content, arrived) == content
    assert sandbox.do(lambda: len(sandbox.telegram._world.files)) == 1


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [("file", "árlista 2026.pdf", b"%PDF-1.7 prices"), ("video", "show.mp4", b"\0\0\0\x18ftypmp42 film")],
)
async def test_a_file_and_a_video_arrive_with_name_and_content(
    messenger, sandbox, tmp_path, kind, name, content
):
    one = media(tmp_path / name, kind, content)
    await messenger.send(ANNA, "", Message("For you", media=(one,)), 1)
    (arrived,) = inbox(sandbox, ANNA)
    assert (arrived.text, arrived.media.kind, arrived.media.name) == ("For you", kind, name)
    assert sandbox.do(sandbox.telegram.content, arrived) == content


async def test_a_file_that_is_gone_is_rejected_and_nothing_is_sent(messenger, sandbox, tmp_path):
    one = media(tmp_path / "prices.pdf", "file", b"%PDF-1.7")
    (tmp_path / "prices.pdf").unlink()
    with pytest.raises(Rejected, match=r"prices\.pdf"):
        await messenger.send(ANNA, "", Message("For you", media=(one,)), 1)
    assert inbox(sandbox, ANNA) == []


async def test_formatting_is_counted_in_utf16_units(messenger, sandbox):
    text = "🎉 bold link"
    spans = (Span("bold", 3, 4), Span("link", 8, 4, "https://regidivat.example/"))
    await messenger.send(ANNA, "", Message(text, spans), 1)
    (arrived,) = inbox(sandbox, ANNA)
    assert [(one.kind, one.offset, one.length) for one in arrived.entities] == [
        ("Bold", 3, 4),
        ("TextUrl", 8, 4),
    ]
    assert arrived.entities[1].url == "https://regidivat.example/"


async def test_the_owner_reaches_the_saved_messages(messenger, sandbox):
    sent = await messenger.send("me", "", Message("A rehearsal"), 1)
    assert sent.peer == "self"
    assert [one.text for one in inbox(sandbox, "+99966100001")] == ["A rehearsal"]


async def test_a_peer_that_was_kept_needs_no_second_search(messenger, sandbox):
    sent = await messenger.send(PHONE, "", Message("first"), 1)
    sandbox.faults.add("ResolvePhoneRequest", "error", code=420, text="FLOOD_WAIT_86400")
    await messenger.send(PHONE, sent.peer, Message("second"), 2)
    assert [one.text for one in inbox(sandbox, PHONE)] == ["first", "second"]
    assert len(sandbox.faults.armed()) == 1  # it did not strike


async def test_a_peer_of_another_account_is_resolved_anew(messenger, sandbox):
    sent = await messenger.send(PHONE, "", Message("first"), 1)
    user_id, _ = sent.peer.split(":")
    again = await messenger.send(PHONE, f"{user_id}:12345", Message("second"), 2)
    assert again.peer == sent.peer
    assert [one.text for one in inbox(sandbox, PHONE)] == ["first", "second"]


async def test_sent_has_the_servers_number_and_time(messenger, sandbox):
    sent = await messenger.send(ANNA, "", Message("News"), 1)
    (arrived,) = inbox(sandbox, ANNA)
    assert (sent.remote_id, sent.at) == (str(arrived.remote_id), arrived.at)
    assert sent.at.tzinfo is UTC or sent.at.utcoffset() == datetime.now(UTC).utcoffset()


@pytest.mark.parametrize("with_media", [False, True])
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_repeated_request_is_one_message(messenger, sandbox, picture, with_media, fault):
    message = Message("News", media=(picture,) if with_media else ())
    await messenger.send("@somebody", "", message, 1)
    sandbox.faults.add("SendMediaRequest" if with_media else "SendMessageRequest", fault)
    await messenger.send(ANNA, "", message, 77)
    await messenger.send(ANNA, "", message, 77)  # as after a restart
    (arrived,) = inbox(sandbox, ANNA)
    assert arrived.random_id == 77


@pytest.mark.parametrize("with_media", [False, True])
async def test_a_repetition_that_the_server_refuses_is_the_first_message(
    messenger, sandbox, picture, with_media
):
    sandbox.telegram._hub.random_ids = "error"
    message = Message("News", media=(picture,) if with_media else ())
    sandbox.faults.add("SendMediaRequest" if with_media else "SendMessageRequest", "drop_after")
    sent = await messenger.send(ANNA, "", message, 77)
    assert sent.remote_id == ""
    (arrived,) = inbox(sandbox, ANNA)
    assert arrived.random_id == 77


@pytest.mark.parametrize(
    ("code", "text", "error", "remote_code"),
    [
        (420, "FLOOD_WAIT_3", Throttled, "FLOOD_WAIT_3"),
        (420, "FLOOD_PREMIUM_WAIT_4", Throttled, "FLOOD_WAIT_4"),
        (400, "PEER_FLOOD", AccountStopped, "PEER_FLOOD"),
        (420, "FROZEN_METHOD_INVALID", AccountStopped, "FROZEN_METHOD_INVALID"),
        (401, "AUTH_KEY_UNREGISTERED", LoginLost, "AUTH_KEY_UNREGISTERED"),
        (401, "SESSION_REVOKED", LoginLost, "SESSION_REVOKED"),
        (401, "USER_DEACTIVATED_BAN", LoginLost, "USER_DEACTIVATED_BAN"),
        (406, "AUTH_KEY_DUPLICATED", LoginLost, "AUTH_KEY_DUPLICATED"),
        (400, "USER_IS_BLOCKED", RecipientStopped, "USER_IS_BLOCKED"),
        (403, "USER_IS_BLOCKED", RecipientStopped, "USER_IS_BLOCKED"),
        (400, "YOU_BLOCKED_USER", RecipientStopped, "YOU_BLOCKED_USER"),
        (400, "INPUT_USER_DEACTIVATED", AddressInvalid, "INPUT_USER_DEACTIVATED"),
        (400, "PEER_ID_INVALID", AddressInvalid, "PEER_ID_INVALID"),
        (403, "PRIVACY_PREMIUM_REQUIRED", AddressInvalid, "PRIVACY_PREMIUM_REQUIRED"),
        (403, "USER_PRIVACY_RESTRICTED", AddressInvalid, "USER_PRIVACY_RESTRICTED"),
        (400, "MESSAGE_TOO_LONG", Rejected, "MESSAGE_TOO_LONG"),
        (400, "A_NEW_ERROR_OF_2027", Rejected, "A_NEW_ERROR_OF_2027"),
        (403, "CHAT_WRITE_FORBIDDEN", Rejected, "CHAT_WRITE_FORBIDDEN"),
        (500, "INTERNAL_ERROR_OF_2027", OutcomeUnknown, ""),
    ],
)
async def test_telegrams_errors_have_their_meaning(messenger, sandbox, code, text, error, remote_code):
    sandbox.faults.add("SendMessageRequest", "error", code=code, text=text, times=3)
    with pytest.raises(error) as caught:
        await messenger.send(ANNA, "", Message("News"), 1)
    assert type(caught.value) is error
    if remote_code:
        assert caught.value.remote_code == remote_code
    assert caught.value.words


async def test_a_slow_mode_concerns_one_chat_only(messenger, sandbox):
    sandbox.faults.add("SendMessageRequest", "error", code=420, text="SLOWMODE_WAIT_9")
    with pytest.raises(Throttled) as caught:
        await messenger.send(ANNA, "", Message("News"), 1)
    assert (caught.value.retry_after, caught.value.whole_account) == (9.0, False)


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("+36300000000", {}),
        (PHONE, {"hides_phone": True}),
        (ANNA, {"deleted": True}),
        (ANNA, {"premium_only": True}),
        ("123456789", {}),
    ],
)
async def test_who_cannot_be_reached_is_an_invalid_address(messenger, person, address, settings):
    if settings:
        person(address, **settings)
    with pytest.raises(AddressInvalid):
        await messenger.send(address, "", Message("News"), 1)


async def test_a_slow_answer_is_waited_for(messenger, sandbox):
    sandbox.faults.add("SendMessageRequest", "delay", seconds=0.3)
    sent = await messenger.send(ANNA, "", Message("News"), 1)
    assert sent.remote_id


async def test_who_asks_too_often_about_phones_waits(messenger, sandbox):
    sandbox.faults.add("ResolvePhoneRequest", "error", code=420, text="FLOOD_WAIT_500")
    with pytest.raises(Throttled):
        await messenger.send(PHONE, "", Message("News"), 1)


async def test_a_request_that_cannot_be_packed_is_not_logged_with_its_text(messenger, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match=r"format|range|int"):
        await messenger.send(ANNA, "", Message("what only Anna may read"), 2**70)
    assert "what only Anna may read" not in caplog.text


async def test_a_bot_logs_in_by_its_token_and_writes_to_numeric_ids(account, sandbox):
    customer = sandbox.do(lambda: sandbox.telegram.find(ANNA))
    session = account.session.with_name("bot.session")
    bot = Telegram(msgspec.structs.replace(account, token=Secret(BOT_TOKEN), session=session))
    info = await bot.open()
    assert info.details["kind"] == "bot"
    await bot.send(str(customer.id), "", Message("News"), 1)
    await bot.close()
    assert [one.text for one in inbox(sandbox, ANNA)] == ["News"]
    assert not Telegram.capabilities_of(bot.account).accepts_phone


async def test_an_account_without_its_application_says_what_is_missing(account):
    with pytest.raises(SetupMissing, match="API id"):
        await Telegram(msgspec.structs.replace(account, api_id=0)).open()


async def test_an_account_that_never_logged_in_is_told_without_a_connection(account, tmp_path, sandbox):
    fresh = Telegram(msgspec.structs.replace(account, session=tmp_path / "fresh.session"))
    with pytest.raises(LoginLost, match="not logged in"):
        await fresh.open()
    await fresh.close()


async def test_a_damaged_session_file_is_a_lost_login(account, tmp_path):
    damaged = tmp_path / "damaged.session"
    damaged.write_bytes(b"this is no session" * 100)
    with pytest.raises(LoginLost):
        await Telegram(msgspec.structs.replace(account, session=damaged)).open()


@pytest.mark.parametrize("server", ["127.0.0.1", "localhost:port", ":"])
async def test_a_server_without_a_port_is_a_fault_of_the_settings(account, server, tmp_path):
    wrong = msgspec.structs.replace(account, server=server, session=tmp_path / "x.session")
    with pytest.raises(ConfigError, match="host:port"):
        await Telegram(wrong).open()


async def test_a_server_that_drops_every_connection_is_given_up(account, simulator, sandbox):
    """Telethon by itself would connect and ask again without a pause, for ever."""
    sandbox.faults.add("GetUsersRequest", "drop_before", times=None)
    messenger = Telegram(account)
    with pytest.raises(Unreachable):
        await messenger.open()
    await messenger.close()
    assert sum(event["event"] == "fault" for event in sandbox.log.events) < 20
