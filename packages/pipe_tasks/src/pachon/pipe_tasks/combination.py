# SPDX-License-Identifier: BSD-3-Clause
"""Several frames of the same thing made one: what a master calibration is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.pipe_tasks.arrays import BoolArray, FloatArray
from pachon.pipe_tasks.header_cards import ensure_header

__all__ = ["combine_frames", "find_outliers", "frame_scales"]


def combine_frames(frames: Sequence[Any], *, clip: float = 5.0, weights: Sequence[float] | None = None) -> Any:
    """Average frames pixel by pixel without those values that noise does not explain.

    Parameters
    ----------
    frames : sequence of CCDData
        Of one shape and unit, each with an uncertainty.
    clip
        See `find_outliers`.
    weights
        One a frame; all equal by default.

    Returns
    -------
    CCDData
        The mean, its propagated uncertainty (standard deviation), and a mask where every frame was masked or
        rejected (value 0 there). Header: ``NCOMBINE``, the number of frames; ``CLIPPED``, the fraction of values
        rejected; ``NOISRATI``, scatter of the first two frames over what their uncertainties say (1 is perfect).

    Raises
    ------
    InvalidInputError
        If there are no frames, or one has no uncertainty.
    """
    import ccdproc
    from astropy.nddata import CCDData, StdDevUncertainty
    from astropy.stats import mad_std

    if not frames:
        raise InvalidInputError("There are no frames to combine.")
    if any(frame.uncertainty is None for frame in frames):
        raise InvalidInputError("Every frame to be combined needs an uncertainty.")
    values = np.stack([np.asarray(frame.data, dtype=np.float32) for frame in frames])
    deviation = np.stack([frame.uncertainty.represent_as(StdDevUncertainty).array for frame in frames])
    masked = np.stack([np.zeros(f.shape, bool) if f.mask is None else np.asarray(f.mask, bool) for f in frames])
    outliers = find_outliers(values, deviation, masked, clip=clip)
    rejected = masked | outliers
    weight = np.ones(len(frames)) if weights is None else np.asarray(weights, dtype=float)

    combiner = ccdproc.Combiner(
        [CCDData(v, unit=frames[0].unit, mask=m) for v, m in zip(values, rejected, strict=True)], dtype=np.float32
    )
    kept = np.where(rejected, np.float32(0.0), weight[:, None, None].astype(np.float32))
    total = kept.sum(axis=0)
    empty = total == 0
    # A weight for each value: with one a frame the library divides by the weights of masked values, too.
    combiner.weights = kept
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scatter of single values, which is not used
        master = combiner.average_combine()
    master.data = np.where(empty, 0.0, np.asarray(master.data)).astype(np.float32)
    sigma = np.sqrt(np.sum((kept * deviation) ** 2, axis=0)) / np.where(empty, 1.0, total)
    master.uncertainty = StdDevUncertainty(sigma.astype(np.float32))
    master.mask = empty
    ensure_header(master)
    master.header["NCOMBINE"] = (len(frames), "frames combined")
    master.header["CLIPPED"] = (round(float(outliers.mean()), 8), "fraction of values rejected")
    if len(frames) > 1:
        normal = (values[1] - values[0]) / np.hypot(deviation[0], deviation[1])
        ratio = float(mad_std(normal[~masked[:2].any(axis=0)]))
        master.header["NOISRATI"] = (round(ratio, 4), "measured over stated noise, frames 1 and 2")
    return master


def frame_scales(deviation: FloatArray, masked: BoolArray) -> FloatArray:
    """Give the median standard deviation of each frame of a stack, 1 of one without any value."""
    scales = [float(np.median(s[~gone])) if not gone.all() else 1.0 for s, gone in zip(deviation, masked, strict=True)]
    return np.asarray([scale if scale > 0 else 1.0 for scale in scales], dtype=np.float32)


def find_outliers(
    values: FloatArray,
    deviation: FloatArray,
    masked: BoolArray,
    *,
    clip: float,
    scales: FloatArray | None = None,
) -> BoolArray:
    """Find values that lie further from the median of their pixel than noise explains.

    Parameters
    ----------
    values, deviation, masked
        Stacks (frame, row, column): values, their standard deviations, and which not to use.
    clip
        How many standard deviations are too far. The stated noise is the measure, not the scatter, because the
        scatter of three values says nothing about one of them; and that of all frames at a pixel (each on the scale of
        its own frame), because a hit states a large noise of its own.
    scales
        Typical standard deviation of each frame, where the stack is a part of the frames; `frame_scales` by default.

    Returns
    -------
    array
        Stack of booleans. Of less than three values none is an outlier: nothing says which one is right.
    """
    if len(values) < 3:
        return np.zeros(values.shape, dtype=bool)
    scale = (frame_scales(deviation, masked) if scales is None else scales)[:, None, None]
    relative = deviation / scale
    if not masked.any():
        return np.asarray(np.abs(values - np.median(values, axis=0)) > clip * np.median(relative, axis=0) * scale)
    with np.errstate(invalid="ignore"):
        center = _median_of_valid(np.where(masked, np.nan, values))
        typical = _median_of_valid(np.where(masked, np.nan, relative))
        far = np.abs(values - center) > clip * typical * scale
    enough = np.count_nonzero(~masked, axis=0) > 2
    return np.asarray(far & enough & ~masked)


def _median_of_valid(values: FloatArray) -> FloatArray:
    # np.nanmedian falls back to a Python loop over pixels; sorting puts NaN last and takes a tenth of the time.
    ordered = np.sort(values, axis=0)
    count = np.count_nonzero(~np.isnan(values), axis=0)
    low = np.maximum((count - 1) // 2, 0)[None]
    high = np.minimum(count // 2, len(values) - 1)[None]
    middle = np.take_along_axis(ordered, low, axis=0) + np.take_along_axis(ordered, high, axis=0)
    return np.asarray(0.5 * middle[0])
