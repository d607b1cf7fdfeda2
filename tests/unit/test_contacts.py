"""Addresses in the cells of a customer file: phones, e-mails, Telegram, Viber."""

from __future__ import annotations

import pytest
from reading import one, read

from vipcast.members.reading.rows import Reject


def test_several_addresses_of_a_kind_are_kept_once_each_with_mobiles_first(tmp_path):
    row = one(
        tmp_path,
        "Phone;Mobile;Email",
        "06 1 234 5678;06301234567 ::: +36301234567, 06/20-123-4567;A@x.hu, b@x.hu a@X.hu",
    )
    assert row.phones == ("+36301234567", "+36201234567", "+3612345678")
    assert row.emails == ("a@x.hu", "b@x.hu")


@pytest.mark.parametrize(
    ("cell", "telegram", "phones"),
    [
        ("@Anna_Kovacs", "@anna_kovacs", ()),
        ("anna_kovacs", "@anna_kovacs", ()),
        ("https://t.me/Anna_Kovacs", "@anna_kovacs", ()),
        ("t.me/anna_kovacs?start=1", "@anna_kovacs", ()),
        ("tg://resolve?domain=anna_kovacs", "@anna_kovacs", ()),
        ("123456789", "123456789", ()),
        ("+36 30 123 4567", "", ("+36301234567",)),
        ("06 30 123 4567", "", ("+36301234567",)),
        ("'@anna_kovacs", "@anna_kovacs", ()),
    ],
)
def test_telegram_in_all_its_spellings(tmp_path, cell, telegram, phones):
    row = one(tmp_path, "Name;Telegram", f"Anna;{cell}")
    assert (row.telegram, row.phones) == (telegram, phones)


@pytest.mark.parametrize(
    "cell", ["nincs", "none", "нет", "igen", "https://t.me/+AbCdEf", "x y", "@kp", "anna@example.com"]
)
def test_what_is_no_telegram_address(tmp_path, cell):
    assert isinstance(read(tmp_path, "Name;Telegram", f"Anna;{cell}")[0], Reject)


def test_viber_ids_and_the_phone_numbers_that_stand_in_their_place(tmp_path):
    assert one(tmp_path, "Viber ID", "01234567890A=").viber == "01234567890A="
    assert (
        one(tmp_path, "Viber ID;Name", "'+f0e8WW/shXMvcNgCZi+4pIQ==;Anna").viber
        == "+f0e8WW/shXMvcNgCZi+4pIQ=="
    )
    row = one(tmp_path, "Viber", "06 30 123 4567")
    assert (row.viber, row.phones) == ("", ("+36301234567",))
