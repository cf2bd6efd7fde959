# SPDX-License-Identifier: BSD-3-Clause
"""Sources of an image: where they are and what shape they have."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FlagArray, FloatArray
from pachon.pipe_tasks.mask_planes import NO_VALUE

__all__ = ["SourceFlag", "detect_sources"]

_GAUSSIAN_SIGMA = 2.354820045
_PIXEL_STACK = 3_000_000
_DEBLEND_CONTRAST = 0.001


class SourceFlag(IntFlag):
    """Why a source or its numbers are not to be trusted: bits of the column ``flags``."""

    SATURATED = 1
    """A saturated pixel in the small aperture."""

    BAD = 2
    """Another unusable pixel in the small aperture."""

    EDGE = 4
    """The large aperture reaches over the edge of the image or of the data."""

    BLENDED = 8
    """Separated from a neighbour that it touches."""

    NOT_STELLAR = 16
    """Much smaller or larger than a point source of this image."""

    NO_CENTER = 32
    """The centroid did not converge; the position is the isophotal one."""


def detect_sources(
    data: FloatArray,
    deviation: FloatArray,
    flags: FlagArray,
    *,
    fwhm: float,
    threshold: float = 5.0,
    minimum_pixels: int = 3,
) -> Any:
    """Find sources and their centroids.

    Parameters
    ----------
    data
        Image without sky.
    deviation
        Standard deviation of each pixel.
    flags
        `MaskPlane` bits. Saturated pixels take part in detection, so that a bright star is one source.
    fwhm
        Width of a point source (pixels): the image is filtered with it before the threshold is applied.
    threshold
        Signal to noise of the filtered image.
    minimum_pixels
        Smaller groups of pixels are no source.

    Returns
    -------
    Table
        Without units, in no order: ``x, y`` (windowed centroid, pixels from 0), ``a, b, theta`` (isophotal second
        moments), ``flux`` (isophotal), ``peak``, ``n_pixels``, ``flags`` (`SourceFlag`).

    Notes
    -----
    The library is `sep`, a reimplementation of SExtractor (Barbary 2016, JOSS 1, 58; Bertin & Arnouts 1996).
    """
    import sep
    from astropy.table import Table

    blocked = np.ascontiguousarray((flags & np.uint8(NO_VALUE)) != 0)
    # The library's filter still sees masked pixels in the first rows of an image: they are set to the sky as well.
    pixels = np.ascontiguousarray(np.where(blocked, 0.0, data), dtype=np.float32)
    error = np.ascontiguousarray(deviation, dtype=np.float32)
    sep.set_extract_pixstack(max(_PIXEL_STACK, pixels.size // 4))
    found = sep.extract(
        pixels,
        threshold,
        err=error,
        mask=blocked,
        minarea=minimum_pixels,
        filter_kernel=detection_kernel(fwhm),
        deblend_cont=_DEBLEND_CONTRAST,
        clean=False,  # it would take faint stars for the wings of bright ones many widths away
    )
    sigma = fwhm / _GAUSSIAN_SIGMA
    x, y, trouble = sep.winpos(pixels, found["x"], found["y"], sigma, mask=blocked)
    moved = np.hypot(x - found["x"], y - found["y"]) > fwhm
    lost = (trouble != 0) | moved | ~np.isfinite(x) | ~np.isfinite(y)
    source_flags = np.zeros(len(found), dtype=np.int32)
    source_flags[lost] |= SourceFlag.NO_CENTER
    source_flags[(found["flag"] & sep.OBJ_MERGED) != 0] |= SourceFlag.BLENDED
    return Table(
        {
            "x": np.where(lost, found["x"], x),
            "y": np.where(lost, found["y"], y),
            "a": found["a"],
            "b": found["b"],
            "theta": found["theta"],
            "flux": found["flux"],
            "peak": found["peak"],
            "n_pixels": found["npix"].astype(np.int32),
            "flags": source_flags,
        }
    )


def kernel_width(fwhm: float) -> float:
    """Give the width of the filter for point sources of some width (both FWHM, in pixels).

    The matched filter would find the faintest sources, and merge those of a crowded field; half its width finds
    nearly as faint ones and keeps neighbours apart. 7 pixels a side bound the time of the convolution.
    """
    return min(max(0.5 * fwhm, 1.5), 3.5)


def detection_kernel(fwhm: float) -> FloatArray:
    """Give a round Gaussian of sum 1 and of `kernel_width`."""
    width = kernel_width(fwhm)
    steps = np.arange(-3, 4)
    profile = np.exp(-0.5 * (steps * _GAUSSIAN_SIGMA / width) ** 2)
    kernel = np.outer(profile, profile)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
