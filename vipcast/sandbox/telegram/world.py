"""The sandbox's whole Telegram in memory: who exists, who holds which key, who wrote what to whom."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import Any, Final

from vipcast.errors import InputError
from vipcast.sandbox.telegram.cipher import key_id
from vipcast.sandbox.telegram.group_model import Place, SandboxGroup
from vipcast.sandbox.telegram.hearing import hears
from vipcast.sandbox.telegram.model import (
    COUNTED_APART,
    MEGAGROUPS,
    Box,
    Change,
    ChangeKind,
    Key,
    Letter,
    SandboxUser,
    StoredFile,
)
from vipcast.sandbox.telegram.store import Store

_USERNAME: Final = re.compile(r"[a-z]\w{2,31}", re.IGNORECASE | re.ASCII)
_BOT_TOKEN: Final = re.compile(r"([1-9]\d{0,14}):[\w-]{3,}", re.ASCII)
_PHONE_DIGITS: Final = range(7, 16)
_NOBODY: Final = "nobody"  # usernames that begin so are free
_ABSENT_PHONE: Final = "0000"  # phone numbers that end so are not on Telegram
_FIRST_ID: Final = 100_000_000
_IDS: Final = 1_000_000_000
# Telethon keeps people and groups in one table, by their ids alone: groups must not share theirs.
_FIRST_BASIC_GROUP: Final = 4_000_000
# Telegram hides the members of groups of so many or more: its own value of hidden_members_group_size_min.
HIDDEN_MEMBERS_MIN: Final = 100
_FIRST_MEGAGROUP: Final = 1_700_000_000


class World:
    """Everything that the server knows. Every change goes through here and is handed to the store."""

    def __init__(self, store: Store, *, auto_customers: bool, bot_started_by_all: bool) -> None:
        self.store = store
        self.auto_customers = auto_customers
        self.bot_started_by_all = bot_started_by_all
        self.hidden_members_min = HIDDEN_MEMBERS_MIN
        self.users: dict[int, SandboxUser] = {}
        self.groups: dict[int, SandboxGroup] = {}  # by their keys
        self.keys: dict[int, Key] = {}
        self.letters: dict[int, Letter] = {}
        self.sent: dict[tuple[int, int, int], Letter] = {}  # (sender, receiver, random_id): never forgotten
        self.files: dict[int, StoredFile] = {}
        self.contents: dict[str, bytes] = {}
        self._boxes: dict[int, Box] = {}
        self._keys_of: dict[int, set[Key]] = {}
        self._by_name: dict[str, SandboxUser] = {}  # +phone, @username in lower case, bot token
        self._load()
        self._secret = store.meta("secret") or os.urandom(16)
        store.put_meta("secret", self._secret)

    def _load(self) -> None:
        for user in self.store.users():
            self._index(user)
        self.groups.update((group.key, group) for group in self.store.groups())
        for data, salt, user_id in self.store.logins():
            self._take_key(Key(key_id(data), data, salt), self.users.get(user_id))
        self.contents.update(self.store.contents())
        self.files.update((file.id, file) for file in self.store.files())
        for letter in self.store.letters():
            self._index_letter(letter)
        for user_id, change in self.store.changes():
            self.box(user_id).apply(change, self.letters, user_id)

    # People.

    def find_phone(self, phone: str) -> SandboxUser | None:
        """Return who has this number; with automatic customers nearly everybody has."""
        phone = normal_phone(phone)
        user = self._by_name.get(phone)
        if user is None and self.auto_customers and phone and not phone.endswith(_ABSENT_PHONE):
            user = self.add_user(phone=phone, first_name=f"Customer {phone[-4:]}")
        return user

    def find_username(self, username: str) -> SandboxUser | None:
        username = username.lstrip("@")
        user = self._by_name.get("@" + username.lower())
        may_create = self.auto_customers and is_username(username)
        if user is None and may_create and not username.lower().startswith(_NOBODY):
            user = self.add_user(username=username, first_name=username.capitalize())
        return user

    def find_token(self, token: str) -> SandboxUser | None:
        user = self._by_name.get(token)
        if user is None and self.auto_customers and _BOT_TOKEN.fullmatch(token):
            user = self.add_user(bot_token=token)
        return user

    def add_user(
        self, *, phone: str = "", username: str = "", bot_token: str = "", **fields: Any
    ) -> SandboxUser:
        """Return the person with this phone number, username or token, with these fields set.

        Raises:
            InputError: none of the three was given, or one is no such thing.

        """
        phone, username = _checked(phone, username, bot_token)
        names = _names(phone, username, bot_token)
        user = next((self._by_name[name] for name in names if name in self._by_name), None)
        if user is None:
            user = SandboxUser(id=self._new_id(names[0], bot_token))
            if bot_token and not username:
                username = f"sandbox_{user.id}_bot"
            fields.setdefault("first_name", "Bot" if bot_token else "Customer")
        given = {"phone": phone, "username": username, "bot_token": bot_token, **fields}
        for name, value in given.items():
            if value not in ("", None):
                setattr(user, name, value)
        self.keep(user)
        return user

    def rename(self, user: SandboxUser, *, username: str | None = None, **names: str | None) -> None:
        """Give a person other names; None leaves one as it is.

        Raises:
            InputError: the username is no such thing or taken, or it was the only thing to know them by.

        """
        if username is not None:
            username = username.lstrip("@")
            self._check_username(user, username)
            self._by_name.pop("@" + user.username.lower(), None)
            user.username = username
        for name, value in names.items():
            if value is not None:
                setattr(user, name, value)
        self.keep(user)

    def _check_username(self, user: SandboxUser, username: str) -> None:
        if not username:
            if not user.phone:
                raise InputError(f"{user.label} has no phone number: the username cannot go.")
            return
        if not is_username(username):
            raise InputError(f"@{username} is no Telegram username.", hint="3 to 32 letters, digits and _.")
        owner = self._by_name.get("@" + username.lower())
        if owner is not None and owner is not user and not owner.deleted:
            raise InputError(f"@{username} is somebody else's.", hint="Let them give it up first.")

    def keep(self, user: SandboxUser) -> None:
        """Remember a person after a change."""
        self._index(user)
        self.store.put_user(user)

    def _index(self, user: SandboxUser) -> None:
        self.users[user.id] = user
        for name in _names(user.phone, user.username, user.bot_token):
            self._by_name[name] = user

    def _new_id(self, name: str, bot_token: str) -> int:
        """Return an id that is the same whenever this person is made anew."""
        if bot_token:
            return int(bot_token.partition(":")[0])
        number = _FIRST_ID + int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % _IDS
        while number in self.users:
            number += 1
        return number

    def access_hash(self, viewer: int, thing: int) -> int:
        """Return the hash by which one account, and no other, may name a person, a group or a file."""
        data = viewer.to_bytes(8, "little") + abs(thing).to_bytes(8, "little")
        digest = blake2b(data, key=self._secret, digest_size=8).digest()
        return int.from_bytes(digest, "little", signed=True)

    # Groups.

    def add_group(self, creator: SandboxUser, title: str, *, is_megagroup: bool, about: str) -> SandboxGroup:
        """Make a group with nobody in it yet."""
        number = len(self.groups) + 1 + (_FIRST_MEGAGROUP if is_megagroup else _FIRST_BASIC_GROUP)
        group = SandboxGroup(
            id=number,
            title=title,
            is_megagroup=is_megagroup,
            creator=creator.id,
            at=int(time.time()),
            about=about,
        )
        self.groups[group.key] = group
        return group

    def keep_group(self, group: SandboxGroup) -> None:
        """Remember a group after a change."""
        self.store.put_group(group)

    def label(self, key: int) -> str:
        """Return what logs call a person or a group."""
        return self.users[key].label if key > 0 else self.groups[key].label

    def shelf(self, viewer: int, place: Place) -> tuple[Box, list[int]]:
        """Return the box that a chat is in and the numbers of its messages that this person sees."""
        if isinstance(place, SandboxUser) or not place.is_megagroup:
            box = self.box(viewer)
            return box, box.chats.get(place.key, [])
        box, member = self.box(place.key), place.members.get(viewer)
        numbers = box.chats.get(place.key, [])
        if member is not None and place.hides_history and not member.is_admin:
            numbers = [number for number in numbers if number > member.after]
        if self.users[viewer].is_bot:
            numbers = [number for number in numbers if self.hears(viewer, box.letters[number])]
        return box, numbers

    def reading(self, viewer: int, key: int) -> tuple[int, int]:
        """Return up to where somebody has read a chat, and how many messages after that wait for them.

        Who comes into a megagroup begins with what is said from then on.
        """
        if key > MEGAGROUPS:
            box = self.box(viewer)
            return box.has_read(key), box.unread(key, viewer)
        member = self.groups[key].members.get(viewer)
        after = member.after if member is not None else 0
        box = self.box(key)
        return max(box.has_read(viewer), after), box.unread(key, viewer, after)

    def hears(self, user_id: int, letter: Letter) -> bool:
        """Return whether a message in a group reaches this member: bots get what concerns them."""
        group = self.groups[letter.to]
        return hears(group, self.users[user_id], letter, self.letters.get(letter.reply_to), self.users)

    # Keys and logins.

    def add_key(self, data: bytes, salt: int, user: SandboxUser | None = None) -> Key:
        """Accept a key from now on, logged in as `user` if one is given."""
        key = Key(key_id(data), data, salt)
        self._take_key(key, user)
        self.store.put_key(key)
        return key

    def log_in(self, key: Key, user: SandboxUser | None) -> None:
        """Make the holder of a key this person, or nobody."""
        self._take_key(key, user)
        self.store.put_key(key)

    def drop_key(self, key: Key) -> None:
        self._take_key(key, None)
        del self.keys[key.id]
        self.store.drop_key(key)

    def keys_of(self, user_id: int) -> Iterable[Key]:
        return self._keys_of.get(user_id, ())

    def _take_key(self, key: Key, user: SandboxUser | None) -> None:
        if key.user is not None:
            self._keys_of[key.user.id].discard(key)
        self.keys[key.id] = key
        key.user, key.half = user, None
        if user is not None:
            self._keys_of.setdefault(user.id, set()).add(key)

    # Boxes and letters.

    def box(self, user_id: int) -> Box:
        box = self._boxes.get(user_id)
        if box is None:
            box = self._boxes[user_id] = Box()
        return box

    def change(self, user_id: int, kind: ChangeKind, ids: tuple[int, ...], **more: Any) -> Change:
        """Make one step in a person's or megagroup's box and return it.

        A deletion counts once for each message; that a member has read, not at all.
        """
        box = self.box(user_id)
        count = len(ids) if kind == "delete" else 1
        if user_id < MEGAGROUPS:
            more["box"] = user_id
            count = 0 if kind == "read_in" else count
        place = box.qts if kind in COUNTED_APART else box.pts
        change = Change(place + count, count, kind, ids, at=int(time.time()), **more)
        box.apply(change, self.letters, user_id)
        self.store.put_change(user_id, change)
        return change

    def write(self, sender: SandboxUser, to: Place, text: str, **more: Any) -> dict[int, Change]:
        """Put a new letter into both boxes, or into the one of somebody who writes to themselves.

        One to a basic group goes into each member's box, one to a megagroup into the group's.
        """
        letter = Letter(
            number=len(self.letters) + 1, sender=sender.id, to=to.key, text=text, at=int(time.time()), **more
        )
        for owner in self._owners(sender, to, letter):
            letter.ids[owner] = self.box(owner).last_id + 1
        self._index_letter(letter)
        if isinstance(to, SandboxUser) and to.is_bot:
            self._start(to, sender)
        self.store.put_letter(letter)
        return {
            user_id: self.change(user_id, "new", (number,), letter=letter.number)
            for user_id, number in letter.ids.items()
        }

    def _owners(self, sender: SandboxUser, to: Place, letter: Letter) -> Iterable[int]:
        if isinstance(to, SandboxUser):
            return sender.id, to.id
        if to.is_megagroup:
            return (to.key,)
        return [member.user for member in to.present() if self.hears(member.user, letter)]

    def _start(self, bot: SandboxUser, user: SandboxUser) -> None:
        if user.id not in bot.started:
            bot.started.add(user.id)
            self.store.put_user(bot)

    def _index_letter(self, letter: Letter) -> None:
        self.letters[letter.number] = letter
        if letter.random_id:
            self.sent[letter.sender, letter.to, letter.random_id] = letter

    # Files.

    def add_file(self, content: bytes, **fields: Any) -> StoredFile:
        """Keep an uploaded file; equal contents are kept once."""
        digest = sha256(content).hexdigest()
        file = StoredFile(
            id=len(self.files) + 1, digest=digest, size=len(content), at=int(time.time()), **fields
        )
        self.files[file.id] = file
        self.contents.setdefault(digest, content)
        self.store.put_file(file, content)
        return file


def normal_phone(phone: str) -> str:
    """Return +digits, or nothing if this is no phone number in international form."""
    digits = re.sub(r"[+()\s.-]", "", phone)
    is_phone = digits.isascii() and digits.isdigit() and len(digits) in _PHONE_DIGITS
    return "+" + digits if is_phone else ""


def is_username(text: str) -> bool:
    return bool(_USERNAME.fullmatch(text))


def _checked(phone: str, username: str, bot_token: str) -> tuple[str, str]:
    username = username.lstrip("@")
    if phone and not normal_phone(phone):
        raise InputError(f"{phone} is no phone number.", hint="Write it as +36301234567.")
    if username and not is_username(username):
        raise InputError(f"@{username} is no Telegram username.", hint="3 to 32 letters, digits and _.")
    if bot_token and not _BOT_TOKEN.fullmatch(bot_token):
        raise InputError("This is no bot token.", hint="A token looks like 123456:ABC-def.")
    if not (phone or username or bot_token):
        raise InputError("A sandbox user needs a phone number, a username or a bot token.")
    return normal_phone(phone), username


def _names(phone: str, username: str, bot_token: str) -> list[str]:
    return [name for name in (phone, username and "@" + username.lower(), bot_token) if name]
