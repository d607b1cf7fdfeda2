"""Records -> members: dates, consent, opt-outs, and a reason for everything that is left out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from reading import one, read, read_file, refused

from vipcast.members.reading.rows import MemberRow, Reject

IMPORTS = Path(__file__).parents[1] / "data" / "imports"


@pytest.mark.parametrize(
    "name",
    [
        "google-new.csv", "google-old.csv", "outlook.csv", "mailchimp-subscribed.csv", "shopify.csv", "woocommerce.csv",
        "hubspot.csv", "square.csv", "wix.csv", "squarespace.csv", "brevo.csv", "klaviyo.csv", "pipedrive.csv",
        "salesforce.csv", "zoho.csv", "lightspeed.csv", "hungarian-excel.csv", "apple.vcf",
    ],
)  # fmt: skip
def test_anna_is_read_from_every_export(name):
    row = read_file(IMPORTS / name)[0]
    assert isinstance(row, MemberRow), row
    assert (row.first_name, row.last_name) == ("Anna", "Kovács")
    assert row.name in ("Kovács Anna", "Anna Kovács")
    assert row.phones[0] == "+36301234567"
    assert "anna@example.com" in row.emails or "anna.kovacs@example.com" in row.emails
    assert not row.opted_out
    assert row.birthday in (None, date(1984, 5, 12), date(1984, 5, 13))
    assert "+36209999999" not in row.phones  # somebody else's, to whom things are shipped
    assert not any(phone.startswith("+361999") for phone in row.phones)  # fax, assistant, company


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mailchimp-unsubscribed.csv", 2),
        ("hubspot.csv", 3),
        ("square.csv", 3),
        ("wix.csv", 3),
        ("klaviyo.csv", 3),
        ("salesforce.csv", 3),
    ],
)
def test_bela_has_opted_out_in_every_export_that_says_so(name, line):
    out = [row.line for row in read_file(IMPORTS / name) if isinstance(row, MemberRow) and row.opted_out]
    assert out == [line]


def test_no_marketing_is_an_opt_out_and_never_asked_is_none():
    shopify = read_file(IMPORTS / "shopify.csv")
    assert [row.opted_out for row in shopify] == [False, True]  # e-mail yes and SMS no; both no
    assert [row.phones for row in shopify] == [("+36301234567",), ("+420603123456",)]  # by each row's country
    assert [row.consent_at for row in read_file(IMPORTS / "mailchimp-subscribed.csv")] == [None]


def test_what_excel_saves_in_four_countries():
    hungarian = read_file(IMPORTS / "hungarian-excel.csv")
    assert [row.line for row in hungarian] == [5, 7, 8, 9]
    assert [(row.name, row.first_name) for row in hungarian] == [
        ("Kovács Anna", "Anna"),
        ("Özv. Nagyné Kiss Ilona", "Ilona"),
        ("dr. Őze Béla", "Béla"),
        ("Kovács Béláné", ""),  # her husband's name: hers is not known
    ]
    assert hungarian[0].consent_at == datetime(2025, 3, 4, 10, tzinfo=UTC)
    assert hungarian[0].note == "két\nsor"
    czech = read_file(IMPORTS / "czech-excel.csv", "CZ", "cs")
    assert [(row.name, row.first_name, row.last_name) for row in czech] == [
        ("Ing. Šárka Nováková, Ph.D.", "Šárka", "Nováková"),
        ("Řehoř Dvořák", "Řehoř", "Dvořák"),
    ]
    assert czech[0].birthday == date(1987, 2, 14)
    finnish = read_file(IMPORTS / "finnish-excel.csv", "FI", "fi")
    assert [(row.name, row.language, row.phones) for row in finnish] == [
        ("Yrjö Äijälä", "fi", ("+358401234567",)),
        ("Åsa Öhman", "en", ("+358401234568",)),
    ]
    russian = read_file(IMPORTS / "russian-excel.csv", "RU", "ru")
    assert [(row.first_name, row.last_name, row.telegram) for row in russian] == [
        ("Ольга", "Ёлкина", "@olga_elkina"),
        ("Пётр", "Щукин", "@petr_shchukin"),
    ]
    assert read_file(IMPORTS / "tab-utf16.txt", "RU", "ru")[0].name == "Ольга Ёлкина"


def test_a_row_is_kept_for_its_good_address_and_says_what_was_bad(tmp_path):
    row = one(tmp_path, "Name;Phone;Phone 2;Email", "Anna;06 30 12;06301234567;anna@", language="en")
    assert row.phones == ("+36301234567",)
    assert [("'06 30 12'" in w, "'anna@'" in w) for w in row.warnings] == [(True, False), (False, True)]


def test_a_row_with_no_good_address_is_refused_with_the_value_and_a_good_one(tmp_path):
    row = refused(tmp_path, "Name;Phone", "Anna;06 30 12")
    assert (row.line, row.code, row.cells) == (2, "bad-address", ("Anna", "06 30 12"))
    assert "'06 30 12'" in row.reason
    assert "+36 20 123 4567" in row.reason
    assert refused(tmp_path, "Name;Phone", "Anna;").code == "no-address"
    assert refused(tmp_path, "Name;Phone", "Anna; - ").code == "no-address"


@pytest.mark.parametrize(
    ("language", "word", "formal"),
    [
        ("hu", "magázás", True), ("hu", "tegezés", False), ("hu", "Ön", True), ("hu", "te", False), ("hu", "igen", True),
        ("cs", "vykání", True), ("cs", "tykání", False), ("cs", "vy", True), ("cs", "ne", False),
        ("fi", "teitittely", True), ("fi", "sinuttelu", False), ("fi", "te", True), ("fi", "ei", False),
        ("ru", "на Вы", True), ("ru", "на ты", False), ("ru", "да", True), ("en", "formal", True), ("en", "no", False),
        ("cs", "te", None), ("en", "perhaps", None), ("en", "-", None),
    ],
)  # fmt: skip
def test_formal_and_informal_in_the_words_of_each_language(tmp_path, language, word, formal):
    row = one(tmp_path, "Phone;Language;Formal", f"06301234567;{language};{word}", language="en")
    assert row.formal is formal


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("magyar", "hu"),
        ("Čeština", "cs"),
        ("suomi", "fi"),
        ("Русский", "ru"),
        ("orosz", "ru"),
        ("hu-HU", "hu"),
        ("EN", "en"),
        ("de", ""),
    ],
)
def test_languages_by_code_and_by_name(tmp_path, word, code):
    row = one(tmp_path, "Phone;Language", f"06301234567;{word}")
    assert row.language == code
    assert bool(row.warnings) is not bool(code)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("1984. 05. 12.", date(1984, 5, 12)),
        ("1984.05.12", date(1984, 5, 12)),
        ("12.5.1984", date(1984, 5, 12)),
        ("12. 5. 1984", date(1984, 5, 12)),
        ("1984-05-12", date(1984, 5, 12)),
        ("19840512", date(1984, 5, 12)),
        ("12.5.84", date(1984, 5, 12)),
        ("13/5/1984", date(1984, 5, 13)),
        ("5/13/1984", date(1984, 5, 13)),
        ("5/5/1984", date(1984, 5, 5)),
        ("30814", date(1984, 5, 12)),
        ("1984. május 12.", date(1984, 5, 12)),
        ("12. července 1984", date(1984, 7, 12)),
        ("12. června 1984", date(1984, 6, 12)),
        ("12. marraskuuta 1984", date(1984, 11, 12)),
        ("12 мая 1984 г.", date(1984, 5, 12)),
        ("May 12, 1984", date(1984, 5, 12)),
        ("1984", None),
        ("--05-12", None),
        ("1990-02-30", None),
        ("2093-04-18", None),
        ("1850-01-01", None),
    ],
)
def test_birthdays_in_the_orders_of_each_country(tmp_path, cell, day):
    row = one(tmp_path, "Phone;Birthday", f'06301234567;"{cell}"')
    assert row.birthday == day
    assert bool(row.warnings) is (day is None)


def test_an_ambiguous_date_is_settled_by_its_column_or_refused(tmp_path):
    header = "Phone;Consent at"
    telling = read(tmp_path, header, "06301234567;03/04/2025", "06301234568;25/04/2025")
    assert [row.consent_at.day for row in telling] == [3, 25]
    american = read(tmp_path, header, "06301234567;03/04/2025", "06301234568;04/25/2025")
    assert [row.consent_at.month for row in american] == [3, 4]
    alone = refused(tmp_path, header, "06301234567;03/04/2025")
    assert alone.code == "ambiguous-date"
    assert "--date-order dmy or mdy" in alone.reason
    assert one(tmp_path, header, "06301234567;03/04/2025", date_order="mdy").consent_at.month == 3
    assert one(tmp_path, header, "06301234567;03/04/2025", date_order="dmy").consent_at.month == 4


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2025-03-04", datetime(2025, 3, 3, 23, tzinfo=UTC)),
        ("2025. 03. 04. 10:00", datetime(2025, 3, 4, 9, tzinfo=UTC)),
        ("4.3.2025 klo 10.00", datetime(2025, 3, 4, 9, tzinfo=UTC)),
        ("2025-03-04T10:00:00Z", datetime(2025, 3, 4, 10, tzinfo=UTC)),
        ("2025-03-04 10:00:00 +0200", datetime(2025, 3, 4, 8, tzinfo=UTC)),
        ("45720,5", datetime(2025, 3, 4, 11, tzinfo=UTC)),
        ("yes", None),
        ("nem", None),
        ("", None),
    ],
)
def test_when_consent_was_given_in_the_shops_time(tmp_path, cell, moment):
    row = one(
        tmp_path,
        "Phone;Consent at;Consent source",
        f"06301234567;{cell};paper",
        timezone=ZoneInfo("Europe/Budapest"),
    )
    assert row.consent_at == moment
    assert row.consent_source == "paper"
    assert bool(row.warnings) is (cell == "yes")  # consent with no day is no proof


@pytest.mark.parametrize("cell", ["last spring", "2093-01-01", "2025-13-45"])
def test_consent_that_cannot_be_proved_refuses_the_row(tmp_path, cell):
    assert refused(tmp_path, "Phone;Consent at", f"06301234567;{cell}").code == "bad-consent"


@pytest.mark.parametrize(
    ("header", "cell", "is_out"),
    [
        ("Unsubscribed", "yes", True), ("Unsubscribed", "no", False), ("Unsubscribed", "", False),
        ("Leiratkozott", "igen", True), ("Leiratkozott", "2024.01.02.", True), ("Odhlášen", "ano", True),
        ("Отписан", "да", True), ("Peruttu", "kyllä", True), ("Unsubscribed at", "2024-03-04", True),
        ("Accepts marketing", "no", True), ("Accepts marketing", "yes", False), ("Accepts marketing", "", False),
        ("Status", "unsubscribed", True), ("Status", "leiratkozott", True), ("Status", "no", False), ("Status", "new", False),
        ("Email subscription status", "bounced", False),
    ],
)  # fmt: skip
def test_opt_outs_in_the_words_of_programs_and_people(tmp_path, header, cell, is_out):
    assert one(tmp_path, f"Phone;{header}", f"06301234567;{cell}").opted_out is is_out


def test_ragged_rows_are_filled_or_refused(tmp_path):
    rows = read(tmp_path, "Phone;Name;Note", "06301234567", "06301234568;Anna;x;;", "06301234569;Anna;x;y")
    assert [getattr(row, "code", "") for row in rows] == ["", "", "ragged"]
    assert "4 cells" in rows[2].reason


def test_a_repeated_header_is_no_member(tmp_path):
    rows = read(tmp_path, "Name;Telegram;Phone", "Anna;;06301234567", "Name;Telegram;Phone")
    assert [getattr(row, "code", "") for row in rows] == ["", "header-again"]


def test_groups_tags_notes_and_asked_extras_only(tmp_path):
    row = one(
        tmp_path,
        "Phone;VIP group;Tags;Shoe size;Income;Note",
        '06301234567;"Autumn, Winter";"* myContacts ::: Gold, ""VIP""";38;secret;"\'=1+1"',
        overrides={"Shoe size": "extra:shoe"},
    )
    assert row.groups == ("Autumn", "Winter")
    assert row.tags == ("Gold", "VIP")
    assert row.extra == {"shoe": "38"}
    assert row.note == "=1+1"


def test_a_row_that_is_refused_later_keeps_its_cells(tmp_path):
    reject = one(tmp_path, "Name;Phone", "Anna;06301234567").reject("two-members", "why")
    assert reject == Reject(2, "why", "two-members", ("Anna", "06301234567"))
