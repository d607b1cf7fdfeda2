"""Phone numbers as people type them -> E.164, exactly as `phonenumbers` reads them, but in bulk.

Almost every number in a customer file is a well-formed mobile or fixed line number. For those, the
patterns of `phonenumbers`' own metadata are compiled into one expression a country, and only what it
accepts beyond doubt is answered by it; everything else goes to the library. A property test holds
that the two never differ.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from vipcast.errors import InputError

_PLAIN = re.compile(r"\(?\+?[0-9][0-9 \-()./\u00a0]*")
_PUNCTUATION = {ord(c): None for c in "() -./\u00a0"}
_MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_OTHER_TYPES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)

_DATE = re.compile(
    r"(?:19|20)\d\d(?:[-/] ?|\. ?)(?:0?[1-9]|1[0-2])(?:[-/] ?|\. ?)(?:0?[1-9]|[12]\d|3[01])\.?(?:[T ].*)?"
    r"|(?:0?[1-9]|[12]\d|3[01])(?:[-/] ?|\. ?)(?:0?[1-9]|[12]\d|3[01])(?:[-/] ?|\. ?)(?:19|20)\d\d(?: .*)?"
)
_DIGITS_OF_DATE = 8
_NUMBER_OF_ANOTHER_KIND = re.compile(
    r"\d{8}-\d-\d\d"  # a Hungarian tax number
    r"|\d\d[0156]\d[0-3]\d/\d{3,4}"  # a Czech or Slovak birth number
    r"|.*(?:[A-WYZa-wyz]\d|\d[A-WYZa-wyz]).*"  # letters run into digits: VAT, identity, card numbers
)
_SHOWN = 40  # characters of a bad cell
_LONGEST = 250  # characters; the library's own limit
_FLOAT = re.compile(r"\+?\d{7,15}[.,]0+")
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_LONE_NUMBER = re.compile(r"[+(]?\d[\d ()\-./\u00a0]{4,}\d")


class Phone(NamedTuple):
    """A valid number. `is_mobile` also where a plan does not tell mobile from fixed (North America)."""

    e164: str
    is_mobile: bool


class _Country:
    """The patterns of one calling code's main region, for numbers without doubt."""

    __slots__ = ("code", "fixed", "fixed_is_mobile", "fixed_lengths", "mobile", "mobile_lengths", "prefix")

    def __init__(self, code: str, metadata: Any) -> None:
        self.code = "+" + code
        self.prefix = re.compile(metadata.national_prefix_for_parsing or "(?!)")
        self.fixed_is_mobile = bool(metadata.same_mobile_and_fixed_line_pattern)
        self.fixed, self.fixed_lengths = _compile(metadata, metadata.fixed_line)
        self.mobile, self.mobile_lengths = _compile(metadata, metadata.mobile)
        if self.fixed_is_mobile:
            self.mobile_lengths = frozenset()  # the library then asks the fixed line pattern alone

    def accept(self, national: str) -> Phone | None:
        """Return the number if it is surely valid as it stands, with no prefix to strip."""
        length = len(national)
        if national[0] == "0" or self.prefix.match(national):
            return None
        if length in self.mobile_lengths and self.mobile.match(national):
            return Phone(self.code + national, is_mobile=True)
        if length in self.fixed_lengths and self.fixed.match(national):
            return Phone(self.code + national, self.fixed_is_mobile)
        return None


def _compile(metadata: Any, desc: Any) -> tuple[re.Pattern[str], frozenset[int]]:
    """Return a pattern of the whole number for one kind, and its lengths (none: never ask it)."""
    general = metadata.general_desc
    pattern = desc.national_number_pattern if desc is not None else None
    if not pattern or not general.national_number_pattern:
        return re.compile("(?!)"), frozenset()
    others = [getattr(metadata, name) for name in _OTHER_TYPES]
    barred = [o.national_number_pattern for o in others if o is not None and o.national_number_pattern]
    if desc is metadata.fixed_line and not metadata.same_mobile_and_fixed_line_pattern:
        mobile = metadata.mobile
        barred += [mobile.national_number_pattern] if mobile and mobile.national_number_pattern else []
    forbid = f"(?!(?:{'|'.join(barred)})\\Z)" if barred else ""
    # A region with leading digits shares its code; the library settles on it only where they match.
    lead = f"(?=(?:{metadata.leading_digits}))" if metadata.leading_digits else ""
    whole = re.compile(rf"{lead}(?=(?:{general.national_number_pattern})\Z){forbid}(?:{pattern})\Z")
    lengths = frozenset(general.possible_length or range(1, 18))
    return whole, lengths & frozenset(desc.possible_length or lengths)


class PhoneReader:
    """Reads phone cells for a shop whose numbers without a country code belong to `region`."""

    def __init__(self, region: str) -> None:
        region = region.upper()
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None or metadata.country_code is None or metadata.general_desc is None:
            raise InputError(
                f"'{region}' is no country of the phone numbering plan",
                hint="give two letters, such as --region HU",
            )
        self.region = region
        self._countries: dict[str, _Country | None] = {}
        self._code = str(metadata.country_code)
        main = phonenumbers.region_code_for_country_code(metadata.country_code)
        # Another region than its code's main one mixes two plans while parsing: the library's business.
        self._home = self._country(self._code) if main == region else None
        self._general = re.compile(rf"(?:{metadata.general_desc.national_number_pattern})\Z")
        prefix = metadata.national_prefix_for_parsing or ""
        is_simple = prefix.isdigit() and not metadata.national_prefix_transform_rule
        self._trunk = prefix if is_simple else ""
        self._idd = re.compile(metadata.international_prefix or "(?!)")
        self._has_plain_idd = metadata.international_prefix == "00"

    def example(self) -> str:
        """Return what a good number looks like here."""
        number = phonenumbers.example_number_for_type(self.region, PhoneNumberType.MOBILE)
        if number is None:
            return f"+{self._code} and the number"
        return str(phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL))

    def read(self, text: str) -> Phone | None:
        """Return the number of one cell, or None. Reads what Excel did to it, where nothing was lost."""
        if text[-2:] == ".0":  # Excel's 358401234567.0; the library would read the 0 as one more digit
            return self._mended(text)
        return self.read_plain(text) or self._mended(text)

    def read_plain(self, text: str) -> Phone | None:
        """Return what `phonenumbers` alone makes of `text`, less the numbers that are dates."""
        phone = self.quick(text)
        if phone is not None:
            return phone
        if not text or len(text) > _LONGEST or _is_another_number(text):
            return None
        return read_by_library(text, self.region)

    def read_international(self, text: str) -> Phone | None:
        """Return the number of a column whose program leaves out the +; None if it has two readings."""
        digits = text.strip().lstrip("'").removesuffix(".0")
        national = self.read(text)
        if not (digits.isascii() and digits.isdigit()) or digits[0] == "0":
            return national
        worldwide = self.read_plain("+" + digits)
        if national is not None and worldwide is not None and national != worldwide:
            return None
        return national or worldwide

    def quick(self, text: str) -> Phone | None:
        """Return the number where its reading is beyond doubt; None says nothing."""
        if not _PLAIN.fullmatch(text):
            return None
        digits = text.translate(_PUNCTUATION)
        if digits[0] == "+":
            return self._worldwide(digits[1:])
        is_doubtful = len(digits) <= _DIGITS_OF_DATE or "." in text or text[8:9] == "-" or text[6:7] == "/"
        if (is_doubtful or digits[:2] in ("19", "20")) and _is_another_number(text):
            return None
        return self._national(digits)

    def _national(self, digits: str) -> Phone | None:
        home = self._home
        if self._idd.match(digits):
            is_plain = self._has_plain_idd and digits[2:3] not in ("", "0")
            return self._worldwide(digits[2:]) if is_plain else None
        if home is None:
            return None
        rest = digits
        if digits.startswith(self._code):
            if self._general.match(digits):
                return None
            rest = digits[len(self._code) :]
        elif self._trunk and digits.startswith(self._trunk):
            rest = digits[len(self._trunk) :]
        return home.accept(rest) if rest else None

    def problem(self, text: str) -> str:
        """Return why a cell is no phone number, in words for the person who will correct it."""
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        if _DATE.fullmatch(text.strip()):
            return f"'{shown}' is a date, not a phone number"
        if _SCIENTIFIC.fullmatch(text.strip()):
            return f"'{shown}' was shortened by the spreadsheet: format the column as text and save again"
        return f"'{shown}' is not a valid phone number (a good one: {self.example()})"

    def _worldwide(self, digits: str) -> Phone | None:
        for length in (1, 2, 3):  # calling codes are prefix-free
            code = digits[:length]
            if code not in self._countries:
                self._country(code)
            country = self._countries[code]
            if country is not None:
                national = digits[length:]
                return country.accept(national) if national else None
        return None

    def _country(self, code: str) -> _Country | None:
        country = None
        if code and code[0] != "0":
            region = phonenumbers.region_code_for_country_code(int(code))
            if region not in ("ZZ", "001"):
                country = _Country(code, PhoneMetadata.metadata_for_region(region, None))
        self._countries[code] = country
        return country

    def _mended(self, text: str) -> Phone | None:
        """Return the number under an apostrophe, a formula, a number format or a note, if that is sure."""
        bare = text.strip().lstrip("'").strip()
        if bare[:2] == '="' and bare[-1:] == '"':
            bare = bare[2:-1].strip()
        if bare != text and (phone := self.read_plain(bare)) is not None:
            return phone
        if _FLOAT.fullmatch(bare):
            return self.read_plain(re.split("[.,]", bare)[0])
        if (match := _SCIENTIFIC.fullmatch(bare)) is not None:
            lead, rest, power = match[1], match[2] or "", int(match[3])
            return self.read_plain(lead + rest) if len(rest) == power else None  # else digits are lost
        if "(0)" in bare and (phone := self.read_plain(bare.replace("(0)", ""))) is not None:
            return phone
        lone = [] if _is_another_number(bare) else _LONE_NUMBER.findall(bare)
        if len(lone) == 1 and lone[0] != bare and not any(c.isdigit() for c in bare.replace(lone[0], "")):
            return None if _has_formula(bare) else self.read_plain(lone[0].strip())
        return None


def _is_another_number(text: str) -> bool:
    """Return whether a text is surely a date, a tax number or the like, whatever the phone plan says."""
    return bool(_DATE.fullmatch(text) or _NUMBER_OF_ANOTHER_KIND.fullmatch(text.strip()))


def _has_formula(text: str) -> bool:
    return text[:1] in "=@" or any(c in text for c in "*^%")


def read_by_library(text: str, region: str) -> Phone | None:
    """Return the number as `phonenumbers` parses, judges and formats it."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return Phone(str(e164), phonenumbers.number_type(number) in _MOBILE_TYPES)
