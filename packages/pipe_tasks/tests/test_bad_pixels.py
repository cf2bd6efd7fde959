# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.bad_pixels import fill_bad_pixels


def test_columns_are_bridged_by_a_line():
    data = np.tile(np.arange(10.0), (4, 1))
    bad = np.zeros(data.shape, dtype=bool)
    bad[:, 3:6] = bad[:, 0] = True
    broken = np.where(bad, 1e5, data)
    filled = fill_bad_pixels(broken, bad)
    assert filled[:, 1:] == pytest.approx(data[:, 1:])
    assert (filled[:, 0] == 1.0).all()
    assert broken[0, 3] == 1e5


def test_a_whole_row_is_taken_from_its_neighbour():
    data = np.arange(12.0).reshape(4, 3)
    bad = np.zeros(data.shape, dtype=bool)
    bad[0] = True
    assert fill_bad_pixels(data, bad)[0].tolist() == [3.0, 4.0, 5.0]
    assert not fill_bad_pixels(data, np.ones_like(bad)).any()
