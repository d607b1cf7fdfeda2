"""The report: what reached whom, what was asked, what was kept."""

from __future__ import annotations

import os
import stat

import pytest
from conversation_world import a_world, make_desk, wait_desk
from support import vipcast


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with a_world(tmp_path_factory.mktemp("report") / "shop") as made:
        made.desk = make_desk(made.sandbox, "me")
        made.set_desk("me")
        made.member("Kovács <b>Anna</b>", "@anna_kovacs", group="gold", language="hu")
        vipcast(made.folder, "send", "note", "--group", "gold", "--yes")
        with made.listening() as running:
            made.write("@anna_kovacs", "Megkapta Zsófi a cetlit?")
            relay = wait_desk(made.desk, "cetlit")
            made.desk.say("Igen, megkapta.", relay)
            made.wait_heard("@anna_kovacs", "Igen, megkapta.")
            assert running.stop() == 0  # a kill might come before it is written down
        yield made


def test_the_shops_numbers(world):
    done = vipcast(world.folder, "report")
    assert done.code == 0
    replies = done.data["replies"]
    assert (replies["messages"], replies["questions"], replies["answers"], replies["automatic"]) == (
        1,
        1,
        1,
        1,
    )
    assert replies["promises"] == {"due": 0, "overdue": 0, "kept": 1, "broken": 0, "closed": 0}
    assert replies["waiting_now"] == 0
    (announced,) = done.data["announcements"]
    assert sum(announced["counts"].values()) == 1


def test_the_page_is_whole_private_and_safe(world, tmp_path):
    page = tmp_path / "report.html"
    assert vipcast(world.folder, "report", "1", "--html", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    assert "Kovács &lt;b&gt;Anna&lt;/b&gt;" in text
    assert "<b>Anna" not in text
    if os.name == "posix":
        assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_page_that_cannot_be_written_is_named(world, tmp_path):
    done = vipcast(world.folder, "report", "--html", str(tmp_path / "no" / "report.html"))
    assert done.code == 2
    assert "report.html" in done.errors[0]["message"]


def test_an_announcement_that_is_not_there(world):
    assert vipcast(world.folder, "report", "99").code == 2
