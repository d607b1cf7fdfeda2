"""The composition root: the only place that knows the concrete messengers, and puts the parts together."""

from __future__ import annotations

import pkgutil
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from vipcast import config, messengers, tomlfile
from vipcast.by_hand import BY_HAND, parse_within
from vipcast.clock import Clock, SystemClock
from vipcast.config import Account, Config
from vipcast.errors import ConfigError, InputError, SetupMissing
from vipcast.places import find_folder

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vipcast.announcements.planning import Planner, Route
    from vipcast.announcements.preparing import SendRequest
    from vipcast.announcements.rendering import Renderer, RunView, Support
    from vipcast.announcements.templates import Template
    from vipcast.conversations.hours import OpeningHours
    from vipcast.delivery.contacts import Budget
    from vipcast.delivery.dispatch import Dispatcher
    from vipcast.delivery.manners import Manners
    from vipcast.messengers._by_hand import Network
    from vipcast.messengers.base import Messenger
    from vipcast.schedules.records import Schedule
    from vipcast.storage.database import Database


def find_messengers() -> dict[str, type[Messenger]]:
    """Return every messenger in the folder `messengers`, by name."""
    found = {}
    for module in pkgutil.iter_modules(messengers.__path__):
        if not module.name.startswith(("base", "_")):
            kind: type[Messenger] = import_module(f"vipcast.messengers.{module.name}").MESSENGER
            found[kind.name] = kind
    return found


def new_message_key() -> int:
    """Return a fresh non-zero signed 64-bit number, Telegram's random_id."""
    return int.from_bytes(secrets.token_bytes(8), "big", signed=True) or 1


def _route_by_hand(network: Network) -> Route:
    from vipcast.announcements.planning import Route  # noqa: PLC0415

    return Route(Account(name=BY_HAND, messenger=network.name, role="announce"), network.capabilities)


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
        folder, source = find_folder(flag, environ)
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

        After them come the networks on which a person posts: their account is called `by-hand`.

        Raises:
            SetupMissing: there is neither.

        """
        from vipcast.announcements.planning import Route  # noqa: PLC0415

        found = []
        for account in self.announcing_accounts():
            kind = self.messenger_class(account.messenger)
            found.append(Route(account, kind.capabilities_of(account)))
        found += [_route_by_hand(one) for one in self.networks]
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

    @property
    def networks(self) -> list[Network]:
        """The networks on which a person of the shop posts, as vipcast.toml names them."""
        return [found for name in self.config.by_hand.networks if (found := self.network(name))]

    def network(self, name: str) -> Network | None:
        """Return one that is served by hand, in vipcast.toml or not; None where vipcast does not know it."""
        from vipcast.messengers._by_hand import NETWORKS  # noqa: PLC0415

        return NETWORKS.get(name)

    def network_of_members(self, name: str) -> Network | None:
        """Return the network on which a person writes to members; None where a messenger's rules hold.

        Raises:
            InputError: nobody of the shop writes there.

        """
        network = self.network(name)
        if network is None or any(one.messenger == name for one in self.config.accounts.values()):
            return None  # an account's own addresses: a bot's numbers of people, which no person could use
        if name in self.config.by_hand.networks:
            return network
        if name in self.messengers:
            return None
        raise InputError(
            f"The shop does not write to anybody on {network.title}.",
            hint=f'If a person does, say so in vipcast.toml: [by_hand] networks = ["{name}"]',
            where=str(self.config.file),
        )

    def hand_due_at(self, since: datetime) -> datetime:
        """Return by when what waits for a person's hand since then is to be sent: counted in opening time.

        Plainly added where the shop has no hours, or is not open in the next fourteen days.

        Raises:
            ConfigError: `[hours]` is wrong.

        """
        from vipcast.conversations.promise import promise  # noqa: PLC0415

        within = parse_within(self.config.by_hand.within) or timedelta()  # the settings were checked
        hours = self.hours
        found = promise(since, hours, within).at if hours.are_set else None
        return found or since + within

    def support(self) -> Support | None:
        """Return who answers questions: the first support account that has a link."""
        from vipcast.announcements.rendering import Support  # noqa: PLC0415

        for account in self.config.accounts.values():
            if account.role == "support" and account.link:
                return Support(account.sender_name, account.link)
        return None

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

    def renderer(
        self, template: Template, variables: Mapping[str, str], run: RunView | None = None
    ) -> Renderer:
        from vipcast.announcements.rendering import Renderer  # noqa: PLC0415

        return Renderer(
            template,
            shop_name=self.config.shop.name,
            shop_language=self.config.shop.language,
            media_url=self.media_url,
            variables=variables,
            support=self.support(),
            run=run,
        )

    def planner(
        self,
        template: Template,
        variables: Mapping[str, str],
        routes: Sequence[Route] | None = None,
        *,
        run: RunView | None = None,
    ) -> Planner:
        """Return what plans a template's announcement, over the shop's routes if no others are given."""
        from vipcast.announcements.planning import Planner  # noqa: PLC0415

        return Planner(
            self.renderer(template, variables, run),
            self.routes() if routes is None else routes,
            shop_language=self.config.shop.language,
            shop_is_formal=self.config.shop.formal,
            by_hand=self._by_hand,
        )

    def _by_hand(self, name: str) -> Route | None:
        network = self.network(name)
        return _route_by_hand(network) if network else None

    @property
    def media_folder(self) -> Path:
        """Where the files of planned announcements are kept."""
        return self.config.state / "media"

    def scheduled(self, one: Schedule, at: datetime, only: Sequence[str] = ()) -> tuple[SendRequest, Planner]:
        """Return what one occurrence of a schedule asks for, and what plans it.

        Raises:
            InputError: the template is gone, or cannot be read.

        """
        from vipcast.announcements.preparing import SendRequest  # noqa: PLC0415
        from vipcast.announcements.rendering import RunView  # noqa: PLC0415

        template = self.template(one.template)
        planner = self.planner(template, one.variables, run=RunView.at(at.astimezone(one.zone_info)))
        return SendRequest(template, one.groups, one.variables, only, is_new=True), planner

    @property
    def hours(self) -> OpeningHours:
        """When the shop is open.

        Raises:
            ConfigError: `[hours]` is wrong.

        """
        from vipcast.conversations.hours import parse  # noqa: PLC0415

        return parse(self.config.hours, self.zone, self.config.file)

    def manners(self) -> Manners:
        """Return when members are not to be disturbed, as `[limits]` says.

        Raises:
            ConfigError: `[limits]` is wrong.

        """
        from vipcast.delivery.manners import Manners, quiet_span  # noqa: PLC0415

        limits = self.config.limits
        for key in (
            "per_member_per_week", "hours_between", "automatic_per_day", "first_contacts_per_day"
        ):  # fmt: skip
            value = getattr(limits, key)
            if value is not None and (value < 0 or (value == 0 and key != "automatic_per_day")):
                raise self._wrong_limit(key, value, "more than 0; leave it out for no limit")
        try:
            quiet = quiet_span(limits.quiet) if limits.quiet else None
        except ValueError as error:
            raise self._wrong_limit("quiet", limits.quiet, str(error)) from error
        apart = timedelta(hours=limits.hours_between) if limits.hours_between else None
        return Manners(self.zone, quiet, limits.per_member_per_week, apart)

    def _wrong_limit(self, key: str, value: object, wanted: str) -> ConfigError:
        line = tomlfile.line_of(tomlfile.read_text(self.config.file), key, table="limits")
        return ConfigError(
            f"{self.config.file.name}: `limits.{key}` is {value!r}; {wanted}.",
            hint="Correct it there, or take it out.",
            where=f"{self.config.file}:{line}" if line else str(self.config.file),
        )

    @property
    def attachments_folder(self) -> Path:
        """Where what came beside messages is kept."""
        return self.config.state / "attachments"

    def dispatcher(self) -> Dispatcher:
        from vipcast.delivery.dispatch import Dispatcher  # noqa: PLC0415

        return Dispatcher(self.database, self.clock, self.locks, self.messenger, self.manners(), self.budget)

    @property
    def budget(self) -> Budget | None:
        """How many strangers an account may write to in a day; None for no limit. `manners` checks it."""
        from vipcast.delivery.contacts import Budget  # noqa: PLC0415

        per_day = self.config.limits.first_contacts_per_day
        return None if per_day is None else Budget(self.zone, per_day)

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
