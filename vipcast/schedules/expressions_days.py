"""The days that people name in `--every`: in five languages, with accents or without.

Only whole names, and the short ones of English and Russian: those of two Latin letters mean different
things in different languages (Hungarian "ma" is today, Finnish "ma" is Monday).
"""

from __future__ import annotations

from collections.abc import Iterable

from vipcast.members.names import fold

WORKING_DAYS = frozenset({1, 2, 3, 4, 5})  # as cron counts: Sunday is 0
WEEKEND = frozenset({0, 6})
EVERY_DAY = WORKING_DAYS | WEEKEND
FIRST_OF_MONTH = "month"

ENGLISH = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ORDER = (1, 2, 3, 4, 5, 6, 0)  # a week begins with Monday

# A line for each day, Sunday first: the name, then the forms that mean "on" it or "every" one of it.
_NAMES = """
sunday sun sundays vasárnap vasárnaponként neděle neděli sunnuntai sunnuntaina sunnuntaisin воскресенье вс воскресеньям
monday mon mondays hétfő hétfőn hétfőnként pondělí maanantai maanantaina maanantaisin понедельник пн понедельникам
tuesday tue tues tuesdays kedd kedden keddenként úterý tiistai tiistaina tiistaisin вторник вт вторникам
wednesday wed wednesdays szerda szerdán szerdánként středa středu keskiviikko keskiviikkona keskiviikkoisin среда ср среду средам
thursday thu thur thurs thursdays csütörtök csütörtökön csütörtökönként čtvrtek torstai torstaina torstaisin четверг чт четвергам
friday fri fridays péntek pénteken péntekenként pátek perjantai perjantaina perjantaisin пятница пт пятницу пятницам
saturday sat saturdays szombat szombaton szombatonként sobota sobotu lauantai lauantaina lauantaisin суббота сб субботу субботам
"""  # noqa: E501 - a day is a line
_SETS = {
    "weekday weekdays workday workdays": WORKING_DAYS,
    "weekend weekends": WEEKEND,
    "day days daily": EVERY_DAY,
}


def _known() -> dict[str, tuple[str, frozenset[int]]]:
    lines = [(line, frozenset({day})) for day, line in enumerate(_NAMES.strip().splitlines())]
    return {fold(word): (word, days) for line, days in (*lines, *_SETS.items()) for word in line.split()}


KNOWN = _known()  # what a folded word is as it is written, and which days it means


def spelled(days: Iterable[int]) -> str:
    """Return days of the week in the one spelling of an expression: "monday,thursday", "weekday", "day"."""
    wanted = frozenset(days)
    for name, whole in (("weekday", WORKING_DAYS), ("weekend", WEEKEND), ("day", EVERY_DAY)):
        if wanted == whole:
            return name
    return ",".join(ENGLISH[day].lower() for day in ORDER if day in wanted)


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th and so on."""
    is_teen = number // 10 % 10 == 1
    return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
