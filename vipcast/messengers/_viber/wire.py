"""viberbot with a request sender of ours: kept-alive connections, time-outs, numbers instead of texts.

viberbot's own opens a connection for each call, waits for ever, gives every failure as a bare Exception
and logs the token when a request fails. Its calls are synchronous; here they run in a greenlet, so that
their one wait, for the answer, is the event loop's wait and costs no thread.
"""

from __future__ import annotations

import html
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
from greenlet import getcurrent, greenlet
from viberbot import Api, BotConfiguration
from viberbot.api.api_request_sender import ApiRequestSender
from viberbot.api.consts import VIBER_BOT_API_URL
from viberbot.api.messages import FileMessage, PictureMessage, TextMessage, VideoMessage

from vipcast.config import Account, Secret
from vipcast.errors import ConfigError
from vipcast.messengers._viber.errors import RATE_PAUSE_SECONDS, from_status
from vipcast.messengers._viber.fetching import CONNECT_SECONDS, READ_SECONDS, Fetcher
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

EVENTS = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"]
HTTP_OK = 200
MAX_SENDER_NAME = 28
MAX_REQUEST_BYTES = 30 * 1024

# viberbot logs whole requests, token and text included.
logging.getLogger("viber.bot.api").disabled = True

_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorDNSError)


class RequestSender(ApiRequestSender):  # type: ignore[misc]
    """Makes viberbot's requests, and raises the named errors of `messengers.base`."""

    def __init__(self, account: Account, token: Secret, connections: int) -> None:
        self._base = (account.server or VIBER_BOT_API_URL).rstrip("/")
        super().__init__(logging.getLogger("viber.bot.api"), self._base, _configuration(account, token), "")
        self._account = account.name
        self._connections = connections
        self._headers = {"Content-Type": "application/json", "X-Viber-Auth-Token": token.reveal()}
        self._session: aiohttp.ClientSession | None = None

    def post_request(self, endpoint: str, payload: str) -> dict[str, Any]:
        """Return Viber's answer with status 0; called by viberbot, inside `beside_the_loop`.

        Raises:
            SendError: whatever else it was, by name.

        """
        body = payload.encode()
        if len(body) > MAX_REQUEST_BYTES:  # viberbot writes a Cyrillic letter as six characters
            body = json.dumps(json.loads(payload), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > MAX_REQUEST_BYTES:
            raise Rejected("the message is larger than the 30 KB that Viber takes", remote_code="too-large")
        status, headers, data = wait_for(self._post(f"{self._base}/{endpoint}", body))
        return self._answer(status, headers, data)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: str, body: bytes) -> tuple[int, Any, bytes]:
        if self._session is None:
            self._session = _make_session(self._base, self._connections)
        try:
            async with self._session.post(
                url, data=body, headers=self._headers, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers, await answer.read()
        except aiohttp.InvalidURL as error:
            raise ConfigError(f"{url!r} is no web address.", hint="Look at [endpoints] viber.") from error
        except _NEVER_LEFT as error:
            raise Unreachable(
                f"Viber cannot be reached ({type(error).__name__}).",
                hint="Check the internet connection, then go on with `vipcast announcement resume`.",
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutcomeUnknown(f"Viber gave no answer ({type(error).__name__})") from error

    def _answer(self, http_status: int, headers: Any, data: bytes) -> dict[str, Any]:
        if http_status != HTTP_OK:
            raise self._refusal(http_status, headers)
        try:
            answer = json.loads(data)
            status = int(answer["status"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise OutcomeUnknown("Viber's answer cannot be read", remote_code="no-json") from error
        if status:
            raise from_status(status, str(answer.get("status_message", "")), self._account)
        answer.setdefault("message_token", "")  # accepted, without an id: that is no failure
        answer.setdefault("event_types", [])
        return dict(answer)

    def _refusal(self, status: int, headers: Any) -> Exception:
        code = f"HTTP {status}"
        if status == 429:  # noqa: PLR2004 - Too Many Requests
            wait = headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdecimal() else RATE_PAUSE_SECONDS
            said = f"Viber asks for a pause of {seconds:.0f} s."
            return Throttled(said, retry_after=seconds, remote_code=code)
        if status in {401, 403}:
            return LoginLost(f"{self._account}: Viber refuses the token ({code}).", remote_code=code)
        if 300 <= status < 400:  # noqa: PLR2004
            return Unreachable(
                f"Something between here and Viber answers with a redirect ({code}).",
                hint="Check the network's log-in page or the address in vipcast.toml.",
            )
        if 400 <= status < 500:  # noqa: PLR2004
            return Rejected(f"Viber refused the request ({code})", remote_code=code)
        return OutcomeUnknown(f"Viber is in trouble ({code})", remote_code=code)


class Wire:
    """viberbot's blocking calls, a few at a time, beside the event loop."""

    def __init__(self, account: Account, in_flight: int) -> None:
        if account.token is None:
            raise LoginLost(f"The account {account.name!r} has no token.")
        self._sender = RequestSender(account, account.token, in_flight)
        self._fetcher = Fetcher(may_be_plain=account.is_loopback, connections=in_flight)
        self._api = Api(_configuration(account, account.token))
        self._api._request_sender = self._sender  # noqa: SLF001 - viberbot has no parameter for it
        self._api._message_sender._request_sender = self._sender  # noqa: SLF001

    async def account_info(self) -> AccountInfo:
        info = await beside_the_loop(self._api.get_account_info)
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
        await beside_the_loop(self._api.set_webhook, url, EVENTS)

    async def send(self, address: str, message: Message) -> Sent:
        (token,) = await beside_the_loop(self._api.send_messages, address, [_viber_message(message)])
        return Sent(str(token or ""))

    async def fetch(self, ref: str, path: Path) -> None:
        await self._fetcher.fetch(ref, path)

    async def close(self) -> None:
        await self._sender.close()
        await self._fetcher.close()


async def beside_the_loop(call: Callable[..., Any], *arguments: Any) -> Any:
    """Run synchronous code whose waits are `wait_for` calls; await each of them here."""
    child = greenlet(call)
    result = child.switch(*arguments)
    while not child.dead:
        try:
            value = await result
        except BaseException as error:  # noqa: BLE001 - it belongs to the code that waits
            result = child.throw(error)
        else:
            result = child.switch(value)
    return result


def wait_for(question: Awaitable[Any]) -> Any:
    """Wait, in synchronous code inside `beside_the_loop`, for something of the event loop."""
    outside = getcurrent().parent
    if outside is None:
        raise RuntimeError("wait_for() works inside beside_the_loop() alone")
    return outside.switch(question)


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


def _make_session(base: str, connections: int) -> aiohttp.ClientSession:
    """Return kept-alive connections, through the system's proxy, checking certificates by certifi."""
    parts = urlsplit(base)
    trust = ssl.create_default_context(cafile=certifi.where()) if parts.scheme == "https" else True
    # Looked up once: aiohttp's own way asks the system in a thread for each request.
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=trust),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
        proxy=proxy,
    )


def _viber_message(message: Message) -> Any:
    keyboard = _keyboard(message.choices) if message.choices else None
    if not message.media:
        return TextMessage(text=message.text, keyboard=keyboard)
    (media,) = message.media
    if media.kind == "picture":
        return PictureMessage(media=media.url, text=message.text, keyboard=keyboard)
    if media.kind == "video":
        return VideoMessage(media=media.url, size=media.size, text=message.text, keyboard=keyboard)
    return FileMessage(media=media.url, size=media.size, file_name=media.name, keyboard=keyboard)


def _keyboard(choices: tuple[str, ...]) -> dict[str, Any]:
    """Return buttons below the chat, one a row; what is tapped comes as the person's message.

    Viber reads a button's `Text` as HTML, and sends its `ActionBody` as it stands.
    """
    buttons = [
        {
            "Columns": 6,
            "Rows": 1,
            "ActionType": "reply",
            "ActionBody": text,
            "Text": html.escape(text, quote=False),
        }
        for text in choices
    ]
    return {"Type": "keyboard", "DefaultHeight": False, "Buttons": buttons}
