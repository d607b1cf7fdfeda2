"""The texts that have the clock call `vipcast tick`: any folder's name, all crons, systemd, Windows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vipcast.cli.crontab import (
    MAX_CRON_COMMAND,
    Job,
    change_table,
    cron_lines,
    default_kind,
    make_job,
    own_program,
    quote,
    shell_line,
    task_xml,
    units,
)
from vipcast.errors import InputError

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
JOB = Job(Path("/srv/régi divat"), ("/opt/vipcast/bin/vipcast",))
OTHER = Job(Path("/srv/jiný obchod"), JOB.program)
NASTY = "a b'c\"d%%h\\\\e\\$HOME ${X};#&|<>*?é🛍`id`!\\"
NS = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}

# Any letters but those that no file's name may have here, and those that are refused.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\ufffe\uffff"),
    max_size=40,
) | st.text(st.sampled_from("%\\'\"$ `!;&a"), max_size=12)  # fmt: skip


def bsd_cron(command):
    r"""What BSD's cron hands to the shell: `\%` and `\\` lose their backslash, a bare % ends the command."""
    return re.sub(r"\\([%\\])|(\\.)|%.*", lambda found: found[1] or found[2] or "", command, flags=re.DOTALL)


def cronie(command):
    return re.sub(r"\\(%)|(\\.)|%.*", lambda found: found[1] or found[2] or "", command, flags=re.DOTALL)


def first_cron(command):
    r"""What the first of Vixie's crons hands on: `\%` as it is."""
    return re.sub(r"(\\.)|%.*", lambda found: found[1] or "", command, flags=re.DOTALL)


def busybox(command):
    return command


def systemd(unit):
    """What systemd makes of the one ExecStart of a unit: its words, as systemd.service(5) has them read."""
    [line] = re.findall(r"(?m)^ExecStart=(.*)$", unit)
    # In these quotes systemd reads a backslash before a quote or a backslash as Python's shlex does.
    words = shlex.split(line)
    assert all(re.fullmatch(r"([^%]|%%)*", word) for word in words), "a specifier would be filled in"
    words = [word.replace("%%", "%") for word in words]
    assert all(re.fullmatch(r"([^$]|\$\$)*", word) for word in words), "a variable would be filled in"
    return [word.replace("$$", "$") for word in words]


CRONS = [bsd_cron, cronie, first_cron, busybox]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("shops").resolve()


def make_shop(place, name):
    """Make a folder of that name with a program in it that tells what it was called with."""
    folder = place / f"s{name}e"
    (folder / ".vipcast").mkdir(parents=True, exist_ok=True)
    program = folder / f"p{name}"
    program.write_text('#!/bin/sh\nprintf \'%s\\0\' "$PYTHONUTF8" "$@"\n', encoding="utf-8")
    program.chmod(stat.S_IRWXU)
    return make_job(folder, (str(program),))


def told(job, command):
    """Run a command as cron and systemd do; return what the program was called with."""
    job.log.unlink(missing_ok=True)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, env={})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return job.log.read_bytes().decode().split("\0")[:-1]


@posix
@given(name=names)
@example(name=NASTY)
@example(name="\\" * 9)
@example(name="%\\%")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_folder_reaches_the_program_through_every_cron(place, name):
    job = make_shop(place, name)
    expected = ["1", "--shop", str(job.folder), "tick", "--no-input"]
    mark, line, rest = cron_lines(job).split("\n")
    assert (mark[0], rest) == ("#", "")
    five, command = line[:10], line[10:]
    assert five == "* * * * * "
    heard = {cron(command) for cron in CRONS}
    for one in heard:
        assert told(job, one) == expected


@posix
@given(name=names)
@example(name=NASTY)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_folder_reaches_the_program_through_systemd(place, name):
    job = make_shop(place, name)
    service = units(job)[f"{job.name}.service"]
    shell, flag, command = systemd(service)
    assert (shell, flag, command) == ("/bin/sh", "-c", shell_line(job))
    assert told(job, command) == ["1", "--shop", str(job.folder), "tick", "--no-input"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("name", ["shop", NASTY, "100%Q"])
def test_systemd_itself_takes_the_units(place, tmp_path, name):
    job = make_shop(place, name)
    tmp_path.chmod(stat.S_IRWXU)
    for file, text in units(job).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--user", "--man=no", *map(str, tmp_path.glob("vipcast-*"))]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")


def test_words_of_the_line_are_those_that_are_promised():
    assert cron_lines(JOB) == (
        f"# vipcast tick {JOB.digest}: /srv/régi divat\n"
        "* * * * * PYTHONUTF8=1 '/opt/vipcast/bin/vipcast' --shop '/srv/régi divat' tick --no-input"
        " >> '/srv/régi divat/.vipcast/tick.log' 2>&1\n"
    )


def test_percent_stands_outside_of_the_quotes_and_is_escaped():
    assert quote("100%") == r"'100'\%"
    assert quote("") == "''"
    assert "\\\\" not in quote("a\\\\\\b")


@pytest.mark.parametrize("letter", ["\n", "\r", "\t", "\0", "\x1b", "\x85", "\udc80", "\uffff"])
@pytest.mark.parametrize("part", ["folder", "program"])
def test_name_that_no_table_can_hold_is_refused(tmp_path, monkeypatch, letter, part):
    bad = f"/srv/shop{letter}* * * * * evil"
    monkeypatch.setattr(Path, "resolve", lambda self: self)  # the file system refuses some by itself
    folder, program = (Path(bad), "/bin/vipcast") if part == "folder" else (tmp_path, bad)
    with pytest.raises(InputError, match="no clock can call") as caught:
        make_job(folder, (program,))
    assert letter not in caught.value.message
    assert caught.value.hint


def test_every_way_to_the_folder_is_one_job(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shop")
    ways = [tmp_path / "shop", tmp_path / "link", tmp_path / "shop" / ".." / "shop"]
    assert len({make_job(way, ("x",)) for way in ways}) == 1


def test_line_that_cron_would_cut_is_refused():
    def job(length):
        return Job(Path("/" + "x" * length), ("/v",))

    spare = MAX_CRON_COMMAND - len(shell_line(job(1)).encode())
    assert cron_lines(job(1 + spare // 2))
    with pytest.raises(InputError, match="too long for cron"):
        cron_lines(job(2 + spare // 2))


TABLES = [
    b"",
    b"MAILTO=me\n",
    b"0 5 * * * backup > /dev/null 2>&1\n# note: \xff\xfe\n\n\t*/5 * * * * x % y\n",
    b"@daily a\r\n@daily b\r\n",
    b"\n\n",
    b"# vipcast tick 00000000: /somewhere\n* * * * * y >> '/somewhere/.vipcast/tick.log' 2>&1\n",
    cron_lines(OTHER).encode(),
]


@pytest.mark.parametrize("table", TABLES)
def test_job_is_added_once_and_taken_out_without_a_trace(table):
    lines = cron_lines(JOB)
    added = change_table(table, JOB, lines)
    assert added == table + lines.encode()
    assert change_table(added, JOB, lines) == added
    assert change_table(added, JOB, "") == table
    assert change_table(table, JOB, "") == table


@pytest.mark.parametrize("before", TABLES)
@pytest.mark.parametrize("after", TABLES)
def test_older_job_is_replaced_where_it_stands(before, after):
    old = cron_lines(Job(JOB.folder, ("/old/python", "-m", "vipcast"))).encode()
    assert change_table(before + old + after, JOB, cron_lines(JOB)) == (
        before + cron_lines(JOB).encode() + after
    )
    assert change_table(before + old + after, JOB, "") == before + after


def test_a_second_job_of_the_shop_goes():
    lines = cron_lines(JOB).encode()
    assert change_table(lines + b"a\n" + lines, JOB, cron_lines(JOB)) == lines + b"a\n"


def test_line_under_a_mark_that_is_not_ours_stays():
    mark, _, _ = cron_lines(JOB).encode().partition(b"\n")
    table = mark + b"\n0 5 * * * backup\n"
    assert change_table(table, JOB, cron_lines(JOB)) == cron_lines(JOB).encode() + b"0 5 * * * backup\n"
    assert change_table(table, JOB, "") == b"0 5 * * * backup\n"


def test_last_line_without_an_end_gets_one():
    added = change_table(b"MAILTO=me", JOB, cron_lines(JOB))
    assert added == b"MAILTO=me\n" + cron_lines(JOB).encode()
    assert change_table(added.rstrip(b"\n"), JOB, cron_lines(JOB)) == added.rstrip(b"\n")
    assert change_table(b"MAILTO=me", JOB, "") == b"MAILTO=me"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Régi Divat", "vipcast-regi-divat-"),
        ("магазин", "vipcast-"),
        ("a@b%i", "vipcast-a-b-i-"),
        ("x" * 300, "vipcast-xxx"),
    ],
)
def test_name_is_ascii_and_of_one_folder_alone(folder, name):
    here, there = (Job(Path(f"/{parent}/{folder}"), ("x",)) for parent in ("a", "b"))
    assert here.name.startswith(name)
    assert re.fullmatch(r"vipcast-(?:[a-z0-9]+-)*[0-9a-f]{8}", here.name)
    assert len(here.name) < 64
    assert here.name != there.name


def test_timer_is_that_of_each_full_minute():
    timer = units(JOB)[f"{JOB.name}.timer"]
    for line in ("OnCalendar=*-*-* *:*:00", "AccuracySec=1s", "Persistent=false", "WantedBy=timers.target"):
        assert f"\n{line}\n" in timer
    assert "\nType=oneshot\n" in units(JOB)[f"{JOB.name}.service"]


def argv(text):
    """Split a command line as Windows programs do: quotes, and backslashes before quotes."""
    found, word, quoted, i = [], None, False, 0
    while i < len(text):
        slashes = len(text[i:]) - len(text[i:].lstrip("\\"))
        if slashes:
            i += slashes
            before_quote = text[i : i + 1] == '"'
            word = (word or "") + "\\" * (slashes // 2 if before_quote else slashes)
            if before_quote and slashes % 2:
                word += '"'
                i += 1
        elif text[i] == '"':
            quoted, word, i = not quoted, word or "", i + 1
        elif text[i] in " \t" and not quoted:
            found, word, i = found + ([word] if word is not None else []), None, i + 1
        else:
            word, i = (word or "") + text[i], i + 1
    return found + ([word] if word is not None else [])


@given(name=names.filter(lambda name: not re.search(r"%[^%]+%|\$\(", name)))
@example(name='Tom & <Jerry> "100%" é\\')
def test_any_folder_reaches_the_program_through_task_scheduler(name):
    job = Job(Path(f"/x{name}"), ("C:\\Program Files\\Python\\pythonw.exe", "-X", "utf8", "-c", "a; 'b'"))
    root = ET.fromstring(task_xml(job).encode("utf-16"))  # noqa: S314 - of our own making
    assert root.findtext(".//t:Command", namespaces=NS) == job.program[0]
    assert root.findtext(".//t:WorkingDirectory", namespaces=NS) == str(job.folder)
    said = root.findtext(".//t:Arguments", namespaces=NS)
    assert argv(said) == ["-X", "utf8", "-c", "a; 'b'", "--shop", str(job.folder), "tick", "--no-input"]


def test_task_comes_each_minute_for_who_is_logged_on():
    root = ET.fromstring(task_xml(JOB).encode("utf-16"))  # noqa: S314 - of our own making
    for path, value in {
        ".//t:TimeTrigger/t:Repetition/t:Interval": "PT1M",
        ".//t:LogonType": "InteractiveToken",
        ".//t:MultipleInstancesPolicy": "Parallel",
        ".//t:DisallowStartIfOnBatteries": "false",
    }.items():
        assert root.findtext(path, namespaces=NS) == value
    assert root.find(".//t:Repetition/t:Duration", NS) is None  # for ever


@pytest.mark.parametrize("name", ["%TEMP%", "100% of %USERNAME%", "$(Arg0)"])
def test_name_that_windows_would_fill_in_is_refused(name):
    with pytest.raises(InputError, match="fill something in"):
        task_xml(Job(Path("/shops") / name, ("pythonw.exe",)))


def executable(path):
    path.touch(mode=0o755)
    return path


def test_script_beside_the_interpreter_is_the_program(tmp_path):
    python = executable(tmp_path / "python3")
    assert own_program(python, "cron") == (str(python), "-m", "vipcast")
    (tmp_path / "vipcast").mkdir()  # a folder is no program
    assert own_program(python, "cron") == (str(python), "-m", "vipcast")
    (tmp_path / "vipcast").rmdir()
    script = executable(tmp_path / "vipcast")
    assert own_program(python, "cron") == own_program(python, "systemd") == (str(script),)


def test_link_to_the_interpreter_stays(tmp_path):
    (tmp_path / "venv").mkdir()
    link = tmp_path / "venv" / "python"
    link.symlink_to(executable(tmp_path / "python3"))
    assert own_program(link, "cron")[0] == str(link)


def test_windows_gets_the_interpreter_without_a_window(tmp_path, monkeypatch):
    python = executable(tmp_path / "python.exe")
    assert own_program(python, "windows")[0] == str(python)
    windowless = executable(tmp_path / "pythonw.exe")
    assert own_program(python, "windows")[0] == str(windowless)
    monkeypatch.chdir(tmp_path)
    assert own_program(Path("python.exe"), "windows")[0] == str(windowless)


@pytest.mark.parametrize(
    ("platform", "programs", "kind"),
    [
        ("win32", ["crontab"], "windows"),
        ("linux", ["crontab", "systemctl"], "cron"),
        ("linux", ["systemctl"], "systemd"),
        ("linux", [], "cron"),
        ("darwin", ["crontab"], "cron"),
    ],
)
def test_kind_is_that_of_the_machine(tmp_path, monkeypatch, platform, programs, kind):
    for name in programs:
        executable(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert default_kind(platform) == kind
