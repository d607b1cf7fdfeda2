"""What is taken back or edited, in the ledger and over the sandbox, without the command line around it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select, update
from support import add_group, add_member, announce, arrivals, rows, write_template

from vipcast.announcements import records
from vipcast.delivery import recalling, revising
from vipcast.delivery.lease import LeaseLost, acquire
from vipcast.delivery.recalling import Deed, Mark, Recaller, Work
from vipcast.delivery.sender import Ended
from vipcast.errors import InputError
from vipcast.members import roster
from vipcast.messengers.base import Message
from vipcast.storage.tables import accounts, deliveries


@pytest.fixture
def recaller(shop):
    return Recaller(shop.database, shop.clock, shop.locks, shop.messenger)


def send(shop, groups, **request):
    announcement = announce(shop, groups, **request)
    asyncio.run(shop.dispatcher().drain(announcement.id))
    return announcement


def items_of(shop, announcement, member_ids=()):
    with shop.database.read() as connection:
        return recalling.survey(connection, announcement.id, member_ids)


def revised(shop, announcement, items, recaller):
    with shop.database.read() as connection:
        found = records.get(connection, announcement.id)
        planner = shop.planner(shop.template(found.template), found.variables)
        routes = {one.account: recaller.route(one.account) for one in items}
        return revising.revise(connection, found, items, planner, routes)


def mark(shop, items, deed=Deed.DELETE):
    with shop.database.write() as connection:
        recalling.mark(connection, items, deed)


def run(recaller, items, deed=Deed.DELETE, messages=None, stop_after=None):
    async def work():
        stop, steps = asyncio.Event(), []

        def step():
            steps.append(1)
            if len(steps) == stop_after:
                stop.set()

        return await recaller.run(Work(deed, items, messages or {}, stop, step))

    return asyncio.run(work())


def marks(shop):
    return [(row.recall, row.recall_words) for row in rows(shop)]


def texts(sandbox, address):
    def look():
        return [one.text for one in sandbox.telegram.inbox(sandbox.telegram.find(address))]

    return sandbox.do(look)


def set_rows(shop, where, **values):
    with shop.database.write() as connection:
        connection.execute(update(deliveries).where(where).values(**values))


def account_row(shop, name="news"):
    with shop.database.read() as connection:
        return connection.execute(select(accounts).where(accounts.c.name == name)).one()


@pytest.mark.usefixtures("sandbox")
def test_survey_has_what_left_or_may_have_or_will(shop, seated):
    announcement = announce(shop, seated(8, "telegram"))
    states = ["sent", "delivered", "seen", "unknown", "sending", "queued", "failed", "skipped"]
    for row, state in zip(rows(shop), states, strict=True):
        set_rows(shop, deliveries.c.id == row.id, state=state)
    found = items_of(shop, announcement)
    assert [one.state for one in found] == states[:6]
    assert found[0].member == "telegram 001"
    assert [one.id for one in items_of(shop, announcement, [found[2].member_id])] == [found[2].id]


@pytest.mark.usefixtures("sandbox")
def test_only_what_was_sent_and_is_there_yet_is_marked(shop, seated):
    announcement = announce(shop, seated(8, "telegram"))
    before = [("sent", ""), ("delivered", ""), ("seen", ""), ("unknown", ""), ("queued", "")]
    before += [("sent", "done"), ("sent", "failed"), ("sent", "wanted")]
    for row, (state, recall) in zip(rows(shop), before, strict=True):
        words = "taken back" if recall == "done" else ""
        set_rows(shop, deliveries.c.id == row.id, state=state, recall=recall, recall_words=words)
    mark(shop, items_of(shop, announcement), Deed.EDIT)
    wanted = ("wanted", "edit")
    assert marks(shop) == [
        wanted, wanted, wanted, ("", ""), ("", ""), ("done", "taken back"), wanted, wanted,
    ]  # fmt: skip


def test_everything_is_taken_back_with_the_time(shop, sandbox, seated, recaller, clock):
    announcement = send(shop, seated(4, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    clock.advance(60)
    assert run(recaller, items) == []
    assert marks(shop) == [("done", "taken back")] * 4
    assert {row.recalled_at for row in rows(shop)} == {clock.now()}
    assert {row.state for row in rows(shop)} == {"sent"}, "what was delivered stays written down"
    assert all(texts(sandbox, row.address) == [] for row in rows(shop))


def test_each_result_is_on_disk_before_the_next_request(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    seen = []
    stop = asyncio.Event()
    work = Work(Deed.DELETE, items, {}, stop, lambda: seen.append([one for one, _ in marks(shop)]))
    assert asyncio.run(recaller.run(work)) == []
    assert seen == [["done", "wanted", "wanted"], ["done", "done", "wanted"], ["done"] * 3]


def test_a_stop_leaves_the_rest_wanted(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    (halt,) = run(recaller, items, stop_after=1)
    assert (halt.account, halt.ended) == ("news", Ended.STOPPED)
    assert [one for one, _ in marks(shop)] == ["done", "wanted", "wanted"]
    assert run(recaller, items[1:]) == []
    assert [one for one, _ in marks(shop)] == ["done"] * 3


def test_an_edit_changes_the_stored_text_with_the_sent_one(shop, shop_folder, sandbox, seated, recaller):
    announcement = send(shop, seated(2, "telegram"))
    write_template(shop_folder, "note", '+++\ntitle = "A note"\n+++\n**Better** {{ member.name }}.\n')
    items = items_of(shop, announcement)
    messages = revised(shop, announcement, items, recaller)
    mark(shop, items, Deed.EDIT)
    assert run(recaller, items, Deed.EDIT, messages) == []
    for row in rows(shop):
        message = msgspec.json.decode(row.body, type=Message)
        assert (message.text, message.spans[0].kind) == (texts(sandbox, row.address)[0], "bold")
        assert (row.recall, row.recall_words) == ("done", "edited")
    assert texts(sandbox, items[0].address) == ["Better telegram 001."]
    assert revised(shop, announcement, items_of(shop, announcement), recaller) == {}


@pytest.mark.usefixtures("sandbox")
def test_who_reads_so_already_is_left_out_unless_it_was_begun(shop, seated, recaller):
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    assert revised(shop, announcement, items, recaller) == {}
    set_rows(shop, deliveries.c.id == items[0].id, recall=Mark.WANTED)
    set_rows(shop, deliveries.c.id == items[1].id, recall=Mark.FAILED)
    assert list(revised(shop, announcement, items_of(shop, announcement), recaller)) == [
        items[0].id,
        items[1].id,
    ]


@pytest.mark.usefixtures("sandbox")
def test_the_group_is_the_one_through_which_a_member_got_it(shop, shop_folder, recaller):
    write_template(shop_folder, "note", '+++\ntitle = "x"\n+++\nFor {{ group.name }}\n')
    anna, bela = (add_member(shop, name, ("telegram", f"@{name}")) for name in ("anna_x", "bela_x"))
    add_group(shop, "alpha", [anna])
    add_group(shop, "beta", [anna, bela])
    announcement = send(shop, ["beta", "alpha"])
    write_template(shop_folder, "note", '+++\ntitle = "x"\n+++\nBetter for {{ group.name }}\n')
    items = items_of(shop, announcement)
    messages = revised(shop, announcement, items, recaller)
    for item in items:
        assert messages[item.id].text == item.message.text.replace("For", "Better for")


@pytest.mark.usefixtures("sandbox")
def test_one_fault_and_nothing_is_edited(shop, shop_folder, seated, recaller):
    announcement = send(shop, seated(2, "telegram"))
    write_template(shop_folder, "note", '+++\ntitle = "x"\n+++\n{{ nonsense }}\n')
    with pytest.raises(InputError) as caught:
        revised(shop, announcement, items_of(shop, announcement), recaller)
    assert [one.message[:12] for one in caught.value.problems] == ["telegram 001", "telegram 002"]


def test_viber_stands_beside_telegram_and_says_that_it_cannot(shop, sandbox, seated, recaller):
    announcement = send(shop, [*seated(2, "telegram"), *seated(1, "viber")])
    for deed, verb in ((Deed.DELETE, "take a message back"), (Deed.EDIT, "change a message")):
        said = [recaller.obstacle(one, deed) for one in items_of(shop, announcement)]
        assert said == ["", "", f"Viber has no way to {verb}"]


def test_what_has_no_number_or_no_account_or_no_member_cannot(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(4, "telegram"))
    ids = [row.id for row in rows(shop)]
    set_rows(shop, deliveries.c.id == ids[0], remote_id="")
    set_rows(shop, deliveries.c.id == ids[1], account="nobody")
    set_rows(shop, deliveries.c.id == ids[2], account="viber")
    set_rows(shop, deliveries.c.id == ids[3], member_id=None)
    said = [recaller.obstacle(one, Deed.DELETE) for one in items_of(shop, announcement)]
    assert said[0] == "Telegram gave no number for it"
    assert "nobody" in said[1]
    assert said[2:] == ["the account viber is on viber now", "the member was forgotten"]


def test_a_pause_is_written_down_and_obeyed(shop, sandbox, seated, recaller, clock):
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    sandbox.faults.add("DeleteMessagesRequest", "error", code=420, text="FLOOD_WAIT_35", after=1)
    for _ in range(2):
        (halt,) = run(recaller, [one for one in items_of(shop, announcement) if one.mark is Mark.WANTED])
        assert (halt.ended, halt.resumes_at) == (Ended.WAITING, account_row(shop).paused_until)
        assert [one for one, _ in marks(shop)] == ["done", "wanted", "wanted"]
    assert halt.resumes_at == clock.now() + timedelta(seconds=35)
    clock.advance(36)
    assert run(recaller, items[1:]) == []
    assert [one for one, _ in marks(shop)] == ["done"] * 3


def test_a_limited_account_stops_and_the_others_go_on(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    other = [row.id for row in rows(shop)][2]
    set_rows(shop, deliveries.c.id == other, account="support", remote_id="999999")
    items = items_of(shop, announcement)
    mark(shop, items)
    sandbox.faults.add("DeleteMessagesRequest", "error", code=400, text="PEER_FLOOD")
    (halt,) = run(recaller, items)
    assert (halt.account, halt.ended) == ("news", Ended.ACCOUNT)
    assert account_row(shop).stopped_code == "limited"
    assert [one for one, _ in marks(shop)] == ["wanted", "wanted", "done"]
    before = len(sandbox.log.events)
    (halt,) = run(recaller, items[:2])
    assert "--clear" in halt.hint
    assert len(sandbox.log.events) == before, "it is not even opened"


def test_a_server_that_is_gone_keeps_everything_wanted(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(2, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    sandbox.call(sandbox.telegram.stop())
    (halt,) = run(recaller, items)
    assert (halt.account, halt.ended) == ("news", Ended.NETWORK)
    assert marks(shop) == [("wanted", "delete")] * 2


def test_a_fault_of_the_program_is_one_failure(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(2, "telegram"))
    set_rows(shop, deliveries.c.id == rows(shop)[0].id, body="no json")
    items = items_of(shop, announcement)
    mark(shop, items)
    assert run(recaller, items) == []
    assert marks(shop) == [("failed", "unexpected DecodeError"), ("done", "taken back")]


def test_who_is_forgotten_meanwhile_leaves_no_text(shop, shop_folder, sandbox, seated, recaller):
    announcement = send(shop, seated(1, "telegram"))
    write_template(shop_folder, "note", '+++\ntitle = "x"\n+++\nBetter {{ member.name }}\n')
    items = items_of(shop, announcement)
    messages = revised(shop, announcement, items, recaller)
    mark(shop, items, Deed.EDIT)
    with shop.database.write() as connection:
        roster.forget(connection, roster.load(connection, [items[0].member_id])[0], now=shop.now())
    run(recaller, items, Deed.EDIT, messages)
    (row,) = rows(shop)
    assert (row.body, row.address, row.recall) == ("", "", "done")


def test_a_process_that_lost_the_account_writes_nothing(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(1, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    with acquire(shop.database, shop.locks, "news", shop.clock) as lease:
        with shop.database.write() as connection:
            connection.execute(update(accounts).values(lease_owner="another"))
        with pytest.raises(LeaseLost):
            recaller._write(lease, items[0], Mark.DONE, "taken back", None)
    assert marks(shop) == [("wanted", "delete")]


def test_two_at_once_the_second_is_told_who_has_it(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(1, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    with acquire(shop.database, shop.locks, "news", shop.clock):
        (halt,) = run(recaller, items)
    assert (halt.ended, "process" in halt.words) == (Ended.LOCKED, True)
    assert marks(shop) == [("wanted", "delete")]
    assert arrivals(sandbox).total() == 1


def test_what_a_dead_holder_left_is_finished(shop, sandbox, seated, recaller):
    announcement = send(shop, seated(2, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    run(recaller, items, stop_after=1)
    with shop.database.write() as connection:  # as a process that was killed leaves it
        connection.execute(
            update(accounts)
            .where(accounts.c.name == "news")
            .values(lease_owner="dead", lease_holder="process 1")
        )
    assert run(recaller, items[1:]) == []
    assert marks(shop) == [("done", "taken back")] * 2


def test_what_another_took_back_meanwhile_stays_so(shop, shop_folder, sandbox, seated, recaller):
    announcement = send(shop, seated(1, "telegram"))
    write_template(shop_folder, "note", '+++\ntitle = "x"\n+++\nBetter {{ member.name }}\n')
    items = items_of(shop, announcement)
    messages = revised(shop, announcement, items, recaller)
    mark(shop, items)
    run(recaller, items)
    mark(shop, items, Deed.EDIT)
    run(recaller, items, Deed.EDIT, messages)
    assert marks(shop) == [("done", "taken back")]


def test_the_pace_of_the_account_is_kept(shop, sandbox, seated, monkeypatch):
    """At one a second; the clock is moved on, so that no wait is waited for."""
    announcement = send(shop, seated(3, "telegram"))
    items = items_of(shop, announcement)
    mark(shop, items)
    waits = []

    class Watching(Recaller):
        async def _pace(self, bucket, stop):
            waits.append(bucket.available(self.clock.now()))
            self.clock.advance(1)
            await super()._pace(bucket, stop)

    def opened(name):
        messenger = shop.messenger(name)
        messenger.account = msgspec.structs.replace(messenger.account, rate="60/min")
        return messenger

    watching = Watching(shop.database, shop.clock, shop.locks, opened)
    assert run(watching, items) == []
    assert waits == [1, 0, 0], "one at once, then one a second"
    assert [one for one, _ in marks(shop)] == ["done"] * 3
