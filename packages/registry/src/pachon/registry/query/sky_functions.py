# SPDX-License-Identifier: BSD-3-Clause
"""Calls of sky functions to regions. Angles are degrees, positions ICRS."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lsst.sphgeom import (
    Angle,
    AngleInterval,
    Box,
    Circle,
    LonLat,
    NormalizedAngle,
    NormalizedAngleInterval,
    Region,
    UnitVector3d,
)

from pachon.base import InvalidInputError
from pachon.dimensions.region import polygon

__all__ = ["box", "circle", "make_region", "point", "pos_region"]


def make_region(function: str, numbers: Sequence[float]) -> Region:
    """Give the region of ``POINT``, ``CIRCLE``, ``BOX`` or ``POLYGON``.

    Raises
    ------
    InvalidInputError
        If a position does not exist, or vertices have no convex hull.
    """
    match function, tuple(numbers):
        case "POINT", (ra, dec):
            return point(ra, dec)
        case "CIRCLE", (ra, dec, radius):
            return circle(ra, dec, radius)
        case "BOX", (ra, dec, width, height):
            return box(ra, dec, width, height)
        case "POLYGON", vertices:
            _check_dec(*vertices[1::2])
            return polygon(zip(vertices[::2], vertices[1::2], strict=True))
        case _:
            raise InvalidInputError(f"{function} does not take {len(numbers)} numbers")


def point(ra: float, dec: float) -> Region:
    """Give the circle of radius zero round a position."""
    return Circle(_vector(ra, dec), Angle(0.0))


def circle(ra: float, dec: float, radius: float) -> Region:
    """Give a circle of a radius; nothing if that is negative."""
    centre = _vector(ra, dec)
    return Circle(centre, Angle.fromDegrees(radius)) if radius >= 0 else Circle.empty()


def box(ra: float, dec: float, width: float, height: float) -> Region:
    """Give the box in longitude and latitude of full width and height round a position; nothing if one is negative."""
    _check_dec(dec)
    if width < 0 or height < 0:
        return Box.empty()
    low, high = max(dec - height / 2, -90.0), min(dec + height / 2, 90.0)
    lat = AngleInterval.fromDegrees(low, high)
    if width >= 360:
        return Box(NormalizedAngleInterval.full(), lat)
    sides = (NormalizedAngle.fromDegrees(ra - width / 2), NormalizedAngle.fromDegrees(ra + width / 2))
    return Box(NormalizedAngleInterval(*sides), lat)


def pos_region(pos: str) -> Region:
    """Read a region in the POS notation of IVOA SIA version 2.

    Raises
    ------
    InvalidInputError
        If it is malformed.
    """
    try:
        if not pos.strip():
            raise ValueError("it is empty")
        kind, *words = pos.split()
        if any(word.lower().lstrip("+-") == "nan" for word in words):
            raise ValueError("NaN is no number of degrees")
        # A range may have no end, and a circle reach everywhere.
        places = {"CIRCLE": words[:2], "POLYGON": words}.get(kind, [])
        if any(math.isinf(float(word)) for word in places):
            raise ValueError("infinity is no place on the sky")
        return Region.from_ivoa_pos(pos)
    except (ValueError, RuntimeError, IndexError) as error:
        raise InvalidInputError(
            f"The region {pos!r} cannot be read: {str(error).splitlines()[0]}; "
            "it is CIRCLE ra dec radius, RANGE ra ra dec dec, or POLYGON ra dec ra dec ra dec ..."
        ) from None


def _vector(ra: float, dec: float) -> UnitVector3d:
    _check_dec(dec)
    return UnitVector3d(LonLat.fromDegrees(ra % 360.0, dec))


def _check_dec(*angles: float) -> None:
    for angle in angles:
        if not -90.0 <= angle <= 90.0:
            raise InvalidInputError(f"The declination {angle:g} is not between -90 and 90 degrees")
