# SPDX-License-Identifier: BSD-3-Clause
"""Reading dimension records, stored and derived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import DimensionElement, DimensionUniverse, RecordTable
from pachon.registry.database.key_lookup import fetch_by_keys
from pachon.registry.database.key_table import KeyTable
from pachon.registry.dimension_records.fields import key_columns, keys_of, record_columns, table_from_rows
from pachon.registry.errors import UnimplementedQueryError
from pachon.registry.state import State

__all__ = ["fetch", "fetch_matching", "find_missing", "pixel_records", "record_selection"]


def fetch(state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable | None) -> RecordTable:
    """Give the records of an element, all or those of some keys; keys without a record are left out.

    Raises
    ------
    UnimplementedQueryError
        If all pixels of the sky are asked for.
    """
    if element.is_skypix:
        if keys is None:
            raise UnimplementedQueryError(
                f"The pixels of {element.name!r} cannot be listed; ask for those of some data IDs."
            )
        return pixel_records(state.universe, element, np.unique(keys.columns[element.name].decode()))
    select, columns = record_selection(state, element)
    if keys is None:
        return table_from_rows(element, connection.execute(select).all())
    rows = fetch_by_keys(connection, select, columns, keys)
    found = table_from_rows(element, rows)
    return found.take(keys_of(found).match(keys) >= 0)


def fetch_matching(
    state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable
) -> tuple[RecordTable, np.ndarray]:
    """Give records, and for each key the row of its record there; -1 where there is none."""
    once = keys.take(keys.first_rows())
    records = fetch(state, connection, element, once)
    return records, keys.match(keys_of(records))


def find_missing(
    state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable
) -> dict[str, int | str] | None:
    """Give a key of which there is no record; None if there is a record for each."""
    if not element.has_table:
        return None
    columns = key_columns(element, state.schema.elements[element.name])
    once = keys.take(keys.first_rows())
    rows: Sequence[Any] = fetch_by_keys(connection, sa.select(*columns.values()), columns, once)
    lists = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    there = KeyTable.from_lists(dict(zip(columns, lists, strict=True)), len(rows))
    lost = np.flatnonzero(once.match(there) < 0)
    return once.row(int(lost[0])) if len(lost) else None


def record_selection(
    state: State, element: DimensionElement
) -> tuple[sa.Select[Any], dict[str, sa.ColumnElement[Any]]]:
    """Give the statement of all records of an element, and its key columns by dimension."""
    return state.prepare(("records", element.name), lambda: _selection(state, element))


def _selection(state: State, element: DimensionElement) -> tuple[sa.Select[Any], dict[str, sa.ColumnElement[Any]]]:
    if element.implied_union_target is not None:
        # The records of such a dimension are the values that another element's records name.
        column = state.schema.elements[element.implied_union_target].c[element.name]
        return sa.select(column).distinct(), {element.name: column}
    table = state.schema.elements[element.name]
    return sa.select(*record_columns(element, table)), key_columns(element, table)


def pixel_records(universe: DimensionUniverse, element: DimensionElement, pixels: np.ndarray) -> RecordTable:
    """Compute the records of pixels of the sky; numbers that are no pixel are left out."""
    # lsst-sphgeom takes a while to import, and finding a dataset needs no region.
    from pachon.dimensions.region import region_to_bytes

    grid = universe.pixelization(element.name)
    valid = np.zeros(len(pixels), dtype=bool)
    for begin, end in grid.universe():
        valid |= (pixels >= begin) & (pixels < end)
    pixels = pixels[valid]
    regions = np.empty(len(pixels), dtype=object)
    regions[:] = [region_to_bytes(grid.pixel(int(pixel))) for pixel in pixels]
    return RecordTable(element, {element.primary_key.name: pixels.astype(np.int64), "region": regions})
