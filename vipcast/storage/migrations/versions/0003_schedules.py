"""Schedules, approval, quiet times and recalls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vipcast.storage.columns import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("template", sa.String(length=128), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("if_late", sa.String(length=8), nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("lasts_seconds", sa.Integer(), nullable=True),
        sa.Column("is_urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("next_local", sa.String(length=32), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_schedules_state_schedules_next_at"), ["state", "next_at"], unique=False
        )

    op.create_table(
        "runs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("local", sa.String(length=32), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("ran_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("announcement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcements.id"],
            name=op.f("fk_runs_announcement_id_announcements"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_runs_schedule_id_schedules"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("schedule_id", "local", name=op.f("uq_runs_schedule_id_local")),
    )
    with op.batch_alter_table("announcements", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
        batch_op.add_column(sa.Column("ends_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("approval", sa.String(length=8), server_default="", nullable=False))
        batch_op.add_column(sa.Column("approval_by", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("approval_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recall", sa.String(length=8), server_default="", nullable=False))
        batch_op.add_column(sa.Column("recall_words", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("recalled_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.add_column(sa.Column("timezone", sa.String(length=64), server_default="", nullable=False))

    for name, table, columns, condition in (
        ("ix_deliveries_address", "deliveries", ["account", "address"], None),
        ("ix_deliveries_answers", "deliveries", ["planned_at"], "kind = 'answer'"),
        ("ix_inbound_waiting", "inbound", ["id"], "handling = 'waiting'"),
        ("ix_conversations_waiting", "conversations", ["waiting_since"], "waiting_since IS NOT NULL"),
    ):
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
