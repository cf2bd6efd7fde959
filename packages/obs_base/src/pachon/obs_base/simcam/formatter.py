# SPDX-License-Identifier: BSD-3-Clause
"""Reading raw frames of the simulated camera."""

from __future__ import annotations

from typing import Any

from pachon.base import FormatError
from pachon.obs_base.raw.formatter import RawFormatter

__all__ = ["SimCamRawFormatter"]


class SimCamRawFormatter(RawFormatter):
    """Reads files of one detector and files of a whole exposure."""

    def find_hdu(self, hdus: Any, detector: int | None) -> Any:
        for hdu in hdus:
            number = hdu.header.get("DETNUM")
            if number is not None and detector in (None, number):
                return hdu
        raise FormatError(f"it has no image of detector {detector}.")

    def sees_sky(self, header: Any) -> bool:
        return bool(header["OBSTYPE"] == "science")
