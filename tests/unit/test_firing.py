"""What is due: planned once, late or not, after a sleep, in the nights when the clock changes."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

import pytest
from schedule_steps import add_schedule, again, at, change, fire, outcomes, planned, runs_of
from sqlalchemy import update
from support import add_group, add_member, opt_out, rows, write_template

from vipcast.delivery.ledger import open_accounts
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.schedules import records
from vipcast.schedules.firing import MOST_MISSED
from vipcast.storage.tables import memberships

MONDAY = at("2026-11-23 09:00")


@pytest.fixture(autouse=True)
def sunday_before(clock):
    clock.moment = at("2026-11-22 12:00")


@pytest.fixture
def gold(shop):
    """A group of two, one on each messenger."""
    people = [add_member(shop, "Anna", ("telegram", "@anna")), add_member(shop, "Bea", ("viber", "bea=="))]
    add_group(shop, "gold", people)
    return people


def in_the_ledger(shop):
    return [(row.member_id, row.state) for row in rows(shop)]


def may_go_out(shop):
    with shop.database.read() as connection:
        return open_accounts(connection, None)


def test_nothing_is_planned_before_its_time(shop, clock, gold):
    one = add_schedule(shop, "monday@9:00", "gold")
    clock.moment = MONDAY - timedelta(microseconds=1)
    assert fire(shop) == {}
    assert again(shop, one) == one


def test_due_occurrence_is_planned_whole_and_once(shop, clock, gold):
    one = add_schedule(shop, "monday@9:00", "gold", lasts_seconds=3600, is_urgent=True)
    clock.moment = MONDAY
    fired = fire(shop)
    assert [(f.local, f.state, f.planned) for f in fired.values()] == [("2026-11-23T09:00", "sent", 2)]
    assert in_the_ledger(shop) == [(number, "queued") for number in gold]
    [announcement] = planned(shop)
    assert (announcement.state, announcement.is_urgent) == ("running", True)
    assert announcement.ends_at == MONDAY + timedelta(hours=1)
    assert again(shop, one).next_at == MONDAY + timedelta(days=7)
    for _ in range(2):
        clock.advance(60)
        assert fire(shop) == {}
    assert len(planned(shop)) == 1


def test_next_occurrence_is_another_announcement_to_the_same_people(shop, clock, gold):
    add_schedule(shop, "monday@9:00", "gold")
    for week in range(2):
        clock.moment = MONDAY + timedelta(days=7 * week)
        assert outcomes(fire(shop)) == ["sent"]
    assert len(planned(shop)) == 2
    assert len(rows(shop)) == 4


@pytest.mark.parametrize(
    ("if_late", "late", "became"),
    [
        ("send", timedelta(hours=2), "sent"),
        ("skip", timedelta(hours=2), "sent"),
        ("ask", timedelta(hours=2), "sent"),
        ("send", timedelta(hours=2, seconds=1), "sent"),
        ("skip", timedelta(hours=2, seconds=1), "skipped"),
        ("ask", timedelta(hours=2, seconds=1), "asked"),
        ("send", timedelta(days=6), "sent"),
    ],
)
def test_lateness_is_judged_by_grace_and_if_late(shop, clock, gold, if_late, late, became):
    one = add_schedule(shop, "monday@9:00", "gold", if_late=if_late)
    clock.moment = MONDAY + late
    assert outcomes(fire(shop)) == [became]
    assert runs_of(shop, one) == [("2026-11-23T09:00", became)]
    assert bool(may_go_out(shop)) == (became == "sent")


def test_mondays_offer_does_not_go_out_on_tuesday_night_by_itself(shop, clock, gold):
    one = add_schedule(shop, "monday@9:00", "gold", lasts_seconds=86_400 * 3)
    clock.moment = at("2026-11-24 23:00")
    assert outcomes(fire(shop)) == ["asked"]
    [announcement] = planned(shop)
    assert (announcement.state, announcement.approval) == ("planned", "waiting")
    assert "2026-11-23T09:00" in announcement.state_reason
    assert may_go_out(shop) == []
    clock.advance(60)
    assert fire(shop) == {}, "the owner is asked once"
    assert again(shop, one).next_local == "2026-11-30T09:00"


def test_after_a_week_asleep_the_latest_stands_for_all(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold", if_late="send")
    clock.moment = at("2026-11-29 20:00")
    fire(shop)
    assert [state for _, state in runs_of(shop, one)] == ["skipped"] * 6 + ["sent"]
    assert runs_of(shop, one)[-1][0] == "2026-11-29T09:00"
    assert len(planned(shop)) == 1


def test_after_a_week_asleep_each_birthday_is_a_matter_of_its_own(shop, clock):
    people = [
        add_member(shop, f"Born {day}", ("telegram", f"@born{day}"), birthday=date(1990, 11, day))
        for day in (24, 26, 29)
    ]
    add_group(shop, "gold", people)
    one = add_schedule(shop, "birthday@10:00", "gold")
    clock.moment = at("2026-11-29 10:30")
    fire(shop)
    became = [state for _, state in runs_of(shop, one)]
    assert became == ["empty", "asked", "empty", "asked", "empty", "empty", "sent"]
    assert [row.member_id for row in rows(shop)] == people


def test_a_long_sleep_over_a_short_interval_leaves_few_rows(shop, clock, gold):
    one = add_schedule(shop, "* * * * *", "gold", if_late="send")
    clock.advance(86_400)
    fire(shop)
    past = runs_of(shop, one)
    assert [state for _, state in past] == ["skipped"] * (MOST_MISSED - 1) + ["sent"]
    assert past[-1][0] == "2026-11-23T12:00"
    assert again(shop, one).next_at == clock.moment + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("night", "expression", "expected"),
    [
        ("2026-10-25", "day@2:30", ["02:30"]),
        ("2026-10-25", "30 2 * * *", ["02:30"]),
        ("2026-10-25", "15,45 2 * * *", ["02:15", "02:45"]),
        ("2026-10-25", "30 * * * *", [*[f"{h:02}:30" for h in (0, 1, 2)], "02:30+01:00", "03:30", "04:30"]),
        ("2026-03-29", "day@2:30", ["02:30"]),
        ("2026-03-29", "30 2 * * *", ["02:30"]),
        ("2026-03-29", "30 * * * *", ["00:30", "01:30", "03:30", "04:30"]),
    ],
)
def test_nights_when_the_clock_changes(shop, clock, gold, night, expression, expected):
    """Ticks each ten minutes from midnight to five, Budapest time."""
    clock.moment = at(f"{night} 00:00")
    one = add_schedule(shop, expression, "gold")
    while clock.moment < at(f"{night} 05:00"):
        clock.advance(600)
        fire(shop)
    assert runs_of(shop, one) == [(f"{night}T{clock}", "sent") for clock in expected]
    assert len(planned(shop)) == len(expected)


@pytest.mark.parametrize(
    ("today", "named"),
    [
        ("2026-11-22", {"today"}),
        ("2027-02-28", {"leap"}),
        ("2028-02-28", set()),
        ("2028-02-29", {"leap"}),
    ],
)
def test_birthdays_reach_those_whose_day_it_is(shop, clock, today, named):
    clock.moment = at(f"{today} 09:00")
    born = {"today": date(1980, 11, 22), "other": date(1980, 11, 23), "leap": date(2004, 2, 29), "none": None}
    born["newborn"] = clock.moment.date()
    people = {
        name: add_member(shop, name, ("telegram", f"@{name}_it_is"), birthday=day)
        for name, day in born.items()
    }
    add_group(shop, "gold", people.values())
    add_schedule(shop, "birthday@10:00", "gold")
    clock.advance(3600)
    assert outcomes(fire(shop)) == ["sent" if named else "empty"]
    assert {row.member_id for row in rows(shop)} == {people[name] for name in named}


def test_birthdays_pass_over_who_waits_or_left_or_opted_out(shop, clock):
    today = date(1980, 11, 22)
    people = [add_member(shop, f"Twin {n}", ("telegram", f"@twin{n}_here"), birthday=today) for n in range(4)]
    group = add_group(shop, "gold", people[:3], cap=3)
    add_group(shop, "gold", people[3:])  # waits
    add_group(shop, "silver", people[3:])
    opt_out(shop, people[1])
    add_schedule(shop, "birthday@13:00", "gold")
    with shop.database.write() as connection:  # the last stays out: the list would move up at once
        connection.execute(
            update(memberships).where(memberships.c.member_id == people[2]).values(state="left")
        )
    assert group.free == 0
    clock.advance(3600)
    assert outcomes(fire(shop)) == ["sent"]
    assert in_the_ledger(shop) == [(people[0], "queued"), (people[1], "skipped")]


def test_anniversaries_are_counted_on_the_clock_of_the_schedule(shop, clock):
    """Who was seated at 23:30 UTC was seated on the next day in Budapest."""
    people = [add_member(shop, name, ("telegram", f"@{name}_sat")) for name in ("late", "early")]
    group = add_group(shop, "gold", people)
    for number, moment in zip(people, (at("2024-11-24 00:30"), at("2024-11-23 23:30")), strict=True):
        with shop.database.write() as connection:
            mine = (memberships.c.group_id == group.id) & (memberships.c.member_id == number)
            connection.execute(update(memberships).where(mine).values(seated_at=moment))
    add_schedule(shop, "anniversary@10:00", "gold")
    for day, number in (("2026-11-23", people[1]), ("2026-11-24", people[0])):
        clock.moment = at(f"{day} 10:00")
        fire(shop)
        assert rows(shop)[-1].member_id == number
    assert len(rows(shop)) == 2


def test_nobodys_day_is_no_announcement(shop, clock, gold):
    one = add_schedule(shop, "birthday@13:00", "gold")
    clock.advance(3600)
    assert outcomes(fire(shop)) == ["empty"]
    assert (planned(shop), runs_of(shop, one)) == ([], [("2026-11-22T13:00", "empty")])


def test_date_of_the_run_is_said_in_the_members_language(shop, clock, shop_folder):
    text = "+++\ntitle = 'T'\n+++\n{{ run.date }} {{ run.time }}\n"
    write_template(shop_folder, "dated", text)
    languages = ("hu", "cs", "fi", "ru", "en")
    people = [add_member(shop, one, ("telegram", f"@speaks_{one}"), language=one) for one in languages]
    for language in languages:
        write_template(shop_folder, "dated", text, language)
    add_group(shop, "gold", people)
    add_schedule(shop, "monday@0:30", "gold", template="dated")
    clock.moment = at("2026-11-23 02:00")  # said is when it was due, and as the shop has it
    fire(shop)
    said = [row.body for row in rows(shop)]
    for words, body in zip(
        ("2026. november 23.", "23. listopadu 2026", "23. marraskuuta 2026", "23 ноября 2026", "November 23, 2026"),
        said, strict=True,
    ):  # fmt: skip
        assert f"{words}" in body.replace("\xa0", " ")
        assert "0:30" in body


def test_last_occurrence_ends_the_schedule(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold", until=date(2026, 11, 24))
    for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
        clock.moment = at(f"{day} 09:00")
        fire(shop)
    assert len(runs_of(shop, one)) == 2
    assert (again(shop, one).state, again(shop, one).next_at) == ("ended", None)
    with pytest.raises(InputError), shop.database.write() as connection:
        records.resume(connection, again(shop, one), clock.now())


def test_what_was_missed_in_a_pause_is_past(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold", if_late="send")
    with shop.database.write() as connection:
        records.pause(connection, one)
    clock.moment = at("2026-11-25 12:00")
    assert fire(shop) == {}
    with shop.database.write() as connection:
        records.resume(connection, again(shop, one), clock.now())
    assert fire(shop) == {}
    assert again(shop, one).next_local == "2026-11-26T09:00"


def break_template(shop):
    shutil.rmtree(shop.templates_folder / "note")


def break_text(shop):
    write_template(shop.config.folder, "note", "+++\ntitle = 'N'\n+++\n{{ nobody.knows }}\n")


def break_bytes(shop):
    (shop.templates_folder / "note" / "en.md").write_bytes(b"\xff\xfe\x00")


def break_file(shop):
    file = shop.templates_folder / "note" / "en.md"
    file.unlink()
    file.mkdir()


def break_folder(shop):
    folder = shop.templates_folder / "note"
    shutil.rmtree(folder)
    folder.write_text("no folder", encoding="utf-8")


def break_picture(shop):
    text = "+++\ntitle = 'N'\nmedia = ['gone.png']\n+++\nSee.\n"
    write_template(shop.config.folder, "note", text)


def break_group(shop):
    with shop.database.write() as connection:
        seats.close(connection, seats.get(connection, "gold"), now=shop.now())


@pytest.mark.parametrize(
    "breaking",
    [break_template, break_text, break_bytes, break_file, break_folder, break_picture, break_group],
)
def test_one_that_cannot_be_planned_is_told_and_stops_no_other(shop, clock, gold, breaking):
    add_group(shop, "silver", gold)
    write_template(shop.config.folder, "other", "+++\ntitle = 'O'\n+++\nOther news.\n")
    bad = add_schedule(shop, "day@9:00", "gold")
    good = add_schedule(shop, "day@9:00", "silver", template="other")
    breaking(shop)
    clock.moment = MONDAY
    fired = fire(shop)
    assert {key[0]: one.state for key, one in fired.items()} == {bad.id: "failed", good.id: "sent"}
    assert fired[bad.id, "2026-11-23T09:00"].reason
    assert again(shop, bad).reason == fired[bad.id, "2026-11-23T09:00"].reason
    assert len(planned(shop)) == 1
    assert again(shop, bad).next_local == "2026-11-24T09:00", "tomorrow it is tried again"


def test_trouble_that_is_mended_is_forgotten(shop, clock, gold, shop_folder):
    one = add_schedule(shop, "day@9:00", "gold")
    kept = shutil.move(shop.templates_folder / "note", shop_folder / "kept")
    clock.moment = MONDAY
    fire(shop)
    shutil.move(kept, shop.templates_folder / "note")
    clock.advance(86_400)
    assert outcomes(fire(shop)) == ["sent"]
    assert again(shop, one).reason == ""


def test_emptied_group_is_no_fault(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold")
    with shop.database.write() as connection:
        for number in gold:
            seats.leave(connection, seats.get(connection, "gold"), number, now=clock.now())
    clock.moment = MONDAY
    [found] = fire(shop).values()
    assert (found.state, again(shop, one).state) == ("empty", "active")
    assert "gold" in found.reason
    assert planned(shop) == []


def test_zone_that_is_gone_pauses_its_schedule_alone(shop, clock, gold):
    bad, good = (add_schedule(shop, "day@9:00", "gold") for _ in range(2))
    change(shop, bad, zone="Europe/Atlantis")
    clock.moment = MONDAY
    fired = fire(shop)
    assert outcomes(fired) == ["failed", "sent"]
    assert (again(shop, bad).state, again(shop, good).state) == ("paused", "active")
    assert "Europe/Atlantis" in again(shop, bad).reason


def test_nothing_from_before_a_restore_fires(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold", if_late="send")
    clock.moment = at("2026-11-24 09:01")
    assert set(outcomes(fire(shop, restored_at=at("2026-11-24 09:00")))) == {"skipped"}
    assert again(shop, one).next_local == "2026-11-25T09:00"
    clock.moment = at("2026-11-25 09:01")
    assert outcomes(fire(shop, restored_at=at("2026-11-24 09:00"))) == ["sent"]


def test_run_is_unique_by_its_time_on_the_wall_even_if_the_schedule_is_turned_back(shop, clock, gold):
    one = add_schedule(shop, "day@9:00", "gold", if_late="send")
    clock.moment = MONDAY
    assert outcomes(fire(shop)) == ["sent"]
    change(shop, one, next_at=MONDAY, next_local="2026-11-23T09:00")
    assert fire(shop) == {}
    assert len(planned(shop)) == 1
    assert again(shop, one).next_local == "2026-11-24T09:00"


def test_clock_ahead_for_a_while_leaves_nothing_out_and_repeats_nothing(shop, clock, gold):
    daily = add_schedule(shop, "day@9:00", "gold", if_late="skip")
    once = add_schedule(shop, "2026-11-23 10:00", "gold", if_late="skip")
    gone = add_schedule(shop, "day@9:00", "gold")
    change(shop, gone, zone="Europe/Atlantis", next_at=at("2026-12-24 09:00"))
    clock.moment = at("2026-11-24 09:30")  # two days ahead
    assert sorted(outcomes(fire(shop))) == ["sent", "skipped", "skipped"]
    clock.moment = at("2026-11-22 12:00")
    with shop.database.write() as connection:
        records.set_back(connection, clock.now())
    assert fire(shop) == {}
    clock.moment = at("2026-11-23 10:00")
    assert sorted(outcomes(fire(shop))) == ["sent", "sent"], "what was only skipped comes at its time"
    clock.moment = at("2026-11-24 09:30")
    assert fire(shop) == {}, "what went out ahead of its time does not come again"
    assert again(shop, once).state == "ended"
    assert again(shop, daily).next_local == "2026-11-25T09:00"
    with shop.database.read() as connection:
        assert records.latest_run(connection) == at("2026-11-24 09:30"), "never an earlier moment"
