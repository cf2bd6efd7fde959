# SPDX-License-Identifier: BSD-3-Clause
"""How wide a point source is in an image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FloatArray
from pachon.pipe_tasks.source_detection import SourceFlag

__all__ = ["NARROWEST", "measure_fwhm"]

NARROWEST = 1.3
"""Pixels; no telescope makes narrower stars on a CCD that samples them."""


def measure_fwhm(
    data: FloatArray,
    mask: BoolArray,
    sources: Any,
    *,
    guess: float,
    saturated: BoolArray | None = None,
    stars: int = 25,
) -> tuple[float, int]:
    """Measure the full width at half maximum of the point sources.

    Parameters
    ----------
    data, mask
        Image without sky, and the pixels not to use.
    sources : Table
        From `detect_sources`.
    guess
        Expected width (pixels).
    saturated
        Saturated pixels; a source near one takes no part.
    stars
        The brightest so many unblended sources are fitted.

    Returns
    -------
    fwhm : float
        Median of the widths of circular Gaussians fitted to them (pixels), NaN if there are none.
    n_stars : int
        How many went into it.

    Notes
    -----
    Particle hits are single pixels, or nearly so, and can be more than the bright stars: widths below `NARROWEST` are
    dropped if there are others, and of the rest the half that agrees best is taken (Robertson & Cryer 1974).
    """
    from photutils.psf import fit_fwhm

    side = 2 * round(1.2 * guess) + 1
    half = side // 2 + 1
    columns, rows = np.asarray(sources["x"], dtype=float), np.asarray(sources["y"], dtype=float)
    inside = (columns > half) & (rows > half) & (columns < data.shape[1] - half) & (rows < data.shape[0] - half)
    clean = inside & ((np.asarray(sources["flags"]) & (SourceFlag.BLENDED | SourceFlag.NO_CENTER)) == 0)
    # A hit by a particle is narrower than any star of a sampled image, and elongated ones are trails or pairs.
    clean &= np.asarray(sources["b"]) > 0.6 * np.asarray(sources["a"])
    blocked = mask if saturated is None else mask | saturated
    order = [int(i) for i in np.argsort(-np.asarray(sources["flux"])) if clean[i]]
    chosen = [i for i in order if not _touches(blocked, columns[i], rows[i], half)][:stars]
    if not chosen:
        return float("nan"), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # single fits may fail; the median does not mind
        widths = fit_fwhm(
            np.asarray(data, dtype=float),
            xypos=np.column_stack([columns[chosen], rows[chosen]]),
            fwhm=guess,
            fit_shape=side,
        )
    widths = np.asarray(widths)[np.isfinite(widths)]
    widths = widths[(widths > 0.5) & (widths < 4.0 * guess)]
    if np.any(widths > NARROWEST):
        widths = widths[widths > NARROWEST]
    if not len(widths):
        return float("nan"), 0
    middle = _mode(widths)
    stellar = widths[(widths > 0.75 * middle) & (widths < 1.33 * middle)]
    return float(np.median(stellar)), len(stellar)


def _mode(widths: FloatArray) -> float:
    """Give the median of the half of the values that lie closest together (in the logarithm)."""
    ordered = np.sort(np.log(widths))
    half = (len(ordered) + 1) // 2
    spans = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    begin = int(np.argmin(spans))
    return float(np.exp(np.median(ordered[begin : begin + half])))


def _touches(blocked: BoolArray, x: float, y: float, half: int) -> bool:
    column, row = round(x), round(y)
    return bool(blocked[row - half : row + half + 1, column - half : column + half + 1].any())
