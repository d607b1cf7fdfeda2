"""Logging a Telegram account in: by code, with a 2FA password, by QR code, or by a bot's token."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from telethon import errors

from vipcast.errors import InputError, SetupMissing
from vipcast.messengers._telegram.wire import Wire, describe
from vipcast.messengers.base import AccountInfo, LoginDialog, LoginLost

QR_ROUNDS = 6  # a QR code lives for about 30 seconds: three minutes in all

_PASSWORD_HINT = "Give it with --password-file FILE, or as VIPCAST_<ACCOUNT>_PASSWORD."  # noqa: S105 - no password


async def log_in(wire: Wire, dialog: LoginDialog) -> AccountInfo:
    """Log in by whatever the dialog gives: a token, a QR code, or a phone number and its code.

    Raises:
        InputError: a wrong code, password or number.
        SetupMissing: something is missing and nobody can be asked; a sent code waits for the next run.

    """
    try:
        await wire.connect()
    except LoginLost:  # the server does not know the old login: begin with a new one
        await wire.reset()
        await wire.connect()
    if wire.account.token is not None:
        return await wire.open()
    try:
        return await wire.open()  # logged in already
    except LoginLost:
        dialog.say("Logging in to Telegram.")
    user = await (_by_qr(wire, dialog) if dialog.given("qr") else _by_code(wire, dialog))
    dialog.memory.clear()
    return describe(user)


async def _by_code(wire: Wire, dialog: LoginDialog) -> Any:
    phone, code_hash = dialog.memory.get("phone", ""), dialog.memory.get("hash", "")
    if given := dialog.given("phone"):
        if given != phone or not dialog.given("code"):
            code_hash = ""  # a new number, or a new code is wanted
        phone = given
    if dialog.memory.get("step") == "two-step":
        return await _by_password(wire, dialog)
    if not (phone and code_hash):
        phone = phone or await dialog.ask(
            "phone", "The account's phone number, with country code", hint="Give it with --phone +36…"
        )
        if not re.fullmatch(r"\+?\d{7,15}", re.sub(r"[\s().-]", "", phone)):
            raise InputError(
                f"{phone!r} is no phone number.", hint="Write it with its country code: +36301234567"
            )
        sent = await _asked(wire.client.send_code_request(phone))
        code_hash = sent.phone_code_hash
        dialog.memory.update(phone=phone, hash=code_hash)
        dialog.say(f"Telegram has sent a code to {phone}, usually into the Telegram app there.")
    code = await dialog.ask(
        "code",
        "The code",
        hint="Run the same command again with --code 12345; the number need not be repeated.",
    )
    try:
        return await _asked(wire.client.sign_in(phone, code, phone_code_hash=code_hash))
    except errors.SessionPasswordNeededError:
        dialog.memory["step"] = "two-step"
        return await _by_password(wire, dialog)


async def _by_password(wire: Wire, dialog: LoginDialog) -> Any:
    password = await dialog.ask(
        "password", "The account's two-step verification password", secret=True, hint=_PASSWORD_HINT
    )
    return await _asked(wire.client.sign_in(password=password))


async def _by_qr(wire: Wire, dialog: LoginDialog) -> Any:
    login = await _asked(wire.client.qr_login())
    for _ in range(QR_ROUNDS):
        dialog.show_code(
            login.url, "Scan this in Telegram on the phone: Settings → Devices → Link Desktop Device."
        )
        try:
            return await login.wait()
        except TimeoutError:
            await _asked(login.recreate())
        except errors.SessionPasswordNeededError:
            return await _by_password(wire, dialog)
    raise SetupMissing("Nobody scanned the code.", hint="Run the command again, or log in with --phone.")


async def _asked(question: Any) -> Any:
    """Wait for Telethon; wrong codes and passwords are bad input, two-step verification goes through."""
    mistakes = {
        errors.PhoneCodeInvalidError: ("The code is wrong.", "Run the command again with the right --code."),
        errors.PhoneCodeExpiredError: (
            "The code is too old.",
            "Run the command again with --phone for a new one.",
        ),
        errors.PhoneNumberInvalidError: (
            "Telegram does not take this phone number.",
            "Write it as +36301234567.",
        ),
        errors.PhoneNumberBannedError: ("Telegram has banned this phone number.", "Use another account."),
        errors.PhoneNumberUnoccupiedError: (
            "Nobody is on Telegram with this number.",
            "Make the account in the Telegram app first; other programs may not.",
        ),
        errors.PasswordHashInvalidError: ("The two-step verification password is wrong.", _PASSWORD_HINT),
        errors.ApiIdInvalidError: ("Telegram does not know this API id and hash.", "Check them in .env."),
        errors.AccessTokenInvalidError: ("Telegram does not know this bot token.", "Ask @BotFather for it."),
    }
    try:
        async with asyncio.timeout(60):
            return await question
    except errors.SessionPasswordNeededError:
        raise
    except tuple(mistakes) as error:
        message, hint = mistakes[type(error)]
        raise InputError(message, hint=hint) from error
    except errors.FloodWaitError as error:
        raise SetupMissing(
            f"Telegram asks for a pause of {error.seconds} s before the next try.",
            hint="Wait, then run it again.",
        ) from error
    except (ConnectionError, TimeoutError) as error:
        raise SetupMissing(
            "Telegram does not answer.", hint="Check the connection, then run it again."
        ) from error
