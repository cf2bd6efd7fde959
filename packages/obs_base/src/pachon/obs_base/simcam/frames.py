# SPDX-License-Identifier: BSD-3-Clause
"""Make the raw pixels and headers of a simulated exposure."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray

from pachon.obs_base.camera import Camera, Detector
from pachon.obs_base.simcam import detector_effects
from pachon.obs_base.simcam.plan import SimulatedExposure

_FLAT_RATES = {"g": 2200.0, "r": 2600.0}
"""Light of the flat-field screen (electrons a second and pixel)."""

_MOFFAT_BETA = 3.5
_STAMP = 14
_OVERSAMPLING = 3


def render_stars(
    shape: tuple[int, int], x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64], fwhm: float
) -> NDArray[np.float64]:
    """Give an image of stars, each a Moffat profile of unit volume times its flux.

    Positions are in pixels counted from 0 at the centre of the first; a pixel's value is the
    mean of the profile over it, by sub-pixels.
    """
    image = np.zeros(shape)
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / _MOFFAT_BETA) - 1.0))
    norm = (_MOFFAT_BETA - 1.0) / (np.pi * alpha**2)
    side = 2 * _STAMP + 1
    fine = (np.arange(side * _OVERSAMPLING) + 0.5) / _OVERSAMPLING - 0.5 - _STAMP
    for x0, y0, f in zip(x, y, flux, strict=True):
        column, row = int(np.floor(x0 + 0.5)), int(np.floor(y0 + 0.5))
        dx, dy = fine - (x0 - column), fine - (y0 - row)
        profile = norm * (1.0 + (dx[np.newaxis, :] ** 2 + dy[:, np.newaxis] ** 2) / alpha**2) ** -_MOFFAT_BETA
        stamp = f * profile.reshape(side, _OVERSAMPLING, side, _OVERSAMPLING).mean(axis=(1, 3))
        rows = slice(max(0, row - _STAMP), min(shape[0], row + _STAMP + 1))
        columns = slice(max(0, column - _STAMP), min(shape[1], column + _STAMP + 1))
        if rows.start < rows.stop and columns.start < columns.stop:
            image[rows, columns] += stamp[
                rows.start - row + _STAMP : rows.stop - row + _STAMP,
                columns.start - column + _STAMP : columns.stop - column + _STAMP,
            ]
    return image


def make_frame(
    camera: Camera, detector: Detector, exposure: SimulatedExposure, stars: Table, *, seed: int
) -> NDArray[np.uint16]:
    """Give the raw frame of one detector: data section and overscan, unsigned 16 bit."""
    random = np.random.default_rng([seed, exposure.exposure_id, detector.id])
    electrons = random.poisson(_light(camera, detector, exposure, stars)).astype(float)
    raw = np.full(detector.raw_bbox.shape, 0.0)
    raw[detector.data_section.slices] = electrons / detector.gain
    raw += random.normal(0.0, detector.read_noise / detector.gain, raw.shape)
    drift = float(np.random.default_rng([seed, exposure.exposure_id]).normal(0.0, 15.0))
    raw += detector_effects.bias_level(detector, drift) + random.normal(0.0, 0.4, (raw.shape[0], 1))
    raw[detector.data_section.slices] += detector_effects.bias_structure(detector, exposure.day_obs)
    return np.asarray(np.clip(np.round(raw), 0, 65535).astype(np.uint16))


def _light(camera: Camera, detector: Detector, exposure: SimulatedExposure, stars: Table) -> NDArray[np.float64]:
    if exposure.kind == "bias":
        return np.zeros(detector.bbox.shape)
    response = detector_effects.response_of(camera, detector, exposure.day_obs, exposure.filter)
    if exposure.kind == "flat":
        return np.asarray(_FLAT_RATES[exposure.filter] * exposure.exposure_time * response)
    wcs = camera.wcs(detector.id, ra=exposure.ra, dec=exposure.dec, sky_angle=exposure.sky_angle)
    x, y = wcs.wcs_world2pix(np.asarray(stars["ra"]), np.asarray(stars["dec"]), 0)
    flux = 10 ** (0.4 * (exposure.zero_point - np.asarray(stars[exposure.filter]))) * exposure.exposure_time
    height, width = detector.bbox.shape
    near = (x > -_STAMP) & (x < width + _STAMP) & (y > -_STAMP) & (y < height + _STAMP)
    scene = render_stars((height, width), x[near], y[near], flux[near], exposure.fwhm)
    return np.asarray((scene + exposure.sky_rate * exposure.exposure_time) * response)


def exposure_header(exposure: SimulatedExposure) -> fits.Header:
    """Give the keywords that all detectors of an exposure share."""
    end = exposure.begin + timedelta(seconds=exposure.exposure_time)
    header = fits.Header()
    header["INSTRUME"] = "SimCam"
    header["TELESCOP"] = "Simulated 1m"
    header["OBSID"] = exposure.obs_id
    header["EXPID"] = exposure.exposure_id
    header["SEQNUM"] = (exposure.seq_num, "number in the night")
    header["DAYOBS"] = str(exposure.day_obs)
    header["GROUPID"] = str(exposure.exposure_id)
    header["OBSTYPE"] = exposure.kind
    header["OBJECT"] = "FIELD1" if exposure.kind == "science" else exposure.kind
    header["PROGRAM"] = "SIM"
    header["FILTER"] = exposure.filter
    header["EXPTIME"] = (exposure.exposure_time, "[s]")
    header["TIMESYS"] = "UTC"
    header["DATE-BEG"] = exposure.begin.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    header["DATE-END"] = end.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    header["AIRMASS"] = round(exposure.airmass, 5)
    if exposure.kind == "science":
        header["RADESYS"] = "ICRS"
        header["RA"] = (exposure.header_ra, "[deg] boresight, as the telescope believes")
        header["DEC"] = (exposure.header_dec, "[deg]")
        header["ROTPA"] = (exposure.sky_angle, "[deg] position angle of +y")
        header["AZ"] = (exposure.azimuth, "[deg]")
        header["ALT"] = (exposure.altitude, "[deg]")
    return header


def detector_header(camera: Camera, detector: Detector, exposure: SimulatedExposure) -> fits.Header:
    """Give the keywords of one detector, with the WCS that the telescope's pointing gives."""
    header = fits.Header()
    header["DETNUM"] = detector.id
    header["DETNAME"] = detector.name
    header["DETSER"] = detector.serial
    header["GAIN"] = (detector.gain, "[electron/adu]")
    header["RDNOISE"] = (detector.read_noise, "[electron]")
    for name, section in (("DATASEC", detector.data_section), ("BIASSEC", detector.overscan_sections[0])):
        header[name] = f"[{section.x0 + 1}:{section.x1},{section.y0 + 1}:{section.y1}]"
    if exposure.kind == "science":
        wcs = camera.wcs(detector.id, ra=exposure.header_ra, dec=exposure.header_dec, sky_angle=exposure.sky_angle)
        header.update(wcs.to_header())
    return header
