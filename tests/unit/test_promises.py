"""Promises: made while a question waits, kept by an answer that was accepted, broken by a late one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_steps import ANNA, ANNA_ON_VIBER, NOBODY, PARKING, QUESTION, Talks, add_anna
from support import START

from vipcast.conversations import promises, records
from vipcast.messengers.base import EventKind, OutcomeUnknown, Rejected, Unreachable

NEVER_OPEN = {"mon-fri": "closed", "dates": {"2027-06-01": "9:00-12:00"}}


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


@pytest.fixture(autouse=True)
def anna(shop):
    return add_anna(shop)


def at(hours):
    return START + timedelta(hours=hours)


def note(talks, kind, *, when=None):
    with talks.shop.database.write() as connection:
        now = talks.clock.now()
        talk = records.get(connection, talks.one().id)
        records.note(connection, talk, kind, "Told her everything.", at=when or now, author="Éva", now=now)
        promises.settle(connection, talks.setting.hours)


def answer(talks, text="Yes, we do."):
    return talks.desk_writes(text, talks.relay_id(), raw={"is_own": True})


class TestMaking:
    def test_it_is_made_once_while_a_question_waits(self, talks):
        talks.hears(ANNA)
        talks.clock.advance(600)
        talks.hears(ANNA, "And in red?")
        talks.hears(ANNA_ON_VIBER, "Hello?")
        (one,) = talks.promised()
        assert (one.made_at, one.due_at, one.state) == (START, at(2), "open")
        assert talks.one().waiting_since == START

    def test_out_of_hours_it_counts_from_the_opening(self, talks):
        talks.clock.advance(9 * 3600)
        talks.hears(ANNA)
        assert talks.promised()[0].due_at == at(24.5)  # Tuesday 11:00 in Budapest

    @pytest.mark.parametrize("hours", [{}, NEVER_OPEN], ids=["no hours", "nothing opens"])
    def test_where_no_time_can_be_named_none_is_promised(self, shop, hours):
        talks = Talks(shop, "me", hours=hours)
        talks.hears(ANNA)
        assert talks.promised() == []
        assert talks.one().waiting_since == START
        talks.go_on(5)
        answer(talks)
        talks.go_on()
        assert talks.one().waiting_since is None

    @pytest.mark.parametrize(
        ("text", "more"),
        [(PARKING, {}), ("thank you", {}), ("STOP", {}), ("I am away.", {"is_automatic": True})],
    )
    def test_what_needs_no_answer_gets_no_promise(self, talks, text, more):
        talks.hears(ANNA, text, **more)
        assert talks.promised() == []


class TestKeeping:
    def test_a_queued_answer_keeps_nothing_an_accepted_one_does(self, talks):
        talks.hears(ANNA)
        talks.go_on(30)
        answer(talks)
        talks.upkeep()
        assert talks.promise_states() == ["open"]
        assert talks.one().answered_at is None
        talks.clock.advance(60)
        talks.go_on()
        (one,) = talks.promised()
        assert (one.state, one.settled_at) == ("kept", START + timedelta(minutes=31))
        assert (talks.one().waiting_since, talks.one().answered_at) == (None, one.settled_at)

    def test_a_late_answer_breaks_it(self, talks):
        talks.hears(ANNA)
        talks.go_on(119)
        answer(talks)  # written in time, but
        talks.speak(error=Unreachable("no network"), kinds=("answer",))
        talks.clock.advance(120)
        talks.go_on()
        assert talks.promise_states() == ["broken"]

    def test_an_answer_at_the_very_minute_keeps_it(self, talks):
        talks.hears(ANNA)
        talks.go_on(120)
        answer(talks)
        talks.go_on()
        assert talks.promise_states() == ["kept"]

    def test_a_question_after_the_answer_waits_anew_with_its_own_promise(self, talks):
        talks.hears(ANNA)
        talks.go_on(10)
        answer(talks)
        talks.clock.advance(60)
        talks.hears(ANNA, "And what does it cost?")  # before the answer went out
        talks.clock.advance(60)
        talks.go_on(10)
        assert talks.promise_states() == ["kept", "open"]
        assert talks.one().waiting_since == START + timedelta(minutes=11)
        assert talks.promised()[1].due_at == at(2.5) + timedelta(minutes=11)  # lunch lies between
        answer(talks, "9000.")
        talks.go_on()
        assert talks.promise_states() == ["kept", "kept"]
        assert talks.one().waiting_since is None

    def test_an_automatic_answer_or_a_relay_is_none(self, talks):
        talks.hears(ANNA)
        talks.go_on(5)
        assert talks.promise_states() == ["open"]

    @pytest.mark.parametrize("error", [Rejected("no"), OutcomeUnknown("no answer")])
    def test_an_answer_that_was_not_accepted_is_none(self, talks, error):
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(5)
        answer(talks)
        talks.speak(error=error, kinds=("answer",))
        talks.upkeep()
        assert talks.promise_states() == ["open"]

    @pytest.mark.parametrize(("kind", "state"), [("call", "kept"), ("visit", "kept"), ("note", "open")])
    def test_a_phone_call_counts_a_note_does_not(self, talks, kind, state):
        talks.hears(ANNA)
        talks.go_on(30)
        note(talks, kind)
        assert talks.promise_states() == [state]
        assert (talks.one().waiting_since is None) == (state == "kept")

    def test_a_call_noted_late_counts_at_its_own_time(self, talks):
        talks.hears(ANNA)
        talks.go_on(300)
        note(talks, "call", when=at(1))
        (one,) = talks.promised()
        assert (one.state, one.settled_at) == ("kept", at(1))

    def test_a_call_from_before_the_question_settles_nothing_however_often_one_looks(self, talks):
        talks.hears(ANNA)
        talks.go_on(30)
        note(talks, "call", when=at(-1))
        for _ in range(3):
            talks.upkeep()
        assert talks.promise_states() == ["open"]
        assert talks.one().waiting_since == START

    def test_a_call_counts_for_a_question_that_was_read_here_only_after_it(self, talks):
        asked = talks.event("message", ANNA, QUESTION)
        talks.clock.advance(5 * 3600)  # nobody listened meanwhile
        talks.take(asked, "news")
        talks.clock.advance(60)
        talks.hears(ANNA, "And in red?")
        note(talks, "call", when=at(1))
        for _ in range(3):
            talks.upkeep()
        kept, still_open = talks.promised()
        assert (kept.state, kept.settled_at, still_open.state) == ("kept", at(5), "open")
        assert talks.one().waiting_since == at(5) + timedelta(minutes=1)

    def test_an_answer_by_hand_counts_when_it_was_written(self, talks):
        talks.hears(ANNA)
        talks.go_on(30)
        by_hand = talks.event("written", ANNA, "Yes, we do.")
        talks.clock.advance(5 * 3600)  # nobody listened meanwhile
        assert talks.take(by_hand, "news")
        (one,) = talks.promised()
        assert (one.state, one.settled_at) == ("kept", by_hand.at)

    def test_an_answer_by_hand_that_was_read_with_its_question_settles_it(self, talks):
        asked = talks.event("message", ANNA, QUESTION)
        by_hand = talks.event("written", ANNA, "Yes, we do.", at=at(1))
        talks.clock.advance(5 * 3600)
        talks.take(asked, "news")
        talks.clock.advance(1)
        assert talks.take(by_hand, "news")
        assert talks.promise_states() == ["kept"]
        assert talks.one().waiting_since is None

    def test_a_question_to_two_of_the_shops_accounts_is_one(self, talks):
        talks.hears(NOBODY)
        talks.hears(NOBODY, account="support")
        assert len(talks.all()) == 1
        assert talks.promise_states() == ["open"]


class TestFailingAfterwards:
    def test_an_answer_that_failed_after_all_lets_the_promise_stand_again(self, talks):
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(5)
        answer(talks)
        talks.go_on(5)
        assert talks.promise_states() == ["kept"]
        (sent,) = talks.said("answer")
        talks.hears(ANNA_ON_VIBER, "not delivered", kind=EventKind.FAILED, number=sent.remote_id)
        talks.upkeep()
        talks.upkeep()
        assert talks.promise_states() == ["open"]
        assert talks.one().waiting_since is not None
        assert len(talks.said("notice")) == 1
        talks.go_on(180)
        answer(talks, "Once more: yes.")
        talks.go_on()
        assert talks.promise_states() == ["broken"]
        assert talks.one().waiting_since is None

    def test_even_a_closed_conversation_waits_again(self, talks):
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(5)
        answer(talks)
        talks.go_on(5)
        talks.close()
        (sent,) = talks.said("answer")
        talks.hears(ANNA_ON_VIBER, "not delivered", kind=EventKind.FAILED, number=sent.remote_id)
        talks.upkeep()
        assert (talks.one().closed_at, talks.promise_states()) == (None, ["open"])


class TestEnding:
    def test_in_time_it_is_closed_afterwards_broken(self, talks):
        talks.hears(ANNA)
        talks.clock.advance(600)
        talks.close()
        assert talks.promise_states() == ["closed"]
        assert talks.one().waiting_since is None
        talks.hears(ANNA)
        talks.clock.advance(5 * 3600)
        talks.close()
        assert talks.promise_states() == ["closed", "broken"]

    def test_a_message_after_it_makes_a_new_one(self, talks):
        talks.hears(ANNA)
        talks.close()
        talks.clock.advance(60)
        talks.hears(ANNA, "Wait, one more thing?")
        assert talks.promise_states() == ["closed", "open"]
        assert talks.one().closed_at is None

    def test_they_are_counted(self, talks):
        assert talks.counts() == {"due": 0, "overdue": 0, "kept": 0, "broken": 0, "closed": 0}
        talks.hears(ANNA)
        talks.hears(NOBODY)
        talks.go_on(30)
        answer(talks)  # of nobody's
        talks.go_on(95)
        assert talks.counts() == {"due": 0, "overdue": 1, "kept": 1, "broken": 0, "closed": 0}
        with talks.shop.database.read() as connection:
            found = promises.everything(connection, limit=10)
            assert promises.everything(connection, limit=1) == found[:1]
        assert [(one.name, one.standing(talks.clock.now())) for one in found] == [
            ("Kovács Anna", "overdue"),
            ("", "kept"),
        ]
        talks.hears("@third_person")
        assert talks.counts()["due"] == 1


class TestNudging:
    def test_once_before_it_lapses_and_once_after(self, talks):
        talks.hears(ANNA)
        talks.go_on(80)
        assert talks.upkeep() == ([], [])
        talks.clock.advance(11 * 60)
        soon, late = talks.upkeep()
        assert ([one.name for one in soon], late) == (["Kovács Anna"], [])
        assert talks.upkeep() == ([], [])
        talks.clock.advance(30 * 60)
        soon, late = talks.upkeep()
        assert (soon, [one.name for one in late]) == ([], ["Kovács Anna"])
        assert talks.upkeep() == ([], [])
        assert [row.purpose for row in talks.said("notice")] == ["nudge:1", "overdue:1"]
        assert "by 12:30" not in talks.texts("notice")[0]  # the desk reads the shop's language
        assert "12:30-ig" in talks.texts("notice")[0]

    def test_nobody_is_nudged_while_the_shop_is_closed(self, talks):
        talks.clock.advance(1.25 * 3600)  # 11:45; lunch from 12:30 to 13:00; due at 14:15
        talks.hears(ANNA)
        talks.clock.advance(8 * 3600)
        talks.hears(NOBODY)  # 19:45; due on Tuesday at 11:00
        talks.clock.advance(15 * 3600)  # 10:45 on Tuesday
        assert [one.name for one in talks.upkeep()[0]] == [""]
        talks = Talks(talks.shop, "me", hours={"mon-fri": "9:00-10:00, 10:59-18:00"})
        talks.clock.advance(24 * 3600 - 20 * 60)  # 10:25 on Wednesday: closed
        assert talks.upkeep()[0] == []

    def test_just_before_the_opening_nobody_is_nudged(self, shop):
        talks = Talks(shop, "me", hours={"mon-fri": "9:00-18:00", "reply_within": "5m"})
        talks.clock.advance(10 * 3600)
        talks.hears(ANNA)  # due on Tuesday at 9:05
        talks.clock.advance(12.45 * 3600)  # 8:57
        assert talks.upkeep() == ([], [])
        talks.clock.advance(4 * 60)
        assert len(talks.upkeep()[0]) == 1

    def test_at_the_terminal_it_is_told_once_too(self, shop):
        talks = Talks(shop)
        talks.hears(ANNA)
        talks.clock.advance(3 * 3600)
        assert len(talks.upkeep()[1]) == 1
        assert talks.upkeep() == ([], [])
        assert talks.said("notice") == []


class TestAClockThatIsSetBack:
    def test_an_answer_still_counts(self, talks):
        talks.hears(ANNA)
        talks.go_on()
        talks.clock.advance(-24 * 3600)
        answer(talks)
        talks.go_on()
        assert talks.one().waiting_since is None
        assert talks.promise_states() == ["kept"]

    def test_an_old_answer_does_not_count_for_a_new_question(self, talks):
        talks.hears(ANNA)
        talks.go_on()
        answer(talks)
        talks.go_on()
        talks.clock.advance(-600)
        talks.hears(ANNA, "And what does it cost?")
        talks.upkeep()
        assert talks.promise_states() == ["kept", "open"]
        talks.go_on(1)
        answer(talks, "9000.")
        talks.go_on()
        assert talks.promise_states() == ["kept", "kept"]
        assert talks.one().waiting_since is None

    def test_an_old_phone_call_does_not_count_either(self, talks):
        talks.hears(ANNA)
        note(talks, "call")
        talks.clock.advance(-600)
        talks.hears(ANNA, "And what does it cost?")
        talks.upkeep()
        assert talks.promise_states() == ["kept", "open"]

    def test_vipcast_is_not_silent_until_the_old_time_comes_again(self, talks):
        talks.hears(ANNA)
        talks.go_on()
        answer(talks)
        talks.go_on()
        talks.clock.advance(-30 * 24 * 3600)
        talks.hears(ANNA, "And what does it cost?")
        assert len(talks.said("automatic")) == 2

    def test_a_further_question_waits_no_longer_than_its_clock(self, talks):
        talks.hears(ANNA)
        talks.clock.advance(-3600)
        talks.hears(ANNA, "Hello?")
        assert talks.promise_states() == ["open"]
        assert talks.upkeep() == ([], [])
