# SPDX-License-Identifier: BSD-3-Clause
"""Exact tests of regions for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lsst.sphgeom import DISJOINT, Region

from pachon.dimensions import region_from_bytes

__all__ = ["overlapping_pairs"]

_MARGIN = 2e-7
"""Radians by which bounding circles are widened: lsst-sphgeom takes positions within 5e-8 of each other for one."""


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
    regions = [_decoded(left), _decoded(right)]
    circles = [_bounding_circles(items) for items in regions]
    first, second = pairs
    centre_a, radius_a = circles[0][0][first], circles[0][1][first]
    centre_b, radius_b = circles[1][0][second], circles[1][1][second]
    # Angle from the chord: the scalar product loses half of the digits at small angles.
    chord = np.sqrt(np.sum((centre_a - centre_b) ** 2, axis=1))
    apart = 2 * np.arcsin(np.minimum(chord / 2, 1.0))
    near = np.flatnonzero(apart <= radius_a + radius_b + _MARGIN)
    result = np.zeros(len(first), dtype=bool)
    lefts, rights = regions
    for row, a, b in zip(near.tolist(), first[near].tolist(), second[near].tolist(), strict=True):
        one, other = lefts[a], rights[b]
        assert one is not None
        assert other is not None
        result[row] = not one.relate(other) & DISJOINT
    return result


def _decoded(data: Sequence[bytes | None]) -> list[Region | None]:
    return [None if item is None else region_from_bytes(item) for item in data]


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
