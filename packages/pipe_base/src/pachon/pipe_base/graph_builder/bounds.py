# SPDX-License-Identifier: BSD-3-Clause
"""Time spans and sky pixels of quanta, from dimension records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pachon.dimensions import DataIdTable, DimensionGroup, RecordTable, envelope_ranges, match_rows, region_from_bytes
from pachon.dimensions.timespan import MAX_NS
from pachon.pipe_base.graph_builder.skeleton import Edges

__all__ = ["bounding_elements", "pixel_pairs", "region_rows", "time_bounds", "with_edge_bounds"]


def bounding_elements(group: DimensionGroup, kind: str) -> tuple[str, ...]:
    """Give the elements of a group that say where (``spatial``) or when (``temporal``) a data ID is."""
    families = group.spatial if kind == "spatial" else group.temporal
    chosen = (group.choose(kind, family) for family in families)
    return tuple(member for member in chosen if member is not None)


def time_bounds(data_ids: DataIdTable, records: Mapping[str, RecordTable]) -> tuple[np.ndarray, np.ndarray]:
    """Give begin and end (TAI ns) of each data ID: all time if its dimensions have none, empty if unknown."""
    begin = np.zeros(len(data_ids), dtype=np.int64)
    end = np.full(len(data_ids), MAX_NS, dtype=np.int64)
    for element in bounding_elements(data_ids.group, "temporal"):
        rows, known = _record_rows(data_ids, records[element])
        table = records[element]
        known &= table.columns["timespan_begin"][rows] >= 0 if len(table) else False
        begin = np.where(known, np.maximum(begin, _at(table, "timespan_begin", rows)), MAX_NS)
        end = np.where(known, np.minimum(end, _at(table, "timespan_end", rows)), 0)
    return begin, end


def with_edge_bounds(
    count: int, edges: Sequence[Edges], bounds: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Give the span of time of each quantum's datasets of some connections.

    Parameters
    ----------
    count
        The number of quanta.
    edges
        The edges of these connections.
    bounds
        Begin and end of each dataset, by dataset type.
    """
    begin = np.full(count, MAX_NS, dtype=np.int64)
    end = np.zeros(count, dtype=np.int64)
    for edge in edges:
        first, last = bounds[edge.connection.dataset_type]
        np.minimum.at(begin, edge.quantum, first[edge.dataset])
        np.maximum.at(end, edge.quantum, last[edge.dataset])
    return begin, end


def region_rows(data_ids: DataIdTable, records: Mapping[str, RecordTable]) -> list[tuple[RecordTable, np.ndarray]]:
    """Give for each spatial family its records and the record row of each data ID (-1: none)."""
    found = []
    for element in bounding_elements(data_ids.group, "spatial"):
        if data_ids.group.universe[element].is_skypix:
            continue
        rows, known = _record_rows(data_ids, records[element])
        found.append((records[element], np.where(known, rows, -1)))
    return found


def pixel_pairs(
    regions: Sequence[tuple[RecordTable, np.ndarray]], pixel_dimension: str, group: DimensionGroup
) -> tuple[np.ndarray, np.ndarray]:
    """Give (data ID row, pixel) for each pixel that may touch the region of a data ID, both int64.

    A data ID of several spatial families, such as visit and patch, lies where all of their regions are, as `DataCoordinate.region` says.
    """
    pixels = group.universe.pixelization(pixel_dimension)
    rows_found, ids_found = [], []
    for table, rows in regions:
        stored = table.columns["region"]
        owners = np.flatnonzero(rows >= 0)
        # Each region is looked at once, however many data IDs have it.
        records, which = np.unique(rows[owners], return_inverse=True)
        touched = [_envelope(pixels, stored[record]) for record in records.tolist()]
        if not touched:
            continue
        lengths = np.array([len(ids) for ids in touched], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        which = which.reshape(-1)
        count = lengths[which]
        rows_found.append(np.repeat(owners, count))
        before = np.cumsum(count) - count
        place = np.arange(int(count.sum()), dtype=np.int64) + np.repeat(starts[which] - before, count)
        ids_found.append(np.concatenate(touched)[place])
    if len(rows_found) < max(len(regions), 1):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    owner, pixel = np.concatenate(rows_found), np.concatenate(ids_found)
    order = np.lexsort((pixel, owner))
    owner, pixel = owner[order], pixel[order]
    # Each family names a pixel once: the last of as many equal pairs as there are families is wanted by all.
    others = len(regions) - 1
    agreed = np.ones(len(owner), dtype=bool)
    agreed[:others] = False
    agreed[others:] = (owner[others:] == owner[: len(owner) - others]) & (
        pixel[others:] == pixel[: len(pixel) - others]
    )
    return owner[agreed], pixel[agreed]


def _envelope(pixels: Any, region: bytes | None) -> np.ndarray:
    if region is None:
        return np.empty(0, dtype=np.int64)
    ranges = envelope_ranges(pixels, region_from_bytes(region))
    return np.concatenate([np.arange(0), *(np.arange(begin, end, dtype=np.int64) for begin, end in ranges)])


def _record_rows(data_ids: DataIdTable, table: RecordTable) -> tuple[np.ndarray, np.ndarray]:
    element = table.element
    keys = table.data_ids(data_ids.group.universe, element.required) if len(table) else None
    if keys is None:
        return np.zeros(len(data_ids), dtype=np.int64), np.zeros(len(data_ids), dtype=bool)
    rows = match_rows(data_ids, keys, element.required)
    return np.maximum(rows, 0), rows >= 0


def _at(table: RecordTable, column: str, rows: np.ndarray) -> np.ndarray:
    values: np.ndarray = table.columns[column][rows] if len(table) else np.zeros(len(rows), dtype=np.int64)
    return values
