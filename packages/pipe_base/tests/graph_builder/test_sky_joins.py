# SPDX-License-Identifier: BSD-3-Clause
"""When the builder says which regions are joined, and when it leaves that to the user's expression."""

from dataclasses import replace

import pytest

from pachon.pipe_base.graph_builder.sky_joins import SkyJoins, plan_sky_joins
from pachon.pipe_base.testing import small_survey

OWN = ("patch.region OVERLAPS visit_detector_region.region", "htm7.region OVERLAPS visit_detector_region.region")


def joins(where: str) -> SkyJoins:
    """Plan for two tasks that relate images with patches and with pixels."""
    plan = small_survey.make_plan(small_survey.make_repository(), where=where)
    pixels = replace(plan.tasks["cal"], dimensions=plan.universe.conform(["visit", "detector", "htm7"]))
    warps = replace(plan.tasks["warp"], dimensions=plan.universe.conform(["visit", "detector", "patch"]))
    plan = replace(plan, tasks={**plan.tasks, "cal": pixels, "warp": warps})
    return plan_sky_joins(plan, ["cal", "warp"], pixels.dimensions | warps.dimensions)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "visit.target_name = 'OVERLAPS'",
        "visit.target_name = 'visit.region OVERLAPS patch.region'",
        "visit.timespan OVERLAPS (T'2026-01-01', T'2026-01-02')",
        "visit.timespan overlaps exposure.timespan",
        "patch.region OVERLAPS CIRCLE(1, 2, 3) AND visit.region OVERLAPS :field",
        "CIRCLE(1, 2, 3) OVERLAPS patch.region",
    ],
)
def test_what_joins_no_regions_leaves_it_to_the_builder(where: str) -> None:
    assert sorted(joins(where).conditions) == sorted(OWN)


@pytest.mark.parametrize(
    "where",
    [
        "visit_detector_region.region OVERLAPS patch.region",
        "band = 'r' AND NOT (visit.region)  overlaps\n( patch.region )",
        "visit.target_name = 'it''s' AND htm7.region OVERLAPS patch.region",
    ],
)
def test_a_user_who_joins_regions_is_not_contradicted(where: str) -> None:
    assert joins(where).conditions == ()
