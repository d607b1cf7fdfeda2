from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from vipcast.cli.app import app

SHOP = '[shop]\nname = "Régi Divat"\nlanguage = "hu"\ntimezone = "Europe/Budapest"\n'
HOURS = """[hours]
mon-fri = "9:00-12:30, 13:00-18:00"
sat = "9:00-13:00"
holidays = "HU"
reply_within = "2h"

[hours.dates]
"2026-12-24" = "9:00-12:00"
"2026-12-31" = "closed"
"""


@pytest.fixture(autouse=True)
def only_this_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VIPCAST_SHOP", str(tmp_path))
    (tmp_path / "vipcast.toml").write_text(SHOP + HOURS, encoding="utf-8")


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["hours", "show", *args])
    return result.exit_code, result.stdout, result.stderr


def data(*args: str) -> dict[str, Any]:
    code, out, err = run("--json", *args)
    envelope = json.loads(out)
    assert (code, err, envelope["ok"], envelope["errors"]) == (0, "", True, [])
    found: dict[str, Any] = envelope["data"]
    return found


def problem(*args: str) -> dict[str, str]:
    code, out, _ = run("--json", *args)
    assert code == 2
    [found] = json.loads(out)["errors"]
    return dict(found)


def test_show_tells_what_a_member_is_told():
    code, out, err = run("--at", "2026-11-21 17:30")
    assert (code, err) == (0, "")
    assert (
        "closed then and opens on Monday 2026-11-23 09:00; an answer is promised by Monday 2026-11-23 11:00"
        in out
    )
    assert "Munkatársunk hétfőn, november 23-án 11:00-ig válaszol." in out
    assert "2026-11-28  Saturday   9:00-13:00" in out
    assert "2026-12-05" not in out


def test_json_has_the_promise_with_its_offset():
    found = data("--at", "2026-11-21 17:30")
    assert found["at"] == "2026-11-21T17:30:00+01:00"
    assert found["promised_at"] == "2026-11-23T11:00:00+01:00"
    assert found["opens_at"] == "2026-11-23T09:00:00+01:00"
    assert found["is_open"] is False
    assert found["reply_within_minutes"] == 120
    assert sorted(found["told"]) == ["cs", "en", "fi", "hu", "ru"]
    assert found["told"]["en"] == "A person will answer by 11:00 on Monday, 23 November."
    assert found["notes"] == []


def test_days_say_why_they_are_out_of_the_ordinary():
    days = {day["date"]: day for day in data("--at", "2026-12-20 12:00")["days"]}
    assert len(days) == 14
    assert days["2026-12-24"] == {
        "date": "2026-12-24",
        "weekday": "Thursday",
        "hours": ["9:00-12:00"],
        "why": "set for this date",
    }
    assert (days["2026-12-25"]["hours"], days["2026-12-25"]["why"]) == ([], "Christmas Day")
    assert (days["2026-12-31"]["hours"], days["2026-12-31"]["why"]) == ([], "set for this date")


def test_change_of_the_clocks_is_shown():
    days = data("--at", "2026-10-24 12:00")["days"]
    assert [day["date"] for day in days if day["why"] == "the clocks change"] == ["2026-10-25"]


def test_working_saturday_is_shown():
    days = {day["date"]: day for day in data("--at", "2026-08-07 12:00")["days"]}
    assert days["2026-08-08"]["hours"] == ["9:00-12:30", "13:00-18:00"]
    assert days["2026-08-08"]["why"] == "working day, as on a Friday"


def test_no_time_is_promised_where_nothing_opens(tmp_path: Path):
    (tmp_path / "vipcast.toml").write_text(
        SHOP + '[hours]\ndaily = "9-17"\n[hours.dates]\n"2026-08-01..2026-08-31" = "closed"\n',
        encoding="utf-8",
    )
    found = data("--at", "2026-08-02 12:00")
    assert (found["promised_at"], found["opens_at"]) == (None, None)
    assert found["told"]["hu"] == "Munkatársunk válaszol, amint újra elérhetők vagyunk."
    assert "no time is promised" in run("--at", "2026-08-02 12:00")[1]


def test_shop_without_hours_is_told_how_to_set_them(tmp_path: Path):
    (tmp_path / "vipcast.toml").write_text(SHOP, encoding="utf-8")
    found = data()
    assert found["promised_at"] is None
    assert "No opening hours are set" in found["notes"][0]


def test_assumed_reply_time_is_said(tmp_path: Path):
    (tmp_path / "vipcast.toml").write_text(SHOP + '[hours]\ndaily = "9-17"\n', encoding="utf-8")
    assert "2 hours are taken" in data()["notes"][0]


def test_year_without_known_moved_days_is_said():
    [note] = data("--at", "2039-12-30 12:00")["notes"]
    assert note.startswith("No moved working days of HU are known for 2039, 2040.")


def test_now_is_taken_without_at():
    before = datetime.now(UTC)
    at = datetime.fromisoformat(data()["at"])
    assert before <= at <= datetime.now(UTC)
    assert at.utcoffset() in {timedelta(hours=1), timedelta(hours=2)}


def test_time_without_a_date_is_today_s():
    days = {datetime.now(ZoneInfo("Europe/Budapest")).date()}
    at = datetime.fromisoformat(data("--at", "12:00")["at"])
    days.add(datetime.now(ZoneInfo("Europe/Budapest")).date())
    assert at.date() in days
    assert (at.hour, at.minute) == (12, 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23 9:30", "2026-11-23T09:30:00+01:00"),
        ("2026-11-23T09:30", "2026-11-23T09:30:00+01:00"),
        ("2026-07-23T09:30", "2026-07-23T09:30:00+02:00"),
        ("2026-11-23T09:30Z", "2026-11-23T10:30:00+01:00"),
        ("2026-11-23 09:30:15+05:30", "2026-11-23T05:00:15+01:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T02:30:00+01:00"),
        ("2026-10-25 02:30+0200", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_times_that_at_takes(text: str, at: str):
    assert data("--at", text)["at"] == at


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("tomorrow", "'tomorrow' is no time", "2026-11-21 17:30"),
        ("2026-11-23", "'2026-11-23' is no time", "17:30"),
        ("25:00", "'25:00' is no time", ""),
        ("2026-02-30 12:00", "is no time: day is out of range", ""),
        (
            "2026-10-25 02:30",
            "twice in Europe/Budapest",
            "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00",
        ),
        ("2026-03-29 02:30", "never shows 2026-03-29 02:30", "2026-03-29T03:30:00+02:00"),
        ("0001-01-01 00:00", "out of reach", ""),
        ("9999-12-31 23:59", "out of reach", ""),
    ],
)
def test_times_that_cannot_be_are_refused(text: str, message: str, hint: str):
    found = problem("--at", text)
    assert found["code"] == "bad-input"
    assert message in found["message"]
    assert hint in found["hint"]


def test_fault_in_the_hours_names_file_line_and_key(tmp_path: Path):
    (tmp_path / "vipcast.toml").write_text(SHOP + '[hours]\nsat = "9:00-25:00"\n', encoding="utf-8")
    found = problem()
    assert found["code"] == "bad-config"
    assert found["message"] == "vipcast.toml: `hours.sat`: 25:00 is no time of day."
    assert found["where"] == f"{tmp_path / 'vipcast.toml'}:6"
