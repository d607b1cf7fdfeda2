"""The archive: the one folder besides the list of chats that Telegram keeps for everybody."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_views import groups_view, peer_view
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.views import push, updates_view, users_view

ARCHIVE: Final = 1


def edit_peer_folders(call: Call, request: Any) -> Any:
    """Put chats into the archive or take them out; which one is in it already, stays."""
    call.only_people()
    me = call.me
    if any(item.folder_id not in (0, ARCHIVE) for item in request.folder_peers):
        raise RpcError(400, "FOLDER_ID_INVALID")
    moved = [(call.place(item.peer).key, item.folder_id) for item in request.folder_peers]
    for key, folder in moved:
        (me.archived.add if folder else me.archived.discard)(key)
    call.world.keep(me)
    told = [types.FolderPeer(peer_view(key), folder) for key, folder in moved]
    # It counts for nothing here: no client of the sandbox's has to catch up on it.
    update = types.UpdateFolderPeers(told, pts=call.world.box(me.id).pts, pts_count=0)
    updates = updates_view(call.world, me, (), update)
    updates.chats = groups_view(call.world, me, (key for key, _ in moved if key < 0))
    updates.users = users_view(call.world, me, [me.id, *(key for key, _ in moved if key > 0)])
    push(call.world, me.id, updates, beside=call.line)
    call.hub.record(
        "archived", user=me.label, chats={call.world.label(key): bool(folder) for key, folder in moved}
    )
    return updates


HANDLERS: Handlers = {functions.folders.EditPeerFoldersRequest: edit_peer_folders}
