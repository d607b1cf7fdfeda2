"""Changing one member: what the commands of `vipcast member` do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from vipcast.cli.result import Result
from vipcast.cli.terminal import Terminal
from vipcast.cli.views import member_data
from vipcast.config import LANGUAGES
from vipcast.conversations import attachments
from vipcast.errors import InputError, SetupMissing
from vipcast.groups import chats, seats
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.linking import new_code
from vipcast.members.people import clean, split_name
from vipcast.members.phones import PhoneReader
from vipcast.members.reading.rows import LONGEST_NAME
from vipcast.members.roster import EMAIL, PHONE, Address
from vipcast.messengers.base import AddressInvalid
from vipcast.schedules.expressions import zone_of
from vipcast.shop import Shop


def add_member(
    terminal: Terminal, values: dict[str, Any], phones: Sequence[str], pairs: Sequence[str], source: str
) -> Result:
    with terminal.shop() as shop:
        known = _addresses(shop, phones, pairs)
        if not known:
            raise InputError(
                "A member needs an address.",
                hint='Give --phone "06 30 123 4567" or --address telegram=@anna.',
            )
        values = _checked(shop, values)
        with shop.database.write() as connection:
            number = roster.add(connection, values, known, now=shop.now())
            if source:
                _consent(shop, connection, number, ConsentState.OPTED_IN, source, "")
            (member,) = roster.load(connection, [number])
    view = [f"{member.name} is member #{member.id}."]
    if not source:
        view.append(
            f"No consent on record, so nothing is sent yet: vipcast member opt-in '#{number}' --source …"
        )
    return Result(member_data(member), view)


def edit_member(
    terminal: Terminal,
    who: str,
    values: dict[str, Any],
    phones: Sequence[str],
    pairs: Sequence[str],
    removed: Sequence[str],
) -> Result:
    with terminal.shop() as shop:
        known = _addresses(shop, phones, pairs)
        with shop.database.write() as connection:
            member = roster.find(connection, who)
            changed = roster.edit(connection, member, _checked(shop, values, member), now=shop.now())
            added = [a for a in known if roster.add_address(connection, member.id, a.messenger, a.address)]
            gone = [text for text in removed if roster.remove_address(connection, member, text)]
            if missing := [text for text in removed if text not in gone]:
                raise InputError(
                    f"{member.name} has no address {missing[0]!r}.",
                    hint=f"See: vipcast member show '#{member.id}'",
                )
            (after,) = roster.load(connection, [member.id])
    said = [f"{key}: {old or '–'} → {new or '–'}" for key, (old, new) in changed.items()]
    said += [f"new address: {a.messenger} {a.address}" for a in added] + [
        f"taken away: {text}" for text in gone
    ]
    return Result(
        member_data(after), [f"{after.name} (#{after.id}): {'; '.join(said) or 'nothing changed'}."]
    )


def record_consent(terminal: Terminal, who: str, event: str, source: str, wording: str) -> Result:
    state = ConsentState(event)
    with terminal.shop() as shop, shop.database.write() as connection:
        member = roster.find(connection, who)
        _consent(shop, connection, member.id, state, source, wording)
    said = "opted in" if state is ConsentState.OPTED_IN else "opted out of all messages, on every messenger"
    return Result({"member_id": member.id, "consent": state}, [f"{member.name} (#{member.id}) has {said}."])


def forget_member(terminal: Terminal, who: str, *, yes: bool) -> Result:
    with terminal.shop() as shop:
        with shop.database.read() as connection:
            member = roster.find(connection, who)
            sitting = seats.groups_of(connection, member.id)
            rooms = chats.with_member(connection, member.id)
        if not yes and not terminal.confirm(f"Forget {member.name} (#{member.id}) for good?"):
            return Result(view=["Nothing was changed."], exit_code=3)
        with shop.database.write() as connection:
            risen = []
            for name, _, _ in sitting:
                group = seats.get(connection, name)
                risen += seats.leave(connection, group, member.id, now=shop.now())
            roster.forget(connection, member, now=shop.now())
            attachments.tidy(connection, shop.attachments_folder)
        shop.database.erase_traces()
    view = [
        f"#{member.id} is forgotten: the person, the addresses, the consents and every text sent to them.",
        "Backups and exported files are not touched: delete those yourself.",
    ]
    if risen:
        view.append(f"{len(risen)} moved up from the waiting list.")
    view += [
        f"Still in the chat: vipcast group sync {one.as_typed} --yes --fix takes them out." for one in rooms
    ]
    return Result(
        {"forgotten": member.id, "seated_now": risen, "still_in_chats": [one.name for one in rooms]}, view
    )


def make_link(terminal: Terminal, who: str, account_name: str) -> Result:
    with terminal.shop() as shop:
        account = shop.config.account(account_name)
        kind = shop.messenger_class(account.messenger)
        with shop.database.write() as connection:
            identity = shop.identity(connection, account.name)
            member = roster.find(connection, who)
            code = new_code(connection, member.id, account.messenger, now=shop.now())
            link = kind.deep_link(identity, code)
            if not link:
                raise SetupMissing(
                    f"{account.messenger} accounts of this kind have no such link.",
                    hint="Give the address with `vipcast member edit … --address`.",
                )
    return Result(
        {"member_id": member.id, "link": link, "code": code},
        [f"For {member.name} alone, to be used once: {link}"],
    )


def _consent(
    shop: Shop, connection: Any, number: int, event: ConsentState, source: str, wording: str
) -> None:
    if not source.strip():
        raise InputError(
            "The consent's source is empty.", hint='Say where it was given: --source "in the shop".'
        )
    now = shop.now()
    consent.record(connection, number, event, at=now, source=source, wording=wording, now=now)


def _checked(shop: Shop, values: dict[str, Any], member: roster.Member | None = None) -> dict[str, Any]:
    values = {key: clean(value) if isinstance(value, str) else value for key, value in values.items()}
    language = values.get("language")
    if language and language not in LANGUAGES:
        raise InputError(f"There is no language {language!r} here.", hint=f"Choose: {', '.join(LANGUAGES)}.")
    if values.get("preferred") and values["preferred"] not in shop.config.by_hand.networks:
        shop.messenger_class(values["preferred"])
    if values.get("timezone"):
        values["timezone"] = str(zone_of(values["timezone"]))
    if "birthday" in values:
        values["birthday"] = _birthday(values["birthday"], shop)
    if "name" in values:
        if not values["name"]:
            raise InputError("The name is empty.", hint="Give the full name.")
        if len(values["name"]) > LONGEST_NAME:
            raise InputError(
                f"The name has {len(values['name']):,} characters; {LONGEST_NAME} are the most.",
                hint="Give the name as the person writes it.",
            )
        language = language or (member.language if member else "") or shop.config.shop.language
        first, last = split_name(values["name"], language=language)
        values["first_name"] = values.get("first_name") or first
        values["last_name"] = last
    return values


def _birthday(text: str, shop: Shop) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--birthday: {text!r} is no date.", hint="Write 1990-03-14.") from error
    if not date(1900, 1, 1) <= day <= shop.now().astimezone(shop.zone).date():
        raise InputError(f"--birthday: {text} is not in a living person's past.", hint="Write 1990-03-14.")
    return day


def _addresses(shop: Shop, phones: Sequence[str], pairs: Sequence[str]) -> list[Address]:
    found = [Address(PHONE, _phone(shop, text)) for text in phones]
    for pair in pairs:
        messenger, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"--address {pair!r} is no messenger=address.", hint="Such as telegram=@anna.")
        found.append(Address(messenger, _normalised(shop, messenger, text)))
    return found


def _normalised(shop: Shop, messenger: str, text: str) -> str:
    if messenger == PHONE:
        return _phone(shop, text)
    if messenger == EMAIL:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text.strip()):
            raise InputError(f"{text!r} is no e-mail address.", hint="Write it as anna@example.com.")
        return text.strip().casefold()
    network = shop.network_of_members(messenger)
    kind = network or shop.messenger_class(messenger)
    by_phone = network.is_by_phone if network else kind.capabilities.accepts_phone
    if by_phone and (phone := PhoneReader(shop.config.shop.region).read(text)):
        return phone.e164
    try:
        return kind.normalise_address(text)
    except AddressInvalid as error:
        raise InputError(error.message, hint=error.hint) from error


def _phone(shop: Shop, text: str) -> str:
    reader = PhoneReader(shop.config.shop.region)
    if phone := reader.read(text):
        return phone.e164
    raise InputError(
        f"{text!r} is no phone number: {reader.problem(text)}.",
        hint=f"Write it with the country code, such as {reader.example()}.",
    )
