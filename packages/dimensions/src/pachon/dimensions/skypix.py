# SPDX-License-Identifier: BSD-3-Clause
"""Pixelizations of the sky: HTM and HEALPix, computed by lsst-sphgeom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from pachon.base import InvalidInputError

if TYPE_CHECKING:
    from lsst.sphgeom import Pixelization, Region

__all__ = ["SKYPIX_CLASSES", "SkyPixSystem", "envelope_ranges", "pixelization", "touching_pixels"]

SKYPIX_CLASSES: Final = {
    "lsst.sphgeom.HtmPixelization": ("htm", 24),
    "lsst.sphgeom.HealpixPixelization": ("healpix", 17),
}
"""Registered names of a universe file: the scheme, and the highest level it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyPixSystem:
    """A family of pixelizations, one dimension a level."""

    name: str
    scheme: str
    """``htm`` or ``healpix`` (nested order)."""
    min_level: int
    max_level: int

    def dimension(self, level: int) -> str:
        """Give the name of the dimension of a level, such as ``htm7``."""
        return f"{self.name}{level}"

    @property
    def levels(self) -> range:
        """The levels that are dimensions."""
        return range(self.min_level, self.max_level + 1)


@cache
def pixelization(scheme: str, level: int) -> Pixelization:
    """Give lsst-sphgeom's pixelization of a level."""
    # Importing sphgeom takes a tenth of a second; a universe alone does not need it.
    from lsst.sphgeom import HealpixPixelization, HtmPixelization

    pixels: Any
    match scheme:
        case "htm":
            pixels = HtmPixelization(level)
        case "healpix":
            pixels = HealpixPixelization(level)
        case _:
            raise InvalidInputError(f"There is no sky pixelization {scheme!r}; there are htm and healpix.")
    # lsst-sphgeom's stubs do not say that HealpixPixelization is one.
    return cast("Pixelization", pixels)


def envelope_ranges(pixels: Pixelization, region: Region) -> np.ndarray:
    """Give a superset of the pixels that touch a region.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2), int64: sorted half-open ranges ``[begin, end)`` of pixel ids.
    """
    ranges = [(begin, end) for begin, end in pixels.envelope(region)]
    return np.array(ranges, dtype=np.int64).reshape(-1, 2)


def touching_pixels(pixels: Pixelization, region: Region) -> np.ndarray:
    """Give the pixels that touch a region, those of the envelope that are apart from it left out.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64, ascending.
    """
    from lsst.sphgeom import DISJOINT

    near = [number for begin, end in pixels.envelope(region) for number in range(begin, end)]
    return np.array([n for n in near if not region.relate(pixels.pixel(n)) & DISJOINT], dtype=np.int64)
