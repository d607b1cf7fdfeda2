"""`vipcast schedule`: what is wrong is said when it is entered, what stands is shown, paused and removed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from support import write_template

TO_GOLD = ("schedule", "add", "note", "--group", "gold")
MONDAYS = ("--every", "monday@9:00")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "When?"),
        (("--at", "2027-01-01 9:00", *MONDAYS), "--at and --every"),
        (("--at", "2027-02-30 09:00"), "2027-02-30"),
        (("--at", "2020-02-20 09:00"), "past"),
        (("--at", "2027-03-28 02:30"), "never shows"),
        (("--at", "2027-10-31 02:30"), "twice"),
        (("--at", "tomorrow"), "tomorrow"),
        (("--cron", "0 9 31 2 *"), "never fires"),
        (("--cron", "0 9 * *"), "five fields"),
        (("--cron", "61 9 * * *"), "'61'"),
        (("--cron", "@reboot"), "@reboot"),
        (("--every", "moonday@9:00"), "moonday"),
        (("--every", "monday@25:00"), "25:00"),
        (("--on", "nameday@9:00"), "nameday"),
        ((*MONDAYS, "--tz", "Europe/Budapset"), "Budapset"),
        ((*MONDAYS, "--tz", "../../etc/passwd"), "passwd"),
        ((*MONDAYS, "--until", "2026-02-30"), "2026-02-30"),
        ((*MONDAYS, "--until", "2020-01-01"), "2020-01-01"),
        ((*MONDAYS, "--if-late", "panic"), "panic"),
        ((*MONDAYS, "--grace", "soon"), "soon"),
        ((*MONDAYS, "--grace", "-1h"), "-1h"),
        ((*MONDAYS, "--grace", ""), "--grace"),
        ((*MONDAYS, "--lasts", "0m"), "--lasts"),
        ((*MONDAYS, "--var", "percent"), "percent"),
        ((*MONDAYS, "--var", "percent=20"), "percent"),
        ((*MONDAYS, "--group", "silver"), "silver"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_said_at_once(vipcast, arguments, named):
    problem = vipcast.problem(*TO_GOLD, *arguments)
    assert named in problem["message"]
    assert problem["hint"]
    assert vipcast.data("schedule", "list") == []


@pytest.mark.parametrize("template", ["nope", "replies", "../note", ""])
def test_template_must_exist(vipcast, template):
    assert vipcast.problem("schedule", "add", template, "--group", "gold", *MONDAYS)["hint"]


def test_text_that_nobody_could_get_is_said_at_once(vipcast):
    write_template(vipcast.folder, "note", "+++\ntitle = 'N'\n+++\n{{ colour }} is in fashion.\n")
    ran = vipcast(*TO_GOLD, *MONDAYS, "--json")
    assert ran.code == 2
    assert all("colour" in one["message"] for one in ran.envelope["errors"])
    assert vipcast.data(*TO_GOLD, *MONDAYS, "--var", "colour=Blue")["variables"] == {"colour": "Blue"}


def test_closed_group_is_refused(vipcast):
    vipcast.data("group", "close", "gold", "--yes")
    assert "closed" in vipcast.problem(*TO_GOLD, *MONDAYS)["message"]


def test_empty_group_may_fill_until_then(vipcast):
    vipcast.data("group", "create", "silver")
    assert vipcast.data("schedule", "add", "note", "--group", "silver", *MONDAYS)["groups"] == ["silver"]


@pytest.mark.parametrize("command", ["show", "pause", "resume", "remove"])
@pytest.mark.parametrize("number", [99, 0, 10**30, "first"])
def test_number_that_there_is_not(vipcast, command, number):
    yes = ("--yes",) if command == "remove" else ()
    assert vipcast.problem("schedule", command, number, *yes)["hint"]


def test_added_is_listed_shown_paused_resumed_and_removed(vipcast):
    told = vipcast(*TO_GOLD, *MONDAYS, "--urgent", "--grace", "30m", "--if-late", "skip")
    assert told.code == 0
    assert "crontab --install" in told.out
    [one] = vipcast.data("schedule", "list")
    assert (one["is_urgent"], one["grace_seconds"], one["if_late"]) == (True, 1800, "skip")
    first = datetime.fromisoformat(one["next_at"])
    assert (first.isoweekday(), first.hour, first.minute) == (1, 9, 0)
    assert "every Monday at 9:00" in vipcast("schedule", "list").out

    shown = vipcast.data("schedule", "show", 1, "--count", 3)
    runs = [datetime.fromisoformat(run) for run in shown["runs"]]
    assert [run.date() for run in runs] == [first.date() + timedelta(days=7 * n) for n in range(3)]

    assert vipcast.data("schedule", "pause", 1)["state"] == "paused"
    assert vipcast.data("schedule", "show", 1)["runs"] == []
    resumed = vipcast.data("schedule", "resume", 1)
    assert (resumed["state"], resumed["next_at"]) == ("active", one["next_at"])
    assert vipcast("schedule", "resume", 1).code == 3

    assert "--yes" in vipcast.problem("schedule", "remove", 1)["hint"]
    assert vipcast.data("schedule", "remove", 1, "--yes") == {"removed": 1}
    assert vipcast.data("schedule", "list") == []


def test_zone_is_the_shops_or_the_one_named(vipcast):
    assert vipcast.data(*TO_GOLD, *MONDAYS)["zone"] == "Europe/Budapest"
    there = vipcast.data(*TO_GOLD, *MONDAYS, "--tz", "Asia/Tokyo")
    assert there["zone"] == "Asia/Tokyo"
    assert datetime.fromisoformat(there["next_at"]).hour == 9
    assert there["next_at"].endswith("+09:00")


def test_zone_that_is_gone_hides_no_other_schedule(vipcast):
    for _ in range(2):
        vipcast.data(*TO_GOLD, *MONDAYS)
    with closing(sqlite3.connect(vipcast.folder / ".vipcast" / "vipcast.db")) as database, database:
        database.execute("UPDATE schedules SET zone = 'Europe/Atlantis' WHERE id = 1")
    assert len(vipcast.data("schedule", "list")) == 2
    out = vipcast("schedule", "list").out
    assert "monday@9:00" in out
    assert "every Monday at 9:00" in out
    assert "Atlantis" in vipcast.problem("schedule", "show", 1)["message"]
    assert vipcast.data("schedule", "remove", 1, "--yes") == {"removed": 1}


@pytest.mark.parametrize(
    ("expression", "after", "runs"),
    [
        ("day@2:30", "2026-10-24", ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"]),
        ("day@2:30", "2026-03-28", ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"]),
        ("0 9 29 2 *", "2026-11-23", ["2028-02-29T09:00:00+01:00", "2032-02-29T09:00:00+01:00"]),
        ("2026-12-06 09:00", "2026-12-01", ["2026-12-06T09:00:00+01:00"]),
    ],
)
def test_preview_names_the_runs(empty, expression, after, runs):
    assert empty.data("schedule", "preview", expression, "--after", after, "--count", 2)["runs"] == runs


def test_preview_of_what_is_past_says_so(empty):
    ran = empty("schedule", "preview", "2020-01-01 09:00")
    assert ran.code == 3
    assert "does not come" in ran.said()


@pytest.mark.parametrize("arguments", [("day@9:00", "--after", "soon"), ("day@9:00", "--tz", "Mars"), ("x",)])
def test_preview_of_nonsense_is_refused(empty, arguments):
    assert empty.problem("schedule", "preview", *arguments)["message"]
