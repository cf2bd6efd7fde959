# SPDX-License-Identifier: BSD-3-Clause
"""Where a graph's columns come from: memory or a file, asked in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColumnSource", "MemoryColumns", "Rows", "as_keys", "expand_ranges"]

Rows = NDArray[np.integer[Any]]
"""Row numbers, shape (n,)."""


class ColumnSource(Protocol):
    """Gives columns by name, whole or in part."""

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a column."""
        ...

    def rows(self, name: str) -> int:
        """Give the length of a column."""
        ...

    def read(self, name: str) -> NDArray[Any]:
        """Give a whole column; not to be changed."""
        ...

    def take(self, name: str, rows: Rows) -> NDArray[Any]:
        """Give some rows of a column, in the order asked."""
        ...

    def search(self, name: str, keys: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Find the rows of keys in an ascending column of rows of bytes; -1 for those that are not there."""
        ...

    def prefetch(self, rows: Mapping[str, Rows], keys: Mapping[str, NDArray[np.uint8]] | None = None) -> None:
        """Announce what will be taken and searched next, so that it can be fetched together."""
        ...


class MemoryColumns:
    """Columns in memory, by table and name.

    Parameters
    ----------
    tables
        Columns by table and name; the column ``id`` of table ``quanta/isr`` is called ``quanta/isr/id``.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        self.tables = tables
        self._columns = {f"{table}/{name}": column for table, cs in tables.items() for name, column in cs.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def rows(self, name: str) -> int:
        """Give the length of a column."""
        return len(self._columns[name])

    def read(self, name: str) -> NDArray[Any]:
        """Give a whole column; not to be changed."""
        return self._columns[name]

    def take(self, name: str, rows: Rows) -> NDArray[Any]:
        """Give some rows of a column, in the order asked."""
        return self._columns[name][rows]

    def search(self, name: str, keys: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Find the rows of keys in an ascending column of rows of bytes; -1 for those that are not there."""
        column: NDArray[Any] = as_keys(self._columns[name])
        if len(column) == 0:
            return np.full(len(keys), -1, dtype=np.int64)
        wanted = as_keys(keys)
        place = np.minimum(np.searchsorted(column, wanted), len(column) - 1)
        return np.where(column[place] == wanted, place, -1).astype(np.int64)

    def prefetch(self, rows: Mapping[str, Rows], keys: Mapping[str, NDArray[np.uint8]] | None = None) -> None:
        """Do nothing: all is here."""


def as_keys(rows: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """View rows of bytes as one item each, which compare as the bytes do.

    Such items are for sorting and comparing only: numpy drops trailing zeros when they become Python objects.
    """
    width = rows.shape[1]
    if width == 0:
        # All rows are equal: the key of a data ID without dimensions.
        return np.zeros(len(rows), dtype="S1")
    kind: np.dtype[np.bytes_] = np.dtype(f"S{width}")
    keys: NDArray[np.bytes_] = np.ascontiguousarray(rows).view(kind).reshape(-1)
    return keys


def expand_ranges(starts: Rows, counts: Rows) -> NDArray[np.int64]:
    """Put the ranges ``start, start + 1, ...`` of so many numbers each one behind the other."""
    total = int(counts.sum())
    ends = np.cumsum(counts)
    shifts: NDArray[np.int64] = np.repeat(starts - (ends - counts), counts)
    return np.arange(total, dtype=np.int64) + shifts
