"""Which handler answers which request, and which of them need no login."""

from __future__ import annotations

from typing import Any, Final

from vipcast.sandbox.telegram import (
    admin_log,
    changing,
    differences,
    folders,
    group_looks,
    group_rights,
    groups,
    history,
    invites,
    login,
    media,
    people,
    receipts,
    sending,
    service,
)
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError

_OPEN: Final[Handlers] = {**service.OPEN_HANDLERS, **login.HANDLERS}
_HANDLERS: Final[Handlers] = {
    **_OPEN,
    **service.HANDLERS,
    **people.HANDLERS,
    **sending.HANDLERS,
    **media.HANDLERS,
    **history.HANDLERS,
    **changing.HANDLERS,
    **differences.HANDLERS,
    **groups.HANDLERS,
    **admin_log.HANDLERS,
    **group_rights.HANDLERS,
    **group_looks.HANDLERS,
    **invites.HANDLERS,
    **receipts.HANDLERS,
    **folders.HANDLERS,
}


def answer(call: Call, request: Any) -> Any:
    """Return what this request returns.

    Raises:
        RpcError: it is refused, or the sandbox does not play it.

    """
    kind = type(request)
    handler = _HANDLERS.get(kind)
    if handler is None:
        call.hub.record("unsupported", request=kind.__name__)
        raise RpcError(400, "INPUT_METHOD_INVALID")
    if kind not in _OPEN:
        call.check_login()
    return handler(call, request)
