# SPDX-License-Identifier: BSD-3-Clause
"""Insertions: of many rows, and of rows that may exist, in the words both databases share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError, IntegrityError

from pachon.registry.database.copying import copy_columns
from pachon.registry.database.statistics import note_growth

__all__ = ["insert_columns", "insert_or_skip", "insert_or_update"]

_COPIED = 20
"""Rows from which on COPY is quicker than INSERT."""


def _insert(table: sa.Table, dialect: str) -> Any:
    if dialect == "sqlite":
        return sqlite.insert(table)
    # The other dialect takes a while to import.
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
    rows = list(zip(*columns.values(), strict=True))
    if not rows:
        return
    # The driver takes tuples twice as fast as SQLAlchemy makes them of mappings.
    text = _sqlite_insert(table, tuple(names))
    driver: object = connection.connection.dbapi_connection
    if len(rows) == 1 and isinstance(driver, sqlite3.Connection):
        # One row: the driver alone takes a tenth of the time that SQLAlchemy takes for its preparations.
        try:
            driver.execute(text, rows[0])
        except sqlite3.IntegrityError as error:
            raise IntegrityError(text, None, error) from error
        except sqlite3.Error as error:
            raise DatabaseError(text, None, error) from error
        return
    connection.exec_driver_sql(text, rows)


@lru_cache(maxsize=512)
def _sqlite_insert(table: sa.Table, names: tuple[str, ...]) -> str:
    quote = sqlite.dialect().identifier_preparer
    listed = ", ".join(quote.quote(name) for name in names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {quote.format_table(table)} ({listed}) VALUES ({marks})"  # noqa: S608  # quoted names only
