"""Logging in through the contract, with a scripted person at the terminal."""

from __future__ import annotations

import msgspec
import pytest

from vipcast.config import Secret
from vipcast.errors import ConfigError, InputError, SetupMissing
from vipcast.messengers.base import LoginLost, Message
from vipcast.messengers.telegram import Telegram
from vipcast.messengers.viber import Viber

pytestmark = pytest.mark.anyio

PHONE = "+36301112222"
PASSWORD = "jelszó és más"
BOT_TOKEN = "700001:sandbox-token"


class ScriptedDialog:
    """A person who says what was given here and nothing else; `answers` come without a flag."""

    def __init__(self, memory=None, answers=None, on_code=None, **flags):
        self.memory = {} if memory is None else memory
        self.flags = flags
        self.answers = answers or {}
        self.on_code = on_code
        self.asked = []
        self.said = []

    def given(self, name):
        return self.flags.get(name, "")

    async def ask(self, name, question, *, secret=False, hint=""):
        self.asked.append((name, secret))
        if value := self.flags.get(name) or self.answers.get(name):
            return value
        raise SetupMissing(f"Missing: {question}.", hint=hint)

    def show_code(self, link, words):
        self.said.append(words)
        self.on_code(link)

    def say(self, words):
        self.said.append(words)


@pytest.fixture
def account(shop, sandbox, tmp_path):
    return msgspec.structs.replace(shop.config.account("news"), session=tmp_path / "logins" / "new.session")


@pytest.fixture
def owner(sandbox):
    return sandbox.do(lambda: sandbox.telegram.add_user(phone=PHONE, first_name="Mária"))


async def log_in(account, dialog):
    messenger = Telegram(account)
    try:
        return await messenger.login(dialog)
    finally:
        await messenger.close()


async def prove(account):
    messenger = Telegram(account)
    try:
        await messenger.open()
        return await messenger.send("me", "", Message("It works"), 1)
    finally:
        await messenger.close()


async def test_a_code_logs_in_and_stays_logged_in(account, owner):
    dialog = ScriptedDialog(answers={"phone": PHONE, "code": "12345"})
    info = await log_in(account, dialog)
    assert (info.identity, info.display_name, info.details["kind"]) == (PHONE, "Mária", "person")
    assert [name for name, _ in dialog.asked] == ["phone", "code"]
    assert dialog.memory == {}
    assert (await prove(account)).remote_id


async def test_a_wrong_code_is_bad_input(account, owner):
    with pytest.raises(InputError, match="code is wrong"):
        await log_in(account, ScriptedDialog(phone=PHONE, answers={"code": "54321"}))
    with pytest.raises(LoginLost):
        await prove(account)


async def test_a_number_that_is_none_is_bad_input(account):
    with pytest.raises(InputError, match="phone number"):
        await log_in(account, ScriptedDialog(phone="+36", answers={"code": "12345"}))


async def test_two_runs_need_the_number_once(account, owner):
    memory = {}
    with pytest.raises(SetupMissing) as caught:
        await log_in(account, ScriptedDialog(memory, phone=PHONE))
    assert "--code" in caught.value.hint
    assert memory["phone"] == PHONE
    assert "12345" not in str(memory)
    info = await log_in(account, ScriptedDialog(memory, code="12345"))
    assert info.identity == PHONE
    assert memory == {}


async def test_another_number_in_the_second_run_gets_a_code_of_its_own(account, owner, sandbox):
    memory = {}
    with pytest.raises(SetupMissing):
        await log_in(account, ScriptedDialog(memory, phone="+36309998888"))
    info = await log_in(account, ScriptedDialog(memory, phone=PHONE, code="12345"))
    assert info.identity == PHONE


async def test_two_step_verification_asks_for_the_password_in_secret(account, sandbox):
    sandbox.do(lambda: sandbox.telegram.add_user(phone=PHONE, password=PASSWORD))
    dialog = ScriptedDialog(phone=PHONE, answers={"code": "12345", "password": PASSWORD})
    assert (await log_in(account, dialog)).identity == PHONE
    assert ("password", True) in dialog.asked
    assert (await prove(account)).remote_id


async def test_a_wrong_password_is_bad_input_and_may_be_given_again(account, sandbox):
    sandbox.do(lambda: sandbox.telegram.add_user(phone=PHONE, password=PASSWORD))
    memory = {}
    with pytest.raises(InputError, match="password is wrong"):
        await log_in(account, ScriptedDialog(memory, phone=PHONE, code="12345", password="wrong"))
    assert PASSWORD not in str(memory)
    info = await log_in(account, ScriptedDialog(memory, password=PASSWORD))
    assert info.identity == PHONE


async def test_two_runs_with_the_password_in_the_second(account, sandbox):
    sandbox.do(lambda: sandbox.telegram.add_user(phone=PHONE, password=PASSWORD))
    memory = {}
    with pytest.raises(SetupMissing) as caught:
        await log_in(account, ScriptedDialog(memory, phone=PHONE, code="12345"))
    assert "--password-file" in caught.value.hint
    info = await log_in(account, ScriptedDialog(memory, password=PASSWORD))
    assert info.identity == PHONE


async def test_a_qr_code_is_scanned(account, owner, sandbox):
    dialog = ScriptedDialog(qr="yes", on_code=lambda link: sandbox.do(sandbox.telegram.scan, owner, link))
    assert (await log_in(account, dialog)).identity == PHONE
    assert (await prove(account)).remote_id


async def test_a_qr_code_and_two_step_verification_go_together(account, sandbox):
    owner = sandbox.do(lambda: sandbox.telegram.add_user(phone=PHONE, password=PASSWORD))
    dialog = ScriptedDialog(
        qr="yes",
        answers={"password": PASSWORD},
        on_code=lambda link: sandbox.do(sandbox.telegram.scan, owner, link),
    )
    assert (await log_in(account, dialog)).identity == PHONE


async def test_who_is_logged_in_already_is_asked_nothing(account, owner):
    await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))
    dialog = ScriptedDialog()
    assert (await log_in(account, dialog)).identity == PHONE
    assert dialog.asked == []


async def test_a_revoked_login_is_made_anew(account, owner, sandbox):
    await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))
    sandbox.do(sandbox.telegram.revoke, owner)
    assert (await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))).identity == PHONE


async def test_a_key_that_the_server_forgot_is_thrown_away(account, owner, sandbox):
    await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))

    def forget_keys():
        world = sandbox.telegram._world
        for key in tuple(world.keys_of(owner.id)):
            world.drop_key(key)

    sandbox.do(forget_keys)
    assert (await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))).identity == PHONE


async def test_a_bots_token_is_all_it_takes(account):
    bot = msgspec.structs.replace(account, token=Secret(BOT_TOKEN))
    dialog = ScriptedDialog()
    info = await log_in(bot, dialog)
    assert info.details["kind"] == "bot"
    assert dialog.asked == []


@pytest.mark.parametrize("token", ["no token", "12:x", "700001"])
async def test_a_wrong_bot_token_is_told(account, token):
    bot = msgspec.structs.replace(account, token=Secret(token))
    with pytest.raises((InputError, LoginLost)) as caught:
        await log_in(bot, ScriptedDialog())
    assert caught.value.hint
    assert token not in caught.value.message


async def test_the_session_file_is_the_owners_alone(account, owner):
    await log_in(account, ScriptedDialog(phone=PHONE, code="12345"))
    assert account.session.stat().st_mode & 0o077 == 0
    assert account.session.parent.stat().st_mode & 0o077 == 0


class TestViber:
    @pytest.fixture
    def account(self, sandbox, shop):
        assert sandbox.viber.port
        return shop.config.account("viber")

    async def test_the_token_is_all_it_takes(self, account):
        messenger = Viber(account)
        dialog = ScriptedDialog()
        info = await messenger.login(dialog)
        assert (info.identity, info.display_name) == ("viber", "Régi Divat VIP")
        assert any("--webhook" in words for words in dialog.said)
        await messenger.close()

    async def test_a_wrong_token_is_a_lost_login(self, account):
        messenger = Viber(msgspec.structs.replace(account, token=Secret("wrong-token-0001")))
        with pytest.raises(LoginLost) as caught:
            await messenger.login(ScriptedDialog())
        assert "--token-file" in caught.value.hint
        assert "wrong-token-0001" not in str(caught.value) + caught.value.words
        await messenger.close()

    async def test_without_a_token_a_person_is_asked_for_it(self, account):
        messenger = Viber(msgspec.structs.replace(account, token=None))
        dialog = ScriptedDialog()
        with pytest.raises(SetupMissing) as caught:
            await messenger.login(dialog)
        assert dialog.asked == [("token", True)]
        assert "--token-file" in caught.value.hint

    async def test_a_token_that_is_typed_logs_in(self, account):
        messenger = Viber(msgspec.structs.replace(account, token=None))
        dialog = ScriptedDialog(answers={"token": account.token.reveal()})
        info = await messenger.login(dialog)
        assert info.display_name == "Régi Divat VIP"
        await messenger.close()

    async def test_a_webhook_without_a_certificate_is_refused(self, account):
        messenger = Viber(account)
        with pytest.raises(ConfigError, match="https"):
            await messenger.login(ScriptedDialog(webhook="http://regidivat.example/viber"))
        await messenger.close()
