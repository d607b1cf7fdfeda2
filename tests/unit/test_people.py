"""Names in the cells of a customer file: whole and in parts, strange, and none at all."""

from __future__ import annotations

import pytest
from reading import one, read, refused

from vipcast.members.people import clean, split_name


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


def test_a_given_name_beside_a_family_name_is_told_from_a_whole_one(tmp_path):
    rows = read(
        tmp_path, "Name;Surname;Phone", "Anna;Kis;06301234567", "Anna Kis;Kis;06301234568", language="en"
    )
    assert [(row.first_name, row.last_name, row.name) for row in rows] == [
        ("Anna", "Kis", "Anna Kis"),
        ("", "Kis", "Anna Kis"),
    ]
