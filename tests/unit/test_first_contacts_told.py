"""First contacts in words and in order: whom to approach first, what is advised, what is wrong."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from first_contact_steps import announce_to, hears, name_of, strangers
from schedule_steps import BUDAPEST
from support import prepare

from vipcast.delivery import contacts
from vipcast.delivery.contacts import DEFAULT_FIRST_CONTACTS_PER_DAY, Budget
from vipcast.delivery.sender import STOPPED_HINTS
from vipcast.errors import ConfigError


def test_order_is_who_wrote_then_contacts_then_the_others(shop):
    hears(shop, name_of(4))
    hears(shop, name_of(2))
    people = [(name_of(n), n) for n in range(1, 6)]
    with shop.database.read() as connection:
        found = contacts.in_order(connection, "news", people, {name_of(5), name_of(2)}, lambda one: one[0])
        plain = contacts.in_order(connection, "news", [name_of(1), name_of(4)], ())
    assert [number for _, number in found] == [2, 4, 5, 1, 3]
    assert plain == [name_of(4), name_of(1)]


def advice(shop, budget=None, *, minds=True):
    able = shop.messengers["telegram"].capabilities
    planned = prepare(shop, ["group0"]).plan.deliveries
    accounts = {"news": replace(able, minds_strangers=minds)}
    with shop.database.read() as connection:
        return contacts.advice(connection, planned, accounts, budget)


def test_advice_is_given_for_many_strangers(shop):
    announce_to(shop, *strangers(shop, 16))
    for number in (1, 2):
        hears(shop, name_of(number))
    assert advice(shop) == (
        "14 of them never wrote to news. Telegram limits accounts that write first to many people: to spread "
        "them over days, set first_contacts_per_day = 10 in [limits]."
    )
    assert advice(shop, Budget(BUDAPEST, 3)) == ""
    assert advice(shop, minds=False) == ""


def test_no_advice_for_as_many_as_are_no_harm(shop):
    announce_to(shop, *strangers(shop, DEFAULT_FIRST_CONTACTS_PER_DAY))
    assert advice(shop) == ""


def with_limit(shop, value):
    limits = type(shop.config.limits)(first_contacts_per_day=value)
    shop.config = msgspec.structs.replace(shop.config, limits=limits)
    return shop


def test_limit_of_the_settings(shop):
    assert with_limit(shop, 7).budget == Budget(BUDAPEST, 7)
    assert shop.dispatcher().budget == shop.budget
    assert with_limit(shop, None).budget is None


@pytest.mark.parametrize("value", [0, -1])
def test_wrong_limit_names_the_key_and_the_file(shop, value):
    with pytest.raises(ConfigError) as wrong:
        with_limit(shop, value).dispatcher()
    assert "limits.first_contacts_per_day" in wrong.value.message
    assert wrong.value.where.endswith("vipcast.toml")


def test_owner_of_a_limited_account_is_told_what_to_do():
    hint = STOPPED_HINTS["limited"].format(name="news")
    for part in (
        "@SpamBot",
        "vipcast account check news --clear",
        "first_contacts_per_day",
        "nothing is lost",
    ):
        assert part in hint
