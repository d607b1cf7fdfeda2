"""The cells of a row that say where a member is reached: phones, e-mails, Telegram, Viber."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from vipcast.members.csvsafe import restore_cell
from vipcast.members.phones import Phone, PhoneReader
from vipcast.members.reading.headers import squeeze, words_in
from vipcast.members.reading.records import ColumnMapping
from vipcast.members.reading.words import yes_or_no

# Cells by which programs and people say "nothing".
BLANKS = frozenset({"-", "--", "–", "—", "NULL", "null", "nan", "NaN", "N/A", "n/a", "None", "\\N", "0", "?"})

_MORE_COUNTRIES = """
    hun=HU cze=CZ fin=FI rus=RU svk=SK aut=AT deu=DE pol=PL rou=RO ukr=UA est=EE swe=SE gbr=GB usa=US uk=GB
    czechrepublic=CZ ceskarepublika=CZ cr=CZ россия=RU рф=RU
"""
_NONE = words_in(
    """
    none nothing unknown empty nincs nincsen nincstelegram nincsviber nemtudom neni nema nemam eiole
    eitiedossa puuttuu нет нету неизвестно отсутствует telegram viber
    """
)
_SEVERAL = re.compile(r" ?::: ?|[;|\n]+|,(?!\d+[eE])")  # Google's :::; but 3,58E+11 is one number
_SLASHES = re.compile(r" / |/(?=\+)|(?<=\d{7})/(?=\d{7})| (?:or|vagy|nebo|tai|или) ")
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,24}")
_EMAIL = re.compile(r"[^\s@<>\"(),:;]{1,64}@[^\s@<>\"(),:;]+\.[^\s@<>\"(),:;.\d]{2,}")
_IN_ANGLES = re.compile(r".*<([^<>]+)>")
_LONGEST_EMAIL = 254
_USERNAME = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{3,31})")
_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog)/([A-Za-z][A-Za-z0-9_]{3,31})/?(?:\?.*)?"
)
_DEEP_LINK = re.compile(r"tg://resolve\?domain=([A-Za-z][A-Za-z0-9_]{3,31}).*")
_TELEGRAM_ID = re.compile(r"(?:id:? ?)?([1-9]\d{4,12})")
_VIBER_ID = re.compile(r"[A-Za-z0-9+/_\-]{8,64}={0,2}")
_HAS_SIGN = re.compile(r"\w")


class Contacts:
    """What a row's cells gave: good addresses, and in words what was no address."""

    __slots__ = ("emails", "phones", "problems", "telegram", "viber")

    def __init__(self) -> None:
        self.phones: list[Phone] = []
        self.emails: list[str] = []
        self.telegram = ""
        self.viber = ""
        self.problems: list[str] = []

    def add_phone(self, phone: Phone) -> None:
        if phone not in self.phones:
            self.phones.append(phone)

    def is_empty(self) -> bool:
        return not (self.phones or self.emails or self.telegram or self.viber)

    def e164(self) -> tuple[str, ...]:
        """Return the phones, mobiles first, otherwise in the file's order."""
        if len(self.phones) < 2:  # noqa: PLR2004
            return (self.phones[0].e164,) if self.phones else ()
        return tuple(phone.e164 for phone in sorted(self.phones, key=lambda phone: not phone.is_mobile))


class ContactReader:
    """Reads the address columns of one table for a shop in `region`."""

    def __init__(self, columns: Sequence[ColumnMapping], region: str) -> None:
        def of(name: str) -> list[tuple[int, str]]:
            return [(i, c.how) for i, c in enumerate(columns) if c.field == name]

        self._home = PhoneReader(region)
        self._abroad: dict[str, PhoneReader | None] = {"": None, self._home.region: None}
        self._phones = of("phone")
        self._emails = [i for i, _ in of("email")]
        self._telegram = [i for i, _ in of("telegram")]
        self._viber = [i for i, _ in of("viber")]
        self._country = next((i for i, _ in of("country")), -1)

    def read(self, cells: Sequence[str]) -> Contacts:
        found = Contacts()
        for i, how in self._phones:
            if text := cells[i]:
                quick = None if how else self._home.quick(text)
                if quick is not None and (self._country < 0 or text[0] == "+"):
                    found.add_phone(quick)
                else:
                    self._read_phones(text, how, self._abroad_of(cells), found)
        for i in self._emails:
            if text := cells[i]:
                _read_emails(text, found)
        for i in self._telegram:
            if cells[i] and not found.telegram:
                self._read_telegram(_bare(cells[i]), found)
        for i in self._viber:
            if cells[i] and not found.viber:
                self._read_viber(_bare(cells[i]), found)
        return found

    def _read_phones(self, text: str, how: str, abroad: PhoneReader | None, found: Contacts) -> None:
        pieces = _SEVERAL.split(text) if _SEVERAL.search(text) else [text]
        for piece in pieces:
            if not _HAS_SIGN.search(piece) or piece.strip() in BLANKS:
                continue
            phone = self._one(piece, how, abroad)
            if phone is not None:
                found.add_phone(phone)
                continue
            parts = _SLASHES.split(piece)
            readings = [self._one(part, how, abroad) for part in parts] if len(parts) > 1 else [None]
            for part, reading in zip(parts, readings, strict=True):
                if reading is not None:
                    found.add_phone(reading)
                elif not (how and yes_or_no(part) is not None):  # a permission to send SMS
                    found.problems.append(self._problem(part, how, abroad))

    def _one(self, text: str, how: str, abroad: PhoneReader | None) -> Phone | None:
        home = self._home.read_international(text) if how == "international" else self._home.read(text)
        if abroad is None or text.lstrip()[:1] == "+":
            return home
        other = abroad.read(text)
        if home is not None and other is not None and home != other:
            return None
        return home or other

    def _problem(self, text: str, how: str, abroad: PhoneReader | None) -> str:
        text = text.strip()
        home = self._home.read(text)
        if home is None:
            return self._home.problem(text)
        other = abroad.read(text) if abroad else None
        other = other or (self._home.read_plain("+" + text) if how else None)
        also = f" or {other.e164}" if other else ""
        return f"'{text}' may be {home.e164}{also}: write it with + and the country code"

    def _abroad_of(self, cells: Sequence[str]) -> PhoneReader | None:
        """Return the reader for the row's own country, where it is not the shop's."""
        if self._country < 0:
            return None
        name = cells[self._country]
        if name not in self._abroad:
            region = region_of(name)
            is_known = region and region != self._home.region
            if len(self._abroad) > 1000:  # noqa: PLR2004 - a column that is no country
                return None
            self._abroad[name] = PhoneReader(region) if is_known else None
        return self._abroad[name]

    def _read_telegram(self, text: str, found: Contacts) -> None:
        if _says_nothing(text):
            return
        named = _USERNAME.fullmatch(text) or _LINK.fullmatch(text) or _DEEP_LINK.fullmatch(text)
        if named:
            found.telegram = "@" + named[1].lower()  # Telegram knows no case in usernames
        elif text[0] in "+0" and (phone := self._home.read(text)) is not None:
            found.add_phone(phone)
        elif number := _TELEGRAM_ID.fullmatch(text):
            found.telegram = number[1]
        elif (phone := self._home.read(text)) is not None:
            found.add_phone(phone)
        else:
            found.problems.append(f"'{_cut(text)}' is no Telegram name or id (a good one: @anna_kovacs)")

    def _read_viber(self, text: str, found: Contacts) -> None:
        if _says_nothing(text):
            return
        phone = self._home.read(text) if not any(c.isalpha() for c in text) else None
        if phone is not None:  # Viber tells a bot no phone numbers, but the number is one all the same
            found.add_phone(phone)
        elif _VIBER_ID.fullmatch(text) and not text.isdigit():
            found.viber = text
        else:
            found.problems.append(f"'{_cut(text)}' is no Viber id (a good one: 01234567890A=)")


def _says_nothing(text: str) -> bool:
    """Return whether a cell says that there is no address; "none" would be a username like any other."""
    return not text or text in BLANKS or squeeze(text) in _NONE or yes_or_no(text) is not None


def _bare(text: str) -> str:
    return restore_cell(text.strip()).strip()


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"  # noqa: PLR2004 - a line of a terminal


def _read_emails(text: str, found: Contacts) -> None:
    if _PLAIN_EMAIL.fullmatch(text) and len(text) <= _LONGEST_EMAIL:
        email = text.lower()
        if email not in found.emails:
            found.emails.append(email)
        return
    for piece in re.split(r" ?::: ?|[;,|\s]+(?=\S+@)|[;,|\n]+", text):
        bare = _bare(piece)
        if not bare or bare in BLANKS:
            continue
        if inside := _IN_ANGLES.fullmatch(bare):
            bare = inside[1].strip()
        bare = bare.removeprefix("mailto:").strip("\u200b\ufeff.")
        if _EMAIL.fullmatch(bare) and len(bare) <= _LONGEST_EMAIL and ".." not in bare:
            if bare.lower() not in found.emails:
                found.emails.append(bare.lower())
        else:
            found.problems.append(f"'{_cut(bare)}' is no e-mail address (a good one: anna@example.com)")


@functools.lru_cache(maxsize=1024)
def region_of(country: str) -> str:
    """Return the code of a country given by code, or by name in one of the five languages; or nothing."""
    import phonenumbers  # noqa: PLC0415 - the light path of this module needs only the reader

    code = country.strip().upper()
    if code in phonenumbers.SUPPORTED_REGIONS:
        return code
    key = squeeze(country)
    return _countries().get(key, "") if key else ""


@functools.cache
def _countries() -> dict[str, str]:
    from babel import Locale  # noqa: PLC0415 - only for files whose countries are written out

    names = {}
    for language in ("en", "hu", "cs", "fi", "ru"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():  # noqa: PLR2004 - others are continents
                names[squeeze(name)] = code
    return names | dict(pair.split("=") for pair in _MORE_COUNTRIES.split())
