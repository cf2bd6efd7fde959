# SPDX-License-Identifier: BSD-3-Clause
"""Regions of dimension records, by key and by the sky pixels that they may touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import Categorical, DimensionElement
from pachon.registry.database.columns import Kind
from pachon.registry.database.key_lookup import fetch_columns_by_keys
from pachon.registry.database.key_table import KeyTable
from pachon.registry.dimension_records.fields import key_columns
from pachon.registry.dimension_records.reading import pixel_records
from pachon.registry.schema.dimension_tables import dimension_column, key_kind
from pachon.registry.state import State

__all__ = ["fetch_all_regions", "fetch_pixels", "fetch_regions", "fetch_touching"]


def fetch_regions(
    state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable
) -> tuple[list[bytes | None], np.ndarray]:
    """Give the distinct regions of keys, and for each key the index of its region.

    A key without a record has a null region.
    """
    own = KeyTable(columns={name: keys.columns[name] for name in element.required}, length=len(keys))
    if element.is_skypix:
        pixels = np.unique(own.columns[element.name].decode())
        computed = pixel_records(state.universe, element, pixels)
        there = KeyTable.from_lists({element.name: computed.columns[element.primary_key.name].tolist()}, len(computed))
        regions = computed.columns["region"].tolist()
    else:
        table = state.schema.elements[element.name]
        columns = key_columns(element, table)
        select = sa.select(*columns.values(), table.c.region)
        kinds: list[Kind] = [*(key_kind(state.universe, name) for name in columns), "object"]
        once = own.take(own.first_rows())
        *found, stored = fetch_columns_by_keys(connection, select, columns, once, kinds)
        there = KeyTable.from_columns(dict(zip(columns, found, strict=True)), len(stored))
        regions = stored.tolist()
    return [*regions, None], np.where((place := own.match(there)) < 0, len(regions), place)


def fetch_all_regions(
    state: State, connection: sa.Connection, element: DimensionElement, fixed: Mapping[str, Categorical]
) -> tuple[KeyTable, list[bytes | None]]:
    """Give the keys and regions of all stored records, or of those that have some fixed values (one row each)."""
    table = state.schema.elements[element.name]
    columns = key_columns(element, table)
    conditions = [columns[name] == values[0] for name, values in fixed.items()]
    return _split(list(connection.execute(sa.select(*columns.values(), table.c.region).where(*conditions))), element)


def fetch_pixels(
    state: State, connection: sa.Connection, element: DimensionElement, keys: KeyTable
) -> tuple[np.ndarray, np.ndarray]:
    """Give (row of a key, common pixel) for each pixel that the region of a record may touch, both int64."""
    own = KeyTable(columns={name: keys.columns[name] for name in element.required}, length=len(keys))
    table = state.schema.overlaps[element.name]
    columns = {name: table.c[dimension_column(name)] for name in element.required}
    select = sa.select(*columns.values(), table.c[dimension_column(state.universe.common_skypix)])
    kinds: list[Kind] = [*(key_kind(state.universe, name) for name in columns), "int"]
    nothing = np.empty(0, dtype=np.int64)
    *found, pixels = (
        fetch_columns_by_keys(connection, select, columns, own, kinds) if len(own) else [nothing] * len(kinds)
    )
    rows = KeyTable.from_columns(dict(zip(columns, found, strict=True)), len(pixels)).match(own)
    return rows[rows >= 0], pixels[rows >= 0]


def fetch_touching(
    state: State, connection: sa.Connection, element: DimensionElement, region: bytes
) -> tuple[KeyTable, list[bytes | None]]:
    """Give the keys and regions of all stored records which share a common pixel with a region."""
    # lsst-sphgeom takes a while to import, and most queries have no region.
    from pachon.dimensions import envelope_ranges, region_from_bytes

    table, overlaps = state.schema.elements[element.name], state.schema.overlaps[element.name]
    pixel = overlaps.c[dimension_column(state.universe.common_skypix)]
    ranges = envelope_ranges(state.universe.pixelization(state.universe.common_skypix), region_from_bytes(region))
    columns = key_columns(element, table)
    joined = [overlaps.c[dimension_column(name)] == column for name, column in columns.items()]
    select = sa.select(*columns.values(), table.c.region).where(*joined).distinct()
    rows: dict[tuple[Any, ...], None] = {}
    for start in range(0, len(ranges), 100):
        part = [sa.and_(pixel >= begin, pixel < end) for begin, end in ranges[start : start + 100].tolist()]
        rows.update(dict.fromkeys(tuple(row) for row in connection.execute(select.where(sa.or_(*part)))))
    return _split(list(rows), element)


def _split(rows: list[Any], element: DimensionElement) -> tuple[KeyTable, list[bytes | None]]:
    *keys, regions = list(zip(*rows, strict=True)) if rows else [()] * (len(element.required) + 1)
    return KeyTable.from_lists(dict(zip(element.required, keys, strict=True)), len(rows)), list(regions)
