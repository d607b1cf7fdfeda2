"""The contract of `messengers/base.py`, held by every messenger that is found, over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging

import msgspec
import pytest
from simulators import SIMULATORS

from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    EventKind,
    LoginLost,
    Message,
    OutcomeUnknown,
    Rejected,
    SendError,
    Span,
    Throttled,
    Unit,
    Unreachable,
)
from vipcast.shop import find_messengers

pytestmark = pytest.mark.anyio

MESSENGERS = find_messengers()
TEXTS = [
    "News",
    "Árvíztűrő tükörfúrógép: ŐŰ őű",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Здравствуйте, Ёлка!",
    "🎉 👩‍👩‍👧‍👦 🇭🇺 é",
    "שלום עולם, مرحبا بالعالم",
    "*_[`{{ 7*7 }} <b>&amp; \\",
    "first\n\nthird",
]
WIDE = {Unit.UTF16: "😀", Unit.CHARACTERS: "ж", Unit.BYTES: "ж"}


@pytest.fixture(params=sorted(MESSENGERS))
def kind(request):
    """Every messenger in the folder; one without a simulator fails here."""
    if request.param not in SIMULATORS:
        pytest.fail(f"The messenger {request.param} has no simulator in tests/simulators.py.")
    return MESSENGERS[request.param]


@pytest.fixture
def account(kind, shop):
    return shop.config.account(SIMULATORS[kind.name].account_name)


@pytest.fixture
def simulator(kind, account, sandbox):
    return SIMULATORS[kind.name](sandbox, account)


@pytest.fixture
async def messenger(kind, account, simulator):
    opened = kind(account)
    await opened.open()
    yield opened
    await opened.close()


def filled(unit, size, wide):
    """Return a text of exactly so many units, of letters that take the most of them or the fewest."""
    letter = WIDE[unit] if wide else "x"
    count, rest = divmod(size, unit.length(letter))
    return letter * count + "x" * rest


def with_other_token(account, token):
    return msgspec.structs.replace(account, token=type(account.token)(token))


class TestContract:
    async def test_open_tells_who_the_account_is(self, messenger, simulator):
        info = await messenger.open()
        assert info.identity
        assert info.display_name == simulator.display_name

    @pytest.mark.parametrize("text", TEXTS)
    async def test_a_text_arrives_as_it_is(self, messenger, simulator, text):
        sent = await messenger.send(simulator.address, "", Message(text), 1)
        assert sent.remote_id
        assert [one.text for one in simulator.arrived(simulator.address)] == [text]

    @pytest.mark.parametrize("wide", [False, True])
    async def test_a_text_of_exactly_the_limit_arrives(self, messenger, simulator, wide):
        can = messenger.capabilities_of(messenger.account)
        text = filled(can.unit, can.text_limit, wide)
        assert can.unit.length(text) == can.text_limit
        await messenger.send(simulator.address, "", Message(text), 1)
        assert [one.text for one in simulator.arrived(simulator.address)] == [text]

    @pytest.mark.parametrize("wide", [False, True])
    async def test_a_text_over_the_limit_is_rejected(self, messenger, simulator, wide):
        can = messenger.capabilities_of(messenger.account)
        text = filled(can.unit, can.text_limit, wide) + "x"
        with pytest.raises(Rejected):
            await messenger.send(simulator.address, "", Message(text), 1)
        assert simulator.arrived(simulator.address) == []

    async def test_a_picture_arrives_with_a_caption_of_exactly_the_limit(
        self, messenger, simulator, shop_folder
    ):
        can = messenger.capabilities_of(messenger.account)
        picture = simulator.media(shop_folder / "templates" / "new-collection" / "picture.jpg")
        caption = filled(can.unit, can.caption_limit, wide=True)
        await messenger.send(simulator.address, "", Message(caption, media=(picture,)), 1)
        (arrived,) = simulator.arrived(simulator.address)
        assert arrived.text == caption
        assert arrived.media.endswith("picture.jpg")

    async def test_a_caption_over_the_limit_is_rejected(self, messenger, simulator, shop_folder):
        can = messenger.capabilities_of(messenger.account)
        picture = simulator.media(shop_folder / "templates" / "new-collection" / "picture.jpg")
        caption = filled(can.unit, can.caption_limit, wide=True) + "x"
        with pytest.raises(Rejected):
            await messenger.send(simulator.address, "", Message(caption, media=(picture,)), 1)
        assert simulator.arrived(simulator.address) == []

    async def test_unknown_people_have_no_valid_address(self, messenger, simulator):
        with pytest.raises(AddressInvalid):
            await messenger.send(simulator.unknown_address, "", Message("News"), 1)

    async def test_who_stopped_us_gets_nothing(self, messenger, simulator):
        await messenger.send(simulator.address, "", Message("first"), 1)
        simulator.block(simulator.address)
        with pytest.raises(simulator.blocked_error):
            await messenger.send(simulator.address, "", Message("second"), 2)
        assert [one.text for one in simulator.arrived(simulator.address)] == ["first"]

    async def test_a_named_wait_is_told_and_nothing_is_sent(self, messenger, simulator):
        seconds, whole_account = simulator.throttle()
        with pytest.raises(Throttled) as caught:
            await messenger.send(simulator.address, "", Message("News"), 1)
        assert (caught.value.retry_after, caught.value.whole_account) == (seconds, whole_account)
        assert simulator.arrived(simulator.address) == []

    async def test_a_limited_account_is_told_from_a_bad_address(self, messenger, simulator):
        simulator.stop_account()
        with pytest.raises(AccountStopped) as caught:
            await messenger.send(simulator.address, "", Message("News"), 1)
        assert caught.value.remote_code

    async def test_refused_content_is_rejected(self, messenger, simulator):
        simulator.refuse_content()
        with pytest.raises(Rejected):
            await messenger.send(simulator.address, "", Message("News"), 1)

    async def test_a_lost_login_says_how_to_log_in_again(self, kind, account, messenger, simulator):
        simulator.revoke()
        with pytest.raises(LoginLost) as caught:
            await messenger.send(simulator.address, "", Message("News"), 1)
        assert f"vipcast account add {account.name}" in caught.value.hint
        again = kind(account)
        with pytest.raises(LoginLost):
            await again.open()
        await again.close()

    async def test_a_server_out_of_reach_is_unreachable(self, kind, account, simulator):
        simulator.stop_server()
        messenger = kind(account)
        try:
            with pytest.raises(Unreachable):
                await messenger.open()
        finally:
            await messenger.close()

    @pytest.mark.parametrize(("fault", "carried_out"), [("drop_before", 0), ("drop_after", 1)])
    async def test_a_dropped_connection_never_doubles(
        self, messenger, simulator, sandbox, fault, carried_out
    ):
        await messenger.send(simulator.other_address, "", Message("warm"), 1)
        sandbox.faults.add(simulator.request, fault)
        if messenger.capabilities.idempotent:
            await messenger.send(simulator.address, "", Message("News"), 2)
            assert [one.text for one in simulator.arrived(simulator.address)] == ["News"]
        else:
            with pytest.raises(OutcomeUnknown):
                await messenger.send(simulator.address, "", Message("News"), 2)
            assert len(simulator.arrived(simulator.address)) == carried_out

    async def test_the_same_key_is_one_message_where_the_messenger_has_keys(self, messenger, simulator):
        for _ in range(3):
            await messenger.send(simulator.address, "", Message("News"), -(2**63))
        await messenger.send(simulator.address, "", Message("News"), 2**63 - 1)
        expected = 2 if messenger.capabilities.idempotent else 4
        assert len(simulator.arrived(simulator.address)) == expected

    async def test_different_people_may_share_a_key(self, messenger, simulator):
        for address in (simulator.address, simulator.other_address):
            await messenger.send(address, "", Message("News"), 7)
            assert len(simulator.arrived(address)) == 1

    async def test_no_secret_and_no_text_is_ever_logged(self, messenger, simulator, sandbox, caplog):
        text = "what only Anna may read"
        with caplog.at_level(logging.DEBUG):
            await messenger.open()
            await messenger.send(simulator.address, "", Message(text), 1)
            for fault in ("drop_before", "drop_after", "error"):
                sandbox.faults.add(simulator.request, fault, code=400, text="SOMETHING_NEW")
                try:
                    await messenger.send(simulator.address, "", Message(text), 2)
                except SendError as error:
                    logging.getLogger("vipcast.test").warning("refused", exc_info=error)
            await messenger.close()
        assert simulator.secrets
        for hidden in (*simulator.secrets, text):
            assert hidden not in caplog.text

    async def test_a_reply_to_nothing_and_choices_never_stop_a_message(self, messenger, simulator):
        message = Message("Blue or red?", reply_to="4711", choices=("Blue", "<Red> & co"))
        await messenger.send(simulator.address, "", message, 1)
        assert [one.text for one in simulator.arrived(simulator.address)] == ["Blue or red?"]

    async def test_who_cannot_says_so(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        can = messenger.capabilities_of(messenger.account).recalls
        assert can <= set(DEEDS)
        for deed in set(DEEDS) - can:
            with pytest.raises(Rejected) as caught:
                await recall(messenger, deed, simulator, sent.remote_id)
            assert messenger.name in caught.value.message
        assert [one.text for one in simulator.arrived(simulator.address)] == ["News"]

    @pytest.mark.usefixtures("simulator")
    async def test_what_is_no_content_is_not_fetched(self, messenger, tmp_path):
        for ref in ("", "nonsense", "[1]", "\0"):
            with pytest.raises(Rejected):
                await messenger.fetch(ref, tmp_path / "x.jpg")
        assert list(tmp_path.glob("x.*")) == []

    @pytest.mark.usefixtures("simulator")
    async def test_an_account_in_no_group_has_none(self, messenger):
        assert await messenger.chats() == []

    def test_every_kind_of_media_has_a_limit(self, kind, account):
        for can in (kind.capabilities, kind.capabilities_of(account)):
            assert set(can.media_bytes) == can.media_kinds
            assert can.caption_kinds <= can.media_kinds

    @pytest.mark.usefixtures("simulator")
    async def test_close_is_safe_twice_and_before_opening(self, kind, account):
        never_opened = kind(account)
        await never_opened.close()
        opened = kind(account)
        await opened.open()
        await opened.close()
        await opened.close()


RECALLERS = sorted(name for name, one in MESSENGERS.items() if one.capabilities.recalls)
DEEDS = ("edit", "delete")


async def recall(messenger, deed, simulator, remote_id, peer=""):
    if deed == "delete":
        await messenger.take_back(simulator.address, peer, remote_id)
    else:
        await messenger.edit(simulator.address, peer, remote_id, Message("Better news"))


@pytest.mark.parametrize("kind", RECALLERS, indirect=True)
class TestRecalls:
    async def test_a_message_is_deleted_for_both_sides_and_again_is_no_error(self, messenger, simulator):
        kept = await messenger.send(simulator.address, "", Message("kept"), 1)
        sent = await messenger.send(simulator.address, "", Message("News"), 2)
        for peer in (sent.peer or kept.peer, "", sent.peer):
            await messenger.take_back(simulator.address, peer, sent.remote_id)
            assert [one.text for one in simulator.arrived(simulator.address)] == ["kept"]

    @pytest.mark.parametrize("text", TEXTS)
    async def test_a_text_is_edited_and_the_same_again_is_no_error(self, messenger, simulator, text):
        bold = Message("old and bold", (Span("bold", 0, 3),))
        sent = await messenger.send(simulator.address, "", bold, 1)
        for _ in range(2):
            await messenger.edit(simulator.address, sent.peer, sent.remote_id, Message(text))
            assert [one.text for one in simulator.arrived(simulator.address)] == [text]

    async def test_a_caption_is_edited_and_the_picture_stays(self, messenger, simulator, shop_folder):
        picture = simulator.media(shop_folder / "templates" / "new-collection" / "picture.jpg")
        sent = await messenger.send(simulator.address, "", Message("old", media=(picture,)), 1)
        for text in ("new", ""):
            await messenger.edit(simulator.address, "", sent.remote_id, Message(text, media=(picture,)))
            (arrived,) = simulator.arrived(simulator.address)
            assert (arrived.text, arrived.media.endswith("picture.jpg")) == (text, True)

    async def test_an_album_is_one_message_to_take_back_and_to_edit(self, messenger, simulator, shop_folder):
        picture = simulator.media(shop_folder / "templates" / "new-collection" / "picture.jpg")
        album = (picture,) * min(3, messenger.capabilities.album_limit)
        before = await messenger.send(simulator.address, "", Message("before"), 1)
        sent = await messenger.send(simulator.address, "", Message("old", media=album), 2)
        await messenger.send(simulator.address, "", Message("after"), 3)
        await messenger.edit(simulator.address, "", sent.remote_id, Message("new", media=album))
        texts = [one.text for one in simulator.arrived(simulator.address)]
        assert texts == ["before", "new", *[""] * (len(album) - 1), "after"]
        # One part more than there are: what stands beside the album is not part of it.
        for _ in range(2):
            await messenger.take_back(simulator.address, "", sent.remote_id, parts=len(album) + 1)
            assert [one.text for one in simulator.arrived(simulator.address)] == ["before", "after"]
        await messenger.take_back(simulator.address, "", before.remote_id)
        assert [one.text for one in simulator.arrived(simulator.address)] == ["after"]

    async def test_what_is_gone_cannot_be_edited(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        await messenger.take_back(simulator.address, "", sent.remote_id)
        with pytest.raises(Rejected) as caught:
            await messenger.edit(simulator.address, "", sent.remote_id, Message("Better"))
        assert "not there" in caught.value.words

    async def test_a_number_that_stands_in_another_chat_is_left_alone(self, messenger, simulator):
        sent = await messenger.send(simulator.other_address, "", Message("private"), 1)
        with pytest.raises(Rejected):
            await messenger.take_back(simulator.address, "", sent.remote_id)
        with pytest.raises(Rejected):
            await messenger.edit(simulator.address, "", sent.remote_id, Message("x"))
        assert [one.text for one in simulator.arrived(simulator.other_address)] == ["private"]

    @pytest.mark.parametrize("remote_id", ["", "x", "-1", "1.5", "²", "7@9"])
    async def test_what_is_no_number_is_rejected(self, messenger, simulator, remote_id):
        for deed in DEEDS:
            with pytest.raises(Rejected):
                await recall(messenger, deed, simulator, remote_id)

    async def test_who_blocked_us_has_it_taken_back(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        simulator.block(simulator.address)
        await messenger.take_back(simulator.address, sent.peer, sent.remote_id)
        assert simulator.arrived(simulator.address) == []

    async def test_a_named_wait_and_a_refusal_are_told_and_nothing_changes(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        seconds = simulator.throttle_recalls()
        for deed in DEEDS:
            with pytest.raises(Throttled) as caught:
                await recall(messenger, deed, simulator, sent.remote_id)
            assert caught.value.retry_after == seconds
        simulator.refuse_recalls()
        for deed in DEEDS:
            with pytest.raises(Rejected) as refused:
                await recall(messenger, deed, simulator, sent.remote_id)
            assert refused.value.remote_code
        assert [one.text for one in simulator.arrived(simulator.address)] == ["News"]

    async def test_a_lost_login_is_told(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        simulator.revoke()
        for deed in DEEDS:
            with pytest.raises(LoginLost):
                await recall(messenger, deed, simulator, sent.remote_id)

    async def test_a_server_out_of_reach_is_told(self, messenger, simulator):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        simulator.stop_server()
        for deed in DEEDS:
            with pytest.raises((Unreachable, OutcomeUnknown)):
                await recall(messenger, deed, simulator, sent.remote_id)

    @pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
    async def test_a_dropped_connection_is_repeated_without_harm(self, messenger, simulator, sandbox, fault):
        sent = await messenger.send(simulator.address, "", Message("News"), 1)
        for deed, request, left in (
            ("edit", simulator.edit_request, ["Better news"]),
            ("delete", simulator.delete_request, []),
        ):
            sandbox.faults.add(request, fault)
            try:
                await recall(messenger, deed, simulator, sent.remote_id)
            except (Unreachable, OutcomeUnknown):
                await recall(messenger, deed, simulator, sent.remote_id)
            assert [one.text for one in simulator.arrived(simulator.address)] == left

    async def test_no_text_is_logged(self, messenger, simulator, caplog):
        text = "what only Anna may read"
        with caplog.at_level(logging.DEBUG):
            sent = await messenger.send(simulator.address, "", Message("News"), 1)
            await messenger.edit(simulator.address, "", sent.remote_id, Message(text))
            await messenger.take_back(simulator.address, "", sent.remote_id)
        assert text not in caplog.text


class TestAddresses:
    def test_a_good_address_has_one_spelling(self, kind):
        for address in SIMULATORS[kind.name].good_addresses:
            once = kind.normalise_address(address)
            assert kind.normalise_address(once) == once

    def test_a_bad_address_is_refused_in_words(self, kind):
        for address in SIMULATORS[kind.name].bad_addresses:
            with pytest.raises(AddressInvalid) as caught:
                kind.normalise_address(address)
            assert caught.value.hint

    def test_spellings_of_one_telegram_name_are_one_address(self):
        spellings = ("@Anna_K", "anna_k", "https://t.me/Anna_K", "t.me/anna_k/", "HTTPS://T.ME/anna_k")
        assert {MESSENGERS["telegram"].normalise_address(text) for text in spellings} == {"@anna_k"}


WEBHOOKS = sorted(name for name, one in MESSENGERS.items() if one.capabilities.inbound == "webhook")
SIGNATURES = {"viber": "X-Viber-Content-Signature"}


@pytest.mark.parametrize("kind", WEBHOOKS, indirect=True)
class TestWebhooks:
    BODY = '{"event": "delivered", "timestamp": 1700000000123, "user_id": "Ő==", "message_token": 5}'.encode()

    def sign(self, account, body):
        return hmac.new(account.token.reveal().encode(), body, hashlib.sha256).hexdigest()

    def test_a_signed_call_is_genuine_whatever_the_case_of_the_header(self, kind, account):
        header, signature = SIGNATURES[kind.name], self.sign(account, self.BODY)
        for name in (header, header.lower(), header.upper()):
            assert kind(account).verify({"Host": "x", name: signature}, self.BODY)

    def test_a_forged_call_is_refused(self, kind, account):
        header, signature = SIGNATURES[kind.name], self.sign(account, self.BODY)
        messenger = kind(account)
        assert not messenger.verify({header: signature}, self.BODY + b" ")
        assert not messenger.verify({header: signature[:-1]}, self.BODY)
        assert not messenger.verify({header: signature.upper()}, self.BODY)
        assert not messenger.verify({header: "őű"}, self.BODY)
        assert not messenger.verify({header: ""}, self.BODY)
        assert not messenger.verify({}, self.BODY)
        other = kind(with_other_token(account, "another-token"))
        assert not other.verify({header: signature}, self.BODY)

    def test_without_a_token_nothing_is_genuine(self, kind, account):
        bare = kind(msgspec.structs.replace(account, token=None))
        empty = hmac.new(b"", self.BODY, hashlib.sha256).hexdigest()
        assert not bare.verify({SIGNATURES[kind.name]: empty}, self.BODY)

    def test_a_receipt_is_read(self, kind, account):
        (event,) = kind(account).parse(self.BODY)
        assert (event.kind, event.address, event.remote_id) == (EventKind.DELIVERED, "Ő==", "5")
        assert event.at.isoformat() == "2023-11-14T22:13:20.123000+00:00"

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"\xff\xfe", b"no json", b"[]", b"null", b"5", b"{}", b'{"event": "novelty"}',
            b'{"event": ["seen"], "user": 5, "message": "x", "timestamp": "late"}',
            b'{"event": "message", "sender": [], "message": null, "timestamp": null}',
        ],
    )  # fmt: skip
    def test_an_odd_call_is_an_event_of_no_known_kind(self, kind, account, body):
        (event,) = kind(account).parse(body)
        assert event.kind in (EventKind.OTHER, EventKind.MESSAGE)
        assert event.at.tzinfo is not None

    @pytest.mark.parametrize("stamp", [1e300, -1e300, 10**20, -(10**20), float("nan"), float("inf")])
    def test_an_impossible_time_does_not_lose_the_event(self, kind, account, stamp):
        body = json.dumps({"event": "seen", "user_id": "abcdef==", "message_token": 5, "timestamp": stamp})
        (event,) = kind(account).parse(body.encode())
        assert event.remote_id == "5"
        assert event.at.tzinfo is not None
