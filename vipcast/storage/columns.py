"""What the tables' columns are made of: moments in UTC, ids, the member whom a row is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, text
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid only to INTEGER keys.
Id = BigInteger().with_variant(Integer, "sqlite")


def id_column() -> Column[Any]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def member_column(*, nullable: bool = False, ondelete: str = "CASCADE") -> Column[Any]:
    return Column("member_id", Id, ForeignKey("members.id", ondelete=ondelete), nullable=nullable)


def only_where(condition: str) -> dict[str, Any]:
    """Return what makes an index hold some rows only; a query must have the very words of `condition`."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
