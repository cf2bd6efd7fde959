# SPDX-License-Identifier: BSD-3-Clause
"""Values for pixels that have none, so that interpolation can pass over them."""

from __future__ import annotations

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FloatArray

__all__ = ["fill_bad_pixels"]


def fill_bad_pixels(data: FloatArray, bad: BoolArray) -> FloatArray:
    """Replace bad pixels by a straight line along their row between the nearest good ones.

    Defects are mostly columns, so that the row is the short way across. A row without a good pixel is taken from the
    nearest row that has one (0 if there is none).
    """
    filled = np.array(data, dtype=np.float32)
    columns = np.arange(data.shape[1])
    good_rows = np.flatnonzero(~bad.all(axis=1))
    for row in np.flatnonzero(bad.any(axis=1)):
        good = ~bad[row]
        if good.any():
            filled[row, bad[row]] = np.interp(columns[bad[row]], columns[good], data[row, good])
    for row in np.flatnonzero(bad.all(axis=1)):
        filled[row] = filled[good_rows[np.argmin(np.abs(good_rows - row))]] if len(good_rows) else 0.0
    return filled
