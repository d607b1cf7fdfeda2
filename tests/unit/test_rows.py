"""Records -> members: names, dates, consent, opt-outs, and a reason for everything that is left out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from vipcast.members.csvsafe import neutralise_cell, restore_cell
from vipcast.members.people import clean, split_name
from vipcast.members.rows import MemberRow, Reject, RowReader
from vipcast.members.tabular import open_table

IMPORTS = Path(__file__).parents[1] / "data" / "imports"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read_file(path: Path, region: str = "HU", language: str = "hu", **options) -> list[MemberRow | Reject]:
    overrides = options.pop("overrides", {})
    with open_table(path, overrides=overrides) as table:
        reader = RowReader(table, region=region, language=language, now=NOW, **options)
        return [reader.read(raw) for raw in table]


def read(folder: Path, header: str, *lines: str, **options) -> list[MemberRow | Reject]:
    path = folder / "list.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="")
    return read_file(path, **options)


def one(folder: Path, header: str, line: str, **options) -> MemberRow:
    (row,) = read(folder, header, line, **options)
    assert isinstance(row, MemberRow), row
    return row


def refused(folder: Path, header: str, line: str, **options) -> Reject:
    (row,) = read(folder, header, line, **options)
    assert isinstance(row, Reject), row
    return row


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


@pytest.mark.parametrize(
    ("name", "language", "given", "family"),
    [
        ("Kovács Anna", "hu", "Anna", "Kovács"),
        ("Kovács Anna Mária", "hu", "Anna Mária", "Kovács"),
        ("Kovácsné Tóth Mária", "hu", "Mária", "Kovácsné Tóth"),
        ("Dr. Kovács Anna", "hu", "Anna", "Kovács"),
        ("dr.Kovács Anna", "hu", "Anna", "Kovács"),
        ("Kovács, Anna", "en", "Anna", "Kovács"),
        ("Jan Novák", "cs", "Jan", "Novák"),
        ("Mgr. Jana Nováková, Ph.D.", "cs", "Jana", "Nováková"),
        ("Anna-Liisa Virtanen", "fi", "Anna-Liisa", "Virtanen"),
        ("Ольга Ёлкина", "ru", "Ольга", "Ёлкина"),
        ("Ёлкина Ольга Петровна", "ru", "Ольга", "Ёлкина"),
        ("Ольга Петровна Ёлкина", "ru", "Ольга", "Ёлкина"),
        ("Anna", "hu", "", ""),
        ("Kovács Anna", "", "", ""),
        ("Dr.", "hu", "", ""),
    ],
)
def test_whole_names_are_told_apart_by_the_order_of_the_language(name, language, given, family):
    assert split_name(name, language=language) == (given, family)


@pytest.mark.parametrize(
    "name",
    [
        "*_[",
        "{{ 7*7 }}",
        "<b>",
        "=1+1",
        "O'Neill",
        "'s-Hertogenbosch",
        "שלום",
        "Zoë Brontë-Hall",
        "李",
        "é" * 200,
        "Null",
    ],
)
def test_strange_names_stay_as_they_are(tmp_path, name):
    assert one(tmp_path, "Name;Phone", f"{name};06301234567").name == name


def test_what_cannot_be_seen_is_taken_out_of_a_name():
    assert clean("  A\u030akos\u202e \u200f Kis\x07s\t\ufeffPál ") == "Åkos Kiss Pál"
    assert clean("Ma\u0301ria") == "Mária"


@pytest.mark.parametrize("cell", ["NULL", "nan", "#NAME?", "-"])
def test_nobody_is_greeted_as_null(tmp_path, cell):
    row = one(tmp_path, "First name;Last name;Phone", f"{cell};Kovács;06301234567")
    assert (row.first_name, row.name) == ("", "Kovács")
    assert row.warnings


def test_a_text_in_the_place_of_a_name_is_refused(tmp_path):
    row = refused(tmp_path, "Name;Phone", "é" * 5000 + ";06301234567")
    assert row.code == "name-too-long"
    assert "5,000" in row.reason
    assert len(row.reason) < 200
    assert row.cells[0] == "é" * 5000


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


def test_a_given_name_beside_a_family_name_is_told_from_a_whole_one(tmp_path):
    rows = read(
        tmp_path, "Name;Surname;Phone", "Anna;Kis;06301234567", "Anna Kis;Kis;06301234568", language="en"
    )
    assert [(row.first_name, row.last_name, row.name) for row in rows] == [
        ("Anna", "Kis", "Anna Kis"),
        ("", "Kis", "Anna Kis"),
    ]


def test_a_row_that_is_refused_later_keeps_its_cells(tmp_path):
    reject = one(tmp_path, "Name;Phone", "Anna;06301234567").reject("two-members", "why")
    assert reject == Reject(2, "why", "two-members", ("Anna", "06301234567"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+36301234567", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "''+1"]
)
def test_formulas_are_neutralised_and_come_back(tmp_path, text):
    safe = neutralise_cell(text)
    assert safe[0] == "'"
    assert restore_cell(safe) == text


def test_an_exported_phone_number_imports_as_the_same(tmp_path):
    line = io.StringIO()
    csv.writer(line, delimiter=";").writerow([neutralise_cell("=1+1"), neutralise_cell("+36301234567")])
    row = one(tmp_path, "Name;Phone", line.getvalue().strip())
    assert (row.name, row.phones) == ("=1+1", ("+36301234567",))
    assert neutralise_cell("Anna") == "Anna"
    assert neutralise_cell("") == ""
