# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from lsst.sphgeom import LonLat, UnitVector3d

from pachon.base import InvalidInputError
from pachon.dimensions.region import circle, polygon
from pachon.obs_base.skymap.fields import enclosing_field, separate_fields


def test_one_field_holds_all() -> None:
    regions = [circle(359.95, 10.0, 0.1), circle(0.05, 10.0, 0.1), polygon([(0, 9.9), (0.1, 9.9), (0.1, 10.0)])]
    field = enclosing_field(regions)
    assert (field.ra + 180) % 360 == pytest.approx(180, abs=0.03)
    assert field.dec == pytest.approx(10.0, abs=0.03)
    assert 0.14 < field.radius < 0.2
    whole = circle(field.ra, field.dec, field.radius)
    for ra in (359.85, 0.15):
        assert whole.contains(UnitVector3d(LonLat.fromDegrees(ra, 10.0)))


def test_fields_apart() -> None:
    regions = [
        circle(250.4, 36.5, 0.1),
        circle(295.3, 40.2, 0.1),
        circle(250.5, 36.5, 0.1),
        circle(250.6, 36.5, 0.1),  # touches the third, not the first
    ]
    fields = separate_fields(regions)
    assert [(round(field.ra, 1), round(field.dec, 1)) for field in fields] == [(250.5, 36.5), (295.3, 40.2)]


def test_too_far_apart_for_one() -> None:
    with pytest.raises(InvalidInputError, match="too far apart for one tract"):
        enclosing_field([circle(0, 0, 1), circle(120, 0, 1), circle(240, 0, 1), circle(0, 80, 1), circle(0, -80, 1)])
