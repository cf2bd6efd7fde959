# SPDX-License-Identifier: BSD-3-Clause
"""Images of point sources."""

from __future__ import annotations

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray

__all__ = ["render_stars"]


def render_stars(shape: tuple[int, int], x: FloatArray, y: FloatArray, flux: FloatArray, fwhm: float) -> FloatArray:
    """Draw round Gaussians, integrated over pixels.

    Parameters
    ----------
    shape
        Rows, columns.
    x, y
        Centres (pixels from 0).
    flux
        Sum of the pixels of each star.
    fwhm
        Full width at half maximum (pixels).

    Returns
    -------
    array
        float64.
    """
    from scipy.special import erf

    image = np.zeros(shape)
    sigma = fwhm / 2.354820045
    reach = int(np.ceil(5.0 * sigma)) + 1
    for x0, y0, total in zip(x, y, flux, strict=True):
        columns = np.arange(max(0, round(x0) - reach), min(shape[1], round(x0) + reach + 1))
        rows = np.arange(max(0, round(y0) - reach), min(shape[0], round(y0) + reach + 1))
        if not len(columns) or not len(rows):
            continue
        along_x, along_y = (
            0.5 * (erf((pixels + 0.5 - middle) / sigma / 2**0.5) - erf((pixels - 0.5 - middle) / sigma / 2**0.5))
            for pixels, middle in ((columns, x0), (rows, y0))
        )
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += total * np.outer(along_y, along_x)
    return image
