"""One client's connection: transport, key exchange, encryption, and the requests that come through it."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.faults import Fault, Faults
from vipcast.sandbox.telegram import dispatch
from vipcast.sandbox.telegram.cipher import open_packet, seal_packet
from vipcast.sandbox.telegram.handshake import Handshake
from vipcast.sandbox.telegram.model import Key
from vipcast.sandbox.telegram.rpc import Call, Hub, RpcError, receiver_label
from vipcast.sandbox.telegram.tl import (
    Inner,
    Unreadable,
    container,
    pack,
    read_object,
    rpc_result,
    split,
    write_value,
)
from vipcast.sandbox.telegram.wire import BadPacket, Framing, choose_framing

_log = logging.getLogger(__name__)
_UNKNOWN_KEY: Final = struct.pack("<i", -404)
_NO_KEY: Final = bytes(8)
_TOO_OLD_SECONDS: Final = 300
_TOO_NEW_SECONDS: Final = 30
_ID_TOO_LOW, _ID_TOO_HIGH, _ID_NOT_A_CLIENTS, _BAD_SALT = 16, 17, 18, 48
_CONTAINER_MESSAGES: Final = 100
_CONTAINER_BYTES: Final = 1 << 19
_REMEMBERED: Final = 2000
_SALT_SECONDS: Final = 3600
# Requests that only wrap another one. What they say does not matter here, but for the updates.
_WRAPPERS: Final = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeWithoutUpdatesRequest,
    functions.InvokeAfterMsgRequest,
    functions.InvokeAfterMsgsRequest,
    functions.InvokeWithTakeoutRequest,
)
_SILENT: Final = (types.MsgsAck, types.MsgsAllInfo, types.MsgsStateInfo, types.HttpWait)


class _HangUp(ConnectionError):
    """A fault closes the connection."""


class Link:
    """Answers one client until either side hangs up."""

    def __init__(
        self,
        hub: Hub,
        faults: Faults,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.wants_updates = True
        self._hub = hub
        self._faults = faults
        self._reader = reader
        self._writer = writer
        self._framing: Framing | None = None
        self._handshake = Handshake()
        self._key: Key | None = None
        self._session_id = 0
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._last_id = 0
        self._content_count = 0
        self._waiting: list[Inner] = []
        self._is_flush_due = False

    async def run(self) -> None:
        """Serve until the connection ends."""
        try:
            self._framing = await choose_framing(self._reader)
            while True:
                self._take(await self._framing.read(self._reader))
                await self._writer.drain()
        except (_HangUp, asyncio.CancelledError):
            self._writer.transport.abort()  # what was not sent is lost, what was done is not
            self._hub.world.store.commit()
        except (BadPacket, Unreadable) as error:
            self._hub.record("bad_packet", reason=str(error))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone: the usual end
        finally:
            self._let_go()
            self._writer.close()

    def push(self, updates: Any) -> None:
        """Send a TL object that answers no request, together with what else is due."""
        if self._key is None or self._writer.is_closing():
            return
        self._queue(pack(bytes(updates)), is_reply=False)
        self._flush_soon()

    # Packets in.

    def _take(self, packet: bytes) -> None:
        name = packet[:8]
        if name == _NO_KEY:
            self._exchange(packet)
            return
        key = self._hub.world.keys.get(int.from_bytes(name, "little"))
        if key is None:
            self._transmit(_UNKNOWN_KEY)
            return
        self._hold(key)
        opened = open_packet(key.data, packet)
        if opened.session_id != self._session_id:
            self._begin_session(opened.session_id)
        if not self._is_refused(key, opened.salt, opened.message):
            self._greet(key, opened.message)
            for inner in split(opened.message):
                self._process(inner)
        self._flush()

    def _exchange(self, packet: bytes) -> None:
        answer = self._handshake.answer(packet)
        if self._handshake.key:
            self._hub.world.add_key(self._handshake.key, self._handshake.salt)
            self._hub.world.store.commit()
            self._handshake = Handshake()
        self._transmit(answer)

    def _hold(self, key: Key) -> None:
        if key is not self._key:
            self._let_go()
            self._key = key
            key.lines.add(self)

    def _let_go(self) -> None:
        if self._key is not None:
            self._key.lines.discard(self)
        self._key = None

    def _begin_session(self, session_id: int) -> None:
        self._session_id = session_id
        self._seen.clear()
        self._content_count = 0

    def _is_refused(self, key: Key, salt: int, message: Inner) -> bool:
        """Return whether the packet is out of time or of salt; the client is told then, and sends again."""
        age = time.time() - (message.msg_id >> 32)
        code = 0
        if message.msg_id % 4:
            code = _ID_NOT_A_CLIENTS
        elif age > _TOO_OLD_SECONDS:
            code = _ID_TOO_LOW
        elif age < -_TOO_NEW_SECONDS:
            code = _ID_TOO_HIGH
        if code:
            self._queue(bytes(types.BadMsgNotification(message.msg_id, message.seq_no, code)))
        elif salt != key.salt:
            code = _BAD_SALT
            self._queue(bytes(types.BadServerSalt(message.msg_id, message.seq_no, code, key.salt)))
        return bool(code)

    def _greet(self, key: Key, message: Inner) -> None:
        if not self._seen:
            unique_id = int.from_bytes(os.urandom(7), "little")
            self._queue(bytes(types.NewSessionCreated(message.msg_id, unique_id, key.salt)), is_reply=False)

    def _process(self, inner: Inner) -> None:
        if inner.msg_id in self._seen:
            return  # it was sent again before our answer arrived
        self._seen[inner.msg_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        try:
            request = read_object(inner.body)
        except Unreadable as error:
            self._hub.record("unreadable", reason=str(error))
            self._refuse(inner.msg_id, RpcError(400, "INPUT_FETCH_ERROR"))
            return
        if not self._serve(inner.msg_id, request):
            self._call(inner.msg_id, self._unwrap(request))

    # Messages of the protocol itself.

    def _serve(self, msg_id: int, request: Any) -> bool:
        """Answer what is not a request to Telegram; return whether it was none."""
        answer: Any = None
        match request:
            case functions.PingRequest() | functions.PingDelayDisconnectRequest():
                answer = types.Pong(msg_id, request.ping_id)
            case functions.GetFutureSaltsRequest():
                answer = self._future_salts(msg_id)
            case functions.DestroySessionRequest():
                answer = types.DestroySessionOk(request.session_id)
            case functions.DestroyAuthKeyRequest():
                answer = types.DestroyAuthKeyOk()
            case types.MsgsStateReq() | types.MsgResendReq():
                answer = types.MsgsStateInfo(msg_id, bytes([4]) * len(request.msg_ids))  # 4: received
            case _:
                return isinstance(request, _SILENT)
        self._queue(bytes(answer))
        if isinstance(answer, types.DestroyAuthKeyOk) and self._key is not None:
            self._flush()
            self._hub.world.drop_key(self._key)
        return True

    def _future_salts(self, msg_id: int) -> Any:
        now = int(time.time())
        salt = self._key.salt if self._key else 0
        return types.FutureSalts(msg_id, now, [types.FutureSalt(now, now + _SALT_SECONDS, salt)])

    # Requests.

    def _unwrap(self, request: Any) -> Any:
        while isinstance(request, _WRAPPERS):
            if isinstance(request, functions.InvokeWithoutUpdatesRequest):
                self.wants_updates = False
            request = request.query
        return request

    def _call(self, msg_id: int, request: Any) -> None:
        fault = self._faults.match(type(request).__name__, receiver_label(self._hub.world, request))
        if fault is None:
            self._execute(msg_id, request)
            return
        self._hub.record(
            "fault",
            on=type(request).__name__,
            fault=fault.kind,
            text=fault.text if fault.kind == "error" else "",
        )
        self._strike(fault, msg_id, request)

    def _strike(self, fault: Fault, msg_id: int, request: Any) -> None:
        match fault.kind:
            case "error":
                self._refuse(msg_id, RpcError(fault.code, fault.text))
            case "drop_before":
                raise _HangUp
            case "drop_after":
                self._execute(msg_id, request)
                raise _HangUp
            case "delay":
                self._hub.postman.later(self._execute_later(fault.seconds, msg_id, request))
            case _:
                self._execute(msg_id, request)  # a fault of HTTP has no meaning here

    async def _execute_later(self, seconds: float, msg_id: int, request: Any) -> None:
        """Execute after a while, even if the client has gone by then: the server has the request."""
        key = self._key
        await asyncio.sleep(seconds)
        if key is not None:
            self._execute(msg_id, request, key)
            self._flush_soon()

    def _execute(self, msg_id: int, request: Any, key: Key | None = None) -> None:
        key = key or self._key
        assert key is not None  # noqa: S101 - a request came in an encrypted packet
        try:
            body = write_value(dispatch.answer(Call(self._hub, key, self), request))
        except RpcError as error:
            self._refuse(msg_id, error)
        except Exception as error:  # noqa: BLE001 - see below
            # A fault of the sandbox itself: the client must not hang for it, nor must it pass unseen.
            _log.exception("The sandbox cannot answer %s", type(request).__name__)
            self._hub.record("bug", request=type(request).__name__, error=repr(error))
            self._refuse(msg_id, RpcError(500, "SANDBOX_BUG"))
        else:
            self._queue(rpc_result(msg_id, body))

    def _refuse(self, msg_id: int, error: RpcError) -> None:
        self._queue(rpc_result(msg_id, bytes(types.RpcError(error.code, error.text))))

    # Packets out.

    def _queue(self, body: bytes, *, is_reply: bool = True) -> None:
        number = self._content_count * 2 + 1
        self._content_count += 1
        self._waiting.append(Inner(self._new_id(is_reply), number, body))

    def _new_id(self, is_reply: bool) -> int:
        """Return an odd id, above the last one: 1 modulo 4 for answers, 3 for what comes unasked."""
        now = int(time.time() * (1 << 32)) & ~3
        now = max(now, (self._last_id & ~3) + 4)
        self._last_id = now | (1 if is_reply else 3)
        return self._last_id

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Send all that waits; what it tells of is remembered first."""
        self._is_flush_due = False
        self._hub.world.store.commit()
        waiting, self._waiting = self._waiting, []
        if self._key is None or self._writer.is_closing():
            return
        for batch in _batches(waiting):
            message = batch[0]
            if len(batch) > 1:
                message = Inner(self._new_id(is_reply=True), self._content_count * 2, container(batch))
            self._transmit(seal_packet(self._key.data, self._key.salt, self._session_id, message))

    def _transmit(self, payload: bytes) -> None:
        if self._framing is not None and not self._writer.is_closing():
            self._writer.write(self._framing.frame(payload))


def _batches(messages: Iterable[Inner]) -> Iterable[list[Inner]]:
    batch: list[Inner] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == _CONTAINER_MESSAGES or size + len(message.body) > _CONTAINER_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.body)
    if batch:
        yield batch
