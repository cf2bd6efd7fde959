# SPDX-License-Identifier: BSD-3-Clause
"""Integer pixel boxes: detectors, overscans, tracts and patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Box:
    """A box of whole pixels, half open: ``x0 <= x < x0 + width``.

    Pixel centres are at integers, counted from 0, as in `astropy.wcs` with ``origin=0``: the
    corners of the box are half a pixel outside its first and last pixel centres.
    """

    x0: int
    """First column."""

    y0: int
    """First row."""

    width: int
    """Number of columns."""

    height: int
    """Number of rows."""

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"A box cannot be {self.width} x {self.height} pixels.")

    @classmethod
    def from_floats(cls, x_min: float, y_min: float, x_max: float, y_max: float) -> Self:
        """Give the smallest box that covers the floating-point box, pixels taken whole."""
        x0, y0 = math.floor(x_min + 0.5), math.floor(y_min + 0.5)
        x1, y1 = math.ceil(x_max - 0.5), math.ceil(y_max - 0.5)
        return cls(x0, y0, x1 - x0 + 1, y1 - y0 + 1)

    @property
    def x1(self) -> int:
        """One past the last column."""
        return self.x0 + self.width

    @property
    def y1(self) -> int:
        """One past the last row."""
        return self.y0 + self.height

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an array of these pixels: rows, columns."""
        return (self.height, self.width)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width == 0 or self.height == 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index (rows, columns) of this box in an array whose pixel (0, 0) is at index [0, 0]."""
        return (slice(self.y0, self.y1), slice(self.x0, self.x1))

    def slices_in(self, parent: Box) -> tuple[slice, slice]:
        """Index (rows, columns) of this box in an array that holds ``parent``."""
        return self.shifted(-parent.x0, -parent.y0).slices

    def corners(self) -> list[tuple[float, float]]:
        """Give the four outer corners (x, y), counter-clockwise from the lower left."""
        x_min, y_min, x_max, y_max = self.x0 - 0.5, self.y0 - 0.5, self.x1 - 0.5, self.y1 - 0.5
        return [(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)]

    def center(self) -> tuple[float, float]:
        """Give the middle (x, y)."""
        return (self.x0 + (self.width - 1) / 2.0, self.y0 + (self.height - 1) / 2.0)

    def contains(self, x: float, y: float) -> bool:
        """Tell whether the pixel that holds the point is in the box."""
        column, row = math.floor(x + 0.5), math.floor(y + 0.5)
        return self.x0 <= column < self.x1 and self.y0 <= row < self.y1

    def shifted(self, dx: int, dy: int) -> Self:
        """Give the box moved by whole pixels."""
        return type(self)(self.x0 + dx, self.y0 + dy, self.width, self.height)

    def grown(self, margin: int) -> Self:
        """Give the box with ``margin`` pixels more on each side."""
        return type(self)(self.x0 - margin, self.y0 - margin, self.width + 2 * margin, self.height + 2 * margin)

    def intersection(self, other: Box) -> Self:
        """Give the common pixels, an empty box if there are none."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        width = max(0, min(self.x1, other.x1) - x0)
        height = max(0, min(self.y1, other.y1) - y0)
        return type(self)(x0, y0, width, height)
