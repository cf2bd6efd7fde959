# SPDX-License-Identifier: BSD-3-Clause
"""How even and how noisy the sky of an image is, measured by other means than those that tasks use."""

from __future__ import annotations

from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FloatArray

__all__ = ["box_medians", "mark_sources", "noise_of_sums"]


def mark_sources(image: Any, *, threshold: float = 4.0) -> BoolArray:
    """Mark the pixels of sources, and 6 pixels round them.

    Parameters
    ----------
    image : CCDData
        Without sky, with standard deviation and mask.
    threshold
        In units of the noise of a mean of 5 x 5 pixels. Where noise is to be measured it must not be low, since the mark
        would take the upper part of the noise away.
    """
    from scipy.ndimage import binary_dilation, uniform_filter

    noise = float(np.median(image.uncertainty.array[~image.mask]))
    smooth = uniform_filter(np.where(image.mask, 0.0, image.data), 5)
    return np.asarray(binary_dilation(smooth > threshold * noise / 5, iterations=6))


def box_medians(data: FloatArray, usable: BoolArray, *, side: int = 64) -> FloatArray:
    """Give the median of each square box, NaN where less than a quarter of its pixels is usable."""
    rows, columns = (length // side for length in data.shape)
    cut = np.where(usable, data, np.nan)[: rows * side, : columns * side]
    boxes = cut.reshape(rows, side, columns, side).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    enough = np.isfinite(boxes).sum(axis=2) > side * side // 4
    medians = np.full((rows, columns), np.nan)
    medians[enough] = np.nanmedian(boxes[enough], axis=1)
    return medians


def noise_of_sums(data: FloatArray, usable: BoolArray, *, side: int = 1) -> float:
    """Give the robust standard deviation of sums over squares of which all pixels are usable; NaN of less than 100."""
    from astropy.stats import mad_std

    rows, columns = (length // side for length in data.shape)
    shape, window = (rows, side, columns, side), (slice(rows * side), slice(columns * side))
    whole = usable[window].reshape(shape).all(axis=(1, 3))
    if np.count_nonzero(whole) < 100:
        return float("nan")
    return float(mad_std(data[window].reshape(shape).sum(axis=(1, 3))[whole]))
