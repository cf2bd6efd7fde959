# SPDX-License-Identifier: BSD-3-Clause
"""The table of an image's sources, and what the image is like as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FlagArray, FloatArray
from pachon.pipe_tasks.mask_planes import MaskPlane, unusable
from pachon.pipe_tasks.photometry import Photometry, measure_photometry
from pachon.pipe_tasks.point_source_width import measure_fwhm
from pachon.pipe_tasks.source_detection import SourceFlag, detect_sources, kernel_width
from pachon.pipe_tasks.table_format import set_formats

__all__ = ["ImageQuality", "SourceSettings", "make_source_catalog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """How sources are found and measured."""

    threshold: float = 5.0
    """Signal to noise of a detection in the filtered image."""

    minimum_pixels: int = 3
    fwhm_guess: float = 5.0
    """Pixels; only the first of two passes uses it."""

    small_aperture: float = 1.0
    """Radius in units of the FWHM."""

    large_aperture: float = 2.0
    """Radius in units of the FWHM; fluxes are corrected to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuality:
    """One image in a few numbers."""

    fwhm: float
    """Of a point source (pixels)."""

    n_fwhm: int
    """Stars measured for it; 0 means that the guess was taken."""

    n_sources: int
    aperture_correction: float
    limiting_flux: float
    """Flux of a point source of five times its noise, in the unit of the image, on typical sky."""


def make_source_catalog(
    data: FloatArray,
    deviation: FloatArray,
    flags: FlagArray,
    *,
    settings: SourceSettings | None = None,
    unit: str = "electron",
    exposure_time: float = 1.0,
    wcs: Any = None,
    noise_factor: float = 1.0,
) -> tuple[Any, ImageQuality]:
    """Find and measure the sources of an image.

    Parameters
    ----------
    data, deviation, flags
        Image without sky, standard deviation a pixel, `MaskPlane` bits.
    settings
        How.
    unit
        Of the image.
    exposure_time
        Seconds; instrumental magnitudes are of the flux in one second.
    wcs : WCS, optional
        Adds ``ra, dec``.
    noise_factor
        See `measure_photometry`.

    Returns
    -------
    catalog : Table
        Brightest first. ``id`` from 1; ``x, y`` (pixels from 0) and their error; ``ra, dec`` (deg) if there is a WCS;
        ``flux, flux_error`` (small aperture, corrected) and ``large_flux, large_flux_error``;
        ``instrumental_magnitude, magnitude_error``: -2.5 log10 of the flux a second; ``signal_to_noise, peak``;
        ``half_light_radius`` (pixels), ``ellipticity``, ``n_pixels``, ``flags`` (`SourceFlag`, bits in the meta).
    quality : ImageQuality
    """
    settings = settings or SourceSettings()
    saturated = np.asarray((flags & np.uint8(MaskPlane.SATURATED)) != 0)
    mask = unusable(flags)
    guess = settings.fwhm_guess
    for _ in range(3):
        sources = detect_sources(
            data,
            deviation,
            flags,
            fwhm=guess,
            threshold=settings.threshold,
            minimum_pixels=settings.minimum_pixels,
        )
        fwhm, n_fwhm = measure_fwhm(data, mask, sources, guess=guess, saturated=saturated)
        is_good = not n_fwhm or (
            abs(kernel_width(fwhm) / kernel_width(guess) - 1.0) < 0.15 and abs(fwhm / guess - 1.0) < 0.4
        )
        if is_good:
            break
        guess = fwhm
    fwhm = fwhm if n_fwhm else guess
    measured = measure_photometry(
        data,
        deviation,
        flags,
        sources,
        fwhm=fwhm,
        small=settings.small_aperture,
        large=settings.large_aperture,
        noise_factor=noise_factor,
    )
    good = deviation[~mask]
    sky = float(np.median(good)) if good.size else float("nan")
    area = np.pi * (settings.small_aperture * fwhm) ** 2
    quality = ImageQuality(
        fwhm=fwhm,
        n_fwhm=n_fwhm,
        n_sources=len(sources),
        aperture_correction=measured.aperture_correction,
        limiting_flux=5.0 * sky * float(np.sqrt(area)) * measured.aperture_correction * noise_factor,
    )
    return _table(sources, measured, quality, unit=unit, exposure_time=exposure_time, wcs=wcs), quality


def _table(
    sources: Any, measured: Photometry, quality: ImageQuality, *, unit: str, exposure_time: float, wcs: Any
) -> Any:
    import astropy.units as u
    from astropy.table import Table

    flux, error = measured.flux, measured.flux_error
    positive = (flux > 0) & (error > 0)
    rate = np.where(positive, flux / exposure_time, np.nan)
    signal = np.divide(flux, error, out=np.zeros_like(flux), where=error > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        magnitude, magnitude_error = -2.5 * np.log10(rate), 2.5 / np.log(10) * error / np.where(positive, flux, np.nan)
        position_error = 0.85 * quality.fwhm / 2.355 / np.where(signal > 0, signal, np.nan)
    flags = np.asarray(sources["flags"]) | measured.flags
    half_light = measured.half_light_radius
    odd = (half_light < 0.5 * 0.6 * quality.fwhm) | (half_light > 0.5 * 1.6 * quality.fwhm)
    flags[odd] |= SourceFlag.NOT_STELLAR
    table = Table()
    table["x"], table["y"] = sources["x"] * u.pix, sources["y"] * u.pix
    table["position_error"] = position_error * u.pix
    if wcs is not None and len(sources):
        table["ra"], table["dec"] = (angle * u.deg for angle in wcs.all_pix2world(sources["x"], sources["y"], 0))
    elif wcs is not None:
        table["ra"], table["dec"] = np.zeros(0) * u.deg, np.zeros(0) * u.deg
    image_unit = u.Unit(unit)
    table["flux"], table["flux_error"] = flux * image_unit, error * image_unit
    table["large_flux"], table["large_flux_error"] = (
        measured.large_flux * image_unit,
        measured.large_flux_error * image_unit,
    )
    table["instrumental_magnitude"], table["magnitude_error"] = magnitude * u.mag, magnitude_error * u.mag
    table["signal_to_noise"] = signal
    table["peak"] = np.asarray(sources["peak"], dtype=float) * image_unit
    table["half_light_radius"] = half_light * u.pix
    table["ellipticity"] = 1.0 - np.asarray(sources["b"] / sources["a"], dtype=float)
    table["n_pixels"], table["flags"] = sources["n_pixels"], flags.astype(np.int32)
    table = table[np.argsort(-flux, kind="stable")]
    table.add_column(np.arange(1, len(table) + 1), name="id", index=0)
    set_formats(table)
    table.meta["flag_bits"] = {flag.name: int(flag).bit_length() - 1 for flag in SourceFlag}
    table.meta["fwhm"] = round(quality.fwhm, 4)
    table.meta["n_fwhm"] = quality.n_fwhm
    table.meta["aperture_correction"] = round(measured.aperture_correction, 5)
    table.meta["limiting_flux"] = round(quality.limiting_flux, 4)
    table.meta["exposure_time"] = exposure_time
    return table
