"""Cells that a spreadsheet would run: harmless when written, the same when read."""

from __future__ import annotations

import csv
import io

import pytest
from reading import one

from vipcast.members.csvsafe import neutralise_cell, restore_cell


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
