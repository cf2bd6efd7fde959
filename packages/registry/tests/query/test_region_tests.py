# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from lsst.sphgeom import DISJOINT

from pachon.base import InvalidInputError
from pachon.dimensions import region_from_bytes, region_to_bytes
from pachon.dimensions.region import circle, polygon
from pachon.registry.query.polygons import Polygons
from pachon.registry.query.region_tests import overlapping_pairs

_circles = st.builds(circle, st.floats(0, 360), st.floats(-90, 90), st.floats(0, 60)).map(region_to_bytes)


@given(st.lists(_circles | st.none(), min_size=1, max_size=6), st.lists(_circles | st.none(), min_size=1, max_size=6))
def test_as_one_by_one(left: list[bytes | None], right: list[bytes | None]) -> None:
    first, second = (a.reshape(-1) for a in np.meshgrid(np.arange(len(left)), np.arange(len(right))))
    result = overlapping_pairs(left, right, (first, second))
    for a, b, overlap in zip(first, second, result, strict=True):
        one, other = left[a], right[b]
        if one is None or other is None:
            assert not overlap
        else:
            assert overlap == (region_from_bytes(one).overlaps(region_from_bytes(other)) is not False)


def test_touching() -> None:
    boxes = [polygon([(x, 0), (x + 1, 0), (x + 1, 1), (x, 1)]) for x in (10, 11, 12.001)]
    data: list[bytes | None] = [region_to_bytes(box) for box in boxes]
    pairs = (np.array([0, 1, 0]), np.array([1, 2, 2]))
    assert overlapping_pairs(data, data, pairs).tolist() == [True, False, False]


@st.composite
def _polygons(draw: st.DrawFn) -> list[bytes]:
    """Small polygons near each other, some of which touch: on a grid, in any frame."""
    ra, dec = draw(st.floats(0, 360)), draw(st.floats(-80, 80))
    step = draw(st.sampled_from([3e-6, 1e-4, 0.01, 0.2, 3.0]))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        places = draw(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=10))
        try:
            points = [(ra + step * x, min(dec + step * y, 90.0)) for x, y in sorted(places)]
            found.append(region_to_bytes(polygon(points)))
        except InvalidInputError:
            assume(False)
    return found


@given(_polygons(), st.data())
def test_polygons_as_one_by_one(data: list[bytes], draw: st.DataObject) -> None:
    mixed: list[bytes | None] = [*data, *draw.draw(st.lists(_circles | st.none(), max_size=2))]
    first, second = (a.reshape(-1) for a in np.meshgrid(np.arange(len(mixed)), np.arange(len(mixed))))
    result = overlapping_pairs(mixed, mixed, (first, second))
    for a, b, overlap in zip(first, second, result, strict=True):
        one, other = mixed[a], mixed[b]
        if one is None or other is None:
            assert not overlap
        else:
            assert overlap == (not region_from_bytes(one).relate(region_from_bytes(other)) & DISJOINT)


def test_most_polygons_need_no_other_test() -> None:
    boxes = [polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]) for x in range(0, 9, 2) for y in range(0, 9, 2)]
    shifted = [polygon([(x, 0.5), (x + 2, 0.5), (x + 1, 2.5)]) for x in (0.25, 1.25, 5.25)]
    grid, others = (Polygons([region_to_bytes(region) for region in regions]) for regions in (boxes, shifted))
    first, second = (a.reshape(-1) for a in np.meshgrid(np.arange(len(boxes)), np.arange(len(shifted))))
    overlap, sure = grid.overlaps(others, first, second)
    assert grid.known.all()
    assert others.known.all()
    assert sure.all()
    expected = [not boxes[a].relate(shifted[b]) & DISJOINT for a, b in zip(first, second, strict=True)]
    assert overlap.tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_what_is_no_small_polygon() -> None:
    large = polygon([(0, 0), (60, 0), (60, 60), (0, 60)])
    many = polygon([(np.cos(t), np.sin(t)) for t in np.arange(0, 6.28, 0.4)])
    data = [None, region_to_bytes(circle(0, 0, 1)), region_to_bytes(large), region_to_bytes(many)]
    assert not Polygons(data).known.any()
    assert len(overlapping_pairs(data, data, (np.arange(4), np.arange(4)))) == 4
    assert overlapping_pairs(data, data, (np.array([1, 2]), np.array([3, 3]))).all()
