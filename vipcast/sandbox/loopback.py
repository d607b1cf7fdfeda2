"""Listening on the loopback address, and on no other: the sandbox is for this machine alone."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Collection

from vipcast.errors import InputError, Locked
from vipcast.sandbox.tasks import Tasks

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = frozenset({LOOPBACK, "localhost", "::1"})

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """One port, and the connections that came in by it. It can be started again after `stop`."""

    def __init__(
        self,
        serve: Serve,
        host: str,
        port: int,
        *,
        setting: str = "",
        hosts: Collection[str] = LOOPBACK_NAMES,
    ) -> None:
        """`port` 0 takes any free one; `setting` names the key to change when the port is taken.

        Raises:
            InputError: `host` is none of `hosts`.

        """
        if host not in hosts:
            raise InputError(
                f"The sandbox serves this machine only, not {host}.", hint=f"Leave the host at {LOOPBACK}."
            )
        self.host = host
        self.port = port
        self._serve = serve
        self._setting = setting
        self._server: asyncio.Server | None = None
        self._connections = Tasks()

    async def start(self) -> None:
        """Listen; from now on `port` is the one that was taken.

        Raises:
            Locked: another program has the port.
            InputError: the port is none, or this user may not have it.

        """
        try:
            self._server = await asyncio.start_server(self._connected, self.host, self.port)
        except (OSError, OverflowError) as error:
            raise self._refused(error) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cancel what serves each connection; safe to call twice."""
        if self._server is None:
            return
        self._server.close()
        await self._connections.stop()
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._connections.keep(task)
        await self._serve(reader, writer)

    def _refused(self, error: Exception) -> InputError | Locked:
        """Return the error that says why this port cannot be listened on, and what to do."""
        advice = (
            f"set {self._setting} in vipcast.toml to a free port" if self._setting else "choose a free port"
        )
        where = f"{self.host}:{self.port}"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return Locked(
                f"Port {self.port} on {self.host} is taken by another program.",
                hint=f"If it is another sandbox, stop it; or {advice}, 0 for any.",
                where=where,
            )
        return InputError(
            f"The sandbox cannot listen on port {self.port} of {self.host}: {error}.",
            hint=f"Best {advice} from 1024 to 65535, 0 for any.",
            where=where,
        )
