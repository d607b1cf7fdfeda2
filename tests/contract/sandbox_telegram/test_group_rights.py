"""Who may do what in groups, and how a group looks."""

from __future__ import annotations

import pytest
from telegram_sandbox import (
    ANNA,
    BELA,
    SHOP,
    connected,
    group_peer,
    hear,
    peer_of,
    png,
    recorded,
    serving,
    until,
)
from telethon import errors, events, functions, types
from telethon.sessions import StringSession

from vipcast.errors import InputError
from vipcast.sandbox.attachments import Attachment

pytestmark = pytest.mark.anyio
channels, messages = functions.channels, functions.messages
KINDS = pytest.mark.parametrize("is_megagroup", [True, False], ids=["megagroup", "basic"])
NEWER_FLAGS = (
    "send_photos", "send_videos", "send_roundvideos", "send_audios", "send_voices", "send_docs", "send_plain",
    "send_reactions",
)  # fmt: skip


def vip_of(sandbox, is_megagroup=True):
    people = [sandbox.find(ANNA), sandbox.find(BELA)]
    return sandbox.create_group(sandbox.find(SHOP), "VIP", people, megagroup=is_megagroup)


def forbid(peer, *names):
    rights = types.ChatBannedRights(until_date=None, **dict.fromkeys(names, True))
    return messages.EditChatDefaultBannedRightsRequest(peer, rights)


def ban(peer, person, *names):
    rights = types.ChatBannedRights(until_date=None, **dict.fromkeys(names, True))
    return channels.EditBannedRequest(peer, person, rights)


@KINDS
async def test_where_only_the_shop_may_post_a_member_is_refused(sandbox, shop, log, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    await shop(forbid(peer, "send_messages", *NEWER_FLAGS))
    with pytest.raises(errors.ChatNotModifiedError):
        await shop(forbid(peer, "send_messages", *NEWER_FLAGS))
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        theirs = await group_peer(phone, group)
        with pytest.raises(errors.ChatWriteForbiddenError):
            await phone.send_message(theirs, "hello")
        with pytest.raises(errors.ChatAdminRequiredError):
            await phone(forbid(theirs))
        chat = await phone.get_entity(theirs)
        assert chat.default_banned_rights.send_photos
    with pytest.raises(InputError, match="CHAT_WRITE_FORBIDDEN"):
        await sandbox.say_in(group, sandbox.find(BELA), "hello")
    await shop.send_message(peer, "news")
    assert sandbox.group_history(group)[-1].text == "news"
    assert "send_plain" in recorded(log, "rights")[0]["forbidden"]
    with pytest.raises(errors.BannedRightsInvalidError):
        await shop(forbid(peer, "view_messages"))


async def test_single_kinds_of_messages_are_forbidden(sandbox, shop):
    group = vip_of(sandbox)
    anna = sandbox.find(ANNA)
    await shop(forbid(await group_peer(shop, group), "send_photos"))
    with pytest.raises(InputError, match="CHAT_SEND_PHOTOS_FORBIDDEN"):
        await sandbox.say_in(group, anna, "", media=Attachment("picture", png()))
    await sandbox.say_in(group, anna, "", media=Attachment("voice", b"OggS"))
    await shop(forbid(await group_peer(shop, group), "send_plain"))
    with pytest.raises(InputError, match="CHAT_SEND_PLAIN_FORBIDDEN"):
        await sandbox.say_in(group, anna, "words")


async def test_admins_get_and_lose_rights(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    anna = await peer_of(shop, ANNA)
    await shop(forbid(peer, "send_messages"))
    rights = types.ChatAdminRights(ban_users=True, pin_messages=True)
    await shop(channels.EditAdminRequest(peer, anna, rights, rank="helper"))
    participant = (await shop(channels.GetParticipantRequest(peer, anna))).participant
    assert isinstance(participant, types.ChannelParticipantAdmin)
    assert (participant.rank, participant.admin_rights.ban_users) == ("helper", True)
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        theirs = await group_peer(phone, group)
        await phone.send_message(theirs, "as an admin")
        with pytest.raises(errors.ChatAdminRequiredError):
            await phone(channels.EditAdminRequest(theirs, await peer_of(phone, BELA), rights, rank=""))
        with pytest.raises(errors.UserAdminInvalidError):
            await phone(ban(theirs, await peer_of(phone, SHOP), "view_messages"))
    await shop(channels.EditAdminRequest(peer, anna, types.ChatAdminRights(), rank=""))
    with pytest.raises(InputError, match="CHAT_WRITE_FORBIDDEN"):
        await sandbox.say_in(group, sandbox.find(ANNA), "no admin any more")
    with pytest.raises(errors.UserCreatorError):
        await shop(channels.EditAdminRequest(peer, "me", rights, rank=""))


async def test_ban_restrict_and_unban(sandbox, shop):
    group = vip_of(sandbox)
    anna = sandbox.find(ANNA)
    peer, person = await group_peer(shop, group), await peer_of(shop, ANNA)
    await shop(ban(peer, person, "send_messages"))
    with pytest.raises(InputError, match="USER_BANNED_IN_CHANNEL"):
        await sandbox.say_in(group, anna, "hello")
    await shop(ban(peer, person))
    await sandbox.say_in(group, anna, "hello again")
    link = sandbox.invite_link(group)
    await shop(ban(peer, person, "view_messages"))
    kicked = await shop.get_participants(peer, filter=types.ChannelParticipantsKicked(""))
    assert [user.id for user in kicked] == [anna.id]
    with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
        sandbox.join_by_link(anna, link)
    await shop(ban(peer, person))
    with pytest.raises(errors.UserNotParticipantError):
        await shop(channels.GetParticipantRequest(peer, person))
    assert sandbox.join_by_link(anna, link) is group


async def test_telethon_kicks_from_a_megagroup_without_leaving_a_ban(sandbox, shop):
    group = vip_of(sandbox)
    await shop.kick_participant(await group_peer(shop, group), await peer_of(shop, ANNA))
    assert [user.label for user in sandbox.members(group)] == [SHOP, BELA]
    assert sandbox.join_by_link(sandbox.find(ANNA), sandbox.invite_link(group)) is group


@KINDS
async def test_title_about_and_picture(sandbox, shop, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    photo = types.InputChatUploadedPhoto(await shop.upload_file(png(30, 20), file_name="a.png"))
    if is_megagroup:
        await shop(channels.EditTitleRequest(peer, "VIP 1"))
        await shop(channels.EditPhotoRequest(peer, photo))
        full = channels.GetFullChannelRequest(peer)
    else:
        await shop(messages.EditChatTitleRequest(group.id, "VIP 1"))
        await shop(messages.EditChatPhotoRequest(group.id, photo))
        full = messages.GetFullChatRequest(group.id)
    await shop(messages.EditChatAboutRequest(peer, "news first"))
    for repeated in (messages.EditChatAboutRequest(peer, "news first"),):
        with pytest.raises(errors.ChatAboutNotModifiedError):
            await shop(repeated)
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        theirs = await group_peer(phone, group)
        assert (await phone.get_entity(theirs)).title == "VIP 1"
        assert await phone.download_profile_photo(theirs, bytes) == png(30, 20)
    shown = (await shop(full)).full_chat
    assert (shown.about, shown.chat_photo.sizes[0].w) == ("news first", 30)
    actions = [message.action for message in sandbox.group_history(group) if message.action]
    assert actions[-2:] == ["ChatEditTitle", "ChatEditPhoto"]
    assert sandbox.find_group("VIP 1") is group


@KINDS
async def test_a_message_is_pinned_and_unpinned(sandbox, shop, log, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    sent = await shop.send_message(peer, "rules")
    async with connected(sandbox, sandbox.find(ANNA)) as phone:
        pins = hear(phone, events.Raw((types.UpdatePinnedChannelMessages, types.UpdatePinnedMessages)))
        await shop.pin_message(peer, sent)
        await until(lambda: pins)
        assert pins[0].pinned
        (pinned,) = [m for m in await phone.get_messages(await group_peer(phone, group), limit=9) if m.pinned]
        assert pinned.message == "rules"
    assert [message.text for message in sandbox.group_history(group) if message.is_pinned] == ["rules"]
    with pytest.raises(errors.ChatNotModifiedError):
        await shop(messages.UpdatePinnedMessageRequest(peer, sent.id))
    await shop.unpin_message(peer, sent)
    await shop.pin_message(peer, sent)
    await shop.unpin_message(peer)
    assert not any(message.is_pinned for message in sandbox.group_history(group))
    assert len(recorded(log, "pinned")) == len(recorded(log, "unpinned")) == 2


async def test_members_of_a_large_group_are_hidden_from_each_other(sandbox, shop):
    small = await group_peer(shop, vip_of(sandbox))
    with pytest.raises(errors.ParticipantsTooFewError):
        await shop(channels.ToggleParticipantsHiddenRequest(small, enabled=True))
    async with serving(hidden_members_min=3) as strict:
        group = vip_of(strict)
        async with (
            connected(strict, strict.find(SHOP)) as owner,
            connected(strict, strict.find(ANNA)) as phone,
        ):
            peer, theirs = await group_peer(owner, group), await group_peer(phone, group)
            await owner(channels.ToggleParticipantsHiddenRequest(peer, enabled=True))
            assert len(await owner.get_participants(peer)) == 3
            assert [user.id for user in await phone.get_participants(theirs)] == [strict.find(SHOP).id]
            assert (await phone(channels.GetFullChannelRequest(theirs))).full_chat.participants_hidden
            with pytest.raises(errors.ChatAdminRequiredError):
                await phone(channels.GetParticipantRequest(theirs, await peer_of(phone, BELA)))
            with pytest.raises(errors.ChatAdminRequiredError):
                await phone(channels.ToggleParticipantsHiddenRequest(theirs, enabled=False))


async def test_what_was_said_before_is_hidden_from_who_comes_later(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    await shop(channels.TogglePreHistoryHiddenRequest(peer, enabled=True))
    await shop.send_message(peer, "old")
    late = sandbox.find("+36301110007")
    sandbox.join(group, late)
    await shop.send_message(peer, "new")
    async with connected(sandbox, late) as phone:
        found = await phone.get_messages(await group_peer(phone, group), limit=9)
        assert [message.message for message in found if message.message] == ["new"]
    assert [message.text for message in sandbox.group_history(group, late) if message.text] == ["new"]


@KINDS
async def test_a_protected_group_marks_its_messages(sandbox, shop, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    await shop(messages.ToggleNoForwardsRequest(peer, enabled=True))
    sent = await shop.send_message(peer, "secret")
    assert (await shop.get_messages(peer, ids=sent.id)).noforwards
    with pytest.raises(errors.ChatNotModifiedError):
        await shop(messages.ToggleNoForwardsRequest(peer, enabled=True))


@KINDS
async def test_who_has_read_is_told_for_seven_days_in_small_groups(sandbox, shop, is_megagroup):
    group = vip_of(sandbox, is_megagroup)
    peer = await group_peer(shop, group)
    sent = await shop.send_message(peer, "news")
    ask = messages.GetMessageReadParticipantsRequest(peer, sent.id)
    assert await shop(ask) == []
    await sandbox.read_in(group, sandbox.find(ANNA))
    (reader,) = await shop(ask)
    assert reader.user_id == sandbox.find(ANNA).id
    assert reader.date >= sent.date
    with pytest.raises(errors.MsgIdInvalidError):
        await shop(messages.GetMessageReadParticipantsRequest(peer, 999))
    letter = sandbox._world.letters[sandbox.group_history(group)[-1].number]
    letter.at -= 8 * 24 * 3600
    with pytest.raises(errors.MsgTooOldError):
        await shop(ask)
    for n in range(60):
        sandbox.join(group, sandbox.find(f"+3630222{n:04}1"))
    with pytest.raises(errors.ChatTooBigError):
        await shop(ask)


async def test_the_admin_log_tells_who_did_what(sandbox, shop):
    group = vip_of(sandbox)
    peer = await group_peer(shop, group)
    said = await sandbox.say_in(group, sandbox.find(ANNA), "spam")
    await shop.delete_messages(peer, [said.id])
    await shop(channels.EditTitleRequest(peer, "VIP 1"))
    await shop(forbid(peer, "send_messages"))
    await shop(ban(peer, await peer_of(shop, ANNA), "view_messages"))
    sandbox.leave(group, sandbox.find(BELA))
    found = [event async for event in shop.iter_admin_log(peer)]
    assert [type(event.action).__name__.partition("Action")[2] for event in found] == [
        "ParticipantLeave",
        "ParticipantToggleBan",
        "DefaultBannedRights",
        "ChangeTitle",
        "DeleteMessage",
    ]
    assert found[0].user.phone is None
    assert found[0].user_id == sandbox.find(BELA).id
    assert found[-1].old.message == "spam"
    left = [event async for event in shop.iter_admin_log(peer, leave=True)]
    assert [event.user_id for event in left] == [sandbox.find(BELA).id]
    mine = [event async for event in shop.iter_admin_log(peer, admins=["me"])]
    assert len(mine) == 4
    member = sandbox.find("+36301110007")
    sandbox.join_by_link(member, sandbox.invite_link(group))
    async with connected(sandbox, member) as phone:
        theirs = await group_peer(phone, group)
        with pytest.raises(errors.ChatAdminRequiredError):
            await phone(channels.GetAdminLogRequest(theirs, "", 0, 0, 10))


async def test_a_bot_that_leads_a_group_is_told_of_its_members(sandbox, shop):
    bot = sandbox.add_user(bot_token="700001:sandbox-token", username="vip_bot")
    group = sandbox.create_group(sandbox.find(SHOP), "VIP", [bot])
    peer = await group_peer(shop, group)
    who = await shop.get_input_entity("@vip_bot")
    await shop(channels.EditAdminRequest(peer, who, types.ChatAdminRights(invite_users=True), rank=""))
    anna = sandbox.find(ANNA)
    async with connected(sandbox, bot) as client:
        told = hear(client, events.Raw(types.UpdateChannelParticipant))
        state = await client(functions.updates.GetStateRequest())
        sandbox.join_by_link(anna, sandbox.invite_link(group))
        await until(lambda: told)
        assert (told[0].user_id, told[0].prev_participant) == (anna.id, None)
        assert told[0].invite.link.startswith("https://t.me/+")
        await shop(ban(peer, await peer_of(shop, ANNA), "send_messages"))
        await until(lambda: len(told) == 2)
        assert isinstance(told[1].new_participant, types.ChannelParticipantBanned)
        assert told[1].actor_id == sandbox.find(SHOP).id
        missed = await client(
            functions.updates.GetDifferenceRequest(pts=state.pts, date=state.date, qts=state.qts)
        )
    again = [one for one in missed.other_updates if isinstance(one, types.UpdateChannelParticipant)]
    assert [(one.user_id, one.qts) for one in again] == [(one.user_id, one.qts) for one in told]
    assert anna.id in {user.id for user in missed.users}


async def test_rights_survive_a_restart(tmp_path):
    state = tmp_path / "telegram.sqlite"
    async with serving(state=state) as sandbox:
        sandbox.add_user(phone=SHOP)
        session, group, port = sandbox.provision_string(sandbox.find(SHOP)), vip_of(sandbox), sandbox.port
        async with connected(sandbox, StringSession(session)) as client:
            peer = await group_peer(client, group)
            await client(forbid(peer, "send_messages"))
            await client(ban(peer, await peer_of(client, BELA), "view_messages"))
            await client.pin_message(peer, await client.send_message(peer, "rules"))
        link = sandbox.invite_link(group, usage_limit=1)
        sandbox.join_by_link(sandbox.find("+36301110007"), link)
    async with serving(state=state, port=port) as sandbox:
        group = sandbox.find_group("VIP")
        assert [user.label for user in sandbox.members(group)] == [SHOP, ANNA, "+36301110007"]
        with pytest.raises(InputError, match="CHAT_WRITE_FORBIDDEN"):
            await sandbox.say_in(group, sandbox.find(ANNA), "hello")
        with pytest.raises(InputError, match="INVITE_HASH_EXPIRED"):
            sandbox.join_by_link(sandbox.find("+36301110001"), link)
        assert [message.text for message in sandbox.group_history(group) if message.is_pinned] == ["rules"]
