# SPDX-License-Identifier: BSD-3-Clause
"""From observation information to the rows of dimension records that an exposure needs."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pachon.dimensions import Timespan
from pachon.obs_base.filters import FilterDefinitions

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

__all__ = ["ExposureRows", "make_exposure_rows"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRows:
    """Rows of the three records, in the order in which they are written."""

    group: dict[str, Any]
    day_obs: dict[str, Any]
    exposure: dict[str, Any]


def make_exposure_rows(observation: ObservationInfo, filters: FilterDefinitions) -> ExposureRows:
    """Give the rows of ``group``, ``day_obs`` and ``exposure`` of an observation.

    Parameters
    ----------
    observation
        What the header says; it has all required properties.
    filters
        The instrument's filters, by which aliases become names.

    Raises
    ------
    UnknownFilterError
        If the instrument has no such filter.
    """
    info: Any = observation  # all its properties are typed as optional, the required ones too
    name = info.instrument
    offset = info.observing_day_offset
    day_span = None if offset is None else Timespan.for_day_obs(info.observing_day, round(offset.sec))
    tracking = None if info.tracking_radec is None else info.tracking_radec.icrs
    altaz = info.altaz_begin
    exposure = {
        "instrument": name,
        "id": info.exposure_id,
        "obs_id": info.observation_id,
        "physical_filter": filters.get(info.physical_filter).physical_filter,
        "group": info.exposure_group,
        "day_obs": info.observing_day,
        "timespan": _timespan(info),
        "exposure_time": _number(info.exposure_time_requested, "s"),
        "dark_time": _number(info.dark_time, "s"),
        "observation_type": info.observation_type,
        "observation_reason": info.observation_reason,
        "seq_num": info.observation_counter,
        "seq_start": info.group_counter_start,
        "seq_end": info.group_counter_end,
        "target_name": info.object,
        "science_program": info.science_program,
        "tracking_ra": None if tracking is None else _finite(tracking.ra.deg),
        "tracking_dec": None if tracking is None else _finite(tracking.dec.deg),
        "sky_angle": _number(info.boresight_rotation_angle, "deg") if info.boresight_rotation_coord == "sky" else None,
        "azimuth": None if altaz is None else _finite(altaz.az.deg),
        "zenith_angle": None if altaz is None else _finite(90.0 - altaz.alt.deg),
        "has_simulated": info.has_simulated_content,
        "can_see_sky": info.can_see_sky,
    }
    return ExposureRows(
        group={"instrument": name, "name": info.exposure_group},
        day_obs={"instrument": name, "id": info.observing_day, "timespan": day_span},
        exposure=exposure,
    )


def _timespan(info: Any) -> Timespan:
    begin, end = info.datetime_begin, info.datetime_end
    if end < begin:
        _log.warning("Exposure %s ends before it begins; its end is set to its beginning.", info.observation_id)
        end = begin
    return Timespan(begin, end)


def _number(quantity: Any, unit: str) -> float | None:
    return None if quantity is None else _finite(quantity.to_value(unit))


def _finite(value: Any) -> float | None:
    """Give a plain float, None for NaN: a header's way to say that it does not know."""
    number = float(value)
    return number if math.isfinite(number) else None
