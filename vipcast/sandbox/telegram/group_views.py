"""Groups as one account's client sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from telethon.tl import types

from vipcast.sandbox.telegram.group_model import FOREVER, Invite, Member, SandboxGroup
from vipcast.sandbox.telegram.model import MEGAGROUPS, SandboxUser, StoredFile
from vipcast.sandbox.telegram.world import World

# The data centre that the sandbox pretends to be. Files must name the same one, or Telethon opens a
# second connection for them.
DC_ID: Final = 2
_PHOTO_SIZE: Final = "x"
BAN_FLAGS: Final = frozenset(vars(types.ChatBannedRights(until_date=None))) - {"until_date"}
ADMIN_FLAGS: Final = frozenset(vars(types.ChatAdminRights()))


def peer_view(key: int) -> Any:
    """Return the peer of a chat: a person, a basic group or a megagroup."""
    if key > 0:
        return types.PeerUser(key)
    return types.PeerChannel(MEGAGROUPS - key) if key < MEGAGROUPS else types.PeerChat(-key)


def photo_view(world: World, viewer: int, file: StoredFile | None) -> Any:
    if file is None:
        return types.PhotoEmpty(0)
    size = types.PhotoSize(_PHOTO_SIZE, file.width, file.height, file.size)
    access_hash = world.access_hash(viewer, file.id)
    return types.Photo(file.id, access_hash, file_reference(file), file.at, [size], DC_ID)


def file_reference(file: StoredFile) -> bytes:
    return bytes.fromhex(file.digest[:32])


def banned_rights(forbidden: Iterable[str], until: int = FOREVER) -> Any:
    return types.ChatBannedRights(until_date=until, **dict.fromkeys(forbidden, True))


def admin_rights(member: Member) -> Any:
    """Return what an admin may do; the creator may do everything but be anonymous."""
    rights = ADMIN_FLAGS - {"anonymous"} if member.standing == "creator" else member.rights
    return types.ChatAdminRights(**dict.fromkeys(rights, True))


def group_view(world: World, viewer: SandboxUser, group: SandboxGroup) -> Any:
    """Return a group as a member sees it, or as somebody does who is no longer in it."""
    member = group.members.get(viewer.id)
    if not group.is_megagroup:
        return _basic_view(group, member)
    access_hash = world.access_hash(viewer.id, group.key)
    if member is not None and member.standing == "banned":
        return types.ChannelForbidden(group.id, access_hash, group.title, megagroup=True)
    is_in = member is not None and member.is_in
    return types.Channel(
        id=group.id,
        title=group.title,
        photo=_small_photo(group),
        date=group.at,
        access_hash=access_hash,
        megagroup=True,
        creator=group.creator == viewer.id or None,
        left=None if is_in else True,
        noforwards=group.is_protected or None,
        admin_rights=admin_rights(member) if member is not None and member.is_admin else None,
        banned_rights=(
            banned_rights(member.forbidden, member.until) if member is not None and member.forbidden else None
        ),
        default_banned_rights=banned_rights(group.forbidden),
        participants_count=len(group.present()),
    )


def _basic_view(group: SandboxGroup, member: Member | None) -> Any:
    if member is not None and member.standing == "banned":
        return types.ChatForbidden(group.id, group.title)
    is_in = member is not None and member.is_in
    return types.Chat(
        id=group.id,
        title=group.title,
        photo=_small_photo(group),
        participants_count=len(group.present()),
        date=group.at,
        version=group.version,
        creator=(member is not None and member.standing == "creator") or None,
        left=None if is_in else True,
        noforwards=group.is_protected or None,
        admin_rights=admin_rights(member) if member is not None and member.is_admin else None,
        default_banned_rights=banned_rights(group.forbidden),
    )


def _small_photo(group: SandboxGroup) -> Any:
    return types.ChatPhoto(group.photo, DC_ID) if group.photo else types.ChatPhotoEmpty()


def groups_view(world: World, viewer: SandboxUser, keys: Iterable[int]) -> list[Any]:
    return [group_view(world, viewer, world.groups[key]) for key in dict.fromkeys(keys)]


def member_view(viewer: SandboxUser, member: Member, actor: int = 0) -> Any:
    """Return a member of a megagroup, also one who left or was banned."""
    rank = member.rank or None
    match member.standing:
        case "creator":
            return types.ChannelParticipantCreator(member.user, admin_rights(member), rank=rank)
        case "admin":
            return types.ChannelParticipantAdmin(
                user_id=member.user,
                promoted_by=member.promoted_by,
                date=member.joined_at,
                admin_rights=admin_rights(member),
                can_edit=member.promoted_by == (actor or viewer.id) or None,
                is_self=True if member.user == viewer.id else None,
                inviter_id=member.inviter if member.user == viewer.id else None,
                rank=rank,
            )
        case "left":
            return types.ChannelParticipantLeft(types.PeerUser(member.user))
    if member.standing == "banned" or member.forbidden:
        return types.ChannelParticipantBanned(
            peer=types.PeerUser(member.user),
            kicked_by=member.banned_by,
            date=member.banned_at,
            banned_rights=banned_rights(member.forbidden, member.until),
            left=None if member.is_in else True,
        )
    if member.user == viewer.id:
        return types.ChannelParticipantSelf(
            user_id=member.user,
            inviter_id=member.inviter or member.user,
            date=member.joined_at,
            via_request=True if member.approved_by else None,
        )
    return types.ChannelParticipant(member.user, member.joined_at)


def basic_members_view(group: SandboxGroup) -> Any:
    views = [_basic_member(group, member) for member in group.present()]
    return types.ChatParticipants(group.id, views, group.version)


def _basic_member(group: SandboxGroup, member: Member) -> Any:
    if member.standing == "creator":
        return types.ChatParticipantCreator(member.user)
    kind = types.ChatParticipantAdmin if member.standing == "admin" else types.ChatParticipant
    return kind(member.user, member.inviter or group.creator, member.joined_at)


def invite_view(group: SandboxGroup, invite: Invite) -> Any:
    waiting = sum(request.link == invite.hash for request in group.requests.values())
    return types.ChatInviteExported(
        link=invite.link,
        admin_id=invite.admin,
        date=invite.at,
        revoked=invite.is_revoked or None,
        permanent=invite.is_permanent or None,
        request_needed=invite.request_needed or None,
        expire_date=invite.expires_at or None,
        usage_limit=invite.usage_limit or None,
        usage=group.used(invite) or None,
        requested=waiting or None,
        title=invite.title or None,
    )
