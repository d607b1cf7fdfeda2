"""Logging in without a person at the keyboard: code, two-step password, bot and Viber tokens."""

from __future__ import annotations

import stat
import sys

import pytest

BOT_TOKEN = "424242:AAEhBOweik9ai2o01YLVf2zFjhs9dNg3kBQ"


@pytest.fixture
def token_file(tmp_path):
    file = tmp_path / "token.txt"
    file.write_text(f"{BOT_TOKEN}\n", encoding="utf-8")
    return file


def test_code_comes_in_a_second_run(online):
    first = online("account", "add", "second", "--messenger", "telegram", "--phone", "+99966155501")
    assert first.code == 5
    assert "has sent a code to +99966155501" in first.err
    assert "--code 12345" in first.err
    second = online("account", "add", "second", "--code", "12345")
    assert second.code == 0, second.said()
    assert "second is logged in to telegram" in second.out
    assert online("account", "check", "second").code == 0
    session = online.folder / ".vipcast" / "sandbox" / "sessions" / "second.session"
    if sys.platform != "win32":
        assert stat.S_IMODE(session.stat().st_mode) == 0o600
        assert stat.S_IMODE(session.parent.stat().st_mode) == 0o700


def test_wrong_code_is_told_and_the_right_one_still_works(online):
    online("account", "add", "second", "--messenger", "telegram", "--phone", "+99966155502")
    problem = online.problem("account", "add", "second", "--code", "99999")
    assert problem["message"] == "The code is wrong."
    assert problem["hint"]
    assert online("account", "add", "second", "--code", "12345").code == 0


def test_two_step_password_from_a_file(online, network, tmp_path):
    network.do(network.telegram.add_user, phone="+99966155503", first_name="Two", password="open sesame")
    online("account", "add", "second", "--messenger", "telegram", "--phone", "+99966155503")
    missing = online("account", "add", "second", "--code", "12345")
    assert missing.code == 5
    assert "--password-file" in missing.err
    wrong, right = tmp_path / "wrong.txt", tmp_path / "right.txt"
    wrong.write_text("open barley\n", encoding="utf-8")
    right.write_text("open sesame\n", encoding="utf-8")
    refused = online("account", "add", "second", "--password-file", wrong)
    assert refused.code == 2
    assert "open barley" not in refused.said()
    assert online("account", "add", "second", "--password-file", right).code == 0


def test_bot_by_a_token_in_a_file(online, network, token_file):
    network.do(network.telegram.add_user, bot_token=BOT_TOKEN, first_name="Shop bot", username="shop_cli_bot")
    ran = online("account", "add", "robot", "--messenger", "telegram", "--bot", "--token-file", token_file)
    assert ran.code == 0, ran.said()
    assert BOT_TOKEN not in ran.said()
    assert "VIPCAST_ROBOT_TOKEN" in (online.folder / ".env").read_text(encoding="utf-8")
    assert BOT_TOKEN not in (online.folder / "vipcast.toml").read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE((online.folder / ".env").stat().st_mode) == 0o600


def test_bot_by_a_token_on_standard_input(online, network):
    network.do(network.telegram.add_user, bot_token=BOT_TOKEN, first_name="Shop bot", username="shop_cli_bot")
    ran = online("account", "add", "robot", "--messenger", "telegram", "--token-file", "-", typed=BOT_TOKEN)
    assert ran.code == 0, ran.said()


@pytest.mark.parametrize("messenger", ["telegram", "viber"])
def test_wrong_token_is_bad_input_or_missing_setup(online, tmp_path, messenger):
    file = tmp_path / "token.txt"
    file.write_text("000000:a-wrong-and-secret-token", encoding="utf-8")
    ran = online("account", "add", "robot", "--messenger", messenger, "--token-file", file)
    assert ran.code in (2, 5)
    assert "token" in ran.err
    assert "a-wrong-and-secret-token" not in ran.said()
    assert "→" in ran.err


@pytest.mark.parametrize("messenger", ["telegram", "viber"])
def test_missing_token_names_the_flag(online, messenger):
    problem = online.problem("account", "add", "robot", "--messenger", messenger, "--bot", code=5)
    assert "--token-file" in problem["hint"]
    assert "VIPCAST_ROBOT_TOKEN" in problem["hint"]


@pytest.mark.parametrize("phone", ["abc", "12", "+"])
def test_phone_number_that_is_none(online, phone):
    assert online.problem("account", "add", "second", "--messenger", "telegram", "--phone", phone)["hint"]


def test_phone_number_is_asked_for_by_its_flag(online):
    assert "--phone" in online.problem("account", "add", "second", "--messenger", "telegram", code=5)["hint"]


@pytest.mark.parametrize("name", ["Bad Name", "News", "2nd", "new_s", "", "a" * 40])
def test_name_that_cannot_be_leaves_the_settings_alone(online, name):
    before = (online.folder / "vipcast.toml").read_bytes()
    online.problem("account", "add", name, "--messenger", "telegram", "--phone", "+99966155504")
    assert (online.folder / "vipcast.toml").read_bytes() == before
    assert online("group", "list").code == 0


@pytest.mark.parametrize(
    "flags", [("--messenger", "fax"), ("--messenger", "telegram", "--role", "boss"), ()], ids=" ".join
)
def test_account_that_makes_no_sense_leaves_the_settings_alone(online, flags):
    before = (online.folder / "vipcast.toml").read_bytes()
    assert online.problem("account", "add", "second", *flags)["hint"]
    assert (online.folder / "vipcast.toml").read_bytes() == before


def test_webhook_must_be_https(online):
    assert (
        "https://"
        in online.problem("account", "add", "viber", "--webhook", "http://example.com/x")["message"]
    )


def test_list_never_shows_a_secret(online, monkeypatch):
    monkeypatch.setenv("VIPCAST_VIBER_TOKEN", "a-very-secret-token")
    assert (
        "a-very-secret-token"
        not in online("account", "list").said() + online("account", "list", "--json").out
    )


def test_removed_account_is_gone_with_its_secrets(online, network, token_file):
    network.do(network.telegram.add_user, bot_token=BOT_TOKEN, first_name="Shop bot", username="shop_cli_bot")
    online("account", "add", "robot", "--messenger", "telegram", "--bot", "--token-file", token_file)
    assert online("account", "remove", "robot").code == 2
    assert online("account", "remove", "robot", "--yes").code == 0
    assert "robot" not in online.settings()["accounts"]
    assert BOT_TOKEN not in (online.folder / ".env").read_text(encoding="utf-8")
    assert not (online.folder / ".vipcast" / "sandbox" / "sessions" / "robot.session").exists()


def test_settings_keep_their_comments(online):
    online("account", "add", "second", "--messenger", "telegram", "--phone", "+99966155505")
    text = (online.folder / "vipcast.toml").read_text(encoding="utf-8")
    assert "# The shop's settings." in text
    assert online.settings()["accounts"]["second"] == {"messenger": "telegram", "role": "announce"}


def test_account_that_never_logged_in_is_no_secret_to_the_doctor(online):
    online("account", "add", "second", "--messenger", "telegram", "--phone", "+99966155506")
    ran = online("doctor")
    assert (ran.code, "second" in ran.out) == (5, True)


def test_doctor_of_a_good_shop(online):
    ran = online("doctor", "--online")
    assert ran.code == 0, ran.out
    assert "All is well." in ran.out
    assert ran.out.count("works.") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="rights are the folder's there")
@pytest.mark.parametrize("name", [".env", ".vipcast", ".vipcast/vipcast.db"])
def test_doctor_finds_what_others_can_read(online, name):
    path = online.folder / name
    path.chmod(path.stat().st_mode | 0o044)
    ran = online("doctor")
    assert ran.code == 5
    assert f"Others can read {name}." in ran.out
    assert f"chmod go= {path}" in ran.out


def test_doctor_finds_a_fault_in_the_hours(online):
    online.change_settings("9:00-12:30", "25:00-26:00")
    ran = online("doctor")
    assert ran.code == 5
    assert "hours" in ran.out


def test_doctor_names_a_template_that_cannot_be_read(online):
    (online.folder / "templates" / "note" / "en.md").write_text("no front matter", encoding="utf-8")
    ran = online("doctor")
    assert (ran.code, "Template note" in ran.out) == (5, True)


def test_doctor_before_the_sandbox_was_ever_started(vipcast):
    ran = vipcast("doctor")
    assert ran.code == 5
    assert "vipcast sandbox" in ran.out


def test_a_support_account_that_is_the_announcing_one_is_refused_and_leaves_nothing(online):
    assert online("account", "check", "news").code == 0  # who it is, is known now
    online(
        "account", "add", "helper", "--messenger", "telegram", "--role", "support", "--phone", "+99966100001"
    )
    problem = online.problem("account", "add", "helper", "--role", "support", "--code", "12345")
    assert "the same one" in problem["message"]
    assert "another login" in problem["hint"]
    assert not (online.folder / ".vipcast" / "sandbox" / "sessions" / "helper.session").exists()


def test_one_bot_for_news_and_support_is_refused_by_its_token(online):
    table = '\n[accounts.second]\nmessenger = "viber"\nrole = "support"\n'
    path = online.folder / "vipcast.toml"
    path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")
    token = "VIPCAST_VIBER_TOKEN=one-and-the-same\nVIPCAST_SECOND_TOKEN=one-and-the-same\n"
    (online.folder / ".env").write_text(token, encoding="utf-8")
    problem = online.problem("account", "list")
    assert "'viber' and 'second' are the same one" in problem["message"]
    assert "one-and-the-same" not in str(problem)
