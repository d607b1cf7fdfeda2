"""Logging in: code, password, bot token, QR; and out."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.model import QrToken, SandboxUser
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.srp import PasswordCheck
from vipcast.sandbox.telegram.views import user_view
from vipcast.sandbox.telegram.world import normal_phone

CODE: Final = "12345"
QR_SECONDS: Final = 30


def send_code(call: Call, request: Any) -> Any:
    phone = normal_phone(request.phone_number)
    if not request.api_id or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")
    if not phone:
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    code_hash = secrets.token_hex(9)
    call.hub.codes.phones[code_hash] = phone
    call.hub.record("code", phone=phone, code=CODE)
    return types.auth.SentCode(types.auth.SentCodeTypeApp(len(CODE)), code_hash)


def resend_code(call: Call, request: Any) -> Any:
    phone = _phone_of(call, request)
    call.hub.record("code", phone=phone, code=CODE)
    return types.auth.SentCode(types.auth.SentCodeTypeSms(len(CODE)), request.phone_code_hash)


def sign_in(call: Call, request: Any) -> Any:
    phone = _phone_of(call, request)
    if not request.phone_code:
        raise RpcError(400, "PHONE_CODE_EMPTY")
    if request.phone_code != CODE:
        raise RpcError(400, "PHONE_CODE_INVALID")
    user = call.world.find_phone(phone)
    if user is None:
        return types.auth.AuthorizationSignUpRequired()
    del call.hub.codes.phones[request.phone_code_hash]
    return _admit(call, user)


def sign_up(call: Call, request: Any) -> Any:
    phone = _phone_of(call, request)
    if not request.first_name:
        raise RpcError(400, "FIRSTNAME_INVALID")
    user = call.world.add_user(phone=phone, first_name=request.first_name, last_name=request.last_name)
    return _enter(call, user)


def _phone_of(call: Call, request: Any) -> str:
    phone = normal_phone(request.phone_number)
    if not phone:
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    if call.hub.codes.phones.get(request.phone_code_hash) != phone:
        raise RpcError(400, "PHONE_CODE_EXPIRED" if request.phone_code_hash else "PHONE_CODE_HASH_EMPTY")
    return phone


def _admit(call: Call, user: SandboxUser) -> Any:
    """Let a person in, or ask for the password first."""
    if user.deleted:
        raise RpcError(400, "PHONE_NUMBER_BANNED")
    if user.password:
        call.key.half = user
        raise RpcError(401, "SESSION_PASSWORD_NEEDED")
    return _enter(call, user)


def _enter(call: Call, user: SandboxUser) -> Any:
    call.world.log_in(call.key, user)
    call.hub.record("login", user=user.label)
    return types.auth.Authorization(user_view(call.world, user, user))


def get_password(call: Call, request: Any) -> Any:
    del request
    user = call.key.half or call.me
    if not user.password:
        return types.account.Password(
            new_algo=types.PasswordKdfAlgoUnknown(),
            new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
            secure_random=os.urandom(32),
        )
    check = PasswordCheck(user.password)
    call.hub.codes.passwords[check.id] = check
    return check.question()


def check_password(call: Call, request: Any) -> Any:
    user = call.key.half
    if user is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")
    answer = request.password
    check = call.hub.codes.passwords.pop(getattr(answer, "srp_id", 0), None)
    if check is None:
        raise RpcError(400, "SRP_ID_INVALID")
    if not check.accepts(answer.A, answer.M1):
        raise RpcError(400, "PASSWORD_HASH_INVALID")
    return _enter(call, user)


def import_bot(call: Call, request: Any) -> Any:
    if not request.api_id or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")
    user = call.world.find_token(request.bot_auth_token)
    if user is None:
        raise RpcError(400, "ACCESS_TOKEN_INVALID")
    return _enter(call, user)


def export_token(call: Call, request: Any) -> Any:
    """Show a QR code, or, when it has been scanned, let its screen in."""
    if not request.api_id or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")
    tokens = call.hub.codes.tokens
    for data, token in tuple(tokens.items()):
        if token.key is call.key and token.user is not None:
            del tokens[data]
            return types.auth.LoginTokenSuccess(_admit(call, token.user))
        if token.expires < time.time():
            del tokens[data]
    data = os.urandom(32)
    tokens[data] = QrToken(call.key, time.time() + QR_SECONDS)
    return types.auth.LoginToken(int(tokens[data].expires), data)


def import_token(call: Call, request: Any) -> Any:
    token = _token(call, request.token)
    if token.user is None:
        return types.auth.LoginToken(int(token.expires), request.token)
    del call.hub.codes.tokens[request.token]
    return types.auth.LoginTokenSuccess(_admit(call, token.user))


def accept_token(call: Call, request: Any) -> Any:
    """Scan a QR code with a client that is logged in."""
    call.only_people()
    token = _token(call, request.token)
    scan(token, call.me)
    now = int(time.time())
    return types.Authorization(
        hash=token.key.id & 0x7FFFFFFFFFFFFFFF,
        device_model="Sandbox",
        platform="Sandbox",
        system_version="1",
        api_id=1,
        app_name="vipcast",
        app_version="1",
        date_created=now,
        date_active=now,
        ip="127.0.0.1",
        country="",
        region="",
    )


def scan(token: QrToken, user: SandboxUser) -> None:
    """Accept a QR code as this person, and tell the screen that shows it."""
    if token.user is not None:
        raise RpcError(400, "AUTH_TOKEN_ALREADY_ACCEPTED")
    token.user = user
    for line in tuple(token.key.lines):
        line.push(types.UpdateShort(types.UpdateLoginToken(), int(time.time())))


def _token(call: Call, data: bytes) -> QrToken:
    token = call.hub.codes.tokens.get(data)
    if token is None:
        raise RpcError(400, "AUTH_TOKEN_INVALIDX")
    if token.expires < time.time():
        raise RpcError(400, "AUTH_TOKEN_EXPIRED")
    return token


def log_out(call: Call, request: Any) -> Any:
    del request
    call.hub.record("logout", user=call.me.label)
    call.world.log_in(call.key, None)
    return types.auth.LoggedOut()


HANDLERS: Handlers = {
    functions.auth.SendCodeRequest: send_code,
    functions.auth.ResendCodeRequest: resend_code,
    functions.auth.SignInRequest: sign_in,
    functions.auth.SignUpRequest: sign_up,
    functions.account.GetPasswordRequest: get_password,
    functions.auth.CheckPasswordRequest: check_password,
    functions.auth.ImportBotAuthorizationRequest: import_bot,
    functions.auth.ExportLoginTokenRequest: export_token,
    functions.auth.ImportLoginTokenRequest: import_token,
    functions.auth.AcceptLoginTokenRequest: accept_token,
    functions.auth.LogOutRequest: log_out,
}
