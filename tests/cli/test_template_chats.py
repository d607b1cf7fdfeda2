"""`template check` and `template preview` for groups that have a chat."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vipcast.groups import chats, seats
from vipcast.shop import Shop

PERSONAL = '+++\ntitle = "A note"\n+++\nNews for {{ member.name }}.\n\nAsk: {{ support.link }}\n'
FOR_ALL = PERSONAL.replace(
    "{{ member.name }}", "{% if group.is_chat %}all{% else %}{{ member.name }}{% endif %}"
)


@pytest.fixture
def shop(vipcast):
    """A shop whose group has a Czech chat on Telegram, and another one kept by hand."""
    for name, text in (("personal", PERSONAL), ("for-all", FOR_ALL)):
        folder = vipcast.folder / "templates" / name
        folder.mkdir()
        for language, note in (
            ("cs", text.replace("News", "Novinky")),
            ("hu", text),
            ("fi", text),
            ("en", text),
        ):
            (folder / f"{language}.md").write_text(note, encoding="utf-8")
    vipcast.data("group", "create", "byhand")
    give_chat(vipcast, "gold", chats.CHAT, account="news", messenger="telegram", language="cs")
    give_chat(vipcast, "byhand", chats.BY_HAND, messenger="whatsapp")
    return vipcast


def give_chat(vipcast, name, mode, *, account="", **values):
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with Shop.open(vipcast.folder, {}) as opened, opened.database.write() as connection:
        group = seats.get(connection, name)
        chats.set_mode(connection, group, mode)
        if account:
            seats.set_chat(connection, group, account, f"-100{group.id}")
        chats.put(connection, group, {"state": chats.READY, "made_at": now, "title": name, **values})


def test_check_for_a_group_with_a_chat_faults_what_is_personal(shop):
    ran = shop("template", "check", "personal", "--group", "gold", "--json")
    assert ran.code == 2
    assert [one["code"] for one in ran.envelope["errors"]] == ["personal-in-chat"]
    assert ran.problem["where"].endswith("cs.md:4")  # in the chat's language only
    assert "{% if group.is_chat %}Dear all" in ran.problem["hint"]
    assert shop.data("template", "check", "for-all", "--group", "gold")["faults"] == 0


def test_check_for_a_group_kept_by_hand_reads_the_shops_language(shop):
    assert shop.problem("template", "check", "personal", "--group", "byhand")["where"].endswith("hu.md:4")


def test_check_without_a_group_warns_of_the_chats(shop):
    found = shop.data("template", "check", "personal")["findings"]
    assert {(one["level"], one["code"]) for one in found} == {("warning", "personal-in-chat")}
    assert sorted(one["message"].partition(": ")[2] for one in found) == [
        "This cannot go to the chat of 'byhand': line 4 is personal.",
        "This cannot go to the chat of 'gold': line 4 is personal.",
    ]
    assert shop.data("template", "check", "for-all")["findings"] == []


def test_a_closed_group_is_not_warned_of(shop):
    shop.data("group", "close", "byhand", "--yes")
    (found,) = shop.data("template", "check", "personal")["findings"]
    assert "'gold'" in found["message"]


def test_check_of_a_shop_without_chats_is_as_it_was(vipcast):
    with_group = vipcast.data("template", "check", "note", "--group", "gold")
    assert with_group == vipcast.data("template", "check", "note")
    assert "personal-in-chat" not in str(with_group)


def test_check_for_an_unknown_group_names_the_nearest(shop):
    assert "gold" in shop.problem("template", "check", "for-all", "--group", "gild")["hint"]


def test_preview_shows_the_chats_message_before_those_of_members(shop):
    rows = shop.data("template", "preview", "for-all", "--group", "gold", "--messenger", "telegram")
    assert (rows[0]["chat"], rows[0]["member"], rows[0]["messenger"]) == ("gold", None, "telegram")
    assert rows[0]["text"].startswith("Novinky for all.")
    assert len(rows) == 7
    assert all(row["member"] in row["text"] for row in rows[1:])
    assert (
        "── all in the chat of gold on telegram"
        in shop("template", "preview", "for-all", "--group", "gold").out
    )


def test_preview_of_a_personal_text_tells_it_and_shows_the_members(shop):
    ran = shop("template", "preview", "personal", "--group", "gold", "--messenger", "telegram", "--json")
    assert ran.code == 2
    assert ran.problem["message"].startswith(
        "all in the chat of gold: personal/cs.md: member.name is personal"
    )
    assert len(ran.data) == 6


def test_preview_on_another_messenger_than_the_chats_shows_members_only(shop):
    rows = shop.data("template", "preview", "for-all", "--group", "gold", "--messenger", "viber")
    assert len(rows) == 6
    assert not [row for row in rows if "chat" in row]


def test_preview_of_a_chat_kept_by_hand_is_in_its_networks_form(shop):
    path = shop.folder / "templates" / "for-all" / "hu.md"
    path.write_text(FOR_ALL.replace("News", "**News**"), encoding="utf-8")
    (row,) = shop.data("template", "preview", "for-all", "--group", "byhand")
    assert (row["messenger"], row["text"].partition(".")[0]) == ("whatsapp", "*News* for all")


def test_preview_of_a_chat_nobody_sits_in_shows_its_message(shop):
    give_chat(shop, "byhand", chats.CHAT, account="news", messenger="telegram", language="hu")
    (row,) = shop.data("template", "preview", "for-all", "--group", "byhand")
    assert row["text"].startswith("News for all.")
