# SPDX-License-Identifier: BSD-3-Clause
"""Resampled images of one band added up: deeper than any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pachon.base import InvalidInputError
from pachon.pipe_tasks.arrays import BoolArray, FlagArray, FloatArray, IntArray
from pachon.pipe_tasks.combination import find_outliers
from pachon.pipe_tasks.mask_planes import NO_VALUE, MaskPlane, flags_of, set_flags

__all__ = ["Stack", "stack_warps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A coadd and how many images are in each of its pixels."""

    image: Any
    """CCDData."""

    n_images: Any
    """Integers, one a pixel."""

    weights: tuple[float, ...]
    """One an image; they add up to 1."""


def stack_warps(
    warps: Sequence[Any],
    *,
    clip: float | None = 5.0,
    star_tolerance: float = 0.5,
    weighting: Literal["variance", "equal"] = "variance",
) -> Stack:
    """Take the weighted mean of resampled images.

    Parameters
    ----------
    warps : sequence of CCDData
        Of one shape, projection, unit and flux scale, with standard deviation and flags.
    clip
        Values further from the median than this many standard deviations are left out (from three images on), so that
        particle hits, satellites and moving objects vanish. None: nothing is.
    star_tolerance
        So large a part of the median is added to the deviation: stars change with the seeing, and must not be clipped.
    weighting
        By the inverse of the median variance of each image, or equal. One weight an image, since weights by pixel
        would give the faint parts of a star to other images than its core.

    Returns
    -------
    Stack
        The image has propagated standard deviation and flags (NO_DATA where there is no image, CLIPPED where a value was
        left out, SATURATED where one that is in was). Header: ``NCOMBINE``; ``EXPTIME``, the sum; ``NOISCORR`` as in
        `resample`; ``FWHM``, the weighted mean.
    """
    from astropy.io.fits import Header
    from astropy.nddata import CCDData, StdDevUncertainty

    if not warps:
        raise InvalidInputError("There are no images to stack.")
    missing = [(flags_of(warp) & np.uint8(NO_VALUE)) != 0 for warp in warps]
    variance = _sky_variance(warps, missing)
    weights = _weights(variance, weighting)
    image = CCDData(
        np.zeros(warps[0].shape, dtype=np.float32),
        unit=warps[0].unit,
        uncertainty=StdDevUncertainty(np.zeros(warps[0].shape, dtype=np.float32)),
        wcs=warps[0].wcs,
        meta=Header(),
    )
    flags = np.zeros(image.shape, dtype=np.uint8)
    counts = np.zeros(image.shape, dtype=np.int16)
    clipped = 0
    # Strips bound the memory: many temporary stacks of the images are needed.
    for begin in range(0, image.shape[0], _STRIP):
        rows = slice(begin, begin + _STRIP)
        strip = _stack_rows(warps, missing, rows, weights, variance, clip=clip, star_tolerance=star_tolerance)
        image.data[rows], image.uncertainty.array[rows], flags[rows], counts[rows] = strip[:4]
        clipped += strip[4]
    image.header["NCOMBINE"] = (len(warps), "images combined")
    seconds = [float(warp.header.get("EXPTIME", 0.0)) for warp in warps]
    image.header["EXPTIME"] = (sum(seconds), "seconds, all images together")
    image.header["CLIPPED"] = (round(clipped / (len(warps) * image.size), 8), "fraction of values left out")
    image.header["NOISCORR"] = (
        round(_correlation(warps, weights, variance), 4),
        "noise of large sums over independent pixels",
    )
    widths = [warp.header.get("FWHM") for warp in warps]
    if all(width is not None for width in widths):
        mean_width = float(np.average(np.asarray(widths, dtype=float), weights=weights))
        image.header["FWHM"] = (round(mean_width, 4), "weighted mean of the images (pixels of theirs)")
    set_flags(image, flags)
    return Stack(image=image, n_images=counts, weights=tuple(float(w) for w in weights))


_STRIP = 256


def _stack_rows(
    warps: Sequence[Any],
    missing: Sequence[BoolArray],
    rows: slice,
    weights: FloatArray,
    variance: FloatArray,
    *,
    clip: float | None,
    star_tolerance: float,
) -> tuple[FloatArray, FloatArray, FlagArray, IntArray, int]:
    """Stack some rows: give mean, standard deviation, flags, number of images, and how many values were clipped."""
    values = np.stack([np.asarray(warp.data[rows], dtype=np.float32) for warp in warps])
    deviation = np.stack([np.asarray(warp.uncertainty.array[rows], dtype=np.float32) for warp in warps])
    flags = np.stack([flags_of(warp)[rows] for warp in warps])
    gone = np.stack([mask[rows] for mask in missing])
    clipped = np.zeros(gone.shape, dtype=bool)
    if clip is not None and len(warps) > 2:
        allowed = np.hypot(deviation, np.float32(star_tolerance) * np.abs(np.where(gone, np.float32(0.0), values)))
        scales = np.sqrt(np.where(np.isfinite(variance), variance, 1.0)).astype(np.float32)
        clipped = find_outliers(values, allowed, gone, clip=clip, scales=scales)
    left_out = gone | clipped
    kept = np.where(left_out, np.float32(0.0), weights[:, None, None].astype(np.float32))
    total = kept.sum(axis=0)
    empty = total == 0
    safe = np.where(empty, np.float32(1.0), total)
    new_flags = np.bitwise_or.reduce(np.where(left_out, np.uint8(0), flags), axis=0).astype(np.uint8)
    new_flags[clipped.any(axis=0)] |= np.uint8(MaskPlane.CLIPPED)
    new_flags[empty] |= np.uint8(MaskPlane.NO_DATA)
    return (
        np.sum(kept * values, axis=0) / safe,
        np.sqrt(np.sum((kept * deviation) ** 2, axis=0)) / safe,
        new_flags,
        np.count_nonzero(~left_out, axis=0),
        int(np.count_nonzero(clipped)),
    )


def _sky_variance(warps: Sequence[Any], missing: Sequence[BoolArray]) -> FloatArray:
    """Give the median variance of each image where it has data; infinite without any."""
    return np.array(
        [
            float(np.median(warp.uncertainty.array[~gone])) ** 2 if not gone.all() else np.inf
            for warp, gone in zip(warps, missing, strict=True)
        ]
    )


def _weights(variance: FloatArray, weighting: str) -> FloatArray:
    weights = 1.0 / variance if weighting == "variance" else np.isfinite(variance).astype(float)
    return weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1.0 / len(weights))


def _correlation(warps: Sequence[Any], weights: FloatArray, variance: FloatArray) -> float:
    known = np.where(np.isfinite(variance), variance, 0.0)
    factors = np.array([float(warp.header.get("NOISCORR", 1.0)) for warp in warps])
    alone, together = np.sum(weights**2 * known), np.sum(weights**2 * known * factors**2)
    return float(np.sqrt(together / alone)) if alone > 0 else 1.0
