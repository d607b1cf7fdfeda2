"""Taking events: stored once, tied to their member, applied in whatever order they come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, select, update
from support import START, add_member, announce, rows, seat_members

from vipcast.delivery import inbound, receipts, recording
from vipcast.delivery.outcomes import Outcome, State
from vipcast.members import roster
from vipcast.members.linking import new_code
from vipcast.messengers.base import Event, EventKind
from vipcast.storage.tables import addresses, deliveries, invitations, peers
from vipcast.storage.tables import inbound as inbound_table

BELA = "bela_nagy-0002=="
ANNA = "@anna_kovacs"
PHONE = "+36301234567"
ID = "123456789"


def minutes(number):
    return START + timedelta(minutes=number)


@pytest.fixture
def take(shop):
    def work(*events, account="viber"):
        results = []
        for one in events:
            with shop.database.write() as connection:
                kept = inbound.take(connection, shop.config.account(account), one, shop.now())
                results.append(kept is not None)
        return results

    return work


@pytest.fixture
def stored(shop):
    def work():
        with shop.database.read() as connection:
            return list(connection.execute(select(inbound_table).order_by(inbound_table.c.id)))

    return work


@pytest.fixture
def state_of(shop):
    def work(address):
        with shop.database.read() as connection:
            query = select(addresses.c.state, addresses.c.reason).where(addresses.c.address == address)
            return tuple(connection.execute(query).one())

    return work


@pytest.fixture
def bela(shop):
    return add_member(shop, "Nagy Béla", ("viber", BELA))


def viber(kind, number, text="", *, at=None, context="", who=BELA, **raw):
    return Event(kind, who, str(number), at or minutes(number), text, context, raw=raw)


def telegram(number, *spellings, text="hello"):
    raw = {"id": ID, "spellings": [*spellings, ID]}
    return Event(EventKind.MESSAGE, raw["spellings"][0], str(number), minutes(number), text, raw=raw)


def code_for(shop, member, messenger="viber"):
    with shop.database.write() as connection:
        return new_code(connection, member, messenger, now=shop.now())


class TestStoring:
    def test_a_message_is_stored_once_with_its_member(self, take, stored, bela):
        message = viber(EventKind.MESSAGE, 1, "Szép!")
        assert take(message, message) == [True, False]
        (row,) = stored()
        assert (row.account, row.messenger, row.kind, row.address) == ("viber", "viber", "message", BELA)
        assert (row.member_id, row.text, row.at, row.recorded_at) == (bela, "Szép!", minutes(1), START)

    def test_a_stranger_is_stored_too(self, take, stored):
        assert take(viber(EventKind.MESSAGE, 1, "Who are you?")) == [True]
        assert [(row.member_id, row.address) for row in stored()] == [(None, BELA)]

    def test_the_same_number_from_others_or_of_another_kind_is_another_event(self, take, stored):
        events = [
            viber(EventKind.MESSAGE, 1),
            viber(EventKind.SUBSCRIBED, 1),
            viber(EventKind.MESSAGE, 1, who="somebody-else=="),
        ]
        assert take(*events) == [True, True, True]
        assert take(*events) == [False, False, False]
        assert len(stored()) == 3

    def test_without_a_number_the_time_tells_them_apart(self, take):
        first = viber(EventKind.UNSUBSCRIBED, "", at=minutes(1))
        second = viber(EventKind.UNSUBSCRIBED, "", at=minutes(2))
        assert take(first, second, first) == [True, True, False]

    def test_a_number_that_comes_again_with_other_words_is_another_message(self, take, stored):
        first = viber(EventKind.MESSAGE, 1, "Q one?", at=minutes(1))
        second = viber(EventKind.MESSAGE, 1, "A wholly different question?", at=minutes(2))
        third = viber(EventKind.MESSAGE, 1, "And one more?", at=minutes(3))
        assert take(first, second, third) == [True, True, True]
        assert take(first, second, third) == [False, False, False]
        assert [row.text for row in stored()] == [first.text, second.text, third.text]
        assert [row.remote_id.partition("@")[0] for row in stored()] == ["1", "1", "1"]
        assert stored()[-1].remote_id == "1"  # replies and edits mean this one

    @pytest.mark.parametrize(
        ("later", "text"), [(timedelta(seconds=4), "Szep!"), (timedelta(days=1), "Szép!")]
    )
    def test_a_repetition_may_differ_in_time_or_in_words(self, take, stored, later, text):
        assert take(viber(EventKind.MESSAGE, 1, "Szép!")) == [True]
        assert take(viber(EventKind.MESSAGE, 1, text, at=minutes(1) + later)) == [False]
        assert len(stored()) == 1

    def test_what_means_nothing_is_not_stored(self, take, stored):
        assert take(Event(EventKind.OTHER, BELA, "1", START)) == [False]
        assert stored() == []

    @pytest.mark.parametrize("text", ["a\0b", "half \ud83d of a pair", "🎉", "x" * 100_000])
    def test_any_text_can_be_stored(self, take, stored, text):
        assert take(viber(EventKind.MESSAGE, 1, text, raw_text=text)) == [True]
        (row,) = stored()
        assert row.text == text.replace("\0", "").replace("\ud83d", "?")

    @pytest.mark.usefixtures("bela")
    def test_messages_are_listed_newest_first_with_what_came_along(self, shop, take):
        take(
            viber(EventKind.MESSAGE, 2, "later", message={"type": "picture"}),
            viber(EventKind.MESSAGE, 1, "earlier", message={"type": "text"}),
            viber(EventKind.SUBSCRIBED, 3),
        )
        with shop.database.read() as connection:
            found = inbound.messages(connection, limit=10)
            (newest,) = inbound.messages(connection, limit=1)
        assert [(one.text, one.attachment, one.member) for one in found] == [
            ("later", "picture", "Nagy Béla"),
            ("earlier", "", "Nagy Béla"),
        ]
        assert newest.text == "later"


class TestWhoItIs:
    @pytest.mark.parametrize("address", [("telegram", ANNA), ("phone", PHONE), ("telegram", ID)])
    def test_any_spelling_finds_the_member(self, shop, take, stored, address):
        member = add_member(shop, "Anna", address)
        take(telegram(1, ANNA, PHONE), account="news")
        (row,) = stored()
        assert (row.member_id, row.address) == (member, address[1])

    def test_a_peer_that_was_resolved_finds_the_member_of_a_number_alone(self, shop, take, stored):
        member = add_member(shop, "Anna", ("phone", PHONE))
        with shop.database.write() as connection:
            values = {"account": "news", "address": PHONE, "peer": f"{ID}:-77", "resolved_at": START}
            connection.execute(insert(peers).values(**values))
            connection.execute(insert(peers).values(**values | {"address": "@other", "peer": f"{ID}0:5"}))
        take(telegram(1), account="news")
        (row,) = stored()
        assert (row.member_id, row.address) == (member, PHONE)

    def test_a_peer_of_another_account_tells_nothing(self, shop, take, stored):
        add_member(shop, "Anna", ("phone", PHONE))
        with shop.database.write() as connection:
            values = {"account": "support", "address": PHONE, "peer": f"{ID}:-77", "resolved_at": START}
            connection.execute(insert(peers).values(**values))
        take(telegram(1), account="news")
        assert [row.member_id for row in stored()] == [None]

    def test_a_repetition_is_recognised_in_another_spelling(self, take, stored):
        assert take(telegram(1), telegram(1, ANNA), telegram(1, ANNA, PHONE), account="news") == [
            True, False, False,
        ]  # fmt: skip
        assert len(stored()) == 1
        assert take(telegram(2, ANNA), telegram(2), account="news") == [True, False]

    @pytest.mark.parametrize("kind", [EventKind.MESSAGE, EventKind.SUBSCRIBED, EventKind.UNSUBSCRIBED])
    def test_an_address_that_was_taken_from_a_member_is_nobodys(self, shop, take, stored, kind):
        announce(shop, seat_members(shop, 1, "viber"))
        row = rows(shop)[0]
        with shop.database.write() as connection:
            (member,) = roster.load(connection, [row.member_id])
            roster.remove_address(connection, member, row.address)
        take(viber(kind, 1, who=row.address))
        assert [one.member_id for one in stored()] == [None]
        with shop.database.read() as connection:
            assert connection.execute(select(addresses.c.address)).all() == []

    def test_a_receipt_is_still_known_by_where_the_message_went(self, shop, take):
        announce(shop, seat_members(shop, 1, "telegram"))
        row = rows(shop)[0]
        with shop.database.write() as connection:
            (member,) = roster.load(connection, [row.member_id])
            roster.remove_address(connection, member, row.address)
            sent = {"state": "sent", "remote_id": "77", "sent_at": START}
            connection.execute(update(deliveries).values(**sent))
        raw = {"id": ID, "spellings": [ID, row.address]}
        take(Event(EventKind.SEEN, ID, "77", minutes(1), through=True, raw=raw), account="news")
        assert rows(shop)[0].state == "seen"

    def test_a_viber_id_is_not_looked_for_on_telegram(self, shop, take, stored):
        add_member(shop, "Somebody", ("telegram", BELA))
        take(viber(EventKind.MESSAGE, 1))
        assert [row.member_id for row in stored()] == [None]


class TestStates:
    @pytest.mark.usefixtures("bela")
    def test_who_unsubscribes_is_opted_out_there(self, take, state_of):
        take(viber(EventKind.UNSUBSCRIBED, 1))
        assert state_of(BELA) == ("opted_out", "unsubscribed")

    @pytest.mark.parametrize("kind", [EventKind.MESSAGE, EventKind.SUBSCRIBED])
    @pytest.mark.parametrize("state", ["opted_out", "unreachable"])
    def test_who_comes_back_can_be_reached_again(self, shop, take, bela, state_of, kind, state):
        with shop.database.write() as connection:
            roster.mark_address(connection, bela, "viber", BELA, state=state, reason="left", now=minutes(1))
        take(viber(kind, 2))
        assert state_of(BELA) == ("ok", "")

    @pytest.mark.usefixtures("bela")
    def test_a_late_message_from_before_does_not_undo_an_opt_out(self, take, state_of):
        take(viber(EventKind.UNSUBSCRIBED, 10), viber(EventKind.MESSAGE, 5))
        assert state_of(BELA)[0] == "opted_out"

    @pytest.mark.usefixtures("bela")
    def test_a_late_opt_out_from_before_does_not_undo_a_return(self, take, state_of):
        take(viber(EventKind.UNSUBSCRIBED, 1), viber(EventKind.MESSAGE, 10), viber(EventKind.UNSUBSCRIBED, 5))
        assert state_of(BELA)[0] == "ok"

    @pytest.mark.usefixtures("bela")
    def test_a_repeated_opt_out_does_not_undo_a_return(self, take, state_of):
        out = viber(EventKind.UNSUBSCRIBED, 1)
        take(out, viber(EventKind.MESSAGE, 2), out)
        assert state_of(BELA)[0] == "ok"

    def test_an_opt_out_by_phone_is_kept_for_the_messenger(self, shop, take):
        add_member(shop, "Anna", ("phone", PHONE))
        event = Event(
            EventKind.UNSUBSCRIBED, PHONE, "stop-1", minutes(1), raw={"id": ID, "spellings": [PHONE]}
        )
        take(event, account="news")
        with shop.database.read() as connection:
            query = select(addresses.c.messenger, addresses.c.state).order_by(addresses.c.messenger)
            assert [tuple(row) for row in connection.execute(query)] == [
                ("phone", "ok"),
                ("telegram", "opted_out"),
            ]


class TestCodes:
    def test_opening_the_chat_ties_the_id_and_subscribing_makes_it_usable(self, shop, take, stored, state_of):
        member = add_member(shop, "Béla")
        code = code_for(shop, member)
        take(viber(EventKind.STARTED, 1, context=code, subscribed=False))
        assert state_of(BELA) == ("unreachable", inbound.NOT_SUBSCRIBED)
        assert stored()[0].member_id == member
        take(viber(EventKind.MESSAGE, 2, "+"))
        assert state_of(BELA) == ("ok", "")
        assert [row.member_id for row in stored()] == [member, member]

    def test_who_is_subscribed_already_is_usable_at_once(self, shop, take, state_of):
        code = code_for(shop, add_member(shop, "Béla"))
        take(viber(EventKind.STARTED, 1, context=code, subscribed=True))
        assert state_of(BELA) == ("ok", "")

    def test_opening_the_chat_again_makes_nobody_unreachable(self, shop, take, bela, state_of):
        take(viber(EventKind.STARTED, 1, context=code_for(shop, bela), subscribed=False))
        assert state_of(BELA)[0] == "ok"

    @pytest.mark.parametrize("template", ["{}", "  {}\n"])
    def test_a_code_as_a_text_ties_too(self, shop, take, stored, state_of, template):
        member = add_member(shop, "Béla")
        take(viber(EventKind.MESSAGE, 1, "hello"))
        take(viber(EventKind.MESSAGE, 2, template.format(code_for(shop, member))))
        assert state_of(BELA) == ("ok", "")
        assert [row.member_id for row in stored()] == [member, member]  # what came before is theirs as well

    def test_a_code_works_once_and_for_its_messenger(self, shop, take, stored):
        member = add_member(shop, "Béla")
        code = code_for(shop, member, "telegram")
        take(viber(EventKind.MESSAGE, 1, code))
        assert stored()[0].member_id is None
        take(telegram(2, ANNA, text=code), account="news")
        other = Event(EventKind.MESSAGE, "@other", "3", minutes(3), code)
        take(other, account="news")
        assert [row.member_id for row in stored()] == [None, member, None]

    def test_a_code_in_anothers_hands_changes_nothing_and_loses_no_message(self, shop, take, stored, bela):
        code = code_for(shop, add_member(shop, "Anna"))
        assert take(viber(EventKind.MESSAGE, 1, code)) == [True]
        assert stored()[0].member_id == bela
        with shop.database.read() as connection:
            assert connection.execute(select(invitations.c.used_at)).scalar() is None

    def test_an_ordinary_text_is_no_code(self, take, stored):
        take(viber(EventKind.MESSAGE, 1, "sixteen_letters_"), viber(EventKind.MESSAGE, 2, ""))
        assert [row.member_id for row in stored()] == [None, None]


class TestReceipts:
    @pytest.fixture
    def announcement(self, shop):
        return announce(shop, seat_members(shop, 3, "viber"))

    @pytest.mark.usefixtures("announcement")
    def test_a_receipt_goes_to_the_ledger_and_not_to_the_inbox(self, shop, take, stored):
        row = rows(shop)[0]
        with shop.database.write() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == row.id)
                .values(state="sent", remote_id="77", sent_at=START)
            )
        seen = Event(EventKind.SEEN, row.address, "77", minutes(1))
        assert take(seen, seen) == [True, False]
        assert rows(shop)[0].state == "seen"
        assert stored() == []

    @pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.SEEN, EventKind.FAILED])
    @pytest.mark.usefixtures("announcement")
    def test_a_receipt_that_comes_before_our_own_record_counts(self, shop, take, kind):
        first, second, _ = rows(shop)
        take(Event(kind, first.address, "77", minutes(1), text="why"))
        with shop.database.write() as connection:
            connection.execute(update(deliveries).values(state="sending", attempt_token="t"))
            sent = [
                Outcome(row.id, "t", State.SENT, START, remote_id=number)
                for row, number in ((first, "77"), (second, "78"))
            ]
            recording.record(connection, "viber", sent, START)
        assert [row.state for row in rows(shop)] == [str(kind), "sent", "sending"]

    @pytest.mark.usefixtures("announcement")
    def test_recording_costs_one_query_more_where_no_receipt_is_early(self, shop):
        statements = []
        with shop.database.write() as connection:
            connection.execute(update(deliveries).values(state="sending", attempt_token="t"))
            sqlalchemy_event.listen(
                connection,
                "before_cursor_execute",
                lambda _c, _k, statement, *_: statements.append(statement),
            )
            sent = [Outcome(row.id, "t", State.SENT, START, remote_id=str(row.id)) for row in rows(shop)]
            recording.record(connection, "viber", sent, START)
        assert len([one for one in statements if one.startswith("SELECT")]) == 1

    def test_a_reading_long_fetched_late_speaks_of_its_own_messages_only(self, shop, take):
        announcements = [announce(shop, seat_members(shop, 1, "telegram"))]
        announcements.append(announce(shop, ["telegram1"], is_new=True))
        first, second = rows(shop)
        with shop.database.write() as connection:
            for row, number in ((first, "8"), (second, "12")):
                connection.execute(
                    update(deliveries)
                    .where(deliveries.c.id == row.id)
                    .values(state="sent", remote_id=number, sent_at=START)
                )
        take(Event(EventKind.SEEN, first.address, "9", minutes(60), through=True), account="news")
        assert [row.state for row in rows(shop)] == ["seen", "sent"]


def test_forgetting_a_member_deletes_what_they_wrote(shop, take, stored, bela):
    take(viber(EventKind.MESSAGE, 1, "about me"), viber(EventKind.MESSAGE, 2, "not me", who="other=="))
    with shop.database.write() as connection:
        connection.execute(
            insert(inbound_table).values(
                account="old", messenger="viber", kind="message", address=BELA, remote_id="9",
                at=START, recorded_at=START, text="before I was known",
            )
        )  # fmt: skip
        (member,) = roster.load(connection, [bela])
        roster.forget(connection, member, now=shop.now())
    assert [row.text for row in stored()] == ["not me"]


def test_a_receipt_is_kept_once_by_any_way(shop, take):
    event = Event(EventKind.SEEN, BELA, "77", START)
    assert take(event) == [True]
    with shop.database.write() as connection:
        assert receipts.keep(connection, "viber", event, START) is False
