# SPDX-License-Identifier: BSD-3-Clause
"""Why a pixel is not to be trusted: the bits of the ``flags`` array of our images."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FlagArray
from pachon.pipe_tasks.header_cards import ensure_header

__all__ = ["NO_VALUE", "UNUSABLE", "MaskPlane", "flags_of", "set_flags"]


class MaskPlane(IntFlag):
    """One bit a reason; they fit a byte."""

    BAD = 1
    """A defect of the detector, or of a master calibration there."""

    SATURATED = 2
    """The raw value reached the saturation level."""

    NO_DATA = 4
    """No detector saw this part of the sky, or its value is not finite."""

    CLIPPED = 8
    """At least one image was rejected here when several were combined; the value itself is sound."""

    SUSPECT = 16
    """Interpolated from neighbours of which some were unusable."""

    COSMIC_RAY = 32
    """Hit by a particle; the value is that of its surroundings."""


NO_VALUE = MaskPlane.BAD | MaskPlane.NO_DATA | MaskPlane.COSMIC_RAY
"""The planes of pixels that hold nothing of the sky; a saturated pixel at least says that it is bright."""

UNUSABLE = NO_VALUE | MaskPlane.SATURATED
"""The planes that make the boolean ``mask``."""


def flags_of(image: Any) -> FlagArray:
    """Give the flags of a CCDData; one that has only a boolean mask is BAD there."""
    if image.flags is not None:
        return np.asarray(image.flags, dtype=np.uint8)
    if image.mask is None:
        return np.zeros(image.shape, dtype=np.uint8)
    return np.where(np.asarray(image.mask, dtype=bool), np.uint8(MaskPlane.BAD), np.uint8(0)).astype(np.uint8)


def set_flags(image: Any, flags: FlagArray) -> None:
    """Give a CCDData its flags, the mask that follows from them, and header cards that name the bits."""
    image.flags = flags
    image.mask = unusable(flags)
    header = ensure_header(image)
    for plane in MaskPlane:
        header[f"MP_{plane.name}"[:8]] = (int(plane).bit_length() - 1, f"bit of flag {plane.name}")


def unusable(flags: FlagArray) -> BoolArray:
    """Tell which pixels hold no usable value."""
    return np.asarray((flags & np.uint8(UNUSABLE)) != 0)
