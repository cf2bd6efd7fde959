# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.obs_base.box import Box

boxes = st.builds(Box, st.integers(-100, 100), st.integers(-100, 100), st.integers(0, 100), st.integers(0, 100))


def test_edges_and_corners() -> None:
    box = Box(2, 3, 4, 5)
    assert (box.x1, box.y1, box.shape) == (6, 8, (5, 4))
    assert box.corners() == [(1.5, 2.5), (5.5, 2.5), (5.5, 7.5), (1.5, 7.5)]
    assert box.center() == (3.5, 5.0)
    assert box.slices == (slice(3, 8), slice(2, 6))
    assert box.slices_in(Box(1, 1, 10, 10)) == (slice(2, 7), slice(1, 5))


def test_pixels_are_taken_whole() -> None:
    assert Box.from_floats(-0.4, 0.6, 3.5, 4.4) == Box(0, 1, 4, 4)
    assert Box.from_floats(-0.6, 0.0, 0.0, 0.0) == Box(-1, 0, 2, 1)


def test_contains_rounds_to_the_nearest_pixel() -> None:
    box = Box(0, 0, 10, 10)
    assert box.contains(-0.5, 9.4)
    assert not box.contains(-0.51, 0)
    assert not box.contains(0, 9.5)


def test_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 x 2"):
        Box(0, 0, -1, 2)


@given(boxes, boxes)
def test_intersection_is_symmetric_and_inside(a: Box, b: Box) -> None:
    common = a.intersection(b)
    other = b.intersection(a)
    assert common.shape == other.shape
    if not common.is_empty:
        assert common == other
        assert common.intersection(a) == common


@given(boxes, st.integers(0, 20))
def test_grown_holds_the_box(box: Box, margin: int) -> None:
    grown = box.grown(margin)
    assert grown.shape == (box.height + 2 * margin, box.width + 2 * margin)
    if not box.is_empty:
        assert grown.intersection(box) == box
