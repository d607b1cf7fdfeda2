"""The composition root: the only place that knows the concrete messengers, and puts the parts together."""

from __future__ import annotations

import pkgutil
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from vipcast import config, messengers
from vipcast.clock import Clock, SystemClock
from vipcast.config import Account, Config
from vipcast.errors import ConfigError, InputError, SetupMissing

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.announcements.planning import Planner, Route
    from vipcast.announcements.rendering import Renderer, Support
    from vipcast.announcements.templates import Template
    from vipcast.conversations.setting import DeskPlace, Setting
    from vipcast.delivery.dispatch import Dispatcher
    from vipcast.delivery.manners import Manners
    from vipcast.messengers.base import Messenger
    from vipcast.storage.database import Database


def find_messengers() -> dict[str, type[Messenger]]:
    """Return every messenger in the folder `messengers`, by name."""
    found = {}
    for module in pkgutil.iter_modules(messengers.__path__):
        if module.name != "base" and not module.name.startswith("_"):
            kind: type[Messenger] = import_module(f"vipcast.messengers.{module.name}").MESSENGER
            found[kind.name] = kind
    return found


def new_message_key() -> int:
    """Return a fresh non-zero signed 64-bit number, Telegram's random_id."""
    return int.from_bytes(secrets.token_bytes(8), "big", signed=True) or 1


def _media_url(webhook: str) -> str:
    """Return where the receiver behind a webhook serves attachments."""
    return f"{webhook.rstrip('/')}/media"


class Shop:
    """One shop's folder, opened. Close it, or use it as a context manager."""

    def __init__(self, settings: Config, clock: Clock | None = None) -> None:
        self.config = settings
        self.clock = clock or SystemClock()

    @classmethod
    def open(cls, flag: Path | None, environ: Mapping[str, str], clock: Clock | None = None) -> Self:
        """Open the shop that the flag, the environment or the current folder names.

        Raises:
            InputError: there is no shop.
            ConfigError: vipcast.toml or .env is wrong.

        """
        folder, source = config.find_folder(flag, environ)
        return cls(config.load(folder, environ, source=source), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()

    @cached_property
    def database(self) -> Database:
        from vipcast.storage.database import open_database  # noqa: PLC0415

        return open_database(self.config.state)

    @cached_property
    def messengers(self) -> dict[str, type[Messenger]]:
        return find_messengers()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.shop.timezone)

    @property
    def templates_folder(self) -> Path:
        return self.config.folder / "templates"

    def now(self) -> datetime:
        return self.clock.now()

    def messenger_class(self, name: str) -> type[Messenger]:
        """Return a messenger by name.

        Raises:
            InputError: there is none of that name.

        """
        if name not in self.messengers:
            raise InputError(
                f"vipcast does not know a messenger called {name!r}.",
                hint=f"It knows: {', '.join(sorted(self.messengers))}.",
            )
        return self.messengers[name]

    def messenger(self, account: str) -> Messenger:
        """Return an account's messenger, not yet opened."""
        settings = self.config.account(account)
        return self.messenger_class(settings.messenger)(settings)

    def announcing_accounts(self) -> list[Account]:
        return [account for account in self.config.accounts.values() if account.role == "announce"]

    def routes(self) -> list[Route]:
        """Return the accounts that announce, with what each can do, in the order of vipcast.toml.

        Raises:
            SetupMissing: there is none.

        """
        from vipcast.announcements.planning import Route  # noqa: PLC0415

        found = []
        for account in self.announcing_accounts():
            kind = self.messenger_class(account.messenger)
            found.append(Route(account, kind.capabilities_of(account)))
        if not found:
            raise SetupMissing(
                "No account announces yet.",
                hint="Add one: vipcast account add news --messenger telegram --role announce",
            )
        return found

    def all_routes(self) -> list[Route]:
        """Return one route for each messenger that vipcast knows, for previews without an account."""
        from vipcast.announcements.planning import Route  # noqa: PLC0415

        accounts = [Account(name=name, messenger=name, role="announce") for name in sorted(self.messengers)]
        return [Route(one, self.messengers[one.messenger].capabilities_of(one)) for one in accounts]

    def support(self) -> Support | None:
        """Return who answers questions: the first support account that has a link."""
        from vipcast.announcements.rendering import Support  # noqa: PLC0415

        for account in self.config.accounts.values():
            if account.role == "support" and account.link:
                return Support(account.sender_name, account.link)
        return None

    def setting(self, desk: DeskPlace | None = None) -> Setting:
        """Return what conversations need to know of the shop; `desk` as `listen` found it, else as known.

        Raises:
            ConfigError: `[hours]` or the FAQ is wrong.
            InputError: the support account's messenger cannot carry a desk.

        """
        from vipcast.announcements.rendering import Support  # noqa: PLC0415
        from vipcast.conversations import faq, hours  # noqa: PLC0415
        from vipcast.conversations.replies import Replies  # noqa: PLC0415
        from vipcast.conversations.setting import AUTOMATIC_PER_DAY, Setting  # noqa: PLC0415

        shop, accounts = self.config.shop, self.config.accounts
        helper = next((one for one in accounts.values() if one.role == "support"), None)
        support = self.support() or (Support(helper.sender_name, "") if helper else Support(shop.name, ""))

        def replies(folder: Path) -> Replies:
            return Replies(folder, shop_name=shop.name, shop_language=shop.language, support=support)

        return Setting(
            zone=self.zone,
            language=shop.language,
            is_formal=shop.formal,
            hours=hours.parse(self.config.hours, self.zone, self.config.file),
            replies=replies(self.templates_folder),
            builtin_replies=replies(self.config.state / "no-replies"),
            accounts=accounts,
            capabilities={
                name: self.messenger_class(one.messenger).capabilities_of(one)
                for name, one in accounts.items()
            },
            new_key=new_message_key,
            kept=self.attachments_folder,
            media_urls={name: _media_url(one.webhook) for name, one in accounts.items() if one.webhook},
            desk=desk or self.desk_place(),
            faqs=faq.load_all(self.templates_folder / "replies"),
            automatic_per_day=self.config.limits.automatic_per_day or AUTOMATIC_PER_DAY,
        )

    def desk_place(self, address: str = "") -> DeskPlace | None:
        """Return the support desk's chat, None where the terminal is the desk or it is not found yet.

        A desk that is named by its title has its `address` from the messenger.

        Raises:
            InputError: the support account's messenger does not tell what a reply answers.

        """
        from vipcast.conversations.setting import DeskPlace  # noqa: PLC0415
        from vipcast.messengers.base import AddressInvalid  # noqa: PLC0415

        account = self.desk_account()
        if account is None:
            return None
        kind = self.messenger_class(account.messenger)
        if not kind.capabilities_of(account).threads:
            raise InputError(
                f"The support desk cannot be on {account.messenger}: it does not tell what a reply answers.",
                hint='Use a support account on Telegram, or desk = "cli".',
                where=str(self.config.file),
            )
        if address or account.desk == "me" or re.fullmatch(r"-\d+", account.desk):
            return DeskPlace(account, address or account.desk)
        try:
            return DeskPlace(account, kind.normalise_address(account.desk))
        except AddressInvalid:
            known = self._known_desk(account)
            return DeskPlace(account, known) if known else None

    def desk_account(self) -> Account | None:
        """Return the support account that has a desk in a messenger."""
        accounts = self.config.accounts.values()
        return next((one for one in accounts if one.role == "support" and one.desk), None)

    async def find_desk(self) -> DeskPlace | None:
        """Return the desk's chat; one that is named by its title is looked up with the messenger.

        Raises:
            InputError: the account is in no such group, or in several.
            SendError: the messenger cannot be asked.

        """
        from vipcast.storage.tables import meta  # noqa: PLC0415

        account = self.desk_account()
        if account is None or (place := self.desk_place()) is not None:
            return place if account else None
        address = await self.find_chat(account.name, account.desk)
        key = f"desk:{account.name}"
        with self.database.write() as connection:
            connection.execute(meta.delete().where(meta.c.key == key))
            connection.execute(meta.insert().values(key=key, value=f"{account.desk}\n{address}"))
        return self.desk_place(address)

    async def find_chat(self, account: str, title: str) -> str:
        """Return the address of a group that an account is in; a number is one already.

        Raises:
            InputError: the account is in no such group, or in several.
            SendError: the messenger cannot be asked.

        """
        if re.fullmatch(r"-\d+", title):
            return title
        messenger = self.messenger(account)
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
                where=str(self.config.file),
            )
        return found[0].address

    def _known_desk(self, account: Account) -> str:
        """Return the address of a desk's title, as the messenger said when `listen` last asked."""
        from sqlalchemy import select  # noqa: PLC0415

        from vipcast.storage.tables import meta  # noqa: PLC0415

        with self.database.read() as connection:
            query = select(meta.c.value).where(meta.c.key == f"desk:{account.name}")
            title, _, address = str(connection.execute(query).scalar() or "").rpartition("\n")
        return address if title == account.desk else ""

    @property
    def media_url(self) -> str:
        """Return where the templates folder stands on the web; the sandbox's page serves it there."""
        box = self.config.sandbox
        if self.config.shop.media_url or not box.enabled:
            return self.config.shop.media_url
        return f"http://127.0.0.1:{box.page_port}/media/"

    def template(self, name: str) -> Template:
        from vipcast.announcements.templates import load_template  # noqa: PLC0415

        return load_template(self.templates_folder, name)

    def renderer(self, template: Template, variables: Mapping[str, str]) -> Renderer:
        from vipcast.announcements.rendering import Renderer  # noqa: PLC0415

        return Renderer(
            template,
            shop_name=self.config.shop.name,
            shop_language=self.config.shop.language,
            media_url=self.media_url,
            variables=variables,
            support=self.support(),
        )

    def planner(
        self, template: Template, variables: Mapping[str, str], routes: Sequence[Route] | None = None
    ) -> Planner:
        """Return what plans a template's announcement, over the shop's routes if no others are given."""
        from vipcast.announcements.planning import Planner  # noqa: PLC0415

        return Planner(
            self.renderer(template, variables),
            self.routes() if routes is None else routes,
            shop_language=self.config.shop.language,
            shop_is_formal=self.config.shop.formal,
        )

    @property
    def media_folder(self) -> Path:
        """Where the files of planned announcements are kept."""
        return self.config.state / "media"

    def manners(self) -> Manners:
        """Return when members are not to be disturbed, as `[limits]` says.

        Raises:
            ConfigError: `[limits]` is wrong.

        """
        from vipcast.delivery.manners import Manners, quiet_span  # noqa: PLC0415

        limits = self.config.limits
        for key in ("per_member_per_week", "hours_between", "automatic_per_day"):
            value = getattr(limits, key)
            if value is not None and value <= 0:
                raise self._wrong_limit(key, value, "more than 0; leave it out for no limit")
        try:
            quiet = quiet_span(limits.quiet) if limits.quiet else None
        except ValueError as error:
            raise self._wrong_limit("quiet", limits.quiet, str(error)) from error
        apart = timedelta(hours=limits.hours_between) if limits.hours_between else None
        return Manners(self.zone, quiet, limits.per_member_per_week, apart)

    def _wrong_limit(self, key: str, value: object, wanted: str) -> ConfigError:
        return ConfigError(
            f"{self.config.file.name}: `limits.{key}` is {value!r}; {wanted}.", where=str(self.config.file)
        )

    @property
    def attachments_folder(self) -> Path:
        """Where what came beside messages is kept."""
        return self.config.state / "attachments"

    def dispatcher(self) -> Dispatcher:
        from vipcast.delivery.dispatch import Dispatcher  # noqa: PLC0415

        return Dispatcher(self.database, self.clock, self.locks, self.messenger, self.manners())

    @property
    def locks(self) -> Path:
        return self.config.state / "locks"

    def identity(self, connection: Connection, account: str) -> str:
        """Return who an account is on its messenger, as it said when it was last opened.

        Raises:
            SetupMissing: it was never opened.

        """
        from sqlalchemy import select  # noqa: PLC0415

        from vipcast.storage.tables import accounts  # noqa: PLC0415

        found = connection.execute(select(accounts.c.identity).where(accounts.c.name == account)).scalar()
        if not found:
            raise SetupMissing(
                f"vipcast does not know yet who the account {account!r} is.",
                hint=f"Ask the messenger: vipcast account check {account}",
            )
        return str(found)

    def local(self, moment: datetime | None) -> str:
        """Return a moment as the shop's clock shows it, to the minute; empty for none."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}" if moment else ""
