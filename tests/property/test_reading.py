"""What holds for every file: nothing is lost, nothing but InputError is raised, and phones are read as by the library."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vipcast.errors import InputError
from vipcast.members.csvsafe import neutralise_cell, restore_cell
from vipcast.members.people import clean
from vipcast.members.phones import PhoneReader, read_by_library
from vipcast.members.reading.rows import MemberRow, Reject, RowReader
from vipcast.members.reading.tabular import open_table

NOW = datetime(2026, 11, 21, tzinfo=UTC)
REGIONS = (
    "HU",
    "CZ",
    "FI",
    "RU",
    "KZ",
    "US",
    "CA",
    "GB",
    "DE",
    "IT",
    "AR",
    "MX",
    "BR",
    "SE",
    "AX",
    "SK",
    "AU",
)
READERS = {region: PhoneReader(region) for region in REGIONS}
CODES = (
    "",
    "+36",
    "+420",
    "+358",
    "+7",
    "+1",
    "+44",
    "+49",
    "+39",
    "+54 9",
    "+52 1",
    "0",
    "00",
    "06",
    "8",
    "810",
    "011",
    "36",
    "358",
)
SHAPES = st.builds(
    "".join,
    st.lists(
        st.one_of(
            st.text("0123456789", min_size=1, max_size=4),
            st.sampled_from([" ", "-", "/", ".", "(", ")", "\u00a0"]),
        ),
        max_size=9,
    ),
)
quick = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.sampled_from(REGIONS), st.sampled_from(CODES), SHAPES)
@settings(max_examples=4000, deadline=None)
@example("HU", "36", "301234567")
@example("RU", "+7", "7012345678")
@example("FI", "0", "00401234567")
@example("IT", "+39", "0612345678")
def test_the_quick_reading_of_a_phone_is_the_librarys(region, code, rest):
    text = code + rest
    phone = READERS[region].quick(text)
    if phone is not None:
        assert phone == read_by_library(text, region)


@given(
    st.sampled_from(REGIONS),
    st.sampled_from(("06 30 ", "+3630", "603", "+420 60", "040 ", "+35850", "8916", "+79", "202", "+1 20")),
    st.text("0123456789", min_size=6, max_size=8),
)
@settings(max_examples=2000, deadline=None)
def test_wellformed_numbers_are_read_as_by_the_library(region, prefix, rest):
    text = prefix + rest
    expected = read_by_library(text, region)
    assert READERS[region].read_plain(text) == expected or re.fullmatch(r"[\d -]*(19|20)?\d{6}", text)


@given(st.text(max_size=40))
@quick
def test_a_neutralised_cell_comes_back_and_starts_no_formula(text):
    safe = neutralise_cell(text)
    assert restore_cell(safe) == text
    assert safe[:1] not in tuple("=+-@\t\r")


@given(st.text(max_size=60))
@quick
def test_cleaning_a_name_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once
    assert not any(0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 or ord(c) < 32 for c in once)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)


@given(
    st.lists(
        st.tuples(CELL, CELL, st.sampled_from(["+36301234567", "06 20 123 4567", "", "x"])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
@quick
def test_every_record_becomes_a_member_or_a_reject(rows, sign, encoding, newline):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sign, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerow(["Phone", "Name", "Shop note"])
    writer.writerows([phone, name, note] for name, note, phone in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        with open_table(path, delimiter=sign) as table:
            reader = RowReader(table, region="HU", language="hu", now=NOW)
            raws = list(table)
            read = [reader.read(raw) for raw in raws]
    assert [raw.cells for raw in raws] == [[phone, name, note] for name, note, phone in rows]
    for (name, _, phone), row in zip(rows, read, strict=True):
        assert isinstance(row, MemberRow) == phone.startswith(("+", "0"))
        if isinstance(row, MemberRow) and not row.warnings:
            assert row.name == clean(restore_cell(name))


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b'"', b"\n", b";", b"Name;Phone\n", b"\xc5\x91", b"\xf5", b"\0", b"06301234567"]
            ),
        ),
        max_size=30,
    )
)
@quick
def test_any_bytes_are_read_or_refused(pieces):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(b"".join(pieces))
        try:
            with open_table(path) as table:
                reader = RowReader(table, region="HU", language="hu", now=NOW)
                rows = [reader.read(raw) for raw in table]
        except InputError:
            return
    assert rows
    lines = [row.line for row in rows]
    assert lines == sorted(lines)
    for row in rows:
        if isinstance(row, Reject):
            assert row.code
            (row.reason + "".join(row.cells)).encode()  # it can be shown and saved


@given(st.sampled_from(["cp1250", "cp1251", "cp1252"]), st.lists(st.integers(0, 5), min_size=3, max_size=12))
@quick
def test_names_of_a_market_survive_its_code_page(encoding, picks):
    markets = {
        "cp1250": [
            "Kovács Őze",
            "Szűcs Tünde",
            "Šárka Dvořáková",
            "Řehoř Ďurič",
            "Győrffy Zsófia",
            "Žaneta Čížková",
        ],
        "cp1251": [
            "Ольга Ёлкина",
            "Щукин Пётр",
            "Сёмин Олег",
            "Подъяпольская Юлия",
            "ЖУКОВ СЕМЁН",
            "Анна Ким",
        ],
        "cp1252": ["Åke Äijälä", "Yrjö Öhman", "Åsa Mäkelä", "Göran Hämäläinen", "Väinö Å", "Säde Åkerblom"],
    }
    names = [markets[encoding][i] for i in picks]
    text = "Name;Phone\n" + "".join(f"{name};0630123{i:04}\n" for i, name in enumerate(names))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(text.encode(encoding))
        with open_table(path) as table:
            assert [raw.cells[0] for raw in table] == names
