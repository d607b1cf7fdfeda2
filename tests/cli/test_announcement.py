"""What became of an announcement, and how it is held, resumed, ended and tried again."""

from __future__ import annotations

import pytest


@pytest.fixture
def halfway(online, phones):
    """Two have it, three do not yet."""
    online.data("send", "note", "--group", "gold", "--limit", "2", "--yes")
    return online


def counts(vipcast, number=1):
    return vipcast.data("announcement", "show", number)["counts"]


def test_list_and_show(halfway):
    [one] = halfway.data("announcement", "list")
    assert (one["id"], one["template"], one["groups"], one["state"]) == (1, "note", ["gold"], "paused")
    ran = halfway("announcement", "show")
    assert "2 sent, 3 queued, 1 skipped" in ran.out
    assert "no consent on record" in ran.out
    assert "vipcast announcement resume 1" in ran.out


def test_show_without_a_number_is_the_latest(halfway):
    halfway.data("send", "opening-hours", "--group", "gold", "--yes")
    assert halfway.data("announcement", "show")["announcement"]["template"] == "opening-hours"


def test_paused_one_waits_until_it_is_resumed(halfway, phones):
    halfway.data("announcement", "pause", 1)
    assert halfway.data("announcement", "list")[0]["state"] == "paused"
    ran = halfway("announcement", "resume", 1)
    assert ran.code == 0
    assert phones.arrivals().total() == 5
    assert counts(halfway) == {"sent": 5, "skipped": 1}


def test_cancelled_one_is_never_resumed(halfway, phones):
    before = phones.arrivals()
    ran = halfway("announcement", "cancel", 1, "--yes")
    assert (ran.code, "3 deliveries will not be sent" in ran.out) == (0, True)
    assert halfway("announcement", "resume", 1).code == 3
    assert halfway("announcement", "resume").code == 3
    assert phones.arrivals() == before
    assert counts(halfway)["skipped"] == 4


def test_the_same_send_after_a_cancel_says_that_it_was_cancelled(halfway):
    halfway.data("announcement", "cancel", 1, "--yes")
    assert "cancelled" in halfway("send", "note", "--group", "gold", "--dry-run").said()


def test_cancel_needs_a_yes(halfway):
    assert "--yes" in halfway.problem("announcement", "cancel", 1)["hint"]
    assert counts(halfway)["queued"] == 3


@pytest.mark.parametrize("verb", ["pause", "cancel", "resume"])
def test_finished_one_has_nothing_left(online, verb):
    online.data("send", "note", "--group", "gold", "--yes")
    problem = online.problem("announcement", verb, 1, code=3)
    assert "finished" in problem["message"]


@pytest.mark.parametrize("verb", ["show", "pause", "cancel", "resume", "retry"])
def test_number_that_does_not_exist(vipcast, verb):
    problem = vipcast.problem("announcement", verb, 9)
    assert problem["message"] == "There is no announcement 9."
    assert "announcement list" in problem["hint"]


def test_failed_one_is_tried_elsewhere_once_it_has_somewhere(online, phones):
    online.data("member", "add", "No Body", "--phone", "+36305550000", "--consent", "x")
    online.data("group", "add", "gold", "No Body")
    ran = online("send", "note", "--group", "gold", "--yes", "--json")
    assert (ran.code, ran.data["counts"]) == (4, {"sent": 5, "failed": 1, "skipped": 1})
    assert "member edit" in online.problem("announcement", "retry", 1, code=3)["hint"]
    online.data("member", "edit", "No Body", "--address", "telegram=@found_cli")
    assert online("announcement", "retry", 1).code == 0
    assert phones.arrivals()["@found_cli"] == 1
    assert set(phones.arrivals().values()) == {1}


def test_unknown_one_is_sent_again_only_when_the_owner_says_so(online, phones, faults):
    faults.add("send_message", "drop_after")
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 4
    assert "1 unknown" in ran.out
    assert "may have arrived" in ran.out
    assert phones.arrivals().total() == 5, "it did arrive"
    assert online("announcement", "resume", 1).code == 3
    assert "--unknown" in online.problem("announcement", "retry", 1, code=3)["hint"]
    assert "--yes" in online.problem("announcement", "retry", 1, "--unknown")["hint"]
    assert phones.arrivals().total() == 5
    assert online("announcement", "retry", 1, "--unknown", "--yes").code == 0
    assert phones.arrivals().total() == 6


def test_unknown_one_promises_no_repetition_where_there_is_none(online, faults):
    faults.add("send_message", "drop_after")
    online("send", "note", "--group", "gold", "--yes")
    assert "again from" not in online("announcement", "show", 1).out


def test_lost_answer_on_telegram_is_one_message(online, phones, faults):
    faults.add("SendMessageRequest", "drop_after")
    assert online("send", "note", "--group", "gold", "--yes").code == 0
    assert set(phones.arrivals().values()) == {1}


def test_long_pause_is_said_and_obeyed(online, phones, faults):
    faults.add("SendMessageRequest", "error", code=420, text="FLOOD_WAIT_3000")
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 4
    assert "is due from" in ran.out
    before = phones.arrivals()
    again = online("announcement", "resume", "--json")
    assert (again.code, phones.arrivals()) == (4, before)
    assert again.data["resumes_at"]
    assert "pauses until" in online("account", "list").out


def test_limited_account_stops_alone_until_it_is_cleared(online, phones, faults):
    faults.add("SendMessageRequest", "error", code=400, text="PEER_FLOOD")
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 4
    assert {"0e8WW/shXMvcNgCZi+4pIQ==", "AfFHYMSzHc1T6G1og4P+Og=="} <= set(phones.arrivals())
    assert "PEER_FLOOD" in ran.err
    assert "→" in ran.err, "what to do about it"
    assert online("announcement", "resume").code in (4, 5)
    assert "account check news --clear" in online("doctor").out
    assert online("account", "check", "news", "--clear").code == 0
    assert online("announcement", "resume").code == 0
    assert set(phones.arrivals().values()) == {1}


def test_check_of_a_limited_account_says_that_it_is_still_stopped(online, faults):
    faults.add("SendMessageRequest", "error", code=400, text="PEER_FLOOD")
    online("send", "note", "--group", "gold", "--yes")
    assert "--clear" in online("account", "check", "news").said()


def test_revoked_session_keeps_the_queue_and_says_how_to_log_in(online, phones, network):
    news = network.telegram.find("+99966100001")
    network.do(network.telegram.revoke, news)
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 4
    assert "vipcast account add news" in ran.said()
    assert phones.arrivals().total() == 2
    assert "account add news" in online("doctor").out
    assert online("account", "add", "news", "--phone", "+99966100001").code == 5
    assert online("account", "add", "news", "--code", "12345").code == 0
    assert online("announcement", "resume").code == 0
    assert phones.arrivals().total() == 5


def test_wrong_token_keeps_the_queue_and_is_never_shown(online, phones, monkeypatch):
    monkeypatch.setenv("VIPCAST_VIBER_TOKEN", "a-wrong-and-secret-token")
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 4
    assert "token is wrong" in ran.err
    assert "--token-file" in ran.err
    assert "a-wrong-and-secret-token" not in ran.said()
    assert phones.arrivals().total() == 3
    monkeypatch.delenv("VIPCAST_VIBER_TOKEN")
    assert online("announcement", "resume").code == 0
    assert phones.arrivals().total() == 5


def test_server_gone_loses_nothing(vipcast):
    ran = vipcast("send", "note", "--group", "gold", "--yes")
    assert ran.code in (1, 5)
    assert "vipcast announcement resume 1" in ran.out
    assert "vipcast sandbox" in ran.err, "this shop's server is the sandbox, not the internet"
    assert counts(vipcast) == {"queued": 5, "skipped": 1}


def test_server_that_hangs_up_in_the_middle_loses_and_doubles_nothing(online, phones, faults):
    faults.add("SendMessageRequest", "drop_before", after=1, times=3)
    faults.add("send_message", "drop_before", after=1, times=3)
    online("send", "note", "--group", "gold", "--yes")
    faults.clear()
    after = counts(online)
    assert after.get("sent", 0) + after.get("queued", 0) + after.get("unknown", 0) == 5
    assert "failed" not in after
    online("announcement", "resume")
    assert set(phones.arrivals().values()) == {1}


# why


def test_why_tells_each_fact(online):
    online.data("send", "note", "--group", "gold", "--yes")
    got = online("why", "Anna").out
    assert "got it: sent" in got
    assert "on telegram (@anna_cli) through news" in got
    assert "Seats: gold (seat)" in got
    assert "Consent: opted in" in got
    missed = online("why", "Nora").out
    assert "not sent: no consent on record" in missed
    assert "vipcast member opt-in" in missed


def test_why_after_an_opt_out(online):
    online.data("member", "opt-out", "Anna", "--source", "by phone")
    online.data("send", "note", "--group", "gold", "--yes")
    out = online("why", "Anna").out
    assert "not sent: opted out" in out
    assert "by phone" in out


def test_why_of_somebody_in_no_group(vipcast):
    vipcast.data("group", "remove", "gold", "Anna")
    assert "in no group" in vipcast("why", "Anna").out


def test_why_of_an_announcement_that_does_not_exist(vipcast):
    assert vipcast.problem("why", "Anna", 9)["message"] == "There is no announcement 9."


def test_why_of_a_name_that_fits_several(vipcast):
    vipcast.data("member", "add", "Másik Anna", "--phone", "+36305550888")
    problem = vipcast.problem("why", "Anna")
    assert "2 members match" in problem["message"]
    assert "#" in problem["hint"]
