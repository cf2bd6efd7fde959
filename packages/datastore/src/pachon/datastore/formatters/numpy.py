# SPDX-License-Identifier: BSD-3-Clause
"""NumPy arrays."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO, ClassVar

import numpy as np

from pachon.datastore.formatter import Formatter

__all__ = ["NumpyFormatter"]


class NumpyFormatter(Formatter):
    """One array as ``.npy``. Arrays of Python objects are refused: they would be pickled."""

    default_extension: ClassVar[str] = ".npy"
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> memoryview:
        buffer = BytesIO()
        np.save(buffer, np.asarray(obj), allow_pickle=False)
        return buffer.getbuffer()

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        return np.load(stream, allow_pickle=False)
