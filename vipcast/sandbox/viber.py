"""The loopback Viber: its REST API for the shop, and the customers' phones for whoever plays them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from vipcast.clock import Clock, SystemClock
from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment
from vipcast.sandbox.events import EventLog
from vipcast.sandbox.faults import Faults
from vipcast.sandbox.loopback import LOOPBACK
from vipcast.sandbox.loopback_http import HttpServer, Request, Response
from vipcast.sandbox.viber_api import ROOT, ViberApi, profile
from vipcast.sandbox.viber_callbacks import Callbacks, Habits
from vipcast.sandbox.viber_media import MEDIA_ROOT, Fetched, MediaShelf
from vipcast.sandbox.viber_rules import Refusal, check_message
from vipcast.sandbox.viber_state import Bot, Customer, Subscription, ViberMessage, ViberState

_WHO = "Ids that start with `gone` are nobody; without automatic customers, add the customer first."


class ViberSandbox:
    """A Viber on 127.0.0.1. Use it from one event loop.

    With `auto_customers` every receiver is a subscribed customer, except ids that start with `stranger`
    (not subscribed) or `gone` (nobody). A token that starts with `sandbox-` is a bot as soon as it is used,
    and needs no webhook; other tokens need `add_bot`. `state` is a journal file that outlives a restart.
    With `fetches_media`, what bots send by address is fetched, from this machine only.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        faults: Faults,
        host: str = LOOPBACK,
        port: int = 0,
        state: Path | None = None,
        auto_customers: bool = True,
        fetches_media: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._log = log
        self._clock = clock or SystemClock()
        self._state = ViberState(state, auto_customers=auto_customers)
        self._callbacks = Callbacks(log)
        self._api = ViberApi(self._state, self._callbacks, log=log, faults=faults, clock=self._clock)
        self._api.fetcher.is_on = fetches_media
        self._shelf = MediaShelf(self._state, log=log, faults=faults)
        self._server = HttpServer(self._handle, host=host, port=port, setting="sandbox.viber_port")
        self.on_message: Callable[[ViberMessage], Awaitable[None] | None] | None = None
        self._api.on_message = self._heard

    async def _handle(self, request: Request) -> Response:
        if request.path.startswith(MEDIA_ROOT):
            return await self._shelf.answer(request)
        return await self._api.handle(request)

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def fetches_media(self) -> bool:
        """Whether the network fetches what bots send by address; change it at any time."""
        return self._api.fetcher.is_on

    @fetches_media.setter
    def fetches_media(self, is_on: bool) -> None:
        self._api.fetcher.is_on = is_on

    @property
    def url(self) -> str:
        """The base URL to point a client at, up to /pa."""
        return self._server.url + ROOT

    @property
    def habits(self) -> Habits:
        """How callbacks behave: copies, lateness, order, retries."""
        return self._callbacks.habits

    @property
    def bots(self) -> list[Bot]:
        return list(self._state.bots.values())

    @property
    def customers(self) -> list[Customer]:
        return list(self._state.customers.values())

    async def start(self) -> None:
        """Read the state back and listen.

        Raises:
            Locked, InputError: the port cannot be had.
            StorageError: the journal cannot be used.

        """
        self._state.open()
        try:
            await self._server.start()
        except BaseException:
            self._state.close()
            raise
        self._shelf.base_url = self._server.url

    async def stop(self) -> None:
        await self._callbacks.stop()
        await self._api.fetcher.stop()
        await self._server.stop()
        self._state.close()

    async def settle(self) -> None:
        """Wait until every callback and fetch under way is done or given up, retries included."""
        await self._callbacks.settle()
        await self._api.fetcher.settle()

    def add_bot(
        self,
        token: str,
        name: str,
        *,
        uri: str = "",
        webhook: str = "",
        needs_webhook: bool = True,
        channel_admin: str = "",
    ) -> Bot:
        """Make a bot, or change the one with this token; `webhook` is taken as it is, without a call.

        Raises:
            InputError: another bot has the URI.

        """
        bot = Bot(
            token=token,
            name=name,
            uri=uri or name.lower().replace(" ", ""),
            webhook=webhook,
            needs_webhook=needs_webhook,
            channel_admin=channel_admin,
        )
        other = self._state.bot_by_uri(bot.uri)
        if other is not None and other.token != token:
            raise InputError(f"Another bot has the URI {bot.uri}.", hint="Give each bot a URI of its own.")
        self._state.store(bot)
        return bot

    def add_customer(
        self,
        customer_id: str,
        name: str = "",
        *,
        language: str = "en",
        country: str = "GB",
        is_subscribed: bool = True,
        phone: str = "",
    ) -> Customer:
        """Make a person with Viber, or change the one with this id; `phone` is given away by button only."""
        customer = Customer(
            id=customer_id,
            name=name or customer_id,
            language=language,
            country=country,
            is_subscribed=is_subscribed,
            phone=phone,
        )
        self._state.store(customer)
        return customer

    def inbox(self, customer_id: str) -> list[ViberMessage]:
        """Return what a customer's phone shows, oldest first, their own messages included."""
        return list(self._state.phones.get(customer_id, []))

    def fetched(self, message: ViberMessage) -> Fetched | None:
        """Return what was behind the address that a bot's message carried; None until it was fetched."""
        return self._api.fetcher.fetched.get(message.id)

    async def say(
        self,
        customer_id: str,
        text: str,
        *,
        to: str = "",
        media: Attachment | None = None,
        message: Mapping[str, Any] | None = None,
    ) -> ViberMessage:
        """Write to a bot as a customer, which subscribes them; `message` overrides the plain text's fields.

        `to` is a bot's URI or token; where not said, the bot that wrote last, or the only one. With
        `media`, `text` is the caption of a picture or video, and nothing else may have one.
        """
        if media is not None and text and media.kind not in ("picture", "video"):
            raise InputError(f"On Viber a {media.kind} has no text.", hint="Say it in a message of its own.")
        customer, bot = self._pair(customer_id, to)
        talk = self._state.messages_of(bot, customer_id)
        tracking = next((one.tracking_data for one in reversed(talk) if not one.is_own), "")
        shown = self._shelf.content_of(customer_id, text, media) if media else {"type": "text", "text": text}
        content = {**shown, "tracking_data": tracking, **(message or {})}
        own = ViberMessage(
            id=self._state.new_id(),
            token=self._state.new_token(),
            bot=bot.uri,
            customer=customer_id,
            is_own=True,
            sender=customer.name,
            type=str(content["type"]),
            text=text,
            media=str(content.get("media") or ""),
            file_name=str(content.get("file_name") or ""),
            tracking_data=tracking,
            at=self._clock.now(),
        )
        self._state.store(own)
        self._set_subscribed(bot, customer, is_on=True)
        self._api.log_message(own, to=bot.uri)
        self._api.tell(
            bot,
            "message",
            message_token=own.token,
            sender=profile(bot, customer),
            message=content,
            silent=False,
        )
        return own

    async def press_button(self, customer_id: str, text: str, *, to: str = "") -> ViberMessage:
        """Press a button that the bot's last message shows, by its text or its ActionBody.

        Raises:
            InputError: it shows no such button, or one that writes nothing, as `open-url`.

        """
        customer, bot = self._pair(customer_id, to)
        talk = [one for one in self._state.messages_of(bot, customer_id) if not one.is_own]
        buttons = talk[-1].buttons if talk else ()
        button = next((one for one in buttons if text in (one.text, one.body)), None)
        if button is None:
            names = ", ".join(one.text or one.body for one in buttons) or "none"
            raise InputError(f"{bot.uri} shows no button {text!r}.", hint=f"Buttons: {names}.")
        match button.action:
            case "reply":
                return await self.say(customer_id, button.body, to=bot.uri)
            case "share-phone":
                card = Attachment("contact", phone=customer.phone, contact_name=customer.name)
                return await self.say(customer_id, "", to=bot.uri, media=card)
            case "location-picker":
                place = Attachment("location", latitude=47.5, longitude=19.04)
                return await self.say(customer_id, "", to=bot.uri, media=place)
        raise InputError(f"The button {text!r} writes nothing ({button.action}).", hint="Press another one.")

    async def press_link(self, customer_id: str, *, to: str = "", context: str = "") -> ViberMessage | None:
        """Open the chat by its deep link; return the welcome message, if the webhook answered with one.

        This subscribes nobody: the customer must press `subscribe` or write.
        """
        customer, bot = self._pair(customer_id, to)
        self._log.record("link", network="viber", bot=bot.uri, sender=customer.name, context=context)
        fields = {"context": context} if context else {}
        calling = self._api.tell(
            bot,
            "conversation_started",
            message_token=self._state.new_token(),
            type="open",
            user=profile(bot, customer),
            subscribed=self._state.is_subscribed(bot, customer),
            **fields,
        )
        answer = await calling if calling is not None else None
        return await self._welcome(bot, customer, answer) if answer else None

    async def _welcome(self, bot: Bot, customer: Customer, answer: bytes) -> ViberMessage | None:
        try:
            data = msgspec.json.decode(answer, type=dict[str, Any])
            check_message(data)
        except (msgspec.MsgspecError, Refusal) as error:
            words = error.words if isinstance(error, Refusal) else str(error)
            self._log.record("refused", network="viber", on="welcome", to=customer.id, text=words)
            return None
        token = self._state.new_token()
        return await self._api.put_on_phone(bot, customer, data, token, is_welcome=True)

    async def subscribe(self, customer_id: str, *, to: str = "") -> None:
        """Press subscribe."""
        customer, bot = self._pair(customer_id, to)
        self._set_subscribed(bot, customer, is_on=True)
        self._api.tell(bot, "subscribed", message_token=self._state.new_token(), user=profile(bot, customer))

    async def unsubscribe(self, customer_id: str, *, to: str = "") -> None:
        """Stop messages from the bot: later ones answer with status 6."""
        customer, bot = self._pair(customer_id, to)
        self._set_subscribed(bot, customer, is_on=False)
        self._api.tell(bot, "unsubscribed", message_token=self._state.new_token(), user_id=customer_id)

    async def read(self, customer_id: str, *, to: str = "") -> int:
        """Open the chat and see everything in it; return how many messages were new."""
        customer, bot = self._pair(customer_id, to)
        await self.set_online(customer_id, online=True)
        unread = [one for one in self._state.messages_of(bot, customer.id) if one.state == "delivered"]
        for message in unread:
            self._api.mark_seen(bot, message)
        return len(unread)

    async def set_online(self, customer_id: str, *, online: bool) -> None:
        """Switch a phone off or on; what waited for it is delivered when it comes back."""
        customer = self._customer(customer_id)
        if customer.is_online == online:
            return
        customer.is_online = online
        self._state.store(customer)
        self._log.record("online" if online else "offline", network="viber", customer=customer_id)
        if not online:
            return
        for message in self.inbox(customer_id):
            bot = self._state.bot_by_uri(message.bot)
            if bot is not None and message.state == "accepted" and not message.is_own:
                self._api.mark_delivered(bot, message)

    async def tell(self, kind: str, *, to: str, **fields: Any) -> None:
        """Send a bot any callback, also one that Viber would not: unknown kinds, missing fields."""
        bot = self._bot(to)
        if bot.webhook:
            self._callbacks.send(bot, self._api.event(kind, **fields))

    def _set_subscribed(self, bot: Bot, customer: Customer, *, is_on: bool) -> None:
        if self._state.is_subscribed(bot, customer) != is_on:
            self._state.store(Subscription(bot=bot.uri, customer=customer.id, is_on=is_on))
            kind = "subscribed" if is_on else "unsubscribed"
            self._log.record(kind, network="viber", bot=bot.uri, sender=customer.id)

    def _pair(self, customer_id: str, to: str) -> tuple[Customer, Bot]:
        customer = self._customer(customer_id)
        phone = self._state.phones.get(customer_id)
        return customer, self._bot(to or (phone[-1].bot if phone else ""))

    def _customer(self, customer_id: str) -> Customer:
        customer = self._state.customer_for(customer_id)
        if customer is None:
            raise InputError(f"Nobody on the sandbox's Viber is called {customer_id}.", hint=_WHO)
        return customer

    def _bot(self, to: str) -> Bot:
        if to:
            bot = self._state.bot_by_uri(to) or self._state.bots.get(to)
        else:
            bots = self.bots
            bot = bots[0] if len(bots) == 1 else None
        if bot is None:
            uris = ", ".join(one.uri for one in self.bots) or "none yet; the first request makes one"
            raise InputError("Which bot of the sandbox's Viber is meant?", hint=f"Bots: {uris}.")
        return bot

    def _heard(self, message: ViberMessage) -> Awaitable[None] | None:
        return self.on_message(message) if self.on_message is not None else None
