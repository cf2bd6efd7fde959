# SPDX-License-Identifier: BSD-3-Clause
"""What the tasks ask of a camera: any object of this shape will do, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Camera", "Detector", "PixelBox"]


class PixelBox(Protocol):
    """A box of whole pixels, half open: ``x0 <= x < x1``, ``y0 <= y < y1``."""

    @property
    def x0(self) -> int: ...
    @property
    def y0(self) -> int: ...
    @property
    def x1(self) -> int: ...
    @property
    def y1(self) -> int: ...


class Detector(Protocol):
    """One detector with one amplifier."""

    @property
    def data_section(self) -> PixelBox:
        """Pixels of a raw frame that see light."""

    @property
    def overscan_sections(self) -> Sequence[PixelBox]:
        """Pixels of a raw frame that hold the bias level, in the same rows as the data section."""

    @property
    def gain(self) -> float:
        """Electrons for one unit of a raw frame (ADU)."""

    @property
    def read_noise(self) -> float:
        """Electrons, rms."""

    @property
    def saturation(self) -> float:
        """Raw value (ADU, bias included) from which a pixel is not to be trusted."""


class Camera(Protocol):
    """Detectors by id."""

    def __getitem__(self, key: int, /) -> Detector: ...


def box_slices(box: PixelBox) -> tuple[slice, slice]:
    """Give the index (rows, columns) of a box in the frame that it is counted in."""
    return slice(box.y0, box.y1), slice(box.x0, box.x1)
