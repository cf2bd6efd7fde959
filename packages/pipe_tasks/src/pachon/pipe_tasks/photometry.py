# SPDX-License-Identifier: BSD-3-Clause
"""How bright the sources are: flux in round apertures, corrected to a large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FlagArray, FloatArray
from pachon.pipe_tasks.mask_planes import NO_VALUE, MaskPlane, unusable
from pachon.pipe_tasks.source_detection import SourceFlag

__all__ = ["Photometry", "blank_aperture_noise", "measure_photometry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photometry:
    """Fluxes of sources, in the unit of the image."""

    flux: FloatArray
    """In the small aperture, times the aperture correction: best for faint sources."""

    flux_error: FloatArray
    large_flux: FloatArray
    """In the large aperture: best for bright isolated ones."""

    large_flux_error: FloatArray
    half_light_radius: FloatArray
    """Radius that holds half of the large flux (pixels)."""

    flags: Any
    """`SourceFlag` bits found here."""

    aperture_correction: float
    """Median of large over small flux of bright isolated stars."""

    n_correction: int
    """Stars in that median; 0 means that a Gaussian was assumed."""


def measure_photometry(
    data: FloatArray,
    deviation: FloatArray,
    flags: FlagArray,
    sources: Any,
    *,
    fwhm: float,
    small: float = 1.0,
    large: float = 2.0,
    noise_factor: float = 1.0,
) -> Photometry:
    """Sum the light of sources in two apertures.

    Parameters
    ----------
    data, deviation, flags
        Image without sky, standard deviation a pixel, `MaskPlane` bits. Unusable pixels are left out of a sum, which
        is scaled to the full area.
    sources : Table
        With ``x, y``.
    fwhm
        Width of a point source (pixels).
    small, large
        Radii in units of the width.
    noise_factor
        The noise of a sum over that of independent pixels: above 1 in resampled images.

    Returns
    -------
    Photometry
    """
    import sep

    pixels = np.ascontiguousarray(data, dtype=np.float32)
    error = np.ascontiguousarray(deviation, dtype=np.float32)
    blocked = np.ascontiguousarray(unusable(flags))
    x, y = np.asarray(sources["x"], dtype=float), np.asarray(sources["y"], dtype=float)
    sums = {}
    for name, radius in (("small", small * fwhm), ("large", large * fwhm)):
        flux, flux_error, _ = sep.sum_circle(pixels, x, y, radius, err=error, mask=blocked)
        sums[name] = (flux, flux_error * noise_factor)
    (small_flux, small_error), (large_flux, large_error) = sums["small"], sums["large"]
    # Half of the large flux, not of what a wider circle holds: neighbours would make stars look extended.
    half_light, _ = sep.flux_radius(
        pixels, x, y, np.full(len(x), large * fwhm), 0.5, normflux=np.maximum(large_flux, 1e-6), mask=blocked
    )
    found = _flags_in_apertures(flags, x, y, small * fwhm, large * fwhm)
    signal = np.divide(small_flux, small_error, out=np.zeros_like(small_flux), where=small_error > 0)
    clean = (found == 0) & ((np.asarray(sources["flags"]) & SourceFlag.BLENDED) == 0) & (signal > 30)
    correction, count = _aperture_correction(x, y, small_flux, large_flux, clean, large * fwhm)
    if count == 0:
        correction = 1.0 / (1.0 - 0.5 ** (4.0 * small**2))
    return Photometry(
        flux=small_flux * correction,
        flux_error=small_error * correction,
        large_flux=large_flux,
        large_flux_error=large_error,
        half_light_radius=half_light,
        flags=found,
        aperture_correction=correction,
        n_correction=count,
    )


def _aperture_correction(
    x: FloatArray, y: FloatArray, small: FloatArray, large: FloatArray, clean: BoolArray, radius: float
) -> tuple[float, int]:
    from scipy.spatial import cKDTree

    if np.count_nonzero(clean) < 1:
        return 1.0, 0
    positions = np.column_stack([x, y])
    neighbours = cKDTree(positions).query_ball_point(positions[clean], 2.0 * radius)
    chosen = np.flatnonzero(clean)
    # Light of all neighbours that could leak into the large aperture, relative to the star.
    crowding = np.array(
        [np.sum(np.abs(small[near])) / small[i] - 1.0 for i, near in zip(chosen, neighbours, strict=True)]
    )
    isolated = chosen[crowding < 0.02]
    if len(isolated) < 3:
        isolated = chosen[np.argsort(crowding)[:5]]
    ratio = large[isolated] / small[isolated]
    ratio = ratio[np.isfinite(ratio) & (ratio > 0.8) & (ratio < 2.0)]
    return (float(np.median(ratio)), len(ratio)) if len(ratio) else (1.0, 0)


def _flags_in_apertures(flags: FlagArray, x: FloatArray, y: FloatArray, small: float, large: float) -> Any:
    import sep

    found = np.zeros(len(x), dtype=np.int32)
    for planes, flag in (
        (MaskPlane.SATURATED, SourceFlag.SATURATED),
        (NO_VALUE, SourceFlag.BAD),
    ):
        image = np.ascontiguousarray((flags & np.uint8(planes)) != 0, dtype=np.float32)
        if image.any():
            count, _, _ = sep.sum_circle(image, x, y, small, subpix=1)
            found[count > 0] |= flag
    rows, columns = flags.shape
    outside = (x < large) | (y < large) | (x > columns - 1 - large) | (y > rows - 1 - large)
    found[outside] |= SourceFlag.EDGE
    empty = np.ascontiguousarray((flags & np.uint8(MaskPlane.NO_DATA)) != 0, dtype=np.float32)
    if empty.any():
        count, _, _ = sep.sum_circle(empty, x, y, large, subpix=1)
        found[count > 0] |= SourceFlag.EDGE
    return found


def blank_aperture_noise(
    data: FloatArray, blocked: BoolArray, *, radius: float, apertures: int = 1000, seed: int = 1
) -> float:
    """Measure the noise of aperture sums on empty sky.

    Parameters
    ----------
    data
        Image without sky.
    blocked
        Pixels of sources and defects: an aperture that holds one is not used.
    radius
        Pixels.
    apertures
        How many are tried, at random places.
    seed
        Of the random places, so that two images of one shape are measured in the same apertures.

    Returns
    -------
    float
        Robust standard deviation of the sums (median absolute deviation, scaled), NaN if less than 20 are empty.
    """
    import sep
    from astropy.stats import mad_std

    generator = np.random.default_rng(seed)
    rows, columns = data.shape
    x = generator.uniform(radius, columns - 1 - radius, apertures)
    y = generator.uniform(radius, rows - 1 - radius, apertures)
    pixels = np.ascontiguousarray(data, dtype=np.float32)
    touched, _, _ = sep.sum_circle(np.ascontiguousarray(blocked, dtype=np.float32), x, y, radius + 0.8, subpix=1)
    free = touched == 0
    if np.count_nonzero(free) < 20:
        return float("nan")
    sums, _, _ = sep.sum_circle(pixels, x[free], y[free], radius, subpix=5)
    return float(mad_std(sums))
