"""Scripted customers: they read, answer, ask, thank, follow links and leave, in five languages."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from vipcast import tomlfile
from vipcast.errors import InputError
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.page import GROUP_MARK, Followed, invite_links
from vipcast.sandbox.tasks import Tasks

Deed = Literal["read", "say", "ask", "thank", "stop", "block", "follow"]

PHRASES: dict[str, dict[str, str]] = {
    "ask": {
        "hu": "Jó napot! Meddig érvényes az ajánlat?",
        "cs": "Dobrý den, do kdy nabídka platí?",
        "fi": "Hei! Mihin asti tarjous on voimassa?",
        "ru": "Здравствуйте! До какого числа действует предложение?",
        "en": "Hello! Until when is the offer valid?",
    },
    "thank": {
        "hu": "Köszönöm szépen, megyek!",
        "cs": "Moc děkuji, přijdu!",
        "fi": "Kiitos paljon, tulen käymään!",
        "ru": "Большое спасибо, приду!",
        "en": "Thank you very much, I'll come!",
    },
    "stop": {"hu": "leiratkozom", "cs": "odhlásit", "fi": "lopeta", "ru": "стоп", "en": "stop"},
}
_LETTERS = {  # letters that, of the five languages, this one alone writes
    "ru": re.compile("[а-яё]", re.IGNORECASE),
    "hu": re.compile("[őű]", re.IGNORECASE),
    "cs": re.compile("[ěščřžýů]", re.IGNORECASE),
}
_WORDS = {  # frequent words, for texts without such letters
    "hu": re.compile(
        r"\b(a|az|és|hogy|nem|egy|van|itt|már|csak|önnek|kedves|új|jó|napot|köszönöm|köszönjük)\b",
        re.IGNORECASE,
    ),
    "fi": re.compile(
        r"\b(ja|on|ei|se|hei|nyt|sinulle|teille|teidän|uusi|uudet|hyvä|hyvää|kiitos|paljon|vain)\b",
        re.IGNORECASE,
    ),
    "cs": re.compile(r"\b(na|je|se|pro|vás|od|do|dobrý|den|jen|teď|nová|nové|máme|vám)\b", re.IGNORECASE),
    "en": re.compile(r"\b(the|and|is|are|you|your|for|we|of|hello|our|now|thank|new|dear)\b", re.IGNORECASE),
}


def language_of(text: str) -> str:
    """Return which of the five languages a text is in, as a customer's ear would: by letters, then words."""
    for signs in (_LETTERS, _WORDS):
        counts = {language: len(pattern.findall(text)) for language, pattern in signs.items()}
        best = max(counts, key=lambda language: counts[language])
        if counts[best]:
            return best
    return "en"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What some customers do when a message comes; all that is not said means any.

    A rule with `group` is for messages in groups with such a title, and acts there; one without is for
    private messages. In a group, `block` is leaving it. `follow` is for messages with an invite link, and
    follows the last one in it.
    """

    do: Deed
    network: Literal["telegram", "viber", ""] = ""
    who: str = "*"  # a pattern of addresses, as file names have them
    group: str = ""  # a pattern of titles; "*": any group
    one_in: int = 1  # 3: every third customer, always the same ones
    when: str = ""  # a regular expression, found anywhere in the text, upper and lower case alike
    after: float = 0.0  # seconds
    text: str = ""  # what `say` says
    language: str = ""  # of ask, thank and stop; else that of the message
    person: str = ""  # as whom on Telegram somebody on Viber follows; else as one of their own
    times: int = 1  # how often one customer does it; 0: always

    def concerns(self, network: str, customer: str, text: str, group: str = "") -> bool:
        """Return whether this customer acts on this message; `group` is the title where it is in one."""
        is_here = fnmatch(group.lower(), self.group.lower()) if group else not self.group
        return (
            is_here
            and (self.do != "follow" or bool(invite_links(text)))
            and self.network in ("", network)
            and fnmatch(customer.lower(), self.who.lower())
            and zlib.crc32(customer.encode()) % self.one_in == 0
            and re.search(self.when, text, re.IGNORECASE) is not None
        )

    def words(self, heard: str) -> str:
        """Return what the customer writes."""
        if self.do == "say":
            return self.text
        return PHRASES[self.do][self.language or language_of(heard)]


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules, each of which acts on its own: `[[rule]]` tables in TOML."""

    rule: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, text: str, path: Path = Path("script")) -> Script:
        """Read a script from TOML that stands in `path`.

        Raises:
            InputError: it cannot be read; the message names the rule or the key.

        """
        data = tomlfile.parse(text, path, error=InputError)
        script = tomlfile.convert(data, cls, path, text=text, error=InputError)
        for number, rule in enumerate(script.rule, start=1):
            _check(rule, f"{path}: rule {number}")
        return script

    @classmethod
    def load(cls, path: Path) -> Script:
        """Read a script from a file.

        Raises:
            InputError: it is not there, or is wrong.

        """
        return cls.parse(tomlfile.read_text(path, error=InputError), path)


def _check(rule: Rule, where: str) -> None:
    if rule.one_in < 1 or rule.times < 0 or rule.after < 0:
        raise InputError(
            f"{where}: one_in is 1 or more, times and after are 0 or more.", hint="Correct it.", where=where
        )
    if rule.do == "say" and not rule.text:
        raise InputError(f"{where} says nothing.", hint='Give it a text, or `do = "ask"`.', where=where)
    if rule.language and rule.language not in PHRASES["ask"]:
        known = ", ".join(PHRASES["ask"])
        raise InputError(f"{where}: no {rule.language!r} here.", hint=f"One of: {known}.", where=where)
    try:
        re.compile(rule.when)
    except re.error as error:
        raise InputError(
            f"{where}: `when` is no regular expression: {error}.", hint="Correct it.", where=where
        ) from error


DEMO = Script(
    (
        Rule(do="read", after=0.3, times=0),
        Rule(do="read", group="*", after=0.3, times=0),
        Rule(do="follow", network="telegram", after=1.0, one_in=2),  # the others are left to the page
        Rule(do="ask", after=0.8, one_in=4),
        Rule(do="thank", after=1.2, one_in=5),
    )
)


class Hand(Protocol):
    """What a person can do on one network."""

    async def say(self, customer: str, text: str, to: str = "") -> None: ...
    async def read(self, customer: str, to: str = "") -> None: ...
    async def block(self, customer: str, to: str = "") -> None: ...
    async def follow(self, customer: str, link: str, person: str = "") -> Followed: ...


class ScriptedCustomers:
    """Plays a script: tell it of each message that reaches a phone."""

    def __init__(self, script: Script, hands: Mapping[str, Hand], log: EventLog) -> None:
        self.script = script
        self.hands = hands
        self._log = log
        self._done: Counter[tuple[Rule, str, str]] = Counter()
        self._tasks = Tasks()

    def hear(self, network: str, customer: str, sender: str, text: str, *, group: str = "") -> None:
        """Start what the customer does on a message from `sender`, the shop's account, maybe in a group."""
        place = GROUP_MARK + group if group else sender
        for rule in self.script.rule:
            key = (rule, network, customer)
            is_done = rule.times and self._done[key] >= rule.times
            if is_done or not rule.concerns(network, customer, text, group):
                continue
            self._done[key] += 1
            self._tasks.start(self._act(rule, network, customer, place, text))

    async def _act(self, rule: Rule, network: str, customer: str, sender: str, heard: str) -> None:
        await asyncio.sleep(rule.after)
        hand = self.hands[network]
        about = {"network": network, "customer": customer, "to": sender, "do": rule.do}
        self._log.record("script", **about)
        try:
            match rule.do:
                case "read":
                    await hand.read(customer, sender)
                case "block":
                    await hand.block(customer, sender)
                case "follow":
                    await hand.follow(customer, invite_links(heard)[-1], rule.person)
                case "say" | "ask" | "thank" | "stop":
                    await hand.say(customer, rule.words(heard), sender)
        except InputError as error:  # the network would not let them; the others go on
            self._log.record("script-failed", **about, text=error.message)

    async def settle(self) -> None:
        """Wait until everyone did what they had begun."""
        await self._tasks.settle()

    async def stop(self) -> None:
        """Interrupt everyone."""
        await self._tasks.stop()
