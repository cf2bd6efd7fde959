# SPDX-License-Identifier: BSD-3-Clause
"""Master bias, dark and flat from raw frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.pipe_tasks.camera import Detector
from pachon.pipe_tasks.combination import combine_frames
from pachon.pipe_tasks.instrument_signature import raw_to_electrons
from pachon.pipe_tasks.mask_planes import unusable
from pachon.pipe_tasks.overscan import OverscanModel, subtract_overscan

__all__ = ["NoUsableFramesError", "master_bias", "master_dark", "master_flat", "scale_flats"]


class NoUsableFramesError(InvalidInputError):
    """None of the frames can be part of a master calibration."""


def master_bias(
    raws: Iterable[Any],
    detector: Detector,
    *,
    clip: float = 5.0,
    overscan_model: OverscanModel = "smooth",
    overscan_order: int = 3,
    overscan_skip: int = 4,
) -> Any:
    """Combine bias frames.

    Parameters
    ----------
    raws : iterable of CCDData
        Whole raw frames in ADU; they are read one at a time if it is a generator.
    detector
        Sections and electronics.
    clip
        See `find_outliers`.
    overscan_model, overscan_order, overscan_skip
        See `subtract_overscan`.

    Returns
    -------
    CCDData
        What is left of a bias frame above its own overscan (ADU), with standard deviation.

    Notes
    -----
    The noise of a frame is the larger of the stated read noise and the scatter in its overscan.
    """
    from astropy.nddata import StdDevUncertainty

    frames = []
    for raw in raws:
        frame = subtract_overscan(raw, detector, model=overscan_model, order=overscan_order, skip=overscan_skip)
        noise = max(detector.read_noise / detector.gain, float(frame.header.get("OSNOISE", 0.0)))
        frame.uncertainty = StdDevUncertainty(np.full(frame.shape, noise, dtype=np.float32))
        frame.mask = np.asarray(~np.isfinite(frame.data))
        frames.append(frame)
    if not frames:
        raise NoUsableFramesError("There are no bias frames to combine.")
    master = combine_frames(frames, clip=clip)
    _describe(master, "bias", "adu")
    return master


def master_dark(
    raws: Iterable[Any],
    exposure_times: Sequence[float],
    detector: Detector,
    *,
    bias: Any = None,
    clip: float = 5.0,
    overscan_model: OverscanModel = "smooth",
    overscan_order: int = 3,
    overscan_skip: int = 4,
) -> Any:
    """Combine dark frames to the charge of one second.

    Parameters
    ----------
    raws, detector, clip, overscan_model, overscan_order, overscan_skip
        As in `master_bias`.
    exposure_times
        Seconds, one a frame; frames of no length are left out.
    bias : CCDData
        Master bias (ADU).

    Returns
    -------
    CCDData
        Dark current (electrons a second), with standard deviation.
    """
    import astropy.units as u

    frames, times = [], []
    for raw, seconds in zip(raws, exposure_times, strict=True):
        if seconds <= 0:
            continue
        frame = raw_to_electrons(
            raw,
            detector,
            bias=bias,
            overscan_model=overscan_model,
            overscan_order=overscan_order,
            overscan_skip=overscan_skip,
        )
        frames.append(frame.divide(seconds * u.s))
        times.append(seconds)
    if not frames:
        raise NoUsableFramesError("There are no dark frames with an exposure time to combine.")
    # Read noise dominates, so that the variance of a rate falls with the square of the time.
    master = combine_frames(frames, clip=clip, weights=[seconds**2 for seconds in times])
    _describe(master, "dark", "electron / s")
    return master


def master_flat(
    raws: Iterable[Any],
    detector: Detector,
    *,
    bias: Any = None,
    clip: float = 5.0,
    minimum_level: float = 2000.0,
    maximum_saturated: float = 0.01,
    overscan_model: OverscanModel = "smooth",
    overscan_order: int = 3,
    overscan_skip: int = 4,
) -> Any:
    """Combine flat fields, each scaled to a median of 1.

    Parameters
    ----------
    raws, detector, bias, clip, overscan_model, overscan_order, overscan_skip
        As in `master_dark`.
    minimum_level
        A frame with a lower median (electrons) is left out.
    maximum_saturated
        A frame with more than this fraction of saturated pixels is left out.

    Returns
    -------
    CCDData
        Relative sensitivity (no unit), median 1, with standard deviation; masked where it is not positive. Header:
        ``NCOMBINE`` and ``NREJECT``, the frames used and left out.

    Raises
    ------
    NoUsableFramesError
        If no frame has a level between the limits; the message lists the levels.
    """
    import astropy.units as u
    from astropy.nddata import CCDData

    frames, levels, refused = [], [], []
    for raw in raws:
        frame = raw_to_electrons(
            raw,
            detector,
            bias=bias,
            overscan_model=overscan_model,
            overscan_order=overscan_order,
            overscan_skip=overscan_skip,
        )
        level = float(np.median(frame.data))
        if level < minimum_level or float(unusable(frame.flags).mean()) > maximum_saturated:
            refused.append(level)
            continue
        frames.append(frame.divide(level * u.electron))
        levels.append(level)
    if not frames:
        listed = ", ".join(f"{level:.0f}" for level in refused) or "none"
        raise NoUsableFramesError(
            f"No flat has a median above {minimum_level:.0f} electrons without saturation; medians: {listed}."
        )
    # Photon noise: the variance of a scaled frame falls with its level.
    master = combine_frames(frames, clip=clip, weights=levels)
    scale = float(np.median(master.data[~master.mask]))
    result = CCDData(
        master.data / np.float32(scale),
        unit=u.dimensionless_unscaled,
        mask=np.asarray(master.mask | ~(master.data > 0)),
        uncertainty=type(master.uncertainty)(master.uncertainty.array / np.float32(scale)),
        header=master.header,
    )
    result.header["NREJECT"] = (len(refused), "frames left out for their level")
    result.header["FLATLVL"] = (round(float(np.mean(levels)), 1), "mean level of the frames (electrons)")
    _describe(result, "flat", "")
    return result


def _describe(master: Any, kind: str, unit: str) -> None:
    master.header["OBSTYPE"] = (kind, "kind of master calibration")
    master.header["BUNIT"] = unit


def scale_flats(flats: Sequence[Any], *, by_level: bool = True) -> list[Any]:
    """Bring the flats of the detectors of a camera to one scale.

    Parameters
    ----------
    flats : sequence of CCDData
        From `master_flat`, of one filter and light.
    by_level
        Multiply each by its level of light over the mean of all; else they stay as they are.

    Returns
    -------
    list of CCDData
        With the header card ``FLATSCAL``, the factor.
    """
    from astropy.nddata import CCDData

    levels = np.array([float(flat.header["FLATLVL"]) for flat in flats])
    factors = levels / levels.mean() if by_level else np.ones(len(flats))
    scaled = []
    for flat, factor in zip(flats, factors.astype(np.float32), strict=True):
        result = CCDData(
            flat.data * factor,
            unit=flat.unit,
            mask=flat.mask,
            uncertainty=type(flat.uncertainty)(flat.uncertainty.array * factor),
            header=flat.header.copy(),
        )
        result.header["FLATSCAL"] = (round(float(factor), 6), "level over the mean of the detectors")
        scaled.append(result)
    return scaled
