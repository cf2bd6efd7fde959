# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of one table belong to which rows of another: compressed sparse rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.quantum_butler.column_source import Rows, expand_ranges

__all__ = ["Adjacency"]

_INT32_LIMIT = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Adjacency:
    """For each row of a table, some rows of another one."""

    offsets: NDArray[np.integer[Any]]
    """Shape (n + 1,): row i has the targets ``targets[offsets[i]:offsets[i + 1]]``."""
    targets: NDArray[np.integer[Any]]
    """Row numbers of the other table."""

    @classmethod
    def from_pairs(cls, sources: Rows, targets: Rows, rows: int) -> Adjacency:
        """Group pairs by their source; targets of a row keep their order.

        Parameters
        ----------
        sources, targets
            The pairs, of equal length.
        rows
            Number of rows of the source's table.
        """
        if len(sources) > 1 and (sources[1:] < sources[:-1]).any():
            order = np.argsort(sources, kind="stable")
            sources, targets = sources[order], targets[order]
        kind: type[np.signedinteger[Any]] = np.int32 if len(targets) < _INT32_LIMIT else np.int64
        offsets = np.zeros(rows + 1, dtype=kind)
        np.cumsum(np.bincount(sources, minlength=rows), out=offsets[1:])
        return cls(offsets, targets)

    @classmethod
    def identity(cls, rows: int) -> Adjacency:
        """Pair each row with that of the same number."""
        return cls(np.arange(rows + 1, dtype=np.int32), np.arange(rows, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def counts(self) -> NDArray[np.int64]:
        """Give the number of targets of each row."""
        return np.diff(self.offsets).astype(np.int64)

    def of(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.integer[Any]]]:
        """Give all targets of some rows: positions in ``rows`` and, for each, one target."""
        starts = self.offsets[rows].astype(np.int64)
        counts = self.offsets[rows + 1].astype(np.int64) - starts
        return np.repeat(np.arange(len(rows)), counts), self.targets[expand_ranges(starts, counts)]

    def sources(self) -> NDArray[np.int64]:
        """Give the source of each pair, in the order of `targets`."""
        return np.repeat(np.arange(len(self)), self.counts())

    def reversed(self, rows: int) -> Adjacency:
        """Give the same pairs seen from the other table, which has so many rows."""
        sources = self.sources().astype(self.targets.dtype, copy=False)
        order = np.argsort(self.targets, kind="stable")
        return Adjacency.from_pairs(self.targets[order], sources[order], rows)
