"""Reading, searching, editing and deleting what is in one's box."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.model import Box, Change, Letter, Line, SandboxUser
from vipcast.sandbox.telegram.rpc import Call, Handlers, Hub, RpcError
from vipcast.sandbox.telegram.texts import CAPTION_LIMIT, TEXT_LIMIT, checked_entities, checked_text
from vipcast.sandbox.telegram.tl import write_vector
from vipcast.sandbox.telegram.views import message_view, push, push_changes, updates_view, users_view

Test = Callable[[Letter], bool]
_PAGE: Final = 100
_EDIT_SECONDS: Final = 48 * 3600


def get_history(call: Call, request: Any) -> Any:
    """Return a page of a chat. A message number to begin from counts before a date."""
    before = _seconds(request.offset_date)

    def is_older(letter: Letter) -> bool:
        return not before or letter.at < before

    return _page(call, request, lambda _letter: True, is_older)


def search(call: Call, request: Any) -> Any:
    """Search one chat for words; filters by kind of media are not played."""
    words = request.q.casefold()
    sender = call.person(request.from_id) if request.from_id else None
    after, before = _seconds(request.min_date), _seconds(request.max_date)

    def is_wanted(letter: Letter) -> bool:
        in_time = after < letter.at and (not before or letter.at < before)
        from_sender = sender is None or letter.sender == sender.id
        return in_time and from_sender and words in letter.text.casefold()

    return _page(call, request, is_wanted, lambda _letter: True)


def _seconds(moment: Any) -> float:
    return max(moment.timestamp(), 0) if moment else 0


def _page(call: Call, request: Any, is_wanted: Test, is_older: Test) -> Any:
    """Return the wanted messages of a chat, newest first, from the offset on that the request gives."""
    me, peer = call.me, call.person(request.peer)
    box = call.world.box(me.id)
    found = [
        number
        for number in reversed(box.chats.get(peer.id, ()))
        if (not request.max_id or number < request.max_id)
        and number > request.min_id
        and is_wanted(box.letters[number])
    ]
    older = (
        index
        for index, number in enumerate(found)
        if (number < request.offset_id if request.offset_id else is_older(box.letters[number]))
    )
    start = next(older, len(found))
    start += request.add_offset
    page = found[max(start, 0) : max(start + min(request.limit, _PAGE), 0)]
    messages = [message_view(call.world, me.id, box.letters[number]) for number in page]
    users = users_view(call.world, me, [me.id, peer.id])
    if len(page) == len(found):
        return types.messages.Messages(messages, [], [], users)
    return types.messages.MessagesSlice(len(found), messages, [], [], users)


def get_messages(call: Call, request: Any) -> Any:
    me = call.me
    box = call.world.box(me.id)
    numbers = [getattr(item, "id", 0) for item in request.id]
    letters = [(number, box.letters.get(number)) for number in numbers]
    messages = [
        message_view(call.world, me.id, letter) if letter else types.MessageEmpty(number, None)
        for number, letter in letters
    ]
    people = [me.id, *(letter.peer(me.id) for _, letter in letters if letter)]
    return types.messages.Messages(messages, [], [], users_view(call.world, me, people))


def get_dialogs(call: Call, request: Any) -> Any:
    box = call.world.box(call.me.id)
    tops = sorted(((numbers[-1], peer) for peer, numbers in box.chats.items() if numbers), reverse=True)
    page = [(top, peer) for top, peer in tops if not request.offset_id or top < request.offset_id]
    page = page[: min(request.limit, _PAGE)]
    dialogs, messages, users = _dialogs(call, [peer for _, peer in page])
    if len(page) == len(tops):
        return types.messages.Dialogs(dialogs, messages, [], users)
    return types.messages.DialogsSlice(len(tops), dialogs, messages, [], users)


def get_peer_dialogs(call: Call, request: Any) -> Any:
    people = [call.person(item.peer).id for item in request.peers]
    dialogs, messages, users = _dialogs(call, people)
    return types.messages.PeerDialogs(dialogs, messages, [], users, state_view(call))


def _dialogs(call: Call, peers: Sequence[int]) -> tuple[list[Any], list[Any], list[Any]]:
    me = call.me
    box = call.world.box(me.id)
    dialogs, messages = [], []
    for peer in peers:
        numbers = box.chats.get(peer)
        if numbers:
            messages.append(message_view(call.world, me.id, box.letters[numbers[-1]]))
        dialogs.append(_dialog(box, peer, numbers[-1] if numbers else 0))
    return dialogs, messages, users_view(call.world, me, [me.id, *peers])


def _dialog(box: Box, peer: int, top: int) -> Any:
    return types.Dialog(
        peer=types.PeerUser(peer),
        top_message=top,
        read_inbox_max_id=box.read_in.get(peer, 0),
        read_outbox_max_id=box.read_up_to(peer),
        unread_count=box.unread(peer),
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
    )


def state_view(call: Call) -> Any:
    box = call.world.box(call.me.id)
    unread = sum(box.unread(peer) for peer in box.chats)
    return types.updates.State(pts=box.pts, qts=box.qts, date=int(time.time()), seq=0, unread_count=unread)


def read_history(call: Call, request: Any) -> Any:
    call.only_people()
    change = mark_read(call.hub, call.me, call.person(request.peer), request.max_id, beside=call.line)
    pts = call.world.box(call.me.id).pts
    return types.messages.AffectedMessages(pts, change.count if change else 0)


def mark_read(
    hub: Hub, reader: SandboxUser, sender: SandboxUser, up_to: int = 0, *, beside: Line | None = None
) -> Change | None:
    """Read what `sender` wrote, up to this number of the reader's box (0: all), and let both sides know."""
    box = hub.world.box(reader.id)
    received = [
        number
        for number in box.chats.get(sender.id, ())
        if box.letters[number].sender == sender.id and (not up_to or number <= up_to)
    ]
    if not received or received[-1] <= box.read_in.get(sender.id, 0) or sender is reader:
        return None
    letter = box.letters[received[-1]]
    change = hub.world.change(reader.id, "read_in", (received[-1],), peer=sender.id)
    push_changes(hub.world, reader.id, [change], beside=beside)
    if not sender.is_bot:  # bots are never told
        seen = hub.world.change(sender.id, "read_out", (letter.ids[sender.id],), peer=reader.id)
        push_changes(hub.world, sender.id, [seen])
    hub.record("read", reader=reader.label, sender=sender.label, id=letter.ids[sender.id])
    return change


def get_read_date(call: Call, request: Any) -> Any:
    """Return when the other one read a message; Telegram tells it for private chats."""
    me, peer = call.me, call.person(request.peer)
    letter = call.world.box(me.id).letters.get(request.msg_id)
    if letter is None or letter.sender != me.id or letter.to != peer.id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    receipts = call.world.box(me.id).read_out.get(peer.id, ())
    moments = (receipt.at for receipt in receipts if receipt.ids[0] >= request.msg_id)
    read_at = next(moments, None)
    if read_at is None:
        raise RpcError(400, "MESSAGE_NOT_READ_YET")
    return types.OutboxReadDate(read_at)


def set_typing(call: Call, request: Any) -> Any:
    peer = call.person(request.peer)
    update = types.UpdateUserTyping(call.me.id, request.action)
    push(call.world, peer.id, types.UpdateShort(update, int(time.time())))
    return True


def edit_message(call: Call, request: Any) -> Any:
    me, peer = call.me, call.person(request.peer)
    letter = call.world.box(me.id).letters.get(request.id)
    if letter is None or letter.peer(me.id) != peer.id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if letter.sender != me.id:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    if time.time() - letter.at > _EDIT_SECONDS and not me.is_bot:
        raise RpcError(400, "MESSAGE_EDIT_TIME_EXPIRED")
    _rewrite(call, letter, request)
    call.world.store.put_letter(letter)
    call.hub.record("edit", sender=me.label, to=peer.label, text=letter.text, id=request.id)
    changes = {
        user_id: call.world.change(user_id, "edit", (number,), letter=letter.number)
        for user_id, number in letter.ids.items()
        if number in call.world.box(user_id).letters
    }
    for user_id, change in changes.items():
        push_changes(call.world, user_id, [change], beside=call.line)
    return updates_view(call.world, me, [changes[me.id]])


def _rewrite(call: Call, letter: Letter, request: Any) -> None:
    limit = CAPTION_LIMIT if letter.media else TEXT_LIMIT
    text = checked_text(
        request.message, limit, "MEDIA_CAPTION_TOO_LONG" if letter.media else "MESSAGE_TOO_LONG"
    )
    if not text and not letter.media:
        raise RpcError(400, "MESSAGE_EMPTY")
    entities = write_vector(checked_entities(call, text, request.entities)) if request.entities else b""
    if (text, entities) == (letter.text, letter.entities):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    letter.text, letter.entities, letter.edited_at = text, entities, int(time.time())


def delete_messages(call: Call, request: Any) -> Any:
    """Delete from one's own box and, with `revoke`, from the other's."""
    me, world = call.me, call.world
    box = world.box(me.id)
    letters = [box.letters[number] for number in dict.fromkeys(request.id) if number in box.letters]
    change = _delete(call, me.id, letters)
    if request.revoke:
        for peer in {letter.peer(me.id) for letter in letters} - {me.id}:
            _delete(call, peer, [letter for letter in letters if letter.peer(me.id) == peer])
    return types.messages.AffectedMessages(box.pts, change.count if change else 0)


def _delete(call: Call, user_id: int, letters: Iterable[Letter]) -> Change | None:
    box = call.world.box(user_id)
    numbers = tuple(letter.ids[user_id] for letter in letters if letter.ids[user_id] in box.letters)
    if not numbers:
        return None
    change = call.world.change(user_id, "delete", numbers)
    push_changes(call.world, user_id, [change], beside=call.line)
    call.hub.record("delete", user=call.world.users[user_id].label, ids=list(numbers))
    return change


HANDLERS: Handlers = {
    functions.messages.GetHistoryRequest: get_history,
    functions.messages.SearchRequest: search,
    functions.messages.GetMessagesRequest: get_messages,
    functions.messages.GetDialogsRequest: get_dialogs,
    functions.messages.GetPeerDialogsRequest: get_peer_dialogs,
    functions.messages.ReadHistoryRequest: read_history,
    functions.messages.GetOutboxReadDateRequest: get_read_date,
    functions.messages.SetTypingRequest: set_typing,
    functions.messages.EditMessageRequest: edit_message,
    functions.messages.DeleteMessagesRequest: delete_messages,
}
