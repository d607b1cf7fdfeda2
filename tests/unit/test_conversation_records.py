"""Conversations as rows: tying a stranger's to a member, finding, what is written by hand, forgetting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from conversation_steps import ANNA, ANNA_ON_VIBER, BELA, NOBODY, PARKING, QUESTION, Talks, add_anna
from sqlalchemy import select
from support import START, add_member

from vipcast.conversations import attachments, history, promises, records
from vipcast.errors import InputError
from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.messengers.base import Attachment, OutcomeUnknown
from vipcast.storage.tables import deliveries, notes, peers, receipts


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


@pytest.fixture
def anna(shop):
    return add_anna(shop)


def member(shop, number):
    with shop.database.read() as connection:
        return roster.find(connection, f"#{number}")


def tie(talks, number, place=-1):
    with talks.shop.database.write() as connection:
        talk = records.get(connection, talks.all()[place].id)
        return records.tie(connection, talk, roster.find(connection, f"#{number}"))


def bytes_of(shop):
    return b"".join(path.read_bytes() for path in Path(shop.database.where).parent.glob("vipcast.db*"))


def note(talks, text, place=-1):
    with talks.shop.database.write() as connection:
        now = talks.clock.now()
        talk = records.get(connection, talks.all()[place].id)
        records.note(connection, talk, "note", text, at=now, author="Éva", now=now)


def history_of(talks, number):
    with talks.shop.database.read() as connection:
        talk = records.of_member(connection, number)
        return history.of_member(connection, number, talk.id if talk else None)


class TestTying:
    def test_it_gives_everything_to_a_member_who_has_not_written(self, talks, shop):
        bela = add_member(shop, "Nagy Béla")
        talks.hears(NOBODY, name="B.")
        note(talks, "Likes blue.")
        before = talks.one()
        tied = tie(talks, bela)
        assert (tied.id, tied.member_id, tied.name) == (before.id, bela, "Nagy Béla")
        assert tied.waiting_since == before.waiting_since == START
        assert [(a.messenger, a.address) for a in member(shop, bela).addresses] == [("telegram", NOBODY)]
        assert {row.member_id for row in talks.stored()} == {bela}
        assert [(row.kind, row.member_id) for row in talks.said()] == [("relay", None), ("automatic", bela)]
        assert [one.speaker for one in history_of(talks, bela)] == ["event", "member", "automatic", "note"]

    def test_it_merges_with_the_members_own(self, talks, shop, anna):
        talks.hears(ANNA, "thank you")
        talks.clock.advance(60)
        talks.hears(NOBODY)
        note(talks, "Sounds like Anna.")
        talks.clock.advance(60)
        tied = tie(talks, anna)
        assert talks.all() == [tied]
        assert (tied.member_id, tied.address, tied.waiting_since) == (
            anna,
            NOBODY,
            START + timedelta(minutes=1),
        )
        assert {row.conversation_id for row in (*talks.stored(), *talks.said(), *talks.promised())} == {
            tied.id
        }
        assert talks.promise_states() == ["open"]
        with shop.database.read() as connection:
            assert {row.conversation_id for row in connection.execute(select(notes))} == {tied.id}
        talks.go_on(5)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on()
        assert (talks.promise_states(), talks.said("answer")[0].address) == (["kept"], NOBODY)

    def test_the_earlier_question_of_both_waits(self, talks, anna):
        talks.hears(NOBODY)
        talks.clock.advance(60)
        talks.hears(ANNA)
        tied = tie(talks, anna, 0)
        assert (tied.waiting_since, tied.address) == (START, ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on()
        assert set(talks.promise_states()) == {"kept"}
        assert talks.one().waiting_since is None

    @pytest.mark.parametrize("by_hand", [True, False], ids=["tied", "known by an import"])
    def test_an_answer_to_the_member_is_none_to_the_stranger_they_were(self, talks, shop, anna, by_hand):
        talks.hears(NOBODY)
        talks.clock.advance(60)
        talks.hears(ANNA, "And in red?")
        talks.go_on(1)
        talks.desk_writes("In red, yes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(1)
        assert sorted(talks.promise_states()) == ["kept", "open"]
        if by_hand:
            tie(talks, anna, 0)
        else:
            with shop.database.write() as connection:
                roster.add_address(connection, anna, "telegram", NOBODY)
            talks.hears(NOBODY, "thank you")
        for _ in range(2):
            talks.upkeep()
        assert talks.one().waiting_since is not None
        assert sorted(talks.promise_states()) == ["kept", "open"]
        talks.clock.advance(60)
        talks.desk_writes("In blue, too.", talks.relay_id(0), raw={"is_own": True})
        talks.go_on(1)
        assert talks.one().waiting_since is None
        assert talks.promise_states() == ["kept", "kept"]

    def test_what_was_answered_is_settled_before_and_the_others_question_waits(self, talks, anna):
        talks.hears(NOBODY)
        talks.clock.advance(60)
        talks.hears(ANNA, "And in red?")
        talks.go_on(1)
        talks.desk_writes("In blue, yes.", talks.relay_id(0), raw={"is_own": True})
        talks.speak()  # it arrived, and nobody has looked since
        tied = tie(talks, anna, 0)
        assert tied.waiting_since is not None
        assert tied.answered_at == talks.clock.now()
        talks.upkeep()
        assert talks.promise_states() == ["kept", "open"]
        talks.clock.advance(60)
        talks.desk_writes("In red, too.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(1)
        assert talks.promise_states() == ["kept", "kept"]

    def test_an_answer_under_way_to_the_one_is_none_to_the_other(self, talks, anna):
        talks.hears(NOBODY)
        talks.hears(ANNA, "And in red?")
        talks.go_on(1)
        talks.desk_writes("In red, yes.", talks.relay_id(), raw={"is_own": True})
        tie(talks, anna, 0)
        talks.go_on(1)
        assert talks.one().waiting_since is not None
        assert talks.promise_states() == ["open", "open"]

    def test_a_question_after_the_answer_keeps_its_promise_through_it(self, talks, anna):
        talks.hears(NOBODY)
        talks.go_on(1)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.clock.advance(60)
        talks.hears(NOBODY, "And what does it cost?")
        talks.clock.advance(60)
        talks.hears(ANNA, "thank you")
        talks.speak()
        assert tie(talks, anna, 0).waiting_since == START + timedelta(minutes=2)
        talks.upkeep()
        assert talks.promise_states() == ["open"]

    def test_an_address_that_was_taken_away_again_speaks_for_nobody(self, talks, shop, anna):
        talks.hears(NOBODY)
        talks.go_on(1)
        tie(talks, anna)
        with shop.database.write() as connection:
            roster.remove_address(connection, roster.find(connection, f"#{anna}"), NOBODY)
        talks.hears(NOBODY, "STOP")
        talks.hears(NOBODY, kind="unsubscribed")
        found = member(shop, anna)
        assert (found.consent, [one.address for one in found.addresses]) == (
            ConsentState.OPTED_IN,
            [ANNA, ANNA_ON_VIBER],
        )
        assert [row.member_id for row in talks.stored()] == [anna, None, None]
        assert [one.member_id for one in talks.all()] == [anna, None]

    def test_a_colleagues_answer_does_not_become_the_members_words(self, talks, shop):
        bela = add_member(shop, "Nagy Béla")
        talks.hears(NOBODY)
        talks.go_on(1)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(1)
        tie(talks, bela)
        assert [row.member_id for row in talks.stored()] == [bela, None]

    @pytest.mark.usefixtures("anna")
    def test_what_is_somebodys_already_is_refused(self, talks, shop):
        bela = add_member(shop, "Nagy Béla", ("telegram", "@bela_nagy"))
        talks.hears(ANNA)
        with pytest.raises(InputError, match="is Kovács Anna's already"):
            tie(talks, bela)

    def test_an_address_that_is_anothers_is_refused(self, talks, shop, anna):
        talks.hears(NOBODY)
        bela = add_member(shop, "Nagy Béla", ("telegram", NOBODY))
        with pytest.raises(InputError, match="is that of Nagy Béla"):
            tie(talks, anna)
        assert talks.one().member_id is None
        assert tie(talks, bela).member_id == bela

    def test_after_it_messages_come_to_the_member(self, talks, anna):
        talks.hears(NOBODY)
        tie(talks, anna)
        talks.hears(NOBODY, "And in red?")
        assert (talks.one().member_id, talks.stored()[-1].member_id) == (anna, anna)


class TestFinding:
    @pytest.mark.usefixtures("anna")
    def test_by_number_by_address_and_by_member(self, talks, shop):
        add_member(shop, "Nagy Béla")
        talks.hears(NOBODY)
        talks.hears(ANNA)
        nobody, of_anna = talks.all()
        with shop.database.read() as connection:
            assert records.find(connection, f"#{nobody.id}") == nobody
            assert records.find(connection, NOBODY) == nobody
            assert records.find(connection, "Kovács Anna") == of_anna
            with pytest.raises(InputError, match="no conversation 99"):
                records.find(connection, "99")
            with pytest.raises(InputError, match="Nagy Béla has not written yet"):
                records.find(connection, "Nagy Béla")

    def test_a_messengers_number_finds_it_where_no_conversation_has_that_number(self, talks, shop):
        talks.hears("346644610")
        talks.hears("1")
        first, second = talks.all()
        with shop.database.read() as connection:
            assert records.find(connection, "346644610") == first
            assert records.find(connection, "1") == first
            assert records.find(connection, "2") == second

    def test_those_that_wait_longest_come_first(self, talks):
        for who in (NOBODY, BELA, "@third"):
            talks.hears(who, "thank you" if who == BELA else QUESTION)
            talks.clock.advance(60)
        with talks.shop.database.read() as connection:
            found = records.everything(connection, with_closed=False, limit=9)
            assert [one.address for one in found] == [NOBODY, "@third", BELA]
            assert records.everything(connection, with_closed=False, limit=1) == found[:1]

    def test_closed_ones_are_left_out(self, talks):
        talks.hears(NOBODY)
        talks.close()
        with talks.shop.database.read() as connection:
            assert records.everything(connection, with_closed=False, limit=9) == []
            assert len(records.everything(connection, with_closed=True, limit=9)) == 1

    def test_one_that_was_opened_by_hand_takes_the_first_messages_address(self, talks, shop, anna):
        with shop.database.write() as connection:
            opened = records.of(connection, member(shop, anna), None, shop.now())
            assert records.of(connection, member(shop, anna), None, shop.now()) == opened
        assert (opened.account, opened.address) == ("", "")
        early = talks.event("message", ANNA, QUESTION, at=START - timedelta(hours=1))
        talks.take(early, "news")
        assert (talks.one().id, talks.one().address) == (opened.id, ANNA)


class TestWrittenByHand:
    def test_it_is_an_answer_once(self, talks, anna):
        talks.hears(ANNA)
        talks.clock.advance(60)
        event = talks.event("written", ANNA, "Yes, in blue and in red.")
        assert talks.take(event, "news")
        assert talks.take(event, "news") is False
        (row,) = talks.said("answer")
        assert (row.state, row.member_id, row.author) == ("sent", anna, "Régi Divat")
        assert (row.remote_id, row.address) == (event.remote_id, ANNA)
        assert talks.promise_states() == ["kept"]
        assert talks.stored()[-1].kind == "message"  # it stands in the ledger, not with what came in

    @pytest.mark.usefixtures("anna")
    def test_where_no_conversation_goes_on_it_is_none_of_ours(self, talks):
        assert talks.written(NOBODY, "See you at the party!") is False
        assert talks.written(ANNA, "Good morning!") is False
        assert (talks.said(), talks.stored(), talks.all()) == ([], [], [])

    @pytest.mark.usefixtures("anna")
    def test_what_vipcast_sent_is_known_by_its_number(self, talks):
        talks.hears(ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.go_on(5)
        for row in talks.said("answer", "automatic"):
            assert talks.written(ANNA, "whatever", number=row.remote_id) is False
        assert len(talks.said("answer")) == 1

    @pytest.mark.parametrize("lose", [True, False], ids=["sending", "unknown"])
    @pytest.mark.usefixtures("anna")
    def test_while_its_number_is_not_known_by_its_words(self, talks, lose):
        talks.hears(ANNA)
        talks.go_on(5)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True})
        talks.speak(lose=lose, error=OutcomeUnknown("no answer"))
        (text,) = talks.texts("answer")
        assert talks.written(ANNA, text) is False
        assert talks.written(ANNA, "Something else.")
        assert len(talks.said("answer")) == 2

    @pytest.mark.usefixtures("anna")
    def test_a_picture_by_hand_is_an_answer_in_words(self, talks):
        talks.hears(ANNA)
        assert talks.written(ANNA, "", attachments=(Attachment("location", words="https://maps.example/1"),))
        assert talks.texts("answer") == ["https://maps.example/1"]

    @pytest.mark.usefixtures("anna")
    def test_vipcast_keeps_silent_after_it(self, talks):
        talks.hears(ANNA, "thank you")
        talks.written(ANNA, "You are welcome. When will you come?")
        talks.clock.advance(600)
        talks.hears(ANNA, PARKING)
        assert talks.handlings()[-1] == "question"
        assert talks.said("automatic") == []


class TestHistory:
    def test_it_tells_apart_who_speaks(self, talks, anna):
        talks.hears(ANNA, PARKING)
        talks.go_on(1)
        asked = talks.hears(ANNA_ON_VIBER)
        talks.clock.advance(60)
        talks.go_on(1)
        talks.desk_writes("Yes.", talks.relay_id(), raw={"is_own": True}, number=900)
        talks.go_on(1)
        talks.desk_writes("Yes!", "900", kind="edited", raw={"is_own": True})
        talks.clock.advance(60)
        talks.hears(ANNA_ON_VIBER, QUESTION + " Or 42?", kind="edited", reply_to=asked.remote_id)
        found = [(one.speaker, one.messenger) for one in history_of(talks, anna)]
        assert found == [
            ("event", ""),  # the opt-in of yesterday
            ("member", "telegram"),
            ("automatic", "telegram"),
            ("member", "viber"),
            ("automatic", "viber"),
            ("person", "viber"),
            ("member", "viber"),
        ]

    def test_a_strangers_has_its_own(self, talks):
        talks.hears(NOBODY, name="B.")
        with talks.shop.database.read() as connection:
            found = history.of_conversation(connection, talks.one().id)
        assert [one.speaker for one in found] == ["member", "automatic"]


class TestForgetting:
    def test_no_word_of_the_person_is_left_in_the_file(self, talks, shop):
        secrets = [
            "Zsuzsanna",
            "@zsuzsi_secret",
            "zsuzsi-viber-99==",
            "turquoise",
            "Nagymama",
            "4711234",
            "Napos utca",
        ]
        member_id = add_member(shop, "Zsuzsanna", ("telegram", "@zsuzsi_secret"))
        raw = {"name": "Zsuzsanna", "id": "4711234"}
        place = Attachment("file", name="turquoise.pdf", size=9, ref="turquoise-ref")
        talks.hears(
            "zsuzsi-viber-99==", "Is the turquoise one there?", account="viber", name="Nagymama", raw=raw
        )
        talks.go_on(5)
        talks.hears("@zsuzsi_secret", "The turquoise one?", attachments=(place,), peer="4711234:5", raw=raw)
        tie(talks, member_id, 0)
        talks.go_on(5)
        talks.desk_writes("Dear Zsuzsanna, turquoise is gone.", talks.relay_id(), raw={"is_own": True})
        talks.desk_writes("/note lives at Napos utca 3", talks.relay_id(), raw={"is_own": True})
        talks.go_on(5)
        talks.written("@zsuzsi_secret", "Zsuzsanna, no more turquoise.")
        talks.hears("@zsuzsi_secret", "", kind="seen", number="4711234")
        talks.hears("zsuzsi-viber-99==", "STOP", account="viber")
        kept = shop.attachments_folder
        kept.mkdir(parents=True)
        (kept / talks.kept()[0].file).write_bytes(b"turquoise")
        (kept / "another.pdf").write_bytes(b"left from an earlier time")
        talks.hears(NOBODY, "Nothing to do with her")
        before = bytes_of(shop)
        assert [word for word in secrets if word.encode() not in before] == []
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, f"#{member_id}"), now=shop.now())
            assert attachments.tidy(connection, kept) == 2
        shop.database.erase_traces()
        after = bytes_of(shop)
        assert [word for word in secrets if word.encode() in after] == []
        assert list(kept.iterdir()) == []
        assert [one.address for one in talks.all()] == [NOBODY]
        assert len(talks.said("answer")) == 2  # counted, without words

    def test_a_stranger_who_came_by_a_link_leaves_no_address(self, talks, shop):
        talks.hears(NOBODY)
        member_id = add_member(shop, "Nagy Béla", ("telegram", NOBODY))
        talks.hears(NOBODY, "It is me, Béla")
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, f"#{member_id}"), now=shop.now())
            for table in (deliveries, peers, receipts):
                found = connection.execute(select(table.c.address)).scalars().all()
                assert NOBODY not in found
        assert talks.all() == []
        assert talks.stored() == []

    def test_what_was_queued_for_them_is_not_said(self, talks, shop, anna):
        talks.hears(ANNA)
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, f"#{anna}"), now=shop.now())
        assert {row.state for row in talks.said()} == {"skipped"}
        assert talks.speak() == []

    def test_promises_and_counts_go_with_the_person(self, talks, shop, anna):
        talks.hears(ANNA)
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, f"#{anna}"), now=shop.now())
            assert promises.everything(connection, limit=9) == []
        assert talks.upkeep() == ([], [])

    def test_tidy_without_a_folder_has_nothing_to_do(self, shop, tmp_path):
        with shop.database.read() as connection:
            assert attachments.tidy(connection, tmp_path / "none") == 0
