# SPDX-License-Identifier: BSD-3-Clause
"""What kind of frame a Nickel header describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["frame_kind"]

_FLAT = re.compile(r"flat", re.IGNORECASE)
_SKY_FLAT = re.compile(r"sky|twi", re.IGNORECASE)
_TEST = re.compile(r"test", re.IGNORECASE)


def frame_kind(header: Mapping[str, Any]) -> tuple[str, str]:
    """Give the observation type and reason of a raw header.

    ``OBSTYPE`` knows only ``OBJECT`` and ``DARK``: a dark of zero length is a bias, and flats are
    known by the word *flat* in ``OBJECT``.

    Returns
    -------
    kind : str
        ``bias``, ``dark``, ``flat`` or ``science``.
    reason : str
        ``calibration`` for bias and dark; ``dome``, ``sky`` or ``test`` (a ramp) for flats; ``science``.

    Raises
    ------
    KeyError
        If ``OBSTYPE``, ``EXPTIME`` or ``OBJECT`` is missing.
    """
    if str(header["OBSTYPE"]).strip().upper() == "DARK":
        return ("bias" if float(header["EXPTIME"]) == 0.0 else "dark"), "calibration"
    name = str(header["OBJECT"])
    if not _FLAT.search(name):
        return "science", "science"
    if _TEST.search(name):
        return "flat", "test"
    return "flat", "sky" if _SKY_FLAT.search(name) else "dome"
