# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.dimensions import AmbiguousOverlapError, DimensionPacker, DimensionUniverse, automatic_overlaps

UNIVERSE = DimensionUniverse.default()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["visit", "detector", "patch"], ("patch", "visit_detector_region")),
        (["visit", "tract"], ("tract", "visit")),
        (["visit", "htm7"], ("htm7", "visit")),
        (["visit", "detector"], None),
        (["detector", "patch"], None),
        (["exposure", "patch"], None),
    ],
)
def test_spatial(names, expected):
    joins = automatic_overlaps(UNIVERSE.conform(names), "spatial")
    assert [(j.first, j.second) for j in joins] == ([expected] if expected else [])


def test_three_families_need_words():
    group = UNIVERSE.conform(["visit", "tract", "htm7"])
    with pytest.raises(AmbiguousOverlapError, match="explicit OVERLAPS"):
        automatic_overlaps(group, "spatial")
    with pytest.raises(AmbiguousOverlapError):
        automatic_overlaps(group, "spatial", connected=[{"skymap_regions", "observation_regions"}])
    everything = {"skymap_regions", "observation_regions", "htm"}
    assert automatic_overlaps(group, "spatial", connected=[everything]) == ()


def test_times_of_one_family_are_not_joined():
    assert automatic_overlaps(UNIVERSE.conform(["exposure", "visit"]), "temporal") == ()


def test_packer():
    packer = DimensionPacker(bounds={"detector": 4, "visit": 1000})
    assert packer.pack({"detector": 3, "visit": 7}) == 31
    assert packer.unpack(31) == {"detector": 3, "visit": 7}
    assert packer.max_bits == 12
    with pytest.raises(InvalidInputError, match="must be in 0 to 3"):
        packer.pack({"detector": 4, "visit": 7})
