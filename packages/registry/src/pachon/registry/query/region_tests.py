# SPDX-License-Identifier: BSD-3-Clause
"""Exact tests of regions for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pachon.registry.query.polygons import Polygons

if TYPE_CHECKING:
    from lsst.sphgeom import Region

__all__ = ["RegionTable", "overlapping_pairs"]

_MARGIN = 2e-7
"""Radians by which bounding circles are widened: lsst-sphgeom takes positions within 5e-8 of each other for one."""


class RegionTable:
    """Stored regions with their bounding circles; a null one overlaps nothing."""

    def __init__(self, data: Sequence[bytes | None]) -> None:
        self._data = data
        self._decoded: dict[int, Region] = {}
        self._polygons = Polygons(data)
        self._centres, self._radii = self._polygons.centres, self._polygons.radii
        for row in np.flatnonzero(~self._polygons.known).tolist():
            self._centres[row], self._radii[row] = self._circle(row)

    def __len__(self) -> int:
        return len(self._data)

    def _region(self, row: int) -> Region | None:
        data = self._data[row]
        if data is None:
            return None
        if row not in self._decoded:
            # lsst-sphgeom takes a while to import, and most queries test no region.
            from pachon.dimensions import region_from_bytes

            self._decoded[row] = region_from_bytes(data)
        return self._decoded[row]

    def _circle(self, row: int) -> tuple[tuple[float, float, float], float]:
        """Give a centre and a radius in radians; that of what is null or empty is minus infinity."""
        region = self._region(row)
        circle = None if region is None else region.getBoundingCircle()
        if circle is None or circle.isEmpty():
            return (0.0, 0.0, 0.0), -np.inf
        centre = circle.getCenter()
        return (centre.x(), centre.y(), centre.z()), circle.getOpeningAngle().asRadians()

    def near(self, other: RegionTable, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Say of which pairs the bounding circles overlap, one bool a pair."""
        # Angle from the chord: the scalar product loses half of the digits at small angles.
        squared = np.zeros(len(first))
        for axis in range(3):
            squared += (self._centres[first, axis] - other._centres[second, axis]) ** 2
        apart = 2 * np.arcsin(np.minimum(np.sqrt(squared) / 2, 1.0))
        near: np.ndarray = apart <= self._radii[first] + other._radii[second] + _MARGIN
        return near

    def overlaps(self, other: RegionTable, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Say which pairs have a point in common, one bool a pair, of pairs whose bounding circles overlap.

        Polygons are compared in numpy; what that leaves open, and other regions, take a call of lsst-sphgeom each.
        """
        result = np.zeros(len(first), dtype=bool)
        flat = np.flatnonzero(self._polygons.known[first] & other._polygons.known[second])
        open_ = np.ones(len(first), dtype=bool)
        result[flat], sure = self._polygons.overlaps(other._polygons, first[flat], second[flat])
        open_[flat[sure]] = False
        rows = np.flatnonzero(open_)
        if not len(rows):
            return result
        from lsst.sphgeom import DISJOINT

        for row, a, b in zip(rows.tolist(), first[rows].tolist(), second[rows].tolist(), strict=True):
            one, another = self._region(a), other._region(b)
            result[row] = one is not None and another is not None and not one.relate(another) & DISJOINT
        return result


def overlapping_pairs(
    left: Sequence[bytes | None], right: Sequence[bytes | None], pairs: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Say which pairs of regions have a point in common.

    Parameters
    ----------
    left, right
        Stored regions; a null one overlaps nothing.
    pairs
        Index into ``left`` and index into ``right`` of each pair; int64, of equal length.

    Returns
    -------
    numpy.ndarray
        One bool a pair.

    Notes
    -----
    Pairs whose bounding circles are apart are rejected at once.
    """
    first, second = pairs
    one, other = RegionTable(left), RegionTable(right)
    near = np.flatnonzero(one.near(other, first, second))
    result = np.zeros(len(first), dtype=bool)
    result[near] = one.overlaps(other, first[near], second[near])
    return result
