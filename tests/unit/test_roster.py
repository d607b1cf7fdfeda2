"""Members: found however they are typed, and forgotten for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from support import (
    NOTE,
    START,
    add_group,
    add_member,
    announce,
    make_shop_folder,
    prepare,
    rows,
    write_template,
)

from vipcast.announcements import preparing
from vipcast.announcements import records as announced
from vipcast.conversations.approvals import Approval
from vipcast.conversations.setting import DeskPlace
from vipcast.delivery import receipts
from vipcast.delivery.talk import body_of
from vipcast.errors import InputError
from vipcast.members import linking, roster
from vipcast.members.consent import ConsentState
from vipcast.members.roster import EMAIL, PHONE, Address
from vipcast.messengers.base import Event, EventKind
from vipcast.shop import Shop, new_message_key
from vipcast.shop_desk import setting_of
from vipcast.storage.tables import addresses, consents, deliveries, invitations, members, peers

NAME, NUMBER, NICK = "Zsófia Őrült-Írisz", "+36301239876", "@zsofi_irisz"
APPROVER = "@eva_of_the_shop"


@pytest.fixture
def zsofia(shop):
    return add_member(
        shop,
        NAME,
        (PHONE, NUMBER),
        ("telegram", NICK),
        (EMAIL, "zsofi@example.com"),
        note="likes blue velvet",
    )


def find(shop, text):
    with shop.database.read() as connection:
        return roster.find(connection, text)


def wait_for_approval(shop, *member_ids):
    """Put a new announcement before an approver; return its number."""
    add_group(shop, "gold", member_ids)
    write_template(shop.templates_folder.parent, "note", NOTE, "hu")
    prepared, planner = prepare(shop, ["gold"]), shop.planner(shop.template("note"), {})
    place = DeskPlace(shop.config.account("support"), APPROVER)
    approval = Approval(setting_of(shop, None), place)
    with shop.database.write() as connection:
        announcement, _ = preparing.write(
            connection, prepared, shop.media_folder, new_key=new_message_key, now=shop.now()
        )
        approval.ask(connection, announcement, prepared.plan, planner, prepared.groups, shop.now())
    return announcement.id


class TestFinding:
    @pytest.mark.parametrize(
        "text",
        [
            NAME, "zsófia őrült-írisz", "zsofia orult-irisz", "ZSOFIA ORULT-IRISZ", "  zsofia   orult-irisz ",
            "irisz zsofia", "zsof", NUMBER, NICK, "@Zsofi_Irisz", "zsofi@example.com", "Zsofi@Example.com", "#1",
        ],
    )  # fmt: skip
    def test_a_person_is_found_however_they_are_typed(self, shop, zsofia, text):
        add_member(shop, "Kovács Anna", ("telegram", "@anna"))
        assert find(shop, text).id == zsofia

    @pytest.mark.usefixtures("zsofia")
    @pytest.mark.parametrize("text", ["", " ", "#", "#99", "#1x", "@nobody", "%", "_", "zsofi%"])
    def test_what_names_nobody_finds_nobody(self, shop, text):
        with pytest.raises(InputError, match="No member matches") as caught:
            find(shop, text)
        assert caught.value.hint

    @pytest.mark.usefixtures("zsofia")
    def test_a_typing_error_suggests_the_nearest(self, shop):
        with pytest.raises(InputError) as caught:
            find(shop, "Zsofia Orult-Irsz")
        assert caught.value.hint == f"Did you mean {NAME!r}?"

    def test_several_are_listed_with_what_settles_it(self, shop):
        first = add_member(shop, "Anna Kiss", ("telegram", "@anna1"))
        second = add_member(shop, "Anna Nagy", (PHONE, "+36301112233"))
        with pytest.raises(InputError) as caught:
            find(shop, "anna")
        assert f"#{first} Anna Kiss (@anna1)" in caught.value.message
        assert f"#{second} Anna Nagy (+36301112233)" in caught.value.message
        assert f"#{first}" in caught.value.hint

    def test_the_whole_name_comes_before_a_part_of_another(self, shop):
        add_member(shop, "Anna Kiss", ("telegram", "@anna1"))
        anna = add_member(shop, "Anna", ("telegram", "@anna2"))
        assert find(shop, "ANNA").id == anna

    def test_names_in_other_scripts_are_found(self, shop):
        one = add_member(shop, "Нина Орлова", ("telegram", "@nina"))
        assert find(shop, "нина орлова").id == one

    @pytest.mark.parametrize("name", ["*_[", "{{ 7*7 }}", "<b>", "'; DROP TABLE members; --", "مرحبا"])
    def test_odd_names_are_names(self, shop, name):
        one = add_member(shop, name, ("telegram", "@odd_one"))
        assert find(shop, name).name == name
        assert find(shop, "@odd_one").id == one


class TestAddresses:
    def test_an_address_belongs_to_one_person(self, shop, zsofia):
        with pytest.raises(InputError, match="Zsófia") as caught:
            add_member(shop, "Other", (PHONE, NUMBER))
        assert f"'#{zsofia}' --remove {NUMBER}" in caught.value.hint
        with shop.database.read() as connection:
            assert roster.count(connection) == 1, "the half-made member must not stay"

    def test_the_same_address_again_is_nothing_new(self, shop, zsofia):
        with shop.database.write() as connection:
            assert not roster.add_address(connection, zsofia, "telegram", NICK)
            assert roster.add_address(connection, zsofia, "viber", "viber-zsofi==")

    @pytest.mark.usefixtures("zsofia")
    def test_an_address_can_be_taken_away(self, shop):
        with shop.database.write() as connection:
            member = roster.find(connection, NAME)
            assert roster.remove_address(connection, member, NICK)
            assert not roster.remove_address(connection, member, NICK)

    def test_changes_are_told_and_the_name_stays_findable(self, shop, zsofia):
        with shop.database.write() as connection:
            member = roster.find(connection, NAME)
            new = {"name": "Őze Zsófia", "note": member.note}
            assert roster.edit(connection, member, new, now=START) == {"name": (NAME, "Őze Zsófia")}
        assert find(shop, "oze zsofia").id == zsofia


class TestLinks:
    def test_a_code_ties_an_address_once(self, shop, zsofia):
        with shop.database.write() as connection:
            code = linking.new_code(connection, zsofia, "viber", now=START)
            assert linking.redeem(connection, code, "telegram", "@x_y_z", now=START) is None
            assert linking.redeem(connection, code, "viber", "viber-zsofi==", now=START) == zsofia
            assert linking.redeem(connection, code, "viber", "somebody-else==", now=START) is None
            assert linking.redeem(connection, "guessed", "viber", "somebody-else==", now=START) is None
        assert Address("viber", "viber-zsofi==") in find(shop, NAME).addresses

    def test_a_code_tells_nothing_and_is_no_number_in_a_row(self, shop, zsofia):
        with shop.database.write() as connection:
            codes = {linking.new_code(connection, zsofia, "viber", now=START) for _ in range(50)}
        assert len(codes) == 50
        assert all(len(code) == 16 for code in codes)

    def test_an_address_of_another_leaves_the_code_unused(self, shop, zsofia):
        add_member(shop, "Other", ("viber", "viber-other=="))
        with shop.database.write() as connection:
            code = linking.new_code(connection, zsofia, "viber", now=START)
            with pytest.raises(InputError):
                linking.redeem(connection, code, "viber", "viber-other==", now=START)
            assert linking.redeem(connection, code, "viber", "viber-zsofi==", now=START) == zsofia


def forget(shop, text):
    with shop.database.write() as connection:
        roster.forget(connection, roster.find(connection, text), now=shop.now())
    shop.database.erase_traces()


def bytes_of(shop):
    """Return everything in the state folder's database files, the journal included."""
    return b"".join(path.read_bytes() for path in sorted(shop.config.state.glob("vipcast.db*")))


def traces(shop, *words):
    content = bytes_of(shop)
    forms = {form for word in words for form in (word, word.lower(), word.strip("@+"))}
    escaped = {form.encode("unicode_escape").decode() for form in forms}  # as JSON may have it
    return sorted(form for form in forms | escaped if form.encode() in content)


class TestForgetting:
    @pytest.fixture
    def known_everywhere(self, shop, zsofia):
        """She sits in a group, was written to, has a peer, a receipt, an invitation and consents."""
        add_group(shop, "gold", [zsofia, add_member(shop, "Anna", ("telegram", "@anna_other"))])
        announcement = announce(shop, ["gold"])
        with shop.database.write() as connection:
            mine = deliveries.c.member_id == zsofia
            connection.execute(
                update(deliveries).where(mine).values(
                    state="sent", remote_id="778899", words=f"{NICK} was found", sent_at=START
                )
            )  # fmt: skip
            connection.execute(
                insert(peers).values(account="news", address=NICK, peer="5:55443322", resolved_at=START)
            )
            receipts.keep(connection, "news", Event(EventKind.SEEN, NICK, "778899", START), START)
            linking.new_code(connection, zsofia, "viber", now=START)
        return announcement

    @pytest.mark.usefixtures("known_everywhere")
    def test_nothing_tells_who_it_was(self, shop):
        words = (NAME, "zsofia orult-irisz", NUMBER, NICK, "zsofi@example.com", "likes blue velvet")
        secret = (*words, "55443322", "778899")
        assert traces(shop, *words) != [], "the search itself must be able to find"
        forget(shop, NAME)
        assert traces(shop, *secret) == []

    @pytest.mark.usefixtures("known_everywhere")
    def test_an_address_taken_away_before_is_forgotten_too(self, shop):
        with shop.database.write() as connection:
            roster.remove_address(connection, roster.find(connection, NAME), NICK)
        forget(shop, NAME)
        assert traces(shop, NICK, "55443322") == []

    @pytest.mark.parametrize("state", ["queued", "sending", "unknown", "sent"])
    def test_what_an_approver_was_shown_is_forgotten_too(self, shop, zsofia, state):
        wait_for_approval(shop, zsofia)
        samples = deliveries.c.purpose.startswith("approval:1:sample:")
        with shop.database.write() as connection:
            connection.execute(update(deliveries).where(samples).values(state=state))
        shown = next(row for row in rows(shop) if row.kind == "notice")
        assert body_of(shown.body).text == f"News for {NAME}."
        forget(shop, NAME)
        assert traces(shop, NAME) == []
        question = rows(shop)[-1]
        assert (question.state, question.address) == ("queued", APPROVER)
        assert question.body

    @pytest.mark.parametrize("is_yes", [True, False])
    def test_what_an_approver_was_shown_is_blank_once_decided(self, shop, zsofia, is_yes):
        number = wait_for_approval(shop, zsofia, add_member(shop, "Anna", ("telegram", "@a"), language="hu"))
        samples = [row for row in rows(shop) if row.kind == "notice"][:2]
        with shop.database.write() as connection:
            sent = {"state": "sent", "remote_id": "1", "sent_at": START}
            connection.execute(update(deliveries).where(deliveries.c.id == samples[0].id).values(**sent))
            announced.decide(connection, number, by="Éva", is_yes=is_yes, now=START)
        found = {row.id: row for row in rows(shop)}
        shown, unshown = (found[row.id] for row in samples)
        assert (shown.state, shown.body) == ("sent", "")
        assert (unshown.state, unshown.body) == ("skipped", "")
        assert all(row.body for row in found.values() if row.kind == "announcement")

    def test_what_an_approver_was_shown_is_no_word_with_the_member(self, shop, zsofia):
        wait_for_approval(shop, zsofia)
        assert [row.kind for row in rows(shop) if row.member_id == zsofia] == ["announcement"]

    def test_a_delivery_in_hand_is_forgotten_too(self, shop, zsofia):
        add_group(shop, "gold", [zsofia])
        announce(shop, ["gold"])
        with shop.database.write() as connection:
            connection.execute(update(deliveries).values(state="sending", attempt_token="t"))
        forget(shop, NAME)
        assert traces(shop, NAME, NUMBER, NICK) == []

    def test_the_counts_stay_and_nobody_else_is_touched(self, shop, known_everywhere):
        forget(shop, NAME)
        first, second = rows(shop, known_everywhere)
        assert (first.member_id, first.state, first.body) == (None, "seen", "")
        assert (second.address, second.state) == ("@anna_other", "queued")
        assert "Anna" in second.body
        with shop.database.read() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (members, addresses, consents, invitations)
            ]
        assert counts == [1, 1, 1, 0]
        assert find(shop, "Anna").consent is ConsentState.OPTED_IN

    @pytest.mark.parametrize("state", ["queued", "unknown"])
    def test_what_was_planned_is_not_sent(self, shop, zsofia, state):
        add_group(shop, "gold", [zsofia])
        announce(shop, ["gold"])
        with shop.database.write() as connection:
            connection.execute(update(deliveries).values(state=state))
        forget(shop, NAME)
        (row,) = rows(shop)
        assert (row.state, row.reason, row.body) == ("skipped", "forgotten", "")

    @pytest.mark.usefixtures("zsofia")
    def test_to_forget_the_same_number_again_is_fine(self, shop):
        forget(shop, NAME)
        shop.clock.moment += timedelta(days=1)
        add_member(shop, "Zsófia", (PHONE, NUMBER))
        forget(shop, "Zsófia")
        assert traces(shop, NUMBER) == []

    @pytest.mark.usefixtures("zsofia")
    def test_the_list_of_the_forgotten_cannot_be_looked_up_without_the_salt(self, shop, tmp_path):
        with Shop.open(make_shop_folder(tmp_path / "other"), {}, shop.clock) as other:
            digests = []
            for one in (shop, other):
                with one.database.write() as connection:
                    digests.append(roster.digest(connection, PHONE, NUMBER))
                    assert roster.digest(connection, PHONE, NUMBER) == digests[-1]
                    assert roster.digest(connection, EMAIL, NUMBER) != digests[-1]
        assert digests[0] != digests[1]
