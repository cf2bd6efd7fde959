# SPDX-License-Identifier: BSD-3-Clause
"""Bound values of every type, as JSON holds them.

Numbers and text stand for themselves; anything else is a mapping with one item, of which the key says what it is.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any, Final

import numpy as np

from pachon.dimensions import Timespan, region_from_bytes
from pachon.dimensions.timespan import iso_from_ns

__all__ = ["decoded"]

_TAI_AHEAD_NS: Final = 37_000_000_000
"""Of UTC, since 2017."""
_MANY: Final = {"list": list, "tuple": tuple, "set": set}


def decoded(value: Any) -> Any:
    """Give the value that a JSON document stands for.

    ``list``, ``tuple``, ``set``: several values; ``timespan``: two numbers of nanoseconds (TAI); ``time`` (of astropy) and ``datetime``:
    nanoseconds; ``uuid``, ``bytes`` and ``region``: hexadecimal text; ``position`` (of lsst-sphgeom) and ``sky`` (of astropy): two
    numbers of degrees; ``int64``: an integer of numpy.
    """
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in _MANY:
        return _MANY[kind](map(decoded, content))
    match kind:
        case "timespan":
            return Timespan.from_ns(*content)
        case "time":
            from astropy.time import Time

            return Time(iso_from_ns(content), format="isot", scale="tai")
        case "datetime":
            # With a zone: without one it is TAI here, and UTC for LSST's packages.
            return datetime.datetime.fromisoformat(f"{iso_from_ns(content - _TAI_AHEAD_NS)}+00:00")
        case "uuid":
            return uuid.UUID(content)
        case "bytes":
            return bytes.fromhex(content)
        case "region":
            return region_from_bytes(bytes.fromhex(content))
        case "position":
            from lsst.sphgeom import LonLat

            return LonLat.fromDegrees(*content)
        case "sky":
            from astropy.coordinates import SkyCoord

            return SkyCoord(*content, unit="deg")
        case "int64":
            return np.int64(content)
        case _:
            raise ValueError(f"{kind!r} is no kind of value.")
