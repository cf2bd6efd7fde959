# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.table import Table

from pachon.pipe_tasks.photometric_calibration import ZeroPointSettings, coadd_zero_point, visit_zero_point
from pachon.pipe_tasks.standard_stars import read_standard_stars
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing
from pachon.pipe_tasks.visit_image import characterize_image

DETECTOR, FIELD = SimulatedDetector(), SimulatedField(stars=100, size=120.0)


@pytest.fixture(scope="module")
def catalogs():
    pointing = SimulatedPointing(error_east=-60.0, error_north=85.0)
    return {0: characterize_image(FIELD.image(DETECTOR, pointing))[1]}


def test_the_true_zero_point_despite_the_pointing(catalogs):
    """A few bright standards, 104 arcsec from where the header puts them."""
    standards = read_standard_stars(FIELD.truth()[:6])
    table = visit_zero_point(catalogs, standards, "V")
    assert table is not None
    assert table.meta["n_used"] >= 4
    # The large aperture holds all of a Gaussian.
    assert table.meta["zero_point"] == pytest.approx(FIELD.zero_point, abs=0.02)
    assert table.meta["zero_point_error"] < 0.02
    # Where the stars are minus where the header puts them is minus the error... of a header that is off by it.
    assert (table.meta["offset_ra"], table.meta["offset_dec"]) == pytest.approx((-60.0, 85.0), abs=0.5)
    assert set(table["name"]) <= set(standards["name"])
    assert np.abs(table["residual"]).max() < 0.05


def test_no_standards_in_the_band_or_in_the_field(catalogs):
    standards = read_standard_stars(FIELD.truth()[:6])
    assert visit_zero_point(catalogs, standards, "B") is None
    assert visit_zero_point(catalogs, None, "V") is None
    elsewhere = standards.copy()
    elsewhere["dec"] += 1.0
    assert visit_zero_point(catalogs, elsewhere, "V") is None
    assert visit_zero_point({0: catalogs[0][:0]}, standards, "V") is None


def test_a_minimum_of_standards(catalogs):
    standards = read_standard_stars(FIELD.truth()[:3])
    assert visit_zero_point(catalogs, standards, "V", ZeroPointSettings(minimum=4)) is None


def test_zero_point_of_a_coadd():
    registration = Table(
        {
            "visit": [1, 2, 3, 4],
            "band": list("VVBV"),
            "used": [True, True, True, False],
            "flux_scale": [1.0, 2.0, 1.0, 1.0],
        }
    )

    def point(value, band):
        table = Table({"name": ["a"]})
        table.meta.update({"zero_point": value, "zero_point_error": 0.01, "band": band})
        return table

    zero_points = {
        1: point(23.0, "V"),
        2: point(23.0 - 2.5 * np.log10(2.0), "V"),
        3: point(22.0, "B"),
        4: point(9.0, "V"),
    }
    assert coadd_zero_point(registration, zero_points, "V") == (pytest.approx(23.0), 0.01, 2)
    assert coadd_zero_point(registration, zero_points, "B")[0] == pytest.approx(22.0)
    value, _, count = coadd_zero_point(registration, {}, "V")
    assert np.isnan(value)
    assert count == 0
