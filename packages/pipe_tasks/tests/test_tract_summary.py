# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.table import Table

from pachon.pipe_tasks.tract_summary import summarize_tract


def catalog(sources=3, **meta):
    table = Table({"flux": np.ones(sources), "is_primary": [True] * (sources - 1) + [False]})
    table.meta.update(meta)
    return table


def visit(seconds=30.0):
    return catalog(exposure_time=seconds, limiting_magnitude=-5.0, fwhm_arcsec=1.6, sky_level=300.0)


def test_rows_of_visits_and_coadds():
    registration = Table(
        {
            "visit": [1, 1, 2, 2],
            "detector": [0, 1, 0, 1],
            "band": ["V", "V", "V", "V"],
            "used": [True, True, False, False],
            "dx": [1.0, 1.0, 2.0, 2.0],
            "dy": [3.0, 3.0, 4.0, 4.0],
            "rms": [0.1, 0.1, np.nan, np.nan],
            "flux_scale": [1.0, 1.0, 1.0, 1.0],
            "n_matched": [20, 20, 0, 0],
        }
    )
    zero_point = Table({"name": ["a"]})
    zero_point.meta.update({"zero_point": 23.0, "zero_point_error": 0.01, "n_used": 3})
    coadd = catalog(
        5,
        zero_point=float("nan"),
        zero_point_error=float("nan"),
        limiting_magnitude=-6.0,
        n_visits=1,
        total_exposure_time=30.0,
        fwhm_arcsec=1.7,
    )
    table = summarize_tract(
        {2: {0: visit(), 1: visit()}, 1: {0: visit(), 1: visit()}}, registration, {1: zero_point}, {(0, "V"): coadd}
    )
    assert table["kind"].tolist() == ["visit", "visit", "coadd"]
    assert table["visit"].tolist() == [1, 2, 0]
    assert table["n_sources"].tolist() == [6, 6, 4]
    assert table["limiting_magnitude"].tolist() == [18.0, -5.0, -6.0]
    assert table["is_calibrated"].tolist() == [True, False, False]
    assert table["used"].tolist() == [True, False, True]
    assert table["sky_level"][0] == pytest.approx(10.0)
    assert table["fwhm"].unit == "arcsec"
    assert (table.meta["n_visits"], table.meta["n_used"], table.meta["n_coadds"]) == (2, 1, 1)
    assert table.meta["median_rms"] == table.meta["largest_rms"] == 0.1


def test_nothing():
    assert len(summarize_tract({}, Table(), {}, {})) == 0
