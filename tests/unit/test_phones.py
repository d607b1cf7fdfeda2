"""Phone numbers as they stand in files, and what only looks like one."""

from __future__ import annotations

import pytest

from vipcast.errors import InputError
from vipcast.members.phones import Phone, PhoneReader


@pytest.mark.parametrize(
    ("region", "text", "e164"),
    [
        ("HU", "06 30 123 4567", "+36301234567"),
        ("HU", "06-30/123-4567", "+36301234567"),
        ("HU", "(+36) 30 123-4567", "+36301234567"),
        ("HU", "+36 (0)30 123 4567", "+36301234567"),
        ("HU", "0036301234567", "+36301234567"),
        ("HU", "36301234567", "+36301234567"),
        ("HU", "301234567", "+36301234567"),
        ("HU", "\u00a006\u00a030\u00a0123\u00a04567 ", "+36301234567"),
        ("HU", "'+36301234567", "+36301234567"),
        ("HU", '="06301234567"', "+36301234567"),
        ("HU", "06 30 123 4567 (anya)", "+36301234567"),
        ("HU", "mobil: 06 30 123 4567", "+36301234567"),
        ("HU", "+358 40 1234567", "+358401234567"),
        ("CZ", "603 123 456", "+420603123456"),
        ("CZ", "00420 603 123 456", "+420603123456"),
        ("FI", "040 123 4567", "+358401234567"),
        ("FI", "401234567", "+358401234567"),
        ("FI", "358401234567.0", "+358401234567"),
        ("FI", "3.58401234567E+11", "+358401234567"),
        ("RU", "8 (916) 123-45-67", "+79161234567"),
        ("RU", "9161234567", "+79161234567"),
        ("RU", "+7 701 234 5678", "+77012345678"),
        ("US", "(202) 555-0102", "+12025550102"),
    ],
)
def test_numbers_as_people_and_spreadsheets_write_them(region, text, e164):
    phone = PhoneReader(region).read(text)
    assert phone is not None
    assert phone.e164 == e164


@pytest.mark.parametrize("region", ["HU", "CZ", "FI", "RU", "US"])
@pytest.mark.parametrize(
    "text",
    [
        "1984-05-12", "1984. 05. 12.", "12.05.1984", "5/12/1984", "1984.05.12. 10:00",  # birthdays
        "12345678-1-42", "CZ12345678", "HU12345678", "840512/1234", "240301A921V",  # tax and identity numbers
        "3.58E+11", "3,58401E+11",  # digits are lost
        "=1+1", "=6301234567*1", "ask her daughter", "", " ", "-", "06 30", "12", "+", "0" * 300, "+999 123 456 789",
        "06301234567 és 06209876543",  # two numbers are not one
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_none(region, text):
    assert PhoneReader(region).read(text) is None


def test_mobile_and_fixed_lines_are_told_apart():
    reader = PhoneReader("HU")
    assert reader.read("+36 30 123 4567") == Phone("+36301234567", is_mobile=True)
    assert reader.read("06 1 234 5678") == Phone("+3612345678", is_mobile=False)


def test_a_column_without_plus_is_read_as_international_unless_it_has_two_readings():
    reader = PhoneReader("HU")
    assert reader.read_international("33612345678") == Phone("+33612345678", is_mobile=True)
    assert reader.read("33612345678") is None
    assert reader.read_international("36301234567") == Phone("+36301234567", is_mobile=True)
    assert reader.read_international("06301234567") == Phone("+36301234567", is_mobile=True)
    finnish = PhoneReader("FI").read_international("4930901820")  # a number in Finland, and one in Germany
    assert finnish is None or finnish.e164.startswith("+49") or finnish.e164.startswith("+358")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1984-05-12", "is a date"),
        ("3.63E+10", "shortened by the spreadsheet"),
        ("06 30 12", "a good one: +36 20 123 4567"),
    ],
)
def test_a_bad_number_is_explained(text, words):
    assert words in PhoneReader("HU").problem(text)
    assert text in PhoneReader("HU").problem(text)


def test_an_unknown_region_is_refused():
    with pytest.raises(InputError, match="'XX' is no country"):
        PhoneReader("XX")
