# SPDX-License-Identifier: BSD-3-Clause
"""A sky map of one tract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pachon.pipe_tasks.testing.simulated_detector import PixelRectangle

__all__ = ["SimulatedPatch", "SimulatedSkyMap", "tangent_wcs"]


def tangent_wcs(ra: float, dec: float, *, scale: float, center: tuple[float, float], angle: float = 0.0) -> Any:
    """Give a tangent-plane WCS.

    Parameters
    ----------
    ra, dec
        Reference point (ICRS, deg).
    scale
        Side of a pixel (arcsec).
    center
        Pixel of the reference point, counted from 0.
    angle
        Position angle of +y (deg, north through east); +x points west when it is 0.
    """
    import numpy as np
    from astropy.wcs import WCS

    size = scale / 3600.0
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [center[0] + 1.0, center[1] + 1.0]
    wcs.wcs.cd = [[-size * cosine, size * sine], [size * sine, size * cosine]]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPatch:
    """A patch of it."""

    inner_bbox: PixelRectangle
    outer_bbox: PixelRectangle


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSkyMap:
    """One tract of ``columns`` x ``rows`` patches; it is its own tract."""

    ra: float
    dec: float
    scale: float = 0.4
    inner: int = 250
    """Side of a patch's inner box (pixels)."""

    border: int = 20
    columns: int = 2
    rows: int = 2

    def __getitem__(self, key: int) -> Any:
        return SimulatedTract(self)


class SimulatedTract:
    """The tract."""

    def __init__(self, sky_map: SimulatedSkyMap) -> None:
        self.sky_map = sky_map
        self.width, self.height = sky_map.columns * sky_map.inner, sky_map.rows * sky_map.inner
        center = ((self.width - 1) / 2.0, (self.height - 1) / 2.0)
        self.wcs = tangent_wcs(sky_map.ra, sky_map.dec, scale=sky_map.scale, center=center)

    def __getitem__(self, patch: int) -> SimulatedPatch:
        size, border = self.sky_map.inner, self.sky_map.border
        row, column = divmod(patch, self.sky_map.columns)
        x0, y0 = column * size, row * size
        inner = PixelRectangle(x0, y0, x0 + size, y0 + size)
        outer = PixelRectangle(
            max(0, x0 - border),
            max(0, y0 - border),
            min(self.width, x0 + size + border),
            min(self.height, y0 + size + border),
        )
        return SimulatedPatch(inner_bbox=inner, outer_bbox=outer)
