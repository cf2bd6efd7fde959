# SPDX-License-Identifier: BSD-3-Clause
"""Values of implied dimensions, without the rest of the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import Categorical, DimensionElement
from pachon.registry.database.columns import Kind, fetch_columns
from pachon.registry.database.key_lookup import fetch_columns_by_keys, few_values, list_conditions, list_parameters
from pachon.registry.database.key_table import KeyTable
from pachon.registry.dimension_records.fields import key_columns
from pachon.registry.schema.dimension_tables import key_kind
from pachon.registry.state import State

__all__ = ["fetch_implied"]


def fetch_implied(
    state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable
) -> tuple[dict[str, Categorical], np.ndarray]:
    """Give the implied values of records by dimension, and for each key the row of its record; there must be one."""
    table = state.schema.elements[element.name]
    columns = key_columns(element, table)
    implied = {name: table.c[name] for name in element.implied}
    kinds: list[Kind] = [key_kind(state.universe, name) for name in (*columns, *implied)]
    if (lists := few_values(columns, keys, state.dialect)) is not None:
        alone = tuple(name for name, values in lists.items() if len(values) == 1)
        statement = state.prepare(
            ("implied", element.name, alone),
            lambda: _select(columns, implied).where(*list_conditions(columns, alone, state.dialect)),
        )
        found = fetch_columns(connection, statement, kinds, list_parameters(lists))
    else:
        found = fetch_columns_by_keys(connection, _select(columns, implied), columns, keys, kinds)
    there = KeyTable.from_columns(dict(zip(columns, found, strict=False)), len(found[0]))
    values = KeyTable.from_columns(dict(zip(implied, found[len(columns) :], strict=True)), len(found[0]))
    return dict(values.columns), keys.match(there)


def _select(
    columns: Mapping[str, sa.ColumnElement[Any]], implied: Mapping[str, sa.ColumnElement[Any]]
) -> sa.Select[Any]:
    return sa.select(*columns.values(), *implied.values())
