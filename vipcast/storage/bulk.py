"""Many rows at once: SQLAlchemy's own way costs more than the database does, for a million of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Dialect, Table, bindparam, func, insert, select, text
from sqlalchemy.types import TypeEngine


def reserve_ids(connection: Connection, table: Table, count: int) -> range:
    """Return numbers for new rows. Call it inside a write transaction, which keeps others out."""
    last = connection.execute(select(func.max(table.c.id))).scalar() or 0
    return range(last + 1, last + 1 + count)


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows given as sequences in the order of `columns`."""
    dialect = connection.dialect
    statement = insert(table).values({name: bindparam(name) for name in columns})
    sql = str(statement.compile(dialect=dialect, column_keys=list(columns)))
    converts: list[tuple[int, Any]] = [
        (place, lru_cache(maxsize=4096)(convert))  # dates, times and flags repeat from row to row
        for place, name in enumerate(columns)
        if (convert := _converter(table.c[name].type, dialect))
    ]
    ready = [tuple(row) for row in rows] if not converts else [_converted(row, converts) for row in rows]
    if ready:
        connection.exec_driver_sql(sql, ready)


def _converter(kind: TypeEngine[Any], dialect: Dialect) -> Any:
    """Return what makes a value ready for the driver, None where nothing has to be done."""
    if isinstance(kind, JSON):
        return None  # its rows bring text: a dictionary cannot be remembered by its value
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _converted(row: Sequence[Any], converts: Sequence[tuple[int, Any]]) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in converts:
        if values[place] is not None:
            values[place] = convert(values[place])
    return tuple(values)


def among(connection: Connection, column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Return the test that a text column holds one of many values, given as one parameter."""
    if connection.dialect.name != "sqlite":
        return column.in_(values)
    listed = text("SELECT value FROM json_each(:values)").bindparams(values=json.dumps(values))
    return column.in_(listed)
