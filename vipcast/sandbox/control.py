"""The sandbox's control API and page: for the browser, and for programs in other processes.

    GET    /                        the page
    GET    /health                  where the networks are
    GET    /events?after=N          what happened after the first N events
    GET    /phones?version=V        the customers' phones, the latest first, and the groups with who is in
                                    them or waits; null while nothing is new since V
    POST   /faults                  arm a fault: the fields of `Faults.add`
    GET    /faults, DELETE /faults  those that are armed; disarm all
    POST   /say                     {network, customer, text, to?}
    POST   /read, /subscribe, /unsubscribe   {network, customer, to?}
    POST   /follow                  {network, customer, link, person?}: follow an invite link; from Viber as
                                    `person` on Telegram, else with a Telegram of their own
    POST   /rename                  {network, customer, first_name?, last_name?, username?}
    POST   /delete-account          {network, customer}

`to` is an account of the shop, or `#` and a group's title: there one writes and reads, leaves the group
(/unsubscribe), or is put in again (/subscribe).

Only requests that name this machine as host, come from no other site's page and send JSON are served: so
no web page that happens to be open can read the phones or write in a customer's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from vipcast.errors import InputError
from vipcast.sandbox import page
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import FaultKind, Faults
from vipcast.sandbox.loopback import LOOPBACK, LOOPBACK_NAMES
from vipcast.sandbox.loopback_http import JSON, HttpServer, Request, Response

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _Deed(msgspec.Struct, forbid_unknown_fields=True):
    network: Literal["telegram", "viber"]
    customer: str
    to: str = ""


class _Words(_Deed, kw_only=True):
    text: str


class _Way(_Deed, kw_only=True):
    link: str
    person: str = ""


class _Renaming(page.Names, kw_only=True):
    network: Literal["telegram", "viber"]
    customer: str


class _FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    on: str
    kind: FaultKind
    code: int = 420
    text: str = "FLOOD_WAIT_35"
    seconds: float = 1.5
    to: str | None = None
    after: int = 0
    times: int | None = 1


class Control:
    """The server of the control API and the page."""

    def __init__(
        self,
        *,
        log: EventLog,
        faults: Faults,
        networks: Mapping[str, page.Phones],
        health: Callable[[], Mapping[str, Any]],
        port: int = 0,
    ) -> None:
        self._log = log
        self._faults = faults
        self._networks = networks
        self._health = health
        self._server = HttpServer(self.handle, host=LOOPBACK, port=port, setting="sandbox.page_port")
        self._routes: dict[tuple[str, str], Callable[[Request], Awaitable[Any]]] = {
            ("GET", "/health"): self._get_health,
            ("GET", "/events"): self._get_events,
            ("GET", "/phones"): self._get_phones,
            ("GET", "/faults"): self._get_faults,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("POST", "/say"): self._say,
            ("POST", "/read"): self._read,
            ("POST", "/subscribe"): self._subscribe,
            ("POST", "/unsubscribe"): self._unsubscribe,
            ("POST", "/follow"): self._follow,
            ("POST", "/rename"): self._rename,
            ("POST", "/delete-account"): self._delete_account,
        }

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"{self._server.url}/"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    async def handle(self, request: Request) -> Response:
        """Answer one request, never without the safety headers."""
        response = _refusal(request) or await self._answer(request)
        return Response(response.body, response.status, response.content_type, SAFETY)

    async def _answer(self, request: Request) -> Response:
        part = page.asset(request.path) if request.method == "GET" else None
        if part is not None:
            return Response(part[0], content_type=part[1])
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = any(path == request.path for _, path in self._routes) or request.path in page.ASSETS
            status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
            return _error(status, f"There is no {request.method} {request.path}.")
        try:
            return Response.json(await route(request))
        except InputError as error:
            return _error(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error.message} {error.hint}".strip())
        except (msgspec.MsgspecError, ValueError) as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error))

    async def _get_health(self, request: Request) -> Any:
        del request
        return {"ok": True, **self._health()}

    async def _get_events(self, request: Request) -> Any:
        after = max(int(request.query.get("after", "0")), 0)
        events = self._log.after(after)
        return {"events": events, "next": after + len(events)}

    async def _get_phones(self, request: Request) -> Any:
        version = len(self._log.events)
        if request.query.get("version") == str(version):
            return {"version": version, "phones": None}
        phones = [phone for network in self._networks.values() for phone in network.phones()]
        phones.sort(key=lambda phone: phone.at, reverse=True)
        groups = [group for network in self._networks.values() for group in network.groups()]
        shown = phones[: page.SHOWN_PHONES]
        return {"version": version, "total": len(phones), "phones": shown, "groups": groups}

    async def _get_faults(self, request: Request) -> Any:
        del request
        return {"faults": self._faults.armed()}

    async def _add_fault(self, request: Request) -> Any:
        order = msgspec.json.decode(request.body, type=_FaultOrder)
        return {"fault": self._faults.add(**msgspec.structs.asdict(order))}

    async def _clear_faults(self, request: Request) -> Any:
        del request
        self._faults.clear()
        return {"faults": []}

    async def _say(self, request: Request) -> Any:
        words = msgspec.json.decode(request.body, type=_Words)
        if not words.text.strip():
            raise InputError("There is nothing to say.", hint="Write a text.")
        await self._network(words).say(words.customer, words.text, words.to)
        return {"ok": True}

    async def _read(self, request: Request) -> Any:
        deed = _deed(request)
        await self._network(deed).read(deed.customer, deed.to)
        return {"ok": True}

    async def _subscribe(self, request: Request) -> Any:
        deed = _deed(request)
        await self._network(deed).unblock(deed.customer, deed.to)
        return {"ok": True}

    async def _unsubscribe(self, request: Request) -> Any:
        deed = _deed(request)
        await self._network(deed).block(deed.customer, deed.to)
        return {"ok": True}

    async def _follow(self, request: Request) -> Any:
        way = msgspec.json.decode(request.body, type=_Way)
        done = await self._network(way).follow(way.customer, way.link.strip(), way.person)
        return {"ok": True, **msgspec.structs.asdict(done)}

    async def _rename(self, request: Request) -> Any:
        wish = msgspec.json.decode(request.body, type=_Renaming)
        names = page.Names(first_name=wish.first_name, last_name=wish.last_name, username=wish.username)
        await self._network(wish).rename(wish.customer, names)
        return {"ok": True}

    async def _delete_account(self, request: Request) -> Any:
        deed = _deed(request)
        await self._network(deed).delete_account(deed.customer)
        return {"ok": True}

    def _network(self, deed: _Deed | _Renaming) -> page.Phones:
        if deed.network not in self._networks:
            raise InputError(f"This sandbox has no {deed.network}.")
        return self._networks[deed.network]


def _deed(request: Request) -> _Deed:
    return msgspec.json.decode(request.body, type=_Deed)


def _error(status: HTTPStatus, message: str) -> Response:
    return Response.json({"error": message}, status)


def _refusal(request: Request) -> Response | None:
    host = request.headers.get("host", "")
    if not _is_here(f"//{host}"):
        return _error(HTTPStatus.FORBIDDEN, "The sandbox answers to 127.0.0.1 and localhost only.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return _error(HTTPStatus.FORBIDDEN, "Other sites may not use the sandbox.")
    if request.method == "POST" and request.content_type != JSON:
        return _error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send {JSON}.")
    return None


def _is_here(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:
        return False
