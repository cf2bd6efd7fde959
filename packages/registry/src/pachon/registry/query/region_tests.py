# SPDX-License-Identifier: BSD-3-Clause
"""Exact tests of regions for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lsst.sphgeom import Region

__all__ = ["RegionTable", "overlapping_pairs"]

_MARGIN = 2e-7
"""Radians by which bounding circles are widened: lsst-sphgeom takes positions within 5e-8 of each other for one."""


class RegionTable:
    """Stored regions, decoded, with their bounding circles; a null one overlaps nothing."""

    def __init__(self, data: Sequence[bytes | None]) -> None:
        # lsst-sphgeom takes a while to import, and most queries test no region.
        from pachon.dimensions import region_from_bytes

        self._regions = [None if item is None else region_from_bytes(item) for item in data]
        self._centres, self._radii = _bounding_circles(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

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
        """Say which pairs have a point in common, one bool a pair; one call of lsst-sphgeom for each."""
        from lsst.sphgeom import DISJOINT

        result = np.zeros(len(first), dtype=bool)
        for row, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            one, another = self._regions[a], other._regions[b]
            if one is not None and another is not None:
                result[row] = not one.relate(another) & DISJOINT
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
    Pairs whose bounding circles are apart are rejected in numpy; the rest is one call of lsst-sphgeom each.
    """
    first, second = pairs
    one, other = RegionTable(left), RegionTable(right)
    near = np.flatnonzero(one.near(other, first, second))
    result = np.zeros(len(first), dtype=bool)
    result[near] = one.overlaps(other, first[near], second[near])
    return result


def _bounding_circles(regions: Sequence[Region | None]) -> tuple[np.ndarray, np.ndarray]:
    """Give centres, shape (n, 3), and radii in radians; the radius of what is null or empty is minus infinity."""
    centres = np.zeros((len(regions), 3))
    radii = np.full(len(regions), -np.inf)
    for row, region in enumerate(regions):
        if region is None:
            continue
        circle = region.getBoundingCircle()
        if circle.isEmpty():
            continue
        centre = circle.getCenter()
        centres[row] = (centre.x(), centre.y(), centre.z())
        radii[row] = circle.getOpeningAngle().asRadians()
    return centres, radii
