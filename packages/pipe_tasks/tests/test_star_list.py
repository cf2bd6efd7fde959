# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.projection import pixels_to_sky
from pachon.pipe_tasks.registration import RegistrationSettings, register_visits
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.star_list import find_registration, make_star_list, registration_table
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing, SimulatedSkyMap
from pachon.pipe_tasks.visit_image import characterize_image

DETECTOR, FIELD = SimulatedDetector(), SimulatedField(stars=150)
TRACT = SimulatedSkyMap(ra=150.0, dec=20.0)[0]
POINTINGS = {
    11: SimulatedPointing(seed=1),
    12: SimulatedPointing(east=6.0, north=-9.0, error_east=70.0, error_north=-85.0, seed=2),
    13: SimulatedPointing(
        east=-8.0, north=3.0, error_east=15.0, error_north=-20.0, angle=181.0, seed=3, throughput=0.5
    ),
}


@pytest.fixture(scope="module")
def catalogs():
    return {visit: {0: characterize_image(FIELD.image(DETECTOR, pointing))[1]} for visit, pointing in POINTINGS.items()}


@pytest.fixture(scope="module")
def table(catalogs):
    lists = [make_star_list(visit, "V", found, TRACT.wcs) for visit, found in catalogs.items()]
    results = register_visits(lists, RegistrationSettings(max_offset=300.0, tolerance=3.0))
    return registration_table(results, dict.fromkeys(catalogs, "V"), catalogs, TRACT.wcs)


def test_star_lists(catalogs):
    stars = make_star_list(11, "V", catalogs[11], TRACT.wcs)
    assert np.all(np.diff(stars.flux) <= 0)
    assert len(stars.positions) == len(stars.errors) == len(stars.detectors)
    truth = FIELD.truth()
    expected = np.column_stack(TRACT.wcs.all_world2pix(truth["ra"], truth["dec"], 0))
    distance = np.hypot(*(stars.positions[:20, None] - expected[None]).transpose(2, 0, 1)).min(axis=1)
    assert distance.max() < 0.3


def test_unusable_sources_are_left_out(catalogs):
    spoilt = catalogs[11][0].copy()
    before = len(make_star_list(11, "V", {0: spoilt}, TRACT.wcs).positions)
    spoilt["flags"][0] |= SourceFlag.SATURATED
    assert len(make_star_list(11, "V", {0: spoilt}, TRACT.wcs).positions) == before - 1
    del spoilt.meta["wcs"]
    empty = make_star_list(11, "V", {0: spoilt}, TRACT.wcs)
    assert empty.positions.shape == (0, 2)


def test_the_corrected_wcs_agree_on_where_the_stars_are(table):
    """Pointing errors of up to 110 arcsec shrink to a fraction of a pixel of 0.4 arcsec."""
    assert table["used"].all()
    assert max(table["rms"]) < 0.3
    truth, places = FIELD.truth(), {}
    for visit, pointing in POINTINGS.items():
        corrected, _ = find_registration(table, visit, 0)
        wcs = corrected.apply(FIELD.wcs(DETECTOR, pointing))
        places[visit] = pixels_to_sky(wcs, FIELD.true_pixels(DETECTOR, pointing))
    reference = int(table["visit"][table["is_reference"]][0])
    for found in places.values():
        apart = (found - places[reference]) * 3600.0
        assert np.abs(apart).max() < 0.1
    # The frame is that of the median pointing: right up to its error.
    east = (places[reference][:, 0] - truth["ra"]) * np.cos(np.deg2rad(FIELD.dec)) * 3600.0
    assert np.median(east) == pytest.approx(np.median([p.error_east for p in POINTINGS.values()]), abs=0.3)


def test_flux_scales(table):
    scale = {int(row["visit"]): row["flux_scale"] for row in table}
    assert scale[13] / scale[11] == pytest.approx(2.0, rel=0.02)
    assert scale[12] / scale[11] == pytest.approx(1.0, rel=0.02)


def test_what_is_not_used_has_no_wcs(table):
    changed = table.copy()
    changed["used"][0] = False
    assert find_registration(changed, int(changed["visit"][0]), 0) is None
    assert find_registration(table, 99, 0) is None
    assert table["dx"].description
    assert str(table["rotation"].unit) == "deg"
