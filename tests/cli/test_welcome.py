"""`vipcast` alone: where one stands, and the next command, which then works."""

from __future__ import annotations

from commandline import CommandLine, ended, start


def test_no_shop_here(tmp_path):
    ran = ended(start(cwd=tmp_path))
    assert ran.code == 0
    assert "vipcast demo" in ran.out
    assert "vipcast init myshop" in ran.out
    assert ran.err == ""


def test_named_shop_that_is_none_is_an_error(tmp_path):
    ran = CommandLine(tmp_path / "nowhere")()
    assert (ran.code, ran.out) == (2, "")
    assert "vipcast init" in ran.err


def test_each_step_names_the_next(empty, network):
    assert "Régi Divat" in empty().out
    assert "vipcast member import" in empty().out
    empty.data("member", "add", "Kovács Anna", "--phone", "06 30 555 0101", "--consent", "in the shop")
    assert "vipcast group create gold" in empty().out
    empty.data("group", "create", "gold")
    assert "vipcast group add gold" in empty().out
    empty.data("group", "add", "gold", "Anna")
    assert "vipcast send new-collection --group gold" in empty().out


def test_next_send_names_a_group_and_a_template_that_are_there(empty):
    empty.data("member", "add", "Kovács Anna", "--phone", "06 30 555 0101", "--consent", "in the shop")
    empty.data("group", "create", "silver")
    empty.data("group", "add", "silver", "Anna")
    assert "--group silver" in empty().out


def test_unfinished_announcement_comes_first(online):
    online.data("send", "note", "--group", "gold", "--limit", "1", "--yes")
    assert "vipcast announcement resume 1" in online().out
    online.data("announcement", "resume", 1)
    assert "vipcast announcement show" in online().out


def test_shop_without_an_account_begins_with_one(empty):
    for name in ("news", "viber"):
        empty.data("account", "remove", name, "--yes")
    assert "vipcast account add news" in empty().out


def test_one_is_no_plural(empty):
    empty.data("member", "add", "Kovács Anna", "--phone", "06 30 555 0101")
    empty.data("group", "create", "gold")
    assert "1 members" not in empty().out
    assert "1 groups" not in empty().out
