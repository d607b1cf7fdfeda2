"""What calls `vipcast tick` each minute: a line for cron, units for systemd, a task for Windows.

The texts are made by pure functions; `crontab_view` prints them, installs them or takes them out.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from vipcast.cli.result import Result, note
from vipcast.cli.terminal import Terminal
from vipcast.errors import InputError, SetupMissing, VipcastError, did_you_mean
from vipcast.shop import Shop

_Done = subprocess.CompletedProcess[bytes]
KINDS = ("cron", "systemd", "windows")
LOG = "tick.log"
MAX_CRON_COMMAND = 999  # bytes: cron's MAX_COMMAND, with which Debian's and BSD's are still built, is 1000
TOOL_SECONDS = 60.0  # crontab, systemctl and schtasks answer at once, or never
_TOOLS = {  # what to do where it is missing, and where it refuses
    "crontab": ("Install cron, or take --for systemd.", "Your crontab is as it was. May this user use cron?"),
    "systemctl": ("Take --for cron.", "Log in as this user itself, not by su or sudo; or take --for cron."),
    "schtasks": ("It is a part of Windows, in System32.", "Read what it says, then try again."),
}

# Task Scheduler shows a window for each console program, and there is none to hide it behind. pythonw.exe
# has no window at all, is documented and stands in every Windows Python; `conhost --headless` is neither
# documented nor in older Windows, and needs cmd, which fills in %NAME% inside quotes too. As pythonw has
# no streams, the program opens the log itself; its name is relative to the task's working directory.
WINDOWLESS = (
    f"import sys; sys.stdout = sys.stderr = open('.vipcast/{LOG}', 'a', encoding='utf-8', buffering=1); "
    "from vipcast.__main__ import main; main()"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What is called each minute, and for which shop; both absolute."""

    folder: Path
    program: Sequence[str]

    @property
    def log(self) -> Path:
        return self.folder / ".vipcast" / LOG

    @property
    def digest(self) -> str:
        """Tell this shop's job from that of another shop whose folder has the same name."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """Return a name in ASCII, for units and tasks."""
        plain = unicodedata.normalize("NFKD", self.folder.name).encode("ascii", "ignore").decode().lower()
        words = re.findall("[a-z0-9]+", plain)
        return f"{'-'.join(['vipcast', *words])[:50].rstrip('-')}-{self.digest}"

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--shop", str(self.folder), "tick", "--no-input")

    @property
    def mark(self) -> str:
        return f"# vipcast tick {self.digest}:"


def make_job(folder: Path, program: Sequence[str]) -> Job:
    """Return a shop's job; its folder by the one name to which every spelling and every link leads.

    Raises:
        InputError: a path has a line break or another character that no table of jobs can hold.

    """
    job = Job(folder.resolve(), program)
    for path in (str(job.folder), *program):
        if any(unicodedata.category(letter) in {"Cc", "Cs"} or letter in "\ufffe\uffff" for letter in path):
            raise InputError(
                f"The name {path!r} has a line break, or a letter that is none; no clock can call that.",
                hint="Give the folder another name.",
            )
    return job


def own_program(executable: Path, kind: str) -> tuple[str, ...]:
    """Return how to call vipcast as it runs now; links stay, as a virtual environment is found by them."""
    python = executable.absolute()
    if kind == "windows":
        windowless = python.with_name("pythonw.exe")
        # -P: what lies in the shop's folder must not be imported in the place of a module.
        return (str(windowless if windowless.exists() else python), "-X", "utf8", "-P", "-c", WINDOWLESS)
    script = python.with_name("vipcast")
    is_there = script.is_file() and os.access(script, os.X_OK)
    return (str(script),) if is_there else (str(python), "-m", "vipcast")


def quote(text: str) -> str:
    r"""Return one word for the shell, that means the same with what cron does to a line and without.

    Cron ends the command at a `%`. All know `\%`, but some hand the backslash on to the shell and some do
    not; outside of quotes the shell takes it away itself. Some make one backslash of two, so no two
    stand side by side.
    """
    pieces = re.findall(r"[^%'\\]+|.", text, re.DOTALL) or [""]
    return "".join({"%": r"\%", "'": '''"'"'''}.get(piece, f"'{piece}'") for piece in pieces)


def shell_line(job: Job) -> str:
    """Return the call for `sh`; cron and user units have no locale, and the PATH is not needed."""
    words = (*job.program, *job.arguments)
    call = " ".join(word if re.fullmatch("[a-z-]+", word) else quote(word) for word in words)
    return f"PYTHONUTF8=1 {call} >> {quote(str(job.log))} 2>&1"


def cron_lines(job: Job) -> str:
    """Return the comment that marks the job as this shop's, and the job.

    Raises:
        InputError: it is longer than cron takes.

    """
    command = shell_line(job)
    if len(command.encode()) > MAX_CRON_COMMAND:
        raise InputError(
            f"The paths are too long for cron: the command has {len(command.encode())} bytes, "
            f"and cron takes {MAX_CRON_COMMAND}.",
            hint="Move the shop's folder nearer to the root, or take --for systemd.",
            where=str(job.folder),
        )
    return f"{job.mark} {job.folder}\n* * * * * {command}\n"


def change_table(table: bytes, job: Job, lines: str) -> bytes:
    """Return a crontab with this shop's job replaced by `lines`, or added; without it, where they are empty.

    Every other line stays as it is. The line under a mark goes only if it is a job of ours: somebody
    may have deleted that and left the mark.
    """
    mark, old = job.mark.encode(), [row + b"\n" for row in table.split(b"\n")]
    if old[-1] == b"\n":  # after the last line's end
        old.pop()
    new, added = [], lines.encode()
    while old:
        row = old.pop(0)
        if not row.startswith(mark):
            new.append(row)
            continue
        if old and f".vipcast/{LOG}".encode() in old[0]:
            old.pop(0)
        new.append(added)
        added = b""
    changed = b"".join([*new, added])
    return table if changed.rstrip(b"\n") == table.rstrip(b"\n") else changed


def units(job: Job) -> dict[str, str]:
    """Return systemd's two files by name.

    The shell appends to the log, as systemd itself does so only since 240. In systemd's quotes a backslash
    and a quote take a backslash; `%` and `$` are filled in there too, and doubled stand for themselves.
    """
    line = re.sub(r'[\\"]', r"\\\g<0>", shell_line(job)).replace("%", "%%").replace("$", "$$")
    service = (
        f"[Unit]\nDescription=vipcast: what is due now ({job.name})\n\n"
        f'[Service]\nType=oneshot\nExecStart=/bin/sh -c "{line}"\n'
    )
    timer = (
        f"[Unit]\nDescription=vipcast: each minute ({job.name})\n\n"
        "[Timer]\nOnCalendar=*-*-* *:*:00\nAccuracySec=1s\nPersistent=false\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    return {f"{job.name}.service": service, f"{job.name}.timer": timer}


def task_xml(job: Job) -> str:
    """Return the task for Task Scheduler, which reads it as UTF-16.

    It runs while its owner is logged on, needs no password and no administrator. Two may overlap, as with
    cron: a long announcement must not hold up the next minute. It runs on batteries, unlike by default.

    Raises:
        InputError: the folder's name has what Task Scheduler would fill in: %NAME% or $(NAME).

    """
    command, *given = job.program
    if found := re.search(r"%[^%]+%|\$\(", f"{command}\n{job.folder}"):
        raise InputError(
            f"Windows would fill something in for {found[0]!r} in {job.folder}.",
            hint="Give the folder another name.",
            where=str(job.folder),
        )
    arguments = html.escape(subprocess.list2cmdline([*given, *job.arguments]), quote=False)
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>vipcast: what is due now, each minute</Description></RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition><Interval>PT1M</Interval></Repetition>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
    </TimeTrigger>
  </Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{html.escape(command, quote=False)}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{html.escape(str(job.folder), quote=False)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def default_kind(platform: str = sys.platform) -> str:
    """Return what this machine has to call programs by the clock."""
    if platform == "win32":
        return "windows"
    return "cron" if shutil.which("crontab") or not shutil.which("systemctl") else "systemd"


@dataclass(slots=True)
class _Outcome:
    """What was done: shown, installed, unchanged (it stood there), removed or absent (it did not)."""

    state: str
    text: str
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def crontab_view(
    shop: Shop, terminal: Terminal, kind: str = "", *, install: bool = False, remove: bool = False
) -> Result:
    """Show what calls `vipcast tick` each minute for this shop, install it, or take it out.

    Raises:
        InputError: there is no such kind, the folder's name cannot be used, or both flags were given.
        SetupMissing: this machine has no such program.
        VipcastError: that program refused.

    """
    kind = kind or default_kind()
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"Choose one of: {', '.join(KINDS)}."
        raise InputError(f"There is no {kind!r} to call vipcast by the clock.", hint=hint)
    if install and remove:
        raise InputError("--install and --remove cannot both be meant.", hint="Give one of them.")
    job = make_job(shop.config.folder, own_program(Path(sys.executable), kind))
    wish = "install" if install else "remove" if remove else "show"
    if kind == "cron":
        done = _cron(job, wish, shop.config.state / "backups" / f"crontab-{shop.now():%Y-%m-%d-%H%M%S}")
    else:
        done = _systemd(job, wish) if kind == "systemd" else _windows(job, wish)
    if install:
        _write(job.log, b"", os.O_APPEND)  # before a shell makes it for all to read
    done.notes += [] if remove else _unseen(shop)
    for words in () if terminal.as_json else done.notes:
        note(words)
    said = {
        "installed": f"Installed: {kind} calls `vipcast tick` each minute for {job.folder}.",
        "unchanged": "It is installed already; nothing was changed.",
        "removed": f"Removed: {kind} does not call `vipcast tick` for {job.folder} any more.",
        "absent": "It is not installed; nothing was changed.",
    }
    data = {"for": kind, "name": job.name, "log": job.log} | asdict(done)
    return Result(data, [said.get(done.state, done.text.rstrip("\n"))])


def _unseen(shop: Shop) -> list[str]:
    """Return what works in this terminal and will not by the clock."""
    here = [name for name, origin in shop.config.sources.items() if origin == "the environment"]
    own = ", ".join(name for name in here if name != "VIPCAST_SHOP")
    return [f"Only this terminal knows {own}; write it into .env, where tick finds it."] if own else []


def _cron(job: Job, wish: str, backup: Path) -> _Outcome:
    lines = "" if wish == "remove" else cron_lines(job)
    if wish == "show":
        return _Outcome("shown", lines, notes=["To install it: vipcast schedule crontab --install"])
    table = _read_table()
    changed = change_table(table, job, lines)
    if changed == table:
        return _Outcome("unchanged" if lines else "absent", lines)
    kept = []
    if table:
        names = (backup.with_name(f"{backup.name}{f'-{n}' if n else ''}") for n in count())
        kept = [next(path for path in names if not path.exists())]
        _write(kept[0], table)
    _run("crontab", "-", given=changed)
    notes = [f"The crontab as it was: {path}" for path in kept]
    return _Outcome("installed" if lines else "removed", lines, kept, notes)


def _read_table() -> bytes:
    """Return the present table; that there is none must be said, lest one that was not read be lost."""
    found = _run("crontab", "-l", is_checked=False)
    if found.returncode == 0:
        return found.stdout
    if re.search(rb"no crontab|can't open .*no such file", found.stderr, re.IGNORECASE):
        return b""
    raise _refusal("crontab", found)


def _systemd(job: Job, wish: str) -> _Outcome:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, says the specification of base directories.
    home = Path(given) if Path(given).is_absolute() else Path.home() / ".config"
    files = {home / "systemd" / "user" / name: text for name, text in units(job).items()}
    text = "\n".join(f"# {path}\n{words}" for path, words in files.items())
    notes = ["Where nobody is logged in, it runs only after: loginctl enable-linger"]
    if wish == "show":
        notes.insert(0, "To install them: vipcast schedule crontab --for systemd --install")
        return _Outcome("shown", text, list(files), notes)
    _run("systemctl", "--user", "daemon-reload")  # what would refuse does so before anything is written
    if wish == "remove":
        there = [path for path in files if path.exists()]
        if not there:
            return _Outcome("absent", "")
        _run("systemctl", "--user", "disable", "--now", f"{job.name}.timer")
        for path in there:
            path.unlink()
        _run("systemctl", "--user", "daemon-reload")
        return _Outcome("removed", "", there)
    stands = all(path.is_file() and path.read_bytes() == words.encode() for path, words in files.items())
    for path, words in () if stands else files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(words.encode())
    _run("systemctl", "--user", "daemon-reload")
    # Also where they stood already: the timer may have been stopped.
    _run("systemctl", "--user", "enable", "--now", f"{job.name}.timer")
    return _Outcome("unchanged" if stands else "installed", text, list(files), notes)


def _windows(job: Job, wish: str, platform: str = sys.platform) -> _Outcome:
    path = job.folder / ".vipcast" / "tick.xml"
    if wish != "show" and platform != "win32":
        raise InputError(
            "Task Scheduler is Windows's; this machine has none.",
            hint="Run this on the Windows machine, or take --for cron or --for systemd.",
        )
    if wish == "remove":
        _run("schtasks", "/Delete", "/TN", job.name, "/F")
        path.unlink(missing_ok=True)
        return _Outcome("removed", "")
    _write(path, b"\xff\xfe" + task_xml(job).encode("utf-16-le"))
    # Quoted always: cmd would take an & in the path for the end of the command.
    text = f'schtasks /Create /TN {job.name} /XML "{path}" /F'
    if wish == "show":
        elsewhere = ["Its paths are this machine's; run this on the Windows machine."]
        return _Outcome("shown", text, [path], [] if platform == "win32" else elsewhere)
    _run("schtasks", "/Create", "/TN", job.name, "/XML", str(path), "/F")
    return _Outcome("installed", text, [path], ["It runs while you are logged on."])


def _write(path: Path, data: bytes, how: int = os.O_TRUNC) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | how, 0o600), "wb") as file:
        file.write(data)


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SetupMissing(f"There is no program {name!r} on this machine.", hint=_TOOLS[name][0])
    return path


def _run(tool: str, *arguments: str, given: bytes = b"", is_checked: bool = True) -> _Done:
    """Run a tool of the system; its words come in English, as some are looked at."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed name, found on the PATH, and words of ours
            [_tool(tool), *arguments], input=given, capture_output=True, check=False,
            env=os.environ | {"LC_ALL": "C"}, timeout=TOOL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise VipcastError(f"{tool} does not answer.", hint="Try again.") from error
    if is_checked and done.returncode != 0:
        raise _refusal(tool, done)
    return done


def _refusal(tool: str, done: _Done) -> VipcastError:
    words = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
    return VipcastError(f"{tool} refused: {words}", hint=_TOOLS[tool][1])
