"""The webhook receiver: POST /{messenger}/{account} for messengers that call, and GET /health.

Under the same path, GET …/media/{file} gives an attachment to a messenger that fetches: the name of the file,
128 random bits, is the key to it, and tells nothing.

A call is verified on its raw body before anything of it is read, and answered with 200 when all that it
tells is on disk. Nothing of a call stands in a log: neither text nor address nor token.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from vipcast.delivery.receiving import Intake
from vipcast.errors import InputError, Locked, StorageError
from vipcast.messengers.base import Event, EventKind, Messenger

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
HEAD_SECONDS = 15.0  # a request's head must have come after two of these
KEEP_ALIVE_SECONDS = 75
END_SECONDS = 10  # for calls under way when the receiver stops
MAX_CONNECTIONS = 200
_FILE = re.compile(r"[0-9a-f]{32}\.[a-z0-9]{1,8}", re.ASCII)  # as conversations.attachments names them


class _TooLargeError(Exception):
    """The body is over the limit."""


def make_app(intake: Intake, messengers: Mapping[str, Messenger], kept: Path | None = None) -> Starlette:
    """Return the application for the accounts named; their messengers need not be open.

    `kept` is the folder of attachments that messengers may fetch.
    """

    async def receive(request: Request) -> Response:
        messenger = messengers.get(request.path_params["account"])
        if messenger is None or messenger.name != request.path_params["messenger"]:
            return Response(status_code=404)
        try:
            body = await _body(request)
        except _TooLargeError:
            return _refusal(413)
        except TimeoutError:
            return _refusal(408)
        except ClientDisconnect:
            return _refusal(400)
        if not messenger.verify(request.headers, body):
            log.warning("%s: a call without a good signature was refused", messenger.account.name)
            return Response(status_code=403)
        return await _take(intake, messenger, body)

    async def health(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def media(request: Request) -> Response:
        name = request.path_params["file"]
        if kept is None or not _FILE.fullmatch(name) or not (kept / name).is_file():
            return Response(status_code=404)
        return FileResponse(kept / name, headers={"X-Content-Type-Options": "nosniff"})

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/{messenger}/{account}", receive, methods=["POST"]),
            Route("/{messenger}/{account}/media/{file}", media),
        ]
    )


async def _body(request: Request) -> bytes:
    """Read the body, never more than the limit and never for long."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _TooLargeError
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _TooLargeError
    return bytes(body)


async def _take(intake: Intake, messenger: Messenger, body: bytes) -> Response:
    """Store what a genuine call tells; anything but 200 has the messenger call again."""
    name = messenger.account.name
    for event in _events(messenger, body):
        if event.kind is EventKind.OTHER:
            log.info("%s: a call of a kind that means nothing here", name)
            continue
        try:
            await intake.keep(messenger.account, event)
        except (StorageError, Locked) as error:
            log.warning("%s: an event could not be stored and will come again: %s", name, error.message)
            return Response(status_code=503, headers={"Retry-After": "5"})
        except Exception as error:  # noqa: BLE001 - only its kind is told: its words may name people
            log.error("%s: a %s could not be stored: %s", name, event.kind, type(error).__name__)  # noqa: TRY400
            return Response(status_code=500)
    return Response(status_code=200)


def _events(messenger: Messenger, body: bytes) -> list[Event]:
    try:
        return messenger.parse(body)
    except Exception as error:  # noqa: BLE001 - genuine but odd: to have it repeated would change nothing
        log.warning("%s: a call was not understood: %s", messenger.account.name, type(error).__name__)
        return []


def _refusal(status: int) -> Response:
    """Refuse a call whose body was not read to its end; the connection is of no use any more."""
    return Response(status_code=status, headers={"Connection": "close"})


class _ImpatientProtocol(H11Protocol):
    """Closes connections on which no whole request head comes; uvicorn itself would wait for ever."""

    _timer: asyncio.TimerHandle | None = None
    _seen: Any = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close where the connection waited for the same request at the last look already."""
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and self._seen is self.cycle:
            self.transport.close()
            return
        self._seen = self.cycle if is_waiting else ()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._look)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the program."""
        yield


class Receiver:
    """The application on a socket; use it as a context manager in a running event loop."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        """Take the port; 0 is any free one.

        Raises:
            Locked: another program has it.
            InputError: it cannot be had.

        """
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_ImpatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=END_SECONDS,
            )
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        # The socket listens already: who calls before the server has started is answered when it has.
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer what is under way, and close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    place = f"{host}:{port}"
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Locked(
                f"Another program listens on {place}.", hint="Name a free port with --port.", where=place
            ) from error
        raise InputError(
            f"vipcast cannot listen on {place}: {error.strerror or error}.",
            hint="Name an address of this machine with --host and a free port with --port.",
            where=place,
        ) from error
    except OverflowError as error:
        raise InputError(f"{port} is no port.", hint="Ports go from 0 to 65535.", where=place) from error
