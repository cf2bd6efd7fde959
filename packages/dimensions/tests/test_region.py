# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.dimensions import (
    DimensionUniverse,
    Region,
    envelope_ranges,
    region_from_bytes,
    region_to_bytes,
    touching_pixels,
)
from pachon.dimensions.region import circle, polygon


@pytest.mark.parametrize("region", [circle(10, 20, 0.5), polygon([(0, 0), (1, 0), (1, 1), (0, 1)])])
def test_bytes_round_trip(region):
    assert region_from_bytes(region_to_bytes(region)) == region
    assert isinstance(region, Region)


@pytest.mark.parametrize("data", [b"", b"x", b"c123"])
def test_bytes_that_are_no_region(data):
    with pytest.raises(InvalidInputError, match="no region"):
        region_from_bytes(data)


def test_points_without_a_hull():
    with pytest.raises(InvalidInputError, match="no convex hull"):
        polygon([(0, 0), (1, 0)])


def test_envelope_covers_the_region():
    pixels = DimensionUniverse.default().pixelization("htm7")
    region = circle(10, 20, 1.0)
    assert any(begin <= 257476 < end for begin, end in envelope_ranges(pixels, region))
    assert (envelope_ranges(pixels, circle(0, 0, 0.0))[:, 1] > envelope_ranges(pixels, circle(0, 0, 0.0))[:, 0]).any()


@pytest.mark.parametrize("name", ["htm7", "htm5", "healpix4"])
def test_pixels_that_touch_a_region(name: str) -> None:
    pixels, region = DimensionUniverse.default().pixelization(name), circle(40, -20, 1.5)
    touching = touching_pixels(pixels, region).tolist()
    near = [n for begin, end in envelope_ranges(pixels, region).tolist() for n in range(begin, end)]
    assert set(touching) <= set(near)
    assert touching == sorted(set(touching))
    # Every point of the region is in one of them, and those that are left out share no point with it.
    inside = [circle(40 + x, -20 + y, 0.0).getCenter() for x in (-1, 0, 1) for y in (-1, 0, 1)]
    assert {pixels.index(point) for point in inside} <= set(touching)
    assert all(not region.contains(pixels.pixel(n).getCentroid()) for n in set(near) - set(touching))
