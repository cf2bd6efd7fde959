# SPDX-License-Identifier: BSD-3-Clause
"""What the simulated telescope observes: two nights of calibrations and a dithered field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

FIELD = (53.0, -28.0)
"""Centre of the observed field, ICRS (deg)."""

FILTERS = ("g", "r")
NIGHTS = (20250301, 20250320)
"""Observing days; bias and flat patterns differ between them."""

ZERO_POINTS = {"g": 24.2, "r": 24.5}
"""Magnitude of a star that gives one electron a second."""

SKY_RATES = {"g": 3.0, "r": 5.0}
"""Sky brightness (electrons a second and pixel)."""

NO_FILTER = "none"

_LONGITUDE, _LATITUDE = -70.0, -30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """How much is simulated."""

    seed: int = 1
    """All that is random follows from it; the patterns of the detectors do not depend on it."""

    visits: int = 4
    """Science exposures for each filter and night."""

    biases: int = 5
    flats: int = 4
    """Flats for each filter and night."""

    exposure_time: float = 60.0
    """Of a science exposure (s)."""

    stars: int = 600
    dither: float = 20.0
    """Largest offset of a pointing from the field's centre, in each axis (arcsec)."""

    pointing_error: float = 4.0
    """Largest error of the pointing that headers tell, in each axis (arcsec)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedExposure:
    """One exposure, as planned; angles in deg, ICRS."""

    day_obs: int
    seq_num: int
    kind: str
    """``bias``, ``flat`` or ``science``."""

    filter: str
    exposure_time: float
    begin: datetime
    """UTC."""

    ra: float = 0.0
    dec: float = 0.0
    """Where the boresight really points."""

    header_ra: float = 0.0
    header_dec: float = 0.0
    """Where the header says that it points."""

    sky_angle: float = 0.0
    fwhm: float = 2.8
    """Of the stars (pixels)."""

    zero_point: float = 0.0
    """Magnitude for one electron a second, clouds included, on a pixel of mean sensitivity."""

    sky_rate: float = 0.0
    azimuth: float = 0.0
    altitude: float = 45.0

    @property
    def exposure_id(self) -> int:
        """Value of the dimension ``exposure``."""
        return self.day_obs * 10_000 + self.seq_num

    @property
    def obs_id(self) -> str:
        """Name of the exposure."""
        return f"S{self.day_obs}_{self.seq_num:04d}"

    @property
    def airmass(self) -> float:
        """Secant of the zenith distance."""
        return 1.0 / math.sin(math.radians(self.altitude))


def iter_exposures(plan: SimulationPlan) -> Iterator[SimulatedExposure]:
    """Give the exposures in the order in which they are taken."""
    for day_obs in NIGHTS:
        yield from _night(plan, day_obs)


def _night(plan: SimulationPlan, day_obs: int) -> Iterator[SimulatedExposure]:
    random = np.random.default_rng([plan.seed, day_obs])
    date = datetime.strptime(str(day_obs), "%Y%m%d").replace(tzinfo=UTC)
    begin, seq_num = date + timedelta(hours=20), 0
    calibrations = [("bias", NO_FILTER, 0.0)] * plan.biases
    calibrations += [("flat", band, 10.0) for band in FILTERS for _ in range(plan.flats)]
    for kind, band, seconds in calibrations:
        seq_num += 1
        yield SimulatedExposure(
            day_obs=day_obs, seq_num=seq_num, kind=kind, filter=band, exposure_time=seconds, begin=begin
        )
        begin += timedelta(seconds=seconds + 30)
    begin = date + timedelta(hours=24.5)
    sky_angle = 0.0 if day_obs == NIGHTS[0] else 1.5
    for band in FILTERS:
        for _ in range(plan.visits):
            seq_num += 1
            dither = random.uniform(-plan.dither, plan.dither, 2) / 3600.0
            error = random.uniform(-plan.pointing_error, plan.pointing_error, 2) / 3600.0
            stretch = math.cos(math.radians(FIELD[1]))
            ra, dec = FIELD[0] + dither[0] / stretch, FIELD[1] + dither[1]
            altitude, azimuth = _horizontal(ra, dec, begin)
            yield SimulatedExposure(
                day_obs=day_obs,
                seq_num=seq_num,
                kind="science",
                filter=band,
                exposure_time=plan.exposure_time,
                begin=begin,
                ra=ra,
                dec=dec,
                header_ra=ra + error[0] / stretch,
                header_dec=dec + error[1],
                sky_angle=sky_angle,
                fwhm=float(random.uniform(2.4, 3.2)),
                zero_point=ZERO_POINTS[band] + float(random.normal(0.0, 0.02)),
                sky_rate=SKY_RATES[band] * float(random.uniform(0.9, 1.2)),
                azimuth=azimuth,
                altitude=altitude,
            )
            begin += timedelta(seconds=plan.exposure_time + 30)


def _horizontal(ra: float, dec: float, when: datetime) -> tuple[float, float]:
    """Give altitude and azimuth (deg) with the mean sidereal time, good to some arcseconds."""
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0
    sidereal = 280.46061837 + 360.98564736629 * days + _LONGITUDE
    hour_angle, lat, lon_dec = (math.radians(angle) for angle in (sidereal - ra, _LATITUDE, dec))
    north = math.cos(lat) * math.sin(lon_dec) - math.sin(lat) * math.cos(lon_dec) * math.cos(hour_angle)
    east = -math.cos(lon_dec) * math.sin(hour_angle)
    up = math.sin(lat) * math.sin(lon_dec) + math.cos(lat) * math.cos(lon_dec) * math.cos(hour_angle)
    return math.degrees(math.asin(up)), math.degrees(math.atan2(east, north)) % 360.0
