"""The networks on which a person posts, because no program can: what their apps take, and what opens a chat.

No messenger, for nothing here sends. Sources: Viber's limit and marks are those of its own pages (7000
characters for a text; "Text Formatting": *bold* _italic_ ~strike~ ```mono```, "just like in any Viber
chat"); WhatsApp's 4096 characters are the figure of its API, the app takes more; an SMS is ten parts of 67
UTF-16 units, as one with Hungarian, Czech or Russian letters has. Snapchat, Signal, Facebook and Instagram
publish no figure for what is typed: those here are cautious ones, from memory, and so are the forms of
their links. Nobody's app formats what is pasted as Telegram's entities would.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

from vipcast.messengers.base import AddressInvalid, Capabilities, Formatting, Rate, Unit

_PHONE = re.compile(r"\+\d{7,15}")
_MOST_LINK = 500
_PICTURES_AT_ONCE = 10  # a person chooses them in the app; what all of them take


@dataclass(frozen=True, slots=True)
class Network:
    """One network. `link` opens a private chat: `{plus}`, `{digits}` and `{name}` stand for the address."""

    name: str
    title: str
    capabilities: Capabilities
    link: str
    own_links: str  # a pattern: what stands before the address in the links that people copy
    user_name: str = ""  # a pattern of user names; empty: people are reached by phone number
    chat_links: tuple[str, ...] = ()  # how links to a group's chat begin
    is_call: bool = False  # the text is said, not pasted

    @property
    def is_by_phone(self) -> bool:
        return not self.user_name

    def normalise_address(self, value: str) -> str:
        """Return the one spelling of a member's address; phones come in as E.164. Pure.

        Raises:
            AddressInvalid: it is no address of this network; the message says what one looks like.

        """
        bare = re.sub(
            rf"^(?:https?://)?(?:www\.)?(?:{self.own_links})", "", value.strip(), flags=re.IGNORECASE
        )
        if self.is_by_phone:
            number = "+" + re.sub(r"[\s().-]", "", unquote(bare)).removeprefix("+")
            if (bare != value.strip() or bare.startswith("+")) and _PHONE.fullmatch(number):
                return number
            example = "Give the phone number with its country code, such as +36301234567."
        else:
            name = re.split(r"[/?#]", bare, maxsplit=1)[0].removeprefix("@").casefold()
            if re.fullmatch(self.user_name, name, flags=re.ASCII):
                return name
            example = "Give the user name, such as anna.kovacs, or the link of the profile."
        raise AddressInvalid(f"{value!r} is no {self.title} address.", hint=example)

    def normalise_chat(self, value: str) -> str:
        """Return the link of a group's chat, as the app shows it under "invite by link". Pure.

        Raises:
            AddressInvalid: it is no link to a group there, or the network has none.

        """
        link = value.strip()
        rest = re.sub(r"^https://(?:www\.)?", "", link, flags=re.IGNORECASE)
        fits = link.isprintable() and " " not in link and len(link) <= _MOST_LINK
        if fits and rest.casefold().startswith(self.chat_links):
            return link if rest == link and "://" in link else f"https://{rest}"
        known = " or ".join(f"https://{one}…" if "://" not in one else f"{one}…" for one in self.chat_links)
        raise AddressInvalid(
            f"{value!r} is no link to a group on {self.title}.",
            hint=f"In the app: the group, invite by link. It begins with {known}."
            if known
            else f"{self.title} has no groups with a link.",
        )

    def open_link(self, address: str) -> str:
        """Return what opens the chat: with a person, or a group's own link; empty where nothing does."""
        if "://" in address:
            return address
        if self.is_by_phone:
            if not _PHONE.fullmatch(address):  # a bot's number of them, which no app opens
                return ""
            return self.link.format(plus=address, quoted=quote(address, safe=""), digits=address[1:])
        return self.link.format(name=quote(address)) if address else ""


def _able(
    text_limit: int,
    formatting: Formatting = Formatting.PLAIN,
    *,
    unit: Unit = Unit.CHARACTERS,
    accepts_phone: bool = False,
) -> Capabilities:
    """Return what a person can post: picture and text go one after the other, so a caption has no limit."""
    return Capabilities(
        text_limit=text_limit,
        unit=unit,
        caption_limit=text_limit,
        formatting=formatting,
        media="upload",
        media_kinds=frozenset({"picture", "video", "voice", "file"}),
        media_bytes={},  # the apps make what is chosen there small enough themselves
        caption_kinds=frozenset({"picture", "video", "voice", "file"}),
        album_limit=_PICTURES_AT_ONCE,
        idempotent=False,
        in_flight=1,
        rate=Rate(per_second=0.0),
        accepts_phone=accepts_phone,
    )


_ALL = (
    Network(
        "viber",
        "Viber",
        _able(7000, Formatting.WHATSAPP),
        "viber://chat?number={quoted}",
        r"viber://(?:chat|add)\?number=",
        chat_links=("invite.viber.com/", "viber://"),
    ),
    Network(
        "whatsapp",
        "WhatsApp",
        _able(4096, Formatting.WHATSAPP),
        "https://wa.me/{digits}",
        r"wa\.me/|api\.whatsapp\.com/send\?phone=",
        chat_links=("chat.whatsapp.com/", "whatsapp.com/channel/"),
    ),
    Network(
        "signal",
        "Signal",
        _able(2000),  # of a longer one the app shows the beginning, and the rest at a tap
        "https://signal.me/#p/{plus}",
        r"signal\.me/#p/",
        chat_links=("signal.group/#",),
    ),
    Network(
        "snapchat",
        "Snapchat",
        _able(1000),
        "https://www.snapchat.com/add/{name}",
        r"snapchat\.com/add/",
        user_name=r"[a-z][a-z0-9._-]{2,14}",
        chat_links=("snapchat.com/", "t.snapchat.com/"),
    ),
    Network(
        "facebook",
        "Messenger",
        _able(2000),
        "https://m.me/{name}",
        r"m\.me/|(?:m\.)?facebook\.com/profile\.php\?id=|(?:m\.)?facebook\.com/(?!groups/)|messenger\.com/t/",
        user_name=r"[a-z0-9][a-z0-9.]{4,49}",
        chat_links=("m.me/", "facebook.com/groups/", "messenger.com/t/"),
    ),
    Network(
        "instagram",
        "Instagram",
        _able(1000),
        "https://ig.me/m/{name}",
        r"ig\.me/m/|instagram\.com/",
        user_name=r"[a-z0-9._]{1,30}",
        chat_links=("ig.me/", "instagram.com/"),
    ),
    Network(
        "sms", "SMS", _able(670, unit=Unit.UTF16, accepts_phone=True), "sms:{plus}", r"sms:", chat_links=()
    ),
    Network("phone", "phone", _able(4096), "tel:{plus}", r"tel:", is_call=True),
)
NETWORKS: Mapping[str, Network] = MappingProxyType({one.name: one for one in _ALL})
