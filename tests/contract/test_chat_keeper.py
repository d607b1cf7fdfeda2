"""Keeping a chat on Telegram: made, found again, set up, and the ways in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from chat_keeping import ANNA, BELA, CILI, MARK, TOMORROW, keeping
from telegram_sandbox import connected, group_peer, png, recorded
from telethon import functions

from vipcast.config import Secret
from vipcast.errors import InputError
from vipcast.messengers._telegram import chat_keeper, chat_links
from vipcast.messengers.base import AccountStopped, AddressInvalid, Message, Rejected, Throttled
from vipcast.messengers.telegram import Telegram

pytestmark = pytest.mark.anyio
BOT_TOKEN = "700001:sandbox-token"


@pytest.fixture
async def shop(tmp_path, monkeypatch):
    async with keeping(tmp_path, monkeypatch) as shop:
        yield shop


def writing(group):
    return {right for right in group.forbidden if right.startswith(("send_", "embed_"))}


# Making and finding


async def test_a_new_chat_has_nobody_else_in_it_and_can_be_written_to(shop):
    chat = await shop.keeper.create("  VIP  ", MARK)
    group = shop.group(chat)
    assert (chat.title, group.is_megagroup, group.about) == ("VIP", True, MARK)
    assert shop.inside(group) == [shop.me.label]
    await shop.messenger.send("nowhere", chat.peer, Message("hello"), 1)
    assert shop.sandbox.group_history(group)[-1].text == "hello"


async def test_a_chat_is_found_by_its_mark_alone(shop):
    made = await shop.keeper.create("VIP", MARK)
    await shop.keeper.create("VIP", "vipcast-other")
    stranger = shop.find(ANNA)
    theirs = shop.sandbox.create_group(stranger, "VIP", [shop.me])
    theirs.about = "vipcast-theirs"
    for _ in range(2):
        assert await shop.keeper.find(MARK) == made
    assert await shop.keeper.find("vipcast-theirs") is None
    assert await shop.keeper.find("vipcast-nobody's") is None
    await shop.keeper.archive(made.address)
    assert await shop.keeper.find(MARK) == made
    await shop.keeper.describe(made.address, "VIP", "for our guests")
    assert await shop.keeper.find(MARK) is None


async def test_only_the_newest_chats_are_looked_at_for_a_mark(shop, monkeypatch):
    monkeypatch.setattr(chat_keeper, "NEWEST", 1)
    _, old = await shop.made("Old", "old")
    old.at -= 60
    new = await shop.keeper.create("New", "new")
    assert await shop.keeper.find("new") == new
    assert await shop.keeper.find("old") is None


async def test_an_account_that_people_reported_makes_no_chats(shop):
    shop.faults.add("CreateChannelRequest", "error", code=400, text="USER_RESTRICTED")
    with pytest.raises(AccountStopped, match="make groups") as caught:
        await shop.keeper.create("VIP", MARK)
    assert caught.value.hint
    assert shop.sandbox.groups() == []
    shop.faults.add("CreateChannelRequest", "error", code=400, text="CHANNELS_TOO_MUCH")
    with pytest.raises(Rejected, match="as many groups"):
        await shop.keeper.create("VIP", MARK)


async def test_a_bot_keeps_no_chats(shop):
    bot = Telegram(msgspec.structs.replace(shop.account, token=Secret(BOT_TOKEN)))
    assert bot.keeper() is None
    assert not bot.capabilities_of(bot.account).minds_strangers
    assert shop.messenger.capabilities_of(shop.account).minds_strangers
    assert await chat_keeper.TelegramChatKeeper(lambda: bot._acting).knows([ANNA, "@anna_k"]) == set()
    assert not bot._acting.wire.client.is_connected()  # nothing was asked
    await bot.close()


# How it looks


async def test_title_and_description_are_set_once(shop):
    chat, group = await shop.made()
    for _ in range(2):
        await shop.keeper.describe(chat, "Régi Divat VIP", "Új kollekció")
    assert (group.title, group.about) == ("Régi Divat VIP", "Új kollekció")
    assert [event["before"] for event in recorded(shop.log, "title")] == ["VIP"]


@pytest.mark.parametrize(
    ("title", "about", "word"), [("", "x", "empty"), ("x" * 129, "", "129"), ("New", "x" * 256, "256")]
)
async def test_what_is_too_long_changes_nothing(shop, title, about, word):
    chat, group = await shop.made()
    with pytest.raises(Rejected, match=word):
        await shop.keeper.describe(chat, title, about)
    assert (group.title, group.about) == ("VIP", MARK)


async def test_a_picture_is_set(shop, tmp_path):
    chat, _ = await shop.made()
    assert not (await shop.keeper.look(chat)).has_picture
    path = tmp_path / "logo.png"
    path.write_bytes(png(300, 300))
    for _ in range(2):
        await shop.keeper.set_picture(chat, path)
    assert (await shop.keeper.look(chat)).has_picture
    with pytest.raises(Rejected, match=r"gone\.png"):
        await shop.keeper.set_picture(chat, tmp_path / "gone.png")
    shop.faults.add("EditPhotoRequest", "error", code=400, text="PHOTO_INVALID_DIMENSIONS")
    with pytest.raises(Rejected, match="sides"):
        await shop.keeper.set_picture(chat, path)


@pytest.mark.parametrize("members_write", [True, False])
@pytest.mark.parametrize("shows_history", [True, False])
async def test_rules_are_kept_and_told(shop, members_write, shows_history):
    chat, group = await shop.made()
    anna = shop.find(ANNA)
    shop.sandbox.join(group, anna)
    rules = {"members_write": members_write, "hides_members": False, "shows_history": shows_history}
    for _ in range(2):
        assert await shop.keeper.set_rules(chat, **rules) == []
    seen = await shop.keeper.look(chat)
    assert {name: getattr(seen, name) for name in rules} == rules
    assert {"invite_users", "pin_messages", "change_info"} <= group.forbidden
    assert "send_reactions" not in group.forbidden
    if members_write:
        assert writing(group) == set()
        await shop.sandbox.say_in(group, anna, "hello")
    else:
        assert {"send_plain", "send_photos", "send_voices", "embed_links"} <= writing(group)
        with pytest.raises(InputError):
            await shop.sandbox.say_in(group, anna, "hello")
        await shop.messenger.send(chat, "", Message("the shop may"), 1)


async def test_members_of_a_small_chat_cannot_be_hidden(shop):
    chat, group = await shop.made()
    rules = {"members_write": False, "hides_members": True, "shows_history": True}
    (words,) = await shop.keeper.set_rules(chat, **rules)
    assert "100 people" in words
    assert "send_messages" in group.forbidden
    assert not (await shop.keeper.look(chat)).hides_members
    shop.faults.add("ToggleParticipantsHiddenRequest", "error", code=400, text="PARTICIPANTS_TOO_FEW")
    assert await shop.keeper.set_rules(chat, **(rules | {"hides_members": False})) == []


async def test_members_of_a_large_chat_are_hidden(tmp_path, monkeypatch):
    async with keeping(tmp_path, monkeypatch, hidden_members_min=1) as shop:
        chat, _ = await shop.made()
        for _ in range(2):
            told = await shop.keeper.set_rules(
                chat, members_write=True, hides_members=True, shows_history=True
            )
            assert told == []
        assert (await shop.keeper.look(chat)).hides_members


async def test_the_latest_pinned_message_is_known(shop):
    chat, group = await shop.made()
    assert (await shop.keeper.look(chat)).pinned == ""
    sent = await shop.messenger.send(chat, "", Message("welcome"), 1)
    for _ in range(2):
        await shop.keeper.pin(chat, sent.remote_id)
    assert (await shop.keeper.look(chat)).pinned == sent.remote_id
    pins = [one for one in shop.sandbox.group_history(group) if one.action == "PinMessage"]
    assert len(pins) == 1
    for gone in ("4711", ""):
        with pytest.raises(Rejected):
            await shop.keeper.pin(chat, gone)


async def test_a_chat_is_put_away(shop):
    chat, group = await shop.made()
    assert not (await shop.keeper.look(chat)).is_archived
    for _ in range(2):
        await shop.keeper.archive(chat)
    assert (await shop.keeper.look(chat)).is_archived
    assert group.key in shop.me.archived


# Where something is not there, or not allowed


async def test_a_chat_that_is_none_or_not_ours_any_more_is_named(shop):
    basic = shop.sandbox.create_group(shop.find(ANNA), "Desk", [shop.me], megagroup=False)
    theirs = shop.sandbox.create_group(shop.find(ANNA), "VIP", [shop.me])
    with pytest.raises(Rejected, match="admin there must allow it"):
        await shop.keeper.new_link(str(theirs.key), "Anna", TOMORROW)
    shop.sandbox.kick(theirs, shop.me)
    for address in (str(basic.key), str(theirs.key), "-1009999999999", "@anna_kovacs", "-x"):
        with pytest.raises(AddressInvalid):
            await shop.keeper.look(address)


@pytest.mark.parametrize(
    "request_name",
    ["EditChatDefaultBannedRightsRequest", "ToggleParticipantsHiddenRequest", "UpdatePinnedMessageRequest"],
)
async def test_a_right_that_is_missing_is_told(shop, request_name):
    chat, _ = await shop.made()
    sent = await shop.messenger.send(chat, "", Message("welcome"), 1)
    shop.faults.add(request_name, "error", code=400, text="CHAT_ADMIN_REQUIRED")
    is_pin = request_name.startswith("UpdatePinned")
    rules = {"members_write": False, "hides_members": True, "shows_history": False}
    deed = shop.keeper.pin(chat, sent.remote_id) if is_pin else shop.keeper.set_rules(chat, **rules)
    with pytest.raises(Rejected, match="admin there must allow it") as caught:
        await deed
    assert caught.value.remote_code == "CHAT_ADMIN_REQUIRED"


async def test_a_deed_goes_on_over_the_connection_that_is_there(shop):
    chat, _ = await shop.made()
    keeper = shop.keeper
    await shop.messenger.close()
    assert (await keeper.look(chat)).title == "VIP"
    shop.faults.add("GetFullChannelRequest", "error", code=420, text="FLOOD_WAIT_35")
    with pytest.raises(Throttled):
        await keeper.look(chat)


# Ways in


async def test_a_link_lets_nobody_in_unasked(shop):
    chat, group = await shop.made()
    link = await shop.keeper.new_link(chat, "Anna", TOMORROW)
    anna, bela = shop.find(ANNA, first_name="Anna"), shop.find(BELA)
    async with connected(shop.sandbox, anna) as phone:
        with pytest.raises(Exception, match="requested to join"):
            await phone(functions.messages.ImportChatInviteRequest(link.partition("+")[2]))
    assert shop.sandbox.join_by_link(bela, link) is None
    assert shop.inside(group) == [shop.me.label]
    waiting = {one.person.id: one for one in await shop.keeper.requests(chat)}
    assert {one.link for one in waiting.values()} == {link}
    asking = waiting[str(anna.id)]
    assert (asking.person.name, asking.at.tzinfo) == ("Anna", UTC)
    for _ in range(2):
        await shop.keeper.admit(chat, asking.person, is_yes=True)
        await shop.keeper.admit(chat, waiting[str(bela.id)].person, is_yes=False)
    await shop.keeper.admit(chat, waiting[str(bela.id)].person, is_yes=True)  # sent away: it is gone
    assert shop.inside(group) == [shop.me.label, ANNA]
    assert await shop.keeper.requests(chat) == []
    assert [one.id for one in await shop.keeper.came_by(chat, link)] == [str(anna.id)]


async def test_the_links_that_work_are_listed_with_their_marks(shop, monkeypatch):
    monkeypatch.setattr(chat_links, "PAGE", 2)
    chat, group = await shop.made()
    made = [await shop.keeper.new_link(chat, f"member {number}", TOMORROW) for number in range(5)]
    group.invite(made[0]).expires_at = 1
    await shop.keeper.revoke(chat, made[1])
    found = await shop.keeper.links(chat)
    default = [one for one in found if one.is_default]
    assert len(default) == 1
    assert not default[0].needs_approval
    rest = {one.mark: one for one in found if not one.is_default}
    assert {mark: one.link for mark, one in rest.items()} == {
        f"member {number}": made[number] for number in (2, 3, 4)
    }
    assert {(one.expires_at, one.needs_approval) for one in rest.values()} == {(TOMORROW, True)}


async def test_a_link_cannot_end_in_the_past(shop):
    chat, _ = await shop.made()
    with pytest.raises(Rejected, match="in the past"):
        await shop.keeper.new_link(chat, "Anna", datetime.now(UTC) - timedelta(days=1))


async def test_a_revoked_link_leads_nowhere_and_a_default_one_is_replaced(shop):
    chat, _ = await shop.made()
    (default,) = await shop.keeper.links(chat)
    link = await shop.keeper.new_link(chat, "Anna", TOMORROW)
    for _ in range(2):
        await shop.keeper.revoke(chat, link)
    await shop.keeper.revoke(chat, default.link)
    for shut in (link, default.link):
        with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
            shop.sandbox.join_by_link(shop.find(ANNA), shut)
    (fresh,) = await shop.keeper.links(chat)
    assert fresh.is_default
    assert fresh.link != default.link


async def test_each_who_waits_is_told_with_their_link(shop, monkeypatch):
    monkeypatch.setattr(chat_links, "PAGE", 2)
    chat, group = await shop.made()
    anna, bela, cili = (shop.find(one) for one in (ANNA, BELA, CILI))
    links = [await shop.keeper.new_link(chat, mark, TOMORROW) for mark in ("one", "two")]
    shop.sandbox.join(group, cili)
    await shop.keeper.promote(chat, await shop.one(chat, CILI))
    async with connected(shop.sandbox, cili) as phone:  # another admin's link is not ours to list
        export = functions.messages.ExportChatInviteRequest
        peer = await group_peer(phone, group)
        links.append((await phone(export(peer, request_needed=True))).link)
    for person, link in ((anna, links[0]), (bela, links[1]), (shop.find("@dora"), links[2])):
        shop.sandbox.join_by_link(person, link)
    await shop.keeper.revoke(chat, links[1])
    told = {one.person.spellings[0]: one.link for one in await shop.keeper.requests(chat)}
    assert told == {str(anna.id): links[0], str(bela.id): links[1], "@dora": ""}


async def test_the_account_follows_a_link_itself(shop):
    group = shop.sandbox.create_group(shop.find(ANNA), "Other shop", [])
    for link in (shop.sandbox.invite_link(group), shop.sandbox.invite_link(group, request_needed=True)):
        for spelling in (link, link.replace("https://t.me/+", "tg://join?invite="), link.partition("+")[2]):
            await shop.keeper.follow(spelling)
    assert shop.inside(group) == [ANNA, shop.me.label]
    asked = shop.sandbox.create_group(shop.find(ANNA), "Third", [])
    link = shop.sandbox.invite_link(asked, request_needed=True)
    for _ in range(2):
        await shop.keeper.follow(link)
    assert list(asked.requests) == [shop.me.id]
    old = shop.sandbox.invite_link(asked)
    asked.invite(old).expires_at = 1
    for dead, word in (
        (old, "any more"),
        ("https://t.me/+nothing_there", "no such"),
        ("hello!", "no invite"),
    ):
        with pytest.raises(Rejected, match=word):
            await shop.keeper.follow(dead)


# Receipts


async def test_who_has_read_is_told_for_seven_days(shop):
    chat, group = await shop.made()
    anna, bela = shop.find(ANNA), shop.find(BELA)
    for person in (anna, bela):
        shop.sandbox.join(group, person)
    sent = await shop.messenger.send(chat, "", Message("news"), 1)
    assert await shop.keeper.readers(chat, sent.remote_id) == {}
    await shop.sandbox.read_in(group, anna)
    for _ in range(2):
        read = await shop.keeper.readers(chat, sent.remote_id)
        assert set(read) == {str(anna.id)}
        assert read[str(anna.id)].tzinfo is UTC
    shop.sandbox.grow_old(group, timedelta(days=8))
    with pytest.raises(Rejected, match="seven days"):
        await shop.keeper.readers(chat, sent.remote_id)
    for gone in ("4711", "x"):
        with pytest.raises(Rejected):
            await shop.keeper.readers(chat, gone)


async def test_who_has_read_is_told_of_small_groups(shop):
    chat, group = await shop.made()
    for number in range(50):
        shop.sandbox.join(group, shop.find(f"+363011120{number:02}"))
    sent = await shop.messenger.send(chat, "", Message("news"), 1)
    with pytest.raises(Rejected, match="small groups"):
        await shop.keeper.readers(chat, sent.remote_id)
