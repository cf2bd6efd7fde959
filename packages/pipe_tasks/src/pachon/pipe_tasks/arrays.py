# SPDX-License-Identifier: BSD-3-Clause
"""The array types that signatures of this package name."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FlagArray", "FloatArray", "IntArray"]

FloatArray: TypeAlias = NDArray[np.floating]
"""Floating point of any width: pixels (rows, columns), or positions (n, 2) as x, y."""

BoolArray: TypeAlias = NDArray[np.bool_]
"""Masks: True where a pixel or row is not to be used, unless the name says otherwise."""

IntArray: TypeAlias = NDArray[np.integer]
FlagArray: TypeAlias = NDArray[np.uint8]
"""`MaskPlane` bits, one byte a pixel."""
