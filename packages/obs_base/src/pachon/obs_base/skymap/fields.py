# SPDX-License-Identifier: BSD-3-Clause
"""Tracts that hold what was observed: circles round regions of the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lsst.sphgeom import Circle, ConvexPolygon, Region, UnitVector3d

from pachon.base import InvalidInputError
from pachon.obs_base.skymap import sphere

__all__ = ["Field", "enclosing_field", "separate_fields"]

_CORNERS = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A circle on the sky, in degrees (ICRS)."""

    ra: float
    dec: float
    radius: float


def enclosing_field(regions: Sequence[Region]) -> Field:
    """Give a circle that holds all regions: that of their convex hull.

    Raises
    ------
    InvalidInputError
        If they do not lie in one hemisphere.
    """
    points = [point for region in regions for point in _points(region)]
    try:
        circle = ConvexPolygon(points).getBoundingCircle()
    except (RuntimeError, ValueError):
        raise InvalidInputError(
            "The regions are too far apart for one tract; select some of them, or make a tract for each field."
        ) from None
    ra, dec = sphere.directions(_xyz(circle.getCenter()))
    return Field(ra=float(ra), dec=float(dec), radius=circle.getOpeningAngle().asDegrees())


def separate_fields(regions: Sequence[Region]) -> list[Field]:
    """Give a circle for each group of regions that touch, directly or by others; in order of right ascension.

    Notes
    -----
    Regions touch if their bounding circles do. The time grows with the square of the number of regions.
    """
    circles = [region.getBoundingCircle() for region in regions]
    centers = np.asarray([_xyz(circle.getCenter()) for circle in circles]).reshape(-1, 3)
    radii = np.asarray([circle.getOpeningAngle().asRadians() for circle in circles])
    group = list(range(len(regions)))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for i in range(len(regions)):
        near = np.arccos(np.clip(centers[i + 1 :] @ centers[i], -1.0, 1.0)) <= radii[i + 1 :] + radii[i]
        for j in np.flatnonzero(near) + i + 1:
            group[root(int(j))] = root(i)
    members: dict[int, list[Region]] = {}
    for i, region in enumerate(regions):
        members.setdefault(root(i), []).append(region)
    return sorted((enclosing_field(one) for one in members.values()), key=lambda field: (field.ra, field.dec))


def _points(region: Region) -> list[UnitVector3d]:
    if isinstance(region, ConvexPolygon):
        return list(region.getVertices())
    circle = region if isinstance(region, Circle) else region.getBoundingCircle()
    ra, dec = sphere.directions(_xyz(circle.getCenter()))
    # Corners of a polygon that holds the circle.
    radius = circle.getOpeningAngle().asRadians()
    outside = math.degrees(math.atan(math.tan(radius) / math.cos(math.pi / _CORNERS)))
    angles = np.arange(_CORNERS) * (360.0 / _CORNERS)
    around = sphere.offset(np.full(_CORNERS, ra), np.full(_CORNERS, dec), angles, outside)
    return [UnitVector3d(*vector) for vector in sphere.unit_vectors(*around)]


def _xyz(vector: Any) -> tuple[float, float, float]:
    return vector.x(), vector.y(), vector.z()
