"""The error tree, and the hint that names what was meant. Imports nothing of vipcast.

    VipcastError                 1   something failed
    ├── InputError               2   bad usage or input: a file, a value, a name
    │   └── ConfigError          2   vipcast.toml is wrong
    ├── NothingToDo              3   nobody matched
    ├── PartlyDone               4   some failed, or their outcome is unknown
    ├── SetupMissing             5   a login or a setting is missing
    ├── Locked                   6   another process has it
    ├── Interrupted            130   Ctrl-C
    ├── StorageError             1   the database cannot be used
    └── SendError                -   a messenger's answer (messengers/base.py); delivery/ makes it a state

`ConfigError` and `SetupMissing` stand outside `SendError`, so that nothing that tolerates a failed
send can swallow them. Exit codes are the contract of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for people and for programs: the `errors` of `--json`."""

    code: str
    message: str
    hint: str = ""
    where: str = ""


class VipcastError(Exception):
    """A failure that a person can understand and act on.

    `message` is one sentence that names the place, `hint` the next step, `where` the file, line or key.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"

    def __init__(
        self, message: str, *, hint: str = "", where: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All faults found at once; one made of the message where none was listed."""
        return self._problems or (Problem(self.code, self.message, self.hint, self.where),)


class InputError(VipcastError):
    exit_code = 2
    code = "bad-input"


class ConfigError(InputError):
    code = "bad-config"


class NothingToDo(VipcastError):
    exit_code = 3
    code = "nothing-to-do"


class PartlyDone(VipcastError):
    exit_code = 4
    code = "partly-done"


class SetupMissing(VipcastError):
    exit_code = 5
    code = "setup-missing"


class Locked(VipcastError):
    exit_code = 6
    code = "locked"


class Interrupted(VipcastError):
    exit_code = INTERRUPTED
    code = "interrupted"


class StorageError(VipcastError):
    code = "storage"


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known word that comes closest, whatever the case; nothing where none is near."""
    import difflib  # noqa: PLC0415 - every command loads this module, and few have a word to correct

    by_key = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(word.casefold(), by_key, 1, cutoff)
    return by_key[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str], *, quotes: str = '"', cutoff: float = 0.6) -> str:
    """Return a hint that names what comes closest to `word`, or nothing."""
    close = nearest(word, known, cutoff=cutoff)
    return f"Did you mean {quotes}{close}{quotes}?" if close else ""
