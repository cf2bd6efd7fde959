# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table for many compound keys at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from pachon.registry.database.columns import Kind, concatenated, fetch_columns
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.uploads import uploaded

__all__ = ["fetch_by_keys", "fetch_columns_by_keys", "matching"]

_T = TypeVar("_T")
_IN_LIMIT = 5000
"""Values in one list of IN, far below the drivers' limits of parameters."""


def fetch_by_keys(
    connection: sa.Connection,
    select: sa.Select[Any],
    columns: Mapping[str, sa.ColumnElement[Any]],
    keys: KeyTable,
) -> list[Any]:
    """Give the rows of a selection for some keys, and perhaps others: compare them with `KeyTable.match`.

    Parameters
    ----------
    connection
        In a transaction if there are many keys.
    select
        What is wanted, without a condition on the keys.
    columns
        Columns of the selection by dimension; all of them are in ``keys``.
    keys
        The wanted values.
    """
    parts = _run(connection, select, columns, keys, lambda statement: connection.execute(statement).all())
    return [row for part in parts for row in part]


def fetch_columns_by_keys(
    connection: sa.Connection,
    select: sa.Select[Any],
    columns: Mapping[str, sa.ColumnElement[Any]],
    keys: KeyTable | None,
    kinds: Sequence[Kind],
) -> list[Any]:
    """Give the same as columns (`pachon.registry.database.columns`); all rows without keys."""
    if keys is None:
        return fetch_columns(connection, select, kinds)
    parts = _run(connection, select, columns, keys, lambda statement: fetch_columns(connection, statement, kinds))
    return concatenated(parts, kinds)


def _run(
    connection: sa.Connection,
    select: sa.Select[Any],
    columns: Mapping[str, sa.ColumnElement[Any]],
    keys: KeyTable,
    run: Callable[[sa.Select[Any]], _T],
) -> list[_T]:
    """Run a selection with conditions that meet the keys: once, or once for each part of them."""
    if len(keys) == 0:
        return []
    distinct = {name: keys.columns[name].compacted().values.tolist() for name in columns}
    conditions = [columns[name] == values[0] for name, values in distinct.items() if len(values) == 1]
    varying = [name for name, values in distinct.items() if len(values) > 1]
    if not varying:
        return [run(select.where(*conditions))]
    # Lists of the values of each dimension meet all their combinations: good when most of these are wanted.
    product = math.prod(len(distinct[name]) for name in varying)
    first, *others = sorted(varying, key=lambda name: -len(distinct[name]))
    if product <= 4 * len(keys) and all(len(distinct[name]) <= _IN_LIMIT for name in others):
        conditions += [columns[name].in_(distinct[name]) for name in others]
        starts = range(0, len(distinct[first]), _IN_LIMIT)
        lists = [columns[first].in_(distinct[first][start : start + _IN_LIMIT]) for start in starts]
        return [run(select.where(*conditions, part)) for part in lists]
    once = keys.take(keys.first_rows())
    values = {f"key_{name}": (columns[name].type, once.columns[name].tolist()) for name in varying}
    with uploaded(connection, values, len(once)) as table:
        joined = [columns[name] == table.c[f"key_{name}"] for name in varying]
        return [run(select.where(*conditions, *joined))]


def matching(columns: Mapping[str, sa.ColumnElement[Any]], prefix: str = "key_") -> sa.ColumnElement[bool]:
    """Give the condition that columns equal parameters named after their dimensions."""
    return sa.and_(sa.true(), *(column == sa.bindparam(f"{prefix}{name}") for name, column in columns.items()))
