"""The endpoints of Viber's bot API: authorise, check, carry out, answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from vipcast.clock import Clock
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Fault, Faults
from vipcast.sandbox.loopback_http import HangUp, Request, Response, is_loopback_url
from vipcast.sandbox.viber_callbacks import ALWAYS_SENT, EVENT_TYPES, Callbacks
from vipcast.sandbox.viber_media import MediaFetcher
from vipcast.sandbox.viber_rules import (
    MAX_BROADCAST,
    MAX_ONLINE_IDS,
    MAX_REQUEST_BYTES,
    Refusal,
    Status,
    check_message,
    keyboard_fault,
    required,
)
from vipcast.sandbox.viber_state import (
    Bot,
    Customer,
    MessageState,
    Receipt,
    ViberMessage,
    ViberState,
    buttons_of,
)

ROOT = "/pa"
CHAT_HOST = "SN-CHAT-01_"
BROADCASTS = 500  # in so many seconds:
BROADCAST_SECONDS = 10
DETAILS = 2  # for one customer in:
DETAILS_PERIOD = timedelta(hours=12)
IN_SESSION, CHARGED = 1, 3  # billing_status: inside a session, and an announcement to a quiet customer
ONLINE, OFFLINE, UNAVAILABLE = 0, 1, 4
HTML_PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"

Data = dict[str, Any]


class ViberApi:
    """Answers the API's requests, faults included."""

    def __init__(
        self, state: ViberState, callbacks: Callbacks, *, log: EventLog, faults: Faults, clock: Clock
    ) -> None:
        self.on_message: Callable[[ViberMessage], Awaitable[None] | None] | None = None
        self.fetcher = MediaFetcher(log)
        self._state = state
        self._callbacks = callbacks
        self._log = log
        self._faults = faults
        self._clock = clock
        self._broadcasts: deque[datetime] = deque(maxlen=BROADCASTS)
        self._details: dict[tuple[str, str], deque[datetime]] = {}
        self._endpoints: dict[str, Callable[[Bot, Data], Awaitable[Data]]] = {
            "set_webhook": self._set_webhook,
            "send_message": self._send_message,
            "broadcast_message": self._broadcast_message,
            "get_account_info": self._get_account_info,
            "get_user_details": self._get_user_details,
            "get_online": self._get_online,
            "post": self._post,
        }

    async def handle(self, request: Request) -> Response:
        """Answer one request; API errors are HTTP 200 as well, with their number in `status`."""
        endpoint = request.path.removeprefix(f"{ROOT}/")
        if endpoint not in self._endpoints:
            return Response(status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        data = _parse(request.body)
        fault = self._match(endpoint, data)
        if fault is None:
            return Response.json(await self._execute(endpoint, request, data))
        return await self._suffer(fault, endpoint, request, data)

    def _match(self, endpoint: str, data: Data | Refusal) -> Fault | None:
        receiver = data.get("receiver") if isinstance(data, dict) else None
        fault = self._faults.match(endpoint, receiver if isinstance(receiver, str) else None)
        if fault is not None:
            self._log.record("fault", network="viber", on=endpoint, to=receiver, fault=fault.kind)
        return fault

    async def _suffer(self, fault: Fault, endpoint: str, request: Request, data: Data | Refusal) -> Response:
        """Answer as the fault has it; those below `answer` happen after the request was carried out."""
        match fault.kind:
            case "drop_before":
                raise HangUp
            case "error":
                return Response.json({"status": fault.code, "status_message": fault.text})
            case "http":
                return Response(fault.text.encode(), fault.code, "text/plain; charset=utf-8")
        answer = await self._execute(endpoint, request, data)
        match fault.kind:
            case "drop_after":
                raise HangUp
            case "html":
                return Response(HTML_PAGE, content_type="text/html; charset=utf-8")
            case "no_token":
                answer.pop("message_token", None)
            case "delay":
                await asyncio.sleep(fault.seconds)
        return Response.json(answer)

    async def _execute(self, endpoint: str, request: Request, data: Data | Refusal) -> Data:
        try:
            if isinstance(data, Refusal):
                raise data
            bot = self._authorise(request, data)
            result = await self._endpoints[endpoint](bot, data)
        except Refusal as refusal:
            to = data.get("receiver") if isinstance(data, dict) else None
            self._log.record(
                "refused", network="viber", on=endpoint, to=to, status=int(refusal.status), text=refusal.words
            )
            return {"status": int(refusal.status), "status_message": refusal.words}
        return {"status": 0, "status_message": Status.ok.name, **result}

    def _authorise(self, request: Request, data: Data) -> Bot:
        token = request.headers.get("x-viber-auth-token") or data.get("auth_token")
        if not isinstance(token, str) or not token:
            raise Refusal(Status.invalidAuthToken, "missing_auth_token")
        bot = self._state.bot_for(token)
        if bot is None:
            raise Refusal(Status.invalidAuthToken)
        return bot

    async def _set_webhook(self, bot: Bot, data: Data) -> Data:
        url = data.get("url")
        if url is None:
            raise Refusal(Status.missingData, "url")
        if url == "":
            bot.webhook, bot.event_types = "", None
            self._state.store(bot)
            return {"event_types": []}
        types = data.get("event_types")
        known = [*EVENT_TYPES, *ALWAYS_SENT]
        if types is not None and not (isinstance(types, list) and all(name in known for name in types)):
            raise Refusal(Status.badData, "event_types")
        if not isinstance(url, str) or not is_loopback_url(url):
            raise Refusal(Status.invalidUrl, "the sandbox calls http URLs of this machine only")
        event = self.event("webhook", message_token=self._state.new_token())
        if await self._callbacks.attempt(bot, url, event) is None:
            raise Refusal(Status.invalidUrl, "the webhook did not answer with 200")
        bot.webhook, bot.event_types, bot.send_name = url, types, data.get("send_name") is True
        self._state.store(bot)
        return {"event_types": sorted({*(EVENT_TYPES if types is None else types), *ALWAYS_SENT})}

    async def _send_message(self, bot: Bot, data: Data) -> Data:
        _need_webhook(bot)
        receiver = required(data, "receiver")
        check_message(data)
        customer = self._state.reachable(bot, receiver)
        now = self._clock.now()
        self._state.check_unanswered(bot, customer, now)
        billing = IN_SESSION if self._state.is_in_session(bot, customer, now) else CHARGED
        token = self._state.new_token()
        await self.put_on_phone(bot, customer, data, token)
        return {"message_token": token, "chat_hostname": CHAT_HOST, "billing_status": billing}

    async def _broadcast_message(self, bot: Bot, data: Data) -> Data:
        _need_webhook(bot)
        receivers = required(data, "broadcast_list", list)
        if len(receivers) > MAX_BROADCAST or not all(isinstance(one, str) for one in receivers):
            raise Refusal(Status.badData, f"broadcast_list: at most {MAX_BROADCAST} ids")
        check_message(data)
        self._check_broadcast_rate()
        token = self._state.new_token()
        failed: list[Data] = []
        for receiver in dict.fromkeys(receivers):
            try:
                customer = self._state.reachable(bot, receiver)
                self._state.check_unanswered(bot, customer, self._clock.now())
            except Refusal as refusal:
                failed.append(
                    {
                        "receiver": receiver,
                        "status": int(refusal.status),
                        "status_message": refusal.words,
                    }
                )
            else:
                await self.put_on_phone(bot, customer, _fill_in(data, customer), token)
        return {"message_token": token, "failed_list": failed}

    def _check_broadcast_rate(self) -> None:
        now = self._clock.now()
        oldest = self._broadcasts[0] if len(self._broadcasts) == BROADCASTS else None
        if oldest is not None and now - oldest < timedelta(seconds=BROADCAST_SECONDS):
            raise Refusal(Status.tooManyRequests, "rate limit")
        self._broadcasts.append(now)

    async def _get_account_info(self, bot: Bot, data: Data) -> Data:
        del data
        count = sum(self._state.is_subscribed(bot, one) for one in self._state.customers.values())
        return {
            "id": f"pa:{bot.uri}",
            "name": bot.name,
            "uri": bot.uri,
            "webhook": bot.webhook,
            "event_types": bot.event_types or [*EVENT_TYPES],
            "subscribers_count": count,
            "members": [],
        }

    async def _get_user_details(self, bot: Bot, data: Data) -> Data:
        customer = self._state.reachable(bot, required(data, "id"))
        now = self._clock.now()
        asked = self._details.setdefault((bot.uri, customer.id), deque(maxlen=DETAILS))
        if len(asked) == DETAILS and now - asked[0] < DETAILS_PERIOD:
            raise Refusal(Status.tooManyRequests, "details of one user: twice in 12 hours")
        asked.append(now)
        details = {"primary_device_os": "Android 14", "viber_version": "22.0.0", "device_type": "sandbox"}
        return {"message_token": self._state.new_token(), "user": {**profile(bot, customer), **details}}

    async def _get_online(self, bot: Bot, data: Data) -> Data:
        ids = required(data, "ids", list)
        if len(ids) > MAX_ONLINE_IDS or not all(isinstance(one, str) for one in ids):
            raise Refusal(Status.badData, f"ids: at most {MAX_ONLINE_IDS}")
        return {"users": [self._online_status(bot, one) for one in ids]}

    def _online_status(self, bot: Bot, customer_id: str) -> Data:
        customer = self._state.customer_for(customer_id)
        if customer is None or not self._state.is_subscribed(bot, customer):
            return {"id": customer_id, "online_status": UNAVAILABLE, "online_status_message": "unavailable"}
        if customer.is_online:
            return {"id": customer_id, "online_status": ONLINE, "online_status_message": "online"}
        return {"id": customer_id, "online_status": OFFLINE, "online_status_message": "offline"}

    async def _post(self, bot: Bot, data: Data) -> Data:
        _need_webhook(bot)
        if not bot.channel_admin:
            raise Refusal(Status.noPublicChat)
        if required(data, "from") != bot.channel_admin:
            raise Refusal(Status.publicAccountNotAuthorized, "from")
        check_message(data)
        token = self._state.new_token()
        text, media = _words(data, "text"), _words(data, "media")
        self._log.record(
            "post",
            network="viber",
            bot=bot.uri,
            text=text,
            type=data.get("type", ""),
            media=media,
            token=str(token),
        )
        return {"message_token": token}

    async def put_on_phone(
        self, bot: Bot, customer: Customer, data: Data, token: int, *, is_welcome: bool = False
    ) -> ViberMessage:
        """Keep an accepted message, log it, and start its receipts."""
        message = ViberMessage(
            id=self._state.new_id(),
            token=token,
            bot=bot.uri,
            customer=customer.id,
            is_own=False,
            sender=data["sender"]["name"],
            type=data.get("type", "keyboard"),
            text=_words(data, "text") or _words(data, "alt_text"),
            media=_words(data, "media"),
            file_name=_words(data, "file_name"),
            tracking_data=_words(data, "tracking_data"),
            at=self._clock.now(),
            is_welcome=is_welcome,
            buttons=buttons_of(data),
        )
        self._state.store(message)
        self.log_message(message, to=customer.id)
        self.fetcher.take(message)
        fault = keyboard_fault(data)
        if fault:
            self.receipt(bot, message, "failed", desc=fault)
        elif customer.is_online:
            self.mark_delivered(bot, message)
        if self.on_message is not None:
            waiting = self.on_message(message)
            if waiting is not None:
                await waiting
        return message

    def log_message(self, message: ViberMessage, *, to: str) -> None:
        kind = "reply" if message.is_own else "message"
        self._log.record(
            kind,
            network="viber",
            bot=message.bot,
            sender=message.sender,
            to=to,
            text=message.text,
            type=message.type,
            media=message.media,
            token=str(message.token),
            id=message.id,
        )

    def mark_delivered(self, bot: Bot, message: ViberMessage) -> None:
        """Let the message arrive on the device; a backwards network holds the receipt until `seen`."""
        if self._callbacks.habits.is_backwards:
            self._state.store(Receipt(token=message.token, customer=message.customer, state="delivered"))
        else:
            self.receipt(bot, message, "delivered")

    def mark_seen(self, bot: Bot, message: ViberMessage) -> None:
        self.receipt(bot, message, "seen")
        if self._callbacks.habits.is_backwards:
            self.tell(bot, "delivered", message_token=message.token, user_id=message.customer)

    def receipt(self, bot: Bot, message: ViberMessage, state: MessageState, **more: Any) -> None:
        """Set a message's state and tell the bot."""
        self._state.store(Receipt(token=message.token, customer=message.customer, state=state))
        if state != "delivered":  # with the message, nearly always
            token = str(message.token)
            self._log.record(state, network="viber", bot=bot.uri, to=message.customer, token=token)
        self.tell(bot, state, message_token=message.token, user_id=message.customer, **more)

    def tell(self, bot: Bot, kind: str, **fields: Any) -> asyncio.Task[bytes | None] | None:
        """Send a callback, if the bot wants this kind."""
        if not self._callbacks.wants(bot, kind):
            return None
        return self._callbacks.send(bot, self.event(kind, **fields))

    def event(self, kind: str, **fields: Any) -> Data:
        stamp = int(self._clock.now().timestamp() * 1000)
        return {"event": kind, "timestamp": stamp, "chat_hostname": CHAT_HOST, **fields}


def profile(bot: Bot, customer: Customer) -> Data:
    """Return a customer as a bot sees them: without the name unless its webhook asked for names."""
    return {
        "id": customer.id,
        "name": customer.name if bot.send_name else "Subscriber",
        "avatar": "",
        "country": customer.country,
        "language": customer.language,
        "api_version": 10,
    }


def _parse(body: bytes) -> Data | Refusal:
    if len(body) > MAX_REQUEST_BYTES:
        return Refusal(Status.badData, f"request over {MAX_REQUEST_BYTES} bytes")
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Refusal(Status.badData, "not JSON")
    return data if isinstance(data, dict) else Refusal(Status.badData, "not a JSON object")


def _words(data: Mapping[str, Any], key: str) -> str:
    """Return a field's text; types that do not use the field may carry anything in it."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _need_webhook(bot: Bot) -> None:
    if bot.needs_webhook and not bot.webhook:
        raise Refusal(Status.webhookNotSet)


def _fill_in(data: Mapping[str, Any], customer: Customer) -> Data:
    """Replace Viber's broadcast placeholders, wherever they stand in the request."""
    text = msgspec.json.encode(data).decode()
    values = {
        "replace_me_with_receiver_id": customer.id,
        "replace_me_with_url_encoded_receiver_id": quote(customer.id, safe=""),
        "replace_me_with_user_name": customer.name,
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, msgspec.json.encode(value).decode()[1:-1])
    filled: Data = msgspec.json.decode(text)
    return filled
