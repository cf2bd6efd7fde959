# SPDX-License-Identifier: BSD-3-Clause
"""The sky under the sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FloatArray

__all__ = ["Background", "estimate_background"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A smooth sky, in the unit of the image it was measured on."""

    level: FloatArray
    """The sky in each pixel, float32."""

    median: float
    """Median of the level."""

    noise: float
    """Scatter of the sky pixels about the level (standard deviation, sources clipped)."""


def estimate_background(
    data: FloatArray,
    mask: BoolArray,
    *,
    box: int = 128,
    smooth: int = 3,
    passes: int = 2,
    source_threshold: float = 2.0,
) -> Background:
    """Measure the sky in boxes and interpolate between them.

    Parameters
    ----------
    data, mask
        Image, and the pixels not to use.
    box
        Side of a box (pixels), much larger than a source; an image smaller than this is one box.
    smooth
        Boxes a median filter takes in each direction.
    passes
        After the first pass sources are masked and the sky is measured again.
    source_threshold
        A pixel this many times the noise above the sky is part of a source.

    Returns
    -------
    Background

    Notes
    -----
    The estimator is that of SExtractor (Bertin & Arnouts 1996, A&AS 117, 393), by the library `sep`.
    """
    import sep
    from scipy.ndimage import binary_dilation, uniform_filter

    pixels = np.ascontiguousarray(data, dtype=np.float32)
    blocked = np.ascontiguousarray(mask, dtype=bool)
    side = min(box, *pixels.shape)
    for number in range(max(1, passes)):
        model = sep.Background(pixels, mask=blocked, bw=side, bh=side, fw=smooth, fh=smooth)
        level = model.back(dtype=np.float32)
        if number + 1 < passes:
            # Smoothing by 3 pixels finds the wings of sources that no single pixel shows.
            above = (
                uniform_filter(np.where(mask, 0.0, pixels - level), 3) > source_threshold * model.globalrms / 3.0 * 2.0
            )
            blocked = np.ascontiguousarray(mask | binary_dilation(above, iterations=3))
            if blocked.mean() > 0.8:
                break
    return Background(level=level, median=float(np.median(level)), noise=float(model.globalrms))
