"""Conversations in whatever order things happen: nothing twice, nothing lost, no promise for nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from conversation_steps import ANNA, ANNA_ON_VIBER, NOBODY, PARKING, TEAM, Talks, add_anna
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import FixedClock, make_shop_folder

from vipcast.conversations import records
from vipcast.conversations.hours import parse
from vipcast.conversations.promise import promise
from vipcast.members import roster
from vipcast.messengers.base import OutcomeUnknown, Rejected, Unreachable
from vipcast.shop import Shop

MONDAY = datetime(2026, 11, 23, 7, 45, tzinfo=UTC)  # a quarter of an hour before the shop opens
PEOPLE = (ANNA, ANNA_ON_VIBER, NOBODY)
ASKED = "Do you have it in a size {}?"
ERRORS = (Rejected("no"), OutcomeUnknown("no answer"), Unreachable("no network"))
STEPS = (0, 1, 30, 45 * 60, 3 * 3600, 15 * 3600, 24 * 3600, -600)  # seconds; the clock may be set back
# A shop that opens in three weeks names no time at all.
HOURS = (None, {}, {"mon-fri": "closed", "dates": {"2026-12-14": "9:00-12:00"}})


class Shopkeeping(RuleBasedStateMachine):
    @initialize(desk=st.sampled_from(["me", TEAM, ""]), hours=st.sampled_from(HOURS))
    def open_shop(self, desk, hours):
        self._folder = TemporaryDirectory()
        self.shop = Shop.open(make_shop_folder(Path(self._folder.name) / "shop"), {}, FixedClock(MONDAY))
        self.anna = add_anna(self.shop)
        self.talks = Talks(self.shop, desk, hours=hours)
        self.asked = 0
        self.replies = 0
        self.heard = []
        self.is_tied = False
        self.ceiling = self.talks.setting.automatic_per_day

    def teardown(self):
        if hasattr(self, "shop"):
            self.shop.close()
            self._folder.cleanup()

    # --- what may happen ---

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_asks(self, who):
        self.asked += 1
        self.heard.append((self.talks.hears(who, ASKED.format(self.asked)), who))

    @rule(
        who=st.sampled_from(PEOPLE),
        text=st.sampled_from([PARKING, "thank you", "STOP", "START", "a person, please", "😍", "", "/start"]),
    )
    def somebody_says_something_else(self, who, text):
        self.heard.append((self.talks.hears(who, text), who))

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def a_message_comes_again(self, data):
        event, who = data.draw(st.sampled_from(self.heard))
        before = self.talks.said()
        assert self.talks.take(event, "viber" if who == ANNA_ON_VIBER else "news") is False
        assert self.talks.said() == before

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def somebody_edits(self, data):
        event, who = data.draw(st.sampled_from(self.heard))
        self.talks.hears(who, event.text + " please", kind="edited", reply_to=event.remote_id)

    @rule()
    def all_is_sent(self):
        self.talks.speak()
        self.talks.upkeep()

    @rule(error=st.sampled_from(ERRORS), kinds=st.sampled_from([(), ("answer",), ("relay",)]))
    def something_is_not_sent(self, error, kinds):
        self.talks.speak(error=error, kinds=kinds)
        self.talks.upkeep()

    @rule()
    def the_program_dies_while_sending(self):
        self.talks.speak(lose=True)

    @rule()
    def upkeep(self):
        self.talks.upkeep()

    @precondition(lambda self: self.relays())
    @rule(data=st.data(), words=st.sampled_from(["Yes.", "Yes.", "/close", "/note Blue."]))
    def the_desk_replies(self, data, words):
        self.replies += 1
        row = data.draw(st.sampled_from(self.relays()))
        event = self.talks.desk_writes(words.replace("Yes.", f"Yes {self.replies}."), row.remote_id)
        assert self.talks.take(event, "support") is False

    @precondition(lambda self: self.talks.place)
    @rule()
    def the_desk_replies_to_what_is_not_known_yet(self):
        self.talks.desk_writes("Yes!", "6001")

    @precondition(lambda self: self.talks.all())
    @rule(data=st.data())
    def the_owner_answers_by_hand(self, data):
        self.replies += 1
        who = data.draw(st.sampled_from(PEOPLE))
        self.talks.written(who, f"By hand {self.replies}.")

    @precondition(lambda self: NOBODY in {talk.address for talk in self.talks.all() if not talk.is_linked})
    @rule()
    def the_stranger_turns_out_to_be_anna(self):
        with self.shop.database.write() as connection:
            talk = records.of_address(connection, "telegram", NOBODY)
            records.tie(connection, talk, roster.find(connection, f"#{self.anna}"))
        self.is_tied = True

    @precondition(lambda self: self.arrived())
    @rule(data=st.data())
    def an_answer_fails_after_all(self, data):
        row = data.draw(st.sampled_from(self.arrived()))
        event = self.talks.event("failed", row.address, "blocked", number=row.remote_id)
        self.talks.take(event, row.account)
        self.talks.upkeep()

    @precondition(lambda self: len(self.talks.all()) == 1)
    @rule()
    def it_is_closed_at_the_terminal(self):
        self.talks.close()

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds):
        self.talks.clock.advance(seconds)

    def arrived(self):
        return [row for row in self.talks.said("answer") if row.state == "sent" and row.account == "viber"]

    def relays(self):
        return [row for row in self.talks.said("relay", "notice") if row.remote_id and row.conversation_id]

    # --- what holds always ---

    @invariant()
    def every_purpose_is_served_once(self):
        purposes = Counter(row.purpose for row in self.talks.said() if row.purpose)
        assert set(purposes.values()) <= {1}

    @invariant()
    def every_question_is_relayed_once(self):
        relays = Counter(row.inbound_id for row in self.talks.said("relay"))
        relayed = {row.id for row in self.talks.stored() if row.handling in ("question", "thanks")}
        assert set(relays) == (relayed if self.talks.place else set())
        assert set(relays.values()) <= {1}

    @invariant()
    def every_reply_is_one_answer(self):
        answers = Counter(row.inbound_id for row in self.talks.said("answer") if row.inbound_id)
        replies = {row.id for row in self.talks.stored() if row.handling == "answer"}
        assert set(answers) == replies
        assert set(answers.values()) <= {1}

    @invariant()
    def an_open_promise_stands_while_a_question_waits(self):
        hours = parse(self.shop.config.hours, self.shop.zone, self.shop.config.file)
        now = self.talks.clock.now()
        states = Counter((row.conversation_id, row.state) for row in self.talks.promised())
        for talk in self.talks.all():
            standing = states[talk.id, "open"]
            if talk.waiting_since is None:
                assert standing == 0
            elif promise(talk.waiting_since, hours, hours.reply_within).at is not None:
                assert standing >= 1 if self.is_tied else standing == 1  # both of two that became one
            else:
                assert standing == 0 or promise(now, hours, hours.reply_within).at is not None

    @invariant()
    def nobody_is_told_more_than_the_days_ceiling(self):
        by_talk = {}
        for row in self.talks.said("automatic"):
            by_talk.setdefault(row.conversation_id, []).append(row.planned_at)
        for moments in by_talk.values():
            for moment in moments:
                day = [one for one in moments if moment - timedelta(days=1) < one <= moment]
                assert len(day) <= self.ceiling

    @invariant()
    def an_answer_goes_to_an_address_of_its_conversation(self):
        theirs = {self.anna: {ANNA, ANNA_ON_VIBER, *([NOBODY] if self.is_tied else [])}, None: {NOBODY}}
        for row in self.talks.said("answer", "automatic"):
            assert row.address in theirs[row.member_id]
        for row in self.talks.said("relay", "notice"):
            assert row.address == self.talks.place.address

    @invariant()
    def each_person_has_one_conversation(self):
        members = Counter(talk.member_id for talk in self.talks.all())
        assert set(members.values()) <= {1}


TestShopkeeping = Shopkeeping.TestCase
# An example is a shop with a database; to shrink one takes longer than to read it.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
TestShopkeeping.settings = settings(max_examples=20, stateful_step_count=25, deadline=None, phases=PHASES)
