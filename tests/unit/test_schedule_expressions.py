from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from vipcast.errors import InputError
from vipcast.schedules.expressions import Run, falls_on, parse, zone_of

BUDAPEST = ZoneInfo("Europe/Budapest")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def refused(text: str, kind=None, zone: ZoneInfo = BUDAPEST) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, zone, kind=kind)
    return f"{caught.value.message} {caught.value.hint}"


def keys(text: str, after: str, count: int, zone: ZoneInfo = BUDAPEST, **limits) -> list[str]:
    runs = parse(text, zone).runs(datetime.fromisoformat(after), zone, **limits)
    return [run.local for run in islice(runs, count)]


def seen(text: str, after: str, count: int, zone: ZoneInfo = BUDAPEST) -> list[tuple[str, str]]:
    """The moments in UTC beside the wall times that were meant."""
    runs = parse(text, zone).runs(datetime.fromisoformat(after), zone)
    return [(f"{run.at:%d %H:%M}", run.local[5:]) for run in islice(runs, count)]


# At a date and time


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("2026-12-06 09:00", "2026-12-06 09:00"),
        ("2026-12-06T09:00", "2026-12-06 09:00"),
        (" 2026-12-6 9:00 ", "2026-12-06 09:00"),
        ("2026-12-06 09:00:00", "2026-12-06 09:00"),
        ("2026-12-06T09:00+01:00", "2026-12-06 09:00"),
        ("2026-12-06T08:00Z", "2026-12-06 09:00"),
        ("2026-12-06T03:00-0500", "2026-12-06 09:00"),
        ("2026-12-31T23:30+00", "2027-01-01 00:30"),
        ("2028-02-29 09:00", "2028-02-29 09:00"),
        ("2026-10-25T02:30+02:00", "2026-10-25 02:30+02:00"),
        ("2026-10-25T01:30Z", "2026-10-25 02:30+01:00"),
    ],
)
def test_date_and_time_is_written_as_the_wall_shows_it(typed, written):
    expression = parse(typed, BUDAPEST)
    assert (expression.kind, str(expression), expression.cron) == ("at", written, "")
    assert parse(written, BUDAPEST, kind="at") == expression


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2026-02-30 09:00", "'2026-02-30 09:00' is no time: day"),
        ("2027-02-29 09:00", "is no time: day"),
        ("2026-13-01 09:00", "is no time: month"),
        ("2026-12-06 24:00", "is no time: hour"),
        ("2026-12-06 09:60", "is no time: minute"),
        ("2026-12-06 09:00+25:00", "is no time"),
        ("2026-12-06 09:00:30", "has seconds"),
        ("2026-12-06 09:00:00.5", "has seconds"),
        ("2026-12-06", "has no time of day"),
        ("6.12.2026 9:00", 'is no date and time. Write "2026-12-06 09:00"'),
        ("1999-12-06 09:00", "out of reach"),
        ("2026. 12. 6. 9:00", "is no date and time."),
    ],
)
def test_date_and_time_that_cannot_be_is_refused(typed, said):
    assert said in refused(typed)


def test_hour_that_is_skipped_or_repeated_is_said():
    assert refused("2026-03-29 02:30") == (
        "The clock never shows 2026-03-29 02:30 in Europe/Budapest, because it is put forward then. "
        'Write "2026-03-29 03:30": the same moment as if it had not been.'
    )
    assert refused("2026-10-25 02:30", "at") == (
        "--at: The clock shows 2026-10-25 02:30 twice in Europe/Budapest, because it is put back then. "
        'Say which: "2026-10-25 02:30+02:00" or "2026-10-25 02:30+01:00".'
    )


def test_half_an_hour_that_is_skipped_or_repeated_is_said():
    assert 'Write "2026-10-04 02:45"' in refused("2026-10-04 02:15", zone=LORD_HOWE)
    assert '"2026-04-05 01:45+11:00" or "2026-04-05 01:45+10:30"' in refused(
        "2026-04-05 01:45", zone=LORD_HOWE
    )
    assert str(parse("2026-10-04 02:30", LORD_HOWE)) == "2026-10-04 02:30"


def test_date_and_time_runs_once():
    assert seen("2026-12-06 09:00", "2026-12-06T07:59Z", 5) == [("06 08:00", "12-06T09:00")]
    assert seen("2026-12-06 09:00", "2026-12-06T08:00Z", 5) == []
    assert seen("2026-10-25T02:30+02:00", "2026-10-24T00:00Z", 5) == [("25 00:30", "10-25T02:30")]
    assert seen("2026-10-25T02:30+01:00", "2026-10-24T00:00Z", 5) == [("25 01:30", "10-25T02:30+01:00")]
    assert keys("2026-12-06 09:00", "2026-12-01T00:00Z", 5, until=date(2026, 12, 6)) == ["2026-12-06T09:00"]
    assert keys("2026-12-06 09:00", "2026-12-01T00:00Z", 5, until=date(2026, 12, 5)) == []


def test_date_and_time_in_a_zone_that_came_to_skip_it_runs_just_after():
    entered = parse("2026-03-29 02:30", ZoneInfo("UTC"))
    at = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert list(entered.runs(NEW_YEAR, BUDAPEST)) == [Run(at, "2026-03-29T02:30")]


# Cron


@pytest.mark.parametrize(
    ("typed", "after", "next_ones"),
    [
        ("0 9 * * 1", "2026-11-20T12:00Z", ["2026-11-23T09:00", "2026-11-30T09:00"]),
        ("0  9 * *  mon", "2026-11-20T12:00Z", ["2026-11-23T09:00"]),
        ("0 9 * * 7", "2026-11-20T12:00Z", ["2026-11-22T09:00"]),
        ("0 9 * * 0", "2026-11-20T12:00Z", ["2026-11-22T09:00"]),
        ("0 9 * * fri-SUN", "2026-11-20T12:00Z", ["2026-11-21T09:00", "2026-11-22T09:00", "2026-11-27T09:00"]),
        ("0 9 * jan-mar/2 tue-thu", "2026-01-29T12:00Z", ["2026-03-03T09:00"]),
        ("30 8,18 1,15 * *", "2026-11-20T12:00Z", ["2026-12-01T08:30", "2026-12-01T18:30", "2026-12-15T08:30"]),
        ("*/20 9-10 * * *", "2026-11-20T08:30Z", ["2026-11-20T09:40", "2026-11-20T10:00"]),
        ("5-5/2 9 * * *", "2026-11-20T12:00Z", ["2026-11-21T09:05", "2026-11-22T09:05"]),
        ("50/5 9 * * *", "2026-11-20T12:00Z", ["2026-11-21T09:50", "2026-11-21T09:55", "2026-11-22T09:50"]),
        # the day of the month or the day of the week; both, where one begins with a star
        ("0 9 13 * 5", "2026-11-10T12:00Z", ["2026-11-13T09:00", "2026-11-20T09:00", "2026-11-27T09:00"]),
        ("0 9 */13 * 5", "2026-11-10T12:00Z", ["2026-11-27T09:00", "2027-01-01T09:00"]),
        ("0 9 L * *", "2026-01-31T12:00Z", ["2026-02-28T09:00", "2026-03-31T09:00"]),
        ("0 9 LW * *", "2026-01-31T12:00Z", ["2026-02-27T09:00"]),
        ("0 9 * * 5#2", "2026-11-20T12:00Z", ["2026-12-11T09:00"]),
        ("0 9 * * 5L", "2026-11-20T12:00Z", ["2026-11-27T09:00", "2026-12-25T09:00"]),
        ("0 9 29 2 *", "2026-01-01T12:00Z", ["2028-02-29T09:00", "2032-02-29T09:00"]),
        ("@hourly", "2026-11-20T12:00Z", ["2026-11-20T14:00", "2026-11-20T15:00"]),
        ("@daily", "2026-11-20T12:00Z", ["2026-11-21T00:00"]),
        ("@Midnight", "2026-11-20T12:00Z", ["2026-11-21T00:00"]),
        ("@weekly", "2026-11-20T12:00Z", ["2026-11-22T00:00"]),
        ("@monthly", "2026-11-20T12:00Z", ["2026-12-01T00:00"]),
        ("@yearly", "2026-11-20T12:00Z", ["2027-01-01T00:00"]),
        ("@annually", "2026-11-20T12:00Z", ["2027-01-01T00:00"]),
    ],
)  # fmt: skip
def test_cron_expression_runs(typed, after, next_ones):
    assert keys(typed, after, len(next_ones)) == next_ones
    expression = parse(typed, BUDAPEST, kind="cron")
    assert expression.kind == "cron"
    assert parse(str(expression), BUDAPEST) == expression


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("60 9 * * *", "The minute cannot be '60'. Minutes go from 0 to 59"),
        ("0 24 * * *", "The hour cannot be '24'. Hours go from 0 to 23"),
        ("0 9 0 * *", "The day of the month cannot be '0'"),
        ("0 9 1,32 * *", "The day of the month cannot be '32'"),
        ("0 9 15W * *", "The day of the month cannot be '15w'"),
        ("0 9 L/2 * *", "The day of the month cannot be 'l/2'"),
        ("0 9 * 13 *", "The month cannot be '13'"),
        ("0 9 * dek *", "The month cannot be 'dek'. Did you mean \"DEC\"?"),
        ("0 9 * * 8", "The day of the week cannot be '8'"),
        ("0 9 * * mno", 'Did you mean "MON"?'),
        ("0 9 * * 5#6", "The day of the week cannot be '5#6'"),
        ("0 9 ? * 1", "Write * instead of ?."),
        ("0 9 ² * *", "The day of the month cannot be '²'"),
        ("*/0 9 * * *", "The minute cannot be '*/0'"),
        ("1,,2 9 * * *", "The minute cannot be ''"),
        ("0 22-4 * * *", "It goes backwards. Write 22-23,0-4."),
        ("0 9 * nov-jan *", "It goes backwards. Write 11-12,1."),
        ("0 9 * * 5-0", "It goes backwards. Write 5-7."),
        ("0 9 * * sat-mon", "It goes backwards. Write 6-7,1."),
        ("0 0 9 * * 1", "five fields, and there are 6 fields. Seconds"),
        ("0 9 * *", "five fields, and there are 4 fields."),
        ("@reboot", "@reboot is not for announcements"),
        ("@dayly", 'Did you mean "@daily"?'),
        ("@noon", "There are @hourly"),
        ("0 0 30 2 *", "'0 0 30 2 *' never fires"),
        ("0 0 31 4,6 *", "'0 0 31 4,6 *' never fires"),
        ("0 0 */20 * 1L", "never fires"),
        ("*/5 2 * 3 0L", "never fires in Europe/Budapest"),
    ],
)
def test_cron_expression_that_cannot_be_is_refused(typed, said):
    assert said in refused(typed, "cron")
    assert said in refused(typed)


def test_expression_that_fires_elsewhere_is_refused_only_where_the_clock_skips_its_hour():
    assert str(parse("*/5 2 * 3 0L", ZoneInfo("UTC"))) == "*/5 2 * 3 0L"
    assert str(parse("30 2 * 3 0L", BUDAPEST)) == "30 2 * 3 0L"  # a fixed time runs just after


def test_rarest_day_is_found_and_the_end_comes():
    assert keys("0 9 * 2 5#5", "2026-01-01T00:00Z", 2) == ["2036-02-29T09:00", "2064-02-29T09:00"]
    assert keys("*/30 9 * 2 1#5", "2073-01-01T00:00Z", 1) == ["2112-02-29T09:00"]
    years = {key[:4] for key in keys("0 9 24 12 *", "2026-01-01T00:00Z", 100)}
    assert (min(years), max(years), len(years)) == ("2026", "2066", 41)
    assert keys("* * * * *", "9990-01-01T00:00Z", 1) == []


def test_fault_of_an_option_names_it():
    with pytest.raises(InputError) as caught:
        parse("0 9 * * 8", BUDAPEST, kind="cron")
    assert caught.value.message == "--cron: The day of the week cannot be '8'."
    assert caught.value.where == "--cron"


# Days in words


@pytest.mark.parametrize(
    ("typed", "written", "cron"),
    [
        ("monday@9:00", "monday@9:00", "0 9 * * 1"),
        ("Fridays@9", "friday@9:00", "0 9 * * 5"),
        ("every friday at 9.30", "friday@9:30", "30 9 * * 5"),
        ("on Friday 09:05", "friday@9:05", "5 9 * * 5"),
        ("mon,thu@9:00", "monday,thursday@9:00", "0 9 * * 1,4"),
        ("sun, wed and mon @ 9:00", "monday,wednesday,sunday@9:00", "0 9 * * 0,1,3"),
        ("weekday@9:00", "weekday@9:00", "0 9 * * 1,2,3,4,5"),
        ("mon-fri@9:00", "weekday@9:00", "0 9 * * 1,2,3,4,5"),
        ("fri-mon@9:00", "monday,friday,saturday,sunday@9:00", "0 9 * * 0,1,5,6"),
        ("weekend@10:00", "weekend@10:00", "0 10 * * 0,6"),
        ("day@18:30", "day@18:30", "30 18 * * *"),
        ("daily@0:00", "day@0:00", "0 0 * * *"),
        ("weekday,weekend@8", "day@8:00", "0 8 * * *"),
        ("month@9:00", "month@9:00", "0 9 1 * *"),
        ("month-1@9:00", "month@9:00", "0 9 1 * *"),
        ("15th@9:00", "15th@9:00", "0 9 15 * *"),
        ("month-15@9:00", "15th@9:00", "0 9 15 * *"),
        ("22nd,11th,3rd@9:00", "3rd,11th,22nd@9:00", "0 9 3,11,22 * *"),
        ("Hétfő@9:00", "monday@9:00", "0 9 * * 1"),
        ("csutortok@9:00", "thursday@9:00", "0 9 * * 4"),
        ("vasárnap@9:00", "sunday@9:00", "0 9 * * 0"),
        ("pondělí@9:00", "monday@9:00", "0 9 * * 1"),
        ("středu@9:00", "wednesday@9:00", "0 9 * * 3"),
        ("nedele@9:00", "sunday@9:00", "0 9 * * 0"),
        ("perjantai@9:00", "friday@9:00", "0 9 * * 5"),
        ("sunnuntaisin@9.00", "sunday@9:00", "0 9 * * 0"),
        ("ВТОРНИК@9:00", "tuesday@9:00", "0 9 * * 2"),
        ("пн,воскресенье@9:00", "monday,sunday@9:00", "0 9 * * 0,1"),
    ],
)
def test_days_in_words_are_read(typed, written, cron):
    expression = parse(typed, BUDAPEST)
    assert (expression.kind, str(expression), expression.cron) == ("every", written, cron)
    assert parse(typed, BUDAPEST, kind="every") == parse(written, BUDAPEST) == expression


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mondey@9:00", "'mondey' is no day. Did you mean \"monday\"?"),
        ("mon,thusday@9:00", "Did you mean "),
        ("hetfoo@9:00", 'Did you mean "hétfő"?'),
        ("понидельник@9:00", 'Did you mean "понедельник"?'),
        ("xmas@9:00", "'xmas' is no day. Write monday@9:00"),
        ("ma@9:00", "'ma' is no day."),
        ("mon-@9:00", "'mon-' is no day."),
        (",@9:00", "It names no day."),
        ("monday@24:00", "24:00 is no time of day. Times go from 0:00 to 23:59."),
        ("monday@9:60", "9:60 is no time of day."),
        ("monday@9am", "'9am' is no time of day."),
        ("monday@", "'monday@' has no time of day."),
        ("monday", "'monday' has no time of day."),
        ("32nd@9:00", "No month has a day 32."),
        ("month-0@9:00", "No month has a day 0."),
        ("mon,15th@9:00", "mixes days of the week and of the month"),
    ],
)
def test_days_in_words_that_cannot_be_are_refused(typed, said):
    assert said in refused(typed)
    assert said in refused(typed, "every")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "It says nothing."),
        ("   ", "It says nothing."),
        ("9:00", "'9:00' is no expression of a time. Write "),
        ("soon", "'soon' is no expression"),
        ("1" * 201, "longer than 200 characters"),
    ],
)
def test_what_is_no_expression_at_all_is_refused(typed, said):
    assert said in refused(typed)


# Members' own days


def test_members_own_days_are_looked_at_daily():
    for typed in ("birthday@10:00", "Birthdays 10", "birthday @ 10.00"):
        expression = parse(typed, BUDAPEST)
        assert (expression.kind, str(expression), expression.cron) == ("on", "birthday@10:00", "0 10 * * *")
    assert str(parse("anniversaries@9", BUDAPEST, kind="on")) == "anniversary@9:00"
    assert keys("birthday@10:00", "2026-02-27T12:00Z", 2) == ["2026-02-28T10:00", "2026-03-01T10:00"]
    assert 'Did you mean "birthday@10:00"?' in refused("birtday@10:00")
    assert "Write birthday@10:00 or anniversary@10:00." in refused("name-day@10:00", "on")


@pytest.mark.parametrize(
    ("born", "day", "is_kept"),
    [
        ((2, 29), date(2027, 2, 28), True),
        ((2, 29), date(2028, 2, 28), False),
        ((2, 29), date(2028, 2, 29), True),
        ((2, 29), date(2027, 3, 1), False),
        ((2, 29), date(2100, 2, 28), True),
        ((2, 28), date(2028, 2, 28), True),
        ((2, 28), date(2028, 2, 29), False),
        ((12, 6), date(2026, 12, 6), True),
        ((12, 6), date(2026, 6, 12), False),
    ],
)
def test_own_day_is_kept(born, day, is_kept):
    assert falls_on(born, day) == is_kept


# When the clock changes: Budapest skips 2:00 to 3:00 on 29 March 2026, and shows it twice on 25 October


def test_fixed_time_that_is_skipped_runs_once_just_after():
    assert seen("30 2 * * *", "2026-03-28T12:00Z", 2) == [
        ("29 01:00", "03-29T02:30"),
        ("30 00:30", "03-30T02:30"),
    ]
    assert seen("30 2 * * *", "2026-03-29T01:00Z", 1) == [("30 00:30", "03-30T02:30")]
    assert seen("15 2 * * *", "2026-10-03T12:00Z", 1, LORD_HOWE) == [("03 15:30", "10-04T02:15")]


def test_fixed_times_that_come_due_together_run_once():
    assert seen("0,30 2,3 * * *", "2026-03-29T00:59Z", 2) == [
        ("29 01:00", "03-29T02:00"),
        ("29 01:30", "03-29T03:30"),
    ]


def test_fixed_time_that_is_repeated_runs_in_the_first_pass():
    assert seen("30 2 * * *", "2026-10-24T12:00Z", 2) == [
        ("25 00:30", "10-25T02:30"),
        ("26 01:30", "10-26T02:30"),
    ]
    for second_pass in ("2026-10-25T00:45Z", "2026-10-25T01:15Z", "2026-10-25T01:45Z"):
        assert seen("30 2 * * *", second_pass, 1) == [("26 01:30", "10-26T02:30")]


def test_wildcard_follows_real_time():
    assert seen("*/30 * * * *", "2026-03-29T00:15Z", 3) == [
        ("29 00:30", "03-29T01:30"),
        ("29 01:00", "03-29T03:00"),
        ("29 01:30", "03-29T03:30"),
    ]
    assert seen("*/30 2 * * *", "2026-03-29T00:15Z", 1) == [("30 00:00", "03-30T02:00")]
    twice = [
        ("25 00:00", "10-25T02:00"),
        ("25 00:30", "10-25T02:30"),
        ("25 01:00", "10-25T02:00+01:00"),
        ("25 01:30", "10-25T02:30+01:00"),
        ("25 02:00", "10-25T03:00"),
    ]
    assert seen("*/30 * * * *", "2026-10-24T23:45Z", 5) == twice
    assert seen("*/30 * * * *", "2026-10-25T00:10Z", 4) == twice[1:]
    assert seen("*/30 * * * *", "2026-10-25T01:10Z", 2) == twice[3:]


def test_clock_that_skips_midnight_never_shows_it_to_a_wildcard():
    havana = ZoneInfo("America/Havana")
    assert seen("*/30 * 8 3 *", "2026-03-08T00:00Z", 2, havana) == [
        ("08 05:00", "03-08T01:00"),
        ("08 05:30", "03-08T01:30"),
    ]
    assert seen("@daily", "2026-03-08T00:00Z", 1, havana) == [("08 05:00", "03-08T00:00")]


# Ends


def test_last_day_counts_in_the_zone_and_is_included():
    assert keys("30 23 * * *", "2026-11-20T12:00Z", 5, until=date(2026, 11, 21)) == [
        "2026-11-20T23:30",
        "2026-11-21T23:30",
    ]
    assert keys("30 0 * * *", "2026-11-20T12:00Z", 5, until=date(2026, 11, 20)) == []
    assert keys("@hourly", "2026-10-25T00:30Z", 2, until=date(2026, 10, 25)) == [
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00",
    ]


def test_runs_come_strictly_after_any_moment_in_any_zone():
    tokyo = datetime(2026, 11, 20, 17, 0, tzinfo=ZoneInfo("Asia/Tokyo"))  # 9:00 in Budapest
    nine = parse("0 9 * * *", BUDAPEST)
    microsecond = timedelta(microseconds=1)
    assert [next(nine.runs(tokyo + i * microsecond, BUDAPEST)).local for i in (-1, 0, 1)] == [
        "2026-11-20T09:00",
        "2026-11-21T09:00",
        "2026-11-21T09:00",
    ]
    with pytest.raises(ValueError, match="no offset"):
        nine.runs(datetime(2026, 11, 20), BUDAPEST)  # noqa: DTZ001 - this is the fault


# In words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2026-12-06 09:00", "on Sunday, 6 December 2026 at 9:00"),
        ("2026-10-25 02:30+01:00", "on Sunday, 25 October 2026 at 2:30 (+0100)"),
        ("monday@9:00", "every Monday at 9:00"),
        ("0 9 * * mon", "every Monday at 9:00"),
        ("5 9 * * sun,3", "every Wednesday and Sunday at 9:05"),
        ("0 9 * * fri-sun", "every Friday, Saturday and Sunday at 9:00"),
        ("0 9 * * 0-sun", "every Sunday at 9:00"),
        ("weekday@9:00", "every day from Monday to Friday at 9:00"),
        ("0 9 * * 1-5", "every day from Monday to Friday at 9:00"),
        ("weekend@10:00", "every Saturday and Sunday at 10:00"),
        ("day@18:30", "every day at 18:30"),
        ("0 9 * * 0-7", "every day at 9:00"),
        ("month@9:00", "on the 1st of every month at 9:00"),
        ("2nd,23rd@9:00", "on the 2nd and 23rd of every month at 9:00"),
        ("31st@9:00", "on the 31st of every month that has one at 9:00"),
        ("0 9 L * *", "on the last day of every month at 9:00"),
        ("0 9 24 dec *", "every year on 24 December at 9:00"),
        ("0 9 29 2 *", "every leap year on 29 February at 9:00"),
        ("birthday@10:00", "on each member's birthday at 10:00"),
        ("anniversary@10:00", "on each member's anniversary of joining at 10:00"),
        ("@hourly", "every hour on the hour"),
        ("15 * * * *", "every hour at 15 minutes past"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("@daily", "every day at 0:00"),
        # what has no short words is left as it is
        ("*/7 * * * *", "*/7 * * * *"),
        ("0 9 13 * 5", "0 9 13 * 5"),
        ("0 9 * * 5#2", "0 9 * * 5#2"),
        ("0 9-17 * * *", "0 9-17 * * *"),
        ("0 9 * 6-8 *", "0 9 * 6-8 *"),
        ("0 9 1-7 * *", "0 9 1-7 * *"),
        ("0 9 * * */2", "0 9 * * */2"),
    ],
)
def test_expression_in_words(typed, words):
    assert parse(typed, BUDAPEST).describe() == words


def test_another_language_has_the_expression_as_it_is_written():
    assert parse("mon@9", BUDAPEST).describe("hu") == "monday@9:00"


# Zones


@pytest.mark.parametrize("name", ["Europe/Budapest", " Europe/Prague ", "CET", "UTC", "Australia/Lord_Howe"])
def test_zone_is_found(name):
    assert zone_of(name).key == name.strip()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Europe/Budapst", "Europe/Budapest"),
        ("Budapest", "Europe/Budapest"),
        ("budapest", "Europe/Budapest"),
        ("europe/helsinki", "Europe/Helsinki"),
        ("Prage", "Europe/Prague"),
        ("new york", "America/New_York"),
    ],
)
def test_zone_that_is_not_known_is_refused_with_the_nearest(name, meant):
    with pytest.raises(InputError) as caught:
        zone_of(name)
    assert caught.value.message == f"There is no time zone {name!r}."
    assert caught.value.hint == f'Did you mean "{meant}"?'


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "xyzzy", "../etc/passwd", "/etc/localtime", "a\0b", "right/UTC", "localtime", "x" * 5000],
)
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(InputError, match="There is no time zone") as caught:
        zone_of(name)
    assert caught.value.hint
