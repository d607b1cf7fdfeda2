"""The composition root's upper room: what conversations and `tick` need of the shop; where its desk is."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import select

from vipcast.announcements.rendering import Support
from vipcast.chats.watching import Watch
from vipcast.config import Account
from vipcast.conversations import faq
from vipcast.conversations.approvals import Approval
from vipcast.conversations.replies import Replies
from vipcast.conversations.setting import AUTOMATIC_PER_DAY, DeskPlace, Setting
from vipcast.errors import ConfigError, InputError
from vipcast.messengers.base import AddressInvalid
from vipcast.schedules.firing import Firing
from vipcast.schedules.ticking import Ticker
from vipcast.shop import Shop, new_message_key
from vipcast.storage.tables import meta


def setting_of(shop: Shop, desk: DeskPlace | None = None) -> Setting:
    """Return what conversations need to know of the shop; `desk` as `listen` found it, else as known.

    Raises:
        ConfigError: `[hours]` or the FAQ is wrong.
        InputError: the support account's messenger cannot carry a desk.

    """
    desk = desk or desk_place(shop)
    named, accounts = shop.config.shop, shop.config.accounts
    helper = next((one for one in accounts.values() if one.role == "support"), None)
    support = shop.support() or (Support(helper.sender_name, "") if helper else Support(named.name, ""))

    ceiling = shop.config.limits.automatic_per_day

    def replies(folder: Path) -> Replies:
        return Replies(folder, shop_name=named.name, shop_language=named.language, support=support)

    return Setting(
        zone=shop.zone,
        language=named.language,
        is_formal=named.formal,
        hours=shop.hours,
        replies=replies(shop.templates_folder),
        builtin_replies=replies(shop.config.state / "no-replies"),
        accounts=accounts,
        capabilities={
            name: shop.messenger_class(one.messenger).capabilities_of(one) for name, one in accounts.items()
        },
        new_key=new_message_key,
        kept=shop.attachments_folder,
        media_urls={name: _media_url(one.webhook) for name, one in accounts.items() if one.webhook},
        desk=desk,
        approver=_approver(shop, desk),
        faqs=faq.load_all(shop.templates_folder / "replies"),
        automatic_per_day=AUTOMATIC_PER_DAY if ceiling is None else ceiling,
    )


def ticker_of(shop: Shop, setting: Setting | None = None, watch: Watch | None = None) -> Ticker:
    """Return what does everything that is due; `watch` looks after groups' chats."""
    setting = setting or setting_of(shop)
    firing = Firing(
        shop.database, shop.clock, shop.scheduled, shop.media_folder, new_message_key,
        approval_of(shop, setting), needs_approval=bool(shop.config.approval.by),
    )  # fmt: skip
    return Ticker(shop.database, shop.clock, shop.config.state, firing, shop.dispatcher(), setting, watch)


def desk_place(shop: Shop, address: str = "") -> DeskPlace | None:
    """Return the support desk's chat, None where the terminal is the desk or it is not found yet.

    A desk that is named by its title has its `address` from the messenger.

    Raises:
        InputError: the support account's messenger does not tell what a reply answers.

    """
    account = desk_account(shop)
    if account is None:
        return None
    kind = shop.messenger_class(account.messenger)
    if not kind.capabilities_of(account).threads:
        raise InputError(
            f"The support desk cannot be on {account.messenger}: it does not tell what a reply answers.",
            hint='Use a support account on Telegram, or desk = "cli".',
            where=str(shop.config.file),
        )
    if address or account.desk == "me" or re.fullmatch(r"-\d+", account.desk):
        return DeskPlace(account, address or account.desk)
    if not re.match(r"@|\+?\d", account.desk):  # a word alone is a group's title, never a stranger's name
        known = _known_desk(shop, account)
        return DeskPlace(account, known) if known else None
    try:
        return DeskPlace(account, kind.normalise_address(account.desk))
    except AddressInvalid as error:
        raise ConfigError(
            f"{shop.config.file.name}: `desk` in [accounts.{account.name}]: {error.message}",
            hint='Write "@colleague", a phone number, "me", or the title of a group.',
            where=str(shop.config.file),
        ) from error


def desk_account(shop: Shop) -> Account | None:
    """Return the support account that has a desk in a messenger."""
    accounts = shop.config.accounts.values()
    return next((one for one in accounts if one.role == "support" and one.desk), None)


async def find_desk(shop: Shop) -> DeskPlace | None:
    """Return the desk's chat; one that is named by its title is looked up with the messenger.

    Raises:
        InputError: the account is in no such group, or in several.
        SendError: the messenger cannot be asked.

    """
    account = desk_account(shop)
    if account is None or (place := desk_place(shop)) is not None:
        return place if account else None
    address = await find_chat(shop, account.name, account.desk)
    key = f"desk:{account.name}"
    with shop.database.write() as connection:
        connection.execute(meta.delete().where(meta.c.key == key))
        connection.execute(meta.insert().values(key=key, value=f"{account.desk}\n{address}"))
    return desk_place(shop, address)


async def find_chat(shop: Shop, account: str, title: str) -> str:
    """Return the address of a group that an account is in; a number is one already.

    Raises:
        InputError: the account is in no such group, or in several.
        SendError: the messenger cannot be asked.

    """
    if re.fullmatch(r"-\d+", title):
        return title
    messenger = shop.messenger(account)
    try:
        await messenger.open()
        chats = await messenger.chats()
    finally:
        await messenger.close()
    found = [one for one in chats if one.title == title]
    if len(found) != 1:
        there = ", ".join(f"{one.title!r} ({one.address})" for one in chats) or "none that it can list"
        raise InputError(
            f"{account} is in {len(found) or 'no'} groups called {title!r}.",
            hint=f"Write the title exactly, or the number in brackets. Its groups: {there}.",
            where=str(shop.config.file),
        )
    return found[0].address


def _known_desk(shop: Shop, account: Account) -> str:
    """Return the address of a desk's title, as the messenger said when `listen` last asked."""
    with shop.database.read() as connection:
        query = select(meta.c.value).where(meta.c.key == f"desk:{account.name}")
        title, _, address = str(connection.execute(query).scalar() or "").rpartition("\n")
    return address if title == account.desk else ""


def _media_url(webhook: str) -> str:
    """Return where the receiver behind a webhook serves attachments."""
    return f"{webhook.rstrip('/')}/media"


def own_address(shop: Shop, account: Account) -> str:
    """Return where the owner is reached: as vipcast.toml says, else in a person's own saved messages."""
    messenger, is_bot = account.messenger, account.token is not None
    kind = shop.messenger_class(messenger)
    if named := shop.config.shop.me.get(messenger):
        try:
            return kind.normalise_address(named)
        except AddressInvalid as error:
            raise ConfigError(
                f"vipcast.toml: `shop.me.{messenger}`: {error.message}",
                hint=error.hint,
                where=str(shop.config.file),
            ) from error
    return "me" if kind.has_saved_messages and not is_bot else ""


def approval_of(shop: Shop, setting: Setting | None = None) -> Approval | None:
    """Return who is asked before an announcement goes out: the approver, else the desk; None: the terminal.

    Raises:
        InputError: `[approval] by` is no account, or vipcast cannot reach its person.

    """
    setting = setting or setting_of(shop)
    place = setting.approver or setting.desk
    return Approval(setting, place) if place else None


def _approver(shop: Shop, desk: DeskPlace | None) -> DeskPlace | None:
    by = shop.config.approval.by
    if not by:
        return None
    account = shop.config.account(by)
    if desk is not None and desk.account.name == by:
        return desk
    if address := own_address(shop, account):
        return DeskPlace(account, address)
    raise InputError(
        f"[approval] by = {by!r}: vipcast does not know where to reach that account's person.",
        hint=f'Say it in [shop]: me = {{ {account.messenger} = "…" }}, or name an account of a person.',
        where=str(shop.config.file),
    )
