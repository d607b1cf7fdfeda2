"""Tasks: deliveries that a person posts; who did it and when, who may not get it any more, what is late."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from hand_steps import (
    ANNA,
    BELA,
    CILI,
    INVITE,
    by_hand,
    chat_group,
    done,
    people,
    planned,
    skip,
    state_of,
    tasks,
)
from sqlalchemy import update
from support import START, add_member, announce, make_shop_folder, opt_out, rows, states, write_template

from vipcast.announcements import records
from vipcast.by_hand import BY_HAND
from vipcast.delivery import hand, ledger
from vipcast.errors import InputError
from vipcast.groups import seats
from vipcast.members import roster
from vipcast.shop import Shop
from vipcast.shop_desk import ticker_of
from vipcast.storage.tables import deliveries


@pytest.fixture
def shop_folder(tmp_path):
    folder = make_shop_folder(tmp_path / "shop")
    by_hand(folder)
    return folder


def write(shop, statement):
    with shop.database.write() as connection:
        connection.execute(statement)


def announced(shop, action, number, *more):
    with shop.database.write() as connection:
        action(connection, number, *more)


class TestPlanning:
    def test_a_member_reached_by_hand_alone_is_a_delivery_of_the_ledger(self, shop):
        write_template(shop.config.folder, "bold", '+++\ntitle = "x"\n+++\n**News** for {{ member.name }}.\n')
        people(shop, ANNA, BELA)
        _, (anna, bela) = planned(shop, template="bold")
        assert [row.account for row in rows(shop)] == [BY_HAND] * 2
        assert (anna.messenger, anna.address, anna.message.text) == (*ANNA, "*News* for Kovács Anna.")
        assert (bela.messenger, bela.address, bela.message.text) == (*BELA, "News for Nagy Béla.")
        assert (anna.member, anna.group, anna.whom) == ("Kovács Anna", "", "Kovács Anna")

    def test_a_groups_chat_is_one_task_with_its_link(self, shop):
        members = people(shop, ANNA, BELA, group="other")
        chat_group(shop, members=members)
        write_template(shop.config.folder, "all", '+++\ntitle = "x"\n+++\n~~Old~~ **new** things.\n')
        _, [task] = planned(shop, "vip", template="all")
        assert (task.messenger, task.address, task.member_id) == ("viber", INVITE, None)
        assert (task.group, task.whom, task.message.text) == ("vip", "the group vip", "~Old~ *new* things.")

    def test_an_account_comes_first_unless_the_member_prefers_otherwise(self, shop):
        first = add_member(shop, "Dóra", ("telegram", "@dora_by_hand"), ("whatsapp", "+36701234567"))
        add_member(
            shop, "Emil", ("telegram", "@emil_by_hand"), ("whatsapp", "+36702234567"), preferred="whatsapp"
        )
        people(shop, CILI)
        with shop.database.write() as connection:
            group = seats.get(connection, "gold")
            for number in (first, first + 1):
                seats.take_seat(connection, group, number, now=shop.now())
        _, found = planned(shop)
        assert {task.member for task in found} == {"Tóth Cili", "Emil"}
        assert {row.messenger for row in rows(shop)} == {"phone", "whatsapp", "telegram"}

    def test_no_process_sends_it(self, shop):
        people(shop)
        one, _ = planned(shop)
        with shop.database.read() as connection:
            assert ledger.open_accounts(connection, one.id) == []
            assert ledger.open_accounts(connection, None) == []
        assert asyncio.run(shop.dispatcher().drain()) == []
        assert states(shop) == {"queued": 3}
        assert state_of(shop, one) == "running", "somebody still has to post it"


class TestDone:
    def test_who_posted_it_and_when_is_kept(self, shop, clock):
        people(shop)
        one, (anna, bela, cili) = planned(shop)
        clock.advance(600)
        [noted] = done(shop, anna.id, at=START + timedelta(minutes=5))
        assert (noted.why_not, noted.task.author, noted.task.sent_at) == (
            "",
            "Zita",
            START + timedelta(minutes=5),
        )
        done(shop, cili.id, note="no answer")
        assert [task.id for task in tasks(shop)] == [bela.id]
        row = {row.id: row for row in rows(shop)}[cili.id]
        assert (row.state, row.author, row.words, row.sent_at) == ("sent", "Zita", "no answer", clock.now())
        assert state_of(shop, one) == "running"

    def test_the_last_one_finishes_the_announcement(self, shop):
        people(shop)
        one, found = planned(shop)
        done(shop, *(task.id for task in found[:2]))
        assert state_of(shop, one) == "running"
        skip(shop, found[2].id, why="was here today")
        assert state_of(shop, one) == "finished"
        row = rows(shop)[-1]
        assert (row.state, row.reason, row.author, row.words) == (
            "skipped", "by-hand-skipped", "Zita", "was here today",
        )  # fmt: skip
        assert row.ended_at == START

    @pytest.mark.parametrize(
        ("state", "is_finished"), [("queued", False), ("unknown", False), ("sent", True)]
    )
    def test_what_an_account_still_has_to_send_keeps_it_running(self, shop, state, is_finished):
        people(shop, ANNA)
        add_member(shop, "Dóra", ("telegram", "@dora_by_hand"))
        with shop.database.write() as connection:
            seats.take_seat(connection, seats.get(connection, "gold"), 2, now=shop.now())
        one, [task] = planned(shop)
        write(
            shop,
            update(deliveries).where(deliveries.c.account == "news").values(state=state, reason="no-answer"),
        )
        done(shop, task.id)
        assert (state_of(shop, one) == "finished") is is_finished

    def test_twice_keeps_the_first(self, shop, clock):
        people(shop, ANNA)
        _, [task] = planned(shop)
        done(shop, task.id)
        clock.advance(60)
        [again] = done(shop, task.id, by="Éva")
        assert (again.why_not, again.task.author, again.task.sent_at) == ("sent", "Zita", START)
        [skipped] = skip(shop, task.id)
        assert skipped.why_not == "sent"
        assert states(shop) == {"sent": 1}

    def test_one_named_twice_is_one(self, shop):
        people(shop, ANNA)
        _, [task] = planned(shop)
        assert len(done(shop, task.id, task.id)) == 1

    def test_two_at_the_same_moment_are_one(self, shop):
        people(shop, ANNA)
        _, [task] = planned(shop)
        ready, found = Barrier(2), []

        def post(name):
            with Shop.open(shop.config.folder, {}, shop.clock) as mine:
                ready.wait(30)
                found.extend(done(mine, task.id, by=name))

        both = [Thread(target=post, args=(name,)) for name in ("Zita", "Éva")]
        for one in both:
            one.start()
        for one in both:
            one.join(60)
        (first,) = [one.task.author for one in found if not one.why_not]
        (second,) = [one for one in found if one.why_not]
        assert second.task.author == first == rows(shop)[0].author

    def test_what_was_skipped_may_have_been_posted_after_all(self, shop):
        people(shop, ANNA)
        _, [task] = planned(shop)
        skip(shop, task.id)
        assert skip(shop, task.id)[0].why_not == "by-hand-skipped"
        [noted] = done(shop, task.id)
        assert (noted.why_not, noted.task.state, noted.task.ended_at) == ("", "sent", None)

    @pytest.mark.parametrize("number", [999, 2])
    def test_a_number_that_is_no_task_changes_nothing(self, shop, number):
        people(shop, ANNA)
        add_member(shop, "Dóra", ("telegram", "@dora_by_hand"))
        with shop.database.write() as connection:
            seats.take_seat(connection, seats.get(connection, "gold"), 2, now=shop.now())
        _, [task] = planned(shop)
        with pytest.raises(InputError, match=f"no task {number}"):
            done(shop, task.id, number)
        assert states(shop) == {"queued": 2}, "nor was the good one noted"

    @pytest.mark.parametrize("minutes", [-2, 1])
    def test_a_time_that_cannot_be_is_refused(self, shop, minutes):
        people(shop, ANNA)
        _, [task] = planned(shop)
        with pytest.raises(InputError):
            done(shop, task.id, at=START + timedelta(minutes=minutes))
        assert states(shop) == {"queued": 1}

    def test_the_minute_of_the_planning_will_do(self, shop, clock):
        clock.advance(30)
        people(shop, ANNA)
        _, [task] = planned(shop)
        assert done(shop, task.id, at=START)[0].why_not == ""


class TestMayNot:
    def test_who_opted_out_is_not_shown(self, shop):
        anna, *_ = people(shop, ANNA, BELA)
        _, found = planned(shop)
        opt_out(shop, anna)
        assert [task.member for task in tasks(shop)] == ["Nagy Béla"]
        row = rows(shop)[0]
        assert (row.state, row.reason, row.ended_at) == ("skipped", "opted_out", START)
        assert len(found) == 2

    def test_who_opted_out_while_it_was_shown_is_not_noted_as_sent(self, shop):
        anna, *_ = people(shop, ANNA)
        one, [task] = planned(shop)
        opt_out(shop, anna)
        [noted] = done(shop, task.id)
        assert (noted.why_not, noted.task.state) == ("opted_out", "skipped")
        assert state_of(shop, one) == "finished"

    def test_an_address_that_is_no_good_any_more(self, shop):
        anna, *_ = people(shop, ANNA)
        planned(shop)
        with shop.database.write() as connection:
            roster.mark_address(connection, anna, *ANNA, state="unreachable", reason="x", now=shop.now())
        assert tasks(shop) == []
        assert rows(shop)[0].reason == "unreachable"

    def test_the_chat_of_a_group_that_was_closed(self, shop):
        group = chat_group(shop, members=people(shop, ANNA, group="other"))
        write_template(shop.config.folder, "all", '+++\ntitle = "x"\n+++\nNew things.\n')
        _, [task] = planned(shop, "vip", template="all")
        with shop.database.write() as connection:
            seats.close(connection, group, now=shop.now())
        assert done(shop, task.id)[0].why_not == "closed"

    def test_what_has_ended(self, shop, clock):
        people(shop, ANNA)
        one, _ = planned(shop)
        ends_at = START + timedelta(hours=1)
        with shop.database.write() as connection:
            records.set_terms(connection, one.id, is_urgent=False, ends_at=ends_at)
        assert len(tasks(shop)) == 1
        clock.advance(3600)
        assert tasks(shop) == []
        assert (rows(shop)[0].reason, state_of(shop, one)) == ("ended", "finished")

    def test_a_forgotten_member_leaves_nothing(self, shop):
        anna, *_ = people(shop, ANNA, BELA)
        planned(shop)
        done(shop, 2, note="told her sister, too")
        with shop.database.write() as connection:
            for number in (anna, anna + 1):
                roster.forget(connection, roster.find(connection, f"#{number}"), now=shop.now())
        assert tasks(shop) == []
        assert {(row.address, row.body, row.words, row.member_id) for row in rows(shop)} == {
            ("", "", "", None)
        }
        assert states(shop) == {"skipped": 1, "sent": 1}

    def test_of_a_cancelled_announcement_nothing_can_be_done(self, shop):
        people(shop, ANNA)
        one, [task] = planned(shop)
        announced(shop, records.cancel, one, shop.now())
        assert tasks(shop) == []
        assert done(shop, task.id)[0].why_not == "cancelled"
        assert states(shop) == {"skipped": 1}

    def test_of_a_paused_one_it_is_hidden_until_it_goes_on(self, shop):
        people(shop, ANNA)
        one, [task] = planned(shop)
        announced(shop, records.set_state, one.id, "paused")
        assert tasks(shop) == []
        announced(shop, records.set_state, one.id, "running")
        assert [again.id for again in tasks(shop)] == [task.id]

    def test_what_was_posted_just_before_the_pause_can_be_noted(self, shop):
        people(shop, ANNA)
        one, [task] = planned(shop)
        announced(shop, records.set_state, one.id, "paused")
        assert done(shop, task.id)[0].why_not == "", "else somebody would post it again"

    def test_one_that_waits_for_a_yes(self, shop):
        people(shop, ANNA)
        one, [task] = planned(shop)
        announced(shop, records.ask, one.id, "wait")
        assert tasks(shop) == []
        assert done(shop, task.id)[0].why_not == "planned"
        assert states(shop) == {"queued": 1}


class TestDue:
    @pytest.mark.parametrize(
        ("since", "due"),
        [
            ("2026-11-23 09:30", "2026-11-23 14:00"),  # Monday 10:30 in Budapest; half an hour is lunch
            ("2026-11-27 16:00", "2026-11-28 11:00"),  # Friday 17:00: an hour, and three on Saturday
            ("2026-11-28 13:00", "2026-11-30 12:30"),  # after closing time on Saturday
        ],
    )
    def test_it_is_counted_in_opening_time(self, shop, since, due):
        moment = datetime.fromisoformat(since).replace(tzinfo=UTC)
        assert shop.hand_due_at(moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)

    def test_without_hours_it_is_plainly_added(self, shop_folder, clock):
        path = shop_folder / "vipcast.toml"
        text = path.read_text(encoding="utf-8")
        start, end = text.index("[hours]"), text.index("# [limits]")
        path.write_text(
            text[:start] + text[end:].replace('within = "4h"', 'within = "90m"'), encoding="utf-8"
        )
        with Shop.open(shop_folder, {}, clock) as shop:
            assert shop.hand_due_at(START) == START + timedelta(minutes=90)

    def test_it_is_set_once_and_counts_from_the_yes(self, shop, clock):
        people(shop, ANNA)
        one = announce(shop, ["gold"])
        announced(shop, records.ask, one.id, "wait")
        clock.advance(3600)
        assert tasks(shop) == []
        with shop.database.write() as connection:
            records.decide(connection, one.id, by="Zita", is_yes=True, now=shop.now())
        assert tasks(shop)[0].due_at == START + timedelta(hours=5.5)
        clock.advance(3600)
        assert tasks(shop)[0].due_at == START + timedelta(hours=5.5)

    def test_what_is_late_is_told_once(self, shop, clock):
        people(shop, ANNA, BELA)
        _, (anna, _) = planned(shop)
        clock.advance(4.5 * 3600)
        with shop.database.write() as connection:
            assert hand.overdue(connection, shop.now()) == [], "to the minute it is not late"
        clock.advance(1)
        done(shop, anna.id)
        with shop.database.write() as connection:
            found = hand.overdue(connection, shop.now())
            hand.nudged(connection, found, shop.now())
            assert hand.overdue(connection, shop.now()) == []
            assert hand.late_count(connection, shop.now()) == hand.open_count(connection) == 1
        assert [(one.member, one.is_late(shop.now())) for one in found] == [("Nagy Béla", True)]
        assert rows(shop)[1].nudged_at == clock.now()
        assert tasks(shop)[0].nudged_at == clock.now()


class TestNudging:
    def late(self, shop, clock, *addresses):
        people(shop, *(addresses or (ANNA, BELA)))
        found = planned(shop)[1]
        clock.advance(5 * 3600)
        return found

    def test_the_desk_reads_of_it_once(self, shop_folder, clock):
        path = shop_folder / "vipcast.toml"
        path.write_text(
            path.read_text(encoding="utf-8").replace('# desk = "me"', 'desk = "-100123"'), "utf-8"
        )
        with Shop.open(shop_folder, {}, clock) as shop:
            found = self.late(shop, clock)
            ticker = ticker_of(shop)
            done_of = [ticker.tick() for _ in range(2)]
            assert [one.late_by_hand for one in done_of] == [[task.id for task in found], []]
            [notice] = [row for row in rows(shop) if row.kind == "notice"]
        assert (notice.account, notice.address) == ("support", "-100123")
        text = hand.body_of(notice.body).text
        assert "vipcast hand next" in text
        assert "#1 Kovács Anna (whatsapp), #2 Nagy Béla (snapchat)" in text
        assert text.startswith("ℹ️ Kézzel")

    def test_where_the_terminal_is_the_desk_whoever_called_is_told(self, shop, clock):
        found = self.late(shop, clock)
        assert ticker_of(shop).tick().late_by_hand == [task.id for task in found]
        assert ticker_of(shop).tick().late_by_hand == []
        assert [row.kind for row in rows(shop)] == ["announcement"] * 2

    def test_who_opted_out_is_no_reason_to_nudge(self, shop, clock):
        self.late(shop, clock, ANNA)
        opt_out(shop, 1)
        assert ticker_of(shop).tick().late_by_hand == []
        assert states(shop) == {"skipped": 1}
