"""A group's own chat: questions go private, complaints to the desk at once, and the others are left alone."""

from __future__ import annotations

import pytest
from conversation_steps import ANNA, EVA, NOBODY, PARKING, Talks, add_anna, set_row
from support import add_group

from vipcast.delivery.talk import body_of
from vipcast.storage.tables import groups

CHAT = "-100555"
ASKS = "Do you have it in blue?"
COMPLAINS = "This is terrible, the zip broke on the first day and nobody answers!"


@pytest.fixture
def anna(shop):
    return add_anna(shop)


@pytest.fixture
def talks(shop, anna):
    talks = Talks(shop, "me")
    group = add_group(shop, "Club", [anna])
    set_row(shop, groups, group.id, chat_account="news", chat=CHAT, mode="chat")
    return talks


def pointers(talks):
    return [row for row in talks.said("automatic") if row.address == CHAT]


class TestQuestions:
    def test_it_is_taken_over_in_private(self, talks, anna):
        asked = talks.hears(ANNA, ASKS, chat=CHAT)
        relay, private, pointer = talks.said()
        assert (relay.kind, relay.address) == ("relay", "me")
        assert (private.kind, private.address, private.account) == ("automatic", ANNA, "news")
        assert (pointer.kind, pointer.address) == ("automatic", CHAT)
        assert body_of(pointer.body).reply_to == asked.remote_id
        assert "https://t.me/regidivat_segit" in body_of(pointer.body).text
        assert (talks.one().member_id, talks.one().address) == (anna, ANNA)
        assert talks.promise_states() == ["open"]
        assert talks.handlings() == ["question"]

    def test_the_answer_is_private_too(self, talks):
        talks.hears(ANNA, ASKS, chat=CHAT)
        talks.go_on(1)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        assert talks.said("answer")[0].address == ANNA

    def test_one_pointer_an_hour(self, talks):
        talks.clock.advance(25 * 60)  # 9:55, so that a clock's hour ends in between
        for text in (ASKS, "And in red?", "How much is it?", "Are you open on Sunday?"):
            talks.hears(ANNA, text, chat=CHAT)
            talks.hears(NOBODY, text, chat=CHAT, account="news")
            talks.clock.advance(10 * 60)
        assert len(pointers(talks)) == 1
        talks.clock.advance(21 * 60)
        talks.hears(ANNA, "Hello, is anybody there?", chat=CHAT)
        assert len(pointers(talks)) == 2

    def test_each_group_has_its_own(self, talks, shop):
        other = add_group(shop, "Other")
        set_row(shop, groups, other.id, chat_account="news", chat="-100556")
        talks.hears(ANNA, ASKS, chat=CHAT)
        talks.hears(ANNA, ASKS, chat="-100556")
        assert [row.address for row in talks.said("automatic") if row.address != ANNA] == [CHAT, "-100556"]

    def test_the_shops_own_pointer_is_used(self, talks, shop):
        path = shop.templates_folder / "replies" / "pointer.en.md"
        path.write_text("Psst, in private please.\n", encoding="utf-8")
        talks.hears(ANNA, ASKS, chat=CHAT)
        assert body_of(pointers(talks)[0].body).text == "Psst, in private please."

    def test_the_faq_does_not_speak_there(self, talks):
        talks.hears(ANNA, PARKING, chat=CHAT)
        assert talks.handlings() == ["question"]

    def test_the_same_message_twice_does_everything_once(self, talks):
        event = talks.hears(ANNA, ASKS, chat=CHAT)
        before = talks.said()
        assert talks.take(event, "news") is False
        assert talks.said() == before


class TestComplaints:
    def test_the_desk_is_told_at_once(self, talks):
        talks.hears(ANNA, COMPLAINS, chat=CHAT)
        (notice,) = talks.texts("notice")
        assert "Kovács Anna" in notice
        assert "Club" in notice
        assert COMPLAINS in talks.texts("relay")[0]
        assert talks.promise_states() == ["open"]


class TestTheOthers:
    @pytest.mark.parametrize("text", ["What a lovely dress!", "See you on Saturday.", "😍"])
    def test_talk_is_left_alone(self, talks, text):
        talks.hears(ANNA, text, chat=CHAT)
        assert (talks.said(), talks.all(), talks.handlings()) == ([], [], ["group"])

    @pytest.mark.parametrize("more", [{"raw": {"is_own": True}}, {"is_automatic": True}, {"kind": "edited"}])
    def test_our_own_and_automatic_words_are_none(self, talks, more):
        talks.hears(EVA, ASKS, chat=CHAT, account="news", **more)
        assert (talks.said(), talks.all(), talks.handlings()) == ([], [], ["group"])

    def test_another_account_in_the_same_chat_hears_nothing(self, talks):
        event = talks.event("message", ANNA, ASKS, chat=CHAT)
        assert talks.take(event, "support") is False
        assert talks.stored() == []

    def test_a_closed_groups_chat_is_none_of_ours(self, talks, shop):
        set_row(shop, groups, 1, closed_at=shop.now())
        event = talks.event("message", ANNA, ASKS, chat=CHAT)
        assert talks.take(event, "news") is False
        assert talks.stored() == []
