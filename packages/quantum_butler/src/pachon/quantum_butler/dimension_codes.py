# SPDX-License-Identifier: BSD-3-Clause
"""One dictionary a dimension for a whole graph: equal values have equal codes in all tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.dimensions import DataIdTable

__all__ = ["DimensionCodes", "pack_codes"]


@dataclass(frozen=True, slots=True)
class DimensionCodes:
    """The values of each dimension that occur in a graph; a code is a position among them."""

    values: Mapping[str, NDArray[Any]]
    """By dimension: distinct values, ascending; int64 or object (``str``)."""
    _translations: dict[tuple[str, int], tuple[NDArray[Any], NDArray[np.int32]]] = field(default_factory=dict)
    """By dimension and the identity of a table's own dictionary: that dictionary (kept alive), its values' codes."""

    @classmethod
    def collect(cls, tables: Iterable[DataIdTable]) -> DimensionCodes:
        """Gather the values of all tables; unused values of a table's dictionary are left out."""
        used: dict[str, dict[int, tuple[NDArray[Any], NDArray[np.bool_]]]] = {}
        for table in tables:
            for name, column in table.columns.items():
                _, mask = used.setdefault(name, {}).setdefault(
                    id(column.values), (column.values, np.zeros(len(column.values), dtype=bool))
                )
                mask[column.codes] = True
        values: dict[str, NDArray[Any]] = {}
        for name, dictionaries in used.items():
            parts = [dictionary[mask] for dictionary, mask in dictionaries.values()]
            values[name] = parts[0] if len(parts) == 1 else _merged(parts)
        return cls(values)

    def encode(self, table: DataIdTable) -> dict[str, NDArray[np.int32]]:
        """Give the codes of a table's columns; it must be one of those that were collected."""
        coded: dict[str, NDArray[np.int32]] = {}
        for name, column in table.columns.items():
            key = (name, id(column.values))
            if key not in self._translations:
                self._translations[key] = (column.values, self.find(name, column.values))
            coded[name] = self._translations[key][1][column.codes]
        return coded

    def find(self, dimension: str, column: NDArray[Any]) -> NDArray[np.int32]:
        """Give the codes of plain values; -1 for values that do not occur in the graph."""
        values = self.values.get(dimension)
        if values is None or len(values) == 0:
            return np.full(len(column), -1, dtype=np.int32)
        if values.dtype == object:
            index = {value: code for code, value in enumerate(values.tolist())}
            return np.fromiter((index.get(item, -1) for item in column.tolist()), dtype=np.int32, count=len(column))
        place = np.minimum(np.searchsorted(values, column), len(values) - 1)
        return np.where(values[place] == column, place, -1).astype(np.int32)


def pack_codes(columns: Sequence[NDArray[np.integer[Any]]], rows: int) -> NDArray[np.uint8]:
    """Give one row of bytes for each row of codes; rows of bytes sort as the codes do.

    Returns
    -------
    numpy.ndarray
        Shape (rows, 4 * number of columns), uint8: big-endian codes side by side.
    """
    packed = np.empty((rows, len(columns)), dtype=">i4")
    for number, column in enumerate(columns):
        packed[:, number] = column
    return packed.view(np.uint8).reshape(rows, 4 * len(columns))


def _merged(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if parts[0].dtype == object:
        distinct = sorted({value for part in parts for value in part.tolist()})
        merged = np.empty(len(distinct), dtype=object)
        merged[:] = distinct
        return merged
    everything = np.sort(np.concatenate(parts))
    return everything[np.concatenate([[True], everything[1:] != everything[:-1]])] if len(everything) else everything
