# SPDX-License-Identifier: BSD-3-Clause
"""Resampled images of one band added up: deeper than any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pachon.base import InvalidInputError
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
    values = np.stack([np.asarray(warp.data, dtype=np.float32) for warp in warps])
    deviation = np.stack([np.asarray(warp.uncertainty.array, dtype=np.float32) for warp in warps])
    flags = np.stack([flags_of(warp) for warp in warps])
    missing = (flags & np.uint8(NO_VALUE)) != 0
    clipped = np.zeros(missing.shape, dtype=bool)
    if clip is not None and len(warps) > 2:
        allowed = np.hypot(deviation, star_tolerance * np.abs(np.where(missing, 0.0, values)))
        clipped = find_outliers(values, allowed, missing, clip=clip)
    left_out = missing | clipped
    weights = _weights(deviation, missing, weighting)
    kept = np.where(left_out, np.float32(0.0), weights[:, None, None].astype(np.float32))
    total = kept.sum(axis=0)
    empty = total == 0
    safe = np.where(empty, np.float32(1.0), total)
    variance = np.sum((kept * deviation) ** 2, axis=0) / safe**2
    new_flags = np.bitwise_or.reduce(np.where(left_out, np.uint8(0), flags), axis=0).astype(np.uint8)
    new_flags[clipped.any(axis=0)] |= np.uint8(MaskPlane.CLIPPED)
    new_flags[empty] |= np.uint8(MaskPlane.NO_DATA)
    image = CCDData(
        np.sum(kept * values, axis=0) / safe,
        unit=warps[0].unit,
        uncertainty=StdDevUncertainty(np.sqrt(variance)),
        wcs=warps[0].wcs,
        header=Header(),
    )
    image.header["NCOMBINE"] = (len(warps), "images combined")
    seconds = [float(warp.header.get("EXPTIME", 0.0)) for warp in warps]
    image.header["EXPTIME"] = (sum(seconds), "seconds, all images together")
    image.header["CLIPPED"] = (round(float(clipped.mean()), 8), "fraction of values left out")
    image.header["NOISCORR"] = (
        round(_correlation(warps, weights, deviation, missing), 4),
        "noise of large sums over independent pixels",
    )
    widths = [warp.header.get("FWHM") for warp in warps]
    if all(width is not None for width in widths):
        mean_width = float(np.average(np.asarray(widths, dtype=float), weights=weights))
        image.header["FWHM"] = (round(mean_width, 4), "weighted mean of the images (pixels of theirs)")
    set_flags(image, new_flags)
    return Stack(
        image=image,
        n_images=np.count_nonzero(~left_out, axis=0).astype(np.int16),
        weights=tuple(float(w) for w in weights),
    )


def _sky_variance(deviation: Any, missing: Any) -> Any:
    """Give the median variance of each image where it has data; infinite without any."""
    return np.array(
        [
            float(np.median(sigma[~gone])) ** 2 if not gone.all() else np.inf
            for sigma, gone in zip(deviation, missing, strict=True)
        ]
    )


def _weights(deviation: Any, missing: Any, weighting: str) -> Any:
    variance = _sky_variance(deviation, missing)
    weights = 1.0 / variance if weighting == "variance" else np.isfinite(variance).astype(float)
    return weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1.0 / len(weights))


def _correlation(warps: Sequence[Any], weights: Any, deviation: Any, missing: Any) -> float:
    variance = np.nan_to_num(_sky_variance(deviation, missing), posinf=0.0)
    factors = np.array([float(warp.header.get("NOISCORR", 1.0)) for warp in warps])
    alone, together = np.sum(weights**2 * variance), np.sum(weights**2 * variance * factors**2)
    return float(np.sqrt(together / alone)) if alone > 0 else 1.0
