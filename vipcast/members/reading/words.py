"""Words that people write into the cells of a customer file: yes and no, languages, messengers, Ön and te."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from vipcast.config import LANGUAGES
from vipcast.members.reading.headers import squeeze, words_in

_YES = words_in(
    """
    yes y true t 1 x ok on igen i igaz ano a pravda kylla k joo tosi да д истина истинно ja oui si
    áno
    """
)
_NO = words_in(
    """
    no n false f 0 off nem hamis ne nepravda ei epatosi нет н ложь nein non nie
    """
)
_OUT = words_in(
    """
    unsubscribed unsubscribe optedout optout out blacklisted suppressed donotcontact complained spam
    usersuppressed spamcomplaint leiratkozott leiratkozva lemondta tiltott odhlasen odhlasena
    odhlaseno odhlasil odhlasila peruttu perunut peruuttanut kielto kieltanyt kielletty отписан
    отписана отписался отписалась отказ отказался отказалась withdrawn revoked
    """
)
_LANGUAGES: Mapping[str, str] = {
    "hu": "hu hun hungarian magyar magyarul madarsky madarstina madarcina unkari венгерскии ungarisch huhu",
    "cs": "cs cz cze ces czech cesky cestina cesko cseh tsekki чешскии tschechisch csekul cscz",
    "fi": "fi fin finnish suomi suomeksi suomenkieli finn finsky finstina финскии finnisch fifi",
    "ru": "ru rus russian русскии рус порусски orosz rusky rustina venaja russisch ruru",
    "en": "en eng english angol anglicky anglictina englanti англиискии englisch engb enus",
}
_MESSENGERS: Mapping[str, str] = {
    "telegram": "telegram tg телеграм телеграмм тг telegramm",
    "viber": "viber vb вайбер вибер",
    "whatsapp": "whatsapp wa вотсап ватсап вацап whatsup",
    "facebook": "facebook fb messenger facebookmessenger fbmessenger феисбук",
    "email": "email mail sahkoposti sposti elektronickaposta почта электроннаяпочта имеил emailcim",
    "sms": "sms смс tekstiviesti",
    "by-hand": "byhand letter phone telefon puhelin телефон levelben posta posti osobne szemelyesen лично",
}
_FORMAL = words_in(
    """
    formal formally magazas magazo magazodas maga on onozes vykani vy vykat teitittely teitittele вы
    навы v sie
    """
)
_INFORMAL = words_in(
    """
    informal informally tegezes tegezo tegezodes tykani ty tykat sinuttelu sinuttele sina sa ты нат
    нату наты t du
    """
)
# The same word on opposite sides: Hungarian "te" is informal, Finnish "te" is formal.
_TE: Mapping[str, bool] = {"hu": False, "fi": True}


@functools.lru_cache(maxsize=4096)
def yes_or_no(text: str) -> bool | None:
    """Return what a cell says, or None where it is neither yes nor no."""
    key = squeeze(text) or text.strip()
    if key in ("✓", "✔", "☑", "✅", "+"):
        return True
    if key in ("✗", "✘", "☐", "❌", "-"):
        return False
    return True if key in _YES else False if key in _NO else None


@functools.lru_cache(maxsize=4096)
def says_out(text: str) -> bool:
    """Return whether a status says that somebody left."""
    return squeeze(text) in _OUT


@functools.lru_cache(maxsize=4096)
def language_of(text: str) -> str:
    """Return the code of the language which a cell names, or an empty text for any other."""
    code = text.strip().lower().replace("_", "-").partition("-")[0]
    return code if code in LANGUAGES else _table("languages").get(squeeze(text), "")


@functools.lru_cache(maxsize=4096)
def messenger_of(text: str) -> str:
    """Return the messenger which a cell names, or an empty text."""
    return _table("messengers").get(squeeze(text), "")


@functools.lru_cache(maxsize=4096)
def is_formal(text: str, language: str) -> bool | None:
    """Return how a member is addressed; None where the word says nothing, or either, in that language."""
    key = squeeze(text)
    if key == "te":
        return _TE.get(language)
    if key in _FORMAL:
        return True
    return False if key in _INFORMAL else yes_or_no(text)


@functools.cache
def _table(which: str) -> dict[str, str]:
    words = _LANGUAGES if which == "languages" else _MESSENGERS
    return {word: code for code, text in words.items() for word in text.split()}
