"""The support desk: what it reads, what its replies do, and what it is told afterwards."""

from __future__ import annotations

import pytest
from conversation_steps import (
    ANNA,
    ANNA_ON_VIBER,
    BELA,
    DAN,
    EVA,
    NOBODY,
    QUESTION,
    TEAM,
    Talks,
    add_anna,
    set_row,
)
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from support import add_group, add_member, announce, rows

from vipcast.conversations.desk import split
from vipcast.conversations.desk_wording import HEADER
from vipcast.conversations.upkeep import numbers_in
from vipcast.delivery.talk import body_of
from vipcast.messengers.base import EventKind, OutcomeUnknown, Rejected, Unit
from vipcast.storage.tables import deliveries, notes

OWN = {"is_own": True}


@pytest.fixture(autouse=True)
def anna(shop):
    return add_anna(shop)


@pytest.fixture
def mine(shop):
    """The desk in the support account's own saved messages."""
    return Talks(shop, "me")


@pytest.fixture
def team(shop):
    """The desk in a group of colleagues."""
    return Talks(shop, TEAM)


@pytest.fixture(params=["me", EVA, TEAM])
def talks(request, shop):
    return Talks(shop, request.param)


def asked(talks, who=ANNA, text=QUESTION, **more):
    """Let somebody ask, and the desk read it."""
    event = talks.hears(who, text, **more)
    talks.go_on(1)
    return event


def sent_news(shop, anna):
    """Send Anna an announcement; return its row."""
    add_group(shop, "Gold", [anna])
    announcement = announce(shop, ["Gold"])
    (row,) = rows(shop, announcement)
    set_row(shop, deliveries, row.id, state="sent", remote_id="4001", sent_at=shop.now())
    return row


class TestRelaying:
    def test_the_header_names_member_groups_and_promise(self, talks, shop, anna):
        add_group(shop, "Gold", [anna])
        add_group(shop, "Waiting", [add_member(shop, "B"), anna], cap=1)
        asked(talks)
        (row,) = talks.said("relay")
        lines = body_of(row.body).text.splitlines()
        assert lines[0] == f"{HEADER}{talks.one().id} Kovács Anna"
        assert lines[1] == "Gold · Telegram"
        assert "12:30-ig" in lines[2]
        assert lines[3:] == ["", QUESTION]
        assert (row.account, row.address, row.state) == ("support", talks.place.address, "sent")

    def test_it_says_who_is_not_known(self, mine):
        asked(mine, NOBODY, name="Éva\nfrom the market")
        lines = mine.texts("relay")[0].splitlines()
        assert "Éva from the market" in lines[0]
        assert "vipcast inbox link 1 MEMBER" in lines[1]

    def test_it_names_the_announcement_replied_to(self, mine, shop, anna):
        sent_news(shop, anna)
        mine.clock.advance(60)
        with shop.database.write() as connection:
            connection.execute(
                update(deliveries).where(deliveries.c.remote_id == "4001").values(address=ANNA)
            )
        asked(mine, reply_to="4001")
        assert "Erre válaszol: A note (2026-11-23 10:30)" in mine.texts("relay")[0]

    def test_else_the_last_one_of_two_weeks(self, mine, shop, anna):
        account = sent_news(shop, anna).account
        who = ANNA if account == "news" else ANNA_ON_VIBER
        mine.clock.advance(13 * 24 * 3600)
        asked(mine, who)
        assert "A note" in mine.texts("relay")[0]
        mine.clock.advance(2 * 24 * 3600)
        asked(mine, who)
        assert "A note" not in mine.texts("relay")[1]

    def test_a_reply_to_something_else_names_none(self, mine, shop, anna):
        sent_news(shop, anna)
        asked(mine, ANNA, reply_to="1")
        asked(mine, NOBODY)
        assert "A note" not in "".join(mine.texts("relay"))

    def test_a_long_message_comes_in_parts_and_any_can_be_answered(self, mine):
        text = "😀 emoji are two units each. " * 400
        asked(mine, text=text)
        parts = mine.texts("relay")
        limit = mine.setting.capabilities["support"].text_limit
        assert len(parts) > 2
        assert all(Unit.UTF16.length(part) <= limit for part in parts)
        assert "".join(parts).replace(" ", "").endswith(text.replace(" ", ""))
        assert [row.purpose for row in mine.said("relay")][:2] == ["relay:1", "relay:1:1"]
        mine.desk_writes("Nice.", mine.relay_id(), raw=OWN)
        assert mine.handlings()[-1] == "answer"

    @given(text=st.text("ab😀é \n\t", max_size=300), limit=st.integers(2, 40), unit=st.sampled_from(Unit))
    def test_parts_fit_and_lose_no_word(self, text, limit, unit):
        limit = max(limit, 4)
        parts = split(text, limit, unit)
        assert all(unit.length(part) <= limit for part in parts)
        assert len(parts) == 1 or all(part.strip() for part in parts)
        assert "".join("".join(parts).split()) == "".join(text.split())

    def test_an_edit_comes_with_the_new_words(self, mine):
        event = asked(mine)
        mine.hears(ANNA, QUESTION + " Or a 42?", kind="edited", reply_to=event.remote_id)
        (notice,) = mine.texts("notice")
        assert "Kovács Anna" in notice
        assert notice.endswith("Or a 42?")
        assert (mine.handlings(), mine.promise_states()) == (["question", "edit"], ["open"])

    def test_an_edit_that_changes_nothing_or_what_nobody_read_is_not_told(self, mine):
        event = asked(mine)
        mine.hears(ANNA, QUESTION, kind="edited", reply_to=event.remote_id)
        mine.hears(ANNA, "Something", kind="edited", reply_to="999")
        faq = mine.hears(ANNA_ON_VIBER, "I am away", is_automatic=True)
        mine.hears(ANNA_ON_VIBER, "I am far away", kind="edited", reply_to=faq.remote_id)
        assert mine.said("notice") == []
        assert mine.handlings() == ["question", "ignored", "ignored", "automatic", "edit"]


class TestAnswering:
    def test_a_reply_goes_to_the_member_signed(self, talks):
        asked(talks, ANNA_ON_VIBER)
        event = talks.desk_writes("Yes,\n  we do.", talks.relay_id(), name="Éva")
        assert talks.take(event, "support") is False
        (row,) = talks.said("answer")
        assert (row.account, row.messenger, row.address) == ("viber", "viber", ANNA_ON_VIBER)
        assert body_of(row.body).text == "Yes,\n  we do.\n\n— Régi Divat segítség"
        assert row.purpose == f"answer:{talks.stored()[-1].id}"
        talks.go_on()
        assert talks.promise_states() == ["kept"]

    def test_it_goes_where_they_wrote_last(self, talks):
        asked(talks, ANNA_ON_VIBER)
        asked(talks, ANNA, "On Telegram now")
        talks.desk_writes("Yes.", talks.relay_id(0))
        assert talks.said("answer")[0].address == ANNA

    def test_each_reply_goes_to_its_own_member(self, talks, shop):
        add_member(shop, "Nagy Béla", ("viber", BELA))
        asked(talks, ANNA)
        asked(talks, BELA)
        talks.desk_writes("To Anna.", talks.relay_id(0))
        talks.desk_writes("To Béla.", talks.relay_id(1))
        assert [row.address for row in talks.said("answer")] == [ANNA, BELA]

    def test_a_reply_to_a_notice_about_them_goes_to_them_too(self, talks):
        asked(talks)
        talks.clock.advance(3 * 3600)
        talks.go_on()
        (notice,) = talks.said("notice")
        talks.desk_writes("Sorry, here I am.", notice.remote_id)
        assert talks.said("answer")[0].address == ANNA

    def test_the_writers_own_answer_can_be_added_to(self, talks):
        asked(talks)
        first = talks.desk_writes("Yes.", talks.relay_id())
        talks.desk_writes("In two sizes.", first.remote_id)
        assert len(talks.said("answer")) == 2

    def test_who_replies_to_a_colleague_talks_with_them(self, team):
        asked(team)
        first = team.desk_writes("Yes.", team.relay_id(), who=EVA)
        team.desk_writes("Are you sure?", first.remote_id, who=DAN)
        assert len(team.said("answer")) == 1
        assert team.handlings()[-1] == "ignored"

    def test_an_answer_without_words_or_too_long_comes_back_at_once(self, mine):
        asked(mine, ANNA_ON_VIBER)
        mine.desk_writes("x" * 7001, mine.relay_id(), raw=OWN)
        assert mine.said("answer") == []
        (notice,) = mine.said("notice")
        assert "Kovács Anna" in body_of(notice.body).text
        assert body_of(notice.body).reply_to == mine.stored()[-1].remote_id
        assert mine.promise_states() == ["open"]

    def test_an_account_that_is_gone_from_the_settings_is_told(self, mine):
        asked(mine, ANNA_ON_VIBER)
        del mine.setting.accounts["viber"]
        mine.desk_writes("Yes.", mine.relay_id(), raw=OWN)
        assert "'viber' is not in vipcast.toml" in mine.texts("notice")[-1]


class TestOthersWords:
    def test_in_private_what_replies_to_nothing_gets_a_hint(self, shop):
        for desk in ("me", EVA):
            talks = Talks(shop, desk)
            event = talks.desk_writes("Yes, we do.")
            (notice,) = [row for row in talks.said("notice") if row.address == desk]
            assert body_of(notice.body).reply_to == event.remote_id
            assert talks.handlings()[-1] == "hint"

    def test_in_a_group_colleagues_may_talk(self, team):
        asked(team)
        before = team.said()
        team.desk_writes("Who is at lunch?")
        team.desk_writes("Me.", "4321")
        assert team.said() == before
        assert team.handlings() == ["question", "ignored", "ignored"]
        assert len(team.all()) == 1

    def test_in_a_group_a_reply_to_a_hint_gets_one(self, team):
        asked(team)
        team.desk_writes("/close", team.relay_id())
        team.go_on()
        set_row(team.shop, deliveries, team.said("notice")[0].id, conversation_id=None)
        team.desk_writes("Thanks", team.said("notice")[0].remote_id)
        assert team.handlings()[-1] == "hint"

    @pytest.mark.parametrize("desk", ["me", TEAM])
    def test_our_own_words_are_never_read_as_answers(self, shop, desk):
        talks = Talks(shop, desk)
        talks.hears(ANNA, "word " * 2000)
        talks.speak(lose=True)  # they are seen before their numbers are known
        texts = talks.texts("relay")
        assert len(texts) > 2
        before = talks.stored()
        for text in texts:
            event = talks.event("message", EVA, text, chat=desk, raw=OWN)
            assert talks.take(event, "support") is False
        talks.go_on()
        for row in talks.said("relay"):
            event = talks.event(
                "message", EVA, body_of(row.body).text, number=row.remote_id, chat=desk, raw=OWN
            )
            assert talks.take(event, "support") is False
        assert talks.stored() == before
        assert talks.said("answer", "notice") == []

    def test_a_member_may_use_our_marks(self, mine):
        asked(mine, text=f"{HEADER}7 Nobody")
        assert mine.handlings() == ["question"]

    def test_a_customer_in_a_private_talk_is_no_colleague(self, shop):
        talks = Talks(shop, EVA)
        talks.hears(NOBODY, account="support")
        assert talks.handlings() == ["question"]
        event = talks.event("message", EVA, "Is it there?")
        assert talks.take(event, "news")
        assert talks.handlings() == ["question", "question"]  # to another account she is a customer herself

    def test_a_colleague_is_known_by_any_spelling(self, shop):
        talks = Talks(shop, EVA)
        asked(talks)
        event = talks.event(
            "message",
            "12345",
            "Yes.",
            reply_to=talks.relay_id(),
            raw={"id": "12345", "spellings": [EVA, "12345"]},
        )
        assert talks.take(event, "support")
        assert talks.handlings()[-1] == "answer"


class TestCommands:
    def test_close_ends_it(self, talks):
        asked(talks)
        talks.desk_writes("/Close", talks.relay_id())
        one = talks.one()
        assert (one.closed_at, one.waiting_since, one.taken_by) == (talks.clock.now(), None, "")
        assert talks.promise_states() == ["closed"]
        assert talks.said("answer") == []
        assert talks.handlings()[-1] == "command"
        assert "lezárva" in talks.texts("notice")[0]

    def test_note_is_for_colleagues_alone(self, talks):
        asked(talks)
        talks.desk_writes("/note Prefers blue.", talks.relay_id(), name="Éva")
        assert talks.said("answer") == []
        assert "feljegyezve" in talks.texts("notice")[0]
        with talks.shop.database.read() as connection:
            (note,) = connection.execute(select(notes)).all()
        assert (note.kind, note.text) == ("note", "Prefers blue.")
        assert talks.promise_states() == ["open"]

    @pytest.mark.parametrize(
        "text", ["/note\nLikes\nblue.", "/note@regi_bot\tLikes\nblue.", " /NOTE  Likes\nblue. "]
    )
    def test_any_space_and_a_bots_name_may_follow_a_command(self, talks, text):
        asked(talks)
        talks.desk_writes(text, talks.relay_id(), name="Éva")
        with talks.shop.database.read() as connection:
            assert [row.text for row in connection.execute(select(notes))] == ["Likes\nblue."]
        talks.desk_writes("/close@regi_bot", talks.relay_id())
        assert talks.promise_states() == ["closed"]
        assert talks.said("answer") == []

    @pytest.mark.parametrize("text", ["/note", "/clsoe", "/", "/note   "])
    def test_other_commands_are_told_and_sent_to_nobody(self, mine, text):
        asked(mine)
        mine.desk_writes(text, mine.relay_id(), raw=OWN)
        assert mine.said("answer") == []
        assert text.strip() in mine.texts("notice")[0]
        assert mine.promise_states() == ["open"]


class TestColleagues:
    def test_a_second_one_is_told_of_the_first(self, team):
        asked(team)
        team.desk_writes("Yes.", team.relay_id(), who=EVA, name="Éva")
        assert team.one().taken_by == "Éva"
        team.go_on(1)
        late = team.desk_writes("No!", team.relay_id(), who=DAN, name="Dan")
        taken, second = team.said("notice")
        assert "Éva" in body_of(taken.body).text
        assert "Éva, 2026-11-23 10:31" in body_of(second.body).text
        assert body_of(second.body).reply_to == late.remote_id
        assert team.one().taken_by == "Dan"
        assert len(team.said("answer")) == 2

    def test_it_counts_as_answered_as_soon_as_it_went_out(self, team):
        asked(team)
        team.desk_writes("Yes.", team.relay_id(), who=EVA, name="Éva")
        team.speak()  # and nobody has looked after it yet
        team.desk_writes("No!", team.relay_id(), who=DAN, name="Dan")
        assert "Éva" in team.texts("notice")[-1]

    def test_a_new_question_may_be_taken_by_another(self, team):
        asked(team)
        team.desk_writes("Yes.", team.relay_id(), who=EVA, name="Éva")
        team.go_on(60)
        asked(team, text="And in red?")
        assert "Éva" in team.texts("relay")[-1]
        team.desk_writes("No.", team.relay_id(), who=DAN, name="Dan")
        assert "Dan" in team.texts("notice")[-1]
        assert "Éva" not in team.texts("notice")[-1]

    def test_the_same_one_is_told_nothing(self, team):
        asked(team)
        for text in ("Yes.", "In blue."):
            team.desk_writes(text, team.relay_id(), name="Éva")
            team.go_on(1)
        assert len(team.said("notice")) == 1

    @pytest.mark.parametrize(("desk", "author"), [("me", "Régi Divat segítség"), (EVA, "Éva")])
    def test_alone_nobody_is_told_anything(self, shop, desk, author):
        talks = Talks(shop, desk)
        asked(talks)
        talks.desk_writes("Yes.", talks.relay_id(), name="Éva")
        assert talks.said("notice") == []
        assert (talks.one().taken_by, talks.said("answer")[0].author) == (author, author)

    def test_the_support_account_itself_may_answer_in_the_group(self, team):
        asked(team)
        team.desk_writes("Yes.", team.relay_id(), name="+36 1 234", raw=OWN)
        assert team.one().taken_by == "Régi Divat segítség"

    def test_an_answer_that_is_edited_stays_as_it_was(self, talks):
        asked(talks)
        answer = talks.desk_writes("Yes.", talks.relay_id())
        talks.go_on(1)
        before = len(talks.said("notice"))
        talks.desk_writes("No.", answer.remote_id, kind="edited")
        assert len(talks.said("answer")) == 1
        assert len(talks.said("notice")) == before + 1
        assert body_of(talks.said("notice")[-1].body).reply_to == answer.remote_id

    def test_an_edit_of_other_words_is_nothing(self, talks):
        asked(talks)
        before = talks.said()
        talks.desk_writes("At lunch", "4321", kind="edited")
        assert talks.said() == before
        assert talks.handlings()[-1] == "ignored"


class TestRepliesThatCameEarly:
    def test_one_waits_until_the_number_is_known(self, talks):
        talks.hears(ANNA)
        talks.speak(lose=True)
        talks.desk_writes("Yes.", "5001")
        talks.upkeep()
        assert talks.handlings() == ["question", "waiting"]
        assert talks.said("answer") == []
        talks.speak()
        set_row(talks.shop, deliveries, talks.said("relay")[0].id, remote_id="5001")
        talks.upkeep()
        talks.upkeep()
        assert talks.handlings() == ["question", "answer"]
        assert len(talks.said("answer")) == 1
        talks.go_on()
        assert talks.promise_states() == ["kept"]

    def test_one_to_something_else_is_read_in_the_end(self, mine):
        mine.hears(ANNA)
        mine.speak(lose=True)
        mine.desk_writes("Yes.", "4321", raw=OWN)
        mine.go_on()
        assert mine.handlings() == ["question", "hint"]

    def test_nothing_waits_for_what_has_never_left(self, mine):
        mine.hears(ANNA)
        mine.desk_writes("Yes.", "4321", raw=OWN)
        assert mine.handlings() == ["question", "hint"]

    def test_nothing_waits_for_what_will_never_be_known(self, mine):
        mine.hears(ANNA)
        mine.speak(lose=True)
        for row in mine.said():
            set_row(mine.shop, deliveries, row.id, state="unknown", reason="unsettled-refused")
        mine.desk_writes("Yes.", "4321", raw=OWN)
        assert mine.handlings() == ["question", "hint"]


class TestOutcomes:
    def test_a_failed_answer_comes_back_once(self, talks):
        asked(talks, ANNA_ON_VIBER)
        reply = talks.desk_writes("Yes.", talks.relay_id())
        talks.speak(error=Rejected("not allowed", words="the text is not allowed"), kinds=("answer",))
        for _ in range(3):
            talks.upkeep()
        (notice,) = [row for row in talks.said("notice") if row.purpose.startswith("outcome:")]
        assert "the text is not allowed" in body_of(notice.body).text
        assert body_of(notice.body).reply_to == reply.remote_id
        assert talks.promise_states() == ["open"]

    def test_one_that_nobody_knows_of_comes_back_once_where_it_is_not_repeated(self, mine):
        asked(mine, ANNA_ON_VIBER)
        mine.desk_writes("Yes.", mine.relay_id(), raw=OWN)
        mine.speak(error=OutcomeUnknown("no answer"), kinds=("answer",))
        mine.upkeep()
        mine.upkeep()
        assert len(mine.said("notice")) == 1
        assert mine.said("answer")[0].state == "unknown"

    def test_on_telegram_it_is_repeated_instead(self, mine):
        asked(mine, ANNA)
        mine.desk_writes("Yes.", mine.relay_id(), raw=OWN)
        mine.speak(error=OutcomeUnknown("no answer"), kinds=("answer",))
        mine.upkeep()
        assert mine.said("notice") == []
        mine.clock.advance(60)
        mine.go_on()
        assert (mine.said("answer")[0].state, mine.promise_states()) == ("sent", ["kept"])

    def test_a_failed_automatic_answer_is_no_news(self, mine):
        mine.hears(ANNA_ON_VIBER)
        mine.speak(error=Rejected("no"), kinds=("automatic",))
        mine.upkeep()
        assert mine.said("notice") == []

    def test_an_old_failure_is_no_news(self, mine):
        asked(mine, ANNA_ON_VIBER)
        mine.desk_writes("Yes.", mine.relay_id(), raw=OWN)
        mine.speak(error=Rejected("no"), kinds=("answer",))
        mine.clock.advance(8 * 24 * 3600)
        mine.upkeep()
        assert not [row for row in mine.said("notice") if row.purpose.startswith("outcome:")]

    def test_one_that_failed_afterwards_comes_back_too(self, mine):
        asked(mine, ANNA_ON_VIBER)
        mine.desk_writes("Yes.", mine.relay_id(), raw=OWN)
        mine.go_on(1)
        (sent,) = mine.said("answer")
        mine.hears(ANNA_ON_VIBER, "blocked", kind=EventKind.FAILED, number=sent.remote_id)
        mine.upkeep()
        assert "blocked" in mine.texts("notice")[0]

    def test_the_names_for_the_terminal(self, shop):
        talks = Talks(shop)
        talks.hears(ANNA)
        talks.clock.advance(3 * 3600)
        _, late = talks.upkeep()
        assert numbers_in(late) == "#1"
