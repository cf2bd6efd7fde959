# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the caller as a table to join with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from pachon.registry.database.inserts import insert_columns

__all__ = ["uploaded"]

_numbers = itertools.count(1)
_LEFT = "pachon tables that could not be dropped"
_USED = "pachon names of uploads"
_Columns = Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]


@contextmanager
def uploaded(connection: sa.Connection, columns: _Columns, length: int) -> Iterator[sa.FromClause]:
    """Give a table of these columns, which goes when the block ends.

    Parameters
    ----------
    connection
        In a snapshot or a write transaction.
    columns
        Type and values by name. There is always a further column ``row_number``, from 0.
    length
        The number of rows.
    """
    if connection.dialect.name == "postgresql":
        yield _arrays(columns, length)
        return
    _drop_left(connection)
    table = _make(connection, columns)
    try:
        values = {name: list(sequence) for name, (_, sequence) in columns.items()}
        insert_columns(connection, table, {"row_number": range(length), **values})
        yield table
    finally:
        _drop(connection, table)


def _make(connection: sa.Connection, columns: _Columns) -> sa.Table:
    """Make a table of an unused name: of few, so that the driver meets the same statements again; it keeps each that it has prepared."""
    used: set[str] = connection.info.setdefault(_USED, set())
    for number in itertools.count():
        if (name := f"upload_{number}") in used:
            continue
        table = sa.Table(
            name,
            sa.MetaData(),
            sa.Column("row_number", sa.BigInteger, primary_key=True, autoincrement=False),
            *(sa.Column(column, kind, nullable=False) for column, (kind, _) in columns.items()),
            prefixes=["TEMPORARY"],
        )
        try:
            table.create(connection, checkfirst=False)
        except sa.exc.OperationalError as error:
            if "already exists" not in str(error.orig):
                raise
            # It was dropped in a part of the transaction that was undone.
            connection.info.setdefault(_LEFT, []).append(table)
            used.add(name)
            continue
        used.add(name)
        return table
    raise AssertionError


def _drop(connection: sa.Connection, table: sa.Table) -> None:
    """Drop a table; SQLite drops none while rows of any statement of the connection are still to be fetched, and then it is emptied."""
    try:
        table.drop(connection, checkfirst=False)
    except sa.exc.OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        connection.execute(table.delete())
        connection.info.setdefault(_LEFT, []).append(table)
    else:
        connection.info.get(_USED, set()).discard(table.name)


def _drop_left(connection: sa.Connection) -> None:
    """Drop the tables that could not be dropped before, if that can be done now."""
    left: list[sa.Table] = connection.info.get(_LEFT, [])
    while left:
        try:
            left[-1].drop(connection, checkfirst=True)
        except sa.exc.OperationalError:
            return
        connection.info.get(_USED, set()).discard(left.pop().name)


def _arrays(columns: _Columns, length: int) -> sa.FromClause:
    """Send the columns as arrays within the statement that joins them: a replica and a reader may make no tables.

    A column of one value is sent as that value: of a condition on an array the server supposes that it leaves one row of two hundred, and
    would go through the rest in loops.
    """
    kinds: dict[str, TypeEngine[Any]] = {"row_number": sa.BigInteger()}
    values: list[list[Any]] = [list(range(length))]
    constants: dict[str, sa.ColumnElement[Any]] = {}
    for name, (kind, sequence) in columns.items():
        listed = list(sequence)
        if length > 1 and listed[0] == listed[-1] and listed.count(listed[0]) == length:
            constants[name] = sa.literal(listed[0], kind)
        else:
            kinds[name] = kind
            values.append(listed)
    arrays = [
        sa.cast(sa.literal(column, sa.ARRAY(kind)), sa.ARRAY(kind))
        for column, kind in zip(values, kinds.values(), strict=True)
    ]
    table = sa.func.unnest(*arrays).table_valued(*(sa.column(name, kind) for name, kind in kinds.items()))
    # Few names, so that a statement that was compiled before is known again; enough for those of one statement.
    number = next(_numbers) % 16
    derived = table.render_derived(name=f"upload_{number}")
    if not constants:
        return derived
    given = [derived.c.row_number, *(constants[n].label(n) if n in constants else derived.c[n] for n in columns)]
    return sa.select(*given).subquery(f"given_{number}")
