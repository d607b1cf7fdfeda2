"""Each messenger's simulator as the contract tests need it: one class for each, with the same faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from telethon.sessions import SQLiteSession

from vipcast.config import Account
from vipcast.messengers.base import AddressInvalid, Media, RecipientStopped, SendError
from vipcast.sandbox.service import Sandbox

FOREVER = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as a customer's phone shows it; `media` is a name or an address."""

    text: str
    media: str = ""


class TelegramSimulator:
    account_name: ClassVar[str] = "news"
    display_name: ClassVar[str] = "Régi Divat"
    address: ClassVar[str] = "@anna_kovacs"
    other_address: ClassVar[str] = "+36301234567"
    unknown_address: ClassVar[str] = "@nobody_here"
    good_addresses: ClassVar[tuple[str, ...]] = (
        "+36301234567", "@Anna_K", "Anna_K", "https://t.me/Anna_K", "t.me/anna_k/", "HTTPS://T.ME/anna_k",
        "123456789", "  @anna_k ",
    )  # fmt: skip
    bad_addresses: ClassVar[tuple[str, ...]] = (
        "", "@", "@ab", "06301234567", "+36", "anna kovacs", "anna@example.com", "@őze_ödön", "@1anna",
        "0", "-5", "https://t.me/", "@" + "a" * 40,
    )  # fmt: skip
    blocked_error: ClassVar[type[SendError]] = RecipientStopped
    request: ClassVar[str] = "SendMessageRequest"
    media_request: ClassVar[str] = "SendMediaRequest"
    delete_request: ClassVar[str] = "DeleteMessagesRequest"
    edit_request: ClassVar[str] = "EditMessageRequest"

    def __init__(self, sandbox: Sandbox, account: Account) -> None:
        self.sandbox = sandbox
        self.account = account
        session = SQLiteSession(str(account.session))
        self.secrets = [session.auth_key.key.hex(), str(session.auth_key.key)]
        session.close()

    @property
    def me(self) -> Any:
        return self.sandbox.telegram.find("+99966100001")

    def arrived(self, address: str) -> list[Arrived]:
        def look() -> list[Arrived]:
            user = self.sandbox.telegram.find(address)
            found = self.sandbox.telegram.inbox(user) if user else []
            return [Arrived(one.text, one.media.name if one.media else "") for one in found]

        return self.sandbox.do(look)

    def media(self, path: Any) -> Media:
        return Media("picture", path.name, path.stat().st_size, path=str(path))

    def block(self, address: str) -> None:
        def work() -> None:
            telegram = self.sandbox.telegram
            telegram.block(telegram.find(address), self.me)

        self.sandbox.do(work)

    def throttle(self) -> tuple[float, bool]:
        """Arm a pause; return (seconds, whether it is of the whole account)."""
        self.sandbox.faults.add(self.request, "error", code=420, text="FLOOD_WAIT_35")
        return 35.0, True

    def stop_account(self) -> None:
        self.sandbox.faults.add(self.request, "error", code=400, text="PEER_FLOOD")

    def revoke(self) -> None:
        self.sandbox.do(self.sandbox.telegram.revoke, self.me)

    def stop_server(self) -> None:
        self.sandbox.call(self.sandbox.telegram.stop())

    def refuse_content(self) -> None:
        self.sandbox.faults.add(self.request, "error", code=400, text="MESSAGE_EMPTY")

    def throttle_recalls(self) -> float:
        """Arm a pause for what is taken back or edited; return its seconds."""
        for request in (self.delete_request, self.edit_request):
            self.sandbox.faults.add(request, "error", code=420, text="FLOOD_WAIT_35")
        return 35.0

    def refuse_recalls(self) -> None:
        self.sandbox.faults.add(self.delete_request, "error", code=403, text="MESSAGE_DELETE_FORBIDDEN")
        self.sandbox.faults.add(self.edit_request, "error", code=400, text="MESSAGE_EDIT_TIME_EXPIRED")


class ViberSimulator:
    account_name: ClassVar[str] = "viber"
    display_name: ClassVar[str] = "Régi Divat VIP"
    address: ClassVar[str] = "anna+kovacs/01=="
    other_address: ClassVar[str] = "bela_nagy-0002=="
    unknown_address: ClassVar[str] = "gone-anna-0001=="
    good_addresses: ClassVar[tuple[str, ...]] = (
        "01234567890A=",
        "zuwdwlRtgneo4gdCjY/48Q==",
        " abc+def/01== ",
    )
    bad_addresses: ClassVar[tuple[str, ...]] = (
        "", "short", "+36301234567", "36301234567", "anna kovacs", "anna@example.com", "őzeödön==", "a" * 65,
    )  # fmt: skip
    blocked_error: ClassVar[type[SendError]] = AddressInvalid  # status 6 does not tell who ended it
    request: ClassVar[str] = "send_message"
    media_request: ClassVar[str] = "send_message"

    def __init__(self, sandbox: Sandbox, account: Account) -> None:
        self.sandbox = sandbox
        self.account = account
        assert account.token is not None
        self.secrets = [account.token.reveal()]

    def arrived(self, address: str) -> list[Arrived]:
        found = self.sandbox.do(self.sandbox.viber.inbox, address)
        return [Arrived(one.text, one.media) for one in found]

    def media(self, path: Any) -> Media:
        url = f"https://regidivat.example/{path.name}"
        return Media("picture", path.name, path.stat().st_size, url=url)

    def block(self, address: str) -> None:
        self.sandbox.call(self.sandbox.viber.unsubscribe(address, to=self.account.name))

    def throttle(self) -> tuple[float, bool]:
        self.sandbox.faults.add(self.request, "error", code=12, text="tooManyRequests: rate limit")
        return 10.0, True

    def stop_account(self) -> None:
        self.sandbox.faults.add(self.request, "error", code=7, text="publicAccountBlocked")

    def revoke(self) -> None:
        self.sandbox.faults.add("*", "error", code=2, text="invalidAuthToken", times=FOREVER)

    def stop_server(self) -> None:
        self.sandbox.call(self.sandbox.viber.stop())

    def refuse_content(self) -> None:
        self.sandbox.faults.add(self.request, "error", code=3, text="badData: text")


SIMULATORS: dict[str, type[TelegramSimulator | ViberSimulator]] = {
    "telegram": TelegramSimulator,
    "viber": ViberSimulator,
}
