"""What every client asks first: the configuration, and what it missed."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import datetime
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.differences import news_of_groups
from vipcast.sandbox.telegram.group_model import SandboxGroup
from vipcast.sandbox.telegram.group_views import DC_ID, groups_view
from vipcast.sandbox.telegram.history import state_view
from vipcast.sandbox.telegram.receipts import MOST_MEMBERS
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.texts import CAPTION_LIMIT, TEXT_LIMIT
from vipcast.sandbox.telegram.views import groups_in, message_view, people_in, update_view, users_view

_SLICE: Final = 500
_DAY: Final = 24 * 3600


def get_config(call: Call, request: Any) -> Any:
    del request
    now = int(time.time())
    return types.Config(
        date=now,
        expires=now + 3600,
        test_mode=False,
        this_dc=DC_ID,
        dc_options=[types.DcOption(id=DC_ID, ip_address=call.hub.host, port=call.hub.port)],
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5_000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1_500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=2 * _DAY,
        revoke_time_limit=2 * _DAY,
        revoke_pm_time_limit=2_147_483_647,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=7 * _DAY,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=CAPTION_LIMIT,
        message_length_max=TEXT_LIMIT,
        webfile_dc_id=DC_ID,
    )


def get_app_config(call: Call, request: Any) -> Any:
    del request
    values = {
        "caption_length_limit_default": CAPTION_LIMIT,
        "caption_length_limit_premium": 2 * CAPTION_LIMIT,
        "chat_read_mark_size_threshold": MOST_MEMBERS,
        "hidden_members_group_size_min": call.world.hidden_members_min,
    }
    pairs = [types.JsonObjectValue(name, types.JsonNumber(float(value))) for name, value in values.items()]
    return types.help.AppConfig(hash=1, config=types.JsonObject(pairs))


def get_nearest_dc(call: Call, request: Any) -> Any:
    del call, request
    return types.NearestDc(country="HU", this_dc=DC_ID, nearest_dc=DC_ID)


def get_state(call: Call, request: Any) -> Any:
    del request
    return state_view(call)


def get_difference(call: Call, request: Any) -> Any:
    """Return what happened in the account's box after the point that the client knows."""
    me = call.me
    box = call.world.box(me.id)
    if not 0 < request.pts <= box.pts:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID" if request.pts else "PERSISTENT_TIMESTAMP_EMPTY")
    stops = box.stops[request.qts :]
    groups = news_of_groups(call, request.date)
    if request.pts == box.pts and not stops and not groups:
        return types.updates.DifferenceEmpty(date=int(time.time()), seq=0)
    begin = bisect_right(box.changes, request.pts, key=lambda change: change.pts)
    changes = box.changes[begin : begin + _SLICE]
    contents: dict[str, Any] = {
        "new_messages": [
            message_view(call.world, me.id, box.letters[change.ids[0]])
            for change in changes
            if change.kind == "new" and change.ids[0] in box.letters
        ],
        "new_encrypted_messages": [],
        "other_updates": [
            *(update_view(call.world, me, change) for change in (*changes, *stops) if change.kind != "new"),
            *(update for group in groups for update in _about(group, me.id, request.date)),
        ],
        "chats": groups_view(
            call.world, me, [*groups_in(call.world, me, changes), *(group.key for group in groups)]
        ),
        "users": users_view(call.world, me, people_in(call.world, me, (*changes, *stops))),
    }
    state = state_view(call)
    if begin + _SLICE < len(box.changes):
        state.pts = changes[-1].pts
        return types.updates.DifferenceSlice(**contents, intermediate_state=state)
    return types.updates.Difference(**contents, state=state)


def _about(group: SandboxGroup, user_id: int, since: datetime | None) -> list[Any]:
    """Return what tells a client to ask for a megagroup's own news; before, that one is in it now."""
    news: list[Any] = [types.UpdateChannelTooLong(group.id)]
    if since is None or group.members[user_id].joined_at >= int(since.timestamp()):
        news.insert(0, types.UpdateChannel(group.id))
    return news


def update_status(call: Call, request: Any) -> Any:
    del call, request
    return True


OPEN_HANDLERS: Handlers = {  # these need no login
    functions.help.GetConfigRequest: get_config,
    functions.help.GetAppConfigRequest: get_app_config,
    functions.help.GetNearestDcRequest: get_nearest_dc,
}
HANDLERS: Handlers = {
    functions.updates.GetStateRequest: get_state,
    functions.updates.GetDifferenceRequest: get_difference,
    functions.account.UpdateStatusRequest: update_status,
}
