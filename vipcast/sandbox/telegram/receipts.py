"""Who has read a message in a group: Telegram tells it of small groups, for seven days."""

from __future__ import annotations

import time
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError

MOST_MEMBERS: Final = 50  # the server's own value of chat_read_mark_size_threshold
_KEPT_SECONDS: Final = 7 * 24 * 3600


def get_readers(call: Call, request: Any) -> Any:
    group = call.group(request.peer)
    box, numbers = call.world.shelf(call.me.id, group)
    if request.msg_id not in numbers:
        raise RpcError(400, "MSG_ID_INVALID")
    if len(group.present()) > MOST_MEMBERS:
        raise RpcError(400, "CHAT_TOO_BIG")
    letter = box.letters[request.msg_id]
    if time.time() - letter.at > _KEPT_SECONDS:
        raise RpcError(400, "MSG_TOO_OLD")
    found = []
    for member in group.present():
        place = call.world.box(letter.box(member.user))
        receipts = place.read_in.get(member.user if group.is_megagroup else group.key, ())
        number = letter.number_for(member.user)
        read_at = next((one.at for one in receipts if number and one.ids[0] >= number), None)
        if read_at is not None and member.user != letter.sender:
            found.append(types.ReadParticipantDate(member.user, read_at))
    return found


HANDLERS: Handlers = {functions.messages.GetMessageReadParticipantsRequest: get_readers}
