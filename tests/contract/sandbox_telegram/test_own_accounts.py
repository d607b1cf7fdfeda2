"""What people do with their accounts and lists: other names, no account, an archive; and time that passes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telegram_sandbox import ANNA, BELA, SHOP, connected, group_peer, hear, peer_of, serving, until
from telethon import errors, events, functions, types

from vipcast.errors import InputError

pytestmark = pytest.mark.anyio
channels, messages = functions.channels, functions.messages
INVITES = messages.GetExportedChatInvitesRequest


def vip_of(sandbox, *people):
    return sandbox.create_group(sandbox.find(SHOP), "VIP", [sandbox.find(one) for one in people])


def folder_of(peer, number):
    return functions.folders.EditPeerFoldersRequest([types.InputFolderPeer(peer, number)])


async def test_a_renamed_person_is_told_of_and_found_by_the_new_name(sandbox, shop):
    anna = sandbox.add_user(phone=ANNA, first_name="Anna", username="anna_k")
    vip_of(sandbox, ANNA)
    told = hear(shop, events.Raw(types.UpdateUserName))
    sandbox.rename(anna, first_name="Panna", username="@panna")
    await until(lambda: told)
    assert (told[0].user_id, told[0].first_name, told[0].usernames[0].username) == (anna.id, "Panna", "panna")
    found = await shop(functions.contacts.ResolveUsernameRequest("panna"))
    assert (found.users[0].id, found.users[0].first_name) == (anna.id, "Panna")
    other = await shop(functions.contacts.ResolveUsernameRequest("anna_k"))  # free: somebody else's now
    assert other.users[0].id != anna.id
    sandbox.rename(anna, username="")
    assert (await shop(functions.users.GetUsersRequest([found.users[0]])))[0].username is None


async def test_a_username_is_one_persons(sandbox):
    anna, bela = sandbox.find("@anna_k"), sandbox.find("@bela_k")
    for wrong, word in (("bela_k", "somebody else's"), ("a b", "no Telegram username"), ("", "cannot go")):
        with pytest.raises(InputError, match=word):
            sandbox.rename(anna, username=wrong)
    sandbox.rename(anna, username="ANNA_K")  # her own, written otherwise
    sandbox.delete_account(bela)
    sandbox.rename(anna, username="bela_k")
    assert sandbox.find("@bela_k") is anna


async def test_a_deleted_account_stays_in_its_groups_without_a_name(sandbox, shop):
    anna = sandbox.add_user(phone=ANNA, first_name="Anna", username="anna_k")
    group = vip_of(sandbox, ANNA)
    asked = vip_of(sandbox)
    sandbox.join_by_link(anna, sandbox.invite_link(asked, request_needed=True))
    told = hear(shop, events.Raw(types.UpdateUser))
    async with connected(sandbox, anna) as phone:
        sandbox.delete_account(anna)
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await phone(functions.updates.GetStateRequest())
    await until(lambda: told)
    peer = await group_peer(shop, group)
    found = await shop.get_participants(peer)
    (gone,) = [user for user in found if user.id == anna.id]
    assert (gone.deleted, gone.first_name, gone.username, gone.phone) == (True, None, None, None)
    assert asked.requests == {}


async def test_a_chat_in_the_archive_stays_among_all_chats(sandbox, shop):
    group = vip_of(sandbox, ANNA)
    peer = await group_peer(shop, group)
    person = await peer_of(shop, BELA)
    await shop.send_message(person, "hello")
    async with connected(sandbox, sandbox.find(SHOP)) as other:
        told = hear(other, events.Raw(types.UpdateFolderPeers))
        for _ in range(2):
            await shop(folder_of(peer, 1))
        await until(lambda: told)
    assert (told[0].folder_peers[0].peer.channel_id, told[0].folder_peers[0].folder_id) == (group.id, 1)
    here, away, everywhere = [
        {dialog.id for dialog in await shop.get_dialogs(folder=folder)} for folder in (0, 1, None)
    ]
    assert (group.key in here, away, group.key in everywhere) == (False, {group.key}, True)
    assert (await shop(channels.GetFullChannelRequest(peer))).full_chat.folder_id == 1
    await shop(folder_of(peer, 0))
    assert (await shop(channels.GetFullChannelRequest(peer))).full_chat.folder_id is None
    with pytest.raises(errors.BadRequestError):
        await shop(folder_of(peer, 7))


async def test_the_archive_outlives_a_restart(tmp_path):
    for number in range(2):
        async with serving(state=tmp_path / "telegram.db") as sandbox:
            me = sandbox.add_user(phone=SHOP)
            if not number:
                group = vip_of(sandbox)
                async with connected(sandbox, me) as client:
                    await client(folder_of(await group_peer(client, group), 1))
            assert me.archived == {group.key}


async def test_what_telegram_keeps_for_days_ends(sandbox, shop):
    group = vip_of(sandbox, ANNA, BELA)
    peer = await group_peer(shop, group)
    sent = await shop.send_message(peer, "news")
    await sandbox.read_in(group, sandbox.find(ANNA))
    sandbox.leave(group, sandbox.find(BELA))
    readers = messages.GetMessageReadParticipantsRequest(peer, sent.id)
    log = channels.GetAdminLogRequest(peer, "", 0, 0, 10)
    assert (len(await shop(readers)), len((await shop(log)).events)) == (1, 1)
    sandbox.grow_old(group, timedelta(days=3))
    assert (len(await shop(readers)), (await shop(log)).events) == (1, [])
    sandbox.grow_old(group, timedelta(days=5))
    with pytest.raises(errors.MsgTooOldError):
        await shop(readers)


async def test_links_are_listed_page_by_page(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    made = [sandbox.invite_link(group) for _ in range(3)]
    first = await shop(INVITES(peer, types.InputUserSelf(), 2))
    assert ([one.link for one in first.invites], first.count) == ([made[2], made[1]], 4)
    last = first.invites[-1]
    rest = await shop(INVITES(peer, types.InputUserSelf(), 10, offset_date=last.date, offset_link=last.link))
    assert rest.invites[0].link == made[0]
    assert len(rest.invites) == 2


async def test_a_ban_of_somebody_outside_is_logged_too(sandbox, shop):
    group = vip_of(sandbox)
    peer, person = await group_peer(shop, group), await peer_of(shop, ANNA)
    banned = types.ChatBannedRights(until_date=None, view_messages=True)
    await shop(channels.EditBannedRequest(peer, person, banned))
    (event,) = (await shop(channels.GetAdminLogRequest(peer, "", 0, 0, 10))).events
    assert isinstance(event.action.new_participant, types.ChannelParticipantBanned)


async def test_an_account_is_limited_for_inviting_on_order(sandbox, shop, faults):
    group = vip_of(sandbox)
    peer, person = await group_peer(shop, group), await peer_of(shop, ANNA)
    faults.add("InviteToChannelRequest", "error", code=400, text="PEER_FLOOD", to="VIP", times=None)
    for _ in range(2):
        with pytest.raises(errors.PeerFloodError):
            await shop(channels.InviteToChannelRequest(peer, [person]))
    assert sandbox.members(group) == [sandbox.find(SHOP)]
