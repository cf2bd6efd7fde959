# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.coadd_catalog import catalog_coadd
from pachon.pipe_tasks.resampling import resample, to_rate
from pachon.pipe_tasks.sky_map import patch_wcs
from pachon.pipe_tasks.stacking import stack_warps
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing, SimulatedSkyMap
from pachon.pipe_tasks.visit_image import characterize_image

DETECTOR, FIELD = SimulatedDetector(), SimulatedField(stars=110, size=130.0)
TRACT = SimulatedSkyMap(ra=150.0, dec=20.0)[0]


@pytest.fixture(scope="module")
def stack():
    patch = TRACT[0]
    box = patch.outer_bbox
    target, shape = patch_wcs(TRACT, box), (box.y1 - box.y0, box.x1 - box.x0)
    warps = []
    for seed in range(4):
        image, _ = characterize_image(FIELD.image(DETECTOR, SimulatedPointing(east=2.0 * seed, seed=seed)))
        warps.append(resample(to_rate(image), image.wcs, target, shape))
    return stack_warps(warps)


def test_sources_of_a_patch(stack):
    patch = TRACT[0]
    catalog = catalog_coadd(
        stack.image, stack.n_images, inner=patch.inner_bbox, outer=patch.outer_bbox, zero_point=FIELD.zero_point
    )
    truth = FIELD.truth()
    places = np.column_stack(TRACT.wcs.all_world2pix(truth["ra"], truth["dec"], 0))
    bright = catalog[(catalog["signal_to_noise"] > 50) & (catalog["n_images"] == 4) & (catalog["flags"] == 0)]
    assert len(bright) > 5
    for row in bright:
        distance = np.hypot(places[:, 0] - row["tract_x"], places[:, 1] - row["tract_y"])
        assert distance.min() < 0.2
        assert row["magnitude"] == pytest.approx(truth["mag_v"][distance.argmin()], abs=0.04)
        star = truth[distance.argmin()]
        assert np.hypot(row["ra"] - star["ra"], row["dec"] - star["dec"]) * 3600 < 0.1
    inside = (catalog["tract_x"] < 249.5) & (catalog["tract_y"] < 249.5)
    np.testing.assert_array_equal(catalog["is_primary"], inside)
    assert catalog.meta["n_visits"] == 4
    assert catalog.meta["total_exposure_time"] == 120.0
    # Nothing is found where nothing was seen.
    assert (catalog["n_images"] > 0).all()


def test_deeper_than_a_visit(stack):
    patch = TRACT[0]
    catalog = catalog_coadd(stack.image, stack.n_images, inner=patch.inner_bbox, outer=patch.outer_bbox)
    _, single = characterize_image(FIELD.image(DETECTOR, SimulatedPointing()))
    gain = catalog.meta["limiting_magnitude"] - single.meta["limiting_magnitude"]
    assert gain == pytest.approx(2.5 * np.log10(2.0), abs=0.15)
    assert np.isnan(catalog["magnitude"]).all()
