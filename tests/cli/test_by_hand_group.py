"""A group where no program can write, from its making to what was posted by hand."""

from __future__ import annotations

ROOM = """+++
title = "Sale"
+++
{% if group.is_chat %}Dear all{% else %}Dear {{ member.name }}{% endif %}, the **sale** begins.
"""
LINK = "https://invite.viber.com/?g2=AQB1"


def make(vipcast):
    (vipcast.folder / "templates" / "room").mkdir()
    (vipcast.folder / "templates" / "room" / "en.md").write_text(ROOM, encoding="utf-8")
    return vipcast.data(
        "group", "create", "community", "--cap", "3", "--mode", "by-hand", "--on", "viber", "--link", LINK
    )


def test_one_task_for_the_whole_group_in_the_networks_own_formatting(vipcast):
    assert make(vipcast)["mode"] == "by-hand"
    for who in ("Anna", "Ödön", "Jan", "Ville"):
        vipcast.data("group", "add", "community", who)
    shown = vipcast.data("group", "show", "community")
    assert [one["place"] for one in shown["members"]] == ["seated"] * 3 + ["waiting"]
    assert (shown["chat"]["messenger"], shown["chat"]["link"]) == ("viber", LINK)

    done = vipcast.data("send", "room", "--group", "community", "--yes")
    assert (done["counts"], done["by_hand"], done["state"]) == ({"queued": 1}, 1, "running")
    [task] = vipcast.data("hand", "list")
    assert task["group"] == "community"
    shown = vipcast.data("hand", "next")
    assert shown["text"] == "Dear all, the *sale* begins."
    assert shown["link"] == LINK
    assert (
        vipcast("send", "room", "--group", "community", "--yes").code == 0
    )  # goes on with it; no second task
    assert len(vipcast.data("hand", "list")) == 1

    vipcast.data("hand", "done", str(task["number"] if "number" in task else task["id"]), "--by", "Éva")
    number = str(done["announcement"])
    [row] = vipcast.data("announcement", "show", number)["deliveries"]
    assert (row["state"], row["group"], row["people"]) == ("sent", "community", 3)
    assert vipcast.data("announcement", "show", number)["announcement"]["state"] == "finished"
    assert vipcast.data("why", "Anna", number)["deliveries"][0]["state"] == "sent"
    assert "sale" in str(vipcast.data("history", "Anna"))
    assert vipcast("send", "room", "--group", "community", "--yes").code == 3


def test_texts_of_the_group_are_there_to_paste_and_no_program_looks_into_it(vipcast):
    make(vipcast)
    vipcast.data("group", "add", "community", "Anna")
    welcome = vipcast.data("group", "welcome", "community")
    assert "https://t.me/regidivat_segit" in welcome["text"]
    problem = vipcast.problem("group", "sync", "community")
    assert "by hand" in problem["message"]
    removed = vipcast("group", "remove", "community", "Anna")
    assert "by hand" in removed.out
    closed = vipcast("group", "close", "community", "--yes")
    assert closed.code == 0
    assert vipcast("send", "room", "--group", "community", "--yes").code == 2


def test_a_personal_text_is_refused_and_nothing_is_planned(vipcast):
    make(vipcast)
    vipcast.data("group", "add", "community", "Anna")
    problem = vipcast.problem("send", "note", "--group", "community", "--yes")
    assert problem["code"] == "personal-in-chat"
    assert vipcast.data("announcement", "list") == []


def test_the_mode_can_be_changed_and_back(vipcast):
    vipcast.data("group", "edit", "gold", "--mode", "by-hand", "--on", "whatsapp")
    assert vipcast.data("group", "show", "gold")["chat"]["messenger"] == "whatsapp"
    vipcast.data("group", "edit", "gold", "--mode", "direct")
    plan = vipcast.data("send", "note", "--group", "gold", "--dry-run")
    assert {one["messenger"] for one in plan["planned"] if one["text"]} == {"telegram", "viber"}
