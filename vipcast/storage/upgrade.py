"""Bringing an older database to HEAD by Alembic, whole or not at all."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

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
        command.upgrade(config, "head")


def head() -> str:
    """Return the newest migration's name."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())
