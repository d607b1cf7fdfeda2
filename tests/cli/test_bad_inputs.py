"""What is wrong is named in one line with its place, the next step follows, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import CommandLine, ended, start, write_csv

GOOD_ROW = "Good Guy;+36305550555"


# The shop and its settings.


@pytest.mark.parametrize(
    "arguments", [("group", "list"), ("send", "note", "--group", "g"), ("doctor",), ("sandbox",), ()], ids=str
)
def test_no_shop_folder(tmp_path, arguments):
    ran = CommandLine(tmp_path / "nowhere")(*arguments)
    assert ran.code == 2
    assert "There is no shop in" in ran.err
    assert "vipcast init" in ran.err


def test_no_shop_named_by_the_environment_says_so(tmp_path):
    ran = ended(start("group", "list", cwd=tmp_path, env={"VIPCAST_SHOP": str(tmp_path)}))
    assert (ran.code, "from VIPCAST_SHOP" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("[shop]", "[shop", 3, "not valid TOML"),
        ('name = "R', 'nam = "R', 4, "unknown key `nam` in [shop]"),
        ('role = "announce"', 'rol = "announce"', 14, "unknown key `rol` in [accounts.news]"),
        ('role = "announce"', 'role = "boss"', 14, "announce"),
        ("enabled = true", 'enabled = "yes"', 0, "`sandbox.enabled` must be true or false"),
        ('region = "HU" ', 'region = "Hungary" ', 5, "two letters"),
        ('language = "hu" ', 'language = "xx" ', 6, "must be one of hu, cs, fi, ru, en"),
        ("Europe/Budapest", "Europe/Atlantis", 7, "no time zone"),
        ('messenger = "viber"', 'messenger = "viber"\ntoken = "x"', 0, "belong"),
        ("[accounts.news]", "[accounts.News_1]", 12, "cannot be called"),
        ("[accounts.news]", '[accounts.news]\nrate = "fast"', 13, '"30/min"'),
    ],
)
def test_fault_in_the_settings_names_the_file_the_line_and_the_key(vipcast, old, new, line, words):
    vipcast.change_settings(old, new)
    problem = vipcast.problem("group", "list")
    assert problem["code"] == "bad-config"
    assert words in problem["message"] + problem["hint"]
    assert problem["where"].startswith(str(vipcast.folder / "vipcast.toml"))
    if line:
        assert problem["where"].endswith(f":{line}")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00x", b"\x00" * 9, b"shop = 3\n"])
def test_settings_that_are_none(vipcast, content):
    (vipcast.folder / "vipcast.toml").write_bytes(content)
    ran = vipcast("group", "list")
    assert (ran.code, "vipcast.toml" in ran.err) == (2, True)
    assert 'shop = "…"' not in ran.err, "a table is no text"


def test_place_is_not_said_twice(vipcast):
    vipcast.change_settings('name = "R', 'nam = "R')
    assert "vipcast.toml: vipcast.toml" not in vipcast("group", "list").err


@pytest.mark.parametrize("content", [b"VIPCAST_TELEGRAM_API_ID=abc\n", b"\xff\xfe"])
def test_secrets_that_cannot_be_read(vipcast, content):
    (vipcast.folder / ".env").write_bytes(content)
    problem = vipcast.problem("group", "list")
    assert ".env" in problem["where"] + problem["message"]
    assert problem["hint"]


# Files of members.


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "picture.csv",
            Path(__file__).parents[2] / "templates" / "vip-sale" / "picture.jpg",
            "a picture (JPEG)",
        ),
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n\n \n", "is empty"),
        ("nul.csv", b"\x00" * 9999, ""),
        ("letters.csv", b"name;phone\n\xff\xfe\x81\x8d;+36305550555\n", "encoding"),
        ("headings.csv", b"name;phone\n", "no rows"),
        ("noheadings.csv", b"Anna;+36305550555\nBela;+36305550556\n", "no header"),
        ("foreign.csv", b"foo;bar\n1;2\n", "columns"),
        ("list.pdf", b"%PDF-1.4", "a PDF"),
        ("list.xlsx", b"PK\x03\x04garbage", "damaged"),
    ],
)
def test_file_that_is_no_list_of_members(vipcast, tmp_path, name, content, words):
    file = tmp_path / name
    file.write_bytes(content.read_bytes() if isinstance(content, Path) else content)
    before = file.read_bytes()
    problem = vipcast.problem("member", "import", file)
    assert words in problem["message"]
    assert name in problem["message"] + problem["where"]
    assert problem["hint"]
    assert file.read_bytes() == before
    assert len(vipcast.data("member", "list")) == 6


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x" * 1_100_000 + ";+36305550556", "longer than"),
        ("An\x00na;+36305550556", "NUL"),
        ("Anna;123", "phone"),
        ("Anna;", "no phone number"),
        ("Anna;+36305550556;more;more", "cells"),
        ("A" * 5000 + ";+36305550556", "200 are the most"),
    ],
    ids=["1 MB", "NUL", "no number", "no address", "too many cells", "5000 letters"],
)
def test_bad_row_is_rejected_with_its_line_and_the_others_come_in(vipcast, tmp_path, row, words):
    file = write_csv(tmp_path / "list.csv", "name;phone", row, GOOD_ROW)
    ran = vipcast("member", "import", file, "--json")
    assert ran.code == 4, ran.said()[:500]
    assert (ran.data["added"], ran.data["rejected"]) == (1, 1)
    [reject] = ran.data["rejects"]
    assert reject["line"] == 2
    assert words in reject["reason"]
    assert len(reject["reason"]) < 200
    rejected = Path(ran.data["rejects_file"])
    assert rejected == tmp_path / "list.csv.rejected.csv"
    assert "reason" in rejected.read_text(encoding="utf-8-sig").splitlines()[0]


def test_rejects_never_take_the_place_of_the_list_itself(vipcast, tmp_path):
    file = write_csv(tmp_path / "list.csv", "name;phone", "Bad;1", GOOD_ROW)
    before = file.read_bytes()
    ran = vipcast("member", "import", file, "--rejects", file)
    assert ran.code == 2
    assert file.read_bytes() == before


@pytest.mark.parametrize("where", ["no such folder/r.csv", "."])
def test_rejects_that_cannot_be_written_are_said_before_anything_is_done(vipcast, tmp_path, where):
    file = write_csv(tmp_path / "list.csv", "name;phone", "Bad;1", GOOD_ROW)
    ran = vipcast("member", "import", file, "--rejects", tmp_path / where)
    assert ran.code in (1, 2)
    assert ".part" not in ran.err
    assert len(vipcast.data("member", "list")) == 6, "the import is whole or not at all"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--map", "x"), "column=field"),
        (("--map", "phone=foo"), "no field"),
        (("--map", "Nope=phone"), "no column"),
        (("--region", "ZZ"), "region"),
        (("--encoding", "klingon"), "encoding"),
        (("--delimiter", ";;"), "separate"),
        (("--date-order", "abc"), "date order"),
        (("--fill",), "--fill"),
        (("--group", "glod"), "no group"),
        (("--sheet", "One"), "sheets"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_flag_of_an_import_that_makes_no_sense(vipcast, tmp_path, flags, words):
    file = write_csv(tmp_path / "list.csv", "name;phone", GOOD_ROW)
    problem = vipcast.problem("member", "import", file, *flags)
    assert words in problem["message"]
    assert problem["hint"]
    assert len(vipcast.data("member", "list")) == 6


# Names.


@pytest.mark.parametrize(
    "arguments", [("group", "show"), ("send", "note", "--group"), ("member", "export", "x", "--group")]
)
def test_group_that_does_not_exist(vipcast, arguments):
    assert vipcast.problem(*arguments, "glod")["hint"] == "Did you mean 'gold'?"
    assert "gold" in vipcast.problem(*arguments, "zzzzz")["hint"]


def test_template_that_does_not_exist(vipcast):
    assert "opening-hours" in vipcast.problem("template", "check", "openin-hours")["hint"]


@pytest.mark.parametrize("name", ["../note", ".", "/etc", "a b", "", "note/en.md"])
def test_template_is_never_looked_for_elsewhere(vipcast, name):
    assert "template" in vipcast.problem("template", "show", name)["message"]


@pytest.mark.parametrize("cap", ["0", "-1", "21", "100"])
def test_cap_outside_its_range(vipcast, cap):
    assert "cap" in vipcast.problem("group", "create", "x", "--cap", cap)["message"]


@pytest.mark.parametrize("limit", ["-1", "-100"])
def test_limit_of_a_list_below_nought(vipcast, limit):
    assert vipcast("member", "list", "--limit", limit).code == 2


@pytest.mark.parametrize("phone", ["123", "abc", "", "+999999"])
def test_phone_number_that_is_none_shows_a_good_one(vipcast, phone):
    problem = vipcast.problem("member", "add", "Some One", "--phone", phone)
    assert "+36" in problem["hint"]
    assert "<" not in problem["hint"]


@pytest.mark.parametrize("address", ["nothing", "fax=1", "telegram=a b", "viber=x", "email=nothing"])
def test_address_that_is_none(vipcast, address):
    problem = vipcast.problem("member", "add", "Some One", "--address", address)
    assert problem["hint"]
    assert len(vipcast.data("member", "list")) == 6


def test_address_of_somebody_else_names_them(vipcast):
    problem = vipcast.problem("member", "add", "Some One", "--address", "telegram=@anna_cli")
    assert "Kovács Anna (#1)" in problem["message"]
    assert "member edit '#1'" in problem["hint"]


def test_closed_group_is_told_apart_and_takes_nobody(vipcast):
    vipcast.data("group", "close", "gold", "--yes")
    assert "closed" in vipcast.problem("group", "add", "gold", "Anna")["message"]
    assert "closed" in vipcast.problem("send", "note", "--group", "gold", "--yes")["message"]
    assert "closed" in vipcast("group", "list").out


# init


def test_init_leaves_alone_what_is_there(tmp_path):
    mine = {
        ".gitignore": "*.mine\n",
        "recipients/hungary.csv": "mine\n",
        "templates/vip-sale/en.md": "mine\n",
    }
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    CommandLine(tmp_path)("init", tmp_path)
    assert {name: (tmp_path / name).read_bytes().decode("utf-8", "replace") for name in mine} == mine


@pytest.mark.parametrize("name", ["a file", "a file/below"])
def test_init_where_no_folder_can_be(tmp_path, name):
    (tmp_path / "a file").write_text("x", encoding="utf-8")
    assert CommandLine(tmp_path).problem("init", tmp_path / name)["hint"]


def test_init_quotes_a_folder_with_a_space(tmp_path):
    out = CommandLine(tmp_path)("init", tmp_path / "az én boltom").out
    assert f'cd "{tmp_path / "az én boltom"}"' in out or f"cd '{tmp_path / 'az én boltom'}'" in out
