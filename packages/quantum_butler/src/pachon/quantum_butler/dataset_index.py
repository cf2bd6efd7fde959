# SPDX-License-Identifier: BSD-3-Clause
"""Find datasets of a graph by their ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pachon.quantum_butler.column_source import ColumnSource, as_keys
from pachon.quantum_butler.structure import GraphStructure

__all__ = ["DatasetIndex"]


class DatasetIndex:
    """The ids of all datasets of a graph, sorted.

    Making one reads all ids; it is meant for graphs in memory.
    """

    def __init__(self, structure: GraphStructure, columns: ColumnSource) -> None:
        self.names = tuple(structure.datasets)
        """Dataset types; `find` gives positions in this list."""
        ids = [columns.read(f"datasets/{name}/id") for name in self.names]
        everything = np.concatenate(ids) if ids else np.empty((0, 16), dtype=np.uint8)
        counts = [len(part) for part in ids]
        keys = as_keys(everything)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._types = np.repeat(np.arange(len(ids), dtype=np.int32), counts)[order]
        starts = np.cumsum([0, *counts[:-1]]) if counts else np.empty(0, dtype=np.int64)
        self._rows = (np.arange(len(everything)) - np.repeat(starts, counts))[order]

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, ids: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Give for each id the position of its dataset type in `names` (-1 if it is not there) and its row."""
        wanted = as_keys(ids)
        if len(self._keys) == 0:
            return np.full(len(wanted), -1, dtype=np.int32), np.zeros(len(wanted), dtype=np.int64)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        there = self._keys[place] == wanted
        return np.where(there, self._types[place], -1).astype(np.int32), self._rows[place]
