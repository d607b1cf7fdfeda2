from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from vipcast.config import LANGUAGES
from vipcast.conversations.promise import Promise
from vipcast.conversations.wording import answer, deadline

ZONE = ZoneInfo("Europe/Budapest")
LONG_AGO = datetime(2026, 1, 1, 12, tzinfo=ZONE) - timedelta(hours=1)


def words(at: datetime, language: str, now: datetime = datetime(2026, 11, 1, 9, tzinfo=ZONE)) -> str:
    return deadline(at, now, ZONE, language)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("hu", "hétfőn, november 23-án 11:00-ig"),
        ("cs", "v pondělí 23. listopadu do 11:00"),
        ("fi", "maanantaina 23. marraskuuta klo 11.00 mennessä"),
        ("ru", "в понедельник, 23 ноября, до 11:00"),
        ("en", "by 11:00 on Monday, 23 November"),
        ("de", "by 11:00 on Monday, 23 November"),
    ],
)
def test_time_is_said_with_its_weekday_and_date(language: str, expected: str):
    assert words(datetime(2026, 11, 23, 11, tzinfo=ZONE), language) == expected


WEEKDAYS = {
    "hu": ["hétfőn", "kedden", "szerdán", "csütörtökön", "pénteken", "szombaton", "vasárnap"],
    "cs": ["v pondělí", "v úterý", "ve středu", "ve čtvrtek", "v pátek", "v sobotu", "v neděli"],
    "fi": [
        "maanantaina", "tiistaina", "keskiviikkona", "torstaina", "perjantaina", "lauantaina", "sunnuntaina",
    ],
    "ru": [
        "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье",
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", WEEKDAYS)
def test_weekdays_are_said_in_the_case_of_their_language(language: str):
    days = [datetime(2026, 11, 23 + i, 11, tzinfo=ZONE) for i in range(7)]
    said = [words(day, language).split(" 2")[0].split(",")[0] for day in days]
    assert said == WEEKDAYS[language]


MONTHS = {
    "hu": "január február március április május június július augusztus szeptember október november december",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta "
    "lokakuuta marraskuuta joulukuuta",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}


@pytest.mark.parametrize("language", MONTHS)
def test_months_are_said_in_the_case_of_a_date(language: str):
    for month, name in enumerate(MONTHS[language].split(), 1):
        assert f" {name}" in words(datetime(2026, month, 15, 11, tzinfo=ZONE), language)


HUNGARIAN_DAYS = {
    "jén": [1],
    "án": [2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30],  # másodikán, harmadikán … harmincadikán
    "én": [
        4,
        5,
        7,
        9,
        10,
        11,
        12,
        14,
        15,
        17,
        19,
        21,
        22,
        24,
        25,
        27,
        29,
        31,
    ],  # negyedikén … tizenkettedikén
}


@pytest.mark.parametrize(("suffix", "days"), HUNGARIAN_DAYS.items())
def test_hungarian_days_take_the_suffix_of_their_ordinal(suffix: str, days: list[int]):
    for day in days:
        said = words(datetime(2026, 12, day, 9, 5, tzinfo=ZONE), "hu")
        assert f" december {day}-{suffix} 9:05-ig" in said


TODAY = {
    "hu": "ma, szombaton, november 21-én 15:30-ig",
    "cs": "dnes, v sobotu 21. listopadu do 15:30",
    "fi": "tänään lauantaina 21. marraskuuta klo 15.30 mennessä",
    "ru": "сегодня, в субботу, 21 ноября, до 15:30",
    "en": "by 15:30 today, Saturday, 21 November",
}
TOMORROW = {
    "hu": "holnap, szombaton, november 21-én 15:30-ig",
    "cs": "zítra, v sobotu 21. listopadu do 15:30",
    "fi": "huomenna lauantaina 21. marraskuuta klo 15.30 mennessä",
    "ru": "завтра, в субботу, 21 ноября, до 15:30",
    "en": "by 15:30 tomorrow, Saturday, 21 November",
}
NEITHER = {
    "hu": "szombaton, november 21-én 15:30-ig",
    "cs": "v sobotu 21. listopadu do 15:30",
    "fi": "lauantaina 21. marraskuuta klo 15.30 mennessä",
    "ru": "в субботу, 21 ноября, до 15:30",
    "en": "by 15:30 on Saturday, 21 November",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_today_and_tomorrow_are_said_only_when_true(language: str):
    at = datetime(2026, 11, 21, 15, 30, tzinfo=ZONE)
    said = [words(at, language, at.replace(day=day)) for day in (19, 20, 21)]
    assert said == [NEITHER[language], TOMORROW[language], TODAY[language]]


def test_today_is_that_of_the_shop_s_clock():
    now = datetime.fromisoformat("2026-11-20T23:30+00:00")  # half past midnight in Budapest
    assert words(datetime(2026, 11, 21, 15, 30, tzinfo=ZONE), "en", now) == TODAY["en"]
    assert (
        words(datetime(2026, 11, 21, 15, 30, tzinfo=ZONE), "en", now - timedelta(hours=1)) == TOMORROW["en"]
    )


def test_year_is_said_when_it_is_another():
    at, now = datetime(2027, 1, 4, 9, tzinfo=ZONE), datetime(2026, 12, 30, 9, tzinfo=ZONE)
    assert {language: words(at, language, now) for language in LANGUAGES} == {
        "hu": "hétfőn, 2027. január 4-én 9:00-ig",
        "cs": "v pondělí 4. ledna 2027 do 9:00",
        "fi": "maanantaina 4. tammikuuta 2027 klo 9.00 mennessä",
        "ru": "в понедельник, 4 января 2027 года, до 9:00",
        "en": "by 9:00 on Monday, 4 January 2027",
    }


def test_midnight_is_the_end_of_its_day():
    at = datetime(2027, 1, 1, tzinfo=ZONE)
    assert words(at, "hu") == "csütörtökön, december 31-én 24:00-ig"
    assert words(at, "fi") == "torstaina 31. joulukuuta klo 24.00 mennessä"
    assert words(at, "en", datetime(2026, 12, 31, 9, tzinfo=ZONE)) == "by 24:00 today, Thursday, 31 December"


def test_answer_names_the_time():
    at, now = datetime(2026, 11, 23, 11, tzinfo=ZONE), datetime(2026, 11, 20, 19, tzinfo=ZONE)
    promised = Promise(at, is_open_now=False, opens_at=at - timedelta(hours=2))
    assert {language: answer(promised, now, ZONE, language) for language in (*LANGUAGES, "de")} == {
        "hu": "Munkatársunk hétfőn, november 23-án 11:00-ig válaszol.",
        "cs": "Odpovíme v pondělí 23. listopadu do 11:00.",
        "fi": "Vastaamme maanantaina 23. marraskuuta klo 11.00 mennessä.",
        "ru": "Наш сотрудник ответит в понедельник, 23 ноября, до 11:00.",
        "en": "A person will answer by 11:00 on Monday, 23 November.",
        "de": "A person will answer by 11:00 on Monday, 23 November.",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_answer_names_no_time_where_none_is_promised(language: str):
    said = answer(Promise(None, is_open_now=False, opens_at=None), LONG_AGO, ZONE, language)
    assert said.endswith(".")
    assert not any(letter.isdigit() for letter in said)
    assert "{" not in said
