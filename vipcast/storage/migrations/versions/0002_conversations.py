"""Conversations: routing, promises, the support desk, attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vipcast.storage.columns import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _create()
    _alter()
    _begin_conversations()


def _create() -> None:
    op.create_table(
        "conversations",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("messenger", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.Column("waiting_since", UtcDateTime(), nullable=True),
        sa.Column("wants_person", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("taken_by", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_conversations_member_id_members"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("member_id", name=op.f("uq_conversations_member_id")),
    )
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conversations_messenger_conversations_address"),
            ["messenger", "address"],
            unique=False,
        )

    op.create_table(
        "notes",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_notes_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notes_conversation_id"), ["conversation_id"], unique=False)

    op.create_table(
        "promises",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("nudged_at", UtcDateTime(), nullable=True),
        sa.Column("overdue_told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_promises_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promises_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_promises_state_promises_due_at"), ["state", "due_at"], unique=False
        )

    op.create_table(
        "attachments",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("inbound_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("ref", sa.Text(), server_default="", nullable=False),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["inbound_id"], ["inbound.id"], name=op.f("fk_attachments_inbound_id_inbound"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachments_inbound_id"), ["inbound_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachments_state"), ["state"], unique=False)


def _alter() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("talk_owner", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("talk_holder", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("talk_until", UtcDateTime(), nullable=True))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("inbound_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("kind", sa.String(length=16), server_default="announcement", nullable=False)
        )
        batch_op.add_column(sa.Column("purpose", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("author", sa.Text(), server_default="", nullable=False))
        batch_op.alter_column("announcement_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(batch_op.f("ix_deliveries_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_deliveries_purpose"), ["purpose"])
        batch_op.create_foreign_key(
            batch_op.f("fk_deliveries_conversation_id_conversations"),
            "conversations",
            ["conversation_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_deliveries_inbound_id_inbound"),
            "inbound",
            ["inbound_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("chat_account", sa.String(length=32), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("chat", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("chat", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("reply_to", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("handling", sa.String(length=16), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_inbound_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_inbound_conversation_id_conversations"),
            "conversations",
            ["conversation_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.drop_constraint(batch_op.f("uq_inbound_account_kind_address_remote_id"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_inbound_account_kind_chat_address_remote_id"),
            ["account", "kind", "chat", "address", "remote_id"],
        )


def _begin_conversations() -> None:
    """Give the messages that came in before conversations were kept theirs."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT id, member_id, account, messenger, address, at FROM inbound WHERE kind = 'message' ORDER BY id"
        )
    ).all()
    last = {("", row.member_id) if row.member_id else (row.messenger, row.address): row for row in rows}
    for key, row in last.items():
        number = connection.execute(
            sa.text(
                "INSERT INTO conversations (member_id, account, messenger, address, opened_at, heard_at)"
                " VALUES (:member_id, :account, :messenger, :address, :at, :at) RETURNING id"
            ),
            dict(row._mapping),  # noqa: SLF001 - SQLAlchemy's own name for the row as a mapping
        ).scalar_one()
        mine = "member_id = :member_id" if key[0] == "" else "messenger = :messenger AND address = :address"
        connection.execute(
            sa.text(f"UPDATE inbound SET conversation_id = :number WHERE {mine}"),  # noqa: S608 - no outside words
            {**row._mapping, "number": number},  # noqa: SLF001
        )
