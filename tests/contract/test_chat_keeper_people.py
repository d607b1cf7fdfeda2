"""The people of a chat on Telegram: who is in, who went, put in, taken out, made an admin."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from chat_keeping import ANNA, BELA, CILI, TOMORROW, keeping
from telegram_sandbox import connected, group_peer, recorded
from telethon import functions, types

from vipcast.errors import InputError
from vipcast.messengers._telegram import chat_links, chat_people
from vipcast.messengers.base import AccountStopped, AddressInvalid, Throttled
from vipcast.messengers.base_chats import Added, ChatGone, ChatRole, Person

pytestmark = pytest.mark.anyio
BOT_TOKEN = "700001:sandbox-token"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def shop(tmp_path, monkeypatch):
    async with keeping(tmp_path, monkeypatch) as shop:
        yield shop


# Who is in


@pytest.mark.parametrize("page", [200, 2])
async def test_everybody_is_told_once_with_what_they_are(shop, monkeypatch, page):
    monkeypatch.setattr(chat_people, "PAGE", page)
    chat, group = await shop.made()
    anna = shop.find("@anna_k", first_name="Anna", last_name="Kovács")
    bela, cili = shop.find(BELA), shop.find(CILI)
    robot = shop.sandbox.add_user(bot_token=BOT_TOKEN, username="robot_bot")
    for one in (anna, bela, cili, robot):
        shop.sandbox.join(group, one)
    await shop.keeper.promote(chat, await shop.one(chat, BELA))
    shop.sandbox.leave(group, cili)
    found = {person.id: person for person in await shop.keeper.people(chat)}
    assert {key: one.role for key, one in found.items()} == {
        str(shop.me.id): ChatRole.OWNER,
        str(anna.id): ChatRole.MEMBER,
        str(bela.id): ChatRole.ADMIN,
        str(robot.id): ChatRole.BOT,
    }
    one = found[str(anna.id)]
    assert (one.name, one.spellings) == ("Anna Kovács", ("@anna_k", str(anna.id)))
    assert one.peer.startswith(f"{anna.id}:")
    assert one.joined_at == datetime.fromtimestamp(group.members[anna.id].joined_at, UTC)
    assert [person.id for person in found.values() if person.is_me] == [str(shop.me.id)]
    assert not any(person.is_deleted for person in found.values())


async def test_other_names_and_a_deleted_account_are_told(shop):
    chat, group = await shop.made()
    anna, bela = shop.find("@anna_k", phone=ANNA, first_name="Anna"), shop.find(BELA)
    for person in (anna, bela):
        shop.sandbox.join(group, person)
    shop.me.contacts[anna.id] = ("Anna from the shop", "")
    assert (await shop.one(chat, ANNA)).spellings == ("@anna_k", ANNA, str(anna.id))
    del shop.me.contacts[anna.id]
    shop.sandbox.rename(anna, first_name="Panna", username="panna")
    found = await shop.one(chat, ANNA)
    assert (found.name, found.spellings) == ("Panna", ("@panna", str(anna.id)))
    shop.sandbox.delete_account(anna)
    gone = await shop.one(chat, ANNA)
    assert (gone.is_deleted, gone.name, gone.spellings) == (True, "", (str(anna.id),))
    assert not (await shop.one(chat, BELA)).is_deleted
    await shop.keeper.remove(chat, gone)
    assert shop.inside(group) == [shop.me.label, BELA]


async def test_which_addresses_are_contacts(shop):
    anna, bela = shop.find(ANNA, username="anna_k"), shop.find(BELA)
    shop.find(CILI)
    asked = [ANNA, "@anna_k", BELA, CILI, str(bela.id), "@nobody_at_all"]
    assert await shop.keeper.knows([]) == set()
    assert await shop.keeper.knows(asked) == set()
    shop.me.contacts |= {anna.id: ("Anna", ""), bela.id: ("Béla", "")}
    for _ in range(2):
        assert await shop.keeper.knows(asked) == {ANNA, "@anna_k", BELA, str(bela.id)}


# Who went


@pytest.mark.parametrize("page", [100, 1])
async def test_who_left_and_who_was_removed_is_told(shop, monkeypatch, page):
    monkeypatch.setattr(chat_people, "LOG_PAGE", page)
    chat, group = await shop.made()
    people = {address: shop.find(address) for address in (ANNA, BELA, CILI)}
    for person in people.values():
        shop.sandbox.join(group, person)
    assert await shop.keeper.gone(chat, LONG_AGO) == {}
    shop.sandbox.leave(group, people[ANNA])
    shop.sandbox.kick(group, people[BELA])
    await shop.keeper.remove(chat, await shop.one(chat, CILI))
    expected = {ANNA: ChatGone.LEFT, BELA: ChatGone.REMOVED, CILI: ChatGone.REMOVED}
    for since in (LONG_AGO, datetime.now(UTC) - timedelta(minutes=1)):
        told = await shop.keeper.gone(chat, since)
        assert {key: how for key, (how, _) in told.items()} == {
            str(people[address].id): how for address, how in expected.items()
        }
        assert all(at.tzinfo is UTC for _, at in told.values())


async def test_the_log_ends_and_only_the_banned_stay_known(shop):
    chat, group = await shop.made()
    anna, bela = shop.find(ANNA), shop.find(BELA)
    for person in (anna, bela):
        shop.sandbox.join(group, person)
    shop.sandbox.leave(group, anna)
    shop.sandbox.kick(group, bela)
    shop.sandbox.grow_old(group, timedelta(hours=1))
    now = datetime.now(UTC)
    told = await shop.keeper.gone(chat, now - timedelta(minutes=30))
    assert set(told) == {str(bela.id)}
    shop.sandbox.grow_old(group, timedelta(hours=48))
    assert set(await shop.keeper.gone(chat, LONG_AGO)) == {str(bela.id)}


async def test_the_last_of_several_departures_counts(shop):
    chat, group = await shop.made()
    anna = shop.find(ANNA)
    shop.sandbox.join(group, anna)
    await shop.keeper.remove(chat, await shop.one(chat, ANNA))
    await shop.let_in(chat, ANNA)
    shop.sandbox.leave(group, anna)
    ((how, _),) = (await shop.keeper.gone(chat, LONG_AGO)).values()
    assert how is ChatGone.LEFT


async def test_a_restriction_is_no_removal(shop):
    chat, group = await shop.made()
    shop.sandbox.join(group, shop.find(ANNA))
    async with connected(shop.sandbox, shop.me) as phone:
        peer = await group_peer(phone, group)
        (anna,) = [one for one in await phone.get_participants(peer) if not one.is_self]
        muted = types.ChatBannedRights(until_date=None, send_messages=True)
        await phone(functions.channels.EditBannedRequest(peer, anna, muted))
    assert await shop.keeper.gone(chat, LONG_AGO) == {}
    person = await shop.one(chat, ANNA)
    assert person.role is ChatRole.MEMBER
    await shop.keeper.remove(chat, person)
    assert shop.inside(group) == [shop.me.label]


# Putting in


@pytest.mark.parametrize(
    ("fields", "came"),
    [
        ({}, Added.JOINED),
        ({"refuses_groups": True}, Added.NEEDS_LINK),
        ({"premium_only": True}, Added.OUT_OF_REACH),
    ],
)
async def test_somebody_is_put_in_where_their_settings_allow_it(shop, fields, came):
    chat, group = await shop.made()
    shop.find(ANNA, **fields)
    for _ in range(2):
        assert await shop.keeper.add(chat, ANNA, "") is came
    assert (ANNA in shop.inside(group)) is (came is Added.JOINED)
    assert len(recorded(shop.log, "joined")) == (1 if came is Added.JOINED else 0)


@pytest.mark.parametrize(
    ("code", "text", "came"),
    [
        (403, "USER_PRIVACY_RESTRICTED", Added.NEEDS_LINK),
        (403, "USER_NOT_MUTUAL_CONTACT", Added.NEEDS_LINK),
        (400, "USER_CHANNELS_TOO_MUCH", Added.NEEDS_LINK),
        (400, "USER_KICKED", Added.NEEDS_LINK),
        (400, "USER_BLOCKED", Added.OUT_OF_REACH),
    ],
)
async def test_what_telegram_answers_says_what_is_left_to_do(shop, code, text, came):
    chat, _ = await shop.made()
    shop.find(ANNA)
    shop.faults.add("InviteToChannelRequest", "error", code=code, text=text)
    assert await shop.keeper.add(chat, ANNA, "") is came
    assert await shop.keeper.add(chat, ANNA, "") is Added.JOINED


async def test_an_account_that_telegram_limits_stops(shop):
    chat, group = await shop.made()
    shop.faults.add("InviteToChannelRequest", "error", code=400, text="PEER_FLOOD")
    with pytest.raises(AccountStopped) as caught:
        await shop.keeper.add(chat, ANNA, "")
    assert "SpamBot" in caught.value.hint
    assert shop.inside(group) == [shop.me.label]


async def test_somebody_is_put_in_by_a_peer_also_an_old_one(shop):
    chat, group = await shop.made()
    anna, bela = shop.find(ANNA), shop.find(BELA)
    access_hash = shop.sandbox._world.access_hash(shop.me.id, anna.id)
    assert await shop.keeper.add(chat, "nowhere", f"{anna.id}:{access_hash}") is Added.JOINED
    assert await shop.keeper.add(chat, BELA, f"{bela.id}:4711") is Added.JOINED
    assert shop.inside(group) == [shop.me.label, ANNA, BELA]
    with pytest.raises(AddressInvalid):
        await shop.keeper.add(chat, "@nobody_here", "")


# Taking out


async def test_who_is_removed_may_come_back_by_a_new_link_alone(shop):
    chat, group = await shop.made()
    old = await shop.keeper.new_link(chat, "old", TOMORROW)
    await shop.keeper.add(chat, ANNA, "")
    person = await shop.one(chat, ANNA)
    await shop.keeper.revoke(chat, old)
    for _ in range(2):
        await shop.keeper.remove(chat, person)
    assert shop.inside(group) == [shop.me.label]
    assert await shop.keeper.add(chat, ANNA, "") is Added.NEEDS_LINK
    with pytest.raises(InputError):
        shop.sandbox.join_by_link(shop.find(ANNA), old)
    await shop.let_in(chat, ANNA)
    assert shop.inside(group) == [shop.me.label, ANNA]
    assert len(recorded(shop.log, "kicked")) == 1


@pytest.mark.parametrize("after", [0, 1])  # 1: the ban stands, and is not lifted
async def test_a_removal_cut_short_is_completed(shop, after):
    chat, group = await shop.made()
    await shop.keeper.add(chat, ANNA, "")
    person = await shop.one(chat, ANNA)
    shop.faults.add("EditBannedRequest", "error", after=after)
    with pytest.raises(Throttled):
        await shop.keeper.remove(chat, person)
    assert group.members[int(person.id)].standing == ("banned" if after else "member")
    await shop.keeper.remove(chat, person)
    await shop.let_in(chat, ANNA)
    assert ANNA in shop.inside(group)
    assert len(recorded(shop.log, "kicked")) == 1


@pytest.mark.parametrize("after", [0, 1])
async def test_a_removal_over_a_breaking_connection_is_one(shop, after):
    chat, group = await shop.made()
    await shop.keeper.add(chat, ANNA, "")
    person = await shop.one(chat, ANNA)
    shop.faults.add("EditBannedRequest", "drop_after", after=after)
    await shop.keeper.remove(chat, person)
    assert group.members[int(person.id)].standing == "left"
    assert len(recorded(shop.log, "kicked")) == 1


async def test_who_left_or_never_was_there_is_not_told_as_removed(shop):
    chat, group = await shop.made()
    await shop.keeper.add(chat, ANNA, "")
    person = await shop.one(chat, ANNA)
    shop.sandbox.leave(group, shop.find(ANNA))
    bela = shop.find(BELA)
    access_hash = shop.sandbox._world.access_hash(shop.me.id, bela.id)
    await shop.keeper.remove(chat, person)
    await shop.keeper.remove(chat, Person(str(bela.id), (BELA,), peer=f"{bela.id}:{access_hash}"))
    await shop.keeper.remove(chat, Person(str(bela.id), (BELA,)))  # found by the address
    ((number, (how, _)),) = (await shop.keeper.gone(chat, LONG_AGO)).items()
    assert (number, how) == (person.id, ChatGone.LEFT)
    with pytest.raises(AddressInvalid):
        await shop.keeper.remove(chat, Person("4711", ("4711",)))


# Admins


async def test_an_admin_may_write_invite_remove_and_pin(shop):
    chat, group = await shop.made()
    await shop.keeper.set_rules(chat, members_write=False, hides_members=False, shows_history=True)
    anna = shop.find(ANNA)
    await shop.keeper.add(chat, ANNA, "")
    await shop.keeper.add(chat, BELA, "")
    person = await shop.one(chat, ANNA)
    with pytest.raises(InputError):
        await shop.sandbox.say_in(group, anna, "not yet")
    for _ in range(2):
        await shop.keeper.promote(chat, person)
    said = await shop.sandbox.say_in(group, anna, "now")
    async with connected(shop.sandbox, anna) as phone:
        peer = await group_peer(phone, group)
        await phone(functions.messages.UpdatePinnedMessageRequest(peer, said.id))
        await phone(functions.messages.ExportChatInviteRequest(peer))
        others = [one for one in await phone.get_participants(peer) if one.id == shop.find(BELA).id]
        banned = types.ChatBannedRights(until_date=None, view_messages=True)
        await phone(functions.channels.EditBannedRequest(peer, others[0], banned))
    assert shop.inside(group) == [shop.me.label, ANNA]
    assert "add_admins" not in group.members[anna.id].rights
    await shop.keeper.promote(chat, await shop.one(chat, shop.me.label))  # the owner is more already
    shop.sandbox.leave(group, anna)
    with pytest.raises(AddressInvalid, match="not in the group"):
        await shop.keeper.promote(chat, person)


# By which links


async def test_who_came_by_a_link_is_told_page_by_page(shop, monkeypatch):
    monkeypatch.setattr(chat_links, "PAGE", 2)
    chat, _ = await shop.made()
    link = await shop.keeper.new_link(chat, "many", TOMORROW)
    people = [shop.find(f"+363011130{number:02}") for number in range(5)]
    for person in people:
        shop.sandbox.join_by_link(person, link)
    waiting = await shop.keeper.requests(chat)
    assert [one.person.id for one in waiting] == [str(person.id) for person in people]
    for one in waiting:
        await shop.keeper.admit(chat, replace(one.person, name=""), is_yes=True)
    came = await shop.keeper.came_by(chat, link)
    assert [one.id for one in came] == [str(person.id) for person in people]
    assert all(one.joined_at for one in came)
    assert await shop.keeper.came_by(chat, await shop.keeper.new_link(chat, "new", TOMORROW)) == []


# While the account listens


async def test_a_chat_is_kept_over_the_connection_that_listens(shop):
    chat, group = await shop.made()
    keeper, ready = shop.keeper, asyncio.Event()
    async with aclosing(shop.messenger.listen(ready.set)) as events:
        first = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(30):
            await ready.wait()
        assert await keeper.add(chat, ANNA, "") is Added.JOINED
        assert shop.messenger._actions is None  # no second connection on the account's session file
        shop.sandbox.join(group, shop.find(BELA))
        async with asyncio.timeout(30):
            assert (await first).chat == chat
    assert shop.inside(group) == [shop.me.label, ANNA, BELA]
    assert len(await keeper.people(chat)) == 3  # after it, over one of its own
