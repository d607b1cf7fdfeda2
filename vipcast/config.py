"""vipcast.toml + .env + environment -> frozen structures. Nothing reads the environment after this.

Unknown keys and wrong types are errors that name the file, the key and what was expected. Secrets live
in `.env` (or the environment) alone and print as ***.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from vipcast import by_hand, tomlfile
from vipcast.account_rules import TERMINAL_DESK, desk_fault, same_account, same_twice
from vipcast.errors import ConfigError, InputError
from vipcast.places import FILE, STATE

LANGUAGES = ("hu", "cs", "fi", "ru", "en")
Role = Literal["announce", "support"]


class Secret:
    """A value that never shows itself: printing, logging and `repr` give ***."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of vipcast.toml."""


class ShopTable(_Table, frozen=True):
    name: str
    region: str = "HU"
    language: str = "en"
    timezone: str = "UTC"
    formal: bool = True
    media_url: str = ""  # where the pictures stand on the web, for messengers that fetch them
    me: dict[str, str] = {}  # where `send --to-me` reaches the owner, per messenger


class AccountTable(_Table, frozen=True):
    messenger: str
    role: Role
    sender_name: str = ""
    avatar: str = ""
    link: str = ""
    webhook: str = ""
    rate: str = ""  # such as "30/min" or "unlimited"
    desk: str = ""  # of a support account: where colleagues read and answer; empty or "cli": the terminal


class LimitsTable(_Table, frozen=True):
    quiet: str = ""  # such as "20:00-8:00", on the member's clock
    per_member_per_week: int | None = None
    hours_between: float | None = None  # two announcements to one member
    automatic_per_day: int | None = None  # automatic answers to one person
    first_contacts_per_day: int | None = None  # people who never wrote, per account that is limited for it


class EndpointsTable(_Table, frozen=True):
    telegram: str = ""  # host:port of another server
    telegram_rsa_key: str = ""  # its public key, a PEM file
    viber: str = ""  # base URL, up to /pa


class SandboxTable(_Table, frozen=True):
    enabled: bool = False
    telegram_port: int = 8443
    viber_port: int = 8444
    page_port: int = 8445


class ApprovalTable(_Table, frozen=True):
    by: str = ""  # an account: whoever reads its own saved messages, or its desk, says yes or no


class ChatsTable(_Table, frozen=True):
    fix: bool = False  # `listen` removes from groups' chats, by itself, whoever has no seat
    invitation_days: int = 7  # how long a personal link works


class ByHandTable(_Table, frozen=True):
    networks: list[str] = []  # where no program can write, and a person does
    within: str = "4h"  # of opening time: after that a task is late


class _File(_Table, frozen=True):
    shop: ShopTable
    accounts: dict[str, AccountTable] = {}
    hours: dict[str, Any] = {}
    limits: LimitsTable = LimitsTable()
    approval: ApprovalTable = ApprovalTable()
    chats: ChatsTable = ChatsTable()
    by_hand: ByHandTable = ByHandTable()
    endpoints: EndpointsTable = EndpointsTable()
    sandbox: SandboxTable = SandboxTable()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One login of the shop on a messenger, with all that opening it needs."""

    name: str
    messenger: str
    role: Role
    sender_name: str = ""
    avatar: str = ""
    link: str = ""
    webhook: str = ""
    rate: str = ""
    desk: str = ""
    token: Secret | None = None
    api_id: int = 0
    api_hash: Secret | None = None
    session: Path = Path()
    server: str = ""  # another server than the messenger's own: host:port, or a URL
    server_key: Path | None = None
    is_loopback: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One shop's settings, resolved."""

    folder: Path
    shop: ShopTable
    accounts: dict[str, Account]
    hours: dict[str, Any]
    limits: LimitsTable
    approval: ApprovalTable
    chats: ChatsTable
    by_hand: ByHandTable
    sandbox: SandboxTable
    sources: dict[str, str]  # where a value that can be overridden came from

    @property
    def state(self) -> Path:
        """The folder of state and logins, 0700."""
        return self.folder / STATE

    @property
    def file(self) -> Path:
        return self.folder / FILE

    @property
    def desk_is_terminal(self) -> bool:
        """Whether no support account has a desk in a messenger."""
        return not any(one.role == "support" and one.desk for one in self.accounts.values())

    def account(self, name: str) -> Account:
        """Return an account by name.

        Raises:
            InputError: there is none of that name.

        """
        if name in self.accounts:
            return self.accounts[name]
        known = ", ".join(self.accounts) or "none yet"
        raise InputError(
            f"There is no account called {name!r}. Accounts: {known}.",
            hint="See `vipcast account list`, or add one with `vipcast account add`.",
        )


def load(folder: Path, environ: Mapping[str, str], *, source: str = "the current folder") -> Config:
    """Return the settings of the shop in `folder`.

    Raises:
        InputError: there is no shop.
        ConfigError: a key is unknown, missing or of a wrong type.

    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(
            f"There is no shop in {folder} (from {source}): it has no {FILE}.",
            hint="Make one with `vipcast init myshop`, or name a shop's folder with --shop DIR.",
            where=str(folder),
        )
    text = tomlfile.read_text(path)
    data = tomlfile.parse(text, path)
    _refuse_secrets(data, path)
    named = data.get("accounts")
    for name, table in named.items() if isinstance(named, dict) else ():  # so that a fault names the account
        tomlfile.convert(table, AccountTable, path, text=text, inside=f"accounts.{name}")
    tables = tomlfile.convert(data, _File, path, text=text)
    _check(tables, path, text)
    values = _environment(folder, environ)
    accounts = {
        name: _account(name, table, tables, folder, values) for name, table in tables.accounts.items()
    }
    if twice := same_twice(accounts.values()):
        raise same_account(*twice, where=_place(path, text, twice[1]))
    return Config(
        folder=folder,
        shop=tables.shop,
        accounts=accounts,
        hours=tables.hours,
        limits=tables.limits,
        approval=tables.approval,
        chats=tables.chats,
        by_hand=tables.by_hand,
        sandbox=tables.sandbox,
        sources={"folder": source} | {key: origin for key, (_, origin) in values.items()},
    )


def token_variable(account: str) -> str:
    """Return the name of the variable in `.env` that holds an account's token."""
    return f"VIPCAST_{account.upper().replace('-', '_')}_TOKEN"


def _environment(folder: Path, environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return VIPCAST_* values with their origin; the environment stands above `.env`."""
    values: dict[str, tuple[str, str]] = {}
    if (folder / ".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - 15 ms that a shop without secrets need not pay

        try:
            values = {k: (v, ".env") for k, v in dotenv_values(folder / ".env").items() if v}
        except UnicodeDecodeError as error:
            raise ConfigError(
                ".env cannot be read: it is not saved as UTF-8.",
                hint="Save it again as UTF-8 text.",
                where=str(folder / ".env"),
            ) from error
        except OSError as error:
            raise ConfigError(
                f".env cannot be read: {error.strerror}.",
                hint="Check who owns it and its rights.",
                where=str(folder / ".env"),
            ) from error
    values |= {k: (v, "the environment") for k, v in environ.items() if k.startswith("VIPCAST_") and v}
    return values


def _refuse_secrets(data: dict[str, Any], path: Path) -> None:
    accounts = data.get("accounts", {})
    for name, table in accounts.items() if isinstance(accounts, dict) else ():
        for key in ("token", "api_id", "api_hash", "password"):
            if isinstance(table, dict) and key in table:
                variable = token_variable(name) if key == "token" else f"VIPCAST_TELEGRAM_{key.upper()}"
                raise ConfigError(
                    f"{path.name}: `{key}` in [accounts.{name}] is a secret and does not belong here.",
                    hint=f"Put it into .env as {variable}=… and take it out of {path.name}.",
                    where=str(path),
                )


def _check(tables: _File, path: Path, text: str) -> None:
    """Refuse values of the right type that cannot be."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    shop = tables.shop

    def wrong(key: str, value: str, wanted: str, hint: str = "") -> ConfigError:
        said = f"{path.name}: `shop.{key}` is {value!r}; it must be {wanted}."
        return ConfigError(said, hint=hint, where=_place(path, text, key, "shop"))

    if shop.language not in LANGUAGES:
        raise wrong("language", shop.language, f"one of {', '.join(LANGUAGES)}")
    if not re.fullmatch(r"[A-Z]{2}", shop.region):
        raise wrong("region", shop.region, "a country's two letters, such as HU")
    try:
        ZoneInfo(shop.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = "It is no time zone that is known here. Write Europe/Budapest, Europe/Prague …"
        raise wrong("timezone", shop.timezone, "a time zone, and is no time zone", hint) from error
    _check_desks(tables, path, text)
    hand = tables.by_hand
    by_hand.check(hand.networks, hand.within, lambda key: _place(path, text, key, "by_hand"))
    for name, account in tables.accounts.items():
        check_account_name(name, where=_place(path, text, name))
        parse_rate(
            account.rate, f"accounts.{name}.rate", where=_place(path, text, "rate", f"accounts.{name}")
        )


def _check_desks(tables: _File, path: Path, text: str) -> None:
    for name, account in tables.accounts.items():
        if hint := desk_fault(account.desk, account.role):
            said = f"{path.name}: `desk` in [accounts.{name}] cannot be {account.desk!r}."
            raise ConfigError(said, hint=hint, where=_place(path, text, "desk", f"accounts.{name}"))


def check_account_name(name: str, *, where: str = "") -> None:
    """Refuse a name that cannot stand in a variable of `.env` or in a file's name."""
    if name == by_hand.BY_HAND or not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise ConfigError(
            f"{FILE}: an account cannot be called {name!r}.",
            hint=f"Use small letters, digits and hyphens, beginning with a letter; not {by_hand.BY_HAND}.",
            where=where,
        )


def _place(path: Path, text: str, key: str, table: str | None = None) -> str:
    """Return file:line of a key, the file alone where it is not found."""
    line = tomlfile.line_of(text, key, table=table) or tomlfile.line_of(text, key)
    return f"{path}:{line}" if line else str(path)


def parse_rate(text: str, key: str = "rate", *, where: str = FILE) -> float | None:
    """Return a rate such as "30/min" in messages a second; 0 for unlimited, None where nothing is said."""
    if not text:
        return None
    if text == "unlimited":
        return 0.0
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*(s|sec|min|h|hour)\s*", text)
    if not found or float(found[1]) == 0:
        raise ConfigError(
            f'{FILE}: `{key}` is {text!r}; it must be such as "1/s", "30/min" or "unlimited".', where=where
        )
    return float(found[1]) / {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600}[found[2]]


def _account(
    name: str, table: AccountTable, tables: _File, folder: Path, values: dict[str, tuple[str, str]]
) -> Account:
    def value(key: str) -> str:
        return values.get(key, ("", ""))[0]

    token = value(token_variable(name))
    server, server_key, in_sandbox = _endpoint(table.messenger, tables, folder, values)
    api_id = value("VIPCAST_TELEGRAM_API_ID")
    if api_id and not api_id.isdecimal():
        raise ConfigError(
            "VIPCAST_TELEGRAM_API_ID must be a number.",
            hint="Telegram shows it at my.telegram.org.",
            where=".env",
        )
    if in_sandbox:
        api_id = api_id or "1"
        if table.messenger != "telegram":  # there a token makes a bot; the sandbox's account is a person's
            token = token or f"sandbox-{name}"
    api_hash = value("VIPCAST_TELEGRAM_API_HASH") or ("sandbox" if in_sandbox else "")
    state = folder / STATE / "sandbox" if in_sandbox else folder / STATE
    return Account(
        name=name,
        messenger=table.messenger,
        role=table.role,
        sender_name=table.sender_name or tables.shop.name,
        avatar=table.avatar,
        link=table.link,
        webhook=table.webhook,
        rate=table.rate,
        desk="" if table.desk == TERMINAL_DESK else table.desk,
        token=Secret(token) if token else None,
        api_id=int(api_id or 0),
        api_hash=Secret(api_hash) if api_hash else None,
        session=state / "sessions" / f"{name}.session",
        server=server,
        server_key=server_key,
        is_loopback=_is_loopback(server),
    )


def _endpoint(
    messenger: str, tables: _File, folder: Path, values: dict[str, tuple[str, str]]
) -> tuple[str, Path | None, bool]:
    """Return (server, its key, whether it is the sandbox); the environment stands above the file."""
    prefix = f"VIPCAST_{messenger.upper()}"
    named = values.get(f"{prefix}_SERVER") or values.get(f"{prefix}_URL")
    server = named[0] if named else getattr(tables.endpoints, messenger, "")
    if server:
        key = values.get(f"{prefix}_RSA_KEY", (getattr(tables.endpoints, f"{messenger}_rsa_key", ""), ""))[0]
        return server, (folder / Path(key).expanduser() if key else None), False
    box = tables.sandbox
    if not box.enabled:
        return "", None, False
    if messenger == "telegram":
        return f"127.0.0.1:{box.telegram_port}", folder / STATE / "sandbox" / "telegram.pem", True
    return f"http://127.0.0.1:{box.viber_port}/pa", None, True


def _is_loopback(server: str) -> bool:
    host = re.sub(r"^https?://", "", server).split("/")[0].rsplit(":", 1)[0]
    return host in {"localhost", "[::1]"} or bool(re.fullmatch(r"127(\.\d+){3}", host))
