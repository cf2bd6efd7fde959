# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from importlib import resources

import pytest
from lsst.sphgeom import LonLat, UnitVector3d

from pachon.base import InvalidInputError
from pachon.obs_base.camera import Camera
from pachon.obs_base.visit_region import BoresightRegion, CircleRegion

SIMCAM = Camera.from_yaml(resources.files("pachon.obs_base") / "simcam" / "camera.yaml")
NICKEL = Camera.from_yaml(resources.files("pachon.obs_base") / "nickel" / "camera.yaml")


def point(ra: float, dec: float) -> UnitVector3d:
    return UnitVector3d(LonLat.fromDegrees(ra % 360, dec))


def test_circle_holds_the_image_wherever_it_is() -> None:
    regions = CircleRegion(padding=120.0).compute(NICKEL, ra=0.01, dec=40.0, sky_angle=None)
    assert set(regions.detectors) == {0}
    wcs = NICKEL.wcs(0, ra=0.01, dec=40.0 + 104 / 3600, sky_angle=33.0)
    for x, y in NICKEL[0].bbox.corners():
        ra, dec = wcs.wcs_pix2world([x], [y], 0)
        assert regions.visit.contains(point(ra[0], dec[0]))
    assert not regions.visit.contains(point(0.01, 40.2))


def test_polygons_of_the_detectors() -> None:
    regions = BoresightRegion(padding=10).compute(SIMCAM, ra=53.0, dec=-28.0, sky_angle=20.0)
    assert set(regions.detectors) == {0, 1, 2, 3}
    for detector in SIMCAM:
        wcs = SIMCAM.wcs(detector.id, ra=53.0, dec=-28.0, sky_angle=20.0)
        ra, dec = wcs.wcs_pix2world([256.0], [256.0], 0)
        inside = point(ra[0], dec[0])
        assert regions.detectors[detector.id].contains(inside)
        assert regions.visit.contains(inside)
        assert sum(one.contains(inside) for one in regions.detectors.values()) == 1
    assert regions.visit.contains(point(53.0, -28.0))


def test_polygons_need_the_rotation() -> None:
    with pytest.raises(InvalidInputError, match="without its rotation"):
        BoresightRegion().compute(SIMCAM, ra=53.0, dec=-28.0, sky_angle=None)
