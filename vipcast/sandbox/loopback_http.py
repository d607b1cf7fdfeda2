"""HTTP/1.1 on the loopback interface: a small server and a small client for the sandbox.

Written out rather than borrowed because the sandbox must be able to hang up in the middle of a request,
before or after it acted on it, which servers for ordinary use rightly do not offer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from vipcast.sandbox.loopback import LOOPBACK, LOOPBACK_NAMES, Listener

MAX_BODY = 1 << 20
JSON = "application/json"
_STATUSES = frozenset(HTTPStatus)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case, a repeated parameter counts with its last value."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; with `stream`, its length is not told and the connection ends with it."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None

    @classmethod
    def json(cls, data: Any, status: int = 200) -> Response:
        return cls(msgspec.json.encode(data), status)


class HangUp(Exception):
    """Close the connection instead of answering."""


Handler = Callable[[Request], Awaitable[Response]]


class _BadRequest(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HttpServer:
    """A keep-alive server that hands each request to one handler, bound to the loopback address only."""

    def __init__(self, handler: Handler, *, host: str = LOOPBACK, port: int = 0, setting: str = "") -> None:
        """`host`, `port` and `setting` are the `Listener`'s."""
        self._handler = handler
        self._listener = Listener(self._serve, host, port, setting=setting)

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def port(self) -> int:
        """The port; 0 until `start` where any was asked for."""
        return self._listener.port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; errors as of `Listener.start`."""
        await self._listener.start()

    async def stop(self) -> None:
        """Stop listening and close every connection; safe to call twice."""
        await self._listener.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer_one(reader, writer):
                pass
        except (HangUp, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # `stop` cancels; re-raised, Python 3.11 would complain of it
        except _BadRequest as bad:
            writer.write(_response_bytes(Response(status=bad.status), keep_alive=False))
        except asyncio.LimitOverrunError:
            too_large = Response(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            writer.write(_response_bytes(too_large, keep_alive=False))
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request, keep_alive = await _read_request(reader, writer)
        response = await self._handler(request)
        if response.stream is not None:
            writer.write(_head(response, "close"))
            async for piece in response.stream:
                writer.write(piece)
                await writer.drain()
            return False
        writer.write(_response_bytes(response, keep_alive=keep_alive))
        await writer.drain()
        return keep_alive


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Request, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, _, rest = head.partition("\r\n")
    try:
        method, target, version = start.split(" ")
    except ValueError:
        raise _BadRequest(HTTPStatus.BAD_REQUEST) from None
    headers = _parse_headers(rest)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, headers)
    keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query)) if parts.query else {}
    return Request(method, parts.path, query, headers, body), keep_alive


def _parse_headers(lines: str) -> dict[str, str]:
    headers = {}
    for line in lines.split("\r\n"):
        if line:
            name, colon, value = line.partition(":")
            if not colon:
                raise _BadRequest(HTTPStatus.BAD_REQUEST)
            headers[name.strip().lower()] = value.strip()
    return headers


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str], most: int = MAX_BODY) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader, most)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _BadRequest(HTTPStatus.BAD_REQUEST)
    if int(length) > most:
        raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader, most: int) -> bytes:
    body = bytearray()
    while True:
        size_line = (await reader.readuntil(b"\r\n")).partition(b";")[0]
        try:
            size = int(size_line, 16)
        except ValueError:
            raise _BadRequest(HTTPStatus.BAD_REQUEST) from None
        if size < 0 or len(body) + size > most:
            raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if size == 0:
            break
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
        pass
    return bytes(body)


def _response_bytes(response: Response, *, keep_alive: bool) -> bytes:
    length = f"Content-Length: {len(response.body)}"
    return _head(response, "keep-alive" if keep_alive else "close", length) + response.body


def _head(response: Response, connection: str, *more: str) -> bytes:
    phrase = HTTPStatus(response.status).phrase if response.status in _STATUSES else "Unknown"
    lines = [
        f"HTTP/1.1 {response.status} {phrase}",
        f"Content-Type: {response.content_type}",
        *more,
        f"Connection: {connection}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def is_loopback_url(url: str) -> bool:
    """Return whether this is a plain http URL of this machine: the only kind the sandbox calls."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK_NAMES and port != 0


async def _read_to_end(reader: asyncio.StreamReader, most: int) -> bytes:
    content = bytearray()
    while piece := await reader.read(1 << 16):
        content += piece
        if len(content) > most:
            raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return bytes(content)


class HttpClient:
    """A client for loopback URLs that keeps one connection; use it for one request at a time."""

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
    ) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Raises:
            OSError: no connection, no whole answer, or none in time (`TimeoutError`).

        """
        return await self._ask("POST", url, body, headers, timeout_seconds, MAX_BODY)

    async def get(self, url: str, *, timeout_seconds: float, most: int) -> tuple[int, bytes]:
        """Return status and content, of at most so many bytes; errors as of `post`."""
        return await self._ask("GET", url, b"", {}, timeout_seconds, most)

    async def _ask(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int
    ) -> tuple[int, bytes]:
        if not is_loopback_url(url):
            raise OSError(f"{url} is no http URL of this machine")
        try:
            async with asyncio.timeout(seconds):
                await self._write(method, url, body, headers)
                return await self._read(most)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, _BadRequest, ValueError) as error:
            self.close()
            raise ConnectionError(f"{url} gave no readable answer") from error
        except BaseException:  # also when cancelled: half an answer must not stay in the connection
            self.close()
            raise

    async def _write(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        writer = await self._connection(parts.hostname or "", parts.port or 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()

    async def _read(self, most: int) -> tuple[int, bytes]:
        reader = self._reader
        assert reader is not None  # noqa: S101 - `_write` has just used the connection
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, _, rest = head.partition("\r\n")
        status = int(start.split(" ", 2)[1])
        answer = _parse_headers(rest)
        if "content-length" in answer or "transfer-encoding" in answer or status == HTTPStatus.NO_CONTENT:
            content = await _read_body(reader, answer, most)
        else:
            content = await _read_to_end(reader, most)
            answer["connection"] = "close"
        if answer.get("connection", "").lower() == "close" or start.startswith("HTTP/1.0"):
            self.close()
        return status, content

    async def _connection(self, host: str, port: int) -> asyncio.StreamWriter:
        if self._reader is not None and self._writer is not None and self._place == (host, port):
            await asyncio.sleep(0)  # lets the loop notice that the other side closed meanwhile
            if not (self._reader.at_eof() or self._writer.is_closing()):
                return self._writer
        self.close()
        self._reader, self._writer = await asyncio.open_connection(host, port)
        self._place = (host, port)
        return self._writer

    def close(self) -> None:
        """Close the connection; safe to call twice, and the next `post` opens a new one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
