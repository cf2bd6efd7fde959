# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest

from pachon.base import NotFoundError
from pachon.obs_base.box import Box
from pachon.obs_base.skymap import sphere
from pachon.obs_base.skymap.kinds import make_sky_map

FIELD = make_sky_map(
    "discrete",
    {
        "raList": [295.3],
        "decList": [40.2],
        "radiusList": [0.1],
        "tractOverlap": 0,
        "pixelScale": 0.37,
        "projection": "TAN",
        "patchInnerDimensions": [1000, 1000],
        "patchBorder": 50,
    },
)


def test_discrete_tract() -> None:
    tract = FIELD[0]
    # 2 * 0.1 deg / 0.37 arcsec = 1946 pixels.
    assert tract.patch_shape == (2, 2)
    assert tract.bbox == Box(0, 0, 2000, 2000)
    x, y = tract.to_pixels(np.array([295.3]), np.array([40.2]))
    assert (x[0], y[0]) == pytest.approx((999.5, 999.5), abs=0.51)


def test_axes_point_west_and_north() -> None:
    ra, dec = FIELD[0].to_sky(np.array([0.0, 100.0, 0.0]), np.array([0.0, 0.0, 100.0]))
    assert ra[1] < ra[0]
    assert dec[2] > dec[0]


def test_outer_boxes_of_legacy_patches_end_at_the_tract() -> None:
    tract = FIELD[0]
    assert tract[0].outer_bbox == Box(0, 0, 1050, 1050)
    assert tract[1, 1].outer_bbox == Box(950, 950, 1050, 1050)
    assert [patch.id for patch in tract] == [0, 1, 2, 3]
    assert (tract[1].x, tract[1].y) == (1, 0)


def test_wcs_of_a_patch_image() -> None:
    patch = FIELD[0][1, 1]
    wcs = patch.outer_wcs
    assert wcs.pixel_shape == (1050, 1050)
    ra, dec = wcs.wcs_pix2world([0.0], [0.0], 0)
    x, y = FIELD[0].to_pixels(ra, dec)
    assert (x[0], y[0]) == pytest.approx((patch.outer_bbox.x0, patch.outer_bbox.y0))


def test_cells() -> None:
    sky_map = make_sky_map(
        "discrete",
        {
            "raList": [10.0],
            "decList": [0.0],
            "radiusList": [0.05],
            "tractOverlap": 0,
            "tractBuilder": {
                "kind": "cells",
                "cellInnerDimensions": [150, 150],
                "numCellsPerPatchInner": 4,
                "cellBorder": 50,
            },
        },
    )
    patch = sky_map[0][0]
    assert patch.inner_bbox == Box(0, 0, 600, 600)
    assert patch.outer_bbox == Box(-200, -200, 1000, 1000)
    assert len(patch) == 36
    assert patch.cell(0, 0).inner_bbox == Box(-150, -150, 150, 150)
    assert patch.cell(1, 1).inner_bbox == Box(0, 0, 150, 150)
    assert patch.cell(1, 1).outer_bbox == Box(-50, -50, 250, 250)
    with pytest.raises(NotFoundError, match=r"no cell \(6, 0\)"):
        patch.cell(6, 0)


def test_patches_of_directions() -> None:
    tract = FIELD[0]
    ra, dec = tract.to_sky(np.array([500.0, 980.0]), np.array([500.0, 500.0]))
    assert [patch.id for patch in tract.find_patches(ra[:1], dec[:1])] == [0]
    # Within the border of the neighbour.
    assert [patch.id for patch in tract.find_patches(ra, dec)] == [0, 1]
    assert tract.find_patches(np.array([115.3]), np.array([-40.0])) == []
    with pytest.raises(NotFoundError, match="outside tract 0"):
        tract.find_patch(296.3, 40.2)


def test_equatorial_strips() -> None:
    sky_map = make_sky_map("equat", {"numTracts": 8, "pixelScale": 20.0})
    assert len(sky_map) == 8
    assert sky_map.find_tract(46.0, 1.0).id == 1
    for ra in (0.0, 44.9, 45.1, 359.9):
        assert sky_map.find_tract(ra, -1.2).contains(ra, -1.2)
    assert sky_map[0].wcs.wcs.crval[1] == 0.0


@pytest.mark.parametrize("dec", [-90.0, -30.0, 0.0, 89.0])
def test_offset_goes_as_far_as_it_says(dec: float) -> None:
    angles = np.arange(0, 360, 30.0)
    ra, there = sphere.offset(np.full(12, 20.0), np.full(12, dec), angles, 1.5)
    assert sphere.separation(20.0, dec, ra, there) == pytest.approx(np.full(12, 1.5))
    if abs(dec) < 80:
        east_ra, _ = sphere.offset(20.0, dec, 90.0, 0.1)
        assert east_ra > 20.0


def test_polygons_are_regions() -> None:
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    from pachon.dimensions import region_from_bytes

    tract = FIELD[0]
    vertices = tract.vertices([tract.bbox, tract[3].outer_bbox])
    whole, part = (region_from_bytes(one) for one in sphere.polygons_as_bytes(vertices))
    assert isinstance(whole, ConvexPolygon)
    assert whole.contains(UnitVector3d(LonLat.fromDegrees(295.3, 40.2)))
    assert whole.contains(part.getCentroid())
    assert not part.contains(UnitVector3d(LonLat.fromDegrees(295.38, 40.12)))
    flipped, _ = (region_from_bytes(one) for one in sphere.polygons_as_bytes(vertices[:, ::-1]))
    assert flipped.contains(UnitVector3d(LonLat.fromDegrees(295.3, 40.2)))
