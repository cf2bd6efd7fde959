# SPDX-License-Identifier: BSD-3-Clause
"""Values given beside an expression to constants of the query language."""

from __future__ import annotations

import datetime
import math
import numbers
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.dimensions import Timespan
from pachon.dimensions.timespan import ns_from_time
from pachon.registry.database.texts import check_text
from pachon.registry.query.tree import Constant

if TYPE_CHECKING:
    from lsst.sphgeom import LonLat

__all__ = ["bound_constant", "bound_members", "fixed_binds", "is_sequence", "time_constant"]

_FAR_NS = 2**62
"""Nanoseconds; 146 years."""


def fixed_binds(bind: Mapping[str, Any]) -> dict[str, Any]:
    """Give bound values that stay what they are: a query may be asked several times, and later than it was put together."""
    return {name: tuple(value) if isinstance(value, list | set | Iterator) else value for name, value in bind.items()}


def is_sequence(value: Any) -> bool:
    """Whether a bound value stands for several; such a one is allowed in a list of IN only."""
    if isinstance(value, str | bytes | Timespan) or not isinstance(value, Iterable):
        return False
    if _is_of_sphgeom(value, "Region") or _is_of_sphgeom(value, "LonLat"):
        return False
    # A scalar Time or SkyCoord has __iter__, too.
    return not getattr(value, "isscalar", False)


def bound_members(value: Iterable[Any], position: int) -> list[Constant]:
    """Give the constants of a sequence.

    Raises
    ------
    InvalidInputError
        If a member is of no type that a query can use.
    """
    if isinstance(value, np.ndarray):
        value = value.reshape(-1).tolist()
    return [bound_constant(member, position) for member in value]


def bound_constant(value: Any, position: int) -> Constant:
    """Give the constant of a single value.

    Raises
    ------
    InvalidInputError
        If it is of no type that a query can use.
    """
    match value:
        case None:
            return Constant(value=None, type="null", position=position)
        case bool():
            return Constant(value=value, type="bool", position=position)
        case str():
            return Constant(value=check_text(str(value), "A bound string"), type="string", position=position)
        case bytes():
            return Constant(value=value, type="hash", position=position)
        case uuid.UUID():
            return Constant(value=value.bytes, type="uuid", position=position)
        case Timespan():
            return Constant(value=(value.begin_ns, value.end_ns), type="timespan", position=position)
        case datetime.datetime():
            return time_constant(ns_from_time(value), position)
        case numbers.Integral():
            if not -(2**63) <= int(value) < 2**63:
                raise InvalidInputError(f"The integer {value} does not fit into 64 bits")
            return Constant(value=int(value), type="int", position=position)
        case numbers.Real():
            if math.isnan(value):
                raise InvalidInputError(
                    "NaN is no number that anything could be compared with; NULL (or None) is what is unknown"
                )
            return Constant(value=float(value), type="float", position=position)
        case _:
            return _of_library(value, position)


def time_constant(ns: int, position: int) -> Constant:
    """Give the constant of a time; one that is far before or after all times of records counts as a very early, or late, one."""
    return Constant(value=min(max(ns, -_FAR_NS), _FAR_NS), type="datetime", position=position)


def _of_library(value: Any, position: int) -> Constant:
    """Convert values of numpy, and of lsst-sphgeom and astropy without importing these."""
    if isinstance(value, np.bool_):
        return Constant(value=bool(value), type="bool", position=position)
    if _is_of_sphgeom(value, "Region"):
        from pachon.dimensions import region_to_bytes

        return Constant(value=region_to_bytes(value), type="region", position=position)
    if _is_of_sphgeom(value, "LonLat"):
        return _position(value, position)
    if hasattr(value, "tai") and getattr(value, "isscalar", False):
        return time_constant(ns_from_time(value), position)
    if hasattr(value, "icrs") and getattr(value, "isscalar", False):
        from lsst.sphgeom import LonLat

        icrs = value.icrs
        return _position(LonLat.fromRadians(float(icrs.ra.rad), float(icrs.dec.rad)), position)
    raise InvalidInputError(f"A value of type {type(value).__name__} cannot be used in a query")


def _is_of_sphgeom(value: Any, name: str) -> bool:
    """Whether a value is of a class of lsst-sphgeom; if nobody has imported that, it is not."""
    module = sys.modules.get("lsst.sphgeom")
    return module is not None and isinstance(value, getattr(module, name))


def _position(value: LonLat, position: int) -> Constant:
    from lsst.sphgeom import Circle, UnitVector3d

    from pachon.dimensions import region_to_bytes

    region = Circle(UnitVector3d(value))
    return Constant(value=region_to_bytes(region), type="region", position=position)
