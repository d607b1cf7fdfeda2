"""Whatever a file says and in whatever order: twice is once, people stay apart, opt-outs hold."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.pool import StaticPool

from vipcast.members import roster
from vipcast.members.consent import ConsentState
from vipcast.members.import_batch import ImportOptions, ImportResult
from vipcast.members.importing import Importer
from vipcast.members.reading.rows import MemberRow
from vipcast.storage.columns import metadata
from vipcast.storage.database import Database
from vipcast.storage.tables import addresses, consents, members

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

people = st.integers(1, 6)
dates = st.none() | st.integers(1, 400).map(lambda days: NOW - timedelta(days=days))


@st.composite
def rows(draw):
    """A row of one of six people; each has a phone of their own, so that rows are told apart."""
    person = draw(people)
    return MemberRow(
        line=draw(st.integers(2, 99)),
        name=draw(st.sampled_from(["Anna", "Béla", "Őze Ödön", "anna"])),
        phones=(f"+3630000000{person}",),
        emails=draw(st.sampled_from([(), (f"person{person}@example.com",)])),
        telegram=draw(st.sampled_from(["", f"@person{person}"])),
        language=draw(st.sampled_from(["", "hu", "fi"])),
        formal=draw(st.sampled_from([None, True, False])),
        note=draw(st.sampled_from(["", "likes blue"])),
        extra=draw(st.dictionaries(st.sampled_from(["size", "shoe"]), st.sampled_from(["1", "2"]))),
        consent_at=draw(dates),
        opted_out=draw(st.booleans()),
        cells=[],
    )


files = st.lists(rows(), max_size=8)
sources = st.sampled_from(["", "paper"])


class Shop:
    """A database of its own for each example."""

    def __enter__(self):
        engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(engine)
        self.database = Database(engine, "memory")
        return self

    def __exit__(self, *_):
        self.database.close()

    def bring_in(self, rows_, source="", now=NOW):
        result = ImportResult()
        rejects = list(Importer(self.database, ImportOptions(now, source, "list.csv"), result).run(rows_))
        return result.counts, rejects

    def everything(self):
        with self.database.read() as connection:
            return [
                [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
                for table in (members, addresses, consents)
            ]

    def people(self):
        """Return who has which addresses, without the numbers that the order of rows decides."""
        with self.database.read() as connection:
            return Counter(
                frozenset((a.messenger, a.address) for a in one.addresses) for one in roster.load(connection)
            )

    def states(self):
        with self.database.read() as connection:
            return {
                next(a.address for a in one.addresses if a.messenger == roster.PHONE): one.consent
                for one in roster.load(connection)
            }


FEW = settings(max_examples=30, deadline=None)


@given(files, sources)
@FEW
def test_importing_twice_changes_nothing(rows_, source):
    with Shop() as shop:
        first, rejects = shop.bring_in(rows_, source)
        before = shop.everything()
        second, again = shop.bring_in(rows_, source, now=NOW + timedelta(hours=1))
        assert shop.everything() == before
        assert second["added"] == second["updated"] == 0
        assert len(rejects) == len(again) == 0
        assert first["added"] + first["repeated"] == len(rows_)


@given(files, sources, st.randoms(use_true_random=False))
@FEW
def test_who_is_who_does_not_depend_on_the_order(rows_, source, chance):
    shuffled = list(rows_)
    chance.shuffle(shuffled)
    with Shop() as one, Shop() as other:
        one.bring_in(rows_, source)
        other.bring_in(shuffled, source)
        assert one.people() == other.people()
        assert one.states() == other.states()


@given(files, sources, st.integers(0, 8))
@FEW
def test_a_file_in_two_parts_is_the_same_people(rows_, source, cut):
    with Shop() as whole, Shop() as parts:
        whole.bring_in(rows_, source)
        parts.bring_in(rows_[:cut], source)
        parts.bring_in(rows_[cut:], source)
        assert whole.people() == parts.people()


@given(files, sources)
@FEW
def test_who_opted_out_in_a_file_is_out_after_it(rows_, source):
    with Shop() as shop:
        shop.bring_in(rows_, source)
        out = {row.phones[0] for row in rows_ if row.opted_out}
        agreed = {row.phones[0] for row in rows_ if row.consent_at and not row.opted_out}
        for phone, state in shop.states().items():
            if phone in out:
                assert state is ConsentState.OPTED_OUT
            elif phone in agreed or source:
                assert state is ConsentState.OPTED_IN
            else:
                assert state is ConsentState.NONE
