# SPDX-License-Identifier: BSD-3-Clause
"""From counts of a raw frame to electrons with known noise: the detector's own marks removed."""

from __future__ import annotations

from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FlagArray
from pachon.pipe_tasks.camera import Detector, box_slices
from pachon.pipe_tasks.defects import defect_mask
from pachon.pipe_tasks.mask_planes import MaskPlane, set_flags
from pachon.pipe_tasks.overscan import OverscanModel, subtract_overscan

__all__ = ["raw_to_electrons", "remove_signature"]


def raw_to_electrons(
    raw: Any,
    detector: Detector,
    *,
    bias: Any = None,
    overscan_model: OverscanModel = "smooth",
    overscan_order: int = 3,
    overscan_skip: int = 4,
    measure_read_noise: bool = True,
) -> Any:
    """Subtract overscan and master bias, and say what the noise is.

    Parameters
    ----------
    raw : CCDData
        A whole raw frame, in ADU.
    detector
        Sections, gain, read noise and saturation.
    bias : CCDData, optional
        Master bias in ADU, trimmed.
    overscan_model, overscan_order, overscan_skip
        See `subtract_overscan`.
    measure_read_noise
        Take the read noise from the scatter of this frame's overscan; else, or without overscan, the detector's.

    Returns
    -------
    CCDData
        The data section in electrons, float32, with a standard deviation from photon and read noise (and that of
        the bias), and SATURATED flags.
    """
    import astropy.units as u
    import ccdproc

    image = subtract_overscan(raw, detector, model=overscan_model, order=overscan_order, skip=overscan_skip)
    header = image.header
    saturated = np.asarray(raw.data[box_slices(detector.data_section)]) >= detector.saturation
    bias_variance: Any = 0.0
    if bias is not None:
        image = ccdproc.subtract_bias(image, _plain(bias))
        bias_variance = 0.0 if bias.uncertainty is None else (detector.gain * _deviation(bias)) ** 2
    image = ccdproc.gain_correct(image, detector.gain * u.electron / u.adu)
    # The bias is taken off first: photon noise follows the light, not the pedestal.
    read_noise = detector.read_noise
    if measure_read_noise and "OSNOISE" in header:
        read_noise = float(header["OSNOISE"]) * detector.gain
    variance = np.maximum(image.data, 0.0) + read_noise**2 + bias_variance
    image = _with_noise(image, np.sqrt(variance), header)
    flags = np.where(saturated, np.uint8(MaskPlane.SATURATED), np.uint8(0)).astype(np.uint8)
    if bias is not None and bias.mask is not None:
        flags[np.asarray(bias.mask, dtype=bool)] |= np.uint8(MaskPlane.BAD)
    image.header["GAINUSED"] = (detector.gain, "electrons for one ADU")
    image.header["RDNOISE"] = (round(read_noise, 3), "read noise (electrons)")
    image.header["BUNIT"] = "electron"
    set_flags(image, flags)
    return image


def remove_signature(
    image: Any,
    *,
    dark: Any = None,
    exposure_time: float | None = None,
    flat: Any = None,
    defects: Any = None,
    flat_minimum: float = 0.1,
) -> Any:
    """Subtract the dark current, divide by the flat and mark what is not to be trusted.

    Parameters
    ----------
    image : CCDData
        From `raw_to_electrons`.
    dark : CCDData, optional
        Master dark in electrons of one second.
    exposure_time
        Seconds; needed with a dark.
    flat : CCDData, optional
        Master flat, about 1.
    defects : Table, optional
        See `defect_mask`.
    flat_minimum
        A pixel whose flat is below this is BAD (and is divided by this).

    Returns
    -------
    CCDData
        Electrons as if each pixel had the mean sensitivity, float32, with propagated standard deviation and flags.
    """
    import ccdproc

    header, flags = image.header, image.flags.copy()
    flags[defect_mask(defects, image.shape)] |= np.uint8(MaskPlane.BAD)
    result = image.copy()
    if dark is not None and exposure_time:
        result = result.subtract(_plain(dark).multiply(exposure_time * _seconds()))
        _mark_bad(flags, dark)
    if flat is not None:
        result = ccdproc.flat_correct(result, _plain(flat), min_value=flat_minimum, norm_value=1.0)
        flags[np.asarray(flat.data) < flat_minimum] |= np.uint8(MaskPlane.BAD)
        _mark_bad(flags, flat)
    finite = np.isfinite(result.data)
    flags[~finite] |= np.uint8(MaskPlane.NO_DATA)
    result.data = np.where(finite, result.data, 0.0)
    result = _with_noise(result, result.uncertainty.array, header)
    set_flags(result, flags)
    return result


def _mark_bad(flags: FlagArray, calibration: Any) -> None:
    if calibration.mask is not None:
        flags[np.asarray(calibration.mask, dtype=bool)] |= np.uint8(MaskPlane.BAD)


def _plain(calibration: Any) -> Any:
    """Give a calibration without mask, WCS and header, which arithmetic would compare and merge."""
    from astropy.nddata import CCDData

    return CCDData(calibration.data, unit=calibration.unit, uncertainty=calibration.uncertainty)


def _with_noise(image: Any, deviation: Any, header: Any) -> Any:
    from astropy.nddata import CCDData, StdDevUncertainty

    return CCDData(
        np.asarray(image.data, dtype=np.float32),
        unit=image.unit,
        uncertainty=StdDevUncertainty(np.asarray(deviation, dtype=np.float32)),
        wcs=image.wcs,
        header=header,
    )


def _deviation(image: Any) -> Any:
    from astropy.nddata import StdDevUncertainty

    return image.uncertainty.represent_as(StdDevUncertainty).array


def _seconds() -> Any:
    import astropy.units as u

    return u.s
