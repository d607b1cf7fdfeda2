"""Running the sandbox for a shop: its ports, and its accounts logged in there."""

from __future__ import annotations

import asyncio

from vipcast.cli.result import Result, note
from vipcast.config import Config
from vipcast.delivery.interrupts import stop_on_signals
from vipcast.errors import SetupMissing
from vipcast.sandbox.customers import DEMO
from vipcast.sandbox.service import Sandbox
from vipcast.shop import Shop

# Numbers that no network gives out: the 999 country code is not assigned.
FIRST_PHONE = 99966100001


def serve(shop: Shop, *, answers: bool, seconds: float | None) -> Result:
    """Serve until a signal comes, or for so many seconds."""
    if not shop.config.sandbox.enabled:
        raise SetupMissing(
            "This shop is set to the real messengers.",
            hint="To try things on this machine, set enabled = true under [sandbox] in vipcast.toml.",
            where=str(shop.config.file),
        )
    return asyncio.run(_serve(shop.config, answers=answers, seconds=seconds))


def make_sandbox(settings: Config, *, answers: bool = True) -> Sandbox:
    """Return the sandbox of a shop, with its ports and its folder."""
    box = settings.sandbox
    return Sandbox(
        settings.state / "sandbox",
        telegram_port=box.telegram_port,
        viber_port=box.viber_port,
        page_port=box.page_port,
        script=DEMO if answers else None,
    )


def log_in_accounts(sandbox: Sandbox, settings: Config) -> None:
    """Give the shop's accounts their logins there; one that has logged in by itself keeps it."""
    for number, account in enumerate(settings.accounts.values()):
        if account.messenger == "telegram" and account.token is None:
            phone = f"+{FIRST_PHONE + number}"
            is_new = sandbox.telegram.find(phone) is None
            user = sandbox.telegram.add_user(phone=phone, first_name=account.sender_name)
            if is_new or not account.session.exists():
                sandbox.telegram.provision_session(account.session, user)
        elif account.messenger == "viber" and account.token is not None:
            sandbox.viber.add_bot(
                account.token.reveal(), account.sender_name, uri=account.name, needs_webhook=False
            )


async def _serve(settings: Config, *, answers: bool, seconds: float | None) -> Result:
    sandbox = make_sandbox(settings, answers=answers)
    stop = asyncio.Event()
    with stop_on_signals(stop):
        await sandbox.start()
        try:
            log_in_accounts(sandbox, settings)
            note(
                f"The sandbox serves Telegram on {sandbox.telegram.address} and Viber on {sandbox.viber.url}."
            )
            note(f"The customers' phones: {sandbox.page_url}")
            note(
                f"What happens is written to {settings.state / 'sandbox' / 'events.jsonl'}. Stop with Ctrl-C."
            )
            try:
                async with asyncio.timeout(seconds):
                    await stop.wait()
            except TimeoutError:
                note("The time is over.")
            messages = sum(event["event"] == "message" for event in sandbox.log.events)
        finally:
            await sandbox.stop()
    return Result({"messages": messages}, [f"The sandbox has stopped; {messages} messages went through it."])
