"""Who may do what in a group."""

from __future__ import annotations

import time
from typing import Any, Final

from vipcast.sandbox.telegram.group_model import Member, SandboxGroup
from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rpc import Call, RpcError
from vipcast.sandbox.telegram.world import World

# What members may do unless it is forbidden to all of them; for the rest one must be an admin.
_OPEN: Final = frozenset({"change_info", "invite_users", "pin_messages"})
_KINDS: Final = {
    "picture": "photos",
    "video": "videos",
    "voice": "voices",
    "file": "docs",
    "sticker": "stickers",
}


def forbidden_to(group: SandboxGroup, member: Member) -> frozenset[str]:
    """Return what this member may not do, by the rights of all and by their own, while those last."""
    if member.is_admin:
        return frozenset()
    own = member.forbidden if member.until > time.time() else frozenset()
    return group.forbidden | own


def may(group: SandboxGroup, user_id: int, right: str) -> bool:
    """Return whether somebody may do what an admin may, by Telegram's name of the right."""
    member = group.member(user_id)
    if member is None:
        return False
    if member.standing == "creator":
        return True
    if member.standing == "admin":
        return right in member.rights or (not group.is_megagroup and right != "add_admins")
    return right in _OPEN and right not in forbidden_to(group, member)


def demand(call: Call, group: SandboxGroup, right: str) -> None:
    """Refuse a request of somebody who has not this right.

    Raises:
        RpcError: CHAT_ADMIN_REQUIRED.

    """
    if not may(group, call.me.id, right):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")


def check_may_post(world: World, group: SandboxGroup, user: SandboxUser, media: int = 0) -> None:
    """Refuse a message of somebody who may not write here, or not such a one.

    Raises:
        RpcError: they are not in the group, or it is forbidden to all or to them.

    """
    member = group.member(user.id)
    if member is None:
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")
    forbidden = forbidden_to(group, member)
    if not forbidden:
        return
    if "send_messages" in member.forbidden & forbidden:
        raise RpcError(400, "USER_BANNED_IN_CHANNEL")
    if "send_messages" in forbidden:
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")
    if not media:
        if "send_plain" in forbidden:
            raise RpcError(403, "CHAT_SEND_PLAIN_FORBIDDEN")
        return
    if "send_media" in forbidden:
        raise RpcError(403, "CHAT_SEND_MEDIA_FORBIDDEN")
    kind = _KINDS[world.files[media].kind]
    if f"send_{kind}" in forbidden:
        raise RpcError(403, f"CHAT_SEND_{kind.upper()}_FORBIDDEN")


def flags(rights: Any) -> frozenset[str]:
    """Return the names of what is set in TL rights."""
    return frozenset(name for name, value in vars(rights).items() if value is True)
