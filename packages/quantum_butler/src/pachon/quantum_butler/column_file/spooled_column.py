# SPDX-License-Identifier: BSD-3-Clause
"""A column of bytes that lies in a temporary file: for contents that are larger, all together, than memory."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpooledColumn"]

_NONE: Final = -1


class SpooledColumn:
    """Bytes or `None` by row, written in any order and read like an array of objects; the file goes with the object.

    Parameters
    ----------
    rows
        How many; each is `None` until it is set.
    """

    kind: Final = "bytes"
    dtype: Final = np.dtype(object)
    ndim: Final = 1

    def __init__(self, rows: int) -> None:
        self._file = tempfile.TemporaryFile(prefix="pachon-", buffering=0)  # noqa: SIM115  # lives as long as this object
        self._offsets = np.zeros(rows, dtype=np.int64)
        self._lengths = np.full(rows, _NONE, dtype=np.int64)
        self._end = 0

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Which rows hold something."""
        return self._lengths >= 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __setitem__(self, row: int, data: bytes | None) -> None:
        if data is None:
            self._lengths[row] = _NONE
            return
        written = 0
        while written < len(data):
            written += os.pwrite(self._file.fileno(), data[written:], self._end + written)
        self._offsets[row], self._lengths[row] = self._end, len(data)
        self._end += len(data)

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> NDArray[np.object_]:
        places = zip(self._offsets[rows].tolist(), self._lengths[rows].tolist(), strict=True)
        items = [None if length < 0 else os.pread(self._file.fileno(), length, offset) for offset, length in places]
        found = np.empty(len(items), dtype=object)
        found[:] = items
        return found
