# SPDX-License-Identifier: BSD-3-Clause
"""Known defects of a detector, as boxes in a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from pachon.base import FormatError
from pachon.pipe_tasks.arrays import BoolArray

__all__ = ["defect_mask"]


def defect_mask(defects: Any, shape: tuple[int, int]) -> BoolArray:
    """Draw the boxes of a defect table.

    Parameters
    ----------
    defects : Table or None
        Columns ``x0, y0, width, height``: pixels of the trimmed image, counted from 0. None is no defects.
    shape
        Rows, columns of the trimmed image; boxes are cut at its edges.

    Returns
    -------
    array
        True in a box.

    Raises
    ------
    FormatError
        If the table lacks one of the columns.
    """
    mask = np.zeros(shape, dtype=bool)
    if defects is None:
        return mask
    missing = [name for name in ("x0", "y0", "width", "height") if name not in defects.colnames]
    if missing:
        raise FormatError(f"The table of defects has no column {', '.join(missing)}; it has {defects.colnames}.")
    for row in defects:
        x0, y0 = int(row["x0"]), int(row["y0"])
        mask[max(0, y0) : max(0, y0 + int(row["height"])), max(0, x0) : max(0, x0 + int(row["width"]))] = True
    return mask
