"""The composition root's garden: what keeping groups' chats needs of the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vipcast.chats.context import Borrow, Context
from vipcast.conversations.setting import Setting
from vipcast.delivery.contacts import DEFAULT_FIRST_CONTACTS_PER_DAY
from vipcast.errors import ConfigError, InputError, SetupMissing
from vipcast.shop import Shop
from vipcast.shop_desk import setting_of

if TYPE_CHECKING:
    from vipcast.config import Account
    from vipcast.messengers.base import Messenger

MOST_INVITATION_DAYS = 365  # Telegram takes no link that lasts longer than a year


def context_of(shop: Shop, setting: Setting | None = None, borrow: Borrow | None = None) -> Context:
    """Return what keeps the chats; `borrow` lends accounts that are open already, as in `listen`.

    Raises:
        ConfigError: `[chats]` or `[limits]` is wrong.

    """
    days = shop.config.chats.invitation_days
    if not 1 <= days <= MOST_INVITATION_DAYS:
        raise ConfigError(
            f"{shop.config.file.name}: `chats.invitation_days` is {days}; it must be 1 to 365.",
            hint="A week is usual: invitation_days = 7",
            where=str(shop.config.file),
        )
    budget = shop.config.limits.first_contacts_per_day
    setting = setting or setting_of(shop)
    try:
        routes = shop.routes()
    except SetupMissing:  # a shop that only answers questions
        routes = []
    return Context(
        database=shop.database,
        clock=shop.clock,
        setting=setting,
        routes=routes,
        borrow=borrow or _opener(shop),
        locks=shop.locks,
        invitation_days=days,
        first_contacts=DEFAULT_FIRST_CONTACTS_PER_DAY if budget is None else budget,
    )


def _opener(shop: Shop) -> Borrow:
    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Messenger]:
        messenger = shop.messenger(name)
        try:
            await messenger.open()
            yield messenger
        finally:
            await messenger.close()

    return opened


def chat_account(shop: Shop, name: str = "") -> Account:
    """Return the account that makes groups' chats: the one named, else the first that can.

    Raises:
        InputError: there is none, or it cannot.

    """
    if name:
        account = shop.config.account(name)
        able = [account] if account.role == "announce" and _can(shop, account) else []
    else:
        able = [one for one in shop.announcing_accounts() if _can(shop, one)]
    if able:
        return able[0]
    raise InputError(
        f"The account {name!r} cannot own a group's chat." if name else "No account can own a group's chat.",
        hint="An announcing account of a person on Telegram can: "
        "vipcast account add news --messenger telegram --role announce",
    )


def _can(shop: Shop, account: Account) -> bool:
    return shop.messenger_class(account.messenger).capabilities_of(account).keeps_chats
