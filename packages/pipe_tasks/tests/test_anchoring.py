# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.anchoring import anchor_groups
from pachon.pipe_tasks.photometric_calibration import ZeroPointSettings, visit_zero_point
from pachon.pipe_tasks.registration import RegistrationSettings, register_visits
from pachon.pipe_tasks.standard_stars import read_standard_stars
from pachon.pipe_tasks.star_list import find_registration, make_star_list, registration_table
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing, SimulatedSkyMap
from pachon.pipe_tasks.visit_image import characterize_image

DETECTOR, FIELD = SimulatedDetector(), SimulatedField(stars=120, size=130.0)
TRACT = SimulatedSkyMap(ra=150.0, dec=20.0)[0]
POINTINGS = {
    1: SimulatedPointing(error_east=40.0, error_north=-55.0, seed=1),
    2: SimulatedPointing(east=4.0, error_east=44.0, error_north=-50.0, angle=1.0, seed=2),
}


@pytest.fixture(scope="module")
def registered():
    catalogs = {v: {0: characterize_image(FIELD.image(DETECTOR, p))[1]} for v, p in POINTINGS.items()}
    lists = [make_star_list(visit, "V", found, TRACT.wcs) for visit, found in catalogs.items()]
    return catalogs, register_visits(lists, RegistrationSettings(max_offset=300.0, tolerance=3.0))


def test_standards_in_one_visit_move_its_group(registered):
    catalogs, results = registered
    standards = read_standard_stars(FIELD.truth()[:8])
    zero_points = {1: visit_zero_point(catalogs[1], standards, "V", ZeroPointSettings(tolerance=1.5))}
    anchored = anchor_groups(results, catalogs, zero_points, TRACT.wcs)
    assert all(result.is_anchored for result in anchored)
    table = registration_table(anchored, {1: "V", 2: "V"}, catalogs, TRACT.wcs)
    truth = FIELD.truth()
    for visit, pointing in POINTINGS.items():
        wcs = find_registration(table, visit, 0)[0].apply(FIELD.wcs(DETECTOR, pointing))
        sky = np.column_stack(wcs.all_pix2world(*FIELD.true_pixels(DETECTOR, pointing).T, 0))
        east = (sky[:, 0] - truth["ra"]) * np.cos(np.deg2rad(20.0)) * 3600
        north = (sky[:, 1] - truth["dec"]) * 3600
        assert np.abs(np.concatenate([east, north])).max() < 0.1


def test_without_standards_nothing_moves(registered):
    catalogs, results = registered
    assert anchor_groups(results, catalogs, {}, TRACT.wcs) == results
