"""Settings: where a value came from, what is refused and how it is told, and secrets that never show."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from vipcast.config import Secret, load, parse_rate, token_variable
from vipcast.errors import ConfigError, InputError
from vipcast.places import find_folder

BASE = '[shop]\nname = "Régi Divat"\n'


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def settings(folder, text=BASE, env="", **environ):
    (folder / "vipcast.toml").write_text(text, encoding="utf-8")
    if env:
        (folder / ".env").write_text(env, encoding="utf-8")
    return load(folder, environ)


def account(text, folder, env="", **environ):
    return settings(folder, BASE + text, env, **environ).accounts["news"]


NEWS = '[accounts.news]\nmessenger = "telegram"\nrole = "announce"\n'
VIBER = '[accounts.news]\nmessenger = "viber"\nrole = "announce"\n'
IN_SANDBOX = "[sandbox]\nenabled = true\ntelegram_port = 1111\nviber_port = 2222\n"


def test_the_folder_is_the_flags_then_the_environments_then_this_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    environ = {"VIPCAST_SHOP": "/from/environment"}
    assert find_folder(Path("/from/flag"), environ) == (Path("/from/flag"), "--shop")
    assert find_folder(None, environ) == (Path("/from/environment"), "VIPCAST_SHOP")
    assert find_folder(None, {"VIPCAST_SHOP": ""}) == (tmp_path, "the current folder")


def test_a_folder_without_a_shop_says_how_to_make_one(folder):
    with pytest.raises(InputError) as caught:
        load(folder, {}, source="--shop")
    assert "--shop" in caught.value.message
    assert "vipcast init" in caught.value.hint


def test_the_sample_shop_is_valid(shop_folder):
    found = load(shop_folder, {})
    assert list(found.accounts) == ["news", "viber", "support"]
    assert found.sandbox.enabled


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("", "`shop` is missing", "shop"),
        ("[shop]\n", "`name` is missing in [shop]", "name"),
        ("[shop\n", "not valid TOML", "square brackets"),
        ("[shop]\nname = Anna\n", "not valid TOML", ""),
        (BASE + "nmae = 'x'\n", "unknown key `nmae` in [shop]", "`name`"),
        (BASE + "[shpo]\n", "unknown key `shpo`", "`shop`"),
        ("[shop]\nname = 5\n", "`shop.name` must be a text in quotes", ""),
        (BASE + "formal = 'yes'\n", "`shop.formal` must be true or false", ""),
        (BASE + "language = 'de'\n", "must be one of hu, cs, fi, ru, en", ""),
        (BASE + "region = 'Hungary'\n", "two letters", ""),
        (BASE + "region = 'hu'\n", "two letters", ""),
        (BASE + "timezone = 'Budapest'\n", "no time zone", "Europe/Budapest"),
        (BASE + "timezone = '/etc/passwd'\n", "no time zone", "Europe/Budapest"),
        (BASE + "timezone = '../UTC'\n", "no time zone", "Europe/Budapest"),
        (BASE + "timezone = ''\n", "no time zone", "Europe/Budapest"),
        (
            BASE + "[accounts.News]\nmessenger='telegram'\nrole='announce'\n",
            "cannot be called 'News'",
            "small",
        ),
        (BASE + '[accounts."../x"]\nmessenger="telegram"\nrole="announce"\n', "cannot be called", "small"),
        (BASE + "[accounts.news]\nmessenger='telegram'\n", "`role` is missing in [accounts", "role"),
        (BASE + "[accounts.news]\nmessenger='telegram'\nrole='sell'\n", "role", ""),
        (BASE + NEWS + "rate = 'fast'\n", "`accounts.news.rate` is 'fast'", ""),
        (BASE + NEWS + "rate = '0/s'\n", "`accounts.news.rate`", ""),
        (BASE + "[sandbox]\ntelegram_port = 'x'\n", "`sandbox.telegram_port` must be a whole number", ""),
    ],
)
def test_a_fault_names_the_file_the_key_and_the_remedy(folder, text, words, hint):
    with pytest.raises(ConfigError) as caught:
        settings(folder, text)
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert str(folder / "vipcast.toml") in caught.value.where


def test_a_fault_of_toml_names_its_line(folder):
    with pytest.raises(ConfigError) as caught:
        settings(folder, BASE + 'language = "hu"\nregion = HU\n')
    assert caught.value.where == f"{folder / 'vipcast.toml'}:4"


@pytest.mark.parametrize("content", [b"\xff\xfe[\0s\0", BASE.encode("iso8859-2")])
def test_another_encoding_is_told(folder, content):
    (folder / "vipcast.toml").write_bytes(content)
    with pytest.raises(ConfigError, match="UTF-8"):
        load(folder, {})


def test_a_byte_order_mark_is_no_fault(folder):
    (folder / "vipcast.toml").write_bytes(b"\xef\xbb\xbf" + BASE.encode())
    assert load(folder, {}).shop.name == "Régi Divat"


@pytest.mark.parametrize("key", ["token", "api_id", "api_hash", "password"])
def test_a_secret_in_the_settings_is_refused_with_its_place_in_env(folder, key):
    with pytest.raises(ConfigError, match="secret") as caught:
        settings(folder, BASE + NEWS + f"{key} = '12345:secret'\n")
    assert ".env" in caught.value.hint
    assert "12345" not in caught.value.message + caught.value.hint


def test_secrets_come_from_env_and_the_environment_stands_above_it(folder):
    env = "VIPCAST_NEWS_TOKEN=from-file\nVIPCAST_TELEGRAM_API_ID=77\nVIPCAST_TELEGRAM_API_HASH=hash\n"
    found = account(NEWS, folder, env)
    assert (found.token.reveal(), found.api_id, found.api_hash.reveal()) == ("from-file", 77, "hash")
    found = settings(folder, BASE + NEWS, env, VIPCAST_NEWS_TOKEN="from-environment", OTHER="x")
    assert found.accounts["news"].token.reveal() == "from-environment"
    assert found.sources["VIPCAST_NEWS_TOKEN"] == "the environment"
    assert found.sources["VIPCAST_TELEGRAM_API_ID"] == ".env"
    assert "OTHER" not in found.sources


def test_nothing_but_the_given_environment_is_read(folder, monkeypatch):
    monkeypatch.setenv("VIPCAST_NEWS_TOKEN", "not asked for")
    assert account(NEWS, folder).token is None


def test_the_variable_of_a_token_can_be_set_in_a_shell():
    assert token_variable("news") == "VIPCAST_NEWS_TOKEN"
    assert token_variable("news-hu-2") == "VIPCAST_NEWS_HU_2_TOKEN"


def test_an_api_id_that_is_no_number_is_told(folder):
    with pytest.raises(ConfigError, match="must be a number"):
        account(NEWS, folder, "VIPCAST_TELEGRAM_API_ID=abc\n")


def test_a_damaged_env_is_told(folder):
    (folder / ".env").write_bytes(b"VIPCAST_NEWS_TOKEN=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"\.env cannot be read"):
        settings(folder)


def test_in_the_sandbox_accounts_need_no_secrets(folder):
    telegram = account(IN_SANDBOX + NEWS, folder)
    assert (telegram.server, telegram.is_loopback, telegram.token) == ("127.0.0.1:1111", True, None)
    assert telegram.session == folder / ".vipcast" / "sandbox" / "sessions" / "news.session"
    viber = account(IN_SANDBOX + VIBER, folder)
    assert (viber.server, viber.token.reveal()) == ("http://127.0.0.1:2222/pa", "sandbox-news")


def test_real_logins_and_the_sandboxs_never_mix(folder):
    real = account(NEWS, folder)
    assert (real.server, real.is_loopback) == ("", False)
    assert real.session == folder / ".vipcast" / "sessions" / "news.session"
    assert account(IN_SANDBOX + NEWS, folder).session != real.session


def test_another_server_is_not_the_sandbox(folder):
    text = IN_SANDBOX + NEWS + '[endpoints]\ntelegram = "test.example:443"\ntelegram_rsa_key = "key.pem"\n'
    found = account(text, folder)
    assert (found.server, found.server_key) == ("test.example:443", folder / "key.pem")
    assert (found.is_loopback, found.api_id, found.api_hash) == (False, 0, None)
    assert found.session == folder / ".vipcast" / "sessions" / "news.session"
    found = account(text, folder, VIPCAST_TELEGRAM_SERVER="127.0.0.1:9")
    assert (found.server, found.is_loopback) == ("127.0.0.1:9", True)


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://127.0.0.1:8444/pa", True),
        ("http://localhost:8444/pa", True),
        ("https://127.5.5.5/pa", True),
        ("http://[::1]:8444/pa", True),
        ("https://chatapi.viber.com/pa", False),
        ("http://127.0.0.1.evil.example/pa", False),
        ("http://127.0.0.1@evil.example/pa", False),
        ("http://localhost.evil.example/pa", False),
    ],
)
def test_only_this_machine_is_loopback(folder, url, is_here):
    assert account(VIBER, folder, VIPCAST_VIBER_URL=url).is_loopback is is_here


def test_a_sender_name_falls_back_to_the_shops(folder):
    assert account(NEWS, folder).sender_name == "Régi Divat"
    assert account(NEWS + "sender_name = 'VIP'\n", folder).sender_name == "VIP"


def test_an_account_that_does_not_exist_lists_those_that_do(folder):
    with pytest.raises(InputError) as caught:
        settings(folder, BASE + NEWS).account("viber")
    assert "Accounts: news." in caught.value.message


def test_a_secret_never_shows_itself(folder, caplog):
    secret = Secret("12345:very-secret")
    found = account(NEWS, folder, "VIPCAST_NEWS_TOKEN=12345:very-secret\n")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r %s", secret, secret, found)
    shown = f"{secret} {secret!r} {found} {found!r} {[secret]} {caplog.text}"
    assert "very-secret" not in shown
    assert "***" in shown
    with pytest.raises((TypeError, msgspec.ValidationError)):
        msgspec.json.encode(found)


def test_secrets_are_equal_by_value():
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a") != "a"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("", None), ("unlimited", 0.0), ("1/s", 1.0), ("30/min", 0.5), ("1.5 / sec", 1.5), ("7200/hour", 2.0)],
)
def test_a_rate_is_read(text, rate):
    assert parse_rate(text) == rate
