"""Bringing an older database to HEAD by Alembic, whole or not at all."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from vipcast.errors import StorageError
from vipcast.storage.database import Database


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(files("vipcast.storage") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database) -> None:
    """Run all pending migrations in one transaction."""
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                f"This database cannot be upgraded: {error}.",
                hint="Put back a backup: vipcast db restore FILE",
                where=database.where,
            ) from error


def head() -> str:
    """Return the newest migration's name."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())
