# SPDX-License-Identifier: BSD-3-Clause
"""Insertions: of many rows, and of rows that may exist, in the words both databases share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError

from pachon.registry.database.copying import copy_columns
from pachon.registry.database.statistics import note_growth

__all__ = ["insert_columns", "insert_or_skip", "insert_or_update", "insert_row"]

_COPIED = 20
"""Rows from which on COPY is quicker than INSERT."""
_TOGETHER = ((100, 1000), (10, 100), (1, 1))
"""Rows that one statement inserts on SQLite, if there are so many in all that it pays to prepare such a long one.

They are of few sizes, since the driver keeps what it has prepared.
"""
_MOST_PARAMETERS = 999
"""Of one statement on any build of SQLite."""


def _insert(table: sa.Table, dialect: str) -> Any:
    # Either dialect takes a while to import, and a process has one.
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_or_skip(table: sa.Table, dialect: str, *, keys: Iterable[str] | None = None) -> sa.Insert:
    """Insert rows unless one with the same key exists (any unique key, if none are named)."""
    statement: sa.Insert = (
        _insert(table, dialect).inline().on_conflict_do_nothing(index_elements=None if keys is None else list(keys))
    )
    return statement


def insert_or_update(table: sa.Table, dialect: str, *, keys: Iterable[str]) -> sa.Insert:
    """Insert rows, and where one with the same key exists replace its other columns."""
    names = list(keys)
    insert = _insert(table, dialect)
    others = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in names}
    if not others:
        return insert_or_skip(table, dialect, keys=names)
    statement: sa.Insert = insert.on_conflict_do_update(index_elements=names, set_=others)
    return statement


def insert_columns(connection: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows that are given as columns of values which the database takes as they are."""
    names = list(columns)
    if connection.dialect.name == "postgresql":
        count = len(next(iter(columns.values()), ()))
        if count >= _COPIED:
            copy_columns(connection, table, columns)
        elif rows := list(zip(*columns.values(), strict=True)):
            connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        note_growth(connection, table, count)
        return
    count = len(next(iter(columns.values()), ()))
    if count == 1:
        (row,) = zip(*columns.values(), strict=True)
        insert_row(connection, table, tuple(names), row)
    elif count:
        _insert_many(connection, table, columns, count)


def insert_row(connection: sa.Connection, table: sa.Table, names: tuple[str, ...], row: Sequence[Any]) -> None:
    """Insert one row into SQLite; its values are those that the database takes as they are."""
    text = _sqlite_insert(table, (), names, 1)
    driver: object = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        connection.exec_driver_sql(text, [row])
        return
    # One row: the driver alone takes a tenth of the time that SQLAlchemy takes for its preparations.
    try:
        driver.execute(text, row)
    except sqlite3.IntegrityError as error:
        raise IntegrityError(text, None, error) from error
    except sqlite3.Error as error:
        raise DatabaseError(text, None, error) from error


def _insert_many(connection: sa.Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]], count: int) -> None:
    """Insert rows, many with each statement, and what is the same in all of them once a statement.

    SQLite takes longer to begin a statement than to add a row to tables and indexes that it has open already.
    """
    constant = {name: values[0] for name, values in columns.items() if _is_constant(values, count)}
    varying = [name for name in columns if name not in constant] or [next(iter(columns))]
    constant.pop(varying[0], None)
    width = len(varying)
    # The driver takes tuples twice as fast as SQLAlchemy makes them of mappings.
    values = list(chain.from_iterable(zip(*(_unadapted(columns[name]) for name in varying), strict=True)))
    shared = tuple(constant.values())
    start = 0
    for together, pays in _TOGETHER:
        if count < pays:
            continue
        size = min(together, max(1, (_MOST_PARAMETERS - len(shared)) // width)) * width
        stop = start + (len(values) - start) // size * size
        if start < stop:
            text = _sqlite_insert(table, tuple(constant), tuple(varying), size // width)
            parts = [(*shared, *values[place : place + size]) for place in range(start, stop, size)]
            connection.exec_driver_sql(text, parts)
            start = stop


def _unadapted(values: Sequence[Any]) -> Iterable[Any]:
    """Give bytes as the driver takes them at once; it asks for each object of type bytes whether it is to be adapted, and how."""
    return map(bytearray, values) if type(values[0]) is bytes and set(map(type, values)) == {bytes} else values


def _is_constant(values: Sequence[Any], count: int) -> bool:
    """Tell whether a column has one value; those that are merely equal, as 1 and 1.0 are, become the same in a column of SQLite."""
    return len(values) == count and values[0] == values[-1] and values.count(values[0]) == count


@lru_cache(maxsize=512)
def _sqlite_insert(table: sa.Table, constant: tuple[str, ...], varying: tuple[str, ...], rows: int) -> str:
    """Write an insertion of some rows, of which some columns have one value for all."""
    from sqlalchemy.dialects import sqlite

    quote = sqlite.dialect().identifier_preparer
    listed = ", ".join(quote.quote(name) for name in (*constant, *varying))
    if rows == 1 or not constant:
        row = f"({', '.join('?' * (len(constant) + len(varying)))})"
        values = f"VALUES {', '.join([row] * rows)}"
    else:
        row = f"({', '.join('?' * len(varying))})"
        taken = [*("?" * len(constant)), *(f"column{number}" for number in range(1, len(varying) + 1))]
        values = f"SELECT {', '.join(taken)} FROM (VALUES {', '.join([row] * rows)})"  # noqa: S608  # marks only
    return f"INSERT INTO {quote.format_table(table)} ({listed}) {values}"  # quoted names only
