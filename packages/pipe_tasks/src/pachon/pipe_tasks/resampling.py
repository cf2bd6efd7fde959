# SPDX-License-Identifier: BSD-3-Clause
"""An image on the pixels of another projection, with noise that is known."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray
from pachon.pipe_tasks.bad_pixels import fill_bad_pixels
from pachon.pipe_tasks.mask_planes import NO_VALUE, MaskPlane, flags_of, set_flags
from pachon.pipe_tasks.projection import pixels_to_pixels

__all__ = ["ResamplingKernel", "merge_warps", "resample", "to_rate"]

ResamplingKernel: TypeAlias = Literal["bilinear", "bicubic"]
"""Bilinear smooths and never rings; bicubic (a cubic spline) keeps the shape of stars and the noise of pixels better."""

_ORDER = {"bilinear": 1, "bicubic": 3}


def resample(
    image: Any,
    wcs: Any,
    target: Any,
    shape: tuple[int, int],
    *,
    kernel: ResamplingKernel = "bicubic",
    scale: float = 1.0,
) -> Any:
    """Resample an image, keeping its flux.

    Parameters
    ----------
    image : CCDData
        Without sky, with standard deviation and flags.
    wcs : WCS
        Its projection; a corrected one, usually.
    target : WCS
        Of the new pixels.
    shape
        Rows, columns of the new image.
    kernel
        How pixels are interpolated.
    scale
        Factor on the flux.

    Returns
    -------
    CCDData or None
        Flux per new pixel, with standard deviation and flags: NO_DATA outside of the image, BAD where bad pixels give
        more than a fifth of the value, SUSPECT where less. Header: ``NOISCORR``, by how much the noise of a sum over
        many pixels is larger than if theirs were independent. None if the image does not reach the new pixels.

    Notes
    -----
    The variance of an interpolated pixel is the local variance times the sum of the squared weights, which follows from
    where the pixel falls between the old ones; what it lacks has gone into correlation with its neighbours. The library
    is `reproject`; it also carries the old pixels' coordinates along, whose derivatives are the change of area.
    """
    from reproject import reproject_interp

    box = _reached_box(image.shape, wcs, target, shape)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    flags = flags_of(image)
    bad = (flags & np.uint8(NO_VALUE)) != 0
    # What is bridged is not bright, whatever a hot column reads.
    saturated = ((flags & np.uint8(MaskPlane.SATURATED)) != 0) & ~bad
    rows, columns = np.indices(image.shape, dtype=np.float32)
    planes = np.stack(
        [
            fill_bad_pixels(np.asarray(image.data), bad),
            fill_bad_pixels(np.asarray(image.uncertainty.array) ** 2, bad),
            bad.astype(np.float32),
            saturated.astype(np.float32),
            columns,
            rows,
        ]
    )
    inside = target.deepcopy()
    inside.wcs.crpix = [target.wcs.crpix[0] - x0, target.wcs.crpix[1] - y0]
    inside.pixel_shape = None
    inside.wcs.set()
    moved, footprint = reproject_interp(
        (planes, wcs), inside, shape_out=(y1 - y0, x1 - x0), order=kernel, roundtrip_coords=False
    )
    seen = (footprint[0] > 0) & np.isfinite(moved[0])
    if not seen.any():
        return None
    data, variance, bad_weight, saturated_weight, old_x, old_y = moved
    area = _area_ratio(old_x, old_y, seen) * scale
    squares = _weight_squares(kernel, old_x) * _weight_squares(kernel, old_y)
    flux = np.zeros(shape, dtype=np.float32)
    deviation = np.zeros(shape, dtype=np.float32)
    new_flags = np.full(shape, np.uint8(MaskPlane.NO_DATA))
    window = (slice(y0, y1), slice(x0, x1))
    flux[window] = np.where(seen, data * area, 0.0)
    deviation[window] = np.where(seen, np.sqrt(np.maximum(variance, 0.0) * squares) * area, 0.0)
    found = np.zeros(seen.shape, dtype=np.uint8)
    found[bad_weight > 0.01] |= np.uint8(MaskPlane.SUSPECT)
    found[bad_weight > 0.2] |= np.uint8(MaskPlane.BAD)
    found[saturated_weight > 0.01] |= np.uint8(MaskPlane.SATURATED)
    new_flags[window] = np.where(seen, found, np.uint8(MaskPlane.NO_DATA))
    return _assemble(image, flux, deviation, new_flags, target, float(1.0 / np.sqrt(np.mean(squares[seen]))))


def merge_warps(first: Any, second: Any) -> Any:
    """Put two resampled images of one shape together: where the first has no data, the second is taken."""
    take = (first.flags & np.uint8(NO_VALUE)) != 0
    take &= (second.flags & np.uint8(MaskPlane.NO_DATA)) == 0
    first.data[take] = second.data[take]
    first.uncertainty.array[take] = second.uncertainty.array[take]
    flags = np.where(take, second.flags, first.flags)
    set_flags(first, flags)
    return first


def _reached_box(
    shape: tuple[int, ...], wcs: Any, target: Any, target_shape: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Give the box of new pixels (x0, y0, x1, y1; half open) in which the image lies."""
    rows, columns = shape
    along_x, along_y = np.linspace(-0.5, columns - 0.5, 9), np.linspace(-0.5, rows - 0.5, 9)
    edge = np.concatenate(
        [np.column_stack([along_x, np.full(9, y)]) for y in (-0.5, rows - 0.5)]
        + [np.column_stack([np.full(9, x), along_y]) for x in (-0.5, columns - 0.5)]
    )
    there = pixels_to_pixels(wcs, target, edge)
    if not np.isfinite(there).all():
        return 0, 0, target_shape[1], target_shape[0]
    x0, y0 = np.maximum(np.floor(there.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(there.max(axis=0)).astype(int) + 2, (target_shape[1], target_shape[0]))
    # Derivatives need two pixels a side.
    return (int(x0), int(y0), int(x1), int(y1)) if x1 - x0 > 1 and y1 - y0 > 1 else None


def _area_ratio(old_x: FloatArray, old_y: FloatArray, seen: Any) -> float:
    """Give how many old pixels a new one covers (median)."""
    dx_row, dx_column = np.gradient(old_x)
    dy_row, dy_column = np.gradient(old_y)
    ratio = np.abs(dx_column * dy_row - dx_row * dy_column)[seen]
    ratio = ratio[np.isfinite(ratio)]
    return float(np.median(ratio)) if ratio.size else 1.0


def _weight_squares(kernel: str, position: FloatArray) -> FloatArray:
    """Give the sum of the squared weights of one axis, by where a pixel falls between the old ones."""
    phase = np.nan_to_num(position % 1.0)
    table = _square_table(kernel)
    return np.asarray(np.interp(phase, np.linspace(0.0, 1.0, len(table)), table), dtype=np.float32)


@lru_cache(maxsize=4)
def _square_table(kernel: str) -> FloatArray:
    from scipy.ndimage import map_coordinates

    phases = np.linspace(0.0, 1.0, 101)
    impulse, middle = np.zeros(41), 20
    impulse[middle] = 1.0
    squares = np.zeros(len(phases))
    for pixel in range(-12, 13):  # weights of further pixels are below 1e-6
        weight = map_coordinates(impulse, [middle + phases - pixel], order=_ORDER[kernel], mode="constant")
        squares += weight**2
    return squares


def _assemble(image: Any, flux: FloatArray, deviation: FloatArray, flags: Any, wcs: Any, correlation: float) -> Any:
    from astropy.io.fits import Header
    from astropy.nddata import CCDData, StdDevUncertainty

    warp = CCDData(flux, unit=image.unit, uncertainty=StdDevUncertainty(deviation), wcs=wcs, header=Header())
    for key in ("EXPTIME", "FWHM", "SKYLEVEL"):
        if key in image.header:
            warp.header[key] = image.header[key]
    warp.header["NOISCORR"] = (round(correlation, 4), "noise of large sums over independent pixels")
    set_flags(warp, flags)
    return warp


def to_rate(image: Any) -> Any:
    """Divide an image in electrons by its exposure time (header card ``EXPTIME``); flags and WCS stay."""
    import astropy.units as u
    from astropy.nddata import CCDData, StdDevUncertainty

    seconds = float(image.header["EXPTIME"])
    rate = CCDData(
        np.asarray(image.data, dtype=np.float32) / np.float32(seconds),
        unit=image.unit / u.s,
        uncertainty=StdDevUncertainty(np.asarray(image.uncertainty.array, dtype=np.float32) / np.float32(seconds)),
        wcs=image.wcs,
        header=image.header,
    )
    rate.flags, rate.mask = image.flags, image.mask
    return rate
