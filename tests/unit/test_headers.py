"""Which column holds what, in the exports of many programs and in five languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipcast.errors import InputError
from vipcast.members.reading.headers import FIELDS, map_columns, recognise
from vipcast.members.reading.tabular import open_table

IMPORTS = Path(__file__).parents[1] / "data" / "imports"

# file -> the columns that are read, by field; every other column is left alone
EXPORTS = {
    "google-new.csv": {
        "first_name": ["First Name"], "middle_name": ["Middle Name"], "last_name": ["Last Name"], "birthday": ["Birthday"],
        "note": ["Notes"], "tags": ["Labels"], "email": ["E-mail 1 - Value", "E-mail 2 - Value"],
        "phone": ["Phone 1 - Value", "Phone 2 - Value"], "country": ["Address 1 - Country"],
    },
    "google-old.csv": {
        "name": ["Name"], "first_name": ["Given Name"], "middle_name": ["Additional Name"], "last_name": ["Family Name"],
        "birthday": ["Birthday"], "note": ["Notes"], "language": ["Language"], "tags": ["Group Membership"],
        "email": ["E-mail 1 - Value"], "phone": ["Phone 1 - Value"],
    },
    "mailchimp-subscribed.csv": {
        "email": ["Email Address"], "first_name": ["First Name"], "last_name": ["Last Name"], "phone": ["Phone Number"],
        "birthday": ["Birthday"], "note": ["NOTES"], "tags": ["TAGS"],
    },
    "shopify.csv": {
        "first_name": ["First Name"], "last_name": ["Last Name"], "email": ["Email"],
        "opted_out": ["Accepts Email Marketing", "Accepts SMS Marketing"], "country": ["Default Address Country Code"],
        "phone": ["Default Address Phone", "Phone"], "note": ["Note"], "tags": ["Tags"],
    },
    "hubspot.csv": {
        "first_name": ["First Name"], "last_name": ["Last Name"], "email": ["Email"],
        "phone": ["Phone Number", "Mobile Phone Number"], "opted_out": ["Unsubscribed from all email"],
        "birthday": ["Date of birth"], "language": ["Preferred language"],
    },
    "woocommerce.csv": {
        "email": ["user_email", "billing_email"], "name": ["display_name"], "first_name": ["first_name"],
        "last_name": ["last_name"], "phone": ["billing_phone"], "country": ["billing_country"],
    },
    "salesforce.csv": {
        "first_name": ["First Name"], "last_name": ["Last Name"], "country": ["Mailing Country"],
        "phone": ["Phone", "Mobile"], "email": ["Email"], "birthday": ["Birthdate"],
        "opted_out": ["Email Opt Out", "Do Not Call"],
    },
    "brevo.csv": {
        "email": ["EMAIL"], "first_name": ["FIRSTNAME"], "last_name": ["LASTNAME"],
        "phone": ["SMS", "LANDLINE_NUMBER", "WHATSAPP"], "opted_out": ["OPT_IN"],
    },
    "russian-excel.csv": {
        "name": ["ФИО"], "phone": ["Моб. тел."], "email": ["Эл. почта"], "birthday": ["Дата рождения"],
        "telegram": ["Ник в Telegram"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_mapped_as_its_program_means_it(name):
    with open_table(IMPORTS / name) as table:
        found: dict[str, list[str]] = {}
        for column in table.report.columns:
            assert column.reason
            if column.field:
                found.setdefault(column.field, []).append(column.column)
    assert found == EXPORTS[name]


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (
            "phone",
            "Telefonszám|Mobil*|Tel.:|mobile_phone|Puh.|Puhelinnumero|Telefonní číslo|Номер телефона|PhoneNumber|Cell #|GSM",
        ),
        (
            "phone",
            "Customer Phone Number|Person - Phone - Mobile|Telefon (mobil)|Matkapuhelin 2|Рабочий телефон",
        ),
        (
            "email",
            "E-mail|email_address|E-mail cím:|Sähköposti|Эл. почта|Emailová adresa|Work e-mail 2|E-MAIL 1 – VALUE",
        ),
        ("first_name", "Keresztnév|FirstName|given-name|Etunimi|FNAME|Křestní jméno|Person - First name"),
        ("last_name", "Vezetéknév|Příjmení|Sukunimi|Фамилия|SURNAME|LNAME|family name"),
        ("name", "Név|Teljes név|Jméno a příjmení|Nimi|Full Name|Ügyfél neve|Имя и фамилия"),
        ("name:family-first", "ФИО|Příjmení a jméno|Suku- ja etunimi|Фамилия Имя Отчество"),
        (
            "telegram",
            "Telegram|TG|Telegram username|Ник в Telegram|Телеграм|Telegram-tunnus|Telegram felhasználónév",
        ),
        ("viber", "Viber|Viber azonosító|Viber ID|Viber-tunnus|Вайбер"),
        ("birthday", "Születésnap|Szül. dátum|Datum narození|Syntymäaika|Дата рождения|DOB|Date of Birth"),
        (
            "consent_at",
            "Hozzájárulás ideje|Souhlas udělen|Suostumuksen aika|Дата согласия|Consent at|consent_at",
        ),
        (
            "consent_source",
            "Hozzájárulás forrása|Zdroj souhlasu|Suostumuksen lähde|Источник согласия|consent source",
        ),
        ("language", "Nyelv|Jazyk|Kieli|Язык|Locale"),
        ("formal", "Megszólítás|Oslovení|Puhuttelu|Обращение|Formal"),
        ("messenger", "Üzenetküldő|Viestisovellus|Мессенджер|Preferred messenger|Komunikátor"),
        ("opted_out", "Leiratkozott|Odhlášen|Отписан|Unsubscribed|Opted out"),
        (
            None,
            "Fax|Company phone|Assistant's Phone|E-mail 1 - Type|Phone 1 - Label|Shipping phone|Contact owner|Adószám",
        ),
        (
            None,
            "OPTIN_TIME|Email Marketing Consent Timestamp|Company Name|Customer ID|Username|Nickname|Rodné číslo|ИНН",
        ),
    ],
)
def test_names_of_columns_in_five_languages(field, names):
    assert {name: recognise(name)[0] for name in names.split("|")} == dict.fromkeys(names.split("|"), field)


def fields(header: str, **overrides: str) -> list[str | None]:
    return [c.field for c in map_columns(header.split(";"), overrides, "list.csv:1")]


def test_a_czech_or_russian_name_is_the_given_one_beside_a_family_name():
    assert fields("Příjmení;Jméno;Telefon")[1] == "first_name"
    assert fields("Jméno;Telefon")[0] == "name"
    assert fields("Имя;Телефон")[0] == "name"


def test_a_second_column_for_one_field_is_reported_and_not_read():
    columns = map_columns(["Phone", "Birthday", "Birth date"], {}, "list.csv:1")
    assert [c.field for c in columns] == ["phone", "birthday", None]
    assert "second column for birthday" in columns[2].reason


def test_what_the_user_says_goes_before_what_is_recognised():
    assert fields("Phone;Alt;Name", Alt="phone", Phone="ignore", Name="extra:shop") == [
        None,
        "phone",
        "extra:shop",
    ]
    assert fields("Birthday;Born;Phone", Born="birthday") == [None, "birthday", "phone"]


def test_a_column_can_be_named_loosely_or_by_number():
    assert fields("Mobil szám;Kulcs", **{"mobil SZAM": "note", "#2": "viber"}) == ["note", "viber"]
    assert fields("Nap;Nap;Telefon", **{"Nap#2": "birthday"}) == [None, "birthday", "phone"]


@pytest.mark.parametrize(
    ("overrides", "message", "hint"),
    [
        ({"Telefno": "phone"}, "no column 'Telefno'", "did you mean 'Telefon'?"),
        ({"Zzz": "phone"}, "no column 'Zzz'", "Telefon, Nap, Nap"),
        ({"#9": "phone"}, "no column '#9'", "the columns are"),
        ({"Telefon": "fone"}, "'fone' is no field", "did you mean phone?"),
        ({"Telefon": "sähköposti"}, "no field", "did you mean email?"),
        ({"Telefon": "extra:"}, "no field", "extra:NAME"),
        ({"Nap": "birthday"}, "exists 2 times", "Nap#2=birthday"),
    ],
)
def test_a_wrong_override_is_refused_with_what_was_meant(overrides, message, hint):
    with pytest.raises(InputError) as caught:
        map_columns(["Telefon", "Nap", "Nap"], overrides, "list.csv:1")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.where


def test_every_field_can_be_asked_for():
    for field in FIELDS:
        assert fields("X;Phone", X=field)[0] == (None if field == "ignore" else field)
