# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_tasks.similarity import Similarity, fit_similarity

number = st.floats(-100.0, 100.0)


@given(dx=number, dy=number, rotation=st.floats(-170.0, 170.0), scale=st.floats(0.5, 2.0), seed=st.integers(0, 1000))
def test_what_was_applied_is_found(dx, dy, rotation, scale, seed):
    points = np.random.default_rng(seed).uniform(-500.0, 500.0, (12, 2))
    truth = Similarity(dx=dx, dy=dy, rotation=rotation, scale=scale, pivot=(30.0, -20.0))
    found = fit_similarity(points, truth.apply(points), model="similarity")
    assert found.scale == pytest.approx(scale, rel=1e-9)
    assert np.cos(np.deg2rad(found.rotation - rotation)) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found.apply(points), truth.apply(points), atol=1e-7)


def test_a_shift_is_the_weighted_mean():
    first = np.array([[0.0, 0.0], [10.0, 0.0]])
    found = fit_similarity(first, np.add(first, [[1.0, 0.0], [5.0, 4.0]]), weights=np.array([3.0, 1.0]))
    assert (found.dx, found.dy) == (2.0, 1.0)
    assert (found.rotation, found.scale) == (0.0, 1.0)


def test_few_stars_give_a_shift():
    points = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    found = fit_similarity(points, 2.0 * points, model="similarity")
    assert found.scale == 1.0


def test_identity():
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(Similarity().apply(points), points)
