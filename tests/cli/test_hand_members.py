"""Members who are written to by hand, and a shop that has no other way."""

from __future__ import annotations

import pytest
from hand_steps import CILI, by_hand, people
from support import announce

from vipcast.shop import Shop


@pytest.fixture
def shop(empty):
    """The command line for a shop that posts by hand, with three people who are reached in no other way."""
    by_hand(empty.folder)
    with opened(empty) as shop:
        people(shop)
    return empty


def opened(vipcast):
    return Shop.open(vipcast.folder, {})


def test_addresses_of_such_networks_are_taken(shop):
    added = shop.data(
        "member", "add", "Kiss Dóra", "--address", "whatsapp=06 30 765 4321", "--address", "snapchat=@Dora.K",
    )  # fmt: skip
    found = {one["messenger"]: one["address"] for one in added["addresses"]}
    assert found == {"whatsapp": "+36307654321", "snapchat": "dora.k"}
    changed = shop.data("member", "edit", "Kiss Dóra", "--preferred", "snapchat")
    assert changed["preferred"] == "snapchat"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("whatsapp=anna", "country code"),
        ("snapchat=a b", "user name"),
        ("signal=+36307654321", '[by_hand] networks = ["signal"]'),
        ("viber=+36307654321", "member link"),  # the shop's bot could not write there
        ("icq=1", "telegram, viber"),
    ],
)
def test_others_are_not(shop, address, said):
    problem = shop.problem("member", "edit", "Kovács Anna", "--address", address)
    assert said in problem["hint"]


def test_without_a_bot_viber_goes_by_phone(shop):
    shop.change_settings('[accounts.viber]\nmessenger = "viber"', '[accounts.viber]\nmessenger = "telegram"')
    changed = shop.data("member", "edit", "Kovács Anna", "--address", "viber=06307654321")
    assert {"messenger": "viber", "address": "+36307654321"}.items() <= changed["addresses"][-1].items()


def test_a_shop_without_accounts_posts_by_hand(empty):
    text = (empty.folder / "vipcast.toml").read_text(encoding="utf-8")
    start, end = text.index("[accounts.news]"), text.index("[hours]")
    (empty.folder / "vipcast.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    by_hand(empty.folder)
    assert "vipcast member import" in empty().out, "nothing is missing but members"
    with opened(empty) as shop:
        people(shop, CILI)
        announce(shop, ["gold"])
    assert empty.data("hand", "next")["member"] == "Tóth Cili"
    assert not [one for one in empty("doctor", "--json").data if "No account" in one["what"]]
