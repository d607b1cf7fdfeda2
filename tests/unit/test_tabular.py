"""Customer files as programs really write them: what is settled, what is refused, and that nothing is lost."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from vipcast.errors import InputError
from vipcast.members.reading.tabular import open_table

HUNGARIAN = "Név;Telefonszám\nKovács Őze Szűcs;06301234567\nTörök Jánosné;06301234568\n"
CZECH = "Jméno a příjmení;Telefon\nŠárka Dvořáková;603123456\nŘehoř Ďurič;603123457\n"
FINNISH = "Nimi;Puhelin\nÅke Äijälä;0401234567\nYrjö Öhman;0401234568\n"
RUSSIAN = "Имя;Телефон\nОльга Ёлкина;89161234567\nСёмин Пётр;89161234568\n"


def save(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(path: Path, **options) -> list[list[str]]:
    with open_table(path, **options) as table:
        return [row.cells for row in table]


def refusal(path: Path, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        open_table(path, **options)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HUNGARIAN, "cp1250"),
        (HUNGARIAN, "cp852"),
        (HUNGARIAN, "mac_latin2"),
        (CZECH, "cp1250"),
        (CZECH, "iso8859-2"),
        (CZECH, "cp852"),
        (FINNISH, "cp1252"),
        (FINNISH, "mac_roman"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "mac_cyrillic"),
    ],
)
def test_a_code_page_is_told_by_its_letters(tmp_path, text, encoding):
    with open_table(save(tmp_path, text.encode(encoding))) as table:
        assert table.report.encoding == encoding
        assert "not UTF-8" in table.report.encoding_reason
        rows = [row.cells[0] for row in table]
    assert rows == [line.split(";")[0] for line in text.splitlines()[1:]]


@pytest.mark.parametrize("text", [HUNGARIAN, CZECH, FINNISH, RUSSIAN])
@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_unicode_is_read_with_and_without_its_mark(tmp_path, text, encoding, named):
    with open_table(save(tmp_path, text.encode(encoding))) as table:
        assert table.report.encoding == named
        assert table.report.columns[0].column == text.partition(";")[0]
        assert [row.cells[0] for row in table] == [line.split(";")[0] for line in text.splitlines()[1:]]


def test_an_encoding_that_cannot_be_told_is_refused_with_both_readings(tmp_path):
    # đ of cp1250 is ð of cp1252, and neither is a letter of the five languages.
    error = refusal(save(tmp_path, b"Name;Phone\nR\xe9n\xe9 \xe1r\xf0ina;06301234567\n"))
    assert "'árđina'" in error.message
    assert "'árðina'" in error.message
    assert "--encoding cp1250" in error.hint


def test_the_asked_encoding_is_taken_and_a_wrong_one_refused(tmp_path):
    path = save(tmp_path, CZECH.encode("cp1250"))
    with open_table(path, encoding="cp1250") as table:
        assert table.report.encoding_reason == "as asked"
    assert "Did you mean cp125" in refusal(path, encoding="cp125").hint
    assert "not utf-8" in refusal(path, encoding="utf-8").message
    marked = save(tmp_path, CZECH.encode("utf-8-sig"))
    assert "says itself" in refusal(marked, encoding="cp1250").hint


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250"])
def test_a_line_in_another_encoding_is_a_fault_of_its_own(tmp_path, encoding):
    other = "cp1250" if encoding == "utf-8" else "utf-8"
    path = save(tmp_path, HUNGARIAN.encode(encoding) + "Főző;06301234569\n".encode(other))
    with open_table(path) as table:
        rows = list(table)
        assert table.report.encoding == encoding
        assert table.report.warnings
    assert [row.fault_code for row in rows] == ["", "", "encoding"]
    assert rows[2].line == 4
    "".join(rows[2].cells).encode()  # it can be saved with the other rejects


def test_a_capital_before_yo_is_not_taken_for_utf8(tmp_path):
    # "Сё" of cp1251 are two bytes that would be one letter in UTF-8.
    path = save(tmp_path, "Имя;Телефон\nСёмин;89161234567\nЩукин;89161234568\n".encode("cp1251"))
    assert cells(path) == [["Сёмин", "89161234567"], ["Щукин", "89161234568"]]


@pytest.mark.parametrize("sign", [";", ",", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path, sign, newline):
    text = newline.join([f"Name{sign}Phone{sign}E-mail", f"Anna{sign}06301234567{sign}a@example.com", ""])
    with open_table(save(tmp_path, text)) as table:
        assert table.report.delimiter == sign
        assert [(row.line, row.cells) for row in table] == [(2, ["Anna", "06301234567", "a@example.com"])]


def test_the_sep_line_of_excel_decides(tmp_path):
    with open_table(save(tmp_path, "sep=|\nName|Phone|a;b;c\nAnna|06301234567\n")) as table:
        assert (table.report.delimiter, table.report.header_line) == ("|", 2)
        assert [row.line for row in table] == [3]


def test_delimiters_that_fit_alike_are_refused_and_can_be_said(tmp_path):
    path = save(tmp_path, "Phone;Email,Name\n1;2,3\n")
    assert "--delimiter" in refusal(path).hint
    assert cells(save(tmp_path, "Phone;Email\n1;2\n"), delimiter=";") == [["1", "2"]]
    assert refusal(path, delimiter="ab").where == "--delimiter"


def test_a_single_column_needs_no_delimiter(tmp_path):
    with open_table(save(tmp_path, "telefonszám\n06301234567\n06 20/123, 45 67\n")) as table:
        assert table.report.delimiter == ""
        assert len(list(table)) == 2


def test_the_header_may_stand_below_a_letterhead(tmp_path):
    head = "Régi Divat Kft.;;\nTel.: +36 1 234 5678;;\n;;\n"
    with open_table(save(tmp_path, head + "Név;Telefon;E-mail\nAnna;06301234567;\n")) as table:
        assert table.report.header_line == 4
        assert [(row.line, row.cells[0]) for row in table] == [(5, "Anna")]


def test_a_quoted_line_break_keeps_the_line_numbers_right(tmp_path):
    text = 'Name;Note;Phone\r\nAnna;"two\r\nlines; ""so""";06301234567\r\n\r\nBéla;;06301234568\r\n'
    with open_table(save(tmp_path, text)) as table:
        rows = [(row.line, row.cells) for row in table]
    assert rows == [(2, ["Anna", 'two\r\nlines; "so"', "06301234567"]), (5, ["Béla", "", "06301234568"])]


@pytest.mark.parametrize("quoted", ["", '"'])
def test_an_unclosed_quotation_mark_costs_its_own_line_only(tmp_path, quoted):
    rows = "".join(f"{quoted}Tag {i}{quoted};0630{i:07}\n" for i in range(5000))
    text = f'Name;Phone\nFirst;06301234567\n"Broken;06301234568\n{rows}'
    with open_table(save(tmp_path, text)) as table:
        found = list(table)
    assert [(row.line, row.fault_code) for row in found if row.fault] == [(3, "quotes")]
    assert found[1].cells == ['"Broken', "06301234568"]
    assert [row.line for row in found] == list(range(2, 5004))


def test_a_huge_cell_costs_its_own_line_only(tmp_path):
    text = "Name;Phone\n" + "x" * 1_000_000 + ";06301234567\n" + "y" * 3_000_000 + "\nAnna;06301234568\n"
    with open_table(save(tmp_path, text)) as table:
        rows = list(table)
    assert [(row.line, row.fault_code) for row in rows] == [(2, "too-long"), (3, "too-long"), (4, "")]
    assert sum(len(cell) for row in rows for cell in row.cells) < 10_000


def test_nul_bytes_cost_their_own_line_only(tmp_path):
    path = save(tmp_path, "Name;Phone\nAn\0na;06301234567\nBéla;06301234568\n")
    with open_table(path) as table:
        assert [row.fault_code for row in table] == ["nul", ""]


def test_a_mark_of_byte_order_is_no_part_of_the_first_name(tmp_path):
    with open_table(save(tmp_path, "\ufeff\ufeffPhone;Name\n06301234567;Anna\n")) as table:
        assert table.report.columns[0].column == "Phone"


def test_positions_grow_up_to_the_size(tmp_path):
    path = save(tmp_path, "Name;Phone\n" + "Anna;06301234567\n" * 20_000)
    with open_table(path) as table:
        positions = [row.position for row in table]
        assert positions == sorted(positions)
        assert positions[-1] == table.size == path.stat().st_size
        assert table.report.rows_estimate == 20_000


def test_a_table_can_be_read_twice_and_closed_half_way(tmp_path):
    path = save(tmp_path, "Name;Phone\nAnna;06301234567\nBéla;06301234568\n")
    with open_table(path) as table:
        next(iter(table))
        assert len(list(table)) == len(list(table)) == 2
    path.unlink()  # nothing holds the file any more, which Windows would refuse


def test_columns_of_a_file_without_header_can_be_numbered(tmp_path):
    path = save(tmp_path, "Anna Kovács;06301234567\nBéla Őze;06301234568\n")
    assert "no header but data" in refusal(path).message
    with open_table(path, overrides={"#1": "name", "#2": "phone"}) as table:
        assert table.report.header_line == 0
        assert [row.line for row in table] == [1, 2]


def archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(
            zipfile.ZipInfo(name), "content"
        )  # without the time, which would end up in a test's name
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        ("Név;Telefon\n".encode(), "no rows"),
        (b"\x89PNG\r\n\x1a\n....", "a picture"),
        (b"\xff\xd8\xff\xe0....", "a picture"),
        (b"%PDF-1.7 ....", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "old Excel file"),
        (b"\x1f\x8b\x08....", "compressed"),
        (archive("subscribed.csv"), "an archive"),
        (archive("content.xml"), "OpenDocument"),
        (archive("word/document.xml"), "Word document"),
        (archive("x")[:25], "damaged"),
        (b"<html><table><tr>", "a web page"),
        (b'[{"name": "Anna"}]', "JSON"),
        (bytes(range(1, 256)) * 40, "fit no encoding"),
        (b"\0\1\2\3\5\7" * 4000, "not a text file"),
        (b"Alpha;Beta\nfoo;bar\n", "No line says"),
        (b"Name;City\nAnna;Pest\n", "No column holds a phone"),
        (b'"Name,Phone"\n"Anna,06301234567"\n', "Each line is one cell"),
    ],
)
def test_what_is_no_table_is_refused_with_a_remedy(tmp_path, content, words):
    error = refusal(save(tmp_path, content))
    assert words in error.message
    assert "list.csv" in error.where


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "no file" in refusal(tmp_path / "nothing.csv").message
    assert "folder" in refusal(tmp_path).message + refusal(tmp_path).hint


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for i, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Lap{i + 1}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_as_people_see_it(tmp_path):
    path = workbook(
        tmp_path / "lista.csv",  # the content counts, not the name
        [
            ["VIP"],
            [],
            ["Név", "Telefon", "Születésnap"],
            ["Anna", 36301234567, date(1984, 5, 12)],
            [None, 1.5, True],
        ],
    )
    with open_table(path) as table:
        assert (table.report.kind, table.report.header_line, table.report.sheet) == ("xlsx", 3, "Lap1")
        assert table.report.rows_estimate == 2
        rows = list(table)
    assert rows[-1].position == table.size
    assert [(row.line, row.cells) for row in rows] == [
        (4, ["Anna", "36301234567", "1984-05-12"]),
        (5, ["", "1.5", "TRUE"]),
    ]


def test_zeros_that_a_number_format_shows_are_part_of_the_number(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Telefon"])
    book.active.append([6301234567])
    book.active["A2"].number_format = "00000000000"
    book.save(tmp_path / "a.xlsx")
    assert cells(tmp_path / "a.xlsx") == [["06301234567"]]


def test_of_several_sheets_the_one_with_columns_is_read_or_asked_for(tmp_path):
    people = [["Név", "Telefon"], ["Anna", "06301234567"]]
    assert len(cells(workbook(tmp_path / "a.xlsx", [["Jegyzet"]], people))) == 1
    both = workbook(tmp_path / "b.xlsx", people, people)
    assert "--sheet 'Lap1'" in refusal(both).hint
    assert len(cells(both, sheet="lap2")) == 1
    assert "Did you mean 'Lap2'" in refusal(both, sheet="Lap 2").hint
    assert "is empty" in refusal(workbook(tmp_path / "c.xlsx", [])).message


def test_a_damaged_workbook_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["Név", "Telefon"], ["Anna", "06301234567"]])
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)
    assert "damaged" in refusal(save(tmp_path, buffer.getvalue())).message


def test_a_phones_address_book_is_read(tmp_path):
    text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nTEL;TYPE=CELL:+36 30\r\n  1234567\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Cut"
    with open_table(save(tmp_path, text)) as table:
        assert table.report.kind == "vcf"
        rows = list(table)
    assert rows[0].cells[3] == "+36 30 1234567"
    assert [(row.line, row.fault_code) for row in rows] == [(1, ""), (7, "cut-short")]


@pytest.mark.parametrize("text", ["BEGIN:VCARDS\nFN:Anna\n", "begin:vcard;x\n"])
def test_an_address_book_without_contacts_is_refused(tmp_path, text):
    assert "has no contacts" in refusal(save(tmp_path, text, "list.vcf")).message
