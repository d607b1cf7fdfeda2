"""Tab: names of groups, members, templates and accounts, and silence where there are none."""

from __future__ import annotations

import shlex

import pytest
from commandline import ended, start

# The installed program, by the name that Typer looks for; `-m vipcast` has another.
PROGRAM = "import sys; sys.argv[0] = 'vipcast'; from vipcast.__main__ import main; main()"


@pytest.fixture
def complete(vipcast):
    """Return what Tab offers for a line, by Typer's protocol for bash."""

    def ask(line: str, *, cwd=vipcast.folder, **env: str) -> list[str]:
        words = len(shlex.split(line)) - (not line.endswith(" "))
        asked = {"_VIPCAST_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(words)}
        ran = ended(start(code=PROGRAM, cwd=cwd, env=asked | env))
        assert (ran.code, ran.err) == (0, "")
        return ran.out.split("\n")[:-1] if ran.out.strip() else []

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("vipcast gr", ["group"]),
        ("vipcast group sh", ["show"]),
        ("vipcast group show g", ["gold"]),
        ("vipcast group show x", []),
        ("vipcast group show %", []),
        ("vipcast send no", ["note"]),
        ("vipcast send note --group ", ["gold"]),
        ("vipcast send note --only K", ["Kovács Anna"]),
        ("vipcast why Vi", ["Ville Virtanen", "Viola Vítková"]),
        ("vipcast account check s", ["support"]),
        ("vipcast template preview ", ["event-invitation", "new-collection", "note", "opening-hours", "thank-you", "vip-sale"]),
    ],
)  # fmt: skip
def test_tab_offers_names(complete, line, offered):
    assert sorted(complete(line)) == offered


def test_tab_outside_a_shop_is_silent(complete, tmp_path):
    for line in ("vipcast group show ", "vipcast send ", "vipcast why ", "vipcast account check "):
        assert complete(line, cwd=tmp_path) == []


def test_tab_follows_the_shop_that_is_named(complete, tmp_path, vipcast):
    assert complete("vipcast group show ", cwd=tmp_path, VIPCAST_SHOP=str(vipcast.folder)) == ["gold"]


def test_tab_with_damaged_settings_is_silent(complete, vipcast):
    (vipcast.folder / "vipcast.toml").write_text("[", encoding="utf-8")
    (vipcast.folder / ".vipcast" / "vipcast.db").write_bytes(b"garbage")
    assert complete("vipcast account check ") == []
    assert complete("vipcast group show ") == []


def test_tab_loads_nothing_heavy(vipcast):
    asked = {"_VIPCAST_COMPLETE": "complete_bash", "COMP_WORDS": "vipcast group show g", "COMP_CWORD": "3"}
    ran = ended(start(code=PROGRAM, cwd=vipcast.folder, env=asked | {"PYTHONPROFILEIMPORTTIME": "1"}))
    assert ran.out.split() == ["gold"]
    trace = ran.err
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in trace.splitlines()}
    assert "sqlite3" in loaded
    assert loaded.isdisjoint({"sqlalchemy", "telethon", "jinja2", "asyncio", "babel"})
