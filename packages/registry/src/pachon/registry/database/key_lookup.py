# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table for many compound keys at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from pachon.registry.database.columns import Kind, concatenated, fetch_columns
from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.uploads import uploaded

__all__ = [
    "fetch_by_keys",
    "fetch_columns_by_keys",
    "few_values",
    "list_conditions",
    "list_parameters",
    "matching",
]

_T = TypeVar("_T")
_IN_LIMIT = 5000
"""Values in one list of IN, far below the drivers' limits of parameters."""
_ARRAY_LIMIT = 1_000_000
"""Values in one array: a single parameter, which PostgreSQL has and which needs no time of the drivers for each value."""


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
    dialect = connection.dialect.name
    limit = _limit(dialect)
    if product <= 4 * len(keys) and all(len(distinct[name]) <= limit for name in others):
        conditions += [_one_of(columns[name], distinct[name], dialect) for name in others]
        starts = range(0, len(distinct[first]), limit)
        lists = [_one_of(columns[first], distinct[first][start : start + limit], dialect) for start in starts]
        return [run(select.where(*conditions, part)) for part in lists]
    once = keys.take(keys.first_rows())
    values = {f"key_{name}": (columns[name].type, once.columns[name].tolist()) for name in varying}
    with uploaded(connection, values, len(once)) as table:
        joined = [columns[name] == table.c[f"key_{name}"] for name in varying]
        return [run(select.where(*conditions, *joined))]


def few_values(columns: Iterable[str], keys: KeyTable, dialect: str) -> dict[str, list[Any]] | None:
    """Give the distinct values of each dimension of some keys, if one statement with lists of them meets few others."""
    distinct = {name: keys.columns[name].compacted().values.tolist() for name in columns}
    counts = [len(values) for values in distinct.values()]
    return distinct if math.prod(counts) <= 4 * len(keys) and max(counts, default=0) <= _limit(dialect) else None


def list_conditions(
    columns: Mapping[str, sa.ColumnElement[Any]], alone: Collection[str], dialect: str
) -> list[sa.ColumnElement[bool]]:
    """Give the conditions that columns have values of lists: parameters, so that the statement can be kept.

    Parameters
    ----------
    columns
        By dimension.
    alone
        Dimensions of which there is a single value.
    dialect
        ``sqlite`` or ``postgresql``.
    """
    return [
        column == sa.bindparam(f"only_{name}")
        if name in alone
        else column == sa.any_(sa.bindparam(f"list_{name}", type_=sa.ARRAY(column.type)))
        if dialect == "postgresql"
        else column.in_(sa.bindparam(f"list_{name}", expanding=True))
        for name, column in columns.items()
    ]


def list_parameters(lists: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Give the parameters of `list_conditions`."""
    return {
        f"only_{name}" if len(values) == 1 else f"list_{name}": values[0] if len(values) == 1 else values
        for name, values in lists.items()
    }


def _limit(dialect: str) -> int:
    return _ARRAY_LIMIT if dialect == "postgresql" else _IN_LIMIT


def _one_of(column: sa.ColumnElement[Any], values: Sequence[Any], dialect: str) -> sa.ColumnElement[bool]:
    if dialect == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))
    return column.in_(values)


def matching(columns: Mapping[str, sa.ColumnElement[Any]], prefix: str = "key_") -> sa.ColumnElement[bool]:
    """Give the condition that columns equal parameters named after their dimensions."""
    return sa.and_(sa.true(), *(column == sa.bindparam(f"{prefix}{name}") for name, column in columns.items()))
