"""Reading and searching what is in one's box, or in a megagroup's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_model import Place, SandboxGroup
from vipcast.sandbox.telegram.group_views import groups_view, peer_view
from vipcast.sandbox.telegram.model import MEGAGROUPS, Change, Letter, Line, SandboxUser
from vipcast.sandbox.telegram.rpc import Call, Handlers, Hub, RpcError
from vipcast.sandbox.telegram.views import message_view, people_of_letters, push, push_changes, users_view
from vipcast.sandbox.telegram.world import World

Test = Callable[[Letter], bool]
_PAGE: Final = 100


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
    place = call.place(request.peer)
    box, numbers = call.world.shelf(call.me.id, place)
    found = [
        number
        for number in reversed(numbers)
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
    letters = [box.letters[number] for number in page]
    return _messages(
        call, place, [message_view(call.world, call.me.id, one) for one in letters], letters, len(found)
    )


def _messages(
    call: Call, place: Place | None, views: list[Any], letters: Iterable[Letter], total: int
) -> Any:
    """Return messages as their kind of chat returns them, with everybody and every group in them."""
    letters = tuple(letters)
    keys = [letter.peer(call.me.id) for letter in letters] + ([place.key] if place else [])
    people = [call.me.id, *people_of_letters(call.me.id, letters), *keys]
    users = users_view(call.world, call.me, (key for key in people if key > 0))
    chats = groups_view(call.world, call.me, (key for key in keys if key < 0))
    if isinstance(place, SandboxGroup) and place.is_megagroup:
        pts = call.world.box(place.key).pts
        return types.messages.ChannelMessages(pts, total, views, [], chats, users)
    if len(views) == total:
        return types.messages.Messages(views, [], chats, users)
    return types.messages.MessagesSlice(total, views, [], chats, users)


def get_messages(call: Call, request: Any) -> Any:
    return _by_number(call, request, None)


def get_channel_messages(call: Call, request: Any) -> Any:
    return _by_number(call, request, call.megagroup(request.channel))


def _by_number(call: Call, request: Any, group: SandboxGroup | None) -> Any:
    me = call.me
    if group is None:
        letters = call.world.box(me.id).letters
    else:
        box, numbers = call.world.shelf(me.id, group)
        letters = {number: box.letters[number] for number in numbers}
    found = [(number, letters.get(number)) for number in (getattr(item, "id", 0) for item in request.id)]
    views = [
        message_view(call.world, me.id, letter) if letter else types.MessageEmpty(number, None)
        for number, letter in found
    ]
    return _messages(call, group, views, (letter for _, letter in found if letter), len(views))


def get_dialogs(call: Call, request: Any) -> Any:
    """Return the chats, those with the latest messages first."""
    world, me = call.world, call.me
    keys = [*world.box(me.id).chats, *(key for key, group in world.groups.items() if group.member(me.id))]
    if request.folder_id is not None:  # without one, the archive is among the others
        keys = [key for key in keys if (key in me.archived) == bool(request.folder_id)]
    tops = [(top, key) for key in dict.fromkeys(keys) if (top := _top(call, key))]
    # A megagroup's numbers are its own: only time and the order of writing tell what is newer.
    tops.sort(key=lambda item: item[0].number, reverse=True)
    page = tops
    if not isinstance(request.offset_peer, types.InputPeerEmpty):
        last = call.place(request.offset_peer).key
        page = tops[next((n for n, (_, key) in enumerate(tops, 1) if key == last), 0) :]
    page = page[: min(request.limit, _PAGE)]
    dialogs, messages, chats, users = _dialogs(call, [key for _, key in page])
    if len(page) == len(tops):
        return types.messages.Dialogs(dialogs, messages, chats, users)
    return types.messages.DialogsSlice(len(tops), dialogs, messages, chats, users)


def _place(call: Call, key: int) -> Place:
    return call.world.users[key] if key > 0 else call.world.groups[key]


def _top(call: Call, key: int) -> Letter | None:
    """Return the newest message of a chat, if its list of chats shows it at all."""
    place = _place(call, key)
    if isinstance(place, SandboxGroup) and place.member(call.me.id) is None and place.is_megagroup:
        return None
    box, numbers = call.world.shelf(call.me.id, place)
    return box.letters[numbers[-1]] if numbers else None


def get_peer_dialogs(call: Call, request: Any) -> Any:
    keys = [call.place(item.peer).key for item in request.peers]
    dialogs, messages, chats, users = _dialogs(call, keys)
    return types.messages.PeerDialogs(dialogs, messages, chats, users, state_view(call))


def _dialogs(call: Call, keys: Sequence[int]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    me = call.me
    tops = [_top(call, key) for key in keys]
    letters = [top for top in tops if top]
    dialogs = [dialog_view(call, key, top) for key, top in zip(keys, tops, strict=True)]
    people = [me.id, *people_of_letters(me.id, letters), *keys]
    return (
        dialogs,
        [message_view(call.world, me.id, letter) for letter in letters],
        groups_view(call.world, me, (key for key in keys if key < 0)),
        users_view(call.world, me, (key for key in people if key > 0)),
    )


def dialog_view(call: Call, key: int, top: Letter | None) -> Any:
    """Return a chat as the list of chats shows it."""
    me = call.me.id
    is_megagroup = key < MEGAGROUPS
    box = call.world.box(key if is_megagroup else me)
    read, unread = call.world.reading(me, key)
    return types.Dialog(
        peer=peer_view(key),
        top_message=top.number_for(me) if top else 0,
        read_inbox_max_id=read,
        read_outbox_max_id=read_by_others(call.world, me, key) if is_megagroup else box.read_up_to(key),
        unread_count=unread,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=box.pts if is_megagroup else None,
        folder_id=1 if key in call.me.archived else None,
    )


def read_by_others(world: World, user_id: int, key: int) -> int:
    """Return up to where somebody else has read a megagroup."""
    box = world.box(key)
    return max((box.has_read(reader) for reader in box.read_in if reader != user_id), default=0)


def state_view(call: Call) -> Any:
    box = call.world.box(call.me.id)
    unread = sum(box.unread(peer, call.me.id) for peer in box.chats)
    return types.updates.State(pts=box.pts, qts=box.qts, date=int(time.time()), seq=0, unread_count=unread)


def read_history(call: Call, request: Any) -> Any:
    call.only_people()
    place = call.place(request.peer)
    if isinstance(place, SandboxGroup) and place.is_megagroup:
        raise RpcError(400, "PEER_ID_INVALID")  # these have a request of their own
    change = mark_read(call.hub, call.me, place, request.max_id, beside=call.line)
    pts = call.world.box(call.me.id).pts
    return types.messages.AffectedMessages(pts, change.count if change else 0)


def read_channel(call: Call, request: Any) -> Any:
    call.only_people()
    group = call.megagroup(request.channel)
    return mark_read(call.hub, call.me, group, request.max_id, beside=call.line) is not None


def mark_read(
    hub: Hub, reader: SandboxUser, place: Place, up_to: int = 0, *, beside: Line | None = None
) -> Change | None:
    """Read a chat up to this number as the reader knows it (0: all), and let all sides know."""
    world = hub.world
    box, numbers = world.shelf(reader.id, place)
    letters = [box.letters[number] for number in numbers if not up_to or number <= up_to]
    received = [letter for letter in letters if letter.sender != reader.id]
    is_shared = place.key < MEGAGROUPS
    if not received or place is reader:
        return None
    letter = received[-1]
    number = letter.number_for(reader.id)
    if number <= box.has_read(reader.id if is_shared else place.key):
        return None
    if isinstance(place, SandboxGroup) and is_shared:
        change = world.change(place.key, "read_in", (number,), peer=reader.id)
        push_changes(world, place.key, [change], beside=beside)
        _tell_senders(hub, reader, place, received)
    else:
        change = world.change(reader.id, "read_in", (number,), peer=place.key)
        push_changes(world, reader.id, [change], beside=beside)
        _tell_sender(hub, reader, place, received)
    more = {"group": place.label} if isinstance(place, SandboxGroup) else {"sender": place.label}
    hub.record("read", reader=reader.label, **more, id=letter.number_for(letter.sender))
    return change


def _tell_sender(hub: Hub, reader: SandboxUser, place: Place, received: Sequence[Letter]) -> None:
    """Give the writers of these their receipts; in a basic group each once, for the last one."""
    last = {letter.sender: letter for letter in received}
    for sender, letter in last.items():
        number = letter.ids.get(sender, 0)
        peer = place.key if place.key < 0 else reader.id
        box = hub.world.box(sender)
        if hub.world.users[sender].is_bot or not number or number <= box.read_up_to(peer):
            continue  # bots are never told
        seen = hub.world.change(sender, "read_out", (number,), peer=peer)
        push_changes(hub.world, sender, [seen])


def _tell_senders(hub: Hub, reader: SandboxUser, group: SandboxGroup, received: Sequence[Letter]) -> None:
    last = {letter.sender: letter.number_for(letter.sender) for letter in received}
    for sender, number in last.items():
        update = types.UpdateReadChannelOutbox(group.id, number)
        if sender != reader.id and not hub.world.users[sender].is_bot:
            push(hub.world, sender, types.UpdateShort(update, int(time.time())))


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
    place = call.place(request.peer)
    if isinstance(place, SandboxUser):
        update = types.UpdateUserTyping(call.me.id, request.action)
        push(call.world, place.id, types.UpdateShort(update, int(time.time())))
    return True


HANDLERS: Handlers = {
    functions.messages.GetHistoryRequest: get_history,
    functions.messages.SearchRequest: search,
    functions.messages.GetMessagesRequest: get_messages,
    functions.messages.GetDialogsRequest: get_dialogs,
    functions.messages.GetPeerDialogsRequest: get_peer_dialogs,
    functions.messages.ReadHistoryRequest: read_history,
    functions.messages.GetOutboxReadDateRequest: get_read_date,
    functions.messages.SetTypingRequest: set_typing,
    functions.channels.GetMessagesRequest: get_channel_messages,
    functions.channels.ReadHistoryRequest: read_channel,
}
