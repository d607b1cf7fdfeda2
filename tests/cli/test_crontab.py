"""Installing what calls `vipcast tick`, against a crontab, a systemctl and a schtasks of our own."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from support import FixedClock, child_environment

from vipcast.cli import crontab
from vipcast.cli.crontab import WINDOWLESS, crontab_view, make_job, own_program
from vipcast.cli.result import render
from vipcast.cli.terminal import Terminal
from vipcast.cli.tick_health import LARGE_LOG_BYTES, REMEDY, tick_findings
from vipcast.errors import InputError, SetupMissing, VipcastError
from vipcast.schedules import pulse
from vipcast.shop import Shop
from vipcast.storage.tables import schedules

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the doubles are shell scripts")

OTHERS = b"MAILTO=me\n0 5 * * * backup > /dev/null 2>&1 # \xc3\xa9 \xff\n"
CRONTAB = """#!/bin/sh
echo "$@" >> "$0.log"
case "$1" in
  -l) if [ -f "$0.table" ]; then cat "$0.table"; else echo "no crontab for me" >&2; exit 1; fi ;;
  -) cat > "$0.table" ;;
  *) exit 2 ;;
esac
"""
TOOL = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done | tr '\\n' ' ' >> "$0.log"
echo >> "$0.log"
"""


@dataclass
class Tool:
    """A program of the system that keeps its calls, and its table."""

    path: Path

    @property
    def calls(self):
        log = self.path.with_name(f"{self.path.name}.log")
        return [line.strip() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    @property
    def table(self):
        return self.path.with_name(f"{self.path.name}.table")


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH with nothing of this machine's clocks on it, and a home of the test's own."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("cat", "tr"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


def make_tool(folder, name, script):
    path = folder / name
    path.write_text(script, encoding="utf-8")
    path.chmod(stat.S_IRWXU)
    return Tool(path)


@pytest.fixture
def cron(tools):
    return make_tool(tools, "crontab", CRONTAB)


@pytest.fixture
def systemctl(tools):
    return make_tool(tools, "systemctl", TOOL)


@pytest.fixture
def shop(empty):
    with Shop.open(empty.folder, {}, FixedClock()) as opened:
        yield opened


def view(shop, kind="", **wish):
    """Return the facts of a run, as programs get them."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        render(crontab_view(shop, Terminal(as_json=True), kind, **wish), as_json=True)
    assert err.getvalue() == ""
    envelope = json.loads(out.getvalue())
    assert envelope["ok"]
    return envelope["data"]


def words(shop, capsys, kind="", **wish):
    """Return what people read: stdout and stderr."""
    render(crontab_view(shop, Terminal(), kind, **wish), as_json=False)
    return capsys.readouterr()


def units_folder(tmp_path):
    return tmp_path / "home" / ".config" / "systemd" / "user"


def test_lines_alone_are_on_stdout(shop, cron, capsys):
    said = words(shop, capsys)
    assert said.out == view(shop, "cron")["text"]
    assert said.out.count("\n") == 2
    assert "--install" in said.err
    assert cron.calls == []


def test_line_as_it_is_ticks(shop, cron):
    """The line, run by a shell as cron has it: no PATH, no locale, another folder."""
    line = view(shop, "cron", install=True)["text"].splitlines()[1]
    environment = {name: value for name, value in child_environment().items() if name == "PYTHONPATH"}
    command = ["/bin/sh", "-c", line.removeprefix("* * * * * ")]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, check=False)
    log = (shop.config.state / "tick.log").read_text(encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr, log) == (0, b"", b"", "")
    assert pulse.read(shop.config.state).ticked_at is not None


def test_command_shows_installs_and_removes(empty, cron):
    shown = empty("schedule", "crontab")
    assert (shown.code, shown.out.count("\n")) == (0, 2)
    assert empty("schedule", "crontab", "--install").code == 0
    assert cron.table.read_text(encoding="utf-8") == shown.out
    assert empty.data("schedule", "crontab", "--for", "cron", "--remove")["state"] == "removed"
    assert cron.table.read_bytes() == b""
    assert "--install" in empty.problem("schedule", "crontab", "--install", "--remove")["message"]


@pytest.mark.parametrize("table", [None, b"", OTHERS])
def test_install_adds_and_remove_takes_out(shop, cron, table):
    if table is not None:
        cron.table.write_bytes(table)
    found = view(shop, install=True)
    assert (found["for"], found["state"]) == ("cron", "installed")
    assert cron.table.read_bytes() == (table or b"") + found["text"].encode()
    assert view(shop, remove=True)["state"] == "removed"
    assert cron.table.read_bytes() == (table or b"")


def test_second_install_and_second_removal_change_nothing(shop, cron):
    cron.table.write_bytes(OTHERS)
    view(shop, install=True)
    installed = cron.table.read_bytes()
    backups = set((shop.config.state / "backups").iterdir())
    again = view(shop, install=True)
    assert (again["state"], again["files"]) == ("unchanged", [])
    assert cron.table.read_bytes() == installed
    view(shop, remove=True)
    assert view(shop, remove=True)["state"] == "absent"
    assert cron.calls.count("-") == 2
    assert backups < set((shop.config.state / "backups").iterdir())


def test_table_as_it_was_is_kept_for_the_owner_alone(shop, cron, capsys):
    cron.table.write_bytes(OTHERS)
    said = words(shop, capsys, install=True)
    [kept] = (shop.config.state / "backups").glob("crontab-2026-11-23-093000*")
    assert kept.read_bytes() == OTHERS
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert str(kept) in said.err
    installed = cron.table.read_bytes()
    view(shop, remove=True)  # in the same second: the first is not written over
    assert kept.read_bytes() == OTHERS
    assert kept.with_name(f"{kept.name}-1").read_bytes() == installed


def test_log_is_for_the_owner_alone_before_anything_is_logged(shop, cron):
    assert stat.S_IMODE((Path(view(shop, install=True)["log"])).stat().st_mode) == 0o600


def test_older_line_of_this_shop_is_replaced_in_its_place(shop, cron):
    view(shop, install=True)
    ours = cron.table.read_bytes()
    older = ours.replace(b"* * * * * ", b"*/5 * * * * ")
    cron.table.write_bytes(OTHERS + older + OTHERS)
    assert view(shop, install=True)["state"] == "installed"
    assert cron.table.read_bytes() == OTHERS + ours + OTHERS


def test_two_shops_have_two_lines(shop, cron, tmp_path):
    twin = tmp_path / "twin" / shop.config.folder.name
    shutil.copytree(shop.config.folder, twin)
    mine = view(shop, install=True)
    with Shop.open(twin, {}, FixedClock()) as other:
        theirs = view(other, install=True)
        assert cron.table.read_text(encoding="utf-8") == mine["text"] + theirs["text"]
        view(other, remove=True)
    assert cron.table.read_text(encoding="utf-8") == mine["text"]


REFUSALS = [
    ("You (me) are not allowed to use this program (crontab)", 1),
    ("crontab: can't open 'me': Permission denied", 1),
    ("", 3),
]


@pytest.mark.parametrize(("said", "code"), REFUSALS)
def test_table_that_cannot_be_read_is_not_written(shop, tools, said, code):
    script = f'#!/bin/sh\necho "$1" >> "$0.log"\necho "{said}" >&2\nexit {code}\n'
    tool = make_tool(tools, "crontab", script)
    with pytest.raises(VipcastError, match="crontab refused") as caught:
        crontab_view(shop, Terminal(), "cron", install=True)
    assert said in caught.value.message
    assert caught.value.hint
    assert tool.calls == ["-l"]


@pytest.mark.parametrize("said", ["no crontab for me", "crontab: can't open 'me': No such file or directory"])
def test_missing_table_is_an_empty_one(shop, tools, said):
    script = CRONTAB.replace('"no crontab for me"', f'"{said}"')
    tool = make_tool(tools, "crontab", script)
    assert tool.table.exists() is False
    assert view(shop, install=True)["files"] == []
    assert tool.table.read_text(encoding="utf-8") == view(shop)["text"]


def test_crontab_that_refuses_the_line_is_told(shop, tools):
    make_tool(tools, "crontab", CRONTAB.replace("-) cat >", '-) echo "bad minute" >&2; exit 1; cat >'))
    with pytest.raises(VipcastError, match="crontab refused: bad minute"):
        crontab_view(shop, Terminal(), "cron", install=True)


@pytest.mark.parametrize("wish", ["install", "remove"])
@pytest.mark.parametrize(("kind", "name"), [("cron", "crontab"), ("systemd", "systemctl")])
def test_missing_program_is_named_with_the_next_step(shop, tools, tmp_path, kind, name, wish):
    with pytest.raises(SetupMissing, match=f"no program '{name}'") as caught:
        crontab_view(shop, Terminal(), kind, **{wish: True})
    assert "--for" in caught.value.hint
    assert not units_folder(tmp_path).exists()


def test_units_are_shown_with_their_places(shop, systemctl, capsys, tmp_path):
    said = words(shop, capsys)
    assert said.out.count(f"# {units_folder(tmp_path)}/vipcast-az-en-boltom-") == 2
    assert "[Service]" in said.out
    assert "[Timer]" in said.out
    assert "loginctl enable-linger" in said.err
    assert systemctl.calls == []
    assert not units_folder(tmp_path).exists()


def test_units_are_installed_and_removed(shop, systemctl, tmp_path, capsys):
    found = view(shop, install=True)
    assert (found["for"], found["state"]) == ("systemd", "installed")
    files = sorted(units_folder(tmp_path).iterdir())
    assert [file.name for file in files] == [f"{found['name']}.service", f"{found['name']}.timer"]
    assert all(file.read_text(encoding="utf-8") in found["text"] for file in files)
    reload = "--user daemon-reload"
    enable = [reload, reload, f"--user enable --now {found['name']}.timer"]
    assert systemctl.calls == enable
    assert view(shop, install=True)["state"] == "unchanged"
    assert systemctl.calls == enable * 2  # it may have been stopped by hand
    assert "loginctl enable-linger" in words(shop, capsys, install=True).err
    assert view(shop, remove=True)["state"] == "removed"
    assert systemctl.calls[-3:] == [reload, f"--user disable --now {found['name']}.timer", reload]
    assert list(units_folder(tmp_path).iterdir()) == []
    assert view(shop, remove=True)["state"] == "absent"
    assert systemctl.calls[-2:] == [reload, reload]


def test_units_of_an_older_vipcast_are_replaced(shop, systemctl, tmp_path):
    found = view(shop, install=True)
    service = units_folder(tmp_path) / f"{found['name']}.service"
    right = service.read_bytes()
    service.write_bytes(b"[Service]\nExecStart=/old\n")
    assert view(shop, install=True)["state"] == "installed"
    assert service.read_bytes() == right


@pytest.mark.parametrize(
    ("given", "used"), [("{}/etc", "{}/etc"), ("etc", "{}/home/.config"), ("", "{}/home/.config")]
)
def test_folder_of_settings_is_where_the_environment_says(
    shop, systemctl, tmp_path, monkeypatch, given, used
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", given.format(tmp_path))
    for file in view(shop, "systemd")["files"]:
        assert Path(file).parent == Path(used.format(tmp_path)) / "systemd" / "user"


def test_systemd_that_refuses_is_told_and_nothing_is_written(shop, tools, tmp_path):
    make_tool(tools, "systemctl", '#!/bin/sh\necho "Failed to connect to bus: No medium found" >&2\nexit 1\n')
    with pytest.raises(VipcastError, match="Failed to connect to bus") as caught:
        crontab_view(shop, Terminal(), "systemd", install=True)
    assert "not by su or sudo" in caught.value.hint
    assert not units_folder(tmp_path).exists()


def test_task_is_written_beside_its_command(shop, tools):
    found = view(shop, "windows")
    file = shop.config.state / "tick.xml"
    assert found["text"] == f'schtasks /Create /TN {found["name"]} /XML "{file}" /F'
    assert file.read_bytes()[:2] == b"\xff\xfe"
    assert "<Interval>PT1M</Interval>" in file.read_bytes().decode("utf-16")


@pytest.mark.parametrize("wish", ["install", "remove"])
def test_task_is_for_windows_alone(shop, tools, wish):
    with pytest.raises(InputError, match="Task Scheduler is Windows's"):
        crontab_view(shop, Terminal(), "windows", **{wish: True})
    assert not (shop.config.state / "tick.xml").exists()


def test_task_is_installed_and_removed_by_schtasks(shop, tools):
    tool = make_tool(tools, "schtasks", TOOL)
    job = make_job(shop.config.folder, own_program(Path(sys.executable), "windows"))
    crontab._windows(job, "install", "win32")
    file = shop.config.state / "tick.xml"
    assert tool.calls == [f"/Create /TN {job.name} /XML {file} /F"]
    crontab._windows(job, "remove", "win32")
    assert tool.calls[1:] == [f"/Delete /TN {job.name} /F"]
    assert not file.exists()


def test_task_logs_though_it_has_no_streams(shop, empty):
    """What the task runs, with the words of another command: this one interpreter has a window or none."""
    command = [*own_program(Path(sys.executable), "windows"), "--shop", str(empty.folder), "hours", "show"]
    assert WINDOWLESS in command
    (empty.folder / "typing.py").write_text("raise SystemExit(3)", encoding="utf-8")  # not to be imported
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command],
        cwd=empty.folder, env=child_environment(), check=False,
    )  # fmt: skip
    log = (shop.config.state / "tick.log").read_text(encoding="utf-8")
    assert (done.returncode, "A message comes on" in log) == (0, True), log


@pytest.mark.parametrize(("kind", "hint"), [("corn", '"cron"'), ("launchd", "cron, systemd, windows")])
def test_unknown_kind_is_refused(shop, tools, kind, hint):
    with pytest.raises(InputError, match=f"no {kind!r}") as caught:
        crontab_view(shop, Terminal(), kind)
    assert hint in caught.value.hint


def test_install_and_remove_at_once_are_refused(shop, cron):
    with pytest.raises(InputError, match="--install and --remove"):
        crontab_view(shop, Terminal(), install=True, remove=True)
    assert cron.calls == []


def test_setting_that_the_clock_will_not_see_is_named_without_its_value(empty, cron, capsys):
    seen = {"VIPCAST_NEWS_TOKEN": "12345:secret", "VIPCAST_SHOP": str(empty.folder)}
    with Shop.open(None, seen, FixedClock()) as shop:
        said = words(shop, capsys, install=True)
        assert re.search(r"Only this terminal knows VIPCAST_NEWS_TOKEN; .*\.env", said.err)
        assert "secret" not in said.out + said.err + cron.table.read_text(encoding="utf-8")
        assert "Only this" not in words(shop, capsys, remove=True).err


def add_schedules(shop, *states):
    with shop.database.write() as connection:
        for state in states:
            connection.execute(
                insert(schedules).values(
                    template="note", groups=["gold"], variables={}, expression="daily 10:00", zone="UTC",
                    if_late="skip", grace_seconds=600, state=state, created_at=shop.now(),
                )
            )  # fmt: skip


def ticked(shop, ago):
    moment = shop.now() - ago
    (shop.config.state / "tick").write_text(f"{moment.isoformat()}\n12 ms\n", encoding="utf-8")


def findings(shop):
    return [(one.level, one.remedy, one.what) for one in tick_findings(shop)]


def test_doctor_has_nothing_to_say_without_an_active_schedule(shop):
    assert findings(shop) == []
    add_schedules(shop, "paused", "ended")
    ticked(shop, timedelta(days=9))
    assert findings(shop) == []


def test_doctor_misses_a_tick_that_never_came(shop):
    add_schedules(shop, "active", "active", "ended")
    [(level, remedy, what)] = findings(shop)
    assert (level, remedy) == ("fault", REMEDY)
    assert what.startswith("2 schedules are active, and nothing ever called")


@pytest.mark.parametrize(
    ("ago", "level", "remedy", "says"),
    [
        (timedelta(0), "ok", "", "was called 2026-11-23"),
        (timedelta(minutes=5), "ok", "", "1 schedule is active"),
        (timedelta(minutes=5, seconds=1), "fault", REMEDY, "was last called 2026-11-23"),
        (timedelta(days=2), "fault", REMEDY, "was last called 2026-11-21"),
        (timedelta(seconds=-120), "ok", "", "was called"),
        (timedelta(seconds=-121), "fault", "Set the clock.", "the clock was set back"),
    ],
    ids=str,
)
def test_doctor_says_when_tick_was_called(shop, ago, level, remedy, says):
    add_schedules(shop, "active")
    ticked(shop, ago)
    [found] = findings(shop)
    assert found[:2] == (level, remedy)
    assert says in found[2]


@pytest.mark.parametrize("text", ["", "soon\n", "\n2026-11-23T09:30:00+00:00", "\udcff"])
def test_doctor_tells_a_mark_that_says_nothing(shop, text):
    add_schedules(shop, "active")
    (shop.config.state / "tick").write_text(text, encoding="utf-8", errors="surrogateescape")
    [(level, remedy, what)] = findings(shop)
    assert (level, remedy) == ("fault", REMEDY)
    assert "does not say when" in what


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:30:00Z", "2026-11-23T09:30:00", "2026-11-23T10:30:00+01:00\r"]
)
def test_doctor_reads_time_as_utc(shop, text):
    add_schedules(shop, "active")
    (shop.config.state / "tick").write_text(text, encoding="utf-8")
    assert [found[0] for found in findings(shop)] == ["ok"]


def test_doctor_notes_a_log_that_grew(shop):
    log = shop.config.state / "tick.log"
    log.touch()
    os.truncate(log, LARGE_LOG_BYTES)
    assert findings(shop) == []
    os.truncate(log, LARGE_LOG_BYTES + 1)
    assert findings(shop) == [("note", f"Read its end, then delete it: {log}", "tick.log has 10 MB.")]


def test_doctor_leaves_a_damaged_database_to_others(shop):
    (shop.config.state / "vipcast.db").write_bytes(b"no database at all" * 99)
    assert findings(shop) == []
