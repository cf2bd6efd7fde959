# SPDX-License-Identifier: BSD-3-Clause
"""Data IDs of a graph with their dimension records, which are read when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pachon.dimensions import (
    DataCoordinate,
    DimensionElement,
    DimensionGroup,
    DimensionRecord,
    DimensionUniverse,
    RecordTable,
)
from pachon.quantum_butler.column_source import ColumnSource
from pachon.quantum_butler.dimension_codes import pack_codes

__all__ = ["DataIdExpander"]

_CACHED_RECORDS = 20_000


class DataIdExpander:
    """Makes expanded data IDs from codes.

    Parameters
    ----------
    universe
        The dimensions.
    columns
        Columns of the graph: dictionaries and records.
    records
        By element: the columns of the records that the graph has.
    """

    def __init__(
        self, universe: DimensionUniverse, columns: ColumnSource, records: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._universe = universe
        self._columns = columns
        self._names = records
        self._found: dict[tuple[str, tuple[int, ...]], DimensionRecord | None] = {}

    def data_ids(
        self, group: DimensionGroup, codes: Mapping[str, NDArray[np.int32]], rows: int
    ) -> list[DataCoordinate]:
        """Make data IDs of rows of codes.

        Parameters
        ----------
        group
            Their dimensions.
        codes
            By dimension, each of shape (rows,).
        rows
            How many; needed when there are no dimensions.
        """
        if not group.ordered:
            return [DataCoordinate(group, (), LazyRecords(self, group, ()))] * rows
        self._columns.prefetch({f"dimension/{name}": codes[name] for name in group.ordered})
        values = [self._columns.take(f"dimension/{name}", codes[name]).tolist() for name in group.ordered]
        numbers = [codes[name].tolist() for name in group.ordered]
        return [
            DataCoordinate(group, value, LazyRecords(self, group, number))
            for value, number in zip(zip(*values, strict=True), zip(*numbers, strict=True), strict=True)
        ]

    def record(self, element: DimensionElement, codes: tuple[int, ...]) -> DimensionRecord | None:
        """Find the record with these codes of the element's required dimensions; `None` if there is none."""
        key = (element.name, codes)
        if key not in self._found:
            if len(self._found) >= _CACHED_RECORDS:
                self._found.clear()
            self._found[key] = self._load(element, codes)
        return self._found[key]

    def _load(self, element: DimensionElement, codes: tuple[int, ...]) -> DimensionRecord | None:
        names = self._names.get(element.name)
        if names is None:
            return self._pixel(element, codes) if element.is_skypix else None
        table = f"records/{element.name}"
        key = pack_codes([np.array([code]) for code in codes], 1)
        found = self._columns.search(f"{table}/key", key)
        if found[0] < 0:
            return None
        self._columns.prefetch({f"{table}/{name}": found for name in names})
        row = RecordTable(element, {name: self._columns.take(f"{table}/{name}", found) for name in names})[0]
        assert isinstance(row, DimensionRecord)
        return row

    def _pixel(self, element: DimensionElement, codes: tuple[int, ...]) -> DimensionRecord:
        """Make the record of a sky pixel, which follows from its number."""
        (value,) = self._columns.take(f"dimension/{element.name}", np.array(codes)).tolist()
        region = self._universe.pixelization(element.name).pixel(value)
        return DimensionRecord(element, {element.primary_key.name: value, "region": region})


class LazyRecords(Mapping[str, DimensionRecord | None]):
    """The records of a data ID by element, each found when it is asked for."""

    __slots__ = ("_codes", "_expander", "_group")

    def __init__(self, expander: DataIdExpander, group: DimensionGroup, codes: tuple[int, ...]) -> None:
        self._expander = expander
        self._group = group
        self._codes = codes

    def __getitem__(self, name: str) -> DimensionRecord | None:
        if name not in self._group.elements:
            raise KeyError(name)
        element = self._group.universe[name]
        return self._expander.record(element, tuple(self._codes[self._group.position(n)] for n in element.required))

    def __iter__(self) -> Iterator[str]:
        return iter(self._group.elements)

    def __len__(self) -> int:
        return len(self._group.elements)

    def __repr__(self) -> str:
        return f"<records of {', '.join(self._group.elements)}>"
