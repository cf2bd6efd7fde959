# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table for many compound keys at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from pachon.registry.database.key_table import KeyTable
from pachon.registry.database.uploads import uploaded

__all__ = ["fetch_by_keys", "matching"]

_IN_LIMIT = 5000
"""Values in one list of IN, far below the drivers' limits of parameters."""


def fetch_by_keys(
    connection: sa.Connection,
    select: sa.Select[Any],
    columns: Mapping[str, sa.ColumnElement[Any]],
    keys: KeyTable,
    parameters: Mapping[str, Any] | None = None,
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
    parameters
        Values of the selection's own parameters.
    """
    if len(keys) == 0:
        return []
    if not columns:
        return list(connection.execute(select, parameters).all())
    distinct = {name: keys.columns[name].compacted().values.tolist() for name in columns}
    conditions = [columns[name] == values[0] for name, values in distinct.items() if len(values) == 1]
    varying = [name for name, values in distinct.items() if len(values) > 1]
    if not varying:
        return list(connection.execute(select.where(*conditions), parameters).all())
    # Lists of the values of each dimension meet all their combinations: good when most of these are wanted.
    product = math.prod(len(distinct[name]) for name in varying)
    if product <= 4 * len(keys) and all(len(distinct[name]) <= _IN_LIMIT for name in varying[1:]):
        first, *others = sorted(varying, key=lambda name: -len(distinct[name]))
        conditions += [columns[name].in_(distinct[name]) for name in others]
        rows: list[Any] = []
        for start in range(0, len(distinct[first]), _IN_LIMIT):
            part = columns[first].in_(distinct[first][start : start + _IN_LIMIT])
            rows.extend(connection.execute(select.where(*conditions, part), parameters))
        return rows
    once = keys.take(keys.first_rows())
    wanted = {name: (columns[name], once.columns[name].tolist()) for name in varying}
    return _fetch_joined(connection, select.where(*conditions), wanted, len(once), parameters)


def _fetch_joined(
    connection: sa.Connection,
    select: sa.Select[Any],
    wanted: Mapping[str, tuple[sa.ColumnElement[Any], list[Any]]],
    length: int,
    parameters: Mapping[str, Any] | None,
) -> list[Any]:
    values = {f"key_{name}": (column.type, column_values) for name, (column, column_values) in wanted.items()}
    with uploaded(connection, values, length) as table:
        joined = [column == table.c[f"key_{name}"] for name, (column, _) in wanted.items()]
        return list(connection.execute(select.where(*joined), parameters).all())


def matching(columns: Mapping[str, sa.ColumnElement[Any]], prefix: str = "key_") -> sa.ColumnElement[bool]:
    """Give the condition that columns equal parameters named after their dimensions."""
    return sa.and_(sa.true(), *(column == sa.bindparam(f"{prefix}{name}") for name, column in columns.items()))
