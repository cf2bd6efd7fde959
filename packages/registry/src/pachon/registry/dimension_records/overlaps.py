# SPDX-License-Identifier: BSD-3-Clause
"""The common sky pixels that the region of each stored record may touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import RecordTable, envelope_ranges
from pachon.registry.database.inserts import insert_columns
from pachon.registry.database.key_table import KeyTable
from pachon.registry.dimension_records.fields import keys_of
from pachon.registry.errors import UnimplementedQueryError
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.state import State

__all__ = ["delete_overlaps", "insert_overlaps", "pixels_of_regions"]


def insert_overlaps(state: State, connection: sa.Connection, records: RecordTable) -> None:
    """Store the pixels of new records, in the transaction of the records."""
    element = records.element
    pixel = dimension_column(state.universe.common_skypix)
    rows, pixels = pixels_of_regions(
        state.universe.pixelization(state.universe.common_skypix), records.columns["region"].tolist()
    )
    if not len(rows):
        return
    columns: dict[str, list[Any]] = {
        dimension_column(name): records.columns[element.key_name(name)][rows].tolist() for name in element.required
    }
    columns[pixel] = pixels.tolist()
    insert_columns(connection, state.schema.overlaps[element.name], columns)


def delete_overlaps(state: State, connection: sa.Connection, records: RecordTable) -> None:
    """Forget the pixels of records that are being replaced."""
    table = state.schema.overlaps[records.element.name]
    keys = keys_of(records)
    columns = [table.c[dimension_column(name)] == sa.bindparam(f"key_{name}") for name in keys.columns]
    statement = sa.delete(table).where(*columns)
    connection.execute(statement, _parameters(keys))


def _parameters(keys: KeyTable) -> list[dict[str, Any]]:
    names = [f"key_{name}" for name in keys.columns]
    lists = [column.tolist() for column in keys.columns.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def pixels_of_regions(
    grid: Any, regions: Sequence[bytes | None], *, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Give all (row, pixel) pairs of which the pixel may touch the region of the row.

    Parameters
    ----------
    grid
        A pixelization of lsst-sphgeom.
    regions
        Stored regions, or None.
    most
        Largest number of pairs.

    Returns
    -------
    rows, pixels : numpy.ndarray
        Both int64; sorted by row, then by pixel.

    Raises
    ------
    UnimplementedQueryError
        If there are more pairs than that.
    """
    # lsst-sphgeom takes a while to import, and finding a dataset needs no region.
    from pachon.dimensions.region import region_from_bytes

    ranges: list[np.ndarray] = []
    of_row: list[int] = []
    count = 0
    for row, data in enumerate(regions):
        if data is None:
            continue
        found = envelope_ranges(grid, region_from_bytes(data))
        if most is not None:
            count += int((found[:, 1] - found[:, 0]).sum())
            if count > most:
                raise UnimplementedQueryError(
                    f"The regions touch more than {most:,} pixels, which are too many to compute; constrain the query."
                )
        ranges.append(found)
        of_row += [row] * len(found)
    if not of_row:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    both = np.concatenate(ranges)
    begin, length = both[:, 0], both[:, 1] - both[:, 0]
    # Each range is counted up from its beginning: all of them together, without a loop.
    before = np.cumsum(length) - length
    pixels = np.arange(int(length.sum()), dtype=np.int64) + np.repeat(begin - before, length)
    return np.repeat(np.array(of_row, dtype=np.int64), length), pixels
