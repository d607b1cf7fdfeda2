"""`send`: shown, asked, sent once; and never said where it is not so."""

from __future__ import annotations

import re

import pytest

RECEIVERS = 5  # of the six in the group; the sixth never agreed


def states(vipcast, number=1):
    return vipcast.data("announcement", "show", number)["counts"]


def test_dry_run_shows_everybody_and_does_nothing(online, phones):
    ran = online("send", "note", "--group", "gold", "--dry-run")
    assert ran.code == 0
    for name in ("Kovács Anna", "Őze Ödön", "Jan Novák", "Viola Vítková", "Ville Virtanen"):
        assert name in ran.out
    assert "Nora Nogo" in ran.out
    assert "no consent on record" in ran.out
    assert "3 on telegram, 2 on viber; 1 member gets nothing" in ran.out
    assert not re.search(r"(?<!To be )\bsent\b", ran.out)
    assert phones.messages() == []
    assert online.data("announcement", "list") == []


def test_dry_run_of_what_was_sent_does_not_say_that_it_sends(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    before = phones.arrivals()
    ran = online("send", "note", "--group", "gold", "--dry-run")
    assert ran.code == 0
    assert not re.search(r"\bsent\b", ran.out)
    assert phones.arrivals() == before


def test_dry_run_as_data_has_the_texts(online):
    data = online.data("send", "note", "--group", "gold", "--dry-run")
    assert data["dry_run"] is True
    texts = {one["member"]: one["text"] for one in data["planned"]}
    assert texts["Kovács Anna"] == "News for Kovács Anna."
    assert texts["Nora Nogo"] is None


def test_dry_run_and_preview_need_no_network(vipcast):
    assert vipcast("send", "note", "--group", "gold", "--dry-run").code == 0
    assert vipcast("send", "note", "--to-me", "--dry-run").code == 0
    assert vipcast("template", "preview", "note", "--group", "gold").code == 0


@pytest.mark.parametrize("flags", [(), ("--no-input",), ("--json",)], ids=" ".join)
def test_without_a_terminal_it_needs_yes(online, phones, flags):
    ran = online("send", "note", "--group", "gold", *flags, typed="y\n")
    assert ran.code == 2
    assert "--yes" in ran.said()
    assert phones.messages() == []
    assert online.data("announcement", "list") == []


def test_each_gets_it_once_on_the_messenger_they_use(online, phones):
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 0, ran.said()
    assert "5 sent, 1 skipped" in ran.out
    assert phones.arrivals() == {
        "@anna_cli": 1,
        "@odon_cli": 1,
        "@jan_cli": 1,
        "0e8WW/shXMvcNgCZi+4pIQ==": 1,
        "AfFHYMSzHc1T6G1og4P+Og==": 1,
    }


def test_the_same_again_sends_nothing(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    before = phones.arrivals()
    problem = online.problem("send", "note", "--group", "gold", "--yes", code=3)
    assert problem["code"] == "nothing-to-do"
    assert "announcement 1" in problem["message"]
    assert "--again" in problem["hint"]
    assert phones.arrivals() == before


def test_again_sends_it_once_more(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    online.data("send", "note", "--group", "gold", "--yes", "--again")
    assert set(phones.arrivals().values()) == {2}


def test_who_joined_or_agreed_since_is_reached_by_the_same_send(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    online.data("member", "opt-in", "Nora", "--source", "by phone")
    online.data("member", "add", "Late Comer", "--address", "telegram=@late_cli", "--consent", "by phone")
    online.data("group", "add", "gold", "Late Comer")
    online.data("send", "note", "--group", "gold", "--yes")
    assert set(phones.arrivals().values()) == {1}
    assert set(phones.arrivals()) >= {"@nora_cli", "@late_cli"}


def test_two_groups_with_the_same_member_are_one_message(online, phones):
    online.data("group", "create", "silver")
    online.data("group", "add", "silver", "Anna", "Nora")
    online.data("send", "note", "--group", "gold", "--group", "silver", "--yes")
    assert set(phones.arrivals().values()) == {1}


def test_the_same_text_to_a_further_group_spares_who_has_it(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    online.data("group", "create", "silver")
    online.data("group", "add", "silver", "Anna")
    online("send", "note", "--group", "silver", "--yes")
    assert phones.arrivals()["@anna_cli"] == 1


def test_variable_that_the_text_does_not_use_is_no_reason_to_send_it_again(online, phones):
    online.data("send", "note", "--group", "gold", "--yes")
    online("send", "note", "--group", "gold", "--var", "percent=20", "--yes")
    assert set(phones.arrivals().values()) == {1}


def test_only_reaches_only_them(online, phones):
    online.data("send", "note", "--group", "gold", "--only", "Anna", "--only", "Viola", "--yes")
    assert phones.arrivals() == {"@anna_cli": 1, "0e8WW/shXMvcNgCZi+4pIQ==": 1}
    online.data("send", "note", "--group", "gold", "--yes")
    assert phones.arrivals().total() == RECEIVERS


def test_only_of_somebody_who_is_not_in_the_group_is_refused(online, phones):
    online.data("member", "add", "Out Sider", "--address", "telegram=@out_cli", "--consent", "x")
    ran = online("send", "note", "--group", "gold", "--only", "Out Sider", "--yes", "--json")
    assert ran.code in (2, 3)
    assert ran.problem["message"]
    assert phones.messages() == []


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_limit_is_kept_over_all_messengers_and_the_rest_follows(online, phones, limit):
    ran = online("send", "note", "--group", "gold", "--limit", limit, "--yes")
    assert ran.code == 0
    assert phones.arrivals().total() == limit
    assert "announcement resume 1" in ran.out
    assert states(online) == {"sent": limit, "queued": RECEIVERS - limit, "skipped": 1}
    assert online("announcement", "resume").code == 0
    assert phones.arrivals().total() == RECEIVERS


def test_limit_beyond_all_is_all(online, phones):
    data = online.data("send", "note", "--group", "gold", "--limit", "99", "--yes")
    assert data["state"] == "finished"
    assert phones.arrivals().total() == RECEIVERS


def test_the_same_send_finishes_what_was_limited(online, phones):
    online.data("send", "note", "--group", "gold", "--limit", "2", "--yes")
    ran = online("send", "note", "--group", "gold", "--yes")
    assert ran.code == 0
    assert "Announcement 1 is this one already" in ran.out
    assert phones.arrivals().total() == RECEIVERS


def test_to_me_goes_to_me_alone(online, phones):
    ran = online("send", "note", "--to-me", "--only", "Jan")
    assert ran.code == 0, ran.said()
    assert "As Jan Novák would get it" in ran.out
    [message] = phones.messages()
    assert message["to"] == message["sender"]
    assert message["text"] == "News for Jan Novák."
    assert online.data("announcement", "list") == []
    online.data("send", "note", "--group", "gold", "--yes")
    assert phones.arrivals()["@jan_cli"] == 1


def test_to_me_goes_where_the_settings_say(online, phones):
    online.change_settings(
        "# me = ", 'me = { telegram = "@owner_cli", viber = "b3duZXItb3duZXItb3duZQ==" } #'
    )
    assert online("send", "note", "--to-me").code == 0
    assert phones.arrivals() == {"@owner_cli": 1, "b3duZXItb3duZXItb3duZQ==": 1}


def test_wrong_address_of_mine_names_the_settings(online):
    online.change_settings("# me = ", 'me = { telegram = "no such address" } #')
    problem = online.problem("send", "note", "--to-me")
    assert "vipcast.toml" in problem["message"] + problem["where"]


@pytest.mark.parametrize("pair", ["percent", "=20", "a b=1", "1a=2", ""])
def test_var_that_is_no_pair_is_refused(vipcast, pair):
    assert "--var" in vipcast.problem("send", "note", "--group", "gold", "--var", pair)["message"]


def test_variables_reach_the_text(online, phones):
    text = '+++\ntitle = "x"\n+++\n{{ percent }} % off, {{ member.first_name }}: {{ words }}\n'
    (online.folder / "templates" / "note" / "en.md").write_text(text, encoding="utf-8")
    given = ("--var", "percent=20", "--var", "words=a=b *c* {{ 7*7 }}")
    online.data("send", "note", "--group", "gold", "--only", "Anna", *given, "--yes")
    [message] = phones.messages()
    assert message["text"] == "20 % off, Anna: a=b *c* {{ 7*7 }}"


def test_one_fault_and_nothing_is_planned(online, phones):
    text = '+++\ntitle = "x"\n+++\nHi{% if member.formal %} {{ nonsense }}{% endif %}\n'
    (online.folder / "templates" / "note" / "en.md").write_text(text, encoding="utf-8")
    ran = online("send", "note", "--group", "gold", "--yes", "--json")
    assert ran.code == 2
    told = {problem["message"].split(" (")[0] for problem in ran.envelope["errors"]}
    assert told == {"Őze Ödön", "Jan Novák", "Viola Vítková"}, "each who would have met it, and nobody else"
    assert all("people.csv:" in problem["message"] for problem in ran.envelope["errors"])
    assert all(problem["where"].endswith("en.md:4") for problem in ran.envelope["errors"])
    assert phones.messages() == []
    assert online.data("announcement", "list") == []


def test_nobody_to_send_to(online):
    online.data("group", "create", "silver")
    online.data("group", "add", "silver", "Nora")
    problem = online.problem("send", "note", "--group", "silver", "--yes", code=3)
    assert "nothing was planned" in problem["message"]
    assert "opt-in" in problem["hint"]


def test_group_without_members_says_so(online):
    online.data("group", "create", "silver")
    ran = online("send", "note", "--group", "silver", "--yes", "--json")
    assert ran.code == 3
    assert ran.problem["hint"]


@pytest.mark.parametrize(
    "name", ["*_[", "{{ 7*7 }}", "<b>", "`x`", "[a](http://b)", "\u202eאברהם", "# Head", "1. One"]
)
def test_name_appears_exactly_as_it_is_written(online, phones, name):
    online.data("member", "add", name, "--address", "telegram=@odd_cli", "--consent", "x")
    online.data("group", "create", "odd")
    online.data("group", "add", "odd", "@odd_cli")
    online.data("send", "note", "--group", "odd", "--yes")
    [message] = phones.messages()
    assert (
        message["text"] == f"News for {name.replace(chr(0x202E), '')}."
        or message["text"] == f"News for {name}."
    )


def test_nameless_member_is_never_greeted_by_no_name(online, phones):
    people = online.folder / "nameless.csv"
    people.write_text(
        "name;phone;consent_source;consent_at\n;+36305550777;shop;2026-01-01\n", encoding="utf-8"
    )
    online.data("group", "create", "odd")
    online("member", "import", people, "--group", "odd")
    ran = online("send", "note", "--group", "odd", "--yes")
    assert ran.code in (2, 3)
    assert phones.messages() == []


def test_name_of_five_thousand_characters_is_refused(vipcast):
    problem = vipcast.problem("member", "add", "x" * 5000, "--phone", "+36305550778")
    assert "200" in problem["message"] + problem["hint"]
    assert len(problem["message"]) < 300
