# SPDX-License-Identifier: BSD-3-Clause
"""Regions of the sky (ICRS): the types of lsst-sphgeom and their stored bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lsst.sphgeom import Angle, Circle, ConvexPolygon, LonLat, Region, UnitVector3d

from pachon.base import InvalidInputError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Region", "circle", "polygon", "region_from_bytes", "region_to_bytes"]


def region_to_bytes(region: Region) -> bytes:
    """Give the stored form: one type character, then little-endian doubles (lsst-sphgeom's encoding)."""
    return bytes(region.encode())


def region_from_bytes(data: bytes) -> Region:
    """Read the stored form.

    Raises
    ------
    InvalidInputError
        If the bytes are no region.
    """
    try:
        return Region.decode(data)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InvalidInputError(f"{_shown(data)} no region: {' '.join(str(error).split())}.") from None


def _shown(data: object) -> str:
    return f"These {len(data)} bytes are" if isinstance(data, bytes) else f"A {type(data).__name__} is"


def circle(ra: float, dec: float, radius: float) -> Circle:
    """Make a circle from its centre and radius, in degrees (ICRS)."""
    return Circle(UnitVector3d(LonLat.fromDegrees(ra % 360.0, dec)), Angle.fromDegrees(radius))


def polygon(vertices: Iterable[Sequence[float]] | np.ndarray) -> ConvexPolygon:
    """Make the convex hull of points given as (ra, dec) in degrees (ICRS).

    Raises
    ------
    InvalidInputError
        If there are fewer than three distinct points, or they do not lie in one hemisphere.
    """
    points = [UnitVector3d(LonLat.fromDegrees(float(ra) % 360.0, float(dec))) for ra, dec in vertices]
    try:
        return ConvexPolygon(points)
    except (RuntimeError, ValueError) as error:
        raise InvalidInputError(f"These {len(points)} points have no convex hull on the sky: {error}.") from None
