"""Alembic's entry: runs the migrations on the connection that `upgrade` hands in."""

from __future__ import annotations

from alembic import context

from vipcast.storage import tables_chats  # noqa: F401 - its tables belong to the schema
from vipcast.storage.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
