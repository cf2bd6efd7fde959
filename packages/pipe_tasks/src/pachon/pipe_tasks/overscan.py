# SPDX-License-Identifier: BSD-3-Clause
"""The bias level of a frame from its own overscan, and the cut to the pixels that see light."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from pachon.base import InvalidInputError
from pachon.pipe_tasks.camera import Detector, box_slices
from pachon.pipe_tasks.header_cards import ensure_header

__all__ = ["OverscanModel", "subtract_overscan"]

OverscanModel: TypeAlias = Literal["constant", "smooth", "rows"]
"""One level for the frame; a smooth curve along the columns; or a level a row (noisier, for unstable electronics)."""


def subtract_overscan(
    raw: Any, detector: Detector, *, model: OverscanModel = "smooth", order: int = 3, skip: int = 4
) -> Any:
    """Subtract the bias level and trim to the data section.

    Parameters
    ----------
    raw : CCDData
        A whole raw frame, in ADU.
    detector
        Says where the sections are.
    model
        How the level may change from row to row.
    order
        Degree of the Chebyshev polynomial of a smooth model.
    skip
        Columns next to either edge of an overscan section that are left out: the first still hold charge of the image.

    Returns
    -------
    CCDData
        The data section in ADU, float32, with header cards ``OSLEVEL`` (median level, ADU) and ``OSNOISE``
        (scatter of the overscan pixels about the model, ADU).

    Raises
    ------
    InvalidInputError
        If the frame is smaller than the detector's sections.
    """
    import ccdproc
    from astropy.modeling.models import Chebyshev1D
    from astropy.nddata import CCDData
    from astropy.stats import mad_std

    for section in (detector.data_section, *detector.overscan_sections):
        if section.x1 > raw.shape[1] or section.y1 > raw.shape[0]:
            raise InvalidInputError(
                f"A raw frame of {raw.shape[1]} x {raw.shape[0]} pixels does not hold the section "
                f"[{section.x0}, {section.x1}) x [{section.y0}, {section.y1}) of its detector."
            )
    trimmed = ccdproc.trim_image(raw[box_slices(detector.data_section)])
    trimmed.data = trimmed.data.astype(np.float32)
    ensure_header(trimmed)
    columns = [_inner_columns(raw.data[box_slices(box)], skip) for box in detector.overscan_sections]
    if not columns:
        return trimmed
    overscan = np.concatenate(columns, axis=1).astype(np.float32)
    curve = None
    if model == "smooth":
        curve = Chebyshev1D(order, domain=(0.0, float(max(1, trimmed.shape[0] - 1))))
    elif model == "constant":
        overscan = np.full_like(overscan[:, :1], np.median(overscan))
    result = ccdproc.subtract_overscan(
        trimmed, overscan=CCDData(overscan, unit=raw.unit), overscan_axis=1, median=True, model=curve
    )
    result.data = result.data.astype(np.float32)
    level = trimmed.data[:, 0] - result.data[:, 0]
    pixels = np.concatenate(columns, axis=1)
    result.header["OSLEVEL"] = (round(float(np.median(level)), 3), "overscan level subtracted (ADU)")
    result.header["OSNOISE"] = (round(float(mad_std(pixels - level[:, None])), 3), "overscan scatter (ADU)")
    return result


def _inner_columns(section: Any, skip: int) -> Any:
    skip = min(skip, (section.shape[1] - 1) // 2)
    return section[:, skip : section.shape[1] - skip]
