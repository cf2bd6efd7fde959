# SPDX-License-Identifier: BSD-3-Clause
import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from pachon.base import FormatError
from pachon.pipe_tasks.standard_stars import join_standard_stars, read_standard_stars


def test_sexagesimal_text_and_a_colour():
    table = Table({"name": ["a", "b"], "ra": ["19:37:28.6", "19:37:41.5"], "dec": ["+00:25:03", "-00:26:51"]})
    table["V"], table["B_V"] = [12.388, 11.419], [0.395, 1.710]
    table["x_d3171"], table["minst_V"] = [1.0, 2.0], [3.0, 4.0]
    found = read_standard_stars(table)
    assert found.colnames == ["name", "ra", "dec", "mag_b", "mag_v"]
    assert found["ra"][0] == pytest.approx(294.369167, abs=1e-5)
    assert found["dec"].tolist() == pytest.approx([0.4175, -0.4475])
    assert found["mag_b"].tolist() == pytest.approx([12.783, 13.129])


def test_degrees_quantities_and_names_that_are_made():
    plain = read_standard_stars(Table({"ra": [10.0], "dec": [-5.0], "mag_r": [15.0]}))
    assert plain["name"].tolist() == ["1"]
    hours = read_standard_stars(Table({"ra": [1.0] * u.hourangle, "dec": [60.0] * u.arcmin, "r": [15.0]}))
    assert (hours["ra"][0], hours["dec"][0]) == pytest.approx((15.0, 1.0))


def test_chains_of_colours_and_missing_values():
    table = Table({"ra": [1.0], "dec": [2.0], "V": [10.0], "U-B": [0.5], "B-V": [0.3], "V-R": [0.2]})
    found = read_standard_stars(table)
    assert [found[f"mag_{band}"][0] for band in "ubvr"] == pytest.approx([10.8, 10.3, 10.0, 9.8])
    masked = Table({"ra": [1.0], "dec": [2.0], "V": MaskedColumn([10.0], mask=[True])})
    assert np.isnan(read_standard_stars(masked)["mag_v"][0])


def test_columns_by_name():
    table = Table({"ra": [1.0], "dec": [2.0], "gmag_best": [10.0]})
    assert read_standard_stars(table, columns={"g": "gmag_best"})["mag_g"][0] == 10.0
    with pytest.raises(FormatError, match="no column 'nothing'"):
        read_standard_stars(table, columns={"g": "nothing"})


def test_tables_of_something_else():
    with pytest.raises(FormatError, match="no column dec"):
        read_standard_stars(Table({"ra": [1.0], "V": [1.0]}))
    with pytest.raises(FormatError, match="no magnitudes"):
        read_standard_stars(Table({"ra": [1.0], "dec": [1.0], "proper_motion": [1.0]}))


def test_shards_are_joined_without_repetition():
    first = Table({"ra": [10.0, 359.9999], "dec": [0.0, 0.0], "V": [1.0, 2.0]})
    second = Table({"ra": [10.0001, 20.0], "dec": [0.0, 0.0], "V": [9.0, 3.0], "B": [9.5, 3.5]})
    joined = join_standard_stars([first, second])
    assert joined["mag_v"].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(joined["mag_b"][0])
    assert join_standard_stars([]) is None
