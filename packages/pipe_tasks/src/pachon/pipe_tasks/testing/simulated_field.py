# SPDX-License-Identifier: BSD-3-Clause
"""A field of stars, and pointings at it that are not where they claim to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray
from pachon.pipe_tasks.testing.simulated_detector import SimulatedDetector
from pachon.pipe_tasks.testing.simulated_sky_map import tangent_wcs
from pachon.pipe_tasks.testing.star_image import render_stars

__all__ = ["SimulatedField", "SimulatedPointing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPointing:
    """One exposure of a field; angles on the sky in arcsec, positive to the east and north."""

    east: float = 0.0
    """Where the middle of the detector points, from the middle of the field."""

    north: float = 0.0
    error_east: float = 0.0
    """Where the header says that it points, from where it does."""

    error_north: float = 0.0
    angle: float = 0.0
    """Position angle of +y (deg)."""

    exposure_time: float = 30.0
    fwhm: float = 4.0
    """Of the stars (pixels)."""

    sky: float = 8.0
    """Electrons a second and pixel."""

    throughput: float = 1.0
    """Less than 1 behind clouds."""

    seed: int = 1

    def without_error(self) -> SimulatedPointing:
        """Give the same exposure with a true header."""
        return replace(self, error_east=0.0, error_north=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedField:
    """Stars at random over a square; magnitudes such that faint ones are many."""

    ra: float = 150.0
    dec: float = 20.0
    size: float = 240.0
    """Side of the square (arcsec)."""

    stars: int = 150
    brightest: float = 13.5
    faintest: float = 19.0
    zero_point: float = 23.0
    """Magnitude that gives one electron a second."""

    separation: float = 5.0
    """Least distance between two stars (arcsec)."""

    scale: float = 0.4
    """Side of a pixel (arcsec)."""

    seed: int = 7

    def truth(self) -> Any:
        """Give the stars: ``name``, ``ra``, ``dec`` (deg) and ``mag_v`` (mag), brightest first."""
        import astropy.units as u
        from astropy.table import Table

        random = np.random.default_rng([self.seed, 1])
        places: list[FloatArray] = []
        while len(places) < self.stars:
            place = random.uniform(-0.5, 0.5, 2) * self.size
            if all(np.hypot(*(place - other)) > self.separation for other in places):
                places.append(place)
        offsets = np.array(places)
        low, high = 10 ** (0.3 * self.brightest), 10 ** (0.3 * self.faintest)
        magnitudes = np.sort(np.log10(random.uniform(low, high, self.stars)) / 0.3)
        bright = min(20, self.stars)
        magnitudes[:bright] = random.uniform(self.brightest, self.brightest + 2.5, bright)
        magnitudes = np.sort(magnitudes)
        return Table(
            {
                "name": [f"star{i:03d}" for i in range(self.stars)],
                "ra": (self.ra + offsets[:, 0] / 3600.0 / np.cos(np.deg2rad(self.dec))) * u.deg,
                "dec": (self.dec + offsets[:, 1] / 3600.0) * u.deg,
                "mag_v": magnitudes * u.mag,
            }
        )

    def wcs(self, detector: SimulatedDetector, pointing: SimulatedPointing, *, is_true: bool = False) -> Any:
        """Give the WCS that the header of an exposure tells, or the true one."""
        east, north = pointing.east, pointing.north
        if not is_true:
            east, north = east + pointing.error_east, north + pointing.error_north
        center = ((detector.width - 1) / 2.0, (detector.height - 1) / 2.0)
        ra = self.ra + east / 3600.0 / np.cos(np.deg2rad(self.dec))
        return tangent_wcs(ra, self.dec + north / 3600.0, scale=self.scale, center=center, angle=pointing.angle)

    def true_pixels(self, detector: SimulatedDetector, pointing: SimulatedPointing) -> FloatArray:
        """Give where the stars fall on the detector, shape (n, 2)."""
        truth = self.truth()
        wcs = self.wcs(detector, pointing, is_true=True)
        return np.column_stack(wcs.all_world2pix(truth["ra"], truth["dec"], 0))

    def true_flux(self, pointing: SimulatedPointing) -> FloatArray:
        """Give the electrons of the stars in an exposure."""
        rate = 10 ** (-0.4 * (np.asarray(self.truth()["mag_v"]) - self.zero_point))
        return np.asarray(rate * pointing.exposure_time * pointing.throughput)

    def light(self, detector: SimulatedDetector, pointing: SimulatedPointing) -> FloatArray:
        """Give the expected electrons of an exposure, sky and stars."""
        x, y = self.true_pixels(detector, pointing).T
        shape = (detector.height, detector.width)
        sky = pointing.sky * pointing.exposure_time
        return sky + render_stars(shape, x, y, self.true_flux(pointing), pointing.fwhm)

    def raw(self, detector: SimulatedDetector, pointing: SimulatedPointing) -> Any:
        """Take a raw frame (CCDData, ADU) with the header's WCS and ``EXPTIME``."""
        raw = detector.expose(self.light(detector, pointing), seed=pointing.seed, drift=15.0)
        raw.header["EXPTIME"] = pointing.exposure_time
        wcs = self.wcs(detector, pointing)
        wcs.wcs.crpix = np.add(wcs.wcs.crpix, (detector.x_offset, 0.0))
        raw.wcs = wcs
        return raw

    def image(self, detector: SimulatedDetector, pointing: SimulatedPointing) -> Any:
        """Give an exposure as signature removal leaves it: electrons, noise, flags, the header's WCS."""
        from astropy.io.fits import Header
        from astropy.nddata import CCDData, StdDevUncertainty

        from pachon.pipe_tasks.mask_planes import set_flags

        random = np.random.default_rng([self.seed, 2, pointing.seed])
        light = self.light(detector, pointing)
        pixels = random.poisson(light) + random.normal(0.0, detector.read_noise, light.shape)
        deviation = np.sqrt(np.maximum(pixels, 0.0) + detector.read_noise**2)
        image = CCDData(
            pixels.astype(np.float32),
            unit="electron",
            uncertainty=StdDevUncertainty(deviation.astype(np.float32)),
            wcs=self.wcs(detector, pointing),
            meta=Header({"EXPTIME": pointing.exposure_time}),
        )
        set_flags(image, np.zeros(light.shape, dtype=np.uint8))
        return image
