"""What the colleague at the support desk reads, in the shop's language.

It is plain text in which customers' names appear as they are, whatever is in them; only line ends in a name
become spaces, so that a name cannot pass for a line of ours. Two marks tell our messages from people's:
`HEADER` begins what was passed on from a member, `NOTICE` begins everything else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vipcast.announcements.expressions import plain_value

HEADER = "✉️ #"
NOTICE = "ℹ️ "
_FALLBACK = "en"
_LANGUAGES = ("hu", "cs", "fi", "ru", "en")
_WHO = "#{number} {name}: "
_BETWEEN = " · "

_MESSENGERS: Mapping[str, str] = {
    "telegram": "Telegram",
    "viber": "Viber",
    "whatsapp": "WhatsApp",
    "facebook": "Messenger",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "email": {
        "hu": "e-mail",
        "cs": "e-mail",
        "fi": "sähköposti",
        "ru": "электронная почта",
        "en": "e-mail",
    },
    "unknown": {
        "hu": "ismeretlen feladó",
        "cs": "neznámý odesílatel",
        "fi": "tuntematon lähettäjä",
        "ru": "неизвестный отправитель",
        "en": "unknown sender",
    },
    "link": {
        "hu": "hozzárendelés: vipcast inbox link {number} MEMBER",
        "cs": "přiřazení: vipcast inbox link {number} MEMBER",
        "fi": "liitä jäseneen: vipcast inbox link {number} MEMBER",
        "ru": "привязать: vipcast inbox link {number} MEMBER",
        "en": "to say who it is: vipcast inbox link {number} MEMBER",
    },
    "answers": {
        "hu": "Erre válaszol: {announcement}",
        "cs": "Odpovídá na: {announcement}",
        "fi": "Vastaa tähän: {announcement}",
        "ru": "В ответ на: {announcement}",
        "en": "In answer to: {announcement}",
    },
    "promised": {
        "hu": "Választ ígértünk: {promised}",
        "cs": "Slíbili jsme odpovědět {promised}",
        "fi": "Lupasimme vastata {promised}",
        "ru": "Мы обещали ответить {promised}",
        "en": "We promised to answer {promised}",
    },
    "not_promised": {
        "hu": "Időpontot nem ígértünk",
        "cs": "Žádný čas jsme neslíbili",
        "fi": "Aikaa ei ole luvattu",
        "ru": "Срок не обещан",
        "en": "No time promised",
    },
    "taken_by": {
        "hu": "Foglalkozik vele: {by}",
        "cs": "Věnuje se tomu: {by}",
        "fi": "Asiaa hoitaa: {by}",
        "ru": "Разговор ведёт: {by}",
        "en": "Taken by: {by}",
    },
}
_KINDS: Mapping[str, Mapping[str, str]] = {
    "picture": {"hu": "kép", "cs": "obrázek", "fi": "kuva", "ru": "картинка", "en": "picture"},
    "video": {"hu": "videó", "cs": "video", "fi": "video", "ru": "видео", "en": "video"},
    "voice": {
        "hu": "hangüzenet",
        "cs": "hlasová zpráva",
        "fi": "ääniviesti",
        "ru": "голосовое сообщение",
        "en": "voice message",
    },
    "file": {"hu": "fájl", "cs": "soubor", "fi": "tiedosto", "ru": "файл", "en": "file"},
    "sticker": {"hu": "matrica", "cs": "samolepka", "fi": "tarra", "ru": "стикер", "en": "sticker"},
    "location": {"hu": "hely", "cs": "poloha", "fi": "sijainti", "ru": "геопозиция", "en": "place"},
    "contact": {"hu": "névjegy", "cs": "kontakt", "fi": "yhteystieto", "ru": "контакт", "en": "contact"},
    "other": {
        "hu": "valami más",
        "cs": "něco jiného",
        "fi": "jotain muuta",
        "ru": "что-то другое",
        "en": "something else",
    },
}
_NOTICES: Mapping[str, Mapping[str, str]] = {
    "edited": {
        "hu": _WHO + "módosította az üzenetét. Az új szöveg:",
        "cs": _WHO + "zpráva byla upravena. Nové znění:",
        "fi": _WHO + "viestiä on muokattu. Uusi teksti:",
        "ru": _WHO + "сообщение изменено. Новый текст:",
        "en": _WHO + "the message was edited. The new text:",
    },
    "not_delivered": {
        "hu": _WHO + "a válasz nem ért célba. {words}",
        "cs": _WHO + "odpověď nedorazila. {words}",
        "fi": _WHO + "vastaus ei mennyt perille. {words}",
        "ru": _WHO + "ответ не доставлен. {words}",
        "en": _WHO + "the answer did not arrive. {words}",
    },
    "maybe_delivered": {
        "hu": _WHO
        + "nem tudni, hogy a válasz megérkezett-e. Ne küldje el vaktában újra: kétszer érkezhet meg.",
        "cs": _WHO + "nevíme, zda odpověď dorazila. Neposílejte ji naslepo znovu: mohla by přijít dvakrát.",
        "fi": _WHO + "ei tiedetä, menikö vastaus perille. Älä lähetä sitä umpimähkään uudelleen: se voi tulla"
        " kahdesti.",
        "ru": _WHO + "неизвестно, дошёл ли ответ. Не отправляйте его наугад ещё раз: он может прийти дважды.",
        "en": _WHO
        + "nobody knows whether the answer arrived. Do not just send it again: it could come twice.",
    },
    "not_a_relay": {
        "hu": "Ezt senki sem kapta meg. Válaszoljon egy olyan üzenetre, amely ✉️ jellel kezdődik.",
        "cs": "Tohle nikdo nedostal. Odpovězte na některou ze zpráv, které začínají značkou ✉️.",
        "fi": "Tätä ei saanut kukaan. Vastaa johonkin viestiin, jonka alussa on ✉️.",
        "ru": "Это никто не получил. Ответьте на одно из сообщений, которые начинаются с ✉️.",
        "en": "Nobody got this. Reply to one of the messages that begin with ✉️.",
    },
    "taken": {
        "hu": _WHO + "a beszélgetést átvette {by}.",
        "cs": _WHO + "konverzaci teď vede {by}.",
        "fi": _WHO + "keskustelua hoitaa nyt {by}.",
        "ru": _WHO + "разговор теперь ведёт {by}.",
        "en": _WHO + "{by} has taken the conversation.",
    },
    "already_answered": {
        "hu": _WHO + "már megválaszolta {by}, {when}.",
        "cs": _WHO + "už zodpovězeno: {by}, {when}.",
        "fi": _WHO + "tähän on jo vastannut {by}, {when}.",
        "ru": _WHO + "ответ уже дан: {by}, {when}.",
        "en": _WHO + "already answered by {by}, {when}.",
    },
    "nudge": {
        "hu": _WHO + "még válaszra vár. Választ ígértünk: {promised}.",
        "cs": _WHO + "ještě čeká na odpověď. Slíbili jsme odpovědět {promised}.",
        "fi": _WHO + "odottaa vielä vastausta. Lupasimme vastata {promised}.",
        "ru": _WHO + "ответа пока нет. Мы обещали ответить {promised}.",
        "en": _WHO + "still waiting for an answer. We promised to answer {promised}.",
    },
    "overdue": {
        "hu": _WHO + "lejárt az ígért idő, és nincs válasz. Választ ígértünk: {promised}. Kérjük, pótolja.",
        "cs": _WHO
        + "slíbený čas vypršel bez odpovědi. Slíbili jsme odpovědět {promised}. Odpovězte, prosím.",
        "fi": _WHO
        + "luvattu aika meni umpeen ilman vastausta. Lupasimme vastata {promised}. Vastaathan pian.",
        "ru": _WHO
        + "обещанный срок прошёл без ответа. Мы обещали ответить {promised}. Ответьте, пожалуйста.",
        "en": _WHO + "the promised time has passed. We promised to answer {promised}. Please answer now.",
    },
    "cannot_edit": {
        "hu": _WHO + "az elküldött válasz nem módosítható, ott az első szöveg marad. A javítást új válaszban"
        " küldje el.",
        "cs": _WHO
        + "odeslanou odpověď změnit nelze, zůstává tam první znění. Opravu pošlete novou odpovědí.",
        "fi": _WHO
        + "lähetettyä vastausta ei voi muuttaa, perillä on alkuperäinen teksti. Lähetä korjaus uutena"
        " vastauksena.",
        "ru": _WHO
        + "отправленный ответ изменить нельзя, там остаётся первый текст. Исправьте его новым ответом.",
        "en": _WHO
        + "an answer cannot be changed once it is sent; the first wording stays there. Reply again to"
        " correct it.",
    },
    "opted_out": {
        "hu": _WHO + "leiratkozott, egyik üzenetküldőn sem kap több hírt.",
        "cs": _WHO + "odhlášení z odběru, novinky už nepůjdou na žádný messenger.",
        "fi": _WHO + "perui uutiset, niitä ei enää lähetetä mihinkään viestipalveluun.",
        "ru": _WHO + "отказ от новостей, они больше не придут ни в один мессенджер.",
        "en": _WHO + "opted out, no more news on any messenger.",
    },
    "left": {
        "hu": _WHO + "letiltotta vagy elhagyta a fiókunkat itt: {messenger}. Itt már nem érjük el.",
        "cs": _WHO + "zablokoval(a) nebo opustil(a) náš účet: {messenger}. Tam už tuto osobu nezastihneme.",
        "fi": _WHO + "esti tilimme tai lähti: {messenger}. Siellä viestit eivät enää mene perille.",
        "ru": _WHO + "заблокировал(а) наш аккаунт или ушёл: {messenger}. Там мы больше недоступны.",
        "en": _WHO + "blocked or left our account on {messenger}. They are not reached there any more.",
    },
    "complaint": {
        "hu": _WHO + "panasz{group}. Kérjük, mielőbb foglalkozzon vele.",
        "cs": _WHO + "stížnost{group}. Věnujte se jí prosím co nejdřív.",
        "fi": _WHO + "valitus{group}. Hoida asia mahdollisimman pian.",
        "ru": _WHO + "жалоба{group}. Пожалуйста, займитесь ею поскорее.",
        "en": _WHO + "a complaint{group}. Please look after it soon.",
    },
    "without_seat": {
        "hu": "{name}: nincs helye itt: {group}, de benn van vagy belépne. Teendő: vipcast group sync",
        "cs": "{name}: ve skupině {group} bez místa, nebo žádá o vstup. Co dál: vipcast group sync",
        "fi": "{name}: ryhmässä {group} ilman paikkaa tai pyrkii sinne. Katso: vipcast group sync",
        "ru": "{name}: в чате группы {group} без места или просится туда. См.: vipcast group sync",
        "en": "{name}: in the chat of {group} without a seat, or asks to come in. See: vipcast group sync",
    },
    "closed": {
        "hu": _WHO + "a beszélgetés lezárva.",
        "cs": _WHO + "konverzace je uzavřena.",
        "fi": _WHO + "keskustelu on päätetty.",
        "ru": _WHO + "разговор закрыт.",
        "en": _WHO + "the conversation is closed.",
    },
    "noted": {
        "hu": _WHO + "feljegyezve. Ezt csak a kollégák látják.",
        "cs": _WHO + "poznámka je uložena. Vidí ji jen kolegové.",
        "fi": _WHO + "muistiinpano on tallessa. Sen näkevät vain työtoverit.",
        "ru": _WHO + "заметка сохранена. Её видят только коллеги.",
        "en": _WHO + "noted. Only colleagues see it.",
    },
    "attachment": {
        "hu": "Nem sikerült továbbadni: {what}",
        "cs": "Nepodařilo se předat: {what}",
        "fi": "Ei voitu välittää: {what}",
        "ru": "Не удалось передать: {what}",
        "en": "Could not be passed on: {what}",
    },
    "approval": {
        "hu": "{number}. hír, „{title}”: {groups}, {count} tag. Mehet? Válaszoljon erre: igen vagy nem.",
        "cs": "Zpráva {number}, „{title}“: {groups}, členů: {count}. Odeslat? Odpovězte: ano nebo ne.",
        "fi": "Tiedote {number}, ”{title}”: {groups}, jäseniä {count}. Lähetetäänkö? Vastaa: kyllä tai ei.",
        "ru": "Рассылка {number}, «{title}»: {groups}, участников: {count}. Отправить? Ответьте: да или нет.",
        "en": "Announcement {number}, “{title}”: {groups}, {count} members. Send it? Reply yes or no.",
    },
    "approved": {
        "hu": "{number}. hír: jóváhagyta {by}. Elküldjük.",
        "cs": "Zpráva {number}: schválil(a) {by}. Odesíláme.",
        "fi": "Tiedote {number}: hyväksyi {by}. Lähetetään.",
        "ru": "Рассылка {number}: одобрено ({by}). Отправляем.",
        "en": "Announcement {number}: approved by {by}. It goes out.",
    },
    "rejected": {
        "hu": "{number}. hír: elutasította {by}. Nem küldjük el.",
        "cs": "Zpráva {number}: zamítl(a) {by}. Neodešle se.",
        "fi": "Tiedote {number}: hylkäsi {by}. Ei lähetetä.",
        "ru": "Рассылка {number}: отклонено ({by}). Не отправляем.",
        "en": "Announcement {number}: rejected by {by}. It is not sent.",
    },
    "unknown_command": {
        "hu": "Ilyen parancs nincs: {words}",
        "cs": "Takový příkaz není: {words}",
        "fi": "Tällaista komentoa ei ole: {words}",
        "ru": "Такой команды нет: {words}",
        "en": "There is no such command: {words}",
    },
}


@dataclass(frozen=True, slots=True)
class DeskWording:
    """The desk's texts in hu, cs, fi, ru or en; any other language gets en. `number` is a conversation's."""

    language: str

    def header(
        self,
        number: int,
        name: str,
        groups: Sequence[str],
        messenger: str,
        announcement: str,
        announced: str,
        promised: str,
        taken_by: str,
        is_known: bool,
    ) -> str:
        """Return what stands above a member's message: three to five lines, no line end after the last.

        `promised` is what `wording.deadline` says, and like the other texts may be empty. `name` is what
        the messenger shows where it is not known who writes.
        """
        name, place = _line(name), self.messenger(messenger)
        if is_known:
            lines = [f"{HEADER}{number} {name}"]
            lines.append(_BETWEEN.join(filter(None, (", ".join(map(_line, groups)), place))))
        else:
            lines = [f"{HEADER}{number} " + ": ".join(filter(None, (self._word("unknown"), name)))]
            lines.append(_BETWEEN.join(filter(None, (place, self._word("link", number=number)))))
        if announcement:
            answered = self._word("answers", announcement=_line(announcement))
            lines.append(f"{answered} ({announced})" if announced else answered)
        lines.append(self._word("promised", promised=promised) if promised else self._word("not_promised"))
        if taken_by:
            lines.append(self._word("taken_by", by=_line(taken_by)))
        return "\n".join(lines)

    def messenger(self, name: str) -> str:
        """Return what people call a messenger; its own name where it is not known here."""
        return self._word(name) if name == "email" else _MESSENGERS.get(name, name)

    def edited(self, number: int, name: str) -> str:
        """Return what stands above the new text of a message that the member edited."""
        return self._notice("edited", number=number, name=_line(name))

    def not_delivered(self, number: int, name: str, words: str) -> str:
        """Say that an answer failed; `words` is why, a sentence."""
        return self._notice("not_delivered", number=number, name=_line(name), words=_line(words)).rstrip()

    def maybe_delivered(self, number: int, name: str) -> str:
        return self._notice("maybe_delivered", number=number, name=_line(name))

    def not_a_relay(self) -> str:
        """Say that something typed into the desk's chat went to nobody."""
        return self._notice("not_a_relay")

    def taken(self, number: int, name: str, by: str) -> str:
        return self._notice("taken", number=number, name=_line(name), by=_line(by))

    def already_answered(self, number: int, name: str, by: str, when: str) -> str:
        return self._notice("already_answered", number=number, name=_line(name), by=_line(by), when=when)

    def nudge(self, number: int, name: str, promised: str) -> str:
        """Remind of a promise that is about to lapse."""
        return self._notice("nudge", number=number, name=_line(name), promised=promised)

    def overdue(self, number: int, name: str, promised: str) -> str:
        return self._notice("overdue", number=number, name=_line(name), promised=promised)

    def cannot_edit(self, number: int, name: str) -> str:
        """Say that editing an answer in the desk's chat changes nothing for the member."""
        return self._notice("cannot_edit", number=number, name=_line(name))

    def opted_out(self, number: int, name: str, words: str = "") -> str:
        """Say that somebody opted out; `words` are theirs, by which people see what was meant."""
        notice = self._notice("opted_out", number=number, name=_line(name))
        return f"{notice} ({_line(words)})" if words.strip() else notice

    def left(self, number: int, name: str, messenger: str) -> str:
        """Say that somebody cannot be written to on a messenger any more."""
        return self._notice("left", number=number, name=_line(name), messenger=self.messenger(messenger))

    def attachment(self, kind: str, words: str, reason: str) -> str:
        """Say that a thing could not be passed on: an `AttachmentKind`, its name or words, and why."""
        kinds = _KINDS.get(kind, _KINDS["other"])
        what = ", ".join(filter(None, (kinds[self._known], _line(words))))
        return self._notice("attachment", what=f"{what} ({_line(reason)})" if reason else what)

    def complaint(self, number: int, name: str, group: str) -> str:
        group = f" ({_line(group)})" if group else ""
        return self._notice("complaint", number=number, name=_line(name), group=group)

    def without_seat(self, name: str, group: str) -> str:
        return self._notice("without_seat", name=_line(name), group=_line(group))

    def closed(self, number: int, name: str) -> str:
        return self._notice("closed", number=number, name=_line(name))

    def noted(self, number: int, name: str) -> str:
        return self._notice("noted", number=number, name=_line(name))

    def approval(self, number: int, title: str, groups: Sequence[str], count: int) -> str:
        """Ask whether an announcement may go out; `number` is the announcement's."""
        named = ", ".join(map(_line, groups))
        return self._notice("approval", number=number, title=_line(title), groups=named, count=count)

    def decided(self, number: int, by: str, *, is_yes: bool) -> str:
        return self._notice("approved" if is_yes else "rejected", number=number, by=_line(by))

    def unknown_command(self, words: str) -> str:
        return self._notice("unknown_command", words=_line(words))

    @property
    def _known(self) -> str:
        return self.language if self.language in _LANGUAGES else _FALLBACK

    def _word(self, word: str, **values: object) -> str:
        return _WORDS[word][self._known].format(**values)

    def _notice(self, notice: str, **values: object) -> str:
        return NOTICE + _NOTICES[notice][self._known].format(**values)


def _line(value: str) -> str:
    """Return a value as one line; one that runs from right to left does not turn the words around it."""
    line = plain_value(value).replace("\n", " ").strip()
    runs_left = any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in line)
    return f"\u2068{line}\u2069" if runs_left else line
