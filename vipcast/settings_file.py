"""Writing vipcast.toml and .env: comments and order stay, secrets are 0600, nothing is half written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vipcast.errors import ConfigError


def set_account(path: Path, name: str, values: Mapping[str, str]) -> None:
    """Write [accounts.NAME] into vipcast.toml, keeping what stands there and is not named."""
    import tomlkit  # noqa: PLC0415 - only for writing

    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    accounts = document.setdefault("accounts", tomlkit.table(is_super_table=True))
    table = accounts.setdefault(name, tomlkit.table())
    for key, value in values.items():
        if value:
            table[key] = value
    _write(path, tomlkit.dumps(document))


def remove_account(path: Path, name: str) -> None:
    import tomlkit  # noqa: PLC0415

    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    document.get("accounts", {}).pop(name, None)
    _write(path, tomlkit.dumps(document))


def set_secret(folder: Path, variable: str, value: str) -> None:
    """Write a secret into the shop's .env, which only its owner may read.

    Raises:
        ConfigError: it cannot be written.

    """
    from dotenv import set_key, unset_key  # noqa: PLC0415

    path = folder / ".env"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        if value:
            set_key(path, variable, value, encoding="utf-8")
        elif f"{variable}=" in path.read_text(encoding="utf-8"):
            unset_key(path, variable, encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise ConfigError(f".env cannot be written: {error.strerror}.", where=str(path)) from error


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + f".{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ConfigError(f"{path.name} cannot be written: {error.strerror}.", where=str(path)) from error
