"""viberbot with a request sender of ours: a kept-alive pool, time-outs, numbers instead of texts.

viberbot's own opens a connection for each call, waits for ever, gives every failure as a bare Exception
and logs the token when a request fails.
"""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from viberbot import Api, BotConfiguration
from viberbot.api.api_request_sender import ApiRequestSender
from viberbot.api.consts import VIBER_BOT_API_URL
from viberbot.api.messages import FileMessage, PictureMessage, TextMessage, VideoMessage

from vipcast.config import Account, Secret
from vipcast.errors import ConfigError
from vipcast.messengers._viber.errors import RATE_PAUSE_SECONDS, from_status
from vipcast.messengers.base import (
    AccountInfo,
    LoginLost,
    Message,
    OutcomeUnknown,
    Rejected,
    Sent,
    Throttled,
    Unreachable,
)

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
EVENTS = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"]
MAX_SENDER_NAME = 28
MAX_REQUEST_BYTES = 30 * 1024

# viberbot logs whole requests, token and text included.
logging.getLogger("viber.bot.api").disabled = True

_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError, LocationValueError)


class RequestSender(ApiRequestSender):  # type: ignore[misc]
    """Makes viberbot's requests, and raises the named errors of `messengers.base`."""

    def __init__(self, account: Account, token: Secret, connections: int) -> None:
        self._base = (account.server or VIBER_BOT_API_URL).rstrip("/")
        super().__init__(logging.getLogger("viber.bot.api"), self._base, _configuration(account, token), "")
        self._account = account.name
        self._token = token
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = _make_pool(self._base, connections, timeout)

    def post_request(self, endpoint: str, payload: str) -> dict[str, Any]:
        """Return Viber's answer with status 0.

        Raises:
            SendError: whatever else it was, by name.

        """
        body = payload.encode()
        if len(body) > MAX_REQUEST_BYTES:
            raise Rejected("the message is larger than the 30 KB that Viber takes", remote_code="too-large")
        try:
            response = self._pool.request(
                "POST",
                f"{self._base}/{endpoint}",
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "X-Viber-Auth-Token": self._token.reveal(),
                },
                retries=False,
                redirect=False,
            )
        except _NEVER_LEFT as error:
            raise Unreachable(
                f"Viber cannot be reached ({type(error).__name__}).",
                hint="Check the internet connection, then go on with `vipcast announcement resume`.",
            ) from error
        except (HTTPError, OSError) as error:
            raise OutcomeUnknown(f"Viber gave no answer ({type(error).__name__})") from error
        return self._answer(response)

    def close(self) -> None:
        self._pool.clear()

    def _answer(self, response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        code = f"HTTP {response.status}"
        if response.status == 429:  # noqa: PLR2004 - Too Many Requests
            wait = response.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdecimal() else RATE_PAUSE_SECONDS
            raise Throttled(
                f"Viber asks for a pause of {seconds:.0f} s.", retry_after=seconds, remote_code=code
            )
        if 300 <= response.status < 400:  # noqa: PLR2004
            raise Unreachable(
                f"Something between here and Viber answers with a redirect ({code}).",
                hint="Check the network's log-in page or the address in vipcast.toml.",
            )
        if response.status in {401, 403}:
            raise LoginLost(f"{self._account}: Viber refuses the token ({code}).", remote_code=code)
        if response.status >= 400 and response.status < 500:  # noqa: PLR2004
            raise Rejected(f"Viber refused the request ({code})", remote_code=code)
        if response.status != 200:  # noqa: PLR2004
            raise OutcomeUnknown(f"Viber is in trouble ({code})", remote_code=code)
        try:
            answer = json.loads(response.data)
            status = int(answer["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise OutcomeUnknown("Viber's answer cannot be read", remote_code="no-json") from error
        if status:
            raise from_status(status, str(answer.get("status_message", "")), self._account)
        answer.setdefault("message_token", "")  # accepted, without an id: that is no failure
        answer.setdefault("event_types", [])
        return dict(answer)


class Wire:
    """viberbot's blocking calls, a few at a time, beside the event loop."""

    def __init__(self, account: Account, in_flight: int) -> None:
        if account.token is None:
            raise LoginLost(f"The account {account.name!r} has no token.")
        self._sender = RequestSender(account, account.token, in_flight)
        self._api = Api(_configuration(account, account.token))
        self._api._request_sender = self._sender  # noqa: SLF001 - viberbot has no parameter for it
        self._api._message_sender._request_sender = self._sender  # noqa: SLF001
        self._threads = ThreadPoolExecutor(in_flight, thread_name_prefix=f"viber-{account.name}")

    async def account_info(self) -> AccountInfo:
        info = await self._run(self._api.get_account_info)
        details = {
            key: str(info[key]) for key in ("id", "uri", "webhook", "subscribers_count") if info.get(key)
        }
        return AccountInfo(details.get("uri") or details.get("id", ""), str(info.get("name", "")), details)

    async def set_webhook(self, url: str) -> None:
        if not url.startswith("https://") and urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
            raise ConfigError(
                f"The webhook {url!r} must begin with https://.",
                hint="Viber calls only addresses with a certificate of a public authority.",
            )
        await self._run(self._api.set_webhook, url, EVENTS)

    async def send(self, address: str, message: Message) -> Sent:
        (token,) = await self._run(self._api.send_messages, address, [_viber_message(message)])
        return Sent(str(token or ""))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._sender.close()

    async def _run(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _configuration(account: Account, token: Secret) -> BotConfiguration:
    if len(account.sender_name) > MAX_SENDER_NAME:
        raise ConfigError(
            f"The sender name {account.sender_name!r} is longer than the {MAX_SENDER_NAME} characters "
            "that Viber takes.",
            hint=f"Set a shorter `sender_name` in [accounts.{account.name}].",
        )
    return BotConfiguration(
        auth_token=token.reveal(), name=account.sender_name, avatar=account.avatar or None
    )


def _make_pool(base: str, connections: int, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    """Return a pool, through the system's proxy where there is one, checking certificates by certifi."""
    options: dict[str, Any] = {
        "maxsize": connections,
        "timeout": timeout,
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": certifi.where(),
    }
    parts = urlsplit(base)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _viber_message(message: Message) -> Any:
    if not message.media:
        return TextMessage(text=message.text)
    (media,) = message.media
    if media.kind == "picture":
        return PictureMessage(media=media.url, text=message.text)
    if media.kind == "video":
        return VideoMessage(media=media.url, size=media.size, text=message.text)
    return FileMessage(media=media.url, size=media.size, file_name=media.name)
