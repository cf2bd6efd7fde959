# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lsst.sphgeom import Circle

from pachon.dimensions import Timespan
from pachon.obs_base.visit_region import VisitRegions
from pachon.obs_base.visits.exposure_groups import VisitGroup
from pachon.obs_base.visits.visit_rows import make_visit_rows


def exposure(number: int, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "id": number,
        "physical_filter": "V",
        "day_obs": 20250301,
        "seq_num": number,
        "exposure_time": 15.0,
        "target_name": "M13",
        "observation_reason": "science",
        "science_program": None,
        "azimuth": 350.0,
        "zenith_angle": 30.0,
        "timespan": Timespan.from_ns(number * 100, number * 100 + 50),
    }
    return SimpleNamespace(**{**values, **changes})


def rows(*exposures: Any) -> Any:
    region = Circle.empty()
    group = VisitGroup(id=7, name="v7", systems=frozenset({0, 2}), exposures=exposures)
    return make_visit_rows("Cam", group, VisitRegions(visit=region, detectors={1: region, 0: region}))


def test_single() -> None:
    made = rows(exposure(1))
    assert made.visit["azimuth"] == 350.0
    assert made.visit["exposure_time"] == 15.0
    assert made.definitions == [{"instrument": "Cam", "visit": 7, "exposure": 1}]
    assert [row["visit_system"] for row in made.memberships] == [0, 2]
    assert [row["detector"] for row in made.detector_regions] == [0, 1]


def test_several() -> None:
    made = rows(exposure(1), exposure(2, azimuth=20.0, zenith_angle=32.0, target_name="M15", observation_reason="test"))
    visit = made.visit
    assert visit["exposure_time"] == 30.0
    assert visit["azimuth"] == pytest.approx(5.0)
    assert visit["zenith_angle"] == 31.0
    assert visit["target_name"] is None
    assert visit["observation_reason"] == "various"
    assert visit["timespan"] == Timespan.from_ns(100, 250)
    assert visit["seq_num"] == 1


def test_null_makes_null() -> None:
    visit = rows(exposure(1), exposure(2, azimuth=None, exposure_time=None, timespan=None)).visit
    assert visit["azimuth"] is None
    assert visit["exposure_time"] is None
    assert visit["timespan"] is None
