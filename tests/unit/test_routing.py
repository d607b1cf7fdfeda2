"""What an incoming message means: whose conversation it is, and what is said at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_steps import (
    ANNA,
    ANNA_ON_VIBER,
    BELA,
    NOBODY,
    PARKING,
    QUESTION,
    Talks,
    add_anna,
    later,
)
from sqlalchemy import select
from support import add_group, add_member, announce

from vipcast.delivery import ledger
from vipcast.delivery.lease import acquire
from vipcast.delivery.talk import body_of
from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.linking import new_code
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import addresses, consents

STOPS = {"hu": "leiratkozás", "cs": "odhlásit", "fi": "lopeta", "ru": "отписаться", "en": "unsubscribe"}
STARTS = {"hu": "feliratkozás", "cs": "přihlásit", "fi": "tilaa", "ru": "подписаться", "en": "start"}


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


@pytest.fixture
def anna(shop):
    return add_anna(shop)


def consent_of(shop, member):
    with shop.database.read() as connection:
        return consent.states_of(connection, [member])[member]


def state_at(shop, address):
    with shop.database.read() as connection:
        return connection.execute(
            select(addresses.c.state).where(addresses.c.address == address)
        ).scalar_one()


class TestWhose:
    def test_two_messengers_are_one_conversation_and_answers_go_where_they_wrote_last(self, talks, anna):
        talks.hears(ANNA)
        assert (talks.one().member_id, talks.one().account, talks.one().address) == (anna, "news", ANNA)
        talks.clock.advance(60)
        talks.hears(ANNA_ON_VIBER, "And in red?")
        assert (talks.one().account, talks.one().address) == ("viber", ANNA_ON_VIBER)
        assert {row.conversation_id for row in talks.stored()} == {talks.one().id}
        assert len(talks.said("relay")) == 2

    @pytest.mark.usefixtures("anna")
    def test_a_message_that_came_late_does_not_call_the_answers_back(self, talks):
        early = talks.event("message", ANNA, "From before")
        talks.clock.advance(600)
        talks.hears(ANNA_ON_VIBER)
        heard_at = talks.one().heard_at
        assert talks.take(early, "news")
        assert (talks.one().account, talks.one().address) == ("viber", ANNA_ON_VIBER)
        assert talks.one().heard_at == heard_at

    @pytest.mark.usefixtures("anna")
    def test_a_messenger_whose_clock_is_ahead_does_not_hold_the_answers(self, talks):
        talks.take(later(talks.event("message", ANNA, QUESTION), hours=5), "news")
        talks.clock.advance(60)
        talks.hears(ANNA_ON_VIBER)
        assert talks.one().account == "viber"

    def test_somebody_unknown_has_a_conversation_for_each_address(self, talks):
        talks.hears(NOBODY, name="Éva from the market")
        talks.hears(BELA, "Szép napot, mennyibe kerül?")
        assert [(one.member_id, one.address, one.is_linked) for one in talks.all()] == [
            (None, NOBODY, False),
            (None, BELA, False),
        ]
        assert talks.all()[0].label == "Éva from the market"
        assert talks.all()[1].label == BELA

    @pytest.mark.usefixtures("anna")
    def test_the_same_event_twice_does_everything_once(self, talks):
        event = talks.hears(ANNA)
        before = talks.said(), talks.promised(), talks.stored()
        assert talks.take(event, "news") is False
        assert (talks.said(), talks.promised(), talks.stored()) == before
        assert [row.kind for row in talks.said()] == ["relay", "automatic"]

    def test_who_was_forgotten_is_a_stranger(self, talks, shop, anna):
        talks.hears(ANNA)
        talks.go_on(5)
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, f"#{anna}"), now=shop.now())
        assert talks.all() == []
        talks.hears(ANNA, "It is me again", name="Anna")
        assert (talks.one().member_id, talks.one().name) == (None, "Anna")
        assert "Kovács" not in "".join(talks.texts())

    def test_other_peoples_chats_are_not_stored(self, talks):
        event = talks.event("message", NOBODY, QUESTION, chat="-100777")
        assert talks.take(event, "support") is False
        assert (talks.stored(), talks.all(), talks.said()) == ([], [], [])

    @pytest.mark.usefixtures("anna")
    def test_receipts_and_unknown_events_open_no_conversation(self, talks):
        assert talks.take(Event(EventKind.SEEN, ANNA, "77", talks.clock.now()), "news")
        assert not talks.take(Event(EventKind.OTHER, ANNA, "78", talks.clock.now()), "news")
        assert (talks.stored(), talks.all()) == ([], [])

    def test_a_strangers_subscription_alone_opens_none(self, talks):
        talks.hears(NOBODY, "", kind="subscribed")
        talks.hears(NOBODY, "", kind="unsubscribed")
        assert talks.all() == []


class TestLinks:
    @pytest.fixture
    def code(self, shop):
        self.member = add_member(shop, "Nagy Béla", ("telegram", "@bela_nagy"))
        with shop.database.write() as connection:
            return new_code(connection, self.member, "viber", now=shop.now())

    def test_a_viber_link_ties_and_welcomes_once(self, talks, shop, code):
        add_group(shop, "Budapest", [self.member])
        talks.hears(BELA, "", kind="started", context=code)
        talks.hears(BELA, "+", context=code)
        talks.hears(BELA, "", kind="subscribed")
        assert [row.kind for row in talks.said()] == ["automatic"]
        assert "Budapest" in talks.texts("automatic")[0]
        assert (talks.one().member_id, talks.one().waiting_since) == (self.member, None)
        assert talks.handlings() == ["", "linked", "linked"]

    def test_a_start_link_ties_and_welcomes_once(self, talks, shop, code):
        with shop.database.write() as connection:
            code = new_code(connection, self.member, "telegram", now=shop.now())
        talks.hears(NOBODY, f"/start {code}", context=code)
        talks.hears(NOBODY, f"/start {code}", context=code)
        assert [row.purpose for row in talks.said()] == [f"welcome:{self.member}:news"]
        assert talks.one().member_id == self.member

    def test_a_code_sent_as_a_text_is_no_question(self, talks, code):
        talks.hears(BELA, code)
        assert talks.handlings() == ["linked"]
        assert [row.kind for row in talks.said()] == ["automatic"]
        assert talks.promised() == []

    def test_what_a_stranger_had_asked_is_the_members_and_still_waits(self, talks, code):
        talks.hears("@bela_nagy", "thank you")  # the member's own conversation
        talks.clock.advance(60)
        talks.hears(BELA, QUESTION)
        asked = talks.all()[1]
        talks.clock.advance(60)
        talks.hears(BELA, "+", context=code)
        assert (talks.one().member_id, talks.one().account) == (self.member, "viber")
        assert talks.one().waiting_since == asked.waiting_since is not None
        assert talks.promise_states() == ["open"]
        assert {row.member_id for row in talks.stored()} == {self.member}
        to_them = [row for row in talks.said() if row.address == BELA]
        assert {row.member_id for row in to_them} == {self.member}


class TestAutomaticAnswers:
    def test_in_hours_it_names_the_promised_time(self, talks, shop):
        add_member(shop, "Smith Jane", ("viber", BELA), first_name="Jane")
        talks.hears(BELA)
        (text,) = talks.texts("automatic")
        assert "by 12:30 today, Monday, 23 November" in text
        assert "Régi Divat segítség" in text
        assert "https://t.me/regidivat_segit" in text
        (row,) = talks.said("automatic")
        assert (row.account, row.messenger, row.address) == ("viber", "viber", BELA)

    @pytest.mark.usefixtures("anna")
    def test_out_of_hours_it_names_the_next_opening_once(self, talks):
        talks.clock.advance(9 * 3600)  # 19:30 on Monday
        talks.hears(ANNA)
        talks.clock.advance(3600)
        talks.hears(ANNA, "Hello? Does anybody read this?")
        talks.clock.advance(8 * 3600)  # 4:30 on Tuesday, still closed
        talks.hears(ANNA, "Is it still there?")
        assert len(talks.said("automatic")) == 1
        assert "by 11:00 tomorrow, Tuesday, 24 November" in talks.texts("automatic")[0]
        assert len(talks.said("relay")) == 3

    @pytest.mark.usefixtures("anna")
    def test_another_closed_period_is_answered_again(self, talks):
        talks.clock.advance(9 * 3600)
        talks.hears(ANNA)
        talks.clock.advance(24 * 3600)
        talks.hears(ANNA, "Is it still there?")
        assert len(talks.said("automatic")) == 2

    @pytest.mark.usefixtures("anna")
    def test_once_for_each_promise(self, talks):
        for text in (QUESTION, "Is it blue?", "Or green?"):
            talks.hears(ANNA, text)
            talks.go_on(5)
        assert len(talks.said("automatic")) == 1
        assert len(talks.promised()) == 1

    @pytest.mark.usefixtures("anna")
    def test_the_support_account_says_that_it_came_in(self, talks):
        talks.hears(ANNA, account="support")
        (text,) = talks.texts("automatic")
        assert "your message has reached us" in text
        assert "only sends" not in text

    @pytest.mark.usefixtures("anna")
    def test_nothing_is_said_while_a_person_has_the_conversation(self, talks):
        talks.hears(ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes, we do.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(90)  # 12:05, the same open day
        talks.hears(ANNA, "And the red one?")
        talks.hears(ANNA, PARKING)
        assert len(talks.said("automatic")) == 1
        assert len(talks.said("relay")) == 3

    @pytest.mark.usefixtures("anna")
    def test_within_the_hour_a_person_has_it_out_of_hours_too(self, talks):
        talks.clock.advance(9 * 3600)
        talks.hears(ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes, we do.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(40)
        talks.desk_writes("In two sizes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(50)  # 90 minutes after the first answer, 50 after the last
        talks.hears(ANNA, "Lovely, is it expensive?")
        assert len(talks.said("automatic")) == 1
        talks.go_on(11)
        talks.hears(ANNA, PARKING)
        assert len(talks.said("automatic")) == 1  # something waits: the FAQ keeps silent
        talks.clock.advance(24 * 3600)
        talks.hears(ANNA, "Hello?")
        assert len(talks.said("automatic")) == 2

    @pytest.mark.usefixtures("anna")
    def test_after_close_vipcast_speaks_again(self, talks):
        talks.hears(ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes, we do.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(5)
        talks.desk_writes("/close", talks.relay_id(), raw={"is_own": True})
        talks.go_on(5)
        talks.hears(ANNA, PARKING)
        talks.hears(ANNA, "And is the red one there?")
        assert talks.handlings()[-2:] == ["faq", "question"]
        assert len(talks.said("automatic")) == 3

    @pytest.mark.usefixtures("anna")
    def test_automatic_messages_and_echoes_get_none(self, talks):
        talks.hears(ANNA, "I am away until Monday.", is_automatic=True)
        assert (talks.said(), talks.promised(), talks.handlings()) == ([], [], ["automatic"])
        talks.hears(ANNA)
        talks.hears(ANNA, talks.texts("automatic")[0])
        assert talks.handlings() == ["automatic", "question", "echo"]
        assert len(talks.said("relay")) == 1

    @pytest.mark.usefixtures("anna")
    def test_two_robots_do_not_talk_for_ever(self, talks):
        for number in range(500):
            texts = (
                "STOP",
                "START",
                f"Beep {number}? Please answer.",
                PARKING,
                "thank you",
                "person, please",
            )
            talks.hears(ANNA, texts[number % len(texts)])
            if number % 25 == 0:
                talks.go_on()
                talks.close()
            talks.clock.advance(10)
        confirmations = [row for row in talks.said("automatic") if row.purpose.startswith("opted_")]
        assert len(confirmations) == talks.setting.automatic_per_day == 6
        said = len(talks.said("automatic"))
        assert said <= 6 + 6
        assert len(talks.said("answer")) == 0
        assert {row.address for row in talks.said("automatic")} == {ANNA}
        talks.clock.advance(24 * 3600)
        talks.close()
        talks.hears(ANNA, PARKING)
        assert len(talks.said("automatic")) == said + 1

    @pytest.mark.usefixtures("anna")
    def test_an_opt_out_and_an_opt_in_are_confirmed_beyond_the_ceiling_and_count(self, shop):
        talks = Talks(shop, "me", automatic_per_day=2)
        for text in (PARKING, PARKING, PARKING, "STOP", "START", PARKING):
            talks.hears(ANNA, text)
        said = [row.purpose.partition(":")[0] for row in talks.said("automatic")]
        assert said == ["faq", "faq", "opted_out", "opted_in"]
        talks.clock.advance(24 * 3600)
        talks.close()
        for text in ("STOP", "START", PARKING):
            talks.hears(ANNA, text)
        said = [row.purpose.partition(":")[0] for row in talks.said("automatic")]
        assert said[4:] == ["opted_out", "opted_in"]

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("hu", "Munkatársunk"),
            ("cs", "Odpovíme"),
            ("fi", "Vastaamme"),
            ("ru", "Наш сотрудник"),
            ("en", "A person"),
        ],
    )
    def test_each_member_is_told_in_their_language(self, talks, shop, language, words):
        add_anna(shop, language=language)
        talks.hears(ANNA, language="fi" if language != "fi" else "hu")
        assert words in talks.texts("automatic")[0]

    def test_a_stranger_is_told_in_their_apps_language_else_the_shops(self, talks):
        talks.hears(NOBODY, language="ru")
        talks.hears(BELA, language="de")
        assert "Наш сотрудник" in talks.texts("automatic")[0]
        assert "Munkatársunk" in talks.texts("automatic")[1]

    @pytest.mark.usefixtures("anna")
    def test_a_broken_override_gives_way_to_the_built_in_text(self, talks, shop):
        path = shop.templates_folder / "replies" / "routed.en.md"
        path.write_text("You are {{ member.nmae }}!\n", encoding="utf-8")
        talks.hears(ANNA)
        assert "only sends our news" in talks.texts("automatic")[0]

    @pytest.mark.usefixtures("anna")
    def test_the_shops_own_text_stands_above_the_built_in_one(self, talks, shop):
        path = shop.templates_folder / "replies" / "routed.en.md"
        path.write_text("Hi {{ member.first_name }}! {{ promise }}\n", encoding="utf-8")
        talks.hears(ANNA)
        assert talks.texts("automatic")[0].startswith("Hi Anna! A person will answer by 12:30")

    @pytest.mark.usefixtures("anna")
    def test_without_hours_no_time_is_named_and_once_a_day(self, shop):
        talks = Talks(shop, "me", hours={})
        talks.hears(ANNA)
        talks.hears(ANNA, "Anybody?")
        talks.clock.advance(24 * 3600)
        talks.hears(ANNA, "Hello?")
        assert len(talks.said("automatic")) == 2
        assert "as soon as we are available" in talks.texts("automatic")[0]
        assert talks.promised() == []


class TestConsent:
    @pytest.mark.parametrize("language", STOPS)
    @pytest.mark.parametrize("who", [ANNA, ANNA_ON_VIBER])
    def test_an_opt_out_acts_at_once_and_is_confirmed_once(self, talks, shop, language, who):
        anna = add_anna(shop, language=language)
        talks.hears(who, STOPS[language])
        talks.clock.advance(60)
        talks.hears(who, STOPS[language].upper() + "!")
        with shop.database.read() as connection:
            row = connection.execute(select(consents).order_by(consents.c.id.desc())).first()
        messenger = "viber" if who == ANNA_ON_VIBER else "telegram"
        assert (row.event, row.wording, row.source) == ("opt_out", STOPS[language], f"message on {messenger}")
        assert consent_of(shop, anna) is ConsentState.OPTED_OUT
        (said,) = talks.said("automatic")
        assert (said.address, "START" in body_of(said.body).text) == (who, True)
        assert talks.handlings() == ["consent", "consent"]
        assert talks.promised() == []
        assert talks.said("relay") == []

    @pytest.mark.parametrize("language", STARTS)
    def test_an_opt_in_after_it_counts_again(self, talks, shop, anna, language):
        for _ in range(2):
            talks.hears(ANNA, "STOP")
            talks.clock.advance(60)
            talks.hears(ANNA_ON_VIBER, STARTS[language])
            talks.clock.advance(60)
        assert consent_of(shop, anna) is ConsentState.OPTED_IN
        assert [row.address for row in talks.said("automatic")] == [ANNA, ANNA_ON_VIBER] * 2

    def test_it_binds_every_messenger_at_the_next_claim(self, talks, shop, anna):
        bela = add_member(shop, "Nagy Béla", ("telegram", "@bela_nagy"))
        add_group(shop, "All", [anna, bela])
        announcement = announce(shop, ["All"])
        talks.hears(ANNA_ON_VIBER, "STOP")
        with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
            one = ledger.Ledger(shop.database, lease, ledger.Scope("news", repeats_unknown=True))
            claimed = one.step([], 10, shop.now()).claimed
        assert [found.address for found in claimed] == ["@bela_nagy"]
        with shop.database.read() as connection:
            assert ledger.counts(connection, announcement.id)["skipped"] == 1

    def test_an_opt_out_from_the_paper_is_confirmed_once_when_they_write_it(self, talks, shop, anna):
        with shop.database.write() as connection:
            consent.record(
                connection, anna, ConsentState.OPTED_OUT, at=shop.now(), source="paper", now=shop.now()
            )
        for _ in range(3):
            talks.hears(ANNA, "STOP")
        assert len(talks.said("automatic")) == 1

    @pytest.mark.usefixtures("anna")
    def test_a_strangers_stop_is_confirmed_once_whatever_numbers_others_have(self, talks):
        talks.hears(ANNA, "STOP")
        talks.hears(NOBODY, "STOP", language="en")
        talks.hears(BELA, "STOP")
        talks.hears(NOBODY, "STOP", language="en")
        assert [row.address for row in talks.said("automatic")] == [ANNA, NOBODY, BELA]

    @pytest.mark.usefixtures("anna")
    def test_start_of_who_is_in_already_is_nothing_to_do(self, talks):
        talks.hears(ANNA, "/start")
        assert (talks.said(), talks.handlings()) == ([], ["consent"])

    @pytest.mark.usefixtures("anna")
    def test_the_desk_reads_of_an_opt_out(self, talks):
        talks.hears(ANNA, "STOP")
        (notice,) = talks.texts("notice")
        assert "Kovács Anna" in notice
        assert notice.endswith("(STOP)")

    def test_leaving_one_messenger_is_an_opt_out_of_that_address_alone(self, talks, shop, anna):
        talks.hears(ANNA)
        talks.go_on(5)
        talks.hears(ANNA_ON_VIBER, "", kind="unsubscribed")
        assert consent_of(shop, anna) is ConsentState.OPTED_IN
        assert (state_at(shop, ANNA), state_at(shop, ANNA_ON_VIBER)) == ("ok", "opted_out")
        assert talks.one().address == ANNA  # an answer would not reach them where they left
        assert talks.handlings() == ["question", "consent"]
        assert len(talks.said("notice")) == 1

    def test_who_left_before_they_ever_wrote_has_a_conversation(self, talks, anna):
        talks.hears(ANNA_ON_VIBER, "", kind="unsubscribed")
        assert (talks.one().member_id, talks.one().waiting_since) == (anna, None)
        assert len(talks.said("notice")) == 1

    @pytest.mark.usefixtures("anna")
    def test_an_old_opt_out_is_dated_by_the_messenger(self, talks, shop):
        event = talks.event("message", ANNA, "STOP")
        talks.clock.advance(3600)
        talks.take(event, "news")
        with shop.database.read() as connection:
            row = connection.execute(select(consents).order_by(consents.c.id.desc())).first()
        assert (row.at, row.recorded_at) == (event.at, event.at + timedelta(hours=1))


class TestWithoutAPerson:
    def test_the_faq_answers_and_nothing_waits(self, talks, shop):
        add_member(shop, "Nagy Béla", ("viber", BELA))
        talks.hears(BELA, PARKING)
        (row,) = talks.said()
        message = body_of(row.body)
        assert row.kind == "automatic"
        assert message.text.startswith("Behind the house.")
        assert message.choices[0] == "When are you open?"
        assert (talks.promised(), talks.one().waiting_since, talks.handlings()) == ([], None, ["faq"])

    @pytest.mark.usefixtures("anna")
    def test_no_buttons_where_the_messenger_has_none(self, talks):
        talks.hears(ANNA, PARKING)
        assert body_of(talks.said()[0].body).choices == ()

    @pytest.mark.usefixtures("anna")
    def test_a_broken_answer_means_a_person(self, shop):
        talks = Talks(
            shop, "me", faq='[[entry]]\nquestions = ["Where can I park?"]\nanswer = "{{ membre.name }}"\n'
        )
        talks.hears(ANNA, PARKING)
        assert talks.handlings() == ["question"]
        assert len(talks.promised()) == 1

    @pytest.mark.usefixtures("anna")
    def test_a_person_please_means_no_faq_until_closed(self, talks):
        talks.hears(ANNA, "a person, please")
        assert talks.one().wants_person
        talks.go_on(5)
        talks.desk_writes("Here I am.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(24 * 60)
        talks.hears(ANNA, PARKING)
        assert talks.handlings()[-1] == "question"
        talks.close()
        talks.clock.advance(24 * 3600)
        talks.hears(ANNA, PARKING)
        assert talks.handlings()[-1] == "faq"
        assert not talks.one().wants_person

    @pytest.mark.usefixtures("anna")
    def test_thanks_are_passed_on_and_need_no_promise(self, talks):
        talks.hears(ANNA, "Thank you!")
        assert [row.kind for row in talks.said()] == ["relay"]
        assert (talks.promised(), talks.one().waiting_since, talks.handlings()) == ([], None, ["thanks"])

    @pytest.mark.usefixtures("anna")
    def test_thanks_while_a_question_waits_keep_it_waiting(self, talks):
        talks.hears(ANNA)
        since = talks.one().waiting_since
        talks.clock.advance(60)
        talks.hears(ANNA, "Thanks")
        assert talks.one().waiting_since == since
        assert talks.promise_states() == ["open"]

    @pytest.mark.usefixtures("anna")
    def test_where_the_terminal_is_the_desk_nothing_is_relayed(self, shop):
        talks = Talks(shop)
        talks.hears(ANNA)
        assert [row.kind for row in talks.said()] == ["automatic"]
        assert talks.promise_states() == ["open"]
