"""Invite links and requests to join."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from telegram_sandbox import ANNA, BELA, SHOP, connected, group_peer, hear, peer_of, recorded, until
from telethon import errors, events, functions, types

from vipcast.errors import InputError

pytestmark = pytest.mark.anyio
channels, messages = functions.channels, functions.messages
KINDS = pytest.mark.parametrize("is_megagroup", [True, False], ids=["megagroup", "basic"])


def vip_of(sandbox, is_megagroup=True):
    return sandbox.create_group(sandbox.find(SHOP), "VIP", [], megagroup=is_megagroup)


def code_of(link):
    return link.partition("+")[2]


@KINDS
async def test_a_client_joins_by_a_link(sandbox, shop, log, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    told = hear(shop, events.ChatAction())
    exported = await shop(messages.ExportChatInviteRequest(peer, title="Anna"))
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        before = await phone(messages.CheckChatInviteRequest(code_of(exported.link)))
        assert (before.title, before.participants_count, before.megagroup) == ("VIP", 1, is_megagroup)
        joined = await phone(messages.ImportChatInviteRequest(code_of(exported.link)))
        assert joined.updates.chats[0].title == "VIP"
        after = await phone(messages.CheckChatInviteRequest(code_of(exported.link)))
        assert isinstance(after, types.ChatInviteAlready)
        with pytest.raises(errors.UserAlreadyParticipantError):
            await phone(messages.ImportChatInviteRequest(code_of(exported.link)))
        await phone.send_message(joined.updates.chats[0], "here I am")
    await until(lambda: [event for event in told if event.user_joined])
    importers = await shop(
        messages.GetChatInviteImportersRequest(peer, None, types.InputUserEmpty(), 10, link=exported.link)
    )
    assert [one.user_id for one in importers.importers] == [sandbox.find(ANNA).id]
    assert (recorded(log, "joined")[0]["person"], recorded(log, "joined")[0]["by"]) == (ANNA, "link")


@KINDS
async def test_a_limit_counts_those_who_are_still_there(sandbox, shop, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    link = (await shop(messages.ExportChatInviteRequest(peer, usage_limit=1))).link
    anna, bela = sandbox.find(ANNA), sandbox.find(BELA)
    assert sandbox.join_by_link(anna, link) is group
    with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
        sandbox.join_by_link(bela, link)
    async with connected(sandbox, bela) as phone:
        with pytest.raises(errors.InviteHashExpiredError):
            await phone(messages.CheckChatInviteRequest(code_of(link)))
    sandbox.leave(group, anna)
    assert sandbox.join_by_link(bela, link) is group
    used = await shop(messages.GetExportedChatInviteRequest(peer, link))
    assert (used.invite.usage, used.invite.usage_limit) == (1, 1)


async def test_terms_that_exclude_each_other_or_mean_nothing_are_refused(sandbox, shop):
    peer = await group_peer(shop, vip_of(sandbox))
    export = messages.ExportChatInviteRequest
    for wrong in (
        export(peer, usage_limit=1, request_needed=True),
        export(peer, usage_limit=100_000),
        export(peer, usage_limit=-1),
    ):
        with pytest.raises(errors.UsageLimitInvalidError):
            await shop(wrong)
    with pytest.raises(errors.ExpireDateInvalidError):
        await shop(export(peer, expire_date=datetime.now(UTC) - timedelta(days=1)))
    link = (await shop(export(peer, usage_limit=5))).link
    with pytest.raises(errors.UsageLimitInvalidError):
        await shop(messages.EditExportedChatInviteRequest(peer, link, request_needed=True))


async def test_a_link_ends_at_its_time_and_when_revoked(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    anna = sandbox.find(ANNA)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    timed = (await shop(messages.ExportChatInviteRequest(peer, expire_date=tomorrow))).link
    group.invite(timed).expires_at = 1
    with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
        sandbox.join_by_link(anna, timed)
    link = sandbox.invite_link(group)
    revoked = await shop(messages.EditExportedChatInviteRequest(peer, link, revoked=True))
    assert revoked.invite.revoked
    with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
        sandbox.join_by_link(anna, link)
    with pytest.raises(InputError, match="INVITE_HASH_INVALID"):
        sandbox.join_by_link(anna, "https://t.me/+nothing")
    listed = await shop(messages.GetExportedChatInvitesRequest(peer, types.InputUserSelf(), 10, revoked=True))
    assert [one.link for one in listed.invites] == [link]


async def test_a_new_group_has_a_permanent_link_that_is_replaced_when_revoked(sandbox, shop):
    peer = await group_peer(shop, vip_of(sandbox))
    everything = messages.GetExportedChatInvitesRequest(peer, types.InputUserSelf(), 10)
    (first,) = (await shop(everything)).invites
    assert (first.permanent, first.usage_limit, first.expire_date) == (True, None, None)
    with pytest.raises(errors.ChatInvitePermanentError):
        await shop(messages.EditExportedChatInviteRequest(peer, first.link, usage_limit=3))
    replaced = await shop(messages.EditExportedChatInviteRequest(peer, first.link, revoked=True))
    (second,) = (await shop(everything)).invites
    assert replaced.new_invite.link == second.link != first.link
    with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
        sandbox.join_by_link(sandbox.find(ANNA), first.link)


async def test_members_cannot_make_links(sandbox, shop):
    group = vip_of(sandbox)
    anna = sandbox.find(ANNA)
    sandbox.join(group, anna)
    async with connected(sandbox, anna) as phone:
        theirs = await group_peer(phone, group)
        with pytest.raises(errors.ChatAdminRequiredError):
            await phone(messages.ExportChatInviteRequest(theirs))
        assert (await phone(channels.GetFullChannelRequest(theirs))).full_chat.exported_invite is None


@KINDS
async def test_a_request_waits_until_an_admin_answers(sandbox, shop, log, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    pending = hear(shop, events.Raw(types.UpdatePendingJoinRequests))
    link = (await shop(messages.ExportChatInviteRequest(peer, request_needed=True))).link
    anna, bela = sandbox.find(ANNA), sandbox.find(BELA)
    async with connected(sandbox, anna) as phone:
        with pytest.raises(errors.InviteRequestSentError):
            await phone(messages.ImportChatInviteRequest(code_of(link)))
    assert sandbox.join_by_link(bela, link) is None
    await until(lambda: len(pending) == 2)
    assert (pending[1].requests_pending, pending[1].recent_requesters) == (2, [anna.id, bela.id])
    waiting = await shop(
        messages.GetChatInviteImportersRequest(peer, None, types.InputUserEmpty(), 10, requested=True)
    )
    assert [one.user_id for one in waiting.importers] == [anna.id, bela.id]
    people = {user.id: types.InputUser(user.id, user.access_hash) for user in waiting.users}
    await shop(messages.HideChatJoinRequestRequest(peer, people[anna.id], approved=True))
    await shop(messages.HideChatJoinRequestRequest(peer, people[bela.id], approved=False))
    assert [user.label for user in sandbox.members(group)] == [SHOP, ANNA]
    with pytest.raises(errors.HideRequesterMissingError):
        await shop(messages.HideChatJoinRequestRequest(peer, people[bela.id], approved=True))
    assert sandbox.group_history(group)[-1].action == "ChatJoinedByRequest"
    assert [event["person"] for event in recorded(log, "join_request")] == [ANNA, BELA]
    assert recorded(log, "turned_away")[0]["person"] == BELA


async def test_all_requests_of_a_link_are_answered_at_once(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    links = [sandbox.invite_link(group, request_needed=True) for _ in range(2)]
    people = [sandbox.find(f"+3630111000{n}") for n in range(1, 4)]
    for person, link in zip(people, (links[0], links[0], links[1]), strict=True):
        assert sandbox.join_by_link(person, link) is None
    await shop(messages.HideAllChatJoinRequestsRequest(peer, approved=True, link=links[0]))
    assert sandbox.members(group)[1:] == people[:2]
    sandbox.admit(group, people[2], is_approved=False)
    with pytest.raises(InputError, match="HIDE_REQUESTER_MISSING"):
        sandbox.admit(group, people[2])


async def test_who_left_is_added_again_by_a_mutual_contact_only(sandbox, shop):
    group = vip_of(sandbox)
    anna, me = sandbox.find(ANNA), sandbox.find(SHOP)
    sandbox.join(group, anna)
    sandbox.leave(group, anna)
    peer, person = await group_peer(shop, group), await peer_of(shop, ANNA)
    with pytest.raises(errors.UserNotMutualContactError):
        await shop(channels.InviteToChannelRequest(peer, [person]))
    me.contacts[anna.id] = anna.contacts[me.id] = ("x", "")
    await shop(channels.InviteToChannelRequest(peer, [person]))
    with pytest.raises(errors.UserAlreadyParticipantError):
        await shop(channels.InviteToChannelRequest(peer, [person]))
    assert sandbox.members(group) == [me, anna]
