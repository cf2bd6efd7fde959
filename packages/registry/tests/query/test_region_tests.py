# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pachon.dimensions import region_from_bytes, region_to_bytes
from pachon.dimensions.region import circle, polygon
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
