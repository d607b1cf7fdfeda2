"""Members through the command line: in from a file, out to a file, changed, forgotten."""

from __future__ import annotations

import csv
import stat
import sys

import pytest
from commandline import CommandLine, write_csv


def exported(vipcast, file, *flags):
    vipcast.data("member", "export", file, *flags)
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle, delimiter=";"))


def facts(member):
    """Return what a round trip must keep; numbers and origins are each shop's own."""
    kept = (
        "name",
        "first_name",
        "last_name",
        "language",
        "formal",
        "birthday",
        "preferred",
        "note",
        "consent",
    )
    addresses = sorted((one["messenger"], one["address"]) for one in member["addresses"])
    return {name: member[name] for name in kept} | {"addresses": addresses}


@pytest.mark.parametrize(
    ("name", "region"),
    [("hungary", "HU"), ("czechia", "CZ"), ("finland", "FI"), ("russia", "RU"), ("english", "US")],
)
def test_sample_files_come_in_whole_and_twice_changes_nothing(empty, name, region):
    file = empty.folder / "recipients" / f"{name}.csv"
    first = empty.data("member", "import", file, "--region", region)
    assert first["added"] > 0
    assert first["rejected"] == 0
    before = empty.data("member", "list", "--limit", 0)
    second = empty.data("member", "import", file, "--region", region)
    assert (second["added"], second["updated"], second["unchanged"]) == (0, 0, first["added"])
    assert empty.data("member", "list", "--limit", 0) == before


def test_faulty_file_tells_each_row_and_takes_the_good_ones(empty):
    file = empty.folder / "recipients" / "faulty.csv"
    ran = empty("member", "import", file)
    assert ran.code == 4
    assert "Rejected rows, each with its line and reason" in ran.out
    rejected = file.with_name("faulty.csv.rejected.csv")
    with rejected.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))  # separated as the list itself
    assert rows
    assert all(int(row["line"]) > 1 and row["reason"] for row in rows)


def test_dry_run_of_an_import_changes_nothing(empty):
    file = empty.folder / "recipients" / "faulty.csv"
    ran = empty("member", "import", file, "--dry-run")
    assert "Would be:" in ran.out
    assert "Nothing was changed" in ran.out
    assert empty.data("member", "list") == []
    assert not file.with_name("faulty.csv.rejected.csv").exists()


def test_round_trip_keeps_what_is_known(empty, plain_shop, tmp_path):
    for name, region in (("hungary", "HU"), ("czechia", "CZ"), ("finland", "FI"), ("russia", "RU")):
        empty.data("member", "import", empty.folder / "recipients" / f"{name}.csv", "--region", region)
    empty.data("member", "opt-out", "Kovács Anna", "--source", "by phone")
    before = empty.data("member", "list", "--limit", 0)
    file = tmp_path / "all.csv"
    empty.data("member", "export", file)
    other = CommandLine(tmp_path / "other shop")
    other("init", other.folder)
    done = other.data("member", "import", file)
    assert (done["added"], done["rejected"]) == (len(before), 0)
    after = other.data("member", "list", "--limit", 0)
    assert [facts(one) for one in after] == [facts(one) for one in before]
    assert exported(other, tmp_path / "again.csv") == exported(empty, tmp_path / "once more.csv")


def test_cells_of_an_export_are_no_formulas(empty, tmp_path):
    file = write_csv(
        tmp_path / "list.csv", "name;phone;note", "=cmd|calc;+36305550501;@SUM(1)", "-x+;+36305550502;+1"
    )
    empty.data("member", "import", file)
    rows = exported(empty, tmp_path / "out.csv")
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]
    again = empty.data("member", "import", tmp_path / "out.csv")
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 2)


def test_export_overwrites_only_when_told(vipcast, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("mine", encoding="utf-8")
    assert "--force" in vipcast.problem("member", "export", file)["hint"]
    assert file.read_text(encoding="utf-8") == "mine"
    assert len(exported(vipcast, file, "--force")) == 6


def test_export_of_one_group(vipcast, tmp_path):
    vipcast.data("group", "create", "silver")
    vipcast.data("group", "add", "silver", "Jan")
    assert [row["name"] for row in exported(vipcast, tmp_path / "out.csv", "--group", "silver")] == [
        "Jan Novák"
    ]


def test_export_is_for_its_owner_alone(vipcast, tmp_path):
    vipcast.data("member", "export", tmp_path / "out.csv")
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600


def test_waiting_list_is_counted_and_moves_up(vipcast, tmp_path):
    vipcast.data("group", "create", "tiny", "--cap", 2)
    file = write_csv(tmp_path / "list.csv", "name;phone", *(f"Member {i};+3630555040{i}" for i in range(4)))
    done = vipcast.data("member", "import", file, "--group", "tiny")
    assert (done["seated"], done["waiting"]) == (2, 2)
    assert "Moved up from the waiting list: Member 2" in vipcast("group", "remove", "tiny", "Member 0").out
    assert vipcast.data("group", "edit", "tiny", "--cap", 3)["group"]["waiting"] == 0


def test_edit_says_what_changed(vipcast):
    out = vipcast("member", "edit", "Jan", "--language", "fi", "--address", "telegram=@jan2_cli").out
    assert "language: cs → fi" in out
    assert "new address: telegram @jan2_cli" in out
    assert "nothing changed" in vipcast("member", "edit", "Jan", "--language", "fi").out
    assert "taken away" in vipcast("member", "edit", "Jan", "--remove", "@jan2_cli").out


def test_member_is_found_by_name_number_and_address(vipcast):
    for who in ("Kovács Anna", "kovacs anna", "#1", "@anna_cli", "+36305550101", "Anna"):
        assert vipcast.data("member", "show", who)["id"] == 1


def test_consent_is_a_history(vipcast):
    vipcast.data("member", "opt-out", "Anna", "--source", "by phone")
    vipcast.data("member", "opt-in", "Anna", "--source", "in the shop", "--wording", "I agree")
    events = vipcast.data("member", "show", "Anna")["consents"]
    assert [(one["event"], one["source"]) for one in events] == [
        ("opt_in", "in the shop"), ("opt_out", "by phone"), ("opt_in", "in the shop"),
    ]  # fmt: skip
    assert events[-1]["wording"] == "I agree"


def test_import_with_consent_does_not_bring_back_who_opted_out(vipcast):
    vipcast.data("member", "opt-out", "Anna", "--source", "by phone")
    done = vipcast.data(
        "member", "import", vipcast.folder / "recipients" / "people.csv", "--consent", "in the shop"
    )
    assert done["kept_out"] == 1
    assert vipcast.data("member", "show", "Anna")["consent"] == "opt_out"


def test_forgotten_member_is_gone_and_the_history_stays(online, tmp_path):
    online.data("send", "note", "--group", "gold", "--yes")
    ran = online("member", "forget", "Anna", "--yes")
    assert ran.code == 0
    assert "Backups" in ran.out
    assert online("member", "show", "Anna").code == 2
    shown = online("announcement", "show", 1).out
    assert "Kovács" not in shown
    assert "(forgotten)" in shown
    content = (online.folder / ".vipcast" / "vipcast.db").read_bytes()
    assert b"@anna_cli" not in content
    assert "Kovács Anna".encode() not in content


def test_list_is_cut_and_says_so(vipcast):
    assert "2 of 6 members. All of them: --limit 0" in vipcast("member", "list", "--limit", 2).out
    assert len(vipcast.data("member", "list", "--limit", 0)) == 6


@pytest.mark.parametrize("table_format", ["simple", "github", "tsv", "html", "grid"])
def test_tables_take_the_formats_of_tabulate(vipcast, table_format):
    out = vipcast("member", "list", "--format", table_format).out
    assert "Kovács Anna" in out
    marks = {"github": "|", "tsv": "\t", "html": "<td>", "grid": "+--"}
    assert marks.get(table_format, "----") in out


def test_control_characters_in_a_name_do_not_steer_the_terminal(vipcast):
    vipcast("member", "add", "Red \x1b[31mAlert", "--phone", "+36305550601")
    for arguments in (("member", "list"), ("member", "show", "#7"), ("why", "#7")):
        assert "\x1b" not in vipcast(*arguments).out


def test_family_emoji_in_a_name_stays_whole(vipcast):
    vipcast("member", "add", "Anna 👩‍👩‍👧", "--phone", "+36305550601")
    assert "Anna 👩‍👩‍👧" in vipcast("member", "list").out
