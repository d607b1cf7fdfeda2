"""What is said outside announcements, in the ledger: once for each purpose, in a lane of its own."""

from __future__ import annotations

import pytest
from conversation_steps import ANNA, QUESTION, Talks, add_anna
from ledger_steps import claim
from support import START, add_group, announce

from vipcast.delivery import ledger
from vipcast.delivery.lease import Lane, acquire
from vipcast.delivery.talk import Kind, Saying, accounts_due, body_of, note_said, say
from vipcast.messengers.base import Media, Message, OutcomeUnknown, Rejected, Span, Throttled
from vipcast.shop import new_message_key


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


@pytest.fixture(autouse=True)
def anna(shop):
    return add_anna(shop)


def saying(**values):
    known = {"kind": Kind.ANSWER, "account": "news", "messenger": "telegram", "address": ANNA}
    return Saying(**known | {"message": Message("Yes.")} | values)


def put(talks, one):
    with talks.shop.database.write() as connection:
        return say(connection, one, new_key=new_message_key, now=talks.clock.now())


class TestQueueing:
    def test_it_is_queued_whole(self, talks, anna):
        message = Message(
            "Yes, *blue*.", (Span("bold", 5, 4),), (Media("picture", "b.jpg", 9, "/b.jpg"),), "12", ("A",)
        )
        number = put(
            talks, saying(message=message, member_id=anna, author="Éva", purpose="answer:1", language="en")
        )
        row = talks.row(number)
        assert (row.state, row.kind, row.planned_at, row.announcement_id) == ("queued", "answer", START, None)
        assert (row.account, row.messenger, row.address, row.member_id) == ("news", "telegram", ANNA, anna)
        assert (row.author, row.language, row.purpose) == ("Éva", "en", "answer:1")
        assert row.message_key != 0
        assert body_of(row.body) == message

    def test_a_purpose_is_served_once(self, talks):
        assert put(talks, saying(purpose="answer:1")) is not None
        assert put(talks, saying(purpose="answer:1", message=Message("Other words"))) is None
        assert put(talks, saying(purpose="answer:2")) is not None
        assert len(talks.said()) == 2

    def test_without_a_purpose_everything_is_said(self, talks):
        assert None not in {put(talks, saying()), put(talks, saying())}
        assert len({row.message_key for row in talks.said()}) == 2

    def test_what_was_said_by_hand_is_sent_already(self, talks):
        with talks.shop.database.write() as connection:
            one = saying(purpose="written:1")
            values = {"said_at": START, "new_key": new_message_key, "now": talks.clock.now()}
            assert note_said(connection, one, "77", **values) is not None
            assert note_said(connection, one, "77", **values) is None
        (row,) = talks.said()
        assert (row.state, row.remote_id, row.sent_at, row.attempts) == ("sent", "77", START, 0)
        assert talks.speak() == []

    def test_a_forgotten_body_is_an_empty_message(self):
        assert body_of("") == Message("")

    def test_the_accounts_with_something_to_say(self, talks):
        put(talks, saying())
        put(talks, saying(account="viber", messenger="viber", address="x"))
        with talks.shop.database.read() as connection:
            assert accounts_due(connection) == {"news", "viber"}
        talks.speak()
        with talks.shop.database.read() as connection:
            assert accounts_due(connection) == set()


class TestTheLane:
    def test_each_lane_sends_its_own_alone(self, talks, shop, anna):
        add_group(shop, "All", [anna])
        announcement = announce(shop, ["All"])
        put(talks, saying())
        with (
            acquire(shop.database, shop.locks, "news", shop.clock) as news,
            acquire(shop.database, shop.locks, "news", shop.clock, Lane.TALK) as talk,
        ):
            of_news = ledger.Ledger(shop.database, news, ledger.Scope("news", repeats_unknown=True))
            scope = ledger.Scope("news", repeats_unknown=True, lane=Lane.TALK)
            of_talk = ledger.Ledger(shop.database, talk, scope)
            (said,) = claim(shop, of_talk, 9)
            (announced,) = claim(shop, of_news, 9)
        assert talks.row(said.id).kind == "answer"
        assert talks.row(announced.id).announcement_id == announcement.id

    def test_who_opted_out_is_answered_all_the_same(self, talks):
        talks.hears(ANNA, "STOP")
        talks.hears(ANNA, QUESTION)
        talks.go_on(5)
        talks.desk_writes("Yes, we do.", talks.relay_id(), raw={"is_own": True})
        talks.go_on()
        assert {row.state for row in talks.said()} == {"sent"}

    @pytest.mark.parametrize(("account", "state"), [("news", "sent"), ("viber", "unknown")])
    def test_a_death_while_sending_repeats_only_what_may_be_repeated(self, talks, account, state):
        number = put(talks, saying(account=account, messenger=account, address=ANNA))
        talks.speak(lose=True)
        assert talks.row(number).state == "sending"
        with talks.shop.database.read() as connection:
            assert accounts_due(connection) == {account}
        talks.speak()
        assert talks.row(number).state == state

    def test_a_throttled_answer_waits_and_keeps_its_key(self, talks):
        number = put(talks, saying())
        key = talks.row(number).message_key
        talks.speak(error=Throttled("slowly", retry_after=30))
        assert talks.row(number).state == "queued"
        assert talks.speak() == []
        talks.clock.advance(31)
        assert [one.message_key for one in talks.speak()] == [key]
        assert talks.row(number).state == "sent"

    @pytest.mark.parametrize(
        ("error", "state"), [(Rejected("no"), "failed"), (OutcomeUnknown("?"), "unknown")]
    )
    def test_what_came_of_it_stands_there(self, talks, error, state):
        number = put(talks, saying(account="viber", messenger="viber", address="x"))
        talks.speak(error=error)
        assert (talks.row(number).state, talks.row(number).attempts) == (state, 1)
        assert talks.speak() == []
