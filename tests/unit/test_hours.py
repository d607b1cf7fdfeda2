from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from vipcast.conversations import holidays_of
from vipcast.conversations.hours import OpeningHours, parse
from vipcast.errors import ConfigError

BUDAPEST = ZoneInfo("Europe/Budapest")
SAMPLE = {"mon-fri": "9:00-12:30, 13:00-18:00", "sat": "9:00-13:00"}


def hours(zone: ZoneInfo = BUDAPEST, **raw: object) -> OpeningHours:
    return parse({key.replace("_to_", "-"): value for key, value in raw.items()}, zone, Path("vipcast.toml"))


def said(opening: OpeningHours, day: str) -> str:
    return ", ".join(map(str, opening.day(date.fromisoformat(day)).spans)) or "closed"


def opened(opening: OpeningHours, start: str, end: str) -> list[tuple[str, str]]:
    """The openings between two moments, as the shop's clock shows them with its offset."""
    moments = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    return [
        (
            o.opens_at.astimezone(opening.zone).isoformat(" ", "minutes"),
            o.closes_at.astimezone(opening.zone).isoformat(" ", "minutes"),
        )
        for o in opening.openings(*moments)
    ]


def fault(raw: dict[str, object], tmp_path: Path, text: str = "") -> ConfigError:
    file = tmp_path / "vipcast.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        parse(raw, BUDAPEST, file)
    return caught.value


# Reading


def test_sample_of_the_shop_is_read():
    opening = hours(**{"mon-fri": "9:00-12:30, 13:00-18:00", "sat": "9:00-13:00", "reply_within": "2h"})
    assert [said(opening, f"2026-11-{day}") for day in (20, 21, 22)] == [
        "9:00-12:30, 13:00-18:00",
        "9:00-13:00",
        "closed",
    ]
    assert opening.reply_within == timedelta(hours=2)
    assert opening.are_set


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("mon", "m......"),
        ("Sunday", "......m"),
        ("mon-fri", "mmmmm.."),
        ("fri-mon", "m...mmm"),
        ("sat-sun", ".....mm"),
        ("mon,wed", "m.m...."),
        ("mon, thu-fri", "m..mm.."),
        ("daily", "mmmmmmm"),
    ],
)
def test_keys_of_days(key: str, days: str):
    opening = hours(**{key: "9:00-17:00"})
    assert "".join("m" if spans else "." for spans in opening.week) == days


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("13:00-18:00, 09:00-12:30", "9:00-12:30, 13:00-18:00"),
        ("9-17", "9:00-17:00"),
        ("9.30 – 17.00", "9:30-17:00"),
        ("0:00-24:00", "0:00-24:00"),
        ("18:00-0:00", "18:00-24:00"),
        ("18:00-02:00", "18:00-2:00"),
        ("9:00-12:00,12:00-13:00", "9:00-12:00, 12:00-13:00"),
        ("closed", "closed"),
        ("Closed", "closed"),
    ],
)
def test_texts_of_spans(text: str, canonical: str):
    assert said(hours(mon=text), "2026-11-23") == canonical


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("2h", 120), ("90min", 90), ("90m", 90), ("1h30m", 90), ("1h 30min", 90), ("2 H", 120), ("100h", 6000)],
)
def test_lengths_of_reply_within(text: str, minutes: int):
    assert hours(reply_within=text).reply_within == timedelta(minutes=minutes)


def test_nothing_written_means_never_open():
    opening = hours()
    assert not opening.are_set
    assert not opened(opening, "2026-11-01", "2026-12-01")
    assert not hours(daily="closed").are_set


@pytest.mark.parametrize(
    ("raw", "message", "hint"),
    [
        ({"mon": "9:00-25:00"}, "`hours.mon`: 25:00 is no time of day", "0:00 to 24:00"),
        ({"mon": "24:01-3:00"}, "24:01 is no time of day", ""),
        ({"mon": "9:00-12:60"}, "12:60 is no time of day", ""),
        ({"mon": "9:00"}, "'9:00' is no span of time", "9:00-12:30, 13:00-18:00"),
        ({"mon": ""}, "'' is no span of time", "closed"),
        ({"mon": "9:00-12:00,"}, "'' is no span of time", ""),
        ({"mon": "9:00-12:30, 12:00-18:00"}, "9:00-12:30 and 12:00-18:00 overlap", "Join them"),
        ({"mon": "18:00-2:00, 20:00-22:00"}, "18:00-2:00 and 20:00-22:00 overlap", ""),
        ({"mon": "18:00-9:00"}, "18:00-9:00 ends before it begins", "Did you mean 9:00-18:00?"),
        ({"mon": "9:00-9:00"}, "9:00-9:00 holds no time", "0:00-24:00"),
        ({"mon": "24:00-2:00"}, "24:00-2:00 holds no time", ""),
        ({"mon": 9}, "it must be a text in quotes, not 9", 'mon = "'),
        ({"mon": ["9:00-12:00"]}, "it must be a text in quotes", ""),
        (
            {"mon-fri": "9-17", "wed": "9-12"},
            "`hours.wed`: Wednesday is given twice, here and in `mon-fri`",
            "",
        ),
        ({"mon,mon": "9-17"}, "Monday is given twice", ""),
        (
            {"fri": "18:00-2:00", "sat": "1:00-5:00"},
            "18:00-2:00 on Friday runs into 1:00-5:00 on Saturday",
            "",
        ),
        ({"sun": "18:00-2:00", "mon": "1:00-5:00"}, "`hours.sun`: 18:00-2:00 on Sunday runs into", ""),
        ({"satt": "9-13"}, "`hours.satt`: it is neither days of the week nor a known key", "`sat`"),
        ({"mon-fry": "9-13"}, "neither days", "`mon-fri`"),
        ({"reply_in": "2h"}, "neither days", "`reply_within`"),
        ({"holiday": "HU"}, "neither days", "`holidays`"),
        ({"xyzzy": "HU"}, "neither days", "[hours.dates]"),
        ({"mon-": "9-13"}, "neither days", ""),
        ({"holidays": "XX"}, "`hours.holidays`: there are no holidays of 'XX'", "HU"),
        ({"holidays": "Hungary"}, "a country's two letters", ""),
        ({"holidays": "FI-99"}, "there are no holidays of 'FI-99'", ""),
        ({"holidays": True}, "it must be a text in quotes", ""),
        ({"reply_within": "soon"}, "'soon' is no length of opening time", "90min"),
        ({"reply_within": "0h"}, "'0h' is no length", ""),
        ({"reply_within": ""}, "'' is no length", ""),
        ({"reply_within": "1d"}, "'1d' is no length", ""),
        ({"reply_within": 2}, "it must be a text in quotes, not 2", ""),
        ({"dates": "closed"}, "`hours.dates`: it must be a table of dates", "[hours.dates]"),
        ({"dates": {"2026-02-30": "closed"}}, "`hours.dates.2026-02-30`: there is no 2026-02-30", ""),
        ({"dates": {"12-24": "closed"}}, "it must be a date", "2026-12-24"),
        ({"dates": {"2026-08-15..2026-08-01": "closed"}}, "2026-08-01 comes before 2026-08-15", ""),
        ({"dates": {"2026-08-15..2062-08-16": "closed"}}, "longer than two years", ""),
        ({"dates": {"2026-12-24": "9-"}}, "'9-' is no span", ""),
        (
            {"dates": {"2026-08-01..2026-08-15": "closed", "2026-08-03": "9-12"}},
            "2026-08-03 is given twice, here and in `2026-08-01..2026-08-15`",
            "",
        ),
    ],
)
def test_faults_are_named(raw: dict[str, object], message: str, hint: str, tmp_path: Path):
    error = fault(raw, tmp_path)
    assert error.message.startswith("vipcast.toml: `hours.")
    assert message in error.message
    assert hint in error.hint


def test_fault_names_the_line(tmp_path: Path):
    text = '[shop]\nsat = "no"\n[hours]\n"mon,wed" = "9-17"\nsat = "9-"\n\n[hours.dates]\n"2026-02-30" = "closed"\n'
    raw = {"mon,wed": "9-17", "sat": "9-", "dates": {"2026-02-30": "closed"}}
    error = fault(raw, tmp_path, text)
    assert [problem.where.rsplit(":", 1)[1] for problem in error.problems] == ["5", "8"]
    assert error.where == f"{tmp_path / 'vipcast.toml'}:5"


def test_fault_written_inline_names_the_file(tmp_path: Path):
    error = fault({"sat": "9-"}, tmp_path, 'hours = { sat = "9-" }\n')
    assert error.where == str(tmp_path / "vipcast.toml")


def test_all_faults_are_listed_at_once(tmp_path: Path):
    error = fault({"mon": "9-", "reply_within": "soon", "dates": {"x": "closed"}}, tmp_path)
    assert len(error.problems) == 3


# Dates and holidays


def test_date_stands_above_the_week_and_a_holiday():
    opening = hours(
        daily="9:00-18:00",
        holidays="HU",
        dates={"2026-12-24": "9:00-12:00", "2026-12-31": "closed", "2026-08-01..2026-08-03": "10-12"},
    )
    assert said(opening, "2026-12-24") == "9:00-12:00"
    assert said(opening, "2026-12-25") == "closed"
    assert said(opening, "2026-12-31") == "closed"
    assert [said(opening, f"2026-08-0{day}") for day in (1, 3, 4)] == [
        "10:00-12:00",
        "10:00-12:00",
        "9:00-18:00",
    ]
    assert opening.day(date(2026, 12, 24)).why == "set for this date"
    assert opening.day(date(2026, 12, 25)).why == "Christmas Day"


@pytest.mark.parametrize(
    ("country", "closed", "open_"),
    [
        ("HU", ("2026-03-15", "2026-08-20", "2026-10-23", "2026-04-03"), ("2026-11-17", "2026-05-08")),
        ("CZ", ("2026-11-17", "2026-05-08", "2026-07-06", "2026-09-28"), ("2026-01-06", "2026-10-23")),
        ("FI", ("2026-01-06", "2026-06-19", "2026-12-06", "2026-05-14"), ("2026-11-17", "2026-05-08")),
        ("RU", ("2026-01-07", "2026-01-09", "2026-05-11", "2026-12-31"), ("2026-12-25", "2026-11-17")),
        ("SK", ("2026-01-06", "2026-07-05"), ("2026-08-20",)),
        ("DE-BY", ("2026-01-06",), ("2026-11-18",)),
    ],
)
def test_holidays_of_countries_close_the_shop(country: str, closed: tuple[str, ...], open_: tuple[str, ...]):
    opening = hours(daily="9:00-18:00", holidays=country)
    assert {day: said(opening, day) for day in closed} == dict.fromkeys(closed, "closed")
    assert {day: said(opening, day) for day in open_} == dict.fromkeys(open_, "9:00-18:00")


@pytest.mark.parametrize(
    ("country", "saturday", "weekday", "day_off"),
    [
        ("HU", "2024-08-03", "Monday", "2024-08-19"),
        ("HU", "2026-01-10", "Friday", "2026-01-02"),
        ("HU", "2026-08-08", "Friday", "2026-08-21"),
        ("RU", "2024-04-27", "Monday", "2024-04-29"),
        ("RU", "2025-11-01", "Monday", "2025-11-03"),
        ("RU", "2027-02-20", "Monday", "2027-02-22"),
    ],
)
def test_working_saturday_has_the_hours_of_the_weekday_it_stands_for(
    country: str, saturday: str, weekday: str, day_off: str
):
    opening = hours(mon="8:00-16:00", fri="8:00-14:00", holidays=country)
    assert said(opening, saturday) == {"Monday": "8:00-16:00", "Friday": "8:00-14:00"}[weekday]
    assert opening.day(date.fromisoformat(saturday)).why == f"working day, as on a {weekday}"
    assert said(opening, day_off) == "closed"


def test_working_saturday_keeps_its_own_hours_where_the_weekday_has_none():
    assert said(hours(sat="9:00-13:00", holidays="HU"), "2026-08-08") == "9:00-13:00"


def test_working_saturday_gives_way_to_a_date():
    opening = hours(mon_to_fri="9-17", holidays="HU", dates={"2026-08-08": "closed"})
    assert said(opening, "2026-08-08") == "closed"


def test_working_day_over_new_year_stands_for_a_weekday_of_the_next():
    # China worked on Saturday, 30 December 2006 for a Tuesday off in 2007: it stands in the list of 2007.
    assert holidays_of.year_of("CN", 2006).working[date(2006, 12, 30)] == date(2007, 1, 2).weekday()


def test_years_without_moved_days_are_told_apart():
    assert holidays_of.year_of("HU", 2026).knows_moves
    assert not holidays_of.year_of("HU", 2040).knows_moves
    assert holidays_of.year_of("CZ", 2040).knows_moves, "Czechia moves none, so none are missing"


def test_names_of_holidays_do_not_hang_on_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LANGUAGE", "hu")
    monkeypatch.setenv("LANG", "hu_HU.UTF-8")
    holidays_of.year_of.cache_clear()
    assert holidays_of.year_of("HU", 2025).holidays[date(2025, 12, 25)] == "Christmas Day"


# When that is


def test_lunch_break_closes_the_shop():
    opening = hours(**SAMPLE)
    assert opened(opening, "2026-11-23", "2026-11-24") == [
        ("2026-11-23 09:00+01:00", "2026-11-23 12:30+01:00"),
        ("2026-11-23 13:00+01:00", "2026-11-23 18:00+01:00"),
    ]


def test_openings_are_cut_to_the_time_asked_for():
    opening = hours(**SAMPLE)
    assert opened(opening, "2026-11-23T09:00", "2026-11-23T12:15") == [
        ("2026-11-23 10:00+01:00", "2026-11-23 12:30+01:00"),
        ("2026-11-23 13:00+01:00", "2026-11-23 13:15+01:00"),
    ]
    assert not opened(opening, "2026-11-23T10:00", "2026-11-23T10:00")


def test_round_the_clock_is_one_opening():
    opening = hours(daily="0:00-24:00")
    assert opened(opening, "2026-11-23", "2026-12-03") == [
        ("2026-11-23 01:00+01:00", "2026-12-03 01:00+01:00")
    ]


def test_night_runs_on_into_a_closed_day():
    opening = hours(fri="18:00-02:00", dates={"2026-11-28": "closed"})
    assert opened(opening, "2026-11-27T00:00", "2026-11-29") == [
        ("2026-11-27 18:00+01:00", "2026-11-28 02:00+01:00")
    ]
    assert opened(opening, "2026-11-28T00:00", "2026-11-29") == [
        ("2026-11-28 01:00+01:00", "2026-11-28 02:00+01:00")
    ]


def test_night_joins_the_hours_of_the_day_after():
    opening = hours(fri="18:00-02:00", dates={"2026-11-28": "1:00-5:00"})
    assert opened(opening, "2026-11-27", "2026-11-29") == [
        ("2026-11-27 18:00+01:00", "2026-11-28 05:00+01:00")
    ]


def test_hour_skipped_in_spring_is_not_opened_in():
    opening = hours(daily="1:30-4:00")
    assert opened(opening, "2026-03-29", "2026-03-29T12:00") == [
        ("2026-03-29 01:30+01:00", "2026-03-29 04:00+02:00")  # an hour and a half of time
    ]


def test_span_within_the_skipped_hour_is_not_there():
    opening = hours(daily="2:15-2:45")
    assert not opened(opening, "2026-03-28T12:00", "2026-03-29T12:00")


def test_span_begins_where_its_skipped_beginning_would_be():
    opening = hours(daily="2:30-5:00")
    assert opened(opening, "2026-03-28T12:00", "2026-03-29T12:00") == [
        ("2026-03-29 03:00+02:00", "2026-03-29 05:00+02:00")
    ]


def test_hour_repeated_in_autumn_is_open_both_times():
    opening = hours(daily="1:30-4:00")
    [(opens, closes)] = opened(opening, "2026-10-25", "2026-10-25T12:00")
    assert (opens, closes) == ("2026-10-25 02:00+02:00", "2026-10-25 04:00+01:00")
    [one] = opening.openings(datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert one.closes_at - one.opens_at == timedelta(hours=3, minutes=30)


def test_span_within_the_repeated_hour_is_there_twice():
    opening = hours(daily="2:15-2:45")
    assert opened(opening, "2026-10-24T12:00", "2026-10-25T12:00") == [
        ("2026-10-25 02:15+02:00", "2026-10-25 02:45+02:00"),
        ("2026-10-25 02:15+01:00", "2026-10-25 02:45+01:00"),
    ]


def test_half_an_hour_of_summer_time_ends_on_lord_howe():
    opening = hours(ZoneInfo("Australia/Lord_Howe"), daily="1:45-2:15")
    assert opened(opening, "2026-04-04T12:00", "2026-04-04T18:00") == [
        ("2026-04-05 01:45+11:00", "2026-04-05 01:30+10:30"),  # at 2:00 the clock is put back to 1:30
        ("2026-04-05 01:45+10:30", "2026-04-05 02:15+10:30"),
    ]
