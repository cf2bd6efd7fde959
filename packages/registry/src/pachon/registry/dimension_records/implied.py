# SPDX-License-Identifier: BSD-3-Clause
"""Values of implied dimensions, without the rest of the records."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import Categorical, DimensionElement
from pachon.registry.database.columns import Kind
from pachon.registry.database.key_lookup import fetch_columns_by_keys
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
    select = sa.select(*columns.values(), *implied.values())
    found = fetch_columns_by_keys(connection, select, columns, keys, kinds)
    there = KeyTable.from_columns(dict(zip(columns, found, strict=False)), len(found[0]))
    values = KeyTable.from_columns(dict(zip(implied, found[len(columns) :], strict=True)), len(found[0]))
    return dict(values.columns), keys.match(there)
