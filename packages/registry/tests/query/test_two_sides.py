# SPDX-License-Identifier: BSD-3-Clause
"""Joins on the sky whose two sides meet in arrays."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.datasets import DatasetSearch
from pachon.dimensions import DataIdTable, DimensionUniverse, region_from_bytes, region_to_bytes
from pachon.dimensions.region import polygon
from pachon.registry import SqlRegistry
from pachon.registry.dimension_records.overlaps import pixels_of_regions
from pachon.registry.query import two_sides
from pachon.registry.query.region_tests import RegionTable
from pachon.registry.query.two_sides import joined_rows, overlapping_records, pixel_ranges, split_at_overlap


def _box(ra: float, dec: float, width: float) -> bytes:
    corners = [(ra, dec), (ra + width, dec), (ra + width, dec + width), (ra, dec + width)]
    return region_to_bytes(polygon(corners))


_boxes = st.lists(st.builds(_box, st.floats(0, 5), st.floats(-5, 5), st.floats(0.05, 3)), min_size=1, max_size=8)


@settings(max_examples=40)
@given(_boxes, _boxes)
def test_pairs_of_records_are_those_that_overlap(left: list[bytes], right: list[bytes]) -> None:
    grid = DimensionUniverse.default().pixelization("htm7")
    pixels = [pixels_of_regions(grid, side) for side in (left, right)]
    found = overlapping_records(RegionTable(left), RegionTable(right), pixels)
    regions = [[region_from_bytes(item) for item in side] for side in (left, right)]
    wanted = [
        (i, j)
        for (i, one), (j, other) in itertools.product(enumerate(regions[0]), enumerate(regions[1]))
        if one.overlaps(other) is not False
    ]
    assert list(zip(*(numbers.tolist() for numbers in found), strict=True)) == wanted


def test_pairs_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [_box(0.1 * i, 0, 0.25) for i in range(30)]
    pixels = pixels_of_regions(DimensionUniverse.default().pixelization("htm7"), boxes)
    table = RegionTable(boxes)
    whole = overlapping_records(table, table, [pixels, pixels])
    monkeypatch.setattr(two_sides, "_PAIRS", 3)
    parts = overlapping_records(table, table, [pixels, pixels])
    assert all((one == other).all() for one, other in zip(whole, parts, strict=True))
    assert len(whole[0]) > 100


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12), st.data())
def test_rows_that_belong_together(left: list[int], right: list[int], data: st.DataObject) -> None:
    pairs = sorted(data.draw(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)))))
    first, second = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    rows = joined_rows([np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)], (first, second))
    found = sorted(zip(rows[0].tolist(), rows[1].tolist(), strict=True))
    assert found == [
        (i, j) for (i, a), (j, b) in itertools.product(enumerate(left), enumerate(right)) if (a, b) in pairs
    ]


@given(st.sets(st.integers(0, 40)))
def test_ranges_hold_the_pixels(pixels: set[int]) -> None:
    ranges = pixel_ranges(np.array(sorted(pixels), dtype=np.int64))
    assert [i for begin, end in ranges for i in range(begin, end)] == sorted(pixels)
    assert (ranges[1:, 0] > ranges[:-1, 1]).all()


def test_plans_with_one_overlap_are_split(example: SqlRegistry) -> None:
    query, universe = example.query, example.universe

    def sides(*dimensions: str, **conditions: object) -> tuple[str, str] | None:
        found = split_at_overlap(query.plan(query.spec(list(dimensions), **conditions)), universe)
        return None if found is None else (found.first.element, found.second.element)

    assert sides("visit", "detector", "patch") is not None
    # The side with more conditions is asked first.
    assert sides("visit", "patch", where="skymap = 'x' AND patch = 1") == ("patch", "visit")
    assert sides("visit", "patch", where="instrument = 'x' AND visit = 1") == ("visit", "patch")
    # A condition that needs both sides, an order, and a query without an overlap are left to the database.
    assert sides("visit", "patch", where="visit.exposure_time > patch.cell_x") is None
    assert sides("visit", "patch", order_by="visit") is None
    assert sides("visit", "detector") is None


@pytest.mark.parametrize(
    "where", ["", "tract.region OVERLAPS CIRCLE(0, 0, 3)", "visit.exposure_time > 0", "patch.cell_x < 1 AND band = 'r'"]
)
def test_answers_are_those_of_the_database(example: SqlRegistry, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows() -> list[tuple[object, ...]]:
        found: DataIdTable = example.query.data_ids(["visit", "detector", "patch"], where=where)
        return sorted(data_id.required_values for data_id in found)

    in_arrays = rows()
    assert in_arrays or where
    monkeypatch.setattr("pachon.registry.query.execute.split_at_overlap", lambda *_: None)
    assert in_arrays == rows()


def test_nothing_on_one_side(example: SqlRegistry) -> None:
    assert not len(example.query.data_ids(["visit", "detector", "patch"], where="visit.exposure_time < -1"))
    search = [DatasetSearch(dataset_type="bias", collections=("imported_g",))]
    assert not len(example.query.data_ids(["visit", "patch"], where="patch.cell_x < -1", datasets=search))
