# SPDX-License-Identifier: BSD-3-Clause
"""Translate raw headers of the simulated camera."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import astropy.units as u
from astro_metadata_translator import cache_translation
from astro_metadata_translator.translators.fits import FitsTranslator
from astropy.coordinates import AltAz, Angle, EarthLocation, SkyCoord
from astropy.io import fits
from astropy.time import Time, TimeDelta

SITE = EarthLocation.from_geodetic(-70.0 * u.deg, -30.0 * u.deg, 2000.0 * u.m)

LOCAL_NOON = TimeDelta(16 * 3600, format="sec", scale="tai")


class SimCamTranslator(FitsTranslator):
    """Translator of headers that `pachon.obs_base.simcam` writes.

    A file holds one detector (image in the primary HDU) or a whole exposure (one image HDU a
    detector, with the exposure's keywords in the primary header only).
    """

    name = "SimCam"
    supported_instrument = "SimCam"

    _observing_day_offset = LOCAL_NOON

    _const_map = {  # noqa: RUF012  # declared by the base class
        "telescope": "Simulated 1m",
        "temperature": None,
        "pressure": None,
        "relative_humidity": None,
        "location": SITE,
        "detector_group": None,
        "has_simulated_content": True,
    }

    _trivial_map: dict[str, str | list[str] | tuple[Any, ...]] = {  # noqa: RUF012  # declared by the base class
        "exposure_time": ("EXPTIME", {"unit": u.s}),
        "dark_time": ("EXPTIME", {"unit": u.s}),
        "boresight_airmass": "AIRMASS",
        "physical_filter": "FILTER",
        "object": "OBJECT",
        "science_program": "PROGRAM",
        "observation_type": "OBSTYPE",
        "observation_id": "OBSID",
        "observation_counter": "SEQNUM",
        "exposure_id": "EXPID",
        "visit_id": "EXPID",
        "exposure_group": "GROUPID",
        "detector_num": "DETNUM",
        "detector_name": "DETNAME",
        "detector_unique_name": "DETNAME",
        "detector_serial": "DETSER",
    }

    @cache_translation
    def to_datetime_begin(self) -> Time:
        return self._required_date("DATE-BEG")

    @cache_translation
    def to_datetime_end(self) -> Time:
        return self._required_date("DATE-END")

    def _required_date(self, keyword: str) -> Time:
        # The base class takes a date that is not there for one that is unknown, and the message would name no keyword.
        date = self._from_fits_date(keyword)
        if date is None:
            raise KeyError(f"Keyword {keyword!r} not found.")
        return date

    @classmethod
    def observing_date_to_offset(cls, observing_date: Time) -> TimeDelta:
        return cls._observing_day_offset

    @cache_translation
    def to_detector_exposure_id(self) -> int:
        return int(self.to_exposure_id()) * 4 + int(self.to_detector_num())

    @cache_translation
    def to_observation_reason(self) -> str:
        return "science" if self.to_observation_type() == "science" else "calibration"

    @cache_translation
    def to_can_see_sky(self) -> bool:
        return bool(self.to_observation_type() == "science")

    @cache_translation
    def to_tracking_radec(self) -> SkyCoord | None:
        if not self.to_can_see_sky():
            return None
        self._used_these_cards("RA", "DEC")
        return SkyCoord(float(self._header["RA"]), float(self._header["DEC"]), unit=u.deg, frame="icrs")

    @cache_translation
    def to_boresight_rotation_coord(self) -> str:
        return "sky" if self.to_can_see_sky() else "unknown"

    @cache_translation
    def to_boresight_rotation_angle(self) -> Angle | None:
        if not self.to_can_see_sky():
            return None
        self._used_these_cards("ROTPA")
        return Angle(float(self._header["ROTPA"]), unit=u.deg)

    @cache_translation
    def to_altaz_begin(self) -> AltAz | None:
        if not self.to_can_see_sky():
            return None
        self._used_these_cards("AZ", "ALT")
        return AltAz(
            az=float(self._header["AZ"]) * u.deg,
            alt=float(self._header["ALT"]) * u.deg,
            obstime=self.to_datetime_begin(),
            location=SITE,
        )

    @classmethod
    def determine_translatable_headers(
        cls, filename: Any, primary: MutableMapping[str, Any] | None = None
    ) -> Iterator[MutableMapping[str, Any]]:
        """Yield one header a detector: the primary header, or each image HDU's merged into it."""
        if primary is not None and "DETNUM" in primary:
            yield primary
            return
        with fits.open(str(filename)) as hdus:
            for hdu in hdus:
                if "DETNUM" not in hdu.header:
                    continue
                merged = hdus[0].header.copy()
                merged.update(hdu.header)
                yield merged
