# SPDX-License-Identifier: BSD-3-Clause
"""Reading raw frames of the Nickel camera."""

from __future__ import annotations

from typing import Any

from pachon.obs_base.nickel.frame_kind import frame_kind
from pachon.obs_base.raw.formatter import RawFormatter

__all__ = ["NickelRawFormatter"]


class NickelRawFormatter(RawFormatter):
    """Reads frames as the camera writes them, or packed with ``fpack`` (the image is then in HDU 1).

    The header's WCS has the right scale and rotation; its zero point is off by up to two arcminutes.
    """

    def sees_sky(self, header: Any) -> bool:
        return frame_kind(header)[1] in ("science", "sky")
