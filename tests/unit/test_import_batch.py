"""What an import makes of rows: who is known, what changes, who is refused, what counts as consent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from support import START, add_member, opt_out

from vipcast.members import consent, roster
from vipcast.members.consent import ConsentState
from vipcast.members.import_batch import ImportOptions, ImportResult
from vipcast.members.importing import Importer
from vipcast.members.reading.rows import MemberRow, Reject
from vipcast.members.roster import EMAIL, PHONE
from vipcast.storage.tables import addresses, consents, members

ANNA, BELA = "+36301234567", "+36307654321"
GIVEN_AT = START - timedelta(days=100)


def row(line, name="Anna", phone=ANNA, **values):
    values.setdefault("phones", (phone,) if phone else ())
    return MemberRow(line=line, name=name, cells=[name], **values)


def bring_in(shop, *rows_, consent_source="", is_dry_run=False, file_name="list.csv", on_batch=None):
    """Import rows; return (counts, rejects, result)."""
    result = ImportResult()
    options = ImportOptions(shop.now(), consent_source, file_name, is_dry_run)
    rejects = list(Importer(shop.database, options, result, on_batch).run(rows_))
    return result.counts, rejects, result


def everything(shop):
    """Return all that an import may write."""
    with shop.database.read() as connection:
        return [
            [tuple(one) for one in connection.execute(select(table).order_by(table.c.id))]
            for table in (members, addresses, consents)
        ]


def member(shop, text):
    with shop.database.read() as connection:
        return roster.find(connection, text)


def events(shop, text):
    with shop.database.read() as connection:
        found = roster.consent_events(connection, roster.find(connection, text).id)
    return [(one.event, one.source) for one in found]


def test_a_new_person_comes_in_whole(shop):
    one = row(
        2, first_name="Anna", last_name="Kovács", name="Kovács Anna", language="hu", formal=False,
        birthday=GIVEN_AT.date(), preferred="viber", telegram="@anna_k", viber="viber-anna-01==",
        emails=("anna@example.com",), consent_at=GIVEN_AT, consent_source="paper", note="likes blue",
        extra={"size": "42"},
    )  # fmt: skip
    counts, rejects, _ = bring_in(shop, one)
    assert (counts["added"], rejects) == (1, [])
    found = member(shop, "kovacs anna")
    assert (found.name, found.language, found.formal, found.preferred) == (
        "Kovács Anna",
        "hu",
        False,
        "viber",
    )
    assert (found.fields, found.note, found.origin) == ({"size": "42"}, "likes blue", "list.csv:2")
    assert {(a.messenger, a.address) for a in found.addresses} == {
        (PHONE, ANNA),
        (EMAIL, "anna@example.com"),
        ("telegram", "@anna_k"),
        ("viber", "viber-anna-01=="),
    }
    assert found.consent is ConsentState.OPTED_IN
    assert events(shop, ANNA) == [("opt_in", "paper")]


def test_importing_twice_changes_nothing(shop):
    rows_ = [
        row(2, consent_at=GIVEN_AT),
        row(3, "Béla", BELA, opted_out=True, extra={"size": "50"}),
        row(4, "Cili", None, emails=("cili@example.com",), formal=True),
        row(5, "Anna K.", ANNA, note="again"),
    ]
    bring_in(shop, *rows_, consent_source="paper")
    before = everything(shop)
    shop.clock.advance(3600)
    counts, rejects, result = bring_in(shop, *rows_, consent_source="paper")
    assert everything(shop) == before
    assert (counts["added"], counts["updated"], rejects, result.changes) == (0, 0, [], [])
    assert counts["unchanged"] == 3


def test_a_dry_run_says_the_same_and_writes_nothing(shop):
    rows_ = [row(2), row(3, "Béla", BELA)]
    dry, _, _ = bring_in(shop, *rows_, consent_source="paper", is_dry_run=True)
    assert everything(shop) == [[], [], []]
    real, _, _ = bring_in(shop, *rows_, consent_source="paper")
    assert dry == real


def test_somebody_is_known_by_any_address_and_never_by_name(shop):
    bring_in(shop, row(2, "Anna", ANNA), row(3, "Anna", BELA))
    counts, _, _ = bring_in(shop, row(2, "Anna Kovács", BELA, emails=("anna@example.com",)))
    assert (counts["updated"], counts["added"]) == (1, 0)
    assert member(shop, "anna@example.com").name == "Anna Kovács"
    assert member(shop, ANNA).name == "Anna"


def test_an_empty_cell_erases_nothing(shop):
    bring_in(shop, row(2, language="hu", formal=True, note="likes blue", extra={"size": "42"}))
    bring_in(shop, row(2, ""))
    found = member(shop, ANNA)
    assert (found.name, found.language, found.formal) == ("Anna", "hu", True)
    assert (found.note, found.fields) == ("likes blue", {"size": "42"})


def test_a_new_person_needs_a_name_and_a_known_one_does_not(shop):
    counts, (reject,), _ = bring_in(shop, row(2, ""), row(3, "Anna"), row(4, "", note="likes blue"))
    assert (reject.code, reject.line, counts["rejected"]) == ("no-name", 2, 1)
    assert member(shop, ANNA).note == "likes blue"


def test_what_changed_is_told_with_its_line(shop):
    bring_in(shop, row(2, language="hu"))
    counts, _, result = bring_in(shop, row(7, language="fi", telegram="@anna_k", extra={"size": "42"}))
    assert counts["updated"] == 1
    ((line, name, what),) = result.changes
    assert (line, name) == (7, "Anna")
    assert "language: hu → fi" in what
    assert "new address: telegram @anna_k" in what
    assert "42" in what


def test_one_persons_rows_in_one_file_are_one_person(shop):
    counts, _, _ = bring_in(shop, row(2, "Anna", ANNA), row(3, "Anna Kovács", ANNA, telegram="@anna_k"))
    assert (counts["added"], counts["repeated"]) == (1, 1)
    assert member(shop, "@anna_k").name == "Anna Kovács"


def test_a_row_that_joins_two_people_is_refused(shop):
    bring_in(shop, row(2, "Anna", ANNA), row(3, "Béla", BELA))
    counts, (reject,), _ = bring_in(shop, row(4, "Both", None, phones=(ANNA, BELA)))
    assert (reject.code, reject.line, counts["rejected"]) == ("two-members", 4, 1)
    assert ANNA in reject.reason
    assert BELA in reject.reason


def test_rejects_of_the_reader_are_passed_on_in_the_order_of_lines(shop):
    bring_in(shop, row(2, "Anna", ANNA), row(3, "Béla", BELA))
    early = Reject(3, "no address", "no-address", ("x",))
    counts, rejects, _ = bring_in(shop, row(5, "Both", None, phones=(ANNA, BELA)), early)
    assert [one.line for one in rejects] == [3, 5]
    assert counts["rejected"] == 2


def test_the_rows_members_are_told_in_the_files_order(shop):
    told = []
    bring_in(shop, row(2, "Béla", BELA))
    rows_ = [row(2, "Anna", ANNA), row(3, "Béla", BELA), row(4, "Anna", ANNA)]
    bring_in(shop, *rows_, on_batch=lambda _, ids: told.extend(ids))
    assert told == [member(shop, ANNA).id, member(shop, BELA).id]


class TestConsent:
    def test_without_any_word_there_is_no_consent(self, shop):
        counts, _, _ = bring_in(shop, row(2))
        assert counts["no_consent"] == 1
        assert member(shop, ANNA).consent is ConsentState.NONE

    def test_a_word_for_all_speaks_for_rows_that_say_nothing(self, shop):
        bring_in(shop, row(2), row(3, "Béla", BELA, consent_at=GIVEN_AT), consent_source="VIP card 2025")
        assert events(shop, ANNA) == [("opt_in", "VIP card 2025")]
        assert events(shop, BELA) == [("opt_in", "import of list.csv")]

    def test_a_word_for_all_brings_nobody_back(self, shop):
        anna = add_member(shop, "Anna", (PHONE, ANNA))
        opt_out(shop, anna)
        counts, _, _ = bring_in(shop, row(2), consent_source="paper")
        assert counts["kept_out"] == 1
        assert member(shop, ANNA).consent is ConsentState.OPTED_OUT

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_word_for_all_brings_nobody_back_whom_the_same_file_leaves_out(self, shop, order):
        rows_ = [row(2, opted_out=True), row(3)]
        bring_in(shop, *rows_[::order], consent_source="paper")
        assert member(shop, ANNA).consent is ConsentState.OPTED_OUT

    def test_consent_from_before_an_opt_out_does_not_undo_it(self, shop):
        anna = add_member(shop, "Anna", (PHONE, ANNA))
        opt_out(shop, anna)
        bring_in(shop, row(2, consent_at=shop.now() - timedelta(hours=1)))
        assert member(shop, ANNA).consent is ConsentState.OPTED_OUT

    def test_consent_from_after_an_opt_out_counts(self, shop):
        anna = add_member(shop, "Anna", (PHONE, ANNA))
        opt_out(shop, anna)
        shop.clock.advance(3600)
        bring_in(shop, row(2, consent_at=shop.now() - timedelta(minutes=1)))
        assert member(shop, ANNA).consent is ConsentState.OPTED_IN

    def test_an_opt_out_in_the_file_counts_at_once_and_once(self, shop):
        bring_in(shop, row(2, consent_at=GIVEN_AT))
        shop.clock.advance(60)
        bring_in(shop, row(2, opted_out=True, consent_at=GIVEN_AT))
        assert member(shop, ANNA).consent is ConsentState.OPTED_OUT
        shop.clock.advance(60)
        bring_in(shop, row(2, opted_out=True, consent_at=GIVEN_AT))
        assert [event for event, _ in events(shop, ANNA)] == ["opt_in", "opt_out"]

    def test_an_opt_out_is_stronger_than_a_consent_dated_tomorrow(self, shop):
        """A date is let through up to a day ahead; it must not outlive what the member says today."""
        bring_in(shop, row(2, consent_at=shop.now() + timedelta(hours=12)))
        shop.clock.advance(60)
        opt_out(shop, member(shop, ANNA).id)
        assert member(shop, ANNA).consent is ConsentState.OPTED_OUT

    def test_events_are_only_added(self, shop):
        bring_in(shop, row(2, consent_at=GIVEN_AT))
        before = everything(shop)[2]
        bring_in(shop, row(2, consent_at=GIVEN_AT + timedelta(days=1)))
        bring_in(shop, row(2, opted_out=True))
        assert everything(shop)[2][: len(before)] == before
        assert len(everything(shop)[2]) == 3

    def test_both_ways_of_asking_agree(self, shop):
        bring_in(shop, row(2, consent_at=GIVEN_AT), row(3, "Béla", BELA), row(4, "Cili", "+36309999999"))
        opt_out(shop, member(shop, BELA).id)
        with shop.database.read() as connection:
            ids = [one.id for one in roster.load(connection)]
            assert consent.states_of(connection, ids) == {
                ids[0]: ConsentState.OPTED_IN,
                ids[1]: ConsentState.OPTED_OUT,
                ids[2]: ConsentState.NONE,
            }
            by_id = {one.id: one.consent for one in roster.load(connection)}
            assert by_id == consent.states_of(connection, ids)


class TestForgotten:
    @pytest.fixture(autouse=True)
    def forgotten(self, shop):
        bring_in(shop, row(2, consent_at=GIVEN_AT, emails=("anna@example.com",)))
        with shop.database.write() as connection:
            roster.forget(connection, roster.find(connection, ANNA), now=shop.now())

    def count(self, shop):
        with shop.database.read() as connection:
            return connection.execute(select(func.count()).select_from(members)).scalar_one()

    @pytest.mark.parametrize(
        "one",
        [
            row(2),
            row(2, consent_at=GIVEN_AT),
            row(2, consent_at=START),
            row(2, "Somebody", None, emails=("anna@example.com",)),
        ],
    )
    def test_an_old_file_does_not_bring_the_person_back(self, shop, one):
        counts, (reject,), _ = bring_in(shop, one, consent_source="paper")
        assert (reject.code, counts["rejected"], self.count(shop)) == ("forgotten", 1, 0)

    def test_a_new_consent_does(self, shop):
        shop.clock.advance(3600)
        counts, rejects, _ = bring_in(shop, row(2, consent_at=shop.now() - timedelta(minutes=1)))
        assert (counts["added"], rejects) == (1, [])
        assert member(shop, ANNA).consent is ConsentState.OPTED_IN

    def test_others_are_not_touched(self, shop):
        counts, rejects, _ = bring_in(shop, row(2, "Béla", BELA))
        assert (counts["added"], rejects) == (1, [])
