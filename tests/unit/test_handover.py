"""What reaches the desk, whatever is odd about it: marks, copies, edits, groups, desks that come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_steps import ANNA, ANNA_ON_VIBER, EVA, PARKING, QUESTION, TEAM, Talks, add_anna
from sqlalchemy import update
from support import add_group, announce, rows

from vipcast.conversations.desk_wording import HEADER, NOTICE
from vipcast.conversations.upkeep import Upkeep
from vipcast.delivery.talk import body_of
from vipcast.messengers.base import Rejected
from vipcast.shop import Shop
from vipcast.shop_desk import setting_of
from vipcast.storage.tables import deliveries, groups

CHAT = "-1009876543210"


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


@pytest.fixture
def anna(shop):
    return add_anna(shop)


@pytest.mark.parametrize("desk", ["me", TEAM])
@pytest.mark.parametrize("mark", [NOTICE, HEADER])
def test_a_reply_that_begins_with_our_marks_reaches_the_member(shop, desk, mark):
    talks = Talks(shop, desk)
    talks.hears(ANNA)
    talks.speak()
    talks.desk_writes(f"{mark}We are open on Monday.", talks.relay_id())
    assert talks.texts("answer")[0].startswith(f"{mark}We are open on Monday.")


def test_the_news_sent_back_is_shown_to_the_desk_and_answered_by_nobody_else(shop, talks, anna):
    add_group(shop, "gold", [anna])
    announcement = announce(shop, ["gold"])
    with shop.database.write() as connection:
        connection.execute(update(deliveries).values(state="sent", sent_at=shop.now(), remote_id="77"))
    (news,) = rows(shop, announcement)
    talks.hears(news.address, body_of(news.body).text, account=news.account)
    assert talks.handlings() == ["question"]
    assert len(talks.said("relay")) == 1
    assert talks.said("automatic") == []


@pytest.mark.usefixtures("anna")
def test_an_edit_of_what_the_faq_answered_is_read_again(talks):
    first = talks.hears(ANNA, PARKING)
    assert talks.handlings() == ["faq"]
    talks.hears(
        ANNA, "My bag was stolen in your shop!", kind="edited", reply_to=first.remote_id, number="x@1"
    )
    assert talks.handlings() == ["faq", "question"]
    assert len(talks.said("relay")) == 1


@pytest.mark.usefixtures("anna")
def test_an_edit_into_stop_opts_out(talks):
    first = talks.hears(ANNA, "hello")
    talks.hears(ANNA, "STOP", kind="edited", reply_to=first.remote_id, number="x@1")
    assert talks.handlings()[-1] == "consent"


@pytest.mark.usefixtures("anna")
def test_a_question_that_was_answered_by_hand_while_nobody_listened_gets_no_automatic_answer(talks):
    missed = talks.clock.now() - timedelta(hours=20)
    talks.hears(ANNA, at=missed)
    (waiting,) = talks.said("automatic")
    assert waiting.not_before == talks.clock.now() + timedelta(seconds=10)
    assert talks.written(ANNA, "Yes, we have.", at=missed + timedelta(hours=1))
    (skipped,) = talks.said("automatic")
    assert (skipped.state, skipped.reason) == ("skipped", "answered")


@pytest.mark.usefixtures("anna")
def test_a_fresh_question_is_answered_at_once(talks):
    talks.hears(ANNA)
    assert talks.said("automatic")[0].not_before is None


class TestGroups:
    @pytest.fixture
    def gold(self, shop, anna):
        add_group(shop, "gold", [anna])
        with shop.database.write() as connection:
            connection.execute(update(groups).values(chat_account="news", chat=CHAT))

    @pytest.mark.usefixtures("gold")
    def test_what_is_said_in_the_groups_own_name_opens_no_talk(self, talks):
        talks.take(talks.event("message", CHAT, "Who comes on Sunday?", chat=CHAT), "news")
        assert talks.handlings() == ["group"]
        assert talks.said() == []

    @pytest.mark.usefixtures("gold")
    def test_a_question_in_a_group_moves_no_private_talk(self, talks):
        talks.hears(ANNA_ON_VIBER)
        talks.take(talks.event("message", ANNA, "And when do you open?", chat=CHAT), "news")
        talks.speak()
        talks.desk_writes("Yes, in 40.", talks.relay_id())
        (answer,) = talks.said("answer")
        assert (answer.account, answer.address) == ("viber", ANNA_ON_VIBER)

    @pytest.mark.usefixtures("gold")
    def test_who_wants_a_person_keeps_wanting_one(self, talks):
        talks.hears(ANNA, "A person, please")
        talks.take(talks.event("message", ANNA, "When do you open?", chat=CHAT), "news")
        assert talks.one().wants_person

    @pytest.mark.usefixtures("gold")
    def test_a_question_that_begins_with_our_mark_is_heard(self, talks):
        talks.take(talks.event("message", ANNA, f"{NOTICE}When do you open?", chat=CHAT), "news")
        assert talks.handlings() == ["question"]


class TestDesksThatComeAndGo:
    def upkeep(self, talks):
        return Upkeep(talks.setting)

    def test_what_never_reached_a_desk_is_brought_to_the_one_that_is_found(self, shop):
        at_terminal = Talks(shop)
        at_terminal.hears(ANNA)
        assert at_terminal.said("relay") == []
        talks = Talks(shop, "me")
        with shop.database.write() as connection:
            self.upkeep(talks).adopt(connection, talks.clock.now())
            self.upkeep(talks).adopt(connection, talks.clock.now())
        (relay,) = talks.said("relay")
        assert relay.address == "me"
        assert QUESTION in talks.texts("relay")[0]

    def test_what_a_dead_desk_refused_goes_to_the_next_one_and_is_told_meanwhile(self, shop):
        dead = Talks(shop, TEAM)
        dead.hears(ANNA)
        dead.speak(error=Rejected("no such chat", remote_code="PEER_ID_INVALID"), kinds=("relay",))
        with shop.database.read() as connection:
            lost, words = self.upkeep(dead).lost_at_desk(connection, dead.clock.now())
        assert (lost, words) == (1, "no such chat")
        talks = Talks(shop, "me")
        with shop.database.write() as connection:
            self.upkeep(talks).adopt(connection, talks.clock.now())
            assert self.upkeep(talks).lost_at_desk(connection, talks.clock.now()) == (0, "")
        (relay,) = talks.said("relay")
        assert (relay.address, relay.state) == ("me", "queued")

    def test_a_desks_title_is_never_a_strangers_name(self, shop_folder):
        path = shop_folder / "vipcast.toml"
        text = path.read_text(encoding="utf-8")
        for desk, address in (("Support", None), ("@support", "@support"), ("me", "me"), (TEAM, TEAM)):
            path.write_text(text.replace('# desk = "me" ', f'desk = "{desk}" #'), encoding="utf-8")
            with Shop.open(shop_folder, {}) as shop:
                place = setting_of(shop).desk
            assert (place.address if place else None) == address, desk


def test_a_reply_of_a_colleague_in_person_is_an_answer(shop):
    talks = Talks(shop, EVA)
    talks.hears(ANNA)
    talks.speak()
    talks.desk_writes("Yes.", talks.relay_id())
    assert len(talks.said("answer")) == 1
