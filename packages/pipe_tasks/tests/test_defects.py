# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from astropy.table import Table

from pachon.base import FormatError
from pachon.pipe_tasks.defects import defect_mask


def test_boxes_are_drawn_and_cut_at_the_edges():
    table = Table({"x0": [2, -3, 8], "y0": [1, 0, 8], "width": [1, 4, 99], "height": [4, 1, 99], "reason": list("abc")})
    mask = defect_mask(table, (10, 10))
    expected = np.zeros((10, 10), dtype=bool)
    expected[1:5, 2] = True
    expected[0, 0] = True
    expected[8:, 8:] = True
    np.testing.assert_array_equal(mask, expected)


def test_no_table_is_no_defects():
    assert not defect_mask(None, (4, 5)).any()


def test_a_table_of_something_else():
    with pytest.raises(FormatError, match="no column width, height"):
        defect_mask(Table({"x0": [1], "y0": [1]}), (4, 5))
