"""Downloading what somebody sent to a bot: Viber gives its address on the web, for an hour or so."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi

from vipcast.messengers._contents import whole_file
from vipcast.messengers.base import Rejected, Unreachable

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
FETCH_SECONDS = 15 * 60.0  # for the largest file at 57 KB a second
MOST_BYTES = 50 * 1024 * 1024  # Viber's own limit for a file
MOST_REDIRECTS = 5

_HTTP_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOO_MANY_REQUESTS = 429
_SERVER_TROUBLE = 500


class Fetcher:
    """Kept-alive connections to wherever media lie. The bot's token goes to none of them."""

    def __init__(self, *, may_be_plain: bool, connections: int) -> None:
        """`may_be_plain` allows addresses without TLS, for a sandbox on this machine."""
        self._schemes = {"https", "http"} if may_be_plain else {"https"}
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, ref: str, path: Path) -> None:
        """Write what lies at the address `ref` to `path`, or nothing; see `Messenger.fetch`."""
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                with whole_file(path) as file:
                    await self._follow(ref, file)
        except ValueError:  # aiohttp's InvalidURL is one; the address may name people, so it is not told
            raise Rejected(
                "this is no address that a file is fetched from", remote_code="no-content"
            ) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise Unreachable(
                f"The file cannot be fetched from Viber ({type(error).__name__}).",
                hint="Check the internet connection.",
            ) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _follow(self, url: str, file: BinaryIO) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme not in self._schemes or not parts.hostname:
                raise ValueError("scheme")
            place = await self._take(url, _proxy(parts.scheme, parts.hostname), file)
            if not place:
                return
            url = urljoin(url, place)
        raise Rejected("the file's address leads in a circle", remote_code="redirects")

    async def _take(self, url: str, proxy: str | None, file: BinaryIO) -> str:
        """Write the answer to `file`, or return where it leads; empty where it was written."""
        async with self._open_session().get(url, allow_redirects=False, proxy=proxy) as answer:
            if answer.status in _REDIRECTS and (place := answer.headers.get("Location")):
                return place
            _check(answer.status)
            taken = 0
            if (answer.content_length or 0) > MOST_BYTES:
                raise _too_large()
            async for piece in answer.content.iter_any():
                taken += len(piece)
                if taken > MOST_BYTES:
                    raise _too_large()
                file.write(piece)
        return ""

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            trust = ssl.create_default_context(cafile=certifi.where())
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=trust),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
                ),
                headers={"Accept-Encoding": "identity"},  # a packed answer could swell beyond the limit
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _proxy(scheme: str, host: str) -> str | None:
    return None if proxy_bypass(host) else getproxies().get(scheme)


def _check(status: int) -> None:
    if status == _HTTP_OK:
        return
    code = f"HTTP {status}"
    if status >= _SERVER_TROUBLE or status == _TOO_MANY_REQUESTS:
        raise Unreachable(f"Viber does not give the file just now ({code}).", remote_code=code)
    raise Rejected(f"the file is gone from Viber ({code})", remote_code=code)


def _too_large() -> Rejected:
    return Rejected(f"the file is larger than {MOST_BYTES // 2**20} MB", remote_code="too-large")
