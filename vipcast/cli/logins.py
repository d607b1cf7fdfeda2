"""Logging accounts in, and what is known of them."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select, update

from vipcast import settings_file
from vipcast.account_rules import same_account
from vipcast.cli.result import Result, Table, note
from vipcast.cli.terminal import Terminal
from vipcast.config import Account, Secret, check_account_name, token_variable
from vipcast.delivery.lease import ensure_account, hold_lock
from vipcast.delivery.ledger import clear_stop
from vipcast.errors import InputError, Problem, SetupMissing
from vipcast.messengers.base import AccountInfo, SendError
from vipcast.shop import Shop
from vipcast.storage.tables import accounts, deliveries, peers


@dataclass(frozen=True, slots=True)
class AddOptions:
    name: str
    messenger: str
    role: str
    phone: str = ""
    code: str = ""
    password_file: Path | None = None
    qr: bool = False
    token_file: Path | None = None
    is_bot: bool = False
    webhook: str = ""
    sender_name: str = ""
    link: str = ""


class Dialog:
    """Answers a login's questions from flags, files and the environment, else from the person."""

    def __init__(self, terminal: Terminal, options: AddOptions, memory: dict[str, str]) -> None:
        self.memory = memory
        self._terminal = terminal
        self._given = {
            "phone": options.phone,
            "code": options.code,
            "password": _secret_from(options.password_file)
            or os.environ.get(token_variable(options.name).replace("_TOKEN", "_PASSWORD"), ""),
            "qr": "yes" if options.qr else "",
            "webhook": options.webhook,
        }

    def given(self, name: str) -> str:
        return self._given.get(name, "")

    async def ask(self, name: str, question: str, *, secret: bool = False, hint: str = "") -> str:
        if value := self.given(name):
            return value
        if not self._terminal.can_ask:
            raise SetupMissing(f"Missing: {question[:1].lower()}{question[1:]}.", hint=hint)
        # Not in a thread: Ctrl-C could not end that. A connection lost meanwhile comes back.
        answer = self._terminal.ask(question, secret=secret)
        if not answer:
            raise SetupMissing(f"Missing: {question[:1].lower()}{question[1:]}.", hint=hint)
        return answer

    def show_code(self, link: str, words: str) -> None:
        import segno

        segno.make(link, error="l").terminal(sys.stderr, compact=True)
        note(words)

    def say(self, words: str) -> None:
        note(words)


def add_account(terminal: Terminal, options: AddOptions) -> Result:
    """Write the account into the settings and log it in."""
    check_account_name(options.name)
    with terminal.shop() as shop:
        known = shop.config.accounts.get(options.name)
        messenger, role = _kind_of(shop, options, known)
        token = _token(terminal, shop, options, messenger, known)
        settings_file.set_account(
            shop.config.file,
            options.name,
            {"messenger": messenger, "role": role, "sender_name": options.sender_name, "link": options.link,
             "webhook": options.webhook},
        )  # fmt: skip
        if token:
            settings_file.set_secret(shop.config.folder, token_variable(options.name), token.reveal())
    with terminal.shop() as shop:
        _ask_app_secrets(terminal, shop, options.name)
    with terminal.shop() as shop:  # once more, with what was just written
        info = asyncio.run(_log_in(terminal, shop, options))
        if other := _twin(shop, options.name, info):
            _undo(shop, options.name, is_new=known is None)
            raise same_account(other, options.name)
        _note_identity(shop, options.name, info)
    data = {"account": options.name, "messenger": messenger, "role": role, "identity": info.identity,
            "display_name": info.display_name, "details": dict(info.details)}  # fmt: skip
    view = [f"{options.name} is logged in to {messenger} as {info.display_name} ({info.identity})."]
    if role == "announce":
        view.append("Try it on yourself: vipcast send new-collection --to-me")
    return Result(data, view)


def _twin(shop: Shop, name: str, info: AccountInfo) -> str:
    """Return the account of the other role that is the same one on the messenger; empty for none."""
    mine = shop.config.account(name)
    with shop.database.read() as connection:
        query = select(accounts.c.name).where(accounts.c.identity == info.identity)
        found = list(connection.execute(query).scalars())
    others = (shop.config.accounts[one] for one in found if one in shop.config.accounts)
    return next((one.name for one in others if one.messenger == mine.messenger and one.role != mine.role), "")


def _undo(shop: Shop, name: str, *, is_new: bool) -> None:
    """Leave nothing behind of a login that may not be."""
    session = shop.config.account(name).session
    session.unlink(missing_ok=True)
    if is_new:
        settings_file.remove_account(shop.config.file, name)
        settings_file.set_secret(shop.config.folder, token_variable(name), "")


def list_accounts(shop: Shop) -> Result:
    with shop.database.read() as connection:
        known = {row.name: row for row in connection.execute(select(accounts))}
    rows, data = [], []
    for account in shop.config.accounts.values():
        row = known.get(account.name)
        state = "not checked yet"
        if row is not None and row.stopped_at:
            state = f"stopped {shop.local(row.stopped_at)}: {row.stopped_reason}"
        elif row is not None and row.paused_until and row.paused_until > shop.now():
            state = f"pauses until {shop.local(row.paused_until)}"
        elif row is not None and row.checked_at:
            state = f"worked {shop.local(row.checked_at)}"
        identity = row.identity if row is not None else ""
        server = account.server or "the messenger's own"
        rows.append((account.name, account.messenger, account.role, identity, state, server))
        data.append({"name": account.name, "messenger": account.messenger, "role": account.role,
                     "identity": identity, "state": state, "server": server})  # fmt: skip
    if not rows:
        hint = "No accounts yet: vipcast account add news --messenger telegram --role announce"
        return Result([], [hint])
    return Result(data, [Table(("account", "messenger", "role", "who", "state", "server"), rows)])


def check_accounts(shop: Shop, name: str | None, *, clear: bool) -> Result:
    names = [shop.config.account(name).name] if name else list(shop.config.accounts)
    if not names:
        raise SetupMissing(
            "No accounts yet.", hint="vipcast account add news --messenger telegram --role announce"
        )
    view: list[str | Table] = []
    problems: list[Problem] = []
    data = []
    for one in names:
        try:
            info = asyncio.run(_open(shop, one))
        except (SendError, SetupMissing, InputError) as error:
            problems.append(Problem(error.code, f"{one}: {error.message}", error.hint, one))
            data.append({"account": one, "ok": False, "message": error.message})
            continue
        _note_identity(shop, one, info, clear=clear)
        view.append(f"{one}: {info.display_name} ({info.identity}) works.{_still_stopped(shop, one)}")
        data.append({"account": one, "ok": True, "identity": info.identity, "details": dict(info.details)})
    return Result(data, view, problems, exit_code=5 if problems else 0)


def _still_stopped(shop: Shop, name: str) -> str:
    with shop.database.read() as connection:
        row = connection.execute(select(accounts).where(accounts.c.name == name)).one()
    if not row.stopped_at:
        return ""
    return f" But it is stopped: {row.stopped_reason} Let it send again with --clear."


def remove_account(terminal: Terminal, shop: Shop, name: str, *, yes: bool) -> Result:
    account = shop.config.account(name)
    with shop.database.read() as connection:
        waiting = connection.execute(
            select(deliveries.c.id).where(
                deliveries.c.account == name, deliveries.c.state.in_(("queued", "sending"))
            )
        ).all()
    extra = f" {len(waiting)} deliveries wait for it and would stay unsent." if waiting else ""
    if not yes and not terminal.confirm(f"Remove the account {name}?{extra}"):
        return Result(view=["Nothing was changed."], exit_code=3)
    with hold_lock(shop.locks, name):
        for session in account.session.parent.glob(f"{name}*.session*"):  # listen has one of its own
            if session.name.split(".")[0] == name:
                session.unlink(missing_ok=True)
        settings_file.remove_account(shop.config.file, name)
        settings_file.set_secret(shop.config.folder, token_variable(name), "")
        with shop.database.write() as connection:
            connection.execute(delete(peers).where(peers.c.account == name))
            connection.execute(delete(accounts).where(accounts.c.name == name))
    return Result(
        {"removed": name}, [f"{name} is removed from vipcast. The account itself is untouched.{extra}"]
    )


async def _log_in(terminal: Terminal, shop: Shop, options: AddOptions) -> AccountInfo:
    with shop.database.write() as connection:
        ensure_account(connection, options.name)
        query = select(accounts.c.login).where(accounts.c.name == options.name)
        memory: dict[str, str] = dict(connection.execute(query).scalar() or {})
    dialog = Dialog(terminal, options, memory)
    with hold_lock(shop.locks, options.name):
        messenger = shop.messenger(options.name)
        try:
            return await messenger.login(dialog)
        finally:
            await messenger.close()
            with shop.database.write() as connection:
                connection.execute(
                    update(accounts)
                    .where(accounts.c.name == options.name)
                    .values(login=dialog.memory or None)
                )


async def _open(shop: Shop, name: str) -> AccountInfo:
    with hold_lock(shop.locks, name):
        messenger = shop.messenger(name)
        try:
            return await messenger.open()
        finally:
            await messenger.close()


def _note_identity(shop: Shop, name: str, info: AccountInfo, *, clear: bool = True) -> None:
    with shop.database.write() as connection:
        ensure_account(connection, name)
        connection.execute(
            update(accounts)
            .where(accounts.c.name == name)
            .values(identity=info.identity, checked_at=shop.now())
        )
        clear_stop(connection, name, code="" if clear else "login")


def _kind_of(shop: Shop, options: AddOptions, known: Account | None) -> tuple[str, str]:
    messenger = options.messenger or (known.messenger if known else "")
    role = options.role or (known.role if known else "announce")
    if not messenger:
        raise InputError(
            f"On which messenger is {options.name!r}?",
            hint=f"Say --messenger {' or '.join(sorted(shop.messengers))}.",
        )
    shop.messenger_class(messenger)
    if role not in ("announce", "support"):
        raise InputError(f"There is no role {role!r}.", hint="Say --role announce or --role support.")
    return messenger, role


def _token(
    terminal: Terminal, shop: Shop, options: AddOptions, messenger: str, known: Account | None
) -> Secret | None:
    """Return a token to be stored: given in a file, or typed where a bot was asked for."""
    if options.token_file:
        return Secret(_secret_from(options.token_file))
    has_one = known is not None and known.token is not None
    needs_one = options.is_bot or shop.messenger_class(messenger).needs_token
    if not needs_one or has_one or os.environ.get(token_variable(options.name)):
        return None
    if not terminal.can_ask:
        raise SetupMissing(
            f"The account {options.name!r} needs a token.",
            hint=f"Give it with --token-file FILE, or put {token_variable(options.name)}=… into .env.",
        )
    return Secret(terminal.ask("The bot's token", secret=True))


def _ask_app_secrets(terminal: Terminal, shop: Shop, name: str) -> None:
    """Ask for what the messenger wants of every program, where it is missing and somebody is there."""
    account = shop.config.account(name)
    has_them = account.api_id and account.api_hash
    for variable, question in shop.messenger_class(account.messenger).app_secrets:
        if has_them or not terminal.can_ask:
            return
        value = terminal.ask(question, secret=variable.endswith("HASH"))
        if not value:
            raise SetupMissing(f"{variable} is missing.", hint=f"Put {variable}=… into .env.", where=".env")
        settings_file.set_secret(shop.config.folder, variable, value)


def _secret_from(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read.", where=str(path)) from error
    if not text.strip():
        raise InputError(f"{path} is empty.", where=str(path))
    return text.strip()
