"""The customers' groups on the sandbox's page: followed links, waiting, what is said there, who is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from telethon import TelegramClient, functions

from vipcast.cli.demo_room import PEOPLE, Reader, Room
from vipcast.sandbox.customers import Rule, Script
from vipcast.sandbox.page import invite_links, telegram_of
from vipcast.sandbox.service import Sandbox

SHOP, HELP, ANNA, BELA = "+36209999999", "+36208888888", "+36301234567", "@bela_x"
VIOLA = "viola-on-viber=="
HOSTILE = '<img src=x onerror="alert(1)">\u202e'


class Played:
    """A sandbox with a shop's group, reached as the page reaches it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.telegram = sandbox.telegram
        self.session = folder / "news.session"
        self.pool = urllib3.PoolManager(retries=False, timeout=10)
        self.shop = sandbox.do(self.telegram.add_user, phone=SHOP, first_name="Shop")
        self.helper = sandbox.do(self.telegram.add_user, phone=HELP, first_name="Help")
        sandbox.do(self.telegram.provision_session, self.session, self.shop)
        sandbox.do(self.telegram.provision_session, folder / "help.session", self.helper)
        self.gold = sandbox.do(self.telegram.create_group, self.shop, "Gold", [self.helper])
        self.gold.forbidden = frozenset({"send_messages", "send_plain"})

    def ask(self, path: str, data: Any = None) -> tuple[int, Any]:
        body = None if data is None else json.dumps(data).encode()
        answer = self.pool.request(
            "GET" if data is None else "POST",
            self.sandbox.page_url.rstrip("/") + path,
            body=body,
            headers={"Content-Type": "application/json"},
        )
        return answer.status, answer.json()

    def do(self, path: str, customer: str, **more: Any) -> Any:
        """Let a customer do something that must succeed; who begins with + or @ is on Telegram."""
        network = "telegram" if customer[0] in "+@" else "viber"
        status, answer = self.ask(path, {"network": network, "customer": customer, **more})
        assert status == 200, answer
        return answer

    def refused(self, path: str, customer: str, **more: Any) -> str:
        network = "telegram" if customer[0] in "+@" else "viber"
        status, answer = self.ask(path, {"network": network, "customer": customer, **more})
        assert status == 422, answer
        return str(answer["error"])

    def link(self, **terms: Any) -> str:
        return str(self.sandbox.do(self.telegram.invite_link, self.gold, **terms))

    def phone(self, customer: str) -> Any:
        found = {one["customer"]: one for one in self.ask("/phones")[1]["phones"]}
        return found[customer]

    def card(self) -> Any:
        (gold,) = self.ask("/phones")[1]["groups"]
        return gold

    def inside(self) -> list[str]:
        return [one["customer"] for one in self.card()["people"]]

    def admit(self, customer: str, *, is_approved: bool = True) -> None:
        person = self.sandbox.do(self.telegram.find, customer)
        self.sandbox.do(self.telegram.admit, self.gold, person, is_approved=is_approved)

    def tell(self, customer: str, text: str) -> None:
        """Let the shop's program write: to a customer, or into its group."""

        async def send() -> None:
            client = TelegramClient(str(self.session), 1, "x")
            await client.connect()
            try:
                if customer.startswith("#"):
                    (dialog,) = [one for one in await client.get_dialogs() if one.is_group]
                    await client.send_message(dialog.input_entity, text)
                else:
                    found = await client(functions.contacts.ResolvePhoneRequest(customer.lstrip("+")))
                    await client.send_message(found.users[0], text)
            finally:
                await client.disconnect()

        self.sandbox.call(send())
        self.sandbox.call(self.sandbox.customers.settle())


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    with Sandbox(tmp_path / "sandbox").run_in_thread() as sandbox:
        world = Played(sandbox, tmp_path)
        yield world
        world.pool.clear()


def test_a_customer_follows_the_link_waits_and_reads_what_is_posted(played: Played) -> None:
    link = played.link(request_needed=True)
    played.tell(ANNA, f"Your link: {link}. Welcome!")
    assert played.phone(ANNA)["messages"][0]["links"] == [link]
    assert played.phone(ANNA)["groups"] == []

    done = played.do("/follow", ANNA, link=link)
    assert done == {"ok": True, "customer": ANNA, "to": "#Gold", "is_in": False}
    (waits,) = played.phone(ANNA)["groups"]
    assert (waits["title"], waits["is_in"], waits["may_write"]) == ("Gold", False, False)
    assert [one["customer"] for one in played.card()["waiting"]] == [ANNA]
    assert played.inside() == [SHOP, HELP]

    played.admit(ANNA)
    played.tell("#Gold", "The sale begins.")
    assert played.card()["waiting"] == []
    assert played.inside() == [SHOP, HELP, ANNA]
    phone = played.phone(ANNA)
    assert [(one["text"], one["account"]) for one in phone["messages"] if not one["is_note"]][1:] == [
        ("The sale begins.", "#Gold")
    ]
    assert "was let in" in [one["text"] for one in phone["messages"] if one["is_note"]]
    (gold,) = phone["groups"]
    assert (gold["is_in"], gold["may_write"]) == (True, False)
    assert gold["unread"] > 0
    played.do("/read", ANNA, to="#Gold")
    assert played.phone(ANNA)["groups"][0]["unread"] == 0


def test_members_write_only_where_they_may(played: Played) -> None:
    played.do("/follow", ANNA, link=played.link())
    assert "Only who leads" in played.refused("/say", ANNA, to="#Gold", text="Hello")
    assert not played.card()["members_write"]
    played.gold.forbidden = frozenset()
    played.do("/say", ANNA, to="#Gold", text="Hello")
    assert played.card()["members_write"]
    assert played.phone(ANNA)["groups"][0]["may_write"]
    assert ("Hello", False) in [(one["text"], one["is_own"]) for one in played.phone(HELP)["messages"]]


def test_who_leaves_sees_the_group_no_more(played: Played) -> None:
    played.tell(ANNA, "Hello")
    assert played.do("/follow", ANNA, link=played.link())["is_in"]
    played.do("/unsubscribe", ANNA, to="#Gold")
    phone = played.phone(ANNA)
    assert (phone["groups"], phone["accounts"]) == ([], [SHOP])
    assert played.inside() == [SHOP, HELP]
    assert "is not in" in played.refused("/unsubscribe", ANNA, to="#Gold")
    assert "cannot leave" in played.refused("/unsubscribe", SHOP, to="#Gold")


def test_who_was_turned_away_neither_waits_nor_is_in(played: Played) -> None:
    link = played.link(request_needed=True)
    played.do("/follow", BELA, link=link)
    assert played.phone(BELA)["messages"] == []  # nobody ever wrote: the phone is there because they wait
    played.admit(BELA, is_approved=False)
    assert BELA not in [one["customer"] for one in played.ask("/phones")[1]["phones"]]
    assert (played.inside(), played.card()["waiting"]) == ([SHOP, HELP], [])


def test_a_link_that_arrived_on_viber_is_followed_with_telegram(played: Played) -> None:
    own = telegram_of(VIOLA)
    assert played.do("/follow", VIOLA, link=played.link())["customer"] == own
    assert played.do("/follow", VIOLA, link=played.link(), person=BELA)["customer"] == BELA
    assert played.inside() == [SHOP, HELP, own, BELA]
    assert telegram_of("somebody else") != own


def test_another_name_keeps_the_phone_and_a_deleted_account_is_nobodys(played: Played) -> None:
    played.do("/follow", BELA, link=played.link())
    before = played.phone(BELA)["id"]
    played.do("/rename", BELA, first_name=HOSTILE, last_name="X", username="@bela_new")
    phone = played.phone("@bela_new")
    assert (phone["id"], phone["name"]) == (before, f"{HOSTILE} X")
    assert played.card()["people"][-1]["name"] == f"{HOSTILE} X"
    assert "somebody else's" in played.refused("/rename", ANNA, username="bela_new")
    assert "first name" in played.refused("/rename", "@bela_new", first_name=" ")

    played.do("/delete-account", "@bela_new")
    assert played.phone("@bela_new")["is_deleted"]
    assert played.card()["people"][-1]["is_deleted"]  # there until somebody removes them
    for path, more in (("/say", {"to": SHOP, "text": "x"}), ("/follow", {"link": played.link()})):
        assert "deleted" in played.refused(path, "@bela_new", **more)
    assert "deleted" in played.refused("/delete-account", "@bela_new")


def test_bad_links_and_deeds_are_explained(played: Played) -> None:
    once = played.link(usage_limit=1)
    played.do("/follow", ANNA, link=f" {once} ")
    assert "used up" in played.refused("/follow", BELA, link=once)
    assert "already" in played.refused("/follow", ANNA, link=once)
    assert "No group" in played.refused("/follow", BELA, link="https://t.me/+nothing")
    assert "whole link" in played.refused("/follow", BELA, link="")
    assert "is reached" in played.refused("/follow", VIOLA, link=once, person="nonsense!")
    assert "Telegram only" in played.refused("/rename", VIOLA, first_name="V")
    assert "Telegram only" in played.refused("/delete-account", VIOLA)
    assert played.ask("/follow", {"network": "telegram", "customer": ANNA})[0] == 400
    assert played.ask("/rename", {"network": "telegram", "customer": ANNA, "phone": "1"})[0] == 400


def test_two_groups_with_one_title_are_told_apart(played: Played) -> None:
    second = played.sandbox.do(played.telegram.create_group, played.shop, "Gold")
    played.do("/follow", ANNA, link=played.link())
    (theirs,) = played.phone(ANNA)["groups"]
    cards = {one["to"]: len(one["people"]) for one in played.ask("/phones")[1]["groups"]}
    assert cards == {"#Gold": 1, theirs["to"]: 3}
    assert theirs["to"] != "#Gold"
    played.do("/subscribe", BELA, to="#Gold")
    assert second.member(played.sandbox.do(played.telegram.find, BELA).id)
    played.do("/unsubscribe", ANNA, to=theirs["to"])
    assert len(played.gold.present()) == 2


def test_links_in_a_text_are_found_whole() -> None:
    link = "https://t.me/+Ab-_9"
    text = f"({link}-), {link}- https://t.me/joinchat/xyz, https://t.me/shop_help {link}-"
    assert invite_links(text) == [f"{link}-", "https://t.me/joinchat/xyz"]
    assert invite_links("https://t.me/+ http://t.me/+abc") == []


def test_scripted_customers_follow_their_own_link_once_and_accounts_are_not_played(tmp_path: Path) -> None:
    rules = (Rule(do="follow"), Rule(do="read", group="*", times=0), Rule(do="say", group="*", text="Hi"))
    with Sandbox(tmp_path / "sandbox", script=Script(rules)).run_in_thread() as sandbox:
        played = Played(sandbox, tmp_path)
        played.gold.forbidden = frozenset()
        link = played.link(request_needed=True)
        played.tell(ANNA, "No link here")
        assert played.phone(ANNA)["groups"] == []
        played.tell(ANNA, f"Go: {link}")
        assert [one["customer"] for one in played.card()["waiting"]] == [ANNA]
        played.admit(ANNA)
        played.do("/unsubscribe", ANNA, to="#Gold")
        played.tell(ANNA, f"Once more: {link}")
        assert played.card()["waiting"] == []
        sandbox.do(played.telegram.join, played.gold, sandbox.do(played.telegram.find, ANNA))
        played.tell("#Gold", "News")
        assert played.phone(ANNA)["groups"][0]["unread"] == 0
        said = [
            (one.sender.label, one.text) for one in sandbox.do(played.telegram.group_history, played.gold)
        ]
        played.pool.clear()
    assert [one for one in said if one[1]] == [
        (SHOP, "News"),
        (ANNA, "Hi"),
    ]  # the helper's program says nothing


def test_a_scripted_customer_on_viber_follows_as_whom_the_script_says(tmp_path: Path) -> None:
    script = Script((Rule(do="follow", who="viola*", person=BELA), Rule(do="follow", who="other")))
    with Sandbox(tmp_path / "sandbox", script=script).run_in_thread() as sandbox:
        played = Played(sandbox, tmp_path)
        link = played.link()

        async def hear() -> None:
            for who in (VIOLA, "other"):
                sandbox.customers.hear("viber", who, "news", f"Go: {link}")
            await sandbox.customers.settle()

        sandbox.call(hear())
        assert played.inside() == [SHOP, HELP, BELA, telegram_of("other")]
        played.pool.clear()


def test_the_demo_calls_the_room_right_only_when_the_phones_do() -> None:
    inside = [Reader(name, is_in=True, in_room=1, privately=0) for name in PEOPLE][1:]
    elsewhere = Reader("Hajdú Réka", is_in=False, in_room=0, privately=1)
    stranger = Reader("a stranger", is_in=False, in_room=0, privately=0)
    right = Room("Gold", (*inside, elsewhere), stranger, strangers_wait=0, posts=1)
    assert right.is_right
    wrong = (
        replace(right, posts=2),
        replace(right, strangers_wait=1),
        replace(right, stranger=replace(stranger, is_in=True)),
        replace(right, stranger=replace(stranger, privately=1)),
        replace(right, readers=(*inside, replace(elsewhere, privately=2))),
        replace(right, readers=(*inside, replace(elsewhere, privately=0))),
        replace(right, readers=(*inside, replace(inside[0], privately=1))),
        replace(right, readers=(elsewhere,)),
    )
    assert [one.is_right for one in wrong] == [False] * len(wrong)
    assert right.view()[-1] == (
        "4 of 5 came into Gold; the stranger was not let in. "
        "The announcement stands in the room 1 × and went out privately 1 ×."
    )
