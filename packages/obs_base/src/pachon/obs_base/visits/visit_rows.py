# SPDX-License-Identifier: BSD-3-Clause
"""The dimension records of a visit, from those of its exposures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pachon.dimensions import Timespan
from pachon.obs_base.visit_region import VisitRegions
from pachon.obs_base.visits.exposure_groups import VisitGroup

__all__ = ["VisitRows", "make_visit_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRows:
    """Rows of a visit and of what belongs to it."""

    visit: dict[str, Any]
    definitions: list[dict[str, Any]]
    memberships: list[dict[str, Any]]
    detector_regions: list[dict[str, Any]]


def make_visit_rows(instrument: str, group: VisitGroup, regions: VisitRegions) -> VisitRows:
    """Give the rows of a visit: common values where exposures agree, sums and means where that makes sense."""
    exposures = group.exposures
    visit = {
        "instrument": instrument,
        "id": group.id,
        "name": group.name,
        "physical_filter": _common(e.physical_filter for e in exposures),
        "day_obs": min(e.day_obs for e in exposures),
        "seq_num": _reduced(min, [e.seq_num for e in exposures]),
        "exposure_time": _reduced(math.fsum, [e.exposure_time for e in exposures]),
        "target_name": _common(e.target_name for e in exposures),
        "observation_reason": _common((e.observation_reason for e in exposures), otherwise="various"),
        "science_program": _common(e.science_program for e in exposures),
        "azimuth": _reduced(_circular_mean, [e.azimuth for e in exposures]),
        "zenith_angle": _reduced(lambda angles: math.fsum(angles) / len(angles), [e.zenith_angle for e in exposures]),
        "region": regions.visit,
        "timespan": _hull([e.timespan for e in exposures]),
    }
    key = {"instrument": instrument, "visit": group.id}
    return VisitRows(
        visit=visit,
        definitions=[{**key, "exposure": e.id} for e in exposures],
        memberships=[{**key, "visit_system": system} for system in sorted(group.systems)],
        detector_regions=[
            {**key, "detector": detector, "region": region} for detector, region in sorted(regions.detectors.items())
        ],
    )


def _common(values: Iterable[Any], *, otherwise: Any = None) -> Any:
    found = set(values)
    return found.pop() if len(found) == 1 else otherwise


def _reduced(function: Any, values: Sequence[Any]) -> Any:
    return None if any(value is None for value in values) else function(values)


def _circular_mean(angles: Sequence[float]) -> float:
    if len(angles) == 1:
        return angles[0]
    sine = math.fsum(math.sin(math.radians(angle)) for angle in angles)
    cosine = math.fsum(math.cos(math.radians(angle)) for angle in angles)
    return math.degrees(math.atan2(sine, cosine)) % 360.0


def _hull(spans: Sequence[Timespan | None]) -> Timespan | None:
    known = [span for span in spans if span is not None]
    if len(known) != len(spans):
        return None
    return Timespan.from_ns(min(span.begin_ns for span in known), max(span.end_ns for span in known))
