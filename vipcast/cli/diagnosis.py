"""The examinations behind `doctor`; each gives one finding or several."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select

from vipcast.announcements.templates import list_templates
from vipcast.cli.tick_health import tick_findings
from vipcast.config import Account
from vipcast.conversations import promises
from vipcast.conversations.setting import Setting
from vipcast.conversations.upkeep import Upkeep
from vipcast.delivery import hand
from vipcast.errors import VipcastError
from vipcast.groups import chats
from vipcast.shop import Shop
from vipcast.shop_desk import desk_account, setting_of
from vipcast.storage import care
from vipcast.storage.tables import accounts, announcements

LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["ok", "note", "fault"]
    what: str
    remedy: str = ""


def examine(shop: Shop, *, online: bool) -> list[Finding]:
    """Return what was found, in the order in which it is to be mended."""
    found = [Finding("ok", f"{shop.config.file.name} is right; the shop is in {shop.config.shop.timezone}.")]
    found += [*_rights(shop), *_disk(shop), *_database(shop)]
    known = _known_accounts(shop)
    for account in shop.config.accounts.values():
        found += _account(shop, account, known.get(account.name))
    if not shop.announcing_accounts() and not shop.networks:
        found.append(
            Finding("fault", "No account announces.", "vipcast account add news --messenger telegram")
        )
    if shop.support() is None:
        found.append(
            Finding("note", "No support account has a link, so texts cannot name one.",
                    'Add link = "https://t.me/…" to the support account in vipcast.toml.')
        )  # fmt: skip
    found += [*_templates(shop), *_conversations(shop), *_by_hand(shop), *tick_findings(shop)]
    if shop.config.sandbox.enabled:
        found.append(
            Finding("note", "The shop is set to the sandbox.", "For the real messengers: enabled = false.")
        )
    return found + (_online(shop) if online else [])


def _rights(shop: Shop) -> Iterator[Finding]:
    if sys.platform == "win32":  # rights there are the folder's, not the file's
        return
    private = [shop.config.folder / ".env", shop.config.state, shop.config.state / "vipcast.db"]
    for account in shop.config.accounts.values():
        private += account.session.parent.glob(f"{account.name}.*session")
    for path in private:
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("fault", f"Others can read {_short(shop, path)}.", f"chmod go= {path}")
    if not os.access(shop.config.folder, os.W_OK):
        yield Finding("fault", f"{shop.config.folder} cannot be written.", "Check who owns the folder.")


def _disk(shop: Shop) -> Iterator[Finding]:
    free = shutil.disk_usage(shop.config.folder).free
    if free < LEAST_FREE_BYTES:
        yield Finding("fault", f"Only {free // 1024**2} MB are free on the disk.", "Free some space.")
    else:
        yield Finding("ok", f"{free // 1024**3} GB are free on the disk.")


def _database(shop: Shop) -> Iterator[Finding]:
    try:
        with shop.database.read() as connection:
            latest: datetime | None = connection.execute(
                select(func.max(announcements.c.created_at))
            ).scalar()
            unfinished = connection.execute(
                select(announcements.c.id).where(
                    announcements.c.state.in_(("running", "paused")), announcements.c.is_test.is_(False)
                )
            ).scalars().all()  # fmt: skip
            rooms = [group for group, chat in chats.kept(connection) if chat.state == chats.MAKING]
        faults = care.check_file(shop.config.state)
    except VipcastError as error:
        yield Finding("fault", error.message, error.hint)
        return
    for fault in faults:
        yield Finding("fault", f"The database: {fault}.", "vipcast db restore FILE")
    if not faults:
        yield Finding("ok", "The database is whole and of this program's schema.")
    if latest and latest > shop.now():
        yield Finding(
            "fault",
            f"The clock stands before the latest announcement ({shop.local(latest)}).",
            "Set the clock.",
        )
    for group in rooms:
        how = f"vipcast group sync {group.as_typed} --yes"
        yield Finding("note", f"The chat of {group.name} is not finished.", how)
    for number in unfinished:
        yield Finding(
            "note", f"Announcement {number} is not finished.", f"vipcast announcement resume {number}"
        )


def _known_accounts(shop: Shop) -> dict[str, Any]:
    """Return what the ledger knows of the accounts; nothing where it cannot be read, which is found above."""
    try:
        with shop.database.read() as connection:
            return {row.name: row for row in connection.execute(select(accounts))}
    except VipcastError:
        return {}


def _account(shop: Shop, account: Account, row: Any) -> Iterator[Finding]:
    again = f"vipcast account add {account.name}"
    try:
        kind = shop.messenger_class(account.messenger)
    except VipcastError as error:
        yield Finding("fault", f"{account.name}: {error.message}", error.hint)
        return
    if kind.needs_token and account.token is None:
        yield Finding("fault", f"{account.name} has no token.", f"{again} --token-file FILE")
    if not kind.needs_token and account.token is None and not account.session.exists():
        remedy = "vipcast sandbox" if shop.config.sandbox.enabled else again
        yield Finding("fault", f"{account.name} is not logged in.", remedy)
    if account.messenger == "telegram" and not (account.api_id and account.api_hash):
        yield Finding("fault", f"{account.name} needs Telegram's API id and hash.", "Put them into .env.")
    if row is not None and row.login:
        yield Finding("fault", f"The login of {account.name} was begun and not finished.", again)
    if row is not None and row.stopped_at:
        remedy = again if row.stopped_code == "login" else f"vipcast account check {account.name} --clear"
        yield Finding("fault", f"{account.name} is stopped: {row.stopped_reason}", remedy)
    elif row is not None and row.paused_until and row.paused_until > shop.now():
        yield Finding(
            "note", f"{account.name} pauses until {shop.local(row.paused_until)}, as the messenger asked."
        )


def _templates(shop: Shop) -> Iterator[Finding]:
    names = list_templates(shop.templates_folder)
    if not names:
        yield Finding("note", "There are no templates.", "vipcast template new spring-news")
    for name in names:
        try:
            shop.template(name)
        except VipcastError as error:
            yield Finding("fault", f"Template {name}: {error.message}", error.hint)


def _conversations(shop: Shop) -> Iterator[Finding]:
    """Look at what a member who writes would meet: hours, reply texts, the FAQ, the desk."""
    try:
        shop.manners()
        setting = setting_of(shop)
    except VipcastError as error:
        for problem in error.problems:
            place = f"{problem.where}: " if problem.where else ""
            yield Finding("fault", f"{place}{problem.message}", problem.hint or "Mend it there.")
        return
    for problem in setting.replies.check(setting.capabilities):
        yield Finding("fault", f"{problem.where}: {problem.message}", problem.hint)
    if not setting.hours.are_set:
        yield Finding("note", "No opening hours are set, so no time is promised.", 'mon-fri = "9:00-18:00"')
    desk = desk_account(shop)
    if desk is not None and setting.desk is None:
        yield Finding("note", f"The desk {desk.desk!r} was not looked up yet.", "vipcast listen")
    lost, words = _lost_at_desk(shop, setting)
    if lost:
        remedy = "See that the account is in that chat and may write there, then: vipcast listen"
        yield Finding("fault", f"{lost} messages did not reach the support desk: {words}.", remedy)
    if late := _overdue(shop):
        yield Finding("note", f"{late} promised answers are overdue.", "vipcast inbox promises")


def _lost_at_desk(shop: Shop, setting: Setting) -> tuple[int, str]:
    try:
        with shop.database.read() as connection:
            return Upkeep(setting).lost_at_desk(connection, shop.now())
    except VipcastError:  # told above
        return 0, ""


def _overdue(shop: Shop) -> int:
    try:
        with shop.database.read() as connection:
            return promises.counts(connection, shop.now())["overdue"]
    except VipcastError:  # told above
        return 0


def _by_hand(shop: Shop) -> Iterator[Finding]:
    """Look at what waits for a person's hand."""
    try:
        with shop.database.read() as connection:
            number, late = hand.open_count(connection), hand.late_count(connection, shop.now())
    except VipcastError:  # told above
        return
    if number:
        said = f", {late} of them late" if late else ""
        yield Finding("note", f"{number} to be sent by hand{said}.", "vipcast hand next")


def _online(shop: Shop) -> list[Finding]:
    from vipcast.cli.logins import check_accounts

    result = check_accounts(shop, None, clear=False)
    return [Finding("ok", str(line)) for line in result.view] + [
        Finding("fault", problem.message, problem.hint) for problem in result.problems
    ]


def _short(shop: Shop, path: Path) -> str:
    return str(path.relative_to(shop.config.folder)) if path.is_relative_to(shop.config.folder) else str(path)
