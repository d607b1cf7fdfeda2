"""Logging in and out of the Telegram sandbox."""

from __future__ import annotations

import asyncio
import os
import stat
import sys

import pytest
from telegram_sandbox import ANNA, BOT_TOKEN, SHOP, blank_session, connected, peer_of, recorded, serving
from telethon import TelegramClient, errors, functions, types
from telethon.crypto import AuthKey
from telethon.sessions import StringSession

from vipcast.errors import InputError

pytestmark = pytest.mark.anyio


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
