"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import zipfile
from pathlib import Path

from vipcast.errors import InputError
from vipcast.members.reading.records import Kind

_SAVE_AS = "open it in the program it came from and save it as CSV UTF-8, or as .xlsx"

# First bytes -> what it is, and what to do about it.
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or a password-protected workbook",
     "open it in Excel and save it as .xlsx or as CSV UTF-8, without a password"),
    (b"%PDF", "a PDF", "ask for the list as CSV or .xlsx; a PDF only shows a table"),
    (b"\x89PNG", "a picture (PNG)", "give the file with the list itself"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "give the file with the list itself"),
    (b"GIF8", "a picture (GIF)", "give the file with the list itself"),
    (b"II*\x00", "a picture (TIFF)", "give the file with the list itself"),
    (b"\x1f\x8b", "a compressed file (gzip)", "unpack it first"),
    (b"7z\xbc\xaf", "an archive (7z)", "unpack it first and give the CSV inside it"),
    (b"Rar!", "an archive (rar)", "unpack it first and give the CSV inside it"),
    (b"BZh", "a compressed file (bzip2)", "unpack it first"),
    (b"\xfd7zXZ", "a compressed file (xz)", "unpack it first"),
    (b"{\\rtf", "a word processor's document (RTF)", _SAVE_AS),
    (b"SQLite format 3", "a database", "export its table as CSV"),
    (b"bplist00", "a property list", _SAVE_AS),
    (b"\x7fELF", "a program", "give the file with the list itself"),
)  # fmt: skip
_STRANGE_TEXT: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page (some programs give it the name .xls)"),
    (b"<table", "a web page (some programs give it the name .xls)"),
    (b"<?xml", "an XML file"),
    (b'{"', "a JSON file"),
    (b"[{", "a JSON file"),
)


def kind_of(path: Path) -> Kind:
    """Return what the file is.

    Raises:
        InputError: it is missing, empty or no table; the hint says what to do.

    """
    head = _head(path)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(path)
    for magic, name, hint in _STRANGERS:
        if head.startswith(magic):
            raise InputError(f"{path.name} is {name}, not a table", hint=hint, where=str(path))
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, name in _STRANGE_TEXT:
        if text.startswith(magic):
            raise InputError(f"{path.name} is {name}, not a table", hint=_SAVE_AS, where=str(path))
    bare = head.replace(b"\x00", b"").lstrip(b"\xff\xfe\xef\xbb\xbf\r\n ").lower()
    return "vcf" if bare.startswith(b"begin:vcard") else "csv"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}", hint="check the name and the folder") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder", hint="name the file in it", where=str(path)) from None
    except OSError as error:
        hint = "close it in other programs, and check that you may read it"
        if path.is_dir():  # Windows says "permission denied" of a folder
            hint = "it is a folder: name the file in it"
        message = f"{path.name} cannot be read: {error.strerror}"
        raise InputError(message, hint=hint, where=str(path)) from error
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise InputError(f"{path.name} is empty", hint="export the list once more", where=str(path))
    return head


def _inside_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        hint = "it was cut short: copy or download it once more"
        raise InputError(
            f"{path.name} is a damaged workbook or archive", hint=hint, where=str(path)
        ) from error
    if any(name.casefold() == "xl/workbook.xml" for name in names):
        return "xlsx"
    if "xl/workbook.bin" in names:
        what, hint = "a binary workbook (.xlsb)", "save it as .xlsx or as CSV UTF-8"
    elif "content.xml" in names:
        what, hint = "an OpenDocument file (.ods)", "save it as .xlsx or as CSV UTF-8"
    elif any(name.startswith("Index/") for name in names):
        what, hint = "an Apple Numbers file", "in Numbers: File, Export To, CSV or Excel"
    elif "word/document.xml" in names:
        what, hint = "a Word document", "copy its table into a spreadsheet and save that as .xlsx"
    else:
        tables = [n for n in names if n.lower().endswith((".csv", ".xlsx", ".vcf", ".tsv", ".txt"))]
        inside = f" ({', '.join(tables[:3])})" if tables else ""
        what, hint = "an archive (zip)", f"unpack it first and give the file inside it{inside}"
    raise InputError(f"{path.name} is {what}, not a table", hint=hint, where=str(path))
