"""What happens to groups, whoever brings it about: a client's request or a person the sandbox plays."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from telethon.tl import types

from vipcast.sandbox.telegram.admin_log import log_deed
from vipcast.sandbox.telegram.group_model import FOREVER, Invite, Member, SandboxGroup, people_of
from vipcast.sandbox.telegram.group_views import basic_members_view, groups_view, invite_view, member_view
from vipcast.sandbox.telegram.model import Change, Line, SandboxUser
from vipcast.sandbox.telegram.posting import Draft, post
from vipcast.sandbox.telegram.rights import may
from vipcast.sandbox.telegram.rpc import Hub, RpcError
from vipcast.sandbox.telegram.views import push, push_changes, updates_view, users_view

TITLE_LIMIT: Final = 128
BASIC_LIMIT: Final = 200
_HASH_BYTES: Final = 12


def create(
    hub: Hub,
    owner: SandboxUser,
    title: str,
    *,
    is_megagroup: bool,
    about: str = "",
    people: Sequence[SandboxUser] = (),
    beside: Line | None = None,
) -> tuple[SandboxGroup, list[Change]]:
    """Make a group; `people` are in a basic group from the start. Return also what it is for the owner's box.

    Raises:
        RpcError: the title is empty or too long.

    """
    check_title(title)
    group = hub.world.add_group(owner, title, is_megagroup=is_megagroup, about=about)
    now = int(time.time())
    group.members[owner.id] = Member(user=owner.id, standing="creator", joined_at=now)
    for user in people:
        group.members[user.id] = Member(user=user.id, joined_at=now, inviter=owner.id)
    add_invite(group, owner, is_permanent=True)
    hub.world.keep_group(group)
    hub.record("group_created", group=title, sender=owner.label, megagroup=is_megagroup)
    if is_megagroup:
        action = types.MessageActionChannelCreate(title)
        tell_of_group(hub, owner.id, group, beside)
    else:
        action = types.MessageActionChatCreate(title, people_of(group.present()))
    for user in people:
        hub.record("joined", group=title, person=user.label, by=owner.label)
    return group, announce(hub, group, owner, action, [user.id for user in people], beside=beside)


def check_title(title: str) -> None:
    if not title.strip():
        raise RpcError(400, "CHAT_TITLE_EMPTY")
    if len(title) > TITLE_LIMIT:
        raise RpcError(400, "CHAT_TITLE_TOO_LONG")


def add_invite(group: SandboxGroup, admin: SandboxUser, **fields: Any) -> Invite:
    """Make a link to the group."""
    made = secrets.token_urlsafe(_HASH_BYTES)
    invite = Invite(hash=made, admin=admin.id, at=int(time.time()), **fields)
    group.invites.append(invite)
    return invite


def announce(
    hub: Hub,
    group: SandboxGroup,
    actor: SandboxUser,
    action: Any,
    people: Iterable[int] = (),
    *,
    reply_to: int = 0,
    beside: Line | None = None,
) -> list[Change]:
    """Write what happened into the group, and return what that is in the actor's box."""
    return post(
        hub,
        actor,
        group,
        [Draft("", 0)],
        action=bytes(action),
        people=tuple(people),
        reply_to=reply_to,
        beside=beside,
    )


def tell_of_group(hub: Hub, user_id: int, group: SandboxGroup, beside: Line | None = None) -> None:
    """Let an account's clients know that a group came, went, or looks different."""
    viewer = hub.world.users[user_id]
    push(hub.world, user_id, group_updates(hub, viewer, group), beside=beside)


def tell_members(hub: Hub, group: SandboxGroup, beside: Line | None = None) -> None:
    """Let everybody's clients know that a group looks different."""
    group.version += 1
    hub.world.keep_group(group)
    for member in group.present():
        tell_of_group(hub, member.user, group, beside)


def group_updates(
    hub: Hub, viewer: SandboxUser, group: SandboxGroup, changes: Sequence[Change] = (), *more: Any
) -> Any:
    """Return updates that say how the group is now, after `more`, before `changes`."""
    if group.is_megagroup:
        first = types.UpdateChannel(group.id)
    else:
        first = types.UpdateChatParticipants(basic_members_view(group))
    answer = updates_view(hub.world, viewer, changes, *more, first)
    if not answer.chats:
        answer.chats = groups_view(hub.world, viewer, [group.key])
    if not group.is_megagroup:
        answer.users = users_view(hub.world, viewer, [viewer.id, *people_of(group.present())])
    return answer


def tell_bots(hub: Hub, group: SandboxGroup, actor: SandboxUser, user: SandboxUser, before: Any) -> None:
    """Tell the bots that lead a megagroup what became of somebody; people learn it from the group itself.

    `before` is what this one was, as a TL participant; None: not in it.
    """
    world, member = hub.world, group.members[user.id]
    invite = group.invite(member.link) if member.link and member.is_in else None
    for leader in group.present() if group.is_megagroup else ():
        bot = world.users[leader.user]
        if not (bot.is_bot and leader.is_admin):
            continue
        update = types.UpdateChannelParticipant(
            channel_id=group.id,
            date=int(time.time()),
            actor_id=actor.id,
            user_id=user.id,
            qts=world.box(bot.id).qts + 1,
            prev_participant=before,
            new_participant=None if member.standing == "left" else member_view(bot, member),
            invite=invite_view(group, invite) if invite else None,
        )
        change = world.change(
            bot.id, "member", (actor.id,), peer=user.id, group=group.key, note=bytes(update)
        )
        push_changes(world, bot.id, [change])


def why_not_added(group: SandboxGroup, actor: SandboxUser, user: SandboxUser) -> Any:
    """Return why this person's privacy forbids to add them, as a MissingInvitee; None where it does not.

    Raises:
        RpcError: they cannot be added for another reason.

    """
    before = group.members.get(user.id)
    if before is not None and before.is_in:
        raise RpcError(400, "USER_ALREADY_PARTICIPANT")
    if actor.id in user.blocked:
        raise RpcError(400, "USER_BLOCKED")
    if before is not None and before.standing == "banned" and not may(group, actor.id, "ban_users"):
        raise RpcError(400, "USER_KICKED")
    is_mutual = actor.id in user.contacts and user.id in actor.contacts
    if before is not None and before.standing == "left" and not is_mutual and not user.is_bot:
        raise RpcError(403, "USER_NOT_MUTUAL_CONTACT")
    if not group.is_megagroup and len(group.present()) >= BASIC_LIMIT:
        raise RpcError(400, "USERS_TOO_MUCH")
    if user.refuses_groups or (user.premium_only and actor.id not in user.contacts):
        return types.MissingInvitee(user.id, premium_required_for_pm=user.premium_only or None)
    return None


def let_in(
    hub: Hub,
    group: SandboxGroup,
    people: Sequence[SandboxUser],
    *,
    inviter: int = 0,
    link: str = "",
    approved_by: int = 0,
    action: Any = None,
    beside: Line | None = None,
) -> list[Change]:
    """Make these people members, tell the group, and return what that is in the box of who did it."""
    world = hub.world
    after = world.box(group.key).last_id if group.is_megagroup else 0
    for user in people:
        group.members.pop(user.id, None)  # who comes again comes last
        group.members[user.id] = Member(
            user=user.id,
            joined_at=int(time.time()),
            inviter=inviter,
            link=link,
            approved_by=approved_by,
            after=after,
        )
        group.requests.pop(user.id, None)
        hub.record("joined", group=group.title, person=user.label, by=_by(hub, inviter, link, approved_by))
    group.version += 1
    world.keep_group(group)
    for user in people:
        tell_of_group(hub, user.id, group, beside)
    ids = [user.id for user in people]
    actor = world.users[inviter] if inviter else people[0]
    for user in people:
        tell_bots(hub, group, world.users[approved_by] if approved_by else actor, user, None)
    return announce(hub, group, actor, action or types.MessageActionChatAddUser(ids), ids, beside=beside)


def _by(hub: Hub, inviter: int, link: str, approved_by: int) -> str:
    person = approved_by or inviter
    return hub.world.label(person) if person else "link" if link else ""


def take_out(
    hub: Hub,
    group: SandboxGroup,
    actor: SandboxUser,
    user: SandboxUser,
    *,
    is_banned: bool = False,
    beside: Line | None = None,
) -> list[Change]:
    """Let a person leave, or be removed by another one; `is_banned` keeps them from coming back."""
    member = group.members[user.id]
    before = member_view(actor, member)
    action = types.MessageActionChatDeleteUser(user.id)
    changes = [] if group.is_megagroup else announce(hub, group, actor, action, [user.id], beside=beside)
    member.standing = "banned" if is_banned else "left"
    member.rights, member.rank, member.forbidden = frozenset(), "", frozenset()
    if is_banned:
        member.forbidden, member.until = frozenset({"view_messages"}), FOREVER
        member.banned_by, member.banned_at = actor.id, int(time.time())
    group.version += 1
    hub.world.keep_group(group)
    is_leaving = actor is user
    by = {} if is_leaving else {"by": actor.label}
    hub.record("left" if is_leaving else "kicked", group=group.title, person=user.label, **by)
    if group.is_megagroup:
        changes = announce(hub, group, actor, action, [user.id], beside=beside)
        deed = (
            types.ChannelAdminLogEventActionParticipantLeave()
            if is_leaving
            else types.ChannelAdminLogEventActionParticipantToggleBan(before, member_view(actor, member))
        )
        log_deed(hub, group, actor, deed, user.id)
        tell_bots(hub, group, actor, user, before)
    tell_of_group(hub, user.id, group, beside)
    return changes
