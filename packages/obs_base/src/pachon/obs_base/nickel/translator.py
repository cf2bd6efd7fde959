# SPDX-License-Identifier: BSD-3-Clause
"""Translate raw headers of the Nickel Direct Imaging Camera."""

from __future__ import annotations

import math
from typing import Any

import astropy.units as u
from astro_metadata_translator import cache_translation
from astro_metadata_translator.translators.fits import FitsTranslator
from astropy.coordinates import FK5, AltAz, Angle, EarthLocation, SkyCoord
from astropy.time import Time, TimeDelta

from pachon.obs_base.nickel.frame_kind import frame_kind

NICKEL_HEADER_NAME = "Nickel Direct Camera"
"""Value of ``INSTRUME`` in every raw header."""

NO_FILTER = "none"
"""Filter of bias and dark frames, whose ``FILTNAM`` says only where the wheel was left."""

LICK = EarthLocation.from_geodetic(-121.643 * u.deg, 37.342 * u.deg, 1283.0 * u.m)

LOCAL_NOON = TimeDelta(20 * 3600, format="sec", scale="tai")
"""The observing day begins at noon in California (20:00 UT), so that the afternoon's calibrations
belong to the night that follows."""


class NickelTranslator(FitsTranslator):
    """Translator of raw headers of the Lick Nickel 1 m Direct Imaging Camera.

    Notes
    -----
    Kinds of frames are told apart by `frame_kind`. ``OBSNUM`` begins again each night, so an exposure id
    is the observing day followed by five digits of ``OBSNUM``.
    """

    name = "Nickel"
    supported_instrument = "Nickel"

    _observing_day_offset = LOCAL_NOON

    _const_map = {  # noqa: RUF012  # declared by the base class
        "telescope": "Nickel 1m",
        "detector_num": 0,
        "detector_name": "CCD2",
        "detector_group": None,
        "detector_unique_name": "CCD2",
        "temperature": None,
        "pressure": None,
        "relative_humidity": None,
        "science_program": None,
        "location": LICK,
    }

    _trivial_map: dict[str, str | list[str] | tuple[Any, ...]] = {  # noqa: RUF012  # declared by the base class
        "exposure_time": ("EXPTIME", {"unit": u.s}),
        "dark_time": ("EXPTIME", {"unit": u.s}),
        "boresight_airmass": ("AIRMASS", {"default": math.nan}),
        "detector_serial": ("DSENSOR", {"default": "unknown"}),
        "observation_counter": "OBSNUM",
    }

    @cache_translation
    def to_instrument(self) -> str:
        value = str(self._header["INSTRUME"]).strip()
        self._used_these_cards("INSTRUME")
        return "Nickel" if value == NICKEL_HEADER_NAME else value

    @cache_translation
    def to_datetime_begin(self) -> Time:
        begin = self._from_fits_date("DATE-BEG")
        if begin is None:
            raise KeyError("Keyword 'DATE-BEG' not found.")
        return begin

    @cache_translation
    def to_datetime_end(self) -> Time:
        end = self._from_fits_date("DATE-END")
        return self.to_datetime_begin() + self.to_exposure_time() if end is None else end

    @classmethod
    def observing_date_to_offset(cls, observing_date: Time) -> TimeDelta:
        return cls._observing_day_offset

    @cache_translation
    def to_exposure_id(self) -> int:
        day = self.to_observing_day()
        assert day is not None  # there is a beginning, or its key would have been missed
        return day * 100_000 + int(self.to_observation_counter())

    to_visit_id = to_exposure_id
    to_detector_exposure_id = to_exposure_id

    @cache_translation
    def to_observation_id(self) -> str:
        return f"N{self.to_observing_day()}_{int(self.to_observation_counter()):04d}"

    @cache_translation
    def to_object(self) -> str:
        value = str(self._header["OBJECT"]).strip()
        self._used_these_cards("OBJECT")
        return value

    @cache_translation
    def to_observation_type(self) -> str:
        self._used_these_cards("OBSTYPE", "EXPTIME", "OBJECT")
        return frame_kind(self._header)[0]

    @cache_translation
    def to_observation_reason(self) -> str:
        return frame_kind(self._header)[1]

    @cache_translation
    def to_physical_filter(self) -> str:
        if self.to_observation_type() in ("bias", "dark"):
            return NO_FILTER
        value = str(self._header["FILTNAM"]).strip()
        self._used_these_cards("FILTNAM")
        return value

    @cache_translation
    def to_can_see_sky(self) -> bool:
        return self.to_observation_reason() in ("science", "sky")

    @cache_translation
    def to_tracking_radec(self) -> SkyCoord | None:
        """Give the pointing in ICRS; none for calibrations, twilight flats included, which make no visits."""
        if self.to_observation_type() != "science":
            return None
        ra = Angle(str(self._header["RA"]).strip(), unit=u.hourangle)
        dec = Angle(str(self._header["DEC"]).strip(), unit=u.deg)
        self._used_these_cards("RA", "DEC")
        return SkyCoord(ra, dec, frame=FK5(equinox="J2000")).icrs

    @cache_translation
    def to_boresight_rotation_coord(self) -> str:
        return "unknown" if self.to_boresight_rotation_angle() is None else "sky"

    @cache_translation
    def to_boresight_rotation_angle(self) -> Angle | None:
        """Give the position angle of the +y axis, north through east, from the header's WCS."""
        if not self.to_can_see_sky() or not self.are_keys_ok(["CD1_2", "CD2_2"]):
            return None
        self._used_these_cards("CD1_2", "CD2_2")
        degrees = math.degrees(math.atan2(float(self._header["CD1_2"]), float(self._header["CD2_2"])))
        return Angle(degrees % 360.0, unit=u.deg)

    @cache_translation
    def to_altaz_begin(self) -> AltAz | None:
        """Give altitude and azimuth from hour angle and declination of the header."""
        if not self.are_keys_ok(["HA", "DEC"]):
            return None
        hour_angle = Angle(str(self._header["HA"]).strip(), unit=u.hourangle).rad
        dec = Angle(str(self._header["DEC"]).strip(), unit=u.deg).rad
        self._used_these_cards("HA", "DEC")
        # Plain trigonometry: a frame transformation would ask for Earth-orientation tables.
        latitude = LICK.lat.rad
        north = math.cos(latitude) * math.sin(dec) - math.sin(latitude) * math.cos(dec) * math.cos(hour_angle)
        east = -math.cos(dec) * math.sin(hour_angle)
        up = math.sin(latitude) * math.sin(dec) + math.cos(latitude) * math.cos(dec) * math.cos(hour_angle)
        return AltAz(
            az=math.atan2(east, north) % (2 * math.pi) * u.rad,
            alt=math.asin(max(-1.0, min(1.0, up))) * u.rad,
            obstime=self.to_datetime_begin(),
            location=LICK,
        )
