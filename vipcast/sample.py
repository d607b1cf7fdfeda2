"""The sample shop: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vipcast.errors import InputError
from vipcast.places import FILE

ENV_TEXT = """\
# Secrets of this shop. Nobody but you may read this file.
# VIPCAST_TELEGRAM_API_ID=
# VIPCAST_TELEGRAM_API_HASH=
# VIPCAST_VIBER_TOKEN=
"""
IGNORED = ".vipcast/\n.env\n*.rejected.csv\n"
PARTS = (FILE, "recipients", "templates")


def sample_folder() -> Path:
    """Return the folder that holds the sample shop."""
    package = Path(__file__).parent
    for folder in (package / "sample", package.parent):
        if (folder / FILE).is_file() and (folder / "templates").is_dir():
            return folder
    raise InputError("The sample shop is missing from this installation.", hint="Install vipcast again.")


def make_shop(folder: Path, *, is_live: bool = False) -> list[Path]:
    """Copy the sample shop into a folder that holds none; return what was made.

    Raises:
        InputError: there is a shop already, or the folder cannot be written.

    """
    if (folder / FILE).exists():
        raise InputError(
            f"There is a shop in {folder} already.", hint="Choose another folder.", where=str(folder / FILE)
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file.", hint="Name a folder.", where=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        source = sample_folder()
        for part in PARTS:
            _copy(source / part, folder / part)
        if is_live:
            settings = (folder / FILE).read_text(encoding="utf-8")
            (folder / FILE).write_text(
                settings.replace("enabled = true", "enabled = false"), encoding="utf-8", newline="\n"
            )
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
        env = folder / ".env"
        if not env.exists():
            with os.fdopen(os.open(env, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as handle:
                handle.write(ENV_TEXT)
        (folder / ".vipcast").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The shop cannot be made in {folder}: {error.strerror}.",
            hint="Choose another folder.",
            where=str(folder),
        ) from error
    return [folder / part for part in PARTS]


def _copy(source: Path, target: Path) -> None:
    """Copy what is not there yet; what the owner has is left alone."""
    if source.is_dir():
        target.mkdir(exist_ok=True)
        for inner in source.iterdir():
            if not inner.name.endswith(".rejected.csv"):
                _copy(inner, target / inner.name)
    elif not target.exists():
        shutil.copyfile(source, target)
